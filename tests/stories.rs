//! Whole cases: everything that was saved of one night, and one report that tells its story.
//!
//! `night`: a task may not write its clicks to S3. A sensor waits for them until it times out, a COPY finds no files, an Athena query
//! no table. Beside that, a task fails once and then goes well, two COPYs read one large file each, and one leaves out rows.
//! `mapped`: of twenty vendors one sends most of the data, and nineteen mapped tasks wait for the one that reads it.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

const NIGHT: &str = "fixtures/stories/night";
const MAPPED: &str = "fixtures/stories/mapped";
const RUN: &str = "scheduled__2026-08-13T01:00:00+00:00";

fn story(folder: &str) -> Value {
    common::json(&common::analyze(&[Path::new(folder)]))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// The night with some words of some files changed.
fn changed(changes: &[(&str, &str, &str)]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let mut made = 0;
    for path in files(Path::new(NIGHT)) {
        let name = path.strip_prefix(NIGHT).unwrap();
        let mut text = fs::read_to_string(&path).unwrap();
        for (_, from, to) in changes.iter().filter(|it| name.to_string_lossy().contains(it.0)) {
            assert!(text.contains(from), "{} does not hold {from}", name.display());
            text = text.replace(from, to);
            made += 1;
        }
        let copy = folder.path().join(name);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::write(copy, text).unwrap();
    }
    assert_eq!(made, changes.len(), "every change is made in one file");
    common::json(&common::analyze(&[folder.path()]))
}

/// Which task ran a load, by the findings about it.
fn ran(report: &Value, query_id: &str) -> Vec<Value> {
    let instances = report["findings"].as_array().unwrap().iter().flat_map(|it| it["instances"].as_array().unwrap());
    instances.filter(|it| it["query_id"] == query_id).map(|it| it["task_id"].clone()).collect()
}

/// The kind of each input, those of the task logs counted.
fn kinds(report: &Value, folder: &str) -> BTreeMap<(String, String), usize> {
    let mut kinds = BTreeMap::new();
    for input in report["inputs"].as_array().unwrap() {
        let path = input["path"].as_str().unwrap().strip_prefix(folder).unwrap();
        let name = if path.contains("attempt=") { "a task log" } else { path.trim_start_matches('/') };
        *kinds.entry((name.to_owned(), input["kind"].as_str().unwrap().to_owned())).or_default() += 1;
        assert_eq!((&input["complete"], &input["skipped"]), (&true.into(), &json!([])), "{path}");
        assert!(input["parsed"].as_u64().unwrap() > 0 && input["parsed"] == input["records"], "{path}");
    }
    kinds
}

fn kind(name: &str, kind: &str, count: usize) -> ((String, String), usize) {
    ((name.to_owned(), kind.to_owned()), count)
}

#[test]
fn every_input_of_the_night_is_read_whole() {
    let report = story(NIGHT);
    let expected = BTreeMap::from([
        kind("a task log", "airflow-log", 10),
        kind("airflow/scheduler.log", "airflow-log", 1),
        kind("athena/batch-get-query-execution.json", "athena-executions", 1),
        kind("redshift/stl_query.csv", "redshift-view", 1),
        kind("redshift/stv_slices.csv", "redshift-view", 1),
        kind("redshift/sys_load_detail.csv", "redshift-view", 1),
        kind("redshift/sys_load_error_detail.csv", "redshift-view", 1),
        kind("redshift/sys_load_history.csv", "redshift-view", 1),
        kind("redshift/sys_query_history.csv", "redshift-view", 1),
        kind("s3/shop-raw.ls.txt", "s3-ls", 1),
    ]);
    assert_eq!(kinds(&report, NIGHT), expected);
    assert_eq!(report["summary"]["complete"], true);
}

#[test]
fn people_read_which_task_ran_a_load() {
    let report = story(NIGHT);
    let told = |id: &str| {
        let finding = report["findings"].as_array().unwrap().iter().find(|it| it["finding_id"] == id).unwrap();
        finding["explanation"].as_str().unwrap().to_owned()
    };
    assert!(told("f1:63e9c78a35848cb1").ends_with("Run by shop_nightly.copy_orders."));
    assert!(told("f1:0160c2e9697f2d9f").ends_with("Run by shop_nightly.copy_stock."));
}

#[test]
fn the_night_is_told_and_nothing_else() {
    let report = story(NIGHT);
    let told: Vec<[&Value; 4]> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| [&it["finding_id"], &it["detector"], &it["severity"], &it["subject"]["id"]])
        .collect();
    assert_eq!(
        json!(told),
        json!([
            ["f1:63e9c78a35848cb1", "single-file-copy", "critical", "sales.orders"],
            ["f1:0160c2e9697f2d9f", "single-file-copy", "critical", "ops.stock"],
            ["f1:c851e2068f1232d2", "access-denied", "high", "arn:aws:iam::123456789012:role/shop-mwaa-execution"],
            ["f1:1742ec1a93eb14a9", "load-errors", "high", "sales.payments"],
        ])
    );
    let facts = |at: usize, keys: &[&str]| json!(keys.iter().map(|it| &report["findings"][at]["facts"][it]).collect::<Vec<_>>());
    let shape = ["files", "units", "slices", "bytes", "duration_seconds", "recommended_files"];
    assert_eq!(facts(0, &shape), json!([1, 1, 16, 9_858_711_552_i64, 696.687, 48]));
    assert_eq!(facts(1, &shape), json!([1, 1, 16, 3_323_985_920_i64, 520.687, 16]));
    assert_eq!(facts(2, &["action", "resource", "denied_by"]), json!(["s3:PutObject", "arn:aws:s3:::shop-raw/clicks/*", "identity-based"]));
    assert_eq!(facts(3, &["table", "column", "error_code", "rows", "absorbed", "files"]), json!(["payments", "amount", 1_207, 3, 3, 2]));
    let verdicts: Vec<[&Value; 2]> = report["verdicts"].as_array().unwrap().iter().map(|it| [&it["detector"], &it["verdict"]]).collect();
    assert_eq!(
        json!(verdicts),
        json!([
            ["single-file-copy", "findings"],
            ["load-errors", "findings"],
            ["small-files", "clean"],
            ["partition-skew", "clean"],
            ["access-denied", "findings"],
            ["stuck-queued", "clean"],
        ])
    );
}

#[test]
fn the_first_fault_is_told_from_its_effects() {
    let report = story(NIGHT);
    let fault = &report["first_fault"];
    assert_eq!((&fault["finding_id"], &fault["timestamp"]), (&"f1:c851e2068f1232d2".into(), &"2026-08-14T01:00:14.377Z".into()));
    let then: Vec<(&str, &str)> = fault["then"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["timestamp"].as_str().unwrap(), it["what"].as_str().unwrap().split(':').next().unwrap()))
        .collect();
    assert_eq!(
        then,
        [
            ("2026-08-14T01:30:07.027Z", "shop_nightly.wait_for_clicks"),
            ("2026-08-14T01:30:14.222Z", "shop_nightly.copy_clicks"),
            ("2026-08-14T01:30:26.883Z", "shop_nightly.report_clicks"),
        ]
    );
    // What a second try made good failed before all of them, and comes last.
    let failed: Vec<[&Value; 3]> =
        report["failed_tries"].as_array().unwrap().iter().map(|it| [&it["task_id"], &it["recovered"], &it["first_seen"]]).collect();
    assert_eq!(
        json!(failed),
        json!([
            ["wait_for_clicks", false, "2026-08-14T01:30:07.027Z"],
            ["copy_clicks", false, "2026-08-14T01:30:14.222Z"],
            ["report_clicks", false, "2026-08-14T01:30:26.883Z"],
            ["fetch_rates", true, "2026-08-14T01:00:06.932Z"],
        ])
    );
}

#[test]
fn a_failure_that_was_not_made_good_is_the_first_fault() {
    let report = changed(&[
        ("task_id=fetch_rates/attempt=2", "Marking task as SUCCESS", "Marking task as FAILED"),
        (
            "scheduler.log",
            "task_id=fetch_rates, run_id=scheduled__2026-08-13T01:00:00+00:00, map_index=-1, run_start_date=2026-08-14 01:05:08.105000+00:00, run_end_date=2026-08-14 01:05:09.911000+00:00, run_duration=1.806, state=success",
            "task_id=fetch_rates, run_id=scheduled__2026-08-13T01:00:00+00:00, map_index=-1, run_start_date=2026-08-14 01:05:08.105000+00:00, run_end_date=2026-08-14 01:05:09.911000+00:00, run_duration=1.806, state=failed",
        ),
    ]);
    let fault = &report["first_fault"];
    assert_eq!((&fault["finding_id"], &fault["timestamp"]), (&Value::Null, &"2026-08-14T01:00:06.932Z".into()));
    assert_eq!(fault["then"][0]["finding_id"], "f1:c851e2068f1232d2");
}

#[test]
fn people_read_the_first_fault_and_what_followed() {
    let report = common::analyze(&[Path::new(NIGHT)]);
    for format in ["text", "md"] {
        let printed = common::printed(&report, format).replace('\\', "");
        let at = |words: &str| printed.find(words).unwrap();
        let order = ["is refused s3:PutObject", "wait_for_clicks", "copy_clicks", "report_clicks", "sales.orders"].map(at);
        assert!(order.is_sorted(), "{format}: {order:?}");
    }
}

#[test]
fn every_load_of_the_night_names_its_try() {
    let report = story(NIGHT);
    for (finding, query_id, task) in [
        ("sales.orders", "55012301", "copy_orders"),
        ("ops.stock", "55012366", "copy_stock"),
        ("sales.payments", "55012340", "copy_payments"),
    ] {
        let found = report["findings"].as_array().unwrap().iter().find(|it| it["subject"]["id"] == finding).unwrap();
        for instance in found["instances"].as_array().unwrap() {
            let named = ["query_id", "dag_id", "task_id", "run_id", "try_number"].map(|it| &instance[it]);
            assert_eq!(json!(named), json!([query_id, "shop_nightly", task, RUN, 1]));
        }
    }
}

#[test]
fn orders_are_joined_by_the_text_of_their_copy() {
    let lost = |changes: &[(&str, &str, &str)]| ran(&changed(changes), "55012301");
    assert_eq!(lost(&[]), ["copy_orders"]);
    assert_eq!(lost(&[("task_id=copy_orders", "dt=2026-08-13/orders.csv.gz", "dt=2026-08-12/orders.csv.gz")]), [Value::Null]);
    assert_eq!(lost(&[("task_id=copy_orders", "COPY sales.orders", "COPY sales.returns")]), [Value::Null]);
    let late = [("sys_load_history", "2026-08-14 01:01:04.218", "2026-08-14 01:11:04.218")];
    assert_eq!(lost(&late), [Value::Null], "it began more than ten minutes after the task showed it");
}

#[test]
fn payments_are_joined_by_query_id() {
    let lost = |changes: &[(&str, &str, &str)]| ran(&changed(changes), "55012340");
    let asks = "STL_LOAD_COMMITS WHERE query = 778123";
    assert_eq!(lost(&[]), ["copy_payments", "copy_payments", "copy_payments"]);
    let unnamed = [Value::Null, Value::Null, Value::Null];
    let task = "task_id=copy_payments";
    assert_eq!(lost(&[(task, asks, "SYS_LOAD_DETAIL WHERE query_id = 55012340")]), ["copy_payments"; 3]);
    assert_eq!(lost(&[(task, asks, "SYS_LOAD_DETAIL WHERE query_id = 778123")]), unnamed, "an STL id is no SYS id");
    assert_eq!(lost(&[(task, asks, "STL_LOAD_COMMITS WHERE query = 55012340")]), unnamed, "a SYS id is no STL id");
    assert_eq!(lost(&[("stl_query.csv", "778123", "778124")]), unnamed, "nothing tells the STL id of the load");
    let early = [("sys_load_history", "2026-08-14 01:01:40.511", "2026-08-14 01:01:20.511")];
    assert_eq!(lost(&early), unnamed, "it began before the try did");
    let other = [("task_id=copy_stock", "stl_query WHERE xid = 904123", "stl_query WHERE query = 778123")];
    assert_eq!(lost(&other), ["copy_payments"; 3], "a try that began later cannot have run it");
    let both = [other[0], ("task_id=copy_stock", "T01:03:0", "T01:01:0")];
    assert_eq!(lost(&both), unnamed, "two tries show it");
}

#[test]
fn stock_is_joined_by_transaction() {
    let lost = |changes: &[(&str, &str, &str)]| ran(&changed(changes), "55012366");
    let task = "task_id=copy_stock";
    assert_eq!(lost(&[]), ["copy_stock"]);
    assert_eq!(lost(&[(task, "stl_query WHERE xid = 904123", "sys_query_history WHERE transaction_id = 904123")]), ["copy_stock"]);
    assert_eq!(lost(&[(task, "xid = 904123", "xid = 904124")]), [Value::Null]);
    assert_eq!(lost(&[(task, "stl_query WHERE xid = 904123", "stl_query WHERE query = 904123")]), [Value::Null], "no id of a statement");
    assert_eq!(lost(&[("sys_load_history", "2026-08-14 01:03:10.046", "2026-08-14 01:12:10.046")]), [Value::Null], "it began too late");
}

/// A load as exports tell it: SYS id, STL id, transaction, status and start.
type Load<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

/// The log of a try that began at 02:00 and at 02:05 shows a text.
fn log(task: &str, shown: &str) -> (String, String) {
    let text = format!(
        "[2026-08-14T02:00:00.000+0000] {{taskinstance.py:2867}} INFO - Starting attempt 1 of 1\n[2026-08-14T02:05:00.000+0000] {{load.py:31}} INFO - {shown}\n[2026-08-14T02:05:01.000+0000] {{taskinstance.py:1226}} INFO - Marking task as FAILED. dag_id=d, task_id={task}, run_id=r, execution_date=20260813T020000, start_date=20260814T020000, end_date=20260814T020501\n"
    );
    (format!("dag_id=d/run_id=r/task_id={task}/attempt=1.log"), text)
}

/// Which tasks ran the loads, each of which rejects a row.
fn tasks(logs: &[(String, String)], loads: &[Load<'_>], more: &[(&str, String)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut history = "query_id,transaction_id,status,table_name,start_time,duration,data_source,file_format,source_file_count,source_file_bytes,error_count\n".to_owned();
    let mut errors =
        "query_id,table_id,start_time,file_name,line_number,column_name,column_type,column_length,position,error_code,error_message\n"
            .to_owned();
    let mut queries = "query_id,transaction_id,query_type,status,start_time,query_text\n".to_owned();
    let mut stl = "userid,query,label,xid,pid,database,querytxt,starttime,endtime,aborted\n".to_owned();
    for (sys, id, xid, status, start) in loads {
        let copy = format!("copy core.t{sys} from 's3://b/t{sys}/' csv gzip");
        writeln!(history, "{sys},{xid},{status},t{sys},2026-08-14 {start},6000000,s3://b/t{sys}/,csv,4,900,1").unwrap();
        writeln!(errors, "{sys},77,2026-08-14 {start},s3://b/t{sys}/x.gz,3,qty,int4,,3,1207,\"Invalid digit, Value 'a'\"").unwrap();
        writeln!(queries, "{sys},{xid},COPY,success,2026-08-14 {start},{copy}").unwrap();
        if !id.is_empty() {
            writeln!(stl, "100,{id},default,{xid},9,dev,{copy},2026-08-14 {start},2026-08-14 {start},0").unwrap();
        }
    }
    let exports = [("history.csv", history), ("errors.csv", errors), ("queries.csv", queries), ("stl.csv", stl)];
    let named = |(name, text): &(&str, String)| ((*name).to_owned(), text.clone());
    for (name, text) in logs.iter().cloned().chain(exports.iter().chain(more).map(named)) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let report = common::json(&common::analyze(&[folder.path()]));
    let task = |id: &str| ran(&report, id).first().unwrap().as_str().unwrap_or("-").to_owned();
    loads.iter().map(|it| task(it.0)).collect()
}

#[test]
fn an_id_of_no_told_space_belongs_to_one_load_or_to_none() {
    let shown = [log("a", "pg_last_copy_id = 500")];
    assert_eq!(tasks(&shown, &[("900", "500", "1", "completed", "02:01:00")], &[]), ["a"]);
    assert_eq!(tasks(&shown, &[("500", "", "1", "completed", "02:01:00")], &[]), ["a"]);
    let both = [("900", "500", "1", "completed", "02:01:00"), ("500", "499", "2", "completed", "02:02:00")];
    assert_eq!(tasks(&shown, &both, &[]), ["-", "-"], "an STL id and a SYS id");
    let apart = [("900", "500", "1", "completed", "02:01:00"), ("500", "499", "2", "completed", "01:30:00")];
    assert_eq!(tasks(&shown, &apart, &[]), ["a", "-"], "one of them before the try began");
}

#[test]
fn the_block_under_an_error_tells_of_a_load_that_failed() {
    let block = "Error in load\nDETAIL:  \n  -----------------------------------------------\n  error:  Unknown zlib error code.\n  code:      15001\n  context:   \n  query:     500\n  location:  zlib_read_ahead_stdio.cpp:256\n  process:   query0_118_500 [pid=9]\n  -----------------------------------------------";
    let shown = [log("a", block)];
    assert_eq!(tasks(&shown, &[("900", "500", "1", "aborted", "02:04:00")], &[]), ["a"]);
    assert_eq!(tasks(&shown, &[("900", "500", "1", "completed", "02:04:00")], &[]), ["-"], "this load did not fail");
    assert_eq!(tasks(&shown, &[("900", "500", "1", "aborted", "02:05:03")], &[]), ["-"], "it began after it was told of");
}

#[test]
fn of_a_cycle_the_transaction_that_failed_is_the_try_s() {
    let cycle = "Serializable isolation violation on table - 100167, transactions forming the cycle are: 70, 71 (pid:16606)";
    let shown = [log("a", cycle)];
    let loads = |first: &'static str| [("900", "500", "70", first, "02:01:00"), ("901", "501", "71", "aborted", "02:02:00")];
    assert_eq!(tasks(&shown, &loads("completed"), &[]), ["-", "a"]);
    assert_eq!(tasks(&shown, &loads("aborted"), &[]), ["-", "-"], "both failed: nothing tells which was whose");
}

#[test]
fn a_statement_of_the_data_api_is_known_by_what_describes_it() {
    let id = "0c1e1292-095a-45c6-ac9e-f1cee5babcf2";
    let describe = |query: i64| {
        let statement = json!({"Id": id, "Status": "FINISHED", "CreatedAt": "2026-08-14T02:00:59+00:00", "RedshiftQueryId": query,
            "QueryString": "copy core.t900 from 's3://b/t900/' csv gzip", "HasResultSet": false, "Duration": 1});
        [("describe.json", statement.to_string())]
    };
    let shown = [log("a", &format!("Polling statement {id}"))];
    let loads = [("900", "500", "1", "completed", "02:01:00")];
    assert_eq!(tasks(&shown, &loads, &describe(900)), ["a"]);
    assert_eq!(tasks(&shown, &loads, &describe(500)), ["-"], "RedshiftQueryId is a SYS id");
    assert_eq!(tasks(&shown, &loads, &[]), ["-"]);
}

#[test]
fn one_vendor_of_twenty_keeps_a_mapped_task_waiting() {
    let report = story(MAPPED);
    let expected = BTreeMap::from([
        kind("a task log", "airflow-log", 22),
        kind("airflow/scheduler.log", "airflow-log", 1),
        kind("s3/vendor-drop.ls.txt", "s3-ls", 1),
    ]);
    assert_eq!(kinds(&report, MAPPED), expected);
    let found = report["findings"].as_array().unwrap();
    assert!(found.iter().all(|it| it["detector"] == "partition-skew"), "{found:?}");
    let scopes: Vec<&Value> = found.iter().map(|it| &it["facts"]["scope"]).collect();
    assert_eq!(scopes, ["s3-partitions", "mapped-tasks"]);
    let (data, tasks) = (&found[0], &found[1]);
    assert_eq!(
        (&tasks["severity"], &tasks["facts"]["shape"], &tasks["facts"]["partitions"]),
        (&"high".into(), &"hot-key".into(), &20.into())
    );
    assert_eq!(tasks["facts"]["top"][0], json!({"partition": "map_index 13", "value": 1_911_600, "share": 0.6536}));
    assert_eq!((&tasks["facts"]["recoverable_seconds"], &tasks["impact"]["seconds"]), (&1_765.354.into(), &1_765.354.into()));
    assert!(tasks["title"].as_str().unwrap().contains("map_index 13"), "{}", tasks["title"]);
    assert_eq!(tasks["instances"][0]["task_id"], "ingest_vendor");
    assert_eq!(data["facts"]["top"][0]["partition"], "dt=2026-08-13/vendor=nomad");
    assert_eq!(report["failed_tries"], json!([]));
}

/// Without the scheduler, the logs of the tasks tell the same.
#[test]
fn the_mapped_tasks_tell_their_skew_themselves() {
    let logs = format!("{MAPPED}/airflow/dag_id=vendor_ingest");
    let report = common::json(&common::analyze(&[Path::new(&logs)]));
    let facts = &report["findings"][0]["facts"];
    assert_eq!(
        (report["findings"].as_array().unwrap().len(), &facts["scope"], &facts["partitions"]),
        (1, &"mapped-tasks".into(), &20.into())
    );
    assert_eq!(facts["top"][0]["partition"], "map_index 13");
}
