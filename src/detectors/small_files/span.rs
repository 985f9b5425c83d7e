//! When the time that a partition is named after is over.

use crate::units::{Moment, SECOND};

/// The end of the hour, day or month that the folders of a partition name: `dt=2026-08-14/hour=03`, `2026/08/14`.
pub(super) fn end_of(partition: &str) -> Option<Moment> {
    let values = partition.split('/').map(|it| it.split_once('=').map_or(it, |it| it.1));
    let digits: String = values.flat_map(|it| it.chars().filter(char::is_ascii_digit)).collect();
    let of = |from: usize, to: usize| digits.get(from..to)?.parse::<i64>().ok();
    let (year, month) = (of(0, 4)?, of(4, 6)?);
    if !(1990..2200).contains(&year) {
        return None;
    }
    let at = |day: i64, hour: i64| Some(Moment::parse(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:00:00Z"))?.moment);
    let after = |start: Moment, seconds: i64| Moment(start.0 + seconds * SECOND);
    match digits.len() {
        // A month of 31 days ends at most three days later than its own.
        6 => at(1, 0).map(|it| after(it, 31 * 86_400)),
        8 => at(of(6, 8)?, 0).map(|it| after(it, 86_400)),
        10 => at(of(6, 8)?, of(8, 10)?).map(|it| after(it, 3_600)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_end_with_the_time_they_name() {
        for (partition, end) in [
            ("dt=2026-08-14", Some("2026-08-15T00:00:00.000Z")),
            ("2026/12/31/23", Some("2027-01-01T00:00:00.000Z")),
            ("dt=2026-08-14/hour=03", Some("2026-08-14T04:00:00.000Z")),
            ("month=2026-12", Some("2027-01-01T00:00:00.000Z")),
            ("country=DE", None),
            ("batch=1234567890", None),
            ("dt=2026-13-01", None),
            ("", None),
        ] {
            assert_eq!(end_of(partition).map(Moment::rfc3339).as_deref(), end, "{partition}");
        }
    }
}
