//! From a message of the catalogue to a fact about a task.

use super::{
    catalogue::{self, Naming, Spoken},
    finished::{self, Finished, fields},
    identity,
    stream::Record,
};
use crate::{
    tables::{
        Origin, TaskRef,
        task_events::{Event, TaskEvent},
    },
    text,
    units::Moment,
};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// The facts that a record states about named tasks, workers and schedulers.
pub(super) fn events(record: &Record<'_>) -> Vec<TaskEvent> {
    let spoken = catalogue::recognise(record);
    if spoken.is_empty() {
        return worker(record);
    }
    spoken.iter().flat_map(|it| facts(record, it)).collect()
}

/// What the message about an end says, in whatever logger's voice.
pub(super) fn of_end(body: &str, at: Option<Moment>, origin: Origin) -> TaskEvent {
    let mut fact = TaskEvent::new(Event::Finished, at, origin);
    finished(&mut fact, body);
    fact
}

/// The facts that a message of the catalogue states.
pub(super) fn facts(record: &Record<'_>, spoken: &Spoken<'_>) -> Vec<TaskEvent> {
    let (message, event, body) = (spoken.message, spoken.event, &*spoken.body);
    let mut fact = TaskEvent::new(event, record.at, record.origin.clone());
    fact.state.clone_from(&message.state);
    match event {
        Event::Finished => finished(&mut fact, body),
        Event::Ended if message.names == Naming::Fields => ended(&mut fact, body),
        Event::Ended if message.names == Naming::Code && !exited(&mut fact, body) => {
            return Vec::new();
        }
        Event::Queued => fact.queue = queue_of(body).map(ToOwned::to_owned),
        Event::StateMismatch if !mismatch(&mut fact, body) => {
            return Vec::new();
        }
        Event::PoolFull => fact.detail = body.split(" pool ").nth(1).and_then(first_word),
        Event::DagLimit => fact.detail = identity::instances(body).into_iter().next().and_then(|it| it.0.dag_id),
        Event::ParallelismFull => fact.detail = Some("parallelism".to_owned()),
        Event::WorkerLost => fact.detail = Some(text::safe(&text::one_line(body), 160)),
        Event::Zombie => fact.task = zombie(body),
        _ => {}
    }
    if !matches!(event, Event::Queued | Event::Started | Event::Finished) {
        fact.excerpt = Some(text::safe(body.trim_end(), text::EXCERPT_CHARS));
    }
    let named = |task: Option<TaskRef>| vec![TaskEvent { task: task.unwrap_or_default(), ..fact.clone() }];
    match message.names {
        Naming::List => identity::listed(body).into_iter().flat_map(|it| named(Some(it))).collect(),
        Naming::Instance => named(identity::instances(body).into_iter().next().map(|it| it.0)),
        Naming::Key => named(identity::key(body)),
        Naming::Tuple => named(identity::tuple(body).or_else(|| identity::key(body))),
        Naming::Command => named(identity::command(body)),
        Naming::Parts => named(identity::any(body).or_else(|| identity::parts(body)).or_else(|| record.task.cloned())),
        Naming::TaskId => {
            let task_id = body.split("task_id=").nth(1).and_then(first_word);
            named(Some(TaskRef { task_id, ..TaskRef::default() }))
        }
        Naming::Fields | Naming::Own | Naming::Code | Naming::None => vec![fact],
    }
}

/// `Task exited with return code 1`: a code other than 0 is a failure, if nothing tells more of it.
fn exited(fact: &mut TaskEvent, body: &str) -> bool {
    let code = body.split("return code ").nth(1).and_then(first_word);
    fact.state = code.filter(|it| it != "0" && it != "100").map(|_| "failed".to_owned());
    fact.state.is_some()
}

/// The executor queue that a message about queueing names.
pub(super) fn queue_of(body: &str) -> Option<&str> {
    static QUEUE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" and queue "));
    let at = QUEUE.find(body.as_bytes())? + QUEUE.needle().len();
    // What a second such phrase says is about something else.
    let rest = body.get(at..)?;
    word(QUEUE.find(rest.as_bytes()).and_then(|it| rest.get(..it)).unwrap_or(rest))
}

/// A word up to a blank, without the punctuation of the sentence.
fn word(text: &str) -> Option<&str> {
    let word = text.split_whitespace().next()?.trim_end_matches(['.', ',', ';', '\'', '"']);
    (!word.is_empty()).then_some(word)
}

fn first_word(text: &str) -> Option<String> {
    word(text).map(ToOwned::to_owned)
}

fn known(value: &str) -> Option<String> {
    finished::known(value).map(ToOwned::to_owned)
}

/// `TaskInstance Finished: dag_id=…, task_id=…, run_id=…, …`
fn finished(fact: &mut TaskEvent, body: &str) {
    let told = Finished::of(body);
    let text = |it: Option<&str>| it.map(ToOwned::to_owned);
    (fact.task.dag_id, fact.task.task_id, fact.task.run_id) = (text(told.dag_id), text(told.task_id), text(told.run_id));
    (fact.task.map_index, fact.task.try_number) = (told.map_index, told.try_number);
    (fact.started_at, fact.ended_at, fact.queued_at) = (told.started_at, told.ended_at, told.queued_at);
    (fact.state, fact.executor_state) = (text(told.state), text(told.executor_state));
    (fact.pool, fact.queue) = (text(told.pool), text(told.queue));
}

/// `Marking task as FAILED. dag_id=…, task_id=…, [run_id=…,] execution_date=…`
fn ended(fact: &mut TaskEvent, body: &str) {
    let rest = body.trim_start_matches("Marking task as ");
    let (state, rest) = rest.split_once('.').unwrap_or((rest, ""));
    fact.state = Some(state.trim().to_ascii_lowercase());
    for (key, value) in fields(rest) {
        match key {
            "dag_id" => fact.task.dag_id = known(value),
            "task_id" => fact.task.task_id = known(value),
            "run_id" => fact.task.run_id = known(value),
            "map_index" => fact.task.map_index = value.parse().ok().filter(|it| *it >= 0),
            "execution_date" if fact.task.run_id.is_none() => fact.task.run_id = compact_date(value),
            _ => {}
        }
    }
}

/// `20210204T000000`, the run of an Airflow that names none.
fn compact_date(value: &str) -> Option<String> {
    let part = |from: usize, to: usize| value.get(from..to).filter(|it| it.bytes().all(|it| it.is_ascii_digit()));
    let (date, time) = ((part(0, 4)?, part(4, 6)?, part(6, 8)?), (part(9, 11)?, part(11, 13)?, part(13, 15)?));
    Some(format!("{}-{}-{}T{}:{}:{}+00:00", date.0, date.1, date.2, time.0, time.1, time.2))
}

/// `Executor reports task instance <…> finished (failed) although the task says it's queued.` and its successor.
/// Only a task that says queued never began; any other state is another story.
fn mismatch(fact: &mut TaskEvent, body: &str) -> bool {
    let (executor, state) = if let Some((_, rest)) = body.split_once(" finished (") {
        let executor = rest.split(')').next();
        let state = rest.split(" says it").nth(1).and_then(|it| it.split_once(char::is_whitespace)).map(|it| it.1);
        (executor, state.and_then(|it| it.split([' ', ',', '\n']).next()).map(|it| it.trim_end_matches('.')))
    } else {
        let executor = body.split("finished with state ").nth(1).and_then(|it| it.split(',').next());
        let state =
            body.split("state attribute is ").nth(1).and_then(|it| it.split([' ', ',', '\n']).next()).map(|it| it.trim_end_matches('.'));
        (executor, state)
    };
    let plain = |it: &str| it.trim().rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    fact.executor_state = executor.map(plain);
    fact.state = state.map(plain);
    fact.state.as_deref() == Some("queued")
}

/// `'DAG Id': 'x', 'Task Id': 'y', 'Run Id': 'z'`, or the sentence of Airflow 1.10.
fn zombie(body: &str) -> TaskRef {
    let quoted = |label: &str| {
        let rest = body.split(&format!("'{label}': '")).nth(1)?;
        Some(rest.split('\'').next()?.to_owned())
    };
    let worded = |label: &str| body.split(&format!("{label} ")).nth(1).and_then(first_word);
    TaskRef {
        dag_id: quoted("DAG Id").or_else(|| worded("dag_id")),
        task_id: quoted("Task Id").or_else(|| worded("task_id")),
        run_id: quoted("Run Id"),
        ..TaskRef::default()
    }
}

/// What a worker says of itself: its banner, and any sign of life.
fn worker(record: &Record<'_>) -> Vec<TaskEvent> {
    static BANNER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("[queues]"));
    if let Some(banner) = BANNER.find(record.body.as_bytes()).and_then(|it| record.body.get(it + BANNER.needle().len()..)) {
        let queue = |line: &str| line.trim().strip_prefix(".> ").and_then(|it| it.split_whitespace().next()).map(ToOwned::to_owned);
        let queues: Vec<String> =
            banner.lines().skip(1).map_while(|it| queue(it).or_else(|| it.trim().is_empty().then(String::new))).collect();
        let queues: Vec<String> = queues.into_iter().filter(|it| !it.is_empty()).collect();
        let slots = record.body.split(".> concurrency:").nth(1).and_then(first_word).unwrap_or_default();
        if !queues.is_empty() {
            let mut fact = TaskEvent::new(Event::WorkerQueues, record.at, record.origin.clone());
            fact.detail = Some(queues.join(","));
            fact.queue = queues.into_iter().next();
            fact.state = known(&slots);
            fact.excerpt = record
                .body
                .lines()
                .find(|it| it.trim_start().starts_with(".> ") && it.contains("exchange="))
                .map(|it| text::safe(it.trim(), 200));
            return vec![fact];
        }
    }
    let alive = !record.process.is_empty() || record.logger.starts_with("celery.") || record.logger == "supervisor";
    if alive { vec![TaskEvent::new(Event::WorkerReady, record.at, record.origin.clone())] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_every_version_are_read() {
        let mut fact = TaskEvent::new(Event::Finished, None, crate::tables::Origin { file: "f".into(), record: 1 });
        finished(
            &mut fact,
            "TaskInstance Finished: dag_id=d, task_id=t, run_id=r, map_index=-1, run_start_date=2026-11-20 08:23:49.488881+00:00, run_end_date=None, state=queued, executor_state=failed, try_number=1, queue=gpu-queue, queued_dttm=2026-11-20 08:23:28.638812+00:00,queued_by_job_id=2",
        );
        assert_eq!(fact.queue.as_deref(), Some("gpu-queue"));
        assert_eq!(fact.queued_at.map(Moment::rfc3339).as_deref(), Some("2026-11-20T08:23:28.638Z"));
        assert_eq!((fact.started_at.is_some(), fact.ended_at), (true, None));
    }

    #[test]
    fn only_a_task_that_says_queued_is_a_mismatch_of_ours() {
        let mut fact = TaskEvent::new(Event::StateMismatch, None, crate::tables::Origin { file: "f".into(), record: 1 });
        assert!(mismatch(
            &mut fact,
            "Executor reports task instance <x> finished (failed) although the task says its queued. (Info: None) Was"
        ));
        assert_eq!(fact.executor_state.as_deref(), Some("failed"));
        assert!(!mismatch(
            &mut fact,
            "Executor reports task instance <x> finished (success) although the task says its running. (Info: None)"
        ));
        assert!(mismatch(
            &mut fact,
            "Executor X reported that the task instance <x> finished with state failed, but the task instance's state attribute is queued. Learn more"
        ));
    }
}
