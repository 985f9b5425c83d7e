//! A report in short: what comparing it with another, and remembering it, needs. Read back from wherever a report was left.

use crate::{finding::Finding, report::Report, units::Moment};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

impl Ledger {
    /// A report in short.
    pub fn of(report: &Report) -> Self {
        let said = |it: &crate::detectors::Verdict| Said { verdict: it.verdict.to_owned(), version: Some(it.detector.version) };
        Self {
            since: report.since,
            until: report.until,
            verdicts: report.verdicts.iter().map(|it| (it.detector.id.to_owned(), said(it))).collect(),
            inputs: report
                .coverage
                .iter()
                .filter(|it| !it.problems.is_empty() || reaches(it.from.zip(it.to), report.since, report.until))
                .map(|it| Input {
                    path: it.path.clone(),
                    kind: it.kind.map(ToOwned::to_owned),
                    parsed: it.parsed,
                    complete: it.problems.is_empty(),
                })
                .collect(),
            findings: report.findings().into_iter().map(|it| (it.finding_id.clone(), Entry::of(it))).collect(),
        }
    }
}

/// Whether records of these moments may be of the window: those of another night show nothing of this one.
fn reaches(span: Option<(Moment, Moment)>, since: Option<Moment>, until: Option<Moment>) -> bool {
    span.is_none_or(|(from, to)| since.is_none_or(|it| to >= it) && until.is_none_or(|it| from < it))
}

impl Entry {
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
            first_seen: finding.first_known(),
            last_seen: finding.last_seen,
            nights_seen: finding.standing.past.as_ref().and_then(|it| it.nights_seen),
            impact_seconds: finding.impact.seconds,
            impact_bytes: finding.impact.bytes,
            proved_by,
        }
    }
}
