//! Months that are over, as one file for each table: engines open files, and ten years of nights are thousands of them.

use super::{
    Destination,
    commit::{self, Change},
    place::{self, Place},
    plan,
    store::Store,
};
use crate::{error::Result, report::parquet::LAKE};
use std::collections::BTreeSet;

/// What merging did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Earlier changes that were not finished, and now are; on a dry run, those that would be.
    pub recovered: Vec<String>,
    /// Each month, and how many files of it became one for each table.
    pub months: Vec<MergedMonth>,
    /// The month that goes on: the newest night is of it.
    pub open_month: Option<String>,
}

/// A month that was merged, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedMonth {
    /// `YYYY-MM`.
    pub month: String,
    /// Files before.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Rows, of all tables.
    pub rows: usize,
}

/// Merges the months that are over: the same rows, one file a table and month. Each month changes at once; what is merged already stays.
pub fn compact(destination: &Destination, dry_run: bool) -> Result<Compacted> {
    destination.check()?;
    let store = Store::open(destination, !dry_run)?;
    let recovered = if dry_run { commit::unfinished(&store)?.into_iter().collect() } else { commit::recover(&store)? };
    let there = plan::files(&store)?;
    let open_month = there.iter().map(|it| &it.day).max().map(|it| place::month(it).to_owned());
    let is_over = |it: &&Place| !it.is_merged() && Some(place::month(&it.day)) < open_month.as_deref();
    let months: BTreeSet<&str> = there.iter().filter(is_over).map(|it| place::month(&it.day)).collect();
    let mut compacted = Compacted { recovered, months: Vec::new(), open_month: open_month.clone() };
    for month in months {
        let (change, merged) = merging(&store, &there, month)?;
        if !dry_run {
            change.commit(&store)?;
        }
        compacted.months.push(merged);
    }
    Ok(compacted)
}

/// The change that merges a month.
pub(super) fn merging(store: &Store, there: &[Place], month: &str) -> Result<(Change, MergedMonth)> {
    let mut change = Change::new(&format!("compact-{month}"), true);
    let mut told = MergedMonth { month: month.to_owned(), files: 0, bytes: 0, rows: 0 };
    for table in LAKE.iter().rev() {
        let of_month = || there.iter().filter(|it| it.table == table.name && place::month(&it.day) == month);
        if of_month().all(Place::is_merged) {
            continue;
        }
        let key = place::merged_key(table.name, month);
        let mut rows = plan::opened(store, table, &key)?;
        for it in of_month().filter(|it| !it.is_merged()) {
            rows.remove(&it.name);
            if let Some(bytes) = store.get(&it.key())? {
                rows.add(&it.day, bytes)?;
            }
        }
        told.rows += rows.rows();
        told.files += of_month().count();
        told.bytes += of_month().map(|it| it.bytes).sum::<u64>();
        change.put(key, rows.file()?, of_month().any(Place::is_merged));
        of_month().filter(|it| !it.is_merged()).for_each(|it| change.remove(it.key()));
    }
    Ok((change, told))
}
