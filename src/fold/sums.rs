//! Sums of rows, by group and by ranges of their sizes.

use super::{Row, Sight, Sum};
use crate::units::Moment;
use foldhash::fast::FixedState;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many sums there may be before their ranges grow.
pub(super) const SUMS: usize = 100_000;

/// Ranges of a doubling, as a power of two: sixteen, so that a range is at most 6 % wide.
pub(super) const FINEST: u32 = 4;

/// Rows by group.
#[derive(Debug)]
pub(super) struct Sums<R> {
    places: HashMap<Box<str>, usize, FixedState>,
    pub(super) groups: Vec<Group<R>>,
    last: usize,
    count: usize,
    pub(super) finest: u32,
}

#[derive(Debug)]
pub(super) struct Group<R> {
    name: Box<str>,
    pub(super) first: R,
    sums: BTreeMap<u32, Running>,
    /// How many rows, and the sum of their hashes, of each input that told of the group.
    parts: BTreeSet<(i64, u64)>,
    own: (i64, u64),
}

/// A sum that grows.
#[derive(Clone, Copy, Debug, Default)]
struct Running {
    count: i64,
    size: i64,
    sized: bool,
    from: Option<Moment>,
    to: Option<Moment>,
}

impl<R> Default for Sums<R> {
    fn default() -> Self {
        Self::new(FINEST)
    }
}

impl<R> Sums<R> {
    /// None yet, with ranges as fine as told.
    pub(super) fn new(finest: u32) -> Self {
        Self { places: HashMap::default(), groups: Vec::new(), last: 0, count: 0, finest }
    }
}

impl<R: Row> Sums<R> {
    /// Adds a row to its group, and says which that is.
    pub(super) fn add(&mut self, name: &str, sight: &Sight, row: impl FnOnce() -> R) -> usize {
        let place = self.place(name, row);
        let Some(group) = self.groups.get_mut(place) else { return place };
        group.own.0 += 1;
        group.own.1 = group.own.1.wrapping_add(sight.identity.rotate_left(17) ^ sight.size.unwrap_or(-1).cast_unsigned());
        let before = group.sums.len();
        group.sums.entry(range_of(sight.size, self.finest)).or_default().add(&Running {
            count: 1,
            size: sight.size.unwrap_or(0),
            sized: sight.size.is_some(),
            from: sight.from,
            to: sight.to,
        });
        self.count += group.sums.len() - before;
        self.widen();
        place
    }

    /// The place of a group. Rows of one group mostly follow each other.
    fn place(&mut self, name: &str, first: impl FnOnce() -> R) -> usize {
        if self.groups.get(self.last).is_some_and(|it| *it.name == *name) {
            return self.last;
        }
        self.last = if let Some(place) = self.places.get(name) {
            *place
        } else {
            let place = self.groups.len();
            self.groups.push(Group { name: name.into(), first: first(), sums: BTreeMap::new(), parts: BTreeSet::new(), own: (0, 0) });
            self.places.insert(name.into(), place);
            place
        };
        self.last
    }

    /// Doubles the ranges while there are too many sums.
    fn widen(&mut self) {
        while self.count > SUMS && self.finest > 0 {
            self.double();
        }
    }

    fn double(&mut self) {
        self.finest -= 1;
        self.count = 0;
        for group in &mut self.groups {
            let mut wider: BTreeMap<u32, Running> = BTreeMap::new();
            for (range, sum) in std::mem::take(&mut group.sums) {
                wider.entry(range / 2).or_default().add(&sum);
            }
            self.count += wider.len();
            group.sums = wider;
        }
    }

    /// Adds other sums, each group as `merge` says; tells of each of their groups its place here, and whether it was added.
    pub(super) fn merge(&mut self, mut other: Self, merge: fn(&mut Group<R>, Told) -> bool) -> Vec<(usize, bool)> {
        while other.finest > self.finest {
            other.double();
        }
        while self.finest > other.finest {
            self.double();
        }
        let mut places = Vec::with_capacity(other.groups.len());
        for Group { name, first, sums, parts, own } in other.groups {
            let place = self.place(&name, || first);
            let Some(mine) = self.groups.get_mut(place) else { continue };
            let before = mine.sums.len();
            let added = merge(mine, Told { sums, parts, own });
            self.count += mine.sums.len() - before;
            places.push((place, added));
        }
        self.widen();
        places
    }

    pub(super) fn into_rows(mut self) -> impl Iterator<Item = R> {
        self.groups.sort_by(|a, b| a.name.cmp(&b.name));
        self.groups.into_iter().flat_map(|Group { first, sums, .. }| {
            let shares: Vec<Sum> = sums.values().flat_map(Running::shares).collect();
            shares.into_iter().map(move |it| first.of_many(it))
        })
    }
}

/// What other sums tell of a group.
pub(super) struct Told {
    sums: BTreeMap<u32, Running>,
    parts: BTreeSet<(i64, u64)>,
    own: (i64, u64),
}

impl<R> Group<R> {
    /// What the input just read told of the group is one part of it.
    pub(super) fn settle_part(&mut self) {
        let own = std::mem::take(&mut self.own);
        if own.0 > 0 {
            self.parts.insert(own);
        }
    }

    /// Adds what further rows of the same input tell.
    pub(super) fn append(&mut self, told: Told) -> bool {
        self.own.0 += told.own.0;
        self.own.1 = self.own.1.wrapping_add(told.own.1);
        self.add(told.sums);
        true
    }

    /// Adds what another input tells, unless it is what one before told.
    pub(super) fn merge(&mut self, told: Told) -> bool {
        self.settle_part();
        let Told { sums, parts, own } = told;
        let parts = if parts.is_empty() { BTreeSet::from([own]) } else { parts };
        if parts.is_subset(&self.parts) {
            return false;
        }
        self.parts.extend(parts);
        self.add(sums);
        true
    }

    fn add(&mut self, sums: BTreeMap<u32, Running>) {
        for (range, sum) in sums {
            self.sums.entry(range).or_default().add(&sum);
        }
    }
}

impl Running {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.size = self.size.saturating_add(other.size);
        self.sized |= other.sized;
        self.from = self.from.into_iter().chain(other.from).min();
        self.to = self.to.max(other.to);
    }

    /// Rows of the mean size, and of one more, so that what they hold together stays exact.
    fn shares(&self) -> impl Iterator<Item = Sum> {
        let (mean, rest) = (self.size.div_euclid(self.count.max(1)), self.size.rem_euclid(self.count.max(1)));
        let of = |count: i64, size: i64| Sum { count, size: self.sized.then_some(size), from: self.from, to: self.to };
        [of(self.count - rest, mean), of(rest, mean + 1)].into_iter().filter(|it| it.count > 0)
    }
}

/// Which of the ranges holds a size: `2^finest` to each doubling.
pub(super) fn range_of(size: Option<i64>, finest: u32) -> u32 {
    let size = size.unwrap_or(0).max(0).cast_unsigned();
    let Some(doubling) = size.checked_ilog2() else { return 0 };
    let within = if doubling >= finest { size >> (doubling - finest) } else { size << (finest - doubling) };
    // The highest bit is that of the doubling itself.
    ((doubling + 1) << finest) + u32::try_from(within & ((1 << finest) - 1)).unwrap_or(0)
}
