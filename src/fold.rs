//! Rows of one table on their way in: held one by one, and summed up where there are more than can be held.
//!
//! A sum stands for rows that differ in size and time alone: those of one group whose sizes lie within the same small range.
//! How many there are and what they hold together stays exact; a single size is off by less than its range.

use crate::units::Moment;
use foldhash::fast::FixedState;
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::BuildHasher as _,
};
use sums::{Group, Sums};

mod sums;

/// How many rows of one table are held.
pub const HELD: usize = 200_000;

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
    /// Says that so many records of its input come before those that it was counted among.
    fn comes_after(&mut self, records: u64);
}

/// Where rows go.
pub trait Sink<R> {
    /// Takes a row that can be summed up. It is built only where it is held or the first of its group; `sight` is what the row
    /// itself would say.
    fn put(&mut self, sight: impl FnOnce(&mut String) -> Sight, row: impl FnOnce() -> R);
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

    /// What gathers the next rows of the same input apart from these.
    pub fn part(&self) -> Part<R> {
        let sums = self.folded.as_ref().map(|it| Box::new(Sums::new(it.sums.finest)));
        let below = self.folded.as_ref().map_or(0, |it| it.below);
        Part { rows: Vec::new(), sums, below, seen: Vec::new(), group: String::new() }
    }

    /// Takes rows that were gathered apart, the same as one by one. So many records of the input come before them.
    pub fn append(&mut self, part: Part<R>, before: u64) {
        for mut row in part.rows {
            row.comes_after(before);
            self.push(row);
        }
        if let (Some(folded), Some(mut sums)) = (&mut self.folded, part.sums) {
            sums.groups.iter_mut().for_each(|it| it.first.comes_after(before));
            folded.append(*sums, &part.seen);
        }
    }

    fn fold(&mut self) {
        let mut folded = self.folded.take().unwrap_or_default();
        let (mut held, mut seen) = (Vec::new(), BTreeSet::new());
        let inputs = std::mem::take(&mut self.inputs);
        for (at, row) in self.rows.drain(..).enumerate() {
            if inputs.binary_search(&at).is_ok() {
                folded.sums.groups.iter_mut().for_each(Group::settle_part);
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
        self.rows.iter().chain(self.folded.iter().flat_map(|it| &it.sums.groups).map(|it| &it.first))
    }

    /// Says something of every row; of those that were summed up, something that is so of the whole group.
    pub fn each(&mut self, mut say: impl FnMut(&mut R)) {
        self.rows.iter_mut().for_each(&mut say);
        self.folded.iter_mut().flat_map(|it| &mut it.sums.groups).for_each(|it| say(&mut it.first));
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
            self.rows.extend(folded.sums.into_rows());
        }
    }
}

impl<R: Row> Sink<R> for Rows<R> {
    fn put(&mut self, sight: impl FnOnce(&mut String) -> Sight, row: impl FnOnce() -> R) {
        match &mut self.folded {
            Some(folded) => {
                let sight = sight(&mut self.group);
                folded.add(&self.group, sight, row);
            }
            None => self.push(row()),
        }
    }
}

impl<R: Row> IntoIterator for Rows<R> {
    type Item = R;
    type IntoIter = Box<dyn Iterator<Item = R>>;

    /// The rows, those that stand for several after the others.
    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.rows.into_iter().chain(self.folded.into_iter().flat_map(|it| it.sums.into_rows())))
    }
}

/// Rows that follow each other in one input, gathered apart from those before them: held, or summed up where those before are.
#[derive(Debug)]
pub struct Part<R> {
    rows: Vec<R>,
    sums: Option<Box<Sums<R>>>,
    below: u64,
    /// Hashes below the limit, each with the place of its group, in order.
    seen: Vec<(u64, usize)>,
    group: String,
}

impl<R: Row> Sink<R> for Part<R> {
    fn put(&mut self, sight: impl FnOnce(&mut String) -> Sight, row: impl FnOnce() -> R) {
        let Some(sums) = &mut self.sums else { return self.rows.push(row()) };
        let sight = sight(&mut self.group);
        let place = sums.add(&self.group, &sight, row);
        if sight.identity < self.below {
            self.seen.push((sight.identity, place));
        }
    }
}

/// Rows summed up.
#[derive(Debug)]
struct Folded<R> {
    sums: Sums<R>,
    /// Hashes of the rows below a limit, which falls as they become many, with their group.
    remembered: BTreeMap<u64, usize>,
    below: u64,
    twice: u64,
}

impl<R> Default for Folded<R> {
    fn default() -> Self {
        Self { sums: Sums::default(), remembered: BTreeMap::new(), below: u64::MAX, twice: 0 }
    }
}

impl<R: Row> Folded<R> {
    fn add(&mut self, name: &str, sight: Sight, row: impl FnOnce() -> R) {
        let place = self.sums.add(name, &sight, row);
        self.remember(sight.identity, place);
    }

    fn remember(&mut self, identity: u64, place: usize) {
        if identity >= self.below {
            return;
        }
        if self.remembered.insert(identity, place).is_some() {
            self.twice += 1;
        }
        if self.remembered.len() > REMEMBERED {
            self.below /= 2;
            drop(self.remembered.split_off(&self.below));
        }
    }

    /// Adds what the next rows of the same input told.
    fn append(&mut self, sums: Sums<R>, seen: &[(u64, usize)]) {
        let places = self.sums.merge(sums, Group::append);
        for (identity, theirs) in seen {
            if let Some((place, _)) = places.get(*theirs) {
                self.remember(*identity, *place);
            }
        }
    }

    /// Adds what another input told. A group that it tells exactly as an input before is a copy.
    fn merge(&mut self, other: Self) {
        let places = self.sums.merge(other.sums, Group::merge);
        self.below = self.below.min(other.below);
        drop(self.remembered.split_off(&self.below));
        self.twice += other.twice;
        for (identity, theirs) in other.remembered {
            if let Some((place, true)) = places.get(theirs) {
                self.remember(identity, *place);
            }
        }
    }
}

#[cfg(test)]
mod tests;
