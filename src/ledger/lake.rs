//! A report read back from the tables that `--out` and publishing write: one run of one night, of however many lie there.

use super::{Entry, Input, Judged, Ledger, Parts, Said, rows, rows_of, store::Store};
use crate::{
    error::{Error, Result},
    units::Moment,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The table that every run has rows in.
const VERDICTS: &str = "verdicts";

/// What names of files begin with that hold the runs of a month.
const MERGED: &str = "compacted-";

/// The day of a report in which nothing carries a time.
const NO_DAY: &str = "unknown";

/// A run, and the file of each table that holds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Run {
    /// Its night.
    pub(super) day: String,
    /// Its name.
    pub(super) id: String,
    /// The partition and name of its files.
    file: File,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct File {
    partition: String,
    name: String,
}

#[derive(Deserialize)]
struct OfRun {
    casefile_run_id: String,
    run_date: Option<String>,
}

#[derive(Deserialize)]
struct VerdictRow {
    #[serde(flatten)]
    run: OfRun,
    detector: String,
    verdict: String,
    #[serde(default)]
    finding_count: u64,
    detector_version: Option<u32>,
    evidence: Option<String>,
    window_start: Option<Moment>,
    window_end: Option<Moment>,
}

#[derive(Deserialize)]
struct FindingRow {
    #[serde(flatten)]
    run: OfRun,
    finding_id: String,
    detector: String,
    severity: String,
    status: Option<String>,
    title: String,
    subject_kind: String,
    subject_id: String,
    occurrences: u64,
    first_seen: Option<Moment>,
    last_seen: Option<Moment>,
    nights_seen: Option<u64>,
    impact_seconds: Option<f64>,
    impact_bytes: Option<i64>,
}

#[derive(Deserialize)]
struct ExcerptRow {
    #[serde(flatten)]
    run: OfRun,
    finding_id: String,
    source: String,
}

#[derive(Deserialize)]
struct CoverageRow {
    #[serde(flatten)]
    run: OfRun,
    path: String,
    kind: Option<String>,
    parsed_count: u64,
    complete: bool,
    first_event_time: Option<Moment>,
    last_event_time: Option<Moment>,
}

const OF_RUN: [&str; 2] = ["casefile_run_id", "run_date"];

impl File {
    fn of(key: &str) -> Option<Self> {
        let (partition, name) = key.strip_prefix(VERDICTS)?.strip_prefix("/dt=")?.split_once('/')?;
        let name = name.strip_suffix(".parquet").filter(|it| !it.is_empty() && !it.starts_with(['.', '_']) && !it.contains('/'))?;
        Some(Self { partition: partition.to_owned(), name: name.to_owned() })
    }

    fn key(&self, table: &str) -> String {
        format!("{table}/dt={}/{}.parquet", self.partition, self.name)
    }

    fn is_merged(&self) -> bool {
        self.name.starts_with(MERGED)
    }

    fn month(&self) -> &str {
        month(&self.partition)
    }
}

fn month(day: &str) -> &str {
    day.get(..7).unwrap_or(day)
}

/// Finds the run that is wanted, by its day or its name: the latest, where none is.
///
/// `None` where there is no file of verdicts at all.
pub(super) fn find(store: &Store, wanted: Option<&str>) -> Result<Option<Run>> {
    let files: BTreeSet<File> = store.list(VERDICTS)?.iter().filter_map(|it| File::of(it)).collect();
    if files.is_empty() {
        return Ok(None);
    }
    let Some(wanted) = wanted else {
        // The latest month that holds any run holds the latest one; what carries no time comes last.
        let mut months: Vec<&str> = files.iter().map(File::month).collect();
        months.dedup();
        months.sort_by_key(|it| std::cmp::Reverse((*it != NO_DAY, *it)));
        for month in months {
            let runs = runs(store, files.iter().filter(|it| it.month() == month), |_| true)?;
            if let Some(last) = runs.iter().map(|it| it.day.clone()).max() {
                return only_one(store, runs.into_iter().filter(|it| it.day == last).collect(), &last);
            }
        }
        return Err(Error::Usage(format!("{}: holds no run: its tables are empty", store.name())));
    };
    // A day lies in its own partition, or in its month's file.
    let may_hold = |it: &&File| it.name == wanted || it.partition == wanted || it.is_merged();
    let is_meant = |it: &Run| it.id == wanted || it.day == wanted;
    only_one(store, runs(store, files.iter().filter(may_hold), is_meant)?, wanted)
}

fn only_one(store: &Store, mut runs: Vec<Run>, wanted: &str) -> Result<Option<Run>> {
    let given = store.name();
    let names = |runs: &[Run]| runs.iter().map(|it| it.id.clone()).collect::<Vec<_>>().join(", ");
    match runs.len() {
        1 => Ok(runs.pop()),
        0 => Err(Error::Usage(format!("{given}: holds no night or run called {wanted}"))),
        _ => Err(Error::Usage(format!("{given}: {wanted} has several runs, {}: name one of them, as {given}@RUN", names(&runs)))),
    }
}

/// The runs that these files hold: a file is named for its run, and only that of a month has to be opened.
fn runs<'a>(store: &Store, files: impl Iterator<Item = &'a File>, is_meant: impl Fn(&Run) -> bool) -> Result<Vec<Run>> {
    let mut found = BTreeSet::new();
    for file in files {
        let run = |day: &str, id: &str| Run { day: day.to_owned(), id: id.to_owned(), file: file.clone() };
        if file.is_merged() {
            let rows: Vec<OfRun> = table(store, file, VERDICTS, &OF_RUN)?;
            found.extend(rows.iter().map(|it| run(it.run_date.as_deref().unwrap_or(&file.partition), &it.casefile_run_id)));
        } else {
            found.insert(run(&file.partition, &file.name));
        }
    }
    Ok(found.into_iter().filter(is_meant).collect())
}

fn table<T: serde::de::DeserializeOwned>(store: &Store, file: &File, table: &str, columns: &[&str]) -> Result<Vec<T>> {
    let key = file.key(table);
    let wrong = |it: &str| Error::Usage(format!("{}/{key}: {it}", store.name()));
    let bytes = store.get(&key)?.ok_or_else(|| wrong("is missing: not a whole report"))?;
    rows::read(bytes, &[columns, &OF_RUN].concat()).map_err(|it| wrong(&it))
}

/// Reads a run.
pub(super) fn read(store: &Store, run: &Run) -> Result<Ledger> {
    // Only files of a month hold what is not of the run.
    let is_of =
        |it: &OfRun| !run.file.is_merged() || (it.casefile_run_id == run.id && it.run_date.as_deref().is_none_or(|it| it == run.day));
    let mut verdicts: Vec<VerdictRow> = table(
        store,
        &run.file,
        VERDICTS,
        &["detector", "verdict", "finding_count", "detector_version", "evidence", "window_start", "window_end"],
    )?;
    verdicts.retain(|it| is_of(&it.run));
    let mut excerpts: Vec<ExcerptRow> = table(store, &run.file, "excerpts", &["finding_id", "source"])?;
    excerpts.retain(|it| is_of(&it.run));
    let mut findings: Vec<FindingRow> = table(
        store,
        &run.file,
        "findings",
        &[
            "finding_id",
            "detector",
            "severity",
            "status",
            "title",
            "subject_kind",
            "subject_id",
            "occurrences",
            "first_seen",
            "last_seen",
            "nights_seen",
            "impact_seconds",
            "impact_bytes",
        ],
    )?;
    findings.retain(|it| is_of(&it.run));
    let mut coverage: Vec<CoverageRow> =
        table(store, &run.file, "coverage", &["path", "kind", "parsed_count", "complete", "first_event_time", "last_event_time"])?;
    coverage.retain(|it| is_of(&it.run));
    let wrong = |it: String| Error::Usage(format!("{}: run {} of {}: {it}", store.name(), run.id, run.day));
    let counted: u64 = verdicts.iter().map(|it| it.finding_count).sum();
    if counted != findings.len() as u64 {
        return Err(wrong(format!("its verdicts count {counted} findings, and {} are there: not a whole report", findings.len())));
    }
    let mut proved_by: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for it in excerpts {
        proved_by.entry(it.finding_id).or_default().insert(it.source);
    }
    let mut entry = |it: FindingRow| {
        let entry = Entry {
            detector: it.detector,
            severity: it.severity,
            status: it.status.unwrap_or_else(|| super::OPEN.to_owned()),
            title: it.title,
            subject_kind: it.subject_kind,
            subject_id: it.subject_id,
            occurrences: it.occurrences,
            first_seen: it.first_seen,
            last_seen: it.last_seen,
            nights_seen: it.nights_seen,
            impact_seconds: it.impact_seconds,
            impact_bytes: it.impact_bytes,
            proved_by: proved_by.remove(&it.finding_id).unwrap_or_default().into_iter().collect(),
        };
        (it.finding_id, entry)
    };
    let parts = Parts {
        since: verdicts.first().and_then(|it| it.window_start),
        until: verdicts.first().and_then(|it| it.window_end),
        verdicts: verdicts.into_iter().map(said).collect::<Result<_, String>>().map_err(&wrong)?,
        inputs: coverage.into_iter().map(input).collect(),
        findings: findings.into_iter().map(&mut entry).collect(),
    };
    parts.assembled().map_err(wrong)
}

fn input(row: CoverageRow) -> (Input, Option<(Moment, Moment)>) {
    let input = Input { path: row.path, kind: row.kind, parsed: row.parsed_count, complete: row.complete };
    (input, row.first_event_time.zip(row.last_event_time))
}

fn said(row: VerdictRow) -> Result<(String, Said), String> {
    let evidence: Vec<Judged> = match &row.evidence {
        Some(text) => serde_json::from_str(text).map_err(|it| format!("evidence of {}: {it}", row.detector))?,
        None => Vec::new(),
    };
    Ok((row.detector, Said { verdict: row.verdict, version: row.detector_version, evidence: rows_of(evidence) }))
}
