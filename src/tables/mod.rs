//! The narrow waist: every source fills these tables, every detector reads only these.

use crate::{error::Result, units::Moment};
use polars::prelude::*;
use std::sync::Arc;

#[macro_use]
mod records;

pub mod task_events;
pub mod errors;
pub mod tries;
pub mod spells;
pub mod mapped;
pub mod queries;
pub mod texts;
pub mod steps;
pub mod loads;
pub mod load_files;
pub mod load_errors;
pub mod table_stats;
pub mod slices;
pub mod load_slices;
pub mod transfer_errors;
pub mod objects;
pub mod external_scans;
pub mod clusters;

/// Every table, in the order reports list them.
pub static TABLES: &[&Table] = &[
    &task_events::TABLE,
    &errors::TABLE,
    &tries::TABLE,
    &spells::TABLE,
    &mapped::TABLE,
    &queries::TABLE,
    &texts::TABLE,
    &steps::TABLE,
    &loads::TABLE,
    &load_files::TABLE,
    &load_errors::TABLE,
    &table_stats::TABLE,
    &slices::TABLE,
    &load_slices::TABLE,
    &transfer_errors::TABLE,
    &objects::TABLE,
    &external_scans::TABLE,
    &clusters::TABLE,
];

/// The input a row was read from, as the user named it.
pub const ORIGIN_FILE: Column = Column::new("origin_file", Kind::Text, "Input the row was read from");
/// The record within that input, counted from 1.
pub const ORIGIN_RECORD: Column = Column::new("origin_record", Kind::Count, "Line or record within that input, counted from 1");

/// The DAG a row is about.
pub const DAG_ID: Column = Column::new("dag_id", Kind::Text, "Airflow DAG");
/// The task a row is about.
pub const TASK_ID: Column = Column::new("task_id", Kind::Text, "Task within the DAG");
/// The run a row is about.
pub const RUN_ID: Column = Column::new("run_id", Kind::Text, "DAG run; the execution date where the Airflow version knows no run ids");
/// The mapped index a row is about.
pub const MAP_INDEX: Column = Column::new("map_index", Kind::Count, "Index of a mapped task, -1 when it is not mapped");
/// The try a row is about.
pub const TRY_NUMBER: Column = Column::new("try_number", Kind::Count, "1 for the first try");
/// Whether the identity was rebuilt from a lossy name.
pub const TASK_INFERRED: Column =
    Column::new("task_inferred", Kind::Flag, "Whether the identity was rebuilt from an S3 key or stream name that lost characters");

/// A table: its name, one line of meaning, its columns.
#[derive(Debug)]
pub struct Table {
    /// Name in fixtures, Parquet and SQL.
    pub name: &'static str,
    /// What one row is.
    pub meaning: &'static str,
    /// Columns after the two origin columns.
    pub columns: &'static [Column],
}

/// A column: its name, what it measures, one sentence.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name in the frame.
    pub name: &'static str,
    /// What it measures.
    pub kind: Kind,
    /// One line of meaning.
    pub meaning: &'static str,
}

/// What a column measures, hence its type and unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// A whole number of things.
    Count,
    /// A size in bytes.
    Bytes,
    /// A duration in milliseconds.
    Millis,
    /// A moment in UTC, microseconds since 1970.
    Moment,
    /// Yes or no.
    Flag,
    /// A number without a unit.
    Ratio,
}

/// One value on its way into a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// For [`Kind::Text`].
    Text(Option<String>),
    /// For counts, sizes, durations and moments.
    Whole(Option<i64>),
    /// For [`Kind::Flag`].
    Flag(Option<bool>),
    /// For [`Kind::Ratio`].
    Real(Option<f64>),
}

/// Where a row was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The input, as the user named it.
    pub file: Arc<str>,
    /// Line or record within it, counted from 1.
    pub record: u64,
}

/// A task try, as far as the text that speaks of it names one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskRef {
    /// The DAG.
    pub dag_id: Option<String>,
    /// The task.
    pub task_id: Option<String>,
    /// The run, or the execution date where the Airflow version knows no run ids.
    pub run_id: Option<String>,
    /// Index of a mapped task; `None` when the text says nothing or the task is not mapped.
    pub map_index: Option<i64>,
    /// The try.
    pub try_number: Option<i64>,
    /// Whether it was rebuilt from a name that lost characters.
    pub inferred: bool,
}

impl TaskRef {
    /// Whether anything is known.
    pub fn is_known(&self) -> bool {
        self.task_id.is_some()
    }

    /// The first five columns that every table about tasks shares.
    pub fn cells(&self) -> [Cell; 6] {
        [
            self.dag_id.clone().into(),
            self.task_id.clone().into(),
            self.run_id.clone().into(),
            self.map_index.into(),
            self.try_number.into(),
            self.inferred.into(),
        ]
    }

    /// Takes over what only `other` knows.
    pub fn fill_from(&mut self, other: &Self) {
        let before = (self.dag_id.is_some(), self.run_id.is_some());
        let fill = |mine: &mut Option<String>, theirs: &Option<String>| {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        };
        fill(&mut self.dag_id, &other.dag_id);
        fill(&mut self.task_id, &other.task_id);
        fill(&mut self.run_id, &other.run_id);
        self.map_index = self.map_index.or(other.map_index);
        self.try_number = self.try_number.or(other.try_number);
        if before != (self.dag_id.is_some(), self.run_id.is_some()) {
            self.inferred |= other.inferred;
        }
    }
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<i64>> for Cell {
    fn from(whole: Option<i64>) -> Self {
        Self::Whole(whole)
    }
}

impl From<Option<Moment>> for Cell {
    fn from(at: Option<Moment>) -> Self {
        Self::Whole(at.map(|it| it.0))
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Flag(Some(flag))
    }
}

impl From<Option<bool>> for Cell {
    fn from(flag: Option<bool>) -> Self {
        Self::Flag(flag)
    }
}

impl From<Option<f64>> for Cell {
    fn from(real: Option<f64>) -> Self {
        Self::Real(real)
    }
}

impl Column {
    /// A column.
    pub const fn new(name: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self { name, kind, meaning }
    }

    /// This column in a query.
    pub fn col(self) -> Expr {
        col(self.name)
    }
}

impl Kind {
    /// Its name in `casefile schema`, with the unit.
    pub fn title(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Count => "count",
            Self::Bytes => "bytes",
            Self::Millis => "milliseconds",
            Self::Moment => "moment (UTC, microseconds since 1970)",
            Self::Flag => "flag",
            Self::Ratio => "ratio",
        }
    }
}

impl Table {
    /// The origin columns, then the table's own.
    pub fn all_columns(&self) -> impl Iterator<Item = Column> {
        [ORIGIN_FILE, ORIGIN_RECORD].into_iter().chain(self.columns.iter().copied())
    }

    /// Builds the frame from rows whose cells stand in column order.
    pub fn frame(&self, rows: impl IntoIterator<Item = (Origin, Vec<Cell>)>) -> Result<DataFrame> {
        let mut columns: Vec<Builder> = self.all_columns().map(Builder::of).collect();
        let mut height = 0;
        for (origin, cells) in rows {
            let record = i64::try_from(origin.record).ok();
            let all = [Cell::from(&*origin.file), record.into()].into_iter().chain(cells);
            for (column, cell) in columns.iter_mut().zip(all) {
                column.push(cell);
            }
            height += 1;
        }
        Ok(DataFrame::new(height, columns.into_iter().map(Builder::column).collect())?)
    }
}

/// A column of a frame while it grows.
enum Builder {
    Text(StringChunkedBuilder),
    Whole(PrimitiveChunkedBuilder<Int64Type>),
    Flag(BooleanChunkedBuilder),
    Real(PrimitiveChunkedBuilder<Float64Type>),
}

impl Builder {
    fn of(column: Column) -> Self {
        let name = column.name.into();
        match column.kind {
            Kind::Text => Self::Text(StringChunkedBuilder::new(name, 0)),
            Kind::Flag => Self::Flag(BooleanChunkedBuilder::new(name, 0)),
            Kind::Ratio => Self::Real(PrimitiveChunkedBuilder::new(name, 0)),
            Kind::Count | Kind::Bytes | Kind::Millis | Kind::Moment => Self::Whole(PrimitiveChunkedBuilder::new(name, 0)),
        }
    }

    /// Adds a cell; one of another kind is null.
    fn push(&mut self, cell: Cell) {
        match (self, cell) {
            (Self::Text(it), Cell::Text(text)) => it.append_option(text),
            (Self::Text(it), _) => it.append_null(),
            (Self::Whole(it), Cell::Whole(whole)) => it.append_option(whole),
            (Self::Whole(it), _) => it.append_null(),
            (Self::Flag(it), Cell::Flag(flag)) => it.append_option(flag),
            (Self::Flag(it), _) => it.append_null(),
            (Self::Real(it), Cell::Real(real)) => it.append_option(real),
            (Self::Real(it), _) => it.append_null(),
        }
    }

    fn column(self) -> polars::prelude::Column {
        match self {
            Self::Text(it) => it.finish().into_series(),
            Self::Whole(it) => it.finish().into_series(),
            Self::Flag(it) => it.finish().into_series(),
            Self::Real(it) => it.finish().into_series(),
        }
        .into()
    }
}

/// One row of a collected frame, read by column.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    frame: &'a DataFrame,
    at: usize,
}

/// The rows of a collected frame.
pub fn rows(frame: &DataFrame) -> impl Iterator<Item = Row<'_>> {
    (0..frame.height()).map(move |at| Row { frame, at })
}

impl Row<'_> {
    /// The text of a column.
    pub fn text(&self, column: Column) -> Option<String> {
        let series = self.frame.column(column.name).ok()?;
        series.str().ok()?.get(self.at).map(ToOwned::to_owned)
    }

    /// The number of a column.
    pub fn whole(&self, column: Column) -> Option<i64> {
        self.frame.column(column.name).ok()?.i64().ok()?.get(self.at)
    }

    /// The ratio of a column.
    pub fn real(&self, column: Column) -> Option<f64> {
        self.frame.column(column.name).ok()?.f64().ok()?.get(self.at)
    }

    /// The moment of a column.
    pub fn moment(&self, column: Column) -> Option<Moment> {
        self.whole(column).map(Moment)
    }

    /// The flag of a column, if it is known.
    pub fn maybe_flag(&self, column: Column) -> Option<bool> {
        self.frame.column(column.name).ok()?.bool().ok()?.get(self.at)
    }

    /// The flag of a column; unknown is no.
    pub fn flag(&self, column: Column) -> bool {
        self.maybe_flag(column).unwrap_or(false)
    }

    /// The task that the row is about.
    pub fn task(&self) -> TaskRef {
        TaskRef {
            dag_id: self.text(DAG_ID),
            task_id: self.text(TASK_ID),
            run_id: self.text(RUN_ID),
            map_index: self.whole(MAP_INDEX),
            try_number: self.whole(TRY_NUMBER),
            inferred: self.flag(TASK_INFERRED),
        }
    }

    /// Where the row was read.
    pub fn origin(&self) -> Origin {
        Origin {
            file: self.text(ORIGIN_FILE).unwrap_or_default().into(),
            record: self.whole(ORIGIN_RECORD).and_then(|it| u64::try_from(it).ok()).unwrap_or(0),
        }
    }
}
