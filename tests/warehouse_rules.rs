//! Each rule of the detectors of loads and files, just below, at and above its threshold, and the reasons for silence.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use common::{
    MIB, findings, listing,
    loads::{Load, exports, load},
    severities,
};
use serde_json::Value;
use std::fmt::Write as _;

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
