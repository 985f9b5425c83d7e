//! Answers that describe things and record no events: recognised, listed, and left.

use super::{Head, Input, Source, read_nothing};

pub(super) static SOURCE: Source = Source {
    id: "aws-metadata",
    title: "Answers that hold no events (describe-log-groups, start-query, export tasks, get-environment)",
    claims,
    read,
};

/// Top-level keys of answers that hold no events.
const KEYS: &[&str] = &["logGroups", "logStreams", "queryId", "queries", "exportTasks", "taskId", "CommonPrefixes", "Environment"];

fn claims(head: &Head<'_>) -> bool {
    if head.bytes.trim_ascii() == b"Permission Check Successful" {
        return true;
    }
    let Some(json) = &head.json else { return false };
    let object = json.value.as_ref().and_then(serde_json::Value::as_object);
    let opens_with = || {
        KEYS.iter().any(|key| {
            head.bytes.trim_ascii_start().get(1..).is_some_and(|it| it.trim_ascii_start().starts_with(format!("\"{key}\"").as_bytes()))
        })
    };
    json.container.is_empty()
        && (object.is_some_and(|it| KEYS.iter().any(|key| it.contains_key(*key))) || (object.is_none() && opens_with()))
}

fn read(input: &mut Input<'_, '_>) {
    read_nothing(input);
}
