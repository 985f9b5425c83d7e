//! A report in short: what comparing it with another, and remembering it, needs. Read back from wherever a report was left.

use crate::{
    detectors::Verdict,
    evidence::Coverage,
    finding::{Finding, Severity},
    report::Report,
    text,
    units::{Moment, SECOND},
};
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, collections::BTreeMap};

mod json;
mod lake;
mod place;
mod rows;
mod store;

pub use place::{Opened, Taken, open};

/// A report in short.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// Start of the window that was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Moment>,
    /// End of it, outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// What each detector said.
    pub verdicts: BTreeMap<String, Said>,
    /// What was read.
    pub inputs: Vec<Input>,
    /// The findings, by their ids.
    pub findings: BTreeMap<String, Entry>,
}

/// What a detector said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// `findings`, `clean` or `not-assessed`.
    pub verdict: String,
    /// The version of the detector, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The rows that it judged by, of each of its tables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<String, u64>,
}

/// What was read of one input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// How the user named it.
    pub path: String,
    /// The source that read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Records that were understood.
    pub parsed: u64,
    /// Whether it was read whole.
    pub complete: bool,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Who found it.
    pub detector: String,
    /// How bad.
    pub severity: String,
    /// `open` or `suppressed`.
    pub status: String,
    /// One sentence with the numbers in it.
    pub title: String,
    /// What it is about.
    pub subject_kind: String,
    /// Its name.
    pub subject_id: String,
    /// How often it was seen.
    pub occurrences: u64,
    /// First occurrence, in this report and those known before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Moment>,
    /// Last occurrence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Moment>,
    /// In how many nights it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nights_seen: Option<u64>,
    /// Wall time it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact_seconds: Option<f64>,
    /// Bytes it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact_bytes: Option<i64>,
    /// The inputs that prove it.
    pub proved_by: Vec<String>,
}

/// What `status` says of a finding that nobody decided to live with.
const OPEN: &str = "open";

/// Windows whose lengths differ by less than this, in microseconds, are of one length.
const SAME_LENGTH: i64 = 60 * SECOND;

/// What a detector says that found something.
const FINDINGS: &str = "findings";

/// Rows of a table that a detector judged by, as reports write them.
#[derive(Deserialize)]
struct Judged {
    table: String,
    rows: u64,
}

fn rows_of(evidence: Vec<Judged>) -> BTreeMap<String, u64> {
    evidence.into_iter().map(|it| (it.table, it.rows)).collect()
}

/// A report in short, as it was read somewhere, before anything of it is believed.
#[derive(Debug, Default)]
struct Parts {
    since: Option<Moment>,
    until: Option<Moment>,
    verdicts: Vec<(String, Said)>,
    /// Each with its first and last moment.
    inputs: Vec<(Input, Option<(Moment, Moment)>)>,
    findings: Vec<(String, Entry)>,
}

impl Parts {
    /// The report, if these are the whole of one, and of one only.
    fn assembled(self) -> Result<Ledger, String> {
        let inputs = inputs_of(self.inputs.into_iter(), self.since, self.until);
        let mut ledger = Ledger { since: self.since, until: self.until, inputs, ..Ledger::default() };
        ledger.inputs.iter_mut().for_each(|it| it.path = text::printable(&it.path).into_owned());
        for (detector, said) in self.verdicts {
            if let Some(odd) = [&detector, &said.verdict].into_iter().find(|it| !is_word(it)) {
                return Err(format!("`{}` is no detector or verdict", text::safe(odd, 100)));
            }
            if ledger.verdicts.insert(detector.clone(), said).is_some() {
                return Err(format!("{detector} has two verdicts: these are two reports in one"));
            }
        }
        if ledger.verdicts.is_empty() {
            return Err("there is no verdict of any detector: not a report, or cut off".to_owned());
        }
        for (id, entry) in self.findings.into_iter().map(|(id, entry)| (id, entry.sealed())) {
            if let Some(odd) = [&id, &entry.detector, &entry.status, &entry.subject_kind].into_iter().find(|it| !is_word(it)) {
                return Err(format!("`{}` is no id or word that a report has", text::safe(odd, 100)));
            }
            if !Severity::ALL.iter().any(|it| it.name() == entry.severity) {
                return Err(format!("{id}: there is no severity {}", entry.severity));
            }
            if ledger.findings.insert(id.clone(), entry).is_some() {
                return Err(format!("{id} is there twice: these are two reports in one"));
            }
        }
        for (detector, said) in &ledger.verdicts {
            let has_some = ledger.findings.values().any(|it| it.detector == *detector);
            if said.verdict == FINDINGS && !has_some {
                return Err(format!("{detector} has findings, and none of them is there: not a whole report"));
            }
        }
        Ok(ledger)
    }
}

impl Ledger {
    /// The length of the window that was judged, where both its ends are known.
    pub fn window_micros(&self) -> Option<i64> {
        Some(self.until?.0.saturating_sub(self.since?.0))
    }

    /// How the length of this window compares with that of another report, where both are known.
    pub fn compared_window(&self, other: &Self) -> Option<Ordering> {
        let (own, other) = (self.window_micros()?, other.window_micros()?);
        // The last 24 hours of two nights differ by the second in which they began.
        Some(if (own - other).abs() < SAME_LENGTH { Ordering::Equal } else { own.cmp(&other) })
    }

    /// Whether everything that was named could be read whole.
    pub fn is_complete(&self) -> bool {
        self.inputs.iter().all(|it| it.complete)
    }

    /// A report in short.
    pub fn of(report: &Report) -> Self {
        let said = |it: &Verdict| Said {
            verdict: it.verdict.to_owned(),
            version: Some(it.detector.version),
            evidence: it.evidence.iter().map(|(table, rows)| ((*table).to_owned(), *rows as u64)).collect(),
        };
        let (since, until) = (report.since.and_then(to_millis), report.until.and_then(to_millis));
        let input = |it: &Coverage| {
            let input =
                Input { path: it.path.clone(), kind: it.kind.map(ToOwned::to_owned), parsed: it.parsed, complete: it.problems.is_empty() };
            (input, it.from.and_then(to_millis).zip(it.to.and_then(to_millis)))
        };
        Self {
            since,
            until,
            verdicts: report.verdicts.iter().map(|it| (it.detector.id.to_owned(), said(it))).collect(),
            inputs: inputs_of(report.coverage.iter().map(input), since, until),
            findings: report.findings().into_iter().map(|it| (it.finding_id.clone(), Entry::of(it))).collect(),
        }
    }
}

impl Entry {
    /// Whether somebody has to act on it.
    pub fn is_open(&self) -> bool {
        self.status == OPEN
    }

    /// Makes every text safe to show, whoever wrote the file that it was read from.
    fn sealed(mut self) -> Self {
        for it in [&mut self.title, &mut self.subject_id] {
            *it = text::safe(it, 20_000);
        }
        self.proved_by.iter_mut().for_each(|it| *it = text::printable(it).into_owned());
        self
    }

    fn of(finding: &Finding) -> Self {
        let mut proved_by: Vec<String> = finding.evidence.iter().map(|it| it.source.clone()).collect();
        proved_by.sort();
        proved_by.dedup();
        Self {
            detector: finding.detector.to_owned(),
            severity: finding.severity.name().to_owned(),
            status: finding.status().to_owned(),
            title: finding.title.clone(),
            subject_kind: finding.subject.kind.to_owned(),
            subject_id: finding.subject.id.clone(),
            occurrences: finding.occurrences,
            first_seen: finding.first_known().and_then(to_millis),
            last_seen: finding.last_seen.and_then(to_millis),
            nights_seen: finding.standing.past.as_ref().and_then(|it| it.nights_seen),
            impact_seconds: finding.impact.seconds,
            impact_bytes: finding.impact.bytes,
            proved_by,
        }
    }
}

/// Whether a text is one of those that this program makes up itself: ids, kinds, verdicts.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b':' | b'_' | b'.'))
}

/// The inputs that may tell of a window: whole ones whose records are all of another night show nothing of this one.
fn inputs_of(inputs: impl Iterator<Item = (Input, Option<(Moment, Moment)>)>, since: Option<Moment>, until: Option<Moment>) -> Vec<Input> {
    let reaches = |(from, to): (Moment, Moment)| since.is_none_or(|it| to >= it) && until.is_none_or(|it| from < it);
    inputs.filter(|(input, span)| !input.complete || span.is_none_or(reaches)).map(|it| it.0).collect()
}

/// A moment as reports write it: what was just judged is the same as what is read back.
fn to_millis(at: Moment) -> Option<Moment> {
    Moment::from_millis(at.millis())
}

#[cfg(test)]
mod tests;
