//! Words without which a record means nothing, looked for in a block as its lines come.

use crate::logs::{aws_error, load_ids, loads};
use aho_corasick::{Span, packed};
use memchr::memchr;
use std::sync::LazyLock;

/// Words that other readers of a record look for: the banner of a worker, a message in a callback request, colours.
const OTHERS: &[&str] = &["[queues]", "'msg': \"Executor reports", "[0m", "^[["];

/// Each word holds one of these, so that one search finds a line in which a word may stand. They begin as few lines of a healthy log do.
const SIGNS: &[&str] = &[
    "enied",
    "S_DENIED",
    "uthoriz",
    "orbidden",
    "uthFailure",
    "AccessDisabled",
    "ermission",
    "KeyId",
    "Key Id",
    "gnature",
    "Token",
    "xpired",
    "edClient",
    "uded in the request",
    "ciphertext",
    "te credentials",
    "ad credentials",
    "WS credentials",
    "CredentialsE",
    "pass role",
    "SSO ",
    ": 403",
    "us 403",
    "(403)",
    "ntPriv",
    "OptInR",
    "output bucket",
    "assume",
    "KMS is",
    "s3://",
    "load_error",
    "while loading data",
    "ported for",
    "location:  ",
    "copy_id",
    "COPY_ID",
    "forming the cycle",
    "olling statement",
    "terminated with",
    "RedshiftQ",
    "stl_",
    "STL_",
    "svl_",
    "SVL_",
    "sys_",
    "SYS_",
    "[queues]",
    "'msg': \"Exec",
    "[0m",
    "^[[",
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
pub(super) enum Said {
    /// No word.
    Nothing,
    /// The address of an S3 object, and no other word.
    Place,
    /// A word.
    Word,
}

/// The words of a block, looked for as the lines come.
pub(super) struct Ahead<'b> {
    block: &'b [u8],
    sign: &'static packed::Searcher,
    words: &'static [packed::Searcher],
    next_sign: usize,
    next_escape: usize,
}

impl<'b> Ahead<'b> {
    pub(super) fn of(block: &'b [u8]) -> Option<Self> {
        let mut ahead = Self { block, sign: SIGN.as_ref()?, words: WORDS.as_ref()?, next_sign: 0, next_escape: 0 };
        (ahead.next_sign, ahead.next_escape) = (ahead.find(ahead.sign, 0, block.len()).unwrap_or(usize::MAX), ahead.escape(0));
        Some(ahead)
    }

    fn find(&self, search: &packed::Searcher, from: usize, to: usize) -> Option<usize> {
        search.find_in(self.block, Span { start: from, end: to }).map(|it| it.start())
    }

    /// The next sign of a terminal.
    fn escape(&self, from: usize) -> usize {
        memchr(0x1b, self.block.get(from..).unwrap_or_default()).map_or(usize::MAX, |it| from + it)
    }

    /// What a line holds. Lines only ever follow one another.
    pub(super) fn line(&mut self, from: usize, to: usize) -> Said {
        if self.next_escape < from {
            self.next_escape = self.escape(from);
        }
        if self.next_sign < from {
            self.next_sign = self.find(self.sign, from, self.block.len()).unwrap_or(usize::MAX);
        }
        if self.next_escape < to || (self.next_sign < to && self.words.iter().any(|it| self.find(it, from, to).is_some())) {
            return Said::Word;
        }
        let line = self.block.get(from..to).unwrap_or_default();
        if self.next_sign < to && memchr::memmem::find(line, PLACE.as_bytes()).is_some() { Said::Place } else { Said::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_holds_a_sign() {
        for word in words() {
            assert!(SIGNS.iter().any(|it| word.contains(it)), "{word}");
        }
    }
}
