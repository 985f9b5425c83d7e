//! Which way events stand: Insights, and whoever asks for it, gives the newest first; everything else tells in the order of time.

use super::Input;
use crate::{logs::LogReader, units::Moment};
use std::sync::Arc;

/// A lead of so many rows tells for certain which way all of them stand.
const LEAD: u64 = 64;

/// Counts how many rows are followed by an older one, and how many by a newer one.
///
/// A single pair tells nothing: where several processes write, rows stand a moment before others that are older. And rows of one
/// moment, such as the lines of one message, must not be turned round where the rest is not.
#[derive(Debug, Default)]
pub(super) struct Order {
    last: Option<Moment>,
    falls: u64,
    rises: u64,
}

impl Order {
    /// The order of rows that stand at such times, as far as these are known.
    fn of(times: impl IntoIterator<Item = Option<Moment>>) -> Self {
        let mut order = Self::default();
        times.into_iter().for_each(|it| order.see(it));
        order
    }

    /// The next row.
    pub(super) fn see(&mut self, at: Option<Moment>) {
        let Some(at) = at.filter(|_| !self.is_certain()) else { return };
        if let Some(last) = self.last.replace(at) {
            self.falls += u64::from(last > at);
            self.rises += u64::from(last < at);
        }
    }

    /// Whether it is known, whatever comes.
    pub(super) fn is_certain(&self) -> bool {
        self.falls.abs_diff(self.rises) >= LEAD
    }

    /// Whether the newest row stands first.
    pub(super) fn is_newest_first(&self) -> bool {
        self.falls > self.rises
    }
}

/// Puts rows in the order in which they were written: lines of one message only join in that order. Those of one moment stay as they
/// stand, or are turned round with all others.
pub(super) fn put_in_order<R>(rows: &mut [R], at: impl Fn(&R) -> Option<Moment>) {
    if Order::of(rows.iter().map(&at)).is_newest_first() {
        rows.reverse();
    }
    rows.sort_by_key(at);
}

/// One event, held until all are known.
pub(super) struct Event {
    pub(super) at: Option<Moment>,
    pub(super) stream: String,
    pub(super) message: String,
    /// Where it stands in the input.
    pub(super) number: u64,
}

/// Reads all events of an input in the order in which they were written.
pub(super) fn read_in_order(mut events: Vec<Event>, input: &mut Input<'_, '_>) {
    put_in_order(&mut events, |it| it.at);
    let mut reader = LogReader::new(Arc::clone(&input.name), input.zone.clone(), &mut input.out.facts);
    for (it, place) in events.iter().zip(1..) {
        reader.event(&it.stream, &it.message, it.at, place);
    }
    let saw = reader.finish();
    input.out.saw(saw);
    input.out.facts.stand_at(events.iter().map(|it| it.number).collect());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(times: &[i64]) -> Order {
        Order::of(times.iter().map(|it| (*it >= 0).then_some(Moment(*it))))
    }

    #[test]
    fn most_rows_tell_the_order_not_the_first_pair_and_none_without_a_time() {
        assert!(order(&[9, 7, 7, 8, 5, 3]).is_newest_first());
        assert!(!order(&[4, 3, 5, 7, 6, 9]).is_newest_first());
        assert!(!order(&[5, -1, 5, -1, 6]).is_newest_first());
        assert!(!order(&[5, 5, 5]).is_newest_first());
    }

    #[test]
    fn few_rows_are_not_certain() {
        let rising: Vec<i64> = (0..70).collect();
        assert!(order(&rising).is_certain());
        assert!(!order(&rising[..60]).is_certain());
        assert!(!order(&[3, 4].repeat(100)).is_certain());
        let mut turning = rising;
        turning.extend((0..70).rev());
        turning.extend((0..70).rev());
        assert!(!order(&turning).is_newest_first(), "rows were handed on in this order already");
    }
}
