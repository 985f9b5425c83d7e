//! OCSF detection findings, one JSON object a line, for security lakes and SIEMs.
//!
//! Times come from the evidence, never from a clock. `status_id` tells of review, of which we know only suppressions: an open finding is
//! `New` however many nights it was seen; that it goes on is what `activity_id` says.

use super::{Format, Report, Style};
use crate::{
    detectors::Detector,
    finding::{Change, Confidence, Finding, Gone, INSTANCES_SHOWN, Severity},
    units::Moment,
};
use serde_json::{Map, Value, json};
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format { id: "ocsf", title: "OCSF detection findings, one a line", write };

/// The version of the schema whose class is written.
const SCHEMA_VERSION: &str = "1.5.0";

/// Detection Finding.
const CLASS: u32 = 2004;

/// A number of the schema and its caption.
type Coded = (u32, &'static str);

fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let found = report.verdicts.iter().flat_map(|verdict| verdict.findings.iter().map(|it| event(it, verdict.detector, report)));
    let resolved = report.gone.iter().flatten().filter(|it| it.change == Change::Resolved).map(|it| closing(it, report));
    for event in found.chain(resolved) {
        serde_json::to_writer(&mut *out, &event)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// What every event holds.
fn base(activity: Coded, status: Coded, severity: Coded, time: Option<Moment>) -> Value {
    json!({
        "activity_id": activity.0,
        "activity_name": activity.1,
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Detection Finding",
        "type_uid": CLASS * 100 + activity.0,
        "type_name": format!("Detection Finding: {}", activity.1),
        // Required, and there is no word for an unknown time: 1970 is told from any time of a log.
        "time": time.map_or(0, Moment::millis),
        "severity_id": severity.0,
        "severity": severity.1,
        "status_id": status.0,
        "status": status.1,
        "metadata": {
            "version": SCHEMA_VERSION,
            "product": {"name": "casefile", "vendor_name": "casefile", "version": env!("CARGO_PKG_VERSION")},
        },
    })
}

fn event(finding: &Finding, detector: &Detector, report: &Report) -> Value {
    let confidence = confidence(finding.confidence);
    let time = finding.last_seen.or_else(|| end(report));
    let mut event = base(activity(finding), status(finding), severity(finding.severity), time);
    let mut put = |key: &str, value: Value| event[key] = value;
    put("confidence_id", confidence.0.into());
    put("confidence", confidence.1.into());
    put("count", finding.occurrences.into());
    put("message", finding.title.clone().into());
    put("finding_info", finding_info(finding, detector));
    put("resources", json!([{"uid": finding.subject.id, "name": finding.subject.id, "type": finding.subject.kind}]));
    put("evidences", finding.evidence.iter().map(|it| json!({"name": it.source, "data": it})).collect());
    put("unmapped", unmapped(finding, report).into());
    for (key, moment) in [("start_time", finding.first_seen), ("end_time", finding.last_seen)] {
        if let Some(moment) = moment {
            put(key, moment.millis().into());
        }
    }
    if let Some(text) = remediation(finding) {
        put("remediation", json!({"desc": text}));
    }
    if let Some(it) = &finding.standing.suppression {
        put("status_detail", format!("{}: {}", it.kind, it.reason).into());
    }
    event
}

/// The end of a finding of the report before.
fn closing(gone: &Gone, report: &Report) -> Value {
    let was = Severity::ALL.into_iter().find(|it| it.name() == gone.severity).map_or((0, "Unknown"), severity);
    let mut event = base((3, "Close"), (4, "Resolved"), was, end(report).or(gone.last_seen));
    event["message"] = gone.title.clone().into();
    event["finding_info"] = json!({"uid": gone.finding_id, "title": gone.title});
    if let Some(last) = gone.last_seen {
        event["finding_info"]["last_seen_time"] = last.millis().into();
    }
    event["unmapped"] = json!({"detector": gone.detector, "change": gone.change, "report_complete": report.is_complete()});
    event
}

/// The end of what was judged.
fn end(report: &Report) -> Option<Moment> {
    report.until.or(report.last)
}

fn finding_info(finding: &Finding, detector: &Detector) -> Value {
    let mut sources: Vec<&str> = finding.evidence.iter().map(|it| it.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let mut info = json!({
        "uid": finding.finding_id,
        "title": finding.title,
        "desc": finding.explanation,
        "types": [detector.title],
        "data_sources": sources,
        "analytic": {"uid": detector.id, "name": detector.id, "type_id": 1, "type": "Rule", "version": detector.version.to_string()},
    });
    for (key, moment) in [("first_seen_time", finding.first_known()), ("last_seen_time", finding.last_seen)] {
        if let Some(moment) = moment {
            info[key] = moment.millis().into();
        }
    }
    info
}

fn remediation(finding: &Finding) -> Option<String> {
    let codes = finding.remediation.code.iter().map(|it| format!("{}:\n{}", it.title, it.body));
    let parts: Vec<String> = std::iter::once(finding.remediation.text.clone()).chain(codes).collect();
    Some(parts.join("\n\n")).filter(|it| !it.is_empty())
}

/// What the schema has no place for.
fn unmapped(finding: &Finding, report: &Report) -> Map<String, Value> {
    let mut rest = Map::new();
    let mut put = |key: &str, value: Value| rest.insert(key.to_owned(), value);
    put("detector", finding.detector.into());
    put("facts", Value::Object(finding.facts.clone()));
    put("impact", json!(finding.impact));
    put("caveats", json!(finding.caveats));
    put("instances", finding.instances.iter().take(INSTANCES_SHOWN).cloned().map(Value::Object).collect());
    put("instance_count", finding.instances.len().into());
    put("report_complete", report.is_complete().into());
    if let Some(suppression) = &finding.standing.suppression {
        put("suppression", json!(suppression));
    }
    if let Some(past) = &finding.standing.past {
        put("change", past.change.name().into());
        put("nights_seen", past.nights_seen.into());
    }
    rest
}

fn activity(finding: &Finding) -> Coded {
    match finding.standing.past.as_ref().map(|it| it.change) {
        // The schema closes what is dismissed as well as what is gone.
        _ if !finding.is_open() => (3, "Close"),
        Some(Change::New) | None => (1, "Create"),
        Some(_) => (2, "Update"),
    }
}

fn status(finding: &Finding) -> Coded {
    if finding.is_open() { (1, "New") } else { (3, "Suppressed") }
}

fn severity(severity: Severity) -> Coded {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

fn confidence(confidence: Confidence) -> Coded {
    match confidence {
        Confidence::Low => (1, "Low"),
        Confidence::Medium => (2, "Medium"),
        Confidence::High => (3, "High"),
    }
}
