//! COPY statements as clients and tasks log them: those that run, and those that fail.

use super::stream::Record;
use crate::{
    tables::{load_errors::LoadError, loads::Load},
    text,
};

pattern!(
    FAILED,
    r#"(?P<message>(?i:load into table) ['"](?P<table>[^'"]+)['"] (?i:failed)\.?\s+(?i:check) ['"]\w*load_error\w*['"][^\n;\[]*)"#
);
pattern!(
    VALUE,
    r#"Error \(?#?(?:code )?(?P<code>\d{4})\)? while loading data into Redshift: "(?P<message>[^"\n]+)"(?:\s+Table name: (?P<table>\S+))?(?:\s+Column name: (?P<column>\S+))?(?:\s+Column type: (?P<type>[^\n]+))?"#
);
pattern!(UNSUPPORTED, r"(?P<message>[A-Z][A-Z ]+ (?:argument|option|parameter) is not supported for [\w ]+ based COPY)");
pattern!(COPY, r#"(?i)\bcopy\s+(?P<table>[\w."$]+)\s*(?:\([^)]*\)\s*)?from\s+\\?'(?P<place>s3://[^'\\]+)"#);

/// Words without which a text tells of no COPY.
pub(super) const WORDS: &[&str] = &["s3://", "load_error", "while loading data into Redshift", "is not supported for"];

/// Whether a line that names an S3 object may be, or begin, a statement.
pub(super) fn may_run(line: &[u8]) -> bool {
    let word = |it: &[u8]| {
        it.first_chunk::<4>().is_some_and(|word| word.eq_ignore_ascii_case(b"copy") && it.get(4).is_none_or(u8::is_ascii_whitespace))
    };
    memchr::memchr2_iter(b'c', b'C', line).any(|at| line.get(at..).is_some_and(word))
}

/// The COPY that a record shows.
pub(super) fn run(record: &Record<'_>) -> Option<Load> {
    if !record.body.contains("s3://") {
        return None;
    }
    let statement = COPY.as_ref()?.captures(record.body)?;
    let name = statement.name("table")?.as_str().replace('"', "");
    let mut parts = name.rsplit('.').map(ToOwned::to_owned);
    Some(Load {
        table_name: parts.next(),
        schema_name: parts.next(),
        data_source: statement.name("place").map(|it| text::safe(it.as_str(), 1_024)),
        start_time: record.at,
        origin: record.origin.clone(),
        ..Load::default()
    })
}

/// The failed COPY that a record tells of.
pub(super) fn failed(record: &Record<'_>) -> Option<LoadError> {
    if !WORDS.iter().skip(1).any(|it| record.body.contains(it)) {
        return None;
    }
    let found = [&FAILED, &VALUE, &UNSUPPORTED].into_iter().find_map(|it| it.as_ref()?.captures(record.body))?;
    let group = |name: &str| found.name(name).map(|it| text::safe(it.as_str().trim(), 400));
    Some(LoadError {
        view: Some("log".to_owned()),
        table_name: group("table"),
        column_name: group("column"),
        column_type: group("type"),
        error_code: group("code"),
        error_message: group("message"),
        event_time: record.at,
        raw_line: Some(text::safe(&text::one_line(record.body), 400)),
        origin: record.origin.clone(),
        ..LoadError::default()
    })
}
