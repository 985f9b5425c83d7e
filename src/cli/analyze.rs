//! `casefile analyze`: dumps in, report out.

use super::{Ending, When, asked::LoginArgs, configuration, earlier, formats, progress, timings::Timings};
use casefile::{
    case::{Listing, Meter},
    changes,
    config::Config,
    detectors::{self, DETECTORS, Detector},
    diff,
    error::{Error, Result},
    evidence::Evidence,
    finding::FailOn,
    ledger::{Ledger, Taken},
    report::{Report, parquet},
    settings,
    sources::{SOURCES, Source},
    suppress,
    units::{self, Moment, parse_time},
};
use clap::Args;
use jiff::{Timestamp, tz::TimeZone};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

/// What `analyze` can be told.
#[derive(Debug, Args)]
pub(super) struct AnalyzeArgs {
    /// Files, directories, archives; - reads standard input. Kinds are found from content.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    shared: SharedArgs,
    /// Reads every input as this kind instead of looking at its content.
    #[arg(long = "as", value_name = "KIND", value_parser = parse_source)]
    kind: Option<&'static Source>,
    /// Zone of times that name none, as in Europe/Berlin.
    #[arg(long, default_value = "UTC")]
    tz: String,
    /// Adds the evidence tables to --out.
    #[arg(long, requires = "out")]
    evidence: bool,
}

/// What every command that analyzes can be told.
#[derive(Debug, Args)]
pub(super) struct SharedArgs {
    /// Writes the Parquet tables of the report into this directory.
    #[arg(short, long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// What to print.
    #[arg(short, long, default_value = "text", value_parser = formats())]
    pub(super) format: &'static str,
    /// Only what happened from here on: RFC 3339, or a date (UTC).
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "last")]
    pub(super) since: Option<Moment>,
    /// Only what happened before: RFC 3339, or a date (UTC).
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "last")]
    pub(super) until: Option<Moment>,
    /// Only what happened within this time before now: 90m, 24h, 7d.
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub(super) last: Option<i64>,
    /// Runs only this detector; may be given several times.
    #[arg(long, value_name = "ID", value_parser = parse_detector)]
    pub(super) detector: Vec<&'static Detector>,
    /// Exits with 1 when a finding is at least this severe: never, info, low, medium, high, critical; new:high when it is new or worse, too.
    #[arg(long, value_name = "[new:]SEVERITY", default_value = "never", value_parser = FailOn::parse)]
    pub(super) fail_on: FailsOn,
    /// An earlier report that was accepted: what it holds is suppressed, unless it got worse or is critical.
    #[arg(long, value_name = "REPORT")]
    pub(super) baseline: Option<String>,
    #[arg(long, value_name = "FILE", help = CONFIG_HELP)]
    pub(super) config: Option<PathBuf>,
    /// Sets a value: detectors.<id>.<key>=<value>, input.<key>=<value>; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// When to use colour.
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) color: When,
    /// When to show progress.
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) progress: When,
    /// Says on standard error how long each stage took.
    #[arg(long)]
    pub(super) timings: bool,
    /// Says less.
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Says more.
    #[arg(short, long)]
    pub(super) verbose: bool,
    #[command(flatten)]
    login: LoginArgs,
}

const CONFIG_HELP: &str =
    "Settings file; without it the first there is of $CASEFILE_CONFIG, ./casefile.toml and ~/.config/casefile/config.toml";

/// How many problems with inputs are named on standard error.
const MOST_PROBLEMS: usize = 10;

/// From where on the exit code is 1; `None` is never.
pub(super) type FailsOn = Option<FailOn>;

pub(super) fn run(args: &AnalyzeArgs) -> Result<Ending> {
    let mut config = args.shared.config()?;
    config.settings.zone = TimeZone::get(&args.tz)
        .map_err(|_| Error::Usage(format!("--tz {}: no such zone; write one like Europe/Berlin or UTC", args.tz)))?;
    let baseline = args.shared.baseline(&config)?;
    let listing = Listing::of(&args.paths);
    if listing.files.is_empty() && !listing.unreadable.is_empty() {
        for it in &listing.unreadable {
            super::complain(&format!("{}: {}", it.name, it.reason));
        }
        return Err(Error::Usage("no input could be opened".to_owned()));
    }
    let meter = Meter::default();
    let total = listing.files.iter().map(|it| it.bytes).sum();
    let mut timings = Timings::default();
    let evidence = timings.stage("reading", || {
        progress::shown(args.shared.progress, &meter, total, || Evidence::load(&listing, args.kind, &config.settings, &meter))
    })?;
    args.shared.conclude(&evidence, &config, baseline.as_ref(), args.evidence, timings)
}

impl SharedArgs {
    /// The configuration from file and flags, checked.
    pub(super) fn config(&self) -> Result<Config> {
        let (found, document) = configuration::document(self.config.as_deref(), &self.set)?;
        if let Some(found) = found.filter(|_| !self.quiet) {
            found.tell();
        }
        let mut config = Config::of(&document)?;
        let settings = &mut config.settings;
        let ago = |micros: i64| Moment(Timestamp::now().as_microsecond() - micros);
        settings.since = self.since.or_else(|| self.last.map(ago));
        settings.until = self.until;
        if let (Some(since), Some(until)) = (settings.since, settings.until)
            && since >= until
        {
            return Err(Error::Usage(format!(
                "the window is empty: --since {} is not before --until {}",
                since.rfc3339(),
                until.rfc3339()
            )));
        }
        Ok(config)
    }

    /// The report that was accepted, if one was given.
    pub(super) fn baseline(&self, config: &Config) -> Result<Option<Taken>> {
        let given = self.baseline.clone().or_else(|| config.baseline.as_ref().map(|it| it.display().to_string()));
        if self.fail_on.is_some_and(|it| it.only_new) && given.is_none() {
            return Err(Error::Usage(
                "--fail-on new:… asks what is new, and there is nothing to compare with: give --baseline REPORT or [baseline] report, or compare two reports with casefile diff".to_owned(),
            ));
        }
        given.map(|it| earlier::taken(&it, &self.login.ways(), || Ok(config.settings.clone()))).transpose()
    }

    /// Judges the evidence, prints the report, writes the tables.
    pub(super) fn conclude(
        &self,
        evidence: &Evidence,
        config: &Config,
        baseline: Option<&Taken>,
        with_evidence: bool,
        mut timings: Timings,
    ) -> Result<Ending> {
        let chosen: Vec<&'static Detector> = DETECTORS
            .iter()
            .copied()
            .filter(|it| self.detector.is_empty() || self.detector.iter().any(|chosen| chosen.id == it.id))
            .collect();
        let verdicts = timings.stage("detectors", || detectors::judge(&chosen, evidence, &config.settings))?;
        let mut report = timings.stage("report", || Report::new(evidence, verdicts, &config.settings))?;
        if self.out.is_some() {
            // The same inputs are the same run, whatever people and other reports say of them.
            report.run = Some(report.run_id());
        }
        if let Some(baseline) = baseline {
            changes::compare(&mut report, &baseline.ledger);
        }
        suppress::apply(&config.suppress, &mut report, None);
        if let Some(baseline) = baseline {
            changes::accept(&mut report, &baseline.ledger, &baseline.given);
            for it in diff::differences(&baseline.ledger, &Ledger::of(&report)) {
                super::complain(&format!("--baseline {}: {it}", baseline.given));
            }
        }
        let mut ending = Ending {
            found: self.fail_on.is_some_and(|it| report.findings().into_iter().any(|finding| it.is_met_by(finding))),
            incomplete: !report.is_complete(),
            write_failed: None,
        };
        if let Some(dir) = &self.out {
            ending.write_failed = timings.stage("writing", || write(dir, &report, evidence, with_evidence)).err();
        }
        if self.format != "text" {
            // A person who pipes the report on still sees that it is not the whole.
            for (path, problem) in report.problems().take(MOST_PROBLEMS) {
                super::complain(&format!("{path}: {problem}"));
            }
            let others = report.problems().count().saturating_sub(MOST_PROBLEMS);
            if others > 0 {
                super::complain(&format!("{others} more problems: the report lists them"));
            }
        }
        timings.stage("printing", || self.print(&report))?;
        if self.timings {
            super::complain(&timings.line());
        }
        Ok(ending)
    }

    fn print(&self, report: &Report) -> Result<()> {
        super::printed::report(report, self.format, self.color, 1 + u8::from(self.verbose) - u8::from(self.quiet), self.fail_on)
    }
}

/// Writes the tables of a report, and of its evidence: `<table>/dt=<day>/<run>.parquet`, all of them or none.
fn write(dir: &Path, report: &Report, evidence: &Evidence, with_evidence: bool) -> Result<()> {
    let (day, run_id) = (report.day(), report.run_id());
    let folder = |table: &str| dir.join(table).join(format!("dt={day}"));
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for (table, bytes) in parquet::files(report, &run_id)? {
        files.push((folder(table), bytes));
    }
    if with_evidence {
        for table in casefile::tables::TABLES {
            if let Some(frame) = evidence.frame(table) {
                files.push((folder(&format!("evidence/{}", table.name)), parquet::evidence(table, frame)?));
            }
        }
    }
    let temporary = |folder: &Path| folder.join(format!(".{run_id}.parquet.tmp"));
    let stored = files.iter().try_for_each(|(folder, bytes)| store(folder, &temporary(folder), bytes));
    let named = stored.and_then(|()| {
        files.iter().try_for_each(|(folder, _)| {
            let path = folder.join(format!("{run_id}.parquet"));
            fs::rename(temporary(folder), &path).map_err(|source| Error::Write { path, source })
        })
    });
    if named.is_err() {
        for (folder, _) in &files {
            // What could not be written whole must not stay behind; if it cannot be removed either, the first error counts.
            fs::remove_file(temporary(folder)).unwrap_or_default();
        }
    }
    named
}

fn store(folder: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut file = fs::File::create(path).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)
}

/// A span that is not empty.
pub(super) fn parse_span(text: &str) -> std::result::Result<i64, String> {
    let span = units::parse_span(text)?;
    if span > 0 { Ok(span) } else { Err("a span of no time holds nothing: write one like 90m, 24h or 7d".to_owned()) }
}

fn parse_detector(text: &str) -> std::result::Result<&'static Detector, String> {
    let names: Vec<&str> = DETECTORS.iter().map(|it| it.id).collect();
    DETECTORS.iter().copied().find(|it| it.id == text).ok_or_else(|| settings::unknown("detector", text, &names, "--detector").to_string())
}

fn parse_source(text: &str) -> std::result::Result<&'static Source, String> {
    let names: Vec<&str> = SOURCES.iter().map(|it| it.id).collect();
    SOURCES.iter().copied().find(|it| it.id == text).ok_or_else(|| format!("one of {}", names.join(", ")))
}
