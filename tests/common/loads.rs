//! Loads as system views export them.

use std::fmt::Write as _;

/// One load as `SYS_LOAD_HISTORY`, `SYS_LOAD_DETAIL` and `SYS_QUERY_HISTORY` export it.
#[derive(Clone)]
pub(crate) struct Load<'a> {
    pub(crate) table: &'a str,
    pub(crate) options: &'a str,
    pub(crate) format: &'a str,
    pub(crate) sizes: Vec<i64>,
    pub(crate) splits: i64,
    pub(crate) seconds: f64,
    pub(crate) day: u32,
    pub(crate) job: i64,
    pub(crate) status: &'a str,
    pub(crate) errors: i64,
}

/// A load of gzip files that took this long.
pub(crate) fn load(sizes: Vec<i64>, seconds: f64) -> Load<'static> {
    Load { table: "sales", options: "csv gzip", format: "csv", sizes, splits: 1, seconds, day: 1, job: 0, status: "completed", errors: 0 }
}

/// The exports of some loads, on a cluster with four slices a node; the slices stand last.
pub(crate) fn exports(loads: &[Load<'_>], slices: i64) -> Vec<(&'static str, String)> {
    let mut history = "query_id,transaction_id,status,table_name,start_time,end_time,duration,data_source,file_format,loaded_rows,loaded_bytes,source_file_count,source_file_bytes,error_count,copy_job_id\n".to_owned();
    let mut detail = "query_id,file_name,bytes_scanned,lines_scanned,splits_scanned,record_time\n".to_owned();
    let mut queries =
        "query_id,transaction_id,database_name,query_type,status,start_time,end_time,elapsed_time,error_message,query_text\n".to_owned();
    for (at, it) in loads.iter().enumerate() {
        let (id, day) = (1000 + at, it.day);
        let from = format!("s3://b/{}/dt=2026-08-{day:02}/", it.table);
        let start = format!("2026-08-{day:02} {:02}:{:02}:00.5", at / 60 % 24, at % 60);
        let micros = format!("{:.0}", it.seconds * 1e6);
        let (count, bytes) = (it.sizes.len(), it.sizes.iter().sum::<i64>());
        let Load { table, format, status, errors, job, .. } = it;
        writeln!(history, "{id},{id},{status},{table},{start},,{micros},{from},{format},10,10,{count},{bytes},{errors},{job}").unwrap();
        for (file, size) in it.sizes.iter().enumerate() {
            writeln!(detail, "{id},{from}part-{file:05}.gz,{size},10,{},{start}", it.splits).unwrap();
        }
        let text = format!("copy core.{table} from '{from}' iam_role 'arn:aws:iam::1:role/r' {}", it.options);
        writeln!(queries, "{id},{id},dev,COPY,success,{start},,{micros},,\"{text}\"").unwrap();
    }
    let mut of_cluster = "node,slice,localslice,type\n".to_owned();
    for slice in 0..slices {
        writeln!(of_cluster, "{},{slice},{},D", slice / 4, slice % 4).unwrap();
    }
    vec![("history.csv", history), ("detail.csv", detail), ("queries.csv", queries), ("slices.csv", of_cluster)]
}
