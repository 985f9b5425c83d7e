//! What went wrong first, and what failed after it in the same runs.

use super::{FailedTries, failed};
use crate::{
    detectors::Verdict,
    finding::{Finding, Severity},
    units::Moment,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What went wrong first.
#[derive(Clone, Debug)]
pub struct FirstFault {
    /// When.
    pub at: Moment,
    /// What.
    pub what: String,
    /// The finding that tells of it; `None` for a failed try that none explains.
    pub finding_id: Option<String>,
    /// What failed later in a run that it failed: its effects stand among them.
    pub then: Vec<Later>,
}

/// What failed after the first fault.
#[derive(Clone, Debug)]
pub struct Later {
    /// When it failed such a run first.
    pub at: Moment,
    /// What.
    pub what: String,
    /// The finding that tells of it; `None` for a failed try that none explains.
    pub finding_id: Option<String>,
}

/// A DAG run.
type Run = (String, String);

/// Something that went wrong.
struct Fault {
    at: Moment,
    what: String,
    finding_id: Option<String>,
    /// The runs that it failed, and when first.
    runs: BTreeMap<Run, Moment>,
}

/// The first of what failed something for good; where nothing did, of what failed until the next try, then of what is slow or dear.
pub(super) fn first(verdicts: &[Verdict], tries: &[FailedTries]) -> Option<FirstFault> {
    let found = |severity: Severity, failures: bool| {
        let judged = verdicts.iter().filter(move |it| it.detector.fails || !failures).flat_map(|it| &it.findings);
        judged.filter(move |it| it.is_open() && it.severity >= severity).filter_map(of_finding).collect::<Vec<Fault>>()
    };
    let failed = |recovered: bool| tries.iter().filter(move |it| it.recovered == recovered).filter_map(of_tries);
    let mut grave = found(Severity::High, true);
    grave.extend(failed(false));
    if grave.is_empty() {
        grave.extend(failed(true));
    }
    for failures in [true, false] {
        if grave.is_empty() {
            grave = found(Severity::Low, failures);
        }
    }
    grave.sort_by(|a, b| (a.at, &a.finding_id, &a.what).cmp(&(b.at, &b.finding_id, &b.what)));
    let first = grave.into_iter().next()?;
    let others = found(Severity::Low, true).into_iter().chain(failed(false));
    let mut then: Vec<Later> = others.filter_map(|it| after(&first, it)).collect();
    then.sort_by(|a, b| (a.at, &a.finding_id, &a.what).cmp(&(b.at, &b.finding_id, &b.what)));
    Some(FirstFault { at: first.at, what: first.what, finding_id: first.finding_id, then })
}

/// Another fault, if it failed one of the runs of the first one later.
fn after(first: &Fault, other: Fault) -> Option<Later> {
    if (&first.finding_id, &first.what) == (&other.finding_id, &other.what) {
        return None;
    }
    let at = other.runs.iter().filter(|(run, at)| first.runs.get(run).is_some_and(|began| began < at)).map(|it| *it.1).min()?;
    Some(Later { at, what: other.what, finding_id: other.finding_id })
}

fn of_finding(it: &Finding) -> Option<Fault> {
    let failing = it.instances.iter().filter(|instance| failed::fails(it, instance));
    Some(Fault { at: it.first_seen?, what: it.title.clone(), finding_id: Some(it.finding_id.clone()), runs: runs(failing) })
}

fn of_tries(it: &FailedTries) -> Option<Fault> {
    Some(Fault { at: it.first_seen?, what: it.title(), finding_id: None, runs: runs(it.instances.iter()) })
}

fn runs<'a>(instances: impl Iterator<Item = &'a Map<String, Value>>) -> BTreeMap<Run, Moment> {
    let mut runs: BTreeMap<Run, Moment> = BTreeMap::new();
    for instance in instances {
        let text = |key: &str| instance.get(key).and_then(Value::as_str);
        let Some((run, at)) = text("dag_id").zip(text("run_id")).zip(text("timestamp").and_then(Moment::parse)) else { continue };
        let first = runs.entry((run.0.to_owned(), run.1.to_owned())).or_insert(at.moment);
        *first = (*first).min(at.moment);
    }
    runs
}

impl FirstFault {
    /// The object of the reports.
    pub fn to_json(&self) -> Value {
        let later = |it: &Later| json!({"timestamp": it.at.rfc3339(), "what": it.what, "finding_id": it.finding_id});
        json!({
            "timestamp": self.at.rfc3339(),
            "what": self.what,
            "finding_id": self.finding_id,
            "then": self.then.iter().map(later).collect::<Vec<_>>(),
        })
    }
}
