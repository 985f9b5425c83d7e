//! Reports that lie in S3: nothing is read but the nights that are compared, and what is refused is told with its permission.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use common::servers::{Servers, login, stderr, stdout};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Command, Output},
};
use tempfile::TempDir;

/// The servers, and the program reaching them.
struct Bench {
    servers: Servers,
    folder: TempDir,
}

impl Bench {
    /// A bucket with the demo's report of each of these days; the folder `DAY` holds the same.
    fn new(test: &str, days: &[&str]) -> Option<Self> {
        let servers = Servers::start(test, &[json!({"objects": {"bucket": "lake", "text": ""}})])?;
        let bench = Self { servers, folder: tempfile::tempdir().unwrap() };
        for day in days {
            let next = casefile::units::Moment::parse(&format!("{day}T00:00:00Z")).unwrap().moment.0 + 86_400 * casefile::units::SECOND;
            let until = casefile::units::Moment(next).rfc3339();
            let output = bench.run(&["demo", "--since", "2026-01-01", "--until", &until, "--out", day]);
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
            let output = bench.run(&["publish", day, "--to", "s3://lake/reports"]);
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        }
        Some(bench)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_casefile"));
        command.current_dir(self.folder.path()).args(args).args(["--endpoint-url", &self.servers.endpoint, "--retry-delay", "1"]);
        command.envs(login(self.folder.path())).output().unwrap()
    }

    /// What a comparison tells of findings.
    fn changes(&self, old: &str, new: &str) -> Value {
        let output = self.run(&["diff", old, new, "--different-windows", "--format", "json"]);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
        document["changes"].clone()
    }
}

#[test]
fn nights_in_a_bucket_say_what_they_say_in_a_folder() {
    let days = ["2026-11-21", "2026-12-24", "2027-01-09"];
    let Some(mut bench) = Bench::new("nights in a bucket", &days) else { return };
    let wanted = bench.changes("2026-12-24", "2027-01-09");
    assert!(!wanted.as_array().unwrap().is_empty());
    let calls = |bench: &mut Bench| ["GetObject", "ListObjectsV2"].map(|it| bench.servers.calls(it));
    let before = calls(&mut bench);
    assert_eq!(bench.changes("s3://lake/reports@2026-12-24", "s3://lake/reports/"), wanted);
    // Four tables of each night, and the names of one table: nothing of other nights.
    let after = calls(&mut bench);
    assert_eq!([after[0] - before[0], after[1] - before[1]], [8, 2]);
    let output = bench.run(&["demo", "--since", "2026-01-01", "--baseline", "s3://lake/reports@2026-11-21", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    assert!(report["findings"].as_array().unwrap().iter().all(|it| it["change"] == "persisting"), "{report:#}");
    // Merged months are read as well.
    let output = bench.run(&["compact", "s3://lake/reports"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("2026-12") || stderr(&output).contains("2026-12"), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(bench.changes("s3://lake/reports@2026-12-24", "s3://lake/reports"), wanted);
}

#[test]
fn what_is_not_there_or_refused_is_told() {
    let Some(mut bench) = Bench::new("refused reports", &["2026-11-21"]) else { return };
    for (given, why) in [
        ("s3://lake/elsewhere", "holds no report"),
        ("s3://lake/reports@2026-11-22", "holds no night or run called 2026-11-22"),
        ("s3://nowhere/reports", "NoSuchBucket"),
        ("s3://", "write an address like s3://bucket/prefix"),
    ] {
        let output = bench.run(&["diff", given, "2026-11-21"]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{given}: {}", stderr(&output));
        assert!(stderr(&output).contains(why), "{given}: {}", stderr(&output));
    }
    bench.servers.control(&json!({"deny": ["s3:GetObject"]}));
    let output = bench.run(&["diff", "s3://lake/reports", "2026-11-21"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("s3:GetObject"), "{}", stderr(&output));
}

/// Without an address in S3 nobody asks AWS, and nobody needs a login.
#[test]
fn files_need_no_login() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_casefile"));
        command.current_dir(folder.path()).env_clear().args(args).output().unwrap()
    };
    assert_eq!(run(&["demo", "--out", "report"]).status.code(), Some(0));
    assert!(Path::new(&folder.path().join("report")).is_dir());
    let output = run(&["diff", "report", "report", "--endpoint-url", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}
