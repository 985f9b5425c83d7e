//! Collecting logs: every event once, however the service throttles, and whenever the collection is killed.
//!
//! `CASEFILE_FULL_SIZE=1 cargo test --test collect_logs -- --nocapture` runs the sizes of the full proof: 250,000 events, 50 kills.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use common::servers::{Servers, at_full_size, digest, events, evidence, login, manifest, stderr, stdout, time};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

/// The large group, its window as arguments, and what the servers say of it.
fn burst(count: u64, dense: u64) -> Value {
    json!({"burst": {"group": "big", "count": count, "dense": dense}})
}

fn window(told: &Value) -> [String; 4] {
    let second = |at: usize| told["window"][at].as_i64().unwrap();
    ["--since".to_owned(), time(second(0)), "--until".to_owned(), time(second(1) + 1)]
}

fn arguments<'a>(window: &'a [String; 4], others: &[&'a str]) -> Vec<&'a str> {
    window.iter().map(String::as_str).chain(others.iter().copied()).collect()
}

/// Collects the large group one way, and compares it with what the servers hold.
fn brought_once(case: &str, setting: &Value, faults: &Value, way: &str) {
    let (count, dense) = if at_full_size() { (250_000, 30_000) } else { (26_000, 12_000) };
    let Some(mut servers) = Servers::start(case, &[burst(count, dense), setting.clone(), faults.clone()]) else { return };
    let told = servers.answers[0]["burst"].clone();
    let folder = tempfile::tempdir().unwrap();
    let window = window(&told);
    let output = servers.collect(folder.path(), &arguments(&window, &["--log-group", "big", "--logs", way])).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{case}: {}{}", stdout(&output), stderr(&output));
    let found = events(&folder.path().join("case"), "big");
    assert_eq!(found.len() as u64, told["window_events"].as_u64().unwrap(), "{case}");
    assert_eq!(digest(&found), told["window_sha256"].as_str().unwrap(), "{case}");
    let counters = servers.control(&json!({"counters": true}))["counters"].clone();
    assert_eq!(counters["model_faults"], json!([]));
    let windows = counters["windows"].as_array().unwrap();
    let limit = windows.iter().map(|it| it["limit"].as_u64().unwrap()).max().unwrap_or(1);
    // Each query brings at most its limit; a second that holds more is asked for by its streams.
    let least = told["window_events"].as_u64().unwrap().div_ceil(limit);
    let sent = windows.len() as u64;
    println!(
        "{case}: {} events, hash as seeded; StartQuery ran {sent} times, the least at {limit} rows is {}; {} calls, {} throttled",
        found.len(),
        if way == "insights" { least } else { 0 },
        counters["total"],
        counters["throttled"].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>(),
    );
    if way == "insights" && setting["insights"]["fail"].is_null() {
        // The first, three that count, and windows that bursts leave partly full.
        assert!(sent <= least + least / 3 + 6, "{case}: more queries than cutting by counts needs: {windows:#?}");
    }
}

#[test]
fn every_event_comes_once_through_an_endpoint_with_the_former_limit() {
    brought_once("former limit", &json!({"insights": {"max_limit": 10_000}}), &json!({}), "insights");
}

#[test]
fn every_event_comes_once_through_an_endpoint_with_pages() {
    brought_once("pages", &json!({"insights": {"max_limit": 100_000, "running_polls": 2}}), &json!({}), "insights");
}

#[test]
fn every_event_comes_once_when_half_of_the_calls_are_throttled() {
    brought_once(
        "half throttled",
        &json!({"insights": {"max_limit": 10_000}}),
        &json!({"throttle": {"share": 0.5, "seed": 3}}),
        "insights",
    );
}

#[test]
fn every_event_comes_once_event_by_event() {
    brought_once(
        "event by event",
        &json!({"reads": {"empty_every": 3, "page_events": 1_000}}),
        &json!({"throttle": {"share": 0.5, "seed": 5}}),
        "raw",
    );
}

#[test]
fn every_event_comes_once_when_the_service_is_ill() {
    let faults = json!({"error_500": {"share": 0.1, "seed": 1}, "reset_before": {"share": 0.05, "seed": 2}, "reset_middle": {"share": 0.05, "seed": 4}});
    let failing = json!({"insights": {"max_limit": 10_000, "fail": {"every": 4, "status": "Failed"}}, "reads": {"page_events": 1_000}});
    brought_once("ill service", &failing, &faults, "insights");
    brought_once("ill service, event by event", &failing, &faults, "raw");
}

/// Numbers that look random and are the same every time.
fn numbers(mut seed: u64) -> impl Iterator<Item = u64> {
    std::iter::repeat_with(move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    })
}

#[test]
fn a_collection_that_is_killed_again_and_again_ends_with_the_same_evidence() {
    let (count, dense, kills) = if at_full_size() { (250_000, 30_000, 50) } else { (26_000, 12_000, 6) };
    let corpus = json!({"airflow": {"folder": "fixtures/stories/night/airflow", "environment": "shop-prod"}});
    let slow = json!({"slow": {"share": 0.5, "seed": 1, "seconds": 0.05}});
    let limits = json!({"insights": {"max_limit": 10_000}});
    let Some(servers) = Servers::start("kills", &[burst(count, dense), corpus, limits, slow]) else { return };
    let told = servers.answers[0]["burst"].clone();
    let window = window(&told);
    let whole = tempfile::tempdir().unwrap();
    let asked = arguments(&window, &["--log-group", "big", "--logs", "insights", "--concurrency", "2"]);
    let output = servers.collect(whole.path(), &asked).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));

    let folder = tempfile::tempdir().unwrap();
    let (mut killed, mut resume) = (0, false);
    for number in numbers(42) {
        let mut asked = asked.clone();
        if resume {
            asked.push("--resume");
        }
        let mut child = servers.collect(folder.path(), &asked).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if killed < kills {
            std::thread::sleep(Duration::from_millis(20 + number % 1_500));
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                killed += 1;
            }
        }
        let status = child.wait().unwrap();
        resume = folder.path().join("case/manifest.json").exists();
        if status.success() && killed >= kills {
            break;
        }
        if status.success() {
            // It was faster than the kills: it begins again.
            std::fs::remove_dir_all(folder.path().join("case")).unwrap();
            resume = false;
        }
    }
    let found = events(&folder.path().join("case"), "big");
    assert_eq!(digest(&found), told["window_sha256"].as_str().unwrap());
    let units = |it: &Path| manifest(&it.join("case"))["units"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(units(whole.path()), units(folder.path()));
    let (one, other) = (evidence(whole.path()), evidence(folder.path()));
    let names = |tables: &[(PathBuf, Vec<u8>)]| tables.iter().map(|it| (it.0.clone(), it.1.len())).collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    assert!(one == other, "the evidence tables differ");
    println!("kills: {killed} kills and resumes, {} events, evidence tables as without", found.len());
}

#[test]
fn what_airflow_logged_comes_event_by_event_and_what_is_refused_is_named() {
    let seeds = json!({"airflow": {"folder": "fixtures/stories/night/airflow", "environment": "shop-prod"}});
    let Some(mut servers) = Servers::start("airflow", &[seeds]) else { return };
    let told = servers.answers[0]["airflow"].as_array().unwrap().clone();
    assert!(told.iter().any(|it| it["events"].as_u64().unwrap() > 100));
    let folder = tempfile::tempdir().unwrap();
    let asked = ["--since", "2020-01-01", "--mwaa-environment", "shop-prod", "--log-group", "not-there"];
    let output = servers.collect(folder.path(), &asked).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("refused: FilterLogEvents of not-there"), "{}", stdout(&output));
    for group in told.iter().filter(|it| !it["group"].as_str().unwrap().ends_with("WebServer")) {
        let found = events(&folder.path().join("case"), group["group"].as_str().unwrap());
        assert_eq!(
            (found.len() as u64, digest(&found).as_str()),
            (group["events"].as_u64().unwrap(), group["sha256"].as_str().unwrap()),
            "{group}"
        );
    }
    // What is missing makes the analysis incomplete, and is named there too.
    let output = analyze(folder.path());
    assert_eq!(output.status.code(), Some(3));
    assert!(stdout(&output).contains("not-there"), "{}", stdout(&output));
    assert!(!stdout(&output).contains(" clean"), "{}", stdout(&output));
    assert_eq!(servers.control(&json!({"counters": true}))["counters"]["model_faults"], json!([]));
}

fn analyze(folder: &Path) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_casefile")).current_dir(folder).args(["analyze", "case"]).output().unwrap()
}

#[test]
fn a_permission_that_is_missing_is_named_with_its_statement_and_brought_later() {
    let seeds = json!({"airflow": {"folder": "fixtures/stories/night/airflow", "environment": "shop-prod"}});
    let Some(mut servers) = Servers::start("denied", &[seeds, json!({"deny": ["logs:FilterLogEvents", "logs:GetLogEvents"]})]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let asked = ["--since", "2020-01-01", "--until", "2030-01-01", "--mwaa-environment", "shop-prod"];
    let output = servers.collect(folder.path(), &asked).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    let wanted = r#"GetLogEvents would do instead, and is refused too; casefile needs {"Effect":"Allow","Action":"logs:FilterLogEvents","Resource":"arn:aws:logs:*:*:log-group:*"}"#;
    assert!(stdout(&output).contains(wanted), "{}", stdout(&output));
    // Another collection is not this one.
    let other = servers
        .collect(folder.path(), &["--resume", "--since", "2021-01-01", "--until", "2030-01-01", "--log-group", "x"])
        .output()
        .unwrap();
    assert_eq!(other.status.code(), Some(2));
    assert!(stderr(&other).contains("log-groups was not given, now [\"x\"]"), "{}", stderr(&other));
    servers.control(&json!({"deny": null}));
    let output = servers.collect(folder.path(), &["--resume"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn a_dry_run_makes_only_calls_that_cost_nothing() {
    let Some(mut servers) = Servers::start("dry run", &[burst(1_000, 10)]) else { return };
    let window = window(&servers.answers[0]["burst"].clone());
    let folder = tempfile::tempdir().unwrap();
    let asked = arguments(&window, &["--log-group", "big", "--logs", "insights", "--dry-run"]);
    let output = servers.collect(folder.path(), &asked).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let shown = stdout(&output);
    assert!(
        shown.contains("logs_insights logs/events.insights of big from") && shown.contains("fields @timestamp, @logStream, @message"),
        "{shown}"
    );
    assert!(!folder.path().join("case").exists());
    let calls = servers.control(&json!({"counters": true}))["counters"]["calls"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(calls, ["GetCallerIdentity", "DescribeLogGroups"]);
}

#[test]
fn a_login_that_expires_on_the_way_leaves_a_case_that_goes_on() {
    let Some(mut servers) = Servers::start("expired", &[burst(3_000, 10), json!({"reads": {"page_events": 500}})]) else { return };
    let told = servers.answers[0]["burst"].clone();
    let window = window(&told);
    let folder = tempfile::tempdir().unwrap();
    servers.control(&json!({"expired_token_from": 5}));
    let asked = arguments(&window, &["--log-group", "big", "--logs", "raw"]);
    let output = servers.collect(folder.path(), &asked).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("log in again"), "{}", stdout(&output));
    servers.control(&json!({"expired_token_from": null}));
    let output = servers.collect(folder.path(), &["--resume"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(digest(&events(&folder.path().join("case"), "big")), told["window_sha256"].as_str().unwrap());
}

#[test]
fn what_may_be_scanned_is_not_exceeded() {
    let Some(mut servers) = Servers::start("most scanned", &[burst(3_000, 10)]) else { return };
    let window = window(&servers.answers[0]["burst"].clone());
    let folder = tempfile::tempdir().unwrap();
    let asked = arguments(&window, &["--log-group", "big", "--logs", "insights", "--max-scan-gb", "0.0000001"]);
    let output = servers.collect(folder.path(), &asked).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("--max-scan-gb"), "{}", stdout(&output));
    assert_eq!(servers.calls("StartQuery"), 0);
    let output = servers.collect(folder.path(), &["--resume"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
}

#[cfg(unix)]
#[test]
fn an_interrupted_collection_leaves_no_query_running() {
    for signal in ["-INT", "-TERM"] {
        interrupted_by(signal);
    }
}

#[cfg(unix)]
fn interrupted_by(signal: &str) {
    let slow = json!({"insights": {"running_polls": 1_000_000}});
    let Some(mut servers) = Servers::start("interrupted", &[burst(3_000, 10), slow]) else { return };
    let window = window(&servers.answers[0]["burst"].clone());
    let folder = tempfile::tempdir().unwrap();
    let asked = arguments(&window, &["--log-group", "big", "--logs", "insights"]);
    let child = servers.collect(folder.path(), &asked).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while servers.calls("GetQueryResults") < 3 {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("--resume continues it"), "{}", stderr(&output));
    assert_eq!(servers.calls("StopQuery"), 1);
    let manifest = manifest(&folder.path().join("case"));
    let unit = manifest["units"].as_object().unwrap().values().next().unwrap().clone();
    assert_eq!((&unit["state"], &unit["reason"]), (&json!("missing"), &json!("interrupted")));
    servers.control(&json!({"insights": {"running_polls": 1}}));
    let output = servers.collect(folder.path(), &["--resume"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn without_a_login_nothing_is_begun_and_offline_commands_need_none() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("task.log"), "[2026-01-02T03:04:05.000+0000] {a.py:1} INFO - x\n").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_casefile"));
        command.current_dir(folder.path()).args(arguments).envs(login(folder.path()));
        // Whoever asked would wait here, or fail.
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env("AWS_PROFILE", "not-there");
        command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1").env("HTTPS_PROXY", "http://127.0.0.1:1").output().unwrap()
    };
    for offline in [vec!["analyze", "task.log"], vec!["demo"], vec!["detectors"], vec!["schema"], vec!["explain", "load-errors"]] {
        assert_eq!(run(&offline).status.code(), Some(0), "{offline:?}");
    }
    let output = run(&["collect", "--last", "1h", "--log-group", "x", "--case", "case"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("no AWS login"), "{}", stderr(&output));
    assert!(!folder.path().join("case").exists());
}

/// The ids of what is found, which hold no paths and no counts.
fn findings(folder: &Path, path: &str) -> Vec<String> {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_casefile"));
    let output = command.current_dir(folder).args(["analyze", path, "--format", "json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut ids: Vec<String> =
        report["findings"].as_array().unwrap().iter().map(|it| format!("{} {}", it["finding_id"], it["title"])).collect();
    ids.sort();
    ids
}

#[test]
fn a_case_says_what_the_dumps_say_and_what_the_levels_hide() {
    let seeds = json!({"airflow": {"folder": "fixtures/stories/night/airflow", "environment": "shop-prod"}});
    let environment = json!({"mwaa": {"name": "shop-prod", "levels": {"Scheduler": "WARNING", "Worker": "INFO", "DAGProcessing": "INFO"}}});
    let Some(servers) = Servers::start("findings", &[seeds, environment]) else { return };
    let dumps = std::path::absolute("fixtures/stories/night/airflow").unwrap();
    for way in ["raw", "insights"] {
        let folder = tempfile::tempdir().unwrap();
        let asked = ["--since", "2020-01-01", "--mwaa-environment", "shop-prod", "--logs", way];
        let output = servers.collect(folder.path(), &asked).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
        let said = stdout(&output);
        assert!(said.contains("airflow-shop-prod-Scheduler is logged at WARNING: INFO lines, which prove"), "{said}");
        let output = analyze(folder.path());
        assert_eq!(output.status.code(), Some(0));
        let (of_case, of_dumps) = (findings(folder.path(), "case"), findings(folder.path(), dumps.to_str().unwrap()));
        assert!(!of_dumps.is_empty());
        assert_eq!(of_case, of_dumps, "{way}");
    }
}

#[test]
fn what_retention_deleted_is_told_and_not_asked_for() {
    let seeds = json!({"airflow": {"folder": "fixtures/stories/night/airflow", "environment": "shop-prod", "retention": 1}});
    let Some(servers) = Servers::start("retention", &[seeds]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let asked = ["--since", "2020-01-01", "--log-group", "airflow-shop-prod-Task", "--logs", "insights"];
    let output = servers.collect(folder.path(), &asked).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("only a part: logs/events.insights of airflow-shop-prod-Task from 2020-01-01"), "{}", stdout(&output));
    assert!(stdout(&output).contains("events are kept for 1 days: these are deleted"), "{}", stdout(&output));
}

#[test]
fn a_role_is_assumed_with_its_external_id() {
    let role = "arn:aws:iam::123456789012:role/reader";
    let seeds = json!({"airflow": {"folder": "fixtures/stories/night/airflow", "environment": "shop-prod"}});
    let Some(mut servers) = Servers::start("role", &[seeds, json!({"roles": {role: "agreed"}})]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let asked = ["--since", "2020-01-01", "--until", "2030-01-01", "--log-group", "airflow-shop-prod-Task", "--role-arn", role];
    let refused = servers.collect(folder.path(), &[&asked[..], &["--external-id", "other"]].concat()).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}{}", stdout(&refused), stderr(&refused));
    assert!(stderr(&refused).contains("sts:AssumeRole"), "{}", stderr(&refused));
    let output = servers.collect(folder.path(), &[&asked[..], &["--external-id", "agreed"]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(manifest(&folder.path().join("case"))["identity"].as_str().unwrap().contains("assumed-role/reader"));
    assert!(servers.calls("AssumeRole") >= 2);
}

#[test]
fn where_nobody_answers_the_case_says_so_and_the_run_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_casefile"));
    command.current_dir(folder.path()).envs(login(folder.path()));
    command.args(["collect", "--case", "case", "--endpoint-url", "http://127.0.0.1:1", "--retry-delay", "1"]);
    command.args(["--since", "2026-08-14", "--until", "2026-08-15", "--log-group", "a", "--log-group", "b", "--mwaa-environment", "c"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("missing: FilterLogEvents of a from 2026-08-14"), "{}", stdout(&output));
    assert!(stdout(&output).contains("brought no answer"), "{}", stdout(&output));
}
