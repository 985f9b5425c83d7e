//! Files that COPY statements read.

records! {
    /// One row: what is unknown is `None`.
    LoadFile in "load_files": "one file, or one range of a file, that a COPY read" {
        VIEW view: Text = "The view it comes from: sys_load_detail, stl_load_commits, stl_file_scan, stl_s3client, stl_load_info",
        SYSTEM system: Text = "The id space of query_id: sys, stl",
        QUERY_ID query_id: Text = "The statement",
        FILE_NAME file_name: Text = "The file, with its bucket where the view tells it",
        NAME_TRUNCATED name_truncated: Flag = "Whether the name is as long as its column: it may have been cut",
        NODE node: Count = "Node that read it",
        SLICE slice: Count = "Slice that read it",
        BYTES_SCANNED bytes_scanned: Bytes = "Bytes read, unpacked where the view tells them so",
        TRANSFER_BYTES transfer_bytes: Bytes = "Bytes on the wire",
        LINES_SCANNED lines_scanned: Count = "Lines read",
        SPLITS_SCANNED splits_scanned: Count = "Ranges that the file was split into",
        IS_PARTIAL is_partial: Flag = "Whether the row is one range of a file",
        START_OFFSET start_offset: Bytes = "Where the range starts",
        ERROR_COUNT error_count: Count = "Rows rejected",
        START_TIME start_time: Moment = "When reading started",
        DURATION_MS duration_ms: Millis = "How long it was read",
        FILE_FORMAT file_format: Text = "Format, lower case",
        COPY_JOB_ID copy_job_id: Text = "Auto-copy job",
        RETRIES retries: Count = "Attempts after the first",
    }
}
