//! The plain head of Airflow's records, and the time that an export puts before them.

use super::Framing;
use crate::{
    logs::{line::Level, stream::RELAYS},
    units::{Form, Moment},
};
use memchr::{memchr, memchr2, memmem::Finder};
use std::{borrow::Cow, sync::LazyLock};

/// Reads the stamps of heads. One after the other they mostly tell the same second, which is read once.
#[derive(Debug, Default)]
struct Clock(Option<([u8; SECOND], Moment)>);

/// How long `2026-11-20T08:23:28.` is.
const SECOND: usize = 20;

impl Clock {
    /// Reads a stamp with its zone.
    fn read(&mut self, stamp: &[u8; STAMP]) -> Option<Moment> {
        if let (Some((second, begins)), Some((told, [a, b, c, zone @ ..]))) = (&self.0, stamp.split_first_chunk())
            && told == second
            && zone == UTC
            && [a, b, c].iter().all(|it| it.is_ascii_digit())
        {
            let millis = [a, b, c].iter().fold(0, |sum, it| sum * 10 + i64::from(**it - b'0'));
            return Some(Moment(begins.0 + millis * 1_000));
        }
        let (clock, zone) = stamp.split_first_chunk()?;
        if !is_clock(clock) {
            return None;
        }
        if zone == UTC {
            let moment = Moment::plain(clock)?;
            self.0 = stamp.first_chunk().map(|it| (*it, Moment(moment.0 - moment.0.rem_euclid(crate::units::SECOND))));
            return Some(moment);
        }
        let has_zone = matches!(zone, [b'+' | b'-', digits @ ..] if digits.iter().all(u8::is_ascii_digit));
        let (read, used) = Moment::read(stamp).filter(|_| has_zone)?;
        (used == STAMP && read.zoned).then_some(read.moment)
    }
}

/// `[2026-11-20T08:23:28.832+0000] {file.py:12} INFO - message`
pub(in crate::logs) struct PlainHead<'a> {
    pub(in crate::logs) at: Moment,
    pub(in crate::logs) file: &'a [u8],
    pub(in crate::logs) level: Level,
    pub(in crate::logs) body: &'a [u8],
    /// Whether the source file passes on what others wrote.
    pub(in crate::logs) is_relay: bool,
}

/// How a moment looks, and how long it is.
static CLOCK: Form<LENGTH, 3> = Form::of(b"9999-99-99T99:99:99.999");
const LENGTH: usize = 23;

/// What stands behind it in a stamp in UTC.
const UTC: &[u8] = b"+0000";
const STAMP: usize = LENGTH + UTC.len();

impl<'a> PlainHead<'a> {
    pub(in crate::logs) fn of(line: &'a [u8], framing: Framing, heads: &mut Heads) -> Option<Self> {
        let line = bare(line, framing)?;
        let (stamp, rest) = line.strip_prefix(b"[")?.split_first_chunk()?;
        let at = heads.clock.read(stamp)?;
        let Place { length, file, level, is_relay } = heads.places.read(rest)?;
        let body = rest.get(length..)?;
        let plain = !matches!(body.first(), None | Some(b'['));
        Some(Self { at, file: rest.get(FILE..file)?, level, body, is_relay }).filter(|_| plain)
    }
}

/// Reads heads. One after the other they mostly tell the same second, and few places.
#[derive(Debug, Default)]
pub(in crate::logs) struct Heads {
    clock: Clock,
    places: Places,
}

/// Where a record was written: `] {file.py:12} INFO - `.
#[derive(Clone, Copy, Debug)]
struct Place {
    length: usize,
    /// Where the name of the source file ends.
    file: usize,
    level: Level,
    is_relay: bool,
}

/// Where the source file begins in it.
const FILE: usize = "] {".len();

impl Place {
    fn read(rest: &[u8]) -> Option<Self> {
        let place = rest.strip_prefix(b"] {")?;
        let close = memchr(b'}', place.get(..place.len().min(80))?)?;
        let (place, behind) = place.split_at_checked(close)?;
        let file = memchr(b':', place).map_or(place, |it| place.split_at(it).0);
        let behind = behind.strip_prefix(b"} ")?;
        let levels = [(b"INFO - ".as_slice(), Level::Info), (b"DEBUG - ", Level::Debug), (b"WARNING - ", Level::Warning)];
        let (body, level) = levels.iter().find_map(|it| Some((behind.strip_prefix(it.0)?, it.1)))?;
        let is_relay = RELAYS.iter().any(|it| it.as_bytes() == file);
        let place = Self { length: rest.len() - body.len(), file: FILE + file.len(), level, is_relay };
        Some(place).filter(|_| file.ends_with(b".py"))
    }
}

/// Places that were read before, with their texts, each where a hash of its text tells.
#[derive(Debug, Default)]
struct Places(Vec<Option<([u8; KEPT], Place)>>);

/// How many places are kept, and how long their texts may be.
const PLACES: usize = 64;
const KEPT: usize = 56;

impl Places {
    fn read(&mut self, rest: &[u8]) -> Option<Place> {
        if let Some(place) = self.known(rest) {
            return Some(place);
        }
        let place = Place::read(rest)?;
        if place.length <= KEPT
            && let (Some(slot), Some(text)) = (slot_of(rest), rest.first_chunk())
        {
            self.0.resize(PLACES, None);
            self.0[slot] = Some((*text, place));
        }
        Some(place)
    }

    /// The place, if it was read before.
    fn known(&self, rest: &[u8]) -> Option<Place> {
        let (text, place) = self.0.get(slot_of(rest)?)?.as_ref()?;
        (text.get(..place.length) == rest.get(..place.length)).then_some(*place)
    }
}

/// Where a text is kept: by the bytes in which the file's name ends and the number of its line stands.
fn slot_of(rest: &[u8]) -> Option<usize> {
    let [a, b, c] = *rest.get(8..32)?.as_chunks::<8>().0.first_chunk()?;
    let [a, b, c] = [a, b, c].map(u64::from_le_bytes);
    let mixed = (a ^ b.rotate_left(21) ^ c.rotate_left(42)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> (u64::BITS - PLACES.ilog2())).ok()
}

impl PlainHead<'_> {
    /// The message without the end of its line.
    pub(super) fn words(&self) -> &[u8] {
        self.body.strip_suffix(b"\r").unwrap_or(self.body)
    }
}

/// Where the source file stands in a line without frame.
const NAME: usize = "[".len() + STAMP + FILE;

/// Where the parts of a head stand in its line.
#[derive(Clone, Copy, Debug)]
pub(in crate::logs) struct HeadAt {
    at: Moment,
    file_end: usize,
    body: usize,
    level: Level,
    is_relay: bool,
}

impl<'a> PlainHead<'a> {
    /// Where its parts stand in its line, without frame.
    pub(in crate::logs) fn places(&self, line: &[u8]) -> HeadAt {
        HeadAt {
            at: self.at,
            file_end: NAME + self.file.len(),
            body: line.len() - self.body.len(),
            level: self.level,
            is_relay: self.is_relay,
        }
    }

    /// The head of a line that was read before.
    pub(in crate::logs) fn again(line: &'a [u8], at: HeadAt) -> Option<Self> {
        let HeadAt { at, file_end, body, level, is_relay } = at;
        Some(Self { at, file: line.get(NAME..file_end)?, level, body: line.get(body..)?, is_relay })
    }
}

/// A line without what an export puts before it; `None` where that is missing.
pub(super) fn bare(line: &[u8], framing: Framing) -> Option<&[u8]> {
    match framing {
        Framing::Bare => Some(line),
        Framing::Exported => line.get(EXPORTED..).filter(|_| has_exported_stamp(line)),
    }
}

/// Whether a record surely begins where a text does: with a stamp, and a source file in braces.
pub(super) fn begins_plainly(text: &[u8], framing: Framing, heads: &mut Heads) -> bool {
    let mut begins = |it: &[u8]| {
        let (stamp, rest) = it.strip_prefix(b"[")?.split_first_chunk()?;
        heads.clock.read(stamp)?;
        if heads.places.known(rest).is_some() {
            return Some(b'}');
        }
        let place = rest.strip_prefix(b"] {")?;
        memchr2(b'}', b'\n', place).and_then(|at| place.get(at).copied())
    };
    bare(text, framing).and_then(&mut begins) == Some(b'}')
}

/// Whether a text is a moment, within what a calendar and a clock show.
fn is_clock(text: &[u8; LENGTH]) -> bool {
    let year = text.first_chunk().copied().map_or(0, u32::from_be_bytes);
    // Digits are ordered as the numbers that they spell.
    let within = |from: usize, least: [u8; 2], most: [u8; 2]| {
        let digits = text.get(from..).and_then(|it| it.first_chunk().copied()).map_or(0, u16::from_be_bytes);
        (u16::from_be_bytes(least)..=u16::from_be_bytes(most)).contains(&digits)
    };
    CLOCK.fits(text)
        && (u32::from_be_bytes(*b"1990")..=u32::from_be_bytes(*b"2199")).contains(&year)
        && within(5, *b"01", *b"12")
        && within(8, *b"01", *b"31")
        && within(11, *b"00", *b"23")
        && within(14, *b"00", *b"59")
        && within(17, *b"00", *b"60")
}

/// Almost every line is UTF-8 as it stands.
pub(super) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// A line without its line break. Bytes that are no UTF-8, and the NULs of a preallocated file, lose nothing around them.
pub(super) fn plain_text(line: &[u8]) -> Cow<'_, str> {
    let nuls = line.iter().take_while(|it| **it == 0).count();
    text_of(line.get(nuls..).map_or(line, |it| it.strip_suffix(b"\r").unwrap_or(it)))
}

/// How many bytes an export puts before an event.
const EXPORTED: usize = 25;

fn has_exported_stamp(line: &[u8]) -> bool {
    line.get(LENGTH..EXPORTED) == Some(b"Z ".as_slice()) && line.first_chunk().is_some_and(is_clock)
}

/// `2026-11-20T08:26:11.667Z `, or 13 digits of milliseconds, and a blank: what an export task puts before each event.
pub fn exported(line: &str) -> Option<(Moment, &str)> {
    let bytes = line.as_bytes();
    if bytes.get(13) == Some(&b' ') && bytes.get(..13)?.iter().all(u8::is_ascii_digit) {
        return Some((Moment::from_millis(line.get(..13)?.parse().ok()?)?, line.get(14..)?));
    }
    if bytes.get(10) != Some(&b'T')
        || bytes.get(19) != Some(&b'.')
        || bytes.get(23) != Some(&b'Z')
        || bytes.get(24).is_some_and(|it| *it != b' ')
    {
        return None;
    }
    Some((Moment::parse(line.get(..24)?)?.moment, line.get(25..).unwrap_or_default()))
}

/// A line without what stands around it.
pub(super) fn unframed(line: &str, framing: Framing) -> &str {
    match framing {
        Framing::Bare => line,
        Framing::Exported => exported(line).map_or(line, |it| it.1),
    }
}

/// Whether a line without any word surely continues the record before it.
pub(in crate::logs) fn continues(line: &[u8], framing: Framing) -> bool {
    static PLACE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("] {"));
    let line = match framing {
        Framing::Exported if has_exported_stamp(line) => line.get(EXPORTED..).unwrap_or_default(),
        _ => line,
    };
    let trimmed = line.trim_ascii_start();
    let is_indented = trimmed.len() < line.len();
    let plain = !matches!(trimmed.first(), Some(b'[' | b'{' | b'>' | b'`' | 0));
    trimmed.is_empty() || (is_indented && plain && PLACE.find(trimmed.get(..trimmed.len().min(240)).unwrap_or_default()).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_what_the_line_reader_reads() {
        for stamp in [b"2026-11-20T08:23:28.832+0000", b"2026-11-20T08:23:28.832+0100", b"2026-11-20T08:23:28.832-0930"] {
            let mut clock = Clock::default();
            assert!(clock.read(stamp).is_some());
            for at in 0..stamp.len() {
                for byte in 0..=u8::MAX {
                    let mut other = *stamp;
                    other[at] = byte;
                    // One that knows a second already says what one that knows none says.
                    let told = Clock::default().read(&other);
                    assert_eq!(clock.read(&other), told);
                    if let Some(moment) = told {
                        let read = Moment::read(&other).map(|(stamp, used)| (stamp.moment, stamp.zoned, used));
                        assert_eq!(read, Some((moment, true, other.len())), "{byte:#x} at {at}");
                    }
                    clock.read(stamp);
                }
            }
        }
        let [utc, other] = [b"2026-11-20T08:23:28.832+0000", b"2026-11-20T09:23:28.832+0100"].map(|it| Clock::default().read(it));
        assert!(utc.is_some() && utc == other, "an hour of a zone is no hour of UTC");
    }

    #[test]
    fn who_knows_a_place_reads_what_others_read() {
        const STAMP: &str = "[2026-11-20T08:23:28.832+0000";
        let read = |line: &str, heads: &mut Heads| {
            let head = PlainHead::of(line.as_bytes(), Framing::Bare, heads);
            head.map(|it| (it.at, it.file.to_vec(), it.level, it.body.to_vec(), it.is_relay))
        };
        let files =
            ["a.py:1", "a.py:12", "scheduler_job_runner.py:688", "scheduler_job_runner.py:689", "bash.py:97", "a.txt:1", "a.py", ""];
        let levels = ["INFO - ", "DEBUG - ", "WARNING - ", "ERROR - ", "INFO -", ""];
        let bodies = ["Sending TaskInstanceKey(dag_id='d'", "Sending TaskInstanceKey(dag_id='e'", "[x]", "x", ""];
        let mut known = Heads::default();
        for _ in 0..2 {
            for (file, level, body) in
                files.iter().flat_map(|file| levels.iter().flat_map(move |level| bodies.map(|body| (file, level, body))))
            {
                for line in [format!("{STAMP}] {{{file}}} {level}{body}"), format!("{STAMP}] {{{file} {level}{body}")] {
                    assert_eq!(read(&line, &mut known), read(&line, &mut Heads::default()), "{line}");
                    let begins = |heads: &mut Heads| begins_plainly(line.as_bytes(), Framing::Bare, heads);
                    assert_eq!(begins(&mut known), begins(&mut Heads::default()), "{line}");
                }
            }
        }
        assert!(known.places.0.iter().flatten().count() > 5, "nothing was known");
    }
}
