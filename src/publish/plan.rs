//! What publishing a night changes: its files where they belong, and the run nowhere else.

use super::{
    Night, Published,
    commit::Change,
    place::{self, Place},
    store::{Store, sha256},
};
use crate::{
    error::Result,
    report::parquet::{LAKE, LakeTable, Merge},
};
use std::collections::BTreeSet;

/// Every file of the lake, table by table.
pub(super) fn files(store: &Store) -> Result<Vec<Place>> {
    let mut found = Vec::new();
    for table in LAKE {
        let objects = store.list(&format!("{}/", table.name))?;
        found.extend(objects.iter().filter_map(|it| Place::of(&it.key, it.bytes)));
    }
    Ok(found)
}

/// The change that publishes a night, findings last: whoever sees them sees all that belongs to them.
pub(super) fn of(store: &Store, night: &Night, published: &mut Published) -> Result<Change> {
    let there = files(store)?;
    let elsewhere = months_with(store, &there, &night.run_id, place::month(&night.day))?;
    let mut change = Change::new(&night.run_id, true);
    for table in LAKE.iter().rev() {
        let of_table = || there.iter().filter(|it| it.table == table.name);
        let merged = place::merged_key(table.name, place::month(&night.day));
        let is_merged = of_table().any(|it| it.key() == merged);
        let (key, bytes) = if is_merged {
            let mut month = opened(store, table, &merged)?;
            month.remove(&night.run_id);
            month.add(&night.day, night.bytes(table.name).to_vec())?;
            (merged, month.file()?)
        } else {
            (place::key(table.name, &night.day, &night.run_id), night.bytes(table.name).to_vec())
        };
        let before = of_table().find(|it| it.key() == key);
        if before.is_some_and(|it| it.bytes == bytes.len() as u64) && store.sha256(&key)?.as_deref() == Some(&sha256(&bytes)) {
            published.unchanged.push(key.clone());
        } else {
            if before.is_some() { &mut published.replaced } else { &mut published.written }.push(key.clone());
            change.put(key.clone(), bytes, before.is_some());
        }
        for it in of_table().filter(|it| it.name == night.run_id && it.key() != key) {
            published.removed.push(it.key());
            change.remove(it.key());
        }
        for month in &elsewhere {
            let key = place::merged_key(table.name, month);
            let mut rest = opened(store, table, &key)?;
            rest.remove(&night.run_id);
            published.replaced.push(key.clone());
            change.put(key, rest.file()?, true);
        }
    }
    Ok(change)
}

/// A merged month, as it lies there.
pub(super) fn opened(store: &Store, table: &'static LakeTable, key: &str) -> Result<Merge> {
    let mut month = Merge::new(table);
    if let Some(bytes) = store.get(key)? {
        month.add("", bytes)?;
    }
    Ok(month)
}

/// The merged months, other than its own, that hold a run. Every run has verdicts.
fn months_with(store: &Store, there: &[Place], run_id: &str, own: &str) -> Result<BTreeSet<String>> {
    let mut months = BTreeSet::new();
    let Some(table) = LAKE.iter().find(|it| it.name == "verdicts") else { return Ok(months) };
    for it in there.iter().filter(|it| it.table == table.name && it.is_merged() && place::month(&it.day) != own) {
        if opened(store, table, &it.key())?.holds(run_id) {
            months.insert(place::month(&it.day).to_owned());
        }
    }
    Ok(months)
}
