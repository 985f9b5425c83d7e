//! Log records that are JSON objects: Airflow 3 task logs, Lambda and container logs, other clouds' exports.

use super::{aws_error, line::Level};
use crate::{
    tables::TaskRef,
    text,
    units::{Moment, Stamp},
};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// What the object says, as a record of text would.
#[derive(Debug, Default)]
pub(super) struct Structured {
    /// When.
    pub(super) stamp: Option<Stamp>,
    /// How grave.
    pub(super) level: Option<Level>,
    /// Who speaks.
    pub(super) logger: String,
    /// The message, with its exceptions behind it as Python prints them.
    pub(super) body: String,
    /// Whether it is the output of the task's own program.
    pub(super) printed: bool,
    /// The task, where the object names one.
    pub(super) task: Option<TaskRef>,
    /// Whether the object has the shape of an Airflow record.
    pub(super) airflow: bool,
}

const TEXTS: &[&str] =
    &["event", "message", "msg", "@message", "textPayload", "log", "errorMessage", "error_message", "error", "err", "cause"];
const TIMES: &[&str] = &["timestamp", "time", "ts", "@timestamp", "eventTime", "asctime", "datetime", "date"];
const LEVELS: &[&str] = &["level", "severity", "levelname", "log_level", "lvl"];
const LOGGERS: &[&str] = &["logger", "logger_name", "loggerName", "name"];

/// Reads `text` when it is one JSON object that holds a message.
pub(super) fn read(text: &str) -> Option<Structured> {
    let trimmed = text.trim();
    if !trimmed.starts_with('{') || !trimmed.ends_with('}') {
        return None;
    }
    let object: Map<String, Value> = serde_json::from_str(trimmed).ok()?;
    from_object(&object)
}

/// Reads an object that is already parsed.
pub(super) fn from_object(object: &Map<String, Value>) -> Option<Structured> {
    let named = |keys: &[&str]| keys.iter().find_map(|it| object.get(*it)?.as_str());
    let is_audit = object.contains_key("eventName") && object.contains_key("errorCode");
    let mut body = match TEXTS.iter().find_map(|it| object.get(*it)) {
        _ if is_audit => Value::Object(object.clone()).to_string(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(inner)) => from_object(inner).map_or_else(|| Value::Object(inner.clone()).to_string(), |it| it.body),
        Some(Value::Null) | None => {
            let mut told = String::new();
            add_members(object, &mut told, 0);
            if told.is_empty() {
                return None;
            }
            told
        }
        Some(other) => other.to_string(),
    };
    if let Some(kind) = object.get("errorType").and_then(Value::as_str) {
        body = format!("{kind}: {body}");
    }
    add_exceptions(object, &mut body);
    let body = text::without_escapes(&body).into_owned();
    let airflow = object.contains_key("event") && (object.contains_key("level") || object.contains_key("logger"));
    Some(Structured {
        stamp: TIMES.iter().find_map(|it| stamp_of(object.get(*it)?)),
        level: named(LEVELS).and_then(|it| Level::named(it).or_else(|| Level::named(&it.to_ascii_uppercase()))),
        logger: named(LOGGERS).unwrap_or_default().to_owned(),
        printed: named(&["chan"]).is_some_and(|it| it == "stdout") || named(LOGGERS).is_some_and(|it| it.contains("SubprocessHook")),
        task: task_of(object),
        airflow,
        body,
    })
}

fn stamp_of(value: &Value) -> Option<Stamp> {
    match value {
        Value::String(text) => Moment::parse(text),
        Value::Number(number) => {
            let whole = number.as_f64()?;
            #[expect(clippy::cast_possible_truncation, reason = "a float saturates, and from_millis judges the range")]
            let millis = if whole < 1e11 { whole * 1000.0 } else { whole } as i64;
            Moment::from_millis(millis).map(|moment| Stamp { moment, zoned: true })
        }
        _ => None,
    }
}

fn task_of(object: &Map<String, Value>) -> Option<TaskRef> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
    let whole = |key: &str| object.get(key).and_then(Value::as_i64);
    let named = TaskRef {
        dag_id: text("dag_id"),
        task_id: text("task_id"),
        run_id: text("run_id"),
        map_index: whole("map_index").filter(|it| *it >= 0),
        try_number: whole("try_number"),
        inferred: false,
    };
    if named.dag_id.is_some() && named.task_id.is_some() {
        return Some(named);
    }
    let ti = object.get("ti")?;
    match ti {
        Value::String(repr) => super::identity::parts(repr),
        Value::Object(inner) => task_of(inner),
        _ => None,
    }
}

/// Writes `error_detail` and stack traces behind the message, the innermost exception first, as Python prints a chain.
fn add_exceptions(object: &Map<String, Value>, body: &mut String) {
    if let Some(Value::Array(chain)) = object.get("error_detail").or_else(|| object.get("exception")) {
        for (index, exception) in chain.iter().rev().enumerate() {
            let text = |key: &str| exception.get(key).and_then(Value::as_str).unwrap_or_default();
            if index > 0 {
                body.push_str("\n\nThe above exception was the direct cause of the following exception:\n");
            }
            body.push_str("\nTraceback (most recent call last):");
            for frame in exception.get("frames").and_then(Value::as_array).into_iter().flatten() {
                let file = frame.get("filename").and_then(Value::as_str).unwrap_or_default();
                let line = frame.get("lineno").and_then(Value::as_i64).unwrap_or_default();
                let name = frame.get("name").and_then(Value::as_str).unwrap_or_default();
                let _ = write!(body, "\n  File \"{file}\", line {line}, in {name}");
            }
            let _ = write!(body, "\n{}: {}", text("exc_type"), text("exc_value"));
        }
    }
    for key in ["stackTrace", "stack_trace", "stack", "exc_info", "exception", "traceback", "error_msg"] {
        match object.get(key) {
            Some(Value::String(trace)) => {
                let _ = write!(body, "\n{trace}");
            }
            Some(Value::Array(lines)) => {
                for line in lines.iter().filter_map(Value::as_str) {
                    let _ = write!(body, "\n{}", line.trim_end());
                }
            }
            _ => {}
        }
    }
    add_members(object, body, 0);
}

/// How deep objects are looked into for a refusal.
const DEEPEST: usize = 6;

/// Writes behind the message every other member that may carry a refusal: an error object, a nested answer, a record in a record.
fn add_members(object: &Map<String, Value>, body: &mut String, depth: usize) {
    if object.contains_key("eventName") && object.contains_key("errorCode") && depth > 0 {
        let _ = write!(body, "\n{}", Value::Object(object.clone()));
        return;
    }
    for (key, value) in object {
        match value {
            Value::String(text) if aws_error::may_hold(text) && !body.contains(text.as_str()) => {
                let _ = write!(body, "\n\"{key}\": \"{text}\"");
            }
            Value::Object(inner) if depth < DEEPEST => add_members(inner, body, depth + 1),
            Value::Array(items) if depth < DEEPEST => {
                for inner in items.iter().filter_map(Value::as_object) {
                    add_members(inner, body, depth + 1);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_airflow_record_with_a_chain_is_read() {
        let record = read(
            r#"{"timestamp":"2026-11-20T08:32:29.377171","level":"error","event":"Task failed with exception","logger":"task","error_detail":[
            {"exc_type":"PermissionError","exc_value":"Forbidden","is_cause":false,"frames":[{"filename":"/dags/a.py","lineno":3,"name":"run"}]},
            {"exc_type":"ClientError","exc_value":"An error occurred (403) when calling the HeadObject operation: Forbidden","is_cause":true,"frames":[]}]}"#,
        )
        .unwrap();
        assert!(record.airflow);
        assert_eq!(record.level, Some(Level::Error));
        let cause = record.body.find("ClientError: An error").unwrap();
        assert!(cause < record.body.find("PermissionError: Forbidden").unwrap(), "the cause comes first");
    }

    #[test]
    fn other_loggers_are_read_too() {
        let record =
            read(r#"{"textPayload":"Executor reports x","timestamp":"2024-02-05T01:02:09.432338904Z","severity":"ERROR"}"#).unwrap();
        assert_eq!((record.level, record.body.as_str()), (Some(Level::Error), "Executor reports x"));
        assert!(read(r#"{"a":1}"#).is_none());
        assert!(read("{not json}").is_none());
    }
}
