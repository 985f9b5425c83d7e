//! Rows of one table on their way in: held one by one, and summed up where there are more than can be held.
//!
//! A sum stands for rows that differ in size and time alone: those of one group whose sizes lie within the same small range.
//! How many there are and what they hold together stays exact; a single size is off by less than its range.

use crate::units::Moment;
use foldhash::fast::FixedState;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::BuildHasher as _,
};

/// How many rows of one table are held.
pub const HELD: usize = 200_000;

/// How many sums there may be before their ranges grow.
const SUMS: usize = 100_000;

/// Ranges of a doubling, as a power of two: sixteen, so that a range is at most 6 % wide.
const FINEST: u32 = 4;

/// How many rows are remembered, to notice rows that were given twice.
const REMEMBERED: usize = 16_384;

/// What tells one row from others of its group.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// A hash of what names it.
    pub identity: u64,
    /// Its size; rows without one must be of other groups.
    pub size: Option<i64>,
    /// Its first moment.
    pub from: Option<Moment>,
    /// Its last moment.
    pub to: Option<Moment>,
}

/// Several rows of one group.
#[derive(Clone, Copy, Debug)]
pub struct Sum {
    /// How many.
    pub count: i64,
    /// Their mean size.
    pub size: Option<i64>,
    /// Their first moment.
    pub from: Option<Moment>,
    /// Their last moment.
    pub to: Option<Moment>,
}

/// A row that can be summed up with others.
pub trait Row: Clone + 'static {
    /// Writes what only rows of its group share, and tells the rest; `None` when it must be held.
    fn sight(&self, group: &mut String) -> Option<Sight>;
    /// The row that stands for several like this one.
    #[must_use]
    fn of_many(&self, sum: Sum) -> Self;
}

/// Hashes what names a row: the same for the same in every run.
pub fn identity(names: &[&str]) -> u64 {
    let state = FixedState::with_seed(0);
    names.iter().fold(0, |sum: u64, it| sum.rotate_left(5) ^ state.hash_one(*it))
}

/// The rows of one table.
#[derive(Debug)]
pub struct Rows<R> {
    /// Those that are held, in the order they came; all of them, once they are settled.
    pub rows: Vec<R>,
    folded: Option<Box<Folded<R>>>,
    /// Where the rows of further inputs begin among those held.
    inputs: Vec<usize>,
    group: String,
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

impl<R> From<Vec<R>> for Rows<R> {
    fn from(rows: Vec<R>) -> Self {
        Self { rows, folded: None, inputs: Vec::new(), group: String::new() }
    }
}

impl<R: Row> Rows<R> {
    /// Takes a row.
    pub fn push(&mut self, row: R) {
        let Some(folded) = &mut self.folded else {
            self.rows.push(row);
            if self.rows.len() > HELD {
                self.fold();
            }
            return;
        };
        match row.sight(&mut self.group) {
            Some(sight) => folded.add(&self.group, sight, || row),
            None => self.rows.push(row),
        }
    }

    /// Takes a row that is built only where it is held or the first of its group. `sight` is what the row itself would say.
    pub fn put(&mut self, sight: impl FnOnce(&mut String) -> Sight, row: impl FnOnce() -> R) {
        match &mut self.folded {
            Some(folded) => {
                let sight = sight(&mut self.group);
                folded.add(&self.group, sight, row);
            }
            None => self.push(row()),
        }
    }

    fn fold(&mut self) {
        let mut folded = self.folded.take().unwrap_or_default();
        let (mut held, mut seen) = (Vec::new(), BTreeSet::new());
        let inputs = std::mem::take(&mut self.inputs);
        for (at, row) in self.rows.drain(..).enumerate() {
            if inputs.binary_search(&at).is_ok() {
                folded.groups.iter_mut().for_each(Group::settle_part);
            }
            match row.sight(&mut self.group) {
                Some(sight) if seen.insert((sight.identity, sight.size, sight.from)) => folded.add(&self.group, sight, || row),
                Some(_) => {}
                None => held.push(row),
            }
        }
        self.rows = held;
        self.folded = Some(folded);
    }

    /// Adds the rows of another input.
    pub fn merge(&mut self, mut other: Self) {
        let many = self.rows.len() + other.rows.len() > HELD;
        if self.folded.is_some() || other.folded.is_some() || many {
            for rows in [&mut *self, &mut other].into_iter().filter(|it| it.folded.is_none()) {
                rows.fold();
            }
        }
        self.inputs.push(self.rows.len());
        self.rows.append(&mut other.rows);
        if let (Some(mine), Some(theirs)) = (&mut self.folded, other.folded) {
            mine.merge(*theirs);
        }
    }

    /// The rows that are held, and one of each group of those that were summed up.
    pub fn one_of_each(&self) -> impl Iterator<Item = &R> {
        self.rows.iter().chain(self.folded.iter().flat_map(|it| &it.groups).map(|it| &it.first))
    }

    /// Says something of every row; of those that were summed up, something that is so of the whole group.
    pub fn each(&mut self, mut say: impl FnMut(&mut R)) {
        self.rows.iter_mut().for_each(&mut say);
        self.folded.iter_mut().flat_map(|it| &mut it.groups).for_each(|it| say(&mut it.first));
    }

    /// Whether rows were summed up.
    pub fn is_folded(&self) -> bool {
        self.folded.is_some()
    }

    /// How many remembered rows came more than once and were counted each time.
    pub fn twice(&self) -> u64 {
        self.folded.as_ref().map_or(0, |it| it.twice)
    }

    /// Puts the rows that stand for several after the others.
    pub fn settle(&mut self) {
        if let Some(folded) = self.folded.take() {
            self.rows.extend(folded.into_rows());
        }
    }
}

impl<R: Row> IntoIterator for Rows<R> {
    type Item = R;
    type IntoIter = Box<dyn Iterator<Item = R>>;

    /// The rows, those that stand for several after the others.
    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.rows.into_iter().chain(self.folded.into_iter().flat_map(|it| it.into_rows())))
    }
}

/// Rows summed up.
#[derive(Debug)]
struct Folded<R> {
    places: HashMap<Box<str>, usize, FixedState>,
    groups: Vec<Group<R>>,
    last: usize,
    sums: usize,
    finest: u32,
    /// Hashes of the rows below a limit, which falls as they become many, with their group.
    remembered: BTreeMap<u64, usize>,
    below: u64,
    twice: u64,
}

#[derive(Debug)]
struct Group<R> {
    name: Box<str>,
    first: R,
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

impl<R> Default for Folded<R> {
    fn default() -> Self {
        Self {
            places: HashMap::default(),
            groups: Vec::new(),
            last: 0,
            sums: 0,
            finest: FINEST,
            remembered: BTreeMap::new(),
            below: u64::MAX,
            twice: 0,
        }
    }
}

impl<R: Row> Folded<R> {
    fn add(&mut self, name: &str, sight: Sight, row: impl FnOnce() -> R) {
        let place = self.place(name, row);
        if sight.identity < self.below {
            self.remember(sight.identity, place);
        }
        let Some(group) = self.groups.get_mut(place) else { return };
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
        self.sums += group.sums.len() - before;
        self.widen();
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

    fn remember(&mut self, identity: u64, place: usize) {
        if self.remembered.insert(identity, place).is_some() {
            self.twice += 1;
        }
        if self.remembered.len() > REMEMBERED {
            self.below /= 2;
            drop(self.remembered.split_off(&self.below));
        }
    }

    /// Doubles the ranges while there are too many sums.
    fn widen(&mut self) {
        while self.sums > SUMS && self.finest > 0 {
            self.double();
        }
    }

    fn double(&mut self) {
        self.finest -= 1;
        self.sums = 0;
        for group in &mut self.groups {
            let mut wider: BTreeMap<u32, Running> = BTreeMap::new();
            for (range, sum) in std::mem::take(&mut group.sums) {
                wider.entry(range / 2).or_default().add(&sum);
            }
            self.sums += wider.len();
            group.sums = wider;
        }
    }

    /// Adds what another input told. A group that it tells exactly as an input before is a copy.
    fn merge(&mut self, mut other: Self) {
        while other.finest > self.finest {
            other.double();
        }
        while self.finest > other.finest {
            self.double();
        }
        let mut copied = BTreeSet::new();
        let mut places = Vec::with_capacity(other.groups.len());
        for (theirs, group) in other.groups.into_iter().enumerate() {
            let Group { name, first, sums, parts, own } = group;
            let place = self.place(&name, || first);
            places.push(place);
            let Some(mine) = self.groups.get_mut(place) else { continue };
            mine.settle_part();
            let told = if parts.is_empty() { BTreeSet::from([own]) } else { parts };
            if told.is_subset(&mine.parts) {
                copied.insert(theirs);
                continue;
            }
            mine.parts.extend(told);
            let before = mine.sums.len();
            for (range, sum) in sums {
                mine.sums.entry(range).or_default().add(&sum);
            }
            self.sums += mine.sums.len() - before;
        }
        self.below = self.below.min(other.below);
        drop(self.remembered.split_off(&self.below));
        self.twice += other.twice;
        for (identity, theirs) in other.remembered {
            if let Some(place) = places.get(theirs).filter(|_| identity < self.below && !copied.contains(&theirs)) {
                self.remember(identity, *place);
            }
        }
        self.widen();
    }

    fn into_rows(mut self) -> impl Iterator<Item = R> {
        self.groups.sort_by(|a, b| a.name.cmp(&b.name));
        self.groups.into_iter().flat_map(|Group { first, sums, .. }| {
            let shares: Vec<Sum> = sums.values().flat_map(Running::shares).collect();
            shares.into_iter().map(move |it| first.of_many(it))
        })
    }
}

impl<R> Group<R> {
    /// What the input just read told of the group is one part of it.
    fn settle_part(&mut self) {
        let own = std::mem::take(&mut self.own);
        if own.0 > 0 {
            self.parts.insert(own);
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
fn range_of(size: Option<i64>, finest: u32) -> u32 {
    let size = size.unwrap_or(0).max(0).cast_unsigned();
    let Some(doubling) = size.checked_ilog2() else { return 0 };
    let within = if doubling >= finest { size >> (doubling - finest) } else { size << (finest - doubling) };
    // The highest bit is that of the doubling itself.
    ((doubling + 1) << finest) + u32::try_from(within & ((1 << finest) - 1)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
