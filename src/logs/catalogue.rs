//! The catalogue of Airflow's messages, read from `messages.toml`.

use super::{identity, line::Level, stream::Record};
use crate::{tables::task_events::Event, text};
use memchr::memmem::{self, Finder};
use serde::Deserialize;
use std::{borrow::Cow, sync::LazyLock};

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
    /// It speaks of that try by its exit code.
    Code,
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

/// A message, and what it means.
pub(super) type Entry = (Message, Event);

impl Message {
    /// What stands behind the words with which it begins.
    pub(super) fn behind<'t>(&self, text: &'t str) -> Option<&'t str> {
        text.get(self.text.len()..)
    }

    /// Whether it is a scheduler's, and nothing else is asked of it than who says it.
    pub(super) fn is_of_scheduler(&self) -> bool {
        self.speaker == Speaker::Scheduler && self.also.is_none() && self.level.is_none() && self.state.is_none()
    }
}

#[derive(Debug, Deserialize)]
struct Catalogue {
    message: Vec<Message>,
}

/// The messages, and which of them begin with a pair of bytes: most bodies begin with no such pair.
struct Index {
    messages: Vec<Entry>,
    /// Of each pair, which of the lists is its own; the first one is empty.
    pairs: Vec<u16>,
    lists: Vec<Vec<usize>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let listed = toml::from_str::<Catalogue>(include_str!("messages.toml")).map(|it| it.message).unwrap_or_default();
    let (mut pairs, mut lists) = (vec![0_u16; 1 << 16], vec![Vec::new()]);
    let messages: Vec<_> = listed.into_iter().filter_map(|it| Some((event_named(&it.event)?, it))).map(|(event, it)| (it, event)).collect();
    for (index, (message, _)) in messages.iter().enumerate() {
        let Some(pair) = pair_of(message.text.as_bytes()).and_then(|it| pairs.get_mut(it)) else { continue };
        if *pair == 0 {
            *pair = u16::try_from(lists.len()).unwrap_or(0);
            lists.push(Vec::new());
        }
        if let Some(list) = lists.get_mut(usize::from(*pair)) {
            list.push(index);
        }
    }
    Index { messages, pairs, lists }
});

/// The messages that begin with the first two bytes of a text.
fn candidates_of(text: &[u8]) -> impl Iterator<Item = &'static Entry> {
    let list = pair_of(text).and_then(|it| INDEX.lists.get(usize::from(*INDEX.pairs.get(it)?)));
    list.into_iter().flatten().filter_map(|it| INDEX.messages.get(*it))
}

/// The place of a pair of bytes.
fn pair_of(text: &[u8]) -> Option<usize> {
    text.first_chunk().map(|it| usize::from(u16::from_le_bytes(*it)))
}

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

/// A message of the catalogue, as somebody says it.
pub(super) struct Spoken<'a> {
    /// Its entry.
    pub(super) message: &'static Message,
    /// What it means.
    pub(super) event: Event,
    /// The message and what follows it.
    pub(super) body: Cow<'a, str>,
}

/// Every message that a record holds: one behind a head; in a text without heads, any of its lines may begin one.
pub(super) fn recognise<'a>(record: &Record<'a>) -> Vec<Spoken<'a>> {
    if record.level.is_some() || !record.logger.is_empty() {
        let body = carried(record.body).unwrap_or(record.body);
        return spoken(body, record, false).into_iter().collect();
    }
    let lines: Vec<(usize, &str)> = record.places.iter().map(|it| it.0).zip(record.body.lines()).collect();
    let begins = |(at, line): &(usize, &str)| {
        let lead = lead_of(line);
        let text = line.get(lead..)?;
        first_of(text).then_some((at + lead, !line.get(..lead)?.trim_matches(is_mark).is_empty()))
    };
    let starts: Vec<(usize, bool)> = lines.iter().filter_map(begins).collect();
    let ends = starts.iter().skip(1).map(|it| it.0).chain([record.body.len()]);
    starts.iter().zip(ends).filter_map(|((from, worded), to)| spoken(record.body.get(*from..to)?, record, *worded)).collect()
}

/// Characters that lists, quotes and tables put before a line.
fn is_mark(it: char) -> bool {
    it.is_whitespace()
        || it.is_ascii_digit()
        || matches!(it, '>' | '*' | '-' | '`' | '|' | '.' | ')' | '"' | '\'' | '\u{2022}' | '\u{2502}')
}

/// Words that stand between the beginning of a line and a message that it carries.
const LEADS: &[&str] = &["Exception: ", "Error: ", "message: ", "| ", "\t", "<br>", "`"];

/// How many bytes of a line stand before the message that it carries.
fn lead_of(line: &str) -> usize {
    let marks = line.len() - line.trim_start_matches(is_mark).len();
    if line.get(marks..).is_some_and(first_of) {
        return marks;
    }
    let ends = LEADS.iter().filter_map(|it| Some(line.rfind(it)? + it.len()));
    ends.filter(|it| *it <= 300 && line.get(*it..).is_some_and(first_of)).min().unwrap_or(0)
}

/// The first message of the catalogue that a body may be.
pub(super) fn begun(body: &[u8]) -> Option<&'static Entry> {
    candidates_of(body).find(|it| body.starts_with(it.0.text.as_bytes()))
}

/// Whether a source file or logger may be a scheduler's.
pub(super) fn is_scheduler(logger: &str) -> bool {
    Speaker::Scheduler.may_be(logger)
}

/// Whether a text begins like a message of the catalogue.
fn first_of(text: &str) -> bool {
    candidates(text).next().is_some()
}

fn candidates(text: &str) -> impl Iterator<Item = &'static Entry> {
    candidates_of(text.as_bytes()).filter(move |it| text.starts_with(&it.0.text))
}

/// The message that a text is, in the voice of the record. With words before it, only what names a queued task counts.
pub(super) fn spoken<'a>(text: &'a str, record: &Record<'_>, worded: bool) -> Option<Spoken<'a>> {
    // A Celery worker puts the id of its own task first.
    let text = text.get(39..).filter(|_| text.starts_with('[') && text.as_bytes().get(37) == Some(&b']')).unwrap_or(text);
    let body = if record.level.is_none() && text.contains('\n') { Cow::Owned(text.trim_end().to_owned()) } else { Cow::Borrowed(text) };
    candidates(text).find_map(|(message, event)| {
        let also = |text: &str| message.also.as_ref().is_none_or(|it| text.contains(it.as_str()));
        // A paste may be wrapped anywhere between two words.
        let body = if also(&body) { body.clone() } else { Cow::Owned(text::one_line(&body)) };
        let vouched = is_of_queued(*event) && !record.printed && names_a_queued_task(&body);
        let heard = also(&body)
            && message.level.is_none_or_matches(record.level)
            && (vouched || (!worded && message.speaker.may_be(record.logger)));
        heard.then_some(Spoken { message, event: *event, body })
    })
}

/// Whether an event is about a task that sits in queued.
fn is_of_queued(event: Event) -> bool {
    matches!(event, Event::StuckRequeued | Event::StuckFailed | Event::StuckExhausted | Event::CouldNotQueue | Event::StateMismatch)
}

/// A text that names a task and its state queued is a message whoever passes it on; a template or a comment is none.
fn names_a_queued_task(body: &str) -> bool {
    let key = body.contains("TaskInstanceKey(dag_id='") || body.contains("(\"") || body.contains("[\"");
    key || identity::instances(body).iter().any(|it| it.1 == "queued" && it.0.task_id.is_some())
}

/// A message that another record carries inside a callback request, as DEBUG logs of the DAG processor do.
fn carried(body: &str) -> Option<&str> {
    static MESSAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("'msg': \"Executor reports task instance "));
    let at = MESSAGE.find(body.as_bytes())?;
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
        let is_one_of = |words: &[&str]| words.iter().any(|it| memmem::find(origin.as_bytes(), it.as_bytes()).is_some());
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

    fn heard(body: &str, logger: &str, level: Option<Level>) -> usize {
        let places: Vec<(usize, u64)> = body.match_indices('\n').map(|it| it.0 + 1).chain([0]).map(|it| (it, 1)).collect();
        let mut places = places;
        places.sort_unstable();
        let origin = crate::tables::Origin { file: "f".into(), record: 1 };
        recognise(&Record { at: None, level, logger, process: "", body, printed: false, task: None, origin, places: &places }).len()
    }

    #[test]
    fn a_message_in_another_voice_is_a_mention() {
        let text = "Task stuck in queued; will try to requeue. task_id=printer";
        assert_eq!(heard(text, "scheduler_job_runner.py", Some(Level::Info)), 1);
        assert_eq!(heard(text, "negatives.py", Some(Level::Info)), 0);
        assert_eq!(heard(&format!("Job 4711: {text}"), "scheduler_job_runner.py", None), 0);
    }

    #[test]
    fn what_names_a_queued_task_vouches_for_itself() {
        let text = "Executor reports task instance <TaskInstance: a.b r [queued]> finished (failed) although the task says it's queued.";
        assert_eq!(heard(text, "taskinstance.py", Some(Level::Error)), 1);
        assert_eq!(heard(&format!("It fails with:\n```\n{text}\n```"), "", None), 1);
        assert_eq!(heard(&format!("1. airflow.exceptions.AirflowException: {text}"), "", None), 1);
        assert_eq!(heard(&text.replace("although the", "although\nthe"), "", None), 1);
        assert_eq!(heard(&format!("msg=\"{text}\""), "", None), 0, "source code");
        assert_eq!(heard(&format!("the error {}", text.replace("a.b r", "%s")), "", None), 0, "a template");
    }
}
