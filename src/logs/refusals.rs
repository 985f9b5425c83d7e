//! The refusals in a record, how the record speaks of them, and what stands around them.

use super::{
    audit_text,
    aws_error::{self, Found},
    identity,
    line::{self, Level},
    stream::Record,
};
use crate::{
    tables::{
        TaskRef,
        errors::{AwsError, ErrorRow, Voice},
    },
    text,
};

pattern!(S3_ADDRESS, r#"(?i)\bs3[an]?://[^\s'"`,;)\]>]+"#);
pattern!(S3_HOST, r#"https?://(?P<bucket>[\w.-]+)\.s3[.-][\w.-]*amazonaws\.com/(?P<key>[^\s'"`?]+)"#);
pattern!(COPY, r"(?is)\b(?:copy|unload)\s+(?:\(|[\w.\x22]+).{0,400}?(?:from|to)\s+'(?P<address>s3://[^']+)'");
pattern!(COPY_ROLE, r"(?is)(?:iam_role\s+'|aws_iam_role=)(?P<role>arn:[^'\s,;]+)");
pattern!(SERVICE_PATH, r"(?:/services/|@aws-sdk/client-|Aws::|Amazon\.|amazonaws\.services\.|awssdk\.services\.|aws-sdk-)([A-Za-z0-9]+)");
pattern!(FRAME, r#"File "([^"]+)", line (\d+), in (\w+)"#);
pattern!(QUERY, r"(?i)query(?:_?execution)?[_ ]?id['\x22]?\s*[:=]\s*['\x22]?([0-9a-f]{8}-[0-9a-f-]{27}|\d{8}_\d{6}_\w+|\d{3,})");

/// What stands between the exceptions of one chain.
const CHAINED: &[&str] = &["During handling of the above exception", "direct cause of the following exception", "Caused by:"];

/// How much text around a refusal its excerpt holds.
const BEFORE: usize = 500;
const BEHIND: usize = 900;

/// Every refusal that a record tells, the innermost of a chain only.
pub(super) fn rows(record: &Record<'_>, nearby: Option<&str>) -> Vec<ErrorRow> {
    if !aws_error::may_hold(record.body) {
        return Vec::new();
    }
    let mut recorded = audit_text::find(record.body, record.at, &record.origin);
    if !recorded.is_empty() {
        // A program that prints a record tells of it; a dump of records has no levels.
        if record.level.is_some() || record.printed {
            for it in &mut recorded {
                it.voice = Voice::Printed;
            }
        }
        return recorded;
    }
    let mut found = aws_error::find(record.body);
    found.retain(|it| !is_mention(it, record));
    innermost(&mut found, record.body);
    found.into_iter().map(|it| row(it, record, nearby)).collect()
}

fn row(found: Found, record: &Record<'_>, nearby: Option<&str>) -> ErrorRow {
    let mut error = found.error;
    place_in_context(&mut error, record.body, found.start, nearby);
    aws_error::imply(&mut error);
    for value in
        [&mut error.resource, &mut error.principal, &mut error.request_id, &mut error.operation, &mut error.code].into_iter().flatten()
    {
        *value = text::safe(value, 1_024);
    }
    if error.message.is_empty() {
        error.message = text::one_line(line_of(record.body, found.start));
    }
    error.message = text::safe(&error.message, 600);
    let from = aws_error::floor(record.body, found.start.saturating_sub(BEFORE));
    let from = record.body.get(from..found.start).and_then(|it| it.find('\n')).map_or(from, |it| from + it + 1);
    let to = aws_error::floor(record.body, found.end + BEHIND);
    let to = record.body.get(found.end..to).and_then(|it| it.find('\n')).map_or(to, |it| found.end + it);
    ErrorRow {
        at: record.at,
        task: task_of(record),
        voice: voice(record, found.start),
        level: record.level.map(|it| it.name().to_owned()),
        fatal: false,
        try_state: None,
        recovered: false,
        query_id: QUERY.as_ref().and_then(|it| it.captures(record.body)).map(|it| it[1].to_owned()),
        frame: frame(record.body),
        excerpt: text::safe(without_joint(record.body.get(from..to).unwrap_or_default()), text::EXCERPT_CHARS),
        origin: record.place_of(found.start),
        error,
    }
}

/// An excerpt that ends with the refusal, not with the announcement of the next exception.
fn without_joint(excerpt: &str) -> &str {
    let excerpt = excerpt.trim();
    let last = excerpt.lines().next_back().unwrap_or_default();
    if CHAINED.iter().any(|it| last.contains(it)) { excerpt.strip_suffix(last).unwrap_or(excerpt).trim_end() } else { excerpt }
}

/// The task that the record itself names.
fn task_of(record: &Record<'_>) -> TaskRef {
    let named = || {
        if record.body.contains("<TaskInstance: ") {
            return identity::instances(record.body).into_iter().next().map(|it| it.0);
        }
        if record.body.contains("Celery Task ID") { identity::tuple(record.body) } else { None }
    };
    record.task.cloned().or_else(named).unwrap_or_default()
}

/// How the record speaks.
fn voice(record: &Record<'_>, at: usize) -> Voice {
    if record.printed {
        return Voice::Printed;
    }
    match record.level {
        Some(Level::Error) => Voice::Raised,
        Some(Level::Warning) => Voice::Logged,
        _ if in_exception_line(record.body, at) => Voice::Raised,
        Some(Level::Info | Level::Debug) => Voice::Printed,
        None => Voice::Raised,
    }
}

/// Whether the line that holds a byte is the head of an exception behind a traceback.
fn in_exception_line(body: &str, at: usize) -> bool {
    let line = line_of(body, at);
    let start = aws_error::floor(body, at).saturating_sub(line.len());
    start > 0 && (line::looks_like_exception(line.trim_start()) || line.trim_start().starts_with("Caused by:"))
}

fn line_of(body: &str, at: usize) -> &str {
    let at = aws_error::floor(body, at);
    let start = body.get(..at).and_then(|it| it.rfind('\n')).map_or(0, |it| it + 1);
    let end = body.get(at..).and_then(|it| it.find('\n')).map_or(body.len(), |it| at + it);
    body.get(start..end).unwrap_or_default()
}

/// Whether a text only speaks about refusals: a report, a runbook, a quoted line.
fn is_mention(found: &Found, record: &Record<'_>) -> bool {
    let calm = matches!(record.level, Some(Level::Info | Level::Debug)) || record.printed;
    if found.weak && calm && !in_exception_line(record.body, found.start) {
        return true;
    }
    if record.level == Some(Level::Error) {
        return false;
    }
    let line = line_of(record.body, found.start);
    let low = line.to_ascii_lowercase();
    let quoted = ["if you see", "if you get", "e.g.", "for example", "such as"].iter().any(|it| low.contains(it));
    // A heading, a template, a rule or a line of a program speaks about errors.
    let code = ["raise ", "throw ", "add_client_error", "string.format", "assert", "$.errorcode", "| stats", "| filter"]
        .iter()
        .any(|it| low.contains(it));
    let prose = line.trim_start().starts_with('#') || (found.weak && code) || (record.level.is_none() && quoted && line.contains('"'));
    prose || (calm && quoted) || (record.level.is_some() && has_foreign_tail(&found.error.message))
}

/// A bare refusal that goes on in prose was written by somebody who tells of it.
fn has_foreign_tail(message: &str) -> bool {
    let tail = message.strip_prefix("Access Denied").or_else(|| message.strip_prefix("Forbidden"));
    tail.is_some_and(|it| {
        let words = it.trim_start_matches(['.', ' ']).trim_start_matches("--");
        it.starts_with([' ', '.']) && words.split_whitespace().count() >= 2 && !words.trim_start().starts_with(['(', '[', '{', '\'', '"'])
    })
}

/// Of refusals that one traceback chains, keeps the one that began it.
fn innermost(found: &mut Vec<Found>, body: &str) {
    if found.len() < 2 {
        return;
    }
    let begins = |text: &str| text.contains("Caused by:");
    let (Some(first), Some(last)) = (found.first().map(|it| it.start), found.last().map(|it| it.start)) else { return };
    let between = body.get(aws_error::floor(body, first)..aws_error::floor(body, last)).unwrap_or_default();
    if !CHAINED.iter().any(|it| between.contains(it)) {
        return;
    }
    if begins(between) {
        found.drain(..found.len() - 1);
    } else {
        found.truncate(1);
    }
}

/// The innermost frame that is not a library's.
fn frame(body: &str) -> Option<String> {
    let frames = FRAME.as_ref()?.captures_iter(body);
    let own = frames.filter(|it| !it[1].contains("site-packages") && !it[1].contains("/lib/python") && !it[1].starts_with('<'));
    own.last().map(|it| text::safe(&format!("{}:{} in {}", &it[1], &it[2], &it[3]), 300))
}

/// What the text around a refusal adds: the object of a CLI command, the role and the files of a COPY.
fn place_in_context(error: &mut AwsError, body: &str, at: usize, nearby: Option<&str>) {
    if error.service.is_none() {
        let named = |it: regex::Captures<'_>| aws_error::service_named(&it[1]).map(ToOwned::to_owned);
        error.service = SERVICE_PATH.as_ref().and_then(|it| it.captures_iter(body).find_map(named));
    }
    let is_s3 = error.service.as_deref() == Some("s3");
    let before = body.get(..aws_error::floor(body, at)).unwrap_or_default();
    if is_s3 && let Some(copy) = COPY.as_ref().and_then(|it| it.captures_iter(before).last()).or_else(|| COPY.as_ref()?.captures(nearby?)) {
        if error.resource.is_none() {
            error.resource = Some(copy["address"].to_owned());
            error.resource_inferred = true;
        }
        let behind = before.get(copy.get(0).map_or(0, |it| it.start())..).unwrap_or(before);
        let role = COPY_ROLE.as_ref().and_then(|it| it.captures(behind).or_else(|| it.captures(nearby.unwrap_or_default())));
        if error.principal.is_none() {
            error.principal = role.map(|it| it["role"].to_owned());
        }
        return;
    }
    if !is_s3 || error.resource.is_some() {
        return;
    }
    // A copy names two objects: what is read comes first.
    let reads = error.operation.as_deref().is_some_and(|it| ["Get", "Head", "List"].iter().any(|verb| it.starts_with(verb)));
    let address = |text: &str| {
        let mut found = S3_ADDRESS.as_ref()?.find_iter(text).map(|it| it.as_str().trim_end_matches([':', '.']).to_owned());
        let chosen = if reads { found.next() } else { found.last() };
        chosen.or_else(|| S3_HOST.as_ref()?.captures(text).map(|it| format!("s3://{}/{}", &it["bucket"], &it["key"])))
    };
    let line = line_of(body, at);
    let recent: Vec<&str> = before.lines().rev().take(8).collect();
    error.resource = address(line).or_else(|| recent.iter().find_map(|it| address(it))).or_else(|| nearby.and_then(address));
    error.resource_inferred = error.resource.is_some();
}
