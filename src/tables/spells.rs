//! One stay of a task in the state queued that was long, or that the scheduler itself called stuck.

use super::{Cell, Column, DAG_ID, Kind, MAP_INDEX, Origin, RUN_ID, TASK_ID, TASK_INFERRED, TRY_NUMBER, Table, TaskRef};
use crate::units::Moment;

/// When it was queued.
pub const QUEUED_AT: Column = Column::new("queued_at", Kind::Moment, "When the task was queued; null when no line tells");
/// When it started.
pub const STARTED_AT: Column = Column::new("started_at", Kind::Moment, "When the task started, if it did");
/// When the stay ended.
pub const LEFT_AT: Column = Column::new("left_at", Kind::Moment, "When the stay ended: started, found stuck, or the end of the evidence");
/// How it was found.
pub const FOUND: Column = Column::new("found", Kind::Text, "The event that ended the stay");
/// How it ended.
pub const OUTCOME: Column = Column::new("outcome", Kind::Text, "requeued, failed, started-late, never-started");
/// The queue.
pub const QUEUE: Column = Column::new("queue", Kind::Text, "Executor queue");
/// The state that the executor reported.
pub const EXECUTOR_STATE: Column = Column::new("executor_state", Kind::Text, "State that the executor reported, in a mismatch");
/// Whether the try is certain.
pub const AMBIGUOUS: Column = Column::new("ambiguous", Kind::Flag, "Whether the line names only a task id that several tries share");
/// The line that tells.
pub const EXCERPT: Column = Column::new("excerpt", Kind::Text, "The line that tells, redacted");
/// The line that queued it.
pub const QUEUED_FILE: Column = Column::new("queued_file", Kind::Text, "Input with the line that queued it");
/// The line that queued it.
pub const QUEUED_RECORD: Column = Column::new("queued_record", Kind::Count, "Line that queued it");

/// One row per spell.
pub static TABLE: Table = Table {
    name: "queue_spells",
    meaning: "one stay of a task in queued that was long, or that the scheduler called stuck",
    columns: &[
        DAG_ID,
        TASK_ID,
        RUN_ID,
        MAP_INDEX,
        TRY_NUMBER,
        TASK_INFERRED,
        QUEUED_AT,
        STARTED_AT,
        LEFT_AT,
        FOUND,
        OUTCOME,
        QUEUE,
        EXECUTOR_STATE,
        AMBIGUOUS,
        EXCERPT,
        QUEUED_FILE,
        QUEUED_RECORD,
    ],
};

/// One row.
#[derive(Clone, Debug)]
pub struct Spell {
    /// Which try.
    pub task: TaskRef,
    /// When it was queued.
    pub queued_at: Option<Moment>,
    /// When it started.
    pub started_at: Option<Moment>,
    /// When the stay ended.
    pub left_at: Option<Moment>,
    /// The event that ended it.
    pub found: &'static str,
    /// One of the contract's outcomes.
    pub outcome: &'static str,
    /// Executor queue.
    pub queue: Option<String>,
    /// State that the executor reported.
    pub executor_state: Option<String>,
    /// Whether several tries share the task id that the line names.
    pub ambiguous: bool,
    /// The line that tells.
    pub excerpt: Option<String>,
    /// Where it was queued.
    pub queued_origin: Option<Origin>,
    /// Where the line that tells stands.
    pub origin: Origin,
}

impl Spell {
    /// The row, in column order.
    pub fn cells(&self) -> (Origin, Vec<Cell>) {
        let mut cells = Vec::from(self.task.cells());
        let queued = self.queued_origin.as_ref();
        cells.extend([
            self.queued_at.into(),
            self.started_at.into(),
            self.left_at.into(),
            self.found.into(),
            self.outcome.into(),
            self.queue.clone().into(),
            self.executor_state.clone().into(),
            self.ambiguous.into(),
            self.excerpt.clone().into(),
            Cell::Text(queued.map(|it| it.file.to_string())),
            Cell::Whole(queued.and_then(|it| i64::try_from(it.record).ok())),
        ]);
        (self.origin.clone(), cells)
    }
}
