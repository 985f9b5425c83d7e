//! The manifest of a case: what was asked of AWS, and of each part of it whether it came whole.

use super::Window;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What a manifest calls itself: tells it from other files called `manifest.json`.
pub const FORMAT: &str = "casefile-case/1";

/// The name of the manifest in its case.
pub const FILE: &str = "manifest.json";

/// `manifest.json` of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseManifest {
    /// [`FORMAT`].
    pub format: String,
    /// The version of the program that began it.
    pub casefile: String,
    /// The AWS account, where that could be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The identity that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The region.
    pub region: String,
    /// What defines the content: a case is continued with the same arguments or not at all.
    pub asked: Value,
    /// Collectors whose parts are all among the units: what is planned once is not planned anew.
    #[serde(default)]
    pub planned: BTreeSet<String>,
    /// Every part, by its id.
    pub units: BTreeMap<String, Unit>,
    /// What the calls cost that belong to no part: to find out who asks, and to plan.
    #[serde(flatten)]
    pub bill: Bill,
}

/// What calls cost, apart from bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bill {
    /// Requests sent.
    pub calls: u64,
    /// Those of them that AWS asked to send later.
    pub throttles: u64,
    /// Milliseconds spent waiting for a turn.
    pub waited_millis: u64,
}

impl Bill {
    /// Adds another.
    pub fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.throttles += other.throttles;
        self.waited_millis += other.waited_millis;
    }
}

impl CaseManifest {
    /// What it tells of the content alone: another run of the same collection may take more calls.
    #[must_use]
    pub fn without_bill(&self) -> Self {
        let mut content = self.clone();
        content.bill = Bill::default();
        for unit in content.units.values_mut() {
            (unit.bill, unit.scanned_bytes) = (Bill::default(), 0);
        }
        content
    }

    /// What is not here, for people: parts of one source that lack for one reason are said once.
    pub fn gaps(&self) -> Vec<String> {
        let mut alike: Vec<(&Unit, u64)> = Vec::new();
        let mut known: BTreeMap<_, usize> = BTreeMap::new();
        for unit in self.units.values().filter(|it| it.state != State::Complete) {
            let at = *known.entry((&unit.collector, &unit.subject, unit.state.name(), &unit.reason)).or_insert(alike.len());
            match alike.get_mut(at) {
                Some((_, count)) => *count += 1,
                None => alike.push((unit, 1)),
            }
        }
        alike.into_iter().filter_map(|(first, count)| first.gap_of(count)).collect()
    }
}

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is here, whole.
    Complete,
    /// It is not here yet.
    Missing,
    /// AWS did not give it.
    Refused,
    /// It is here, and known to be only a part; asking again brings no more.
    Truncated,
}

impl State {
    /// For people.
    fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::Truncated => "only a part",
        }
    }
}

/// One part of a collection: what one query, or one run through the pages of a call, brings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// The collector that brings it.
    pub collector: String,
    /// The operation, or the file of the query.
    pub call: String,
    /// What it is asked about: a log group, a cluster, a workgroup, an address.
    pub subject: String,
    /// The time it covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// What else its collector must know to bring it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub detail: Value,
    /// The query that was started for it, as long as its answer is not here: whoever continues waits for that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// What became of it.
    pub state: State,
    /// Why it is not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the reader should know all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Where the answers lie, seen from the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// SHA-256 of that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Bytes of the answers, unpacked.
    #[serde(default)]
    pub bytes: u64,
    /// Rows, events or objects in them.
    #[serde(default)]
    pub rows: u64,
    /// What AWS is expected to scan for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_scan_bytes: Option<u64>,
    /// What AWS says it scanned.
    #[serde(default)]
    pub scanned_bytes: u64,
    /// What its calls cost.
    #[serde(flatten)]
    pub bill: Bill,
}

impl Unit {
    /// A part that is yet to be brought.
    pub fn new(collector: &str, call: &str, subject: &str, window: Option<Window>) -> Self {
        Self {
            collector: collector.to_owned(),
            call: call.to_owned(),
            subject: subject.to_owned(),
            window,
            detail: Value::Null,
            query: None,
            state: State::Missing,
            reason: None,
            notes: Vec::new(),
            file: None,
            sha256: None,
            bytes: 0,
            rows: 0,
            expected_scan_bytes: None,
            scanned_bytes: 0,
            bill: Bill::default(),
        }
    }

    /// Whether it is yet to be brought, and nothing is known to stand in the way.
    pub fn is_planned(&self) -> bool {
        self.state == State::Missing && self.reason.is_none()
    }

    /// What is not here, for people; `None` where it is complete.
    pub fn gap(&self) -> Option<String> {
        self.gap_of(1)
    }

    /// The same of several parts that lack for the same reason, of which this is the first.
    fn gap_of(&self, parts: u64) -> Option<String> {
        if self.state == State::Complete {
            return None;
        }
        let window = self.window.map_or(String::new(), |it| format!(" from {} to {}", it.since().rfc3339(), it.until().rfc3339()));
        let reason = self.reason.as_ref().map_or(String::new(), |it| format!(": {it}"));
        let several = if parts > 1 { format!(" and {} more parts", parts - 1) } else { String::new() };
        Some(format!("{}: {} of {}{window}{several}{reason}", self.state.name(), self.call, self.subject))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_lack_for_one_reason_are_said_once() {
        let mut manifest = CaseManifest {
            format: FORMAT.to_owned(),
            casefile: String::new(),
            account: None,
            identity: None,
            region: String::new(),
            asked: Value::Null,
            planned: BTreeSet::new(),
            units: BTreeMap::new(),
            bill: Bill::default(),
        };
        for (id, call, subject, reason) in [
            ("a", "redshift/a.sql", "dw", Some("no")),
            ("b", "redshift/b.sql", "dw", Some("no")),
            ("c", "redshift/c.sql", "dw", Some("other")),
            ("d", "redshift/a.sql", "dw2", Some("no")),
            ("e", "redshift/e.sql", "dw", Some("no")),
            ("f", "redshift/f.sql", "dw", None),
        ] {
            let mut unit = Unit::new("redshift", call, subject, None);
            unit.state = if reason.is_some() { State::Refused } else { State::Complete };
            unit.reason = reason.map(ToOwned::to_owned);
            manifest.units.insert(id.to_owned(), unit);
        }
        let wanted = [
            "refused: redshift/a.sql of dw and 2 more parts: no",
            "refused: redshift/c.sql of dw: other",
            "refused: redshift/a.sql of dw2: no",
        ];
        assert_eq!(manifest.gaps(), wanted);
    }
}
