//! How two reports differ: what is new, worse, better, the same, gone, or not to be seen any more.

use crate::{
    finding::{Change, Gone, Past, Severity},
    ledger::{Entry, Input, Ledger},
    report::Report,
    units::Moment,
};
use std::collections::{BTreeMap, BTreeSet};

/// The kind of the input that tells what a case lacks.
const CASE_MANIFEST: &str = "case-manifest";

/// From this factor on, a change of what a finding costs is a change for the worse or the better.
const FACTOR: f64 = 1.5;

/// One finding in two reports.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed<'a> {
    /// Its id in both.
    pub finding_id: &'a str,
    /// How it changed.
    pub change: Change,
    /// As the older report has it.
    pub old: Option<&'a Entry>,
    /// As the newer report has it.
    pub new: Option<&'a Entry>,
    /// Why the change is what it is, where that is not plain.
    pub reason: Option<String>,
}

/// All findings of two reports: by change, the worst first, then by id.
pub fn between<'a>(old: &'a Ledger, new: &'a Ledger) -> Vec<Changed<'a>> {
    let ids: BTreeSet<&String> = old.findings.keys().chain(new.findings.keys()).collect();
    let changed = |id: &'a String| {
        let (before, after) = (old.findings.get(id), new.findings.get(id));
        let (change, reason) = match (before, after) {
            (Some(before), Some(after)) => (compared(before, after), None),
            (Some(before), None) => gone(before, old, new),
            (None, _) => appeared(after, old),
        };
        Changed { finding_id: id, change, old: before, new: after, reason }
    };
    let mut all: Vec<Changed<'a>> = ids.into_iter().map(changed).collect();
    let severity = |it: &Changed<'_>| it.new.or(it.old).and_then(severity_of);
    all.sort_by(|a, b| a.change.cmp(&b.change).then_with(|| severity(b).cmp(&severity(a))).then_with(|| a.finding_id.cmp(b.finding_id)));
    all
}

/// Writes into a report how it differs from the one before.
///
/// `seen` tells of a finding when it was first seen before, and in how many nights; counted ones only are counted on.
pub fn stand(report: &mut Report, before: &Ledger, seen: &dyn Fn(&str) -> Option<(Option<Moment>, Option<u64>)>) {
    let now = Ledger::of(report);
    let all = between(before, &now);
    let of: BTreeMap<&str, Change> = all.iter().map(|it| (it.finding_id, it.change)).collect();
    for finding in report.verdicts.iter_mut().flat_map(|it| &mut it.findings) {
        let Some(change) = of.get(finding.finding_id.as_str()) else { continue };
        let (first_seen, nights) = seen(&finding.finding_id).unwrap_or((None, Some(0)));
        finding.standing.past = Some(Past { change: *change, first_seen, nights_seen: nights.map(|it| it + 1) });
    }
    let gone = |it: &Changed<'_>| {
        let old = it.old.filter(|_| it.new.is_none())?;
        Some(Gone {
            finding_id: it.finding_id.to_owned(),
            detector: old.detector.clone(),
            severity: old.severity.clone(),
            title: old.title.clone(),
            last_seen: old.last_seen,
            change: it.change,
            reason: it.reason.clone(),
        })
    };
    report.gone = Some(all.iter().filter_map(gone).collect());
}

/// How a finding that both reports hold changed.
pub fn compared(before: &Entry, after: &Entry) -> Change {
    match severity_of(after).cmp(&severity_of(before)) {
        std::cmp::Ordering::Greater => return Change::Worsened,
        std::cmp::Ordering::Less => return Change::Improved,
        std::cmp::Ordering::Equal => (),
    }
    match cost(before).zip(cost(after)) {
        Some(((unit, then), (same, now))) if unit == same && now >= then * FACTOR && now > then => Change::Worsened,
        Some(((unit, then), (same, now))) if unit == same && now * FACTOR <= then && now < then => Change::Improved,
        _ => Change::Persisting,
    }
}

/// What it costs, in the unit that it is told in.
#[expect(clippy::cast_precision_loss, reason = "compared by a factor")]
fn cost(entry: &Entry) -> Option<(&'static str, f64)> {
    let seconds = entry.impact_seconds.map(|it| ("seconds", it));
    let bytes = entry.impact_bytes.map(|it| ("bytes", it as f64));
    seconds.or(bytes).or(Some(("occurrences", entry.occurrences as f64)))
}

fn severity_of(entry: &Entry) -> Option<Severity> {
    Severity::ALL.into_iter().find(|it| it.name() == entry.severity)
}

fn appeared(after: Option<&Entry>, old: &Ledger) -> (Change, Option<String>) {
    let said = after.and_then(|it| old.verdicts.get(&it.detector));
    let unseen = said.is_none_or(|it| it.verdict == "not-assessed");
    (Change::New, unseen.then(|| "the older report did not assess it".to_owned()))
}

/// What is not in the newer report is resolved only where the evidence that would show it was read whole.
fn gone(before: &Entry, old: &Ledger, new: &Ledger) -> (Change, Option<String>) {
    let unknown = |why: &str| (Change::NotAssessed, Some(why.to_owned()));
    match new.verdicts.get(&before.detector) {
        None => return unknown("the newer report did not ask its detector"),
        Some(said) if said.verdict == "not-assessed" => return unknown("the newer report had no evidence for its detector"),
        Some(_) => (),
    }
    match exercised(before, old, new) {
        Exercise::Whole => (Change::Resolved, None),
        Exercise::Damaged(path) => unknown(&format!("{path} was not read whole")),
        Exercise::Missing => unknown("the inputs that showed it are not among those of the newer report"),
    }
}

/// Whether the inputs that proved a finding were looked at again.
enum Exercise {
    /// They were, and whole.
    Whole,
    /// One that might hold it was not read whole.
    Damaged(String),
    /// None of them was.
    Missing,
}

fn exercised(before: &Entry, old: &Ledger, new: &Ledger) -> Exercise {
    let proofs: Vec<&Input> = old.inputs.iter().filter(|it| before.proved_by.contains(&it.path)).collect();
    let names = |ledger: &Ledger| -> BTreeSet<String> { ledger.inputs.iter().map(|it| general(&it.path)).collect() };
    // Where inputs are named alike from report to report, the same ones must be there again; where they are not, those of the same kind.
    let named_alike = !names(old).is_disjoint(&names(new));
    let is_alike = |input: &Input| {
        let alike = |proof: &&Input| if named_alike { general(&proof.path) == general(&input.path) } else { proof.kind == input.kind };
        input.kind.is_some() && proofs.iter().any(alike)
    };
    // What could not be opened, and what a case lacks, might have held anything.
    let might_hold_it = |input: &Input| is_alike(input) || input.kind.as_deref().is_none_or(|it| it == CASE_MANIFEST);
    match new.inputs.iter().find(|it| !it.complete && might_hold_it(it)) {
        Some(damaged) => Exercise::Damaged(damaged.path.clone()),
        None if new.inputs.iter().any(|it| is_alike(it) && it.parsed > 0) => Exercise::Whole,
        None => Exercise::Missing,
    }
}

/// A path without what changes from night to night: numbers, and ids of hexadecimal digits.
fn general(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for word in path.split_inclusive(|it: char| !it.is_ascii_alphanumeric()) {
        let bare = word.trim_end_matches(|it: char| !it.is_ascii_alphanumeric());
        let is_id = bare.len() >= 8 && bare.bytes().all(|it| it.is_ascii_hexdigit()) && bare.bytes().any(|it| it.is_ascii_digit());
        let rest = word.get(bare.len()..).unwrap_or_default();
        if is_id {
            text.push('#');
        } else {
            for letter in bare.chars() {
                match letter.is_ascii_digit() {
                    true if text.ends_with('#') => (),
                    true => text.push('#'),
                    false => text.push(letter),
                }
            }
        }
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::general;

    #[test]
    fn nights_of_one_source_are_named_alike() {
        assert_eq!(general("x/dt=2026-01-02/task.log"), general("x/dt=2026-11-30/task.log"));
        assert_eq!(general("export/9f3c0a1b2d4e/000000.gz"), general("export/0011aabbccdd/000001.gz"));
        assert_ne!(general("dag_id=a/attempt=1.log"), general("dag_id=b/attempt=1.log"));
    }
}
