//! Times and spans as a person gives them, on a command line or in a file.

use super::{Moment, SECOND};

/// Reads a span of time, `90s`, `30m`, `24h` or `7d`, in microseconds; `0s` is one too.
pub fn parse_span(text: &str) -> Result<i64, String> {
    let wrong = || "write a span like 90m, 24h or 7d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let count: i64 = number.bytes().all(|it| it.is_ascii_digit()).then(|| number.parse().ok()).flatten().ok_or_else(wrong)?;
    count.checked_mul(seconds * SECOND).ok_or_else(wrong)
}

/// Reads a moment, or a date, which is its midnight in UTC.
pub fn parse_time(text: &str) -> Result<Moment, String> {
    let stamp = Moment::parse(text).map(|it| it.moment).or_else(|| parse_day(text));
    stamp.ok_or_else(|| "write a time like 2026-01-31T06:00:00Z, or a date like 2026-01-31".to_owned())
}

/// Reads a date, which is its midnight in UTC; `None` for a day that no calendar has.
pub fn parse_day(text: &str) -> Option<Moment> {
    let day: jiff::civil::Date = text.parse().ok()?;
    Moment::parse(&format!("{text}T00:00:00Z")).map(|it| it.moment).filter(|it| it.day() == day.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_times_and_days_are_read_or_refused() {
        let minute = 60 * SECOND;
        for (text, expected) in [("90m", Some(90 * minute)), ("24h", Some(1440 * minute)), ("7d", Some(10_080 * minute)), ("0s", Some(0))] {
            assert_eq!(parse_span(text).ok(), expected, "{text}");
        }
        for text in ["", "m", "-1m", "+1m", "1.5h", "1w", "90", "1 h", "9223372036854775807d", "é"] {
            assert!(parse_span(text).is_err(), "{text}");
        }
        assert_eq!(parse_time("2026-01-31"), parse_time("2026-01-31T00:00:00Z"));
        assert!(parse_time("yesterday").is_err());
        for text in ["2026-02-30", "2026-2-3", "20260203", "2026-02-03T00:00:00Z", ""] {
            assert_eq!(parse_day(text), None, "{text}");
        }
    }
}
