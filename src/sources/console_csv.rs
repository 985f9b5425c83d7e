//! CSV that the `CloudWatch` console downloads: Insights results, and events of a log group.

use super::{Event, Head, Input, Order, Source, read_in_order};
use crate::{
    logs::LogReader,
    records::Feed,
    units::{Moment, Stamp},
};
use std::{
    io::{self, Read},
    sync::Arc,
};

pub(super) static SOURCE: Source =
    Source { id: "console-csv", title: "CloudWatch console downloads (Insights CSV, events CSV)", claims, read };

const MESSAGES: &[&str] = &["@message", "message"];
const TIMES: &[&str] = &["@timestamp", "timestamp"];
const STREAMS: &[&str] = &["@logStream", "logStreamName"];

fn claims(head: &Head<'_>) -> bool {
    let Some(first) = head.lines().next() else { return false };
    let names: Vec<String> = first.split(',').map(|it| it.trim_matches('"').trim().to_owned()).collect();
    let has = |any: &[&str]| names.iter().any(|it| any.contains(&it.as_str()));
    let low: Vec<String> = names.iter().map(|it| it.to_ascii_lowercase()).collect();
    let audit = low.iter().any(|it| it == "errorcode") && low.iter().any(|it| it == "eventname");
    audit || (has(MESSAGES) && (has(TIMES) || has(STREAMS) || names.iter().any(|it| it == "@ptr")))
}

/// A row of a query about `CloudTrail`: its columns as a text that holds the record.
fn audit_row(columns: &csv::ByteRecord, row: &csv::ByteRecord) -> Option<String> {
    let line = |(name, value): (&[u8], &[u8])| {
        format!("{}: \"{}\"", String::from_utf8_lossy(name), String::from_utf8_lossy(value).replace('"', "'"))
    };
    let lines: Vec<String> = columns.iter().zip(row).map(line).collect();
    lines.iter().any(|it| it.to_ascii_lowercase().starts_with("errorcode")).then(|| lines.join("\n"))
}

/// Watches the quotes of a text: an odd number means that one was not closed.
struct Quotes<'f, 'r> {
    feed: &'f mut Feed<'r>,
    odd: bool,
    last: u8,
}

impl Read for Quotes<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.feed.read(buf)?;
        let read = buf.get(..count).unwrap_or_default();
        self.odd ^= memchr::memchr_iter(b'"', read).count() % 2 == 1;
        self.last = read.last().copied().unwrap_or(self.last);
        Ok(count)
    }
}

/// A time as the console writes it, or as milliseconds since 1970.
fn stamp_of(text: &str) -> Option<Stamp> {
    Moment::parse(text).or_else(|| Some(Stamp { moment: Moment::from_millis(text.trim().parse().ok()?)?, zoned: true }))
}

fn read(input: &mut Input<'_, '_>) {
    let mut facts = std::mem::take(&mut input.out.facts);
    let mut reader = LogReader::new(Arc::clone(&input.name), input.zone.clone(), &mut facts);
    // The Insights console sorts newest first: such an answer, at most 10,000 rows, is turned round; everything else streams.
    let (mut held, mut order): (Vec<Event>, _) = (Vec::new(), Order::default());
    each_event(input, &mut |event| {
        order.see(event.at);
        held.push(event);
        if order.is_certain() && !order.is_newest_first() {
            held.drain(..).for_each(|it| reader.event(&it.stream, &it.message, it.at, it.number));
        }
    });
    if order.is_newest_first() {
        return read_in_order(held, input);
    }
    for it in &held {
        reader.event(&it.stream, &it.message, it.at, it.number);
    }
    let saw = reader.finish();
    input.out.saw(saw);
    input.out.facts = facts;
}

fn each_event(input: &mut Input<'_, '_>, each: &mut dyn FnMut(Event)) {
    let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(Quotes { feed: &mut *input.feed, odd: false, last: 0 });
    let columns = rows.byte_headers().cloned().unwrap_or_default();
    let at = |any: &[&str]| columns.iter().position(|it| any.iter().any(|name| it == name.as_bytes()));
    let (message, time, stream) = (at(MESSAGES), at(TIMES), at(STREAMS));
    let mut row = csv::ByteRecord::new();
    let mut spans_lines = false;
    for number in 1.. {
        match rows.read_byte_record(&mut row) {
            Ok(false) => break,
            Ok(true) => {
                spans_lines = row.iter().any(|it| it.contains(&b'\n'));
                let cell = |at: Option<usize>| at.and_then(|it| row.get(it)).map(|it| String::from_utf8_lossy(it).into_owned());
                match cell(message).or_else(|| audit_row(&columns, &row)) {
                    Some(message) if message.len() <= input.caps.record_bytes => {
                        let stamp = cell(time).and_then(|it| stamp_of(&it));
                        // The console writes the clock that it shows, and does not say whose it is.
                        input.out.zone_guessed |= stamp.is_some_and(|it| !it.zoned);
                        let at = stamp.map(|it| if it.zoned { it.moment } else { it.moment.shown_in(input.zone) });
                        each(Event { at, stream: cell(stream).unwrap_or_default(), message, number });
                        input.out.parsed += 1;
                    }
                    Some(_) => input.out.skip_damaged("CSV cell longer than the cap", number),
                    None => input.out.skip("row without a message column", number),
                }
            }
            Err(_) => {
                input.out.skip_damaged("not valid CSV", number);
                break;
            }
        }
    }
    let text = rows.get_ref();
    if text.odd && (spans_lines || text.last != b'\n') {
        input.out.partial.push("a quote is not closed: the text is cut off, or its last record holds the rows after it".to_owned());
    }
}
