//! What is collected, of which time, and how AWS is reached: the arguments that every command shares which asks AWS.

use super::analyze::parse_span;
use casefile::{
    case::Window,
    collect::{Asked, LogsBy, Ways, is_address, is_table},
    error::{Error, Result},
    units::{Moment, parse_time},
};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use std::time::Duration;

/// Of which time.
#[derive(Debug, Args)]
pub(super) struct WindowArgs {
    /// From here on: RFC 3339, or a date (UTC).
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "last")]
    since: Option<Moment>,
    /// Up to here, and without it up to now: RFC 3339, or a date (UTC).
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "last")]
    until: Option<Moment>,
    /// The time before now: 90m, 24h, 7d.
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    last: Option<i64>,
}

/// What is collected.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is collected")]
pub(super) struct WhatArgs {
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
    /// The database user of a cluster to log in as with temporary credentials.
    #[arg(long, value_name = "USER", conflicts_with = "redshift_workgroup")]
    db_user: Option<String>,
    /// The history of Athena's queries, of all workgroups.
    #[arg(long)]
    athena: bool,
    /// Only this workgroup of Athena; may be given several times.
    #[arg(long, value_name = "NAME")]
    workgroup: Vec<String>,
    /// Of how many of a workgroup's slowest queries the runtime statistics are brought.
    #[arg(long, value_name = "COUNT", requires = "athena")]
    athena_statistics: Option<u64>,
    /// Lists the files of a table by a query, which costs what it scans and writes its result to S3; may be given several times.
    #[arg(long, value_name = "DB.TABLE", value_parser = parse_table)]
    athena_table: Vec<String>,
    /// Where such queries write their results, where the workgroup does not say it.
    #[arg(long, value_name = "S3://BUCKET/PREFIX", value_parser = parse_address, requires = "athena_table")]
    athena_output: Option<String>,
    /// Lists the objects below an address; may be given several times.
    #[arg(long, value_name = "S3://BUCKET/PREFIX", value_parser = parse_address)]
    s3: Vec<String>,
    /// The most objects that are listed of one address; 5,000,000 without it.
    #[arg(long, value_name = "COUNT", requires = "s3", value_parser = clap::value_parser!(u64).range(1..))]
    s3_max_objects: Option<u64>,
}

/// Who asks AWS, and where.
#[derive(Debug, Args)]
#[command(next_help_heading = "How AWS is reached")]
pub(super) struct LoginArgs {
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
    /// The shortest wait after a throttle, in milliseconds; it doubles from try to try.
    #[arg(long, value_name = "MS", default_value_t = 500)]
    retry_delay: u64,
}

/// How AWS is reached, and how hard.
#[derive(Debug, Args)]
#[command(next_help_heading = "How AWS is reached")]
pub(super) struct HowArgs {
    #[command(flatten)]
    login: LoginArgs,
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

/// The moment that windows are seen from.
pub(super) fn now() -> Moment {
    Moment(Timestamp::now().as_microsecond())
}

impl WindowArgs {
    /// The time that is given, or the last day.
    pub(super) fn window_or_last_day(&self) -> Result<Window> {
        let is_given = self.since.is_some() || self.last.is_some();
        if is_given {
            self.window()
        } else {
            Self { last: Some(86_400 * casefile::units::SECOND), since: None, until: self.until }.window()
        }
    }

    /// Whether a time is given at all.
    pub(super) fn is_given(&self) -> bool {
        self.since.is_some() || self.until.is_some() || self.last.is_some()
    }

    pub(super) fn window(&self) -> Result<Window> {
        let now = now();
        let until = self.until.unwrap_or(now);
        let since = self.since.or_else(|| self.last.map(|it| Moment(until.0 - it)));
        let since = since.ok_or_else(|| Error::Usage("which time? give --last 24h, or --since and --until".to_owned()))?;
        if since > now {
            return Err(Error::Usage(format!("the window lies ahead: it begins at {}, and it is {} now", since.rfc3339(), now.rfc3339())));
        }
        Window::holding(since, until).ok_or_else(|| {
            Error::Usage(format!("the window is empty: --since {} is not before --until {}", since.rfc3339(), until.rfc3339()))
        })
    }
}

impl WhatArgs {
    /// What is asked for; `None` where nothing is.
    pub(super) fn asked(&self, window: &WindowArgs) -> Result<Option<Asked>> {
        if self.is_empty() { Ok(None) } else { self.over(window.window()?, window).map(Some) }
    }

    fn is_empty(&self) -> bool {
        self.log_group.is_empty()
            && self.mwaa_environment.is_empty()
            && self.redshift_cluster.is_none()
            && self.redshift_workgroup.is_none()
            && !self.athena
            && self.athena_table.is_empty()
            && self.s3.is_empty()
    }

    /// What is asked for, which may be nothing, of a window.
    pub(super) fn over(&self, window: Window, given: &WindowArgs) -> Result<Asked> {
        let asked = Asked {
            window,
            log_groups: self.log_group.clone(),
            mwaa_environments: self.mwaa_environment.clone(),
            mwaa_webserver: self.mwaa_webserver,
            logs: match self.logs {
                LogsWay::Auto => LogsBy::Auto,
                LogsWay::Raw => LogsBy::Raw,
                LogsWay::Insights => LogsBy::Insights,
            },
            redshift_cluster: self.redshift_cluster.clone(),
            redshift_workgroup: self.redshift_workgroup.clone(),
            database: self.database.clone(),
            secret_arn: self.secret_arn.clone(),
            db_user: self.db_user.clone(),
            athena: self.athena,
            workgroups: self.workgroup.clone(),
            athena_statistics: self.athena_statistics,
            athena_tables: self.athena_table.clone(),
            athena_output: self.athena_output.clone(),
            s3: self.s3.clone(),
            s3_most_objects: self.s3_max_objects,
            last_seconds: given.last.map(|it| it / casefile::units::SECOND),
        }
        .in_order();
        match asked.contradiction(|flag| format!("--{flag}")) {
            Some(why) => Err(Error::Usage(why)),
            None => Ok(asked),
        }
    }
}

impl LoginArgs {
    /// As the library takes it.
    pub(super) fn ways(&self) -> Ways {
        Ways {
            profile: self.profile.clone(),
            region: self.region.clone(),
            endpoint_url: self.endpoint_url.clone(),
            role_arn: self.role_arn.clone(),
            external_id: self.external_id.clone(),
            fips: self.fips,
            base_delay: Duration::from_millis(self.retry_delay),
            ..Ways::default()
        }
    }
}

impl HowArgs {
    /// As the library takes it.
    pub(super) fn ways(&self) -> Result<Ways> {
        let positive = |name: &str, value: Option<f64>| match value {
            Some(value) if !(value > 0.0 && value.is_finite()) => Err(Error::Usage(format!("--{name} {value}: give a number above 0"))),
            _ => Ok(value),
        };
        Ok(Ways {
            concurrency: usize::from(self.concurrency),
            most_scan_bytes: positive("max-scan-gb", self.max_scan_gb)?.map(Ways::bytes_of_gigabytes),
            fail_fast: self.fail_fast,
            calls_per_second: positive("calls-per-second", self.calls_per_second)?,
            ..self.login.ways()
        })
    }
}

/// What is said where nothing was asked for.
pub(super) fn nothing_asked() -> Error {
    Error::Usage(
        "nothing to collect: give --log-group, --mwaa-environment, --redshift-cluster, --redshift-workgroup, --athena, --athena-table or --s3".to_owned(),
    )
}

fn parse_address(text: &str) -> std::result::Result<String, String> {
    if is_address(text) { Ok(text.to_owned()) } else { Err("write an address like s3://bucket/prefix".to_owned()) }
}

fn parse_table(text: &str) -> std::result::Result<String, String> {
    if is_table(text) { Ok(text.to_owned()) } else { Err("write a table like database.table".to_owned()) }
}
