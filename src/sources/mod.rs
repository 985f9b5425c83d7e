//! Reading dumps: each source knows one format, claims an input by its content, and counts every record.

use crate::{
    case::Caps,
    logs::facts::Facts,
    records::{
        self, Feed,
        json::{self, Envelope},
        tabular::{
            self, Form, Sample,
            view::{Layout, View},
        },
    },
    units::Moment,
    warehouse::Warehouse,
};
use jiff::tz::TimeZone;
use serde_json::Value;
use std::{cell::OnceCell, collections::BTreeMap, sync::Arc};

mod order;
mod rows;

mod redshift_view;
mod athena;
mod s3_inventory;
mod case_manifest;
mod manifest;
mod s3_listing;
mod aws_describe;
mod other_parquet;
mod aws_metadata;
mod events;
mod cloudtrail;
mod s3_access_log;
mod console_csv;
mod json_log;
mod text_log;

pub use case_manifest::ID as CASE_MANIFEST;
pub use manifest::Manifest;
use order::{Event, Order, put_in_order, read_in_order};
use rows::{Table, each_row, each_row_of, many_rows};

/// Every source, in the order they are asked; the first that claims an input reads it.
pub static SOURCES: &[&Source] = &[
    &redshift_view::SOURCE,
    &athena::RESULTS,
    &athena::EXECUTIONS,
    &athena::STATISTICS,
    &s3_inventory::SOURCE,
    &case_manifest::SOURCE,
    &manifest::SOURCE,
    &s3_listing::OBJECTS,
    &s3_listing::LS,
    &aws_describe::SOURCE,
    &other_parquet::SOURCE,
    &events::INSIGHTS,
    &events::ANSWERS,
    &events::SUBSCRIPTION,
    &cloudtrail::SOURCE,
    &s3_access_log::SOURCE,
    &aws_metadata::SOURCE,
    &console_csv::SOURCE,
    &json_log::SOURCE,
    &text_log::S3_EXPORT,
    &text_log::LOGS_TAIL,
    &text_log::AIRFLOW_LOG,
    &text_log::TEXT_LOG,
];

/// Kinds whose records are lines; the records of all others are values of a larger text.
const OF_LINES: &[&str] = &["s3-export", "logs-tail", "airflow-log", "text-log"];

/// What one record of a kind is called.
pub fn unit_of(kind: Option<&str>) -> &'static str {
    if kind.is_some_and(|it| OF_LINES.contains(&it)) { "line" } else { "record" }
}

/// One format.
#[derive(Debug)]
pub struct Source {
    /// Its id, for `--as` and coverage.
    pub id: &'static str,
    /// What it reads, for people.
    pub title: &'static str,
    /// Whether an input is of this format.
    pub claims: fn(&Head<'_>) -> bool,
    /// Reads it; bad content is a counted skip.
    pub read: fn(&mut Input<'_, '_>),
}

/// The beginning of an input.
pub struct Head<'a> {
    /// Its first bytes, unpacked.
    pub bytes: &'a [u8],
    /// Its first JSON record, if it begins like JSON.
    pub json: Option<FirstRecord>,
    /// The columns, of Parquet that is whole.
    parquet: Option<Vec<String>>,
    /// The names of its columns, where a manifest tells them.
    pub columns: &'a [String],
    /// The first rows, in each form that a table may be written in.
    samples: OnceCell<Vec<Sample>>,
    /// Whether any line begins like JSON: somebody may have pasted a prompt before it.
    lines_of_json: OnceCell<bool>,
}

/// How an input that begins like JSON goes on.
#[derive(Debug, Default)]
pub struct FirstRecord {
    /// The key of the array that the first record stands in, "" outside of any.
    pub container: &'static str,
    /// The first record, if it is whole.
    pub value: Option<Value>,
}

/// Each line of a text.
fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = memchr::memchr_iter(b'\n', text).chain([text.len()]);
    ends.scan(0, |from, end| text.get(std::mem::replace(from, end + 1)..end))
}

/// How much of an input is looked at to find out what it is.
pub const HEAD_BYTES: usize = 64 << 10;

/// How much of it where the names of its columns stand behind its rows.
const LATE_HEAD_BYTES: usize = 16 << 20;

impl<'a> Head<'a> {
    /// Looks at the beginning of an input.
    pub fn new(bytes: &'a [u8]) -> Self {
        let json = records::may_be_json(bytes).then(|| first_record(bytes)).flatten();
        Self { bytes, json, columns: &[], parquet: None, samples: OnceCell::new(), lines_of_json: OnceCell::new() }
    }

    /// Looks at the beginning of a feed, and at the end of Parquet, where its columns stand.
    pub fn of(feed: &'a mut Feed<'_>, columns: &'a [String]) -> Self {
        if !tabular::is_parquet(feed.want(HEAD_BYTES)) {
            let wanted = if tabular::names_come_late(feed.window()) { LATE_HEAD_BYTES } else { HEAD_BYTES };
            return Self { columns, ..Self::new(feed.want(wanted)) };
        }
        let parquet = tabular::parquet_columns(feed);
        Self { parquet, columns, ..Self::new(feed.want(HEAD_BYTES)) }
    }

    /// Whether it is a Parquet file, and whether that is whole.
    pub fn parquet(&self) -> Option<bool> {
        tabular::is_parquet(self.bytes).then_some(self.parquet.is_some())
    }

    /// Which of the views it is a table of, and how that is written.
    fn layout(&self, views: &[&'static View]) -> Option<(Form, Layout)> {
        let samples = self.samples.get_or_init(|| match &self.parquet {
            Some(columns) => vec![Sample { form: Form::Parquet, columns: columns.clone(), rows: Vec::new() }],
            None => tabular::samples(self.bytes),
        });
        samples.iter().find_map(|it| Some((it.form, Layout::of(it, self.columns, views)?)))
    }

    /// A value of the first JSON record, if that is an object.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.json.as_ref()?.value.as_ref()?.get(key)
    }

    /// Whether the first bytes hold a text of JSON.
    pub fn has(&self, text: &str) -> bool {
        let begins = |line: &[u8]| matches!(line.trim_ascii_start(), [b'{', ..] | [b'['] | [b'[', b' ' | b'\r' | b'[' | b'{', ..]);
        let may = || *self.lines_of_json.get_or_init(|| lines_of(self.bytes).any(begins));
        (self.json.is_some() || may()) && memchr::memmem::find(self.bytes, text.as_bytes()).is_some()
    }

    /// Whole lines of the first bytes.
    pub fn lines(&self) -> impl Iterator<Item = &'a str> {
        lines_of(self.bytes).filter_map(|it| std::str::from_utf8(it).ok()).map(|it| it.trim_end_matches('\r'))
    }

    /// Whether the bytes are no text.
    pub fn is_binary(&self) -> bool {
        let bytes = self.bytes.get(..HEAD_BYTES).unwrap_or(self.bytes);
        let strange = |it: &&u8| **it < 0x20 && !matches!(**it, b'\t' | b'\n' | b'\r' | 0x1b | 0x0c | 0);
        let nulls = bytes.iter().filter(|it| **it == 0).count();
        let count = bytes.iter().filter(strange).count();
        let broken = String::from_utf8_lossy(bytes).chars().filter(|it| *it == char::REPLACEMENT_CHARACTER).count();
        let size = bytes.len().max(1);
        count * 20 > size || broken * 5 > size || nulls * 4 > size
    }
}

fn first_record(bytes: &[u8]) -> Option<FirstRecord> {
    let mut feed = Feed::new(Box::new(bytes));
    let mut records = json::Records::new(&mut feed, HEAD_BYTES);
    loop {
        match records.next_record()? {
            Ok(record) => return Some(FirstRecord { container: record.container, value: json::value_of(record.bytes) }),
            Err(json::Fault::CutShort) => {}
            Err(json::Fault::NotJson) => return None,
            Err(_) => return Some(FirstRecord { container: records.container(), value: None }),
        }
    }
}

/// One input on its way through a source.
pub struct Input<'a, 'r> {
    /// How reports name it.
    pub name: Arc<str>,
    /// Its bytes, unpacked.
    pub feed: &'a mut Feed<'r>,
    /// The caps in force.
    pub caps: Caps,
    /// The zone of stamps that name none.
    pub zone: &'a TimeZone,
    /// The names of its columns, where a manifest tells them.
    pub columns: &'a [String],
    /// What becomes of it.
    pub out: &'a mut Batch,
}

/// What a source made of one input.
#[derive(Debug, Default)]
pub struct Batch {
    /// The facts it states.
    pub facts: Facts,
    /// The rows it holds of a warehouse or a lake.
    pub warehouse: Warehouse,
    /// Records that were understood.
    pub parsed: u64,
    /// Records that were not, by reason: how many, and where the first one stands.
    pub skips: BTreeMap<String, (u64, u64)>,
    /// What it says of other inputs, if it is a manifest.
    pub manifest: Option<Manifest>,
    /// The first and the last moment of its records.
    pub span: Option<(Moment, Moment)>,
    /// What the reader should know all the same.
    pub notes: Vec<String>,
    /// Why the input is known to be only a part.
    pub partial: Vec<String>,
    /// Whether it is a page of an answer and names the one that follows.
    pub goes_on: bool,
    /// Bytes of what it holds, where it tells besides how it came about: that differs from run to run.
    pub bytes: Option<u64>,
    /// Whether stamps had to be read without knowing their zone.
    pub zone_guessed: bool,
    /// Records that were cut at the cap and read up to there.
    pub cut: u64,
}

impl Batch {
    /// Records read: parsed and skipped.
    pub fn records(&self) -> u64 {
        self.parsed + self.skips.values().map(|it| it.0).sum::<u64>()
    }

    /// Counts a record that could not be understood.
    pub fn skip(&mut self, reason: impl Into<String>, record: u64) {
        let slot = self.skips.entry(reason.into()).or_insert((0, record));
        slot.0 += 1;
    }

    /// Counts a record that was cut off: the input is only a part.
    pub fn skip_damaged(&mut self, reason: &str, record: u64) {
        self.skip(reason, record);
        if !self.partial.iter().any(|it| it == reason) {
            self.partial.push(reason.to_owned());
        }
    }

    /// Takes what the rows that follow in the same input told; so many records come before them.
    fn append(&mut self, next: Self, before: u64) {
        self.parsed += next.parsed;
        for (reason, (count, first)) in next.skips {
            self.skips.entry(reason).or_insert((0, before + first)).0 += count;
        }
        for at in next.span.into_iter().flat_map(|it| [it.0, it.1]) {
            self.saw_at(at);
        }
        for reason in next.partial {
            if !self.partial.contains(&reason) {
                self.partial.push(reason);
            }
        }
        self.goes_on |= next.goes_on;
    }

    /// Widens the time range to a moment.
    pub fn saw_at(&mut self, at: Moment) {
        self.span = Some(self.span.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
    }

    /// Takes the time range that a reader saw.
    pub fn saw(&mut self, (span, zone_guessed): (Option<(Moment, Moment)>, bool)) {
        self.span = span;
        self.zone_guessed |= zone_guessed;
    }
}

/// What is wrong with a JSON text whose last record is whole.
const UNFINISHED: &str = "cut off: the JSON text does not end";

/// Hands every JSON record of an input to `each`, which says whether it understood it.
fn each_json(
    feed: &mut Feed<'_>,
    caps: Caps,
    out: &mut Batch,
    each: &mut dyn FnMut(&Value, &Envelope, u64, &mut Batch) -> Result<(), &'static str>,
) -> Envelope {
    let mut records = json::Records::new(feed, caps.record_bytes.saturating_mul(16));
    let mut taken = Taken::default();
    loop {
        let record = match records.next_record() {
            None => break,
            Some(Ok(record)) => Ok(json::value_of(record.bytes)),
            Some(Err(fault)) => Err(fault),
        };
        taken.take(record, records.envelope(), out, each);
    }
    ended(&records, out)
}

/// What was taken of a JSON text so far.
#[derive(Debug, Default)]
struct Taken {
    number: u64,
    envelope: Envelope,
}

/// Whether the text ended where it should; what stood around its records.
fn ended(records: &json::Records<'_, '_>, out: &mut Batch) -> Envelope {
    if records.unfinished() && out.partial.is_empty() {
        out.partial.push(UNFINISHED.to_owned());
    }
    Envelope::new(records.envelope())
}

impl Taken {
    /// Hands a record to `each`, or counts why there is none.
    fn take(
        &mut self,
        record: Result<Option<Value>, json::Fault>,
        envelope: &[u8],
        out: &mut Batch,
        each: &mut dyn FnMut(&Value, &Envelope, u64, &mut Batch) -> Result<(), &'static str>,
    ) {
        self.number += 1;
        let number = self.number;
        let value = match record {
            Ok(value) => value,
            Err(fault @ json::Fault::NotJson) => return out.skip(fault.reason(), number),
            Err(fault) => return out.skip_damaged(fault.reason(), number),
        };
        if !self.envelope.is_of(envelope) {
            self.envelope = Envelope::new(envelope);
        }
        match value.map(|it| each(&it, &self.envelope, number, out)) {
            Some(Ok(())) => out.parsed += 1,
            Some(Err(reason)) => out.skip(reason, number),
            None => out.skip_damaged("not valid JSON", number),
        }
    }
}

/// A moment as the AWS CLI writes it: seconds since 1970, or RFC 3339.
fn aws_time(value: &Value) -> Option<Moment> {
    match value {
        Value::String(text) => Moment::parse(text).map(|it| it.moment),
        _ => Moment::from_seconds(value.as_f64()?),
    }
}

/// An input of a known kind that holds no records of ours.
fn read_nothing(input: &mut Input<'_, '_>) {
    input.feed.drain();
}
