//! One log stream: lines become records, tracebacks are joined, relayed output is unwrapped.

use super::{
    catalogue,
    line::{self, Head, Level},
    structured,
};
use crate::{
    tables::{Origin, TaskRef},
    text,
    units::{Moment, Stamp},
};
use std::{borrow::Cow, sync::Arc};

/// A whole record, as the readers of its meaning see it.
#[derive(Debug)]
pub(super) struct Record<'a> {
    /// When, as well as the text and the event around it tell.
    pub(super) at: Option<Moment>,
    /// How grave.
    pub(super) level: Option<Level>,
    /// The source file or logger.
    pub(super) logger: &'a str,
    /// The Celery process.
    pub(super) process: &'a str,
    /// The message and the lines that continue it.
    pub(super) body: &'a str,
    /// Whether it is the output of the task's own program.
    pub(super) printed: bool,
    /// The task that a structured record names.
    pub(super) task: Option<&'a TaskRef>,
    /// Where it begins.
    pub(super) origin: Origin,
    /// Where each of its lines begins: byte of the body, record of the input.
    pub(super) places: &'a [(usize, u64)],
}

impl Record<'_> {
    /// The record of the input that holds a byte of the body.
    pub(super) fn place_of(&self, byte: usize) -> Origin {
        let before = self.places.partition_point(|it| it.0 <= byte);
        let record = self.places.get(before.saturating_sub(1)).map_or(self.origin.record, |it| it.1);
        Origin { file: Arc::clone(&self.origin.file), record }
    }
}

/// Source files through which Airflow passes on what a program or an inner logger wrote.
pub(super) const RELAYS: &[&str] = &[
    "logging_mixin.py",
    "subprocess.py",
    "base_task_runner.py",
    "bash.py",
    "bash_operator.py",
    "task_log_fetcher.py",
    "ssh.py",
    "docker.py",
    "pod_manager.py",
];

/// A record grows at most to this many lines.
const MOST_LINES: usize = 4_000;

/// The record that is being assembled.
#[derive(Clone, Debug, Default)]
pub(super) struct Assembler {
    body: String,
    places: Vec<(usize, u64)>,
    stamp: Option<Stamp>,
    event_at: Option<Moment>,
    level: Option<Level>,
    logger: String,
    process: String,
    printed: bool,
    /// The source file that passed the record on, "" when none did.
    relay: String,
    /// Whether the record passed on had a head of its own.
    inner: bool,
    task: Option<TaskRef>,
    in_traceback: bool,
    /// Whether the record began with a line without a head.
    headless: bool,
    after_blank: bool,
    /// Whether the stream's records have heads, so that a line without one continues.
    framed: bool,
    /// What stands before the head of each line: the name of a container, a table's border.
    lead: String,
    /// Nothing may be added: the record came whole.
    sealed: bool,
}

/// One line on its way into a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    /// The line, without its line break.
    pub(super) text: &'a str,
    /// When `CloudWatch` received it, where it is part of an event.
    pub(super) at: Option<Moment>,
    /// Line or event of the input.
    pub(super) record: u64,
    /// Whether it is a further line of the event before it.
    pub(super) inside: bool,
}

impl Assembler {
    /// Adds a line; when it begins a new record, hands the finished one to `done` first.
    pub(super) fn add(&mut self, piece: Piece<'_>, done: &mut dyn FnMut(&mut Self)) {
        let clean = peeled(piece.text);
        let line = clean.trim_end_matches(['\r', '\n']);
        if line.starts_with('{')
            && let Some(record) = structured::read(line)
        {
            return self.add_structured(record, piece, done);
        }
        let outer = line::head(line);
        // What a container or a terminal puts before the line may look like a poor head of its own.
        let inner = if outer.is_none_or(|it| it.origin.is_empty()) { line::inner_head(line) } else { None };
        let line = if outer.is_none() && inner.is_none() && !self.lead.is_empty() {
            line.strip_prefix(self.lead.as_str()).unwrap_or(line)
        } else {
            line
        };
        if let Some((lead, head)) = inner.or(outer.map(|it| ("", it))) {
            if self.lead != lead {
                lead.clone_into(&mut self.lead);
            }
            let unwrapped = unwrapped(head);
            let Unwrapped { relay, inner, head: Head { body, .. } } = unwrapped;
            if self.goes_on(&Relayed { relay, inner, body }) {
                return self.append(body, piece);
            }
            self.finish(done);
            self.begin(&unwrapped, piece);
        } else {
            let open = !self.places.is_empty() && !self.sealed && self.places.len() < MOST_LINES;
            // Where no line has a head, as in a pasted excerpt, a paragraph is a record.
            let paragraph = self.headless && piece.at.is_none() && !self.after_blank;
            let continues = line::continues(line, self.in_traceback) && (self.in_traceback || !line.is_empty() || !self.headless);
            if open && (piece.inside || self.framed || paragraph || continues) {
                self.append(line, piece);
            } else {
                self.finish(done);
                self.event_at = piece.at;
                self.headless = true;
                self.append(line, piece);
            }
        }
    }

    /// Whether a line that is passed on continues the record.
    pub(super) fn goes_on(&self, line: &Relayed<'_>) -> bool {
        !self.places.is_empty() && line.follows(&self.relay, self.inner, self.in_traceback)
    }

    /// Adds a record that came as a JSON object, whole.
    pub(super) fn add_structured(&mut self, record: structured::Structured, piece: Piece<'_>, done: &mut dyn FnMut(&mut Self)) {
        self.finish(done);
        self.begin_structured(record, piece);
    }

    /// A record with a plain head comes and is passed over.
    pub(super) fn passes(&mut self, done: &mut dyn FnMut(&mut Self)) {
        if !self.places.is_empty() {
            self.finish(done);
        }
        self.framed = true;
        self.lead.clear();
    }

    /// Hands out what is assembled and begins anew.
    pub(super) fn finish(&mut self, done: &mut dyn FnMut(&mut Self)) {
        if !self.places.is_empty() {
            done(self);
        }
        let (framed, lead) = (self.framed, std::mem::take(&mut self.lead));
        let (mut body, mut places) = (std::mem::take(&mut self.body), std::mem::take(&mut self.places));
        body.clear();
        places.clear();
        *self = Self { body, places, framed, lead, ..Self::default() };
    }

    /// The record, in the time that `local` gives to stamps without a zone.
    pub(super) fn record(&self, file: &Arc<str>, local: &dyn Fn(Stamp) -> Moment) -> Record<'_> {
        let zoned = self.stamp.filter(|it| it.zoned).map(|it| it.moment);
        let at = zoned.or(self.event_at).or_else(|| self.stamp.map(local));
        Record {
            at,
            level: self.level,
            logger: &self.logger,
            process: &self.process,
            body: &self.body,
            printed: self.printed,
            task: self.task.as_ref(),
            origin: Origin { file: Arc::clone(file), record: self.places.first().map_or(0, |it| it.1) },
            places: &self.places,
        }
    }

    /// Counts the records of the whole input instead of those of a part.
    pub(super) fn shift(&mut self, by: u64) {
        self.places.iter_mut().for_each(|it| it.1 += by);
    }

    /// Where it begins.
    pub(super) fn first_record(&self) -> Option<u64> {
        self.places.first().map(|it| it.1)
    }

    /// Whether a stamp without a zone had to be read as if it had one.
    pub(super) fn zone_guessed(&self) -> bool {
        self.event_at.is_none() && self.stamp.is_some_and(|it| !it.zoned)
    }

    fn begin(&mut self, unwrapped: &Unwrapped<'_>, piece: Piece<'_>) {
        let head = &unwrapped.head;
        self.stamp = head.stamp;
        self.event_at = piece.at;
        self.level = head.level;
        self.logger.push_str(head.origin);
        self.process.push_str(head.process);
        self.relay.push_str(unwrapped.relay);
        self.inner = unwrapped.inner;
        self.printed = !unwrapped.relay.is_empty() && !unwrapped.inner && head.level.is_none_or(|it| it <= Level::Info);
        self.framed |= head.level.is_some();
        self.append(head.body, piece);
    }

    fn begin_structured(&mut self, record: structured::Structured, piece: Piece<'_>) {
        let inner = line::head(&record.body);
        // Other tools wrap a text line in an object: its own head tells more.
        if let Some(head) = inner.filter(|it| it.level.is_some() && !record.airflow) {
            let mut unwrapped = unwrapped(head);
            unwrapped.head.stamp = head.stamp.filter(|it| it.zoned).or(record.stamp).or(head.stamp);
            self.begin(&unwrapped, piece);
        } else {
            self.stamp = record.stamp;
            self.event_at = piece.at;
            self.level = record.level;
            self.logger.push_str(&record.logger);
            self.printed = record.printed;
            self.append(&record.body, piece);
        }
        self.task = record.task;
        self.sealed = true;
    }

    fn append(&mut self, line: &str, piece: Piece<'_>) {
        if !self.places.is_empty() {
            self.body.push('\n');
        }
        self.after_blank = line.trim().is_empty();
        self.places.push((self.body.len(), piece.record));
        self.body.push_str(line);
        if line.starts_with(TRACEBACK) {
            self.in_traceback = true;
        } else if self.in_traceback && line.starts_with("---") {
            self.in_traceback = false;
        }
    }
}

/// Whether a line begins a record of its own.
pub(super) fn begins_record(text: &str) -> bool {
    let clean = peeled(text);
    let line = clean.trim_end_matches(['\r', '\n']);
    (line.starts_with('{') && structured::read(line).is_some()) || line::head(line).is_some() || line::inner_head(line).is_some()
}

pattern!(LOST_ESCAPE, r"(?:\^\[)?\[(?:\d{1,3};)*\d{1,2}m");

/// A line without what pasting and quoting put around it: colours in any spelling, quote marks, back quotes.
fn peeled(text: &str) -> Cow<'_, str> {
    let clean = text::without_escapes(text);
    let quoted = clean.starts_with("> ") || clean.starts_with(">>") || clean.starts_with('`');
    let coloured = clean.contains("[0m") || clean.contains("^[[");
    if !quoted && !coloured {
        return clean;
    }
    let plain =
        if coloured { LOST_ESCAPE.as_ref().map_or(clean.clone(), |it| Cow::Owned(it.replace_all(&clean, "").into_owned())) } else { clean };
    let bare = plain.trim_start_matches(['>', '`']);
    Cow::Owned(bare.strip_prefix(' ').unwrap_or(bare).trim_end_matches('`').to_owned())
}

/// A line that a relay passes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relayed<'a> {
    relay: &'a str,
    /// Whether it has a head of its own.
    inner: bool,
    body: &'a str,
}

/// Where the words of such a line stand, and whether it has a head of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct RelayedAt {
    inner: bool,
    length: usize,
}

impl<'a> Relayed<'a> {
    /// Reads a line whose own words mean nothing; `None` when they may.
    pub(super) fn dully(relay: &'a str, body: &'a str) -> Option<Self> {
        let Unwrapped { head, inner, .. } = unwrapped(Head { stamp: None, level: None, origin: relay, process: "", body });
        let alive = head.origin.starts_with("celery.") || head.origin == "supervisor";
        let zoned = head.stamp.is_some_and(|it| it.zoned);
        let body = head.body;
        let begins = body.is_empty() || body.starts_with('[') || body.starts_with(TRACEBACK) || catalogue::begun(body.as_bytes()).is_some();
        (!alive && !zoned && !begins && head.level != Some(Level::Error)).then_some(Self { relay, inner, body })
    }

    /// What is to be kept of it beside its line.
    pub(super) fn place(&self) -> RelayedAt {
        RelayedAt { inner: self.inner, length: self.body.len() }
    }

    /// A line that was read before: its words stand at its end.
    pub(super) fn again(relay: &'a str, line: &'a str, RelayedAt { inner, length }: RelayedAt) -> Option<Self> {
        Some(Self { relay, inner, body: line.get(line.len().checked_sub(length)?..)? })
    }

    /// Whether it continues a record that is passed over.
    pub(super) fn continues(&self, passed: Option<Relayed<'_>>) -> bool {
        passed.is_some_and(|it| self.follows(it.relay, it.inner, false))
    }

    fn follows(&self, relay: &str, inner: bool, in_traceback: bool) -> bool {
        !self.relay.is_empty() && self.relay == relay && !self.inner && (inner || line::continues(self.body, in_traceback))
    }
}

/// How a traceback begins.
const TRACEBACK: &str = "Traceback (most recent call last)";

/// A head without the wrapping of a relay.
struct Unwrapped<'a> {
    head: Head<'a>,
    relay: &'a str,
    inner: bool,
}

/// Takes off the wrapping of a relay: what an inner logger wrote counts, not who passed it on.
fn unwrapped(head: Head<'_>) -> Unwrapped<'_> {
    if !RELAYS.contains(&head.origin) {
        return Unwrapped { head, relay: "", inner: false };
    }
    let relay = head.origin;
    let inside = head.body.strip_prefix("Subtask: ").or_else(|| {
        // `Job 12: Subtask name <message>`
        let rest = head.body.strip_prefix("Job ")?.split_once(": Subtask ")?.1;
        rest.split_once(' ').map(|it| it.1)
    });
    let body = inside.unwrap_or(head.body);
    match line::head(body) {
        Some(inner) if inner.stamp.is_some() && inner.level.is_some() => {
            let stamp = inner.stamp.filter(|it| it.zoned).or(head.stamp).or(inner.stamp);
            Unwrapped { head: Head { stamp, process: head.process, ..inner }, relay, inner: true }
        }
        Some(inner) if inner.stamp.is_some() => Unwrapped { head: Head { body: inner.body, ..head }, relay, inner: false },
        _ => Unwrapped { head: Head { body, ..head }, relay, inner: false },
    }
}
