//! `single-file-copy`: gates, units against nodes and slices, and what bounds the severity.

use super::{Dumps, Rung};
use crate::common::{
    MIB,
    loads::{Load, exports, load},
};

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// One gzip file on 16 slices.
fn one(bytes: f64, seconds: f64) -> Dumps {
    exports(&[load(vec![bytes as i64], seconds)], 16)
}

/// The same, beside a load that takes nearly all the time of all COPYs.
fn beside_another(bytes: f64, seconds: f64) -> Dumps {
    exports(&[load(vec![bytes as i64], seconds), even(1e6)], 16)
}

fn even(seconds: f64) -> Load<'static> {
    Load { table: "other", sizes: vec![100 * MIB; 16], seconds, ..load(vec![], 0.0) }
}

/// One file on 16 slices: all but a sixteenth of the time could be saved.
fn saving(seconds: f64) -> Dumps {
    beside_another(100.0 * 1024.0 * 1024.0, seconds * 16.0 / 15.0)
}

fn largest(bytes: f64) -> Dumps {
    beside_another(bytes, 60.0)
}

/// 8 GiB in this many files, at a cost that allows anything.
fn in_files(files: f64) -> Dumps {
    exports(&[load(vec![8 * 1024 * MIB / files as i64; files as usize], 20_000.0)], 16)
}

fn without_slices(files: usize, bytes: f64) -> Dumps {
    let mut all = exports(&[load(vec![bytes as i64; files], 300.0)], 16);
    all.pop();
    all
}

pub(super) const RUNGS: &[Rung] = &[
    Rung::new("min_bytes", 67_108_864.0, 1.0, |it| one(it, 20.0), ["", "critical", "critical"]),
    Rung::new("min_seconds", 10.0, 0.001, |it| one(GIB, it), ["", "critical", "critical"]),
    Rung::new("repeats_per_day", 20.0, 1.0, |it| exports(&vec![load(vec![MIB], 2.0); it as usize], 16), ["", "info", "info"]),
    Rung::new("one unit or more", 2.0, 1.0, in_files, ["critical", "high", "high"]),
    Rung::new("as many units as nodes", 4.0, 1.0, in_files, ["high", "medium", "medium"]),
    Rung::new("as many units as slices", 16.0, 1.0, in_files, ["medium", "", "low"]),
    // Two files on two slices: the larger is this many times an even share.
    Rung::new(
        "imbalance",
        1.5,
        1.0 / 512.0,
        |it| exports(&[load(vec![(it * 512.0) as i64 * MIB, (1024.0 - it * 512.0) as i64 * MIB], 20_000.0)], 2),
        ["", "low", "low"],
    ),
    Rung::new("large_unit_bytes", 268_435_456.0, 1.0, |it| without_slices(15, it), ["", "low", "low"]),
    Rung::new("few_units", 16.0, 1.0, |it| without_slices(it as usize, 268_435_456.0), ["low", "", ""]),
    Rung::new("medium_seconds", 180.0, 0.01, saving, ["low", "medium", "medium"]),
    Rung::new("high_seconds", 900.0, 0.01, saving, ["medium", "high", "high"]),
    Rung::new("critical_seconds", 3_600.0, 0.01, saving, ["high", "critical", "critical"]),
    Rung::new("medium_bytes", 1_073_741_824.0, 1.0, largest, ["low", "medium", "medium"]),
    Rung::new("high_bytes", 5_368_709_120.0, 1.0, largest, ["medium", "high", "high"]),
    // 150 of 160 seconds could be saved, of this share of all.
    Rung::new(
        "critical_share",
        0.3,
        0.001,
        |it| exports(&[load(vec![100 * MIB], 160.0), even(150.0 / it - 160.0)], 16),
        ["low", "critical", "critical"],
    ),
];
