//! Events of `CloudWatch` in every form that holds them, and in the orders that these come in: the same lines, the same spells.

#![allow(clippy::unwrap_used, reason = "a broken test should stop loudly")]

mod common;

use serde_json::{Value, json};
use std::{fs, path::Path};

/// Milliseconds behind the first event, a stream, and what is said in it.
type Event = (i64, String, String);

const BEGIN: i64 = 1_767_227_760_000;

fn shown(at: i64) -> String {
    casefile::units::Moment((BEGIN + at) * 1_000).rfc3339().trim_end_matches('Z').to_owned()
}

/// The scheduler gives a task up that sat in queued, and goes on with another: each line is an event, with the time of its record.
fn lines() -> Vec<Event> {
    let mut all = Vec::new();
    let mut say = |at: i64, place: &str, text: &str| {
        let record = format!("[{}+0000] {{scheduler_job_runner.py:{place}}} {text}", shown(at));
        all.extend(record.split('\n').map(|it| (at, "s".to_owned(), it.to_owned())));
    };
    say(-1_800_000, "593", "INFO - Setting the following tasks to queued state:\n\t<TaskInstance: etl.slow r1 [scheduled]>");
    say(0, "414", "INFO - 1 tasks up for execution:\n\t<TaskInstance: etl.other r2 [scheduled]>");
    say(
        0,
        "1565",
        "WARNING - Marked the following 1 task instances stuck in queued as failed. If the task instance has available retries, it will be retried.\n\t<TaskInstance: etl.slow r1 [queued]>",
    );
    say(8, "593", "INFO - Setting the following tasks to queued state:\n\t<TaskInstance: etl.other r2 [scheduled]>");
    say(
        12,
        "714",
        "INFO - Received executor event with state queued for task instance TaskInstanceKey(dag_id='etl', task_id='other', run_id='r2', try_number=1, map_index=-1)",
    );
    say(
        2_000,
        "723",
        "INFO - TaskInstance Finished: dag_id=etl, task_id=other, run_id=r2, map_index=-1, run_start_date=2026-01-01 00:36:01+00:00, run_end_date=2026-01-01 00:36:02+00:00, run_duration=1.0, state=success, executor_state=success, try_number=1, pool=p, queue=q, queued_dttm=2026-01-01 00:36:00.008+00:00",
    );
    all
}

/// The spells that an input tells of: the task, when it was queued, when it left.
fn spells(name: &str, text: &str) -> Vec<String> {
    let report = common::json(&common::analyze_text(name, text.as_bytes()));
    assert_eq!(report["inputs"][0]["skipped"], json!([]), "{report}");
    let found = report["findings"].as_array().unwrap().iter().filter(|it| it["detector"] == "stuck-queued");
    let told = |it: &Value| format!("{} {} {}", it["task_id"], it["queued_at"], it["timestamp"]);
    found.flat_map(|it| it["instances"].as_array().unwrap()).map(told).collect()
}

/// Events as `filter-log-events` answers.
fn answers(events: &[Event]) -> Vec<(&'static str, String)> {
    let all: Vec<Value> = events
        .iter()
        .map(|(at, stream, text)| json!({"logStreamName": stream, "timestamp": BEGIN + at, "message": text, "eventId": "1"}))
        .collect();
    vec![
        ("answer.json", json!({"events": all, "searchedLogStreams": []}).to_string()),
        ("events.ndjson", all.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")),
    ]
}

/// Events in forms that hold them in the order of time alone.
fn texts(events: &[Event]) -> Vec<(&'static str, String)> {
    let stamped: Vec<String> = events.iter().map(|(at, _, text)| format!("{}Z {text}\n", shown(*at))).collect();
    let text: Vec<String> = events.iter().map(|it| format!("{}\n", it.2)).collect();
    vec![("export", stamped.concat()), ("scheduler.log", text.concat())]
}

/// Events in forms that Insights writes, or its console.
fn rows(events: &[Event]) -> Vec<(&'static str, String)> {
    let blank = |at: i64| shown(at).replace('T', " ");
    let cells = |(at, stream, text): &Event| {
        let all = [("@timestamp", blank(*at)), ("@message", text.clone()), ("@logStream", stream.clone()), ("@ptr", "Cl8".to_owned())];
        Value::Array(all.iter().map(|it| json!({"field": it.0, "value": it.1})).collect())
    };
    let answer =
        json!({"results": events.iter().map(cells).collect::<Vec<_>>(), "statistics": {"recordsMatched": 1.0}, "status": "Complete"});
    let objects: Vec<Value> =
        events.iter().map(|(at, stream, text)| json!({"@timestamp": blank(*at), "@message": text, "@logStream": stream})).collect();
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["@timestamp", "@message", "@logStream"]).unwrap();
    for (at, stream, text) in events {
        csv.write_record([blank(*at).as_str(), text, stream]).unwrap();
    }
    vec![
        ("insights.json", answer.to_string()),
        ("console.json", Value::Array(objects).to_string()),
        ("console.csv", String::from_utf8(csv.into_inner().unwrap()).unwrap()),
    ]
}

/// A line that stands one place behind where its time belongs: two processes wrote at once, or rows are sorted by their ingestion.
fn with_a_latecomer(at: usize) -> Vec<Event> {
    let mut all = lines();
    let time = all[at].0 - 1;
    all.insert(at + 1, (time, "s".to_owned(), format!("[{}+0000] {{manager.py:1}} INFO - nothing", shown(time))));
    all
}

const STUCK: [&str; 1] = ["\"slow\" \"2026-01-01T00:06:00.000Z\" \"2026-01-01T00:36:00.000Z\""];

fn newest_first(events: &[Event]) -> Vec<Event> {
    events.iter().rev().cloned().collect()
}

/// Rows of one moment were turned round wherever any row stood before an older one: the list under one message went to another.
#[test]
fn a_latecomer_among_rows_does_not_turn_the_lines_of_a_message_round() {
    for events in [with_a_latecomer(1), with_a_latecomer(lines().len() - 1)] {
        for (name, text) in [answers(&events), texts(&events), rows(&events), rows(&newest_first(&events))].concat() {
            assert_eq!(spells(name, &text), STUCK, "{name}: {text}");
        }
    }
}

/// `filter-log-events --no-start-from-head` was read as if its last event had been written last.
#[test]
fn the_newest_event_may_stand_first() {
    let events = lines();
    for (name, text) in [answers(&events), texts(&events), rows(&events)].concat() {
        assert_eq!(spells(name, &text), STUCK, "{name}: {text}");
    }
    let events = newest_first(&events);
    for (name, text) in [answers(&events), rows(&events)].concat() {
        assert_eq!(spells(name, &text), STUCK, "newest first, {name}: {text}");
    }
}

/// The events of a dump, in the order of time.
fn dumped(path: &Path) -> Vec<Event> {
    let answer: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let event = |it: &Value| {
        let text = |key: &str| it[key].as_str().unwrap().to_owned();
        (it["timestamp"].as_i64().unwrap() - BEGIN, text("logStreamName"), text("message"))
    };
    let mut all: Vec<Event> = answer["events"].as_array().unwrap().iter().map(event).collect();
    all.sort_by_key(|it| it.0);
    all
}

/// What an input tells; `last` is the number of the record that was written first, where that stands last.
fn told(name: &str, text: &str, last: Option<usize>) -> Value {
    let mut report = common::json(&common::analyze_text(name, text.as_bytes()));
    let mut told = json!({"findings": report["findings"].take(), "failed": report["failed_tries"].take()});
    placed(&mut told, last);
    told
}

/// Takes the names of files out of a text, and counts its records in the order of time.
fn placed(value: &mut Value, last: Option<usize>) {
    match value {
        Value::Object(object) => {
            object.remove("source");
            if let (Some(last), Some(Value::String(locator))) = (last, object.get_mut("locator")) {
                let number: usize = locator.strip_prefix("record ").unwrap().parse().unwrap();
                *locator = format!("record {}", last + 1 - number);
            }
            object.values_mut().for_each(|it| placed(it, last));
        }
        Value::Array(all) => all.iter_mut().for_each(|it| placed(it, last)),
        _ => {}
    }
}

fn compare(told: &Value, expected: &Value, what: &str) {
    let lines = |it: &Value| serde_json::to_string_pretty(it).unwrap().lines().map(ToOwned::to_owned).collect::<Vec<_>>();
    for (told, expected) in lines(told).into_iter().zip(lines(expected)) {
        assert_eq!(told, expected, "{what}");
    }
    assert_eq!(told, expected, "{what}");
}

/// What came later was told by a higher number, and took what stood before it for what stood behind: which error a try ended with,
/// which object it spoke of, which word on it was the last.
#[test]
fn what_real_logs_tell_does_not_depend_on_which_end_stands_first() {
    let mut found = 0;
    for version in ["2.7.2", "2.10.5", "3.0.6"] {
        for group in ["Scheduler", "Task", "Worker"] {
            let path = format!("fixtures/corpus/airflow-{version}/cloudwatch-json/{group}/filter-log-events.json");
            let whole = dumped(Path::new(&path));
            let lines =
                |(at, stream, text): &Event| text.trim_end().split('\n').map(|it| (*at, stream.clone(), it.to_owned())).collect::<Vec<_>>();
            let lines: Vec<Event> = whole.iter().flat_map(lines).collect();
            for events in [whole, lines] {
                let forms = [answers(&events), rows(&events)].concat();
                let expected = told(forms[0].0, &forms[0].1, None);
                found += expected["findings"].as_array().unwrap().len();
                for (name, text) in &forms[1..] {
                    compare(&told(name, text, None), &expected, &format!("{path}, {name}"));
                }
                let events = newest_first(&events);
                for (name, text) in [answers(&events), rows(&events)].concat() {
                    compare(&told(name, &text, Some(events.len())), &expected, &format!("{path}, newest first, {name}"));
                }
            }
        }
    }
    assert!(found > 20, "{found}");
}
