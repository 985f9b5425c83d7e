//! SARIF 2.1.0, for code scanning: findings are results, what was not judged or not read are notifications.
//!
//! Only findings become results. Code scanning shows every result as an alert, whatever its `kind`, so a clean or unjudged detector as a
//! result of its own would alarm; it also refuses a whole file in which one result lies in no artifact, so each names the input that
//! proves it, and a region only where the line is known. A detector that judged and found nothing is a rule without results; what the
//! report before told of and this one does not, for which SARIF has the state `absent`, is a property of the run.

use super::{FailedTries, Format, Report, Style};
use crate::{
    detectors::{Detector, Verdict},
    finding::{Change, Finding, Proof, Severity},
    units::Moment,
};
use serde_json::{Value, json};
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format { id: "sarif", title: "SARIF 2.1.0, for code scanning", write };

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let rules: Vec<Value> = report.verdicts.iter().map(|it| rule(it.detector)).collect();
    let results: Vec<Value> = report.findings().into_iter().map(|it| result(it, &report.verdicts)).collect();
    let version = env!("CARGO_PKG_VERSION");
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "casefile", "version": version, "semanticVersion": version, "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "invocations": [{"executionSuccessful": report.is_complete(), "toolExecutionNotifications": notifications(report)}],
            "results": results,
            "properties": {
                "window": {"since": report.since.map(Moment::rfc3339), "until": report.until.map(Moment::rfc3339)},
                "summary": report.summary(),
                "first_fault": report.first_fault().map(|it| it.to_json()),
                "verdicts": report.verdicts.iter().map(super::verdict_json).collect::<Vec<_>>(),
                "gone": report.gone,
            },
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn rule(detector: &Detector) -> Value {
    let manual = detector.manual();
    let described = manual.split("\n## ").next().unwrap_or_default().trim().replace('\n', " ");
    let why = manual.split_once("## Why it matters\n").map_or("", |it| it.1.split("\n\n").next().unwrap_or_default());
    let full = format!("{described} {}", why.replace('\n', " "));
    json!({
        "id": detector.id,
        "shortDescription": {"text": message(detector.title)},
        "fullDescription": {"text": message(full.trim())},
        "help": {"text": message(manual.trim()), "markdown": message(manual.trim())},
        "defaultConfiguration": {"level": if detector.fails { "error" } else { "warning" }},
        "properties": {"version": detector.version, "needs": detector.needs, "tags": ["data-pipeline", "aws"]},
    })
}

fn result(finding: &Finding, verdicts: &[Verdict]) -> Value {
    let text = [finding.title.as_str(), &finding.explanation, &finding.remediation.text];
    let text: Vec<&str> = text.into_iter().filter(|it| !it.is_empty()).collect();
    let mut locations = finding.evidence.iter().map(location);
    let mut first = locations.next().unwrap_or_else(|| json!({}));
    first["logicalLocations"] = json!([{"fullyQualifiedName": finding.subject.id, "kind": finding.subject.kind}]);
    let mut result = json!({
        "ruleId": finding.detector,
        "kind": "fail",
        "level": level(finding.severity),
        "message": {"text": message(&text.join("\n\n"))},
        "locations": [first],
        "occurrenceCount": finding.occurrences.max(1),
        // The second is the only one that code scanning goes by.
        "partialFingerprints": {"casefile/v1": finding.finding_id, "primaryLocationLineHash": finding.finding_id},
        // Where it is empty, a reader knows that nobody suppressed the result; were it absent, nobody would know.
        "suppressions": finding.standing.suppression.iter().map(|it| json!({
            "kind": "external",
            "status": "accepted",
            "justification": it.reason,
            "properties": it,
        })).collect::<Vec<_>>(),
        "properties": {
            "severity": finding.severity.name(),
            "confidence": finding.confidence,
            "facts": finding.facts,
            "impact": finding.impact,
            "instance_count": finding.instances.len(),
            "first_seen": finding.first_known().map(Moment::rfc3339),
            "last_seen": finding.last_seen.map(Moment::rfc3339),
            "caveats": finding.caveats,
            "remediation": finding.remediation.code,
            "evidence": finding.evidence,
        },
    });
    if let Some(index) = verdicts.iter().position(|it| it.detector.id == finding.detector) {
        result["ruleIndex"] = index.into();
    }
    let others: Vec<Value> = locations.collect();
    if !others.is_empty() {
        result["relatedLocations"] = others.into();
    }
    if let Some(past) = &finding.standing.past {
        result["properties"]["change"] = past.change.name().into();
        result["properties"]["nights_seen"] = past.nights_seen.into();
        result["baselineState"] = baseline_state(past.change).into();
    }
    result
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn baseline_state(change: Change) -> &'static str {
    match change {
        Change::New => "new",
        Change::Worsened | Change::Improved => "updated",
        Change::Persisting => "unchanged",
        Change::Resolved | Change::NotAssessed => "absent",
    }
}

/// What a reader of the results alone would take for clean.
fn notifications(report: &Report) -> Vec<Value> {
    let problem = |(path, problem): (&str, &str)| {
        let at = json!({"physicalLocation": {"artifactLocation": {"uri": uri(path)}}});
        json!({"level": "error", "message": {"text": message(&format!("{path}: {problem}"))}, "locations": [at]})
    };
    let failed = |it: &FailedTries| {
        let text = format!("failed, and no detector explains it: {}", it.title());
        json!({"level": "warning", "message": {"text": message(&text)}, "locations": [place(&it.source, &it.locator)]})
    };
    let not_assessed = report.verdicts.iter().enumerate().filter(|it| it.1.verdict == "not-assessed").map(|(index, it)| {
        let text = format!("{} was not assessed: {}", it.detector.id, it.reason.as_deref().unwrap_or("no reason is known"));
        json!({"level": "note", "message": {"text": message(&text)}, "associatedRule": {"id": it.detector.id, "index": index}})
    });
    report.problems().map(problem).chain(report.failed.iter().map(failed)).chain(not_assessed).collect()
}

fn location(proof: &Proof) -> Value {
    place(&proof.source, &proof.locator)
}

fn place(source: &str, locator: &str) -> Value {
    let mut place = json!({"artifactLocation": {"uri": uri(source)}});
    let line = locator.strip_prefix("line ").and_then(|it| it.parse::<u64>().ok()).filter(|it| *it > 0);
    if let Some(line) = line {
        place["region"] = json!({"startLine": line});
    }
    json!({"physicalLocation": place, "properties": {"locator": locator}})
}

/// The reference of an input: relative as it was named, or a `file` URI where it was named from the root.
fn uri(path: &str) -> String {
    let root = if path.starts_with('/') { "file://" } else { "" };
    // A colon in the first part of a relative reference would end a scheme: none stays.
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte);
    let parts = path.strip_prefix("./").unwrap_or(path).bytes();
    let parts = parts.map(|byte| if stays(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    std::iter::once(root.to_owned()).chain(parts).collect()
}

/// Text as a message of SARIF: braces are doubled, for single ones hold places, and no link begins that a log wrote.
fn message(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}").replace("](", "] (")
}

#[cfg(test)]
mod tests {
    use super::{message, uri};

    #[test]
    fn inputs_are_references() {
        assert_eq!(uri("./dag_id=d/run id/50%.log"), "dag_id=d/run%20id/50%25.log");
        assert_eq!(uri("a.zip!x:ä.log"), "a.zip!x%3A%C3%A4.log");
        assert_eq!(uri("/var/x.log"), "file:///var/x.log");
    }

    #[test]
    fn messages_hold_neither_places_nor_links() {
        assert_eq!(message("{0} [click](http://x)"), "{{0}} [click] (http://x)");
    }
}
