//! Objects of S3 listings.

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
    }
}
