//! Where an object belongs: its table's location, its partition, and whether it is data at all.

use crate::{
    tables::objects::{Object, root_of_format},
    warehouse::Warehouse,
};
use std::collections::{BTreeMap, BTreeSet};

/// Settles `warehouse.objects`: each object once, with its place.
pub(super) fn settle(warehouse: &mut Warehouse) {
    let objects = &mut warehouse.objects;
    // What was summed up has no names to be compared by.
    if !objects.is_folded() {
        name_buckets(&mut objects.rows);
        latest_only(&mut objects.rows);
    }
    let of_format = |it: &Object| Some(uri(it.bucket.as_deref(), root_of_format(it.key.as_deref()?)?));
    let formats: BTreeSet<String> = objects.one_of_each().filter_map(of_format).collect();
    objects.each(|object| {
        object.role = Some(object.seen().role().to_owned());
        let Some(key) = object.key.as_deref() else { return };
        let (root, partition) = split(key);
        let location = uri(object.bucket.as_deref(), root);
        // Iceberg and Delta keep data in a folder of their own: the table is the folder above.
        let table = location.strip_suffix("data/").filter(|it| formats.contains(*it)).map(ToOwned::to_owned);
        let partition = (!partition.is_empty()).then(|| partition.to_owned());
        object.location = Some(table.unwrap_or(location));
        object.partition = partition;
        object.table_format = object.location.as_ref().filter(|it| formats.contains(*it)).map(|_| "iceberg-or-delta".to_owned());
    });
}

fn uri(bucket: Option<&str>, key: &str) -> String {
    bucket.map_or_else(|| key.to_owned(), |it| format!("s3://{it}/{key}"))
}

/// A listing that names no bucket takes it from one that does, when both name the same key.
fn name_buckets(objects: &mut [Object]) {
    let known: BTreeMap<String, String> = objects.iter().filter_map(|it| Some((it.key.clone()?, it.bucket.clone()?))).collect();
    for object in objects.iter_mut().filter(|it| it.bucket.is_none()) {
        object.bucket = object.key.as_ref().and_then(|it| known.get(it)).cloned();
    }
}

/// Of several listings of one current object, the one that saw it last counts.
fn latest_only(objects: &mut Vec<Object>) {
    let mut at: BTreeMap<(Option<String>, Option<String>), usize> = BTreeMap::new();
    let mut kept: Vec<Object> = Vec::with_capacity(objects.len());
    for object in objects.drain(..) {
        if object.seen().role() == "old" {
            kept.push(object);
            continue;
        }
        let next = kept.len();
        let place = *at.entry((object.bucket.clone(), object.key.clone())).or_insert(next);
        match kept.get_mut(place) {
            Some(first) if first.last_modified < object.last_modified => {
                let older = std::mem::replace(first, object);
                first.fill_from(&older);
            }
            Some(first) => first.fill_from(&object),
            None => kept.push(object),
        }
    }
    *objects = kept;
}

/// The location and the partition of a key: a partition begins at the first folder that names a value or a date.
fn split(key: &str) -> (&str, &str) {
    let folder = key.rfind('/').map_or(0, |it| it + 1);
    let (folders, _) = key.split_at(folder);
    let mut at = 0;
    for segment in folders.split_inclusive('/') {
        if crate::text::is_variable(segment.trim_end_matches('/')) {
            break;
        }
        at += segment.len();
    }
    let (root, partition) = folders.split_at(at);
    (root, partition.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str) -> Object {
        Object { bucket: Some("b".to_owned()), key: Some(key.to_owned()), size_bytes: Some(9), ..Object::default() }
    }

    #[test]
    fn a_partition_begins_where_names_turn_into_values() {
        assert_eq!(split("a/b/dt=2026-01-01/hour=03/part-0.parquet"), ("a/b/", "dt=2026-01-01/hour=03"));
        assert_eq!(split("a/2026/08/14/x.gz"), ("a/", "2026/08/14"));
        assert_eq!(split("a/dim_currency_28/x.csv"), ("a/dim_currency_28/", ""));
        assert_eq!(split("x.csv"), ("", ""));
    }

    #[test]
    fn markers_metadata_and_old_versions_are_no_data() {
        let old = Object { is_latest: Some(false), ..object("t/x") };
        let keys = ["t/_SUCCESS", "t/dt_$folder$", "t/.x.crc", "t/metadata/1.avro", "t/_delta_log/1.json", "t/dt=1/x.parquet"];
        let roles: Vec<&str> = keys.iter().map(|it| object(it).seen().role()).collect();
        assert_eq!(roles, ["marker", "marker", "marker", "metadata", "metadata", "data"]);
        assert_eq!(old.seen().role(), "old");
    }

    #[test]
    fn iceberg_data_belongs_to_the_folder_above() {
        let mut warehouse =
            Warehouse { objects: vec![object("t/data/dt=1/x.parquet"), object("t/metadata/v1.json")].into(), ..Warehouse::default() };
        settle(&mut warehouse);
        assert_eq!(warehouse.objects.rows.first().unwrap().location.as_deref(), Some("s3://b/t/"));
    }

    #[test]
    fn one_object_in_two_listings_is_one() {
        let unnamed = Object { bucket: None, ..object("t/x") };
        let mut warehouse = Warehouse { objects: vec![object("t/x"), unnamed].into(), ..Warehouse::default() };
        settle(&mut warehouse);
        assert_eq!(warehouse.objects.rows.len(), 1);
    }
}
