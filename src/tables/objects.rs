//! Objects of S3 listings.

use crate::{
    fold::{self, Sight, Sum},
    units::Moment,
};

records! {
    /// One row: what is unknown is `None`.
    Object in "objects": "one object of an S3 listing" {
        BUCKET bucket: Text = "Bucket; null where the listing does not name it",
        KEY key: Text = "Key",
        SIZE_BYTES size_bytes: Bytes = "Size",
        LAST_MODIFIED last_modified: Moment = "When it was written",
        STORAGE_CLASS storage_class: Text = "Storage class",
        IS_LATEST is_latest: Flag = "Whether it is the current version",
        IS_DELETE_MARKER is_delete_marker: Flag = "Whether it is a delete marker",
        ROLE role: Text = "data, empty, marker, metadata, old",
        LOCATION location: Text = "Location of the table: the prefix before the first partition",
        PARTITION partition: Text = "Partition within the location",
        TABLE_FORMAT table_format: Text = "iceberg-or-delta when metadata of such a table lies beside the data",
        LISTING listing: Text = "What listed it: ls, list-objects-v2, inventory, athena-path",
        OBJECTS objects: Count = "How many objects of about this size the row stands for; null is one. Listings too long to hold are summed up",
    }
}

/// What a listing says of an object, as it stands there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen<'a> {
    /// Bucket.
    pub bucket: Option<&'a str>,
    /// Key.
    pub key: &'a str,
    /// Size.
    pub size: Option<i64>,
    /// When it was written.
    pub at: Option<Moment>,
    /// Whether it is the current version.
    pub is_latest: Option<bool>,
    /// Whether it is a delete marker.
    pub is_delete_marker: Option<bool>,
}

impl Seen<'_> {
    /// data, empty, marker, metadata, old.
    pub fn role(&self) -> &'static str {
        self.role_in(self.folder(), false)
    }

    /// The same, where it is known which folder that is, and maybe that it is none of a table's format.
    fn role_in(&self, folder: Option<&str>, is_of_data: bool) -> &'static str {
        let name = self.key.get(folder.map_or(0, |it| it.len() + 1)..).unwrap_or_default();
        if self.is_delete_marker == Some(true) || self.is_latest == Some(false) {
            "old"
        } else if name.is_empty() || name.starts_with(['_', '.']) || name.ends_with("_$folder$") || is_checksum(name) {
            "marker"
        } else if !is_of_data && root_of_format(self.key).is_some() {
            "metadata"
        } else if self.size == Some(0) {
            "empty"
        } else {
            "data"
        }
    }

    /// The folder that the key lies in.
    fn folder(&self) -> Option<&str> {
        self.key.get(..memchr::memrchr(b'/', self.key.as_bytes())?)
    }

    /// Objects of one folder and role differ in size and time. Often the one before lay in the same folder: `group` tells that still.
    pub fn sight(&self, group: &mut String) -> Sight {
        let (bucket, folder) = (self.bucket.unwrap_or_default(), self.folder());
        let parts = [bucket, "/", folder.unwrap_or_default(), "\n"];
        let before = parts.iter().try_fold(group.as_str(), |rest, part| rest.strip_prefix(part));
        let is_of_data = before.is_some_and(|it| matches!(it, "data" | "data?" | "empty"));
        let role = self.role_in(folder, is_of_data);
        let unsized_mark = if self.size.is_none() { "?" } else { "" };
        if before.and_then(|it| it.strip_prefix(role)) != Some(unsized_mark) {
            group.clear();
            parts.into_iter().chain([role, unsized_mark]).for_each(|it| group.push_str(it));
        }
        let version = u64::from(self.is_latest == Some(true)) << 1 | u64::from(self.is_delete_marker == Some(true));
        Sight { identity: fold::identity(&[bucket, self.key]).wrapping_add(version), size: self.size, from: self.at, to: self.at }
    }
}

impl Object {
    /// An object that a listing tells of.
    pub fn of(seen: &Seen<'_>) -> Self {
        Self {
            bucket: seen.bucket.map(ToOwned::to_owned),
            key: Some(seen.key.to_owned()),
            size_bytes: seen.size,
            last_modified: seen.at,
            is_latest: seen.is_latest,
            is_delete_marker: seen.is_delete_marker,
            ..Self::default()
        }
    }

    /// What its listing says of it.
    pub fn seen(&self) -> Seen<'_> {
        Seen {
            bucket: self.bucket.as_deref(),
            key: self.key.as_deref().unwrap_or_default(),
            size: self.size_bytes,
            at: self.last_modified,
            is_latest: self.is_latest,
            is_delete_marker: self.is_delete_marker,
        }
    }
}

impl fold::Row for Object {
    fn sight(&self, group: &mut String) -> Option<Sight> {
        Some(self.seen().sight(group))
    }

    fn of_many(&self, sum: Sum) -> Self {
        Self { size_bytes: sum.size, last_modified: sum.to, objects: Some(sum.count), ..self.clone() }
    }

    fn comes_after(&mut self, records: u64) {
        self.origin.record += records;
    }
}

fn is_checksum(name: &str) -> bool {
    name.as_bytes().last_chunk::<4>().is_some_and(|it| it.eq_ignore_ascii_case(b".crc"))
}

/// The folders of table formats that lie beside the data.
const OF_FORMATS: [&str; 4] = ["metadata/", "_delta_log/", "_spark_metadata/", ".hoodie/"];

/// The folder of the table whose format keeps this file beside the data.
pub fn root_of_format(key: &str) -> Option<&str> {
    // Few folders end like one of these: their last letters are looked at first.
    let ends_alike = |slash: usize| matches!(key.as_bytes().get(slash.wrapping_sub(1)), Some(b'a' | b'g' | b'e'));
    if !memchr::memchr_iter(b'/', key.as_bytes()).any(ends_alike) {
        return None;
    }
    OF_FORMATS.iter().find_map(|folder| {
        let at = key.find(folder)?;
        let root = key.get(..at)?;
        (root.is_empty() || root.ends_with('/')).then_some(root)
    })
}
