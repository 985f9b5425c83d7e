//! Messages that the service may have cut: its answers are said to hold only the beginning of long ones.

use crate::units::{Moment, SECOND};
use aws_sdk_cloudwatchlogs::types::ResultField;
use std::collections::BTreeSet;

/// Shorter messages are not suspected.
const CUT_MESSAGE_CHARS: usize = 1_000;

/// The longest messages of an answer.
#[derive(Default)]
pub(super) struct CutMessages {
    /// Their length, in characters.
    pub(super) length: usize,
    /// How many are exactly as long.
    pub(super) count: u64,
    /// When they were written.
    pub(super) seconds: BTreeSet<i64>,
    /// By what one of them may be asked for.
    pub(super) pointer: Option<String>,
}

impl CutMessages {
    /// Looks at the rows of a page.
    pub(super) fn see(&mut self, rows: &[Vec<ResultField>]) {
        for row in rows {
            let value = |name: &str| row.iter().find(|it| it.field() == Some(name)).and_then(|it| it.value());
            // Most are shorter in bytes already.
            let Some(message) = value("@message").filter(|it| it.len() >= CUT_MESSAGE_CHARS.max(self.length)) else { continue };
            let length = message.chars().count();
            if length < CUT_MESSAGE_CHARS.max(self.length) {
                continue;
            }
            if length > self.length {
                *self = Self { length, pointer: value("@ptr").map(ToOwned::to_owned), ..Self::default() };
            }
            self.count += 1;
            self.seconds.extend(value("@timestamp").and_then(Moment::parse).map(|it| it.moment.0.div_euclid(SECOND)));
        }
    }

    /// What is said of them.
    pub(super) fn note(&self, group: &str) -> String {
        let Self { length, count, .. } = self;
        format!(
            "{group}: {count} messages were cut after {length} characters in the answer of the query: their seconds are to be read event by event"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_are_suspected() {
        let row = |second: u32, length: usize| {
            let cell = |name: &str, value: String| ResultField::builder().field(name).value(value).build();
            let at = cell("@timestamp", format!("2026-01-02 03:04:{second:02}.500"));
            vec![at, cell("@message", "é".repeat(length)), cell("@ptr", second.to_string())]
        };
        let seen = |rows: &[Vec<ResultField>]| {
            let mut cut = CutMessages::default();
            cut.see(rows);
            (cut.pointer, cut.count, cut.seconds.iter().map(|it| it % 60).collect::<Vec<_>>())
        };
        assert_eq!(seen(&[row(1, 999), row(2, 999)]), (None, 0, vec![]));
        assert_eq!(seen(&[row(2, 1_000), row(1, 1_200), row(3, 1_000)]), (Some("1".to_owned()), 1, vec![1]));
        assert_eq!(seen(&[row(4, 1_000), row(1, 1_024), row(3, 1_024), row(3, 1_024)]), (Some("1".to_owned()), 3, vec![1, 3]));
    }
}
