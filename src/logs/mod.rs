//! What log lines say: one reader for every log, whatever wrapped it.
//!
//! ```text
//! lines and events ──▶ stream (records) ──▶ lifecycle (facts about tasks) ──▶ facts
//!                                       └─▶ refusals (AWS errors), loads and their ids ──▶ owner (whose try) ──▶ facts
//! ```

use crate::{
    tables::Origin,
    units::{Moment, Stamp},
};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, sync::Arc};

/// A pattern that is compiled when it is first needed.
macro_rules! pattern {
    ($name:ident, $text:expr) => {
        static $name: std::sync::LazyLock<Option<regex::Regex>> = std::sync::LazyLock::new(|| crate::text::pattern($text));
    };
}

pub mod audit;
mod audit_text;
mod aws_error;
mod brief;
mod catalogue;
pub mod events;
pub mod facts;
mod finished;
pub mod hash;
mod identity;
mod lifecycle;
mod line;
pub mod load_ids;
mod loads;
mod open;
mod owner;
mod parallel;
mod recent;
mod refusals;
mod screen;
mod spare;
mod stream;
mod structured;
mod telling;

pub use parallel::{Log, ReadAt, Seen};
pub use screen::{Framing, exported};

use brief::{BriefEnd, BriefQueued, Voices};
use facts::Facts;
use owner::Owner;
use parallel::Part;
use recent::Recent;
use stream::{Assembler, Piece};
use telling::Telling;

/// Reads the logs of one input.
pub struct LogReader<'f> {
    file: Arc<str>,
    zone: TimeZone,
    facts: &'f mut Facts,
    streams: BTreeMap<String, Stream>,
    /// The first and the last moment seen.
    span: Option<(Moment, Moment)>,
    /// The time of the last event of an export.
    last_event: Option<Moment>,
    /// What is read, if it is a part of the file.
    part: Option<Part>,
    recent: Recent,
    /// What messages said that were told in few bytes, the tasks that one of them lists, and who says such.
    said: String,
    told: Vec<BriefQueued>,
    voices: Voices,
    /// Whether a stamp had to be read without knowing its zone.
    zone_guessed: bool,
}

/// One stream: its half-read record, and whose tries its records are.
#[derive(Default)]
struct Stream {
    assembler: Assembler,
    own: Owner,
    /// The owners of a worker's stream, by process.
    owners: BTreeMap<String, Owner>,
    nearby: Option<Nearby>,
}

/// The last line that named an S3 object, for errors that do not, with a few lines behind it.
#[derive(Clone, Debug)]
struct Nearby {
    text: String,
    /// Where it stands, and where the last of the lines does.
    record: u64,
    last: u64,
}

/// The first characters of a text.
fn beginning(text: &str, chars: usize) -> &str {
    if text.len() <= chars { text } else { text.char_indices().nth(chars).and_then(|it| text.get(..it.0)).unwrap_or(text) }
}

impl Stream {
    /// Remembers the last line that named an S3 object, and the few lines behind it. A line that comes again is kept once.
    fn keep_nearby(&mut self, piece: &Piece<'_>) {
        if piece.text.contains("s3://") {
            self.nearby = Some(Nearby { text: beginning(piece.text, 2_000).to_owned(), record: piece.record, last: piece.record });
        } else if let Some(near) = &mut self.nearby
            && piece.record.saturating_sub(near.record) < BEHIND
            && (piece.inside || piece.record > near.last)
        {
            near.text.push('\n');
            near.text.push_str(beginning(piece.text, 500));
            near.last = piece.record;
        }
    }

    /// Whether a line without an address belongs to what is remembered.
    fn keeps(&self, record: u64) -> bool {
        self.nearby.as_ref().is_some_and(|it| record.saturating_sub(it.record) < BEHIND)
    }
}

/// How many lines behind such a line belong to it: the rest of a COPY statement.
const BEHIND: u64 = 5;

/// A line that named an S3 object explains an error at most this many records later.
const NEARBY: u64 = 12;

impl<'f> LogReader<'f> {
    /// Reads into `facts`; stamps without a zone are in `zone`.
    pub fn new(file: Arc<str>, zone: TimeZone, facts: &'f mut Facts) -> Self {
        Self {
            file,
            zone,
            facts,
            streams: BTreeMap::new(),
            span: None,
            last_event: None,
            part: None,
            recent: Recent::default(),
            said: String::new(),
            told: Vec::new(),
            voices: Voices::default(),
            zone_guessed: false,
        }
    }

    /// One line of a stream.
    pub fn line(&mut self, stream: &str, text: &str, at: Option<Moment>, record: u64) {
        self.piece(stream, Piece { text, at, record, inside: false });
    }

    /// One more line of the event before it.
    pub fn inner_line(&mut self, stream: &str, text: &str, at: Option<Moment>, record: u64) {
        self.piece(stream, Piece { text, at, record, inside: true });
    }

    /// One event of a stream, which may hold several lines.
    pub fn event(&mut self, stream: &str, text: &str, at: Option<Moment>, record: u64) {
        let mut inside = false;
        for line in text.trim_end_matches(['\n', '\r']).split('\n') {
            self.piece(stream, Piece { text: line, at, record, inside });
            inside = true;
        }
    }

    /// One event that is a JSON object; `false` when it holds no message.
    pub fn object(&mut self, stream: &str, object: &Map<String, Value>, at: Option<Moment>, record: u64) -> bool {
        let Some(structured) = structured::from_object(object) else { return false };
        self.with_stream(stream, |reader, stream, assembler| {
            let piece = Piece { text: "", at, record, inside: false };
            assembler.add_structured(structured, piece, &mut |it| reader.record(it, stream));
        });
        true
    }

    /// Ends all streams: the first and last moment, and whether zones were guessed.
    pub fn finish(mut self) -> (Option<(Moment, Moment)>, bool) {
        for (_, mut stream) in std::mem::take(&mut self.streams) {
            let mut assembler = std::mem::take(&mut stream.assembler);
            assembler.finish(&mut |it| self.record(it, &mut stream));
            stream.own.close(self.facts);
            for owner in stream.owners.values_mut() {
                owner.close(self.facts);
            }
        }
        (self.span, self.zone_guessed)
    }

    /// The first line of the record that is being put together.
    fn open_record(&self) -> Option<u64> {
        self.streams.get("")?.assembler.first_record()
    }

    /// Ends the record that is being put together.
    fn close_record(&mut self) {
        self.with_stream("", |reader, stream, assembler| assembler.finish(&mut |it| reader.record(it, stream)));
    }

    /// Whether a record belongs to another part of the file.
    fn is_foreign(&self, record: u64) -> bool {
        self.part.as_ref().is_some_and(|it| !it.own.contains(&record))
    }

    fn saw(&mut self, at: Option<Moment>) {
        if let Some(at) = at {
            self.span = Some(self.span.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        }
    }

    fn piece(&mut self, name: &str, piece: Piece<'_>) {
        self.with_stream(name, |reader, stream, assembler| {
            assembler.add(piece, &mut |it| reader.record(it, stream));
            stream.keep_nearby(&piece);
        });
    }

    /// Works on one stream, taken out of the others while it is worked on.
    fn with_stream(&mut self, name: &str, work: impl FnOnce(&mut Self, &mut Stream, &mut Assembler)) {
        let mut stream = if let Some(stream) = self.streams.get_mut(name) {
            std::mem::take(stream)
        } else {
            let own = Owner::named(identity::from_name(name).or_else(|| identity::from_name(&self.file)));
            self.streams.insert(name.to_owned(), Stream::default());
            Stream { own, ..Stream::default() }
        };
        let mut assembler = std::mem::take(&mut stream.assembler);
        work(self, &mut stream, &mut assembler);
        stream.assembler = assembler;
        if let Some(slot) = self.streams.get_mut(name) {
            *slot = stream;
        }
    }

    /// A finished record.
    fn record(&mut self, assembler: &mut Assembler, stream: &mut Stream) {
        let zone = self.zone.clone();
        let local = move |stamp: Stamp| stamp.moment.shown_in(&zone);
        let record = assembler.record(&self.file, &local);
        if self.is_foreign(record.origin.record) {
            return;
        }
        self.zone_guessed |= assembler.zone_guessed();
        self.facts.log_records += u64::from(record.level.is_some() || record.at.is_some());
        self.saw(record.at);
        let nearby =
            stream.nearby.as_ref().filter(|it| record.origin.record.saturating_sub(it.record) <= NEARBY).map(|it| it.text.as_str());
        let telling = Telling::of(&record, nearby);
        self.take(telling, "", stream);
    }

    /// Takes what a record tells, or keeps it for who reads the whole file; its words are among those `said`.
    fn take(&mut self, telling: Telling, said: &str, stream: &mut Stream) {
        self.recent.notice(&telling);
        if let Some(part) = &mut self.part {
            return part.tellings.push(telling);
        }
        match telling {
            Telling::Life(event) => self.facts.push(*event),
            Telling::Queued(brief) => self.facts.queue(&brief.within(said), &self.file),
            Telling::Well(BriefEnd { well, record, message, task, queue }) => {
                let [task, queue] = [task, queue].map(|it| said.get(it).unwrap_or_default());
                if !self.facts.fold(&well, task, queue) {
                    let origin = Origin { file: Arc::clone(&self.file), record };
                    self.facts.push(lifecycle::of_end(said.get(message).unwrap_or_default(), Some(well.at), origin));
                }
            }
            Telling::Record(told) => {
                let owner = match stream.owners.get_mut(&told.process) {
                    _ if told.process.is_empty() => &mut stream.own,
                    Some(owner) => owner,
                    None => stream.owners.entry(told.process.clone()).or_default(),
                };
                owner.hears(*told, self.facts);
            }
        }
    }
}
