//! Suppressions on a whole night: what they silence, what they may not, and what is said of those that do nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken test should stop loudly")]

use assert_cmd::Command;
use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::{Field, Row},
};
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path, process::Output};

const NIGHT: &str = "fixtures/stories/night";

/// `analyze` of the night with these suppressions.
fn analyze(suppressions: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("casefile.toml");
    fs::write(&config, suppressions).unwrap();
    let args = [&["analyze", NIGHT, "--config", config.to_str().unwrap()], more].concat();
    Command::cargo_bin("casefile").unwrap().env_remove("COLUMNS").args(args).output().unwrap()
}

fn json(suppressions: &str, more: &[&str]) -> Value {
    let told = analyze(suppressions, &[&["--format", "json"], more].concat());
    serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&told.stderr)))
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The findings with this status, by detector and subject.
fn with_status<'a>(report: &'a Value, status: &str) -> Vec<(&'a str, &'a str)> {
    let found = report["findings"].as_array().unwrap().iter().filter(|it| it["status"] == status);
    found.map(|it| (it["detector"].as_str().unwrap(), it["subject"]["id"].as_str().unwrap())).collect()
}

/// What is said of suppressions that do not do what they are there for.
fn states(report: &Value) -> Vec<&str> {
    report["suppressions"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap()).collect()
}

/// An entry on the subject of a detector.
fn entry(detector: &str, subject: &str, more: &str) -> String {
    format!(
        "[[suppress]]\ndetector = \"{detector}\"\nsubject = \"{subject}\"\nreason = \"known, ADR 12\"\nowner = \"data-platform\"\n{more}\n"
    )
}

const LATER: &str = "until = \"2026-12-31\"";

#[test]
fn what_is_suppressed_stays_in_the_data_and_calls_for_nobody() {
    let all = json("", &[]);
    assert_eq!((with_status(&all, "open").len(), with_status(&all, "suppressed").len()), (4, 0));
    assert!(all.get("suppressions").is_none());
    assert_eq!(all["first_fault"]["finding_id"], "f1:c851e2068f1232d2");

    let suppress = entry("access-denied", "*role/shop-*", LATER);
    let report = json(&suppress, &[]);
    assert_eq!(with_status(&report, "suppressed"), [("access-denied", report["findings"][2]["subject"]["id"].as_str().unwrap())]);
    assert_eq!(report["findings"].as_array().unwrap().len(), 4);
    assert_eq!(
        report["findings"][2]["suppression"],
        serde_json::json!({"kind": "accepted", "reason": "known, ADR 12", "owner": "data-platform", "until": "2026-12-31"})
    );
    assert_ne!(report["first_fault"]["finding_id"], "f1:c851e2068f1232d2");
    assert_eq!((&report["summary"]["findings"]["high"], &report["summary"]["suppressed"]), (&1.into(), &1.into()));
    assert_eq!((&report["suppressions"], &report["verdicts"]), (&Value::Array(Vec::new()), &all["verdicts"]));
}

#[test]
fn exit_codes_look_at_what_is_open() {
    let code = |suppress: &str, severity: &str| analyze(suppress, &["--fail-on", severity]).status.code().unwrap();
    let tables = entry("single-file-copy", "*", LATER);
    assert_eq!((code("", "critical"), code(&tables, "critical"), code(&tables, "high")), (1, 0, 1));
    let others = entry("access-denied", "*", LATER) + &entry("load-errors", "sales.*", LATER);
    assert_eq!(code(&(tables + &others), "info"), 0);
}

#[test]
fn every_key_of_an_entry_must_fit_and_any_entry_will_do() {
    let id = "f1:0160c2e9697f2d9f";
    let of = |detector: &str, subject: &str| format!("[[suppress]]\nfinding_id = \"{id}\"\n{detector}{subject}reason = \"x\"\n{LATER}\n");
    let suppressed = |text: &str| with_status(&json(text, &[]), "suppressed").len();
    assert_eq!(suppressed(&of("", "")), 1);
    assert_eq!(suppressed(&of("detector = \"single-file-copy\"\n", "subject = \"ops.?tock\"\n")), 1);
    assert_eq!(suppressed(&of("detector = \"small-files\"\n", "")), 0);
    assert_eq!(suppressed(&of("", "subject = \"sales.*\"\n")), 0);
    assert_eq!(suppressed(&(of("", "") + &entry("single-file-copy", "sales.order[rs]", LATER))), 2);
    assert_eq!(suppressed(&entry("single-file-copy", "sales", LATER)), 0, "a pattern is about the whole subject");
}

#[test]
fn what_is_grave_is_suppressed_up_to_a_day_only() {
    let report = json(&entry("access-denied", "*", ""), &["--fail-on", "high"]);
    assert_eq!((with_status(&report, "suppressed").len(), states(&report)), (0, vec!["needs-until"]));
    assert_eq!(report["suppressions"][0]["findings"], serde_json::json!(["f1:c851e2068f1232d2"]));
    assert_eq!(analyze(&entry("access-denied", "*", ""), &["--fail-on", "high"]).status.code(), Some(1));
}

#[test]
fn the_day_is_judged_by_the_evidence_and_never_by_the_clock() {
    // The night's last event is of 2026-08-14; its window, where one is named, ends at the midnight after it.
    for (until, window, state) in [
        ("2026-08-14", &[][..], Some("expired")),
        ("2026-08-15", &[], None),
        ("2026-08-15", &["--until", "2026-08-15"], None),
        ("2026-08-15", &["--until", "2026-08-15T00:00:00.001Z"], Some("expired")),
        ("2026-08-14", &["--until", "2026-08-15"], Some("expired")),
    ] {
        let report = json(&entry("access-denied", "*", &format!("until = \"{until}\"")), window);
        assert_eq!(states(&report).first().copied(), state, "{until} {window:?}");
        assert_eq!(with_status(&report, "suppressed").len(), usize::from(state.is_none()), "{until} {window:?}");
    }
    let told = text(&analyze(&entry("access-denied", "*", "until = 2026-08-14"), &[]));
    assert!(told.contains("suppression of access-denied *: expired: it expired on 2026-08-14: what it silenced is open again"), "{told}");
}

/// A table's statistics tell no time: whether the day has come cannot be known, and nothing is silenced on a guess.
#[test]
fn without_any_time_no_day_has_come_or_gone() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("svv_table_info.csv");
    let head = "database,schema,table_id,table,encoded,diststyle,sortkey1,size,unsorted,stats_off,tbl_rows,skew_sortkey1,skew_rows";
    fs::write(&dump, format!("{head}\ndev,core,7,sales,Y,KEY(status),,400000,0,0,900000,,40\n")).unwrap();
    let config = folder.path().join("a.toml");
    let states = |until: &str, window: &[&str]| {
        fs::write(&config, entry("partition-skew", "*", until)).unwrap();
        let args = [&["analyze", dump.to_str().unwrap(), "--format", "json", "--config", config.to_str().unwrap()], window].concat();
        let told = Command::cargo_bin("casefile").unwrap().args(args).output().unwrap();
        let report: Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!(report["findings"].as_array().unwrap().len(), 1);
        states(&report).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(states(LATER, &[]), ["undated"]);
    assert_eq!(states(LATER, &["--until", "2026-08-15"]), Vec::<String>::new());
}

#[test]
fn what_matches_nothing_is_fixed_only_where_it_was_looked_for() {
    let gone = entry("access-denied", "nobody", LATER) + &entry("small-files", "s3://nowhere/*", LATER);
    assert_eq!(states(&json(&gone, &[])), ["fixed", "fixed"]);
    let not_asked = json(&gone, &["--detector", "access-denied"]);
    assert_eq!(states(&not_asked), ["fixed", "not-exercised"]);
    assert!(not_asked["suppressions"][1]["explanation"].as_str().unwrap().contains("no verdict of small-files"));
    let damaged = json(&gone, &["/nowhere/at/all"]);
    assert_eq!(states(&damaged), ["not-exercised", "not-exercised"]);
    // Which detector would show a finding cannot be told from its id: all of them must have looked.
    let id = "[[suppress]]\nfinding_id = \"f1:0123456789abcdef\"\nreason = \"x\"\n";
    assert_eq!(states(&json(id, &[])), ["fixed"]);
    assert_eq!(states(&json(id, &["--detector", "access-denied"])), ["not-exercised"]);
}

#[test]
fn every_format_tells_of_it() {
    let suppress = entry("access-denied", "*", LATER) + &entry("small-files", "x", LATER);
    let terminal = text(&analyze(&suppress, &[]));
    let (open, rest) = terminal.split_once("SUPPRESSED (1)\n  high access-denied: ").unwrap_or_else(|| panic!("{terminal}"));
    assert!(!open.contains("access-denied  "), "{open}");
    assert!(!rest.contains("known, ADR 12") && rest.contains("access-denied findings (1, 1 suppressed)"), "{rest}");
    assert!(rest.ends_with("2 critical, 1 high; suppressed: 1\n"), "{rest}");
    let verbose = text(&analyze(&suppress, &["-v"]));
    let flat = verbose.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("accepted: known, ADR 12, data-platform, until 2026-12-31"), "{verbose}");

    let md = text(&analyze(&suppress, &["--format", "md"]));
    assert!(
        md.contains("## Suppressed: 1\n\n- high: role shop-mwaa-execution") && md.contains("- suppression of small-files x: fixed: "),
        "{md}"
    );

    let lines = text(&analyze(&suppress, &["--format", "jsonl"]));
    let objects: Vec<Value> = lines.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let told: Vec<&Value> = objects.iter().filter(|it| it["type"] == "suppression").collect();
    assert_eq!((told.len(), &told[0]["state"], &told[0]["reason"]), (1, &"fixed".into(), &"known, ADR 12".into()));
    assert_eq!(objects.iter().filter(|it| it["status"] == "suppressed").count(), 1);

    let csv = text(&analyze(&suppress, &["--format", "csv"]));
    assert!(csv.lines().next().unwrap().contains(",status"));
    assert_eq!(csv.lines().filter(|it| it.contains(",\"suppressed\"")).count(), 1);

    let out = tempfile::tempdir().unwrap();
    assert!(analyze(&suppress, &["--out", out.path().to_str().unwrap()]).status.success());
    let rows = findings_rows(out.path());
    let suppressed: Vec<_> = rows.iter().filter(|it| it["status"] == "suppressed").collect();
    assert_eq!((rows.len(), suppressed.len()), (4, 1));
    assert!(suppressed[0]["suppression"].contains("known, ADR 12"));
}

/// The texts of the findings in the lake.
fn findings_rows(out: &Path) -> Vec<BTreeMap<String, String>> {
    let day = out.join("findings/dt=2026-08-14");
    let file = fs::read_dir(day).unwrap().next().unwrap().unwrap().path();
    let reader = SerializedFileReader::new(fs::File::open(file).unwrap()).unwrap();
    let texts = |row: Row| {
        let texts = row
            .get_column_iter()
            .filter_map(|(name, field)| if let Field::Str(text) = field { Some((name.clone(), text.clone())) } else { None });
        texts.collect()
    };
    reader.get_row_iter(None).unwrap().map(|it| texts(it.unwrap())).collect()
}

/// The demo, and whatever analyzes, takes the same file.
#[test]
fn the_demo_takes_suppressions_too() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("a.toml");
    let all: String = casefile::detectors::DETECTORS.iter().map(|it| entry(it.id, "*", LATER)).collect();
    fs::write(&config, all).unwrap();
    let args = ["demo", "--config", config.to_str().unwrap(), "--fail-on", "info"];
    let told = Command::cargo_bin("casefile").unwrap().args(args).output().unwrap();
    assert_eq!(told.status.code(), Some(0));
    assert!(text(&told).contains("no open findings; suppressed: "), "{}", text(&told));
}
