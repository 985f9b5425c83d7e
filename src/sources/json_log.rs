//! Logs whose records are JSON objects, one a line or in an array: Airflow 3 task logs, Lambda, containers, other clouds' exports.

use super::{Head, Input, Source, each_json};
use crate::logs::LogReader;
use serde_json::Value;
use std::sync::Arc;

pub(super) static SOURCE: Source =
    Source { id: "json-log", title: "Logs of JSON objects (Airflow 3 task logs, Lambda, NDJSON)", claims, read };

fn claims(head: &Head<'_>) -> bool {
    let Some(first) = &head.json else { return false };
    let has = |keys: &[&str]| keys.iter().any(|it| head.value(it).is_some_and(|it| it.is_string() || it.is_number()));
    let speaks = has(&["event", "message", "msg", "textPayload", "log", "errorMessage", "@message"]);
    let is_log = has(&["timestamp", "time", "ts", "@timestamp", "level", "severity", "logger", "errorType", "asctime"]);
    speaks && (is_log || first.container.is_empty())
}

fn read(input: &mut Input<'_, '_>) {
    let mut facts = std::mem::take(&mut input.out.facts);
    let mut reader = LogReader::new(Arc::clone(&input.name), input.zone.clone(), &mut facts);
    each_json(input.feed, input.caps, input.out, &mut |value, _, number, _| {
        let object = value.as_object().ok_or("not a JSON object")?;
        let stream = ["logStreamName", "logStream", "@logStream", "log_stream"]
            .iter()
            .find_map(|it| object.get(*it).and_then(Value::as_str))
            .unwrap_or_default();
        if reader.object(stream, object, None, number) { Ok(()) } else { Err("object without a message") }
    });
    let saw = reader.finish();
    input.out.saw(saw);
    input.out.facts = facts;
}
