//! The spellings that healthy schedulers write thousands of times a second, read without patterns; `None` leaves a text to these.

use super::{is_dated, mapped};
use crate::{logs::line::cut, tables::TaskRef};
use memchr::memmem::Finder;
use std::sync::LazyLock;

const KEY: &str = "TaskInstanceKey(dag_id='";
const DAG_ID: &str = "dag_id='";
const COMMAND: &str = "['airflow', 'tasks', 'run', '";
const MAP_INDEX: &str = "'--map-index', '";

static INSTANCES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("TaskInstance:"));
static KEYS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(KEY));
static COMMANDS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(COMMAND));
static MAP_INDEXES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MAP_INDEX));

/// One `<TaskInstance: words [state]>`.
pub(in super::super) struct Instance<'a> {
    pub(super) words: &'a str,
    pub(super) map_index: Option<&'a str>,
    pub(super) state: &'a str,
}

impl<'a> Instance<'a> {
    /// The names, where it is `dag.task run`, and the run is no date.
    pub(in super::super) fn names(&self) -> Option<Names<'a>> {
        let (name, run) = cut(self.words, b' ')?;
        let (dag, task) = cut(name, b'.')?;
        let plain =
            name.starts_with(|it: char| it.is_ascii_alphanumeric()) && run.bytes().all(|it| it.is_ascii_graphic()) && !is_dated(run);
        (plain && !dag.is_empty()).then_some(Names { path: [dag, task, run], map_index: mapped(self.map_index), try_number: None })
    }
}

/// Every instance of a text, if each is spelt plainly.
pub(in super::super) fn instances(text: &str) -> Option<Vec<Instance<'_>>> {
    Instances(text).collect()
}

/// The instances of a text, one after the other; `None` for one that is not spelt plainly.
pub(in super::super) struct Instances<'a>(pub(in super::super) &'a str);

impl<'a> Iterator for Instances<'a> {
    type Item = Option<Instance<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = INSTANCES.find(self.0.as_bytes())?;
        Some(self.one(at))
    }
}

impl<'a> Instances<'a> {
    fn one(&mut self, at: usize) -> Option<Instance<'a>> {
        let inside = self.0.get(at..)?.strip_prefix("TaskInstance: ")?;
        if !self.0.get(..at)?.ends_with('<') {
            return None;
        }
        let open = memchr::memchr3(b'[', b'<', b'>', inside.as_bytes())?;
        let words = inside.get(..open)?.strip_suffix(' ')?;
        let (state, after) = cut(inside.get(open..)?.strip_prefix('[')?, b']')?;
        let is_plain = !state.is_empty()
            && state.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
            && memchr::memchr(b']', words.as_bytes()).is_none()
            && words.trim_end().len() == words.len();
        self.0 = after.strip_prefix('>').filter(|_| is_plain)?;
        let last = memchr::memrchr(b' ', words.as_bytes()).and_then(|it| words.get(it + 1..));
        let (words, map_index) = match last.and_then(|it| it.strip_prefix("map_index=")) {
            Some(index) => (words.get(..words.len() - index.len() - " map_index=".len())?, Some(whole(index)?)),
            None => (words, None),
        };
        Some(Instance { words, map_index, state })
    }
}

/// The names of a task, as they stand in a text.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Names<'a> {
    /// DAG, task and run.
    pub(in super::super) path: [&'a str; 3],
    pub(in super::super) map_index: Option<i64>,
    pub(in super::super) try_number: Option<i64>,
}

impl Names<'_> {
    pub(in super::super) fn owned(&self) -> TaskRef {
        let [dag, task, run] = self.path.map(|it| (!it.is_empty()).then(|| it.to_owned()));
        TaskRef { dag_id: dag, task_id: task, run_id: run, map_index: self.map_index, try_number: self.try_number, inferred: false }
    }
}

/// `TaskInstanceKey(dag_id='…', task_id='…', run_id='…', try_number=1, map_index=-1)`.
pub(in super::super) fn key(text: &str) -> Option<Names<'_>> {
    let at = KEYS.find(text.as_bytes())?;
    key_at(text.get(at + KEY.len() - DAG_ID.len()..)?)
}

/// What stands in the parentheses of such a key.
pub(in super::super) fn key_at(text: &str) -> Option<Names<'_>> {
    let (dag, rest) = cut(text.strip_prefix(DAG_ID)?, b'\'')?;
    let (task, rest) = cut(rest.strip_prefix(", task_id='")?, b'\'')?;
    let (run, rest) = cut(rest.strip_prefix(", run_id='")?, b'\'')?;
    let (attempt, rest) = cut(rest.strip_prefix(", try_number=")?, b',')?;
    let index = cut(rest.strip_prefix(" map_index=")?, b')')?.0;
    Some(Names { path: [dag, task, run], map_index: mapped(Some(whole(index)?)), try_number: Some(whole(attempt)?.parse().ok()?) })
}

/// `['airflow', 'tasks', 'run', 'dag', 'task', 'run', …]`, where the run is no date.
pub(in super::super) fn command(text: &str) -> Option<Names<'_>> {
    let at = COMMANDS.find(text.as_bytes())?;
    let rest = text.get(at + COMMAND.len()..)?;
    let (dag, rest) = cut(rest, b'\'')?;
    let (task, rest) = cut(rest.strip_prefix(", '")?, b'\'')?;
    let (run, rest) = cut(rest.strip_prefix(", '")?, b'\'')?;
    let path = [dag, task, run];
    if path.iter().any(|it| it.is_empty()) || is_dated(run) {
        return None;
    }
    let map_index = match MAP_INDEXES.find(rest.as_bytes()) {
        Some(at) => Some(whole(rest.get(at + MAP_INDEX.len()..)?.split('\'').next()?)?),
        None => None,
    };
    Some(Names { path, map_index: mapped(map_index), try_number: None })
}

/// A text that is a whole number.
fn whole(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit())).then_some(text)
}
