//! Spans of time as AWS's query services take them: whole seconds, both ends inside.

use crate::units::{Moment, SECOND};
use serde::{Deserialize, Serialize};

/// The seconds from `first` to `last` since 1970, both of them inside; never empty. A manifest writes it half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "HalfOpen", into = "HalfOpen")]
pub struct Window {
    first: i64,
    last: i64,
}

/// How a person reads a window, and how every command line takes it.
#[derive(Serialize, Deserialize)]
struct HalfOpen {
    since: String,
    until: String,
}

impl Window {
    /// From the first to the last second, both inside; `None` where that is empty.
    pub fn new(first: i64, last: i64) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// The one second.
    pub fn of_second(second: i64) -> Self {
        Self { first: second, last: second }
    }

    /// The smallest window of whole seconds that holds everything from `since` up to, but not at, `until`.
    pub fn holding(since: Moment, until: Moment) -> Option<Self> {
        let before_until = until.0.checked_sub(1)?;
        if since.0 > before_until {
            return None;
        }
        Self::new(since.0.div_euclid(SECOND), before_until.div_euclid(SECOND))
    }

    /// Its first second.
    pub fn first(self) -> i64 {
        self.first
    }

    /// Its last second, inside.
    pub fn last(self) -> i64 {
        self.last
    }

    /// How many seconds it holds.
    pub fn seconds(self) -> u64 {
        self.last.abs_diff(self.first).saturating_add(1)
    }

    /// Its beginning.
    pub fn since(self) -> Moment {
        Moment(self.first.saturating_mul(SECOND))
    }

    /// Its end, outside.
    pub fn until(self) -> Moment {
        Moment(self.last.saturating_add(1).saturating_mul(SECOND))
    }

    /// Cuts it into `count` parts of nearly the same length, in order: disjoint, and together the whole. There are fewer where there are
    /// fewer seconds.
    pub fn parts(self, count: u64) -> Vec<Self> {
        let seconds = self.seconds();
        let count = count.clamp(1, seconds);
        let edge = |at: u64| {
            // The product of two numbers of seconds may not fit 64 bits.
            let offset = u128::from(seconds) * u128::from(at) / u128::from(count);
            self.first.saturating_add_unsigned(u64::try_from(offset).unwrap_or(u64::MAX))
        };
        (0..count).filter_map(|at| Self::new(edge(at), edge(at + 1).saturating_sub(1))).collect()
    }

    /// As part of a file's name: `20260102T030405Z-20260102T040404Z`, both ends inside.
    pub fn file_name(self) -> String {
        let bare = |second: i64| -> String {
            let text = Moment(second.saturating_mul(SECOND)).rfc3339();
            text.split('.').next().unwrap_or_default().chars().filter(|it| !matches!(it, '-' | ':')).chain(['Z']).collect()
        };
        format!("{}-{}", bare(self.first), bare(self.last))
    }
}

impl From<Window> for HalfOpen {
    fn from(window: Window) -> Self {
        Self { since: window.since().rfc3339(), until: window.until().rfc3339() }
    }
}

impl TryFrom<HalfOpen> for Window {
    type Error = String;

    fn try_from(spoken: HalfOpen) -> Result<Self, String> {
        let read = |text: &str| Moment::parse(text).map(|it| it.moment).ok_or_else(|| format!("{text}: no moment"));
        let (since, until) = (read(&spoken.since)?, read(&spoken.until)?);
        Self::holding(since, until).ok_or_else(|| format!("the window from {} to {} is empty", spoken.since, spoken.until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_are_disjoint_and_cover_the_whole(first in -4_000_000_000_i64..8_000_000_000, seconds in 0_i64..40_000_000, count in 0_u64..3_000) {
            let whole = Window::new(first, first + seconds).unwrap();
            let parts = whole.parts(count);
            prop_assert_eq!(parts.first().unwrap().first(), whole.first());
            prop_assert_eq!(parts.last().unwrap().last(), whole.last());
            prop_assert!(parts.windows(2).all(|pair| pair[0].last() + 1 == pair[1].first()));
            prop_assert_eq!(parts.len() as u64, count.clamp(1, whole.seconds()));
            let lengths = || parts.iter().map(|it| it.seconds());
            prop_assert!(lengths().max().unwrap() - lengths().min().unwrap() <= 1);
        }
    }

    #[test]
    fn a_window_holds_every_second_that_is_touched() {
        let at = |text: &str| Moment::parse(text).unwrap().moment;
        let window = Window::holding(at("2026-01-02T03:04:05.5Z"), at("2026-01-02T03:04:07Z")).unwrap();
        assert_eq!((window.seconds(), window.file_name().as_str()), (2, "20260102T030405Z-20260102T030406Z"));
        assert_eq!(Window::holding(at("2026-01-02T03:04:05Z"), at("2026-01-02T03:04:05Z")), None);
    }

    #[test]
    fn a_manifest_tells_the_same_window() {
        let window = Window::new(1_767_323_045, 1_767_326_644).unwrap();
        let text = serde_json::to_string(&window).unwrap();
        assert_eq!(text, r#"{"since":"2026-01-02T03:04:05.000Z","until":"2026-01-02T04:04:05.000Z"}"#);
        assert_eq!(serde_json::from_str::<Window>(&text).unwrap(), window);
        assert!(serde_json::from_str::<Window>(r#"{"since":"2026-01-02T03:04:05Z","until":"2026-01-02T03:04:05Z"}"#).is_err());
    }
}
