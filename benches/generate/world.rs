//! The things that a story is about: DAGs, tries and their fates, and what will happen when.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

pub const DAGS: usize = 200;
/// The last DAGs wait for a queue that nobody serves well.
pub const ORDINARY: usize = 190;
pub const TASKS: [&str; 6] = ["extract", "transform", "load", "check_quality", "publish", "notify"];
/// The task that gets stuck.
pub const STUCK_TASK: usize = 1;
/// 2026-01-01T00:00:00Z
pub const BEGIN: i64 = 1_767_225_600_000;
pub const MINUTE: i64 = 60_000;
/// `scheduler.task_queued_timeout` of Amazon MWAA.
pub const QUEUED_TIMEOUT: i64 = 1_800_000;
/// `scheduler.task_queued_timeout_check_interval`: all that are stuck are found at once.
pub const STUCK_CHECK: i64 = 120_000;
/// How many of a hundred bytes are task logs, where the scheduler's are written too.
pub const TASK_SHARE: u64 = 8;
/// The share of bytes that each version writes, in per cent, added up.
pub const ERAS: [u64; 3] = [20, 88, 100];

/// Whose lines are told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Scheduler,
    Tasks,
    Both,
}

/// How a try will go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Works,
    /// Index of the refusal.
    Denied(usize),
    Handled(usize),
    /// Index of the exception.
    Fails(usize),
    /// Starts after so many milliseconds in queued.
    Late(i64),
    /// Found stuck; once more after so many requeues. Then it starts, or is given up.
    Stuck(u64, bool),
    /// The executor reports it finished, and it never began.
    Lost,
}

#[derive(Clone, Copy, Debug)]
pub struct Try {
    pub dag: usize,
    pub task: usize,
    pub number: u64,
    pub fate: Fate,
    pub queued: i64,
    pub requeues: u64,
    /// From and to.
    pub ran: Option<(i64, i64)>,
    pub state: &'static str,
    pub job: u64,
}

#[derive(Clone, Copy, Debug)]
pub enum Happening {
    Due(usize),
    Ready(Try),
    Ended(Try),
    Found(Try),
}

/// A DAG and its current run.
pub struct Dag {
    pub name: String,
    pub every: i64,
    /// The logical date, while it runs.
    pub run: Option<i64>,
    pub began: i64,
    pub runs: u64,
}

/// What will happen, in the order of time.
#[derive(Default)]
pub struct Queue(BTreeMap<u64, Happening>, BinaryHeap<Reverse<(i64, u64)>>, u64);

impl Queue {
    pub fn push(&mut self, at: i64, it: Happening) {
        self.2 += 1;
        self.0.insert(self.2, it);
        self.1.push(Reverse((at, self.2)));
    }

    pub fn pop(&mut self, now: i64) -> Option<Happening> {
        self.1.peek().filter(|it| it.0.0 <= now)?;
        self.0.remove(&self.1.pop()?.0.1)
    }

    pub fn next(&self) -> Option<i64> {
        self.1.peek().map(|it| it.0.0)
    }
}
