//! Counts and totals stay exact, sizes stay near, and nothing counts twice unnoticed.

use super::{
    sums::{FINEST, SUMS, range_of},
    *,
};
use std::collections::BTreeSet;

/// A row with a folder, a name and a size.
#[derive(Clone, Debug, PartialEq)]
struct Thing {
    folder: String,
    name: String,
    size: Option<i64>,
    at: i64,
    count: i64,
    record: u64,
}

impl Row for Thing {
    fn sight(&self, group: &mut String) -> Option<Sight> {
        group.clear();
        group.push_str(&self.folder);
        let at = Some(Moment(self.at));
        Some(Sight { identity: identity(&[&self.folder, &self.name]), size: self.size, from: at, to: at })
    }

    fn of_many(&self, sum: Sum) -> Self {
        Self { size: sum.size, at: sum.to.map_or(0, |it| it.0), count: sum.count, ..self.clone() }
    }

    fn comes_after(&mut self, records: u64) {
        self.record += records;
    }
}

fn thing(folder: usize, name: usize, size: i64) -> Thing {
    Thing {
        folder: format!("f{folder:03}"),
        name: name.to_string(),
        size: Some(size),
        at: i64::try_from(name).unwrap(),
        count: 1,
        record: 0,
    }
}

/// Sizes spread over many doublings.
fn size_of(at: usize) -> i64 {
    i64::try_from((at * 7919) % 1_000_003 + 1).unwrap()
}

fn things(from: usize, to: usize) -> Rows<Thing> {
    let mut rows = Rows::default();
    for at in from..to {
        rows.push(thing(at % 10, at, size_of(at)));
    }
    rows
}

fn totals(rows: &[Thing]) -> (i64, i64) {
    (rows.iter().map(|it| it.count).sum(), rows.iter().map(|it| it.count * it.size.unwrap()).sum())
}

fn expected(from: usize, to: usize) -> (i64, i64) {
    (i64::try_from(to - from).unwrap(), (from..to).map(size_of).sum())
}

#[test]
fn few_rows_stay_as_they_are() {
    let mut rows = things(0, HELD);
    rows.settle();
    assert_eq!(rows.rows.len(), HELD);
    assert!(rows.rows.iter().all(|it| it.count == 1));
}

#[test]
fn sums_keep_counts_and_totals_and_stay_near_each_size() {
    let count = HELD * 2;
    let mut rows = things(0, count);
    rows.settle();
    assert!(rows.rows.len() < HELD / 10, "{} rows", rows.rows.len());
    assert_eq!(totals(&rows.rows), expected(0, count));
    let mut sizes: Vec<i64> = (0..count).map(size_of).collect();
    sizes.sort_unstable();
    let mut counted: Vec<(i64, i64)> = rows.rows.iter().map(|it| (it.size.unwrap(), it.count)).collect();
    counted.sort_unstable();
    let (mut before, mut at) = (0, counted.into_iter());
    let mut current = at.next().unwrap();
    for share in 1..10 {
        let place = i64::try_from(count).unwrap() * share / 10;
        while before + current.1 <= place {
            before += current.1;
            current = at.next().unwrap();
        }
        let exact = sizes[usize::try_from(place).unwrap()];
        let off = (current.0 - exact).abs() * 100;
        assert!(off <= exact * 7, "at {share}0 %: {} is not {exact}", current.0);
    }
}

#[test]
fn a_copy_counts_once_and_another_part_is_added() {
    let half = HELD + 10;
    let mut rows = things(0, half);
    rows.merge(things(half, half * 2));
    rows.merge(things(0, half));
    rows.merge(things(half, half * 2));
    assert_eq!(rows.twice(), 0);
    rows.settle();
    assert_eq!(totals(&rows.rows), expected(0, half * 2));
}

#[test]
fn small_inputs_are_summed_up_together_and_a_copy_among_them_counts_once() {
    let part = HELD / 4;
    let mut rows = things(0, part);
    for from in [1, 2, 3, 0, 4, 5, 3] {
        rows.merge(things(from * part, (from + 1) * part));
    }
    assert_eq!(rows.twice(), 0);
    rows.settle();
    assert_eq!(totals(&rows.rows), expected(0, part * 6));
}

#[test]
fn inputs_that_share_some_rows_are_noticed() {
    let mut rows = things(0, HELD + 10);
    assert_eq!(rows.twice(), 0);
    rows.merge(things(HELD / 2, HELD * 2));
    assert!(rows.twice() > 100, "{}", rows.twice());
}

#[test]
fn the_order_of_rows_changes_nothing() {
    let (mut forward, mut backward) = (things(0, HELD * 2), Rows::default());
    for at in (0..HELD * 2).rev() {
        backward.push(thing(at % 10, at, size_of(at)));
    }
    forward.settle();
    backward.settle();
    let told = |rows: &[Thing]| rows.iter().map(|it| (it.folder.clone(), it.size, it.at, it.count)).collect::<BTreeSet<_>>();
    assert_eq!(told(&forward.rows), told(&backward.rows));
}

#[test]
fn many_groups_make_wide_ranges_and_exact_totals() {
    let mut rows = Rows::default();
    let count = HELD * 2;
    for at in 0..count {
        rows.push(thing(at % 20_000, at, size_of(at)));
    }
    rows.settle();
    assert!(rows.rows.len() <= SUMS * 2, "{}", rows.rows.len());
    assert_eq!(totals(&rows.rows), expected(0, count));
}

#[test]
fn ranges_hold_sizes_in_order() {
    let mut last = 0;
    for size in [0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 1000, 1_000_000, i64::MAX] {
        let range = range_of(Some(size), FINEST);
        assert!(range >= last, "{size}");
        assert_eq!(range / 2, range_of(Some(size), FINEST - 1), "{size}");
        last = range;
    }
    assert_ne!(range_of(Some(1_000_000), FINEST), range_of(Some(1_070_000), FINEST));
    assert_eq!(range_of(Some(1_000_000), FINEST), range_of(Some(1_000_001), FINEST));
}

#[test]
fn rows_gathered_apart_are_the_same_as_one_by_one() {
    let count = HELD + 120_000;
    // Some rows come twice, groups are many, and their sums grow beyond what is kept.
    let row = |at: usize| {
        let first = at - at % 7 / 6;
        thing(first * 31 % 9_001, first, size_of(first))
    };
    let mut one_by_one = Rows::default();
    for at in 0..count {
        one_by_one.push(Thing { record: at as u64 + 1, ..row(at) });
    }
    for size in [1_000, 33_333, 70_001] {
        let mut appended: Rows<Thing> = Rows::default();
        let parts: Vec<usize> = (0..count).step_by(size).collect();
        for side_by_side in parts.chunks(3) {
            let gathered: Vec<(usize, Part<Thing>)> = side_by_side.iter().map(|it| (*it, appended.part())).collect();
            for (before, mut part) in gathered {
                for at in before..(before + size).min(count) {
                    let thing = Thing { record: (at - before) as u64 + 1, ..row(at) };
                    part.put(|group| thing.sight(group).unwrap(), || thing.clone());
                }
                appended.append(part, before as u64);
            }
        }
        assert!(appended.twice() > 0);
        let told = |it: &Rows<Thing>| {
            let folded = it.folded.as_ref().unwrap();
            let (groups, finest) = (&folded.sums.groups, folded.sums.finest);
            format!("{:?} {groups:?} {finest} {:?} {} {}", it.rows, folded.remembered, folded.below, folded.twice)
        };
        assert!(told(&appended) == told(&one_by_one), "parts of {size}");
    }
}
