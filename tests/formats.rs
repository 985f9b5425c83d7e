//! Formats of other people's programs: read by those programs, or held against their schemas, whatever a log wrote.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use casefile::{
    detectors::{DETECTORS, Verdict},
    evidence::Coverage,
    finding::{Change, Confidence, FailOn, Finding, Gone, Impact, Past, Proof, Remediation, Severity, Standing, Subject, Suppression},
    report::{FORMATS, FailedTries, Report, Style},
    units::Moment,
};
use serde_json::{Map, Value, json};
use std::{fs, process::Command};

/// What a stranger may have written into a log, a path, a name of a table.
const HOSTILE: &str = "=1+1]]> %0A::error::x\n::error file=a::b\r\n##[error]c\0\u{1b}[31m\u{202e}\u{fffe}\u{ffff}\u{85}<a b='c'>&amp;&#0;--> {0} [l](http://x) \"q\";=cmd|' /C calc'!A0,\t@x|＝y";

const NIGHT: Moment = Moment(1_785_000_000_000_000);

fn finding(detector: &'static str, id: &str, severity: Severity) -> Finding {
    Finding {
        standing: Standing::default(),
        finding_id: id.to_owned(),
        detector,
        severity,
        confidence: Confidence::High,
        title: format!("{id} is refused"),
        subject: Subject { kind: "role", id: format!("role of {id}") },
        facts: Map::new(),
        instances: Vec::new(),
        occurrences: 3,
        first_seen: Some(NIGHT),
        last_seen: Some(Moment(NIGHT.0 + 1)),
        impact: Impact::default(),
        explanation: "because".to_owned(),
        caveats: Vec::new(),
        remediation: Remediation { text: "allow it".to_owned(), code: Vec::new() },
        evidence: vec![Proof { source: "a.log".to_owned(), locator: "record 7".to_owned(), timestamp: None, excerpt: "x".to_owned() }],
        repro: Vec::new(),
    }
}

fn past(change: Change) -> Past {
    Past { change, first_seen: None, nights_seen: Some(2) }
}

fn verdict(detector: &str, verdict: &'static str, reason: Option<&str>, findings: Vec<Finding>) -> Verdict {
    let detector = DETECTORS.iter().find(|it| it.id == detector).unwrap();
    Verdict { detector, verdict, reason: reason.map(ToOwned::to_owned), evidence: Vec::new(), findings }
}

fn input(path: &str, problems: &[&str]) -> Coverage {
    Coverage {
        path: path.to_owned(),
        kind: Some("text-log"),
        bytes: 1,
        records: 1,
        parsed: 1,
        skipped: Vec::new(),
        from: None,
        to: None,
        problems: problems.iter().map(|it| (*it).to_owned()).collect(),
        notes: Vec::new(),
    }
}

fn report(verdicts: Vec<Verdict>, coverage: Vec<Coverage>) -> Report {
    Report {
        since: None,
        until: None,
        coverage,
        verdicts,
        failed: Vec::new(),
        last: Some(NIGHT),
        gone: None,
        suppressions: None,
        run: None,
    }
}

/// What other programs read of all formats.
fn read(report: &Report, style: &Style) -> Option<Value> {
    let outputs = FORMATS.iter().map(|it| {
        let mut bytes = Vec::new();
        (it.write)(report, style, &mut bytes).unwrap();
        (it.id, bytes)
    });
    read_outputs(outputs.collect())
}

fn read_outputs(outputs: Vec<(&str, Vec<u8>)>) -> Option<Value> {
    let Some(python) = std::env::var_os("CASEFILE_PYTHON") else {
        println!("NOT RUN: CASEFILE_PYTHON is not set (a Python with the packages of tests/aws/requirements.txt)");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in outputs {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let checked = Command::new(python).arg("tests/formats/check.py").arg(folder.path()).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    Some(serde_json::from_slice(&checked.stdout).unwrap())
}

#[test]
fn other_programs_read_the_demo() {
    let demo = |format: &str| {
        let output = assert_cmd::Command::cargo_bin("casefile").unwrap().args(["demo", "--format", format]).output().unwrap();
        assert!(output.status.success());
        output.stdout
    };
    let Some(read) = read_outputs(FORMATS.iter().map(|it| (it.id, demo(it.id))).collect()) else { return };
    let report: Value = serde_json::from_slice(&demo("json")).unwrap();
    let mut ids: Vec<&Value> = report["findings"].as_array().unwrap().iter().map(|it| &it["finding_id"]).collect();
    let of = |list: &'_ Value, key: &str| list.as_array().unwrap().iter().map(|it| it[key].clone()).collect::<Vec<_>>();
    assert_eq!(of(&read["sarif"]["results"], "id").iter().collect::<Vec<_>>(), ids);
    assert_eq!(of(&read["csv"], "finding_id").iter().collect::<Vec<_>>(), ids);
    let mut told = of(&read["ocsf"], "id");
    told.sort_by_key(ToString::to_string);
    ids.sort_by_key(ToString::to_string);
    assert_eq!(told.iter().collect::<Vec<_>>(), ids);
    assert_eq!(read["sarif"]["rules"].as_array().unwrap().len(), DETECTORS.len());
    assert_eq!(read["sarif"]["successful"], true);
}

#[test]
fn nothing_that_a_log_wrote_breaks_a_format() {
    let long = format!("{HOSTILE}{}", "ä\u{fffe}".repeat(30_000));
    let mut worst = finding("access-denied", "f1:1", Severity::High);
    worst.title.push_str(&long);
    worst.subject.id.push_str(HOSTILE);
    worst.explanation = long.clone();
    worst.remediation.text = long.clone();
    worst.caveats = vec![HOSTILE.to_owned()];
    worst.facts.insert(HOSTILE.to_owned(), json!([HOSTILE, { "x": HOSTILE }]));
    worst.evidence = vec![
        Proof { source: format!("./a b/50%:{HOSTILE}"), locator: "line 41".to_owned(), timestamp: None, excerpt: long.clone() },
        Proof { source: "/var/b.log".to_owned(), locator: HOSTILE.to_owned(), timestamp: Some(HOSTILE.to_owned()), excerpt: long },
    ];
    let suppression = Suppression { kind: "accepted".to_owned(), reason: HOSTILE.to_owned(), owner: Some(HOSTILE.to_owned()), until: None };
    let mut quiet = finding("access-denied", "f1:2", Severity::Critical);
    quiet.standing.suppression = Some(suppression);
    let verdicts = vec![
        verdict("access-denied", "findings", None, vec![worst, quiet]),
        verdict("small-files", "not-assessed", Some(HOSTILE), Vec::new()),
    ];
    let mut hostile = report(verdicts, vec![input(HOSTILE, &[HOSTILE, HOSTILE]), input("good.log", &[])]);
    hostile.failed = vec![FailedTries {
        dag_id: Some(HOSTILE.to_owned()),
        task_id: None,
        last_error: Some(HOSTILE.to_owned()),
        count: 1,
        recovered: false,
        first_seen: None,
        last_seen: None,
        instances: Vec::new(),
        source: HOSTILE.to_owned(),
        locator: "record 1".to_owned(),
    }];
    let Some(read) = read(&hostile, &Style::default()) else { return };
    let commands = read["github"]["commands"].as_array().unwrap();
    let kinds: Vec<&Value> = commands.iter().map(|it| &it["kind"]).collect();
    assert_eq!(kinds, ["warning", "warning", "error"]);
    assert_eq!(commands[2]["line"], "41");
    assert!(commands[2]["file"].as_str().unwrap().starts_with("./a b/50%:=1+1]]> %0A::error::x\n::error file=a::b"));
    assert_eq!(read["sarif"]["results"][1]["line"], 41);
    assert_eq!(read["junit"]["access-denied"][0][0], "failure");
    assert_eq!(read["junit"]["access-denied"][1][0], "skipped");
    let error = &read["junit"]["inputs"][0];
    assert_eq!(error[0], "error");
    assert!(error[1].as_str().unwrap().starts_with("=1+1]]> %0A::error::x\n::error file=a::b"), "{error}");
}

#[test]
fn what_people_and_earlier_reports_say_is_told() {
    let mut findings = Vec::new();
    for (id, change) in [("f1:1", Change::New), ("f1:2", Change::Worsened), ("f1:3", Change::Improved), ("f1:4", Change::Persisting)] {
        let mut it = finding("access-denied", id, Severity::Medium);
        it.standing.past = Some(past(change));
        findings.push(it);
    }
    let mut suppressed = finding("access-denied", "f1:5", Severity::Medium);
    let because = Suppression { kind: "false-positive".to_owned(), reason: "ADR-12".to_owned(), owner: None, until: None };
    suppressed.standing = Standing { suppression: Some(because), past: Some(past(Change::Persisting)) };
    findings.push(suppressed);
    let mut told = report(
        vec![verdict("access-denied", "findings", None, findings), verdict("load-errors", "clean", None, Vec::new())],
        vec![input("a.log", &[])],
    );
    let gone = |id: &str, change| Gone {
        finding_id: id.to_owned(),
        detector: "small-files".to_owned(),
        severity: "high".to_owned(),
        subject_id: "s3://lake/many".to_owned(),
        title: "many".to_owned(),
        last_seen: None,
        change,
        reason: None,
    };
    told.gone = Some(vec![gone("f1:6", Change::Resolved), gone("f1:7", Change::NotAssessed)]);
    assert!(common::printed(&told, "md").contains("`f1:2`, worsened, seen in 2 nights\n"));
    let Some(read) = read(&told, &Style::default()) else { return };
    let of = |format: &str, key: &str| read[format].as_array().unwrap().iter().map(|it| it[key].clone()).collect::<Vec<_>>();
    let results = read["sarif"]["results"].as_array().unwrap();
    let states: Vec<&Value> = results.iter().map(|it| &it["state"]).collect();
    assert_eq!(states, ["new", "updated", "updated", "unchanged", "unchanged"]);
    assert_eq!(results[0]["suppressions"], json!([]));
    assert_eq!(results[4]["suppressions"], json!([["external", "accepted", "ADR-12"]]));
    assert_eq!(of("ocsf", "activity"), ["Create", "Update", "Update", "Update", "Close", "Close"]);
    assert_eq!(of("ocsf", "status"), ["New", "New", "New", "New", "Suppressed", "Resolved"]);
    assert_eq!(of("ocsf", "id").last().unwrap(), "f1:6");
    assert_eq!(of("csv", "status").last().unwrap(), "suppressed");
    assert_eq!(of("csv", "change"), ["new", "worsened", "improved", "persisting", "persisting"]);
    let skipped = &read["junit"]["access-denied"][4];
    assert_eq!((&skipped[0], &skipped[2]), (&json!("skipped"), &json!("suppressed, false-positive: ADR-12")));
    assert_eq!(read["junit"]["load-errors"][0][0], "passed");
    assert_eq!(read["junit"]["inputs"][0][0], "passed");
    assert_eq!(read["github"]["commands"].as_array().unwrap().len(), 4, "suppressed findings are no annotations");
    assert_eq!(read["github"]["last"], "casefile: 4 open findings, 1 suppressed, 1 resolved");
}

#[test]
fn a_test_fails_where_fail_on_says_so() {
    let judged = |fail_on: Option<FailOn>| {
        let mut old = finding("access-denied", "f1:old", Severity::High);
        old.standing.past = Some(past(Change::Persisting));
        let findings = vec![old, finding("access-denied", "f1:m", Severity::Medium), finding("access-denied", "f1:l", Severity::Low)];
        let told = report(vec![verdict("access-denied", "findings", None, findings)], Vec::new());
        let read = read(&told, &Style { fail_on, ..Style::default() })?;
        Some(read["junit"]["access-denied"].as_array().unwrap().iter().map(|it| it[0].as_str().unwrap().to_owned()).collect::<Vec<_>>())
    };
    let Some(unasked) = judged(None) else { return };
    assert_eq!(unasked, ["failure", "failure", "passed"]);
    assert_eq!(judged(Some(FailOn { only_new: false, severity: Severity::High })).unwrap(), ["failure", "passed", "passed"]);
    assert_eq!(judged(Some(FailOn { only_new: true, severity: Severity::Low })).unwrap(), ["passed", "failure", "failure"]);
    let demo = |args: &[&str]| {
        let output = assert_cmd::Command::cargo_bin("casefile").unwrap().args(["demo", "--format", "junit"]).args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap().matches("<failure ").count()
    };
    assert_eq!((demo(&[]), demo(&["--fail-on", "critical"])), (12, 2));
}

/// GitHub shows ten of a kind; the rest is counted, and what makes all doubtful is always among those shown.
#[test]
fn annotations_are_no_more_than_github_shows() {
    let of = |severity, count| (0..count).map(move |at| finding("access-denied", &format!("f1:{severity:?}{at}"), severity));
    let findings: Vec<Finding> =
        of(Severity::Critical, 11).chain(of(Severity::Medium, 10)).chain(of(Severity::Info, 1)).chain(of(Severity::Low, 1)).collect();
    let told = report(vec![verdict("access-denied", "findings", None, findings)], vec![input("a.log", &["cut off"])]);
    let Some(read) = read(&told, &Style::default()) else { return };
    let commands = read["github"]["commands"].as_array().unwrap();
    let count = |kind: &str| commands.iter().filter(|it| it["kind"] == kind).count();
    assert_eq!((count("error"), count("warning"), count("notice")), (10, 10, 2));
    assert_eq!(commands[0]["message"], "a.log: cut off");
    let last = read["github"]["last"].as_str().unwrap();
    assert_eq!(last, "casefile: 23 open findings, 0 suppressed, 2 of the findings have no annotation, for GitHub shows 10 of a kind");
    assert_eq!(read["sarif"]["successful"], false);
    assert_eq!(read["sarif"]["notifications"], json!([["error", "a.log: cut off"]]));
}
