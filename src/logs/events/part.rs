//! Events read by all cores: parts are read side by side, and what they tell is taken in order.
//!
//! A part does not know how the streams stood before it. What a stream says in it is kept for who takes the parts in order, until a
//! record begins in it with a plain head, too late for anything before the part to matter: from there on the part reads it, and what
//! is unfinished at its end is handed on. Records that mean nothing are passed over as in blocks of plain text.

use super::{Events, Kind, Line};
use crate::{
    logs::{
        LogReader, NEARBY, Nearby, Stream, catalogue,
        facts::Facts,
        identity,
        parallel::{self, Part, Room},
        screen::PlainHead,
        stream::{Assembler, Piece},
    },
    tables::task_events::Event,
    units::Moment,
};
use jiff::tz::TimeZone;
use std::sync::Arc;

/// What a part tells.
#[derive(Debug, Default)]
pub struct EventsTold {
    streams: Vec<String>,
    items: Vec<Item>,
    /// How each stream that was read stands at the end.
    tails: Vec<(usize, Assembler, Option<Nearby>)>,
    /// What they tell, and the words of what is told in few bytes.
    room: Room,
    /// How much of it the items tell of.
    heard: usize,
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
    /// It tells so much more.
    Tells(usize, usize),
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
    let mut reader = LogReader::new(parallel::copy_of(file), zone.clone(), &mut facts);
    let Room { tellings, said } = Room::find();
    reader.part = Some(Part { own: 0..u64::MAX, tellings });
    reader.said = said;
    let of_a_try = identity::from_name(file).is_some();
    let known = |it: &String| Known { is_awaited: of_a_try || identity::from_name(it).is_some(), ..Known::default() };
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
            if line.kind != Kind::Head || line.record <= known.near + NEARBY {
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
    told.streams = events.leave();
    let tellings = reader.part.take().map(|it| it.tellings).unwrap_or_default();
    told.room = Room { tellings, said: std::mem::take(&mut reader.said) };
    told.saw = reader.finish();
    (told.log_records, told.again) = (facts.log_records, facts.last_told);
    told
}

impl Known {
    /// Reads the message that was waiting for the end of its record.
    fn settle(&mut self, events: &Events, reader: &mut LogReader<'_>) {
        if !self.passed.is_empty()
            && let Some((line, head, body)) = events.body(&self.passed)
            && let Some(entry) = catalogue::begun(&body)
        {
            reader.message(&PlainHead { body: &body, ..head }, entry, line.record, &mut self.stream);
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
        let says = !head.is_relay && catalogue::begun(head.body).is_some();
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
        if self.stream.keeps(line.record) || line.names_place {
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
        let tellings = reader.part.as_ref().and_then(|it| it.tellings.get(told.heard..)).unwrap_or_default();
        if tellings.is_empty() {
            return;
        }
        for it in tellings {
            // A start without a time leaves the owner waiting for one.
            self.is_awaited |= it.life().iter().any(|it| it.event == Event::Started && it.at.is_none());
            self.is_awaited &= !it.begins();
        }
        told.heard += tellings.len();
        match told.items.last_mut() {
            Some(Item::Tells(last, known)) if *last == stream => *known += tellings.len(),
            _ => told.items.push(Item::Tells(stream, tellings.len())),
        }
    }
}

impl LogReader<'_> {
    /// Takes what a part tells that stands behind so many events.
    pub fn takes_events(&mut self, told: EventsTold, before: u64) {
        let mut room = told.room;
        let mut tellings = room.tellings.drain(..);
        let name = |stream: usize| told.streams.get(stream).map(String::as_str).unwrap_or_default();
        for item in told.items {
            match item {
                Item::Event(stream, text, at, record) => self.event(name(stream), &text, at, before + record),
                Item::Begins(stream) => self.with_stream(name(stream), |reader, stream, assembler| {
                    assembler.passes(&mut |it| reader.record(it, stream));
                }),
                Item::Tells(stream, many) => self.with_stream(name(stream), |reader, stream, _| {
                    for mut telling in tellings.by_ref().take(many) {
                        telling.shift(before.cast_signed());
                        reader.take(telling, &room.said, stream);
                    }
                }),
            }
        }
        drop(tellings);
        room.leave();
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
