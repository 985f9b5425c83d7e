//! Cutting bytes into records: lines, JSON values, rows of tables. Nothing here knows what a record means.

use crate::case::{Leaf, Meter, Metered, OnDisk};
use rayon::prelude::*;
use std::{
    cell::Cell,
    io::{self, Read},
};

pub mod json;
pub mod lines;
pub mod tabular;

/// A reader with a window, that survives damage: what came before it is still read.
pub struct Feed<'a> {
    reader: Box<dyn Read + 'a>,
    buf: Vec<u8>,
    start: usize,
    end: usize,
    done: bool,
    damage: Option<String>,
    taken: u64,
    on_disk: Option<(OnDisk, &'a Meter)>,
}

thread_local! {
    /// The room of the last feed: most files are small, and read one after the other.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// How much is read at once.
const BLOCK: usize = 256 << 10;

/// How much of a file is read first: most are small.
const FIRST: usize = 32 << 10;

/// Whether a text may begin JSON. A log line that begins with its time in brackets does not.
pub fn may_be_json(head: &[u8]) -> bool {
    match head.trim_ascii_start() {
        [b'{', ..] => true,
        [b'[', rest @ ..] => !(rest.len() > 4 && rest[..4].iter().all(u8::is_ascii_digit) && rest[4] == b'-'),
        _ => false,
    }
}

impl<'a> Feed<'a> {
    /// Reads from `reader`.
    pub fn new(reader: Box<dyn Read + 'a>) -> Self {
        Self { reader, buf: SPARE.take(), start: 0, end: 0, done: false, damage: None, taken: 0, on_disk: None }
    }

    /// Reads a leaf.
    pub fn of(leaf: Leaf<'a>) -> Self {
        let mut feed = Self::new(leaf.reader);
        feed.on_disk = leaf.on_disk;
        feed
    }

    /// The file itself, where it lies on disk as it is.
    pub fn on_disk(&self) -> Option<OnDisk> {
        self.on_disk.as_ref().map(|it| it.0.clone())
    }

    /// Where reading the file itself is counted.
    pub fn meter(&self) -> Option<&'a Meter> {
        self.on_disk.as_ref().map(|it| it.1)
    }

    /// Ends reading: the file itself was read.
    pub fn finish(&mut self) {
        if let Some((on_disk, _)) = &self.on_disk {
            self.taken = on_disk.bytes;
            (self.start, self.end, self.done) = (0, 0, true);
        }
    }

    /// What has been read and not yet taken.
    pub fn window(&self) -> &[u8] {
        self.buf.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads more; `false` when there is no more.
    pub fn more(&mut self) -> bool {
        if self.done {
            return false;
        }
        if self.start > 0 {
            self.buf.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let grown_by = self.buf.len().clamp(FIRST, BLOCK);
        if self.buf.len() - self.end < grown_by / 2 {
            self.buf.resize(self.buf.len() + grown_by, 0);
        }
        loop {
            match self.reader.read(self.buf.get_mut(self.end..).unwrap_or_default()) {
                Ok(0) => break,
                Ok(count) => {
                    self.end += count;
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.damage = Some(crate::case::damage_text(&error));
                    break;
                }
            }
        }
        self.done = true;
        false
    }

    /// Reads until the window holds `count` bytes, or there are no more.
    pub fn want(&mut self, count: usize) -> &[u8] {
        while self.window().len() < count && self.more() {}
        self.window()
    }

    /// Moves the window forward.
    pub fn take(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.taken += count as u64;
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            // A single long record must not keep its memory for the rest of the input.
            if self.buf.len() > 8 * BLOCK {
                self.buf = Vec::new();
            }
        }
    }

    /// Takes the whole window, and its memory with it.
    pub fn take_window(&mut self) -> Vec<u8> {
        let mut window = std::mem::take(&mut self.buf);
        window.truncate(self.end);
        window.drain(..self.start);
        self.taken += window.len() as u64;
        (self.start, self.end) = (0, 0);
        window
    }

    /// Takes as many bytes as there are, at most `count`; they replace those in a buffer.
    pub fn take_at_most(&mut self, count: usize, into: &mut Vec<u8>) {
        if self.take_from_disk(count, into).is_some() {
            return;
        }
        into.clear();
        while into.len() < count && (!self.window().is_empty() || self.more()) {
            let some = self.window().len().min(count - into.len());
            into.extend_from_slice(self.window().get(..some).unwrap_or_default());
            self.take(some);
        }
    }

    /// The same of a file on disk, of which all cores read what is not in the window; `None` where that is little, or not possible.
    fn take_from_disk(&mut self, count: usize, into: &mut Vec<u8>) -> Option<()> {
        let (file, meter) = self.on_disk.clone()?;
        let from = self.taken + self.window().len() as u64;
        let left = usize::try_from(file.bytes.checked_sub(from)?).unwrap_or(usize::MAX);
        let more = left.min(count.checked_sub(self.window().len())?);
        if more < BLOCK {
            return None;
        }
        into.resize(self.window().len() + more, 0);
        let (begin, behind) = into.split_at_mut_checked(self.window().len())?;
        begin.copy_from_slice(self.window());
        behind.par_chunks_mut(BLOCK).enumerate().try_for_each(|(at, part)| file.read_at(from + (at * BLOCK) as u64, part)).ok()?;
        meter.add(more as u64);
        self.taken = from + more as u64;
        (self.start, self.end) = (0, 0);
        self.reader = Box::new(Metered { inner: file.reader(self.taken), meter });
        Some(())
    }

    /// Gives back bytes that were taken last.
    pub fn put_back(&mut self, bytes: &[u8]) {
        if self.start == self.end {
            self.start = bytes.len();
            self.end = bytes.len();
            self.buf.resize(self.buf.len().max(bytes.len()), 0);
        } else if self.start < bytes.len() {
            let more = bytes.len() - self.start;
            self.buf.splice(..0, std::iter::repeat_n(0, more));
            self.start += more;
            self.end += more;
        }
        self.start -= bytes.len();
        self.taken -= bytes.len() as u64;
        if let Some(room) = self.buf.get_mut(self.start..self.start + bytes.len()) {
            room.copy_from_slice(bytes);
        }
    }

    /// Bytes taken so far.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Why reading stopped early, if it did.
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// Reads and forgets the rest, so that its bytes are counted.
    pub fn drain(&mut self) {
        loop {
            let count = self.window().len();
            self.take(count);
            if !self.more() {
                return;
            }
        }
    }
}

impl Drop for Feed<'_> {
    fn drop(&mut self) {
        if self.buf.len() <= 8 * BLOCK {
            SPARE.set(std::mem::take(&mut self.buf));
        }
    }
}

impl Read for Feed<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.window().is_empty() && !self.more() {
            return Ok(0);
        }
        let count = self.window().len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(self.window()) {
            *to = *from;
        }
        self.take(count);
        Ok(count)
    }
}
