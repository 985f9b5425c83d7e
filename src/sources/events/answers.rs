//! `CloudWatch` Logs events as the CLI prints them: `filter-log-events`, `get-log-events`, and arrays of such events.

use super::{Event, HEAD_BYTES, Head, Input, Order, ReadPlain, Source, each_event, each_json, read_in_order};
use crate::{
    logs::events::Events,
    records::{
        Feed,
        json::{
            Records,
            flat::{Cursor, Left, Plain},
            parts::Sizes,
            value_of,
        },
    },
    units::Moment,
};
use serde_json::Value;

pub(in crate::sources) static SOURCE: Source =
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
    if is_newest_first(input.feed.want(HEAD_BYTES)) {
        return read_newest_first(input);
    }
    read_in(input, Sizes::default(), plain);
}

pub(super) fn read_in(input: &mut Input<'_, '_>, sizes: Sizes, plain: ReadPlain) {
    let envelope = each_event(input, sizes, plain, &mut |reader, value, _, number| {
        let (at, stream, message) = event(value)?;
        reader.event(stream, message, at, number);
        Ok(())
    });
    input.out.goes_on = envelope.goes_on();
}

/// When, in which stream, what.
fn event(value: &Value) -> Result<(Option<Moment>, &str, &str), &'static str> {
    let message = value.get("message").and_then(Value::as_str).ok_or("event without a message")?;
    let stream = value.get("logStreamName").and_then(Value::as_str).unwrap_or_default();
    Ok((value.get("timestamp").and_then(Value::as_i64).and_then(Moment::from_millis), stream, message))
}

/// Whether an answer begins with its newest event, as `filter-log-events --no-start-from-head` does.
fn is_newest_first(head: &[u8]) -> bool {
    let (mut feed, mut order) = (Feed::new(Box::new(head)), Order::default());
    let mut records = Records::new(&mut feed, head.len());
    while !order.is_certain()
        && let Some(Ok(record)) = records.next_record()
    {
        order.see(value_of(record.bytes).as_ref().and_then(|it| event(it).ok()?.0));
    }
    order.is_newest_first()
}

/// Reads such an answer, which is held whole: its last event was written first.
fn read_newest_first(input: &mut Input<'_, '_>) {
    let mut events = Vec::new();
    let envelope = each_json(input.feed, input.caps, input.out, &mut |value, _, number, _| {
        let (at, stream, message) = event(value)?;
        events.push(Event { at, stream: stream.to_owned(), message: message.to_owned(), number });
        Ok(())
    });
    read_in_order(events, input);
    input.out.goes_on = envelope.goes_on();
}

/// Reads an event as it is almost always written.
pub(super) fn plain(cursor: &mut Cursor<'_>, events: &mut Events) -> Result<(), Left> {
    let (mut message, mut stream, mut at) = (None, Some(""), None);
    cursor.object(|key, value| match (key, value) {
        ("message", Plain::Text(text)) => message = Some(text),
        ("message", _) => message = None,
        ("logStreamName", Plain::Text(text)) => stream = text.as_it_is(),
        ("logStreamName", _) => stream = Some(""),
        ("timestamp", Plain::Whole(millis)) => at = Moment::from_millis(millis),
        ("timestamp", _) => at = None,
        _ => {}
    })?;
    let (message, stream) = message.zip(stream).ok_or(Left::Odd)?;
    events.push(stream, at, |text| message.add_to(text));
    Ok(())
}
