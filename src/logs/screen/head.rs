//! The plain head of Airflow's records, and the time that an export puts before them.

use super::Framing;
use crate::{
    logs::{line::Level, stream::RELAYS},
    units::Moment,
};
use memchr::{memchr, memchr2};
use std::borrow::Cow;

/// `2026-11-20T08:23:28.832`, in UTC: stamps are ordered as their bytes are.
pub(in crate::logs) type UtcStamp = [u8; 23];

/// The moment of a stamp.
pub(in crate::logs) fn moment_of(stamp: UtcStamp) -> Option<Moment> {
    Moment::plain(&stamp)
}

/// `[2026-11-20T08:23:28.832+0000] {file.py:12} INFO - message`
pub(in crate::logs) struct PlainHead<'a> {
    pub(in crate::logs) stamp: UtcStamp,
    pub(in crate::logs) file: &'a [u8],
    pub(in crate::logs) level: Level,
    pub(in crate::logs) body: &'a [u8],
    /// Whether the source file passes on what others wrote.
    pub(in crate::logs) is_relay: bool,
}

/// Where the digits of a stamp in UTC stand, written as 9, and what stands between and behind them.
const STAMP: &[u8; 28] = b"9999-99-99T99:99:99.999+0000";

impl<'a> PlainHead<'a> {
    pub(in crate::logs) fn of(line: &'a [u8], framing: Framing) -> Option<Self> {
        let line = bare(line, framing)?;
        let (stamp, rest) = line.strip_prefix(b"[")?.split_at_checked(STAMP.len())?;
        if !is_stamp(stamp.first_chunk()?) {
            return None;
        }
        let place = rest.strip_prefix(b"] {")?;
        let close = memchr(b'}', place.get(..place.len().min(80))?)?;
        let (place, rest) = place.split_at_checked(close)?;
        let file = memchr(b':', place).map_or(place, |it| place.split_at(it).0);
        let rest = rest.strip_prefix(b"} ")?;
        let levels = [(b"INFO - ".as_slice(), Level::Info), (b"DEBUG - ", Level::Debug), (b"WARNING - ", Level::Warning)];
        let (body, level) = levels.iter().find_map(|it| Some((rest.strip_prefix(it.0)?, it.1)))?;
        let plain = !matches!(body.first(), None | Some(b'[')) && file.ends_with(b".py");
        let is_relay = RELAYS.iter().any(|it| it.as_bytes() == file);
        Some(Self { stamp: *stamp.first_chunk()?, file, level, body, is_relay }).filter(|_| plain)
    }
}

/// A line without what an export puts before it; `None` where that is missing.
fn bare(line: &[u8], framing: Framing) -> Option<&[u8]> {
    match framing {
        Framing::Bare => Some(line),
        Framing::Exported => line.get(EXPORTED..).filter(|_| has_exported_stamp(line)),
    }
}

/// Whether a record surely begins where a text does: with a stamp, and a source file in braces.
pub(super) fn begins_plainly(text: &[u8], framing: Framing) -> bool {
    let begins = |it: &[u8]| {
        let (stamp, rest) = it.strip_prefix(b"[")?.split_first_chunk()?;
        let place = rest.strip_prefix(b"] {").filter(|_| is_stamp(stamp))?;
        memchr2(b'}', b'\n', place).and_then(|at| place.get(at).copied())
    };
    bare(text, framing).and_then(begins) == Some(b'}')
}

/// Whether a text is a stamp: compared eight bytes at a time, and within what a calendar and a clock show.
fn is_stamp(text: &[u8; STAMP.len()]) -> bool {
    let within = |from: usize, least: &[u8], most: &[u8]| text.get(from..from + least.len()).is_some_and(|it| least <= it && it <= most);
    has_form(text)
        && within(0, b"1990", b"2199")
        && within(5, b"01", b"12")
        && within(8, b"01", b"31")
        && within(11, b"00", b"23")
        && within(14, b"00", b"59")
        && within(17, b"00", b"60")
}

fn has_form(text: &[u8; STAMP.len()]) -> bool {
    let mut differs = 0;
    for Eight { from, should, digits } in EIGHTS {
        let Some(is) = text.get(from..).and_then(|it| it.first_chunk()) else { return false };
        let distance = u64::from_le_bytes(*is) ^ should;
        // A byte that is no digit is 10 or more away from `0`: 118 more set its highest bit.
        let no_digit = (distance & digits).wrapping_add(0x7676_7676_7676_7676 & digits);
        differs |= (distance & !digits) | ((no_digit | distance) & 0x8080_8080_8080_8080);
    }
    differs == 0
}

/// Eight bytes of a stamp.
#[derive(Clone, Copy)]
struct Eight {
    from: usize,
    should: u64,
    /// All bits of each byte that must be a digit.
    digits: u64,
}

/// The last eight overlap those before them.
const EIGHTS: [Eight; 4] = [eight(0), eight(8), eight(16), eight(STAMP.len() - 8)];

const fn eight(from: usize) -> Eight {
    let (mut should, mut digits, mut at) = (0, 0, 0);
    while at < 8 {
        let is_digit = STAMP[from + at] == b'9';
        let byte = if is_digit { b'0' } else { STAMP[from + at] };
        should |= (byte as u64) << (8 * at);
        if is_digit {
            digits |= 0xff << (8 * at);
        }
        at += 1;
    }
    Eight { from, should, digits }
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
    line.get(23..EXPORTED) == Some(b"Z ".as_slice())
        && line.get(10) == Some(&b'T')
        && line.get(..23).is_some_and(|it| Moment::plain(it).is_some())
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
    let line = match framing {
        Framing::Exported if has_exported_stamp(line) => line.get(EXPORTED..).unwrap_or_default(),
        _ => line,
    };
    let trimmed = line.trim_ascii_start();
    let is_indented = trimmed.len() < line.len();
    let plain = !matches!(trimmed.first(), Some(b'[' | b'{' | b'>' | b'`' | 0));
    trimmed.is_empty()
        || (is_indented && plain && memchr::memmem::find(trimmed.get(..trimmed.len().min(240)).unwrap_or_default(), b"] {").is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_in_utc_is_what_the_line_reader_reads() {
        let stamp = *b"2026-11-20T08:23:28.832+0000";
        assert!(is_stamp(&stamp));
        for at in 0..stamp.len() {
            for byte in 0..=u8::MAX {
                let mut other = stamp;
                other[at] = byte;
                if is_stamp(&other) {
                    let read = Moment::read(&other).map(|(stamp, used)| (Some(stamp.moment), stamp.zoned, used));
                    let plain = moment_of(*other.first_chunk().unwrap());
                    assert_eq!(read, Some((plain, true, other.len())), "{byte:#x} at {at}");
                }
            }
        }
        assert!(!is_stamp(b"2026-11-20T08:23:28.832+0100"), "an hour of a zone is no hour of UTC");
    }
}
