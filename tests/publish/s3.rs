//! S3: the same bytes as in a folder, nothing touched that is the same, and every call refused or never answered once.

use crate::{
    FEW, MANY, PROGRAM, casefile,
    common::servers::{Servers, at_full_size, login, moved_bucket, stderr, stdout},
    files, folder_in_memory, into_folder, night, report,
};
use casefile::publish::{self, Destination};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

/// Objects below a prefix: the hash of each, and when it was written.
type Objects = BTreeMap<String, (String, String)>;

/// The servers with a bucket, and two nights in folders to publish: the old one and the new one of the same run.
pub(crate) struct Bench {
    pub(crate) servers: Servers,
    pub(crate) folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new(test: &str) -> Option<Self> {
        let servers = Servers::start(test, &[json!({"objects": {"bucket": "lake", "text": ""}})])?;
        let folder = folder_in_memory();
        into_folder(&folder.path().join("old"), &[night(&mut report(FEW), "2026-01-05", "prod-5")]);
        into_folder(&folder.path().join("new"), &[night(&mut report(MANY), "2026-01-05", "prod-5")]);
        Some(Self { servers, folder })
    }

    pub(crate) fn source(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, reaching the servers.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.current_dir(self.folder.path()).args(arguments).args(["--endpoint-url", &self.servers.endpoint, "--retry-delay", "1"]);
        command.envs(login(self.folder.path()));
        command
    }

    pub(crate) fn publish(&self, what: &str, to: &str, more: &[&str]) -> Output {
        self.command(&[&["publish", what, "--to", to], more].concat()).output().unwrap()
    }

    /// Every object below a prefix of the bucket.
    pub(crate) fn objects(&mut self, prefix: &str) -> Objects {
        let stored = self.servers.control(&json!({"stored": {"bucket": "lake"}}))["stored"].clone();
        let text = |it: &Value| it.as_str().unwrap().to_owned();
        let below = |(key, it): (&String, &Value)| Some((key.strip_prefix(prefix)?.to_owned(), (text(&it[0]), text(&it[1]))));
        stored.as_object().unwrap().iter().filter_map(below).collect()
    }

    /// What readers see below a prefix: keys and hashes.
    pub(crate) fn seen(&mut self, prefix: &str) -> BTreeMap<String, String> {
        self.objects(prefix).into_iter().filter(|it| !it.0.starts_with("_staging")).map(|(key, it)| (key, it.0)).collect()
    }

    pub(crate) fn fault(&mut self, fault: &Value) {
        self.servers.control(&json!({"reset": true}));
        self.servers.control(fault);
    }
}

/// The calls that change something.
const CHANGES: [&str; 3] = ["PutObject", "CopyObject", "DeleteObject"];

/// Keys and hashes of a folder.
fn hashes(folder: &Path) -> BTreeMap<String, String> {
    use sha2::{Digest as _, Sha256};
    let hex = |bytes: &[u8]| Sha256::digest(bytes).iter().fold(String::new(), |text, it| text + &format!("{it:02x}"));
    files(folder).iter().map(|(key, bytes)| (key.clone(), hex(bytes))).collect()
}

#[test]
fn objects_are_those_of_a_folder_and_the_same_are_not_touched() {
    let Some(mut bench) = Bench::new("publish to S3") else { return };
    let output = bench.publish("old", "s3://lake/a b/night", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(bench.seen("a b/night/"), hashes(&bench.source("old")));
    let before = bench.objects("a b/night/");
    assert_eq!(before.len(), 5, "no staging is left");
    let calls = |bench: &mut Bench| CHANGES.map(|it| bench.servers.calls(it));
    let called = calls(&mut bench);
    let output = bench.publish("old", "s3://lake/a b/night/", &[]);
    assert!(stdout(&output).ends_with("0 written, 0 replaced, 0 removed, 5 unchanged\n"), "{}", stdout(&output));
    assert_eq!((bench.objects("a b/night/"), calls(&mut bench)), (before, called), "no object was written again");
    let output = bench.publish("new", "s3://lake/a b/night", &[]);
    assert!(stdout(&output).ends_with("0 written, 5 replaced, 0 removed, 0 unchanged\n"), "{}", stdout(&output));
    assert_eq!(bench.seen("a b/night/"), hashes(&bench.source("new")));
    // From one lake into another.
    let output = bench.command(&["compact", "s3://lake/a b/night"]).output().unwrap();
    assert!(stdout(&output).ends_with("0 months merged; 2026-01 goes on\n"), "{}", stderr(&output));
    assert_eq!(bench.servers.control(&json!({"counters": true}))["counters"]["model_faults"], json!([]));
}

#[test]
fn a_throttled_and_failing_s3_is_only_slower() {
    let Some(mut bench) = Bench::new("publish to an ill S3") else { return };
    bench.fault(
        &json!({"throttle": {"share": 0.2, "seed": 3}, "error_500": {"share": 0.1, "seed": 5}, "reset_before": {"share": 0.05, "seed": 2}}),
    );
    for name in ["old", "new"] {
        let output = bench.publish(name, "s3://lake/x", &[]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(bench.objects("x/").len(), 5);
        assert_eq!(bench.seen("x/"), hashes(&bench.source(name)));
    }
}

#[test]
fn what_is_refused_says_what_is_needed() {
    let Some(mut bench) = Bench::new("publish refused") else { return };
    let cases = [
        (
            json!({"deny": ["s3:PutObject"]}),
            "s3://lake/x",
            r#"casefile needs {"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::lake/x/*"}"#,
        ),
        (json!({"deny": ["s3:DeleteObject"]}), "s3://lake/x", r#""Action":"s3:DeleteObject","Resource":"arn:aws:s3:::lake/x/*"}"#),
        (json!({"deny": ["s3:ListBucket"]}), "s3://lake/x", r#""Action":"s3:ListBucket","Resource":"arn:aws:s3:::lake"}"#),
        (json!({}), "s3://no-such-bucket/x", "NoSuchBucket"),
        (json!({"expired_token_from": 0}), "s3://lake/x", "log in again"),
    ];
    for (fault, to, wanted) in cases {
        bench.fault(&fault);
        let output = bench.publish("old", to, &[]);
        assert!(output.status.code() == Some(6) && stderr(&output).contains(wanted), "{fault}: {}", stderr(&output));
        bench.servers.control(&json!({"reset": true, "expired_token_from": null}));
        assert!(bench.seen("x/").is_empty(), "{fault}");
    }
    let mut command = Command::new(PROGRAM);
    command.current_dir(bench.folder.path()).args(["publish", "old", "--to", "s3://lake/x"]);
    let output = command.env_clear().env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_REGION", "us-east-1").output().unwrap();
    assert!(output.status.code() == Some(2) && stderr(&output).contains("no AWS login"), "{}", stderr(&output));
}

#[test]
fn a_bucket_in_another_region_is_told() {
    let endpoint = moved_bucket();
    let folder = folder_in_memory();
    into_folder(&folder.path().join("old"), &[night(&mut report(FEW), "2026-01-05", "prod-5")]);
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder.path()).args(["publish", "old", "--to", "s3://lake/x", "--retry-delay", "1", "--endpoint-url", &endpoint]);
    let output = command.envs(login(folder.path())).output().unwrap();
    let wanted = "(the bucket is in eu-west-1); it lies in another region: give that one";
    assert!(output.status.code() == Some(6) && stderr(&output).contains(wanted), "{}", stderr(&output));
}

/// Runs `publish` of the new night with a fault at its `at`-th change, and gives the exit code, which is none where it was killed.
fn faulty(bench: &mut Bench, prefix: &str, fault: &str, at: usize) -> Option<i32> {
    let to = format!("s3://lake/{prefix}");
    assert_eq!(bench.publish("old", &to, &[]).status.code(), Some(0));
    bench.fault(&json!({"forget": true, fault: {"every": 1, "after": at, "times": 1, "operations": CHANGES}}));
    let mut child = bench.command(&["publish", "new", "--to", &to]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            bench.servers.control(&json!({"reset": true}));
            return status.code();
        }
        if bench.servers.control(&json!({"counters": true}))["counters"]["hanging"] == 1 {
            // kill -9: nothing of it hears that.
            child.kill().unwrap();
            child.wait().unwrap();
            bench.servers.control(&json!({"reset": true}));
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Steps of a night that replaces another: all of them at full size, some of them otherwise.
fn steps() -> impl Iterator<Item = usize> {
    let full = at_full_size();
    (0..60).filter(move |it| full || it % 4 == 3)
}

#[test]
fn whatever_call_is_refused_readers_see_one_night_whole() {
    let Some(mut bench) = Bench::new("every call refused") else { return };
    let (old, new) = (hashes(&bench.source("old")), hashes(&bench.source("new")));
    let mut refused = 0;
    for at in steps() {
        let prefix = format!("refused-{at}/");
        match faulty(&mut bench, &prefix, "refuse", at) {
            // There was no such step any more.
            Some(0) => break,
            code => assert_eq!(code, Some(6), "step {at}"),
        }
        let seen = bench.seen(&prefix);
        assert!(seen == old || seen == new, "step {at}: {seen:?}");
        assert_eq!(bench.publish("new", &format!("s3://lake/{prefix}"), &[]).status.code(), Some(0));
        assert_eq!((bench.seen(&prefix), bench.objects(&prefix).len()), (new.clone(), 5), "step {at}");
        refused += 1;
    }
    println!("{refused} calls refused, one at a time; each left the old night or the new one, and repeated the new one");
    assert!(refused >= 6, "{refused}");
}

#[test]
fn wherever_it_is_killed_the_next_run_repairs_it() {
    let Some(mut bench) = Bench::new("killed everywhere") else { return };
    let (old, new) = (hashes(&bench.source("old")), hashes(&bench.source("new")));
    let mut killed = 0;
    'steps: for at in steps() {
        for fault in ["hang_before", "hang_after"] {
            let prefix = format!("{fault}-{at}/");
            match faulty(&mut bench, &prefix, fault, at) {
                Some(0) => break 'steps,
                code => assert_eq!(code, None, "step {at}"),
            }
            let seen = bench.seen(&prefix);
            let of_findings = |all: &BTreeMap<String, String>| all.iter().find(|it| it.0.starts_with("findings")).map(|it| it.1.clone());
            assert!([&old, &new].iter().any(|it| of_findings(it) == of_findings(&seen)), "step {at}");
            // Another run, of another night, finds what was left.
            let other = bench.source("other");
            if !other.exists() {
                into_folder(&other, &[night(&mut report(FEW), "2026-01-06", "prod-6")]);
            }
            let to = format!("s3://lake/{prefix}");
            assert_eq!(bench.publish("other", &to, &[]).status.code(), Some(0));
            let seen: BTreeMap<String, String> = bench.seen(&prefix).into_iter().filter(|it| it.0.contains("prod-5")).collect();
            assert!(seen == old || seen == new, "step {at}, {fault}: {seen:?}");
            assert_eq!(bench.publish("new", &to, &[]).status.code(), Some(0));
            let all: BTreeMap<String, String> = new.clone().into_iter().chain(hashes(&other)).collect();
            assert_eq!((bench.seen(&prefix), bench.objects(&prefix).len()), (all, 10), "step {at}, {fault}");
            killed += 1;
        }
    }
    println!("killed {killed} times; whoever came next repaired it");
    assert!(killed >= 10, "{killed}");
}

#[test]
fn months_are_merged_and_pruned_as_in_a_folder() {
    let Some(mut bench) = Bench::new("months in S3") else { return };
    let (source, mut few) = (bench.source("months"), report(FEW));
    let nights = ["2025-12-31", "2026-01-01", "2026-01-02", "2026-02-01"].map(|day| night(&mut few, day, &format!("prod-{day}")));
    into_folder(&source, &nights);
    assert_eq!(bench.publish("months", "s3://lake/x", &[]).status.code(), Some(0));
    publish::compact(&Destination::new(source.to_str().unwrap()), false).unwrap();
    bench.fault(&json!({"refuse": {"every": 1, "after": 30, "times": 1, "operations": CHANGES}}));
    let output = bench.command(&["compact", "s3://lake/x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(6), "{}{}", stdout(&output), stderr(&output));
    let output = bench.command(&["compact", "s3://lake/x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!((bench.seen("x/"), bench.objects("x/").len()), (hashes(&source), 15), "the same bytes, and no staging");
    let output = bench.command(&["prune", "s3://lake/x", "--keep", "1d", "--apply"]).output().unwrap();
    assert!(stdout(&output).contains("15 files"), "{}{}", stdout(&output), stderr(&output));
    assert!(bench.objects("x/").is_empty());
}

#[test]
fn the_policy_names_what_is_published_to() {
    let output = casefile(&[
        "doctor",
        "--policy",
        "--publish-to",
        "s3://lake/x",
        "--publish-database",
        "night",
        "--region",
        "eu-west-1",
        "--endpoint-url",
        "http://127.0.0.1:1",
    ]);
    let policy: Value = serde_json::from_slice(&output.stdout).unwrap();
    let sids: Vec<&str> = policy["Statement"].as_array().unwrap().iter().map(|it| it["Sid"].as_str().unwrap()).collect();
    assert!(sids.contains(&"PublishObjects") && sids.contains(&"PublishCatalog"), "{sids:?}");
}
