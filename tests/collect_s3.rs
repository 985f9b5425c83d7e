//! Collecting listings of S3: every object once, as the AWS CLI prints it, up to a cap that is told.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use common::servers::{Servers, answers, found_in, login, manifest, moved_bucket, stderr, stdout};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};

const LISTING: &str = "fixtures/stories/mapped/s3/vendor-drop.ls.txt";

/// The objects of a listing: time, size, key.
fn listed(text: &str) -> Vec<(String, i64, String)> {
    let object = |line: &str| {
        let (time, rest) = line.split_at(19);
        let (size, key) = rest.trim_start().split_once(' ').unwrap();
        (time.replace(' ', "T") + "+00:00", size.parse().unwrap(), key.to_owned())
    };
    text.lines().map(object).collect()
}

/// The objects that a case holds.
fn held(case: &Path) -> Vec<(String, i64, String)> {
    let mut objects = Vec::new();
    for unit in manifest(case)["units"].as_object().unwrap().values() {
        let Some(file) = unit["file"].as_str() else { continue };
        for object in answers(&case.join(file)).iter().flat_map(|it| it["Contents"].as_array().unwrap()) {
            let text = |key: &str| object[key].as_str().unwrap().to_owned();
            objects.push((text("LastModified"), object["Size"].as_i64().unwrap(), text("Key")));
        }
    }
    objects
}

fn of_size(count: usize) -> (Value, String) {
    let keys = ["a b+c", "ä/ö", "%41=1", "x&<y>\"'", "tab\tkey"];
    let line = |at: usize| format!("2026-08-14 05:00:00 {:>10} lake/{}/{at:05}.parquet\n", 1_000 + at, keys[at % keys.len()]);
    let text: String = (0..count).map(line).collect();
    (json!({"objects": {"bucket": "lake", "text": text}}), text)
}

#[test]
fn every_object_comes_once_whatever_its_key_and_however_s3_throttles() {
    for (name, fault) in [("paged", json!({})), ("half throttled", json!({"throttle": {"share": 0.5, "seed": 3}}))] {
        let (seeds, text) = of_size(2_345);
        let Some(mut servers) = Servers::start(name, &[seeds, fault]) else { return };
        let folder = tempfile::tempdir().unwrap();
        let output = servers.collect(folder.path(), &["--last", "1h", "--s3", "s3://lake/lake/"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}: {}{}", stdout(&output), stderr(&output));
        let (mut found, mut wanted) = (held(&folder.path().join("case")), listed(&text));
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted, "{name}");
        println!("{name}: {} objects, each once, in {} calls", found.len(), servers.calls("ListObjectsV2"));
    }
}

#[test]
fn a_case_says_what_a_dump_says() {
    let Some(servers) = Servers::start("findings", &[json!({"objects": {"bucket": "vendor-drop", "file": LISTING}})]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = servers.collect(folder.path(), &["--last", "1h", "--s3", "s3://vendor-drop"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let object =
        |it: (String, i64, String)| json!({"Key": it.2, "LastModified": it.0, "ETag": "\"x\"", "Size": it.1, "StorageClass": "STANDARD"});
    let objects: Vec<Value> = listed(&fs::read_to_string(LISTING).unwrap()).into_iter().map(object).collect();
    let dump = json!({"IsTruncated": false, "Contents": objects, "Name": "vendor-drop", "Prefix": "", "KeyCount": objects.len()});
    fs::write(folder.path().join("dump.json"), dump.to_string()).unwrap();
    let (of_case, of_dump) = (found_in(folder.path(), "case"), found_in(folder.path(), "dump.json"));
    assert!(of_dump.iter().any(|it| it["detector"] == "partition-skew"), "{of_dump:#?}");
    assert_eq!(of_case, of_dump);
}

#[test]
fn a_listing_ends_at_its_cap_and_says_so() {
    let (seeds, _) = of_size(2_345);
    let Some(mut servers) = Servers::start("cap", &[seeds]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let asked = ["--last", "1h", "--s3", "s3://lake/lake/", "--s3", "s3://lake/nothing/", "--s3-max-objects", "1500"];
    let output = servers.collect(folder.path(), &asked).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    let said = stdout(&output);
    assert!(
        said.contains("only a part: ListObjectsV2 of s3://lake/lake/: 2000 objects were listed, and there are more: --s3-max-objects"),
        "{said}"
    );
    assert!(said.contains("note: s3://lake/nothing/: there are no objects"), "{said}");
    assert_eq!(held(&folder.path().join("case")).len(), 2_000);
    assert_eq!(servers.calls("ListObjectsV2"), 3);
}

#[test]
fn a_bucket_that_is_refused_is_named_with_its_statement() {
    let (seeds, _) = of_size(10);
    let Some(servers) = Servers::start("refused", &[seeds, json!({"deny": ["s3:ListBucket"]})]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = servers.collect(folder.path(), &["--last", "1h", "--s3", "s3://lake"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    let wanted = r#"casefile needs {"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::*"}"#;
    assert!(stdout(&output).contains(wanted), "{}", stdout(&output));
}

/// The usual variables name endpoints too, of all services and of one.
#[test]
fn endpoints_of_the_environment_are_used() {
    let (seeds, _) = of_size(10);
    let Some(mut servers) = Servers::start("endpoints", &[seeds]) else { return };
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_casefile"));
        command.current_dir(folder.path()).args(["collect", "--case", "case", "--retry-delay", "1", "--last", "1h", "--s3", "s3://lake"]);
        // STS is not needed: where it cannot be reached, nobody is named.
        command.envs(login(folder.path())).env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1").env(variable, &servers.endpoint);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{variable}: {}{}", stdout(&output), stderr(&output));
        assert_eq!(held(&folder.path().join("case")).len(), 10);
    }
    assert_eq!(servers.calls("ListObjectsV2"), 2);
    assert_eq!(servers.calls("GetCallerIdentity"), 0);
}

#[test]
fn a_bucket_in_another_region_is_explained() {
    let endpoint = moved_bucket();
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_casefile"));
    command.current_dir(folder.path()).args(["collect", "--case", "case", "--retry-delay", "1", "--last", "1h", "--s3", "s3://lake"]);
    command.args(["--endpoint-url", &endpoint]).envs(login(folder.path())).env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    let wanted = "(the bucket is in eu-west-1); it lies in another region: collect it into a case of its own, with --region";
    assert!(stdout(&output).contains(wanted), "{}", stdout(&output));
}
