//! Cutting a window by what it holds, so that each part fits into one answer and there are as few as may be. Pure.

use crate::case::Window;
use std::collections::BTreeMap;

/// Spans that events may be counted by, in seconds, and as the query language writes them.
const SPANS: &[(u64, &str)] = &[
    (1, "1s"),
    (5, "5s"),
    (10, "10s"),
    (30, "30s"),
    (60, "1m"),
    (300, "5m"),
    (600, "10m"),
    (1_800, "30m"),
    (3_600, "1h"),
    (21_600, "6h"),
    (86_400, "1d"),
];

/// The finest span that cuts a window into at most so many.
pub(super) fn span(window: Window, most: u64) -> (u64, &'static str) {
    let fits = |it: &&(u64, &str)| window.seconds() / it.0 + 2 <= most;
    SPANS.iter().find(fits).or(SPANS.last()).copied().unwrap_or((1, "1s"))
}

/// The parts of a window, in order, and how many events each holds: disjoint, and together the whole.
///
/// `counts` are the events by the first second of their span, all spans `span` seconds long. A part holds at most `most` events, or is a
/// single span that holds more.
pub(super) fn packed(window: Window, span: u64, counts: &BTreeMap<i64, u64>, most: u64) -> Vec<(Window, u64)> {
    let mut parts: Vec<(Window, u64)> = Vec::new();
    let (mut first, mut held) = (window.first(), 0_u64);
    let mut close = |first: i64, last: i64, held: u64| {
        let Some(part) = Window::new(first, last) else { return };
        match parts.last_mut() {
            // Nothing was written in it: it needs no query of its own.
            Some((before, count)) if held == 0 && *count <= most => {
                *before = Window::new(before.first(), last).unwrap_or(*before);
            }
            _ => parts.push((part, held)),
        }
    };
    for (begin, count) in counts {
        let end = begin.saturating_add_unsigned(span).saturating_sub(1);
        let Some(bin) = Window::new((*begin).max(window.first()), end.min(window.last())) else { continue };
        if held.saturating_add(*count) > most {
            close(first, bin.first() - 1, held);
            (first, held) = (bin.first(), 0);
        }
        held = held.saturating_add(*count);
        if held > most {
            close(first, bin.last(), held);
            (first, held) = (bin.last() + 1, 0);
        }
    }
    close(first, window.last(), held);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(events: &[i64], span: i64) -> BTreeMap<i64, u64> {
        let mut counts = BTreeMap::new();
        for it in events {
            *counts.entry(it.div_euclid(span) * span).or_default() += 1;
        }
        counts
    }

    proptest! {
        #[test]
        fn parts_are_disjoint_cover_the_whole_and_fit(
            bursts in prop::collection::vec((0_i64..5_000, 1_usize..60), 0..60), first in -50_i64..50, seconds in 1_i64..5_000,
            most in 1_u64..50, span in prop::sample::select(vec![1_i64, 5, 10, 60]),
        ) {
            let events: Vec<i64> = bursts.iter().flat_map(|(at, count)| std::iter::repeat_n(first + *at % seconds, *count)).collect();
            let whole = Window::new(first, first + seconds - 1).unwrap();
            let parts = packed(whole, span.unsigned_abs(), &counted(&events, span), most);
            prop_assert_eq!(parts.first().unwrap().0.first(), whole.first());
            prop_assert_eq!(parts.last().unwrap().0.last(), whole.last());
            prop_assert!(parts.windows(2).all(|pair| pair[0].0.last() + 1 == pair[1].0.first()));
            for (window, count) in &parts {
                let held = events.iter().filter(|it| (window.first()..=window.last()).contains(*it)).count() as u64;
                prop_assert_eq!(held, *count);
                prop_assert!(held <= most || window.seconds() <= span.unsigned_abs());
            }
            // Two neighbours that would fit together were put together, but for empty edges.
            prop_assert!(parts.windows(2).all(|pair| pair[0].1 + pair[1].1 > most.min(1)));
        }
    }

    #[test]
    fn a_burst_stands_alone_and_quiet_time_costs_no_query() {
        let counts = BTreeMap::from([(100, 3), (200, 50), (300, 4), (400, 5), (410, 2)]);
        let window = |first, last| Window::new(first, last).unwrap();
        assert_eq!(
            packed(window(0, 999), 10, &counts, 10),
            [(window(0, 199), 3), (window(200, 209), 50), (window(210, 409), 9), (window(410, 999), 2)]
        );
        assert_eq!(packed(window(0, 999), 10, &BTreeMap::new(), 10), [(window(0, 999), 0)]);
    }

    #[test]
    fn spans_are_as_fine_as_one_answer_allows() {
        let day = Window::new(0, 86_399).unwrap();
        assert_eq!(span(day, 10_000), (10, "10s"));
        assert_eq!(span(Window::new(0, 59).unwrap(), 10_000), (1, "1s"));
        assert_eq!(span(Window::new(0, 86_400 * 400_000).unwrap(), 10_000), (86_400, "1d"));
    }
}
