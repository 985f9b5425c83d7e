//! The messages that a healthy scheduler writes by the million, told in few bytes: their words stand in one text, behind each other.

use super::{
    LogReader, Stream,
    catalogue::{self, Entry, Naming},
    facts::{SHORTEST_WAIT, Well, is_well},
    finished::Finished,
    hash::hash_of_parts,
    identity::plain::{self, Names},
    lifecycle,
    open::Queued,
    screen::PlainHead,
    telling::Telling,
};
use crate::{tables::task_events::Event, units::Moment};
use std::ops::Range;

/// That a task was queued.
#[derive(Debug)]
pub(super) struct BriefQueued {
    pub(super) instance: u64,
    pub(super) at: Moment,
    pub(super) record: u64,
    pub(super) map_index: Option<i64>,
    pub(super) try_number: Option<i64>,
    begin: usize,
    /// Where DAG, task, run and executor queue end.
    ends: [usize; 4],
}

impl BriefQueued {
    fn new(instance: u64, names: &Names<'_>, queue: Option<&str>, (at, record): (Moment, u64), said: &mut String) -> Self {
        let begin = said.len();
        let [dag, task, run] = names.path;
        let ends = [dag, task, run, queue.unwrap_or_default()].map(|it| {
            said.push_str(it);
            said.len()
        });
        Self { instance, at, record, map_index: names.map_index, try_number: names.try_number, begin, ends }
    }

    /// With its words.
    pub(super) fn within<'s>(&self, said: &'s str) -> Queued<'s> {
        let part = |from: usize, to: usize| said.get(from..to).unwrap_or_default();
        let [dag, task, run, queue] = self.ends;
        let path = [part(self.begin, dag), part(dag, task), part(task, run)];
        Queued {
            instance: self.instance,
            names: Names { path, map_index: self.map_index, try_number: self.try_number },
            queue: self.has_queue().then(|| part(run, queue)),
            at: self.at,
            record: self.record,
        }
    }

    /// Whether the message names the executor queue.
    pub(super) fn has_queue(&self) -> bool {
        self.ends[3] > self.ends[2]
    }
}

/// That a try ended well.
#[derive(Debug)]
pub(super) struct BriefEnd {
    pub(super) well: Well,
    pub(super) record: u64,
    /// The message, and the task and the executor queue that it names.
    pub(super) message: Range<usize>,
    pub(super) task: Range<usize>,
    pub(super) queue: Range<usize>,
}

impl BriefEnd {
    /// Reads the message about the end of a try, if it went well.
    fn of(body: &str, at: Moment, record: u64, said: &mut String) -> Option<Self> {
        let told = Finished::of(body);
        let waited = told.queued_at.zip(told.started_at).map_or(0, |(queued, started)| started.0 - queued.0);
        // How long the parts of a mapped task took is kept.
        if told.map_index.is_some() || !is_well(told.state, told.executor_state) || waited >= SHORTEST_WAIT {
            return None;
        }
        let hash = |attempt| hash_of_parts([told.dag_id, told.task_id, told.run_id], None, attempt);
        let well = Well {
            instance: hash(None),
            succeeded: (told.state == Some("success")).then(|| hash(told.try_number)),
            queued: told.queued_at,
            ran: told.started_at.zip(told.ended_at),
            at,
        };
        let begin = said.len();
        said.push_str(body);
        // Task and queue are parts of the message.
        let within = |part: Option<&str>| {
            let part = part.unwrap_or_default();
            let from = begin + part.as_ptr().addr().saturating_sub(body.as_ptr().addr());
            if part.is_empty() { 0..0 } else { from..from + part.len() }
        };
        Some(Self { well, record, message: begin..said.len(), task: within(told.task_id), queue: within(told.queue) })
    }
}

/// Who may say what, as their source files tell: each is asked once.
#[derive(Debug, Default)]
pub(super) struct Voices(Vec<Voice>);

#[derive(Debug)]
struct Voice {
    file: Box<[u8]>,
    is_scheduler: bool,
    /// Whether it hands tasks on.
    queues: bool,
}

/// How many source files are remembered: few say such things.
const VOICES: usize = 16;

impl Voices {
    fn of(&mut self, file: &[u8]) -> Option<&Voice> {
        let known = self.0.iter().position(|it| *it.file == *file);
        let at = known.unwrap_or_else(|| {
            let name = String::from_utf8_lossy(file);
            let queues = name.contains("scheduler") || name.contains("executor");
            self.0.truncate(VOICES - 1);
            self.0.push(Voice { file: file.into(), is_scheduler: catalogue::is_scheduler(&name), queues });
            self.0.len() - 1
        });
        self.0.get(at)
    }
}

impl LogReader<'_> {
    /// Reads a message as healthy schedulers spell it; `false` leaves it to who reads any spelling.
    pub(super) fn brief(&mut self, head: &PlainHead<'_>, (message, event): &Entry, body: &str, record: u64, stream: &mut Stream) -> bool {
        let at = head.at;
        let Some(&Voice { is_scheduler: true, queues, .. }) = self.voices.of(head.file).filter(|_| message.is_of_scheduler()) else {
            return false;
        };
        let mut said = std::mem::take(&mut self.said);
        let is_told = match (event, message.names) {
            (Event::Finished, Naming::Fields) => {
                let end = BriefEnd::of(body, at, record, &mut said).map(Telling::Well);
                end.map(|it| self.take(it, &said, stream)).is_some()
            }
            (Event::Queued, Naming::Key | Naming::Command) => {
                let key = || message.behind(body).and_then(plain::key_at);
                let names = if message.names == Naming::Key { key() } else { plain::command(body) };
                names.filter(has_task).map(|it| self.queued(&it, queues, body, (at, record), &mut said, stream)).is_some()
            }
            (Event::Queued, Naming::List) => self.listed(body, (at, record), &mut said, stream),
            _ => false,
        };
        // Who reads the whole file needs the words.
        if self.part.is_none() {
            said.clear();
        }
        self.said = said;
        is_told
    }

    /// Takes that a task was queued, if it is news: schedulers say it up to four times, executors among them.
    fn queued(&mut self, names: &Names<'_>, queues: bool, body: &str, (at, record): (Moment, u64), said: &mut String, stream: &mut Stream) {
        const SENDING: &str = "Sending ";
        let instance = instance(names);
        if queues && self.recent.knows(instance, names.try_number, at, body.starts_with(SENDING)) {
            return self.facts.hears_again(at);
        }
        let queued = BriefQueued::new(instance, names, lifecycle::queue_of(body), (at, record), said);
        self.take(Telling::Queued(queued), said, stream);
    }

    /// Takes the tasks that a message lists, if each of them is spelt plainly.
    fn listed(&mut self, body: &str, (at, record): (Moment, u64), said: &mut String, stream: &mut Stream) -> bool {
        let (queue, begin) = (lifecycle::queue_of(body), said.len());
        let mut told = std::mem::take(&mut self.told);
        for listed in plain::Instances(body) {
            let Some(names) = listed.and_then(|it| it.names()).filter(has_task) else {
                told.clear();
                break;
            };
            told.push(BriefQueued::new(instance(&names), &names, queue, (at, record), said));
        }
        let is_told = !told.is_empty();
        if !is_told {
            said.truncate(begin);
        }
        for queued in told.drain(..) {
            self.take(Telling::Queued(queued), said, stream);
        }
        self.told = told;
        is_told
    }
}

fn has_task(names: &Names<'_>) -> bool {
    !names.path[1].is_empty()
}

/// The hash of the instance that is named.
pub(super) fn instance(names: &Names<'_>) -> u64 {
    hash_of_parts(names.path.map(|it| (!it.is_empty()).then_some(it)), names.map_index, None)
}
