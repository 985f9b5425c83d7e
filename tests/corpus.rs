//! Real Airflow runs with the truth beside them: every denial and every stuck spell found, nothing else.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use casefile::{finding::Severity, report::Report};
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// What a comparison with the truth gave.
#[derive(Debug, Default)]
struct Score {
    expected: usize,
    found: usize,
    faults: Vec<String>,
}

type Key = (String, String, String, i64, i64);

fn key(it: &Map<String, Value>, try_key: &str) -> Key {
    let text = |key: &str| it.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
    let whole = |key: &str| it.get(key).and_then(Value::as_i64).unwrap_or(-1);
    (text("dag_id"), text("task_id"), text("run_id"), whole("map_index"), whole(try_key))
}

fn truth_of(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("truth.json")).unwrap()).unwrap()
}

fn instances(report: &Report, detector: &str) -> Vec<Map<String, Value>> {
    let findings = report.findings().into_iter().filter(|it| it.detector == detector && it.severity > Severity::Info);
    findings.flat_map(|it| it.instances.clone()).collect()
}

fn denials(report: &Report, truth: &Value) -> Score {
    let mut score = Score::default();
    let mut found: BTreeMap<Key, Vec<Map<String, Value>>> = BTreeMap::new();
    for instance in instances(report, "access-denied") {
        found.entry(key(&instance, "try_number")).or_default().push(instance);
    }
    for denied in truth["denied"].as_array().unwrap().iter().filter(|it| it["shows_as"] != "none") {
        score.expected += 1;
        let wanted = key(denied.as_object().unwrap(), "attempt");
        match found.remove(&wanted) {
            None => score.faults.push(format!("missed denial {wanted:?}: {}", denied["shows_as"])),
            Some(all) => {
                score.found += 1;
                for extra in all.iter().skip(1) {
                    score.faults.push(format!("told twice {wanted:?}: {extra:?}"));
                }
                score.faults.extend(all.first().and_then(|it| wrong_value(denied, it)));
            }
        }
    }
    score.faults.extend(found.keys().map(|it| format!("false denial {it:?}")));
    score
}

/// A value that stands in the log and not in the instance, or the other way round.
fn wrong_value(denied: &Value, instance: &Map<String, Value>) -> Option<String> {
    let in_log: Vec<&str> = denied["in_log"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for (truth, ours) in [("operation", "operation"), ("iam_action", "action"), ("resource", "resource"), ("principal", "principal")] {
        let expected = denied[truth].as_str().unwrap_or_default();
        let given = instance.get(ours).and_then(Value::as_str);
        let inferred = instance.contains_key(&format!("{ours}_inferred"));
        let masked = given.is_some_and(|it| it.split_once("***").is_some_and(|(a, b)| expected.starts_with(a) && expected.ends_with(b)));
        let right = match (in_log.contains(&truth), given) {
            (true, Some(given)) => (given == expected || masked) && !inferred,
            (true, None) => false,
            (false, given) => given.is_none() || inferred || masked,
        };
        if !right {
            return Some(format!(
                "{ours} of {:?}: expected {expected} (in log: {}), got {given:?} inferred {inferred}",
                key(denied.as_object().unwrap(), "attempt"),
                in_log.contains(&truth)
            ));
        }
    }
    None
}

fn spells(report: &Report, truth: &Value) -> Score {
    let mut score = Score::default();
    let mut found = instances(report, "stuck-queued");
    let same = |a: &Map<String, Value>, b: &Key| {
        let a = key(a, "try_number");
        (&a.0, &a.1, &a.2, a.3) == (&b.0, &b.1, &b.2, b.3)
    };
    for stuck in truth["stuck_in_queued"].as_array().unwrap() {
        let wanted = key(stuck.as_object().unwrap(), "attempt");
        for spell in stuck["spells"].as_array().unwrap() {
            score.expected += 1;
            let seconds = spell["seconds_in_queued"].as_f64().unwrap();
            let outcome = spell["outcome"].as_str().unwrap_or_default();
            let fits = |it: &Map<String, Value>| {
                let wait = it.get("wait_seconds").and_then(Value::as_f64);
                same(it, &wanted)
                    && wait.is_some_and(|it| (it - seconds).abs() <= 2.0)
                    && it.get("outcome").and_then(Value::as_str) == Some(outcome)
            };
            match found.iter().position(fits) {
                Some(at) => {
                    found.remove(at);
                    score.found += 1;
                }
                None => score.faults.push(format!("missed spell {wanted:?}: {seconds} s, {outcome}")),
            }
        }
    }
    let may = truth["state_mismatch"].as_array().cloned().unwrap_or_default();
    found.retain(|it| !may.iter().any(|may| same(it, &key(may.as_object().unwrap(), "attempt"))));
    score.faults.extend(found.iter().map(|it| format!("false spell {it:?}")));
    score
}

fn check(name: &str, score: &Score, faults: &mut Vec<String>) {
    println!("{name}: {} of {} found, {} faults", score.found, score.expected, score.faults.len());
    for fault in score.faults.iter().take(12) {
        println!("    {fault}");
    }
    faults.extend(score.faults.iter().map(|it| format!("{name}: {it}")));
}

/// Every folder of a corpus, in every form, and in all forms together.
fn score(corpus: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for version in ["airflow-2.7.2", "airflow-2.10.5", "airflow-3.0.6"] {
        let folder = corpus.join(version);
        let truth = truth_of(&folder);
        let forms: Vec<PathBuf> = ["raw", "cloudwatch-json", "s3-export"].iter().map(|it| folder.join(it)).collect();
        let name = |it: &Path| it.file_name().unwrap().to_string_lossy().into_owned();
        let mut runs: Vec<(String, Vec<&Path>)> = forms.iter().map(|it| (name(it), vec![it.as_path()])).collect();
        runs.push(("all forms".to_owned(), forms.iter().map(PathBuf::as_path).collect()));
        for (form, paths) in runs {
            let report = common::analyze(&paths);
            check(&format!("{version} {form} denials"), &denials(&report, &truth), &mut faults);
            check(&format!("{version} {form} spells"), &spells(&report, &truth), &mut faults);
            // A dump of the corpus that was cut at one page says so, and is known for it.
            let problems = report.coverage.iter().flat_map(|it| &it.problems).filter(|it| !it.starts_with("one page of several"));
            faults.extend(problems.map(|it| format!("{version} {form}: {it}")));
        }
    }
    faults
}

#[test]
fn the_parts_in_fixtures_are_told_as_they_happened() {
    assert_eq!(score(Path::new("fixtures/corpus")), Vec::<String>::new());
}

#[test]
fn the_whole_corpus_is_told_as_it_happened() {
    let Some(corpus) = common::folder_named("CASEFILE_CORPUS") else { return };
    assert_eq!(score(&corpus), Vec::<String>::new());
}

/// 1,220 logs of other people's Airflow 1.10: no denial, no stuck task, and failed loads that are not forgotten.
#[test]
fn failed_loads_of_airflow_1_10_are_listed() {
    let Some(datasets) = common::folder_named("CASEFILE_DATASETS") else { return };
    let report = common::analyze(&[&datasets.join("airflow_1.10_redshift_loads")]);
    assert_eq!(report.coverage.len(), 1_220);
    assert!(report.findings().iter().all(|it| !matches!(it.detector, "access-denied" | "stuck-queued")), "{:?}", report.findings());
    let failed: usize = report.failed.iter().map(|it| it.count).sum();
    println!("{failed} failed tries in {} groups", report.failed.len());
    assert!(failed >= 642 + 155, "{failed}: every try that was marked for retry or as failed");
    let loads =
        report.failed.iter().filter(|it| it.last_error.as_deref().is_some_and(|it| it.contains("Load into table 'staging_events' failed")));
    assert_eq!(loads.map(|it| it.count).sum::<usize>(), 146);
}
