//! What is known of task instances that are not over. Of most it is only that they were queued: that takes few bytes.

use super::{
    facts::{SAME_STEP, SHORTEST_WAIT, near},
    identity::plain::Names,
};
use crate::{
    tables::{
        Origin,
        task_events::{Event, TaskEvent},
    },
    units::Moment,
};
use foldhash::quality::FixedState;
use std::{collections::HashMap, sync::Arc};

/// That a task was queued, as a healthy scheduler says it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queued<'a> {
    /// The hash of the instance.
    pub(super) instance: u64,
    pub(super) names: Names<'a>,
    pub(super) queue: Option<&'a str>,
    pub(super) at: Moment,
    pub(super) record: u64,
}

/// The same, kept.
#[derive(Debug)]
struct Kept {
    /// DAG, task and run, one behind the other, and where each ends.
    path: Box<str>,
    ends: [usize; 2],
    map_index: Option<i64>,
    try_number: Option<i64>,
    queue: Option<Box<str>>,
    at: Moment,
    origin: Origin,
}

impl Kept {
    fn new(queued: &Queued<'_>, file: &Arc<str>) -> Self {
        let Names { path, map_index, try_number } = queued.names;
        Self {
            path: path.concat().into(),
            ends: [path[0].len(), path[0].len() + path[1].len()],
            map_index,
            try_number,
            queue: queued.queue.map(Into::into),
            at: queued.at,
            origin: Origin { file: Arc::clone(file), record: queued.record },
        }
    }

    fn event(self) -> TaskEvent {
        let part = |from: usize, to: usize| self.path.get(from..to).unwrap_or_default();
        let path = [part(0, self.ends[0]), part(self.ends[0], self.ends[1]), part(self.ends[1], self.path.len())];
        let task = Names { path, map_index: self.map_index, try_number: self.try_number }.owned();
        TaskEvent { task, queue: self.queue.map(Into::into), ..TaskEvent::new(Event::Queued, Some(self.at), self.origin) }
    }
}

/// What is known of one instance: that it was queued and nothing else, or all that was told.
#[derive(Debug, Default)]
struct Known {
    queued: Option<Kept>,
    told: Vec<TaskEvent>,
}

impl Known {
    /// All that was told, to add to.
    fn told(&mut self) -> &mut Vec<TaskEvent> {
        self.told.extend(self.queued.take().map(Kept::event));
        &mut self.told
    }
}

/// By the hash of the instance.
#[derive(Debug, Default)]
pub(super) struct Open(HashMap<u64, Known, FixedState>);

impl Open {
    /// A task was queued. Several lines tell the same step: the first in its minute stands for all.
    pub(super) fn queue(&mut self, queued: &Queued<'_>, file: &Arc<str>) {
        let known = self.0.entry(queued.instance).or_default();
        match &mut known.queued {
            Some(kept) if (kept.at.0 - queued.at.0).abs() <= SAME_STEP => {
                if kept.queue.is_none() {
                    kept.queue = queued.queue.map(Into::into);
                }
                kept.try_number = kept.try_number.or(queued.names.try_number);
            }
            None if known.told.is_empty() => known.queued = Some(Kept::new(queued, file)),
            _ => self.step(queued.instance, Kept::new(queued, file).event()),
        }
    }

    /// A task was queued or started.
    pub(super) fn step(&mut self, instance: u64, event: TaskEvent) {
        let known = self.0.entry(instance).or_default().told();
        match known.iter_mut().find(|it| it.event == event.event && near(it.at, event.at, SAME_STEP)) {
            Some(earlier) => {
                earlier.queue = earlier.queue.take().or(event.queue);
                earlier.task.try_number = earlier.task.try_number.or(event.task.try_number);
            }
            None => keep(known, event),
        }
    }

    /// Something else happened to it.
    pub(super) fn tell(&mut self, instance: u64, event: TaskEvent) {
        keep(self.0.entry(instance).or_default().told(), event);
    }

    /// Whether nothing but queueing and starting is known of it, within a short time.
    pub(super) fn is_plain(&self, instance: u64) -> bool {
        let Some(Known { told, .. }) = self.0.get(&instance) else { return true };
        let plain = told.iter().all(|it| matches!(it.event, Event::Queued | Event::Started));
        let times = told.iter().filter_map(|it| it.at);
        let short = match (times.clone().min(), times.max()) {
            (Some(first), Some(last)) => last.0 - first.0 < SHORTEST_WAIT,
            _ => true,
        };
        plain && short
    }

    /// When it was last seen to start.
    pub(super) fn last_start(&self, instance: u64) -> Option<Moment> {
        starts(self.0.get(&instance)?).max()
    }

    /// Forgets it, and gives when it started.
    pub(super) fn forget(&mut self, instance: u64) -> Vec<Moment> {
        self.0.remove(&instance).iter().flat_map(starts).collect()
    }

    /// All that is known, in no order.
    pub(super) fn into_known(self) -> impl Iterator<Item = Vec<TaskEvent>> {
        self.0.into_values().map(|mut known| std::mem::take(known.told()))
    }
}

fn starts(known: &Known) -> impl Iterator<Item = Moment> {
    known.told.iter().filter(|it| it.event == Event::Started).filter_map(|it| it.at)
}

/// Adds a fact to the few that are known of an instance: room for more is rarely needed, and there are many instances.
fn keep(known: &mut Vec<TaskEvent>, event: TaskEvent) {
    known.reserve_exact(1);
    known.push(event);
}
