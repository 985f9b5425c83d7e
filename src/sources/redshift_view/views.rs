//! The system views of Redshift that we read: their columns in documented order, with their units.

use crate::records::tabular::view::{
    Field, View, address, flag, mebibytes, micros, moment, moment_2000, real, statement, text, whole, word,
};

const STATUSES: &[&str] = &["planning", "queued", "running", "returning", "failed", "canceled", "success"];
const LOAD_STATUSES: &[&str] = &["running", "completed", "aborted"];
const FORMATS: &[&str] = &["csv", "txt", "text", "json", "avro", "orc", "parquet", "fixedwidth", "shapefile"];
const STEPS: &[&str] = &[
    "aggregate", "broadcast", "delete", "distribute", "hash", "hashjoin", "insert", "limit", "merge", "mergejoin", "nestloop", "parse",
    "project", "return", "save", "scan", "sort", "sortlimit", "unique", "window",
];
const LEVELS: &[&str] = &["query", "child query", "stream", "segment", "step"];
const METHODS: &[&str] = &["get", "put", "list", "head", "delete", "post"];

/// Names of columns that tell one row of a view from another, in `needs`.
const SYS_ID: &[&str] = &["query_id"];
const STL_ID: &[&str] = &["query"];

/// Users are few, sessions of the SYS views carry large numbers, files are larger than a page, and their count is no size.
const MANY: i64 = 50_000;
const SIZE: i64 = 4_096;
const USER_ID: Field = whole("user_id").mostly(0, MANY);
const USERID: Field = whole("userid").mostly(0, MANY);
const SESSION_ID: Field = whole("session_id").mostly(1 << 28, i64::MAX);
const QUERY_ID: Field = whole("query_id");
const QUERY: Field = whole("query");

pub(super) static SYS_QUERY_HISTORY: View = View {
    name: "sys_query_history",
    needs: &[
        SYS_ID,
        &["elapsed_time", "execution_time", "query_text", "query_type", "status", "error_message"],
        &["start_time", "end_time", "query_text", "error_message"],
    ],
    columns: &[
        USER_ID,
        QUERY_ID,
        text("query_label"),
        whole("transaction_id"),
        SESSION_ID,
        text("database_name"),
        text("query_type"),
        word("status", STATUSES),
        flag("result_cache_hit"),
        moment("start_time"),
        moment("end_time"),
        micros("elapsed_time"),
        micros("queue_time"),
        micros("execution_time"),
        text("error_message"),
        whole("returned_rows"),
        whole("returned_bytes").mostly(SIZE, i64::MAX),
        statement("query_text"),
        text("redshift_version"),
        text("usage_limit"),
        word("compute_type", &["primary", "secondary", "primary-scale"]),
        micros("compile_time"),
        micros("planning_time"),
        micros("lock_wait_time"),
        whole("service_class_id"),
        text("service_class_name"),
        text("query_priority"),
        flag("short_query_accelerated"),
        text("user_query_hash"),
        text("generic_query_hash"),
        whole("query_hash_version"),
        whole("result_cache_query_id"),
        text("query_uuid"),
    ],
};

pub(super) static SYS_QUERY_DETAIL: View = View {
    name: "sys_query_detail",
    needs: &[SYS_ID, &["step_name", "step_id"], &["data_skewness", "time_skewness", "duration", "input_rows", "output_rows", "input_bytes"]],
    columns: &[
        USER_ID,
        QUERY_ID,
        whole("child_query_sequence").mostly(-1, MANY),
        whole("stream_id").mostly(-1, MANY),
        whole("segment_id").mostly(-1, MANY),
        whole("step_id").mostly(-1, MANY),
        word("step_name", STEPS),
        whole("table_id").mostly(MANY, i64::MAX),
        text("table_name"),
        flag("is_rrscan"),
        moment("start_time"),
        moment("end_time"),
        micros("duration"),
        text("alert"),
        whole("input_bytes").mostly(SIZE, i64::MAX),
        whole("input_rows"),
        whole("output_bytes").mostly(SIZE, i64::MAX),
        whole("output_rows"),
        whole("blocks_read"),
        whole("blocks_write"),
        whole("local_read_io"),
        whole("remote_read_io"),
        text("source"),
        real("data_skewness"),
        real("time_skewness"),
        flag("is_active"),
        mebibytes("spilled_block_local_disk"),
        mebibytes("spilled_block_remote_disk"),
        text("step_attribute"),
        word("metrics_level", LEVELS),
        whole("plan_parent_id"),
        whole("plan_node_id"),
    ],
};

pub(super) static SYS_LOAD_HISTORY: View = View {
    name: "sys_load_history",
    needs: &[SYS_ID, &["data_source", "source_file_count", "file_bytes_scanned", "loaded_bytes"], &["table_name", "data_source"]],
    columns: &[
        USER_ID,
        QUERY_ID,
        whole("transaction_id"),
        SESSION_ID,
        text("database_name"),
        word("status", LOAD_STATUSES),
        text("table_name"),
        moment("start_time"),
        moment("end_time"),
        micros("duration"),
        address("data_source"),
        word("file_format", FORMATS),
        whole("loaded_rows"),
        whole("loaded_bytes").mostly(SIZE, i64::MAX),
        whole("source_file_count").mostly(-1, MANY),
        whole("source_file_bytes").mostly(SIZE, i64::MAX),
        whole("file_count_scanned").mostly(-1, MANY),
        whole("file_bytes_scanned").mostly(SIZE, i64::MAX),
        whole("error_count"),
        whole("copy_job_id"),
    ],
};

pub(super) static SYS_LOAD_DETAIL: View = View {
    name: "sys_load_detail",
    needs: &[SYS_ID, &["file_name"], &["bytes_scanned", "splits_scanned", "lines_scanned", "record_time"]],
    columns: &[
        USER_ID,
        QUERY_ID,
        address("file_name").also(&["btrim"]),
        whole("bytes_scanned").mostly(SIZE, i64::MAX),
        whole("lines_scanned"),
        moment("record_time"),
        whole("splits_scanned").mostly(-1, MANY),
        moment("start_time"),
        moment("end_time"),
    ],
};

pub(super) static SYS_LOAD_ERROR_DETAIL: View = View {
    name: "sys_load_error_detail",
    needs: &[SYS_ID, &["error_message", "error_code"], &["column_name", "line_number", "file_name"]],
    columns: &[
        USER_ID,
        QUERY_ID,
        whole("transaction_id"),
        SESSION_ID,
        text("database_name"),
        whole("table_id").mostly(MANY, i64::MAX),
        moment("start_time"),
        address("file_name"),
        whole("line_number"),
        text("column_name"),
        text("column_type"),
        text("column_length"),
        whole("position"),
        whole("error_code"),
        text("error_message"),
    ],
};

pub(super) static SYS_EXTERNAL_QUERY_DETAIL: View = View {
    name: "sys_external_query_detail",
    needs: &[SYS_ID, &["scanned_files", "qualified_partitions", "total_partitions", "file_location"]],
    columns: &[
        USER_ID,
        QUERY_ID,
        whole("transaction_id"),
        whole("child_query_sequence").mostly(-1, MANY),
        whole("segment_id").mostly(-1, MANY),
        word("source_type", &["s3", "pg", "mysql"]),
        moment("start_time"),
        moment("end_time"),
        micros("duration"),
        whole("total_partitions"),
        whole("qualified_partitions"),
        whole("scanned_files"),
        whole("returned_rows"),
        whole("returned_bytes").mostly(SIZE, i64::MAX),
        word("file_format", FORMATS),
        address("file_location"),
        text("external_query_text"),
        text("warning_message"),
        text("table_name"),
        flag("is_recursive"),
        flag("is_nested"),
        // Milliseconds, alone among the durations of the SYS views.
        whole("s3list_time"),
        whole("get_partition_time"),
    ],
};

pub(super) static SYS_QUERY_TEXT: View = View {
    name: "sys_query_text",
    needs: &[SYS_ID, &["sequence"], &["text"]],
    columns: &[
        USER_ID,
        QUERY_ID,
        whole("transaction_id"),
        SESSION_ID,
        moment("start_time"),
        whole("sequence").mostly(0, 10_000),
        statement("text"),
    ],
};

pub(super) static STL_LOAD_ERRORS: View = View {
    name: "stl_load_errors",
    needs: &[&["query", "line_number"], &["err_reason", "err_code"]],
    columns: &[
        USERID,
        whole("slice").mostly(-1, MANY),
        whole("tbl").mostly(MANY, i64::MAX),
        moment("starttime"),
        whole("session"),
        QUERY,
        address("filename").also(&["file", "substring"]),
        whole("line_number").also(&["line"]),
        text("colname").also(&["column", "column_name"]),
        text("type").also(&["column_type"]),
        text("col_length"),
        whole("position").also(&["pos"]),
        text("raw_line").also(&["line_text"]),
        text("raw_field_value").also(&["field_text", "value"]),
        whole("err_code"),
        text("err_reason").also(&["reason", "error_reason", "error"]),
        flag("is_partial"),
        whole("start_offset"),
        whole("copy_job_id"),
        text("table_name").also(&["table"]),
    ],
};

pub(super) static STL_LOADERROR_DETAIL: View = View {
    name: "stl_loaderror_detail",
    needs: &[STL_ID, &["colname"], &["value"], &["field", "is_null"]],
    columns: &[
        USERID,
        whole("slice").mostly(-1, MANY),
        whole("session"),
        QUERY,
        address("filename"),
        whole("line_number"),
        whole("field"),
        text("colname"),
        text("value"),
        flag("is_null"),
        text("type"),
        text("col_length"),
    ],
};

pub(super) static STL_LOAD_COMMITS: View = View {
    name: "stl_load_commits",
    needs: &[STL_ID, &["filename"], &["curtime", "lines_scanned", "status", "start_offset"]],
    columns: &[
        USERID,
        QUERY,
        whole("slice").mostly(-1, MANY),
        text("name"),
        address("filename").also(&["file", "btrim"]),
        whole("byte_offset"),
        whole("lines_scanned"),
        whole("errors"),
        moment("curtime").also(&["updated"]),
        whole("status"),
        word("file_format", FORMATS),
        flag("is_partial"),
        whole("start_offset"),
        whole("copy_job_id"),
    ],
};

/// In no documentation: load commits joined with sizes and the statement.
pub(super) static STL_LOAD_INFO: View = View {
    name: "stl_load_info",
    needs: &[STL_ID, &["filename"], &["transfer_size", "data_size", "querytxt"]],
    columns: &[
        USERID,
        QUERY,
        whole("slice").mostly(-1, MANY),
        address("filename"),
        whole("lines_scanned"),
        moment("curtime"),
        word("file_format", FORMATS),
        flag("is_partial"),
        whole("start_offset"),
        whole("transfer_size").mostly(SIZE, i64::MAX),
        whole("data_size").mostly(SIZE, i64::MAX),
        moment("starttime"),
        moment("endtime"),
        statement("querytxt"),
        whole("xid"),
        text("database"),
        whole("aborted"),
    ],
};

pub(super) static STL_FILE_SCAN: View = View {
    name: "stl_file_scan",
    needs: &[STL_ID, &["name"], &["loadtime", "bytes", "lines"]],
    columns: &[
        USERID,
        QUERY,
        whole("slice").mostly(-1, MANY),
        address("name"),
        whole("lines"),
        whole("bytes").mostly(SIZE, i64::MAX),
        micros("loadtime"),
        moment("curtime"),
        flag("is_partial"),
        whole("start_offset"),
    ],
};

pub(super) static STL_S3CLIENT: View = View {
    name: "stl_s3client",
    needs: &[STL_ID, &["key"], &["transfer_size", "data_size"]],
    columns: &[
        USERID,
        QUERY,
        whole("slice").mostly(-1, MANY),
        moment("recordtime"),
        whole("pid"),
        word("http_method", METHODS),
        text("bucket"),
        address("key"),
        whole("transfer_size").mostly(SIZE, i64::MAX),
        whole("data_size").mostly(SIZE, i64::MAX),
        moment_2000("start_time"),
        moment_2000("end_time"),
        micros("transfer_time"),
        micros("compression_time"),
        micros("connect_time"),
        micros("app_connect_time"),
        whole("retries").mostly(-1, MANY),
        text("request_id"),
        text("extended_request_id"),
        text("ip_address"),
        flag("is_partial"),
        whole("start_offset"),
    ],
};

pub(super) static STL_S3CLIENT_ERROR: View = View {
    name: "stl_s3client_error",
    needs: &[STL_ID, &["key"], &["error"]],
    columns: &[
        USERID,
        QUERY,
        whole("sliceid"),
        moment("recordtime"),
        whole("pid"),
        word("http_method", METHODS),
        text("bucket"),
        address("key"),
        text("error"),
        flag("is_partial"),
        whole("start_offset"),
    ],
};

pub(super) static STL_QUERY: View = View {
    name: "stl_query",
    needs: &[STL_ID, &["querytxt"]],
    columns: &[
        USERID,
        QUERY,
        text("label"),
        whole("xid"),
        whole("pid"),
        text("database"),
        statement("querytxt"),
        moment("starttime"),
        moment("endtime"),
        flag("aborted"),
        whole("insert_pristine"),
        whole("concurrency_scaling_status"),
    ],
};

pub(super) static STV_SLICES: View = View {
    name: "stv_slices",
    needs: &[&["node"], &["slice"]],
    columns: &[whole("node"), whole("slice").mostly(-1, MANY), whole("localslice"), word("type", &["d", "c"])],
};

pub(super) static SVV_TABLE_INFO: View = View {
    name: "svv_table_info",
    needs: &[&["table"], &["tbl_rows", "skew_rows", "pct_used"]],
    columns: &[
        text("database"),
        text("schema"),
        whole("table_id").mostly(MANY, i64::MAX),
        text("table").also(&["tablename", "table_name"]),
        word("encoded", &["y", "n"]),
        word("diststyle", &["even", "all", "key", "auto"]),
        text("sortkey1"),
        whole("max_varchar"),
        text("sortkey1_enc"),
        whole("sortkey_num"),
        mebibytes("size"),
        real("pct_used"),
        whole("empty"),
        real("unsorted"),
        real("stats_off"),
        whole("tbl_rows"),
        real("skew_sortkey1"),
        real("skew_rows"),
        whole("estimated_visible_rows"),
        text("risk_event"),
        real("vacuum_sort_benefit"),
        moment("create_time"),
    ],
};
