//! What was accepted once: suppressed as long as it does not get worse, and never where it is critical.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use common::servers::{stderr, stdout};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use tempfile::TempDir;

fn run(folder: &Path, args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_casefile")).current_dir(folder).env_remove("COLUMNS").args(args).output().unwrap();
    assert!(output.status.code().is_some_and(|it| it != 101), "{args:?} panicked: {}", stderr(&output));
    output
}

/// A folder with a report of the demo, as a folder and as lines.
fn accepted() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["demo", "--out", "accepted", "--format", "jsonl"]);
    fs::write(folder.path().join("accepted.jsonl"), output.stdout).unwrap();
    folder
}

fn demo(folder: &Path, args: &[&str]) -> (i32, Value) {
    let output = run(folder, &[&["demo", "--format", "json"], args].concat());
    let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|it| panic!("{it}: {}", stderr(&output)));
    (output.status.code().unwrap(), document)
}

fn findings(document: &Value) -> &Vec<Value> {
    document["findings"].as_array().unwrap()
}

#[test]
fn what_was_accepted_is_suppressed_and_fails_nothing() {
    let folder = accepted();
    for baseline in ["accepted", "accepted.jsonl"] {
        let (code, document) = demo(folder.path(), &["--baseline", baseline, "--fail-on", "info"]);
        let critical = findings(&document).iter().filter(|it| it["severity"] == "critical").count();
        assert_eq!(code, i32::from(critical > 0));
        for it in findings(&document) {
            let is_critical = it["severity"] == "critical";
            assert_eq!(it["status"], if is_critical { "open" } else { "suppressed" }, "{it:#}");
            assert_eq!(it["change"], "persisting");
            assert!(it["nights_seen"].is_null(), "nobody counted nights");
            if !is_critical {
                assert_eq!(it["suppression"]["kind"], "baseline");
                assert_eq!(it["suppression"]["reason"], format!("in the baseline {baseline}"));
            }
        }
        assert_eq!(document["summary"]["changes"]["persisting"], findings(&document).len());
    }
}

#[test]
fn what_is_worse_or_new_or_critical_stays_open() {
    let folder = accepted();
    run(folder.path(), &["demo", "--out", "milder", "--set", "detectors.load-errors.high_rows=50000"]);
    let (code, document) = demo(folder.path(), &["--baseline", "milder", "--fail-on", "new:low"]);
    let worse: Vec<&Value> = findings(&document).iter().filter(|it| it["change"] == "worsened").collect();
    assert_eq!(code, 1);
    assert!(!worse.is_empty() && worse.iter().all(|it| it["status"] == "open" && it["suppression"].is_null()), "{document:#}");
    // What is not in the baseline is new.
    let lines = fs::read_to_string(folder.path().join("accepted.jsonl")).unwrap();
    let less: Vec<&str> =
        lines.lines().filter(|it| !it.contains("\"detector\":\"small-files\"") || it.contains("\"type\":\"verdict\"")).collect();
    let less = less.join("\n").replace(
        "\"detector\":\"small-files\",\"detector_version\":1,\"verdict\":\"findings\"",
        "\"detector\":\"small-files\",\"detector_version\":1,\"verdict\":\"clean\"",
    );
    fs::write(folder.path().join("less.jsonl"), less).unwrap();
    let (_, document) = demo(folder.path(), &["--baseline", "less.jsonl"]);
    let (new, others): (Vec<&Value>, Vec<&Value>) = findings(&document).iter().partition(|it| it["detector"] == "small-files");
    assert!(!new.is_empty() && new.iter().all(|it| it["change"] == "new" && it["status"] == "open"), "{document:#}");
    assert!(others.iter().all(|it| it["change"] == "persisting"));
    // Critical findings stay open though they were accepted; they are not new.
    let (code, document) = demo(folder.path(), &["--baseline", "accepted", "--fail-on", "critical"]);
    assert_eq!(demo(folder.path(), &["--baseline", "accepted", "--fail-on", "new:critical"]).0, 0);
    let critical: Vec<&Value> = findings(&document).iter().filter(|it| it["severity"] == "critical").collect();
    assert!(!critical.is_empty());
    assert_eq!(code, 1);
    assert!(critical.iter().all(|it| it["status"] == "open" && it["change"] == "persisting"));
}

#[test]
fn what_matches_nothing_is_counted() {
    let folder = accepted();
    let text = stdout(&run(folder.path(), &["demo", "-v", "--baseline", "accepted", "--detector", "small-files"]));
    let line = text.lines().find(|it| it.starts_with("beside the report before: ")).unwrap_or_else(|| panic!("{text}"));
    assert!(line.contains("0 new, 0 worsened, 0 improved, ") && !line.contains(" 0 not assessed"), "{line}");
    assert!(text.contains("in the baseline accepted"), "{text}");
}

/// What a report is compared with is not part of what was read: the run keeps its name.
#[test]
fn the_run_keeps_its_name() {
    let folder = accepted();
    assert_eq!(run(folder.path(), &["demo", "--baseline", "accepted.jsonl", "--out", "accepted"]).status.code(), Some(0));
    let partition = fs::read_dir(folder.path().join("accepted/findings")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read_dir(partition).unwrap().count(), 1);
    // The report that was written with a baseline may be the next one.
    let (_, document) = demo(folder.path(), &["--baseline", "accepted"]);
    assert!(findings(&document).iter().all(|it| it["change"] == "persisting"));
}

#[test]
fn the_file_of_settings_may_name_it() {
    let folder = accepted();
    fs::write(folder.path().join("casefile.toml"), "[baseline]\nreport = \"accepted\"\n").unwrap();
    let (code, document) = demo(folder.path(), &["--fail-on", "new:info"]);
    assert_eq!(code, 0, "{document:#}");
    assert!(findings(&document).iter().all(|it| it["change"] == "persisting"));
    assert_eq!(run(folder.path(), &["demo", "--baseline", "nowhere"]).status.code(), Some(2), "the flag wins");
}

#[test]
fn what_is_new_needs_something_to_compare_with() {
    let folder = accepted();
    let output = run(folder.path(), &["demo", "--fail-on", "new:high"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(stderr(&output).contains("give --baseline REPORT"), "{}", stderr(&output));
    let output = run(folder.path(), &["analyze", "accepted", "--baseline", "nowhere"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("cannot read nowhere"), "{}", stderr(&output));
}
