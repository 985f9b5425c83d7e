//! Parquet: read where it lies; held in memory, up to a cap, where it comes out of an archive or a pipe.

use super::{Cells, Rows, cells::Column};
use crate::{
    case::{Meter, OnDisk},
    records::Feed,
};
use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, RecordBatch},
    compute::cast,
    datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType},
};
use bytes::Bytes;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    },
    errors::Result,
    file::{
        metadata::{ParquetMetaData, ParquetMetaDataReader},
        reader::{ChunkReader, Length},
    },
};
use std::{
    io::{self, BufReader, Read},
    sync::Arc,
};

/// The largest Parquet file that is held in memory.
const CAP: usize = 2 << 30;

const MAGIC: &[u8] = b"PAR1";

/// A whole file.
#[derive(Clone)]
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
            Self::OnDisk(it) => Box::new(BufReader::new(it.reader(start))),
            Self::Held(bytes) => Box::new(bytes.get_read(start)?),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match self {
            Self::OnDisk(it) => {
                // Nobody can ask for more than there is, whatever a damaged file says of itself.
                if start.checked_add(length as u64).is_none_or(|it| it > self.len()) {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                }
                let mut bytes = vec![0; length];
                it.read_at(start, &mut bytes)?;
                Ok(bytes.into())
            }
            Self::Held(bytes) => bytes.get_bytes(start, length),
        }
    }
}

/// Whether a file begins like Parquet.
pub fn is_parquet(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// Whether what a file says of its own parts can be: a reader that believes it would panic otherwise.
pub fn is_sound(metadata: &ParquetMetaData, bytes: u64) -> bool {
    let ends_inside = |start: i64, length: i64| {
        let end = u64::try_from(start).ok().zip(u64::try_from(length).ok()).and_then(|(start, length)| start.checked_add(length));
        end.is_some_and(|it| it <= bytes)
    };
    metadata.row_groups().iter().all(|group| {
        let columns = group.columns().iter();
        group.num_rows() >= 0
            && columns.into_iter().all(|it| {
                let start = it.dictionary_page_offset().unwrap_or_else(|| it.data_page_offset());
                it.data_page_offset() >= 0 && it.num_values() >= 0 && ends_inside(start, it.compressed_size())
            })
    })
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

/// How many rows a part of a large group has, and how many make a group large.
const ROWS: usize = 1 << 17;
const LARGE: usize = 2 * ROWS;

/// How many rows are decoded at once.
const BATCH: usize = 4096;

/// A file whose groups of rows are read one by one.
pub(super) struct Groups {
    pub(super) names: Vec<String>,
    bytes: u64,
    total: u64,
    whole: Group,
    /// Which group, how many rows of it come before, and how many are read.
    parts: std::vec::IntoIter<(usize, usize, usize)>,
}

/// Some rows of one group.
#[derive(Clone)]
pub(super) struct Group {
    file: Whole,
    metadata: ArrowReaderMetadata,
    wanted: Arc<[usize]>,
    width: usize,
    part: (usize, usize, usize),
}

impl Groups {
    /// Reads the columns at the places `wanted`; the others are left empty.
    pub(super) fn new(feed: &mut Feed<'_>, wanted: &[usize]) -> std::result::Result<Self, &'static str> {
        let file = if let Some(file) = feed.on_disk() {
            Whole::OnDisk(file)
        } else {
            let cut = feed.want(CAP).len() >= CAP && feed.more();
            let file = Bytes::from(feed.take_window());
            if cut {
                feed.drain();
                return Err("Parquet file larger than the cap: unpack it first");
            }
            Whole::Held(file)
        };
        let bytes = file.len();
        let Ok(metadata) = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()) else {
            return Err("Parquet file without its end, or damaged: it was cut off");
        };
        if !is_sound(metadata.metadata(), bytes) {
            return Err("damaged Parquet file: it says of its parts what cannot be");
        }
        let names: Vec<String> =
            metadata.parquet_schema().root_schema().get_fields().iter().map(|it| it.name().to_ascii_lowercase()).collect();
        let total = u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0).max(1);
        let rows = metadata.metadata().row_groups().iter().map(|it| usize::try_from(it.num_rows()).unwrap_or(0));
        let parts: Vec<_> = rows.enumerate().flat_map(|(group, rows)| parts_of(group, rows)).collect();
        let whole = Group { file, metadata, wanted: wanted.into(), width: names.len(), part: (0, 0, 0) };
        Ok(Self { names, bytes, total, whole, parts: parts.into_iter() })
    }

    /// The next rows.
    pub(super) fn next(&mut self, meter: Option<&Meter>) -> Option<Group> {
        let part = self.parts.next()?;
        if let Some(meter) = meter {
            meter.add(self.bytes.saturating_mul(part.2 as u64) / self.total);
        }
        Some(Group { part, ..self.whole.clone() })
    }
}

/// A large group is read in parts.
fn parts_of(group: usize, rows: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let size = if rows > LARGE { ROWS } else { rows.max(1) };
    (0..rows.max(1)).step_by(size).map(move |before| (group, before, size.min(rows - before)))
}

impl Group {
    /// Reads its rows; says why when that is not possible to their end.
    pub(super) fn read(&self, rows: &mut Rows<'_, '_>) -> std::result::Result<(), &'static str> {
        let (group, before, count) = self.part;
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), self.wanted.iter().copied());
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.clone(), self.metadata.clone());
        let builder = builder.with_row_groups(vec![group]).with_projection(mask).with_batch_size(BATCH);
        let Ok(batches) = builder.with_offset(before).with_limit(count).build() else { return Err("damaged Parquet file") };
        for batch in batches {
            let Some((decoded, count)) = batch.ok().and_then(|it| columns_of(&it)) else {
                return Err("damaged Parquet file, or a column of a type that cannot be shown");
            };
            let mut columns: Vec<Column> = vec![Column::Unread; self.width];
            for (place, column) in self.wanted.iter().zip(decoded) {
                if let Some(slot) = columns.get_mut(*place) {
                    *slot = column;
                }
            }
            let mut cells = Cells::of_columns(columns);
            for at in 0..count {
                cells.go_to(at);
                rows.row(&cells);
            }
        }
        Ok(())
    }
}

/// The columns of a batch, and how many rows it has.
fn columns_of(batch: &RecordBatch) -> Option<(Vec<Column>, usize)> {
    Some((batch.columns().iter().map(column_of).collect::<Option<_>>()?, batch.num_rows()))
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
