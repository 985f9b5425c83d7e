//! What a detector says: a claim, how bad, about what, the proof and the cure.

mod standing;

pub use standing::{Change, FailOn, Gone, Past, Standing, Suppression, Unused, WhyUnused};

use crate::{
    tables::{Origin, TaskRef},
    text,
    units::Moment,
};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// How bad, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Without effect so far.
    Low,
    /// Costs something, or might.
    Medium,
    /// Failed something.
    High,
    /// Fails everything, or cannot be fixed by its owner alone.
    Critical,
}

impl Severity {
    /// Every severity, rising.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Another reading is as likely.
    Low,
    /// Another reading is possible.
    Medium,
    /// The text says so.
    High,
}

/// What a finding is about.
#[derive(Clone, Debug, Serialize)]
pub struct Subject {
    /// role, principal, table, load, location, task, query-step, stage, query.
    pub kind: &'static str,
    /// Its name.
    pub id: String,
}

/// What it cost.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Impact {
    /// Wall time.
    pub seconds: Option<f64>,
    /// Bytes.
    pub bytes: Option<i64>,
}

/// A text to paste somewhere.
#[derive(Clone, Debug, Serialize)]
pub struct Code {
    /// json, sql, sh, ini.
    pub language: &'static str,
    /// What it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The text.
    pub body: String,
}

/// What to do.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Remediation {
    /// In words.
    pub text: String,
    /// To paste.
    pub code: Vec<Code>,
}

/// A record that proves the claim.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    /// The input.
    pub source: String,
    /// The place in it.
    pub locator: String,
    /// When.
    pub timestamp: Option<String>,
    /// The text, redacted.
    pub excerpt: String,
}

/// One problem, not one row.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What people and earlier reports say of it.
    pub standing: Standing,
    /// The same tomorrow.
    pub finding_id: String,
    /// Who says it.
    pub detector: &'static str,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// One sentence with the numbers in it.
    pub title: String,
    /// What it is about.
    pub subject: Subject,
    /// The contract's keys for this detector.
    pub facts: Map<String, Value>,
    /// Every occurrence.
    pub instances: Vec<Map<String, Value>>,
    /// How often it was seen.
    pub occurrences: u64,
    /// First time.
    pub first_seen: Option<Moment>,
    /// Last time.
    pub last_seen: Option<Moment>,
    /// What it cost.
    pub impact: Impact,
    /// Why we think so.
    pub explanation: String,
    /// What speaks against it.
    pub caveats: Vec<String>,
    /// What to do.
    pub remediation: Remediation,
    /// The proof. Never empty.
    pub evidence: Vec<Proof>,
    /// How to see it again.
    pub repro: Vec<Code>,
}

/// How many instances a report shows; Parquet holds all.
pub const INSTANCES_SHOWN: usize = 100;

/// The id of a finding: the detector and what makes it this problem; no counts, no times, no run ids.
pub fn id_of(detector: &str, parts: &[&str]) -> String {
    format!("f1:{}", digest(detector, parts))
}

/// 16 hexadecimal digits that tell things of a kind apart.
pub fn digest(kind: &str, parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(kind.as_bytes());
    for part in parts {
        hasher.update([0]);
        hasher.update(part.as_bytes());
    }
    let half = hasher.finalize().iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    format!("{half:016x}")
}

/// A proof from an origin.
pub fn proof(origin: &Origin, at: Option<Moment>, excerpt: &str) -> Proof {
    Proof {
        source: origin.file.to_string(),
        locator: format!("record {}", origin.record),
        timestamp: at.map(Moment::rfc3339),
        excerpt: text::safe(excerpt, text::EXCERPT_CHARS),
    }
}

/// The keys of an instance of an Airflow try; what is unknown is absent.
pub fn instance_of(task: &TaskRef, at: Option<Moment>) -> Map<String, Value> {
    let mut instance = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            instance.insert(key.to_owned(), value);
        }
    };
    put("dag_id", task.dag_id.clone().map(Value::from));
    put("task_id", task.task_id.clone().map(Value::from));
    put("run_id", task.run_id.clone().map(Value::from));
    put("map_index", task.map_index.map(Value::from));
    put("try_number", task.try_number.map(Value::from));
    put("timestamp", at.map(|it| Value::from(it.rfc3339())));
    put("identity_inferred", task.inferred.then_some(Value::Bool(true)));
    instance
}

/// A number of seconds as it stands in facts: three decimals.
pub fn seconds(value: f64) -> Value {
    Value::from((value * 1000.0).round() / 1000.0)
}

impl Finding {
    /// The contract's JSON object.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
        let json = |value: &dyn erased::Json| value.json();
        put("type", "finding".into());
        put("schema_version", 1.into());
        put("finding_id", self.finding_id.clone().into());
        put("detector", self.detector.into());
        put("severity", self.severity.name().into());
        put("confidence", json(&self.confidence));
        put("title", self.title.clone().into());
        put("subject", json(&self.subject));
        put("facts", Value::Object(self.facts.clone()));
        put("instances", self.instances.iter().take(INSTANCES_SHOWN).cloned().map(Value::Object).collect());
        put("instance_count", self.instances.len().into());
        put("occurrences", self.occurrences.into());
        put("first_seen", json(&self.first_known().map(Moment::rfc3339)));
        put("last_seen", json(&self.last_seen.map(Moment::rfc3339)));
        put("impact", json(&self.impact));
        put("explanation", self.explanation.clone().into());
        put("caveats", json(&self.caveats));
        put("remediation", json(&self.remediation));
        put("evidence", json(&self.evidence));
        put("repro", json(&self.repro));
        put("status", self.status().into());
        if let Some(suppression) = &self.standing.suppression {
            put("suppression", json(suppression));
        }
        if let Some(past) = &self.standing.past {
            put("change", past.change.name().into());
            put("nights_seen", past.nights_seen.into());
        }
        Value::Object(object)
    }

    /// `open`, or `suppressed` where somebody decided to live with it.
    pub fn status(&self) -> &'static str {
        if self.standing.suppression.is_some() { "suppressed" } else { "open" }
    }

    /// Whether somebody has to act on it.
    pub fn is_open(&self) -> bool {
        self.standing.suppression.is_none()
    }

    /// Its first occurrence in this report and all that are known before it.
    pub fn first_known(&self) -> Option<Moment> {
        let earlier = self.standing.past.as_ref().and_then(|it| it.first_seen);
        earlier.into_iter().chain(self.first_seen).min()
    }

    /// Makes every text of the finding safe to show, whatever a log put into it.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        let clean = |text: &mut String| *text = text::safe(text, 20_000);
        clean(&mut self.title);
        clean(&mut self.subject.id);
        clean(&mut self.explanation);
        clean(&mut self.remediation.text);
        self.caveats.iter_mut().for_each(clean);
        for code in self.remediation.code.iter_mut().chain(&mut self.repro) {
            clean(&mut code.body);
            clean(&mut code.title);
        }
        for proof in &mut self.evidence {
            proof.excerpt = text::safe(&proof.excerpt, text::EXCERPT_CHARS);
            proof.source = text::printable(&proof.source).into_owned();
        }
        self.facts.iter_mut().for_each(|it| clean_value(it.1));
        for instance in &mut self.instances {
            instance.iter_mut().for_each(|it| clean_value(it.1));
        }
        self
    }
}

fn clean_value(value: &mut Value) {
    match value {
        Value::String(text) => *text = text::safe(text, 4_000),
        Value::Array(items) => items.iter_mut().for_each(clean_value),
        Value::Object(object) => object.iter_mut().for_each(|it| clean_value(it.1)),
        _ => {}
    }
}

/// Serialisation of the parts; none of them can fail.
mod erased {
    use serde::Serialize;
    use serde_json::Value;

    pub(super) trait Json {
        fn json(&self) -> Value;
    }

    impl<T: Serialize> Json for T {
        fn json(&self) -> Value {
            serde_json::to_value(self).unwrap_or(Value::Null)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_stable_and_its_parts_do_not_run_together() {
        assert_eq!(id_of("access-denied", &["a", "b"]), id_of("access-denied", &["a", "b"]));
        assert_ne!(id_of("x", &["ab", "c"]), id_of("x", &["a", "bc"]));
        assert!(id_of("x", &[]).starts_with("f1:") && id_of("x", &[]).len() == 19);
    }
}
