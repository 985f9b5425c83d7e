//! What `CloudWatch` Logs delivers: subscription payloads, alone or concatenated by Firehose.

use super::{Head, Input, Source, each_json};
use crate::{logs::LogReader, units::Moment};
use serde_json::Value;
use std::sync::Arc;

pub(in crate::sources) static SOURCE: Source =
    Source { id: "cloudwatch-subscription", title: "CloudWatch Logs subscription payloads and Firehose objects", claims, read };

fn claims(head: &Head<'_>) -> bool {
    head.json.as_ref().is_some_and(|it| it.container == "logEvents") || (head.has("\"messageType\"") && head.has("_MESSAGE\""))
}

fn read(input: &mut Input<'_, '_>) {
    let mut facts = std::mem::take(&mut input.out.facts);
    let mut reader = LogReader::new(Arc::clone(&input.name), input.zone.clone(), &mut facts);
    each_json(input.feed, input.caps, input.out, &mut |value, envelope, number, _| {
        // Firehose first checks that it may write at all.
        if envelope.text_of("messageType").as_deref() == Some("CONTROL_MESSAGE") || value.get("messageType").is_some() {
            return Ok(());
        }
        let message = value.get("message").and_then(Value::as_str).ok_or("event without a message")?;
        let stream = envelope.text_of("logStream").unwrap_or_default();
        let at = value.get("timestamp").and_then(Value::as_i64).and_then(Moment::from_millis);
        reader.event(&stream, message, at, number);
        Ok(())
    });
    let saw = reader.finish();
    input.out.saw(saw);
    input.out.facts = facts;
}
