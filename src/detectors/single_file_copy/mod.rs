//! A COPY that lost its parallelism: fewer loadable units than slices.
//!
//! ## What it looks for
//! Each completed COPY from S3 is taken apart into units: the pieces that slices can read at the same time. A file is one unit,
//! unless Redshift noted that it read it in ranges (`splits_scanned`, `is_partial`); where it noted nothing, uncompressed or BZIP2
//! delimited text without ESCAPE, REMOVEQUOTES or FIXEDWIDTH, Parquet and ORC count one unit per 64 MiB from 128 MiB on. Units are
//! dealt to the slices, largest first; the busiest slice against an even share gives the seconds that could be saved. One unit on
//! several slices is critical, fewer units than nodes high, fewer than slices medium, a bad remainder or unequal files low; the
//! severity is no higher than what the table's loads cost in the window.
//!
//! ## Why it matters
//! Slices work side by side. A load of one gzip file keeps one of them busy while the others wait: on 16 slices it takes up to
//! 16 times as long, every night.
//!
//! ## What to do
//! Write a multiple of the slice count of files of equal size, 1 MB to 1 GB each after compression (Spark `repartition(n)`,
//! `UNLOAD ... PARALLEL ON`, `split -n l/N` before gzip); or leave one large delimited or Parquet file uncompressed, so that
//! Redshift can split it. Load them with one COPY over a prefix or a manifest.
//!
//! ## When it is wrong
//! The seconds are an upper bound: commit, COMPUPDATE and STATUPDATE are not shortened. Without `STV_SLICES` the count of slices is
//! concluded from the node type, which an elastic resize changes; a serverless workgroup shows none: there only single units, and
//! few units far larger than advised, are reported. File names longer than their column are cut and counted once. Auto-copy jobs load one file per event by design and are
//! left out, as are small loads, unless they are repeated many times a day.

use super::{Answer, Context, Detector, rung};
use crate::{
    copies::{self, Copy, Slices, Told, Units},
    error::Result,
    finding::{Finding, Severity},
    settings::Limit,
    stats,
    tables::{
        clusters, load_files, loads, queries, rows, slices,
        transfer_errors::{self, TransferError},
    },
};
use std::collections::{BTreeMap, BTreeSet};

mod claim;

pub(super) static DETECTOR: Detector = Detector {
    id: "single-file-copy",
    version: 1,
    title: "a COPY that lost its parallelism: fewer loadable units than slices",
    needs: "SYS_LOAD_HISTORY with SYS_LOAD_DETAIL, or STL_LOAD_COMMITS, STL_S3CLIENT and STL_QUERY; STV_SLICES; query text",
    fails: false,
    reads: &[&loads::TABLE, &load_files::TABLE, &slices::TABLE, &clusters::TABLE, &queries::TABLE, &transfer_errors::TABLE],
    limits: &[
        &MIN_BYTES,
        &MIN_SECONDS,
        &REPEATS,
        &IMBALANCE,
        &LARGE_UNIT,
        &FEW_UNITS,
        &MEDIUM_SECONDS,
        &HIGH_SECONDS,
        &CRITICAL_SECONDS,
        &CRITICAL_SHARE,
        &MEDIUM_BYTES,
        &HIGH_BYTES,
    ],
    text: include_str!("mod.rs"),
    detect,
};

static MIN_BYTES: Limit = Limit {
    name: "min_bytes",
    default: 67_108_864.0,
    meaning: "bytes of a load below which it is too small to judge",
    source: "one 64 MiB range, the least that Redshift splits off; our choice",
};
static MIN_SECONDS: Limit = Limit {
    name: "min_seconds",
    default: 10.0,
    meaning: "seconds of a load below which it is too short to judge",
    source: "Redshift's io_skew rule: a slice ratio means something from 10 s on",
};
static REPEATS: Limit = Limit {
    name: "repeats_per_day",
    default: 20.0,
    meaning: "loads per day from which on loads that are too small are reported as info",
    source: "their cost adds up; our choice",
};
static IMBALANCE: Limit = Limit {
    name: "imbalance",
    default: 1.5,
    meaning: "busiest slice to even share from which on enough units are still badly dealt",
    source: "a third of the time is waiting; our choice",
};
static LARGE_UNIT: Limit = Limit {
    name: "large_unit_bytes",
    default: 268_435_456.0,
    meaning: "median size of few units from which on they are too large, where the slices are not known",
    source: "twice the 128 MB that Redshift's Advisor calls ideal",
};
static FEW_UNITS: Limit = Limit {
    name: "few_units",
    default: 16.0,
    meaning: "units below which they are few, where the slices are not known",
    source: "the slices of one large node; our choice",
};
static MEDIUM_SECONDS: Limit = Limit {
    name: "medium_seconds",
    default: 180.0,
    meaning: "seconds recoverable in the window from which on it is medium",
    source: "our choice",
};
static HIGH_SECONDS: Limit = Limit {
    name: "high_seconds",
    default: 900.0,
    meaning: "seconds recoverable in the window from which on it is high",
    source: "our choice",
};
static CRITICAL_SECONDS: Limit = Limit {
    name: "critical_seconds",
    default: 3_600.0,
    meaning: "seconds recoverable in the window from which on it is critical",
    source: "an hour of a nightly window; our choice",
};
static CRITICAL_SHARE: Limit = Limit {
    name: "critical_share",
    default: 0.3,
    meaning: "recoverable share of the time of all COPYs from which on it is critical",
    source: "our choice",
};
static MEDIUM_BYTES: Limit = Limit {
    name: "medium_bytes",
    default: 1_073_741_824.0,
    meaning: "bytes of the largest load from which on it is medium",
    source: "1 GiB, Redshift's largest advised file; our choice",
};
static HIGH_BYTES: Limit = Limit {
    name: "high_bytes",
    default: 5_368_709_120.0,
    meaning: "bytes of the largest load from which on it is high",
    source: "our choice",
};

/// One load that is worse than it need be.
#[derive(Debug)]
struct Slow<'a> {
    copy: &'a Copy,
    units: Units,
    effect: Severity,
    /// Seconds that an even share would save; `None` when slices or the duration are not known.
    recoverable: Option<f64>,
    /// What went wrong between S3 and it, and was tried again.
    failed_requests: Vec<String>,
    /// Whether it is large and long enough to judge; `None` when that is not known.
    passes: Option<bool>,
}

fn detect(cx: &Context<'_>) -> Result<Answer> {
    if cx.evidence.rows(&loads::TABLE) == 0 {
        return Ok(Answer::NotAssessed("no load of Redshift was read".to_owned()));
    }
    let copies = copies::read(cx.evidence)?;
    let slices = copies::slices(cx.evidence, &copies)?;
    let judged: Vec<&Copy> =
        copies.iter().filter(|it| it.completed() && !it.is_auto() && cx.settings.in_window(it.load.start_time)).collect();
    let mut failed = failed_requests(cx)?;
    let all_seconds: f64 = judged.iter().filter_map(|it| it.seconds()).sum();
    let mut groups: BTreeMap<(String, String), Vec<Slow<'_>>> = BTreeMap::new();
    let mut open = 0;
    for copy in &judged {
        match copy.units() {
            // A single file of unknown size and kind is worth a word, and no more than that.
            Some(units) if units.told > Told::Nothing || (units.sizes.is_empty() && units.count <= 1.0) => {
                if let Some(slow) = slow(cx, copy, units, &slices) {
                    let failed_requests = stl_id(copy).and_then(|it| failed.remove(it)).unwrap_or_default();
                    groups.entry((copy.table(), copy.prefix())).or_default().push(Slow { failed_requests, ..slow });
                }
            }
            _ => open += 1,
        }
    }
    if !judged.is_empty() && open == judged.len() {
        let reason = "the loads show neither their files nor whether these can be split: SYS_LOAD_DETAIL or the query text would";
        return Ok(Answer::NotAssessed(reason.to_owned()));
    }
    let findings = groups.into_iter().filter_map(|(key, slow)| worth_telling(cx, &key, slow, &slices, all_seconds)).collect();
    Ok(Answer::Findings(findings))
}

/// The id that STL gives a load.
fn stl_id(copy: &Copy) -> Option<&String> {
    if copy.load.system.as_deref() == Some("stl") { copy.load.query_id.as_ref() } else { copy.load.same_as.as_ref() }
}

/// What went wrong between S3 and each statement.
fn failed_requests(cx: &Context<'_>) -> Result<BTreeMap<String, Vec<String>>> {
    let collected = cx.table(&transfer_errors::TABLE).collect()?;
    let mut failed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for request in rows(&collected).map(TransferError::read) {
        if let (Some(query), Some(message)) = (request.query_id, request.error_message) {
            failed.entry(query).or_default().push(message);
        }
    }
    Ok(failed)
}

/// Whether a load is worse than it need be.
fn slow<'a>(cx: &Context<'_>, copy: &'a Copy, units: Units, slices: &Slices) -> Option<Slow<'a>> {
    let (busiest, even) = match slices.count {
        Some(count) if !units.sizes.is_empty() => {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cluster has few slices")]
            let workers = count as usize;
            (stats::busiest(&units.sizes, workers), units.sizes.sum() / count)
        }
        _ => (0.0, 0.0),
    };
    let effect = match (slices.count, slices.nodes) {
        (Some(slices), _) if slices < 2.0 => return None,
        (None, _) if units.count > 1.0 => few_and_large(cx, &units)?,
        _ if units.count <= 1.0 => Severity::Critical,
        (_, Some(nodes)) if units.count < nodes => Severity::High,
        (Some(slices), _) if units.count < slices => Severity::Medium,
        _ if even > 0.0 && busiest / even >= cx.limit(&IMBALANCE) => Severity::Low,
        _ => return None,
    };
    let seconds = copy.seconds();
    let recoverable = seconds.filter(|_| busiest > 0.0).map(|it| it * (1.0 - even / busiest).max(0.0));
    let large = copy.bytes().map(|it| it >= cx.limit(&MIN_BYTES));
    let long = seconds.map(|it| it >= cx.limit(&MIN_SECONDS));
    let passes = match (large, long) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    };
    Some(Slow { copy, units, effect, recoverable, failed_requests: Vec::new(), passes })
}

/// Where nothing tells the slices, few units that are far larger than advised are likely to leave some idle.
fn few_and_large(cx: &Context<'_>, units: &Units) -> Option<Severity> {
    let large = units.sizes.quantile(0.5)? >= cx.limit(&LARGE_UNIT);
    (large && units.count < cx.limit(&FEW_UNITS)).then_some(Severity::Low)
}

/// One finding per table and prefix: of the loads that pass the gate, else of many small ones, else of unknown ones.
fn worth_telling(cx: &Context<'_>, key: &(String, String), slow: Vec<Slow<'_>>, slices: &Slices, all_seconds: f64) -> Option<Finding> {
    let (passing, rest): (Vec<_>, Vec<_>) = slow.into_iter().partition(|it| it.passes == Some(true));
    if !passing.is_empty() {
        let severity = severity(cx, &passing, all_seconds);
        return Some(claim::finding(key, &passing, severity, slices));
    }
    let (unknown, small): (Vec<_>, Vec<_>) = rest.into_iter().partition(|it| it.passes.is_none());
    let days: BTreeSet<String> = small.iter().filter_map(|it| it.copy.load.start_time).map(crate::units::Moment::day).collect();
    let often = !days.is_empty() && stats::real(small.len()) / stats::real(days.len()) >= cx.limit(&REPEATS);
    let told = if often { small } else { unknown };
    (!told.is_empty()).then(|| claim::finding(key, &told, Severity::Info, slices))
}

fn severity(cx: &Context<'_>, loads: &[Slow<'_>], all_seconds: f64) -> Severity {
    let effect = loads.iter().map(|it| it.effect).max().unwrap_or(Severity::Info);
    let recoverable: f64 = loads.iter().filter_map(|it| it.recoverable).sum();
    let largest = loads.iter().filter_map(|it| it.copy.bytes()).fold(0.0, f64::max);
    let by_time = rung(
        recoverable,
        &[
            (Severity::Medium, cx.limit(&MEDIUM_SECONDS)),
            (Severity::High, cx.limit(&HIGH_SECONDS)),
            (Severity::Critical, cx.limit(&CRITICAL_SECONDS)),
        ],
    );
    let by_size = rung(largest, &[(Severity::Medium, cx.limit(&MEDIUM_BYTES)), (Severity::High, cx.limit(&HIGH_BYTES))]);
    let by_share = (all_seconds > 0.0 && recoverable / all_seconds >= cx.limit(&CRITICAL_SHARE)).then_some(Severity::Critical);
    let magnitude = by_time.max(by_size).max(by_share).unwrap_or(Severity::Low);
    effect.min(magnitude)
}
