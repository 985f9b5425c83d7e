//! Nights that are too old to keep.

use super::{
    Destination,
    commit::{self, Change},
    place::{self, Place},
    plan,
    store::Store,
};
use crate::error::Result;
use jiff::civil::Date;

/// What is gone, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Earlier changes that were not finished, and now are; on a dry run, those that would be.
    pub recovered: Vec<String>,
    /// Days, and months that were merged (`YYYY-MM`), in order.
    pub partitions: Vec<String>,
    /// Files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Removes what lies wholly before a day; only says what that would be, unless it is to be applied.
///
/// What is removed cannot be brought back: it is not kept until the end, as other changes do. Stopped in between, the next run goes on.
pub fn prune(destination: &Destination, before: Date, apply: bool) -> Result<Pruned> {
    destination.check()?;
    let store = Store::open(destination, apply)?;
    let recovered = if apply { commit::recover(&store)? } else { commit::unfinished(&store)?.into_iter().collect() };
    let before = before.to_string();
    let mut old: Vec<Place> = plan::files(&store)?.into_iter().filter(|it| last_day(it) < before).collect();
    // Night by night, so that what is left is a lake that begins later.
    old.sort_by(|one, other| one.day.cmp(&other.day).then_with(|| one.cmp(other)));
    let mut pruned = Pruned { recovered, files: old.len(), bytes: old.iter().map(|it| it.bytes).sum(), ..Pruned::default() };
    let mut change = Change::new("prune", false);
    for it in old {
        pruned.partitions.push(if it.is_merged() { place::month(&it.day).to_owned() } else { it.day.clone() });
        change.remove(it.key());
    }
    pruned.partitions.dedup();
    if apply {
        change.commit(&store)?;
    }
    Ok(pruned)
}

/// The last day that a file holds.
fn last_day(place: &Place) -> String {
    match place.day.parse::<Date>() {
        Ok(day) if place.is_merged() => day.last_of_month().to_string(),
        _ => place.day.clone(),
    }
}
