//! S3 Inventory: its lists as CSV and Parquet.

use super::{Head, Input, Source, Table, each_row_of, many_rows};
use crate::{
    fold::Sink,
    records::tabular::{
        record::{Place, Record},
        view::{Field, View, amount, bucket, flag, moment, text, word},
    },
    tables::{
        Origin,
        objects::{Object, Seen},
    },
    text::unquoted,
};
use std::borrow::Cow;

pub(super) static SOURCE: Source = Source { id: "s3-inventory", title: "S3 Inventory lists (CSV, Parquet)", claims, read };

const CLASSES: &[&str] = &[
    "standard",
    "reduced_redundancy",
    "glacier",
    "standard_ia",
    "onezone_ia",
    "intelligent_tiering",
    "deep_archive",
    "outposts",
    "glacier_ir",
    "snow",
    "express_onezone",
];

static INVENTORY: View = View {
    name: "inventory",
    needs: &[&["bucket"], &["key"], &["size"], &["last_modified_date", "storage_class", "e_tag"]],
    columns: COLUMNS,
};

/// The same where a manifest names the columns: then so few are enough.
static NAMED: View = View { name: "inventory", needs: &[&["bucket"], &["key"], &["size"]], columns: COLUMNS };

const COLUMNS: &[Field] = &[
    bucket("bucket"),
    text("key"),
    text("version_id").also(&["versionid"]),
    flag("is_latest").also(&["islatest"]),
    flag("is_delete_marker").also(&["isdeletemarker"]),
    amount("size"),
    moment("last_modified_date").also(&["lastmodifieddate"]),
    text("e_tag").also(&["etag"]),
    word("storage_class", CLASSES).also(&["storageclass"]),
    flag("is_multipart_uploaded").also(&["ismultipartuploaded"]),
    word("replication_status", &["pending", "completed", "failed", "replica"]).also(&["replicationstatus"]),
    word("encryption_status", &["sse-s3", "sse-kms", "dsse-kms", "sse-c", "not-sse"]).also(&["encryptionstatus"]),
    moment("object_lock_retain_until_date").also(&["objectlockretainuntildate"]),
    word("object_lock_mode", &["governance", "compliance"]).also(&["objectlockmode"]),
    word("object_lock_legal_hold_status", &["on", "off"]).also(&["objectlocklegalholdstatus"]),
    text("intelligent_tiering_access_tier").also(&["intelligenttieringaccesstier"]),
    word("bucket_key_status", &["enabled", "disabled"]).also(&["bucketkeystatus"]),
    text("checksum_algorithm").also(&["checksumalgorithm"]),
    text("object_access_control_list").also(&["objectaccesscontrollist"]),
    text("object_owner").also(&["objectowner"]),
];

fn view(columns: &[String]) -> &'static View {
    if columns.is_empty() { &INVENTORY } else { &NAMED }
}

fn claims(head: &Head<'_>) -> bool {
    head.layout(&[view(head.columns)]).is_some()
}

/// What is read of a list.
const READ: [&str; 7] = ["bucket", "key", "size", "last_modified_date", "is_latest", "is_delete_marker", "storage_class"];

fn read(input: &mut Input<'_, '_>) {
    let view = view(input.columns);
    let table = Table::of(input, &[view]);
    let is_csv = table.as_ref().is_some_and(Table::is_delimited);
    match table {
        Some(table) if table.in_chunks().is_some() => {
            many_rows(input, table, READ, |it| &mut it.objects, |it, places, row, rows| put(it, places, || row.origin(), rows, is_csv));
        }
        table => {
            each_row_of(input, table, &[view], &mut |it, origin, out| {
                put(it, &it.places(READ), || origin, &mut out.warehouse.objects, is_csv)
            });
        }
    }
}

fn put(
    it: &Record<'_>,
    places: &[Place; 7],
    origin: impl FnOnce() -> Origin,
    rows: &mut impl Sink<Object>,
    is_csv: bool,
) -> Result<(), &'static str> {
    let [bucket, key, size, at, is_latest, is_delete_marker, class] = *places;
    let (key, bucket) = (it.text_at(key).ok_or("no key")?, it.text_at(bucket));
    let key = if is_csv { unquoted(key) } else { key };
    let seen = Seen {
        bucket: bucket.as_deref(),
        key: &key,
        size: it.whole_at(size),
        at: it.moment_at(at),
        is_latest: it.flag_at(is_latest),
        is_delete_marker: it.flag_at(is_delete_marker),
    };
    let row = || Object {
        storage_class: it.text_at(class).map(Cow::into_owned),
        listing: Some(it.view().to_owned()),
        origin: origin(),
        ..Object::of(&seen)
    };
    rows.put(|group| seen.sight(group), row);
    Ok(())
}
