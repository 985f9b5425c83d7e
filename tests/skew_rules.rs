//! Each rule of `partition-skew`, just below, at and above its threshold, and the reasons for silence.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use common::{MIB, findings, listing, severities};
use serde_json::Value;
use std::fmt::Write as _;

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
fn a_step_is_skewed_from_four_and_30_seconds_on() {
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
    assert!(step(10, 29.9, 2).is_empty(), "below 30 s of steps");
    assert_eq!(severities(&step(10, 30.0, 2)), ["low"]);
    assert!(step(10, 600.0, -1).is_empty(), "rows of a segment are no steps");
}
