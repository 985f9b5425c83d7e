//! Words without which a record means nothing, looked for in a block as its lines come.

use crate::logs::{aws_error, load_ids, loads};
use aho_corasick::{Span, packed};
use memchr::memchr;
use std::sync::LazyLock;

/// Words that other readers of a record look for: the banner of a worker, a message in a callback request, colours.
const OTHERS: &[&str] = &["[queues]", "'msg': \"Executor reports", "[0m", "^[["];

/// How many words one search can look for.
const AT_ONCE: usize = 60;

/// All words, in as few searches as there must be.
static SEARCHES: LazyLock<Option<Vec<packed::Searcher>>> = LazyLock::new(|| {
    let mut words: Vec<&str> = [aws_error::WORDS, loads::WORDS, load_ids::WORDS, OTHERS].concat();
    words.sort_unstable();
    words.dedup();
    words.chunks(AT_ONCE).map(|it| packed::Config::new().builder().extend(it).build()).collect()
});

/// The words of a block, looked for as the lines come.
pub(super) struct Ahead<'b> {
    block: &'b [u8],
    searches: &'static [packed::Searcher],
    /// Where each search, and the search for terminal escapes, finds its next word.
    next: Vec<usize>,
}

impl<'b> Ahead<'b> {
    pub(super) fn of(block: &'b [u8]) -> Option<Self> {
        let searches = SEARCHES.as_ref()?;
        let mut ahead = Self { block, searches, next: vec![0; searches.len() + 1] };
        ahead.next = (0..ahead.next.len()).map(|it| ahead.find(it, 0)).collect();
        Some(ahead)
    }

    fn find(&self, search: usize, from: usize) -> usize {
        let found = match self.searches.get(search) {
            Some(it) => it.find_in(self.block, Span { start: from, end: self.block.len() }).map(|it| it.start()),
            None => memchr(0x1b, self.block.get(from..).unwrap_or_default()).map(|it| from + it),
        };
        found.unwrap_or(usize::MAX)
    }

    /// Whether a word begins between two places. They only ever grow.
    pub(super) fn has_word(&mut self, from: usize, to: usize) -> bool {
        for search in 0..self.next.len() {
            if self.next.get(search).is_some_and(|it| *it < from) {
                let next = self.find(search, from);
                if let Some(slot) = self.next.get_mut(search) {
                    *slot = next;
                }
            }
        }
        self.next.iter().any(|it| *it < to)
    }
}
