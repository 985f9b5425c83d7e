//! Statements as Redshift and Athena remember them.

records! {
    /// One row: what is unknown is `None`.
    Query in "queries": "one statement as Redshift or Athena remembers it" {
        ENGINE engine: Text = "Redshift or Athena: redshift, athena",
        SYSTEM system: Text = "The id space of query_id: sys, stl, athena; ids of different spaces never meet",
        QUERY_ID query_id: Text = "Id of the statement, within its system",
        STATEMENT_ID statement_id: Text = "Id of the statement in the Data API, where it ran there",
        TRANSACTION_ID transaction_id: Text = "Redshift transaction; the same in sys and stl",
        QUERY_TEXT query_text: Text = "The statement; Redshift cuts it at 4,000 characters",
        STATUS status: Text = "How it ended, lower case: success, failed, canceled, running, queued",
        ERROR_MESSAGE error_message: Text = "Why it failed",
        ERROR_CODE error_code: Text = "Code of the error: AthenaError as category.type",
        USER_ID user_id: Text = "Who ran it, as a number",
        USER_NAME user_name: Text = "Who ran it",
        DATABASE_NAME database_name: Text = "Database of the session",
        WORKGROUP workgroup: Text = "Athena workgroup, Redshift cluster or workgroup",
        QUERY_TYPE query_type: Text = "Kind of statement, as its system calls it, upper case",
        START_TIME start_time: Moment = "When it was started",
        END_TIME end_time: Moment = "When it ended",
        ELAPSED_MS elapsed_ms: Millis = "From start to end",
        QUEUE_MS queue_ms: Millis = "In the queue",
        EXECUTION_MS execution_ms: Millis = "Running",
        PLANNING_MS planning_ms: Millis = "Planning",
        SCANNED_BYTES scanned_bytes: Bytes = "Data scanned",
        COMPUTE_TYPE compute_type: Text = "Redshift: primary, secondary, primary-scale",
        OUTPUT_LOCATION output_location: Text = "Athena: where the result was to be written",
    }
}
