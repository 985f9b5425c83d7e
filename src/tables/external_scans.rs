//! Scans of external tables by Redshift.

records! {
    /// One row: what is unknown is `None`.
    ExternalScan in "external_scans": "one scan of an external table by Redshift" {
        SYSTEM system: Text = "The id space of query_id: sys",
        QUERY_ID query_id: Text = "The statement",
        CHILD_SEQUENCE child_sequence: Count = "Rewritten query within the statement",
        SEGMENT_ID segment_id: Count = "Segment",
        SOURCE_TYPE source_type: Text = "S3, PG and others",
        TABLE_NAME table_name: Text = "External table",
        FILE_LOCATION file_location: Text = "Where its files are",
        FILE_FORMAT file_format: Text = "Format",
        START_TIME start_time: Moment = "When it started",
        END_TIME end_time: Moment = "When it ended",
        DURATION_MS duration_ms: Millis = "How long it took",
        TOTAL_PARTITIONS total_partitions: Count = "Partitions of the table",
        QUALIFIED_PARTITIONS qualified_partitions: Count = "Partitions that were read",
        SCANNED_FILES scanned_files: Count = "Files that were read",
        RETURNED_ROWS returned_rows: Count = "Rows",
        RETURNED_BYTES returned_bytes: Bytes = "Bytes",
        LIST_MS list_ms: Millis = "Time spent listing S3",
        PARTITION_MS partition_ms: Millis = "Time spent getting partitions",
        WARNING_MESSAGE warning_message: Text = "Warning",
    }
}
