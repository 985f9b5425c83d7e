//! What the user may turn: the limits that detectors declare, the caps on inputs, the window.

use crate::{case::Caps, error::Error, units::Moment};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// A number that a detector compares against, which the user may change.
#[derive(Debug)]
pub struct Limit {
    /// Name in the settings, under the detector's id.
    pub name: &'static str,
    /// Value when the user says nothing.
    pub default: f64,
    /// One sentence of meaning, with the unit.
    pub meaning: &'static str,
    /// Where the default comes from.
    pub source: &'static str,
}

/// The user's choices.
#[derive(Clone, Debug)]
pub struct Settings {
    limits: BTreeMap<(String, String), f64>,
    /// Caps on inputs.
    pub caps: Caps,
    /// Only what happened from this moment on.
    pub since: Option<Moment>,
    /// Only what happened before this moment.
    pub until: Option<Moment>,
    /// The zone of stamps that name none.
    pub zone: TimeZone,
}

impl Default for Settings {
    fn default() -> Self {
        Self { limits: BTreeMap::new(), caps: Caps::default(), since: None, until: None, zone: TimeZone::UTC }
    }
}

/// A cap that may be set under `[input]`: its name, its meaning, and its value among others.
pub type Cap = (&'static str, &'static str, fn(&Caps) -> u64);

/// Every cap.
pub const CAPS: &[Cap] = &[
    ("record_bytes", "longest record read whole, in bytes; the rest of a longer one is cut and counted", |it| it.record_bytes as u64),
    ("depth", "how deep archives may nest", |it| it.depth as u64),
    ("expansion", "how many bytes one packed byte may become, beyond the first 256 MiB", |it| it.expansion),
];

impl Settings {
    /// Sets a limit of a detector.
    pub fn set_limit(&mut self, detector: &str, limit: &str, value: f64) {
        self.limits.insert((detector.to_owned(), limit.to_owned()), value);
    }

    /// The user's value, or the default.
    pub fn limit(&self, detector: &str, limit: &Limit) -> f64 {
        self.limits.get(&(detector.to_owned(), limit.name.to_owned())).copied().unwrap_or(limit.default)
    }

    /// Whether a moment is in the window; what has no moment is.
    pub fn in_window(&self, at: Option<Moment>) -> bool {
        at.is_none_or(|at| self.since.is_none_or(|it| at >= it) && self.until.is_none_or(|it| at < it))
    }
}

/// Refuses a name that nothing has, and names the nearest that would be right.
pub fn unknown(what: &str, given: &str, known: &[&str], origin: &str) -> Error {
    Error::Usage(format!("{origin}: {}", nothing_called(what, given, known)))
}

/// Names the nearest word that would be right.
pub fn nothing_called(what: &str, given: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|it| (distance(given, it), it)).min().filter(|it| it.0 <= given.chars().count().div_ceil(3));
    let hint = nearest.map_or_else(|| format!("; there is {}", known.join(", ")), |it| format!("; did you mean `{}`?", it.1));
    format!("no {what} is called `{given}`{hint}")
}

/// How many letters differ: Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, y) in b.chars().enumerate() {
            let (left, above) = (row.get(j).copied().unwrap_or(0), row.get(j + 1).copied().unwrap_or(0));
            let best = (left + 1).min(above + 1).min(diagonal + usize::from(x != y));
            diagonal = above;
            if let Some(slot) = row.get_mut(j + 1) {
                *slot = best;
            }
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered() {
        let known = ["low_seconds", "high_seconds"];
        assert_eq!(
            unknown("setting", "low_secnds", &known, "--set").to_string(),
            "--set: no setting is called `low_secnds`; did you mean `low_seconds`?"
        );
        assert!(unknown("setting", "colour", &known, "--set").to_string().ends_with("there is low_seconds, high_seconds"));
    }
}
