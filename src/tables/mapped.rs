//! One successful try of a mapped task: how long one part of the work took.

use super::{Cell, Column, DAG_ID, Kind, MAP_INDEX, Origin, RUN_ID, TASK_ID, TASK_INFERRED, TRY_NUMBER, Table, TaskRef};
use crate::units::Moment;

/// When it started.
pub const STARTED_AT: Column = Column::new("started_at", Kind::Moment, "When it started");
/// When it ended.
pub const ENDED_AT: Column = Column::new("ended_at", Kind::Moment, "When it ended");

/// One row per mapped index that succeeded: its last successful try.
pub static TABLE: Table = Table {
    name: "mapped_tries",
    meaning: "one successful try of a mapped task",
    columns: &[DAG_ID, TASK_ID, RUN_ID, MAP_INDEX, TRY_NUMBER, TASK_INFERRED, STARTED_AT, ENDED_AT],
};

/// One row.
#[derive(Clone, Debug)]
pub struct MappedTry {
    /// Which try.
    pub task: TaskRef,
    /// When it started.
    pub started_at: Moment,
    /// When it ended.
    pub ended_at: Moment,
    /// The line that tells its end.
    pub origin: Origin,
}

impl MappedTry {
    /// The row, in column order.
    pub fn cells(&self) -> (Origin, Vec<Cell>) {
        let mut cells = Vec::from(self.task.cells());
        cells.extend([Some(self.started_at).into(), Some(self.ended_at).into()]);
        (self.origin.clone(), cells)
    }
}
