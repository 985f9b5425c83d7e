//! `casefile collect`: evidence from AWS into a case.

use super::{
    Ending, When,
    analyze::{parse_span, parse_time},
    progress,
};
use casefile::{
    case::{
        Window,
        manifest::{CaseManifest, State, Unit},
    },
    collect::{self, Asked, LogsBy, Progress, Ways},
    error::{Error, Result},
    units::{Moment, spoken_bytes},
};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use std::{io::Write as _, path::PathBuf, sync::Arc, time::Duration};

/// What `collect` can be told.
#[derive(Debug, Args)]
pub(super) struct CollectArgs {
    /// The directory of the case; without it, one named after the end of the window.
    #[arg(long, value_name = "DIR")]
    case: Option<PathBuf>,
    /// Continues a case that was not finished: with the same arguments, or without any.
    #[arg(long, requires = "case")]
    resume: bool,
    /// Prints every call and query, its window and what it may cost, and makes none that costs.
    #[arg(long, conflicts_with = "resume")]
    dry_run: bool,
    /// From here on: RFC 3339, or a date (UTC).
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "last")]
    since: Option<Moment>,
    /// Up to here, and without it up to now: RFC 3339, or a date (UTC).
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "last")]
    until: Option<Moment>,
    /// The time before now: 90m, 24h, 7d.
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    last: Option<i64>,
    #[command(flatten)]
    what: WhatArgs,
    #[command(flatten)]
    how: HowArgs,
    /// When to show progress.
    #[arg(long, value_enum, default_value = "auto")]
    progress: When,
}

/// What is collected.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is collected")]
struct WhatArgs {
    /// A log group; may be given several times.
    #[arg(long, value_name = "NAME")]
    log_group: Vec<String>,
    /// An MWAA environment: its scheduler, worker, DAG processing and task logs; may be given several times.
    #[arg(long, value_name = "NAME")]
    mwaa_environment: Vec<String>,
    /// The web server's log of the environments too.
    #[arg(long, requires = "mwaa_environment")]
    mwaa_webserver: bool,
    /// How logs are read: event by event, by Logs Insights, or small groups the one way and large ones the other.
    #[arg(long, value_enum, value_name = "WAY", default_value = "auto")]
    logs: LogsWay,
    /// A provisioned Redshift cluster.
    #[arg(long, value_name = "ID", requires = "database", conflicts_with = "redshift_workgroup")]
    redshift_cluster: Option<String>,
    /// A Redshift Serverless workgroup.
    #[arg(long, value_name = "NAME", requires = "database")]
    redshift_workgroup: Option<String>,
    /// The database to connect to.
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// The secret of Secrets Manager that holds the login; without it and --db-user, the IAM identity logs in.
    #[arg(long, value_name = "ARN", conflicts_with = "db_user")]
    secret_arn: Option<String>,
    /// The database user to log in as with temporary credentials.
    #[arg(long, value_name = "USER")]
    db_user: Option<String>,
    /// The history of Athena's queries, of all workgroups.
    #[arg(long)]
    athena: bool,
    /// Only this workgroup of Athena; may be given several times.
    #[arg(long, value_name = "NAME", requires = "athena")]
    workgroup: Vec<String>,
    /// Lists the objects below an address; may be given several times.
    #[arg(long, value_name = "S3://BUCKET/PREFIX", value_parser = parse_address)]
    s3: Vec<String>,
}

/// How AWS is reached.
#[derive(Debug, Args)]
#[command(next_help_heading = "How AWS is reached")]
struct HowArgs {
    /// Profile of the shared AWS configuration.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Region.
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// Endpoint of all services; the usual environment variables set that of one.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Role to assume.
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// External id that the role asks for.
    #[arg(long, value_name = "ID", requires = "role_arn")]
    external_id: Option<String>,
    /// Uses FIPS endpoints.
    #[arg(long)]
    fips: bool,
    /// Ends before queries are expected to scan, or have scanned, more gigabytes than this.
    #[arg(long, value_name = "GB")]
    max_scan_gb: Option<f64>,
    /// Ends at the first thing that is refused, instead of collecting the rest.
    #[arg(long)]
    fail_fast: bool,
    /// Parts that are collected side by side.
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=50))]
    concurrency: u8,
    /// Calls per second of each operation to begin with, where an account's quotas differ from the documented ones.
    #[arg(long, value_name = "COUNT")]
    calls_per_second: Option<f64>,
    /// The shortest wait after a throttle, in milliseconds; it doubles from try to try.
    #[arg(long, value_name = "MS", default_value_t = 500)]
    retry_delay: u64,
}

/// The ways that `--logs` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogsWay {
    /// Small groups event by event, large ones by query.
    Auto,
    /// Every event by itself.
    Raw,
    /// Every event by Logs Insights.
    Insights,
}

/// The price of a gigabyte that Logs Insights scans, in dollars, in most regions.
const DOLLARS_A_GIGABYTE: f64 = 0.005;

/// Bytes of a gigabyte, as AWS counts them.
const GIGABYTE: f64 = 1e9;

pub(super) fn run(args: &CollectArgs) -> Result<Ending> {
    let ways = args.how.ways()?;
    let progress = Arc::new(Progress::default());
    let asked = args.asked()?;
    if args.dry_run {
        let asked = asked.ok_or_else(nothing_asked)?;
        let calls = collect::calls_of_plan(&asked);
        let planned = collect::plan(asked, &ways, &progress)?;
        return super::describe::print(dry_run(&planned, &calls).as_bytes())
            .map(|ending| Ending { incomplete: has_gaps(&planned, true), ..ending });
    }
    let dir = match (&args.case, &asked) {
        (Some(dir), _) => dir.clone(),
        (None, Some(asked)) => PathBuf::from(format!("case-{}", asked.window.file_name().split('-').next_back().unwrap_or_default())),
        (None, None) => return Err(nothing_asked()),
    };
    let case = progress::counted(args.progress, &progress, || collect::collect(asked, &ways, &dir, args.resume, &progress))?;
    super::describe::print(summary(&case, &dir.display().to_string()).as_bytes())
        .map(|ending| Ending { incomplete: has_gaps(&case, false), ..ending })
}

fn nothing_asked() -> Error {
    Error::Usage(
        "nothing to collect: give --log-group, --mwaa-environment, --redshift-cluster, --redshift-workgroup, --athena or --s3".to_owned(),
    )
}

impl CollectArgs {
    /// What is asked for; `None` where a case is continued as it was begun.
    fn asked(&self) -> Result<Option<Asked>> {
        let what = &self.what;
        let any = !what.log_group.is_empty()
            || !what.mwaa_environment.is_empty()
            || what.redshift_cluster.is_some()
            || what.redshift_workgroup.is_some()
            || what.athena
            || !what.s3.is_empty();
        if !any {
            return if self.resume { Ok(None) } else { Err(nothing_asked()) };
        }
        let sorted = |names: &[String]| {
            let mut names = names.to_vec();
            names.sort();
            names.dedup();
            names
        };
        Ok(Some(Asked {
            window: self.window()?,
            log_groups: sorted(&what.log_group),
            mwaa_environments: sorted(&what.mwaa_environment),
            mwaa_webserver: what.mwaa_webserver,
            logs: match what.logs {
                LogsWay::Auto => LogsBy::Auto,
                LogsWay::Raw => LogsBy::Raw,
                LogsWay::Insights => LogsBy::Insights,
            },
            redshift_cluster: what.redshift_cluster.clone(),
            redshift_workgroup: what.redshift_workgroup.clone(),
            database: what.database.clone(),
            secret_arn: what.secret_arn.clone(),
            db_user: what.db_user.clone(),
            athena: what.athena,
            workgroups: sorted(&what.workgroup),
            s3: sorted(&what.s3),
            last_seconds: self.last.map(|it| it / casefile::units::SECOND),
        }))
    }

    fn window(&self) -> Result<Window> {
        let now = Moment(Timestamp::now().as_microsecond());
        let until = self.until.unwrap_or(now);
        let since = self.since.or_else(|| self.last.map(|it| Moment(until.0 - it)));
        let since = since.ok_or_else(|| Error::Usage("which time? give --last 24h, or --since and --until".to_owned()))?;
        Window::holding(since, until).ok_or_else(|| {
            Error::Usage(format!("the window is empty: --since {} is not before --until {}", since.rfc3339(), until.rfc3339()))
        })
    }
}

impl HowArgs {
    fn ways(&self) -> Result<Ways> {
        let positive = |name: &str, value: Option<f64>| match value {
            Some(value) if !(value > 0.0 && value.is_finite()) => Err(Error::Usage(format!("--{name} {value}: give a number above 0"))),
            _ => Ok(value),
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float saturates, and it is above zero")]
        let most_scan_bytes = positive("max-scan-gb", self.max_scan_gb)?.map(|it| (it * GIGABYTE) as u64);
        Ok(Ways {
            profile: self.profile.clone(),
            region: self.region.clone(),
            endpoint_url: self.endpoint_url.clone(),
            role_arn: self.role_arn.clone(),
            external_id: self.external_id.clone(),
            fips: self.fips,
            concurrency: usize::from(self.concurrency),
            most_scan_bytes,
            fail_fast: self.fail_fast,
            base_delay: Duration::from_millis(self.retry_delay),
            calls_per_second: positive("calls-per-second", self.calls_per_second)?,
        })
    }
}

/// Whether something is known not to come; on a dry run nothing has come yet.
fn has_gaps(case: &CaseManifest, planned: bool) -> bool {
    case.units.values().any(|it| it.state != State::Complete && !(planned && it.state == State::Missing))
}

#[expect(clippy::cast_precision_loss, reason = "a price is shown to the cent")]
fn dry_run(planned: &CaseManifest, calls: &[&str]) -> String {
    let mut text = Vec::new();
    let units: Vec<&Unit> = planned.units.values().collect();
    let mut say = |line: String| {
        text.extend(casefile::text::safe(&line, 4_000).into_bytes());
        text.push(b'\n');
    };
    say(format!("region {}, account {}", planned.region, planned.account.as_deref().unwrap_or("unknown")));
    for unit in &units {
        let window = unit.window.map_or(String::new(), |it| format!(" from {} to {}", it.since().rfc3339(), it.until().rfc3339()));
        let cost = unit
            .expected_scan_bytes
            .map_or(String::new(), |it| format!(", scans about {} (${:.2})", spoken_bytes(it), it as f64 / GIGABYTE * DOLLARS_A_GIGABYTE));
        say(format!("{} {} of {}{window}{cost}", unit.collector, unit.call, unit.subject));
        if let Some(gap) = unit.gap().filter(|_| unit.state != State::Missing) {
            say(format!("  {gap}"));
        }
        unit.notes.iter().for_each(|it| say(format!("  {it}")));
    }
    let mut texts: Vec<&str> =
        units.iter().map(|it| it.call.as_str()).flat_map(|it| collect::companion(it).into_iter().chain([it])).collect();
    texts.sort_unstable();
    texts.dedup();
    for (name, body) in texts.into_iter().filter_map(|it| Some((it, collect::query(it)?))) {
        say(format!("\n{name}:\n{body}"));
    }
    let scan: u64 = units.iter().filter_map(|it| it.expected_scan_bytes).sum();
    say(format!(
        "\nin all {} parts, about {} scanned by queries, ${:.2} at ${DOLLARS_A_GIGABYTE} a GB",
        units.len(),
        spoken_bytes(scan),
        scan as f64 / GIGABYTE * DOLLARS_A_GIGABYTE
    ));
    say("only calls that cost nothing were made: ".to_owned() + &calls.join(", "));
    String::from_utf8_lossy(&text).into_owned()
}

#[expect(clippy::cast_precision_loss, reason = "a price is shown to the cent")]
fn summary(case: &CaseManifest, dir: &str) -> String {
    let mut text = Vec::new();
    let mut say = |line: String| {
        // What cannot be written into memory cannot be said either.
        writeln!(text, "{}", casefile::text::safe(&line, 4_000)).unwrap_or_default();
    };
    let units = || case.units.values();
    let sum = |of: fn(&Unit) -> u64| units().map(of).sum::<u64>();
    let complete = units().filter(|it| it.state == State::Complete).count();
    say(format!(
        "{dir}: {complete} of {} parts complete, {} rows, {} of answers",
        units().count(),
        sum(|it| it.rows),
        spoken_bytes(sum(|it| it.bytes))
    ));
    let scanned = sum(|it| it.scanned_bytes);
    say(format!(
        "{} calls, {} of them throttled; queries scanned {} (${:.4})",
        sum(|it| it.calls),
        sum(|it| it.throttles),
        spoken_bytes(scanned),
        scanned as f64 / GIGABYTE * DOLLARS_A_GIGABYTE
    ));
    for gap in units().filter_map(Unit::gap) {
        say(format!("  {gap}"));
    }
    let notes: std::collections::BTreeSet<&String> = units().flat_map(|it| &it.notes).collect();
    for note in notes {
        say(format!("  note: {note}"));
    }
    if complete < units().count() {
        say(format!("what is missing or was refused can be brought with: casefile collect --case {dir} --resume"));
    }
    say(format!("next: casefile analyze {dir}"));
    String::from_utf8_lossy(&text).into_owned()
}

fn parse_address(text: &str) -> std::result::Result<String, String> {
    let bucket = text.strip_prefix("s3://").and_then(|it| it.split('/').next()).unwrap_or_default();
    if bucket.is_empty() { Err("write an address like s3://bucket/prefix".to_owned()) } else { Ok(text.to_owned()) }
}
