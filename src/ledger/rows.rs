//! The rows of a file of Parquet, as values that name their columns. What a file lacks is absent: earlier versions wrote fewer columns.

use crate::{records::tabular::is_sound_parquet, units::Moment};
use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, RecordBatch, RecordBatchReader as _},
    compute::cast,
    datatypes::{DataType, Float64Type, Int64Type, TimeUnit},
};
use bytes::Bytes;
use parquet::arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Reads rows with these columns; says what keeps them from being read.
pub(super) fn read<T: DeserializeOwned>(file: Vec<u8>, columns: &[&str]) -> Result<Vec<T>, String> {
    let damaged = |it: &dyn std::fmt::Display| format!("no file of Parquet, or a damaged one: {it}");
    let bytes = file.len() as u64;
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file)).map_err(|it| damaged(&it))?;
    if !is_sound_parquet(builder.metadata(), bytes) {
        return Err(damaged(&"it says of its parts what cannot be"));
    }
    let fields = builder.schema().fields().iter().enumerate();
    let wanted: Vec<usize> = fields.filter(|it| columns.contains(&it.1.name().as_str())).map(|it| it.0).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
    let batches = builder.with_projection(mask).build().map_err(|it| damaged(&it))?;
    let names: Vec<String> = batches.schema().fields().iter().map(|it| it.name().clone()).collect();
    let mut rows = Vec::new();
    for batch in batches {
        let cells = columns_of(&batch.map_err(|it| damaged(&it))?)?;
        let count = cells.first().map_or(0, Vec::len);
        let mut objects: Vec<Map<String, Value>> = vec![Map::new(); count];
        for (name, column) in names.iter().zip(cells) {
            for (object, cell) in objects.iter_mut().zip(column) {
                object.extend(cell.map(|it| (name.clone(), it)));
            }
        }
        for object in objects {
            let row = serde_json::from_value(Value::Object(object)).map_err(|it| format!("row {}: {it}", rows.len() + 1))?;
            rows.push(row);
        }
    }
    Ok(rows)
}

fn columns_of(batch: &RecordBatch) -> Result<Vec<Vec<Option<Value>>>, String> {
    let schema = batch.schema();
    let column = |(field, array): (&std::sync::Arc<arrow::datatypes::Field>, &ArrayRef)| {
        cells(array).ok_or_else(|| format!("column {} is of a type that is not read: {}", field.name(), array.data_type()))
    };
    schema.fields().iter().zip(batch.columns()).map(column).collect()
}

/// The values of a column; moments as reports write them.
fn cells(array: &ArrayRef) -> Option<Vec<Option<Value>>> {
    let to = |kind: &DataType| cast(array, kind).ok();
    Some(match array.data_type() {
        DataType::Boolean => array.as_boolean_opt()?.iter().map(|it| it.map(Value::from)).collect(),
        kind if kind.is_integer() => to(&DataType::Int64)?.as_primitive_opt::<Int64Type>()?.iter().map(|it| it.map(Value::from)).collect(),
        kind if kind.is_floating() => {
            to(&DataType::Float64)?.as_primitive_opt::<Float64Type>()?.iter().map(|it| it.map(Value::from)).collect()
        }
        DataType::Timestamp(..) => {
            let millis = to(&DataType::Timestamp(TimeUnit::Millisecond, None))?;
            let moment = |it: Option<i64>| it.and_then(Moment::from_millis).map(|it| Value::from(it.rfc3339()));
            to_whole(&millis)?.into_iter().map(moment).collect()
        }
        _ => to(&DataType::Utf8)?.as_string_opt::<i32>()?.iter().map(|it| it.map(Value::from)).collect(),
    })
}

fn to_whole(array: &ArrayRef) -> Option<Vec<Option<i64>>> {
    Some(cast(array, &DataType::Int64).ok()?.as_primitive_opt::<Int64Type>()?.iter().collect())
}
