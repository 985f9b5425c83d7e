//! Collecting from Athena: every query of the window once, whatever is left out, throttled or refused; tables only where they were named.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use common::servers::{Servers, answers, athena_dumps, found_in, manifest, stderr, stdout, time};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path, process::Stdio, time::Duration};

/// A second of the day before yesterday: Athena keeps 45 days.
fn recent() -> i64 {
    (jiff::Timestamp::now().as_second() - 2 * 86_400) / 60 * 60
}

/// A history of one query a minute, and a window of its second hour.
fn history(workgroup: &str) -> (Value, [String; 4]) {
    let start = recent();
    let seeds = json!({"athena_copies": {"count": 230, "workgroup": workgroup, "start": start, "seconds": 230 * 60}});
    (seeds, ["--since".to_owned(), time(start + 3_600), "--until".to_owned(), time(start + 3_600 + 120 * 60)])
}

fn arguments<'a>(window: &'a [String; 4], others: &[&'a str]) -> Vec<&'a str> {
    window.iter().map(String::as_str).chain(others.iter().copied()).collect()
}

/// The texts of all queries that a case holds, each as often as it is stored.
fn queries(case: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for unit in manifest(case)["units"].as_object().unwrap().values().filter(|it| it["call"] == "BatchGetQueryExecution") {
        let Some(file) = unit["file"].as_str() else { continue };
        for answer in answers(&case.join(file)) {
            let executions = answer["QueryExecutions"].as_array().unwrap().clone();
            texts.extend(executions.iter().map(|it| it["Query"].as_str().unwrap().to_owned()));
        }
    }
    texts.sort();
    texts
}

/// The queries from the 60th to the 179th minute.
fn wanted() -> Vec<String> {
    let mut texts: Vec<String> = (60..180).map(|it| format!("SELECT {it}")).collect();
    texts.sort();
    texts
}

fn states(case: &Path) -> BTreeSet<String> {
    manifest(case)["units"].as_object().unwrap().values().map(|it| it["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_query_of_the_window_comes_once_however_answers_fall_short() {
    let faults = [
        ("paged", json!({})),
        ("left out", json!({"athena": {"unprocessed_every": 7}})),
        ("small pages", json!({"athena": {"page": 9, "unprocessed_every": 5}})),
        ("half throttled", json!({"throttle": {"share": 0.5, "seed": 3}})),
        (
            "ill service",
            json!({"error_500": {"share": 0.1, "seed": 1}, "reset_before": {"share": 0.05, "seed": 2}, "reset_middle": {"share": 0.05, "seed": 4}}),
        ),
    ];
    for (name, fault) in faults {
        let (seeds, window) = history("etl");
        let Some(mut servers) = Servers::start(name, &[seeds, fault]) else { return };
        let folder = tempfile::tempdir().unwrap();
        let output = servers.collect(folder.path(), &arguments(&window, &["--athena", "--athena-statistics", "3"])).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}: {}{}", stdout(&output), stderr(&output));
        assert_eq!(queries(&folder.path().join("case")), wanted(), "{name}");
        let counters = servers.control(&json!({"counters": true}))["counters"].clone();
        assert_eq!(counters["model_faults"], json!([]), "{name}");
        println!("{name}: 120 queries of 230, each once; calls {}", counters["calls"]);
    }
}

#[test]
fn what_is_left_out_for_good_is_named_and_brought_later() {
    let (seeds, window) = history("etl");
    let Some(mut servers) = Servers::start("left out for good", &[seeds, json!({"athena": {"unprocessed_every": 1}})]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let asked = arguments(&window, &["--athena", "--workgroup", "etl", "--athena-statistics", "1"]);
    let output = servers.collect(folder.path(), &asked).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("queries were left out of the answers, the first is"), "{}", stdout(&output));
    assert!(stdout(&output).contains("INTERNAL_FAILURE"), "{}", stdout(&output));
    servers.control(&json!({"athena": {"unprocessed_every": 0}}));
    let output = servers.collect(folder.path(), &["--resume"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(queries(&folder.path().join("case")), wanted());
}

#[test]
fn what_is_refused_does_not_stop_the_rest() {
    let (seeds, window) = history("etl");
    let denied = json!({"deny": ["athena:GetQueryRuntimeStatistics"]});
    let Some(mut servers) = Servers::start("refused", &[seeds, denied]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let asked = arguments(&window, &["--athena", "--workgroup", "etl", "--workgroup", "not-there"]);
    let output = servers.collect(folder.path(), &asked).output().unwrap();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(3), "{said}{}", stderr(&output));
    assert_eq!(queries(&folder.path().join("case")), wanted());
    assert!(said.contains("refused: BatchGetQueryExecution of not-there"), "{said}");
    assert!(said.contains("WorkGroup not-there is not found"), "{said}");
    // Of twenty queries, and said once.
    assert_eq!(said.matches("refused: GetQueryRuntimeStatistics of etl").count(), 1, "{said}");
    let wanted =
        r#"casefile needs {"Effect":"Allow","Action":"athena:GetQueryRuntimeStatistics","Resource":"arn:aws:athena:*:*:workgroup/*"}"#;
    assert!(said.contains(wanted), "{said}");
    servers.control(&json!({"deny": null, "athena_workgroup": {"Name": "not-there"}}));
    let output = servers.collect(folder.path(), &["--resume"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let statistics = manifest(&folder.path().join("case"))["units"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|it| it.0.contains("/statistics-") && it.1["state"] == "complete")
        .count();
    assert_eq!(statistics, 20);
}

#[test]
fn what_is_older_than_the_history_is_told_unless_older_queries_are_there() {
    let seeds = json!({"night": {}});
    let Some(mut servers) = Servers::start("horizon", &[seeds]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let asked = ["--since", "2025-01-01", "--until", "2026-08-15", "--athena", "--workgroup", "nightly"];
    let output = servers.collect(folder.path(), &asked).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("Athena keeps 45 days of history: what was submitted before"), "{}", stdout(&output));
    assert!(states(&folder.path().join("case")).contains("truncated"));
    // A query from before the window proves that nothing of it is gone.
    servers.control(&json!({"athena_copies": {"count": 3, "workgroup": "nightly", "start": 1_700_000_000, "seconds": 60}}));
    let other = tempfile::tempdir().unwrap();
    let output = servers.collect(other.path(), &asked).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn a_case_says_what_the_dumps_say() {
    let folder = tempfile::tempdir().unwrap();
    let (dumped, submitted) = (folder.path().join("dumps"), recent() + 7_200);
    fs::create_dir(&dumped).unwrap();
    athena_dumps(&dumped, submitted);
    let Some(servers) = Servers::start("findings", &[json!({"athena_history": {"folder": dumped}})]) else { return };
    let (_, window) = history("nightly");
    let output = servers.collect(folder.path(), &arguments(&window, &["--athena"])).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let (of_case, of_dumps) = (found_in(folder.path(), "case"), found_in(folder.path(), "dumps"));
    let detectors: BTreeSet<&str> = of_dumps.iter().map(|it| it["detector"].as_str().unwrap()).collect();
    assert_eq!(detectors, BTreeSet::from(["access-denied", "partition-skew"]));
    assert_eq!(of_case, of_dumps);
}

/// A bucket of many small files, which are a table, and a workgroup that writes results.
fn table(files: u32) -> [Value; 3] {
    let listing = (0..files).fold(String::new(), |mut text, file| {
        writeln!(text, "2026-08-14 05:00:00 {:>10} clicks/dt=2026-08-13/part-{file:05}.json.gz", 40_000 + file).unwrap();
        text
    });
    [
        json!({"objects": {"bucket": "shop-raw", "text": listing}}),
        json!({"athena_workgroup": {"Name": "audit", "OutputLocation": "s3://shop-results/"}}),
        json!({"athena": {"tables": {"shop.clicks": "s3://shop-raw/clicks/"}}}),
    ]
}

#[test]
fn the_files_of_a_table_come_only_where_it_was_named() {
    let Some(mut servers) = Servers::start("table", &table(2_500)) else { return };
    let folder = tempfile::tempdir().unwrap();
    let asked = ["--last", "1h", "--athena-table", "shop.clicks", "--athena-table", "shop.not_there", "--workgroup", "audit"];
    let planned = servers.collect(folder.path(), &[&asked[..], &["--dry-run"]].concat()).output().unwrap();
    let said = stdout(&planned);
    assert_eq!(planned.status.code(), Some(0), "{said}{}", stderr(&planned));
    assert!(said.contains("shop.clicks: a query in workgroup audit reads the table, costs what it scans"), "{said}");
    assert!(said.contains("SELECT DISTINCT \"$path\", \"$file_size\""), "{said}");
    assert_eq!(servers.calls("StartQueryExecution"), 0);
    let output = servers.collect(folder.path(), &asked).output().unwrap();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(3), "{said}{}", stderr(&output));
    assert!(said.contains("refused: athena/files.sql of shop.not_there: GetQueryExecution answered FAILED"), "{said}");
    assert!(said.contains("TABLE_NOT_FOUND"), "{said}");
    let manifest = manifest(&folder.path().join("case"));
    assert_eq!(manifest["units"]["athena_files/shop.clicks/files"]["rows"], json!(2_500));
    // The same files as from a listing, and the same finding.
    let found = found_in(folder.path(), "case");
    assert!(found.iter().any(|it| it["detector"] == "small-files" && it["facts"]["files"] == 2_500), "{found:#?}");
}

#[test]
fn a_query_of_a_collection_that_was_killed_is_waited_for_and_paid_once() {
    for (ends_as, sent) in [("SUCCEEDED", 1), ("CANCELLED", 2)] {
        let Some(mut servers) = Servers::start("killed", &table(10)) else { return };
        servers.control(&json!({"athena": {"running_polls": 1_000_000}}));
        let folder = tempfile::tempdir().unwrap();
        let asked = ["--last", "1h", "--athena-table", "shop.clicks", "--workgroup", "audit"];
        let mut child = servers.collect(folder.path(), &asked).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while servers.calls("GetQueryExecution") < 2 {
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        servers.control(&json!({"athena": {"running_polls": 1}}));
        if ends_as == "CANCELLED" {
            servers.control(&json!({"athena_stop": true}));
        }
        let output = servers.collect(folder.path(), &["--resume"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
        assert_eq!(servers.calls("StartQueryExecution"), sent, "{ends_as}");
        assert_eq!(manifest(&folder.path().join("case"))["units"]["athena_files/shop.clicks/files"]["rows"], json!(10));
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_collection_leaves_no_query_running() {
    let Some(mut servers) = Servers::start("interrupted", &table(10)) else { return };
    servers.control(&json!({"athena": {"running_polls": 1_000_000}}));
    let folder = tempfile::tempdir().unwrap();
    let asked = ["--last", "1h", "--athena-table", "shop.clicks", "--workgroup", "audit"];
    let child = servers.collect(folder.path(), &asked).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while servers.calls("GetQueryExecution") < 3 {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert_eq!(servers.calls("StopQueryExecution"), 1);
    servers.control(&json!({"athena": {"running_polls": 1}}));
    let output = servers.collect(folder.path(), &["--resume"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn a_collection_that_is_killed_again_and_again_ends_with_the_same_queries() {
    let (seeds, window) = history("etl");
    let slow = json!({"slow": {"share": 0.7, "seed": 1, "seconds": 0.08}});
    let Some(servers) = Servers::start("kills", &[seeds, slow]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("case");
    let asked = arguments(&window, &["--athena", "--concurrency", "2"]);
    let mut killed = 0;
    for pause in (0_u64..).map(|it| 60 + it * 97 % 700) {
        let resume: &[&str] = if case.join("manifest.json").exists() { &["--resume"] } else { &[] };
        let mut child =
            servers.collect(folder.path(), &[&asked[..], resume].concat()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if killed < 6 {
            std::thread::sleep(Duration::from_millis(pause));
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                killed += 1;
            }
        }
        if child.wait().unwrap().success() {
            break;
        }
    }
    assert_eq!(queries(&case), wanted());
    assert_eq!(states(&case), BTreeSet::from(["complete".to_owned()]));
    let files = manifest(&case)["units"].as_object().unwrap().keys().filter(|it| it.contains("/statistics-")).count();
    assert_eq!(files, 20);
    println!("kills: {killed} kills and resumes, 120 queries, each once");
}
