//! CSV in blocks of whole rows, each of which can be read by itself.
//!
//! A block ends behind a line break outside of quotes. What is inside of quotes is told as the `csv` crate tells it: they open
//! where a cell begins, and nowhere else.

use super::{Cells, Rows};
use crate::records::Feed;
use bytes::Bytes;
use memchr::{memchr, memrchr};

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
        let mut borders = Borders::new(self.delimiter, &self.text);
        let mut from = 0;
        while from < self.text.len() {
            let mut is_blank = false;
            cells.lie_at(|places| {
                loop {
                    let border = borders.next_border();
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

/// Where cells end in a text: each delimiter and each byte of a line break. They stand so close that eight bytes at a time are looked at.
struct Borders<'t> {
    text: &'t [u8],
    delimiter: u8,
    /// The word that is looked at, and what of it was not told yet: the highest bit of each byte that is a border.
    from: usize,
    marks: u64,
    next: usize,
}

impl<'t> Borders<'t> {
    fn new(delimiter: u8, text: &'t [u8]) -> Self {
        Self { text, delimiter, from: 0, marks: 0, next: 0 }
    }

    /// The next border, or the end of the text.
    fn next_border(&mut self) -> usize {
        const ONES: u64 = u64::MAX / 255;
        const REST: u64 = ONES * 0x7f;
        while self.marks == 0 {
            let Some(rest) = self.text.get(self.next..).filter(|it| !it.is_empty()) else { return self.text.len() };
            let word = rest.first_chunk().copied().unwrap_or_else(|| {
                // What is no border fills the last word.
                let mut last = [b'0'; 8];
                last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                last
            });
            let word = u64::from_le_bytes(word);
            let is = |byte: u8| {
                let differs = word ^ (ONES * u64::from(byte));
                !(((differs & REST) + REST) | differs | REST)
            };
            self.marks = is(self.delimiter) | is(b'\n') | is(b'\r');
            (self.from, self.next) = (self.next, self.next + 8);
        }
        let at = self.marks.trailing_zeros() as usize / 8;
        self.marks &= self.marks - 1;
        self.from + at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn borders_are_where_bytes_say_so(text in proptest::collection::vec(prop_oneof![Just(b','), Just(b'-'), Just(b'\n'), Just(b'\r'), Just(0x0b), any::<u8>()], 0..60)) {
            let mut borders = Borders::new(b',', &text);
            for at in (0..text.len()).filter(|it| matches!(text[*it], b',' | b'\n' | b'\r')) {
                prop_assert_eq!(borders.next_border(), at);
            }
            prop_assert_eq!(borders.next_border(), text.len());
        }
    }
}
