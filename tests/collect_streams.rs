//! Collecting logs where calls are missing or answers fall short: by streams, around messages that were cut, and what was started before.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use common::servers::{Event, Servers, at_full_size, digest, events, found_in, manifest, stderr, stdout, time};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

const NIGHT: &str = "fixtures/stories/night/airflow";

fn window(told: &Value) -> [String; 4] {
    let second = |at: usize| told["window"][at].as_i64().unwrap();
    ["--since".to_owned(), time(second(0)), "--until".to_owned(), time(second(1) + 1)]
}

fn collect(servers: &Servers, folder: &Path, window: &[String], others: &[&str]) -> Output {
    let asked: Vec<&str> = window.iter().map(String::as_str).chain(others.iter().copied()).collect();
    servers.collect(folder, &asked).output().unwrap()
}

fn ended(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}{}", stdout(output), stderr(output));
    stdout(output)
}

/// Whether a case holds every event of the window once.
fn holds_all(folder: &Path, told: &Value) {
    let found = events(&folder.join("case"), "big");
    assert_eq!(
        (found.len() as u64, digest(&found).as_str()),
        (told["window_events"].as_u64().unwrap(), told["window_sha256"].as_str().unwrap())
    );
}

#[test]
fn where_events_may_not_be_filtered_every_stream_is_read_to_its_end() {
    let burst = json!({"burst": {"group": "big", "count": 6_000, "dense": 500, "streams": 130}});
    let short = json!({"reads": {"page_events": 20, "empty_every": 3}, "deny": ["logs:FilterLogEvents"]});
    for fault in [json!({}), json!({"throttle": {"share": 0.3, "seed": 3}, "reset_middle": {"share": 0.03, "seed": 4}})] {
        let Some(mut servers) = Servers::start("streams", &[burst.clone(), short.clone(), fault]) else { return };
        let told = servers.answers[0]["burst"].clone();
        let folder = tempfile::tempdir().unwrap();
        let said = ended(&collect(&servers, folder.path(), &window(&told), &["--log-group", "big", "--logs", "raw"]), 0);
        holds_all(folder.path(), &told);
        assert!(said.contains("big: FilterLogEvents was refused, so its 130 streams were read one by one"), "{said}");
        let counters = servers.control(&json!({"counters": true}))["counters"].clone();
        assert_eq!(counters["model_faults"], json!([]));
        println!("streams: 6000 events of 130 streams; {}", counters["calls"]);
    }
}

#[test]
fn a_case_read_by_streams_says_what_one_read_at_once_says() {
    let seeds = json!({"airflow": {"folder": NIGHT, "environment": "shop-prod"}});
    let Some(mut servers) = Servers::start("findings", &[seeds]) else { return };
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let asked = ["--mwaa-environment", "shop-prod", "--logs", "raw"];
    ended(&collect(&servers, one.path(), &["--since".to_owned(), "2020-01-01".to_owned()], &asked), 0);
    servers.control(&json!({"deny": ["logs:FilterLogEvents"]}));
    ended(&collect(&servers, other.path(), &["--since".to_owned(), "2020-01-01".to_owned()], &asked), 0);
    let found = found_in(one.path(), "case");
    assert!(!found.is_empty());
    assert_eq!(found, found_in(other.path(), "case"));
}

#[test]
fn a_second_that_holds_too_much_is_asked_for_by_its_streams() {
    let burst = json!({"burst": {"group": "big", "count": 26_000, "dense": 12_000, "streams": 40}});
    let limits =
        json!({"insights": {"max_limit": 10_000}, "deny": ["logs:FilterLogEvents", "logs:GetLogEvents", "logs:DescribeLogStreams"]});
    let Some(mut servers) = Servers::start("dense", &[burst, limits]) else { return };
    let told = servers.answers[0]["burst"].clone();
    let folder = tempfile::tempdir().unwrap();
    ended(&collect(&servers, folder.path(), &window(&told), &["--log-group", "big", "--logs", "insights"]), 0);
    holds_all(folder.path(), &told);
    assert_eq!(servers.calls("FilterLogEvents"), 0);
    let windows = servers.control(&json!({"counters": true}))["counters"]["windows"].clone();
    let of_streams: Vec<&Value> =
        windows.as_array().unwrap().iter().filter(|it| it["query"].as_str().unwrap().contains("@logStream in [")).collect();
    assert_eq!(of_streams.len(), 2, "{of_streams:#?}");
    assert!(of_streams.iter().all(|it| it["start"] == told["dense_second"] && it["end"] == told["dense_second"]));
}

#[test]
fn a_stream_that_holds_too_much_in_a_second_is_read_event_by_event() {
    let burst = json!({"burst": {"group": "big", "count": 26_000, "dense": 24_000, "streams": 40, "dense_streams": 2}});
    for (denied, call) in [(json!(null), "FilterLogEvents"), (json!(["logs:FilterLogEvents"]), "GetLogEvents")] {
        let limits = json!({"insights": {"max_limit": 10_000}, "deny": denied});
        let Some(mut servers) = Servers::start("dense stream", &[burst.clone(), limits]) else { return };
        let told = servers.answers[0]["burst"].clone();
        let folder = tempfile::tempdir().unwrap();
        ended(&collect(&servers, folder.path(), &window(&told), &["--log-group", "big", "--logs", "insights"]), 0);
        holds_all(folder.path(), &told);
        let case = manifest(&folder.path().join("case"));
        let raw = case["units"].as_object().unwrap().values().filter(|it| it["collector"] == "logs_raw");
        assert_eq!(raw.map(|it| it["call"].as_str().unwrap()).collect::<Vec<_>>(), [call, call]);
        assert_eq!(servers.calls("DescribeLogStreams"), 0, "which streams they are is known");
    }
}

/// Events of which seven are long, in one group.
fn with_long_messages() -> [Value; 2] {
    let long = format!("{} {{n}} {{time}}", "Traceback of many lines ".repeat(70));
    [
        json!({"burst": {"group": "big", "count": 3_000, "dense": 10, "seconds": 3_600, "outside": 0}}),
        json!({"burst": {"group": "big", "count": 7, "dense": 2, "seconds": 3_600, "outside": 0, "borders": 1, "seed": 9, "message": long}}),
    ]
}

#[test]
fn messages_that_were_cut_are_brought_whole() {
    let [calm, long] = with_long_messages();
    let Some(mut servers) = Servers::start("cut", &[calm, long, json!({"insights": {"message_chars": 1_024}})]) else { return };
    let told = servers.answers[1]["burst"].clone();
    let asked = ["--log-group", "big", "--logs", "insights"];
    let folder = tempfile::tempdir().unwrap();
    let said = ended(&collect(&servers, folder.path(), &window(&told), &asked), 0);
    holds_all(folder.path(), &told);
    assert!(said.contains("big: 7 messages were cut after 1024 characters"), "{said}");
    let case = manifest(&folder.path().join("case"));
    let read: u64 =
        case["units"].as_object().unwrap().values().filter(|it| it["collector"] == "logs_raw").map(|it| it["rows"].as_u64().unwrap()).sum();
    assert!((7..100).contains(&read), "only their seconds are read event by event: {read}");
    // Where nothing was cut, nothing is read twice, however long messages are.
    servers.control(&json!({"insights": {"message_chars": 0}, "forget": true}));
    let folder = tempfile::tempdir().unwrap();
    ended(&collect(&servers, folder.path(), &window(&told), &asked), 0);
    holds_all(folder.path(), &told);
    assert_eq!((servers.calls("StartQuery"), servers.calls("GetLogRecord"), servers.calls("FilterLogEvents")), (1, 1, 0));
    // Whoever may not read events by themselves is told that they are not whole.
    servers.control(&json!({"insights": {"message_chars": 1_024}, "deny": ["logs:FilterLogEvents", "logs:GetLogRecord"]}));
    let folder = tempfile::tempdir().unwrap();
    let said = ended(&collect(&servers, folder.path(), &window(&told), &asked), 3);
    assert!(said.contains("only a part: logs/events.insights of big") && said.contains(r#""Action":"logs:FilterLogEvents""#), "{said}");
    let case = manifest(&folder.path().join("case"));
    assert_eq!(case["units"].as_object().unwrap().values().map(|it| it["rows"].as_u64().unwrap()).sum::<u64>(), told["window_events"]);
}

#[test]
fn a_query_of_a_collection_that_was_killed_is_waited_for_and_not_started_again() {
    let slow = json!({"insights": {"running_polls": 1_000_000, "complete_after_seconds": 1_000_000.0}});
    let burst = json!({"burst": {"group": "big", "count": 3_000, "dense": 10}});
    let Some(mut servers) = Servers::start("killed", &[burst, slow]) else { return };
    let told = servers.answers[0]["burst"].clone();
    let folder = tempfile::tempdir().unwrap();
    let window = window(&told);
    let asked: Vec<&str> = window.iter().map(String::as_str).chain(["--log-group", "big", "--logs", "insights"]).collect();
    let mut child = servers.collect(folder.path(), &asked).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while servers.calls("GetQueryResults") < 3 {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    servers.control(&json!({"insights": {"running_polls": 1}}));
    ended(&servers.collect(folder.path(), &["--resume"]).output().unwrap(), 0);
    holds_all(folder.path(), &told);
    assert_eq!(servers.calls("StartQuery"), 1);
}

/// The events of a folder of `aws logs filter-log-events` dumps, each once.
fn dumped(folder: &Path) -> Vec<Event> {
    let mut known = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.file_name().unwrap().to_str().unwrap().starts_with("filter-log-events") {
            continue;
        }
        let answer: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        for it in answer["events"].as_array().unwrap() {
            let text = |key: &str| it[key].as_str().unwrap().to_owned();
            known.insert(text("eventId"), (it["timestamp"].as_i64().unwrap(), text("logStreamName"), text("message")));
        }
    }
    let mut events: Vec<Event> = known.into_values().collect();
    events.sort();
    events
}

/// How many events each stream has, and their hash.
fn by_stream(events: &[Event]) -> BTreeMap<String, (usize, String)> {
    let streams: BTreeSet<&String> = events.iter().map(|it| &it.1).collect();
    let of = |stream: &String| {
        let own: Vec<Event> = events.iter().filter(|it| it.1 == *stream).cloned().collect();
        (stream.clone(), (own.len(), digest(&own)))
    };
    streams.into_iter().map(of).collect()
}

#[test]
fn what_airflow_wrote_comes_back_event_by_event_in_every_stream() {
    let mut folders = vec![PathBuf::from("fixtures/corpus/airflow-2.10.5/cloudwatch-json")];
    if at_full_size()
        && let Some(corpus) = common::folder_named("CASEFILE_CORPUS")
    {
        folders = ["airflow-2.7.2", "airflow-2.10.5", "airflow-3.0.6"].map(|it| corpus.join(it).join("cloudwatch-json")).to_vec();
    }
    for folder in folders {
        let folder = std::path::absolute(folder).unwrap();
        let Some(mut servers) = Servers::start("corpus", &[json!({"cloudwatch": {"folder": folder, "prefix": "airflow-corpus"}})]) else {
            return;
        };
        let throttled = json!({"throttle": {"share": 0.2, "seed": 3}, "reads": {"page_events": 700, "empty_every": 5}});
        for (way, denied) in [("raw", json!(null)), ("raw", json!(["logs:FilterLogEvents"])), ("insights", json!(null))] {
            servers.control(&throttled);
            servers.control(&json!({"deny": denied}));
            let case = tempfile::tempdir().unwrap();
            let since = ["--since".to_owned(), "2020-01-01".to_owned()];
            let kinds = ["Task", "Scheduler", "Worker", "DAGProcessing"].into_iter().filter(|it| folder.join(it).is_dir());
            let groups: Vec<(&str, String)> = kinds.map(|it| (it, format!("airflow-corpus-{it}"))).collect();
            let named = groups.iter().flat_map(|it| ["--log-group", it.1.as_str()]);
            ended(&collect(&servers, case.path(), &since, &named.chain(["--logs", way]).collect::<Vec<_>>()), 0);
            let (mut all, mut streams) = (0, 0);
            for (kind, group) in groups {
                let expected = by_stream(&dumped(&folder.join(kind)));
                let found = by_stream(&events(&case.path().join("case"), &group));
                assert_eq!(found, expected, "{kind} by {way}, {denied}");
                all += expected.values().map(|it| it.0).sum::<usize>();
                streams += expected.len();
            }
            assert!(all > 100, "{all}");
            println!("{}: {all} events of {streams} streams by {way}, refused: {denied}: as they were written", folder.display());
        }
    }
}
