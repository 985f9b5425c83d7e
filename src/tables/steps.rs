//! Steps of Redshift queries and stages of Athena queries.

records! {
    /// One row: what is unknown is `None`.
    Step in "steps": "one step of a Redshift query, or one stage of an Athena query" {
        SYSTEM system: Text = "The id space of query_id: sys, athena",
        QUERY_ID query_id: Text = "The statement",
        CHILD_SEQUENCE child_sequence: Count = "Rewritten query within the statement, from 1",
        STREAM_ID stream_id: Count = "Stream",
        SEGMENT_ID segment_id: Count = "Segment",
        STEP_ID step_id: Count = "Step within the segment",
        STAGE_ID stage_id: Text = "Athena stage",
        STATE state: Text = "State of the Athena stage",
        LEVEL level: Text = "Level of the row, lower case: step, segment, stream, query; null when the dump does not say",
        STEP_NAME step_name: Text = "What it does: scan, hash, aggregate; the plan's root for an Athena stage",
        TABLE_NAME table_name: Text = "Table that it scans, as the dump names it",
        START_TIME start_time: Moment = "When the segment started",
        END_TIME end_time: Moment = "When the segment ended",
        DURATION_MS duration_ms: Millis = "Duration of the segment, or of the Athena stage",
        INPUT_ROWS input_rows: Count = "Rows in",
        OUTPUT_ROWS output_rows: Count = "Rows out",
        INPUT_BYTES input_bytes: Bytes = "Bytes in",
        OUTPUT_BYTES output_bytes: Bytes = "Bytes out",
        SPILLED_BYTES spilled_bytes: Bytes = "Bytes spilled to disk",
        DATA_SKEWNESS data_skewness: Ratio = "Skew of the data across slices, as Redshift gives it",
        TIME_SKEWNESS time_skewness: Ratio = "Skew of the time across slices, as Redshift gives it",
        IS_ACTIVE is_active: Flag = "Whether it still runs",
    }
}
