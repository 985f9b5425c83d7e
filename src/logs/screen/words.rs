//! Words without which a record means nothing, looked for in a block as its lines come.

use crate::logs::{aws_error, load_ids, loads};
use aho_corasick::{Span, packed};
use memchr::{memchr, memchr2, memmem::Finder};
use std::sync::LazyLock;

/// Words that other readers of a record look for: the banner of a worker, a message in a callback request.
const OTHERS: &[&str] = &["[queues]", "'msg': \"Executor reports"];

/// Each word holds one of these: so one search finds a line in which a word may stand. They begin as few lines of a healthy log do, and
/// every sixteenth of them goes into the same bucket of the search: in this order it takes two thirds of the time of most others.
const SIGNS: &[&str] = &[
    "olling statement",
    "us 403",
    "S_DENIED",
    "SYS_",
    "(403)",
    "Key Id",
    "ntPriv",
    "OptInR",
    "KeyId",
    "load_error",
    "location:  ",
    "KMS is",
    "copy_id",
    "[queues]",
    "ciphertext",
    "stl_",
    "pass role",
    "edClient",
    "redentials",
    "svl_",
    PLACE,
    "enied",
    "ermission",
    "gnature",
    "reate outp",
    "forming the cycle",
    "'msg': \"Executor reports",
    "RedshiftQueryId",
    "SVL_",
    "while loading data",
    "orbidden",
    "uthFailure",
    "SSO ",
    "COPY_ID",
    ": 403",
    "uthoriz",
    "uded in the request",
    "Token",
    "ported for",
    "STL_",
    "assume",
    "AccessDisabled",
    "sys_",
    "terminated with status",
    "xpired",
];

static SIGN: LazyLock<Option<packed::Searcher>> = LazyLock::new(|| packed::Config::new().builder().extend(SIGNS).build());

/// All words, in as few searches as there must be.
static WORDS: LazyLock<Option<Vec<packed::Searcher>>> =
    LazyLock::new(|| words().chunks(60).map(|it| packed::Config::new().builder().extend(it).build()).collect());

fn words() -> Vec<&'static str> {
    let mut words: Vec<&str> = [aws_error::WORDS, loads::WORDS, load_ids::WORDS, OTHERS].concat();
    words.sort_unstable();
    words.dedup();
    words.retain(|it| *it != PLACE);
    words
}

/// What is said of an S3 object, beside the statements that load it.
const PLACE: &str = "s3://";

/// What a line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::logs) enum Said {
    /// No word.
    Nothing,
    /// The address of an S3 object, and no other word.
    Place,
    /// A word.
    Word,
}

/// How a terminal's colours end where pasting lost the escapes. It is shorter than signs, so it is looked for by itself.
static COLOUR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("[0m"));

/// Lines are looked at together up to so many bytes, which stay in the cache from one search to the next.
const WINDOW: usize = 32 << 10;

/// The words of a block, looked for as the lines come.
pub(in crate::logs) struct Ahead<'b> {
    block: &'b [u8],
    sign: &'static packed::Searcher,
    words: &'static [packed::Searcher],
    /// Up to the end of which line was looked.
    looked: usize,
    /// Where the next sign, escape and colour stand.
    next: [usize; 3],
}

impl<'b> Ahead<'b> {
    pub(in crate::logs) fn of(block: &'b [u8]) -> Option<Self> {
        Some(Self { block, sign: SIGN.as_ref()?, words: WORDS.as_ref()?, looked: 0, next: [0; 3] })
    }

    /// Looks for what stands before `from`, up to the end of a line that is some way behind `to`.
    fn look(&mut self, from: usize, to: usize) {
        let is_further = self.looked < to;
        if is_further {
            let least = to.max(from + WINDOW).min(self.block.len());
            let more = self.block.get(least - 1..).and_then(|it| memchr(b'\n', it));
            self.looked = more.map_or(self.block.len(), |it| least + it);
        }
        for search in 0..self.next.len() {
            if is_further || self.next[search] < from {
                self.next[search] = self.find(search, from);
            }
        }
    }

    fn find(&self, search: usize, from: usize) -> usize {
        let window = self.block.get(from..self.looked).unwrap_or_default();
        let found = match search {
            0 => return begin_of(self.sign, self.block, from, self.looked),
            // An escape, or what pasting makes of it: `^[`.
            1 => memchr2(0x1b, b'^', window),
            _ => COLOUR.find(window),
        };
        found.map_or(usize::MAX, |it| from + it)
    }

    /// What a line holds. Lines only ever follow one another.
    pub(in crate::logs) fn line(&mut self, from: usize, to: usize) -> Said {
        if self.looked < to || self.next.iter().any(|it| *it < from) {
            self.look(from, to);
        }
        let [sign, colours @ ..] = self.next;
        if colours.iter().any(|it| *it < to) {
            return Said::Word;
        }
        if sign >= to {
            return Said::Nothing;
        }
        if self.words.iter().any(|it| begin_of(it, self.block, from, to) < to) {
            return Said::Word;
        }
        let line = self.block.get(from..to).unwrap_or_default();
        if memchr::memmem::find(line, PLACE.as_bytes()).is_some() { Said::Place } else { Said::Nothing }
    }
}

/// Where the next word of a search begins.
fn begin_of(search: &packed::Searcher, block: &[u8], from: usize, to: usize) -> usize {
    search.find_in(block, Span { start: from, end: to }).map_or(usize::MAX, |it| it.start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_holds_a_sign_and_every_sign_is_one_of_a_word() {
        for word in words() {
            assert!(SIGNS.iter().any(|it| word.contains(it)), "{word}");
        }
        for sign in SIGNS.iter().filter(|it| **it != PLACE) {
            assert!(words().iter().any(|it| it.contains(sign)), "{sign}");
        }
    }
}
