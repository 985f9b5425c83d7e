//! Logs are read a block at a time, and large ones by all cores. What they tell is compared with the slow and obvious way: every line
//! by itself.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

use casefile::{
    logs::{Framing, LogReader, facts::Facts},
    units::Moment,
};
use jiff::tz::TimeZone;
use std::{
    fs,
    path::{Path, PathBuf},
};

type Told = (String, (Option<(Moment, Moment)>, bool));

fn by_line(name: &str, framing: Framing, text: &[u8]) -> Told {
    let mut facts = Facts::default();
    let mut reader = LogReader::new(name.into(), TimeZone::UTC, &mut facts);
    let lines = text.strip_suffix(b"\n").unwrap_or(text).split(|it| *it == b'\n');
    for (line, record) in lines.zip(1..) {
        reader.framed_line(framing, line, record);
    }
    let saw = reader.finish();
    facts.close();
    (format!("{facts:#?}"), saw)
}

fn by_block(name: &str, framing: Framing, text: &[u8], size: usize) -> Told {
    let mut facts = Facts::default();
    let mut reader = LogReader::new(name.into(), TimeZone::UTC, &mut facts);
    let (mut at, mut record, mut size_now) = (0, 0, size);
    while at < text.len() {
        let end = text.len().min(at + size_now);
        let used = reader.block(framing, &text[at..end], &mut record, 1 << 20, end == text.len());
        at += used;
        // A block without a whole line must grow.
        size_now = if used == 0 { size_now * 2 } else { size };
    }
    let saw = reader.finish();
    facts.close();
    (format!("{facts:#?}"), saw)
}

fn compare(name: &str, framing: Framing, text: &[u8]) {
    let slow = by_line(name, framing, text);
    for size in [1 << 20, 3_000] {
        let fast = by_block(name, framing, text, size);
        if fast != slow {
            let at = fast.0.lines().zip(slow.0.lines()).position(|it| it.0 != it.1).unwrap_or(0);
            let around = |it: &str| it.lines().skip(at.saturating_sub(12)).take(30).collect::<Vec<_>>().join("\n");
            panic!(
                "{name} {framing:?} in blocks of {size}: {:?} {:?}\n{}\n--- is not ---\n{}",
                fast.1,
                slow.1,
                around(&fast.0),
                around(&slow.0)
            );
        }
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn blocks_of_real_logs_tell_what_their_lines_tell() {
    let mut all = Vec::new();
    files(Path::new("fixtures"), &mut all);
    match std::env::var_os("CASEFILE_CORPUS") {
        Some(folder) => files(Path::new(&folder), &mut all),
        None => println!("NOT RUN: CASEFILE_CORPUS is not set; only fixtures were compared"),
    }
    all.sort();
    let mut compared = 0;
    for path in all {
        let text = fs::read(&path).unwrap();
        if text.len() > 60_000 || std::str::from_utf8(&text).is_err() || path.extension().is_some_and(|it| it == "json") {
            continue;
        }
        let name = path.to_string_lossy().into_owned();
        compare(&name, Framing::Bare, &text);
        let mut exported = Vec::new();
        for (at, line) in text.split(|it| *it == b'\n').enumerate() {
            exported.extend_from_slice(format!("2026-11-20T08:26:{:02}.667Z ", at % 60).as_bytes());
            exported.extend_from_slice(line);
            exported.push(b'\n');
        }
        compare(&name, Framing::Exported, &exported);
        compared += 1;
    }
    assert!(compared > 20, "{compared} files");
}

#[test]
fn what_a_record_says_further_down_is_not_passed_over() {
    let head = "[2026-11-20T08:23:28.832+0000] {dag.py:12} INFO - ";
    let last = "[2026-11-20T08:23:29.832+0000] {dag.py:12} INFO - the end\n";
    let refusal = "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the GetObject operation: Access Denied";
    for text in [
        format!("{head}nothing\n  here\n{refusal}\n{last}"),
        format!("{head}{refusal}\n{last}"),
        format!("{head}nothing\n[2026-11-20 08:23:28,832] ERROR - {refusal}\n{last}"),
        format!("{head}nothing\n\x1b[31m{refusal}\x1b[0m\n{last}"),
        format!("{head}nothing\n{{\"event\": \"{refusal}\", \"level\": \"error\"}}\n{last}"),
        format!("{head}read s3://b/k\n{head}nothing\n{head}nothing\n[2026-11-20T08:23:28.832+0000] {{x.py:1}} ERROR - {refusal}\n{last}"),
        format!("{head}TaskInstance Finished: dag_id=d, task_id=t, run_id=r, state=failed\n{last}"),
        format!("{head}1 tasks:\n\t<TaskInstance: a.b r [scheduled]>\n{last}\0\0\n"),
        format!("{head}Setting the following tasks to queued state:\n\t<TaskInstance: a.b r [scheduled]>\n{refusal}\n{last}"),
        head.to_owned(),
        format!("{head}no line break at the end"),
        format!("\n\n{head}x\n\n{last}"),
        format!("{head}x\r\n{head}y\r\n"),
    ] {
        compare("a.log", Framing::Bare, text.as_bytes());
        compare("dag_id=d/run_id=r/task_id=t/attempt=1.log", Framing::Bare, text.as_bytes());
    }
}
