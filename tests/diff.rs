//! Two nights beside one another, through the program: what is new, gone, or not to be seen any more.
//!
//! Monday is the demo's dumps. Tuesday is Monday with something changed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use common::servers::{stderr, stdout};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output},
};
use tempfile::TempDir;

const LOG: &str = "scheduler.log";
const LISTING: &str = "listing_wonka-shared-dev_customers.txt";

/// A folder with Monday in it.
fn monday() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copied(folder.path(), "mon");
    folder
}

/// The demo's dumps, once more.
fn copied(folder: &Path, night: &str) {
    fs::create_dir(folder.join(night)).unwrap();
    for entry in fs::read_dir("fixtures/demo").unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.join(night).join(path.file_name().unwrap())).unwrap();
    }
}

/// Runs the program in a folder.
fn run(folder: &Path, args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_casefile")).current_dir(folder).env_remove("COLUMNS").args(args).output().unwrap();
    assert!(output.status.code().is_some_and(|it| it != 101), "{args:?} panicked: {}", stderr(&output));
    output
}

/// Analyzes a night into a report of its name.
fn report(folder: &Path, night: &str, more: &[&str]) {
    let output = run(folder, &[&["analyze", night, "--out", &format!("{night}-report")], more].concat());
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", stderr(&output));
}

/// Compares Monday's report with Tuesday's: exit code and document.
fn compared(folder: &Path, more: &[&str]) -> (i32, Value) {
    let output = run(folder, &[&["diff", "mon-report", "tue-report", "--format", "json"], more].concat());
    let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|it| panic!("{it}: {}", stderr(&output)));
    (output.status.code().unwrap(), document)
}

/// Monday and a Tuesday that is changed so, compared.
fn after(change: impl FnOnce(&Path)) -> (i32, Value) {
    let folder = monday();
    copied(folder.path(), "tue");
    change(&folder.path().join("tue"));
    report(folder.path(), "mon", &[]);
    report(folder.path(), "tue", &[]);
    compared(folder.path(), &[])
}

/// The changes of a document, by detector.
fn changes(document: &Value) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for it in document["changes"].as_array().unwrap() {
        found.entry(it["detector"].as_str().unwrap().to_owned()).or_default().push(it["change"].as_str().unwrap().to_owned());
    }
    found
}

fn counts(document: &Value) -> Vec<u64> {
    ["new", "worsened", "improved", "persisting", "resolved", "not_assessed"].map(|it| document["summary"][it].as_u64().unwrap()).into()
}

fn total(document: &Value) -> u64 {
    counts(document).iter().sum()
}

#[test]
fn the_same_night_twice_persists() {
    let (code, document) = after(|_| ());
    assert_eq!(code, 0);
    assert!(total(&document) >= 6, "every detector fires: {document:#}");
    assert_eq!(document["summary"]["persisting"], total(&document));
    assert!(document["changes"].as_array().unwrap().iter().all(|it| it["reason"].is_null()), "{document:#}");
}

#[test]
fn every_format_tells_it_and_always_the_same() {
    let folder = monday();
    copied(folder.path(), "tue");
    fs::remove_file(folder.path().join("tue").join(LISTING)).unwrap();
    fs::write(folder.path().join("tue/sys_load_error_detail.csv"), first_line("fixtures/demo/sys_load_error_detail.csv")).unwrap();
    report(folder.path(), "mon", &[]);
    report(folder.path(), "tue", &[]);
    for format in ["text", "json", "jsonl", "csv", "md"] {
        let args = ["diff", "mon-report", "tue-report", "--format", format];
        let (one, two) = (run(folder.path(), &args), run(folder.path(), &args));
        assert_eq!(one.status.code(), Some(0), "{format}: {}", stderr(&one));
        assert_eq!(one.stdout, two.stdout, "{format}");
        let text = stdout(&one);
        assert!(text.contains("not-assessed") || text.contains("NOT ASSESSED"), "{format}: {text}");
        assert!(text.contains("not among those of the newer report"), "{format}: {text}");
    }
    let text = stdout(&run(folder.path(), &["diff", "mon-report", "tue-report"]));
    let last = text.lines().last().unwrap();
    assert!(last.contains(" new, 0 worsened, 0 improved, ") && last.ends_with(" not assessed"), "{last}");
    assert!(!text.contains("PERSISTING"), "{text}");
    assert!(stdout(&run(folder.path(), &["diff", "mon-report", "tue-report", "-v"])).contains("PERSISTING"));
    let lines = stdout(&run(folder.path(), &["diff", "mon-report", "tue-report", "--format", "jsonl"]));
    let objects: Vec<Value> = lines.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let (last, changes) = objects.split_last().unwrap();
    assert_eq!(last["type"], "diff");
    assert!(changes.iter().all(|it| it["type"] == "change"));
    assert_eq!(changes.len() as u64, total(last));
}

fn first_line(path: &str) -> String {
    fs::read_to_string(path).unwrap().lines().next().unwrap().to_owned() + "\n"
}

#[test]
fn what_is_fixed_is_resolved() {
    // No row was rejected on Tuesday: the history of loads says so too.
    let (code, document) = after(|tue| {
        fs::write(tue.join("sys_load_error_detail.csv"), first_line("fixtures/demo/sys_load_error_detail.csv")).unwrap();
        let history = fs::read_to_string(tue.join("sys_load_history.csv")).unwrap();
        let fine: Vec<String> =
            history.lines().enumerate().map(|(at, it)| if at == 0 { it.to_owned() } else { without_errors(it, &history) }).collect();
        fs::write(tue.join("sys_load_history.csv"), fine.join("\n") + "\n").unwrap();
    });
    assert_eq!(code, 0);
    assert!(changes(&document)["load-errors"].iter().all(|it| it == "resolved"), "{document:#}");
    assert!(document["changes"].as_array().unwrap().iter().all(|it| it["detector"] == "load-errors" || it["change"] == "persisting"));
}

/// Errors are listed by number only: what they were cannot be told, and nothing is resolved.
#[test]
fn what_is_told_otherwise_is_not_resolved() {
    let (_, document) = after(|tue| {
        fs::write(tue.join("sys_load_error_detail.csv"), first_line("fixtures/demo/sys_load_error_detail.csv")).unwrap();
    });
    let told = &changes(&document)["load-errors"];
    assert!(
        told.contains(&"new".to_owned()) && told.contains(&"not-assessed".to_owned()) && !told.contains(&"resolved".to_owned()),
        "{document:#}"
    );
}

/// A load of the history, without its errors.
fn without_errors(row: &str, history: &str) -> String {
    let at = history.lines().next().unwrap().split(',').position(|it| it == "error_count").unwrap();
    let mut cells: Vec<&str> = row.split(',').collect();
    cells[at] = "0";
    cells.join(",")
}

#[test]
fn what_is_not_given_is_not_resolved() {
    let before = changes(&after(|_| ()).1);
    for name in ["task-events.json", LOG, LISTING, "sys_load_history.csv"] {
        let (code, document) = after(|tue| fs::remove_file(tue.join(name)).unwrap());
        assert_eq!(code, 0, "{name}");
        assert_eq!(document["summary"]["resolved"], 0, "{name}: {document:#}");
        assert!(document["summary"]["not_assessed"].as_u64().unwrap() > 0, "{name}: {document:#}");
        let all = |it: &BTreeMap<String, Vec<String>>| it.values().map(Vec::len).sum::<usize>();
        assert!(all(&changes(&document)) >= all(&before), "{name}: no finding is lost");
    }
}

#[test]
fn damage_hides_and_the_comparison_is_incomplete() {
    let (code, document) = after(|tue| {
        let text = fs::read(tue.join(LISTING)).unwrap();
        fs::remove_file(tue.join(LISTING)).unwrap();
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&text).unwrap();
        let packed = packed.finish().unwrap();
        fs::write(tue.join(format!("{LISTING}.gz")), &packed[..packed.len() / 40]).unwrap();
    });
    assert_eq!(code, 3, "{document:#}");
    assert_eq!(document["summary"]["complete"], false);
    assert_eq!(document["summary"]["resolved"], 0, "{document:#}");
    let reasons: Vec<&str> = document["changes"].as_array().unwrap().iter().filter_map(|it| it["reason"].as_str()).collect();
    assert!(reasons.iter().any(|it| it.starts_with("the newer report did not read ") && it.ends_with(" whole")), "{document:#}");
}

#[test]
fn limits_change_severity() {
    let folder = monday();
    copied(folder.path(), "tue");
    report(folder.path(), "mon", &["--set", "detectors.load-errors.high_rows=50000"]);
    report(folder.path(), "tue", &[]);
    let (_, document) = compared(folder.path(), &[]);
    let worse: Vec<&Value> = document["changes"].as_array().unwrap().iter().filter(|it| it["change"] == "worsened").collect();
    assert!(!worse.is_empty(), "{document:#}");
    assert!(worse.iter().all(|it| it["detector"] == "load-errors" && it["old"]["severity"] != it["new"]["severity"]));
    let back = run(folder.path(), &["diff", "tue-report", "mon-report", "--format", "json"]);
    let back: Value = serde_json::from_slice(&back.stdout).unwrap();
    assert_eq!(back["summary"]["improved"], worse.len());
    // Only what is new or worse fails with new:, everything without.
    let code = |args: &[&str]| run(folder.path(), &[&["diff"], args].concat()).status.code().unwrap();
    assert_eq!(code(&["mon-report", "tue-report", "--fail-on", "new:medium"]), 1);
    assert_eq!(code(&["tue-report", "mon-report", "--fail-on", "new:info"]), 0);
    assert_eq!(code(&["tue-report", "mon-report", "--fail-on", "low"]), 1);
}

#[test]
fn folders_documents_and_lines_say_the_same() {
    let folder = monday();
    copied(folder.path(), "tue");
    fs::remove_file(folder.path().join("tue").join(LISTING)).unwrap();
    let (window, tue) = (["--since", "2020-01-01", "--until", "2030-01-01"], folder.path().join("tue").join(LOG));
    let log = fs::read_to_string(&tue).unwrap();
    fs::write(&tue, log.lines().take(100).collect::<Vec<_>>().join("\n")).unwrap();
    for night in ["mon", "tue"] {
        report(folder.path(), night, &window);
        for format in ["json", "jsonl"] {
            let output = run(folder.path(), &[&["analyze", night, "--format", format][..], &window].concat());
            fs::write(folder.path().join(format!("{night}.{format}")), output.stdout).unwrap();
        }
    }
    let of = |old: &str, new: &str| {
        let output = run(folder.path(), &["diff", old, new, "--format", "json"]);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
        assert_eq!(document["notes"], json!([]), "windows and versions are known");
        document["changes"].clone()
    };
    let wanted = of("mon-report", "tue-report");
    assert!(wanted.as_array().unwrap().iter().any(|it| it["change"] != "persisting"));
    for (old, new) in [("mon.json", "tue.json"), ("mon.jsonl", "tue.jsonl"), ("mon.json", "tue-report"), ("mon-report", "tue.jsonl")] {
        assert_eq!(of(old, new), wanted, "{old} {new}");
    }
}

#[test]
fn windows_of_different_lengths_are_refused_unless_told() {
    let folder = monday();
    copied(folder.path(), "tue");
    report(folder.path(), "mon", &["--since", "2026-01-01", "--until", "2027-01-01"]);
    report(folder.path(), "tue", &["--since", "2025-01-01", "--until", "2027-01-01"]);
    let output = run(folder.path(), &["diff", "mon-report", "tue-report"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("the windows differ") && said.contains("--different-windows"), "{said}");
    assert_eq!(run(folder.path(), &["diff", "mon-report", "tue-report", "--different-windows"]).status.code(), Some(0));
    let unknown = monday();
    copied(unknown.path(), "tue");
    report(unknown.path(), "mon", &[]);
    report(unknown.path(), "tue", &["--since", "2025-01-01", "--until", "2027-01-01"]);
    let (code, document) = compared(unknown.path(), &[]);
    assert_eq!(code, 0);
    assert!(
        document["notes"][0].as_str().unwrap().starts_with("the older report does not tell how long a time was judged"),
        "{document:#}"
    );
}

#[test]
fn versions_of_detectors_are_refused_unless_told() {
    let folder = monday();
    for name in ["old", "new"] {
        let output = run(folder.path(), &["analyze", "mon", "--format", "jsonl"]);
        let text = stdout(&output);
        let text = if name == "new" { text.replacen("\"detector_version\":1", "\"detector_version\":7", 1) } else { text };
        fs::write(folder.path().join(name), text).unwrap();
    }
    let output = run(folder.path(), &["diff", "old", "new"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("is version 1 in the older report and 7 in the newer one"), "{}", stderr(&output));
    assert!(stderr(&output).contains("--different-versions"));
    assert_eq!(run(folder.path(), &["diff", "old", "new", "--different-versions"]).status.code(), Some(0));
}

/// A case that holds a listing, of a window.
fn case(folder: &Path, name: &str, listing: &str, window: (&str, &str), state: &str) {
    let raw = folder.join(name).join("raw/s3");
    fs::create_dir_all(&raw).unwrap();
    fs::copy(format!("fixtures/demo/{listing}"), raw.join("lake.txt")).unwrap();
    let window = json!({"since": window.0, "until": window.1});
    let unit = |file: Value, state: &str| json!({"collector": "s3", "call": "ListObjectsV2", "subject": "s3://lake", "state": state, "file": file});
    let manifest = json!({
        "format": "casefile-case/1", "casefile": "0.1.0", "region": "us-east-1", "asked": {"window": window, "s3": ["s3://lake"]},
        "units": {"s3/lake": unit("raw/s3/lake.txt".into(), "complete"), "s3/other": unit(Value::Null, state)},
    });
    let manifest = manifest.to_string().replace(",\"file\":null", "").replace("\"file\":null,", "");
    fs::write(folder.join(name).join("manifest.json"), manifest).unwrap();
}

#[test]
fn two_cases_are_judged_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let (mon, tue) = (("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z"), ("2026-01-06T00:00:00Z", "2026-01-07T00:00:00Z"));
    case(folder.path(), "case-mon", LISTING, mon, "complete");
    case(folder.path(), "case-tue", LISTING, tue, "complete");
    case(folder.path(), "case-gap", LISTING, tue, "missing");
    case(folder.path(), "case-week", LISTING, ("2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z"), "complete");
    let of = |new: &str| {
        let output = run(folder.path(), &["diff", "case-mon", new, "--format", "json"]);
        (output.status.code().unwrap(), serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default(), stderr(&output))
    };
    let (code, document, said) = of("case-tue");
    assert_eq!((code, &document["summary"]["persisting"]), (0, &total(&document).into()), "{document:#}{said}");
    assert!(total(&document) > 0);
    assert_eq!(document["new"]["window"]["since"], "2026-01-06T00:00:00.000Z");
    assert_eq!(of("case-gap").0, 3);
    let (code, _, said) = of("case-week");
    assert_eq!(code, 2);
    assert!(said.contains("judged 24 h, the newer one 168 h"), "{said}");
}
