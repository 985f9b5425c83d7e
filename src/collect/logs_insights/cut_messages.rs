//! Messages that the service may have cut: its answers are said to hold only the beginning of long ones.

use crate::units::{Moment, SECOND};
use aws_sdk_cloudwatchlogs::types::ResultField;
use std::collections::BTreeSet;

/// Messages of exactly the same length, from here on, were probably cut there.
const CUT_MESSAGE_CHARS: usize = 1_000;

/// The longest messages of an answer.
#[derive(Default)]
pub(super) struct CutMessages {
    length: usize,
    count: u64,
    seconds: BTreeSet<i64>,
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
                *self = Self { length, ..Self::default() };
            }
            self.count += 1;
            self.seconds.extend(value("@timestamp").and_then(Moment::parse).map(|it| it.moment.0.div_euclid(SECOND)));
        }
    }

    /// The seconds that hold messages which were probably cut: several are exactly as long as the longest.
    pub(super) fn seconds(&self) -> Option<&BTreeSet<i64>> {
        (self.count > 1).then_some(&self.seconds)
    }

    /// What is said of them.
    pub(super) fn note(&self, group: &str) -> String {
        let Self { length, count, .. } = self;
        format!(
            "{group}: {count} messages were exactly {length} characters long and none was longer, as if they were cut there: their seconds are to be read event by event"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_that_share_the_greatest_length_are_taken_for_cut() {
        let row = |second: u32, length: usize| {
            let cell = |name: &str, value: String| ResultField::builder().field(name).value(value).build();
            vec![cell("@timestamp", format!("2026-01-02 03:04:{second:02}.500")), cell("@message", "é".repeat(length))]
        };
        let seen = |rows: &[Vec<ResultField>]| {
            let mut cut = CutMessages::default();
            cut.see(rows);
            cut.seconds().map(|it| it.iter().map(|it| it % 60).collect::<Vec<_>>())
        };
        assert_eq!(seen(&[row(1, 999), row(2, 999)]), None);
        assert_eq!(seen(&[row(1, 1_200), row(2, 1_000), row(3, 1_000)]), None, "one that is longer was not cut");
        assert_eq!(seen(&[row(4, 1_000), row(1, 1_024), row(2, 30), row(3, 1_024), row(3, 1_024)]), Some(vec![1, 3]));
    }
}
