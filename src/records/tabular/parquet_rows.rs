//! Parquet. Its columns stand at its end, hence it is held in memory, up to a cap.

use super::{Cells, Each, Rows};
use crate::records::Feed;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use parquet::{arrow::arrow_reader::ParquetRecordBatchReaderBuilder, file::metadata::ParquetMetaDataReader};

/// The largest Parquet file that is read.
pub const CAP: usize = 2 << 30;

const MAGIC: &[u8] = b"PAR1";
/// The length of the metadata and the magic word.
const TAIL: usize = 8;

pub(super) fn is_parquet(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// The names of the columns, lower case, of a file that is whole.
pub(super) fn columns(file: &[u8]) -> Option<Vec<String>> {
    let (before, tail) = file.split_at_checked(file.len().checked_sub(TAIL)?)?;
    let length = u32::from_le_bytes(tail.strip_suffix(MAGIC)?.try_into().ok()?);
    let start = before.len().checked_sub(usize::try_from(length).ok()?)?;
    let metadata = ParquetMetaDataReader::decode_metadata(before.get(start..)?).ok()?;
    let fields = metadata.file_metadata().schema_descr().root_schema().get_fields();
    Some(fields.iter().map(|it| it.name().to_ascii_lowercase()).collect())
}

pub(super) fn read(feed: &mut Feed<'_>, each: &mut Each<'_>) {
    let mut rows = Rows::new(each);
    let cut = feed.want(CAP).len() >= CAP && feed.more();
    let file = Bytes::from(feed.take_window());
    if cut {
        feed.drain();
        return rows.cut_off("Parquet file larger than the cap");
    }
    let Some(names) = columns(&file) else { return rows.cut_off("Parquet file without its end: it was cut off") };
    let Ok(batches) = ParquetRecordBatchReaderBuilder::try_new(file).and_then(ParquetRecordBatchReaderBuilder::build) else {
        return rows.cut_off("damaged Parquet file");
    };
    rows.header(&names);
    let options = FormatOptions::default();
    for batch in batches {
        let Ok(batch) = batch else { return rows.cut_off("damaged Parquet file") };
        let columns: Result<Vec<_>, _> = batch.columns().iter().map(|it| ArrayFormatter::try_new(it.as_ref(), &options)).collect();
        let Ok(columns) = columns else { return rows.cut_off("Parquet column of a type that cannot be shown") };
        for at in 0..batch.num_rows() {
            let mut cells = Cells::default();
            for column in &columns {
                cells.push(column.value(at).to_string().as_bytes());
            }
            rows.row(&cells);
        }
    }
    rows.end();
}
