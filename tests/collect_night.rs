//! One night of all services, collected at once and analysed in one go: what is found is what the dumps of that night say.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use common::{
    night::night,
    servers::{Servers, at_full_size, evidence, found_in, manifest, stderr, stdout},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

const WANTED: &[&str] = &[
    "--since",
    "2026-08-13",
    "--until",
    "2026-08-16",
    "--mwaa-environment",
    "shop-prod",
    "--redshift-cluster",
    "shop-dwh",
    "--database",
    "shop",
    "--athena",
    "--workgroup",
    "nightly",
    "--s3",
    "s3://shop-raw/",
];

fn analyze(folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_casefile")).current_dir(folder).args(["analyze", "case"]).output().unwrap()
}

/// The number before a word of a line.
fn number_before(text: &str, word: &str) -> u64 {
    let before = text.split(word).next().unwrap().trim_end();
    before.rsplit([' ', '\n']).next().unwrap().parse().unwrap()
}

#[test]
fn one_collection_of_all_services_says_what_the_dumps_say() {
    let harmless = json!({});
    let throttled = json!({"throttle": {"share": 0.33, "seed": 5}, "reads": {"page_events": 100}});
    for (way, fault) in [("raw", harmless), ("insights", throttled)] {
        let folder = tempfile::tempdir().unwrap();
        let mut seeds = night(folder.path());
        seeds.push(fault);
        let Some(mut servers) = Servers::start("night", &seeds) else { return };
        let asked = [WANTED, &["--logs", way, "--progress", "always"]].concat();
        let output = servers.collect(folder.path(), &asked).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));

        let case = manifest(&folder.path().join("case"));
        let units: Vec<&Value> = case["units"].as_object().unwrap().values().collect();
        assert!(units.iter().all(|it| it["state"] == "complete"));
        let collectors: BTreeSet<&str> = units.iter().map(|it| it["collector"].as_str().unwrap()).collect();
        let logs = format!("logs_{way}");
        assert_eq!(collectors, BTreeSet::from([logs.as_str(), "mwaa", "redshift", "athena", "s3"]));

        // Every call is counted, and once: by the servers, while it runs, and at the end.
        let counters = servers.control(&json!({"counters": true}))["counters"].clone();
        assert_eq!(counters["model_faults"], json!([]));
        let (last, said) = (stderr(&output), stdout(&output));
        assert_eq!(counters["total"], number_before(last.trim_end().rsplit("casefile:").next().unwrap(), " calls"), "{last}");
        assert_eq!(counters["total"], number_before(&said, " calls,"), "{said}");

        let (of_case, of_dumps) = (found_in(folder.path(), "case"), found_in(folder.path(), "dumps"));
        for it in &of_dumps {
            println!("{way}: {} {} {} x{}", it["finding_id"], it["severity"], it["title"], it["occurrences"]);
        }
        let has = |what: &dyn Fn(&Value) -> bool| of_dumps.iter().any(what);
        assert!(
            has(&|it| it["detector"] == "access-denied" && it["instances"].to_string().contains("task_id")),
            "the task logs contribute"
        );
        assert!(has(&|it| it["detector"] == "single-file-copy"), "Redshift contributes");
        assert!(
            has(&|it| it["detector"] == "access-denied" && it["instances"].to_string().contains("query_execution_id")),
            "Athena contributes"
        );
        assert!(
            has(&|it| it["detector"] == "small-files" && it["facts"]["location"].to_string().contains("impressions")),
            "S3 contributes"
        );
        assert_eq!(of_case, of_dumps, "{way}");
        assert_eq!(analyze(folder.path()).status.code(), Some(0));
        println!("{way}: {} findings from {} parts by {} calls, as from the dumps", of_case.len(), units.len(), counters["total"]);
    }
}

#[test]
fn a_night_that_is_killed_again_and_again_ends_with_the_same_evidence() {
    let (whole, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut seeds = night(whole.path());
    seeds.push(json!({"slow": {"share": 0.5, "seed": 1, "seconds": 0.03}}));
    let Some(servers) = Servers::start("kills", &seeds) else { return };
    let asked = [WANTED, &["--concurrency", "3"]].concat();
    let output = servers.collect(whole.path(), &asked).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let most = if at_full_size() { 30 } else { 5 };
    let mut killed = 0;
    for wait in (0_u64..).map(|it| 60 + it * 137 % 900) {
        let resume: &[&str] = if folder.path().join("case/manifest.json").exists() { &["--resume"] } else { &[] };
        let mut command = servers.collect(folder.path(), &[&asked[..], resume].concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if killed < most {
            std::thread::sleep(Duration::from_millis(wait));
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                killed += 1;
            }
        }
        let is_whole = child.wait().unwrap().success();
        if is_whole && killed >= most {
            break;
        }
        if is_whole {
            // It was faster than the kills: it begins again.
            fs::remove_dir_all(folder.path().join("case")).unwrap();
        }
    }
    let names = |folder: &Path| manifest(&folder.join("case"))["units"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(whole.path()), names(folder.path()));
    assert!(evidence(whole.path()) == evidence(folder.path()), "the evidence tables differ");
    println!("kills: {killed} kills and resumes, evidence tables of all services as without");
}

#[test]
fn a_case_whose_files_were_changed_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let Some(servers) = Servers::start("changed", &night(folder.path())) else { return };
    let output = servers.collect(folder.path(), WANTED).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let case = folder.path().join("case");
    let manifest = manifest(&case);
    let unit = manifest["units"].as_object().unwrap().values().find(|it| it["collector"] == "athena").unwrap();
    let path = case.join(unit["file"].as_str().unwrap());
    // Somebody takes the refusals out, and packs it anew: it can be read, and is not what AWS answered.
    let text = String::from_utf8(zstd::decode_all(fs::File::open(&path).unwrap()).unwrap()).unwrap();
    fs::write(&path, zstd::encode_all(text.replace("not authorized", "authorized").as_bytes(), 0).unwrap()).unwrap();
    let output = analyze(folder.path());
    // Lines are wrapped.
    let said = stdout(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(3), "{said}{}", stderr(&output));
    assert!(said.contains("not as it was collected: its SHA-256 is not the one that the manifest tells"), "{said}");
    assert!(said.contains("1 of its files are not as they were collected"), "{said}");
}
