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
    for size in [1 << 20, 3_000, 300] {
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

/// What may stand in any order in the log of a task or a scheduler.
const LINES: &[&str] = &[
    "[2026-11-20T08:23:28.832+0000] {dag.py:12} INFO - nothing",
    "[2026-11-20T08:23:29.832+0000] {s3.py:1086} INFO - Copying s3://b/k to s3://c/l",
    "[2026-11-20T08:23:29.832+0000] {sql.py:509} INFO - Running statement: copy t from 's3://b/k' iam_role 'arn:aws:iam::123456789012:role/r'",
    "[2026-11-20T08:23:29.832+0000] {sql.py:509} INFO - Running statement: COPY",
    "  mart.t FROM 's3://b/k'",
    "[2026-11-20T08:23:30.832+0000] {subprocess.py:93} INFO - plain words",
    "[2026-11-20T08:23:30.832+0000] {subprocess.py:93} INFO -   indented words",
    "[2026-11-20T08:23:30.832+0000] {subprocess.py:93} WARNING -     s3://deep/inside",
    "[2026-11-20T08:23:30.832+0000] {subprocess.py:93} INFO - 26/01/01 03:14:07 INFO TaskSetManager: done",
    "[2026-11-20T08:23:30.832+0000] {subprocess.py:93} INFO - 26/01/01 03:14:07 ERROR TaskSetManager: lost",
    "[2026-11-20T08:23:30.832+0000] {subprocess.py:93} INFO - [2026-11-20T08:20:30.832+0000] {x.py:1} INFO - inner",
    "[2026-11-20T08:23:30.832+0000] {subprocess.py:93} INFO - Traceback (most recent call last):",
    "[2026-11-20T08:23:30.832+0000] {subprocess.py:93} INFO - KeyError: 'x'",
    "[2026-11-20T08:23:30.832+0000] {logging_mixin.py:1} INFO - [2026-11-20 08:20:30,832: INFO/MainProcess] said",
    "[2026-11-20T08:23:30.832+0000] {logging_mixin.py:1} INFO - 2026-11-20 08:31:55.978325 [info     ] x [celery.worker]",
    "[2026-11-20T08:23:30.832+0000] {logging_mixin.py:1} INFO - Running <TaskInstance: a.b r [running]> on host h",
    "[2026-11-20T08:23:31.832+0000] {base_task_runner.py:1} INFO - Job 1: Subtask b hello",
    "[2026-11-20T08:23:31.832+0000] {subprocess.py:93} INFO - An error occurred (AccessDenied) when calling the GetObject operation: Access Denied",
    "[2026-11-20T08:23:31.832+0000] {subprocess.py:93} INFO -   fatal error: An error occurred (403) when calling the HeadObject operation: Forbidden",
    "[2026-11-20T08:23:32.832+0000] {taskinstance.py:9} ERROR - Task failed with exception",
    "Traceback (most recent call last):",
    "  File \"a.py\", line 1, in x",
    "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the PutObject operation: Access Denied",
    "",
    "words without a head",
    "[2026-11-20T08:23:28.832+0100] {dag.py:12} INFO - nothing, in another zone",
    "[2026-11-20T09:23:33.834+0100] {scheduler_job_runner.py:636} INFO - Sending TaskInstanceKey(dag_id='a', task_id='b', run_id='r', try_number=1, map_index=-1) to executor with priority 1 and queue default",
    "[2026-13-20T08:23:28.832+0000] {dag.py:12} INFO - no such month",
    "[2026-11-20T08:23:28.832+0000] {dag.py",
    "[2026-11-20T08:23:28.832+0000] words behind a stamp",
    "[2026-11-20T08:23:33.832+0000] {taskinstance.py:9} INFO - Starting attempt 1 of 2",
    "[2026-11-20T08:23:33.832+0000] {taskinstance.py:9} INFO - Marking task as FAILED. dag_id=a, task_id=b, run_id=r",
    "[2026-11-20T08:23:33.832+0000] {scheduler_job_runner.py:593} INFO - Setting the following tasks to queued state:",
    "\t<TaskInstance: a.b r [scheduled]>",
    "\t<TaskInstance: c.d 2026-11-20 00:00:00+00:00 map_index=3 [scheduled]>",
    "[2026-11-20T08:23:33.833+0000] {scheduler_job_runner.py:636} INFO - Sending TaskInstanceKey(dag_id='a', task_id='b', run_id='r', try_number=1, map_index=-1) to executor with priority 1 and queue default",
    "[2026-11-20T08:23:53.833+0000] {scheduler_job_runner.py:636} INFO - Sending TaskInstanceKey(dag_id='a', task_id='b', run_id='r', try_number=2, map_index=-1) to executor with priority 1 and queue gpu",
    "[2026-11-20T08:23:33.834+0000] {base_executor.py:144} INFO - Adding to queue: ['airflow', 'tasks', 'run', 'a', 'b', 'r', '--local']",
    "[2026-11-20T08:23:34.834+0000] {scheduler_job_runner.py:636} INFO - Task stuck in queued; will try to requeue. task_id=b",
    "[2026-11-20T08:24:33.834+0000] {scheduler_job_runner.py:723} INFO - TaskInstance Finished: dag_id=a, task_id=b, run_id=r, map_index=-1, run_start_date=2026-11-20 08:23:40.488881+00:00, run_end_date=2026-11-20 08:24:30.488881+00:00, run_duration=50, state=success, executor_state=success, try_number=1, pool=p, queue=default, queued_dttm=2026-11-20 08:23:33.638812+00:00",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_order_of_lines_tells_the_same(order in proptest::collection::vec(0..LINES.len(), 1..40), is_named: bool) {
        let mut text = String::new();
        for at in order {
            text.push_str(LINES[at]);
            text.push('\n');
        }
        let name = if is_named { "dag_id=a/run_id=r/task_id=b/attempt=1.log" } else { "scheduler.log" };
        compare(name, Framing::Bare, text.as_bytes());
    }
}
