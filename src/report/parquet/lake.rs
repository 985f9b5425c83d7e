//! The columns of the lake, and how a report fills them. Changes only add columns at the end.

use super::{Cell, LakeColumn, LakeKind, LakeTable};
use crate::{finding::Finding, report::Report, units::Moment};
use serde_json::{Map, Value, json};

/// Every table of the lake.
pub static LAKE: &[LakeTable] = &[FINDINGS, INSTANCES, EXCERPTS, VERDICTS, COVERAGE];

const fn string(name: &'static str, meaning: &'static str) -> LakeColumn {
    LakeColumn { name, kind: LakeKind::String, meaning }
}

const fn bigint(name: &'static str, meaning: &'static str) -> LakeColumn {
    LakeColumn { name, kind: LakeKind::Bigint, meaning }
}

const fn timestamp(name: &'static str, meaning: &'static str) -> LakeColumn {
    LakeColumn { name, kind: LakeKind::Timestamp, meaning }
}

const RUN: LakeColumn = string("casefile_run_id", "The run that wrote the row; also the file's name");
const FINDING_ID: LakeColumn = string("finding_id", "The same problem has the same id tomorrow");
const DETECTOR: LakeColumn = string("detector", "Who found it");
const SEVERITY: LakeColumn = string("severity", "critical, high, medium, low, info");

const FINDINGS: LakeTable = LakeTable {
    name: "findings",
    meaning: "one problem",
    columns: &[
        RUN,
        bigint("schema_version", "Version of these columns"),
        FINDING_ID,
        DETECTOR,
        SEVERITY,
        string("confidence", "high, medium, low"),
        string("title", "One sentence with the numbers in it"),
        string("subject_kind", "What it is about: role, principal, table, load, location, task, query-step, stage, query"),
        string("subject_id", "Its name"),
        bigint("occurrences", "How often it was seen"),
        bigint("instance_count", "Rows of the table instances"),
        timestamp("first_seen", "First occurrence"),
        timestamp("last_seen", "Last occurrence"),
        LakeColumn { name: "impact_seconds", kind: LakeKind::Double, meaning: "Wall time it cost" },
        bigint("impact_bytes", "Bytes it cost"),
        string("dag_id", "Airflow DAG"),
        string("task_id", "Airflow task"),
        string("role_arn", "Role that was refused"),
        string("principal", "Who was refused"),
        string("iam_action", "Action that was refused"),
        string("resource", "Generalised resource"),
        string("service", "AWS service"),
        string("operation", "API operation"),
        string("error_code", "Error code"),
        string("kind", "Kind of the finding within its detector"),
        string("denied_by", "Policy type that refused"),
        string("cause", "Cause of a wait in queued"),
        string("table_name", "Warehouse table"),
        string("location", "S3 location"),
        string("explanation", "Why we think so"),
        string("caveats", "JSON array of what speaks against it"),
        string("remediation", "What to do"),
        string("remediation_code", "JSON array of texts to paste"),
        string("facts", "JSON object with all facts"),
        string("repro", "JSON array of queries that show it again"),
    ],
    rows: findings,
};

const INSTANCES: LakeTable = LakeTable {
    name: "instances",
    meaning: "one occurrence of a problem",
    columns: &[
        RUN,
        FINDING_ID,
        DETECTOR,
        SEVERITY,
        timestamp("event_time", "When"),
        string("dag_id", "Airflow DAG"),
        string("task_id", "Airflow task"),
        string("run_id", "Airflow DAG run"),
        bigint("map_index", "Index of a mapped task"),
        bigint("try_number", "Try"),
        string("operation", "API operation, as it stands in the text"),
        string("iam_action", "IAM action"),
        string("resource", "Resource, as it stands in the text"),
        string("principal", "Principal, as it stands in the text"),
        string("query_id", "Redshift query or Athena execution"),
        timestamp("queued_at", "When it was queued"),
        timestamp("started_at", "When it started"),
        LakeColumn { name: "wait_seconds", kind: LakeKind::Double, meaning: "How long it sat in queued" },
        string("outcome", "How the stay in queued ended"),
        string("detail", "JSON object with all that is known of it"),
    ],
    rows: instances,
};

const EXCERPTS: LakeTable = LakeTable {
    name: "excerpts",
    meaning: "one piece of evidence",
    columns: &[
        RUN,
        FINDING_ID,
        string("source", "Input"),
        string("locator", "Place in the input"),
        timestamp("event_time", "When it was written"),
        string("excerpt", "The text, redacted"),
    ],
    rows: excerpts,
};

const VERDICTS: LakeTable = LakeTable {
    name: "verdicts",
    meaning: "what one detector said",
    columns: &[
        RUN,
        DETECTOR,
        string("verdict", "findings, clean, not-assessed"),
        string("reason", "Why there is no verdict, or what weakens it"),
        bigint("finding_count", "How many findings"),
        string("evidence", "JSON array of tables and rows judged by"),
        LakeColumn { name: "complete", kind: LakeKind::Boolean, meaning: "Whether every input was read whole" },
    ],
    rows: verdicts,
};

const COVERAGE: LakeTable = LakeTable {
    name: "coverage",
    meaning: "what became of one input",
    columns: &[
        RUN,
        string("path", "Input"),
        string("kind", "Format"),
        bigint("bytes", "Bytes, unpacked"),
        bigint("record_count", "Records read"),
        bigint("parsed_count", "Records understood"),
        bigint("skipped_count", "Records set aside"),
        string("skips", "JSON array of reasons, counts and first places"),
        timestamp("first_event_time", "First moment in it"),
        timestamp("last_event_time", "Last moment in it"),
        LakeColumn { name: "complete", kind: LakeKind::Boolean, meaning: "Whether it was read whole" },
        string("problems", "JSON array of why it was not"),
    ],
    rows: coverage,
};

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

fn findings(report: &Report, run_id: &str) -> Vec<Vec<Cell>> {
    let row = |it: &Finding| {
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
            moment(it.first_seen),
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
        ]
    };
    report.findings().into_iter().map(row).collect()
}

fn instances(report: &Report, run_id: &str) -> Vec<Vec<Cell>> {
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
        ]
    };
    report.findings().into_iter().flat_map(|finding| finding.instances.iter().map(move |it| row(finding, it))).collect()
}

fn excerpts(report: &Report, run_id: &str) -> Vec<Vec<Cell>> {
    let of_finding = |finding: &Finding| {
        let row = |it: &crate::finding::Proof| {
            let at = it.timestamp.as_deref().and_then(Moment::parse).map(|it| it.moment);
            vec![text(run_id), text(&finding.finding_id), text(&it.source), text(&it.locator), moment(at), text(&it.excerpt)]
        };
        finding.evidence.iter().map(row).collect::<Vec<_>>()
    };
    report.findings().into_iter().flat_map(of_finding).collect()
}

fn verdicts(report: &Report, run_id: &str) -> Vec<Vec<Cell>> {
    let complete = report.is_complete();
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
        ]
    });
    rows.collect()
}

fn coverage(report: &Report, run_id: &str) -> Vec<Vec<Cell>> {
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
        ]
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that Athena reserves in DDL or in queries.
    const RESERVED: &[&str] = &[
        "all", "alter", "and", "array", "as", "authorization", "between", "bigint", "binary", "boolean", "both", "by", "case", "cast", "char",
        "column", "conf", "constraint", "commit", "create", "cross", "cube", "current", "current_date", "current_time", "current_timestamp",
        "current_user", "cursor", "database", "date", "dayofweek", "deallocate", "decimal", "delete", "describe", "distinct", "div", "double",
        "drop", "else", "end", "escape", "except", "exchange", "execute", "exists", "extended", "external", "extract", "false", "fetch",
        "first", "float", "floor", "following", "for", "foreign", "from", "full", "function", "grant", "group", "grouping", "having", "if",
        "import", "in", "inner", "insert", "int", "integer", "intersect", "interval", "into", "is", "join", "last", "lateral", "left", "less",
        "like", "local", "localtime", "localtimestamp", "macro", "map", "more", "natural", "none", "normalize", "not", "null", "numeric", "of",
        "on", "only", "or", "order", "out", "outer", "over", "partialscan", "partition", "percent", "preceding", "precision", "prepare",
        "preserve", "primary", "procedure", "range", "reads", "recursive", "reduce", "references", "regexp", "revoke", "right", "rlike",
        "rollback", "rollup", "row", "rows", "select", "set", "skip", "smallint", "start", "sync", "table", "tablesample", "then", "time",
        "timestamp", "to", "transform", "trigger", "true", "truncate", "unbounded", "union", "uniquejoin", "unnest", "update", "user", "using",
        "utc_timestamp", "values", "varchar", "views", "when", "where", "window", "with",
    ];

    #[test]
    fn every_name_is_one_that_athena_takes() {
        for table in LAKE {
            for column in table.columns {
                assert!(!RESERVED.contains(&column.name), "{}.{}", table.name, column.name);
                assert!(column.name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_'), "{}", column.name);
            }
        }
    }
}
