//! The same report, in the shapes people and programs ask for. Formats add nothing to it.

use crate::{
    detectors::Verdict,
    error::Result,
    evidence::{Coverage, Evidence},
    finding::{Change, FailOn, Finding, Gone, Severity, Unused},
    settings::Settings,
    sources,
    units::Moment,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, io::Write};

mod failed;
mod fault;
mod json;
mod jsonl;
mod csv;
mod md;
mod sarif;
mod ocsf;
mod junit;
mod github;
mod terminal;
pub mod parquet;

pub(crate) use csv::quoted as csv_cell;
pub(crate) use md::escaped as md_text;
pub(crate) use terminal::{flow, paint, painted};

pub use failed::FailedTries;
pub use fault::{FirstFault, Later};

/// Every format, in the order `--help` lists them.
pub static FORMATS: &[&Format] = &[
    &terminal::FORMAT,
    &json::FORMAT,
    &jsonl::FORMAT,
    &csv::FORMAT,
    &md::FORMAT,
    &sarif::FORMAT,
    &ocsf::FORMAT,
    &junit::FORMAT,
    &github::FORMAT,
];

/// One shape of report.
#[derive(Debug)]
pub struct Format {
    /// Name on the command line.
    pub id: &'static str,
    /// What it is for.
    pub title: &'static str,
    /// Writes the report.
    pub write: fn(&Report, &Style, &mut dyn Write) -> std::io::Result<()>,
}

/// How a reader wants it.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Columns.
    pub width: usize,
    /// Whether colour may be used.
    pub colour: bool,
    /// 0 says the least, 2 the most.
    pub detail: u8,
    /// From where on findings fail what asked for the report; `None` where it did not say.
    pub fail_on: Option<FailOn>,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 100, colour: false, detail: 1, fail_on: None }
    }
}

/// All there is to say about some inputs.
#[derive(Debug)]
pub struct Report {
    /// Start of the window the user named.
    pub since: Option<Moment>,
    /// End of the window the user named.
    pub until: Option<Moment>,
    /// What was read and what was not.
    pub coverage: Vec<Coverage>,
    /// What each detector said.
    pub verdicts: Vec<Verdict>,
    /// Failed tries that no finding explains.
    pub failed: Vec<FailedTries>,
    /// The last moment of any record.
    pub last: Option<Moment>,
    /// What the report before told of and this one does not; `None` where there was none.
    pub gone: Option<Vec<Gone>>,
    /// Decisions to live with findings that did not do what they are there for; `None` where there are none to go by.
    pub suppressions: Option<Vec<Unused>>,
    /// The id of the run, where it does not depend on what was read.
    pub run: Option<String>,
}

impl Report {
    /// Puts together what was read and what was said of it.
    pub fn new(evidence: &Evidence, mut verdicts: Vec<Verdict>, settings: &Settings) -> Result<Self> {
        let mut failed = failed::unexplained(evidence, &verdicts, settings)?;
        let kinds: BTreeMap<&str, Option<&str>> = evidence.coverage.iter().map(|it| (it.path.as_str(), it.kind)).collect();
        let place = |source: &str, locator: &mut String| {
            if let Some(number) = locator.strip_prefix("record ") {
                *locator = format!("{} {number}", sources::unit_of(kinds.get(source).copied().flatten()));
            }
        };
        let proofs = verdicts.iter_mut().flat_map(|it| &mut it.findings).flat_map(|it| &mut it.evidence);
        proofs.for_each(|it| place(&it.source, &mut it.locator));
        for it in &mut failed {
            place(&it.source, &mut it.locator);
        }
        Ok(Self {
            since: settings.since,
            until: settings.until,
            coverage: evidence.coverage.clone(),
            verdicts,
            failed,
            last: evidence.last(),
            gone: None,
            suppressions: None,
            run: None,
        })
    }

    /// All findings, worst first, the earlier of equals first.
    pub fn findings(&self) -> Vec<&Finding> {
        let mut all: Vec<&Finding> = self.verdicts.iter().flat_map(|it| &it.findings).collect();
        all.sort_by_key(|it| (std::cmp::Reverse(it.severity), it.first_seen.is_none(), it.first_seen, it.finding_id.clone()));
        all
    }

    /// The window that the user named, for people.
    pub fn window(&self) -> Option<String> {
        let since = self.since.map(|it| format!("from {}", it.rfc3339()));
        let until = self.until.map(|it| format!("before {}", it.rfc3339()));
        let parts: Vec<String> = since.into_iter().chain(until).collect();
        (!parts.is_empty()).then(|| format!("judged: what happened {}", parts.join(" and ")))
    }

    /// How many findings changed in each way since the report before; `None` where there was none.
    pub fn changes(&self) -> Option<Vec<(Change, usize)>> {
        let gone = self.gone.as_ref()?;
        let now = self.verdicts.iter().flat_map(|it| &it.findings).filter_map(|it| Some(it.standing.past.as_ref()?.change));
        let all: Vec<Change> = now.chain(gone.iter().map(|it| it.change)).collect();
        Some(Change::ALL.iter().map(|change| (*change, all.iter().filter(|it| *it == change).count())).collect())
    }

    /// How this report compares with the one before, for people.
    pub fn beside(&self) -> Option<String> {
        let counts: Vec<String> =
            self.changes()?.into_iter().map(|(change, count)| format!("{count} {}", change.name().replace('-', " "))).collect();
        Some(format!("beside the report before: {}", counts.join(", ")))
    }

    /// Those that somebody has to act on.
    pub fn open(&self) -> Vec<&Finding> {
        self.findings().into_iter().filter(|it| it.is_open()).collect()
    }

    /// Those that somebody decided to live with.
    pub fn suppressed(&self) -> Vec<&Finding> {
        self.findings().into_iter().filter(|it| !it.is_open()).collect()
    }

    /// The worst severity of what is open.
    pub fn worst(&self) -> Option<Severity> {
        self.open().into_iter().map(|it| it.severity).max()
    }

    /// Whether everything that was named could be read whole.
    pub fn is_complete(&self) -> bool {
        self.coverage.iter().all(|it| it.problems.is_empty())
    }

    /// Why the report may not be the whole: input and problem.
    pub fn problems(&self) -> impl Iterator<Item = (&str, &str)> {
        self.coverage.iter().flat_map(|it| it.problems.iter().map(|problem| (it.path.as_str(), problem.as_str())))
    }

    /// What went wrong first, of all that failed something.
    pub fn first_fault(&self) -> Option<FirstFault> {
        fault::first(&self.verdicts, &self.failed)
    }

    /// The end of what was judged, outside of it: of the window, or after the last event.
    pub fn end(&self) -> Option<Moment> {
        self.until.or_else(|| self.last.map(|it| Moment(it.0.saturating_add(1))))
    }

    /// The partition of the report: the day of the window's end, or of the last event.
    pub fn day(&self) -> String {
        self.end().map_or_else(|| "unknown".to_owned(), |it| Moment(it.0.saturating_sub(1)).day())
    }

    /// The id of the run: from what the inputs held and the window, so that the same run replaces itself.
    pub fn run_id(&self) -> String {
        if let Some(run) = &self.run {
            return run.clone();
        }
        let mut text = Vec::new();
        // Writing to memory cannot fail, and what was written is what counts.
        (jsonl::FORMAT.write)(self, &Style::default(), &mut text).unwrap_or_default();
        let window = format!("{:?} {:?}", self.since, self.until);
        crate::finding::digest("run", &[&String::from_utf8_lossy(&text), &window])
    }

    /// Counts for the summary.
    pub fn summary(&self) -> Value {
        let open = self.open();
        let count = |severity: Severity| open.iter().filter(|it| it.severity == severity).count();
        let mut by_severity = serde_json::Map::new();
        for severity in Severity::ALL.iter().rev() {
            by_severity.insert(severity.name().to_owned(), count(*severity).into());
        }
        let mut summary = json!({
            "findings": by_severity,
            "suppressed": self.suppressed().len(),
            "failed_tries_not_explained": self.failed.iter().map(|it| it.count).sum::<usize>(),
            "inputs": self.coverage.len(),
            "records": self.coverage.iter().map(|it| it.records).sum::<u64>(),
            "parsed": self.coverage.iter().map(|it| it.parsed).sum::<u64>(),
            "skipped": self.coverage.iter().flat_map(|it| &it.skipped).map(|it| it.count).sum::<u64>(),
            "complete": self.is_complete(),
        });
        if let (Some(changes), Value::Object(object)) = (self.changes(), &mut summary) {
            let counts = changes.into_iter().map(|(change, count)| (change.name().replace('-', "_"), Value::from(count)));
            object.insert("changes".to_owned(), Value::Object(counts.collect()));
        }
        summary
    }
}

/// The contract's `input` object.
fn input_json(input: &Coverage) -> Value {
    json!({
        "type": "input",
        "path": input.path,
        "kind": input.kind,
        "bytes": input.bytes,
        "records": input.records,
        "parsed": input.parsed,
        "skipped": input.skipped.iter().map(|it| json!({"reason": it.reason, "count": it.count, "first": it.first})).collect::<Vec<_>>(),
        "from": input.from.map(Moment::rfc3339),
        "to": input.to.map(Moment::rfc3339),
        "complete": input.problems.is_empty(),
        "problems": input.problems,
        "notes": input.notes,
    })
}

/// The contract's `verdict` object.
fn verdict_json(verdict: &Verdict) -> Value {
    json!({
        "type": "verdict",
        "detector": verdict.detector.id,
        "detector_version": verdict.detector.version,
        "verdict": verdict.verdict,
        "reason": verdict.reason,
        "evidence": verdict.evidence.iter().map(|(table, rows)| json!({"table": table, "rows": rows})).collect::<Vec<_>>(),
    })
}

/// A decision that did not do what it is there for: `suppression`.
fn suppression_json(unused: &Unused) -> Value {
    let mut object = serde_json::Map::from_iter([("type".to_owned(), Value::from("suppression"))]);
    if let Ok(Value::Object(fields)) = serde_json::to_value(unused) {
        object.extend(fields);
    }
    Value::Object(object)
}

/// One that the report before told of: `gone`.
fn gone_json(gone: &Gone) -> Value {
    json!({
        "type": "gone",
        "finding_id": gone.finding_id,
        "detector": gone.detector,
        "severity": gone.severity,
        "subject_id": gone.subject_id,
        "title": gone.title,
        "last_seen": gone.last_seen,
        "change": gone.change,
        "reason": gone.reason,
    })
}
