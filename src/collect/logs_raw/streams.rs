//! A log group stream by stream: for identities that may call `GetLogEvents`, and not `FilterLogEvents`.

use super::{COLLECTOR, DESCRIBE_LOG_STREAMS, GET_LOG_EVENTS};
use crate::{
    case::{Window, manifest::Unit},
    collect::{
        Outcome, Work,
        calls::{Answer, Context, Failure},
        groups::{self, STREAMS},
        store,
    },
    units::{Moment, SECOND},
};
use aws_sdk_cloudwatchlogs::{Client, operation::get_log_events::GetLogEventsOutput};
use serde_json::{Value, json};
use std::sync::Arc;

/// How many streams are one part: a collection that is stopped asks for a part again from its beginning.
const PART_STREAMS: usize = 100;

/// When the last event of a stream was written is told late: by an hour, or some more.
const LATE_SECONDS: i64 = 86_400;

/// One stream of a log group.
#[derive(Debug)]
pub(in crate::collect) struct Stream {
    name: String,
    first: Option<Moment>,
    last: Option<Moment>,
}

impl Stream {
    /// Whether it may hold an event of a window.
    fn may_hold(&self, window: Window) -> bool {
        let is_before = self.last.is_some_and(|it| it.0 + LATE_SECONDS * SECOND < window.since().0);
        !is_before && self.first.is_none_or(|it| it < window.until())
    }
}

/// The parts that bring what `FilterLogEvents` was refused for. Where streams may not be read either, that refusal stays.
pub(in crate::collect) async fn instead(cx: &Context, client: &Client, unit: &Unit, refusal: Failure) -> Result<Outcome, Failure> {
    let window = unit.window.unwrap_or(cx.session.asked.window);
    let names = match groups::named(&unit.detail, STREAMS) {
        Some(names) => names,
        None => match listed(cx, client, &unit.subject).await {
            Ok(streams) => streams.iter().filter(|it| it.may_hold(window)).map(|it| it.name.clone()).collect(),
            Err(other) => return Err(both(refusal, other)),
        },
    };
    // A refusal concerns all of them, and is said once.
    if let Some(first) = names.first()
        && let Err(other) = page(cx, client, &unit.subject, first, window, None, Some(1)).await
    {
        return Err(both(refusal, other));
    }
    let note = format!("{}: FilterLogEvents was refused, so its {} streams were read one by one", unit.subject, names.len());
    if names.is_empty() {
        return Ok(Outcome::Done(Box::new(Unit { notes: vec![note], ..unit.clone() })));
    }
    let part = |(at, names): (usize, &[String])| {
        let mut part = Unit::new(COLLECTOR.name, GET_LOG_EVENTS.name, &unit.subject, Some(window));
        part.notes.clone_from(&unit.notes);
        part.notes.push(note.clone());
        part.detail = json!({ STREAMS: names });
        part.scanned_bytes = if at == 0 { unit.scanned_bytes } else { 0 };
        // By its first stream: parts of one window have none in common.
        let first = names.first().map_or("", String::as_str);
        (store::id_of(COLLECTOR.name, &unit.subject, &format!("{}-{first}", window.file_name())), part)
    };
    Ok(Outcome::Split(names.chunks(PART_STREAMS).enumerate().map(part).collect()))
}

/// What is said where both ways are refused: the first one is what should be allowed.
fn both(refusal: Failure, other: Failure) -> Failure {
    match (refusal, other) {
        (Failure::Aws { operation, code, message }, Failure::Aws { operation: second, .. }) => {
            let message = format!("{message}; {} would do instead, and is refused too", second.name);
            Failure::Aws { operation, code, message }
        }
        (_, other) => other,
    }
}

/// The streams of a group, listed once for all its parts.
async fn listed(cx: &Context, client: &Client, group: &str) -> Result<Arc<Vec<Stream>>, Failure> {
    // Held while they are listed: parts side by side wait for one list.
    let mut known = cx.session.streams.lock().await;
    if let Some(streams) = known.get(group) {
        return Ok(Arc::clone(streams));
    }
    let (mut streams, mut token) = (Vec::new(), None::<String>);
    loop {
        let request = || client.describe_log_streams().log_group_name(group).set_next_token(token.clone());
        let page = cx.call(&DESCRIBE_LOG_STREAMS, |tap| request().customize().interceptor(tap).send()).await?.output;
        streams.extend(page.log_streams().iter().filter_map(|it| {
            Some(Stream {
                name: it.log_stream_name()?.to_owned(),
                first: it.first_event_timestamp().and_then(Moment::from_millis),
                last: it.last_event_timestamp().max(it.last_ingestion_time()).and_then(Moment::from_millis),
            })
        }));
        if page.next_token.is_none() || page.next_token == token {
            break;
        }
        token = page.next_token;
    }
    let streams = Arc::new(streams);
    known.insert(group.to_owned(), Arc::clone(&streams));
    Ok(streams)
}

/// Reads a part's streams, each to its end: there the service names the same page again. A page without events is not the end.
pub(super) async fn read(cx: &Context, client: &Client, work: Work) -> Result<Outcome, Failure> {
    let Work { id, mut unit } = work;
    let mut answers = cx.session.store()?.answers(&id)?;
    let window = unit.window.unwrap_or(cx.session.asked.window);
    let names = groups::named(&unit.detail, STREAMS).unwrap_or_default();
    unit.rows = 0;
    for name in &names {
        let mut token: Option<String> = None;
        loop {
            let page = match page(cx, client, &unit.subject, name, window, token.clone(), None).await {
                Err(failure) if failure.code() == "ResourceNotFoundException" => {
                    unit.notes.push(format!("{}: stream {name} is not there any more", unit.subject));
                    break;
                }
                other => other?,
            };
            if !page.output.events().is_empty() {
                unit.rows += page.output.events().len() as u64;
                answers.push(&telling_stream(&page.bytes, name)?)?;
            }
            let next = page.output.next_forward_token;
            if next.is_none() || next == token {
                break;
            }
            token = next;
        }
    }
    if unit.rows > 0 {
        answers.finish(&mut unit)?;
    }
    // Their names stand in the answers.
    unit.detail = json!({ STREAMS: names.len() });
    Ok(Outcome::Done(Box::new(unit)))
}

async fn page(
    cx: &Context,
    client: &Client,
    group: &str,
    stream: &str,
    window: Window,
    token: Option<String>,
    limit: Option<i32>,
) -> Result<Answer<GetLogEventsOutput>, Failure> {
    let request = || {
        let request = client.get_log_events().log_group_name(group).log_stream_name(stream).start_from_head(true);
        // Unlike that of FilterLogEvents, its end is outside.
        let request = request.start_time(window.since().millis()).end_time(window.until().millis());
        request.set_next_token(token.clone()).set_limit(limit)
    };
    cx.call(&GET_LOG_EVENTS, |tap| request().customize().interceptor(tap).send()).await
}

/// An answer does not say of which stream it is: its events are told so, as `FilterLogEvents` tells them.
fn telling_stream(answer: &[u8], stream: &str) -> Result<Vec<u8>, Failure> {
    let unreadable = |it: serde_json::Error| Failure::Unanswered { operation: &GET_LOG_EVENTS, reason: it.to_string() };
    let mut answer: Value = serde_json::from_slice(answer).map_err(unreadable)?;
    for event in answer.get_mut("events").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
        event.insert("logStreamName".to_owned(), stream.into());
    }
    serde_json::to_vec(&answer).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_left_out_only_where_they_cannot_hold_the_window() {
        let at = |second: i64| Some(Moment(second * SECOND));
        let window = Window::new(200_000, 300_000).unwrap();
        let held = |first, last| Stream { name: String::new(), first, last }.may_hold(window);
        assert!(held(None, None) && held(at(0), at(250_000)) && held(at(300_000), None));
        assert!(held(at(0), at(120_000)), "its last event may be told a day late");
        assert!(!held(at(0), at(113_599)) && !held(at(300_001), at(300_002)));
    }

    #[test]
    fn events_are_told_their_stream_and_stay_as_they_are() {
        let answer = br#"{"events":[{"timestamp":1,"message":"a \u00e9","ingestionTime":2}],"nextForwardToken":"f/1"}"#;
        let wanted = "{\"events\":[{\"timestamp\":1,\"message\":\"a \u{e9}\",\"ingestionTime\":2,\"logStreamName\":\"x/y\"}],\"nextForwardToken\":\"f/1\"}";
        assert_eq!(String::from_utf8(telling_stream(answer, "x/y").unwrap()).unwrap(), wanted);
    }
}
