//! COPY statements that failed, as clients and tasks log them.

use super::stream::Record;
use crate::{tables::load_errors::LoadError, text};

pattern!(
    FAILED,
    r#"(?P<message>(?i:load into table) ['"](?P<table>[^'"]+)['"] (?i:failed)\.?\s+(?i:check) ['"]\w*load_error\w*['"][^\n;\[]*)"#
);
pattern!(
    VALUE,
    r#"Error \(?#?(?:code )?(?P<code>\d{4})\)? while loading data into Redshift: "(?P<message>[^"\n]+)"(?:\s+Table name: (?P<table>\S+))?(?:\s+Column name: (?P<column>\S+))?(?:\s+Column type: (?P<type>[^\n]+))?"#
);
pattern!(UNSUPPORTED, r"(?P<message>[A-Z][A-Z ]+ (?:argument|option|parameter) is not supported for [\w ]+ based COPY)");
pattern!(COPY, r#"(?i)\bcopy\s+(?P<table>[\w."$]+)\s*(?:\([^)]*\)\s*)?from\s+'s3://"#);

/// The failed COPY that a record tells of.
pub(super) fn find(record: &Record<'_>, nearby: Option<&str>) -> Option<LoadError> {
    // A fast look: these words stand in every one of them.
    if !record.body.contains("failed") && !record.body.contains("Redshift") && !record.body.contains("COPY") {
        return None;
    }
    let found = [&FAILED, &VALUE, &UNSUPPORTED].into_iter().find_map(|it| it.as_ref()?.captures(record.body))?;
    let group = |name: &str| found.name(name).map(|it| text::safe(it.as_str().trim(), 400));
    let named = || {
        let statement = COPY.as_ref()?.captures(nearby?)?;
        statement.name("table").map(|it| it.as_str().replace('"', ""))
    };
    Some(LoadError {
        view: Some("log".to_owned()),
        table_name: group("table").or_else(named),
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
