//! Rows that are kept until all are known, for they must be put in order. Where they are many, their messages are packed.

use super::put_in_order;
use crate::units::Moment;
use rayon::prelude::*;
use std::borrow::Cow;

/// Rows that stand side by side.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// How many rows stand before them.
    before: u64,
    /// Their messages, one behind the other.
    text: Text,
    streams: Vec<String>,
    all: Vec<Row>,
}

/// One row that holds a log event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) at: Option<Moment>,
    stream: usize,
    /// Where its message ends; it begins where the one before it ends.
    end: usize,
}

#[derive(Debug)]
enum Text {
    Plain(String),
    Packed { bytes: Vec<u8>, length: usize },
}

impl Default for Text {
    fn default() -> Self {
        Self::Plain(String::new())
    }
}

impl Rows {
    /// Adds a row; `message` writes its text. Rows that are packed take no more.
    pub(super) fn push(&mut self, stream: &str, at: Option<Moment>, message: impl FnOnce(&mut String)) {
        let Text::Plain(text) = &mut self.text else { return };
        let known = self.all.last().map(|it| it.stream).filter(|it| self.streams.get(*it).is_some_and(|it| it == stream));
        let known = known.or_else(|| self.streams.iter().position(|it| it == stream));
        if known.is_none() {
            self.streams.push(stream.to_owned());
        }
        message(text);
        self.all.push(Row { at, stream: known.unwrap_or(self.streams.len() - 1), end: text.len() });
    }

    /// Packs the messages.
    fn pack(&mut self) {
        self.all.shrink_to_fit();
        if let Text::Plain(text) = &self.text
            && let Ok(mut bytes) = zstd::bulk::compress(text.as_bytes(), 1)
        {
            // There was room for what cannot be packed.
            bytes.shrink_to_fit();
            self.text = Text::Packed { bytes, length: text.len() };
        }
    }

    fn unpack(&mut self) {
        if let Cow::Owned(text) = self.text() {
            self.text = Text::Plain(text);
        }
    }

    /// The messages, one behind the other.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match &self.text {
            Text::Plain(text) => Cow::Borrowed(text),
            // What was packed a moment ago is whole.
            Text::Packed { bytes, length } => {
                Cow::Owned(zstd::bulk::decompress(bytes, *length).ok().and_then(|it| String::from_utf8(it).ok()).unwrap_or_default())
            }
        }
    }

    /// A row, its stream and its message, which stands in the text.
    pub(super) fn get<'r>(&'r self, at: usize, text: &'r str) -> Option<(Row, &'r str, &'r str)> {
        let row = *self.all.get(at)?;
        let from = at.checked_sub(1).and_then(|it| self.all.get(it)).map_or(0, |it| it.end);
        Some((row, self.streams.get(row.stream)?, text.get(from..row.end)?))
    }
}

/// Messages of so many bytes are worth packing.
const WORTH: usize = 4 << 10;

/// All rows of an answer.
#[derive(Debug)]
pub(super) struct Kept {
    parts: Vec<Rows>,
    /// How many bytes the messages have, and how many are kept as they are.
    bytes: usize,
    most: usize,
}

/// Which rows a row stands among, and its place there.
pub(super) type Standing = (u32, u32);

impl Kept {
    /// None yet. Of their messages, about so many bytes will be kept as they are.
    pub(super) fn new(most: usize) -> Self {
        Self { parts: Vec::new(), bytes: 0, most }
    }

    /// Adds rows that stand behind so many others.
    pub(super) fn add(&mut self, mut rows: Rows, before: u64) {
        rows.before = before;
        let length = rows.text().len();
        self.bytes += length;
        if self.bytes > self.most && length > WORTH {
            rows.pack();
        }
        self.parts.push(rows);
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.parts.iter().map(|it| it.all.len()).sum()
    }

    pub(super) fn rows(&self, at: Standing) -> Option<&Rows> {
        self.parts.get(at.0 as usize)
    }

    /// The number of a row in the answer, from 1.
    pub(super) fn number(&self, at: Standing) -> u64 {
        self.rows(at).map_or(0, |it| it.before) + u64::from(at.1) + 1
    }

    /// The rows in the order in which they were written; so many at once will be read.
    pub(super) fn in_order(&mut self, at_once: usize) -> Vec<Standing> {
        let places = (0..).zip(&self.parts).flat_map(|(part, it)| (0..).zip(&it.all).map(move |(at, _)| (part, at)));
        let mut order: Vec<Standing> = Vec::with_capacity(self.count());
        order.extend(places);
        let moment = |it: &Standing| self.parts.get(it.0 as usize).and_then(|rows| rows.all.get(it.1 as usize)).and_then(|it| it.at);
        put_in_order(&mut order, moment);
        // Where rows that follow each other stand far apart, each message would be unpacked many times.
        let parts_of = |some: &[Standing]| {
            let mut parts: Vec<u32> = some.iter().map(|it| it.0).collect();
            parts.sort_unstable();
            parts.dedup();
            parts.len()
        };
        if order.chunks(at_once).map(parts_of).sum::<usize>() > (self.parts.len() + order.len() / at_once) * 4 {
            self.parts.par_iter_mut().for_each(Rows::unpack);
        }
        order
    }
}
