//! One large log, read by all cores: parts are read side by side, and what they tell is taken in the order of the file.
//!
//! A part is a range of bytes. It owns the records that begin in it: reading starts some lines earlier, to know what they
//! continue, and goes on behind its end until its last record is whole. What it tells is the same as if the file were read from
//! its beginning; only whose try it is about is decided when all that stands before it is known.

use super::{Framing, LogReader, Stream, identity, line, spare::Spare, stream, telling::Telling};
use crate::{logs::facts::Facts, units::Moment};
use jiff::tz::TimeZone;
use memchr::{memchr, memchr_iter};
use std::{
    cell::Cell,
    collections::BTreeMap,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

mod wide;

use wide::Between;

/// How long a part is.
const PART: u64 = 2 << 20;

/// A file of so many parts is worth reading at once.
const WORTH: u64 = 4;

/// So many parts for each core are read before all wait for each other: what parts tell needs room until those before them are read.
const AT_ONCE: u64 = 32;

/// How much is read before a part.
const BEFORE: u64 = 64 << 10;

/// How much is read behind a part at first, and at most, for its last record.
const BEHIND: u64 = 16 << 10;
const FAR_BEHIND: u64 = 32 << 20;

thread_local! {
    /// The bytes of a part: each core reads one after the other into the same room.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

static ROOMS: Spare<Room> = Spare::new();

/// What a part tells, and its words.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) tellings: Vec<Telling>,
    pub(super) said: String,
}

impl Room {
    /// With nothing in it.
    pub(super) fn find() -> Self {
        ROOMS.find()
    }

    /// Leaves it to the next part.
    pub(super) fn leave(mut self) {
        self.tellings.clear();
        self.said.clear();
        ROOMS.leave(self);
    }
}

/// The lines that a part owns, and what their records tell.
pub(super) struct Part {
    pub(super) own: Range<u64>,
    pub(super) tellings: Vec<Telling>,
}

/// A file whose bytes can be read at any place: fills a buffer from there.
pub type ReadAt<'r> = &'r (dyn Fn(u64, &mut [u8]) -> std::io::Result<()> + Sync);

/// What reading a log at once saw.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Its lines.
    pub lines: u64,
    /// The first and the last moment, and whether zones were guessed.
    pub saw: (Option<(Moment, Moment)>, bool),
}

/// What was read of one part.
struct Read {
    first: u64,
    lines: u64,
    room: Room,
    log_records: u64,
    /// The last moment at which something was said again.
    again: Option<Moment>,
    saw: (Option<(Moment, Moment)>, bool),
    /// How the log stands behind the last part of a block, and how much of the block was read.
    tail: Option<(Between, usize)>,
}

/// The log of one stream, in a file that can be read at any place.
#[derive(Clone, Copy)]
pub struct Log<'r> {
    file: &'r Arc<str>,
    zone: &'r TimeZone,
    framing: Framing,
    bytes: u64,
    cap: usize,
    read_at: ReadAt<'r>,
    part: u64,
    before: u64,
    /// How the log stands before the bytes, which are then a block of it.
    begun: Option<&'r Between>,
}

impl<'r> Log<'r> {
    /// A file of so many bytes; lines longer than `cap` are cut.
    pub fn new(file: &'r Arc<str>, zone: &'r TimeZone, framing: Framing, bytes: u64, cap: usize, read_at: ReadAt<'r>) -> Self {
        Self { file, zone, framing, bytes, cap, read_at, part: PART, before: BEFORE, begun: None }
    }

    /// Reads it into `facts`; `None` when it must be read from its beginning, line by line: because it is short, the log of one try,
    /// or holds a line that is longer than the cap.
    pub fn read(&self, facts: &mut Facts) -> Option<Seen> {
        if self.bytes < WORTH * self.part || identity::from_name(self.file).is_some() {
            return None;
        }
        let parts = self.bytes.div_ceil(self.part);
        let reader = LogReader::new(Arc::clone(self.file), self.zone.clone(), facts);
        let taken = Mutex::new(InTurn { reader, lines: 0, next: 0, waiting: BTreeMap::new(), failed: false });
        let begun = AtomicU64::new(0);
        let mut end = 0;
        while end < parts && taken.lock().is_ok_and(|it| it.next == end) {
            end = parts.min(end + AT_ONCE * rayon::current_num_threads() as u64);
            // Each core reads the next part that nobody reads, until there is none.
            let read = || {
                let claim = |it| Some(it + 1).filter(|it| *it <= end);
                let number = begun.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claim).ok()?;
                let read = self.part(number);
                taken.lock().ok()?.take(number, read).then_some(())
            };
            rayon::broadcast(|_| while read().is_some() {});
        }
        let InTurn { reader, lines, next, .. } = taken.into_inner().ok()?;
        (next == parts).then(|| Seen { lines, saw: reader.finish() })
    }
}

/// What parts tell, taken in their order.
struct InTurn<'f> {
    reader: LogReader<'f>,
    lines: u64,
    /// The number of the next part, and the parts that were read before it.
    next: u64,
    waiting: BTreeMap<u64, Read>,
    failed: bool,
}

impl InTurn<'_> {
    /// Takes a part, and those that waited for it; `false` where one could not be read.
    fn take(&mut self, number: u64, read: Option<Read>) -> bool {
        self.failed |= read.is_none();
        self.waiting.extend(read.map(|it| (number, it)));
        while let Some(read) = self.waiting.remove(&self.next).filter(|_| !self.failed) {
            self.failed = self.reader.takes(read, &mut self.lines).is_none();
            self.next += 1;
        }
        !self.failed
    }
}

impl LogReader<'_> {
    /// Takes what the next part tells.
    fn takes(&mut self, part: Read, lines: &mut u64) -> Option<()> {
        let Read { first, lines: own, mut room, log_records, again, saw, tail: _ } = part;
        let shift = i64::try_from(*lines + 1).ok()?.checked_sub_unsigned(first)?;
        self.with_stream("", |reader, stream, _| {
            for mut telling in room.tellings.drain(..) {
                telling.shift(shift);
                reader.take(telling, &room.said, stream);
            }
        });
        room.leave();
        *lines += own;
        self.facts.log_records += log_records;
        if let Some(at) = again {
            self.facts.hears_again(at);
        }
        for at in saw.0.into_iter().flat_map(|it| [it.0, it.1]) {
            self.saw(Some(at));
        }
        self.zone_guessed |= saw.1;
        Some(())
    }
}

impl Log<'_> {
    fn part(&self, number: u64) -> Option<Read> {
        let mut behind = BEHIND;
        while behind <= FAR_BEHIND {
            match self.part_with(number * self.part, behind) {
                Some(Err(TooShort)) => behind *= 8,
                Some(Ok(read)) => return Some(read),
                None => return None,
            }
        }
        None
    }

    /// Reads a part with some bytes behind it; whether these are enough shows then.
    fn part_with(&self, start: u64, behind: u64) -> Option<Result<Read, TooShort>> {
        let end = (start + self.part).min(self.bytes);
        let (from, to) = (start.saturating_sub(self.before), (end + behind).min(self.bytes));
        let mut bytes = BUFFER.take();
        bytes.resize(usize::try_from(to - from).ok()?, 0);
        (self.read_at)(from, &mut bytes).ok()?;
        let read = self.part_of(&bytes, start, end, from, to == self.bytes);
        BUFFER.set(bytes);
        read
    }

    /// Reads a part in its bytes and those around it, which begin at `from`.
    fn part_of(&self, bytes: &[u8], start: u64, end: u64, from: u64, is_last: bool) -> Option<Result<Read, TooShort>> {
        let line_from = |offset: u64| {
            let at = usize::try_from(offset - from).ok()?;
            if offset == 0 { Some(0) } else { memchr(b'\n', bytes.get(at - 1..)?).map(|it| at + it) }
        };
        let warm = if from == 0 { 0 } else { line_from(from + 1)? };
        let own = line_from(start).or_else(|| is_last.then_some(bytes.len()))?;
        let ends_open = self.begun.is_some() && end == self.bytes;
        // Without a head before it, nothing tells whether its first line begins a record.
        if from > 0 && !has_head(bytes.get(warm..own)?) {
            return None;
        }
        let foreign = match line_from(end) {
            Some(at) if end < self.bytes => at,
            _ if is_last || ends_open => bytes.len(),
            _ => return Some(Err(TooShort)),
        };
        let text = bytes.get(warm..)?;
        let begun = self.begun.filter(|_| from == 0);
        let mut record = begun.map_or(0, |it| it.lines);
        let first = record + 1 + count(bytes.get(warm..own)?);
        let tail = bytes.get(own..foreign)?;
        let lines = count(tail) + u64::from(!tail.is_empty() && !tail.ends_with(b"\n"));

        let mut facts = Facts::default();
        let mut reader = LogReader::new(copy_of(self.file), self.zone.clone(), &mut facts);
        // What was open before a block ends in its first part.
        let own = if start == 0 { 0 } else { first }..if ends_open { u64::MAX } else { first + lines };
        let Room { tellings, said } = Room::find();
        reader.part = Some(Part { own, tellings });
        reader.said = said;
        if let Some(Between { assembler, nearby, last_event, .. }) = begun.cloned() {
            reader.streams.insert(String::new(), Stream { assembler, nearby, ..Stream::default() });
            reader.last_event = last_event;
        }
        let used = reader.block(self.framing, text, &mut record, self.cap, is_last);
        let left = text.get(used..).unwrap_or_default();
        if left.split(|it| *it == b'\n').next().is_some_and(|it| it.len() > self.cap) {
            return None;
        }
        let open = reader.open_record().unwrap_or(record + 1);
        if !is_last && !ends_open && open < first + lines {
            return Some(Err(TooShort));
        }
        let lines = if ends_open { (record + 1).checked_sub(first)? } else { lines };
        if is_last {
            reader.close_record();
        }
        let tellings = reader.part.take().map(|it| it.tellings).unwrap_or_default();
        let room = Room { tellings, said: std::mem::take(&mut reader.said) };
        let Stream { assembler, nearby, .. } = reader.streams.remove("").unwrap_or_default();
        let last_event = reader.last_event;
        let tail = ends_open.then(|| {
            (Between { assembler, nearby, last_event, lines }, usize::try_from(from).unwrap_or(usize::MAX).saturating_add(warm + used))
        });
        reader.streams.clear();
        let saw = reader.finish();
        Some(Ok(Read { first, lines, room, log_records: facts.log_records, again: facts.last_told, saw, tail }))
    }
}

/// A name for the records of one part: cores that count who holds the same one wait for each other.
pub(super) fn copy_of(name: &Arc<str>) -> Arc<str> {
    name.as_ref().into()
}

/// The last record of a part goes on behind what was read.
struct TooShort;

fn has_head(text: &[u8]) -> bool {
    let begins = |it: line::Head<'_>| it.level.is_some() && !stream::RELAYS.contains(&it.origin);
    text.split(|it| *it == b'\n').any(|it| std::str::from_utf8(it).ok().and_then(line::head).is_some_and(begins))
}

fn count(text: &[u8]) -> u64 {
    memchr_iter(b'\n', text).count() as u64
}

#[cfg(test)]
mod tests;
