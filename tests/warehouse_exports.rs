//! Every file of the warehouse corpus is read whole: rows read are rows exported, damage is counted.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use casefile::{
    case::{Listing, Meter},
    evidence::Evidence,
    settings::Settings,
};
use serde_json::Value;
use std::fs;

/// The source that reads what the truth calls a view.
fn source_of(view: &str, format: &str) -> &'static str {
    match (view, format) {
        (_, "inventory_manifest" | "inventory_checksum") => "manifest",
        ("athena_runtime_statistics", _) => "athena-statistics",
        ("athena_query_executions", _) => "athena-executions",
        ("athena_path_size", _) => "athena-results",
        ("athena_workgroups" | "redshift_clusters" | "redshift_workgroups" | "redshift_workgroup" | "redshift_data_statement", _) => {
            "aws-describe"
        }
        ("s3_ls", _) => "s3-ls",
        ("s3_list_objects", _) => "s3-list-objects",
        ("s3_inventory", _) => "s3-inventory",
        _ if format.contains("manifest") => "manifest",
        _ => "redshift-view",
    }
}

#[test]
fn every_export_is_read_whole() {
    let Some(corpus) = common::folder_named("CASEFILE_CORPUS") else { return };
    let folder = corpus.join("warehouse");
    let truth: Value = serde_json::from_str(&fs::read_to_string(folder.join("truth.json")).unwrap()).unwrap();
    let exports = truth["exports"].as_array().unwrap();
    let evidence_folder = folder.join("evidence");
    let evidence =
        Evidence::load(&Listing::of(std::slice::from_ref(&evidence_folder)), None, &Settings::default(), &Meter::default()).unwrap();
    let mut faults = Vec::new();
    for export in exports {
        let path = evidence_folder.join(export["path"].as_str().unwrap());
        let name = path.to_string_lossy();
        let found = evidence.coverage.iter().find(|it| it.path == name);
        let found = found.unwrap_or_else(|| panic!("{name} is not in coverage"));
        let count = |key: &str| export.get(key).and_then(Value::as_u64).unwrap_or(0);
        let skipped: u64 = found.skipped.iter().map(|it| it.count).sum();
        let expected = source_of(export["view"].as_str().unwrap(), export["format"].as_str().unwrap());
        let read = (found.kind, found.parsed, skipped);
        let right = (Some(expected), count("rows"), count("damaged_records"));
        if read != right || found.records != found.parsed + skipped {
            faults.push(format!("{name}: read {read:?}, exported {right:?}; {:?} {:?} {:?}", found.skipped, found.problems, found.notes));
        }
        if count("damaged_records") > 0 && found.problems.is_empty() {
            faults.push(format!("{name}: damaged, and not said to be"));
        }
    }
    println!("{} of {} exports read whole", exports.len() - faults.len(), exports.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
