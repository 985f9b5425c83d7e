//! Bad input and hostile content: a clear message each, no panic, nothing lost beside it, no secret and no escape in any output.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken test should stop loudly")]

mod common;

use casefile::{
    report::{FORMATS, parquet},
    settings::Settings,
};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

const DENIAL: &str = "[2024-05-01T10:00:00.123+0000] {taskinstance.py:1157} ERROR - Task failed with exception\nTraceback (most recent call last):\n  File \"/dags/a.py\", line 3, in run\nbotocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the GetObject operation: Access Denied\n";

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

/// The problems of an input, by the end of its name.
fn problems_of(report: &casefile::report::Report, name: &str) -> Vec<String> {
    report.coverage.iter().find(|it| it.path.ends_with(name)).unwrap_or_else(|| panic!("no input {name}")).problems.clone()
}

#[test]
fn each_damaged_input_says_what_is_wrong_and_the_others_are_read() {
    let mut truncated = gzipped(DENIAL.repeat(2_000).as_bytes());
    truncated.truncate(truncated.len() / 2);
    let nested = (0..6).fold(DENIAL.as_bytes().to_vec(), |bytes, _| gzipped(&bytes));
    let mut binary = vec![0x7f, b'E', b'L', b'F'];
    binary.extend((0..4000_u32).map(|it| u8::try_from(it * 37 % 251).unwrap()));
    let given = folder(&[
        ("good.log", DENIAL.into()),
        ("empty.log", Vec::new()),
        ("binary.bin", binary),
        ("bytes.log", [b"\xff\xff\xfe\0\0\0".as_slice(), DENIAL.as_bytes(), b"\xff"].concat()),
        ("cut.log.gz", truncated),
        ("deep.gz", nested),
        ("cut.json", br#"{"events":[{"timestamp":1714557600123,"message":"An error occurred (AccessDenied) when calling the PutObject operation: Access Denied","logStreamName":"x"},{"timestamp":17145"#.to_vec()),
        ("year0.log", b"[0000-01-01T00:00:00.000+0000] {a.py:1} INFO - x\n".to_vec()),
        ("old.xz", b"\xfd7zXZ\0rest".to_vec()),
    ]);
    let missing = given.path().join("missing.log");
    let report = common::analyze(&[given.path(), &missing]);
    assert_eq!(problems_of(&report, "good.log"), Vec::<String>::new());
    assert_eq!(problems_of(&report, "empty.log"), Vec::<String>::new());
    assert_eq!(problems_of(&report, "binary.bin"), Vec::<String>::new());
    assert_eq!(problems_of(&report, "bytes.log"), Vec::<String>::new());
    assert_eq!(problems_of(&report, "year0.log"), Vec::<String>::new());
    assert_eq!(problems_of(&report, "cut.log.gz"), ["cut off: the compressed data ends too early"]);
    assert_eq!(problems_of(&report, "cut.json"), ["cut off inside a JSON record"]);
    assert_eq!(problems_of(&report, "deep.gz"), ["archives nested deeper than 4 are not opened"]);
    assert_eq!(problems_of(&report, "old.xz"), ["xz is not supported: unpack it first"]);
    assert_eq!(problems_of(&report, "missing.log"), ["no such file or directory"]);
    assert!(!report.is_complete());
    // The half that could be unpacked, and the event before the cut, are judged.
    let found = common::printed(&report, "jsonl");
    assert!(found.contains("PutObject") && found.contains("cut.log.gz"), "{found}");
    for input in &report.coverage {
        assert_eq!(input.records, input.parsed + input.skipped.iter().map(|it| it.count).sum::<u64>(), "{}", input.path);
    }
}

#[test]
fn damage_costs_the_record_that_it_hit() {
    let event = |at: u64| {
        let message = format!("An error occurred (AccessDenied) when calling the GetObject operation: Access Denied {at}");
        serde_json::json!({"logStreamName": "s", "timestamp": 1_700_000_000_000 + at * 60_000, "message": message, "eventId": "1"})
            .to_string()
    };
    // Every second line lacks its end, the first one too.
    let cut: Vec<String> =
        (0..10).map(event).enumerate().map(|(at, it)| it.get(..it.len() - (at + 1) % 2 * 20).unwrap().to_owned()).collect();
    let csv = |rows: &str| format!("timestamp,message\n{rows}").into_bytes();
    let given = folder(&[
        ("half.ndjson", cut.join("\n").into_bytes()),
        ("cut.csv", csv("1700000000000,\"An error occurred (Acc")),
        ("unclosed.csv", csv("1700000000000,\"a\n1700000000001,b\n")),
        ("whole.csv", csv("1700000000000,\"says \"\"a\"\"\nand b\"\n1700000000001,b\n")),
    ]);
    let report = common::analyze(&[given.path()]);
    let half = report.coverage.iter().find(|it| it.path.ends_with("half.ndjson")).unwrap();
    assert_eq!((half.kind, half.records, half.parsed), (Some("cloudwatch-events"), 10, 5));
    assert_eq!(half.problems, ["JSON record cut off at the end of its line"]);
    for name in ["cut.csv", "unclosed.csv"] {
        assert!(problems_of(&report, name).concat().starts_with("a quote is not closed"), "{name}");
    }
    assert_eq!(problems_of(&report, "whole.csv"), Vec::<String>::new());
}

/// Logs of one try that were joined, or fetched twice into one file, tell of one failure.
#[test]
fn a_log_twice_in_one_file_is_one_try() {
    let log = "[2026-11-20T08:26:16.644+0000] {taskinstance.py:2614} INFO - Dependencies all met for dep_context=non-requeueable deps ti=<TaskInstance: d.t manual__2026-11-20T08:26:02+00:00 [queued]>\n\
[2026-11-20T08:26:16.670+0000] {taskinstance.py:2867} INFO - Starting attempt 1 of 1\n\
[2026-11-20T08:26:17.357+0000] {taskinstance.py:3313} ERROR - Task failed with exception\n\
Traceback (most recent call last):\n\
botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the GetObject operation: User: arn:aws:sts::123456789012:assumed-role/etl/s is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::b/k.csv\" because no identity-based policy allows the s3:GetObject action\n\
[2026-11-20T08:26:17.377+0000] {taskinstance.py:1226} INFO - Marking task as FAILED. dag_id=d, task_id=t, run_id=manual__2026-11-20T08:26:02+00:00, execution_date=20261120T082602, start_date=20261120T082616, end_date=20261120T082617\n";
    let once = common::analyze_text("a.log", log.as_bytes());
    let twice = common::analyze_text("a.log", format!("{log}{log}").as_bytes());
    let said = |it: &casefile::report::Report| it.findings().iter().map(|it| (it.severity, it.title.clone())).collect::<Vec<_>>();
    assert_eq!(said(&once).len(), 1);
    assert_eq!(said(&once), said(&twice));
    assert!(twice.failed.is_empty());
}

#[test]
fn one_endless_line_is_cut_and_said() {
    let mut long = vec![b'x'; 64 << 20];
    long.extend_from_slice(format!("\n{DENIAL}").as_bytes());
    let given = folder(&[("long.log", long)]);
    let report = common::analyze(&[given.path()]);
    assert_eq!(problems_of(&report, "long.log"), ["1 records longer than 1048576 bytes were cut there"]);
    assert_eq!(report.findings().len(), 1);
}

#[test]
fn a_bomb_is_cut_off_where_its_cap_says() {
    let bomb = gzipped(&vec![b'a'; 300 << 20]);
    let given = folder(&[("bomb.gz", bomb)]);
    let mut settings = Settings::default();
    settings.caps.expansion = 100;
    let report = common::analyze_with(&[given.path()], &settings);
    assert!(problems_of(&report, "bomb.gz").contains(&"expands more than 100 times: cut off".to_owned()));
}

#[test]
fn archives_of_every_kind_are_opened() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("logs/a.log", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(DENIAL.as_bytes()).unwrap();
    let zip = zip.finish().unwrap().into_inner();
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(DENIAL.len() as u64);
    tar.append_data(&mut header, "a.log", DENIAL.as_bytes()).unwrap();
    let tar = gzipped(&tar.into_inner().unwrap());
    let mut bz2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bz2.write_all(DENIAL.as_bytes()).unwrap();
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(DENIAL.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for (name, bytes) in [
        ("a.zip", zip),
        ("a.tar.gz", tar),
        ("a.bz2", bz2.finish().unwrap()),
        ("a.zst", zstd::encode_all(DENIAL.as_bytes(), 3).unwrap()),
        ("a.gz", [gzipped(&DENIAL.as_bytes()[..40]), gzipped(&DENIAL.as_bytes()[40..])].concat()),
        ("a.gz.gz", gzipped(&gzipped(DENIAL.as_bytes()))),
        ("powershell.txt", utf16),
    ] {
        let given = folder(&[(name, bytes)]);
        let report = common::analyze(&[given.path()]);
        assert_eq!(report.findings().len(), 1, "{name}: {:?}", report.coverage);
        assert!(report.is_complete(), "{name}: {:?}", report.coverage);
    }
}

/// Secrets, and a part of each that must never come out.
const SECRETS: &[(&str, &str)] = &[
    ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
    ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
    ("aws_session_token=FwoGZXIvYXdzEJr//////////wEaDEXAMPLE0123456789abcdefghij", "FwoGZXIv"),
    (
        "copy t from 's3://b/k' credentials 'aws_access_key_id=ASIAQQQQWWWWEEEERRRR;aws_secret_access_key=zzzzYYYYxxxxWWWWvvvvUUUUttttSSSSrrrrQQQQ'",
        "zzzzYYYY",
    ),
    ("postgresql://etl:s3cr3tpw@cluster:5439/dev", "s3cr3tpw"),
    ("https://b.s3.amazonaws.com/k?X-Amz-Security-Token=IQoJb3JpZ2luX2VjEXAMPLE&X-Amz-Signature=0f0f0f0f0f", "0f0f0f0f0f"),
    ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhaXJmbG93In0.c2lnc2lnc2ln", "eyJzdWIi"),
    (r#"{"password": "hunter2hunter2"}"#, "hunter2hunter2"),
];

#[test]
fn no_secret_and_no_escape_comes_out_of_any_format() {
    let mut log = String::new();
    for (secret, _) in SECRETS {
        log.push_str(&DENIAL.replace("Access Denied", &format!("Access Denied {secret} \u{1b}[31m\u{202e}<script>alert(1)</script>\u{7}")));
        log.push_str(&DENIAL.replace("AccessDenied", "Throttling").replace("Access Denied", secret));
        log.push_str("[2024-05-01T10:00:01.123+0000] {taskinstance.py:1} INFO - Marking task as FAILED. dag_id=d, task_id=t, execution_date=20240501T000000\n");
    }
    let given = folder(&[(&format!("dag_id=d/run_id=r{}/task_id=t/attempt=1.log", "AKIAIOSFODNN7EXAMPLE"), log.into_bytes())]);
    let report = common::analyze(&[given.path()]);
    let mut outputs: Vec<(String, Vec<u8>)> =
        FORMATS.iter().map(|it| (it.id.to_owned(), common::printed(&report, it.id).into_bytes())).collect();
    for (name, bytes) in parquet::files(&report, "run").unwrap() {
        outputs.push((name.to_owned(), unpacked(&bytes)));
    }
    for (name, bytes) in outputs {
        let text = String::from_utf8_lossy(&bytes);
        for (_, part) in SECRETS {
            let place = text.find(part).map(|at| text.get(at.saturating_sub(80)..(at + 60).min(text.len())));
            assert!(!text.contains(part), "{name} holds {part}: {place:?}");
        }
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && !text.contains('\u{7}'), "{name} holds an escape");
        if name == "md" {
            assert!(!text.replace("```", "").lines().any(|it| it.starts_with("<script")), "{name} holds markup");
        }
    }
}

/// All values of a Parquet file as text.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::copy_from_slice(bytes))
        .unwrap()
        .build()
        .unwrap();
    reader.flat_map(|it| format!("{:?}", it.unwrap()).into_bytes()).collect()
}

#[test]
fn an_unreadable_file_is_named() {
    let given = folder(&[("good.log", DENIAL.into())]);
    let loop_path: PathBuf = given.path().join("loop");
    std::os::unix::fs::symlink(&loop_path, &loop_path).unwrap();
    let report = common::analyze(&[given.path()]);
    assert!(!problems_of(&report, "loop").is_empty());
    assert_eq!(report.findings().len(), 1);
}

#[test]
fn the_same_inputs_give_the_same_bytes_in_any_order() {
    let given = folder(&[
        ("a/a.log", DENIAL.into()),
        ("b/b.log", DENIAL.replace("GetObject", "PutObject").into()),
        ("c/c.gz", gzipped(DENIAL.as_bytes())),
    ]);
    let parts: Vec<PathBuf> = ["a", "b", "c"].iter().map(|it| given.path().join(it)).collect();
    let refs: Vec<&Path> = parts.iter().map(PathBuf::as_path).collect();
    let reversed: Vec<&Path> = refs.iter().rev().copied().collect();
    let (one, other) = (common::analyze(&refs), common::analyze(&reversed));
    for format in FORMATS {
        assert_eq!(common::printed(&one, format.id), common::printed(&other, format.id), "{}", format.id);
    }
    assert_eq!(one.run_id(), other.run_id());
    assert_eq!(parquet::files(&one, "x").unwrap(), parquet::files(&other, "x").unwrap());
}
