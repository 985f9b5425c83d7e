//! Passing over records that mean nothing, a block of lines at a time.
//!
//! Most records of a healthy scheduler say nothing that anybody asks for. A record is passed over when its head is the plain one
//! of Airflow, when no message of the catalogue begins it, and when no word stands in it without which there is no refusal, no
//! load and no id. Only that it was there, and when, is kept. Everything else is read line by line.

use super::{
    BEHIND, LogReader, Stream, catalogue,
    identity::plain,
    stream::{Assembler, Piece, Record, begins_record},
    telling::Telling,
};
use crate::tables::Origin;
use memchr::memchr;
use std::sync::Arc;

mod head;
mod words;

pub use head::exported;
pub(super) use head::{UtcStamp, moment_of};

use head::{PlainHead, begins_plainly, continues, text_of, unframed};
use words::Ahead;

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
    fn passes(&mut self, head: &PlainHead<'_>, record: u64) {
        if self.is_foreign(record) {
            return;
        }
        self.facts.log_records += 1;
        let stamp = head.stamp;
        self.passed = Some(self.passed.map_or((stamp, stamp), |(first, last)| (first.min(stamp), last.max(stamp))));
    }

    /// A record that was passed over is read after all.
    fn unpass(&mut self, record: u64) {
        if !self.is_foreign(record) {
            self.facts.log_records -= 1;
        }
    }

    /// Whether a message says once more that a task was queued.
    fn knows(&mut self, record: &Record<'_>) -> bool {
        const SENDING: &str = "Sending TaskInstanceKey(";
        const RECEIVED: &str = "Received executor event with state queued for task instance TaskInstanceKey(";
        const ADDING: &str = "Adding to queue: [";
        let Some(at) = record.at.filter(|_| record.logger.contains("scheduler") || record.logger.contains("executor")) else {
            return false;
        };
        let body = record.body;
        let tells_queue = body.starts_with(SENDING);
        let task = if tells_queue || body.starts_with(RECEIVED) {
            plain::key(body)
        } else if body.starts_with(ADDING) {
            plain::command(body)
        } else {
            None
        };
        let known = task.is_some_and(|it| self.recent.knows(&it, at, tells_queue));
        if known {
            self.facts.hears_again(at);
        }
        known
    }

    /// Reads a message of the catalogue that is all there is in its record.
    fn message(&mut self, head: &PlainHead<'_>, record: u64, stream: &mut Stream) {
        if self.is_foreign(record) {
            return;
        }
        let (logger, body) = (text_of(head.file), text_of(head.body.strip_suffix(b"\r").unwrap_or(head.body)));
        let record = Record {
            at: moment_of(head.stamp),
            level: Some(head.level),
            logger: &logger,
            process: "",
            body: &body,
            printed: false,
            task: None,
            origin: Origin { file: Arc::clone(&self.file), record },
            places: &[(0, record)],
        };
        if self.knows(&record) {
            return;
        }
        for telling in Telling::of_message(&record) {
            self.take(telling, stream);
        }
    }
}

/// A record that is being passed over.
#[derive(Clone, Copy)]
struct Passed {
    from: usize,
    record: u64,
}

impl LogReader<'_> {
    /// Reads the lines of a block, of the one stream of a file, and says how many bytes it read: what is left must come again with
    /// what follows it. `record` counts the lines; a line longer than `cap` is left.
    pub fn block(&mut self, framing: Framing, block: &[u8], record: &mut u64, cap: usize, is_last: bool) -> usize {
        let mut used = 0;
        self.with_stream("", |reader, stream, assembler| {
            used = Block { reader, stream, assembler, framing, bytes: block }.read(record, cap, is_last);
        });
        used
    }

    /// Reads one line, of the one stream of a file.
    pub fn framed_line(&mut self, framing: Framing, line: &[u8], record: u64) {
        self.with_stream("", |reader, stream, assembler| Block { reader, stream, assembler, framing, bytes: &[] }.slow(line, record));
    }
}

struct Block<'w, 'f, 'b> {
    reader: &'w mut LogReader<'f>,
    stream: &'w mut Stream,
    assembler: &'w mut Assembler,
    framing: Framing,
    bytes: &'b [u8],
}

impl Block<'_, '_, '_> {
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
            if let Some((to, lines)) = self.message(&mut ahead, at, end, *record) {
                (passed, at) = (None, to);
                *record += lines;
                continue;
            }
            let speaks = ahead.as_mut().is_none_or(|it| it.has_word(at, end)) || self.stream.is_watched(*record);
            passed = self.line(line, Passed { from: at, record: *record }, passed, speaks);
            at = end;
        }
        // A record that may go on in the next block is read again with it.
        match passed {
            Some(Passed { from, record: first }) if !is_last && from > 0 => {
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
    fn message(&mut self, ahead: &mut Option<Ahead<'_>>, from: usize, end: usize, record: u64) -> Option<(usize, u64)> {
        let line = self.bytes.get(from..end)?;
        let head = PlainHead::of(line, self.framing).filter(|it| catalogue::may_begin(it.body))?;
        let body = end - head.body.len();
        let ahead = ahead.as_mut()?;
        let (mut to, mut lines) = (end, 0);
        if ahead.has_word(from, end) {
            return None;
        }
        loop {
            let rest = self.bytes.get(to..)?;
            if begins_plainly(rest, self.framing) {
                let Self { reader, stream, assembler, .. } = self;
                assembler.passes(&mut |it| reader.record(it, stream));
                // What ended may have been the try that the stream is about.
                if stream.is_watched(record) {
                    return None;
                }
                reader.passes(&head, record);
                let body = self.bytes.get(body..to)?;
                reader.message(&PlainHead { body: body.strip_suffix(b"\n").unwrap_or(body), ..head }, record, stream);
                return Some((to, lines));
            }
            let length = memchr(b'\n', rest)?;
            let line = rest.get(..length)?;
            let plain =
                line.first().is_some_and(|it| *it == b'\t' || *it == b' ') && !line.ends_with(b"\r") && continues(line, self.framing);
            if !plain || lines > MOST_LINES {
                return None;
            }
            (to, lines) = (to + length + 1, lines + 1);
            if ahead.has_word(to - length - 1, to) {
                return None;
            }
        }
    }

    /// Reads one line, and gives the record that is passed over behind it.
    fn line(&mut self, line: &[u8], here: Passed, passed: Option<Passed>, speaks: bool) -> Option<Passed> {
        let head = if speaks { None } else { PlainHead::of(line, self.framing).filter(|it| !catalogue::may_begin(it.body)) };
        if let Some(head) = head {
            let Self { reader, stream, assembler, .. } = self;
            assembler.passes(&mut |it| reader.record(it, stream));
            // What ended may have been the try that the stream is about.
            if !stream.is_watched(here.record) {
                reader.passes(&head, here.record);
                return Some(here);
            }
        }
        if let Some(open) = passed {
            if !speaks && continues(line, self.framing) {
                return passed;
            }
            let text = text_of(line);
            if !begins_record(unframed(text.trim_start_matches('\0'), self.framing)) {
                self.reread(open, here.from);
            }
        }
        self.slow(line, here.record);
        None
    }

    /// Reads what was passed over, line by line: it has more to say.
    fn reread(&mut self, open: Passed, to: usize) {
        self.reader.unpass(open.record);
        let lines = self.bytes.get(open.from..to).unwrap_or_default();
        for (line, record) in lines.strip_suffix(b"\n").unwrap_or(lines).split(|it| *it == b'\n').zip(open.record..) {
            self.slow(line, record);
        }
    }

    fn slow(&mut self, line: &[u8], record: u64) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // Bytes that are no UTF-8, and the NULs of a preallocated file, are shown as such and lose nothing around them.
        let text = text_of(line);
        let text = text.trim_start_matches('\0');
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

impl Stream {
    /// Whether every line matters: the first ones of a try that is named, and those behind one that named an object.
    fn is_watched(&self, record: u64) -> bool {
        self.nearby.as_ref().is_some_and(|it| record.saturating_sub(it.1) < BEHIND + 1)
            || self.owners.get("").is_some_and(super::Owner::awaits_start)
    }
}
