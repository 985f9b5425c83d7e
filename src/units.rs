//! Moments and amounts: how logs write them, how we hold them, how people read them.

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

mod form;
mod given;

pub(crate) use form::Form;
pub use given::{parse_day, parse_span, parse_time};

/// A moment in UTC, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Moment(pub i64);

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.rfc3339()
    }
}

impl TryFrom<String> for Moment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).map(|it| it.moment).ok_or_else(|| format!("`{text}` is no time like 2026-01-31T06:00:00Z"))
    }
}

/// One second, in the unit of [`Moment`].
pub const SECOND: i64 = 1_000_000;

/// A moment as it stands in a text: with its zone, or waiting for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The moment, read as UTC when the text names no zone.
    pub moment: Moment,
    /// Whether the text itself named the zone.
    pub zoned: bool,
}

impl Moment {
    /// RFC 3339 in UTC with milliseconds, as every report writes it.
    pub fn rfc3339(self) -> String {
        match Timestamp::from_microsecond(self.0) {
            Ok(at) => format!("{at:.3}"),
            Err(_) => String::from("out-of-range"),
        }
    }

    /// The UTC day, for partitions.
    pub fn day(self) -> String {
        self.rfc3339().chars().take(10).collect()
    }

    /// Whole milliseconds since 1970.
    pub fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// From microseconds since 1970; `None` outside the years that logs are written in.
    pub fn from_micros(micros: i64) -> Option<Self> {
        (EARLIEST..LATEST).contains(&micros.div_euclid(SECOND)).then_some(Self(micros))
    }

    /// From milliseconds since 1970; `None` outside the same years.
    pub fn from_millis(millis: i64) -> Option<Self> {
        (EARLIEST..LATEST).contains(&(millis / 1000)).then(|| Self(millis * 1000))
    }

    /// From seconds since 1970, with their fraction.
    #[expect(clippy::cast_possible_truncation, reason = "a float saturates, and what is out of range is refused")]
    pub fn from_seconds(seconds: f64) -> Option<Self> {
        Self::from_millis((seconds * 1000.0).round() as i64)
    }

    /// Seconds from `earlier` to this moment.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of a few years fit 53 bits")]
    pub fn seconds_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 / SECOND as f64
    }

    /// Reads the moment at the start of `text` and says how many bytes it took.
    ///
    /// Understood: `2024-05-01T10:00:00.123+0000`, `2022-01-01 12:00:00,123`, `2022-01-01, 12:00:00 PDT`,
    /// `24/09/22 19:38:53`, `06/Feb/2019:00:00:38 +0000`. A date alone is no moment.
    pub fn read(text: &[u8]) -> Option<(Stamp, usize)> {
        Self::read_plainly(text).or_else(|| Self::read_any(text))
    }

    /// `2026-11-20 08:23:28.832000+00:00`, as millions of lines write it.
    fn read_plainly(text: &[u8]) -> Option<(Stamp, usize)> {
        let (moment, rest) = plain_clock(text)?;
        let zone = if rest.starts_with(b"+00:00") { 6 } else { usize::from(rest.starts_with(b"+0000")) * 5 };
        (zone > 0).then_some((Stamp { moment, zoned: true }, text.len() - rest.len() + zone))
    }

    fn read_any(text: &[u8]) -> Option<(Stamp, usize)> {
        let (days, mut at) = read_date(text)?;
        if text.get(at) == Some(&b',') {
            at += 1;
        }
        if !matches!(text.get(at), Some(b' ' | b'T' | b't' | b':')) {
            return None;
        }
        at += 1;
        let (of_day, used) = read_time(text.get(at..)?)?;
        at += used;
        let (offset, used) = read_zone(text.get(at..).unwrap_or_default());
        at += used;
        let micros = days * 86_400 * SECOND + of_day - offset.unwrap_or(0) * SECOND;
        Some((Stamp { moment: Self::from_micros(micros)?, zoned: offset.is_some() }, at))
    }

    /// Reads `text` when it is a moment as tables hold them, without a zone: `2024-05-01 10:00:00.123456`. Says the same of it as
    /// [`Moment::parse`], only sooner.
    pub fn plain(text: &[u8]) -> Option<Self> {
        plain_clock(text).filter(|(_, rest)| rest.is_empty()).map(|it| it.0)
    }

    /// Reads `text` when the whole of it is a moment.
    pub fn parse(text: &str) -> Option<Stamp> {
        let text = text.trim();
        let (stamp, used) = Self::read(text.as_bytes())?;
        (used == text.len()).then_some(stamp)
    }

    /// The moment that a clock in `zone` showed as this one.
    #[must_use]
    pub fn shown_in(self, zone: &TimeZone) -> Self {
        let Ok(shown) = Timestamp::from_microsecond(self.0) else { return self };
        let civil = TimeZone::UTC.to_datetime(shown);
        zone.to_timestamp(civil).map_or(self, |at| Self(at.as_microsecond()))
    }
}

/// `2024-05-01 10:00:00.123456`, with any digits of a second or none, and what follows it.
fn plain_clock(text: &[u8]) -> Option<(Moment, &[u8])> {
    static CLOCK: Form<19, 3> = Form::of(b"9999-99-99?99:99:99");
    let (head, mut rest) = text.split_first_chunk()?;
    if !CLOCK.fits(head) {
        return None;
    }
    let [y1, y2, y3, y4, _, m1, m2, _, d1, d2, b' ' | b'T', h1, h2, _, n1, n2, _, s1, s2] = *head else { return None };
    let of = |tens: u8, ones: u8| u32::from(tens & 0x0f) * 10 + u32::from(ones & 0x0f);
    let (year, month, day) = (of(y1, y2) * 100 + of(y3, y4), of(m1, m2), of(d1, d2));
    let (hour, minute, second) = (of(h1, h2), of(n1, n2), of(s1, s2));
    let is_moment = (1990..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_moment || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut micros = 0;
    if let Some(([b'.', digits @ ..], behind)) = rest.split_first_chunk::<7>()
        && digits.iter().all(u8::is_ascii_digit)
        && !behind.first().is_some_and(u8::is_ascii_digit)
    {
        micros = digits.iter().fold(0, |sum, it| sum * 10 + i64::from(it - b'0'));
        rest = behind;
    } else if let [b'.', first, ..] = rest
        && first.is_ascii_digit()
    {
        let mut unit = SECOND / 10;
        rest = rest.get(1..)?;
        while let Some((digit, more)) = rest.split_first().filter(|it| it.0.is_ascii_digit()) {
            micros += i64::from(digit - b'0') * unit;
            unit /= 10;
            rest = more;
        }
    }
    // As [`days`] counts them, for years that are never negative.
    let shifted = year - u32::from(month <= 2);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + of_year - 719_468;
    let seconds = i64::from(days) * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    (EARLIEST..LATEST).contains(&seconds).then_some((Moment(seconds * SECOND + micros), rest))
}

/// 1990-01-01 and 2200-01-01 in seconds: no pipeline log is older or newer.
const EARLIEST: i64 = 631_152_000;
const LATEST: i64 = 7_258_118_400;

fn digits(text: &[u8], count: usize) -> Option<i64> {
    let digits = text.get(..count)?;
    digits.iter().all(u8::is_ascii_digit).then(|| digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
}

/// Days since 1970 and the bytes read.
fn read_date(text: &[u8]) -> Option<(i64, usize)> {
    if let (Some(year), Some(b'-' | b'/')) = (digits(text, 4), text.get(4)) {
        let (month, day) = (digits(text.get(5..)?, 2)?, digits(text.get(8..)?, 2)?);
        return (text.get(7) == text.get(4)).then_some((days(year, month, day)?, 10));
    }
    if let (Some(first), Some(b'/')) = (digits(text, 2), text.get(2)) {
        if let Some(month) = month_named(text.get(3..6)?) {
            let year = digits(text.get(7..)?, 4)?;
            return Some((days(year, month, first)?, 11));
        }
        let (month, day) = (digits(text.get(3..)?, 2)?, digits(text.get(6..)?, 2)?);
        return (text.get(5) == Some(&b'/')).then_some((days(2000 + first, month, day)?, 8));
    }
    None
}

fn month_named(name: &[u8]) -> Option<i64> {
    let names = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    names.chunks(3).position(|it| it.eq_ignore_ascii_case(name)).and_then(|it| i64::try_from(it + 1).ok())
}

/// Days from 1970-01-01 to the given civil day, proleptic Gregorian.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted = year - i64::from(month <= 2);
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Microseconds of the day and the bytes read.
fn read_time(text: &[u8]) -> Option<(i64, usize)> {
    let (hour, minute) = (digits(text, 2)?, digits(text.get(3..)?, 2)?);
    let second = digits(text.get(6..)?, 2)?;
    if text.get(2) != Some(&b':') || text.get(5) != Some(&b':') || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut micros = (hour * 3600 + minute * 60 + second) * SECOND;
    let mut at = 8;
    if matches!(text.get(at), Some(b'.' | b',')) && text.get(at + 1).is_some_and(u8::is_ascii_digit) {
        at += 1;
        let mut unit = SECOND / 10;
        while let Some(digit) = text.get(at).filter(|it| it.is_ascii_digit()) {
            micros += i64::from(digit - b'0') * unit;
            unit /= 10;
            at += 1;
        }
    }
    Some((micros, at))
}

/// Zone names that Airflow's UI and operators print, with their offset in hours.
const ZONES: &[(&str, i64)] = &[
    ("UTC", 0),
    ("GMT", 0),
    ("EST", -5),
    ("EDT", -4),
    ("CST", -6),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
    ("CET", 1),
    ("CEST", 2),
    ("BST", 1),
    ("WET", 0),
    ("WEST", 1),
    ("EET", 2),
    ("EEST", 3),
    ("JST", 9),
    ("KST", 9),
    ("IST", 5),
    ("SGT", 8),
    ("AEST", 10),
    ("AEDT", 11),
];

/// The offset in seconds, if one is written, and the bytes read.
fn read_zone(text: &[u8]) -> (Option<i64>, usize) {
    let space = usize::from(text.first() == Some(&b' '));
    let rest = text.get(space..).unwrap_or_default();
    match rest.first() {
        Some(b'Z') if !rest.get(1).is_some_and(u8::is_ascii_alphanumeric) => (Some(0), space + 1),
        Some(sign @ (b'+' | b'-')) => {
            let Some(hours) = digits(rest.get(1..).unwrap_or_default(), 2) else { return (None, 0) };
            let colon = usize::from(rest.get(3) == Some(&b':'));
            let minutes = digits(rest.get(3 + colon..).unwrap_or_default(), 2);
            let used = minutes.map_or(3, |_| 5 + colon);
            let seconds = (hours * 60 + minutes.unwrap_or(0)) * 60;
            (Some(if *sign == b'-' { -seconds } else { seconds }), space + used)
        }
        Some(first) if space == 1 && first.is_ascii_uppercase() => {
            let end = rest.iter().position(|it| !it.is_ascii_uppercase()).unwrap_or(rest.len());
            let name = rest.get(..end).unwrap_or_default();
            // India is the one zone of the list with a half hour.
            let half = if name == b"IST" { 1800 } else { 0 };
            match ZONES.iter().find(|(zone, _)| zone.as_bytes() == name) {
                Some((_, hours)) => (Some(hours * 3600 + half), space + end),
                None => (None, 0),
            }
        }
        _ => (None, 0),
    }
}

/// A span of time as people say it: `40 s`, `12 min 5 s`, `3 h 20 min`.
pub fn spoken_seconds(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a float saturates, and nobody waits that long")]
    let whole = seconds.round() as i64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// A size as people say it, in powers of 1024.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn spoken_bytes(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut amount = bytes as f64;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < units.len() {
        amount /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{amount:.1} {}", units.get(unit).unwrap_or(&"TiB")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        Moment::parse(text).map(|it| it.moment.rfc3339())
    }

    #[test]
    fn every_spelling_of_a_moment_is_read() {
        for (text, expected) in [
            ("2024-05-01T10:00:00.123+0000", "2024-05-01T10:00:00.123Z"),
            ("2022-01-01 12:00:00,123", "2022-01-01T12:00:00.123Z"),
            ("2022-01-01, 12:00:00 PDT", "2022-01-01T19:00:00.000Z"),
            ("2024-04-17T13:22:59.985+0100", "2024-04-17T12:22:59.985Z"),
            ("2021-01-10 00:00:00+00:00", "2021-01-10T00:00:00.000Z"),
            ("24/09/22 19:38:53", "2024-09-22T19:38:53.000Z"),
            ("06/Feb/2019:00:00:38 +0000", "2019-02-06T00:00:38.000Z"),
            ("2026-11-20T08:33:18.368990Z", "2026-11-20T08:33:18.368Z"),
            ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_moment_of_a_table_is_what_it_is_elsewhere() {
        assert!(Moment::plain(b"2024-02-29 10:59:60.5").is_some());
        for text in ["2024-05-01 10:59:00.123456", "2024-05-01T10:59:00"] {
            for at in 0..text.len() {
                for byte in *b"0139: -T./" {
                    let mut other = text.as_bytes().to_vec();
                    other[at] = byte;
                    let other = String::from_utf8(other).unwrap();
                    if let Some(plain) = Moment::plain(other.as_bytes()) {
                        assert_eq!(Moment::parse(&other).map(|it| it.moment), Some(plain), "{other}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_plain_spelling_means_what_it_means_among_others() {
        let text = "2024-05-01T10:59:00.123456+00:00 x";
        for at in 0..text.len() {
            for byte in *b"09: +-TZ.," {
                let mut other = text.as_bytes().to_vec();
                other[at] = byte;
                if let Some(read) = Moment::read_plainly(&other) {
                    assert_eq!(Some(read), Moment::read_any(&other), "{}", other.escape_ascii());
                }
            }
        }
        assert!(Moment::read_plainly(text.as_bytes()).is_some());
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in ["0000-01-01T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-01", "12:00:00", "2024-01-01T25:00:00Z", ""] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_stamp_without_a_zone_is_moved_into_the_one_given() {
        let stamp = Moment::parse("2024-07-01 12:00:00").unwrap();
        assert!(!stamp.zoned);
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(stamp.moment.shown_in(&berlin).rfc3339(), "2024-07-01T10:00:00.000Z");
    }
}
