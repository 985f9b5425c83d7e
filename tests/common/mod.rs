//! What several tests need: analysing paths in this process.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a broken test should stop loudly, and not every test uses all of it"
)]

use casefile::{
    case::{Listing, Meter},
    detectors::{self, DETECTORS},
    evidence::Evidence,
    report::{FORMATS, Report, Style},
    settings::Settings,
};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

pub(crate) mod loads;
pub(crate) mod night;
pub(crate) mod servers;

/// Analyses with default settings.
pub(crate) fn analyze(paths: &[&Path]) -> Report {
    analyze_with(paths, &Settings::default())
}

/// Analyses.
pub(crate) fn analyze_with(paths: &[&Path], settings: &Settings) -> Report {
    let paths: Vec<PathBuf> = paths.iter().map(|it| it.to_path_buf()).collect();
    let evidence = Evidence::load(&Listing::of(&paths), None, settings, &Meter::default()).unwrap();
    let verdicts = detectors::judge(DETECTORS, &evidence, settings).unwrap();
    Report::new(&evidence, verdicts, settings).unwrap()
}

/// The report as the program prints it.
pub(crate) fn printed(report: &Report, format: &str) -> String {
    let format = FORMATS.iter().find(|it| it.id == format).unwrap();
    let mut text = Vec::new();
    (format.write)(report, &Style::default(), &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// The report's JSON document.
pub(crate) fn json(report: &Report) -> Value {
    serde_json::from_str(&printed(report, "json")).unwrap()
}

/// Analyses a text as if it were a file of this name.
pub(crate) fn analyze_text(name: &str, text: &[u8]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    analyze(&[folder.path()])
}

/// A folder that an environment variable names; says that the test did not run when it is not set.
pub(crate) fn folder_named(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        println!("NOT RUN: {variable} is not set");
    }
    folder.inspect(|it| assert!(it.is_dir(), "{variable}: {} is no folder", it.display()))
}

/// A mebibyte.
pub(crate) const MIB: i64 = 1 << 20;

/// The findings of one detector.
pub(crate) fn findings(files: &[(&str, String)], detector: &str) -> Vec<Value> {
    findings_with(files, detector, &Settings::default())
}

/// The findings of one detector under these settings.
pub(crate) fn findings_with(files: &[(&str, String)], detector: &str, settings: &Settings) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let report = json(&analyze_with(&[folder.path()], settings));
    report["findings"].as_array().unwrap().iter().filter(|it| it["detector"] == detector).cloned().collect()
}

/// How bad each of them is.
pub(crate) fn severities(found: &[Value]) -> Vec<&str> {
    found.iter().map(|it| it["severity"].as_str().unwrap()).collect()
}

/// `aws s3 ls --recursive` of files in partitions.
pub(crate) fn listing(parts: &[(String, Vec<i64>)]) -> Vec<(&'static str, String)> {
    let mut text = String::new();
    for (partition, sizes) in parts {
        for (file, size) in sizes.iter().enumerate() {
            writeln!(text, "2026-08-14 05:00:00 {size:>10} lake/orders/{partition}part-{file:05}.parquet").unwrap();
        }
    }
    vec![("listing.txt", text)]
}
