//! The messages that a healthy scheduler writes by the million, told in few bytes: their words stand in one text, behind each other.

use super::{
    catalogue::{Naming, Spoken},
    facts::{SHORTEST_WAIT, Well, hash_of_parts, is_well},
    identity::plain::{self, Names},
    lifecycle::{self, Finished},
    open::Queued,
    stream::Record,
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
    fn new(names: &Names<'_>, queue: Option<&str>, at: Moment, record: u64, said: &mut String) -> Self {
        let begin = said.len();
        let [dag, task, run] = names.path;
        let ends = [dag, task, run, queue.unwrap_or_default()].map(|it| {
            said.push_str(it);
            said.len()
        });
        Self { instance: instance(names), at, record, map_index: names.map_index, try_number: names.try_number, begin, ends }
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
    pub(super) fn of(body: &str, at: Option<Moment>, record: u64, said: &mut String) -> Option<Self> {
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
            at: at?,
        };
        let mut written = |text: &str| {
            let begin = said.len();
            said.push_str(text);
            begin..said.len()
        };
        let [message, task, queue] = [body, told.task_id.unwrap_or_default(), told.queue.unwrap_or_default()].map(&mut written);
        Some(Self { well, record, message, task, queue })
    }
}

/// The tasks of which a message says that they were queued; `false` when it must be read in full.
pub(super) fn queued(record: &Record<'_>, spoken: &Spoken<'_>, said: &mut String, each: &mut dyn FnMut(BriefQueued)) -> bool {
    let (Event::Queued, Some(at), None) = (spoken.event, record.at, &spoken.message.state) else { return false };
    let body = &*spoken.body;
    let mut one = |names: Option<Names<'_>>, queue| {
        let names = names.filter(|it| !it.path[1].is_empty());
        names.map(|it| each(BriefQueued::new(&it, queue, at, record.origin.record, said))).is_some()
    };
    let queue = lifecycle::queue_of(body);
    match spoken.message.names {
        Naming::Key => one(plain::key(body), queue),
        Naming::Command => one(plain::command(body), queue),
        Naming::List => {
            let listed = plain::instances(body).map(|all| all.iter().map(plain::Instance::names).collect::<Option<Vec<_>>>());
            let Some(listed) = listed.flatten().filter(|it| !it.is_empty() && it.iter().all(|it| !it.path[1].is_empty())) else {
                return false;
            };
            listed.into_iter().all(|it| one(Some(it), queue))
        }
        _ => false,
    }
}

/// The hash of the instance that is named.
pub(super) fn instance(names: &Names<'_>) -> u64 {
    hash_of_parts(names.path.map(|it| (!it.is_empty()).then_some(it)), names.map_index, None)
}
