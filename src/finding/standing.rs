//! What is said of a finding besides what the evidence shows: by people, and by earlier reports.

use super::{Finding, Severity};
use crate::units::Moment;
use serde::Serialize;

/// What people and earlier reports say of a finding; detectors know nothing of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// Why it is not acted upon, where somebody decided so.
    pub suppression: Option<Suppression>,
    /// What earlier reports say; `None` where there was none to compare with.
    pub past: Option<Past>,
}

/// Somebody's decision to live with a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suppression {
    /// accepted, false-positive, planned, baseline.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The day from which on it no longer holds, as `2026-12-31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl Suppression {
    /// The decision in a line, for people.
    pub fn told(&self) -> String {
        let owner = self.owner.as_ref().map_or(String::new(), |it| format!(", {it}"));
        let until = self.until.as_ref().map_or(String::new(), |it| format!(", until {it}"));
        format!("{}: {}{owner}{until}", self.kind, self.reason)
    }
}

/// A decision that does not silence all that it is about, or is about nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unused {
    /// Which of these it is.
    #[serde(rename = "state")]
    pub why: WhyUnused,
    /// The same in a sentence.
    #[serde(rename = "explanation")]
    pub says: String,
    /// The detector that it names.
    pub detector: Option<String>,
    /// Its pattern of the subject.
    pub subject: Option<String>,
    /// The finding that it names.
    pub finding_id: Option<String>,
    /// What was decided.
    #[serde(flatten)]
    pub decision: Suppression,
    /// The findings that it is about and that are open all the same.
    pub findings: Vec<String>,
}

/// Why a decision silences nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyUnused {
    /// Its last day is over.
    Expired,
    /// What it is about is too severe to be silenced for good.
    NeedsUntil,
    /// It ends on a day, and nothing tells what day it is.
    Undated,
    /// What it is about was looked for, and is gone.
    Fixed,
    /// What it is about was not looked for, or not everywhere.
    NotExercised,
}

impl WhyUnused {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NeedsUntil => "needs-until",
            Self::Undated => "undated",
            Self::Fixed => "fixed",
            Self::NotExercised => "not-exercised",
        }
    }
}

impl Unused {
    /// What it is about, for people.
    pub fn about(&self) -> String {
        let parts = [&self.finding_id, &self.detector, &self.subject];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// What earlier reports say of a finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// How it compares with the report before.
    pub change: Change,
    /// When it was first seen in any of them.
    pub first_seen: Option<Moment>,
    /// In how many nights it was seen, this one included; `None` where nights are not counted.
    pub nights_seen: Option<u64>,
}

/// How two reports differ in one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It was not there before.
    New,
    /// It is more severe, or costs more.
    Worsened,
    /// It is less severe, or costs less.
    Improved,
    /// It is as it was.
    Persisting,
    /// It is gone, and what would show it was read.
    Resolved,
    /// It is not there, but neither is the evidence that would show it.
    NotAssessed,
}

impl Change {
    /// Every change, in the order a person wants to read them.
    pub const ALL: [Self; 6] = [Self::New, Self::Worsened, Self::Improved, Self::Persisting, Self::Resolved, Self::NotAssessed];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Worsened => "worsened",
            Self::Improved => "improved",
            Self::Persisting => "persisting",
            Self::Resolved => "resolved",
            Self::NotAssessed => "not-assessed",
        }
    }
}

/// What the report before told of and this one does not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gone {
    /// Its id.
    pub finding_id: String,
    /// Who found it.
    pub detector: String,
    /// How bad it was.
    pub severity: String,
    /// What it was about.
    pub subject_id: String,
    /// What it said.
    pub title: String,
    /// When it was last seen.
    pub last_seen: Option<Moment>,
    /// Resolved, or not assessed.
    pub change: Change,
    /// Why that cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Gone {
    /// One sentence: whether it is resolved, or why that cannot be told, and what it said.
    pub fn told(&self) -> String {
        let reason = self.reason.as_ref().map_or(String::new(), |it| format!(" ({it})"));
        format!("{}{reason}: {} {}: {}", self.change.name(), self.severity, self.detector, self.title)
    }
}

/// From where on findings fail a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailOn {
    /// Only what is new, or worse than before.
    pub only_new: bool,
    /// At least this severe.
    pub severity: Severity,
}

impl FailOn {
    /// Reads `never`, `high`, `new:high`; `None` is never.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        if text == "never" {
            return Ok(None);
        }
        let (only_new, name) = text.strip_prefix("new:").map_or((false, text), |it| (true, it));
        let severity = Severity::ALL.into_iter().find(|it| it.name() == name);
        let names = || Severity::ALL.map(Severity::name).join(", ");
        severity
            .map(|severity| Some(Self { only_new, severity }))
            .ok_or_else(|| format!("one of never, {}, or new: before one of them", names()))
    }

    /// Whether a finding fails the run. What was decided to live with never does.
    pub fn is_met_by(self, finding: &Finding) -> bool {
        let change = finding.standing.past.as_ref().map(|it| it.change);
        let counts = !self.only_new || change.is_none_or(|it| matches!(it, Change::New | Change::Worsened));
        finding.is_open() && finding.severity >= self.severity && counts
    }
}
