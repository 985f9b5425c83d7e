//! Events that are read in parts tell what they tell one by one, whatever the text, and wherever it is cut.

use super::*;
use crate::{case::Caps, records::Feed, units::Moment};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::json;

/// Reads an input in parts of such sizes; or event by event.
type ReadIn = fn(&mut Input<'_, '_>, Sizes, bool);

fn answer(input: &mut Input<'_, '_>, sizes: Sizes, plainly: bool) {
    answers::read_in(input, sizes, if plainly { answers::plain } else { |_, _| Err(Left::Odd) });
}

fn insights(input: &mut Input<'_, '_>, sizes: Sizes, plainly: bool) {
    if plainly { insights::read_in(input, sizes, insights::plain) } else { insights::one_by_one(input) }
}

/// What an input tells, and how much of it was read.
fn told(text: &[u8], sizes: Sizes, read_in: ReadIn, plainly: bool) -> String {
    let (mut feed, mut out) = (Feed::new(Box::new(text)), Batch::default());
    read_in(
        &mut Input {
            name: "events.json".into(),
            feed: &mut feed,
            caps: Caps::default(),
            zone: &TimeZone::UTC,
            columns: &[],
            out: &mut out,
        },
        sizes,
        plainly,
    );
    out.facts.close();
    format!("{} bytes {out:#?}", feed.taken())
}

fn compare(text: &[u8], read_in: ReadIn, parts: &[usize]) {
    let slow = told(text, Sizes::default(), read_in, false);
    for part in parts {
        let fast = told(text, Sizes { part: *part, first: *part, each: 3 }, read_in, true);
        if fast != slow {
            let at = fast.lines().zip(slow.lines()).position(|it| it.0 != it.1).unwrap_or(0);
            let around = |it: &str| it.lines().skip(at.saturating_sub(12)).take(30).collect::<Vec<_>>().join("\n");
            let text = String::from_utf8_lossy(text);
            panic!("parts of {part} bytes\n{}\n--- is not ---\n{}\n--- for ---\n{text}", around(&fast), around(&slow));
        }
    }
}

/// An event: its stream, its milliseconds, its message.
type Event = (String, i64, String);

/// What schedulers, workers and tries say, line by line and event by event, some in between of others.
#[expect(clippy::too_many_lines, reason = "a story is told in one go")]
fn story(tries: i64) -> Vec<Event> {
    let mut all = Vec::new();
    let mut say = |stream: &str, at: i64, messages: &[String]| {
        all.extend(messages.iter().map(|it| (stream.to_owned(), 1_767_225_600_000 + at * 1_000 + 1, it.clone())));
    };
    for number in 0..tries {
        let at = number * 7;
        let stamp = |second: i64| {
            let all = at + second;
            format!("[2026-01-01T{:02}:{:02}:{:02}.500+0000]", all / 3600 % 24, all / 60 % 60, all % 60)
        };
        let (dag, job) = (number % 5, "{scheduler_job_runner.py:692} INFO -");
        let key = format!("TaskInstanceKey(dag_id='d{dag}', task_id='t', run_id='r{number}', try_number=1, map_index=-1)");
        let scheduler = if number % 4 == 3 { "scheduler_b.log" } else { "scheduler_a.log" };
        let task = format!("dag_id=d{dag}/run_id=r{}/task_id=t/attempt=1.log", number / 3);
        let line = |second: i64, place: &str, body: &str| format!("{} {{{place}}} {body}", stamp(second));
        say(
            scheduler,
            at,
            &[
                format!("{} {job} Setting the following tasks to queued state:", stamp(0)),
                format!("\t<TaskInstance: d{dag}.t r{number} [scheduled]>"),
            ],
        );
        say(
            "scheduler_c.log",
            at,
            &[format!(
                "{} {job} 2 tasks up for execution:\n\t<TaskInstance: d{dag}.u r{number} [scheduled]>\n\t<TaskInstance: d{dag}.v r{number} [scheduled]>\n",
                stamp(0)
            )],
        );
        say(scheduler, at, &[format!("{} {job} Sending {key} to CeleryExecutor with priority 2 and queue default", stamp(0))]);
        say(
            &task,
            at + 1,
            &[
                line(1, "dag.py:12", "INFO - Started"),
                line(1, "subprocess.py:93", "INFO - printed"),
                line(1, "subprocess.py:93", "INFO -   more of it"),
            ],
        );
        say(
            scheduler,
            at,
            &[
                format!("{} {job} Received executor event with state queued for task instance {key}", stamp(number % 9)),
                "  of it".to_owned(),
                String::new(),
            ],
        );
        let refusal = "An error occurred (AccessDenied) when calling the GetObject operation: Access Denied";
        match number % 6 {
            0 => say(
                scheduler,
                at + 2,
                &[format!(
                    "{} {job} Task stuck in queued; will try to requeue. task_instance=<TaskInstance: d0.t r{number} [queued]>",
                    stamp(2)
                )],
            ),
            1 => say(
                &task,
                at + 2,
                &[
                    line(2, "s3.py:1", &format!("INFO - reading s3://b/k{number}")),
                    line(2, "dag.py:3", "INFO - nothing"),
                    line(2, "taskinstance.py:2", "ERROR - Failed"),
                    "Traceback (most recent call last):".to_owned(),
                    "  File \"x.py\", line 1, in y".to_owned(),
                    format!("botocore.exceptions.ClientError: {refusal}"),
                ],
            ),
            2 => say(
                scheduler,
                at + 2,
                &[
                    line(
                        2,
                        "s3.py:1",
                        &format!(
                            "ERROR - Failed\nTraceback (most recent call last):\n  File \"x.py\", line 1, in y\nbotocore.exceptions.ClientError: {refusal}"
                        ),
                    ),
                    line(2, "dag.py:3", "INFO - \u{1b}[31mred\u{1b}[0m \"quoted\" \\ äöü 😀"),
                ],
            ),
            3 => say("lambda", at + 2, &[format!("[ERROR] ClientError: {refusal}"), "REPORT RequestId".to_owned()]),
            4 => say(
                "worker",
                at + 2,
                &[
                    format!("[2026-01-01 00:00:{:02},832: INFO/MainProcess] Task x received", number % 60),
                    format!("{{\"event\": \"{refusal}\", \"level\": \"error\"}}"),
                ],
            ),
            _ => {
                say(scheduler, at + 2, &[format!("[2026-13-01T00:00:00.500+0000] {job} no such month"), "[0m".to_owned(), "\r".to_owned()]);
            }
        }
        let state = if number % 7 == 3 { "failed" } else { "success" };
        say(
            scheduler,
            at + 5,
            &[format!(
                "{} {job} TaskInstance Finished: dag_id=d{dag}, task_id=t, run_id=r{number}, map_index=-1, run_start_date=2026-01-01 01:00:01+00:00, run_end_date=2026-01-01 01:00:04+00:00, state={state}, executor_state=success, try_number=1, pool=p, queue=default, queued_dttm=2026-01-01 01:00:00+00:00",
                stamp(5)
            )],
        );
        say(
            &task,
            at + 6,
            &[line(
                6,
                "taskinstance.py:1",
                &format!("INFO - Marking task as {}. dag_id=d{dag}, task_id=t, run_id=r{}", state.to_uppercase(), number / 3),
            )],
        );
    }
    all
}

fn of_event((stream, at, message): &Event) -> Value {
    json!({"logStreamName": stream, "timestamp": at, "message": message, "ingestionTime": at + 1_000, "eventId": "3713"})
}

/// The same events in every form that holds them.
fn answers(events: &[Event]) -> Vec<String> {
    let values: Vec<Value> = events.iter().map(of_event).collect();
    let answer = json!({"events": values, "searchedLogStreams": [], "nextToken": "n"});
    let pretty = serde_json::to_string_pretty(&answer).unwrap();
    let lines: Vec<String> = values.iter().map(ToString::to_string).collect();
    vec![
        pretty.clone(),
        answer.to_string(),
        lines.join("\n"),
        lines.concat(),
        serde_json::to_string_pretty(&values).unwrap(),
        format!("{pretty}\n{pretty}"),
    ]
}

/// The same events as Insights shows them, as they are written, sorted by time, newest first, and in no order.
fn rows(events: &[Event]) -> Vec<String> {
    let cells = |(stream, at, message): &Event| {
        let time = Moment(at * 1_000).rfc3339().replace('T', " ").replace('Z', "");
        let all = [("@timestamp", time.as_str()), ("@message", message), ("@logStream", stream), ("@ptr", "Cl8")];
        Value::Array(all.iter().map(|it| json!({"field": it.0, "value": it.1})).collect())
    };
    let answer = |events: &[Event]| json!({"queryLanguage": "CWLI", "results": events.iter().map(cells).collect::<Vec<_>>(), "statistics": {"recordsMatched": 1.0}, "status": "Complete"});
    let mut sorted = events.to_vec();
    sorted.sort_by_key(|it| it.1);
    let newest_first: Vec<Event> = sorted.iter().rev().cloned().collect();
    let mut mixed = sorted.clone();
    mixed.sort_by_key(|it| it.2.len() % 7);
    let console = sorted.iter().map(|it| json!({"@timestamp": it.1.to_string(), "@message": it.2, "@logStream": it.0})).collect::<Vec<_>>();
    let mut all: Vec<String> =
        [events, &sorted, &newest_first, &mixed].iter().map(|it| serde_json::to_string_pretty(&answer(it)).unwrap()).collect();
    all.push(answer(&sorted).to_string());
    all.push(serde_json::to_string_pretty(&console).unwrap());
    all
}

#[test]
fn parts_of_any_size_tell_what_events_tell_one_by_one() {
    for (read_in, texts) in [(answer as ReadIn, answers(&story(70))), (insights, rows(&story(70)))] {
        for text in texts {
            compare(text.as_bytes(), read_in, &[700, 4_099, 30_000, 1 << 20]);
            compare(&text.as_bytes()[..text.len() / 2], read_in, &[700, 30_000]);
        }
    }
}

#[test]
fn almost_all_events_are_read_plainly() {
    let count = story(70).len() as u64;
    let place = Place { is_outermost: false, cap: 1 << 20 };
    let text = answers(&story(70)).swap_remove(0);
    let read = elements(text.split_once('[').unwrap().1, place, u64::MAX, |it| answers::plain(it, &mut Events::default()));
    assert_eq!(read.records, count);
    for text in rows(&story(70)) {
        let read = elements(text.split_once('[').unwrap().1, place, u64::MAX, |it| insights::plain(it, &mut kept::Rows::default()));
        assert_eq!(read.records, count);
    }
}

/// What may be done to a text.
fn damaged(text: &str, at: usize, what: u8, with: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let at = at % bytes.len();
    let to = (at + 1 + usize::from(what / 8) * 5).min(bytes.len());
    match what % 8 {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..to)),
        2 => drop(bytes.splice(at..at, with.bytes())),
        3 => drop(bytes.splice(at..to, with.bytes())),
        4 => bytes[at] = 0xff,
        5 => {
            let again = bytes[at..to].to_vec();
            bytes.splice(at..at, again);
        }
        6 => bytes[at] = b'\n',
        _ => {
            // Behind the next comma: a member, or an element.
            let comma = bytes[at..].iter().position(|it| *it == b',').map_or(at, |it| at + it + 1);
            bytes.splice(comma..comma, with.bytes());
        }
    }
    bytes
}

const WITH: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\n",
    "\"message\":\"again\",",
    "\"message\":1,",
    "\"timestamp\":\"2026\",",
    "\"timestamp\":1.5,",
    "\"timestamp\":-0,",
    "\"logStreamName\":null,",
    "\"x\":{\"y\":[1]},",
    "\"\\u006dessage\":\"m\",",
    "\\ud83d",
    "\\ud83d\\ude00",
    "\\q",
    "{\"message\":\"m\"},",
    "[1],",
    "1,",
    "\"text\",",
    "\n{\"",
    "\"events\":[",
    "{\"field\":\"@message\",\"value\":\"m\"},",
    "\"field\":\"@ptr\",",
    "\"value\":3,",
    "{\"field\":1},",
    "\n    {",
    "      },\n      {\n",
    "{\"events\":[{\"message\":\"m\"}]}",
    "\u{0}",
    "\u{1e}",
    "},\n    {\n",
    "],",
    "]}",
    "\u{feff}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn damaged_texts_tell_the_same(
        from in 0_usize..40, count in 1_usize..60, is_answer in any::<bool>(), form in 0_usize..6, part in 60_usize..6_000,
        damage in proptest::collection::vec((any::<usize>(), any::<u8>(), proptest::sample::select(WITH)), 0..4),
    ) {
        let events: Vec<Event> = story(12).into_iter().skip(from).take(count).collect();
        let (read_in, mut text) = if is_answer { (answer as ReadIn, answers(&events).swap_remove(form)) } else { (insights as ReadIn, rows(&events).swap_remove(form)) };
        for (at, what, with) in damage {
            let bytes = damaged(&text, at, what, with);
            // Most damage leaves text; the last one may leave anything.
            match String::from_utf8(bytes) {
                Ok(it) if !it.is_empty() => text = it,
                Ok(_) => break,
                Err(error) => {
                    compare(error.as_bytes(), read_in, &[part]);
                    break;
                }
            }
        }
        compare(text.as_bytes(), read_in, &[part]);
    }
}
