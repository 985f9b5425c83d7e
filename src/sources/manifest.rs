//! Manifests: they name the files of an S3 Inventory or of an UNLOAD, and mostly the columns of these.

use super::{Head, Input, Source};
use crate::records::json;
use serde_json::Value;

pub(super) static SOURCE: Source = Source {
    id: "manifest",
    title: "Manifests of S3 Inventory and UNLOAD, and their checksums: they name files and their columns, and hold no rows",
    claims,
    read,
};

/// What a manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The files that belong together: keys or addresses.
    pub files: Vec<String>,
    /// The columns of each of them, in order and in lower case; none where it does not tell.
    pub columns: Vec<String>,
    /// The SHA-256 of each file, in hexadecimal digits; none where it does not tell.
    pub hashes: Vec<Option<String>>,
    /// Whether it was written with the files; what a COPY is told to load was not.
    pub of_output: bool,
}

fn claims(head: &Head<'_>) -> bool {
    let of_inventory = || head.json.is_some() && head.has("\"sourceBucket\"") && head.has("\"fileSchema\"");
    let of_unload = || head.json.as_ref().is_some_and(|it| it.container.is_empty()) && head.has("\"entries\"") && head.has("\"url\"");
    is_checksum(head.bytes) || of_inventory() || of_unload()
}

/// `manifest.checksum`: the MD5 of the manifest beside it.
fn is_checksum(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    text.len() == 32 && text.iter().all(u8::is_ascii_hexdigit)
}

fn read(input: &mut Input<'_, '_>) {
    if is_checksum(input.feed.want(64)) {
        return input.feed.drain();
    }
    let mut records = json::Records::new(input.feed, input.caps.record_bytes.saturating_mul(16));
    let mut number = 0;
    while let Some(record) = records.next_record() {
        number += 1;
        match record.map(|it| json::value_of(it.bytes)) {
            Ok(Some(value)) => input.out.manifest = Some(manifest(&value)),
            Ok(None) => input.out.skip_damaged("not valid JSON", number),
            Err(fault) => input.out.skip_damaged(fault.reason(), number),
        }
    }
}

fn manifest(value: &Value) -> Manifest {
    let named = |list: &str, key: &str| {
        let items = value.get(list).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|it| it.get(key)?.as_str()).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let elements = value.pointer("/schema/elements").and_then(Value::as_array).into_iter().flatten();
    let mut columns: Vec<String> = elements.filter_map(|it| it.get("name")?.as_str()).map(str::to_ascii_lowercase).collect();
    // Of Parquet and ORC the schema is written otherwise; these files name their columns themselves.
    if let Some(schema) = value.get("fileSchema").and_then(Value::as_str).filter(|it| !it.contains('{') && !it.contains('<')) {
        columns = schema.split(',').map(|it| it.trim().to_ascii_lowercase()).collect();
    }
    let of_output = value.get("fileSchema").is_some() || value.get("schema").is_some();
    let files = if value.get("files").is_some() { named("files", "key") } else { named("entries", "url") };
    Manifest { files, columns, hashes: Vec::new(), of_output }
}
