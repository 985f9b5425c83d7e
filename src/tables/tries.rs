//! One attempt of one Airflow task that did not simply succeed.

use super::{Cell, Column, DAG_ID, Kind, MAP_INDEX, Origin, RUN_ID, TASK_ID, TASK_INFERRED, TRY_NUMBER, Table, TaskRef};
use crate::units::Moment;

/// How it ended.
pub const STATE: Column = Column::new("state", Kind::Text, "failed, up_for_retry, success, or null when the evidence does not say");
/// When it started.
pub const STARTED_AT: Column = Column::new("started_at", Kind::Moment, "When it started");
/// When it ended.
pub const ENDED_AT: Column = Column::new("ended_at", Kind::Moment, "When it ended");
/// The last error line.
pub const LAST_ERROR: Column = Column::new("last_error", Kind::Text, "Last error line of its log, redacted");
/// Whether it went well in the end.
pub const RECOVERED: Column = Column::new("recovered", Kind::Flag, "Whether a later try of the task succeeded");

/// One row per try that failed, was retried, or has an error of its own.
pub static TABLE: Table = Table {
    name: "tries",
    meaning: "one attempt of one Airflow task that did not simply succeed",
    columns: &[DAG_ID, TASK_ID, RUN_ID, MAP_INDEX, TRY_NUMBER, TASK_INFERRED, STATE, STARTED_AT, ENDED_AT, LAST_ERROR, RECOVERED],
};

/// One row.
#[derive(Clone, Debug)]
pub struct Try {
    /// Which try.
    pub task: TaskRef,
    /// How it ended.
    pub state: Option<String>,
    /// When it started.
    pub started_at: Option<Moment>,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// Last error line of its log.
    pub last_error: Option<String>,
    /// Whether a later try of the task succeeded.
    pub recovered: bool,
    /// The line that tells its end.
    pub origin: Origin,
}

impl Try {
    /// The row, in column order.
    pub fn cells(&self) -> (Origin, Vec<Cell>) {
        let mut cells = Vec::from(self.task.cells());
        cells.extend([
            self.state.clone().into(),
            self.started_at.into(),
            self.ended_at.into(),
            self.last_error.clone().into(),
            self.recovered.into(),
        ]);
        (self.origin.clone(), cells)
    }

    /// Whether it failed, for good or until the next try.
    pub fn failed(&self) -> bool {
        matches!(self.state.as_deref(), Some("failed" | "up_for_retry"))
    }
}
