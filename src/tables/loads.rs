//! COPY statements and what they loaded.

records! {
    /// One row: what is unknown is `None`.
    Load in "loads": "one COPY into a Redshift table" {
        SYSTEM system: Text = "The id space of query_id: sys, stl",
        QUERY_ID query_id: Text = "The statement",
        TRANSACTION_ID transaction_id: Text = "Redshift transaction; the same in sys and stl",
        DATABASE_NAME database_name: Text = "Database",
        SCHEMA_NAME schema_name: Text = "Schema, from the statement",
        TABLE_NAME table_name: Text = "Target table",
        DATA_SOURCE data_source: Text = "Where the COPY reads: an S3 prefix, object or manifest",
        FILE_FORMAT file_format: Text = "Format, lower case: csv, txt, json, avro, orc, parquet, shapefile",
        COMPRESSION compression: Text = "Compression: none, gzip, bzip2, lzop, zstd",
        SPLITTABLE splittable: Flag = "Whether Redshift can split its files, by format, compression and options",
        COPY_OPTIONS copy_options: Text = "Options of the statement that matter to parallelism, upper case, by comma",
        QUERY_TEXT query_text: Text = "The statement",
        STATUS status: Text = "How it ended, lower case: completed, running, aborted",
        START_TIME start_time: Moment = "When it started",
        END_TIME end_time: Moment = "When it ended",
        DURATION_MS duration_ms: Millis = "From start to end",
        LOADED_ROWS loaded_rows: Count = "Rows loaded",
        LOADED_BYTES loaded_bytes: Bytes = "Bytes loaded, unpacked",
        SOURCE_FILE_COUNT source_file_count: Count = "Files",
        SOURCE_FILE_BYTES source_file_bytes: Bytes = "Bytes of the files",
        SCANNED_FILE_COUNT scanned_file_count: Count = "Files scanned",
        SCANNED_FILE_BYTES scanned_file_bytes: Bytes = "Bytes scanned",
        ERROR_COUNT error_count: Count = "Rows that were rejected",
        COPY_JOB_ID copy_job_id: Text = "Auto-copy job",
        USER_ID user_id: Text = "Who ran it",
        COMPUTE_TYPE compute_type: Text = "primary, secondary, primary-scale",
        DAG_ID dag_id: Text = "Airflow DAG whose task ran it",
        TASK_ID task_id: Text = "Task that ran it",
        RUN_ID run_id: Text = "DAG run",
        MAP_INDEX map_index: Count = "Index of a mapped task",
        TRY_NUMBER try_number: Count = "1 for the first try",
        SAME_AS same_as: Text = "Id of the same load in the other id space",
    }
}

of_a_try!(Load);
