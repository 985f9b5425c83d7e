//! `small-files`: gates, how small the files are, how many could go, and which finding it is.

use super::{Dumps, Rung};
use crate::common::{MIB, listing};
use std::fmt::Write as _;

const ONE_MIB: f64 = 1024.0 * 1024.0;

/// Limits under which the size of the files alone decides.
const ANY_NUMBER: &[&str] = &["critical_files=1"];

/// The files of one partition.
fn of(sizes: Vec<i64>) -> Dumps {
    listing(&[("dt=2026-08-01/".to_owned(), sizes)])
}

/// This many bytes in files of about one size.
fn dealt(bytes: f64, files: i64) -> Vec<i64> {
    let (bytes, each) = (bytes as i64, bytes as i64 / files);
    let mut sizes = vec![each; files as usize];
    sizes[0] += bytes - each * files;
    sizes
}

/// 100 MiB in so many files that this many could go.
fn could_go(files: f64) -> Dumps {
    of(dealt(100.0 * ONE_MIB, files as i64 + 1))
}

/// 101 files of these bytes: 100 can go if one holds them all.
fn in_one_file(bytes: f64) -> Vec<i64> {
    dealt(bytes, 101)
}

fn of_a_table_format(bytes: f64) -> Dumps {
    let mut all = of(in_one_file(bytes));
    all[0].1.push_str("2026-08-14 05:00:00       9000 lake/orders/metadata/v1.metadata.json\n");
    all
}

/// Files of this median.
fn median_of(bytes: f64) -> Dumps {
    of(vec![bytes as i64; 1_000])
}

/// Half of the files is small, and the median lies between them and the others.
fn median_of_halves(bytes: f64) -> Dumps {
    let small = 16 * MIB;
    of([vec![small; 500], vec![2 * bytes as i64 - small; 500]].concat())
}

/// This share of the files is tiny, the others are above a quarter of the target.
fn share_of(tiny: f64) -> Dumps {
    let tiny = (tiny * 1_000.0).round() as usize;
    of([vec![10_000; tiny], vec![40 * MIB; 1_000 - tiny]].concat())
}

/// 400 files, of which coarser partitions could remove this share.
fn irreducible(share: f64) -> Dumps {
    let partitions = (share * 400.0).round() as usize + 1;
    let mut parts: Vec<(String, Vec<i64>)> = (0..partitions).map(|it| (format!("dt=2026-08-01/tenant={it}/"), Vec::new())).collect();
    for file in 0..400 {
        parts[file % partitions].1.push(MIB / 4);
    }
    listing(&parts)
}

/// A scan of 1,000 files that gave this much of each.
fn scanned(bytes: f64) -> Dumps {
    let all = bytes as i64 * 1_000;
    vec![(
        "scans.csv",
        format!(
            "query_id,segment_id,source_type,start_time,qualified_partitions,scanned_files,returned_bytes,file_location\n9,0,S3,2026-08-01 03:00:00,10,1000,{all},s3://b/lake/visits/\n"
        ),
    )]
}

/// 60 files of long ago, and 60 of today that were written this many hours before the evidence ends.
fn written_before_the_end(hours: f64) -> Dumps {
    let at = 20 * 60 - (hours * 60.0) as i64;
    let mut text = "2026-08-14 20:00:00          0 lake/orders/_SUCCESS\n".to_owned();
    for file in 0..60 {
        writeln!(text, "2026-08-01 05:00:00    1048576 lake/orders/dt=2026-08-01/{file}.parquet").unwrap();
        writeln!(text, "2026-08-14 {:02}:{:02}:00    1048576 lake/orders/dt=2026-08-14/{file}.parquet", at / 60, at % 60).unwrap();
    }
    vec![("listing.txt", text)]
}

pub(super) const RUNGS: &[Rung] = &[
    Rung::new("fresh_hours", 3.0, 0.5, written_before_the_end, ["", "low", "low"]),
    Rung::new("min_files", 100.0, 1.0, |it| of(dealt(100.0 * ONE_MIB, it as i64)), ["", "low", "low"]).under(&["low_files=1"]),
    Rung::new("min_bytes", 16_777_216.0, 1.0, |it| of(dealt(it, 128)), ["", "low", "low"]),
    Rung::new("many_files", 10_000.0, 1.0, |it| of(vec![1; it as usize]), ["", "medium", "high"]),
    Rung::new("target_bytes", 134_217_728.0, 1.0, |it| of(in_one_file(it)), ["low", "low", ""]),
    Rung::new("iceberg_target_bytes", 268_435_456.0, 1.0, of_a_table_format, ["low", "low", ""]),
    Rung::new("low_files", 100.0, 1.0, could_go, ["", "low", "low"]),
    Rung::new("medium_files", 1_000.0, 1.0, could_go, ["low", "medium", "medium"]),
    Rung::new("high_files", 10_000.0, 1.0, could_go, ["medium", "high", "high"]),
    Rung::new("critical_files", 100_000.0, 1.0, could_go, ["high", "critical", "critical"]),
    Rung::new(
        "irreducible_share",
        0.5,
        1.0 / 400.0,
        irreducible,
        ["low reducible", "low reducible, low over-partitioned", "low reducible, low over-partitioned"],
    )
    .showing("kind"),
    Rung::new("a median of 1 MiB", ONE_MIB, 1.0, median_of, ["critical", "high", "high"]).under(ANY_NUMBER),
    Rung::new("a median of 3 MiB", 3.0 * ONE_MIB, 1.0, median_of, ["high", "medium", "medium"]).under(ANY_NUMBER),
    Rung::new("a median of 16 MiB", 16.0 * ONE_MIB, 1.0, median_of, ["medium", "low", "low"]).under(ANY_NUMBER),
    Rung::new("a median of 64 MiB", 64.0 * ONE_MIB, 1.0, median_of_halves, ["low", "", ""]).under(ANY_NUMBER),
    Rung::new("a quarter of the target", 32.0 * ONE_MIB, 1.0, median_of, ["low", "", ""]).under(ANY_NUMBER),
    Rung::new("90 % below it", 0.9, 0.001, share_of, ["high", "critical", "critical"]).under(ANY_NUMBER),
    Rung::new("80 % below it", 0.8, 0.001, share_of, ["medium", "high", "high"]).under(ANY_NUMBER),
    Rung::new("60 % below it", 0.6, 0.001, share_of, ["low", "medium", "medium"]).under(ANY_NUMBER),
    Rung::new("50 % below it", 0.5, 0.001, share_of, ["", "low", "low"]).under(ANY_NUMBER),
    Rung::new("3 MiB of rows from each file of a scan", 3.0 * ONE_MIB, 1.0, scanned, ["low", "", ""]),
];
