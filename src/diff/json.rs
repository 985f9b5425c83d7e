//! A comparison for programs: one document, or one object a line.

use super::{Diff, Format};
use crate::{
    changes::Changed,
    finding::Change,
    ledger::{Entry, Taken},
    report::Style,
    units::Moment,
};
use serde_json::{Map, Value, json};
use std::io::{self, Write};

pub(super) static DOCUMENT: Format = Format { id: "json", write: document };
pub(super) static LINES: Format = Format { id: "jsonl", write: lines };

fn document(diff: &Diff<'_>, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut document = Map::new();
    document.insert("schema_version".to_owned(), 1.into());
    document.insert("tool".to_owned(), json!({"name": "casefile", "version": env!("CARGO_PKG_VERSION")}));
    document.extend(of_both(diff));
    document.insert("changes".to_owned(), diff.changed.iter().map(change).collect());
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn lines(diff: &Diff<'_>, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut last = Map::from_iter([("type".to_owned(), Value::from("diff"))]);
    last.extend(of_both(diff));
    for object in diff.changed.iter().map(change).chain([Value::Object(last)]) {
        serde_json::to_writer(&mut *out, &object)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// What is said of the two reports, and the counts.
fn of_both(diff: &Diff<'_>) -> Map<String, Value> {
    let side = |it: &Taken| {
        let (day, run) = it.run.clone().unzip();
        json!({
            "report": it.given,
            "day": day,
            "run_id": run,
            "window": {"since": it.ledger.since.map(Moment::rfc3339), "until": it.ledger.until.map(Moment::rfc3339)},
            "complete": it.ledger.is_complete(),
        })
    };
    let mut summary: Map<String, Value> = Change::ALL.iter().map(|it| (key(*it), diff.all(*it).count().into())).collect();
    summary.insert("complete".to_owned(), diff.is_complete().into());
    Map::from_iter([
        ("old".to_owned(), side(diff.old)),
        ("new".to_owned(), side(diff.new)),
        ("notes".to_owned(), json!(diff.notes)),
        ("summary".to_owned(), Value::Object(summary)),
    ])
}

/// The name of a change as a key.
fn key(change: Change) -> String {
    change.name().replace('-', "_")
}

fn change(it: &Changed<'_>) -> Value {
    let latest = it.latest();
    let text = |of: fn(&Entry) -> &String| latest.map(of);
    json!({
        "type": "change",
        "change": it.change,
        "finding_id": it.finding_id,
        "detector": text(|it| &it.detector),
        "severity": text(|it| &it.severity),
        "status": text(|it| &it.status),
        "title": text(|it| &it.title),
        "subject": {"kind": text(|it| &it.subject_kind), "id": text(|it| &it.subject_id)},
        "reason": it.reason,
        "old": it.old.map(state),
        "new": it.new.map(state),
    })
}

/// What may change of a finding.
fn state(it: &Entry) -> Value {
    json!({
        "severity": it.severity,
        "status": it.status,
        "title": it.title,
        "occurrences": it.occurrences,
        "impact": {"seconds": it.impact_seconds, "bytes": it.impact_bytes},
        "first_seen": it.first_seen,
        "last_seen": it.last_seen,
    })
}
