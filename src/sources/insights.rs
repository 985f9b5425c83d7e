//! `CloudWatch` Logs Insights: `get-query-results`, and the console's JSON download.

use super::{Head, Input, Source, each_json};
use crate::{logs::LogReader, units::Moment};
use serde_json::Value;
use std::sync::Arc;

pub(super) static SOURCE: Source =
    Source { id: "insights-results", title: "CloudWatch Logs Insights answers (get-query-results, console JSON)", claims, read };

fn claims(head: &Head<'_>) -> bool {
    let Some(json) = &head.json else {
        return head.has("\"results\"") && head.has("\"status\"") && head.has("\"statistics\"");
    };
    let is_row = json.value.as_ref().is_some_and(|it| cell(it, "@message").is_some() || cell(it, "@ptr").is_some());
    let is_rows = json.value.as_ref().and_then(Value::as_array).is_some_and(|it| it.first().is_some_and(|it| it.get("field").is_some()));
    is_row || (json.container == "results" && (is_rows || json.value.is_none()))
}

/// One row that holds a log event.
struct Row {
    at: Option<Moment>,
    stream: String,
    message: String,
    number: u64,
}

fn read(input: &mut Input<'_, '_>) {
    let mut rows: Vec<Row> = Vec::new();
    let envelope = each_json(input.feed, input.caps, input.out, &mut |value, _, number, _| {
        let message = cell(value, "@message").or_else(|| audit_row(value)).ok_or("Insights row without @message (an aggregate?)")?;
        rows.push(Row {
            at: cell(value, "@timestamp").and_then(|it| moment(&it)),
            stream: cell(value, "@logStream").unwrap_or_default(),
            message,
            number,
        });
        Ok(())
    });
    judge(&envelope, rows.len(), input);
    // The console sorts newest first; lines of one traceback only join in the order they were written.
    if rows.windows(2).any(|pair| matches!(pair, [a, b] if a.at > b.at)) {
        rows.reverse();
        rows.sort_by_key(|it| it.at);
    }
    let mut reader = LogReader::new(Arc::clone(&input.name), input.zone.clone(), &mut input.out.facts);
    for row in &rows {
        reader.event(&row.stream, &row.message, row.at, row.number);
    }
    let saw = reader.finish();
    input.out.saw(saw);
}

/// Whether the answer is the whole answer.
#[expect(clippy::cast_precision_loss, reason = "an answer has at most 100,000 rows")]
fn judge(envelope: &super::Envelope, rows: usize, input: &mut Input<'_, '_>) {
    if let Some(status) = envelope.text_of("status")
        && status != "Complete"
    {
        input.out.partial.push(format!("the query was {status}, not Complete"));
    }
    if let Some(matched) = envelope.number_of("recordsMatched")
        && matched > rows as f64
        && rows > 0
    {
        input.out.partial.push(format!("the answer holds {rows} of {matched} matching rows: raise the limit or split the window"));
    }
}

/// A field of a row: of `[{"field":…,"value":…}]`, or of a plain object.
fn cell(row: &Value, field: &str) -> Option<String> {
    let value = match row {
        Value::Array(cells) => cells.iter().find(|it| it.get("field").and_then(Value::as_str) == Some(field))?.get("value")?,
        _ => row.get(field)?,
    };
    Some(value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned))
}

/// A row of a query about `CloudTrail`: its fields as a text that holds the record.
fn audit_row(row: &Value) -> Option<String> {
    let cells = row.as_array()?;
    let line = |it: &Value| Some(format!("{}: \"{}\"", it.get("field")?.as_str()?, it.get("value")?.as_str()?));
    let lines: Vec<String> = cells.iter().filter_map(line).collect();
    lines.iter().any(|it| it.to_ascii_lowercase().starts_with("errorcode")).then(|| lines.join("\n"))
}

/// `2026-11-20 08:27:28.773` in UTC, or milliseconds since 1970.
fn moment(text: &str) -> Option<Moment> {
    Moment::parse(text).map(|it| it.moment).or_else(|| Moment::from_millis(text.parse().ok()?))
}
