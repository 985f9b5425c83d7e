//! One fact that a log line states about a task, a worker or the scheduler.

use super::{Cell, Column, DAG_ID, Kind, MAP_INDEX, Origin, RUN_ID, TASK_ID, TASK_INFERRED, TRY_NUMBER, Table, TaskRef};
use crate::units::Moment;

/// What the line says happened.
pub const EVENT: Column = Column::new("event", Kind::Text, "What happened: an id of the message catalogue");
/// When the line says it happened.
pub const EVENT_TIME: Column = Column::new("event_time", Kind::Moment, "When");
/// The executor queue.
pub const QUEUE: Column = Column::new("queue", Kind::Text, "Executor queue");
/// The pool.
pub const POOL: Column = Column::new("pool", Kind::Text, "Airflow pool");
/// The task's own state.
pub const STATE: Column = Column::new("state", Kind::Text, "State of the task that the line names");
/// The executor's state.
pub const EXECUTOR_STATE: Column = Column::new("executor_state", Kind::Text, "State that the executor reported");
/// When it was queued, if the line says so.
pub const QUEUED_AT: Column = Column::new("queued_at", Kind::Moment, "When the try was queued, if the line says so");
/// When it started, if the line says so.
pub const STARTED_AT: Column = Column::new("started_at", Kind::Moment, "When the try started, if the line says so");
/// When it ended, if the line says so.
pub const ENDED_AT: Column = Column::new("ended_at", Kind::Moment, "When the try ended, if the line says so");
/// What else the line says.
pub const DETAIL: Column = Column::new("detail", Kind::Text, "Last error line, queues of a worker, a limit");
/// How often it was said.
pub const SAID: Column =
    Column::new("said", Kind::Count, "How many lines in a row said the same; event_time is the first, ended_at the last");
/// The line itself.
pub const EXCERPT: Column = Column::new("excerpt", Kind::Text, "The line, redacted");

/// One row per fact that may matter; the lives of healthy tries are folded away.
pub static TABLE: Table = Table {
    name: "task_events",
    meaning: "one fact a log line states about a task, a worker or the scheduler",
    columns: &[
        EVENT,
        EVENT_TIME,
        DAG_ID,
        TASK_ID,
        RUN_ID,
        MAP_INDEX,
        TRY_NUMBER,
        TASK_INFERRED,
        QUEUE,
        POOL,
        STATE,
        EXECUTOR_STATE,
        QUEUED_AT,
        STARTED_AT,
        ENDED_AT,
        DETAIL,
        SAID,
        EXCERPT,
    ],
};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// The scheduler set the task to queued, or handed it to the executor.
    Queued,
    /// A worker or the task itself began the try.
    Started,
    /// The scheduler saw the end of the try.
    Finished,
    /// The task log says how the try ended.
    Ended,
    /// Found stuck in queued, and queued again.
    StuckRequeued,
    /// Found stuck in queued, and failed.
    StuckFailed,
    /// Found stuck in queued after the last requeue, and failed.
    StuckExhausted,
    /// The executor refused to take the task, still running or broken.
    CouldNotQueue,
    /// The executor says finished, the task says something else.
    StateMismatch,
    /// No heartbeat from a running task.
    Zombie,
    /// A pool had no open slots: tasks wait in scheduled.
    PoolFull,
    /// A DAG or task limit was reached: tasks wait in scheduled.
    DagLimit,
    /// The executor's parallelism was reached.
    ParallelismFull,
    /// The queues and the concurrency that a worker announced.
    WorkerQueues,
    /// A worker said that it lives: received, executing, ready.
    WorkerReady,
    /// A worker began its warm shutdown.
    WorkerStopping,
    /// A worker process was lost.
    WorkerLost,
    /// A scheduler started.
    SchedulerStarted,
    /// A task could not be sent to the broker.
    SendFailed,
}

impl Event {
    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Started => "started",
            Self::Finished => "finished",
            Self::Ended => "ended",
            Self::StuckRequeued => "stuck-requeued",
            Self::StuckFailed => "stuck-failed",
            Self::StuckExhausted => "stuck-exhausted",
            Self::CouldNotQueue => "could-not-queue",
            Self::StateMismatch => "state-mismatch",
            Self::Zombie => "zombie",
            Self::PoolFull => "pool-full",
            Self::DagLimit => "dag-limit",
            Self::ParallelismFull => "parallelism-full",
            Self::WorkerQueues => "worker-queues",
            Self::WorkerReady => "worker-ready",
            Self::WorkerStopping => "worker-stopping",
            Self::WorkerLost => "worker-lost",
            Self::SchedulerStarted => "scheduler-started",
            Self::SendFailed => "send-failed",
        }
    }
}

/// One row.
#[derive(Clone, Debug)]
pub struct TaskEvent {
    /// What happened.
    pub event: Event,
    /// When.
    pub at: Option<Moment>,
    /// To which try.
    pub task: TaskRef,
    /// Executor queue.
    pub queue: Option<String>,
    /// Airflow pool.
    pub pool: Option<String>,
    /// State of the task that the line names.
    pub state: Option<String>,
    /// State that the executor reported.
    pub executor_state: Option<String>,
    /// When the try was queued.
    pub queued_at: Option<Moment>,
    /// When the try started.
    pub started_at: Option<Moment>,
    /// When the try ended.
    pub ended_at: Option<Moment>,
    /// Last error line, queues, a limit.
    pub detail: Option<String>,
    /// How many lines in a row said the same.
    pub said: i64,
    /// The line, redacted; only where a finding may cite it.
    pub excerpt: Option<String>,
    /// Where it stands.
    pub origin: Origin,
}

impl TaskEvent {
    /// A fact with nothing known but what, when, and where.
    pub fn new(event: Event, at: Option<Moment>, origin: Origin) -> Self {
        Self {
            event,
            at,
            task: TaskRef::default(),
            queue: None,
            pool: None,
            state: None,
            executor_state: None,
            queued_at: None,
            started_at: None,
            ended_at: None,
            detail: None,
            said: 1,
            excerpt: None,
            origin,
        }
    }

    /// The row, in column order.
    pub fn cells(&self) -> (Origin, Vec<Cell>) {
        let mut cells = vec![Cell::from(self.event.name()), self.at.into()];
        cells.extend(self.task.cells());
        cells.extend([
            self.queue.clone().into(),
            self.pool.clone().into(),
            self.state.clone().into(),
            self.executor_state.clone().into(),
            self.queued_at.into(),
            self.started_at.into(),
            self.ended_at.into(),
            self.detail.clone().into(),
            Some(self.said).into(),
            self.excerpt.clone().into(),
        ]);
        (self.origin.clone(), cells)
    }
}
