//! The nightly job against the servers that stand in for AWS: collected, judged, published; refused, killed, and finished by the next run.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use common::{
    night::night,
    servers::{Servers, found_in, login, stderr},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

/// What is collected, and where it goes.
fn settings(folder: &Path, servers: &Servers, publish: &str) {
    let endpoint = &servers.endpoint;
    let text = format!(
        r#"
[audit]
name = "shop"
state = "state"
first = "2026-08-14"
overlap = "1d"

[collect]
mwaa_environment = ["shop-prod"]
logs = "raw"
redshift_cluster = "shop-dwh"
database = "shop"
athena = true
workgroup = ["nightly"]
s3 = ["s3://shop-raw/"]
endpoint_url = "{endpoint}"
retry_delay = 10
calls_per_second = 500

[publish]
{publish}
"#
    );
    fs::write(folder.join("casefile.toml"), text).unwrap();
}

fn audit(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casefile"));
    command.current_dir(folder).args(["audit", "--format", "json", "--as-of", "2026-08-15T01:00:00Z"]).args(arguments).envs(login(folder));
    command
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|it| panic!("{it}: {}", stderr(output)))
}

fn ids(report: &Value) -> BTreeSet<String> {
    report["findings"].as_array().unwrap().iter().map(|it| it["finding_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_night_is_collected_judged_and_published() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut servers) = Servers::start("audit", &night(folder.path())) else { return };
    settings(folder.path(), &servers, "to = \"lake\"");
    let output = audit(folder.path(), &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = report(&output);
    // The case reaches back by the overlap, the dumps hold the days around: what the window holds is the same.
    let of_dumps: BTreeSet<String> =
        found_in(folder.path(), "dumps").iter().map(|it| it["finding_id"].as_str().unwrap().to_owned()).collect();
    let of_audit = ids(&told);
    println!("{} of the {} findings of the dumps lie in the window", of_audit.len(), of_dumps.len());
    assert!(of_audit.is_subset(&of_dumps), "{of_audit:?} {of_dumps:?}");
    for detector in ["access-denied", "single-file-copy", "small-files"] {
        assert!(told["findings"].as_array().unwrap().iter().any(|it| it["detector"] == detector), "{detector}");
    }
    assert!(!String::from_utf8_lossy(&output.stdout).contains(&folder.path().display().to_string()), "no path of the machine");

    // Again: nothing is asked that costs, nothing is written.
    let costly = |servers: &mut Servers| ["StartQuery", "ExecuteStatement", "FilterLogEvents"].map(|it| servers.calls(it));
    let before = costly(&mut servers);
    let again = audit(folder.path(), &["--again", "2026-08-14"]).output().unwrap();
    assert_eq!((again.status.code(), report(&again)), (Some(0), told), "{}", stderr(&again));
    assert_eq!(costly(&mut servers), before);
    assert!(stderr(&again).contains("0 files written, 0 replaced, 5 as they were"), "{}", stderr(&again));
}

#[test]
fn what_is_refused_is_said_and_finished_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut seeds = night(folder.path());
    seeds.push(json!({"deny": ["redshift-data:ExecuteStatement"]}));
    let Some(mut servers) = Servers::start("audit refused", &seeds) else { return };
    settings(folder.path(), &servers, "to = \"lake\"");
    let output = audit(folder.path(), &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains(r#""Action":"redshift-data:ExecuteStatement""#), "{}", stderr(&output));
    let first = report(&output);
    let verdict = |report: &Value| {
        report["verdicts"].as_array().unwrap().iter().find(|it| it["detector"] == "single-file-copy").unwrap()["verdict"].clone()
    };
    assert_eq!(verdict(&first), "not-assessed");
    servers.control(&json!({"deny": null}));
    let before = servers.calls("FilterLogEvents");
    let output = audit(folder.path(), &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(servers.calls("FilterLogEvents"), before, "what came is not brought again");
    let second = report(&output);
    assert_eq!(verdict(&second), "findings");
    assert!(ids(&first).is_subset(&ids(&second)));
    // A night is counted once, however often it is judged.
    assert!(second["findings"].as_array().unwrap().iter().all(|it| it["nights_seen"] == 1 && it["change"] == "new"), "{second}");
}

#[test]
fn a_run_that_was_killed_is_finished_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut seeds = night(folder.path());
    seeds.push(json!({"reads": {"page_events": 40}}));
    let Some(mut servers) = Servers::start("audit killed", &seeds) else { return };
    settings(folder.path(), &servers, "to = \"whole\"");
    let whole = audit(folder.path(), &[]).output().unwrap();
    assert_eq!(whole.status.code(), Some(0), "{}", stderr(&whole));
    fs::rename(folder.path().join("state"), folder.path().join("state-whole")).unwrap();
    settings(folder.path(), &servers, "to = \"lake\"");
    let mut killed = 0;
    for calls in [3, 12, 30, 60, 90] {
        let began = servers.control(&json!({"counters": true}))["counters"]["total"].as_u64().unwrap();
        let mut child = audit(folder.path(), &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while servers.control(&json!({"counters": true}))["counters"]["total"].as_u64().unwrap() < began + calls
            && child.try_wait().unwrap().is_none()
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let output = audit(folder.path(), &["--again", "2026-08-14"]).output().unwrap();
    let output = if output.status.code() == Some(2) { audit(folder.path(), &[]).output().unwrap() } else { output };
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    println!("killed {killed} times, then finished");
    assert!(killed > 0);
    for table in ["findings", "instances", "excerpts", "verdicts", "coverage"] {
        let file = |lake: &str| {
            let day = folder.path().join(lake).join(table).join("dt=2026-08-14");
            let mut files: Vec<_> = fs::read_dir(day).unwrap().map(|it| it.unwrap().path()).collect();
            assert_eq!(files.len(), 1, "{files:?}");
            fs::read(files.remove(0)).unwrap()
        };
        // Coverage and verdicts tell the same too: which part came in which run is nobody's business.
        assert!(file("whole") == file("lake"), "{table}");
    }
}

/// The objects of the lake that a query would see: keys and hashes.
fn seen(servers: &mut Servers) -> BTreeSet<String> {
    let stored = servers.control(&json!({"stored": {"bucket": "lake"}}))["stored"].clone();
    let of_lake = |(key, it): (&String, &Value)| Some(format!("{} {}", key.strip_prefix("casefile/")?, it[0]));
    stored.as_object().unwrap().iter().filter_map(of_lake).filter(|it| !it.starts_with("_staging")).collect()
}

#[test]
fn what_s3_or_athena_refuses_is_seen_whole_after_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut seeds = night(folder.path());
    seeds.push(json!({"objects": {"bucket": "lake", "text": ""}}));
    let Some(mut servers) = Servers::start("audit to S3", &seeds) else { return };
    let publish = "to = \"s3://lake/casefile\"\ndatabase = \"nights\"\ncreate_database = true\noutput = \"s3://lake/results/\"";
    settings(folder.path(), &servers, publish);
    for refused in ["athena:StartQueryExecution", "s3:PutObject"] {
        servers.control(&json!({"deny": [refused]}));
        let output = audit(folder.path(), &[]).output().unwrap();
        assert_eq!(output.status.code(), Some(6), "{refused}: {}", stderr(&output));
        assert!(stderr(&output).contains(refused), "{}", stderr(&output));
        assert_eq!(seen(&mut servers), BTreeSet::new(), "{refused}: nothing is half-published");
    }
    servers.control(&json!({"deny": null}));
    let output = audit(folder.path(), &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let published = seen(&mut servers);
    assert_eq!(published.len(), 5, "{published:?}");
    let writes = |servers: &mut Servers| ["PutObject", "CopyObject", "StartQueryExecution"].map(|it| servers.calls(it));
    let before = writes(&mut servers);
    let again = audit(folder.path(), &["--again", "2026-08-14"]).output().unwrap();
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert_eq!((seen(&mut servers), writes(&mut servers)), (published, before), "the same window again writes nothing");
}
