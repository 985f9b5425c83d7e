//! Thirty nights of the nightly job, from real logs: what the lake holds of each, and what each says of the one before.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout, reason = "a broken test should stop loudly")]

use casefile::units::{Moment, SECOND};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Real task logs, and the day they are of.
const LOGS: &str = "fixtures/corpus/airflow-2.10.5/raw/task-logs";
const DAY: &str = "2026-11-20";

/// A log of a task that went well, and the names in it.
const HEALTHY: &str = "dag_id=sales_daily_pipeline/run_id=manual__2026-11-20T08:23:57.589588+00:00/task_id=list_days/attempt=1.log";

/// An audit in a folder of its own: what others export, its settings, its lake.
struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new(settings: &str) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        let path = |name: &str| site.path(name).display().to_string();
        let text = format!(
            "[audit]\nname = \"thirty\"\nstate = \"{}\"\nfirst = \"2026-01-01\"\n{settings}\n[inputs]\npaths = [\"{}\"]\n[publish]\nto = \"{}\"\n",
            path("state"),
            path("exports/{date}"),
            path("lake"),
        );
        // Keys of [audit] come first, whole sections after.
        fs::write(site.path("casefile.toml"), text).unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, as_of: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_casefile"));
        command.args(["audit", "--format", "json", "--as-of", as_of, "--config"]).arg(self.path("casefile.toml"));
        command
    }

    fn audit(&self, as_of: &str) -> Output {
        self.command(as_of).output().unwrap()
    }

    /// The logs of a DAG as one night's export has them, `runs` of them: with their faults, or as of a night without.
    fn export(&self, night: u32, told_on: u32, dag: &str, healthy: bool, runs: u32) {
        let exports = self.path(&format!("exports/{}/task-logs", day(told_on)));
        let healthy_text = fs::read_to_string(Path::new(LOGS).join(HEALTHY)).unwrap();
        for log in logs_of(dag) {
            let inside = log.strip_prefix(LOGS).unwrap().display().to_string();
            let part = |key: &str| inside.split('/').find_map(|it| it.strip_prefix(key)).unwrap_or_default().to_owned();
            let text = if healthy {
                let names = [
                    ("sales_daily_pipeline", dag.to_owned()),
                    ("list_days", part("task_id=")),
                    ("manual__2026-11-20T08:23:57.589588+00:00", part("run_id=")),
                ];
                names.iter().fold(healthy_text.clone(), |text, (from, to)| text.replace(from, to))
            } else {
                fs::read_to_string(&log).unwrap()
            };
            for run in 0..runs {
                // Each run is another minute of the night.
                let moved = |text: &str| {
                    let later = text.replace("T08:2", &format!("T1{run}:2")).replace("T08:3", &format!("T1{run}:3"));
                    later.replace(DAY, &day(night))
                };
                let path = exports.join(moved(&inside));
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, moved(&text)).unwrap();
            }
        }
    }
}

fn logs_of(dag: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(LOGS).join(format!("dag_id={dag}")), &mut found);
    found.sort();
    found
}

/// The day of a night: the first is the first of January.
fn day(night: u32) -> String {
    Moment(Moment::parse("2026-01-01T00:00:00Z").unwrap().moment.0 + i64::from(night - 1) * 86_400 * SECOND).day()
}

/// An hour after a night has ended.
fn morning(night: u32) -> String {
    format!("{}T01:00:00Z", day(night + 1))
}

/// The ids of what the logs of a DAG show by themselves.
fn ids(dag: &str) -> BTreeSet<String> {
    let command =
        Command::new(env!("CARGO_BIN_EXE_casefile")).args(["analyze", "--format", "json"]).arg(format!("{LOGS}/dag_id={dag}")).output();
    let report: Value = serde_json::from_slice(&command.unwrap().stdout).unwrap();
    report["findings"].as_array().unwrap().iter().map(|it| it["finding_id"].as_str().unwrap().to_owned()).collect()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|it| panic!("{it}: {}", said(output)))
}

/// What a file tree holds: each file and its bytes.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { drop(found.insert(path.clone(), fs::read(&path).unwrap())) }
        }
    }
    found
}

/// A fault: the DAG whose logs show it.
const ENDS: &str = "marketing_export";
const BEGINS: &str = "inventory_sync";
const HIDES: &str = "svc_user_extract";
const GROWS: &str = "denied_mapped";
const COMES_LATE: &str = "cross_account_ingest";
const ACCEPTED: &str = "partner_feed_s3fs";

/// What the exporter leaves on the morning after a night.
fn export(site: &Site, night: u32) {
    site.export(night, night, ENDS, night > 10, 1);
    site.export(night, night, BEGINS, night < 5, 1);
    if !(8..=9).contains(&night) {
        site.export(night, night, HIDES, false, 1);
    }
    site.export(night, night, GROWS, night < 13, if (18..25).contains(&night) { 3 } else { 1 });
    site.export(night, night, ACCEPTED, false, 1);
    if night == 17 {
        site.export(16, 17, COMES_LATE, false, 1);
    }
    if night != 16 {
        site.export(night, night, COMES_LATE, true, 1);
    }
}

/// The truth, told by the schedule alone: of each fault that is there, how it compares with the night before.
fn truth(night: u32) -> Vec<(&'static str, &'static str)> {
    let mut faults = Vec::new();
    let mut put = |is_there: bool, dag, change| {
        if is_there {
            faults.push((dag, change));
        }
    };
    let from = |first: u32| if night == first { "new" } else { "persisting" };
    put(night <= 10, ENDS, from(1));
    put(night >= 5, BEGINS, from(5));
    put(!(8..=9).contains(&night), HIDES, from(1));
    let grows = match night {
        18 => "worsened",
        25 => "improved",
        _ => from(13),
    };
    put(night >= 13, GROWS, grows);
    put(night == 16, COMES_LATE, "new");
    put(true, ACCEPTED, from(1));
    faults
}

/// Of each fault that is gone, whether that is known.
fn gone(night: u32) -> Vec<(&'static str, &'static str)> {
    match night {
        8 | 9 => vec![(HIDES, "not-assessed")],
        11 => vec![(ENDS, "resolved")],
        17 => vec![(COMES_LATE, "resolved")],
        _ => Vec::new(),
    }
}

/// What `casefile diff` says of two nights of the lake.
fn diff(site: &Site, old: u32, new: u32) -> BTreeMap<String, String> {
    let night = |it: u32| format!("{}@{}", site.path("lake").display(), day(it));
    let output =
        Command::new(env!("CARGO_BIN_EXE_casefile")).args(["diff", "--format", "json", &night(old), &night(new)]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let changes = report(&output)["changes"].as_array().unwrap().clone();
    changes.iter().map(|it| (it["finding_id"].as_str().unwrap().to_owned(), it["change"].as_str().unwrap().to_owned())).collect()
}

/// The truth of two nights beside one another, which know nothing of those before them.
fn differences(night: u32, ids: &BTreeMap<&str, BTreeSet<String>>) -> BTreeMap<String, String> {
    let was_there: BTreeSet<&str> = truth(night - 1).iter().map(|it| it.0).collect();
    let now = truth(night).into_iter().map(|(dag, change)| (dag, if was_there.contains(dag) { change } else { "new" }));
    let gone = gone(night).into_iter().filter(|it| was_there.contains(it.0));
    now.chain(gone).flat_map(|(dag, change)| ids[dag].iter().map(move |id| (id.clone(), change.to_owned()))).collect()
}

#[test]
fn thirty_nights_are_told_right() {
    let suppression = format!(
        "[[suppress]]\ndetector = \"access-denied\"\nsubject = \"*\"\nfinding_id = \"{}\"\nreason = \"the partner moves\"\nuntil = \"2026-01-21\"\n",
        ids(ACCEPTED).first().unwrap()
    );
    let site = Site::new(&suppression);
    let ids: BTreeMap<&str, BTreeSet<String>> =
        [ENDS, BEGINS, HIDES, GROWS, COMES_LATE, ACCEPTED].into_iter().map(|it| (it, ids(it))).collect();
    assert!(ids.values().all(|it| !it.is_empty()));
    for night in 1..=30 {
        export(&site, night);
        if night == 22 {
            // Killed half-way, at whatever it does by then.
            let mut child =
                site.command(&morning(night)).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
            while !site.path("lake/_staging").exists() && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let output = site.audit(&morning(night));
        assert_eq!(output.status.code(), Some(0), "night {night}: {}", said(&output));
        let report = report(&output);
        let told: BTreeMap<String, String> = report["gone"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| (it["finding_id"].as_str().unwrap().to_owned(), it["change"].as_str().unwrap().to_owned()))
            .collect();
        let expected: BTreeMap<String, String> =
            gone(night).into_iter().flat_map(|(dag, change)| ids[dag].iter().map(move |id| (id.clone(), change.to_owned()))).collect();
        assert_eq!(told, expected, "gone in night {night}");
        if night == 20 {
            let before = tree(&site.path("lake"));
            let again = site.command(&morning(night)).args(["--again", &day(night)]).output().unwrap();
            assert_eq!(again.status.code(), Some(0), "{}", said(&again));
            assert_eq!(self::report(&again), report, "a night that is run again says the same");
            assert!(tree(&site.path("lake")) == before, "and changes no byte");
        }
    }
    for night in 2..=30 {
        assert_eq!(diff(&site, night - 1, night), differences(night, &ids), "the difference of night {night} and the one before");
    }
    let nights: BTreeMap<String, BTreeMap<String, Value>> = (1..=30)
        .map(|night| {
            let rows = truth(night).into_iter().flat_map(|(dag, change)| {
                let status = if dag == ACCEPTED && night < 21 { "suppressed" } else { "open" };
                ids[dag].iter().map(move |id| (id.clone(), json!({"baseline_state": change, "status": status})))
            });
            (day(night), rows.collect())
        })
        .collect();
    let Some(python) = std::env::var_os("CASEFILE_PYTHON") else {
        println!("NOT RUN: CASEFILE_PYTHON is not set, nobody else reads the lake");
        return;
    };
    fs::write(site.path("truth.json"), serde_json::to_string(&nights).unwrap()).unwrap();
    let read =
        Command::new(python).arg("tests/readers/check_nights.py").arg(site.path("lake")).arg(site.path("truth.json")).output().unwrap();
    assert!(read.status.success(), "{}{}", String::from_utf8_lossy(&read.stdout), said(&read));
}

#[test]
fn two_at_once_and_one_that_died() {
    let site = Site::new("");
    export(&site, 1);
    fs::create_dir_all(site.path("state")).unwrap();
    let held = fs::File::create(site.path("state/lock")).unwrap();
    held.lock().unwrap();
    fs::write(site.path("state/lock"), r#"{"process":4711,"since":"2026-01-02T00:59:00.000Z"}"#).unwrap();
    let output = site.audit(&morning(1));
    assert_eq!(output.status.code(), Some(5), "{}", said(&output));
    assert!(said(&output).contains("process 4711, since 2026-01-02T00:59:00.000Z, holds"), "{}", said(&output));
    assert!(!site.path("lake").exists() && output.stdout.is_empty());
    // The process dies: its lock goes with it, its words stay.
    drop(held);
    let output = site.audit(&morning(1));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("process 4711 began an audit at 2026-01-02T00:59:00.000Z and did not finish it"), "{}", said(&output));
}

#[test]
fn what_is_missing_is_said_and_made_up_for() {
    let site = Site::new("fail_on = \"new:high\"");
    export(&site, 1);
    assert_eq!(site.audit(&morning(1)).status.code(), Some(1));
    // Nobody exported the second night.
    let output = site.audit(&morning(2));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let lost = report(&output);
    assert_eq!((lost["summary"]["complete"].as_bool(), lost["findings"].as_array().unwrap().len()), (Some(false), 0));
    assert!(lost["gone"].as_array().unwrap().iter().all(|it| it["change"] == "not-assessed"), "{}", lost["gone"]);
    // It comes a day later, with the third: both are told, and nothing in them is new.
    export(&site, 2);
    export(&site, 3);
    let output = site.audit(&morning(3));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("2026-01-02T00:00:00.000Z to 2026-01-03T00:00:00.000Z, judged again"), "{}", said(&output));
    let report = report(&output);
    assert!(report["findings"].as_array().unwrap().iter().all(|it| it["change"] == "persisting" && it["nights_seen"] == 3), "{report}");
    // Nothing is due until the night is over.
    let output = site.audit(&morning(3));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{}", said(&output));
    assert!(said(&output).contains("nothing is due: the next window ends at 2026-01-05T00:00:00.000Z"), "{}", said(&output));
}

#[test]
fn a_suppression_is_fixed_only_where_its_evidence_was_read_again() {
    let site = Site::new(
        "[[suppress]]\ndetector = \"access-denied\"\nsubject = \"*svc-etl-loader*\"\nreason = \"it moves\"\nuntil = \"2026-02-01\"\n",
    );
    let states = |night: u32| {
        let told = report(&site.audit(&morning(night)));
        told["suppressions"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (night, hidden, healthy, expected) in
        [(1, false, false, &[][..]), (2, true, false, &["not-exercised"]), (3, false, true, &["fixed"])]
    {
        site.export(night, night, BEGINS, false, 1);
        if !hidden {
            site.export(night, night, HIDES, healthy, 1);
        }
        assert_eq!(states(night), expected, "night {night}");
    }
}

#[test]
fn evidence_that_is_gone_changes_nothing_that_was_told() {
    let site = Site::new("");
    export(&site, 1);
    export(&site, 2);
    assert_eq!(site.audit(&morning(2)).status.code(), Some(0));
    let before = tree(&site.path("lake"));
    fs::remove_dir_all(site.path(&format!("exports/{}", day(1)))).unwrap();
    let output = site.command(&morning(2)).args(["--again", "2026-01-01T12:00:00Z"]).output().unwrap();
    assert!(said(&output).contains("its evidence is no longer all there"), "{}", said(&output));
    assert!(tree(&site.path("lake")) == before);
}

#[test]
fn what_cannot_be_published_is_published_by_the_next_run() {
    let site = Site::new("");
    export(&site, 1);
    // A file stands where the lake should be.
    fs::write(site.path("lake"), "").unwrap();
    let output = site.audit(&morning(1));
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
    fs::remove_file(site.path("lake")).unwrap();
    let output = site.audit(&morning(1));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(report(&output)["findings"].as_array().unwrap().iter().all(|it| it["change"] == "new" && it["nights_seen"] == 1));
}

/// The first night is accepted as it stood: its own lake is the baseline of the nights after it.
#[test]
fn what_was_accepted_is_suppressed_in_every_night() {
    let site = Site::new("");
    site.export(1, 1, ENDS, false, 1);
    assert_eq!(site.audit(&morning(1)).status.code(), Some(0));
    let settings = fs::read_to_string(site.path("casefile.toml")).unwrap();
    let accepted = format!("{}@{}", site.path("lake").display(), day(1));
    fs::write(site.path("casefile.toml"), format!("{settings}[baseline]\nreport = \"{accepted}\"\n")).unwrap();
    site.export(2, 2, ENDS, false, 1);
    site.export(2, 2, BEGINS, false, 1);
    let output = site.audit(&morning(2));
    let report = report(&output);
    let findings = report["findings"].as_array().unwrap();
    let known = ids(ENDS);
    assert!(findings.iter().any(|it| known.contains(it["finding_id"].as_str().unwrap())), "{report:#}");
    for it in findings {
        let is_accepted = known.contains(it["finding_id"].as_str().unwrap()) && it["severity"] != "critical" && it["change"] != "worsened";
        assert_eq!(it["status"], if is_accepted { "suppressed" } else { "open" }, "{it:#}");
        assert_eq!(it["suppression"]["kind"] == "baseline", is_accepted, "{it:#}");
    }
    assert!(findings.iter().any(|it| it["status"] == "suppressed") && findings.iter().any(|it| it["change"] == "new"));
}
