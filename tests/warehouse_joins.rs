//! What several dumps tell together: a task's log and the system views about one load.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use serde_json::Value;

const LOG: &str = "[2026-08-01T02:00:00.000+0000] {taskinstance.py:2306} INFO - Starting attempt 1 of 2\n\
[2026-08-01T02:00:00.100+0000] {taskinstance.py:2330} INFO - Executing <Task(S3ToRedshiftOperator): copy_sales> on 2026-07-31 02:00:00+00:00\n\
[2026-08-01T02:00:01.000+0000] {sql.py:375} INFO - Running statement: \n            COPY core.sales\n            FROM 's3://b/sales/dt=2026-08-01/'\n            credentials\n            'aws_iam_role=arn:aws:iam::1:role/r'\n            csv gzip;\n        , parameters: None\n";

const FAILED: &str = "[2026-08-01T02:00:09.000+0000] {taskinstance.py:3310} ERROR - Task failed with exception\nTraceback (most recent call last):\n  File \"redshift.py\", line 1, in execute\npsycopg2.errors.InternalError_: Load into table 'sales' failed.  Check 'sys_load_error_detail' system table for details.\n[2026-08-01T02:00:09.100+0000] {taskinstance.py:1225} INFO - Marking task as UP_FOR_RETRY. dag_id=nightly, task_id=copy_sales, run_id=scheduled__2026-07-31T02:00:00+00:00, execution_date=20260731T020000, start_date=20260801T020000, end_date=20260801T020009\n";

const ENDED: &str = "[2026-08-01T02:08:09.000+0000] {taskinstance.py:1225} INFO - Marking task as SUCCESS. dag_id=nightly, task_id=copy_sales, run_id=scheduled__2026-07-31T02:00:00+00:00, execution_date=20260731T020000, start_date=20260801T020000, end_date=20260801T020809\n";

const HISTORY: &str =
    "query_id,status,table_name,start_time,duration,data_source,file_format,source_file_count,source_file_bytes,error_count\n";

/// The path under which an Airflow worker keeps the log of a try.
const TASK_LOG: &str = "dag_id=nightly/run_id=scheduled__2026-07-31T02:00:00+00:00/task_id=copy_sales/attempt=1.log";

fn findings(log: &str, exports: &[(&str, String)]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(TASK_LOG);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, log).unwrap();
    for (name, text) in exports {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let report = common::json(&common::analyze(&[folder.path()]));
    report["findings"].as_array().unwrap().clone()
}

fn of<'a>(found: &'a [Value], detector: &str) -> Vec<&'a Value> {
    found.iter().filter(|it| it["detector"] == detector).collect()
}

#[test]
fn a_slow_load_names_the_task_that_ran_it() {
    let history = format!("{HISTORY}7,completed,sales,2026-08-01 02:00:02,480000000,s3://b/sales/dt=2026-08-01/,csv,1,9000000000,0\n");
    let queries = "query_id,query_type,status,start_time,query_text\n7,COPY,success,2026-08-01 02:00:02,copy core.sales from 's3://b/sales/dt=2026-08-01/' csv gzip\n".to_owned();
    let found = findings(&format!("{LOG}{ENDED}"), &[("history.csv", history), ("queries.csv", queries)]);
    let slow = of(&found, "single-file-copy");
    let instance = &slow[0]["instances"][0];
    assert_eq!((&instance["query_id"], &instance["dag_id"], &instance["task_id"]), (&"7".into(), &"nightly".into(), &"copy_sales".into()));
}

#[test]
fn a_failed_load_is_told_once_and_names_its_task() {
    let history = format!("{HISTORY}7,aborted,sales,2026-08-01 02:00:02,6000000,s3://b/sales/dt=2026-08-01/,csv,1,9000000000,0\n");
    let errors = "query_id,table_id,start_time,file_name,line_number,column_name,column_type,column_length,position,error_code,error_message\n7,77,2026-08-01 02:00:05,s3://b/sales/dt=2026-08-01/x.gz,3,qty,int4,,3,1207,\"Invalid digit, Value 'a', Pos 0, Type: Integer\"\n".to_owned();
    let found = findings(&format!("{LOG}{FAILED}"), &[("history.csv", history), ("errors.csv", errors)]);
    let failed = of(&found, "load-errors");
    assert_eq!(failed.len(), 1, "{failed:?}");
    let instance = &failed[0]["instances"][0];
    assert_eq!((&instance["query_id"], &instance["task_id"], &instance["try_number"]), (&"7".into(), &"copy_sales".into(), &1.into()));
    assert_eq!((&failed[0]["facts"]["column"], &failed[0]["facts"]["rows"]), (&"qty".into(), &1.into()));
}

#[test]
fn without_error_rows_the_log_stands_for_itself() {
    let found = findings(&format!("{LOG}{FAILED}"), &[]);
    let failed = of(&found, "load-errors");
    assert_eq!(
        (failed.len(), &failed[0]["facts"]["table"], &failed[0]["instances"][0]["task_id"]),
        (1, &"sales".into(), &"copy_sales".into())
    );
}

#[test]
fn a_scan_tells_of_a_location_that_no_listing_does() {
    let scans = |files: i64| {
        let text = format!(
            "query_id,child_query_sequence,segment_id,source_type,start_time,end_time,duration,total_partitions,qualified_partitions,scanned_files,returned_rows,returned_bytes,file_format,file_location,table_name,s3list_time,get_partition_time\n9,0,0,S3,2026-08-01 03:00:00,2026-08-01 03:00:20,20000000,10,10,{files},5,90000000,Parquet,s3://b/lake/visits/,spectrum.visits,590,20\n"
        );
        findings("", &[("scans.csv", text)])
    };
    let found = scans(1_000);
    let told = of(&found, "small-files");
    assert_eq!((told.len(), &told[0]["severity"], &told[0]["facts"]["kind"]), (1, &"low".into(), &"reducible".into()));
    assert!(of(&scans(99), "small-files").is_empty());
    assert!(of(&scans(109), "small-files").is_empty(), "99 could go");
    assert_eq!(of(&scans(110), "small-files").len(), 1);
}

#[test]
fn requests_to_s3_that_failed_are_told_of_their_statement() {
    let from = "s3://b/sales/dt=2026-08-01/";
    let history = format!("{HISTORY}7,completed,sales,2026-08-01 02:00:02,480000000,{from},csv,1,9000000000,0\n");
    let copy = format!("copy core.sales from '{from}' iam_role 'arn:aws:iam::1:role/r' csv gzip");
    let queries =
        format!("query_id,transaction_id,query_type,status,start_time,query_text\n7,70,COPY,success,2026-08-01 02:00:02,{copy}\n");
    let of_stl = format!("query,xid,querytxt,starttime,endtime,aborted\n900,70,{copy},2026-08-01 02:00:02,2026-08-01 02:08:02,0\n");
    let requests = |errors: &[&str]| {
        let row = |it: &&str| format!("900,2,2026-08-01 02:01:00,GET,b,sales/dt=2026-08-01/x.gz,\"{it}\"\n");
        let rows: String = errors.iter().map(row).collect();
        format!("query,sliceid,recordtime,http_method,bucket,key,error\n{rows}")
    };
    let told = |errors: &[&str]| {
        let exports =
            [("history.csv", history.clone()), ("queries.csv", queries.clone()), ("stl.csv", of_stl.clone()), ("s3.csv", requests(errors))];
        findings("", &exports)
    };
    let throttled = told(&[
        "transfer closed with 1947655 bytes remaining to read",
        "S3ServiceException:Please reduce your request rate.,Status 503,Error SlowDown,Rid A",
    ]);
    let caveats = of(&throttled, "single-file-copy")[0]["caveats"].to_string();
    assert!(caveats.contains("failed 2 times (1 of them throttled)"), "{caveats}");
    assert!(of(&throttled, "access-denied").is_empty());
    let denied = "S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid B,ExtRid x";
    let refused = told(&[denied, denied]);
    let refusal = of(&refused, "access-denied");
    assert_eq!((refusal.len(), &refusal[0]["instance_count"]), (1, &1.into()), "{refusal:?}");
    let facts = &refusal[0]["facts"];
    assert_eq!((&facts["role"], &facts["action"]), (&"arn:aws:iam::1:role/r".into(), &"s3:GetObject".into()));
    assert_eq!(refusal[0]["instances"][0]["resource"], "s3://b/sales/dt=2026-08-01/x.gz");
    assert_eq!(refusal[0]["instances"][0]["query_id"], "7", "by its SYS id");
}

#[test]
fn a_load_that_still_runs_shows_which_slice_has_it_all() {
    let look = |rows: &[(i64, i64)]| {
        let rows: Vec<String> = rows.iter().map(|(slice, bytes)| format!("900,{slice},2026-08-01 02:01:00,{bytes},1\n")).collect();
        findings("", &[("state.csv", format!("query,slice,recordtime,bytes_to_load,bytes_loaded\n{}", rows.concat()))])
    };
    let gib = 1 << 30;
    let found = look(&[(0, gib), (1, gib), (2, gib), (3, 40 * gib)]);
    let skew = of(&found, "partition-skew");
    assert_eq!((skew.len(), &skew[0]["facts"]["scope"]), (1, &"copy-slices".into()));
    assert_eq!((&skew[0]["facts"]["top"][0]["partition"], &skew[0]["subject"]["id"]), (&"slice 3".into(), &"query 900".into()));
    assert!(look(&[(0, gib), (1, gib), (2, gib), (3, gib)]).is_empty());
}
