//! A few partitions, slices, stages or mapped tasks carry the load.
//!
//! ## What it looks for
//! Amounts that should be about equal: bytes of the partitions of an S3 location, rows of the slices of a Redshift table
//! (`skew_rows`), steps whose data or time Redshift itself calls skewed, bytes that each slice read in a load, or has to read in one that runs, times of Athena
//! stages, times of the mapped tasks of one run. No single measure tells: largest to median, largest to mean and the ratio of two
//! groups are all taken, and the worst counts; the severity is no higher than what the largest carries beyond an even share.
//! The shape says what it is: one hot key, the null partition, two groups, empty partitions, a heavy tail. A steady rise is growth
//! and at most info; a weekly pattern is none; a last partition below half of what is usual is missing data.
//!
//! ## Why it matters
//! Parallel work takes as long as its largest part. A partition with half of all rows makes every query over it, and every task
//! that processes it, wait for one worker.
//!
//! ## What to do
//! Hot or null key: salt it, aggregate in two stages, or treat it apart; in Redshift choose another DISTKEY or DISTSTYLE EVEN or
//! AUTO. Two groups: look for two writers, or a change of volume. Missing data: look at the load of the last partition first.
//!
//! ## When it is wrong
//! Keys such as countries are uneven by nature. The last partition may still be in writing. Steps below 10 seconds are sampled too
//! coarsely and are left out. AWS does not document the scale of `data_skewness` and `time_skewness`; it is read as a ratio.
//! Stages of an Athena query do different work: their times hint at skew, they do not prove it.

use super::{Answer, Context, Detector, rung};
use crate::{
    error::Result,
    finding::{Finding, Severity},
    settings::Limit,
    tables::{load_files, load_slices, loads, mapped, objects, steps, table_stats},
};
use std::collections::BTreeMap;

mod claim;
mod gather;
mod shape;

pub(super) static DETECTOR: Detector = Detector {
    id: "partition-skew",
    version: 1,
    title: "a few partitions, slices, stages or mapped tasks carry the load",
    needs: "an S3 listing; SVV_TABLE_INFO; SYS_QUERY_DETAIL; files of loads by slice; Athena runtime statistics; mapped tasks",
    fails: false,
    reads: &[&objects::TABLE, &table_stats::TABLE, &steps::TABLE, &loads::TABLE, &load_files::TABLE, &load_slices::TABLE, &mapped::TABLE],
    limits: &[
        &MIN_BYTES,
        &MIN_SECONDS,
        &MEDIAN_LOW,
        &MEDIAN_MEDIUM,
        &MEDIAN_HIGH,
        &MEDIAN_CRITICAL,
        &MEAN_LOW,
        &MEAN_MEDIUM,
        &MEAN_HIGH,
        &MEAN_CRITICAL,
        &BYTES_LOW,
        &BYTES_MEDIUM,
        &BYTES_HIGH,
        &BYTES_CRITICAL,
        &SECONDS_LOW,
        &SECONDS_MEDIUM,
        &SECONDS_HIGH,
        &SECONDS_CRITICAL,
        &SKEW_ROWS,
        &STEP_SKEW,
        &LAST_SHARE,
    ],
    text: include_str!("mod.rs"),
    detect,
};

const fn limit(name: &'static str, default: f64, meaning: &'static str, source: &'static str) -> Limit {
    Limit { name, default, meaning, source }
}

static MIN_BYTES: Limit = limit("min_bytes", 67_108_864.0, "bytes in all below which nothing is judged", "64 MiB; our choice");
static MIN_SECONDS: Limit = limit(
    "min_seconds",
    10.0,
    "seconds of a stage below which it is not judged",
    "Redshift's io_skew rule: a slice ratio means something from 10 s on",
);
static MEDIAN_LOW: Limit = limit("median_low", 1.5, "largest to median, and group to group, from which on it is low", "our choice");
static MEDIAN_MEDIUM: Limit =
    limit("median_medium", 3.0, "largest to median from which on it is medium", "infraredshift's warning for skew_rows");
static MEDIAN_HIGH: Limit = limit("median_high", 5.0, "largest to median from which on it is high", "Spark AQE's skewed partition factor");
static MEDIAN_CRITICAL: Limit =
    limit("median_critical", 10.0, "largest to median from which on it is critical", "Dr. Elephant and DataFlint");
static MEAN_LOW: Limit = limit("mean_low", 1.5, "largest to mean from which on it is low", "our choice");
static MEAN_MEDIUM: Limit = limit("mean_medium", 2.0, "largest to mean from which on it is medium", "our choice");
static MEAN_HIGH: Limit = limit("mean_high", 4.0, "largest to mean from which on it is high", "our choice");
static MEAN_CRITICAL: Limit = limit("mean_critical", 8.0, "largest to mean from which on it is critical", "our choice");
static BYTES_LOW: Limit =
    limit("bytes_low", 268_435_456.0, "bytes of the largest beyond the mean from which on it is low", "Spark AQE's threshold of 256 MB");
static BYTES_MEDIUM: Limit =
    limit("bytes_medium", 1_073_741_824.0, "bytes of the largest beyond the mean from which on it is medium", "1 GiB; our choice");
static BYTES_HIGH: Limit =
    limit("bytes_high", 5_368_709_120.0, "bytes of the largest beyond the mean from which on it is high", "5 GiB; our choice");
static BYTES_CRITICAL: Limit =
    limit("bytes_critical", 21_474_836_480.0, "bytes of the largest beyond the mean from which on it is critical", "20 GiB; our choice");
static SECONDS_LOW: Limit = limit("seconds_low", 30.0, "recoverable seconds in the window from which on it is low", "our choice");
static SECONDS_MEDIUM: Limit = limit("seconds_medium", 180.0, "recoverable seconds in the window from which on it is medium", "our choice");
static SECONDS_HIGH: Limit = limit("seconds_high", 900.0, "recoverable seconds in the window from which on it is high", "our choice");
static SECONDS_CRITICAL: Limit =
    limit("seconds_critical", 3_600.0, "recoverable seconds in the window from which on it is critical", "our choice");
static SKEW_ROWS: Limit = limit(
    "skew_rows",
    4.0,
    "rows of the fullest slice to the emptiest from which on a table is skewed",
    "Redshift's guide: 4.00 or more means choose another distribution",
);
static STEP_SKEW: Limit = limit(
    "step_skewness",
    4.0,
    "data_skewness or time_skewness of a step from which on it is skewed",
    "public tools; AWS does not document the scale",
);
static LAST_SHARE: Limit =
    limit("last_share", 0.5, "last partition to what is usual, below which data is missing", "half a day's data; our choice");

/// What an amount is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Bytes,
    Rows,
    Millis,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Rows => "rows",
            Self::Millis => "ms",
        }
    }
}

fn detect(cx: &Context<'_>) -> Result<Answer> {
    if DETECTOR.reads.iter().all(|it| cx.evidence.rows(it) == 0) {
        return Ok(Answer::NotAssessed("nothing that is dealt to partitions, slices, stages or mapped tasks was read".to_owned()));
    }
    let mut skewed: BTreeMap<String, Finding> = BTreeMap::new();
    for pile in gather::piles(cx)? {
        if let Some(skew) = shape::judge(cx, &pile) {
            let found = claim::of_pile(&pile, &skew);
            match skewed.remove(&found.finding_id) {
                Some(earlier) => skewed.insert(found.finding_id.clone(), joined(earlier, found)),
                None => skewed.insert(found.finding_id.clone(), found),
            };
        }
    }
    let mut findings: Vec<Finding> = skewed.into_values().collect();
    for rated in gather::rated(cx)? {
        if let Some(severity) = severity(cx, &rated) {
            findings.push(claim::of_rated(&rated, severity));
        }
    }
    Ok(Answer::Findings(findings))
}

/// Two runs of one task: the worse speaks for both.
fn joined(one: Finding, other: Finding) -> Finding {
    let (mut worse, milder) = if other.severity > one.severity { (other, one) } else { (one, other) };
    worse.occurrences += milder.occurrences;
    worse.instances.extend(milder.instances);
    worse.first_seen = worse.first_seen.into_iter().chain(milder.first_seen).min();
    worse.last_seen = worse.last_seen.max(milder.last_seen);
    worse.impact.seconds = worse.impact.seconds.into_iter().chain(milder.impact.seconds).reduce(|a, b| a + b);
    worse
}

/// How bad it is by a ratio that Redshift itself gives, and by what it concerns.
fn severity(cx: &Context<'_>, rated: &gather::Rated) -> Option<Severity> {
    let threshold = cx.limit(if rated.scope == "table-slices" { &SKEW_ROWS } else { &STEP_SKEW });
    if rated.ratio < threshold {
        return None;
    }
    let ladder = [
        (Severity::Low, threshold),
        (Severity::Medium, cx.limit(&MEDIAN_HIGH)),
        (Severity::High, cx.limit(&MEDIAN_CRITICAL)),
        (Severity::Critical, 2.0 * cx.limit(&MEDIAN_CRITICAL)),
    ];
    let magnitude = match rated.unit {
        Unit::Millis => rung(rated.amount / 1000.0, &seconds_ladder(cx)),
        _ => rung(rated.amount, &bytes_ladder(cx)),
    };
    Some(rung(rated.ratio, &ladder)?.min(magnitude?))
}

fn bytes_ladder(cx: &Context<'_>) -> [(Severity, f64); 4] {
    [
        (Severity::Low, cx.limit(&BYTES_LOW)),
        (Severity::Medium, cx.limit(&BYTES_MEDIUM)),
        (Severity::High, cx.limit(&BYTES_HIGH)),
        (Severity::Critical, cx.limit(&BYTES_CRITICAL)),
    ]
}

fn seconds_ladder(cx: &Context<'_>) -> [(Severity, f64); 4] {
    [
        (Severity::Low, cx.limit(&SECONDS_LOW)),
        (Severity::Medium, cx.limit(&SECONDS_MEDIUM)),
        (Severity::High, cx.limit(&SECONDS_HIGH)),
        (Severity::Critical, cx.limit(&SECONDS_CRITICAL)),
    ]
}
