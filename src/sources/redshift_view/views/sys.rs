//! `SYS_*`: provisioned clusters and serverless workgroups; durations in microseconds.

use super::{CODES, FORMATS, MANY, SIZE, TYPES};
use crate::records::tabular::view::{Field, View, address, amount, flag, mebibytes, micros, moment, real, statement, text, whole, word};

const STATUSES: &[&str] = &["planning", "queued", "running", "returning", "failed", "canceled", "success"];
const LOAD_STATUSES: &[&str] = &["running", "completed", "aborted"];
const STEPS: &[&str] = &[
    "aggregate",
    "broadcast",
    "delete",
    "distribute",
    "hash",
    "hashjoin",
    "insert",
    "limit",
    "merge",
    "mergejoin",
    "nestloop",
    "parse",
    "project",
    "return",
    "save",
    "scan",
    "sort",
    "sortlimit",
    "unique",
    "window",
];
const LEVELS: &[&str] = &["query", "child query", "stream", "segment", "step"];

const ID: &[&str] = &["query_id"];
const QUERY_ID: Field = whole("query_id");
const USER_ID: Field = whole("user_id").mostly(0, MANY);
/// Sessions of these views carry large numbers.
const SESSION_ID: Field = whole("session_id").mostly(1 << 28, i64::MAX);

pub(in super::super) static SYS_QUERY_HISTORY: View = View {
    name: "sys_query_history",
    needs: &[
        ID,
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
        amount("returned_rows"),
        amount("returned_bytes").mostly(SIZE, i64::MAX),
        statement("query_text"),
        text("redshift_version"),
        text("usage_limit"),
        word("compute_type", &["primary", "secondary", "primary-scale"]),
        micros("compile_time"),
        micros("planning_time"),
        micros("lock_wait_time"),
        whole("service_class_id").mostly(1, 200),
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

pub(in super::super) static SYS_QUERY_DETAIL: View = View {
    name: "sys_query_detail",
    needs: &[ID, &["step_name", "step_id"], &["data_skewness", "time_skewness", "duration", "input_rows", "output_rows", "input_bytes"]],
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
        amount("input_bytes").mostly(SIZE, i64::MAX),
        amount("input_rows"),
        amount("output_bytes").mostly(SIZE, i64::MAX),
        amount("output_rows"),
        amount("blocks_read"),
        amount("blocks_write"),
        amount("local_read_io"),
        amount("remote_read_io"),
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

pub(in super::super) static SYS_LOAD_HISTORY: View = View {
    name: "sys_load_history",
    needs: &[ID, &["data_source", "source_file_count", "file_bytes_scanned", "loaded_bytes"], &["table_name", "data_source"]],
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
        amount("loaded_rows"),
        amount("loaded_bytes").mostly(SIZE, i64::MAX),
        amount("source_file_count").mostly(-1, MANY),
        amount("source_file_bytes").mostly(SIZE, i64::MAX),
        amount("file_count_scanned").mostly(-1, MANY),
        amount("file_bytes_scanned").mostly(SIZE, i64::MAX),
        amount("error_count"),
        whole("copy_job_id"),
    ],
};

pub(in super::super) static SYS_LOAD_DETAIL: View = View {
    name: "sys_load_detail",
    needs: &[ID, &["file_name"], &["bytes_scanned", "splits_scanned", "lines_scanned", "record_time"]],
    columns: &[
        USER_ID,
        QUERY_ID,
        address("file_name").also(&["btrim"]),
        amount("bytes_scanned").mostly(SIZE, i64::MAX),
        amount("lines_scanned"),
        moment("record_time"),
        amount("splits_scanned").mostly(-1, MANY),
        moment("start_time"),
        moment("end_time"),
    ],
};

pub(in super::super) static SYS_LOAD_ERROR_DETAIL: View = View {
    name: "sys_load_error_detail",
    needs: &[ID, &["error_message", "error_code"], &["column_name", "line_number", "file_name"]],
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
        word("column_type", TYPES),
        text("column_length"),
        whole("position").mostly(-1, CODES.0),
        whole("error_code").mostly(CODES.0, CODES.1),
        text("error_message"),
    ],
};

pub(in super::super) static SYS_EXTERNAL_QUERY_DETAIL: View = View {
    name: "sys_external_query_detail",
    needs: &[ID, &["scanned_files", "qualified_partitions", "total_partitions", "file_location"]],
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
        amount("total_partitions"),
        amount("qualified_partitions"),
        amount("scanned_files"),
        amount("returned_rows"),
        amount("returned_bytes").mostly(SIZE, i64::MAX),
        word("file_format", FORMATS),
        address("file_location"),
        text("external_query_text"),
        text("warning_message"),
        text("table_name"),
        flag("is_recursive"),
        flag("is_nested"),
        // Milliseconds, alone among the durations of the SYS views.
        amount("s3list_time"),
        amount("get_partition_time"),
    ],
};

pub(in super::super) static SYS_QUERY_TEXT: View = View {
    name: "sys_query_text",
    needs: &[ID, &["sequence"], &["text"]],
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
