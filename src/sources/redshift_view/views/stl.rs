//! `STL_*`, `STV_*` and `SVV_TABLE_INFO`: query ids of their own, one row a slice.

use super::{CODES, FORMATS, MANY, SIZE, TYPES};
use crate::records::tabular::view::{
    Field, View, address, amount, flag, mebibytes, micros, moment, moment_2000, real, statement, text, whole, word,
};

const METHODS: &[&str] = &["get", "put", "list", "head", "delete", "post"];

const ID: &[&str] = &["query"];
const QUERY: Field = whole("query");
const USERID: Field = whole("userid").mostly(0, MANY);

pub(in super::super) static STL_LOAD_ERRORS: View = View {
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
        word("type", TYPES).also(&["column_type"]),
        text("col_length"),
        whole("position").mostly(-1, CODES.0).also(&["pos"]),
        text("raw_line").also(&["line_text"]),
        text("raw_field_value").also(&["field_text", "value"]),
        whole("err_code").mostly(CODES.0, CODES.1),
        text("err_reason").also(&["reason", "error_reason", "error"]),
        flag("is_partial"),
        amount("start_offset"),
        whole("copy_job_id"),
        text("table_name").also(&["table"]),
    ],
};

pub(in super::super) static STL_LOADERROR_DETAIL: View = View {
    name: "stl_loaderror_detail",
    needs: &[ID, &["colname"], &["value"], &["field", "is_null"]],
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
        word("type", TYPES),
        text("col_length"),
    ],
};

pub(in super::super) static STL_LOAD_COMMITS: View = View {
    name: "stl_load_commits",
    needs: &[ID, &["filename"], &["curtime", "lines_scanned", "status", "start_offset"]],
    columns: &[
        USERID,
        QUERY,
        whole("slice").mostly(-1, MANY),
        text("name"),
        address("filename").also(&["file", "btrim"]),
        amount("byte_offset"),
        amount("lines_scanned"),
        amount("errors"),
        moment("curtime").also(&["updated"]),
        whole("status"),
        word("file_format", FORMATS),
        flag("is_partial"),
        amount("start_offset"),
        whole("copy_job_id"),
    ],
};

/// In no documentation: load commits joined with sizes and the statement.
pub(in super::super) static STL_LOAD_INFO: View = View {
    name: "stl_load_info",
    needs: &[ID, &["filename"], &["transfer_size", "data_size", "querytxt"]],
    columns: &[
        USERID,
        QUERY,
        whole("slice").mostly(-1, MANY),
        address("filename"),
        amount("lines_scanned"),
        moment("curtime"),
        word("file_format", FORMATS),
        flag("is_partial"),
        amount("start_offset"),
        amount("transfer_size").mostly(SIZE, i64::MAX),
        amount("data_size").mostly(SIZE, i64::MAX),
        moment("starttime"),
        moment("endtime"),
        statement("querytxt"),
        whole("xid"),
        text("database"),
        whole("aborted"),
    ],
};

pub(in super::super) static STL_FILE_SCAN: View = View {
    name: "stl_file_scan",
    needs: &[ID, &["name"], &["loadtime", "bytes", "lines"]],
    columns: &[
        USERID,
        QUERY,
        whole("slice").mostly(-1, MANY),
        address("name"),
        amount("lines"),
        amount("bytes").mostly(SIZE, i64::MAX),
        micros("loadtime"),
        moment("curtime"),
        flag("is_partial"),
        amount("start_offset"),
    ],
};

pub(in super::super) static STL_S3CLIENT: View = View {
    name: "stl_s3client",
    needs: &[ID, &["key"], &["transfer_size", "data_size"]],
    columns: &[
        USERID,
        QUERY,
        whole("slice").mostly(-1, MANY),
        moment("recordtime"),
        whole("pid"),
        word("http_method", METHODS),
        text("bucket"),
        address("key"),
        amount("transfer_size").mostly(SIZE, i64::MAX),
        amount("data_size").mostly(SIZE, i64::MAX),
        moment_2000("start_time"),
        moment_2000("end_time"),
        micros("transfer_time"),
        micros("compression_time"),
        micros("connect_time"),
        micros("app_connect_time"),
        amount("retries").mostly(-1, MANY),
        text("request_id"),
        text("extended_request_id"),
        text("ip_address"),
        flag("is_partial"),
        amount("start_offset"),
    ],
};

pub(in super::super) static STL_S3CLIENT_ERROR: View = View {
    name: "stl_s3client_error",
    needs: &[ID, &["key"], &["error"]],
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
        amount("start_offset"),
    ],
};

pub(in super::super) static STL_QUERY: View = View {
    name: "stl_query",
    needs: &[ID, &["querytxt"]],
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

pub(in super::super) static STV_SLICES: View = View {
    name: "stv_slices",
    needs: &[&["node"], &["slice"]],
    columns: &[whole("node"), whole("slice").mostly(-1, MANY), whole("localslice"), word("type", &["d", "c"])],
};

/// One look at the loads that run.
pub(in super::super) static STV_LOAD_STATE: View = View {
    name: "stv_load_state",
    needs: &[&["slice"], &["bytes_to_load", "bytes_to_load_compressed"], &["bytes_loaded", "bytes_loaded_compressed", "pct_complete"]],
    columns: &[
        USERID,
        whole("session"),
        QUERY,
        whole("slice").mostly(-1, MANY),
        whole("pid"),
        moment("recordtime"),
        amount("bytes_to_load").mostly(SIZE, i64::MAX),
        amount("bytes_loaded"),
        amount("bytes_to_load_compressed").mostly(SIZE, i64::MAX),
        amount("bytes_loaded_compressed"),
        amount("lines"),
        amount("num_files").mostly(-1, MANY),
        amount("num_files_complete").mostly(-1, MANY),
        address("current_file"),
        real("pct_complete"),
    ],
};

pub(in super::super) static SVV_TABLE_INFO: View = View {
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
        amount("max_varchar"),
        text("sortkey1_enc"),
        whole("sortkey_num"),
        mebibytes("size"),
        real("pct_used"),
        amount("empty"),
        real("unsorted"),
        real("stats_off"),
        amount("tbl_rows"),
        real("skew_sortkey1"),
        real("skew_rows"),
        amount("estimated_visible_rows"),
        text("risk_event"),
        real("vacuum_sort_benefit"),
        moment("create_time"),
    ],
};
