//! Every rung of every ladder: what is told just below it, on it, and just above; and that the user's limit moves it.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a broken test should stop loudly, and amounts of a test are small"
)]

#[path = "../common/mod.rs"]
mod common;

mod access_denied;
mod load_errors;
mod partition_skew;
mod single_file_copy;
mod small_files;
mod stuck_queued;

use casefile::{
    config::{Config, Document},
    detectors::DETECTORS,
};

/// Dumps by their names.
type Dumps = Vec<(&'static str, String)>;

/// One threshold.
struct Rung {
    /// The limit that it is, or in words what a constant is about.
    what: &'static str,
    at: f64,
    /// To the next amount that dumps can tell.
    step: f64,
    /// Dumps in which the amount is this.
    dumps: fn(f64) -> Dumps,
    /// What the findings say below, on and above it: severities, and the fact that is shown.
    told: [&'static str; 3],
    shows: Option<&'static str>,
    settings: &'static [&'static str],
}

impl Rung {
    const fn new(what: &'static str, at: f64, step: f64, dumps: fn(f64) -> Dumps, told: [&'static str; 3]) -> Self {
        Self { what, at, step, dumps, told, shows: None, settings: &[] }
    }

    /// With a fact behind each severity.
    const fn showing(self, fact: &'static str) -> Self {
        Self { shows: Some(fact), ..self }
    }

    /// With limits that keep other rungs out of the way.
    const fn under(self, settings: &'static [&'static str]) -> Self {
        Self { settings, ..self }
    }

    fn told_at(&self, detector: &str, amount: f64, moved: Option<f64>) -> String {
        let mut document = Document::default();
        let own = moved.map(|it| format!("{}={it}", self.what));
        for it in self.settings.iter().map(ToString::to_string).chain(own) {
            document.set(&format!("detectors.{detector}.{it}")).unwrap();
        }
        let settings = Config::of(&document).unwrap().settings;
        let found = common::findings_with(&(self.dumps)(amount), detector, &settings);
        let word = |it: &serde_json::Value| {
            let fact = self.shows.map_or(String::new(), |fact| format!(" {}", it["facts"][fact].as_str().unwrap_or("none")));
            format!("{}{fact}", it["severity"].as_str().unwrap())
        };
        found.iter().map(word).collect::<Vec<_>>().join(", ")
    }
}

/// The rungs of each detector.
const LADDERS: &[(&str, &[Rung])] = &[
    ("single-file-copy", single_file_copy::RUNGS),
    ("load-errors", load_errors::RUNGS),
    ("small-files", small_files::RUNGS),
    ("partition-skew", partition_skew::RUNGS),
    ("access-denied", access_denied::RUNGS),
    ("stuck-queued", stuck_queued::RUNGS),
];

/// Limits whose boundary is tested elsewhere.
const ELSEWHERE: &[(&str, &str)] = &[];

/// The default of a limit of this name.
fn default_of(detector: &str, name: &str) -> Option<f64> {
    let detector = DETECTORS.iter().find(|it| it.id == detector)?;
    detector.limits.iter().find(|it| it.name == name).map(|it| it.default)
}

fn climb(detector: &str) {
    let (_, rungs) = LADDERS.iter().find(|it| it.0 == detector).unwrap();
    let mut faults = Vec::new();
    for rung in *rungs {
        let Rung { what, at, step, told, .. } = rung;
        for (amount, expected) in [at - step, *at, at + step].into_iter().zip(told) {
            let got = rung.told_at(detector, amount, None);
            if got != *expected {
                faults.push(format!("{what} at {amount}: told `{got}`, not `{expected}`"));
            }
        }
        let Some(default) = default_of(detector, what) else { continue };
        if default.to_bits() != at.to_bits() {
            faults.push(format!("{what} is {default}, not {at}"));
        }
        let moved = rung.told_at(detector, *at, Some(at + step));
        if moved != told[0] {
            faults.push(format!("{what} moved up: told `{moved}`, not `{}`", told[0]));
        }
    }
    assert!(faults.is_empty(), "{detector}:\n{}", faults.join("\n"));
}

#[test]
fn single_file_copy_climbs_its_ladders() {
    climb("single-file-copy");
}

#[test]
fn load_errors_climbs_its_ladders() {
    climb("load-errors");
}

#[test]
fn small_files_climbs_its_ladders() {
    climb("small-files");
}

#[test]
fn partition_skew_climbs_its_ladders() {
    climb("partition-skew");
}

#[test]
fn access_denied_climbs_its_ladders() {
    climb("access-denied");
}

#[test]
fn stuck_queued_climbs_its_ladders() {
    climb("stuck-queued");
}

#[test]
fn no_limit_is_without_a_rung() {
    let rungs = LADDERS.iter().flat_map(|(detector, rungs)| rungs.iter().map(|it| (*detector, it.what)));
    let tested: Vec<(&str, &str)> = rungs.chain(ELSEWHERE.iter().copied()).collect();
    let limits = DETECTORS.iter().flat_map(|it| it.limits.iter().map(|limit| (it.id, limit.name)));
    let untested: Vec<_> = limits.filter(|it| !tested.contains(it)).collect();
    assert!(untested.is_empty(), "limits without a test of their boundary: {untested:?}");
}
