//! How two reports differ: what is new, worse, better, the same, gone, or not to be seen any more.

use crate::{
    detectors::NOT_ASSESSED,
    finding::{Change, Gone, Past, Severity, Suppression},
    ledger::{Entry, Ledger},
    report::Report,
    tables::{errors, load_errors, transfer_errors},
    units::Moment,
};
use seen::{Again, Seen};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

mod names;
mod seen;

/// From this factor on, a change of what a finding costs is a change for the worse or the better.
const FACTOR: f64 = 1.5;

/// Costs below this, a second, a byte or an occurrence, are not told from one another: nearly nothing is a factor of nothing.
const LEAST_COST: f64 = 1.0;

/// Tables whose rows are faults: none of them is what a healthy night has.
const OF_FAULTS: [&str; 3] = [errors::TABLE.name, load_errors::TABLE.name, transfer_errors::TABLE.name];

/// The suppression of what a baseline holds.
const BASELINE: &str = "baseline";

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

impl<'a> Changed<'a> {
    /// The finding as it stands now, or as it last did.
    pub fn latest(&self) -> Option<&'a Entry> {
        self.new.or(self.old)
    }

    /// How bad it is now, or last was.
    pub fn severity(&self) -> Option<Severity> {
        self.latest().and_then(severity_of)
    }
}

/// All findings of two reports: by change, the worst first, then by id.
pub fn between<'a>(old: &'a Ledger, new: &'a Ledger) -> Vec<Changed<'a>> {
    let windows = Windows::of(old, new);
    let (of_old, of_new) = (Seen::new(old, new), Seen::new(new, old));
    let newer = Side { here: old, there: new, called: "newer", is_shorter: windows == Windows::Shorter, seen: &of_old };
    let older = Side { here: new, there: old, called: "older", is_shorter: windows == Windows::Longer, seen: &of_new };
    let ids: BTreeSet<&String> = old.findings.keys().chain(new.findings.keys()).collect();
    let changed = |id: &'a String| {
        let (before, after) = (old.findings.get(id), new.findings.get(id));
        let (change, reason) = match (before, after) {
            (Some(before), Some(after)) => {
                let change = compared_in(windows, before, after);
                let is_judged_otherwise = change != Change::Persisting && is_of_another_version(&before.detector, old, new);
                let judged = || is_judged_otherwise.then(|| "its detector is of another version in the newer report".to_owned());
                (change, stands_otherwise(before, after).or_else(judged))
            }
            // What is gone is resolved only where the evidence that would show it was read again, whole.
            (Some(before), None) => match newer.blind(before) {
                None => (Change::Resolved, None),
                why => (Change::NotAssessed, why),
            },
            (None, after) => (Change::New, after.and_then(|it| older.blind(it))),
        };
        Changed { finding_id: id, change, old: before, new: after, reason }
    };
    let mut all: Vec<Changed<'a>> = ids.into_iter().map(changed).collect();
    all.sort_by(|a, b| a.change.cmp(&b.change).then_with(|| b.severity().cmp(&a.severity())).then_with(|| a.finding_id.cmp(b.finding_id)));
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
            subject_id: old.subject_id.clone(),
            title: old.title.clone(),
            last_seen: old.last_seen,
            change: it.change,
            reason: it.reason.clone(),
        })
    };
    report.gone = Some(all.iter().filter_map(gone).collect());
}

/// Writes into a report how it differs from an earlier one. Nights are not counted here; what that one counted is counted on.
pub fn compare(report: &mut Report, earlier: &Ledger) {
    stand(report, earlier, &|id| Some(earlier.findings.get(id).map_or((None, None), |it| (it.first_seen, it.nights_seen))));
}

/// Suppresses what a report that was accepted holds: all but what got worse since, and what is critical.
///
/// `name` is how the user named it.
pub fn accept(report: &mut Report, accepted: &Ledger, name: &str) {
    let now = Ledger::of(report);
    let is_as_it_was = |it: &Changed<'_>| matches!(it.change, Change::Persisting | Change::Improved);
    let known: BTreeSet<String> = between(accepted, &now).iter().filter(|it| is_as_it_was(it)).map(|it| it.finding_id.to_owned()).collect();
    for finding in report.verdicts.iter_mut().flat_map(|it| &mut it.findings) {
        if finding.is_open() && finding.severity < Severity::Critical && known.contains(&finding.finding_id) {
            let reason = format!("in the baseline {name}");
            finding.standing.suppression = Some(Suppression { kind: BASELINE.to_owned(), reason, owner: None, until: None });
        }
    }
}

/// How a finding that both reports hold changed, where both judged windows of one length.
pub fn compared(before: &Entry, after: &Entry) -> Change {
    compared_in(Windows::Alike, before, after)
}

fn compared_in(windows: Windows, before: &Entry, after: &Entry) -> Change {
    match severity_of(after).cmp(&severity_of(before)) {
        Ordering::Greater => return Change::Worsened,
        Ordering::Less => return Change::Improved,
        Ordering::Equal => (),
    }
    if windows != Windows::Alike {
        // A week costs more than a day: that says nothing of the finding.
        return Change::Persisting;
    }
    match costs(before, after) {
        (then, now) if now > then && now >= then * FACTOR => Change::Worsened,
        (then, now) if now < then && now * FACTOR <= then => Change::Improved,
        _ => Change::Persisting,
    }
}

/// What a finding cost then and costs now, in the first unit that tells it in both reports.
#[expect(clippy::cast_precision_loss, reason = "compared by a factor")]
fn costs(before: &Entry, after: &Entry) -> (f64, f64) {
    let told = |it: &(f64, f64)| it.0 > 0.0 || it.1 > 0.0;
    let seconds = before.impact_seconds.zip(after.impact_seconds).filter(told);
    let bytes = || before.impact_bytes.zip(after.impact_bytes).map(|it| (it.0 as f64, it.1 as f64)).filter(told);
    let (then, now) = seconds.or_else(bytes).unwrap_or((before.occurrences as f64, after.occurrences as f64));
    (then.max(LEAST_COST), now.max(LEAST_COST))
}

/// The severity of a finding.
pub fn severity_of(entry: &Entry) -> Option<Severity> {
    Severity::ALL.into_iter().find(|it| it.name() == entry.severity)
}

/// How the lengths of two reports' windows compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Windows {
    /// They are the same, or one is not known.
    Alike,
    /// The newer report judged a shorter time.
    Shorter,
    /// The newer report judged a longer time.
    Longer,
}

impl Windows {
    fn of(old: &Ledger, new: &Ledger) -> Self {
        match new.compared_window(old) {
            None | Some(Ordering::Equal) => Self::Alike,
            Some(Ordering::Less) => Self::Shorter,
            Some(Ordering::Greater) => Self::Longer,
        }
    }
}

/// What people decided on a finding between two reports.
fn stands_otherwise(before: &Entry, after: &Entry) -> Option<String> {
    match (before.is_open(), after.is_open()) {
        (false, true) => Some("it was suppressed, and is no more".to_owned()),
        (true, false) => Some("it is suppressed now".to_owned()),
        _ => None,
    }
}

/// A finding of one report, and the other report, which does not hold it or may hold it otherwise.
struct Side<'a> {
    here: &'a Ledger,
    there: &'a Ledger,
    /// What the other one is called.
    called: &'static str,
    /// Whether it judged a shorter time.
    is_shorter: bool,
    seen: &'a Seen<'a>,
}

impl Side<'_> {
    /// Why the other report could not have told of a finding; `None` where it could.
    fn blind(&self, finding: &Entry) -> Option<String> {
        let Self { here, there, called, .. } = self;
        let detector = &finding.detector;
        match there.verdicts.get(detector) {
            None => return Some(format!("the {called} report did not ask its detector")),
            Some(it) if it.verdict == NOT_ASSESSED => return Some(format!("the {called} report had no evidence for its detector")),
            Some(_) if self.is_shorter => return Some(format!("the {called} report judged a shorter time")),
            Some(_) => (),
        }
        if is_of_another_version(detector, here, there) {
            return Some(format!("its detector is of another version in the {called} report"));
        }
        if let Some(table) = missing_table(detector, here, there) {
            return Some(format!("the {called} report had no rows of {table}, and the other one judged by them"));
        }
        match self.seen.again(finding) {
            Again::Whole => None,
            Again::WithoutRows(path) => self
                .tells_otherwise(finding)
                .then(|| format!("{path} has no rows, and the {called} report tells otherwise of the same {}", finding.subject_kind)),
            Again::Damaged(path) => Some(format!("the {called} report did not read {path} whole")),
            Again::Missing => Some(format!("the inputs that show it are not among those of the {called} report")),
        }
    }

    /// Whether the other report alone holds another finding of the same kind about the same thing.
    fn tells_otherwise(&self, finding: &Entry) -> bool {
        let is_like = |it: &Entry| (&it.detector, &it.subject_id) == (&finding.detector, &finding.subject_id);
        self.there.findings.iter().any(|(id, it)| is_like(it) && !self.here.findings.contains_key(id))
    }
}

/// Whether a detector judged by other rules, where both versions are known.
fn is_of_another_version(detector: &str, one: &Ledger, other: &Ledger) -> bool {
    let version = |it: &Ledger| it.verdicts.get(detector).and_then(|it| it.version);
    version(one).zip(version(other)).is_some_and(|(one, other)| one != other)
}

/// A table that a detector judged by here and that was empty there. What it is joined with may give a finding another id.
fn missing_table<'a>(detector: &str, here: &'a Ledger, there: &Ledger) -> Option<&'a str> {
    let judged_by = &here.verdicts.get(detector)?.evidence;
    let others = &there.verdicts.get(detector)?.evidence;
    let is_missing = |it: &(&'a String, &u64)| *it.1 > 0 && others.get(it.0) == Some(&0) && !OF_FAULTS.contains(&it.0.as_str());
    judged_by.iter().find(is_missing).map(|it| it.0.as_str())
}

#[cfg(test)]
mod tests;
