//! What reading leaves behind: the facts that may matter. The lives of healthy tries are folded to a hash and a count.

use super::{
    hash::{ShortHash, hash_of, short_hash},
    load_ids::LoadId,
    open::{Open, Queued},
};
use crate::{
    tables::{
        TaskRef,
        errors::ErrorRow,
        load_errors::LoadError,
        loads::Load,
        mapped::MappedTry,
        task_events::{Event, TaskEvent},
    },
    units::{Moment, SECOND},
};
use rayon::slice::ParallelSliceMut as _;
use std::{collections::BTreeMap, sync::Arc};

/// Waits below this are never worth remembering: the lowest threshold that a setting may name.
pub const SHORTEST_WAIT: i64 = 60 * SECOND;

/// Runs of the same remark closer than this are one.
const SAME_REMARK: i64 = 300 * SECOND;

/// A task that was found stuck is queued again within this time.
pub const REQUEUED_WITHIN: i64 = 120 * SECOND;

/// Lines about the same step of a try are at most this far apart.
pub(super) const SAME_STEP: i64 = 5 * SECOND;

/// A task instance: DAG, task, run and mapped index, whichever the text names.
pub type TaskKey = (Option<String>, Option<String>, Option<String>, Option<i64>);

/// Counts per queue and minute.
pub type Levels = BTreeMap<String, BTreeMap<i64, i64>>;

/// The facts of some inputs.
#[derive(Debug, Default)]
pub struct Facts {
    /// Facts about tasks, workers and schedulers.
    pub events: Vec<TaskEvent>,
    /// Refusals.
    pub errors: Vec<ErrorRow>,
    /// COPY statements that logs show.
    pub loads: Vec<Load>,
    /// COPY statements that logs saw fail.
    pub failed_loads: Vec<LoadError>,
    /// Ids of loads that the logs of tries show.
    pub load_ids: Vec<LoadId>,
    /// Mapped tries that ended well: how long each part of the work took.
    pub mapped: Vec<MappedTry>,
    /// Log records that were recognised as such: with a level, or with a time.
    pub log_records: u64,
    /// Tries that ended well, by hash alone.
    succeeded: Vec<ShortHash>,
    /// When tries that are not remembered otherwise started, by hash.
    pub started: Vec<(u64, Moment)>,
    /// Per queue and minute in which it changed: how many tries ran, as the scheduler saw them.
    pub running: Levels,
    /// Minutes in which a worker spoke.
    pub worker_minutes: BTreeMap<i64, u32>,
    /// Whether any line of a scheduler tells of queueing or of the end of tries.
    pub scheduler_spoke: bool,
    /// The last moment of any line that tells of the life of tasks.
    pub last_told: Option<Moment>,
    changes: Levels,
    /// When a task was last found stuck by a line that names its task id alone.
    nameless: BTreeMap<String, Moment>,
    open: Open,
    remarks: BTreeMap<(Event, Option<String>), TaskEvent>,
    /// Where each record stands in the input, if they are read in another order.
    numbers: Vec<u64>,
}

/// The end of a try that went well, as far as it matters when nothing else is known of the try.
#[derive(Debug)]
pub(super) struct Well {
    /// The hash of the instance.
    pub(super) instance: u64,
    /// The hash of the try, if it succeeded.
    pub(super) succeeded: Option<u64>,
    /// When it was queued.
    pub(super) queued: Option<Moment>,
    /// From when to when it ran.
    pub(super) ran: Option<(Moment, Moment)>,
    /// When that was said.
    pub(super) at: Moment,
}

/// Whether a try is over and nothing is wrong with it.
pub(super) fn is_well(state: Option<&str>, executor_state: Option<&str>) -> bool {
    matches!(state, Some("success" | "skipped" | "up_for_reschedule" | "deferred")) && executor_state.is_none_or(|it| it == "success")
}

/// The key of the instance that a text speaks of.
pub fn key_of(task: &TaskRef) -> TaskKey {
    (task.dag_id.clone(), task.task_id.clone(), task.run_id.clone(), task.map_index)
}

impl Facts {
    /// Takes a fact.
    pub fn push(&mut self, event: TaskEvent) {
        self.last_told = self.last_told.max(event.at);
        self.scheduler_spoke |= tells_of_queueing(event.event);
        match event.event {
            Event::PoolFull | Event::DagLimit | Event::ParallelismFull | Event::WorkerLost | Event::WorkerStopping => self.remark(event),
            Event::WorkerReady => {
                if let Some(at) = event.at {
                    *self.worker_minutes.entry(at.0.div_euclid(60 * SECOND)).or_default() += 1;
                }
            }
            Event::Finished => self.finish(event),
            Event::Ended if event.state.as_deref() == Some("success") => self.end_well(event),
            Event::Queued | Event::Started if event.task.is_known() => self.open.step(hash_of(&event.task, None), event),
            Event::StuckRequeued if event.task.dag_id.is_none() && event.task.task_id.is_some() => {
                if let Some((task_id, at)) = event.task.task_id.clone().zip(event.at) {
                    self.nameless.insert(task_id, at);
                }
                self.open.tell(hash_of(&event.task, None), event);
            }
            _ if event.task.is_known() => self.open.tell(hash_of(&event.task, None), event),
            _ => self.events.push(event),
        }
    }

    /// A remark that schedulers repeat every few seconds is one row per stretch.
    fn remark(&mut self, event: TaskEvent) {
        let key = (event.event, event.detail.clone());
        match self.remarks.get_mut(&key) {
            Some(stretch) if near(stretch.ended_at.or(stretch.at), event.at, SAME_REMARK) => {
                stretch.ended_at = stretch.ended_at.max(event.at);
                stretch.said += 1;
            }
            _ => {
                if let Some(whole) = self.remarks.insert(key, event) {
                    self.events.push(whole);
                }
            }
        }
    }

    /// A line tells of the life of tasks, and nothing new.
    pub(super) fn hears_again(&mut self, at: Moment) {
        self.last_told = self.last_told.max(Some(at));
        self.scheduler_spoke = true;
    }

    /// Takes that a healthy scheduler queued a task.
    pub(super) fn queue(&mut self, queued: &Queued<'_>, file: &Arc<str>) {
        self.hears_again(queued.at);
        self.open.queue(queued, file);
    }

    /// Folds a try away that went well; `false` when more is known of it, so that its end must be kept.
    pub(super) fn fold(&mut self, well: &Well, task_id: &str, queue: &str) -> bool {
        if !self.open.is_plain(well.instance) || self.may_be_requeued(task_id, well.queued) {
            return false;
        }
        self.hears_again(well.at);
        if let Some((from, to)) = well.ran {
            self.count(queue, from, to);
        }
        self.open.forget(well.instance);
        self.succeeded.extend(well.succeeded.map(short_hash));
        true
    }

    /// Whether a try was queued just after a line that may have meant it: only its place among others tells.
    fn may_be_requeued(&self, task_id: &str, queued_at: Option<Moment>) -> bool {
        let found = self.nameless.get(task_id);
        found.zip(queued_at).is_some_and(|(found, queued)| (0..=REQUEUED_WITHIN).contains(&(queued.0 - found.0)))
    }

    /// Counts a try among those that ran at the same time.
    fn count(&mut self, queue: &str, from: Moment, to: Moment) {
        let changes = match self.changes.get_mut(queue) {
            Some(changes) => changes,
            None => self.changes.entry(queue.to_owned()).or_default(),
        };
        *changes.entry(minute(from)).or_default() += 1;
        *changes.entry(minute(to) + 1).or_default() -= 1;
    }

    /// The scheduler saw the end of a try: a healthy one is folded away.
    fn finish(&mut self, event: TaskEvent) {
        if let (Some(from), Some(to)) = (event.started_at, event.ended_at) {
            self.count(event.queue.as_deref().unwrap_or_default(), from, to);
            self.measure(&event, from, to);
        }
        let key = hash_of(&event.task, None);
        let waited = match (event.queued_at, event.started_at) {
            (Some(queued), Some(started)) => started.0 - queued.0,
            _ => 0,
        };
        let well = is_well(event.state.as_deref(), event.executor_state.as_deref()) && waited < SHORTEST_WAIT;
        if well && self.open.is_plain(key) && !self.may_be_requeued(event.task.task_id.as_deref().unwrap_or_default(), event.queued_at) {
            self.open.forget(key);
            self.remember(&event);
            return;
        }
        self.open.tell(key, event);
    }

    /// The task's own log says success.
    fn end_well(&mut self, event: TaskEvent) {
        let key = hash_of(&event.task, None);
        self.remember(&event);
        let started = self.open.last_start(key);
        if let (Some(from), Some(to)) = (started, event.at) {
            self.measure(&event, from, to);
        }
        if self.open.is_plain(key) {
            let starts = self.open.forget(key);
            self.started.extend(starts.into_iter().map(|at| (key, at)));
        } else {
            self.open.tell(key, event);
        }
    }

    /// Keeps how long one part of a mapped task took.
    fn measure(&mut self, event: &TaskEvent, started_at: Moment, ended_at: Moment) {
        let mapped = event.task.map_index.is_some_and(|it| it >= 0);
        if mapped && event.state.as_deref() == Some("success") && ended_at >= started_at {
            self.mapped.push(MappedTry { task: event.task.clone(), started_at, ended_at, origin: event.origin.clone() });
        }
    }

    fn remember(&mut self, event: &TaskEvent) {
        if event.state.as_deref() == Some("success") {
            self.succeeded.push(short_hash(hash_of(&event.task, event.task.try_number)));
        }
    }

    /// The records were read in another order than they stand in, and counted in it: this is where each of them stands.
    pub fn stand_at(&mut self, numbers: Vec<u64>) {
        self.numbers = numbers;
    }

    /// Closes the books of one input. Its events stay in the order in which they were read.
    pub fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        // Everything that this adds is sorted below.
        for known in open.into_known() {
            // A start that nothing else is known of is only needed when another input tells of a long wait.
            if known.iter().all(|it| it.event == Event::Started && it.queued_at.is_none()) {
                self.started.extend(known.iter().filter_map(|it| Some((hash_of(&it.task, None), it.at?))));
            } else {
                self.events.extend(known);
            }
        }
        self.events.extend(std::mem::take(&mut self.remarks).into_values());
        self.events.sort_by(|a, b| a.origin.cmp(&b.origin).then(a.event.cmp(&b.event)).then(a.task.cmp(&b.task)));
        self.running.extend(levels(std::mem::take(&mut self.changes)));
        self.number();
        self.succeeded.par_sort_unstable_by_key(|it| it.iter().fold(0_u64, |sum, it| sum << 8 | u64::from(*it)));
        self.settle();
    }

    /// Tells where each record stands.
    fn number(&mut self) {
        let numbers = std::mem::take(&mut self.numbers);
        if numbers.is_empty() {
            return;
        }
        let origins = self.events.iter_mut().map(|it| &mut it.origin).chain(self.errors.iter_mut().map(|it| &mut it.origin));
        let origins = origins.chain(self.loads.iter_mut().map(|it| &mut it.origin));
        let origins = origins.chain(self.failed_loads.iter_mut().map(|it| &mut it.origin));
        for origin in origins.chain(self.mapped.iter_mut().map(|it| &mut it.origin)) {
            let at = usize::try_from(origin.record).ok().and_then(|it| it.checked_sub(1));
            origin.record = at.and_then(|it| numbers.get(it)).copied().unwrap_or(origin.record);
        }
    }

    /// Puts the facts of closed inputs together: one after the other, each in its own order.
    pub fn settle(&mut self) {
        self.events.sort_by(|a, b| a.origin.file.cmp(&b.origin.file));
        // Each input's stand in order: they are merged.
        self.succeeded.sort_by(Ord::cmp);
        self.succeeded.dedup();
        self.started.sort_unstable();
        self.started.dedup();
    }

    /// What is left once the tables hold the rows.
    #[must_use]
    pub fn without_rows(self) -> Self {
        let (events, errors, mapped) = (Vec::new(), Vec::new(), Vec::new());
        Self { events, errors, mapped, loads: Vec::new(), failed_loads: Vec::new(), load_ids: Vec::new(), ..self }
    }

    /// Whether a try is remembered to have ended well.
    pub fn has_succeeded(&self, task: &TaskRef, try_number: Option<i64>) -> bool {
        self.succeeded.binary_search(&short_hash(hash_of(task, try_number))).is_ok()
    }

    /// Whether any try is remembered to have ended well.
    pub fn knows_successes(&self) -> bool {
        !self.succeeded.is_empty()
    }

    /// Adds the facts of another, closed, input.
    pub fn merge(&mut self, other: Self) {
        taken_over(&mut self.events, other.events);
        taken_over(&mut self.errors, other.errors);
        self.mapped.extend(other.mapped);
        self.loads.extend(other.loads);
        self.failed_loads.extend(other.failed_loads);
        self.load_ids.extend(other.load_ids);
        self.log_records += other.log_records;
        taken_over(&mut self.succeeded, other.succeeded);
        taken_over(&mut self.started, other.started);
        self.last_told = self.last_told.max(other.last_told);
        self.scheduler_spoke |= other.scheduler_spoke;
        for (minute, count) in other.worker_minutes {
            *self.worker_minutes.entry(minute).or_default() += count;
        }
        // The same life may be told by several inputs: the input that saw most stands for all.
        if self.running.is_empty() {
            self.running = other.running;
            return;
        }
        for (queue, minutes) in other.running {
            let known = self.running.entry(queue).or_default();
            for (minute, count) in minutes {
                let level = known.entry(minute).or_default();
                *level = (*level).max(count);
            }
        }
    }
}

/// From changes to levels: how many tries ran in each minute of each queue in which something changed.
fn levels(mut changes: Levels) -> Levels {
    for minutes in changes.values_mut() {
        let mut level = 0;
        for change in minutes.values_mut() {
            level += *change;
            *change = level;
        }
    }
    changes
}

/// Whether only a scheduler says so, and a healthy one says it of every task or at every start.
fn tells_of_queueing(event: Event) -> bool {
    matches!(
        event,
        Event::Queued
            | Event::Finished
            | Event::StuckRequeued
            | Event::StuckFailed
            | Event::StuckExhausted
            | Event::CouldNotQueue
            | Event::StateMismatch
            | Event::SchedulerStarted
    )
}

/// Adds to a list; into an empty one, without a copy.
fn taken_over<T>(into: &mut Vec<T>, from: Vec<T>) {
    if into.is_empty() {
        *into = from;
    } else {
        into.extend(from);
    }
}

fn minute(at: Moment) -> i64 {
    at.0.div_euclid(60 * SECOND)
}

pub(super) fn near(a: Option<Moment>, b: Option<Moment>, within: i64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a.0 - b.0).abs() <= within,
        _ => false,
    }
}
