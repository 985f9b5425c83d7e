//! COPY statements as detectors judge them: with their files, the units these make, and the slices that share the units.

use crate::{
    error::Result,
    evidence::Evidence,
    stats::{Amounts, amount, real},
    tables::{
        Row,
        clusters::{self, Cluster},
        load_files::{self, count_files},
        loads::{self, Load},
        rows,
        slices::{self, Slice},
    },
    text,
};
use std::collections::{BTreeMap, BTreeSet};

/// Redshift splits files from this size on.
pub const SPLITS_FROM: f64 = 134_217_728.0;

/// The ranges that it splits them into.
pub const RANGE: f64 = 67_108_864.0;

/// One COPY and what it read.
#[derive(Debug)]
pub struct Copy {
    /// The statement.
    pub load: Load,
    parts: Vec<Part>,
    by_slice: BTreeMap<i64, f64>,
}

/// A file, or a range of one.
#[derive(Debug)]
struct Part {
    file: String,
    truncated: bool,
    bytes: Option<f64>,
    splits: Option<i64>,
    partial: Option<bool>,
    slice: Option<i64>,
    /// How many files the row stands for, if it is a sum.
    files: Option<i64>,
}

/// What slices can work on at the same time.
#[derive(Debug, PartialEq)]
pub struct Units {
    /// Their sizes, where known.
    pub sizes: Amounts,
    /// How many.
    pub count: f64,
    /// How it is known.
    pub told: Told,
}

/// How the units of a load are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    /// Nothing tells whether the files can be split.
    Nothing,
    /// Files are counted, their sizes are not known.
    Counted,
    /// By format, compression, options and size.
    Modelled,
    /// Redshift noted the ranges that it read.
    Observed,
}

/// Reads the COPY statements that loaded from S3, in the order of time.
pub fn read(evidence: &Evidence) -> Result<Vec<Copy>> {
    let mut parts: BTreeMap<(String, String), Vec<Part>> = BTreeMap::new();
    if let Some(frame) = evidence.frame(&load_files::TABLE) {
        for file in rows(frame) {
            if let (Some(system), Some(query)) = (file.text(load_files::SYSTEM), file.text(load_files::QUERY_ID)) {
                parts.entry((system, query)).or_default().push(Part::of(file));
            }
        }
    }
    let collected = evidence.table(&loads::TABLE).collect()?;
    let mut copies = Vec::new();
    for load in rows(&collected).map(Load::read).filter(reads_s3) {
        let id = |system: &str, query: &Option<String>| Some((system.to_owned(), query.clone()?));
        let own = load.system.as_deref().and_then(|it| id(it, &load.query_id)).and_then(|it| parts.remove(&it)).unwrap_or_default();
        let twin = id("stl", &load.same_as).and_then(|it| parts.remove(&it)).unwrap_or_default();
        // Only STL tells which slice read a file.
        let by_slice = by_slice(if twin.is_empty() { &own } else { &twin });
        let parts = if own.is_empty() { twin } else { own };
        copies.push(Copy { load, parts, by_slice });
    }
    copies.sort_by(|a, b| a.load.start_time.cmp(&b.load.start_time).then_with(|| a.load.query_id.cmp(&b.load.query_id)));
    Ok(copies)
}

fn reads_s3(load: &Load) -> bool {
    load.data_source.as_deref().is_none_or(|it| it.starts_with("s3://"))
}

impl Part {
    fn of(file: Row<'_>) -> Self {
        Self {
            file: file.text(load_files::FILE_NAME).unwrap_or_default(),
            truncated: file.flag(load_files::NAME_TRUNCATED),
            bytes: file.whole(load_files::TRANSFER_BYTES).or_else(|| file.whole(load_files::BYTES_SCANNED)).map(amount),
            splits: file.whole(load_files::SPLITS_SCANNED),
            partial: file.maybe_flag(load_files::IS_PARTIAL),
            slice: file.whole(load_files::SLICE),
            files: file.whole(load_files::FILES),
        }
    }
}

impl Part {
    fn weight(&self) -> usize {
        usize::try_from(self.files.unwrap_or(1)).unwrap_or(0)
    }
}

impl Copy {
    /// Whether it loaded what it read.
    pub fn completed(&self) -> bool {
        matches!(self.load.status.as_deref(), None | Some("completed" | "success"))
    }

    /// Whether an auto-copy job ran it: one file per event, by design.
    pub fn is_auto(&self) -> bool {
        self.load.copy_job_id.as_deref().is_some_and(|it| !matches!(it, "" | "0" | "-1"))
    }

    /// The target table with its schema, as far as they are known.
    pub fn table(&self) -> String {
        let parts = [self.load.schema_name.as_deref(), self.load.table_name.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(".")
    }

    /// Seconds from start to end.
    pub fn seconds(&self) -> Option<f64> {
        self.load.duration_ms.map(|it| amount(it) / 1000.0)
    }

    /// Bytes of its files.
    pub fn bytes(&self) -> Option<f64> {
        let sum =
            || self.parts.iter().map(|it| Some(it.bytes? * real(it.weight()))).sum::<Option<f64>>().filter(|_| !self.parts.is_empty());
        self.load.source_file_bytes.map(amount).filter(|it| *it > 0.0).or_else(sum)
    }

    /// How many files.
    pub fn files(&self) -> Option<f64> {
        let named = || amount(count_files(self.parts.iter().map(|it| (it.file.as_str(), it.files))));
        self.load.source_file_count.map(amount).filter(|it| *it > 0.0).or_else(|| (!self.parts.is_empty()).then(named))
    }

    /// Whether names were cut, so that counting them is not sure.
    pub fn has_cut_names(&self) -> bool {
        self.load.source_file_count.is_none() && self.parts.iter().any(|it| it.truncated)
    }

    /// The sizes of its files, where each is known.
    pub fn file_sizes(&self) -> Amounts {
        let mut sizes: BTreeMap<&str, f64> = BTreeMap::new();
        for part in self.parts.iter().filter(|it| it.files.is_none()) {
            *sizes.entry(&part.file).or_default() += part.bytes.unwrap_or(0.0);
        }
        let told = self.parts.iter().all(|it| it.bytes.is_some());
        if told && !self.parts.is_empty() {
            let summed = self.parts.iter().filter(|it| it.files.is_some()).map(|it| (it.bytes.unwrap_or(0.0), it.weight()));
            return sizes.into_values().map(|it| (it, 1)).chain(summed).collect();
        }
        match (self.files(), self.bytes()) {
            (Some(files), Some(bytes)) if files <= 1.0 => Amounts::from_iter([(bytes, 1)]),
            _ => Amounts::default(),
        }
    }

    /// Bytes that each slice read, where STL tells.
    pub fn bytes_by_slice(&self) -> &BTreeMap<i64, f64> {
        &self.by_slice
    }

    /// What slices can work on at the same time.
    pub fn units(&self) -> Option<Units> {
        let observed = self.parts.iter().all(|it| it.splits.is_some() || it.partial.is_some());
        let sized = !self.parts.is_empty() && self.parts.iter().all(|it| it.bytes.is_some());
        if sized && observed {
            let sizes: Amounts =
                self.parts.iter().map(|it| pieces(it.bytes.unwrap_or(0.0), it.splits.unwrap_or(1).max(1), it.weight())).collect();
            return Some(Units { count: real(sizes.count()), sizes, told: Told::Observed });
        }
        if observed && !self.parts.is_empty() {
            let ranges: f64 = self.parts.iter().map(|it| amount(it.splits.unwrap_or(1).max(1)) * real(it.weight())).sum();
            return Some(Units { sizes: Amounts::default(), count: ranges, told: Told::Counted });
        }
        let files = self.files()?;
        let sizes = self.file_sizes();
        if sizes.is_empty() {
            let told = if self.load.splittable == Some(false) { Told::Counted } else { Told::Nothing };
            return Some(Units { sizes, count: files, told });
        }
        let large = sizes.max().is_some_and(|it| it >= SPLITS_FROM);
        let split = |(size, files): (f64, usize)| {
            #[expect(clippy::cast_possible_truncation, reason = "a file has few ranges")]
            let count = if self.load.splittable == Some(true) && size >= SPLITS_FROM { (size / RANGE).ceil() as i64 } else { 1 };
            pieces(size, count, files)
        };
        let told = if large && self.load.splittable.is_none() { Told::Nothing } else { Told::Modelled };
        let units: Amounts = sizes.counted().map(split).collect();
        Some(Units { count: real(units.count()), sizes: units, told })
    }

    /// The folder that its source names, without what changes from run to run.
    pub fn prefix(&self) -> String {
        let is_manifest = self.load.copy_options.as_deref().is_some_and(|it| it.split(',').any(|it| it == "MANIFEST"));
        let file = self.parts.first().map(|it| it.file.as_str()).filter(|it| it.starts_with("s3://"));
        let source = self.load.data_source.as_deref();
        let told = if is_manifest { file.or(source) } else { source.or(file) };
        told.map(stable_folder).unwrap_or_default()
    }
}

fn by_slice(parts: &[Part]) -> BTreeMap<i64, f64> {
    let mut by_slice = BTreeMap::new();
    for (slice, bytes) in parts.iter().filter_map(|it| Some((it.slice?, it.bytes?))) {
        *by_slice.entry(slice).or_default() += bytes;
    }
    by_slice
}

/// The size and the number of the ranges that files of one size are split into.
fn pieces(bytes: f64, ranges: i64, files: usize) -> (f64, usize) {
    (bytes / amount(ranges), usize::try_from(ranges).unwrap_or(1).saturating_mul(files))
}

/// The folders of an address up to the first that changes from run to run.
fn stable_folder(address: &str) -> String {
    let (scheme, path) = address.split_once("://").unwrap_or(("s3", address));
    let mut stable = format!("{scheme}://");
    let mut segments = path.split('/').enumerate().peekable();
    while let Some((at, segment)) = segments.next() {
        let is_file = segments.peek().is_none() && segment.contains('.');
        if segment.is_empty() || (at > 0 && (is_file || text::is_variable(segment))) {
            break;
        }
        stable.push_str(segment);
        stable.push('/');
    }
    stable
}

/// The slices of the cluster, and how they are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slices {
    /// Data slices.
    pub count: Option<f64>,
    /// Nodes.
    pub nodes: Option<f64>,
    /// In words.
    pub told_by: String,
    /// Whether the count is read and not concluded.
    pub certain: bool,
}

/// Data slices of one node, by node type.
const PER_NODE: &[(&str, i64)] = &[
    ("ra3.large", 2),
    ("ra3.xlplus", 2),
    ("ra3.4xlarge", 4),
    ("ra3.16xlarge", 16),
    ("dc2.large", 2),
    ("dc2.8xlarge", 16),
    ("ds2.xlarge", 2),
    ("ds2.8xlarge", 16),
];

/// How many slices share the work: from `STV_SLICES`, else by node type, else by the slices that loads used.
pub fn slices(evidence: &Evidence, copies: &[Copy]) -> Result<Slices> {
    let collected = evidence.table(&slices::TABLE).collect()?;
    let data: Vec<Slice> = rows(&collected).map(Slice::read).filter(|it| it.slice_type.as_deref().is_none_or(|it| it == "D")).collect();
    if !data.is_empty() {
        let nodes: BTreeSet<Option<i64>> = data.iter().map(|it| it.node).collect();
        let told_by = "STV_SLICES".to_owned();
        return Ok(Slices { count: Some(real(data.len())), nodes: Some(real(nodes.len())), told_by, certain: true });
    }
    let collected = evidence.table(&clusters::TABLE).collect()?;
    let known: Vec<Cluster> =
        rows(&collected).map(Cluster::read).filter(|it| it.node_type.is_some() || it.is_serverless == Some(true)).collect();
    if let [only] = known.as_slice() {
        if only.is_serverless == Some(true) {
            return Ok(Slices { told_by: "a serverless workgroup shows no slices".to_owned(), ..Slices::default() });
        }
        let per_node = PER_NODE.iter().find(|it| Some(it.0) == only.node_type.as_deref()).map(|it| it.1);
        if let (Some(nodes), Some(per_node)) = (only.nodes, per_node) {
            let told_by = format!("{nodes} nodes of {}", only.node_type.as_deref().unwrap_or_default());
            let count = only.total_slices.unwrap_or(nodes * per_node);
            return Ok(Slices { count: Some(amount(count)), nodes: Some(amount(nodes)), told_by, certain: false });
        }
    }
    let used: BTreeSet<i64> = copies.iter().flat_map(|it| it.by_slice.keys().copied()).collect();
    let count = (used.len() > 1).then(|| real(used.len()));
    let told_by = if count.is_some() { "the slices that loads in STL used" } else { "nothing in the evidence" }.to_owned();
    Ok(Slices { count, nodes: None, told_by, certain: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(load: Load, parts: &[(&str, f64, Option<i64>)]) -> Copy {
        let part = |it: &(&str, f64, Option<i64>)| Part {
            file: it.0.to_owned(),
            truncated: false,
            bytes: Some(it.1),
            splits: it.2,
            partial: None,
            slice: None,
            files: None,
        };
        Copy { load, parts: parts.iter().map(part).collect(), by_slice: BTreeMap::new() }
    }

    #[test]
    fn what_redshift_noted_counts_more_than_the_model() {
        let splittable = Load { splittable: Some(true), ..Load::default() };
        let gib = 1024.0 * 1024.0 * 1024.0;
        let units = |copy: &Copy| copy.units().map(|it| (it.count, it.told));
        assert_eq!(units(&copy(splittable.clone(), &[("a", gib, Some(1))])), Some((1.0, Told::Observed)));
        assert_eq!(units(&copy(splittable.clone(), &[("a", gib, None)])), Some((16.0, Told::Modelled)));
        assert_eq!(units(&copy(splittable.clone(), &[("a", SPLITS_FROM - 1.0, None)])), Some((1.0, Told::Modelled)));
        assert_eq!(units(&copy(splittable, &[("a", SPLITS_FROM, None)])), Some((2.0, Told::Modelled)));
        assert_eq!(units(&copy(Load::default(), &[("a", gib, None)])), Some((1.0, Told::Nothing)));
    }

    #[test]
    fn the_prefix_ends_where_names_change() {
        for (source, expected) in [
            ("s3://b/core/invoices/2026/08/13/", "s3://b/core/invoices/"),
            ("s3://b/bids/load_date=2026-08-12/run3", "s3://b/bids/"),
            ("s3://b/mart/events/batch_20260813/part-00000-22f4f48c-c000.txt", "s3://b/mart/events/"),
            ("s3://b/dim_currency_28/", "s3://b/dim_currency_28/"),
            ("s3://b/core/customers", "s3://b/core/customers/"),
            ("s3://b/x.csv", "s3://b/"),
        ] {
            assert_eq!(stable_folder(source), expected);
        }
    }
}
