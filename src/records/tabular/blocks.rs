//! CSV in blocks of whole rows, each of which can be read by itself.
//!
//! A block ends behind a line break outside of quotes. What is inside of quotes is told as the `csv` crate tells it: they open
//! where a cell begins, and nowhere else.

use super::{Cells, Rows};
use crate::records::Feed;
use bytes::Bytes;
use memchr::{memchr, memchr3_iter, memrchr};

/// How long a block is at most, unless a row is longer.
const BLOCK: usize = 256 << 10;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Cuts a feed into blocks.
#[derive(Debug)]
pub(super) struct Cutter {
    delimiter: u8,
    /// The longest row.
    cap: usize,
    pub(super) size: usize,
    begun: bool,
}

/// Some whole rows.
#[derive(Clone, Debug)]
pub(super) struct Block {
    text: Bytes,
    delimiter: u8,
    /// Whether there is any quote in it.
    quoted: bool,
}

/// A row does not end within the cap.
#[derive(Debug)]
pub(super) struct TooLong;

impl Cutter {
    pub(super) fn new(delimiter: u8, cap: usize) -> Self {
        Self { delimiter, cap, size: BLOCK, begun: false }
    }

    /// The next rows, as many as fit into a block, and at least one.
    pub(super) fn next(&mut self, feed: &mut Feed<'_>) -> Option<Result<Block, TooLong>> {
        if !std::mem::replace(&mut self.begun, true) && feed.want(BOM.len()).starts_with(BOM) {
            feed.take(BOM.len());
        }
        let mut size = self.size.min(self.cap);
        loop {
            let window = feed.want(size.saturating_add(1));
            let is_last = window.len() <= size;
            let text = window.get(..size).unwrap_or(window);
            if text.is_empty() {
                return None;
            }
            let (end, quoted) = end_of_rows(text, self.delimiter);
            let end = if is_last { text.len() } else { end };
            if end > 0 {
                let text = Bytes::copy_from_slice(text.get(..end).unwrap_or_default());
                feed.take(end);
                return Some(Ok(Block { text, delimiter: self.delimiter, quoted }));
            }
            if size >= self.cap {
                return Some(Err(TooLong));
            }
            size = size.saturating_mul(2).min(self.cap);
        }
    }
}

/// Where the last whole row of a text ends that begins with one, and whether there are quotes in the text.
fn end_of_rows(text: &[u8], delimiter: u8) -> (usize, bool) {
    let (mut end, mut from, mut quoted) = (0, 0, false);
    loop {
        let outside = text.get(from..).unwrap_or_default();
        let quote = memchr(b'"', outside);
        let plain = outside.get(..quote.unwrap_or(outside.len())).unwrap_or_default();
        if let Some(at) = memrchr(b'\n', plain) {
            end = from + at + 1;
        }
        let Some(quote) = quote.map(|it| from + it) else { return (end, quoted) };
        quoted = true;
        from = quote + 1;
        let before = quote.checked_sub(1).and_then(|it| text.get(it));
        if before.is_none_or(|it| *it == delimiter || matches!(it, b'\n' | b'\r')) {
            match behind_quotes(text, from) {
                Some(behind) => from = behind,
                None => return (end, quoted),
            }
        }
    }
}

/// The place behind the quote that closes what begins at `from`.
fn behind_quotes(text: &[u8], mut from: usize) -> Option<usize> {
    loop {
        from += memchr(b'"', text.get(from..)?)? + 1;
        if text.get(from) != Some(&b'"') {
            return Some(from);
        }
        from += 1;
    }
}

impl Block {
    /// The cells of its first row, and the block behind it.
    pub(super) fn split_first(mut self) -> (Option<Cells>, Self) {
        let mut cells = Cells::default();
        let (read, used) = {
            let mut reader = self.reader();
            (reader.read_byte_record(&mut cells.texts).unwrap_or(false), reader.position().byte())
        };
        // The reader was given a line break before the text.
        let used = usize::try_from(used).unwrap_or(0).saturating_sub(1);
        let behind = self.text.split_off(used.min(self.text.len()));
        (read.then_some(cells), Self { text: behind, ..self })
    }

    /// A reader of its text, which is never the beginning of a file: a mark of byte order is text.
    fn reader(&self) -> csv::Reader<impl std::io::Read> {
        let text = std::io::Read::chain(&b"\n"[..], &*self.text);
        csv::ReaderBuilder::new().delimiter(self.delimiter).flexible(true).has_headers(false).from_reader(text)
    }

    /// Reads its rows.
    pub(super) fn read(&self, rows: &mut Rows<'_, '_>) {
        if !self.quoted {
            return self.read_plain(rows);
        }
        let mut reader = self.reader();
        let mut cells = Cells::default();
        while reader.read_byte_record(&mut cells.texts).unwrap_or(false) {
            rows.row(&cells);
        }
    }

    /// Reads rows without quotes where they lie.
    fn read_plain(&self, rows: &mut Rows<'_, '_>) {
        let mut cells = Cells::of_text(self.text.clone());
        let mut borders = memchr3_iter(self.delimiter, b'\n', b'\r', &self.text).chain([self.text.len()]);
        let mut from = 0;
        while from < self.text.len() {
            let mut is_blank = false;
            cells.lie_at(|places| {
                for border in borders.by_ref() {
                    places.push(from..border);
                    from = border + 1;
                    if self.text.get(border) != Some(&self.delimiter) {
                        break;
                    }
                }
                is_blank = matches!(places.as_slice(), [one] if one.is_empty());
            });
            if !is_blank {
                rows.row(&cells);
            }
        }
    }
}
