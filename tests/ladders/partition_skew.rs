//! `partition-skew`: measures, what lies beyond an even share, gates, caps and shapes.

use super::{Dumps, Rung};
use crate::common::listing;
use casefile::units::{Moment, SECOND};
use std::fmt::Write as _;

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// Large enough for any severity.
const UNIT: f64 = 100.0 * GIB;

/// Limits under which only one measure speaks.
const NO_MEAN: &[&str] = &["mean_low=1e9", "mean_medium=1e9", "mean_high=1e9", "mean_critical=1e9"];
const NO_MEDIAN: &[&str] = &["median_low=1e9", "median_medium=1e9", "median_high=1e9", "median_critical=1e9"];

/// Partitions of these sizes, by a key that does not follow in time.
fn regions(sizes: &[f64]) -> Dumps {
    let parts: Vec<(String, Vec<i64>)> =
        sizes.iter().enumerate().map(|(at, it)| (format!("region=r{at:03}/"), vec![it.round() as i64])).collect();
    listing(&parts)
}

fn days(sizes: &[f64]) -> Dumps {
    let name = |at: usize| format!("dt=2026-{:02}-{:02}/", 7 + at / 28, 1 + at % 28);
    let parts: Vec<(String, Vec<i64>)> = sizes.iter().enumerate().map(|(at, it)| (name(at), vec![it.round() as i64])).collect();
    listing(&parts)
}

/// Equal amounts and one of another size.
fn and_one(count: usize, each: f64, other: f64) -> Vec<f64> {
    [vec![each; count], vec![other]].concat()
}

/// 40 equal partitions and one this many times as large.
fn to_median(times: f64) -> Dumps {
    regions(&and_one(40, UNIT, times * UNIT))
}

/// 39 partitions and one this many times their mean, itself included.
fn to_mean(times: f64) -> Dumps {
    regions(&and_one(39, (40.0 - times) * 4.0 * GIB, times * 39.0 * 4.0 * GIB))
}

/// Two groups of 20, one this many times as large.
fn to_group(times: f64) -> Dumps {
    regions(&[vec![UNIT; 20], vec![times * UNIT; 20]].concat())
}

/// Five amounts, the largest this far beyond the mean, and more than ten times the others.
fn beyond(amount: f64) -> Vec<f64> {
    let each = (amount / 100.0).floor();
    and_one(4, each, each + 1.25 * amount)
}

/// Mapped tasks of one run that took these seconds.
fn tasks(seconds: &[f64]) -> Dumps {
    let first = Moment::parse("2026-08-01T02:00:00Z").unwrap().moment;
    let shown = |seconds: f64| {
        let micros = first.0 + (seconds * SECOND as f64).round() as i64;
        format!("{}.{:06}+00:00", Moment(micros).rfc3339().get(..19).unwrap().replace('T', " "), micros.rem_euclid(SECOND))
    };
    let mut text = String::new();
    for (index, it) in seconds.iter().enumerate() {
        let (from, to) = (shown(0.0), shown(*it));
        writeln!(text, "[2026-08-01T05:00:00.000+0000] {{scheduler_job_runner.py:771}} INFO - TaskInstance Finished: dag_id=etl, task_id=part, run_id=nightly_1, map_index={index}, run_start_date={from}, run_end_date={to}, run_duration={it}, state=success, executor_state=success, try_number=1, max_tries=1, job_id=1, pool=default_pool, queue=default, priority_weight=1, operator=PythonOperator, queued_dttm={from}, queued_by_job_id=1, pid=1").unwrap();
    }
    vec![("scheduler.log", text)]
}

/// A table with these `skew_rows` and this many MB.
fn table(skew_rows: f64, size: f64) -> Dumps {
    vec![("tables.csv", format!("schema,table,diststyle,size,tbl_rows,skew_rows\ncore,sales,KEY(status),{size},900000,{skew_rows}\n"))]
}

/// Steps of one kind: their skewness, and how long each took.
fn steps(count: usize, skewness: f64, seconds: f64) -> Dumps {
    let mut text = "query_id,step_id,step_name,table_name,start_time,duration,time_skewness,metrics_level\n".to_owned();
    for query in 0..count {
        writeln!(text, "{},2,hashjoin,dev.core.sales,2026-08-01 03:00:00,{:.0},{skewness},step", query + 1, seconds * 1e6).unwrap();
    }
    vec![("steps.csv", text)]
}

/// A load whose eight slices read one file each, the last this many times as large as the others.
fn dealt_to_slices(times: f64, seconds: f64) -> Dumps {
    let mut text = "query,slice,http_method,bucket,key,transfer_size,data_size,start_time,end_time,is_partial,start_offset\n".to_owned();
    let end = 800_000_000_000_000_i64 + (seconds * 1e6) as i64;
    for slice in 0..8 {
        let size = if slice == 7 { times * UNIT } else { UNIT } as i64;
        writeln!(text, "9,{slice},GET,b,sales/part-{slice}.gz,{size},{size},800000000000000,{end},0,0").unwrap();
    }
    vec![("s3client.csv", text)]
}

/// A part that holds this share of all, beside others.
fn top_share(others: usize, share: f64) -> Dumps {
    regions(&and_one(others, (1.0 - share) / others as f64 * UNIT, share * UNIT))
}

/// Four weeks whose weekends are small; one Wednesday is this many times as large as the others.
fn weeks(times: f64) -> Dumps {
    let mut sizes: Vec<f64> = (0..28).map(|it| if it % 7 < 2 { UNIT } else { 4.0 * UNIT }).collect();
    sizes[10] *= times;
    days(&sizes)
}

/// Five days that grow, but for neighbours that changed places.
fn growing_but_for(swaps: f64) -> Dumps {
    let mut sizes = [1.0, 4.0, 16.0, 17.0, 18.0];
    if swaps >= 1.0 {
        sizes.swap(2, 3);
    }
    if swaps >= 2.0 {
        sizes.swap(0, 1);
    }
    days(&sizes.map(|it| it * UNIT))
}

/// 40 tasks of which some did nothing and one took long.
fn idle(count: f64) -> Dumps {
    let idle = count as usize;
    tasks(&[vec![0.0; idle], and_one(39 - idle, 60.0, 200.0)].concat())
}

/// 5 of 100 partitions are this many ninths of the others: together they hold more than their share.
fn few_large(ninths: f64) -> Dumps {
    regions(&[vec![9.0 * GIB; 95], vec![ninths * GIB; 5]].concat())
}

/// Of 40 partitions this many are three times as large.
fn group_of(count: f64) -> Dumps {
    let large = count as usize;
    regions(&[vec![UNIT; 40 - large], vec![3.0 * UNIT; large]].concat())
}

pub(super) const RUNGS: &[Rung] = &[
    Rung::new("median_low", 1.5, 0.01, to_median, ["", "low", "low"]).under(NO_MEAN),
    Rung::new("median_medium", 3.0, 0.01, to_median, ["low", "medium", "medium"]).under(NO_MEAN),
    Rung::new("median_high", 5.0, 0.01, to_median, ["medium", "high", "high"]).under(NO_MEAN),
    Rung::new("median_critical", 10.0, 0.01, to_median, ["high", "critical", "critical"]).under(NO_MEAN),
    Rung::new("mean_low", 1.5, 0.01, to_mean, ["", "low", "low"]).under(NO_MEDIAN),
    Rung::new("mean_medium", 2.0, 0.01, to_mean, ["low", "medium", "medium"]).under(NO_MEDIAN),
    Rung::new("mean_high", 4.0, 0.01, to_mean, ["medium", "high", "high"]).under(NO_MEDIAN),
    Rung::new("mean_critical", 8.0, 0.01, to_mean, ["high", "critical", "critical"]).under(NO_MEDIAN),
    Rung::new("median_low", 1.5, 0.01, to_group, ["", "low", "low"]).under(NO_MEAN),
    Rung::new("median_medium", 3.0, 0.01, to_group, ["low", "medium", "medium"]).under(NO_MEAN),
    Rung::new("median_high", 5.0, 0.01, to_group, ["medium", "high", "high"]).under(NO_MEAN),
    Rung::new("median_critical", 10.0, 0.01, to_group, ["high", "critical", "critical"]).under(NO_MEAN),
    Rung::new("median_low", 1.5, 0.01, weeks, ["", "critical", "critical"]).under(&["mean_low=1", "mean_critical=1"]),
    Rung::new("bytes_low", 268_435_456.0, 4.0, |it| regions(&beyond(it)), ["", "low", "low"]),
    Rung::new("bytes_medium", 1_073_741_824.0, 4.0, |it| regions(&beyond(it)), ["low", "medium", "medium"]),
    Rung::new("bytes_high", 5_368_709_120.0, 4.0, |it| regions(&beyond(it)), ["medium", "high", "high"]),
    Rung::new("bytes_critical", 21_474_836_480.0, 4.0, |it| regions(&beyond(it)), ["high", "critical", "critical"]),
    Rung::new("bytes_low", 268_435_456.0, 1_048_576.0, |it| table(50.0, it / 1_048_576.0), ["", "low", "low"]),
    Rung::new("bytes_medium", 1_073_741_824.0, 1_048_576.0, |it| table(50.0, it / 1_048_576.0), ["low", "medium", "medium"]),
    Rung::new("bytes_high", 5_368_709_120.0, 1_048_576.0, |it| table(50.0, it / 1_048_576.0), ["medium", "high", "high"]),
    Rung::new("bytes_critical", 21_474_836_480.0, 1_048_576.0, |it| table(50.0, it / 1_048_576.0), ["high", "critical", "critical"]),
    Rung::new("seconds_low", 30.0, 0.02, |it| tasks(&beyond(it)), ["", "low", "low"]),
    Rung::new("seconds_medium", 180.0, 0.02, |it| tasks(&beyond(it)), ["low", "medium", "medium"]),
    Rung::new("seconds_high", 900.0, 0.02, |it| tasks(&beyond(it)), ["medium", "high", "high"]),
    Rung::new("seconds_critical", 3_600.0, 0.02, |it| tasks(&beyond(it)), ["high", "critical", "critical"]),
    Rung::new("seconds_low", 30.0, 0.001, |it| steps(1, 50.0, it), ["", "low", "low"]),
    Rung::new("seconds_medium", 180.0, 0.001, |it| steps(1, 50.0, it), ["low", "medium", "medium"]),
    Rung::new("seconds_high", 900.0, 0.001, |it| steps(1, 50.0, it), ["medium", "high", "high"]),
    Rung::new("seconds_critical", 3_600.0, 0.001, |it| steps(1, 50.0, it), ["high", "critical", "critical"]),
    Rung::new("min_bytes", 67_108_864.0, 4.0, |it| regions(&and_one(3, it / 16.0, it * 13.0 / 16.0)), ["", "critical", "critical"])
        .under(&["bytes_low=1", "bytes_critical=1", "mean_critical=1"]),
    Rung::new("min_seconds", 10.0, 0.001, |it| tasks(&and_one(4, 0.1, it)), ["", "critical", "critical"]).under(&["seconds_critical=1"]),
    Rung::new("min_seconds", 10.0, 0.001, |it| steps(400, 50.0, it), ["", "critical", "critical"]),
    Rung::new("min_seconds", 10.0, 0.001, |it| dealt_to_slices(40.0, it), ["", "high", "high"])
        .under(&["median_critical=1e9", "mean_critical=1e9"]),
    Rung::new("four times the usual file of a load", 4.0, 0.01, |it| dealt_to_slices(it, 60.0), ["", "medium", "medium"]),
    Rung::new("skew_rows", 4.0, 0.01, |it| table(it, 99_000.0), ["", "low", "low"]),
    Rung::new("median_high", 5.0, 0.01, |it| table(it, 99_000.0), ["low", "medium", "medium"]),
    Rung::new("median_critical", 10.0, 0.01, |it| table(it, 99_000.0), ["medium", "high", "high"]),
    Rung::new("twice median_critical", 20.0, 0.01, |it| table(it, 99_000.0), ["high", "critical", "critical"]),
    Rung::new("step_skewness", 4.0, 0.01, |it| steps(1, it, 9_000.0), ["", "low", "low"]),
    Rung::new("median_high", 5.0, 0.01, |it| steps(1, it, 9_000.0), ["low", "medium", "medium"]),
    Rung::new("median_critical", 10.0, 0.01, |it| steps(1, it, 9_000.0), ["medium", "high", "high"]),
    Rung::new("twice median_critical", 20.0, 0.01, |it| steps(1, it, 9_000.0), ["high", "critical", "critical"]),
    Rung::new("last_share", 0.5, 0.01, |it| days(&and_one(20, UNIT, it * UNIT)), ["medium truncated-last", "", ""]).showing("shape"),
    Rung::new("80 % in one of two", 0.8, 0.01, |it| top_share(1, it), ["", "low", "low"]),
    Rung::new("60 % in one of three", 0.6, 0.01, |it| top_share(2, it), ["", "low", "low"]),
    Rung::new("a hot part of a fifth", 0.2, 0.01, |it| top_share(39, it), ["high other", "high hot-key", "high hot-key"]).showing("shape"),
    Rung::new("three times its share", 0.6, 0.01, |it| top_share(4, it), ["high bimodal", "high hot-key", "high hot-key"]).showing("shape"),
    Rung::new("a trend of 0.9", 1.0, 1.0, growing_but_for, ["info trend", "info trend", "high bimodal"]).showing("shape"),
    Rung::new("a fifth is empty", 8.0, 1.0, idle, ["low other", "low empty-partitions", "low empty-partitions"]).showing("shape"),
    Rung::new("a Gini of 0.5", 209.0, 1.0, few_large, ["critical other", "critical heavy-tail", "critical heavy-tail"]).showing("shape"),
    Rung::new("a tenth is a group", 4.0, 1.0, group_of, ["medium other", "medium bimodal", "medium bimodal"]).showing("shape"),
];
