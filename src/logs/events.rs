//! Events of many streams, as JSON holds them, read by all cores: parts are read side by side, and what they tell is taken in order.
//!
//! A part does not know how the streams stood before it. What a stream says in it is kept for who takes the parts in order, until a
//! record begins in it with a plain head, too late for anything before the part to matter: from there on the part reads it, and what
//! is unfinished at its end is handed on. Records that mean nothing are passed over as in blocks of plain text.

use super::{
    LogReader, NEARBY, Nearby, Stream, catalogue, identity, loads,
    parallel::Part,
    screen::{Ahead, Framing, PlainHead, Said, continues},
    stream::{Assembler, Piece, Relayed},
    telling::Telling,
};
use crate::{logs::facts::Facts, tables::task_events::Event, units::Moment};
use jiff::tz::TimeZone;
use memchr::memchr;
use std::{borrow::Cow, collections::HashMap, sync::Arc};

/// A message of more lines is read line by line.
const MOST_LINES: usize = 1_000;

/// Events, in the order of their input.
#[derive(Debug, Default)]
pub struct Events {
    /// Their messages, a line break behind each line.
    text: String,
    lines: Vec<Line>,
    streams: Vec<String>,
    by_name: HashMap<String, usize>,
    last: usize,
    count: u64,
    /// The highest number of any event before these.
    before: u64,
}

/// One line of a message.
#[derive(Clone, Copy, Debug)]
struct Line {
    from: usize,
    to: usize,
    stream: usize,
    /// The number of its event.
    record: u64,
    /// The lowest number of this event and of all that come behind it.
    least: u64,
    at: Option<Moment>,
    /// Whether another line of its event stands before it.
    inside: bool,
    /// The next line of its stream.
    next: Option<usize>,
    /// What it may be read as.
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The plain head of a record without a word that may mean something.
    Head,
    /// The same, of a record that was passed on: it may continue another one.
    Relayed,
    /// It surely continues the record before it, and means nothing.
    More,
    /// A stamp in brackets: it begins a record, unless it was passed on as the record before it was.
    Begins,
    /// Anything else.
    Other,
    /// It was read with its head.
    Done,
}

impl Events {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Events that stand behind others, of which none has a higher number than `before`.
    pub fn behind(before: u64) -> Self {
        Self { before, ..Self::default() }
    }

    /// Adds one, numbered from 1; `message` writes its text.
    pub fn push(&mut self, stream: &str, at: Option<Moment>, message: impl FnOnce(&mut String)) {
        let record = self.count + 1;
        self.push_numbered(stream, at, (record, record), message);
    }

    /// Adds one with its number, and the lowest of it and all that come behind it.
    pub fn push_numbered(&mut self, stream: &str, at: Option<Moment>, (record, least): (u64, u64), message: impl FnOnce(&mut String)) {
        self.count += 1;
        let stream = self.stream(stream);
        let mut from = self.text.len();
        message(&mut self.text);
        let end = from + self.text.get(from..).unwrap_or_default().trim_end_matches(['\n', '\r']).len();
        self.text.truncate(end);
        self.text.push('\n');
        let mut inside = false;
        while let Some(length) = self.text.as_bytes().get(from..).and_then(|it| memchr(b'\n', it)) {
            let to = from + length;
            self.lines.push(Line { from, to, stream, record, least, at, inside, next: None, kind: Kind::Other });
            (from, inside) = (to + 1, true);
        }
    }

    fn stream(&mut self, name: &str) -> usize {
        if self.streams.get(self.last).is_none_or(|it| it != name) {
            self.last = self.by_name.get(name).copied().unwrap_or(self.streams.len());
            if self.last == self.streams.len() {
                self.streams.push(name.to_owned());
                self.by_name.insert(name.to_owned(), self.last);
            }
        }
        self.last
    }

    /// Finds out what each line may be read as.
    fn judge(&mut self) {
        let bytes = self.text.as_bytes();
        let mut ahead = Ahead::of(bytes);
        let mut next: Vec<Option<usize>> = vec![None; self.streams.len()];
        for line in &mut self.lines {
            let text = bytes.get(line.from..line.to).unwrap_or_default();
            let said = ahead.as_mut().map_or(Said::Word, |it| it.line(line.from, line.to));
            let is_open = text.ends_with(b"\r");
            line.kind = if begins(text) {
                let speaks = is_open || said == Said::Word || (said == Said::Place && loads::may_run(text));
                let head = PlainHead::of(text, Framing::Bare).filter(|it| !speaks && !it.file.starts_with(b"celery."));
                match head {
                    // A message that names a place is read by those who know places.
                    Some(it) if !it.is_relay && said == Said::Place && catalogue::may_begin(it.body) => Kind::Begins,
                    Some(it) if !it.is_relay => Kind::Head,
                    Some(it) if relayed(&it).is_some() => Kind::Relayed,
                    _ => Kind::Begins,
                }
            } else if said == Said::Nothing && !is_open && continues(text, Framing::Bare) {
                Kind::More
            } else {
                Kind::Other
            };
        }
        for (index, line) in self.lines.iter_mut().enumerate().rev() {
            if let Some(slot) = next.get_mut(line.stream) {
                line.next = slot.replace(index);
            }
        }
    }

    /// The lines of the record that a head begins, where nothing but lines that mean nothing stand before the next one of its stream.
    fn record(&self, head: usize, found: &mut Vec<usize>) -> bool {
        found.clear();
        found.push(head);
        let relay = self.relayed(head);
        let mut at = head;
        while let Some(next) = self.lines.get(at).and_then(|it| it.next) {
            match self.lines.get(next).map(|it| it.kind) {
                Some(Kind::Head) => return true,
                Some(Kind::Relayed) if !self.relayed(next).is_some_and(|it| it.continues(relay)) => return true,
                Some(Kind::Begins) if relay.is_none() => return true,
                Some(Kind::More | Kind::Relayed) if found.len() < MOST_LINES => found.push(next),
                _ => return false,
            }
            at = next;
        }
        false
    }

    /// Who passed a line on.
    fn relayed(&self, line: usize) -> Option<Relayed<'_>> {
        let line = self.lines.get(line).filter(|it| it.kind == Kind::Relayed)?;
        relayed(&PlainHead::of(self.line(line).as_bytes(), Framing::Bare)?)
    }

    fn line(&self, line: &Line) -> &str {
        self.text.get(line.from..line.to).unwrap_or_default()
    }

    /// The whole message whose first line this is.
    fn message(&self, first: usize) -> String {
        let lines = self.lines.get(first..).unwrap_or_default();
        let record = lines.first().map(|it| it.record);
        let last = lines.iter().take_while(|it| Some(it.record) == record).last();
        let text = lines.first().zip(last).and_then(|(first, last)| self.text.get(first.from..last.to));
        text.unwrap_or_default().to_owned()
    }

    /// The body of a record, and the line that begins it.
    fn body(&self, record: &[usize]) -> Option<(Line, PlainHead<'_>, Cow<'_, [u8]>)> {
        let mut lines = record.iter().filter_map(|it| self.lines.get(*it));
        let first = lines.next()?;
        let head = PlainHead::of(self.line(first).as_bytes(), Framing::Bare)?;
        let mut body = Cow::Borrowed(head.body);
        for line in lines {
            let body = body.to_mut();
            body.push(b'\n');
            body.extend_from_slice(self.line(line).as_bytes());
        }
        Some((*first, head, body))
    }
}

/// A line that was passed on, and means nothing.
fn relayed<'a>(head: &PlainHead<'a>) -> Option<Relayed<'a>> {
    Relayed::dully(std::str::from_utf8(head.file).ok()?, std::str::from_utf8(head.body).ok()?)
}

/// Whether a line surely begins a record, whatever stands before it: `[2026-11-20T08:23:28.832+0000] `, a moment that there is, and
/// then a place in braces or a word.
fn begins(line: &[u8]) -> bool {
    let Some((stamp, rest)) = line.strip_prefix(b"[").and_then(|it| it.split_at_checked(28)) else { return false };
    let is_moment = || stamp.get(10) == Some(&b'T') && Moment::read(stamp).is_some_and(|(stamp, used)| used == 28 && stamp.zoned);
    let is_head = match rest.strip_prefix(b"] ") {
        Some([b'{', place @ ..]) => memchr(b'}', place).is_some(),
        Some([first, ..]) => first.is_ascii_graphic() && *first != b'[',
        _ => false,
    };
    is_head && is_moment()
}

/// What a part tells.
#[derive(Debug, Default)]
pub struct EventsTold {
    streams: Vec<String>,
    items: Vec<Item>,
    /// How each stream that was read stands at the end.
    tails: Vec<(usize, Assembler, Option<Nearby>)>,
    /// The words of what is told in few bytes.
    said: String,
    log_records: u64,
    again: Option<Moment>,
    saw: (Option<(Moment, Moment)>, bool),
}

/// What a part tells of one of its streams.
#[derive(Debug)]
enum Item {
    /// An event that is not read yet.
    Event(usize, String, Option<Moment>, u64),
    /// From here on it is read: what stands before it is whole.
    Begins(usize),
    Tells(usize, Vec<Telling>),
}

/// A stream as a part reads it.
#[derive(Default)]
struct Known {
    stream: Stream,
    assembler: Assembler,
    /// Whether it is read.
    is_read: bool,
    /// The last event that may matter to those behind it, as far as it is known before the stream is read.
    near: u64,
    /// Whether its owner may wait for the first record of its try: each must be read then.
    is_awaited: bool,
    /// The lines of the record that is passed over, and whether it is a message of the catalogue.
    passed: Vec<usize>,
}

/// Reads the events of a part.
pub fn read(mut events: Events, file: &Arc<str>, zone: &TimeZone) -> EventsTold {
    events.judge();
    let mut facts = Facts::default();
    let mut reader = LogReader::new(Arc::clone(file), zone.clone(), &mut facts);
    reader.part = Some(Part { own: 0..u64::MAX, tellings: Vec::new() });
    let of_a_try = identity::from_name(file).is_some();
    let before = events.before;
    let known = |it: &String| Known { near: before, is_awaited: of_a_try || identity::from_name(it).is_some(), ..Known::default() };
    let mut streams: Vec<Known> = events.streams.iter().map(known).collect();
    let mut told = EventsTold::default();
    let mut found = Vec::new();
    for index in 0..events.lines.len() {
        let Some(line) = events.lines.get(index).copied() else { break };
        let Some(known) = streams.get_mut(line.stream) else { break };
        if !known.is_read {
            // Nothing that was said before is near any more.
            if line.inside {
                continue;
            }
            if line.kind != Kind::Head || line.least <= known.near + NEARBY {
                let message = events.message(index);
                if message.contains("s3://") {
                    known.near = known.near.max(line.record);
                }
                told.items.push(Item::Event(line.stream, message, line.at, line.record));
                continue;
            }
            known.is_read = true;
            told.items.push(Item::Begins(line.stream));
        }
        if line.kind == Kind::Done {
            known.keep_nearby(&line, events.line(&line));
            continue;
        }
        known.settle(&events, &mut reader);
        let is_dull = match line.kind {
            Kind::Head => true,
            Kind::Relayed => events.relayed(index).is_some_and(|it| !known.assembler.goes_on(&it)),
            _ => false,
        };
        let is_passed = is_dull && events.record(index, &mut found) && known.awaits_nothing(&line, &mut reader, &mut told);
        if is_passed && known.pass(&mut found, &mut events, &mut reader) {
            known.keep_nearby(&line, events.line(&line));
        } else {
            known.line(&line, events.line(&line), &mut reader);
        }
        known.hears(line.stream, &mut reader, &mut told);
    }
    for (index, known) in streams.into_iter().enumerate().filter(|it| it.1.is_read) {
        told.tails.push((index, known.assembler, known.stream.nearby));
    }
    told.streams = events.streams;
    reader.part = None;
    told.said = std::mem::take(&mut reader.said);
    told.saw = reader.finish();
    (told.log_records, told.again) = (facts.log_records, facts.last_told);
    told
}

impl Known {
    /// Reads the message that was waiting for the end of its record.
    fn settle(&mut self, events: &Events, reader: &mut LogReader<'_>) {
        if !self.passed.is_empty()
            && let Some((line, head, body)) = events.body(&self.passed)
        {
            reader.message(&PlainHead { body: &body, ..head }, line.record, &mut self.stream);
        }
        self.passed.clear();
    }

    /// Ends what stands before a record that may be passed over; whether it may.
    fn awaits_nothing(&mut self, line: &Line, reader: &mut LogReader<'_>, told: &mut EventsTold) -> bool {
        let Self { stream, assembler, .. } = self;
        assembler.passes(&mut |it| reader.record(it, stream));
        self.hears(line.stream, reader, told);
        !self.is_awaited
    }

    /// Passes over a record, if it may be. What a message of the catalogue tells is told when its record is over.
    fn pass(&mut self, record: &mut Vec<usize>, events: &mut Events, reader: &mut LogReader<'_>) -> bool {
        let Some((line, head, _)) = record.first().and_then(|it| events.body(&[*it])) else { return false };
        let says = !head.is_relay && catalogue::may_begin(head.body);
        if says && self.stream.keeps(line.record) {
            return false;
        }
        reader.passes(&head, line.record);
        if says {
            self.passed.clone_from(record);
        }
        for index in record.iter().skip(1) {
            if let Some(line) = events.lines.get_mut(*index) {
                line.kind = Kind::Done;
            }
        }
        true
    }

    /// A line of a record that is passed over may stand beside the address of an object, or hold one.
    fn keep_nearby(&mut self, line: &Line, text: &str) {
        if self.stream.keeps(line.record) || text.contains("s3://") {
            self.stream.keep_nearby(&Piece { text, at: line.at, record: line.record, inside: line.inside });
        }
    }

    fn line(&mut self, line: &Line, text: &str, reader: &mut LogReader<'_>) {
        let piece = Piece { text, at: line.at, record: line.record, inside: line.inside };
        let Self { stream, assembler, .. } = self;
        assembler.add(piece, &mut |it| reader.record(it, stream));
        stream.keep_nearby(&piece);
    }

    /// Keeps what the records tell that ended.
    fn hears(&mut self, stream: usize, reader: &mut LogReader<'_>, told: &mut EventsTold) {
        let Some(tellings) = reader.part.as_mut().map(|it| &mut it.tellings).filter(|it| !it.is_empty()) else { return };
        for it in tellings.iter() {
            // A start without a time leaves the owner waiting for one.
            self.is_awaited |= it.life().iter().any(|it| it.event == Event::Started && it.at.is_none());
            self.is_awaited &= !it.begins();
        }
        match told.items.last_mut() {
            Some(Item::Tells(last, known)) if *last == stream => known.append(tellings),
            _ => told.items.push(Item::Tells(stream, std::mem::take(tellings))),
        }
    }
}

impl LogReader<'_> {
    /// Takes what a part tells that stands behind so many events.
    pub fn takes_events(&mut self, told: EventsTold, before: u64) {
        let name = |stream: usize| told.streams.get(stream).map(String::as_str).unwrap_or_default();
        for item in told.items {
            match item {
                Item::Event(stream, text, at, record) => self.event(name(stream), &text, at, before + record),
                Item::Begins(stream) => self.with_stream(name(stream), |reader, stream, assembler| {
                    assembler.passes(&mut |it| reader.record(it, stream));
                }),
                Item::Tells(stream, tellings) => self.with_stream(name(stream), |reader, stream, _| {
                    for mut telling in tellings {
                        telling.shift(before.cast_signed());
                        reader.take(telling, &told.said, stream);
                    }
                }),
            }
        }
        for (stream, mut open, nearby) in told.tails {
            open.shift(before);
            self.with_stream(name(stream), |_, stream, assembler| {
                *assembler = open;
                stream.nearby = nearby.map(|it| Nearby { record: it.record + before, last: it.last + before, ..it });
            });
        }
        self.facts.log_records += told.log_records;
        if let Some(at) = told.again {
            self.facts.hears_again(at);
        }
        for at in told.saw.0.into_iter().flat_map(|it| [it.0, it.1]) {
            self.saw(Some(at));
        }
        self.zone_guessed |= told.saw.1;
    }
}
