//! Passing over records that mean nothing, a block of lines at a time.
//!
//! Most records of a healthy scheduler say nothing that anybody asks for. A record is passed over when its head is the plain one
//! of Airflow, when no message of the catalogue begins it, and when no word stands in it without which there is no refusal, no
//! load and no id. Only that it was there, and when, is kept. Everything else is read line by line.

use super::{
    LogReader, Stream,
    catalogue::{self, Entry},
    loads,
    stream::{Assembler, Piece, Record, Relayed, begins_record},
    telling::Telling,
};
use crate::tables::Origin;
use memchr::memchr;
use std::{ops::Range, sync::Arc};

mod head;
mod words;

pub use head::exported;
pub(super) use head::{HeadAt, Heads, PlainHead, continues};
pub(super) use words::{Ahead, Said};

use head::{bare, begins_plainly, plain_text, text_of, unframed};

/// A message lists at most this many tasks, else it is read line by line.
const MOST_LINES: u64 = 2_000;

/// What stands around the lines of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Nothing.
    Bare,
    /// The time of each event, as an export to S3 puts it before it.
    Exported,
}

impl LogReader<'_> {
    /// Counts a record that is passed over.
    pub(super) fn passes(&mut self, head: &PlainHead<'_>, record: u64) {
        if self.is_foreign(record) {
            return;
        }
        self.facts.log_records += 1;
        self.saw(Some(head.at));
    }

    /// A record that was passed over is read after all.
    fn unpass(&mut self, record: u64) {
        if !self.is_foreign(record) {
            self.facts.log_records -= 1;
        }
    }

    /// Reads a message of the catalogue that is all there is in its record.
    pub(super) fn message(&mut self, head: &PlainHead<'_>, entry: &Entry, record: u64, stream: &mut Stream) {
        if self.briefly(head, entry, record, stream) {
            return;
        }
        let body = text_of(head.words());
        let record = Record {
            at: Some(head.at),
            level: Some(head.level),
            logger: &text_of(head.file),
            process: "",
            body: &body,
            printed: false,
            task: None,
            origin: Origin { file: Arc::clone(&self.file), record },
            places: &[(0, record)],
        };
        for telling in Telling::of_message(&record) {
            self.take(telling, "", stream);
        }
    }

    /// Reads such a message if it is spelt as healthy schedulers spell it; whether it was.
    fn briefly(&mut self, head: &PlainHead<'_>, entry: &Entry, record: u64, stream: &mut Stream) -> bool {
        self.is_foreign(record) || self.brief(head, entry, &text_of(head.words()), record, stream)
    }
}

/// A record that is being passed over.
#[derive(Clone, Copy)]
struct Passed<'b> {
    from: usize,
    record: u64,
    /// Who passed it on.
    relay: Option<Relayed<'b>>,
}

/// A line that may be passed over.
struct Dull<'b> {
    head: PlainHead<'b>,
    relay: Option<Relayed<'b>>,
}

/// Where a line stands, and what is to be done with it.
#[derive(Clone, Copy)]
struct Here {
    from: usize,
    record: u64,
    /// It must be read, whatever it looks like.
    speaks: bool,
    /// It names an S3 object, or stands just behind a line that does.
    is_near: bool,
}

impl LogReader<'_> {
    /// Reads the lines of a block, of the one stream of a file, and says how many bytes it read: what is left must come again with
    /// what follows it. `record` counts the lines; a line longer than `cap` is left.
    pub fn block(&mut self, framing: Framing, block: &[u8], record: &mut u64, cap: usize, is_last: bool) -> usize {
        let mut used = 0;
        self.with_stream("", |reader, stream, assembler| {
            used = Block { reader, stream, assembler, framing, heads: Heads::default(), bytes: block }.read(record, cap, is_last);
        });
        used
    }

    /// Reads one line, of the one stream of a file.
    pub fn framed_line(&mut self, framing: Framing, line: &[u8], record: u64) {
        self.with_stream("", |reader, stream, assembler| {
            Block { reader, stream, assembler, framing, heads: Heads::default(), bytes: &[] }.slow(line, record);
        });
    }
}

struct Block<'w, 'f, 'b> {
    reader: &'w mut LogReader<'f>,
    stream: &'w mut Stream,
    assembler: &'w mut Assembler,
    framing: Framing,
    heads: Heads,
    bytes: &'b [u8],
}

impl<'b> Block<'_, '_, 'b> {
    fn read(&mut self, record: &mut u64, cap: usize, is_last: bool) -> usize {
        let mut ahead = Ahead::of(self.bytes);
        let (mut at, mut passed) = (0, None);
        while let Some(rest) = self.bytes.get(at..).filter(|it| !it.is_empty()) {
            let (length, end) = match memchr(b'\n', rest) {
                Some(length) => (length, at + length + 1),
                None if is_last => (rest.len(), self.bytes.len()),
                None => break,
            };
            if length > cap {
                break;
            }
            *record += 1;
            let line = rest.get(..length).unwrap_or_default();
            let said = ahead.as_mut().map_or(Said::Word, |it| it.line(at, end));
            let head = PlainHead::of(line, self.framing, &mut self.heads);
            let entry = head.as_ref().filter(|it| !it.is_relay).and_then(|it| catalogue::begun(it.body));
            let is_near = said == Said::Place || self.stream.keeps(*record);
            if let Some((head, entry)) = head.as_ref().zip(entry).filter(|_| !is_near && said == Said::Nothing)
                && let Some(ahead) = &mut ahead
                && let Some((to, lines)) = self.message(ahead, (head, entry), *record, at + length - head.body.len()..end)
            {
                (passed, at) = (None, to);
                *record += lines;
                continue;
            }
            let speaks = match said {
                Said::Word => true,
                Said::Place => head.is_none() || loads::may_run(line),
                Said::Nothing => false,
            };
            let speaks = speaks || self.stream.awaits_start();
            let dull = head.filter(|_| !speaks && entry.is_none()).and_then(Dull::of);
            passed = self.line(line, dull, Here { from: at, record: *record, speaks, is_near }, passed);
            at = end;
        }
        // A record that may go on in the next block is read again with it.
        match passed {
            Some(Passed { from, record: first, .. }) if !is_last && from > 0 => {
                self.reader.unpass(first);
                *record = first - 1;
                from
            }
            Some(open) if !is_last => {
                self.reread(open, at);
                at
            }
            _ => at,
        }
    }

    /// Reads a record that is one message of the catalogue, plainly put: where it ends, and its further lines.
    fn message(
        &mut self,
        ahead: &mut Ahead<'_>,
        (head, entry): (&PlainHead<'_>, &Entry),
        record: u64,
        body: Range<usize>,
    ) -> Option<(usize, u64)> {
        let (mut to, mut lines, mut is_framed) = (body.end, 0, false);
        loop {
            let rest = self.bytes.get(to..)?;
            if begins_plainly(rest, self.framing, &mut self.heads) {
                let Self { reader, stream, assembler, .. } = self;
                assembler.passes(&mut |it| reader.record(it, stream));
                // What ended may have been the try that the stream is about.
                if stream.awaits_start() {
                    return None;
                }
                reader.passes(head, record);
                let body = self.bytes.get(body.start..to)?;
                let head = PlainHead { body: body.strip_suffix(b"\n").unwrap_or(body), ..*head };
                if !is_framed {
                    reader.message(&head, entry, record, stream);
                } else if !reader.briefly(&head, entry, record, stream) {
                    reader.unpass(record);
                    return None;
                }
                return Some((to, lines));
            }
            let length = memchr(b'\n', rest)?;
            let line = rest.get(..length)?;
            let text = bare(line, self.framing).unwrap_or(line);
            // Names are read in spite of what stands around the lines that tell them.
            is_framed |= text.len() < line.len();
            let plain = matches!(text.first(), Some(b'\t' | b' ')) && !text.ends_with(b"\r") && continues(line, self.framing);
            if !plain || lines > MOST_LINES {
                return None;
            }
            (to, lines) = (to + length + 1, lines + 1);
            if ahead.line(to - length - 1, to) != Said::Nothing {
                return None;
            }
        }
    }

    /// Reads one line, and gives the record that is passed over behind it.
    fn line(&mut self, line: &'b [u8], dull: Option<Dull<'b>>, here: Here, passed: Option<Passed<'b>>) -> Option<Passed<'b>> {
        let Here { from, record, speaks, is_near } = here;
        let goes_on = match (&dull, passed) {
            (Some(Dull { relay: Some(relay), .. }), Some(open)) if relay.continues(open.relay) => return self.goes_on(line, here, passed),
            (Some(Dull { relay: Some(relay), .. }), None) => self.assembler.goes_on(relay),
            _ => false,
        };
        if let Some(Dull { head, relay }) = dull.filter(|_| !goes_on) {
            let Self { reader, stream, assembler, .. } = self;
            assembler.passes(&mut |it| reader.record(it, stream));
            // What ended may have been the try that the stream is about.
            if !stream.awaits_start() {
                reader.passes(&head, record);
                if is_near {
                    self.keep_nearby(line, record);
                }
                return Some(Passed { from, record, relay });
            }
        }
        if let Some(open) = passed {
            if !speaks && continues(line, self.framing) {
                return self.goes_on(line, here, passed);
            }
            if open.relay.is_some() || !begins_record(unframed(&plain_text(line), self.framing)) {
                self.reread(open, from);
            }
        }
        self.slow(line, record);
        None
    }

    /// A record that is passed over has one more line.
    fn goes_on(&mut self, line: &[u8], here: Here, passed: Option<Passed<'b>>) -> Option<Passed<'b>> {
        if here.is_near {
            self.keep_nearby(line, here.record);
        }
        passed
    }

    /// A line that is passed over names an S3 object, or stands just behind one that does.
    fn keep_nearby(&mut self, line: &[u8], record: u64) {
        // Between events, nothing is said.
        if line.is_empty() && self.framing != Framing::Bare {
            return;
        }
        let text = plain_text(line);
        self.stream.keep_nearby(&Piece { text: unframed(&text, self.framing), at: None, record, inside: false });
    }

    /// Reads what was passed over, line by line: it has more to say.
    fn reread(&mut self, open: Passed<'_>, to: usize) {
        self.reader.unpass(open.record);
        let lines = self.bytes.get(open.from..to).unwrap_or_default();
        for (line, record) in lines.strip_suffix(b"\n").unwrap_or(lines).split(|it| *it == b'\n').zip(open.record..) {
            self.slow(line, record);
        }
    }

    fn slow(&mut self, line: &[u8], record: u64) {
        let text = plain_text(line);
        let text = text.as_ref();
        let piece = match self.framing {
            Framing::Bare => Piece { text, at: None, record, inside: false },
            Framing::Exported => match exported(text) {
                Some((at, message)) => {
                    self.reader.last_event = Some(at);
                    Piece { text: message, at: Some(at), record, inside: false }
                }
                None if text.is_empty() => return,
                None => Piece { text, at: self.reader.last_event, record, inside: true },
            },
        };
        let Self { reader, stream, assembler, .. } = self;
        assembler.add(piece, &mut |it| reader.record(it, stream));
        stream.keep_nearby(&piece);
    }
}

impl<'b> Dull<'b> {
    /// What is known of it by its head; `None` where somebody else's words, passed on, must be read.
    fn of(head: PlainHead<'b>) -> Option<Self> {
        let relay =
            if head.is_relay { Some(Relayed::dully(str::from_utf8(head.file).ok()?, str::from_utf8(head.body).ok()?)?) } else { None };
        Some(Self { head, relay })
    }
}

impl Stream {
    /// Whether the next record, whatever it says, is the first of the try that the stream is about.
    fn awaits_start(&self) -> bool {
        self.own.awaits_start()
    }
}
