//! Two reports side by side: whether they may be compared, what changed, and that in the shapes people and programs ask for.

use crate::{
    changes::{self, Changed},
    error::{Error, Result},
    finding::{Change, FailOn},
    ledger::{Entry, Ledger, Taken},
    report::Style,
    units::{Moment, SECOND, spoken_bytes, spoken_seconds},
};
use std::io::{self, Write};

mod csv;
mod json;
mod md;
mod text;

/// Every format, in the order `--help` lists them.
pub static FORMATS: &[&Format] = &[&text::FORMAT, &json::DOCUMENT, &json::LINES, &csv::FORMAT, &md::FORMAT];

/// One shape of a comparison.
#[derive(Debug)]
pub struct Format {
    /// Name on the command line.
    pub id: &'static str,
    /// Writes the comparison.
    pub write: fn(&Diff<'_>, &Style, &mut dyn Write) -> io::Result<()>,
}

/// What may differ between reports that are compared all the same.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allowed {
    /// How long a time was judged.
    pub windows: bool,
    /// The versions of detectors.
    pub versions: bool,
}

/// Two reports side by side.
#[derive(Debug)]
pub struct Diff<'a> {
    /// The older one.
    pub old: &'a Taken,
    /// The newer one.
    pub new: &'a Taken,
    /// What the reader should know of them.
    pub notes: Vec<String>,
    /// Every finding of either.
    pub changed: Vec<Changed<'a>>,
}

impl<'a> Diff<'a> {
    /// Compares two reports, unless that would compare apples and pears.
    pub fn of(old: &'a Taken, new: &'a Taken, allowed: Allowed) -> Result<Self> {
        let (windows, versions) = (different_windows(&old.ledger, &new.ledger), different_versions(&old.ledger, &new.ledger));
        let mut refused = Vec::new();
        if let Some(it) = windows.as_ref().filter(|_| !allowed.windows) {
            refused.push(format!("{it}: what is new or gone may be so for that alone; --different-windows compares them all the same"));
        }
        if let Some(it) = versions.as_ref().filter(|_| !allowed.versions) {
            refused.push(format!(
                "{it}: analyze the older inputs again with this version, or give --different-versions to compare them all the same"
            ));
        }
        if !refused.is_empty() {
            return Err(Error::Usage(refused.join("\n")));
        }
        let notes = differences(&old.ledger, &new.ledger).into_iter().chain(notes(&old.ledger, &new.ledger)).collect();
        Ok(Self { old, new, notes, changed: changes::between(&old.ledger, &new.ledger) })
    }

    /// The findings that changed so.
    pub fn all(&self, change: Change) -> impl Iterator<Item = &Changed<'a>> {
        self.changed.iter().filter(move |it| it.change == change)
    }

    /// Whether everything that the newer report was to read could be read whole.
    pub fn is_complete(&self) -> bool {
        self.new.ledger.is_complete()
    }

    /// Whether a finding of the newer report is to fail the run. What was decided to live with never does.
    pub fn fails(&self, fail_on: FailOn) -> bool {
        let counts = |it: &Changed<'_>| !fail_on.only_new || matches!(it.change, Change::New | Change::Worsened);
        let is_open = |it: &Changed<'_>| it.new.is_some_and(Entry::is_open);
        self.changed.iter().any(|it| is_open(it) && counts(it) && it.severity() >= Some(fail_on.severity))
    }

    /// All of it in one line.
    pub fn summary(&self) -> String {
        let counts: Vec<String> =
            Change::ALL.iter().map(|it| format!("{} {}", self.all(*it).count(), it.name().replace('-', " "))).collect();
        let suppressed = self.changed.iter().filter(|it| it.new.is_some_and(|it| !it.is_open())).count();
        let suppressed = if suppressed > 0 { format!("; {suppressed} of them suppressed") } else { String::new() };
        let whole = if self.is_complete() { "" } else { "; INCOMPLETE: an input of the newer report was not read whole" };
        format!("{}{suppressed}{whole}", counts.join(", "))
    }
}

/// Whether a finding stands in a text that lists only what a reader has to look at.
fn is_listed(changed: &Changed<'_>, style: &Style) -> bool {
    changed.change != Change::Persisting || changed.reason.is_some() || style.detail > 1
}

/// A report and the window that it judged, for people.
fn named(taken: &Taken) -> String {
    let run = taken.run.as_ref().map_or(String::new(), |(day, run)| format!(", night {day}, run {run}"));
    let bound = |word: &str, at: Option<Moment>| at.map(|it| format!(" {word} {}", it.rfc3339())).unwrap_or_default();
    let (since, until) = (bound("from", taken.ledger.since), bound("before", taken.ledger.until));
    let window = if since.is_empty() && until.is_empty() { String::new() } else { format!(", judged{since}{until}") };
    format!("{}{run}{window}", taken.given)
}

/// What changed in a finding that both reports hold: only what differs.
fn difference(changed: &Changed<'_>) -> Option<String> {
    let (old, new) = changed.old.zip(changed.new)?;
    let size = |it: Option<i64>| it.map_or_else(|| "unknown".to_owned(), |it| spoken_bytes(u64::try_from(it).unwrap_or(0)));
    let time = |it: Option<f64>| it.map_or_else(|| "unknown".to_owned(), spoken_seconds);
    let facets = [
        ("severity", old.severity.clone(), new.severity.clone()),
        ("time", time(old.impact_seconds), time(new.impact_seconds)),
        ("size", size(old.impact_bytes), size(new.impact_bytes)),
        ("occurrences", old.occurrences.to_string(), new.occurrences.to_string()),
    ];
    let told: Vec<String> = facets.iter().filter(|it| it.1 != it.2).map(|(name, old, new)| format!("{name} {old} → {new}")).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// Why two reports can be compared in part only.
pub fn differences(old: &Ledger, new: &Ledger) -> Vec<String> {
    different_windows(old, new).into_iter().chain(different_versions(old, new)).collect()
}

fn different_windows(old: &Ledger, new: &Ledger) -> Option<String> {
    let (then, now) = old.window_micros().zip(new.window_micros())?;
    #[expect(clippy::cast_precision_loss, reason = "shown to the second")]
    let spoken = |micros: i64| spoken_seconds(micros as f64 / SECOND as f64);
    (new.compared_window(old)? != std::cmp::Ordering::Equal)
        .then(|| format!("the windows differ: the older report judged {}, the newer one {}", spoken(then), spoken(now)))
}

fn different_versions(old: &Ledger, new: &Ledger) -> Option<String> {
    let differing = old.verdicts.iter().filter_map(|(detector, then)| {
        let (then, now) = then.version.zip(new.verdicts.get(detector)?.version)?;
        (then != now).then(|| format!("{detector} is version {then} in the older report and {now} in the newer one"))
    });
    let told: Vec<String> = differing.collect();
    (!told.is_empty()).then(|| format!("detectors judge otherwise: {}", told.join(", ")))
}

/// What else weakens a comparison.
fn notes(old: &Ledger, new: &Ledger) -> Vec<String> {
    let mut notes = Vec::new();
    let which = |missing: (bool, bool)| match missing {
        (true, true) => Some("neither report tells"),
        (true, false) => Some("the older report does not tell"),
        (false, true) => Some("the newer report does not tell"),
        (false, false) => None,
    };
    if let Some(it) = which((old.window_micros().is_none(), new.window_micros().is_none())) {
        notes.push(format!("{it} how long a time was judged: --since and --until of analyze say it"));
    }
    let lacks_version = |it: &Ledger| it.verdicts.values().any(|it| it.version.is_none());
    if let Some(it) = which((lacks_version(old), lacks_version(new))) {
        notes.push(format!("{it} the versions of its detectors"));
    }
    if old.until.zip(new.until).is_some_and(|(then, now)| then > now) {
        notes.push("the older report judged a later time than the newer one: are they given in the right order?".to_owned());
    }
    if !old.is_complete() {
        notes.push("the older report was not read whole: what is new may have been there".to_owned());
    }
    notes
}
