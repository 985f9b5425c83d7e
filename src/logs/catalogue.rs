//! The catalogue of Airflow's messages, read from `messages.toml`.

use super::line::Level;
use crate::tables::task_events::Event;
use serde::Deserialize;
use std::sync::LazyLock;

/// One literal message.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    text: String,
    also: Option<String>,
    event: String,
    /// How it names the task.
    pub(super) names: Naming,
    speaker: Speaker,
    /// The state that it means, where the text does not spell it.
    pub(super) state: Option<String>,
    level: Option<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "read by people, and by the test that asks every entry for its versions"))]
    airflow: String,
}

/// How a message names the task.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Naming {
    /// `TaskInstanceKey(…)`.
    Key,
    /// One `<TaskInstance: …>`.
    Instance,
    /// One `<TaskInstance: …>` per line behind it.
    List,
    /// `dag_id=…, task_id=…, …`.
    Fields,
    /// Only `task_id=…`.
    TaskId,
    /// The command line of the try.
    Command,
    /// `dag_id='…'` and so on, whole or mangled.
    Parts,
    /// `('dag', 'task', …)`.
    Tuple,
    /// It speaks of the try whose log it stands in.
    Own,
    /// It speaks of no task.
    None,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Speaker {
    Scheduler,
    Worker,
    Task,
}

#[derive(Debug, Deserialize)]
struct Catalogue {
    message: Vec<Message>,
}

/// The messages, and which of them begin with a byte.
struct Index {
    messages: Vec<(Message, Event)>,
    by_byte: Vec<Vec<usize>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let listed = toml::from_str::<Catalogue>(include_str!("messages.toml")).map(|it| it.message).unwrap_or_default();
    let mut by_byte = vec![Vec::new(); 256];
    let messages: Vec<_> = listed.into_iter().filter_map(|it| Some((event_named(&it.event)?, it))).map(|(event, it)| (it, event)).collect();
    for (index, (message, _)) in messages.iter().enumerate() {
        if let Some(slot) = message.text.bytes().next().and_then(|it| by_byte.get_mut(usize::from(it))) {
            slot.push(index);
        }
    }
    Index { messages, by_byte }
});

fn event_named(name: &str) -> Option<Event> {
    use Event as E;
    let all = [
        E::Queued,
        E::Started,
        E::Finished,
        E::Ended,
        E::StuckRequeued,
        E::StuckFailed,
        E::StuckExhausted,
        E::CouldNotQueue,
        E::StateMismatch,
        E::Zombie,
        E::PoolFull,
        E::DagLimit,
        E::ParallelismFull,
        E::WorkerStopping,
        E::WorkerLost,
        E::SchedulerStarted,
        E::SendFailed,
    ];
    all.into_iter().find(|it| it.name() == name)
}

/// The message that a record is, if it is one, and what it means.
pub(super) fn recognise(body: &str, origin: &str, level: Option<Level>) -> Option<(&'static Message, Event)> {
    let first = *body.as_bytes().first()?;
    let slot = INDEX.by_byte.get(usize::from(first))?;
    slot.iter().filter_map(|it| INDEX.messages.get(*it)).find_map(|(message, event)| {
        let spoken = body.starts_with(&message.text)
            && message.also.as_ref().is_none_or(|it| body.contains(it.as_str()))
            && message.level.is_none_or_matches(level)
            && message.speaker.may_be(origin);
        spoken.then_some((message, *event))
    })
}

/// A message that another record carries inside a callback request, as DEBUG logs of the DAG processor do.
pub(super) fn carried(body: &str) -> Option<&str> {
    let at = body.find("'msg': \"Executor reports task instance ")?;
    body.get(at + "'msg': \"".len()..)?.split('"').next()
}

trait LevelName {
    fn is_none_or_matches(&self, level: Option<Level>) -> bool;
}

impl LevelName for Option<String> {
    fn is_none_or_matches(&self, level: Option<Level>) -> bool {
        self.as_deref().is_none_or(|name| level.is_none() || level == Level::named(name))
    }
}

impl Speaker {
    /// Whether a record of this source file or logger may be by this speaker. Nameless records may be anybody's.
    fn may_be(self, origin: &str) -> bool {
        let is_one_of = |words: &[&str]| words.iter().any(|it| origin.contains(it));
        let name = origin.is_empty() || !origin.contains(|it: char| it.is_ascii_alphabetic());
        name || match self {
            Self::Scheduler => is_one_of(&["scheduler", "executor", "manager", "dag_processing", "jobs", "dagrun", "processor"]),
            Self::Worker => is_one_of(&["celery", "worker", "supervisor", "executor"]),
            Self::Task => {
                origin == "task"
                    || is_one_of(&[
                        "taskinstance",
                        "task_job",
                        "task_runner",
                        "task_command",
                        "cli",
                        "airflow.",
                        "supervisor",
                        "logging_mixin",
                        "models",
                    ])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_read() {
        let listed = toml::from_str::<Catalogue>(include_str!("messages.toml")).unwrap().message;
        assert_eq!(INDEX.messages.len(), listed.len(), "an event of the catalogue is unknown");
        assert!(listed.iter().all(|it| !it.airflow.is_empty()));
    }

    #[test]
    fn a_message_in_another_voice_is_a_mention() {
        let text = "Task stuck in queued; will try to requeue. task_id=printer";
        assert!(recognise(text, "scheduler_job_runner.py", Some(Level::Info)).is_some());
        assert!(recognise(text, "negatives.py", Some(Level::Info)).is_none());
        assert!(recognise(&format!("Job 4711: {text}"), "scheduler_job_runner.py", None).is_none());
    }
}
