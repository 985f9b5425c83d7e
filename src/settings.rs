//! What the user may turn: the limits that detectors declare, the caps on inputs, the window.

use crate::{
    case::Caps,
    error::{Error, Result},
    units::Moment,
};
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
    limits: BTreeMap<(String, String), (f64, String)>,
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

/// Caps that may be set under `[input]`.
pub const CAPS: &[(&str, &str)] = &[
    ("record_bytes", "longest record read whole, in bytes; the rest of a longer one is cut and counted"),
    ("depth", "how deep archives may nest"),
    ("expansion", "how many bytes one packed byte may become, beyond the first 256 MiB"),
];

impl Settings {
    /// Reads a settings file: `[detectors.<id>] key = number`, `[input] record_bytes = …`.
    pub fn read(&mut self, text: &str, origin: &str) -> Result<()> {
        let document: toml::Table = toml::from_str(text).map_err(|it| Error::Usage(format!("{origin}: {}", it.to_string().trim_end())))?;
        for (section, value) in &document {
            let table = value.as_table().ok_or_else(|| Error::Usage(format!("{origin}: `{section}` is not a table")))?;
            match section.as_str() {
                "detectors" => {
                    for (id, keys) in table {
                        let keys = keys.as_table().ok_or_else(|| Error::Usage(format!("{origin}: `detectors.{id}` is not a table")))?;
                        for (key, value) in keys {
                            self.set_limit(id, key, number(value, origin, key)?, origin);
                        }
                    }
                }
                "input" => {
                    for (key, value) in table {
                        self.set_cap(key, number(value, origin, key)?)?;
                    }
                }
                other => return Err(unknown("section", other, &["detectors", "input"], origin)),
            }
        }
        Ok(())
    }

    /// Reads `detectors.<id>.<key>=<value>` or `input.<key>=<value>`.
    pub fn set(&mut self, assignment: &str) -> Result<()> {
        let wrong = || Error::Usage(format!("--set {assignment}: write detectors.<id>.<key>=<number> or input.<key>=<number>"));
        let (path, value) = assignment.split_once('=').ok_or_else(wrong)?;
        let value: f64 = value.trim().parse().map_err(|_| wrong())?;
        match path.trim().split('.').collect::<Vec<_>>().as_slice() {
            ["detectors", id, key] => {
                self.set_limit(id, key, value, "--set");
                Ok(())
            }
            ["input", key] => self.set_cap(key, value),
            _ => Err(wrong()),
        }
    }

    fn set_limit(&mut self, id: &str, key: &str, value: f64, origin: &str) {
        self.limits.insert((id.to_owned(), key.to_owned()), (value, origin.to_owned()));
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a positive number; a float saturates")]
    fn set_cap(&mut self, key: &str, value: f64) -> Result<()> {
        // Beyond 2^53 a float no longer holds every whole number.
        if !(1.0..=9e15).contains(&value) || value.fract() != 0.0 {
            return Err(Error::Usage(format!("input.{key} must be a whole number of at least 1, not {value}")));
        }
        match key {
            "record_bytes" => self.caps.record_bytes = value as usize,
            "depth" => self.caps.depth = value as usize,
            "expansion" => self.caps.expansion = value as u64,
            other => return Err(unknown("cap", other, &CAPS.iter().map(|it| it.0).collect::<Vec<_>>(), "input")),
        }
        Ok(())
    }

    /// The user's value, or the default.
    pub fn limit(&self, detector: &str, limit: &Limit) -> f64 {
        self.origin_of(detector, limit).map_or(limit.default, |it| it.0)
    }

    /// The user's value and where it was set.
    pub fn origin_of(&self, detector: &str, limit: &Limit) -> Option<(f64, &str)> {
        self.limits.get(&(detector.to_owned(), limit.name.to_owned())).map(|it| (it.0, it.1.as_str()))
    }

    /// Refuses limits that no detector has.
    pub fn check(&self, known: &[(&str, &[&'static Limit])]) -> Result<()> {
        for ((id, name), (value, origin)) in &self.limits {
            let Some((_, limits)) = known.iter().find(|it| it.0 == id) else {
                return Err(unknown("detector", id, &known.iter().map(|it| it.0).collect::<Vec<_>>(), origin));
            };
            if !limits.iter().any(|it| it.name == name) {
                return Err(unknown(&format!("setting of {id}"), name, &limits.iter().map(|it| it.name).collect::<Vec<_>>(), origin));
            }
            if !value.is_finite() || *value < 0.0 {
                return Err(Error::Usage(format!("{origin}: detectors.{id}.{name} must be a number of at least 0, not {value}")));
            }
        }
        Ok(())
    }

    /// Whether a moment is in the window; what has no moment is.
    pub fn in_window(&self, at: Option<Moment>) -> bool {
        at.is_none_or(|at| self.since.is_none_or(|it| at >= it) && self.until.is_none_or(|it| at < it))
    }
}

fn number(value: &toml::Value, origin: &str, key: &str) -> Result<f64> {
    #[expect(clippy::cast_precision_loss, reason = "limits are small")]
    let whole = value.as_integer().map(|it| it as f64);
    whole.or_else(|| value.as_float()).ok_or_else(|| Error::Usage(format!("{origin}: `{key}` must be a number")))
}

/// Names the nearest word that would be right.
pub fn unknown(what: &str, given: &str, known: &[&str], origin: &str) -> Error {
    let nearest = known.iter().map(|it| (distance(given, it), it)).min().filter(|it| it.0 <= given.chars().count().div_ceil(3));
    let hint = nearest.map_or_else(|| format!("; there is {}", known.join(", ")), |it| format!("; did you mean `{}`?", it.1));
    Error::Usage(format!("{origin}: no {what} is called `{given}`{hint}"))
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

    static LIMIT: Limit = Limit { name: "low_seconds", default: 300.0, meaning: "", source: "" };

    #[test]
    fn the_nearest_name_is_offered() {
        let mut settings = Settings::default();
        settings.set("detectors.stuck-queued.low_secnds=1").unwrap();
        let error = settings.check(&[("stuck-queued", &[&LIMIT])]).unwrap_err();
        assert_eq!(error.to_string(), "--set: no setting of stuck-queued is called `low_secnds`; did you mean `low_seconds`?");
        let mut settings = Settings::default();
        settings.read("[detectors.stuck-queud]\nlow_seconds = 1", "a.toml").unwrap();
        assert!(settings.check(&[("stuck-queued", &[&LIMIT])]).unwrap_err().to_string().contains("did you mean `stuck-queued`"));
    }

    #[test]
    fn a_wrong_value_is_refused() {
        let mut settings = Settings::default();
        assert!(settings.set("detectors.x=1").is_err());
        assert!(settings.set("input.depth=0").is_err());
        assert!(settings.read("[input]\ndepth = \"deep\"", "a.toml").is_err());
        assert!(settings.read("[nope]\na = 1", "a.toml").is_err());
    }
}
