//! A report read back from what `--format json` or `--format jsonl` printed.

use super::{Entry, Input, Judged, Ledger, OPEN, Parts, Said, rows_of};
use crate::units::Moment;
use serde::Deserialize;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    window: Window,
    findings: Vec<Found>,
    verdicts: Vec<VerdictLine>,
    inputs: Vec<Read>,
}

#[derive(Deserialize, Default)]
struct Window {
    since: Option<Moment>,
    until: Option<Moment>,
}

/// A line: what else a report tells is not compared.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line {
    Finding(Box<Found>),
    Verdict(VerdictLine),
    Input(Read),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Found {
    finding_id: String,
    detector: String,
    severity: String,
    status: Option<String>,
    title: String,
    subject: Subject,
    occurrences: u64,
    first_seen: Option<Moment>,
    last_seen: Option<Moment>,
    nights_seen: Option<u64>,
    #[serde(default)]
    impact: Impact,
    evidence: Vec<Proof>,
}

#[derive(Deserialize)]
struct Subject {
    kind: String,
    id: String,
}

#[derive(Deserialize, Default)]
struct Impact {
    seconds: Option<f64>,
    bytes: Option<i64>,
}

#[derive(Deserialize)]
struct Proof {
    source: String,
}

#[derive(Deserialize)]
struct VerdictLine {
    detector: String,
    verdict: String,
    detector_version: Option<u32>,
    #[serde(default)]
    evidence: Vec<Judged>,
    window_start: Option<Moment>,
    window_end: Option<Moment>,
}

#[derive(Deserialize)]
struct Read {
    path: String,
    kind: Option<String>,
    parsed: u64,
    complete: bool,
    from: Option<Moment>,
    to: Option<Moment>,
}

/// Reads either; says what is wrong, and where.
pub(super) fn read(text: &str) -> Result<Ledger, String> {
    let first = text.lines().find(|it| !it.trim().is_empty()).unwrap_or_default();
    let parts = match serde_json::from_str::<Line>(first) {
        Ok(_) => lines(text)?,
        Err(_) => document(text)?,
    };
    parts.assembled()
}

fn document(text: &str) -> Result<Parts, String> {
    let document: Document =
        serde_json::from_str(text).map_err(|it| format!("no report that --format json or jsonl printed, or cut off: {it}"))?;
    let Window { since, until } = document.window;
    let mut parts = Parts { since, until, ..Parts::default() };
    document.findings.into_iter().for_each(|it| parts.findings.push(it.entry()));
    document.verdicts.into_iter().for_each(|it| parts.verdicts.push(it.said()));
    document.inputs.into_iter().for_each(|it| parts.inputs.push(it.input()));
    Ok(parts)
}

fn lines(text: &str) -> Result<Parts, String> {
    let mut parts = Parts::default();
    for (at, line) in text.lines().enumerate().filter(|it| !it.1.trim().is_empty()) {
        match serde_json::from_str(line).map_err(|it| format!("line {}: {it}", at + 1))? {
            Line::Finding(it) => parts.findings.push(it.entry()),
            Line::Verdict(it) => {
                (parts.since, parts.until) = (it.window_start, it.window_end);
                parts.verdicts.push(it.said());
            }
            Line::Input(it) => parts.inputs.push(it.input()),
            Line::Other => (),
        }
    }
    Ok(parts)
}

impl Found {
    fn entry(self) -> (String, Entry) {
        let mut proved_by: Vec<String> = self.evidence.into_iter().map(|it| it.source).collect();
        proved_by.sort();
        proved_by.dedup();
        let entry = Entry {
            detector: self.detector,
            severity: self.severity,
            status: self.status.unwrap_or_else(|| OPEN.to_owned()),
            title: self.title,
            subject_kind: self.subject.kind,
            subject_id: self.subject.id,
            occurrences: self.occurrences,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            nights_seen: self.nights_seen,
            impact_seconds: self.impact.seconds,
            impact_bytes: self.impact.bytes,
            proved_by,
        };
        (self.finding_id, entry)
    }
}

impl VerdictLine {
    fn said(self) -> (String, Said) {
        (self.detector, Said { verdict: self.verdict, version: self.detector_version, evidence: rows_of(self.evidence) })
    }
}

impl Read {
    fn input(self) -> (Input, Option<(Moment, Moment)>) {
        let input = Input { path: self.path, kind: self.kind, parsed: self.parsed, complete: self.complete };
        (input, self.from.zip(self.to))
    }
}
