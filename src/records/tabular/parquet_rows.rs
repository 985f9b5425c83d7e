//! Parquet: read where it lies; held in memory, up to a cap, where it comes out of an archive or a pipe.

use super::{Cells, Each, Rows, cells::Column};
use crate::{case::OnDisk, records::Feed};
use arrow::{
    array::{Array as _, ArrayRef, AsArray as _},
    compute::cast,
    datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType},
};
use bytes::Bytes;
use parquet::{
    arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder},
    errors::Result,
    file::{
        metadata::ParquetMetaDataReader,
        reader::{ChunkReader, Length},
    },
};
use std::io::Read;

/// The largest Parquet file that is held in memory.
const CAP: usize = 2 << 30;

const MAGIC: &[u8] = b"PAR1";

/// A whole file.
enum Whole {
    OnDisk(OnDisk),
    Held(Bytes),
}

impl Length for Whole {
    fn len(&self) -> u64 {
        match self {
            Self::OnDisk(it) => it.bytes,
            Self::Held(bytes) => bytes.len() as u64,
        }
    }
}

impl ChunkReader for Whole {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(match self {
            Self::OnDisk(it) => Box::new(it.file.get_read(start)?),
            Self::Held(bytes) => Box::new(bytes.get_read(start)?),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match self {
            Self::OnDisk(it) => it.file.get_bytes(start, length),
            Self::Held(bytes) => bytes.get_bytes(start, length),
        }
    }
}

/// Whether a file begins like Parquet.
pub fn is_parquet(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// The names of the columns, lower case, of a Parquet file that is whole.
pub fn columns(feed: &mut Feed<'_>) -> Option<Vec<String>> {
    let mut reader = ParquetMetaDataReader::new();
    match feed.on_disk() {
        Some(it) => reader.try_parse(it.file.as_ref()).ok()?,
        None => reader.try_parse(&Bytes::copy_from_slice(feed.want(CAP))).ok()?,
    }
    let metadata = reader.finish().ok()?;
    let fields = metadata.file_metadata().schema_descr().root_schema().get_fields();
    Some(fields.iter().map(|it| it.name().to_ascii_lowercase()).collect())
}

/// Reads the columns at the places `wanted`; the others are left empty.
pub(super) fn read(feed: &mut Feed<'_>, wanted: &[usize], each: &mut Each<'_>) {
    let mut rows = Rows::new(each);
    let file = if let Some(file) = feed.on_disk() {
        Whole::OnDisk(file)
    } else {
        let cut = feed.want(CAP).len() >= CAP && feed.more();
        let file = Bytes::from(feed.take_window());
        if cut {
            feed.drain();
            return rows.cut_off("Parquet file larger than the cap: unpack it first");
        }
        Whole::Held(file)
    };
    let bytes = file.len();
    let Ok(builder) = ParquetRecordBatchReaderBuilder::try_new(file) else {
        return rows.cut_off("Parquet file without its end, or damaged: it was cut off");
    };
    let names: Vec<String> = builder.parquet_schema().root_schema().get_fields().iter().map(|it| it.name().to_ascii_lowercase()).collect();
    let total = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0).max(1);
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted.iter().copied());
    rows.header(&names);
    let Ok(batches) = builder.with_projection(mask).build() else { return rows.cut_off("damaged Parquet file") };
    for batch in batches {
        let Ok(batch) = batch else { return rows.cut_off("damaged Parquet file") };
        let mut columns: Vec<Column> = names.iter().map(|_| Column::Unread).collect();
        for (place, array) in wanted.iter().zip(batch.columns()) {
            let Some(column) = column_of(array) else { return rows.cut_off("Parquet column of a type that cannot be shown") };
            if let Some(slot) = columns.get_mut(*place) {
                *slot = column;
            }
        }
        let mut cells = Cells::of_columns(columns);
        for at in 0..batch.num_rows() {
            cells.go_to(at);
            rows.row(&cells);
        }
        feed.passed(bytes * batch.num_rows() as u64 / total);
    }
    feed.finish();
    rows.end();
}

/// A column in one of the types that cells have.
fn column_of(array: &ArrayRef) -> Option<Column> {
    let to = |kind: &DataType| cast(array, kind).ok();
    Some(match array.data_type() {
        DataType::Boolean => Column::Flag(array.as_boolean_opt()?.clone()),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 | DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => {
            Column::Whole(to(&DataType::Int64)?.as_primitive_opt::<Int64Type>()?.clone())
        }
        DataType::Timestamp(..) => {
            let micros = to(&DataType::Timestamp(TimeUnit::Microsecond, None))?;
            Column::Moment(micros.as_primitive_opt::<TimestampMicrosecondType>()?.clone())
        }
        _ => Column::Text(to(&DataType::Utf8)?.as_string_opt()?.clone()),
    })
}
