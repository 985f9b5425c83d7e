//! `CloudTrail`: delivery files, `lookup-events`, and records by themselves.

use super::{Batch, Head, Input, Source, each_json};
use crate::{
    logs::audit::{self, Audit},
    tables::Origin,
    units::Moment,
};
use serde_json::Value;
use std::sync::Arc;

pub(super) static SOURCE: Source =
    Source { id: "cloudtrail", title: "CloudTrail delivery files, lookup-events, single records", claims, read };

fn claims(head: &Head<'_>) -> bool {
    let is_record = head.value("eventSource").is_some() && head.value("eventName").is_some();
    let is_lookup = head.value("CloudTrailEvent").is_some();
    // A first record longer than the head is one all the same; a short one that is no JSON is a text about one.
    let long = head.bytes.len() >= super::HEAD_BYTES && head.json.as_ref().is_some_and(|it| it.value.is_none());
    let cut = long && head.has("\"eventSource\"") && head.has("\"eventName\"");
    is_record || is_lookup || cut
}

fn read(input: &mut Input<'_, '_>) {
    let file = Arc::clone(&input.name);
    let envelope = each_json(input.feed, input.caps, input.out, &mut |value, _, number, out| {
        let origin = Origin { file: Arc::clone(&file), record: number };
        match value.get("CloudTrailEvent").and_then(Value::as_str) {
            Some(inner) => {
                let inner: Value = serde_json::from_str(inner).map_err(|_| "CloudTrailEvent is not valid JSON")?;
                record(&inner, origin, out)
            }
            None => record(value, origin, out),
        }
    });
    input.out.goes_on = envelope.goes_on();
}

fn record(value: &Value, origin: Origin, out: &mut Batch) -> Result<(), &'static str> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let operation = text("eventName").ok_or("not a CloudTrail record: no eventName")?;
    let at = text("eventTime").and_then(Moment::parse).map(|it| it.moment);
    if let Some(at) = at {
        out.span = Some(out.span.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
    }
    out.facts.log_records += 1;
    let Some(code) = text("errorCode") else { return Ok(()) };
    let (resource, resource_inferred) = resource(value);
    let audit = Audit {
        at,
        service: text("eventSource").unwrap_or_default().to_owned(),
        operation: operation.to_owned(),
        code: code.to_owned(),
        message: text("errorMessage").unwrap_or_default().to_owned(),
        principal: value.pointer("/userIdentity/arn").and_then(Value::as_str).map(ToOwned::to_owned),
        resource,
        resource_inferred,
        request_id: text("requestID").map(ToOwned::to_owned),
        excerpt: shortened(value),
    };
    out.facts.errors.extend(audit::refusal(audit, origin));
    Ok(())
}

/// The resource that the record names, else the S3 object of its parameters.
fn resource(value: &Value) -> (Option<String>, bool) {
    let named = value.pointer("/resources/0/ARN").or_else(|| value.pointer("/requestParameters/roleArn")).and_then(Value::as_str);
    if let Some(arn) = named {
        return (Some(arn.to_owned()), false);
    }
    let parameter = |name: &str| value.pointer(&format!("/requestParameters/{name}")).and_then(Value::as_str);
    let object = parameter("bucketName").map(|bucket| match parameter("key") {
        Some(key) => format!("arn:aws:s3:::{bucket}/{key}"),
        None => format!("arn:aws:s3:::{bucket}"),
    });
    let inferred = object.is_some();
    (object, inferred)
}

/// The fields of a record that tell the story.
fn shortened(value: &Value) -> String {
    const KEYS: &[&str] = &[
        "eventTime",
        "eventSource",
        "eventName",
        "errorCode",
        "errorMessage",
        "sourceIPAddress",
        "userAgent",
        "vpcEndpointId",
        "requestID",
        "requestParameters",
    ];
    let line = |key: &str| {
        let value = value.get(key).filter(|it| !it.is_null())?;
        Some(format!("{key}: {}", value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)))
    };
    KEYS.iter().filter_map(|it| line(it)).collect::<Vec<_>>().join("\n")
}
