//! Numbers, dates and pieces of text, written fast.

use std::cell::Cell;

/// A small generator of numbers: xorshift.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        let mut numbers = Self((seed ^ 0x9e37_79b9_7f4a_7c15).max(1));
        for _ in 0..8 {
            numbers.next(2);
        }
        numbers
    }

    pub fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below
    }

    /// A number from a range, as a duration.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.next((high - low) as u64) as i64
    }
}

/// Something that can be written at the end of a line.
pub trait Put {
    fn put(&self, out: &mut Vec<u8>);
}

impl Put for &str {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

impl Put for String {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

impl Put for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        let mut digits = [0_u8; 20];
        let (mut rest, mut at) = (*self, digits.len());
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        out.extend_from_slice(&digits[at..]);
    }
}

impl Put for i64 {
    fn put(&self, out: &mut Vec<u8>) {
        if *self < 0 {
            out.push(b'-');
        }
        self.unsigned_abs().put(out);
    }
}

/// Writes its arguments one behind the other.
macro_rules! put {
    ($out:expr, $($part:expr),+ $(,)?) => {{ $($crate::text::Put::put(&$part, $out);)+ }};
}
pub(crate) use put;

/// Milliseconds since 1970, written as `2026-01-01T00:00:00.000`.
pub struct Iso(pub i64);
/// The same as `2026-01-01 00:00:00.000000+00:00`.
pub struct Sql(pub i64);
/// The same as `2026-01-01T00:00:00+00:00`, the name of a scheduled run.
pub struct Logical(pub i64);
/// The same as `20260101T000000`.
pub struct Compact(pub i64);
/// The same as `2026-01-01 00:00:00.000`.
pub struct Blank(pub i64);
/// The date alone.
pub struct Day(pub i64);
/// Milliseconds as seconds with six decimals.
pub struct Seconds(pub i64);

thread_local! {
    static DAY: Cell<(i64, [u8; 10])> = const { Cell::new((i64::MIN, [0; 10])) };
}

/// A day since 1970 as `2026-01-01`.
fn date(day: i64) -> [u8; 10] {
    let (known, text) = DAY.get();
    if known == day {
        return text;
    }
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let in_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let mut text = [0; 10];
    text.copy_from_slice(format!("{year:04}-{month:02}-{in_month:02}").as_bytes());
    DAY.set((day, text));
    text
}

fn two(value: i64, out: &mut [u8]) {
    out[0] = b'0' + (value / 10) as u8;
    out[1] = b'0' + (value % 10) as u8;
}

/// `2026-01-01T00:00:00.000`, with another sign in the middle.
fn stamp(millis: i64, between: u8) -> [u8; 23] {
    let (day, of_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let mut text = *b"0000-00-00T00:00:00.000";
    text[..10].copy_from_slice(&date(day));
    text[10] = between;
    let (seconds, rest) = (of_day / 1_000, of_day % 1_000);
    two(seconds / 3_600, &mut text[11..13]);
    two(seconds / 60 % 60, &mut text[14..16]);
    two(seconds % 60, &mut text[17..19]);
    text[20] = b'0' + (rest / 100) as u8;
    two(rest % 100, &mut text[21..23]);
    text
}

impl Put for Iso {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&stamp(self.0, b'T'));
    }
}

impl Put for Blank {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&stamp(self.0, b' '));
    }
}

impl Put for Sql {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&stamp(self.0, b' '));
        // Microseconds that only depend on the moment.
        let micros = (self.0.unsigned_abs() % 997) + 1;
        out.extend_from_slice(&[b'0' + (micros / 100) as u8, b'0' + (micros / 10 % 10) as u8, b'0' + (micros % 10) as u8]);
        out.extend_from_slice(b"+00:00");
    }
}

impl Put for Logical {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&stamp(self.0, b'T')[..19]);
        out.extend_from_slice(b"+00:00");
    }
}

impl Put for Compact {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend(stamp(self.0, b'T')[..19].iter().filter(|it| !matches!(it, b'-' | b':')));
    }
}

impl Put for Day {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&stamp(self.0, b'T')[..10]);
    }
}

impl Put for Seconds {
    fn put(&self, out: &mut Vec<u8>) {
        (self.0 / 1_000).put(out);
        let rest = self.0 % 1_000;
        out.extend_from_slice(&[b'.', b'0' + (rest / 100) as u8, b'0' + (rest / 10 % 10) as u8, b'0' + (rest % 10) as u8]);
        out.extend_from_slice(b"127");
    }
}

/// Text as it stands between the quotes of a JSON string.
pub struct Escaped<'a>(pub &'a [u8]);

impl Put for Escaped<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        let mut from = 0;
        for (at, byte) in self.0.iter().enumerate() {
            let escape: &[u8] = match byte {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                b'\n' => b"\\n",
                b'\t' => b"\\t",
                _ => continue,
            };
            out.extend_from_slice(&self.0[from..at]);
            out.extend_from_slice(escape);
            from = at + 1;
        }
        out.extend_from_slice(&self.0[from..]);
    }
}

/// What `put!` writes, as text.
macro_rules! text {
    ($($part:expr),+ $(,)?) => {{
        let mut out = Vec::new();
        $crate::text::put!(&mut out, $($part),+);
        String::from_utf8(out).unwrap_or_default()
    }};
}
pub(crate) use text;
