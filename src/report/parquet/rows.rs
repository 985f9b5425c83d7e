//! How a report fills the columns of the lake, in their order.

use super::Cell;
use crate::{finding::Finding, report::Report, units::Moment};
use serde_json::{Map, Value, json};

fn text(value: impl Into<String>) -> Cell {
    Cell::Text(Some(value.into()))
}

fn moment(at: Option<Moment>) -> Cell {
    Cell::Whole(at.map(Moment::millis))
}

fn count(value: usize) -> Cell {
    Cell::Whole(i64::try_from(value).ok())
}

fn json_text(value: &impl serde::Serialize) -> Cell {
    Cell::Text(serde_json::to_string(value).ok())
}

fn field(object: &Map<String, Value>, key: &str) -> Cell {
    Cell::Text(object.get(key).and_then(Value::as_str).map(ToOwned::to_owned))
}

fn whole_field(object: &Map<String, Value>, key: &str) -> Cell {
    Cell::Whole(object.get(key).and_then(Value::as_i64))
}

fn moment_field(object: &Map<String, Value>, key: &str) -> Cell {
    moment(object.get(key).and_then(Value::as_str).and_then(Moment::parse).map(|it| it.moment))
}

pub(super) fn findings(report: &Report, run_id: &str) -> Vec<Vec<Cell>> {
    let day = report.day();
    let row = |it: &Finding| {
        let past = it.standing.past.as_ref();
        let facts = &it.facts;
        vec![
            text(run_id),
            Cell::Whole(Some(1)),
            text(&it.finding_id),
            text(it.detector),
            text(it.severity.name()),
            text(format!("{:?}", it.confidence).to_lowercase()),
            text(&it.title),
            text(it.subject.kind),
            text(&it.subject.id),
            Cell::Whole(i64::try_from(it.occurrences).ok()),
            count(it.instances.len()),
            moment(it.first_known()),
            moment(it.last_seen),
            Cell::Real(it.impact.seconds),
            Cell::Whole(it.impact.bytes),
            field(facts, "dag_id"),
            field(facts, "task_id"),
            field(facts, "role"),
            field(facts, "principal"),
            field(facts, "action"),
            field(facts, "resource"),
            field(facts, "service"),
            field(facts, "operation"),
            field(facts, "error_code"),
            field(facts, "kind"),
            field(facts, "denied_by"),
            field(facts, "cause"),
            field(facts, "table"),
            field(facts, "location"),
            text(&it.explanation),
            json_text(&it.caveats),
            text(&it.remediation.text),
            json_text(&it.remediation.code),
            json_text(facts),
            json_text(&it.repro),
            text(&day),
            text(it.status()),
            Cell::Text(it.standing.suppression.as_ref().and_then(|it| serde_json::to_string(it).ok())),
            Cell::Text(past.map(|it| it.change.name().to_owned())),
            Cell::Whole(past.and_then(|it| it.nights_seen).and_then(|it| i64::try_from(it).ok())),
        ]
    };
    report.findings().into_iter().map(row).collect()
}

pub(super) fn instances(report: &Report, run_id: &str) -> Vec<Vec<Cell>> {
    let day = report.day();
    let row = |finding: &Finding, it: &Map<String, Value>| {
        let query = it.get("query_id").or_else(|| it.get("query_execution_id")).and_then(Value::as_str);
        vec![
            text(run_id),
            text(&finding.finding_id),
            text(finding.detector),
            text(finding.severity.name()),
            moment_field(it, "timestamp"),
            field(it, "dag_id"),
            field(it, "task_id"),
            field(it, "run_id"),
            whole_field(it, "map_index"),
            whole_field(it, "try_number"),
            field(it, "operation"),
            field(it, "action"),
            field(it, "resource"),
            field(it, "principal"),
            Cell::Text(query.map(ToOwned::to_owned)),
            moment_field(it, "queued_at"),
            moment_field(it, "started_at"),
            Cell::Real(it.get("wait_seconds").and_then(Value::as_f64)),
            field(it, "outcome"),
            json_text(it),
            text(&day),
        ]
    };
    report.findings().into_iter().flat_map(|finding| finding.instances.iter().map(move |it| row(finding, it))).collect()
}

pub(super) fn excerpts(report: &Report, run_id: &str) -> Vec<Vec<Cell>> {
    let day = report.day();
    let of_finding = |finding: &Finding| {
        let row = |it: &crate::finding::Proof| {
            let at = it.timestamp.as_deref().and_then(Moment::parse).map(|it| it.moment);
            vec![text(run_id), text(&finding.finding_id), text(&it.source), text(&it.locator), moment(at), text(&it.excerpt), text(&day)]
        };
        finding.evidence.iter().map(row).collect::<Vec<_>>()
    };
    report.findings().into_iter().flat_map(of_finding).collect()
}

pub(super) fn verdicts(report: &Report, run_id: &str) -> Vec<Vec<Cell>> {
    let (complete, day) = (report.is_complete(), report.day());
    let rows = report.verdicts.iter().map(|it| {
        let evidence: Vec<Value> = it.evidence.iter().map(|(table, rows)| json!({"table": table, "rows": rows})).collect();
        vec![
            text(run_id),
            text(it.detector.id),
            text(it.verdict),
            Cell::Text(it.reason.clone()),
            count(it.findings.len()),
            json_text(&evidence),
            Cell::Flag(Some(complete)),
            text(&day),
            Cell::Whole(Some(it.detector.version.into())),
            moment(report.since),
            moment(report.until),
        ]
    });
    rows.collect()
}

pub(super) fn coverage(report: &Report, run_id: &str) -> Vec<Vec<Cell>> {
    let day = report.day();
    let rows = report.coverage.iter().map(|it| {
        let number = |value: u64| Cell::Whole(i64::try_from(value).ok());
        let skips: Vec<Value> = it.skipped.iter().map(|it| json!({"reason": it.reason, "count": it.count, "first": it.first})).collect();
        vec![
            text(run_id),
            text(&it.path),
            Cell::Text(it.kind.map(ToOwned::to_owned)),
            number(it.bytes),
            number(it.records),
            number(it.parsed),
            number(it.skipped.iter().map(|it| it.count).sum()),
            json_text(&skips),
            moment(it.from),
            moment(it.to),
            Cell::Flag(Some(it.problems.is_empty())),
            json_text(&it.problems),
            text(&day),
        ]
    });
    rows.collect()
}
