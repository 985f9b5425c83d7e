//! What somebody decided to live with: findings that stay in the report and no longer call for anybody.

use crate::{
    detectors::DETECTORS,
    finding::{Change, Finding, Severity, Suppression, Unused, WhyUnused},
    report::Report,
    units::{Moment, parse_day},
};
use glob::Pattern;

/// Findings from this severity on are silenced up to a day only.
const DATED_FROM: Severity = Severity::High;

/// A decision: what it is about, all of which must be so, and why.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The detector.
    pub detector: Option<String>,
    /// A pattern of the subject.
    pub subject: Option<Pattern>,
    /// The one finding.
    pub finding_id: Option<String>,
    /// What was decided, and up to when.
    pub decision: Suppression,
}

/// Marks the findings that an entry silences, and writes into the report which entries did not do what they are there for.
///
/// What the report says beside the one before tells fixed ones from unseen ones: it is compared first. Days are judged at the window's `end`, outside of it; without it at the report's own.
pub fn apply(entries: &[Entry], report: &mut Report, end: Option<Moment>) {
    if entries.is_empty() {
        return;
    }
    let end = end.or(report.end());
    for entry in entries {
        for finding in report.verdicts.iter_mut().flat_map(|it| &mut it.findings) {
            if finding.is_open() && entry.matches(finding) && entry.holds(finding, end).is_none() {
                finding.standing.suppression = Some(entry.decision.clone());
            }
        }
    }
    let all = report.findings();
    let unused = entries.iter().filter_map(|it| it.unused(report, &all, end)).collect();
    report.suppressions = Some(unused);
}

impl Entry {
    fn matches(&self, finding: &Finding) -> bool {
        self.is_about(&finding.finding_id, finding.detector, &finding.subject.id)
    }

    fn is_about(&self, finding_id: &str, detector: &str, subject_id: &str) -> bool {
        self.finding_id.as_ref().is_none_or(|it| it == finding_id)
            && self.detector.as_ref().is_none_or(|it| it == detector)
            && self.subject.as_ref().is_none_or(|it| it.matches(subject_id))
    }

    /// Why it does not silence a finding that it is about; `None` where it does.
    fn holds(&self, finding: &Finding, end: Option<Moment>) -> Option<WhyUnused> {
        let Some(until) = self.decision.until.as_deref().and_then(parse_day) else {
            return (finding.severity >= DATED_FROM).then_some(WhyUnused::NeedsUntil);
        };
        match end {
            Some(end) if end > until => Some(WhyUnused::Expired),
            Some(_) => None,
            None => Some(WhyUnused::Undated),
        }
    }

    /// What is to be said of it, where it does not silence all that it is about, or is about nothing.
    fn unused(&self, report: &Report, all: &[&Finding], end: Option<Moment>) -> Option<Unused> {
        let about: Vec<&&Finding> = all.iter().filter(|it| self.matches(it)).collect();
        let open: Vec<(&str, WhyUnused)> =
            about.iter().filter(|it| it.is_open()).filter_map(|it| Some((it.finding_id.as_str(), self.holds(it, end)?))).collect();
        let (why, says) = match open.first() {
            Some((_, why)) => (*why, self.says(*why)),
            None if about.is_empty() => self.exercised(report),
            None => return None,
        };
        Some(Unused {
            why,
            says,
            detector: self.detector.clone(),
            subject: self.subject.as_ref().map(|it| it.as_str().to_owned()),
            finding_id: self.finding_id.clone(),
            decision: self.decision.clone(),
            findings: open.iter().map(|it| it.0.to_owned()).collect(),
        })
    }

    fn says(&self, why: WhyUnused) -> String {
        let until = self.decision.until.as_deref().unwrap_or_default();
        match why {
            WhyUnused::Expired => format!("it expired on {until}: what it silenced is open again"),
            WhyUnused::NeedsUntil => "a finding that is high or critical is silenced up to a day only: give until".to_owned(),
            WhyUnused::Undated => format!("no input tells a time, so whether it is {until} yet cannot be judged: give the window's end"),
            WhyUnused::Fixed | WhyUnused::NotExercised => String::new(),
        }
    }

    /// Whether what it is about is gone, or was not looked for.
    fn exercised(&self, report: &Report) -> (WhyUnused, String) {
        let asked = DETECTORS.iter().map(|it| it.id).filter(|it| self.detector.as_deref().is_none_or(|id| id == *it));
        let unheard = |id: &&str| !report.verdicts.iter().any(|it| it.detector.id == *id && it.verdict != "not-assessed");
        let unheard: Vec<&str> = asked.filter(unheard).collect();
        let nothing = "nothing matches it";
        if !unheard.is_empty() {
            return (WhyUnused::NotExercised, format!("{nothing}, but there is no verdict of {}", unheard.join(", ")));
        }
        if !report.is_complete() {
            return (WhyUnused::NotExercised, format!("{nothing}, but an input was not read whole"));
        }
        // Where there is a report before this one, it knows what showed it.
        let unseen = report
            .gone
            .iter()
            .flatten()
            .find(|it| it.change == Change::NotAssessed && self.is_about(&it.finding_id, &it.detector, &it.subject_id));
        if let Some(unseen) = unseen {
            let reason = unseen.reason.as_deref().unwrap_or("what showed it before was not read again");
            return (WhyUnused::NotExercised, format!("{nothing}, but {reason}"));
        }
        (WhyUnused::Fixed, format!("{nothing}, and every input was read whole"))
    }
}
