//! The five flat tables that Athena reads, and the evidence tables, as Parquet.

use super::Report;
use crate::{
    error::Result,
    tables::{Kind, Table},
};
use arrow::{
    array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMillisecondArray},
    datatypes::{DataType, Field, Schema, TimeUnit},
    record_batch::RecordBatch,
};
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::{Compression, ZstdLevel},
    file::properties::{EnabledStatistics, WriterProperties, WriterVersion},
};
use polars::prelude::DataFrame;
use std::sync::Arc;

mod lake;
mod merge;
mod rows;

pub use lake::LAKE;
pub use merge::{Merge, fits};

use lake::{RUN, RUN_DATE};

/// A table of the lake.
#[derive(Debug)]
pub struct LakeTable {
    /// Its name: a folder, and a table in Athena.
    pub name: &'static str,
    /// What one row is.
    pub meaning: &'static str,
    /// Its columns, in order; only ever added to.
    pub columns: &'static [LakeColumn],
    rows: fn(&Report, &str) -> Vec<Vec<Cell>>,
}

/// A column of the lake.
#[derive(Debug)]
pub struct LakeColumn {
    /// Lower snake case, no word that Athena reserves.
    pub name: &'static str,
    /// Its type.
    pub kind: LakeKind,
    /// One sentence.
    pub meaning: &'static str,
}

/// What Athena calls the type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LakeKind {
    /// UTF-8.
    String,
    /// 64 bits, signed.
    Bigint,
    /// Floating point.
    Double,
    /// Yes or no.
    Boolean,
    /// UTC, milliseconds.
    Timestamp,
}

impl LakeKind {
    /// Its name in a CREATE TABLE statement.
    pub fn ddl(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Bigint => "bigint",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Timestamp => "timestamp",
        }
    }

    fn arrow(self) -> DataType {
        match self {
            Self::String => DataType::Utf8,
            Self::Bigint => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        }
    }
}

/// One value.
#[derive(Clone, Debug)]
enum Cell {
    Text(Option<String>),
    Whole(Option<i64>),
    Real(Option<f64>),
    Flag(Option<bool>),
}

/// The files of a report: table name and bytes.
pub fn files(report: &Report, run_id: &str) -> Result<Vec<(&'static str, Vec<u8>)>> {
    LAKE.iter().map(|table| Ok((table.name, file(table.columns, (table.rows)(report, run_id))?))).collect()
}

fn file(columns: &[LakeColumn], rows: Vec<Vec<Cell>>) -> Result<Vec<u8>> {
    let fields: Vec<Field> = columns.iter().map(|it| Field::new(it.name, it.kind.arrow(), true)).collect();
    let arrays = columns.iter().enumerate().map(|(at, column)| array(column.kind, &rows, at)).collect();
    written(fields, arrays)
}

fn array(kind: LakeKind, rows: &[Vec<Cell>], at: usize) -> ArrayRef {
    let cells = rows.iter().map(|it| it.get(at));
    match kind {
        LakeKind::String => {
            Arc::new(cells.map(|it| if let Some(Cell::Text(text)) = it { text.as_deref() } else { None }).collect::<StringArray>())
        }
        LakeKind::Bigint => Arc::new(cells.map(whole).collect::<Int64Array>()),
        LakeKind::Double => Arc::new(cells.map(|it| if let Some(Cell::Real(real)) = it { *real } else { None }).collect::<Float64Array>()),
        LakeKind::Boolean => Arc::new(cells.map(|it| if let Some(Cell::Flag(flag)) = it { *flag } else { None }).collect::<BooleanArray>()),
        LakeKind::Timestamp => Arc::new(cells.map(whole).collect::<TimestampMillisecondArray>().with_timezone("UTC")),
    }
}

fn whole(cell: Option<&Cell>) -> Option<i64> {
    if let Some(Cell::Whole(whole)) = cell { *whole } else { None }
}

/// An evidence table as a file: counts and times as they are, microseconds kept.
pub fn evidence(table: &Table, frame: &DataFrame) -> Result<Vec<u8>> {
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for column in table.all_columns() {
        let series = frame.column(column.name)?;
        let (kind, array): (DataType, ArrayRef) = match column.kind {
            Kind::Text => (DataType::Utf8, Arc::new(series.str()?.iter().collect::<StringArray>())),
            Kind::Flag => (DataType::Boolean, Arc::new(series.bool()?.iter().collect::<BooleanArray>())),
            Kind::Moment => {
                let micros: arrow::array::TimestampMicrosecondArray = series.i64()?.iter().collect();
                (DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), Arc::new(micros.with_timezone("UTC")))
            }
            Kind::Ratio => (DataType::Float64, Arc::new(series.f64()?.iter().collect::<Float64Array>())),
            Kind::Count | Kind::Bytes | Kind::Millis => (DataType::Int64, Arc::new(series.i64()?.iter().collect::<Int64Array>())),
        };
        fields.push(Field::new(column.name, kind, true));
        arrays.push(array);
    }
    written(fields, arrays)
}

fn written(fields: Vec<Field>, arrays: Vec<ArrayRef>) -> Result<Vec<u8>> {
    let schema = Arc::new(Schema::new(fields));
    let properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_created_by("casefile".to_owned())
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new_with_options(&mut bytes, Arc::clone(&schema), options)?;
    writer.write(&RecordBatch::try_new(schema, arrays)?)?;
    writer.close()?;
    Ok(bytes)
}
