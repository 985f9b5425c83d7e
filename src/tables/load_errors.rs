//! Values that COPY statements could not load.

records! {
    /// One row: what is unknown is `None`.
    LoadError in "load_errors": "one value that a COPY could not load" {
        VIEW view: Text = "The view it comes from: sys_load_error_detail, stl_load_errors, stl_loaderror_detail, log",
        SYSTEM system: Text = "The id space of query_id: sys, stl",
        QUERY_ID query_id: Text = "The statement",
        DATABASE_NAME database_name: Text = "Database",
        SCHEMA_NAME schema_name: Text = "Schema, from the statement",
        TABLE_NAME table_name: Text = "Target table, from the statement",
        TABLE_ID table_id: Text = "Target table, as a number",
        FILE_NAME file_name: Text = "The file",
        LINE_NUMBER line_number: Count = "Line of the file; null where Redshift does not know it",
        COLUMN_NAME column_name: Text = "Column",
        COLUMN_TYPE column_type: Text = "Type of the column",
        COLUMN_LENGTH column_length: Text = "Length of the column",
        POSITION position: Count = "Position in the line",
        RAW_LINE raw_line: Text = "The line",
        RAW_VALUE raw_value: Text = "The value",
        IS_NULL is_null: Flag = "Whether the value is null",
        ERROR_CODE error_code: Text = "Code of the error",
        ERROR_MESSAGE error_message: Text = "The error",
        DAG_ID dag_id: Text = "Airflow DAG whose task ran the load",
        TASK_ID task_id: Text = "Task that ran the load",
        RUN_ID run_id: Text = "DAG run",
        MAP_INDEX map_index: Count = "Index of a mapped task",
        TRY_NUMBER try_number: Count = "1 for the first try",
        EVENT_TIME event_time: Moment = "When the load started, or when the error was noted",
    }
}

of_a_try!(LoadError);
