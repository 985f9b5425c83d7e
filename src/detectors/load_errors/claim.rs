//! From rejected values of one column and code to one claim.

use super::{Key, Rejected, codes};
use crate::{
    finding::{Code, Confidence, Finding, Impact, Remediation, Severity, Standing, Subject, id_of, instance_of, proof},
    units::Moment,
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// How many proofs a finding carries.
const PROOFS: usize = 3;

/// The finding of one table, column and error.
pub(super) fn finding(key: &Key, rejected: &[Rejected], severity: Severity) -> Finding {
    let [table, column, code] = key;
    let times: Vec<Moment> = rejected.iter().filter_map(|it| it.error.event_time).collect();
    let parts: Vec<&str> = key.iter().map(String::as_str).collect();
    let name = if table.is_empty() { "a table that no record names" } else { table };
    Finding {
        standing: Standing::default(),
        finding_id: id_of("load-errors", &parts),
        detector: "load-errors",
        severity,
        confidence: confidence(rejected),
        title: title(name, column, rejected),
        subject: Subject { kind: "table", id: name.to_owned() },
        facts: facts(key, rejected),
        instances: rejected.iter().map(instance).collect(),
        occurrences: rejected.len() as u64,
        first_seen: times.iter().min().copied(),
        last_seen: times.iter().max().copied(),
        impact: Impact::default(),
        explanation: explanation(code, rejected),
        caveats: caveats(rejected),
        remediation: remediation(code, rejected),
        evidence: evidence(rejected),
        repro: vec![Code {
            language: "sql",
            title: "The rejected values".to_owned(),
            body: format!(
                "SELECT query_id, start_time, TRIM(file_name) AS file_name, line_number, TRIM(column_name) AS column_name, error_code, TRIM(error_message) AS error_message\nFROM sys_load_error_detail\nWHERE query_id IN ({})\nORDER BY start_time;",
                queries(rejected).join(", ")
            ),
        }],
    }
}

fn queries(rejected: &[Rejected]) -> Vec<&str> {
    let ids: BTreeSet<&str> = rejected.iter().filter_map(|it| it.error.query_id.as_deref()).collect();
    ids.into_iter().take(20).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "rows are counted in whole numbers")]
fn rows(rejected: &[Rejected], counts: fn(&Rejected) -> bool) -> i64 {
    rejected.iter().filter(|it| counts(it)).map(|it| it.rows).sum::<f64>() as i64
}

fn absorbed(rejected: &[Rejected]) -> i64 {
    rows(rejected, |it| it.absorbed == Some(true))
}

fn files(rejected: &[Rejected]) -> BTreeSet<&str> {
    rejected.iter().filter_map(|it| it.error.file_name.as_deref()).collect()
}

/// The value that most rows have.
fn most<'a>(rejected: &'a [Rejected], read: fn(&'a Rejected) -> Option<&'a str>) -> Option<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for it in rejected.iter().filter_map(read) {
        *counts.entry(it).or_default() += 1;
    }
    counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(a.0))).map(|it| it.0)
}

fn facts(key: &Key, rejected: &[Rejected]) -> Map<String, Value> {
    let [_, column, _] = key;
    let mut facts = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            facts.insert(key.to_owned(), value);
        }
    };
    let code = most(rejected, |it| it.error.error_code.as_deref());
    put("table", most(rejected, |it| it.error.table_name.as_deref()).map(Value::from));
    put("schema", most(rejected, |it| it.error.schema_name.as_deref()).map(Value::from));
    put("column", Some(column.as_str()).filter(|it| !it.is_empty()).map(Value::from));
    put("column_type", most(rejected, |it| it.error.column_type.as_deref()).map(Value::from));
    put("error_code", code.map(|it| it.parse::<i64>().map_or_else(|_| it.into(), Value::from)));
    put("error_message", most(rejected, |it| it.error.error_message.as_deref()).map(Value::from));
    put("files", Some(files(rejected).len().into()));
    put("rows", Some(rows(rejected, |_| true).into()));
    put("absorbed", Some(absorbed(rejected).into()));
    facts
}

fn title(table: &str, column: &str, rejected: &[Rejected]) -> String {
    let place = if column.is_empty() { table.to_owned() } else { format!("{table}.{column}") };
    let (all, lost) = (rows(rejected, |_| true), absorbed(rejected));
    let loads = queries(rejected).len();
    let in_loads = format!("in {} load{}", loads.max(1), if loads > 1 { "s" } else { "" });
    let unknown = rejected.iter().all(|it| it.absorbed.is_none());
    let message = most(rejected, |it| it.error.error_message.as_deref()).unwrap_or("no message");
    let count = |rows: i64| format!("{rows} row{}", if rows == 1 { "" } else { "s" });
    match (lost, all - lost) {
        (0, 0) => format!("{place}: COPY failed {in_loads}: {message}"),
        (0, rejected) if unknown => format!("{place}: {} rejected {in_loads}: {message}", count(rejected)),
        (0, failed) => format!("{place}: COPY failed {in_loads} on {}: {message}", count(failed)),
        (lost, 0) => format!("{place}: {} lost {in_loads} that completed: {message}", count(lost)),
        (lost, failed) => format!("{place}: {} lost in loads that completed, {} failed a load: {message}", count(lost), count(failed)),
    }
}

fn confidence(rejected: &[Rejected]) -> Confidence {
    let told = |it: &Rejected| it.absorbed.is_some() && it.error.table_name.is_some();
    if rejected.iter().all(told) { Confidence::High } else { Confidence::Medium }
}

fn instance(it: &Rejected) -> Map<String, Value> {
    let error = &it.error;
    let mut instance = instance_of(&error.task(), None);
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            instance.insert(key.to_owned(), value);
        }
    };
    put("query_id", error.query_id.clone().map(Value::from));
    put("start_time", error.event_time.map(|it| it.rfc3339().into()));
    put("file_name", error.file_name.clone().map(Value::from));
    put("line_number", error.line_number.map(Value::from));
    put("position", error.position.map(Value::from));
    put("raw_value", error.raw_value.clone().map(Value::from));
    put("error_message", error.error_message.clone().map(Value::from));
    put("absorbed", it.absorbed.map(Value::from));
    instance
}

fn explanation(code: &str, rejected: &[Rejected]) -> String {
    let meaning = codes::meaning(code).map_or(String::new(), |it| format!("Code {code}: {it}. "));
    let fate = match (absorbed(rejected), rows(rejected, |it| it.absorbed == Some(false))) {
        (0, _) => "The loads failed: nothing of them is in the table.",
        (_, 0) => "The loads completed: MAXERROR let them go on, and these rows are missing from the table.",
        _ => "Some loads completed without these rows, others failed on them.",
    };
    let values: BTreeSet<&str> =
        rejected.iter().filter_map(|it| it.error.raw_value.as_deref()).filter(|it| !it.is_empty()).take(5).collect();
    let values =
        if values.is_empty() { String::new() } else { format!(" Values: `{}`.", values.into_iter().collect::<Vec<_>>().join("`, `")) };
    format!("{meaning}{fate}{values}")
}

fn caveats(rejected: &[Rejected]) -> Vec<String> {
    let mut caveats = Vec::new();
    let mut say = |test: bool, text: &str| {
        if test {
            caveats.push(text.to_owned());
        }
    };
    let any = |test: fn(&Rejected) -> bool| rejected.iter().any(test);
    say(any(|it| it.absorbed.is_none()), "no record tells how some of the loads ended: whether rows are missing cannot be told");
    say(any(|it| it.error.table_name.is_none()), "no record names the table: the number is its table_id");
    say(any(|it| it.error.line_number.is_none_or(|it| it < 0)), "Redshift does not know the line of a file that it read in ranges");
    say(
        any(|it| it.rows > 1.0 || it.rows <= 0.0),
        "the error rows themselves were not brought: SYS_LOAD_ERROR_DETAIL would tell column and value",
    );
    caveats
}

fn remediation(code: &str, rejected: &[Rejected]) -> Remediation {
    let cure = codes::cure(code).unwrap_or("look at the value and the line, and fix what writes them");
    let again = if absorbed(rejected) > 0 {
        " Load the rejected lines again, then set MAXERROR 0, or to the number of rows that may be lost, and alert on error_count > 0."
    } else {
        " Then run the COPY again: it is safe, nothing of it was loaded."
    };
    let mut chars = cure.chars();
    let cure: String = chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect());
    Remediation {
        text: format!("{cure}.{again}"),
        code: vec![Code {
            language: "sql",
            title: "Loads that completed without some of their rows".to_owned(),
            body: "SELECT query_id, start_time, TRIM(table_name) AS table_name, error_count, loaded_rows\nFROM sys_load_history\nWHERE status = 'completed' AND error_count > 0\nORDER BY start_time DESC;".to_owned(),
        }],
    }
}

fn evidence(rejected: &[Rejected]) -> Vec<crate::finding::Proof> {
    let mut proofs = Vec::new();
    for it in rejected.iter().take(1).chain(rejected.last()).chain(rejected) {
        let error = &it.error;
        let line = error.line_number.map_or(String::new(), |it| format!(" line {it}"));
        let raw = error.raw_line.as_deref().or(error.raw_value.as_deref()).map_or(String::new(), |it| format!(": {it}"));
        let file = error.file_name.as_deref().unwrap_or_default();
        let message = error.error_message.as_deref().unwrap_or_default();
        let proof = proof(&error.origin, error.event_time, &format!("{message} ({file}{line}){raw}"));
        if proofs.len() < PROOFS && !proofs.contains(&proof) {
            proofs.push(proof);
        }
    }
    proofs
}
