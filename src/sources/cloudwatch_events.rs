//! `CloudWatch` Logs events as the CLI prints them: `filter-log-events`, `get-log-events`, and arrays of such events.

use super::{Head, Input, Source, each_json};
use crate::{logs::LogReader, units::Moment};
use serde_json::Value;
use std::sync::Arc;

pub(super) static SOURCE: Source =
    Source { id: "cloudwatch-events", title: "CloudWatch Logs events (filter-log-events, get-log-events, NDJSON of events)", claims, read };

fn claims(head: &Head<'_>) -> bool {
    let is_event = head.value("message").is_some_and(Value::is_string)
        && head.value("timestamp").is_some_and(Value::is_number)
        && ["logStreamName", "ingestionTime", "eventId"].iter().any(|it| head.value(it).is_some());
    let in_answer =
        head.json.as_ref().is_some_and(|it| it.container == "events" && (it.value.is_none() || head.value("message").is_some()));
    let empty = head.has("\"events\"") && (head.has("\"searchedLogStreams\"") || head.has("\"nextForwardToken\""));
    is_event || in_answer || empty
}

fn read(input: &mut Input<'_, '_>) {
    let mut facts = std::mem::take(&mut input.out.facts);
    let mut reader = LogReader::new(Arc::clone(&input.name), input.zone.clone(), &mut facts);
    let envelope = each_json(input.feed, input.caps, input.out, &mut |value, _, number, _| {
        let message = value.get("message").and_then(Value::as_str).ok_or("event without a message")?;
        let stream = value.get("logStreamName").and_then(Value::as_str).unwrap_or_default();
        let at = value.get("timestamp").and_then(Value::as_i64).and_then(Moment::from_millis);
        reader.event(stream, message, at, number);
        Ok(())
    });
    let saw = reader.finish();
    input.out.saw(saw);
    input.out.facts = facts;
    input.out.goes_on = envelope.goes_on();
}
