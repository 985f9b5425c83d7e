//! The spellings that healthy schedulers write thousands of times a second, read without patterns; `None` leaves a text to these.

use super::{mapped, run_text};
use crate::tables::TaskRef;

/// One `<TaskInstance: words [state]>`.
pub(super) struct Instance<'a> {
    pub(super) words: &'a str,
    pub(super) map_index: Option<&'a str>,
    pub(super) state: &'a str,
}

/// Every instance of a text, if each is spelt plainly.
pub(super) fn instances(text: &str) -> Option<Vec<Instance<'_>>> {
    const BEGIN: &str = "TaskInstance: ";
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = memchr::memmem::find(rest.as_bytes(), b"TaskInstance:") {
        let inside = rest.get(at..)?.strip_prefix(BEGIN)?;
        if !rest.get(..at)?.ends_with('<') {
            return None;
        }
        let open = memchr::memchr3(b'[', b'<', b'>', inside.as_bytes())?;
        let words = inside.get(..open)?.strip_suffix(' ')?;
        let (state, after) = inside.get(open..)?.strip_prefix('[')?.split_once(']')?;
        let is_plain = !state.is_empty()
            && state.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
            && !words.contains(']')
            && words.trim_end().len() == words.len();
        rest = after.strip_prefix('>').filter(|_| is_plain)?;
        let (words, map_index) = match words.rsplit_once(' ') {
            Some((before, last)) if last.starts_with("map_index=") => (before, Some(whole(last.strip_prefix("map_index=")?)?)),
            _ => (words, None),
        };
        found.push(Instance { words, map_index, state });
    }
    Some(found)
}

/// `TaskInstanceKey(dag_id='…', task_id='…', run_id='…', try_number=1, map_index=-1)`.
pub(super) fn key(text: &str) -> Option<TaskRef> {
    const BEGIN: &str = "TaskInstanceKey(dag_id='";
    let at = memchr::memmem::find(text.as_bytes(), BEGIN.as_bytes())?;
    let (dag, rest) = text.get(at + BEGIN.len()..)?.split_once('\'')?;
    let (task, rest) = rest.strip_prefix(", task_id='")?.split_once('\'')?;
    let (run, rest) = rest.strip_prefix(", run_id='")?.split_once('\'')?;
    let (attempt, rest) = rest.strip_prefix(", try_number=")?.split_once(", map_index=")?;
    let index = rest.split_once(')')?.0;
    let known = |it: &str| (!it.is_empty()).then(|| it.to_owned());
    Some(TaskRef {
        dag_id: known(dag),
        task_id: known(task),
        run_id: known(run),
        map_index: mapped(Some(whole(index)?)),
        try_number: Some(whole(attempt)?.parse().ok()?),
        inferred: false,
    })
}

/// `['airflow', 'tasks', 'run', 'dag', 'task', 'run', …]`.
pub(super) fn command(text: &str) -> Option<TaskRef> {
    const BEGIN: &str = "['airflow', 'tasks', 'run', '";
    let at = memchr::memmem::find(text.as_bytes(), BEGIN.as_bytes())?;
    let rest = text.get(at + BEGIN.len()..)?;
    let (dag, rest) = rest.split_once("', '")?;
    let (task, rest) = rest.split_once("', '")?;
    let (run, rest) = rest.split_once('\'')?;
    let values = [dag, task, run];
    if values.iter().any(|it| it.is_empty() || it.contains('\'')) {
        return None;
    }
    let map_index = match rest.split_once("'--map-index', '") {
        Some((_, index)) => Some(whole(index.split('\'').next()?)?),
        None => None,
    };
    Some(TaskRef {
        dag_id: Some(dag.to_owned()),
        task_id: Some(task.to_owned()),
        run_id: Some(run_text(run)),
        map_index: mapped(map_index),
        ..TaskRef::default()
    })
}

/// A text that is a whole number.
fn whole(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit())).then_some(text)
}
