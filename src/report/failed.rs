//! Failed tries that no finding explains, so that a night lost to something else never looks clean.

use crate::{
    detectors::Verdict,
    error::Result,
    evidence::Evidence,
    finding::{Finding, Severity, instance_of},
    settings::Settings,
    tables::{TaskRef, rows, tries},
    units::Moment,
};
use polars::prelude::lit;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Failed tries of one task with the same error.
#[derive(Clone, Debug)]
pub struct FailedTries {
    /// The DAG.
    pub dag_id: Option<String>,
    /// The task.
    pub task_id: Option<String>,
    /// Last error line of the first of them.
    pub last_error: Option<String>,
    /// How many.
    pub count: usize,
    /// Whether a later try of each of them went well.
    pub recovered: bool,
    /// When the first one ended.
    pub first_seen: Option<Moment>,
    /// When the last one ended.
    pub last_seen: Option<Moment>,
    /// Every one of them.
    pub instances: Vec<Map<String, Value>>,
    /// Where the first one is told.
    pub source: String,
    /// The place in it.
    pub locator: String,
}

impl FailedTries {
    /// One sentence.
    pub fn title(&self) -> String {
        let name = |it: &Option<String>| it.clone().unwrap_or_else(|| "?".to_owned());
        let error = self.last_error.clone().unwrap_or_else(|| "its log does not say why".to_owned());
        let count = if self.count == 1 { "1 try failed".to_owned() } else { format!("{} tries failed", self.count) };
        let end = if self.recovered { ", a later one went well" } else { "" };
        format!("{}.{}: {count}{end}: {error}", name(&self.dag_id), name(&self.task_id))
    }

    /// The object of the reports.
    pub fn to_json(&self) -> Value {
        json!({
            "type": "failed_tries",
            "dag_id": self.dag_id,
            "task_id": self.task_id,
            "last_error": self.last_error,
            "count": self.count,
            "recovered": self.recovered,
            "first_seen": self.first_seen.map(Moment::rfc3339),
            "last_seen": self.last_seen.map(Moment::rfc3339),
            "instances": self.instances.iter().take(crate::finding::INSTANCES_SHOWN).collect::<Vec<_>>(),
            "source": self.source,
            "locator": self.locator,
        })
    }
}

/// A try, by what findings and tries both know of it.
type Key = (Option<String>, Option<String>, Option<String>, Option<i64>);

/// Failed tries without a finding above info that failed them: those that were never made good first, the most frequent error first.
pub(super) fn unexplained(evidence: &Evidence, verdicts: &[Verdict], settings: &Settings) -> Result<Vec<FailedTries>> {
    let explained = explained(verdicts);
    let failed = evidence
        .table(&tries::TABLE)
        .filter(tries::STATE.col().eq(lit("failed")).or(tries::STATE.col().eq(lit("up_for_retry"))))
        .collect()?;
    let mut groups: BTreeMap<(Option<String>, Option<String>, String), FailedTries> = BTreeMap::new();
    for row in rows(&failed) {
        let (task, ended) = (row.task(), row.moment(tries::ENDED_AT));
        let key: Key = (task.dag_id.clone(), task.task_id.clone(), task.run_id.clone(), task.map_index);
        let is_explained = explained.contains(&(key.clone(), task.try_number)) || explained.contains(&(key, None));
        if is_explained || !settings.in_window(ended) {
            continue;
        }
        let error = row.text(tries::LAST_ERROR);
        let shape = error.as_deref().map(shape_of).unwrap_or_default();
        let origin = row.origin();
        let group = groups.entry((task.dag_id.clone(), task.task_id.clone(), shape)).or_insert_with(|| FailedTries {
            dag_id: task.dag_id.clone(),
            task_id: task.task_id.clone(),
            last_error: error,
            count: 0,
            recovered: true,
            first_seen: ended,
            last_seen: ended,
            instances: Vec::new(),
            source: origin.file.to_string(),
            locator: format!("record {}", origin.record),
        });
        group.add(&task, ended, row.flag(tries::RECOVERED));
    }
    let mut all: Vec<FailedTries> = groups.into_values().collect();
    let order = |it: &FailedTries| (it.recovered, std::cmp::Reverse(it.count), it.first_seen);
    all.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.title().cmp(&b.title())));
    Ok(all)
}

impl FailedTries {
    fn add(&mut self, task: &TaskRef, ended: Option<Moment>, recovered: bool) {
        self.count += 1;
        self.recovered &= recovered;
        self.first_seen = match (self.first_seen, ended) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.last_seen = self.last_seen.max(ended);
        self.instances.push(instance_of(task, ended));
    }
}

/// The tries that a finding above info explains; of a spell in queued, all tries of the instance that it names.
fn explained(verdicts: &[Verdict]) -> BTreeSet<(Key, Option<i64>)> {
    let grave = verdicts.iter().flat_map(|it| &it.findings).filter(|it| it.severity > Severity::Info);
    let mut keys = BTreeSet::new();
    for finding in grave {
        for instance in &finding.instances {
            let text = |key: &str| instance.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
            let whole = |key: &str| instance.get(key).and_then(Value::as_i64);
            let key = (text("dag_id"), text("task_id"), text("run_id"), whole("map_index"));
            if !fails(finding, instance) {
                continue;
            }
            let try_number = whole("try_number").filter(|_| finding.detector != "stuck-queued");
            keys.insert((key, try_number));
        }
    }
    keys
}

/// Whether an instance of a finding failed the try that it names.
pub(super) fn fails(finding: &Finding, instance: &Map<String, Value>) -> bool {
    if finding.detector == "stuck-queued" {
        return instance.get("outcome").and_then(Value::as_str) != Some("started-late");
    }
    instance.get("fatal").and_then(Value::as_bool) == Some(true)
}

/// An error line without its numbers and ids: the same fault tomorrow.
fn shape_of(error: &str) -> String {
    let word = |word: &str| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        if digits > 0 && (digits * 3 >= word.len() || word.len() > 20) { "*".to_owned() } else { word.to_owned() }
    };
    error.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}
