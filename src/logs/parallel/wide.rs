//! One large log that comes as a stream, read by all cores a block at a time: what stands before a block is known, what is open at its
//! end is handed on to the next.

use super::{BEFORE, BEHIND, Log, Read};
use crate::{
    logs::{Framing, LogReader, Nearby, identity, stream::Assembler},
    units::Moment,
};
use rayon::prelude::*;
use std::sync::Arc;

/// Parts of a block that each core reads.
const EACH: usize = 2;

/// The shortest part that is worth it.
const LEAST: usize = 512 << 10;

/// How a log stands between two blocks.
#[derive(Clone)]
pub(super) struct Between {
    pub(super) assembler: Assembler,
    pub(super) nearby: Option<Nearby>,
    pub(super) last_event: Option<Moment>,
    /// How many lines were read.
    pub(super) lines: u64,
}

impl LogReader<'_> {
    /// Reads the lines of a block of the one stream of a file by all cores. It says what [`LogReader::block`] says, which must read the
    /// block where this gives `None`.
    pub fn block_by_all(&mut self, framing: Framing, block: &[u8], record: &mut u64, cap: usize) -> Option<usize> {
        let size = block.len() / (EACH * rayon::current_num_threads());
        if size < LEAST || rayon::current_num_threads() < 2 || identity::from_name(&self.file).is_some() {
            return None;
        }
        self.block_in_parts(framing, block, record, cap, (size, BEFORE))
    }

    /// Reads a block in parts of such a size, each with so many bytes before it.
    pub(super) fn block_in_parts(
        &mut self,
        framing: Framing,
        block: &[u8],
        record: &mut u64,
        cap: usize,
        (size, before): (usize, u64),
    ) -> Option<usize> {
        let (file, zone) = (Arc::clone(&self.file), self.zone.clone());
        let known = self.streams.get("");
        let begun = Between {
            assembler: known.map(|it| it.assembler.clone()).unwrap_or_default(),
            nearby: known.and_then(|it| it.nearby.clone()),
            last_event: self.last_event,
            lines: *record,
        };
        let nowhere = |_: u64, _: &mut [u8]| Err(std::io::ErrorKind::Unsupported.into());
        let log = Log::new(&file, &zone, framing, block.len() as u64, cap, &nowhere);
        let log = Log { part: size as u64, before, begun: Some(&begun), ..log };
        let parts = (block.len() / size.max(1)).max(1);
        let read: Vec<Option<Read>> =
            (0..parts).into_par_iter().with_max_len(1).map(|at| log.part_of_block(block, at, at + 1 == parts)).collect();
        let mut read: Vec<Read> = read.into_iter().collect::<Option<_>>()?;
        let last = read.last_mut()?;
        let (mut open, used) = last.tail.take()?;
        let (first, own) = (last.first, last.lines);
        let mut lines = *record;
        for part in read {
            self.takes(part, &mut lines)?;
        }
        *record = lines;
        let shift = (lines + 1).checked_sub(own)?.checked_sub(first)?;
        open.assembler.shift(shift);
        self.last_event = open.last_event;
        self.with_stream("", |_, stream, assembler| {
            *assembler = open.assembler;
            stream.nearby = open.nearby.map(|it| Nearby { record: it.record + shift, last: it.last + shift, ..it });
        });
        Some(used)
    }
}

impl Log<'_> {
    /// Reads a part of a block; the last one ends where the block does.
    fn part_of_block(&self, block: &[u8], number: usize, is_last: bool) -> Option<Read> {
        let start = number as u64 * self.part;
        let end = if is_last { self.bytes } else { start + self.part };
        let (from, mut behind) = (start.saturating_sub(self.before), BEHIND);
        loop {
            let to = (end + behind).min(self.bytes);
            let bytes = block.get(usize::try_from(from).ok()?..usize::try_from(to).ok()?)?;
            match self.part_of(bytes, start, end, from, false)? {
                Ok(read) => return Some(read),
                Err(_) if to < self.bytes => behind *= 8,
                Err(_) => return None,
            }
        }
    }
}
