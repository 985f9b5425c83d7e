//! From refusals of one kind to one claim: how bad, how sure, in which words.

use super::{Refusal, policy, resource};
use crate::{
    finding::{Code, Confidence, Finding, Impact, Severity, Standing, Subject, id_of, instance_of, proof},
    units::Moment,
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Refusals of one principal, action, resource and kind.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) finding_id: String,
    pub(super) severity: Severity,
    /// The role or user; "" when no text names one.
    pub(super) principal: String,
    pub(super) action: Option<String>,
    action_inferred: bool,
    pub(super) resource: Option<String>,
    resource_inferred: bool,
    pub(super) kind: String,
    pub(super) denied_by: Option<String>,
    pub(super) via: Option<String>,
    pub(super) explicit: Option<bool>,
    refusals: Vec<Refusal>,
}

/// Principal, action, generalised resource, kind: what makes a refusal the same problem tomorrow.
pub(super) fn key_of(refusal: &Refusal) -> [String; 4] {
    let action = refusal.action.as_ref().or(refusal.operation.as_ref()).or(refusal.service.as_ref()).cloned();
    [
        refusal.principal.as_deref().map(resource::role_of).unwrap_or_default(),
        action.unwrap_or_default().to_ascii_lowercase(),
        refusal.resource.as_deref().map(resource::generalised).unwrap_or_default(),
        refusal.kind.clone(),
    ]
}

impl Group {
    pub(super) fn new(key: [String; 4], refusals: Vec<Refusal>, critical_runs: f64) -> Self {
        let parts: Vec<&str> = key.iter().map(String::as_str).collect();
        let finding_id = id_of("access-denied", &parts);
        let [principal, _, resource, kind] = key;
        let first = |read: fn(&Refusal) -> Option<String>| refusals.iter().find_map(read);
        let mut group = Self {
            finding_id,
            severity: Severity::Info,
            principal,
            action: first(|it| it.action.clone()),
            action_inferred: refusals.iter().all(|it| it.action_inferred),
            resource: Some(resource).filter(|it| !it.is_empty()),
            resource_inferred: refusals.iter().all(|it| it.resource_inferred),
            kind,
            denied_by: first(|it| it.denied_by.clone()),
            via: first(|it| it.via.clone()),
            explicit: refusals.iter().find_map(|it| it.explicit),
            refusals,
        };
        group.severity = group.judged(critical_runs);
        group
    }

    /// Whether an Allow in the identity's own policy is the cure.
    pub(super) fn wants_allow(&self) -> bool {
        let own = self.denied_by.as_deref().is_none_or(|it| it == "identity-based");
        self.explicit != Some(true) && own && matches!(self.kind.as_str(), "permission" | "kms" | "not-found-or-denied")
    }

    fn judged(&self, critical_runs: f64) -> Severity {
        let worst = self.refusals.iter().map(|it| effect(it, &self.kind)).max().unwrap_or(Severity::Info);
        if worst < Severity::High {
            return worst;
        }
        let unfixable = self.explicit == Some(true)
            && matches!(self.denied_by.as_deref(), Some("service-control" | "resource-control" | "permissions-boundary"));
        #[expect(clippy::cast_precision_loss, reason = "runs are few")]
        let runs = self.failed_runs().len() as f64;
        if unfixable || runs >= critical_runs { Severity::Critical } else { worst }
    }

    fn failed_runs(&self) -> BTreeSet<(Option<&str>, Option<&str>)> {
        let fatal = self.refusals.iter().filter(|it| effect(it, &self.kind) >= Severity::High);
        fatal.map(|it| (it.task.dag_id.as_deref(), it.task.run_id.as_deref())).collect()
    }

    fn confidence(&self) -> Confidence {
        let best = self.refusals.iter().map(sureness).max().unwrap_or(Confidence::Low);
        if self.kind == "not-found-or-denied" { best.min(Confidence::Medium) } else { best }
    }

    /// Who was refused, as people say it.
    pub(super) fn who(&self) -> String {
        let name = resource::short_name(&self.principal);
        match name {
            "" => "the caller (no text names it)".to_owned(),
            _ if resource::is_role(&self.principal) => format!("role {name}"),
            _ if self.principal.contains(":user/") => format!("user {name}"),
            _ => name.to_owned(),
        }
    }

    /// What was refused, as people say it.
    pub(super) fn what(&self) -> String {
        let first = self.refusals.first();
        let action = self.action.clone().or_else(|| first.and_then(|it| it.operation.clone()));
        let action = action
            .or_else(|| first.and_then(|it| it.service.as_ref().map(|it| format!("a call to {it}"))))
            .unwrap_or_else(|| "a call".to_owned());
        match &self.resource {
            Some(target) => format!("{action} on {}", target.strip_prefix("arn:aws:s3:::").unwrap_or(target)),
            None => action,
        }
    }

    fn title(&self) -> String {
        let count = |test: fn(&Refusal) -> bool| self.refusals.iter().filter(|it| test(it)).count();
        let failed = count(|it| it.fatal && !it.recovered);
        let recovered = count(|it| it.fatal && it.recovered);
        let went_on = count(|it| it.try_state.as_deref() == Some("success"));
        let rest = self.refusals.len() - failed - recovered - went_on;
        let alone = rest == self.refusals.len();
        let counts = [
            (failed, "task try failed", "task tries failed"),
            (recovered, "try failed and a later one succeeded", "tries failed and later ones succeeded"),
            (went_on, "try went on without it", "tries went on without it"),
            (rest, if alone { "occurrence" } else { "more" }, if alone { "occurrences" } else { "more" }),
        ];
        let said =
            counts.iter().filter(|it| it.0 > 0).map(|(count, one, many)| format!("{count} {}", if *count == 1 { one } else { many }));
        let parts: Vec<String> = said.collect();
        let verb = match self.kind.as_str() {
            "credentials" => "is not known to AWS when it asks for",
            "not-found-or-denied" => "gets 403 (refused, or the key is missing) for",
            "sql-grant" => "lacks a database privilege for",
            _ => "is refused",
        };
        format!("{} {verb} {}: {}", self.who(), self.what(), parts.join(", "))
    }

    fn facts(&self) -> Map<String, Value> {
        let mut facts = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                facts.insert(key.to_owned(), value);
            }
        };
        // A value that differs between the instances is no fact of the finding.
        let common = |read: fn(&Refusal) -> Option<&String>| {
            let mut values: Vec<&String> = self.refusals.iter().filter_map(read).collect();
            values.dedup();
            values.first().filter(|_| values.len() == 1).map(|it| Value::from((*it).clone()))
        };
        put("principal", common(|it| it.principal.as_ref()));
        put("role", Some(self.principal.clone()).filter(|it| resource::is_role(it)).map(Value::from));
        put("action", self.action.clone().map(Value::from));
        put("action_inferred", self.action.is_some().then_some(Value::Bool(self.action_inferred)));
        put("resource", self.resource.clone().map(Value::from));
        put("resource_inferred", (self.resource.is_some() && self.resource_inferred).then_some(Value::Bool(true)));
        put("operation", common(|it| it.operation.as_ref()));
        put("service", common(|it| it.service.as_ref()));
        put("error_code", common(|it| it.code.as_ref()));
        put("denied_by", self.denied_by.clone().map(Value::from));
        put("via", self.via.clone().map(Value::from));
        put("explicit", self.explicit.map(Value::Bool));
        put("kind", Some(Value::from(self.kind.clone())));
        facts
    }
}

/// How bad one refusal is: what it did to its try.
fn effect(it: &Refusal, kind: &str) -> Severity {
    if matches!(kind, "credentials" | "sql-grant") {
        return Severity::Info;
    }
    let printed = it.voice == "printed";
    match it.try_state.as_deref() {
        Some("success") if printed => Severity::Info,
        Some("success") => Severity::Low,
        Some("failed" | "up_for_retry") if it.fatal && it.recovered => Severity::Medium,
        Some("failed" | "up_for_retry") if it.fatal => Severity::High,
        Some("failed" | "up_for_retry") => Severity::Low,
        _ if it.level.as_deref() == Some("debug") => Severity::Low,
        _ if printed || it.voice == "logged" => Severity::Low,
        _ => Severity::Medium,
    }
}

/// How sure one text is.
fn sureness(it: &Refusal) -> Confidence {
    if it.voice == "recorded" {
        return Confidence::High;
    }
    let told = it.operation.is_some() || (it.action.is_some() && !it.action_inferred);
    match (told, it.task.is_known(), it.voice.as_str()) {
        (true, true, "raised" | "logged") => Confidence::High,
        (true, _, "raised" | "logged") | (false, _, "raised") => Confidence::Medium,
        _ => Confidence::Low,
    }
}

/// How many proofs a finding carries.
const PROOFS: usize = 3;

/// The finding of a group.
pub(super) fn finding(group: &Group, all: &[Group]) -> Finding {
    let times: Vec<Moment> = group.refusals.iter().filter_map(|it| it.at).collect();
    let last = group.refusals.last().into_iter();
    let mut evidence: Vec<_> = Vec::new();
    // The first, the last, and what was written differently in between.
    for it in group.refusals.iter().take(1).chain(last).chain(&group.refusals) {
        let proof = proof(&it.origin, it.at, &it.excerpt);
        if evidence.len() < PROOFS && !evidence.contains(&proof) {
            evidence.push(proof);
        }
    }
    let subject_kind = if resource::is_role(&group.principal) { "role" } else { "principal" };
    Finding {
        standing: Standing::default(),
        finding_id: group.finding_id.clone(),
        detector: "access-denied",
        severity: group.severity,
        confidence: group.confidence(),
        title: group.title(),
        subject: Subject {
            kind: subject_kind,
            id: if group.principal.is_empty() { "unknown".to_owned() } else { group.principal.clone() },
        },
        facts: group.facts(),
        instances: group.refusals.iter().map(instance).collect(),
        occurrences: group.refusals.len() as u64,
        first_seen: times.iter().min().copied(),
        last_seen: times.iter().max().copied(),
        impact: Impact::default(),
        explanation: explanation(group),
        caveats: caveats(group),
        remediation: policy::remediation(group, all),
        evidence,
        repro: repro(group),
    }
}

fn instance(it: &Refusal) -> Map<String, Value> {
    let mut instance = instance_of(&it.task, it.at);
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            instance.insert(key.to_owned(), value);
        }
    };
    put("operation", it.operation.clone().map(Value::from));
    put("action", it.action.clone().map(Value::from));
    put("action_inferred", (it.action.is_some() && it.action_inferred).then_some(Value::Bool(true)));
    put("resource", it.resource.clone().map(Value::from));
    put("resource_inferred", (it.resource.is_some() && it.resource_inferred).then_some(Value::Bool(true)));
    put("principal", it.principal.clone().map(Value::from));
    put("error_code", it.code.clone().map(Value::from));
    put("request_id", it.request_id.clone().map(Value::from));
    // Athena's ids are UUIDs, Redshift's are numbers.
    let is_execution = it.query_id.as_deref().is_some_and(|it| it.contains('-'));
    put(if is_execution { "query_execution_id" } else { "query_id" }, it.query_id.clone().map(Value::from));
    put("try_state", it.try_state.clone().map(Value::from));
    put("fatal", it.fatal.then_some(Value::Bool(true)));
    put("frame", it.frame.clone().map(Value::from));
    instance
}

fn explanation(group: &Group) -> String {
    let by = match (group.denied_by.as_deref(), group.explicit) {
        (Some(by), Some(true)) => format!("An explicit deny in a {by} policy refused it."),
        (Some(by), _) => format!("No {by} policy allows it."),
        (None, Some(true)) => "An explicit deny refused it; the text does not say in which policy.".to_owned(),
        (None, _) if group.kind == "permission" => "The text does not say which policy refused.".to_owned(),
        _ => String::new(),
    };
    let frames: BTreeSet<&str> = group.refusals.iter().filter_map(|it| it.frame.as_deref()).collect();
    let frame = frames.first().map_or(String::new(), |it| format!(" The call stands at {it}."));
    let runs = group.failed_runs().len();
    let failed = if runs > 0 { format!(" It is what failed {runs} DAG run{}.", if runs == 1 { "" } else { "s" }) } else { String::new() };
    format!("{by}{failed}{frame}").trim().to_owned()
}

fn caveats(group: &Group) -> Vec<String> {
    let mut caveats = Vec::new();
    let mut say = |test: bool, text: &str| {
        if test {
            caveats.push(text.to_owned());
        }
    };
    let any = |test: fn(&Refusal) -> bool| group.refusals.iter().any(test);
    say(group.action.is_some() && group.action_inferred, "the text names the operation, not the IAM action: the action is derived from it");
    say(group.resource.is_some() && group.resource_inferred, "the resource stands near the error, not in it");
    say(group.action.is_none() && group.kind != "sql-grant", "the text names no action");
    say(
        group.principal.is_empty() && group.kind != "sql-grant",
        "the text does not say who was refused: look up the role that runs the task",
    );
    say(group.kind == "not-found-or-denied", "S3 answers 403 for a missing key too when s3:ListBucket is missing");
    say(
        group.principal.contains("***") || any(|it| it.principal.as_deref().is_some_and(|it| it.contains("***"))),
        "Airflow's secret masker replaced a part of the principal by ***",
    );
    say(any(|it| it.task.inferred), "the run id was rebuilt from a stream name that has lost its colons");
    say(any(|it| it.voice == "printed"), "the text was printed by the task's program: it may quote an older failure");
    say(
        group.refusals.iter().all(|it| !it.task.is_known() && it.voice != "recorded"),
        "no task log around it: what the refusal broke cannot be told",
    );
    say(
        group.kind == "permission" && group.denied_by.is_none() && group.explicit.is_none(),
        "without a reason in the text, a bucket, endpoint or organization policy may be the one that refuses",
    );
    caveats
}

fn repro(group: &Group) -> Vec<Code> {
    let word = group.action.as_ref().filter(|_| !group.action_inferred).map_or("AccessDenied", String::as_str);
    let pattern = word.replace('*', "\\*");
    vec![Code {
        language: "sql",
        title: "CloudWatch Logs Insights".to_owned(),
        body: format!("fields @timestamp, @logStream, @message\n| filter @message like /{pattern}/\n| sort @timestamp asc"),
    }]
}
