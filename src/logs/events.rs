//! Events of many streams, as JSON holds them, and what their lines may be read as.

use super::{
    catalogue, loads,
    screen::{Ahead, Framing, HeadAt, Heads, PlainHead, Said, continues},
    spare::Spare,
    stream::{Relayed, RelayedAt},
};
use crate::units::Moment;
use foldhash::fast::FixedState;
use memchr::memchr;
use std::{borrow::Cow, collections::HashMap};

mod part;

pub use part::{EventsTold, read};

static EVENTS: Spare<Events> = Spare::new();

/// A message of more lines is read line by line.
const MOST_LINES: usize = 1_000;

/// Events, in the order of their input.
#[derive(Debug, Default)]
pub struct Events {
    /// Their messages, a line break behind each line.
    text: String,
    lines: Vec<Line>,
    streams: Vec<String>,
    by_name: HashMap<String, usize, FixedState>,
    last: usize,
    count: u64,
}

/// One line of a message.
#[derive(Clone, Copy, Debug)]
struct Line {
    from: usize,
    to: usize,
    stream: usize,
    /// The number of its event.
    record: u64,
    at: Option<Moment>,
    /// Whether another line of its event stands before it.
    inside: bool,
    /// The next line of its stream.
    next: Option<usize>,
    /// What it may be read as, where its plain head stands, and what who passed it on says.
    kind: Kind,
    head: Option<HeadAt>,
    relay: Option<RelayedAt>,
    /// Whether it may name an S3 object.
    names_place: bool,
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
    /// None yet, with room for those of so many bytes of JSON.
    pub fn of_bytes(bytes: usize) -> Self {
        // Half of an answer is messages, one in a few hundred bytes.
        let mut events = EVENTS.find();
        events.text.reserve(bytes / 2);
        events.lines.reserve(bytes / 256);
        events
    }

    /// Leaves its room to others, and gives the names of its streams.
    fn leave(mut self) -> Vec<String> {
        let streams = std::mem::take(&mut self.streams);
        self.text.clear();
        self.lines.clear();
        self.by_name.clear();
        (self.last, self.count) = (0, 0);
        EVENTS.leave(self);
        streams
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds one, numbered from 1; `message` writes its text.
    pub fn push(&mut self, stream: &str, at: Option<Moment>, message: impl FnOnce(&mut String)) {
        self.count += 1;
        let record = self.count;
        let stream = self.stream(stream);
        let mut from = self.text.len();
        message(&mut self.text);
        let end = from + self.text.get(from..).unwrap_or_default().trim_end_matches(['\n', '\r']).len();
        self.text.truncate(end);
        self.text.push('\n');
        let mut inside = false;
        while let Some(length) = self.text.as_bytes().get(from..).and_then(|it| memchr(b'\n', it)) {
            let to = from + length;
            self.lines.push(Line {
                from,
                to,
                stream,
                record,
                at,
                inside,
                next: None,
                kind: Kind::Other,
                head: None,
                relay: None,
                names_place: false,
            });
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
        let (mut ahead, mut heads) = (Ahead::of(bytes), Heads::default());
        let mut next: Vec<Option<usize>> = vec![None; self.streams.len()];
        for line in &mut self.lines {
            let text = bytes.get(line.from..line.to).unwrap_or_default();
            let said = ahead.as_mut().map_or(Said::Word, |it| it.line(line.from, line.to));
            line.names_place = said != Said::Nothing;
            let is_open = text.ends_with(b"\r");
            let head = PlainHead::of(text, Framing::Bare, &mut heads);
            line.kind = if head.is_some() || begins(text) {
                let speaks = is_open || said == Said::Word || (said == Said::Place && loads::may_run(text));
                let head = head.filter(|it| !speaks && !it.file.starts_with(b"celery."));
                line.head = head.as_ref().map(|it| it.places(text));
                match head {
                    // A message that names a place is read by those who know places.
                    Some(it) if !it.is_relay && said == Said::Place && catalogue::begun(it.body).is_some() => Kind::Begins,
                    Some(it) if !it.is_relay => Kind::Head,
                    Some(it) => {
                        line.relay = relayed(&it).as_ref().map(Relayed::place);
                        if line.relay.is_some() { Kind::Relayed } else { Kind::Begins }
                    }
                    None => Kind::Begins,
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
        let text = self.line(line);
        Relayed::again(std::str::from_utf8(PlainHead::again(text.as_bytes(), line.head?)?.file).ok()?, text, line.relay?)
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
        let head = PlainHead::again(self.line(first).as_bytes(), first.head?)?;
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
