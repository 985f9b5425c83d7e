//! A simulated warehouse with the truth beside it: every fault found with its numbers, every trap passed in silence.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use serde_json::{Map, Value};
use std::{collections::BTreeSet, fs, path::Path};

/// Facts that are compared; counts exactly, measures within the tolerance of the entry.
const COMPARED: &[&str] = &[
    "format",
    "compression",
    "splittable",
    "loads",
    "files",
    "units",
    "slices",
    "bytes",
    "duration_seconds",
    "recoverable_seconds",
    "recommended_files",
    "column",
    "column_type",
    "error_code",
    "rows",
    "absorbed",
    "p50_bytes",
    "target_bytes",
    "needed_files",
    "reducible_files",
    "partitions",
    "scope",
    "measure_unit",
    "max_over_median",
    "max_over_mean",
    "cv",
    "gini",
    "top_share",
    "shape",
    "skew_rows",
    "tbl_rows",
    "diststyle",
    "step_name",
    "max_time_skewness",
    "max_data_skewness",
    "steps",
    "action",
    "action_inferred",
    "resource",
    "role",
    "principal",
    "operation",
    "service",
    "denied_by",
];

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Whether a finding is about the subject of an entry.
fn is_about(finding: &Value, detector: &str, entry: &Value) -> bool {
    let (subject, facts) = (&entry["subject"], &finding["facts"]);
    if finding["detector"] != detector {
        return false;
    }
    if detector == "access-denied" {
        return false;
    }
    let same = |key: &str| subject[key].is_null() || facts[key].is_null() || subject[key] == facts[key];
    let place = |key: &str, wanted: &str| subject[wanted].is_null() || under(text(facts, key), text(subject, wanted));
    match (detector, text(subject, "kind")) {
        ("single-file-copy", _) => same("table") && same("schema") && place("data_source", "data_source_prefix"),
        ("small-files", "load") => finding["subject"]["kind"] == "load" && same("table") && place("location", "location"),
        (_, "location") => finding["subject"]["kind"] == "location" && place("location", "location") && about_location(finding, subject),
        ("load-errors", _) => same("table") && same("schema") && same("column"),
        (_, "query-step") => finding["subject"]["kind"] == "query-step" && same("table") && same("schema"),
        (_, "query") => finding["subject"]["id"] == subject["query_execution_id"],
        _ => finding["subject"]["kind"] == subject["kind"] && same("table") && same("schema"),
    }
}

/// A listing may name no bucket.
fn under(found: &str, wanted: &str) -> bool {
    let bare = |it: &str| it.split_once("://").map_or(it.to_owned(), |it| it.1.split_once('/').map_or(String::new(), |it| it.1.to_owned()));
    found.is_empty() || found.starts_with(wanted) || (!found.contains("://") && bare(wanted).starts_with(found))
}

fn about_location(finding: &Value, subject: &Value) -> bool {
    under(text(&finding["subject"], "id"), text(subject, "location"))
}

fn ids(of: &Value) -> BTreeSet<String> {
    let id = |it: &Value| match &it["query_id"] {
        Value::Null => it["query_execution_id"].as_str().map(ToOwned::to_owned),
        Value::String(text) => Some(text.clone()),
        number => Some(number.to_string()),
    };
    of.as_array().into_iter().flatten().filter_map(id).collect()
}

/// What differs between the facts that were found and the truth.
fn differences(found: &Map<String, Value>, entry: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for key in COMPARED {
        let wanted = &entry["facts"][key];
        if wanted.is_null() {
            continue;
        }
        let is = found.get(*key).unwrap_or(&Value::Null);
        let mut accepted: Vec<&Value> = vec![wanted];
        accepted.extend(entry["alternatives"][key].as_array().into_iter().flatten());
        let near = accepted.iter().any(|it| same(is, it, entry["tolerance"][key].as_f64().unwrap_or(0.0)));
        if !near {
            faults.push(format!("{key}: {is} is not {wanted}"));
        }
    }
    faults
}

fn same(is: &Value, wanted: &Value, tolerance: f64) -> bool {
    match (is.as_f64(), wanted.as_f64()) {
        (Some(is), Some(wanted)) => (is - wanted).abs() <= (wanted.abs() * tolerance).max(0.001),
        _ => is == wanted,
    }
}

fn find<'a>(findings: &'a [Value], entry: &Value) -> Option<&'a Value> {
    let detector = text(entry, "detector");
    if detector == "access-denied" {
        let wanted = ids(&entry["instances"]);
        let of_detector = findings.iter().filter(|it| it["detector"] == detector);
        return of_detector.max_by_key(|it| ids(&it["instances"]).intersection(&wanted).count()).filter(|it| {
            let found = ids(&it["instances"]);
            !wanted.is_empty() && wanted.is_subset(&found)
        });
    }
    findings.iter().find(|it| {
        let code = &entry["facts"]["error_code"];
        let step = &entry["facts"]["step_name"];
        let scope = &entry["facts"]["scope"];
        let fits = |key: &str, wanted: &Value| wanted.is_null() || it["facts"][key] == *wanted;
        is_about(it, detector, entry) && fits("error_code", code) && fits("step_name", step) && fits("scope", scope)
    })
}

#[test]
fn the_simulated_warehouse_is_told_as_it_was() {
    let Some(corpus) = common::folder_named("CASEFILE_CORPUS") else { return };
    let world = corpus.join("warehouse");
    let truth: Value = serde_json::from_str(&fs::read_to_string(world.join("truth.json")).unwrap()).unwrap();
    let report = common::json(&common::analyze(&[&world.join("evidence")]));
    let findings = report["findings"].as_array().unwrap().clone();
    let mut faults = Vec::new();
    let (mut found, mut expected) = (0, 0);
    for entry in truth["positives"].as_array().unwrap() {
        let name = format!("{} {} {}", text(entry, "id"), text(entry, "detector"), text(entry, "scenario"));
        let hit = find(&findings, entry);
        let wrong = hit.map(|it| differences(it["facts"].as_object().unwrap(), entry)).unwrap_or_default();
        if entry["grade"] == "must" {
            expected += 1;
            match hit {
                None => faults.push(format!("missed {name}: {}", entry["subject"])),
                Some(_) if wrong.is_empty() => found += 1,
                Some(_) => faults.push(format!("{name}: {}", wrong.join("; "))),
            }
        } else {
            let said = if hit.is_some() { "found" } else { "not found" };
            println!("{} {name}: {said} {}", text(entry, "grade"), wrong.join("; "));
        }
    }
    let silent = truth["silent"].as_array().unwrap();
    let loud: Vec<String> = silent.iter().filter_map(|it| noise(&findings, it)).collect();
    println!("positives {found} of {expected}, silent {} of {}", silent.len() - loud.len(), silent.len());
    faults.extend(loud);
    println!("{}", unexplained(&findings, &truth).join("\n"));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A finding where there must be none.
fn noise(findings: &[Value], entry: &Value) -> Option<String> {
    let (detector, subject) = (text(entry, "detector"), &entry["subject"]);
    let allowed = |it: &&Value| it["severity"] == "info" && entry["max_severity"] == "info";
    let denied: BTreeSet<String> = ["query_ids", "query_execution_ids"]
        .iter()
        .flat_map(|key| subject[*key].as_array().into_iter().flatten())
        .map(|it| it.as_str().map_or_else(|| it.to_string(), ToOwned::to_owned))
        .collect();
    let touches = |it: &&Value| {
        let by_query = it["detector"] == detector && !denied.is_empty() && ids(&it["instances"]).intersection(&denied).next().is_some();
        by_query || (denied.is_empty() && is_about(it, detector, entry) && in_the_same_scope(it, entry))
    };
    let loud = findings.iter().find(|it| touches(it) && !allowed(it))?;
    Some(format!("{} {detector} {} must be silent: {}", text(entry, "id"), text(entry, "trap"), loud["title"]))
}

/// A table that is even on its slices may still be unevenly loaded, or have skewed steps of its own.
fn in_the_same_scope(finding: &Value, entry: &Value) -> bool {
    let listed = ids(&finding["instances"]);
    let wanted: BTreeSet<String> = entry["query_ids"].as_array().into_iter().flatten().map(ToString::to_string).collect();
    match text(entry, "evidence_view") {
        "svv_table_info" => finding["facts"]["scope"] == "table-slices",
        _ => wanted.is_empty() || wanted.intersection(&listed).next().is_some(),
    }
}

/// Findings that no entry of the truth speaks of.
fn unexplained(findings: &[Value], truth: &Value) -> Vec<String> {
    let known: Vec<&Value> = truth["positives"].as_array().unwrap().iter().filter_map(|it| find(findings, it)).collect();
    let rest = findings.iter().filter(|it| !known.contains(it));
    rest.map(|it| format!("not in the truth: {} {} {}", text(it, "severity"), text(it, "detector"), text(it, "title"))).collect()
}

#[test]
fn every_export_is_accounted_for() {
    let Some(corpus) = common::folder_named("CASEFILE_CORPUS") else { return };
    let world = corpus.join("warehouse");
    let truth: Value = serde_json::from_str(&fs::read_to_string(world.join("truth.json")).unwrap()).unwrap();
    let report = common::json(&common::analyze(&[&world.join("evidence")]));
    let inputs = report["inputs"].as_array().or_else(|| report["coverage"].as_array()).unwrap();
    let mut faults = Vec::new();
    for export in truth["exports"].as_array().unwrap() {
        let path = text(export, "path");
        let Some(input) = inputs.iter().find(|it| Path::new(text(it, "path")).ends_with(path)) else {
            faults.push(format!("{path}: not in the coverage"));
            continue;
        };
        let skipped: u64 = input["skipped"].as_array().into_iter().flatten().filter_map(|it| it["count"].as_u64()).sum();
        let (records, parsed) = (input["records"].as_u64().unwrap_or(0), input["parsed"].as_u64().unwrap_or(0));
        let (rows, damaged) = (export["rows"].as_u64().unwrap_or(0), export["damaged_records"].as_u64().unwrap_or(0));
        if records != parsed + skipped {
            faults.push(format!("{path}: {records} records, {parsed} parsed, {skipped} skipped"));
        }
        if rows > 0 && (parsed != rows || skipped != damaged) {
            faults.push(format!("{path}: {parsed} parsed and {skipped} skipped of {rows} and {damaged} damaged"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
