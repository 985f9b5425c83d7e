//! A location or a load made of too many tiny files.
//!
//! ## What it looks for
//! Objects of S3 listings are put together by location (the prefix before the first partition), and files of loads by table and
//! prefix. Each partition, and each load, needs `ceil(bytes / target)` files and at least one. What is there beyond that is
//! `reducible`: compaction removes it. What is needed only because there are so many partitions is `over-partitioned`: only coarser
//! keys remove it. How bad: the median size and the share of files below a quarter of the target, and how many files could go.
//! Where only Redshift's scans of an external table tell of a location, the files that they opened are counted: low at most.
//! Markers (`_SUCCESS`, `_$folder$`, `.crc`), table metadata, empty objects, old versions and delete markers are left out,
//! and so are partitions of the latest hours that were written in the latest hours; what is left out is listed.
//!
//! ## Why it matters
//! Every file costs a listing, a request and a start: a query over 100,000 files of 100 kB spends its time opening them, and S3
//! answers 503 beyond 5,500 reads a second on a prefix. Redshift advises 1 MB to 1 GB per loaded file, Athena 128 MB and more.
//!
//! ## What to do
//! Compact what is there (Iceberg `OPTIMIZE ... BIN_PACK`, a CTAS or INSERT OVERWRITE for Hive tables), then the writer: larger
//! Firehose buffers, `repartition` before the write, fewer and coarser partitions.
//!
//! ## When it is wrong
//! Where folders name no day or hour, a partition that is still being written cannot be told. Files that no snapshot refers to any more are not read. The
//! Athena history does not tell how many files a query read: without a listing nothing can be said about a location. A reference
//! table may be tiny on purpose: fewer than 100 files are never reported.

use super::{Answer, Context, Detector, rung};
use crate::{
    copies,
    error::Result,
    finding::{Finding, Severity},
    settings::Limit,
    stats::{Amounts, amount, real},
    tables::{
        Origin, external_scans, load_files, loads,
        objects::{self, Object},
        rows,
    },
    units::{Moment, SECOND},
};
use std::collections::BTreeMap;

mod claim;
mod scans;
mod span;

pub(super) static DETECTOR: Detector = Detector {
    id: "small-files",
    version: 1,
    title: "a location or a load made of too many tiny files",
    needs: "an S3 listing or Inventory, an Athena result of \"$path\" and \"$file_size\", the files of Redshift loads, or SYS_EXTERNAL_QUERY_DETAIL",
    fails: false,
    reads: &[&objects::TABLE, &loads::TABLE, &load_files::TABLE, &external_scans::TABLE],
    limits: &[&TARGET, &TABLE_FORMAT_TARGET, &MIN_FILES, &MIN_BYTES, &MANY_FILES, &FRESH, &IRREDUCIBLE, &LOW, &MEDIUM, &HIGH, &CRITICAL],
    text: include_str!("mod.rs"),
    detect,
};

static TARGET: Limit = Limit {
    name: "target_bytes",
    default: 134_217_728.0,
    meaning: "size that a file should have, in bytes",
    source: "128 MiB: Parquet's row group and Athena's tuning advice",
};
static TABLE_FORMAT_TARGET: Limit = Limit {
    name: "iceberg_target_bytes",
    default: 268_435_456.0,
    meaning: "size that a file of an Iceberg or Delta table should have, in bytes",
    source: "half of Iceberg's own target of 512 MB; our choice",
};
static MIN_FILES: Limit = Limit {
    name: "min_files",
    default: 100.0,
    meaning: "files below which a location is too small to judge",
    source: "DataFlint's rule: more than 100 files",
};
static MIN_BYTES: Limit =
    Limit { name: "min_bytes", default: 16_777_216.0, meaning: "bytes below which a location is too small to judge", source: "our choice" };
static MANY_FILES: Limit = Limit {
    name: "many_files",
    default: 10_000.0,
    meaning: "files from which on a location is judged whatever its bytes",
    source: "listing them takes ten requests; our choice",
};
static FRESH: Limit = Limit {
    name: "fresh_hours",
    default: 3.0,
    meaning: "hours before the end of the evidence in which a partition of that time was written, so that it may still grow or await compaction",
    source: "our choice",
};
static IRREDUCIBLE: Limit = Limit {
    name: "irreducible_share",
    default: 0.5,
    meaning: "share of files that only coarser partitions can remove, from which on it is over-partitioned",
    source: "our choice",
};
static LOW: Limit =
    Limit { name: "low_files", default: 100.0, meaning: "files that could go, from which on it is low", source: "our choice" };
static MEDIUM: Limit =
    Limit { name: "medium_files", default: 1_000.0, meaning: "files that could go, from which on it is medium", source: "our choice" };
static HIGH: Limit =
    Limit { name: "high_files", default: 10_000.0, meaning: "files that could go, from which on it is high", source: "our choice" };
static CRITICAL: Limit = Limit {
    name: "critical_files",
    default: 100_000.0,
    meaning: "files that could go, from which on it is critical",
    source: "our choice",
};

/// Median size below which, and share below a quarter of the target from which on, files are this bad.
const EFFECTS: &[(Severity, f64, f64)] = &[
    (Severity::Critical, 1_048_576.0, 0.9),
    (Severity::High, 3_145_728.0, 0.8),
    (Severity::Medium, 16_777_216.0, 0.6),
    (Severity::Low, 67_108_864.0, 0.5),
];

/// Files of one location, or of the loads of one table and prefix.
#[derive(Debug, Default)]
struct Pile {
    table: Option<String>,
    is_load: bool,
    /// By partition, or by load.
    parts: BTreeMap<String, Part>,
    left_out: BTreeMap<String, usize>,
    /// Partitions that may still be written.
    fresh: Vec<String>,
    is_table_format: bool,
    columnar: bool,
    from: Option<Moment>,
    to: Option<Moment>,
    origin: Option<Origin>,
    queries: BTreeMap<String, Option<Moment>>,
}

/// Files of one partition, or of one load.
#[derive(Debug, Default)]
struct Part {
    sizes: Vec<(f64, usize)>,
    newest: Option<Moment>,
}

impl Part {
    fn add(&mut self, size: f64, count: usize, at: Option<Moment>) {
        self.sizes.push((size, count));
        self.newest = self.newest.max(at);
    }

    fn files(&self) -> usize {
        self.sizes.iter().map(|it| it.1).sum()
    }

    fn bytes(&self) -> f64 {
        self.sizes.iter().map(|it| it.0 * real(it.1)).sum()
    }
}

/// A pile, measured.
#[derive(Debug)]
struct Measured {
    sizes: Amounts,
    files: usize,
    bytes: f64,
    target: f64,
    needed: f64,
    reducible: f64,
    irreducible: f64,
    share_below: f64,
    effect: Severity,
}

fn detect(cx: &Context<'_>) -> Result<Answer> {
    if [&objects::TABLE, &load_files::TABLE, &external_scans::TABLE].iter().all(|it| cx.evidence.rows(it) == 0) {
        return Ok(Answer::NotAssessed(
            "no listing of S3, no file of a load and no external scan was read; the query history does not count files".to_owned(),
        ));
    }
    let mut piles: BTreeMap<(String, bool), Pile> = BTreeMap::new();
    if let Some(frame) = cx.evidence.frame(&objects::TABLE) {
        for object in rows(frame).map(Object::read) {
            let location = object.location.clone().unwrap_or_default();
            piles.entry((location, false)).or_default().add(object);
        }
    }
    for copy in copies::read(cx.evidence)?.iter().filter(|it| it.completed() && cx.settings.in_window(it.load.start_time)) {
        let (sizes, query) = (copy.file_sizes(), copy.load.query_id.clone().unwrap_or_default());
        if sizes.is_empty() {
            continue;
        }
        let pile = piles.entry((copy.prefix(), true)).or_default();
        pile.is_load = true;
        pile.table = pile.table.take().or_else(|| Some(copy.table()).filter(|it| !it.is_empty()));
        pile.see(copy.load.start_time, &copy.load.origin);
        pile.queries.insert(query.clone(), copy.load.start_time);
        pile.parts.insert(query, Part { sizes: sizes.counted().collect(), newest: copy.load.start_time });
    }
    let end = cx.evidence.last();
    #[expect(clippy::cast_possible_truncation, reason = "a float saturates")]
    let fresh = end.map(|it| Moment(it.0.saturating_sub((cx.limit(&FRESH) * 3600.0) as i64 * SECOND)));
    let mut findings = Vec::new();
    for ((location, _), pile) in &mut piles {
        pile.leave_out_fresh(fresh);
        findings.extend(judge(cx, location, pile));
    }
    let listed = piles.keys().filter(|it| !it.1).map(|it| it.0.clone()).collect();
    findings.extend(scans::findings(cx, &listed)?);
    Ok(Answer::Findings(findings))
}

impl Pile {
    fn add(&mut self, object: Object) {
        self.is_table_format |= object.table_format.is_some();
        let role = object.role.as_deref().unwrap_or("data");
        let count = object.objects.map_or(1, |it| usize::try_from(it).unwrap_or(0));
        if role != "data" {
            *self.left_out.entry(role.to_owned()).or_default() += count;
            return;
        }
        let Some(size) = object.size_bytes else { return };
        self.columnar |= object.key.as_deref().is_some_and(|it| it.contains(".parquet") || it.contains(".orc"));
        self.see(object.last_modified, &object.origin);
        self.parts.entry(object.partition.unwrap_or_default()).or_default().add(amount(size), count, object.last_modified);
    }

    /// Leaves out partitions that were written after `since` and are named after a time that was not over then.
    fn leave_out_fresh(&mut self, since: Option<Moment>) {
        let Some(since) = since.filter(|_| !self.is_load) else { return };
        let after = |at: Option<Moment>| at.is_some_and(|it| it > since);
        let is_fresh = |(name, part): &(&String, &Part)| after(part.newest) && after(span::end_of(name));
        let fresh: Vec<String> = self.parts.iter().filter(is_fresh).map(|it| it.0.clone()).collect();
        let has_others = fresh.len() < self.parts.len();
        // Where nothing else is there, it is what there is to judge.
        for name in fresh.into_iter().filter(|_| has_others) {
            if let Some(part) = self.parts.remove(&name) {
                *self.left_out.entry("fresh".to_owned()).or_default() += part.files();
                self.fresh.push(name);
            }
        }
    }

    fn see(&mut self, at: Option<Moment>, origin: &Origin) {
        self.from = self.from.into_iter().chain(at).min();
        self.to = self.to.max(at);
        if self.origin.is_none() {
            self.origin = Some(origin.clone());
        }
    }

    fn measured(&self, target: f64) -> Measured {
        let sizes: Amounts = self.parts.values().flat_map(|it| &it.sizes).copied().collect();
        let (files, bytes) = (sizes.count(), sizes.sum());
        let needed: f64 = self.parts.values().map(|it| (it.bytes() / target).ceil().max(1.0)).sum();
        let share_below = real(sizes.below(target / 4.0)) / real(files).max(1.0);
        let p50 = sizes.quantile(0.5).unwrap_or(0.0);
        let effect = EFFECTS.iter().find(|it| p50 < it.1 && share_below >= it.2).map_or(Severity::Info, |it| it.0);
        Measured {
            reducible: (real(files) - needed).max(0.0),
            irreducible: (needed - (bytes / target).ceil()).max(0.0),
            sizes,
            files,
            bytes,
            target,
            needed,
            share_below,
            effect,
        }
    }
}

fn judge(cx: &Context<'_>, location: &str, pile: &Pile) -> Vec<Finding> {
    let target = cx.limit(if pile.is_table_format { &TABLE_FORMAT_TARGET } else { &TARGET });
    let measured = pile.measured(target);
    let files = real(measured.files);
    let enough = files >= cx.limit(&MIN_FILES) && measured.bytes >= cx.limit(&MIN_BYTES);
    if !(enough || files >= cx.limit(&MANY_FILES)) || measured.effect < Severity::Low {
        return Vec::new();
    }
    let ladder = [
        (Severity::Low, cx.limit(&LOW)),
        (Severity::Medium, cx.limit(&MEDIUM)),
        (Severity::High, cx.limit(&HIGH)),
        (Severity::Critical, cx.limit(&CRITICAL)),
    ];
    let kind = if pile.is_load { "load" } else { "reducible" };
    let mut kinds: Vec<(&'static str, f64)> = vec![(kind, measured.reducible)];
    // A load has no partitions of its own: how its files are cut is the writer's choice.
    if !pile.is_load && measured.irreducible / files >= cx.limit(&IRREDUCIBLE) {
        kinds.push(("over-partitioned", measured.irreducible));
    }
    let found = kinds.into_iter().filter_map(|(kind, could_go)| Some((kind, rung(could_go, &ladder)?.min(measured.effect))));
    found.map(|(kind, severity)| claim::finding(location, pile, &measured, kind, severity)).collect()
}
