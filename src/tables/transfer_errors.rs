//! Reads and writes of S3 that failed while a statement of Redshift ran.

records! {
    /// One row: what is unknown is `None`.
    TransferError in "transfer_errors": "one request of Redshift to S3 that failed; most are tried again" {
        SYSTEM system: Text = "The id space of query_id: stl",
        QUERY_ID query_id: Text = "The statement",
        SLICE slice: Count = "Slice that asked",
        EVENT_TIME event_time: Moment = "When",
        FILE_NAME file_name: Text = "The file, with its bucket",
        ERROR_MESSAGE error_message: Text = "What went wrong",
    }
}
