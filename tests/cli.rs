//! The program as a user calls it: exit codes, help, outputs, and readers of its Parquet.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

use assert_cmd::Command;
use serde_json::Value;
use std::fs;

fn casefile(args: &[&str]) -> std::process::Output {
    Command::cargo_bin("casefile").unwrap().env_remove("COLUMNS").args(args).output().unwrap()
}

fn code(args: &[&str]) -> i32 {
    casefile(args).status.code().unwrap()
}

fn stdout(args: &[&str]) -> String {
    String::from_utf8(casefile(args).stdout).unwrap()
}

fn stderr(args: &[&str]) -> String {
    String::from_utf8(casefile(args).stderr).unwrap()
}

const PART: &str = "fixtures/corpus/airflow-2.7.2/raw";

#[test]
fn exit_codes_say_who_has_to_act() {
    assert_eq!(code(&["demo"]), 0);
    assert_eq!(code(&["demo", "--fail-on", "high"]), 1);
    assert_eq!(code(&["analyze", PART, "--fail-on", "never"]), 0);
    assert_eq!(code(&["analyze"]), 2);
    assert_eq!(code(&["analyze", "/nowhere/at/all"]), 2);
    assert_eq!(code(&["analyze", PART, "--format", "html"]), 2);
    assert_eq!(code(&["analyze", PART, "--set", "detectors.stuck-queued.nope=1"]), 2);
    assert_eq!(code(&["analyze", PART, "--since", "yesterday"]), 2);
    assert_eq!(code(&["analyze", PART, "--tz", "Mars/Olympus"]), 2);
    assert_eq!(code(&["explain", "nothing"]), 2);
    let missing = ["analyze", PART, "/nowhere/at/all"];
    assert_eq!(code(&missing), 3);
    assert_eq!(code(&[&missing[..], &["--fail-on", "high"]].concat()), 1);
    assert!(stderr(&[&missing[..], &["--fail-on", "high"]].concat()).contains("exit codes 1, 3 apply"));
    let file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(code(&["demo", "--out", file.path().to_str().unwrap()]), 6);
}

#[test]
fn errors_name_what_would_be_right() {
    assert!(stderr(&["analyze", "/nowhere/at/all"]).contains("/nowhere/at/all: no such file or directory"));
    assert!(stderr(&["explain", "stuck-queue"]).contains("did you mean `stuck-queued`?"));
    assert!(stderr(&["demo", "--set", "detectors.stuck-queued.low_second=1"]).contains("did you mean `low_seconds`?"));
    assert!(stderr(&["analyze", PART, "--tz", "Mars/Olympus"]).contains("--tz Mars/Olympus: no such zone"));
    assert!(stderr(&["analyze", PART, "--as", "nothing"]).contains("airflow-log"));
}

#[test]
fn standard_input_is_read_like_a_file() {
    let log = fs::read(format!("{PART}/scheduler.log")).unwrap();
    let output = Command::cargo_bin("casefile").unwrap().args(["analyze", "-", "--format", "json"]).write_stdin(log).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["inputs"][0]["path"], "-");
    assert!(report["findings"].as_array().unwrap().iter().any(|it| it["detector"] == "stuck-queued"));
}

#[test]
fn a_window_and_a_chosen_detector_narrow_the_report() {
    let one: Value = serde_json::from_str(&stdout(&["analyze", PART, "--detector", "stuck-queued", "--format", "json"])).unwrap();
    assert!(one["findings"].as_array().unwrap().iter().all(|it| it["detector"] == "stuck-queued"));
    assert_eq!(one["verdicts"].as_array().unwrap().len(), 1);
    let none: Value = serde_json::from_str(&stdout(&["analyze", PART, "--since", "2030-01-01", "--format", "json"])).unwrap();
    assert_eq!(none["findings"].as_array().unwrap().len(), 0);
}

#[test]
fn colour_only_where_it_is_asked_for() {
    assert!(!stdout(&["demo"]).contains('\u{1b}'));
    assert!(stdout(&["demo", "--color", "always"]).contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for args in [&["demo", "-v"][..], &["demo", "--format", "json"], &["--help"], &["man"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let told = std::process::Command::new(assert_cmd::cargo::cargo_bin("casefile")).args(args).stdout(writer).output().unwrap();
        assert_eq!(told.status.code(), Some(0), "{args:?}");
        assert!(told.stderr.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&told.stderr));
    }
}

#[test]
fn the_program_describes_itself() {
    assert!(stdout(&["detectors"]).contains("access-denied"));
    for detector in casefile::detectors::DETECTORS {
        let manual = stdout(&["explain", detector.id]);
        for heading in ["## What it looks for", "## Why it matters", "## What to do", "## When it is wrong", "## Settings"] {
            assert!(manual.contains(heading), "{} lacks {heading}", detector.id);
        }
        for limit in detector.limits {
            assert!(manual.contains(&format!("detectors.{}.{} = ", detector.id, limit.name)), "{}", limit.name);
        }
    }
    assert!(stdout(&["schema", "findings"]).contains("finding_id"));
    assert!(stdout(&["completions", "bash"]).contains("casefile"));
    assert!(stdout(&["man"]).contains(".TH casefile"));
}

#[test]
fn every_detector_speaks_in_the_demo() {
    let report: Value = serde_json::from_str(&stdout(&["demo", "--format", "json"])).unwrap();
    let verdicts = report["verdicts"].as_array().unwrap();
    assert_eq!(verdicts.len(), casefile::detectors::DETECTORS.len());
    for verdict in verdicts {
        assert_eq!(verdict["verdict"], "findings", "{verdict}");
    }
}

/// A pipe that lies in a folder may have no writer; a file without end is no file of settings.
#[test]
#[cfg(unix)]
fn what_never_ends_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.log"), "x\n").unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let told = casefile(&["analyze", folder.path().to_str().unwrap(), "--format", "jsonl"]);
    assert_eq!(told.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&told.stderr).contains("pipe: neither a file nor a directory"));
    assert_eq!(code(&["demo", "--config", "/dev/zero"]), 2);
}

/// An empty window is no clean audit.
#[test]
fn a_window_without_records_is_not_assessed() {
    let report: Value = serde_json::from_str(&stdout(&["demo", "--until", "2025-01-01", "--format", "json"])).unwrap();
    let of = |id: &str| report["verdicts"].as_array().unwrap().iter().find(|it| it["detector"] == id).unwrap().clone();
    assert_eq!(of("access-denied")["verdict"], "not-assessed");
    assert!(of("access-denied")["reason"].as_str().unwrap().contains("--since"));
    // What lies in a bucket is so at any time.
    assert_eq!(of("small-files")["verdict"], "findings");
}

/// The tables that Athena reads, opened by other people's readers.
#[test]
fn pyarrow_and_duckdb_read_the_tables() {
    let Some(python) = std::env::var_os("CASEFILE_PYTHON") else {
        println!("NOT RUN: CASEFILE_PYTHON is not set (a Python with pyarrow and duckdb)");
        return;
    };
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().to_str().unwrap();
    let report: Value = serde_json::from_str(&stdout(&["analyze", PART, "--out", folder, "--evidence", "--format", "json"])).unwrap();
    // A second run replaces its own files.
    assert_eq!(code(&["analyze", PART, "--out", folder]), 0);
    let output = std::process::Command::new(python).args(["tests/readers/check_parquet.py", folder]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(read["findings"]["rows"], findings.len());
    let instances: u64 = findings.iter().map(|it| it["instance_count"].as_u64().unwrap()).sum();
    assert_eq!((&read["instances"]["rows"], &read["joined"]), (&Value::from(instances), &Value::from(instances)));
    assert_eq!(read["coverage"]["rows"], report["inputs"].as_array().unwrap().len());
    assert!(fs::read_dir(out.path().join("evidence/errors")).unwrap().count() == 1);
}
