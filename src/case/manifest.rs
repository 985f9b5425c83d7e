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
}

impl CaseManifest {
    /// What it tells of the content alone: another run of the same collection may take more calls.
    #[must_use]
    pub fn without_bill(&self) -> Self {
        let mut content = self.clone();
        for unit in content.units.values_mut() {
            (unit.calls, unit.throttles, unit.waited_millis, unit.scanned_bytes) = (0, 0, 0, 0);
        }
        content
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
    /// Requests sent.
    #[serde(default)]
    pub calls: u64,
    /// Requests that AWS asked to send later.
    #[serde(default)]
    pub throttles: u64,
    /// Milliseconds spent waiting for a turn.
    #[serde(default)]
    pub waited_millis: u64,
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
            state: State::Missing,
            reason: None,
            notes: Vec::new(),
            file: None,
            sha256: None,
            bytes: 0,
            rows: 0,
            expected_scan_bytes: None,
            scanned_bytes: 0,
            calls: 0,
            throttles: 0,
            waited_millis: 0,
        }
    }

    /// What is not here, for people; `None` where it is complete.
    pub fn gap(&self) -> Option<String> {
        let state = match self.state {
            State::Complete => return None,
            State::Missing => "missing",
            State::Refused => "refused",
            State::Truncated => "only a part",
        };
        let window = self.window.map_or(String::new(), |it| format!(" from {} to {}", it.since().rfc3339(), it.until().rfc3339()));
        let reason = self.reason.as_ref().map_or(String::new(), |it| format!(": {it}"));
        Some(format!("{state}: {} of {}{window}{reason}", self.call, self.subject))
    }
}
