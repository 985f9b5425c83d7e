//! The texts for Athena are of its grammars: questions of Trino's, statements that make tables of Hive's. The engines themselves run in
//! `tests/engines/run`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

use casefile::publish::{self, Destination, QUERIES};
use serde_json::{Value, json};
use std::{
    io::Write as _,
    process::{Command, Stdio},
};

/// What the grammars have against texts; `None`, and a word on it, where they are not installed.
fn told(test: &str, texts: &[(&str, String)]) -> Option<Vec<Vec<String>>> {
    let Some(check) = std::env::var_os("CASEFILE_GRAMMAR") else {
        println!("NOT RUN: {test}: CASEFILE_GRAMMAR is not set (tests/run installs the grammars of Trino and Hive)");
        return None;
    };
    let mut child = Command::new("node").arg(check).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let asked: Vec<Value> = texts.iter().map(|(grammar, text)| json!({"grammar": grammar, "text": text})).collect();
    child.stdin.take().unwrap().write_all(Value::from(asked).to_string().as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success());
    Some(serde_json::from_slice(&ended.stdout).unwrap())
}

/// The statements for a lake whose address has every sign that an address may have.
fn statements() -> Vec<String> {
    let to = "s3://lake/a-b_c.d=e/!*()@,&$: f";
    publish::ddl(&Destination { database: Some("casefile".to_owned()), create_database: true, ..Destination::new(to) }).unwrap()
}

#[test]
fn questions_and_statements_are_sql() {
    let questions = QUERIES.iter().map(|it| ("trino", it.sql("2026-03-05", Some("casefile")).unwrap()));
    let texts: Vec<_> = questions.chain(statements().into_iter().map(|it| ("hive", it))).collect();
    let Some(told) = told("questions_and_statements_are_sql", &texts) else { return };
    assert_eq!(told.len(), texts.len());
    for ((grammar, text), told) in texts.iter().zip(told) {
        assert_eq!(told, Vec::<String>::new(), "{grammar}: {text}");
    }
}

#[test]
fn what_is_no_sql_is_refused() {
    let question = QUERIES[0].sql("2026-03-05", Some("casefile")).unwrap();
    let table = statements().pop().unwrap();
    let broken = [
        ("trino", question.replace("ORDER BY", "ORDER")),
        ("trino", question.replacen("SELECT", "SELECT * EXCLUDE (dt),", 1)),
        ("trino", question.replacen("casefile_run_id", "table", 1).replacen("severity,", "severity,,", 1)),
        ("hive", table.replace("PARTITIONED BY", "PARTITION BY")),
        ("hive", table.replacen(" string", " text string", 1)),
        ("hive", table.replacen("run_date string", "date string", 1)),
    ];
    let Some(told) = told("what_is_no_sql_is_refused", &broken) else { return };
    for ((grammar, text), told) in broken.iter().zip(told) {
        assert!(!told.is_empty(), "{grammar} takes {text}");
    }
}
