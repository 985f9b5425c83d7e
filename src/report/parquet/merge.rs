//! Files of one table put together, run by run: the same rows give the same bytes, whatever order they came in.

use super::{LakeColumn, LakeTable, RUN, RUN_DATE, written};
use crate::error::{Error, Result};
use arrow::{
    array::{Array as _, ArrayRef, StringArray, new_null_array},
    compute::concat_batches,
    datatypes::{Field, Schema},
    record_batch::RecordBatch,
};
use bytes::Bytes;
use parquet::{arrow::arrow_reader::ParquetRecordBatchReaderBuilder, errors::ParquetError};
use std::{collections::BTreeMap, sync::Arc};

/// The rows of a table, by day and run.
#[derive(Debug)]
pub struct Merge {
    table: &'static LakeTable,
    runs: BTreeMap<(String, String), Vec<RecordBatch>>,
}

impl Merge {
    /// Nothing yet.
    pub fn new(table: &'static LakeTable) -> Self {
        Self { table, runs: BTreeMap::new() }
    }

    /// Adds the rows of a file. Those that name no day, as files did once, are of the day of their partition.
    pub fn add(&mut self, day: &str, file: Vec<u8>) -> Result<()> {
        for batch in ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file))?.build()? {
            let batch = fitted(self.table.columns, &batch?, day)?;
            let (days, runs) = (texts(&batch, RUN_DATE.name)?, texts(&batch, RUN.name)?);
            let key = |row: usize| (days.value(row), runs.value(row));
            let mut from = 0;
            for row in 1..=batch.num_rows() {
                if row == batch.num_rows() || key(row) != key(from) {
                    let (day, run) = key(from);
                    self.runs.entry((day.to_owned(), run.to_owned())).or_default().push(batch.slice(from, row - from));
                    from = row;
                }
            }
        }
        Ok(())
    }

    /// Takes a run out.
    pub fn remove(&mut self, run_id: &str) {
        self.runs.retain(|it, _| it.1 != run_id);
    }

    /// Whether it has rows of a run.
    pub fn holds(&self, run_id: &str) -> bool {
        self.runs.keys().any(|it| it.1 == run_id)
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.runs.values().flatten().map(RecordBatch::num_rows).sum()
    }

    /// All as one file: days in order, runs of a day in order, rows of a run as they were.
    pub fn file(self) -> Result<Vec<u8>> {
        let fields = fields(self.table.columns);
        let all = concat_batches(&Arc::new(Schema::new(fields.clone())), self.runs.values().flatten())?;
        written(fields, all.columns().to_vec())
    }
}

/// Whether a file holds rows of a table: every column is one of its, of the same type, and it can be opened.
pub fn fits(table: &LakeTable, file: &[u8]) -> Result<(), String> {
    let opened = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(file));
    let opened = opened.map_err(|it| format!("no Parquet that can be read: {it}"))?;
    misfit(table.columns, opened.schema()).map_or(Ok(()), Err)
}

/// What keeps a file's columns from being a table's.
fn misfit(columns: &[LakeColumn], schema: &Schema) -> Option<String> {
    let told = |field: &Arc<Field>| {
        let known = columns.iter().find(|it| it.name == field.name());
        match known {
            None => Some(format!("column {} is not known; a later version wrote it", field.name())),
            Some(it) if it.kind.arrow() != *field.data_type() => {
                Some(format!("column {} is {}, not {}", field.name(), field.data_type(), it.kind.arrow()))
            }
            Some(_) => None,
        }
    };
    let has_run = schema.fields().iter().any(|it| it.name() == RUN.name);
    schema.fields().iter().find_map(told).or_else(|| (!has_run).then(|| format!("column {} is missing", RUN.name)))
}

/// Rows with all the columns of a table; what was not written then is null.
fn fitted(columns: &[LakeColumn], batch: &RecordBatch, day: &str) -> Result<RecordBatch> {
    if let Some(told) = misfit(columns, &batch.schema()) {
        return Err(Error::Parquet(ParquetError::General(told)));
    }
    let rows = batch.num_rows();
    let array = |column: &LakeColumn| -> ArrayRef {
        let found = batch.column_by_name(column.name).map(Arc::clone);
        if column.name == RUN_DATE.name && found.as_ref().is_none_or(|it| it.null_count() > 0) {
            return Arc::new(std::iter::repeat_n(Some(day), rows).collect::<StringArray>());
        }
        found.unwrap_or_else(|| new_null_array(&column.kind.arrow(), rows))
    };
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields(columns))), columns.iter().map(array).collect())?)
}

fn texts<'a>(batch: &'a RecordBatch, column: &str) -> Result<&'a StringArray> {
    let found = batch.column_by_name(column).and_then(|it| it.as_any().downcast_ref::<StringArray>());
    found.ok_or_else(|| Error::Parquet(ParquetError::General(format!("column {column} is no text"))))
}

fn fields(columns: &[LakeColumn]) -> Vec<Field> {
    columns.iter().map(|it| Field::new(it.name, it.kind.arrow(), true)).collect()
}
