//! S3 server access logs, as S3 writes them and as JSON objects.

use super::{Head, Input, Source, each_json};
use crate::{
    logs::audit::{self, Audit},
    records::lines::Lines,
    tables::Origin,
    units::Moment,
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

pub(super) static SOURCE: Source = Source { id: "s3-access-log", title: "S3 server access logs", claims, read };

/// The fields of a line, in order.
const FIELDS: &[&str] =
    &["bucketowner", "bucket", "time", "remoteip", "requester", "requestid", "operation", "key", "requesturi", "httpstatus", "errorcode"];

fn claims(head: &Head<'_>) -> bool {
    let json = head.json.as_ref().and_then(|it| it.value.as_ref()).and_then(Value::as_object);
    if let Some(object) = json {
        let has = |key: &str| object.keys().any(|it| plain(it) == key);
        return has("httpstatus") && has("operation") && has("bucket");
    }
    let first = head.lines().find(|it| !it.trim().is_empty()).unwrap_or_default();
    let fields = fields(first);
    fields.len() >= FIELDS.len()
        && fields.get(6).is_some_and(|it| it.starts_with("REST.") || it.starts_with("S3.") || it.starts_with("BATCH."))
}

fn read(input: &mut Input<'_, '_>) {
    let first = input.feed.want(1).iter().copied().find(|it| !it.is_ascii_whitespace());
    let file = Arc::clone(&input.name);
    if matches!(first, Some(b'{' | b'[')) {
        each_json(input.feed, input.caps, input.out, &mut |value, _, number, out| {
            let object = value.as_object().ok_or("not a JSON object")?;
            let shown = |it: &Value| it.as_str().map_or_else(|| it.to_string(), ToOwned::to_owned);
            let request: BTreeMap<String, String> = object.iter().map(|(key, it)| (plain(key), shown(it))).collect();
            record(&request, Origin { file: Arc::clone(&file), record: number }, out);
            Ok(())
        });
        return;
    }
    let mut lines = Lines::new(input.feed, input.caps.record_bytes);
    let mut number = 0;
    while let Some(line) = lines.next_line() {
        number += 1;
        let text = String::from_utf8_lossy(line.bytes);
        let found = fields(&text);
        if found.len() < FIELDS.len() {
            input.out.skip("not a line of an S3 access log", number);
            continue;
        }
        let request = FIELDS.iter().zip(found).map(|(name, value)| ((*name).to_owned(), value)).collect();
        record(&request, Origin { file: Arc::clone(&file), record: number }, input.out);
        input.out.parsed += 1;
    }
}

fn record(request: &BTreeMap<String, String>, origin: Origin, out: &mut super::Batch) {
    let field = |name: &str| request.get(name).filter(|it| *it != "-" && !it.is_empty()).cloned();
    let at = field("time").and_then(|it| Moment::parse(it.get(..23).unwrap_or(&it)).or_else(|| Moment::parse(&it))).map(|it| it.moment);
    if let Some(at) = at {
        out.span = Some(out.span.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
    }
    out.facts.log_records += 1;
    let (Some(code), Some(operation)) = (field("errorcode"), field("operation")) else { return };
    let bucket = field("bucket").map(|bucket| match field("key") {
        Some(key) => format!("arn:aws:s3:::{bucket}/{key}"),
        None => format!("arn:aws:s3:::{bucket}"),
    });
    let shown: Vec<String> = FIELDS.iter().filter_map(|it| Some(format!("{it}: {}", field(it)?))).collect();
    let audit = Audit {
        at,
        service: "s3".to_owned(),
        operation,
        code,
        message: String::new(),
        principal: field("requester"),
        resource: bucket,
        resource_inferred: true,
        request_id: field("requestid"),
        excerpt: shown.join("\n"),
    };
    out.facts.errors.extend(audit::refusal(audit, origin));
}

/// A key without case and punctuation.
fn plain(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).map(|it| it.to_ascii_lowercase()).collect()
}

/// Words of a line; what stands in brackets or quotes is one word.
fn fields(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = line.trim();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '"' => rest.get(1..).and_then(|it| it.split_once('"')).unwrap_or((rest, "")),
            '[' => rest.get(1..).and_then(|it| it.split_once(']')).unwrap_or((rest, "")),
            _ => rest.split_once(' ').unwrap_or((rest, "")),
        };
        found.push(word.to_owned());
        rest = after.trim_start();
    }
    found
}
