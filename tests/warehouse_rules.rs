//! Each rule of the warehouse detectors, just below, at and above its threshold, and the reasons for silence.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use serde_json::Value;
use std::fmt::Write as _;

const MIB: i64 = 1 << 20;

/// The findings of one detector.
fn findings(files: &[(&str, String)], detector: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let report = common::json(&common::analyze(&[folder.path()]));
    report["findings"].as_array().unwrap().iter().filter(|it| it["detector"] == detector).cloned().collect()
}

fn severities(found: &[Value]) -> Vec<&str> {
    found.iter().map(|it| it["severity"].as_str().unwrap()).collect()
}

/// One load as `SYS_LOAD_HISTORY`, `SYS_LOAD_DETAIL` and `SYS_QUERY_HISTORY` export it.
#[derive(Clone)]
struct Load<'a> {
    table: &'a str,
    options: &'a str,
    format: &'a str,
    sizes: Vec<i64>,
    splits: i64,
    seconds: f64,
    day: u32,
    job: i64,
    status: &'a str,
    errors: i64,
}

fn load(sizes: Vec<i64>, seconds: f64) -> Load<'static> {
    Load { table: "sales", options: "csv gzip", format: "csv", sizes, splits: 1, seconds, day: 1, job: 0, status: "completed", errors: 0 }
}

fn exports(loads: &[Load<'_>], slices: i64) -> Vec<(&'static str, String)> {
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

fn copies(loads: &[Load<'_>]) -> Vec<Value> {
    findings(&exports(loads, 16), "single-file-copy")
}

#[test]
fn a_load_is_judged_from_64_mib_and_10_seconds_on() {
    for (bytes, seconds, expected) in [(64 * MIB, 10.0, 1), (64 * MIB + 1, 10.1, 1), (64 * MIB - 1, 10.0, 0), (64 * MIB, 9.999, 0)] {
        assert_eq!(copies(&[load(vec![bytes], seconds)]).len(), expected, "{bytes} bytes in {seconds} s");
    }
}

#[test]
fn units_against_nodes_and_slices() {
    // 16 slices on 4 nodes; large enough that the effect decides.
    for (files, expected) in
        [(1, vec!["critical"]), (3, vec!["high"]), (4, vec!["medium"]), (15, vec!["medium"]), (16, vec![]), (32, vec![])]
    {
        let found = copies(&[load(vec![8 * 1024 * MIB / files; usize::try_from(files).unwrap()], 20_000.0)]);
        assert_eq!(severities(&found), expected, "{files} files");
    }
}

#[test]
fn what_it_costs_bounds_the_severity() {
    // One file on 16 slices: 15/16 of the time could be saved.
    let other = Load { table: "other", sizes: vec![100 * MIB; 16], seconds: 100_000.0, ..load(vec![], 0.0) };
    let saved = |seconds: f64| seconds * 16.0 / 15.0;
    for (seconds, expected) in [
        (saved(179.9), "low"),
        (saved(180.1), "medium"),
        (saved(899.9), "medium"),
        (saved(900.1), "high"),
        (saved(3_599.9), "high"),
        (saved(3_600.1), "critical"),
    ] {
        assert_eq!(severities(&copies(&[load(vec![100 * MIB], seconds), other.clone()])), [expected], "{seconds} s");
    }
    for (bytes, expected) in [(1024 * MIB - 1, "low"), (1024 * MIB, "medium"), (5 * 1024 * MIB - 1, "medium"), (5 * 1024 * MIB, "high")] {
        assert_eq!(severities(&copies(&[load(vec![bytes], 60.0), other.clone()])), [expected], "{bytes} bytes");
    }
}

#[test]
fn a_third_of_all_copy_time_is_critical() {
    let beside = |seconds| Load { table: "other", sizes: vec![100 * MIB; 16], seconds, ..load(vec![], 0.0) };
    // 160 s of one file: 150 s to gain.
    assert_eq!(severities(&copies(&[load(vec![100 * MIB], 160.0), beside(339.0)])), ["critical"]);
    assert_eq!(severities(&copies(&[load(vec![100 * MIB], 160.0), beside(341.0)])), ["low"]);
}

#[test]
fn a_remainder_counts_from_half_as_long_again() {
    let equal = |files: usize| load(vec![100 * MIB; files], 20_000.0);
    assert_eq!(severities(&copies(&[equal(17)])), ["low"], "2 rounds for 17/16 of the work");
    assert_eq!(severities(&copies(&[equal(22)])), Vec::<&str>::new(), "2 to 22/16 is below 1.5");
    assert_eq!(severities(&copies(&[equal(21)])), ["low"], "2 to 21/16 is above 1.5");
}

#[test]
fn ranges_that_redshift_noted_are_units() {
    let split = Load { options: "csv", splits: 64, ..load(vec![4096 * MIB], 300.0) };
    assert!(copies(std::slice::from_ref(&split)).is_empty());
    let whole = Load { splits: 1, ..split };
    assert_eq!(copies(&[whole]).len(), 1);
}

#[test]
fn loads_that_are_no_fault_are_passed_over() {
    let one = load(vec![2048 * MIB], 300.0);
    for quiet in [Load { job: 7, ..one.clone() }, Load { status: "aborted", ..one.clone() }, Load { status: "running", ..one.clone() }] {
        assert!(copies(&[quiet]).is_empty());
    }
    assert_eq!(copies(&[one]).len(), 1);
}

#[test]
fn small_loads_are_info_when_they_are_many() {
    let tiny = |count: usize| vec![load(vec![MIB], 2.0); count];
    assert!(copies(&tiny(19)).is_empty());
    assert_eq!(severities(&copies(&tiny(20))), ["info"]);
}

#[test]
fn without_slices_only_what_could_not_run_in_parallel_is_told() {
    let files = |sizes: Vec<i64>| {
        let mut all = exports(&[load(sizes, 300.0)], 16);
        all.pop();
        findings(&all, "single-file-copy")
    };
    let one = files(vec![2048 * MIB]);
    assert_eq!(severities(&one), ["medium"]);
    assert!(one[0]["facts"]["slices"].is_null() && one[0]["facts"]["recoverable_seconds"].is_null());
    assert!(files(vec![100 * MIB; 4]).is_empty());
    assert_eq!(severities(&files(vec![256 * MIB; 15])), ["low"]);
    assert!(files(vec![256 * MIB; 16]).is_empty() && files(vec![256 * MIB - 1; 15]).is_empty());
}

#[test]
fn a_load_exported_twice_is_one() {
    let mut all = exports(&[load(vec![2048 * MIB], 300.0)], 16);
    let again = all[0].1.clone();
    all.push(("again.csv", again));
    let found = findings(&all, "single-file-copy");
    assert_eq!((found.len(), &found[0]["facts"]["loads"]), (1, &Value::from(1)));
}

const ERRORS: &str = "query_id,database_name,table_id,start_time,file_name,line_number,column_name,column_type,column_length,position,error_code,error_message\n";

fn rejected(load: &Load<'_>, rows: usize) -> Vec<Value> {
    let mut all = exports(std::slice::from_ref(load), 16);
    let mut errors = ERRORS.to_owned();
    for row in 0..rows {
        writeln!(
            errors,
            "1000,dev,77,2026-08-01 00:00:30,s3://b/sales/x.gz,{row},qty,int4,,3,1207,\"Invalid digit, Value 'a', Pos 0, Type: Integer\""
        )
        .unwrap();
    }
    all.push(("errors.csv", errors));
    findings(&all, "load-errors")
}

#[test]
fn absorbed_rows_weigh_more_than_a_failed_load() {
    let lossy = Load { errors: 3, ..load(vec![100 * MIB; 16], 30.0) };
    let absorbed = rejected(&lossy, 3);
    assert_eq!(severities(&absorbed), ["high"]);
    let facts = &absorbed[0]["facts"];
    assert_eq!((&facts["table"], &facts["column"]), (&Value::from("sales"), &Value::from("qty")));
    assert_eq!((&facts["rows"], &facts["absorbed"], &facts["error_code"]), (&Value::from(3), &Value::from(3), &Value::from(1207)));
    let failed = rejected(&Load { status: "aborted", ..lossy.clone() }, 1);
    assert_eq!((severities(&failed), &failed[0]["facts"]["absorbed"]), (vec!["medium"], &Value::from(0)));
    assert!(rejected(&Load { errors: 0, ..lossy }, 0).is_empty());
}

#[test]
fn rejected_rows_without_detail_are_told_from_100_000_on_as_critical() {
    for (errors, expected) in [(0, vec![]), (1, vec!["high"]), (99_999, vec!["high"]), (100_000, vec!["critical"])] {
        let lossy = Load { errors, ..load(vec![100 * MIB; 16], 30.0) };
        assert_eq!(severities(&findings(&exports(&[lossy], 16), "load-errors")), expected, "{errors} errors");
    }
}

/// `aws s3 ls --recursive` of files in partitions.
fn listing(parts: &[(String, Vec<i64>)]) -> Vec<(&'static str, String)> {
    let mut text = String::new();
    for (partition, sizes) in parts {
        for (file, size) in sizes.iter().enumerate() {
            writeln!(text, "2026-08-14 05:00:00 {size:>10} lake/orders/{partition}part-{file:05}.parquet").unwrap();
        }
    }
    vec![("listing.txt", text)]
}

fn crumbs(files: usize, size: i64) -> Vec<(&'static str, String)> {
    listing(&[("dt=2026-08-01/".to_owned(), vec![size; files])])
}

fn small(files: usize, size: i64) -> Vec<(String, String)> {
    let found = findings(&crumbs(files, size), "small-files");
    found.iter().map(|it| (it["facts"]["kind"].as_str().unwrap().to_owned(), it["severity"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn files_are_judged_from_100_and_16_mib_on() {
    let reducible = |severity: &str| vec![("reducible".to_owned(), severity.to_owned())];
    assert_eq!(small(100, MIB / 2), Vec::new(), "one of 100 is needed: 99 can go");
    assert_eq!(small(101, MIB / 2), reducible("low"));
    assert_eq!(small(99, 16 * MIB), Vec::new());
    assert_eq!(small(128, MIB / 8 - 1), Vec::new());
    assert_eq!(small(128, MIB / 8), reducible("low"));
    assert_eq!(small(1_000, MIB / 8), Vec::new().into_iter().chain(reducible("low")).collect::<Vec<_>>());
    assert_eq!(small(1_001, MIB / 8), reducible("medium"));
    assert_eq!(small(10_001, 10_000), reducible("high"));
}

#[test]
fn how_small_the_files_are_bounds_the_severity() {
    // 10,100 files: their number alone would be high.
    for (size, expected) in [(MIB - 1, "high"), (3 * MIB - 1, "high"), (3 * MIB, "medium"), (16 * MIB - 1, "medium"), (16 * MIB, "low")] {
        assert_eq!(small(13_000, size), vec![("reducible".to_owned(), expected.to_owned())], "{size} bytes");
    }
    assert!(small(13_000, 64 * MIB).is_empty());
}

#[test]
fn many_partitions_of_one_crumb_are_over_partitioned() {
    let parts: Vec<(String, Vec<i64>)> = (0..200).map(|it| (format!("dt=2026-08-01/tenant={it}/"), vec![MIB])).collect();
    let found = findings(&listing(&parts), "small-files");
    assert_eq!(
        (found.len(), &found[0]["facts"]["kind"], &found[0]["facts"]["reducible_files"]),
        (1, &"over-partitioned".into(), &0.into())
    );
}

#[test]
fn markers_and_metadata_are_no_files() {
    let mut text = crumbs(60, MIB / 2).remove(0).1;
    for at in 0..500 {
        writeln!(text, "2026-08-14 05:00:00        900 lake/orders/metadata/{at}.avro").unwrap();
        writeln!(text, "2026-08-14 05:00:00          0 lake/orders/dt=2026-08-01/_SUCCESS{at}").unwrap();
    }
    assert!(findings(&[("listing.txt", text)], "small-files").is_empty());
}

#[test]
fn a_load_of_crumbs_is_told_by_table() {
    let found = findings(&exports(&[load(vec![50_000; 1_200], 60.0)], 16), "small-files");
    assert_eq!(
        (severities(&found), &found[0]["subject"]["kind"], &found[0]["facts"]["needed_files"]),
        (vec!["medium"], &"load".into(), &1.into())
    );
}

fn skew(sizes: &[i64]) -> Vec<Value> {
    let parts: Vec<(String, Vec<i64>)> = sizes.iter().enumerate().map(|(at, it)| (format!("region=r{at:02}/"), vec![*it])).collect();
    findings(&listing(&parts), "partition-skew")
}

fn days(sizes: &[i64]) -> Vec<Value> {
    let parts: Vec<(String, Vec<i64>)> =
        sizes.iter().enumerate().map(|(at, it)| (format!("dt=2026-08-{:02}/", at + 1), vec![*it])).collect();
    findings(&listing(&parts), "partition-skew")
}

#[test]
fn the_largest_against_the_median_climbs_its_ladder() {
    // Partitions of 100 GiB: the bytes beyond the mean allow anything.
    let unit = 100 * 1024 * MIB;
    for (times, expected) in [(1.49, vec![]), (1.5, vec!["low"]), (2.99, vec!["medium"]), (4.99, vec!["high"]), (9.9, vec!["critical"])] {
        let mut sizes = vec![unit; 40];
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a size for a test")]
        sizes.push((unit as f64 * times) as i64);
        assert_eq!(severities(&skew(&sizes)), expected, "{times} times");
    }
}

#[test]
fn what_lies_beyond_the_mean_bounds_the_severity() {
    // 41 partitions, one at 42 parts of which 41 lie beyond the mean of 2: ten times the median and more.
    let with = |beyond: i64| {
        let unit = beyond / 40;
        let mut sizes = vec![unit; 40];
        sizes.push(42 * unit);
        sizes
    };
    for (mib, expected) in
        [(250, vec![]), (260, vec!["low"]), (1_000, vec!["low"]), (1_030, vec!["medium"]), (5_000, vec!["medium"]), (5_200, vec!["high"])]
    {
        assert_eq!(severities(&skew(&with(mib * MIB))), expected, "{mib} MiB");
    }
}

#[test]
fn shapes_are_named() {
    let gib = 1024 * MIB;
    let shape = |found: &[Value]| found.first().map_or("none".to_owned(), |it| it["facts"]["shape"].as_str().unwrap().to_owned());
    let mut hot = vec![gib; 20];
    hot.push(60 * gib);
    assert_eq!(shape(&skew(&hot)), "hot-key");
    let two: Vec<i64> = (0..20).map(|it| if it % 2 == 0 { gib } else { 8 * gib }).collect();
    assert_eq!(shape(&skew(&two)), "bimodal");
    let ramp: Vec<i64> = (1..=24).map(|it| it * gib).collect();
    assert_eq!(shape(&days(&ramp)), "none", "growth is no skew");
    let mut cut = vec![gib; 20];
    cut.push(gib / 10);
    assert_eq!(shape(&days(&cut)), "truncated-last");
    let weekly: Vec<i64> = (0..28).map(|it| if it % 7 < 2 { gib } else { 4 * gib }).collect();
    assert_eq!(shape(&days(&weekly)), "none", "weekends are no skew");
}

#[test]
fn the_null_partition_is_the_hot_key() {
    let mut parts: Vec<(String, Vec<i64>)> = (0..20).map(|it| (format!("source=s{it}/"), vec![1024 * MIB])).collect();
    parts.push(("source=__HIVE_DEFAULT_PARTITION__/".to_owned(), vec![40 * 1024 * MIB]));
    let found = findings(&listing(&parts), "partition-skew");
    assert_eq!((found.len(), &found[0]["facts"]["shape"], &found[0]["facts"]["partitions"]), (1, &"null-key".into(), &21.into()));
}

#[test]
fn few_or_small_partitions_prove_little() {
    let gib = 1024 * MIB;
    assert!(skew(&[MIB, MIB, MIB, MIB, 50 * MIB]).is_empty(), "below 64 MiB in all");
    assert_eq!(severities(&skew(&[gib, gib, 40 * gib])), ["low"]);
    assert!(skew(&[10 * gib, 10 * gib, 29 * gib]).is_empty(), "three with 59 % at the top");
    assert_eq!(severities(&skew(&[gib, 80 * gib])), ["low"]);
    assert!(skew(&[21 * gib, 79 * gib]).is_empty(), "two with 79 % at the top");
}

fn table_info(skew_rows: &str, size_mb: i64) -> Vec<Value> {
    let text = format!(
        "database,schema,table_id,table,encoded,diststyle,sortkey1,size,unsorted,stats_off,tbl_rows,skew_sortkey1,skew_rows\ndev,core,7,sales,Y,KEY(status),,{size_mb},0,0,900000,,{skew_rows}\n"
    );
    findings(&[("tables.csv", text)], "partition-skew")
}

#[test]
fn a_table_is_skewed_from_four_on() {
    for (skew, size, expected) in [
        ("3.99", 99_000, vec![]),
        ("4.00", 99_000, vec!["low"]),
        ("9.99", 99_000, vec!["medium"]),
        ("10.00", 99_000, vec!["high"]),
        ("50.0", 255, vec![]),
        ("50.0", 256, vec!["low"]),
    ] {
        assert_eq!(severities(&table_info(skew, size)), expected, "{skew} on {size} MB");
    }
}

#[test]
fn mapped_tasks_that_wait_for_one_are_told() {
    let log = |slow: i64| {
        let mut text = String::new();
        for index in 0..20 {
            let seconds = if index == 7 { slow } else { 60 };
            let (minute, second) = (10 + seconds / 60, seconds % 60);
            writeln!(text, "[2026-08-01T02:40:00.000+0000] {{scheduler_job_runner.py:771}} INFO - TaskInstance Finished: dag_id=etl, task_id=part, run_id=nightly_1, map_index={index}, run_start_date=2026-08-01 02:10:00.000000+00:00, run_end_date=2026-08-01 02:{minute:02}:{second:02}.000000+00:00, run_duration={seconds}.0, state=success, executor_state=success, try_number=1, max_tries=1, job_id=1, pool=default_pool, queue=default, priority_weight=1, operator=PythonOperator, queued_dttm=2026-08-01 02:09:59.000000+00:00, queued_by_job_id=1, pid=1").unwrap();
        }
        findings(&[("scheduler.log", text)], "partition-skew")
    };
    let found = log(1_200);
    assert_eq!((severities(&found), &found[0]["facts"]["scope"]), (vec!["high"], &"mapped-tasks".into()));
    assert_eq!(found[0]["facts"]["top"][0]["partition"], "map_index 7");
    assert!(log(80).is_empty());
}

#[test]
fn a_refused_statement_names_its_role_and_its_query() {
    let text = "query_id,transaction_id,database_name,query_type,status,start_time,elapsed_time,error_message,query_text\n\
        901,1,dev,UNLOAD,failed,2026-08-01 03:00:00,10,\"S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid ABC,ExtRid x\",\"unload ('select 1') to 's3://out/daily/' iam_role 'arn:aws:iam::1:role/writer'\"\n\
        902,2,dev,SELECT,failed,2026-08-01 03:01:00,10,permission denied for relation sales,select * from sales\n\
        903,3,dev,SELECT,failed,2026-08-01 03:02:00,10,\"syntax error at or near \"\"selec\"\"\",selec 'AccessDenied'\n";
    let found = findings(&[("queries.csv", text.to_owned())], "access-denied");
    assert_eq!(severities(&found), ["medium", "info"]);
    let facts = &found[0]["facts"];
    assert_eq!((&facts["role"], &facts["action"]), (&"arn:aws:iam::1:role/writer".into(), &"s3:PutObject".into()));
    assert_eq!((&facts["resource"], &found[0]["instances"][0]["query_id"]), (&"arn:aws:s3:::out/daily/*".into(), &"901".into()));
    assert_eq!((&found[1]["facts"]["kind"], &found[1]["facts"]["resource"]), (&"sql-grant".into(), &"sales".into()));
}

#[test]
fn a_step_is_skewed_from_four_and_10_seconds_on() {
    let step = |skew: i64, seconds: f64, step_id: i64| {
        let text = format!(
            "query_id,child_query_sequence,stream_id,segment_id,step_id,step_name,table_name,start_time,end_time,duration,input_bytes,output_bytes,input_rows,output_rows,data_skewness,time_skewness,metrics_level\n5,1,0,0,{step_id},hashjoin,dev.core.sales,2026-08-01 03:00:00,,{:.0},1,1,1,1,1,{skew},{}\n",
            seconds * 1e6,
            if step_id < 0 { "segment" } else { "step" }
        );
        findings(&[("steps.csv", text)], "partition-skew")
    };
    assert!(step(3, 600.0, 2).is_empty());
    assert_eq!(severities(&step(4, 600.0, 2)), ["low"]);
    assert_eq!(severities(&step(5, 600.0, 2)), ["medium"]);
    assert_eq!(severities(&step(10, 1_000.0, 2)), ["high"]);
    assert!(step(10, 29.0, 2).is_empty(), "below 30 s of steps");
    assert!(step(10, 600.0, -1).is_empty(), "rows of a segment are no steps");
}
