//! Parts tell what the whole file tells, wherever it is cut.

use super::*;
use std::fmt::Write as _;

fn read(text: &[u8], part: u64, before: u64) -> Option<(String, u64, (Option<(Moment, Moment)>, bool))> {
    let (file, zone, mut facts): (Arc<str>, _, _) = ("scheduler.log".into(), TimeZone::UTC, Facts::default());
    let read_at = |offset: u64, buffer: &mut [u8]| {
        let from = usize::try_from(offset).unwrap();
        buffer.copy_from_slice(&text[from..from + buffer.len()]);
        Ok(())
    };
    let log = Log { part, before, ..Log::new(&file, &zone, Framing::Bare, text.len() as u64, 1 << 20, &read_at) };
    let seen = log.read(&mut facts)?;
    facts.close();
    Some((format!("{facts:#?}"), seen.lines, seen.saw))
}

/// The same of a stream, in blocks.
fn streamed(text: &[u8], framing: Framing, block: usize, part: usize, by_all: bool) -> (String, u64, bool) {
    let mut facts = Facts::default();
    let mut reader = LogReader::new("scheduler.log".into(), TimeZone::UTC, &mut facts);
    let (mut at, mut count, mut was_used) = (0, 0, false);
    while at < text.len() {
        let some = &text[at..text.len().min(at + block)];
        let is_last = at + some.len() == text.len();
        let read = if by_all && !is_last { reader.block_in_parts(framing, some, &mut count, 1 << 20, (part, 2_000)) } else { None };
        was_used |= read.is_some();
        let used = read.unwrap_or_else(|| reader.block(framing, some, &mut count, 1 << 20, is_last));
        assert!(used > 0, "a record is longer than a block");
        at += used;
    }
    let saw = reader.finish();
    facts.close();
    (format!("{facts:#?} {saw:?}"), count, was_used)
}

fn by_line(text: &[u8]) -> (String, u64, (Option<(Moment, Moment)>, bool)) {
    let mut facts = Facts::default();
    let mut reader = LogReader::new("scheduler.log".into(), TimeZone::UTC, &mut facts);
    let lines = text.strip_suffix(b"\n").unwrap_or(text).split(|it| *it == b'\n');
    let mut count = 0;
    for (line, record) in lines.zip(1..) {
        reader.framed_line(Framing::Bare, line, record);
        count = record;
    }
    let saw = reader.finish();
    facts.close();
    (format!("{facts:#?}"), count, saw)
}

/// A scheduler's log in which everything happens that may cross a border: long lists, tracebacks, tries that are queued and end
/// later, stuck tasks, refusals that need what stands before them.
fn log(tries: usize) -> String {
    let mut text = String::new();
    for at in 0..tries {
        let stamp = |second: usize| {
            let all = at * 7 + second;
            format!("[2026-11-20T{:02}:{:02}:{:02}.500+0000]", all / 3600 % 24, all / 60 % 60, all % 60)
        };
        let key = format!("TaskInstanceKey(dag_id='d{}', task_id='t', run_id='r{at}', try_number=1, map_index=-1)", at % 5);
        let job = "{scheduler_job_runner.py:692} INFO -";
        writeln!(
            text,
            "{} {job} Setting the following tasks to queued state:\n\t<TaskInstance: d{}.t r{at} [scheduled]>",
            stamp(0),
            at % 5
        )
        .unwrap();
        writeln!(text, "{} {job} Sending {key} to CeleryExecutor with priority 2 and queue default", stamp(0)).unwrap();
        writeln!(
            text,
            "{} {{base_executor.py:1}} INFO - Adding to queue: ['airflow', 'tasks', 'run', 'd{}', 't', 'r{at}', '--local']",
            stamp(0),
            at % 5
        )
        .unwrap();
        writeln!(text, "{} {job} Received executor event with state queued for task instance {key}", stamp(at % 9)).unwrap();
        writeln!(text, "{} {{dag.py:12}} INFO - nothing to tell\n  of it {at}", stamp(1)).unwrap();
        match at % 6 {
            0 => writeln!(text, "{} {job} Task stuck in queued; will try to requeue. task_instance=<TaskInstance: d0.t r{at} [queued]>", stamp(2)),
            1 => writeln!(text, "{} {{s3.py:1}} INFO - reading s3://b/k{at}\n{} {{s3.py:2}} ERROR - Failed\nTraceback (most recent call last):\n  File \"x.py\", line 1, in y\nbotocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the GetObject operation: Access Denied", stamp(2), stamp(3)),
            _ => Ok(()),
        }
        .unwrap();
        writeln!(
            text,
            "{} {job} TaskInstance Finished: dag_id=d{}, task_id=t, run_id=r{at}, map_index=-1, run_start_date=2026-11-20 01:00:01+00:00, run_end_date=2026-11-20 01:00:04+00:00, state={}, executor_state=success, try_number=1, pool=p, queue=default, queued_dttm=2026-11-20 01:00:00+00:00",
            stamp(5),
            at % 5,
            if at % 7 == 3 { "failed" } else { "success" }
        )
        .unwrap();
        if at % 11 == 0 {
            writeln!(text, "{} {job} Sending {key} to CeleryExecutor with priority 2 and queue other", stamp(6)).unwrap();
        }
    }
    text
}

#[test]
fn parts_of_any_size_tell_what_the_whole_tells() {
    let text = log(120);
    let whole = by_line(text.as_bytes());
    for part in [2_500, 4_099, 7_001, 20_000] {
        assert_eq!(read(text.as_bytes(), part, 2_000).unwrap(), whole, "parts of {part} bytes");
    }
    let unfinished = text.trim_end();
    assert_eq!(read(unfinished.as_bytes(), 3_001, 2_000).unwrap(), by_line(unfinished.as_bytes()));
}

#[test]
fn blocks_of_a_stream_tell_what_the_whole_tells() {
    let text = log(120);
    let exported = format!("2026-11-20T08:26:11.667Z {}\n", text.trim_end().replace('\n', "\n2026-11-20T08:26:11.667Z "));
    for (text, framing) in [(&text, Framing::Bare), (&exported, Framing::Exported)] {
        let whole = streamed(text.as_bytes(), framing, 20_000, 1, false);
        for (block, part) in [(12_000, 3_000), (9_001, 2_300), (20_000, 7_000), (11_003, 11_003)] {
            let all = streamed(text.as_bytes(), framing, block, part, true);
            assert!(all.2, "no block was read in parts");
            assert_eq!((all.0, all.1), (whole.0.clone(), whole.1), "blocks of {block} bytes, parts of {part}");
        }
    }
}

#[test]
fn a_record_that_crosses_several_parts_is_one() {
    let mut text = log(3);
    text.push_str("[2026-11-20T05:00:00.500+0000] {x.py:1} ERROR - Failed\nTraceback (most recent call last):\n");
    for at in 0..400 {
        writeln!(text, "  File \"x.py\", line {at}, in y").unwrap();
    }
    text.push_str(
        "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the GetObject operation: Access Denied\n",
    );
    text.push_str(&log(3));
    let whole = by_line(text.as_bytes());
    assert_eq!(read(text.as_bytes(), 4_000, 19_000).unwrap(), whole);
    // Where no head is near, the file is read from its beginning.
    assert!(read(text.as_bytes(), 1_000, 500).is_none());
}

#[test]
fn what_is_short_or_has_no_lines_is_read_from_its_beginning() {
    assert!(read(b"x\n", 100, 50).is_none());
    assert!(read(&[b'x'; 5_000], 1_000, 500).is_none());
}
