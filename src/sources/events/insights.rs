//! `CloudWatch` Logs Insights: `get-query-results`, and the console's JSON download.

#[cfg(test)]
use super::{Event, each_json, read_in_order};
use super::{
    Head, Input, Source, Taken, ended,
    kept::{Kept, Rows, Standing},
};
use crate::{
    logs::{
        LogReader,
        events::{self, Events, EventsTold},
    },
    records::json::{
        Envelope, Records,
        flat::{Cursor, Left, Plain, Quoted},
        parts::{Form, Given, Place, Sizes, elements},
    },
    units::Moment,
};
use rayon::prelude::*;
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

pub(in crate::sources) static SOURCE: Source =
    Source { id: "insights-results", title: "CloudWatch Logs Insights answers (get-query-results, console JSON)", claims, read };

fn claims(head: &Head<'_>) -> bool {
    let Some(json) = &head.json else {
        return head.has("\"results\"") && head.has("\"status\"") && head.has("\"statistics\"");
    };
    let is_row = json.value.as_ref().is_some_and(|it| cell(it, "@message").is_some() || cell(it, "@ptr").is_some());
    let is_rows = json.value.as_ref().and_then(Value::as_array).is_some_and(|it| it.first().is_some_and(|it| it.get("field").is_some()));
    is_row || (json.container == "results" && (is_rows || json.value.is_none()))
}

fn read(input: &mut Input<'_, '_>) {
    read_in(input, Sizes::default(), plain);
}

pub(super) fn read_in(input: &mut Input<'_, '_>, sizes: Sizes, plain: fn(&mut Cursor<'_>, &mut Rows) -> Result<(), Left>) {
    let form = Form {
        fits: &|text: &str, place: Place| elements(text, place, 1, |it| plain(it, &mut Rows::default())),
        read: &|text: &str, place: Place| {
            let mut rows = Rows::default();
            let read = elements(text, place, u64::MAX, |it| plain(it, &mut rows));
            read.telling(rows)
        },
    };
    let (mut kept, mut taken, out) = (Kept::new(sizes.part * HELD), Taken::default(), &mut *input.out);
    let mut records = Records::new(input.feed, input.caps.record_bytes.saturating_mul(16));
    records.in_parts(sizes, &form, &mut |given, envelope| {
        let before = taken.number;
        let other = match given {
            Given::Part(rows, count) => {
                taken.number += count;
                out.parsed += count;
                return kept.add(rows, before);
            }
            Given::Record(value) => Ok(value),
            Given::Fault(fault) => Err(fault),
        };
        taken.take(other, envelope, out, &mut |value, _, _, _| {
            let message = cell(value, "@message").or_else(|| audit_row(value)).ok_or("Insights row without @message (an aggregate?)")?;
            let at = cell(value, "@timestamp").and_then(|it| moment(&it));
            let mut rows = Rows::default();
            rows.push(&cell(value, "@logStream").unwrap_or_default(), at, |it| it.push_str(&message));
            kept.add(rows, before);
            Ok(())
        });
    });
    let envelope = ended(&records, out);
    judge(&envelope, kept.count(), input);
    read_rows(kept, sizes, input);
}

/// So many parts of messages are held as they are; the others are packed.
const HELD: usize = 16;

/// Rows that are read side by side, and how many at once.
const ROWS: usize = 4_096;

/// Reads rows in the order in which they were written.
fn read_rows(mut kept: Kept, sizes: Sizes, input: &mut Input<'_, '_>) {
    let size = sizes.part.min(ROWS);
    let order = kept.in_order(size);
    let numbers = order.iter().map(|it| kept.number(*it)).collect();
    let (name, zone) = (&input.name, input.zone);
    let read = |rows: &&[Standing]| {
        let mut events = Events::default();
        let mut texts: BTreeMap<u32, Cow<'_, str>> = BTreeMap::new();
        for place in *rows {
            let Some(rows) = kept.rows(*place) else { continue };
            let text = texts.entry(place.0).or_insert_with(|| rows.text());
            if let Some((row, stream, message)) = rows.get(place.1 as usize, text) {
                events.push(stream, row.at, |text| text.push_str(message));
            }
        }
        (events.count(), events::read(events, name, zone))
    };
    let mut reader = LogReader::new(Arc::clone(name), zone.clone(), &mut input.out.facts);
    let (mut waiting, mut taken) = (Vec::new(), 0);
    let mut take = |(count, told): (u64, EventsTold)| {
        reader.takes_events(told, taken);
        taken += count;
    };
    let parts: Vec<_> = order.chunks(size).collect();
    for batch in parts.chunks(sizes.each * rayon::current_num_threads()) {
        let before = std::mem::take(&mut waiting);
        let ((), told) =
            rayon::join(|| before.into_iter().for_each(&mut take), || batch.par_iter().with_max_len(1).map(read).collect::<Vec<_>>());
        waiting = told;
    }
    waiting.into_iter().for_each(take);
    let saw = reader.finish();
    input.out.saw(saw);
    input.out.facts.stand_at(numbers);
}

/// Reads every row by itself: slow, and obvious.
#[cfg(test)]
pub(super) fn one_by_one(input: &mut Input<'_, '_>) {
    let mut rows = Vec::new();
    let envelope = each_json(input.feed, input.caps, input.out, &mut |value, _, number, _| {
        let message = cell(value, "@message").or_else(|| audit_row(value)).ok_or("Insights row without @message (an aggregate?)")?;
        let at = cell(value, "@timestamp").and_then(|it| moment(&it));
        rows.push(Event { at, stream: cell(value, "@logStream").unwrap_or_default(), message, number });
        Ok(())
    });
    judge(&envelope, rows.len(), input);
    read_in_order(rows, input);
}

/// Reads a row as it is almost always written: an array of cells, or an object of them.
pub(super) fn plain(cursor: &mut Cursor<'_>, rows: &mut Rows) -> Result<(), Left> {
    let (mut message, mut time, mut stream, mut is_odd) = (None, None, None, false);
    if cursor.ahead()? == b'{' {
        cursor.object(|key, value| {
            let cell = match key {
                "@message" => &mut message,
                "@timestamp" => &mut time,
                "@logStream" => &mut stream,
                _ => return,
            };
            match value {
                Plain::Text(text) => *cell = Some(text),
                _ => is_odd = true,
            }
        })?;
    } else {
        cursor.objects(|cursor| {
            let (mut field, mut value) = (None, None);
            cursor.object(|key, it| match (key, it) {
                ("field", Plain::Text(text)) => field = text.as_it_is(),
                ("field", _) => field = None,
                ("value", it) => value = Some(it),
                _ => {}
            })?;
            let cell = match field {
                Some("@message") => &mut message,
                Some("@timestamp") => &mut time,
                Some("@logStream") => &mut stream,
                Some(_) => return Ok(()),
                None => return Err(Left::Odd),
            };
            match (value, &cell) {
                (_, Some(_)) => {}
                (Some(Plain::Text(text)), None) => *cell = Some(text),
                _ => return Err(Left::Odd),
            }
            Ok(())
        })?;
    }
    let message: Quoted<'_> = message.filter(|_| !is_odd).ok_or(Left::Odd)?;
    let (time, stream) = (as_it_is(time)?, as_it_is(stream)?);
    rows.push(stream, moment(time), |text| message.add_to(text));
    Ok(())
}

fn as_it_is(cell: Option<Quoted<'_>>) -> Result<&str, Left> {
    cell.map_or(Ok(""), |it| it.as_it_is().ok_or(Left::Odd))
}

/// Whether the answer is the whole answer.
#[expect(clippy::cast_precision_loss, reason = "an answer has at most 100,000 rows")]
fn judge(envelope: &Envelope, rows: usize, input: &mut Input<'_, '_>) {
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
