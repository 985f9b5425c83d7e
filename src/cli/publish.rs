//! `casefile publish`, `athena`, `compact`, `prune`: reports into the lake, and the lake's upkeep.

use super::{Ending, analyze::parse_span, asked::LoginArgs};
use casefile::{
    error::{Error, Result},
    publish::{self, Compacted, Destination, Pruned, Published, QUERIES},
    settings, text,
    units::{Moment, SECOND, spoken_bytes},
};
use clap::{Args, Subcommand};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use std::{fmt::Write as _, path::PathBuf};

/// What `publish` can be told.
#[derive(Debug, Args)]
pub(super) struct PublishArgs {
    /// The folder that analyze --out wrote.
    report: PathBuf,
    /// Where to: a folder, or an address in S3.
    #[arg(long, value_name = "DIR|S3://BUCKET/PREFIX")]
    to: String,
    #[command(flatten)]
    tables: TableArgs,
    #[command(flatten)]
    login: LoginArgs,
}

/// The tables of Athena.
#[derive(Debug, Args)]
#[command(next_help_heading = "Tables in Athena")]
struct TableArgs {
    /// The database whose tables are made, or brought up to date; without it none are.
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// Makes the database too, where it is missing.
    #[arg(long, requires = "database")]
    create_database: bool,
    /// The workgroup that statements run in; primary without it.
    #[arg(long, value_name = "NAME", requires = "database")]
    workgroup: Option<String>,
    /// Where Athena writes results, where the workgroup does not say it.
    #[arg(long, value_name = "S3://BUCKET/PREFIX", requires = "database")]
    output: Option<String>,
}

/// What only prints.
#[derive(Debug, Subcommand)]
pub(super) enum AthenaCommand {
    /// Prints the statements that make the tables.
    Ddl {
        /// Where the lake lies: an address in S3.
        #[arg(long, value_name = "S3://BUCKET/PREFIX")]
        to: String,
        /// The database.
        #[arg(long, value_name = "NAME")]
        database: String,
        /// Makes the database too.
        #[arg(long)]
        create_database: bool,
    },
    /// Prints questions that the lake answers, ready to run in Athena, Trino, Spark or `DuckDB`.
    Queries {
        /// Only this one.
        name: Option<String>,
        /// The night that is asked about; yesterday (UTC) without it.
        #[arg(long, value_name = "DATE", value_parser = parse_date)]
        date: Option<Date>,
        /// The database of the tables.
        #[arg(long, value_name = "NAME")]
        database: Option<String>,
    },
}

/// What `compact` can be told.
#[derive(Debug, Args)]
pub(super) struct CompactArgs {
    /// Where the lake lies: a folder, or an address in S3.
    #[arg(value_name = "DIR|S3://BUCKET/PREFIX")]
    lake: String,
    /// Says what would be merged, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    login: LoginArgs,
}

/// What `prune` can be told.
#[derive(Debug, Args)]
pub(super) struct PruneArgs {
    /// Where the lake lies: a folder, or an address in S3.
    #[arg(value_name = "DIR|S3://BUCKET/PREFIX")]
    lake: String,
    /// How many days are kept, as in 400d.
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    keep: i64,
    /// Removes it; without this, only says what would be removed.
    #[arg(long)]
    apply: bool,
    #[command(flatten)]
    login: LoginArgs,
}

const DAY: i64 = 86_400 * SECOND;

pub(super) fn publish(args: &PublishArgs) -> Result<Ending> {
    let destination = Destination {
        to: args.to.clone(),
        database: args.tables.database.clone(),
        create_database: args.tables.create_database,
        workgroup: args.tables.workgroup.clone(),
        output: args.tables.output.clone(),
        ways: args.login.ways(),
    };
    destination.check()?;
    let nights = publish::nights(&Destination::new(&args.report.display().to_string()))?;
    if nights.is_empty() {
        let told = "no report lies there: give the folder that analyze --out wrote";
        return Err(Error::Usage(format!("{}: {told}", args.report.display())));
    }
    let published = publish::publish(&nights, &destination)?;
    print(&summary(&published, &args.to))
}

pub(super) fn athena(command: &AthenaCommand) -> Result<Ending> {
    match command {
        AthenaCommand::Ddl { to, database, create_database } => {
            let destination = Destination { database: Some(database.clone()), create_database: *create_database, ..Destination::new(to) };
            let statements = publish::ddl(&destination)?;
            print(&statements.iter().map(|it| format!("{it};\n")).collect::<Vec<_>>().join("\n"))
        }
        AthenaCommand::Queries { name, date, database } => {
            let date = date.map_or_else(|| Moment(Timestamp::now().as_microsecond() - DAY).day(), |it| it.to_string());
            let wanted = |it: &&publish::LakeQuery| name.as_deref().is_none_or(|name| name == it.name);
            let texts = QUERIES.iter().filter(wanted).map(|it| it.sql(&date, database.as_deref()));
            let texts: Vec<String> = texts.collect::<Result<_>>()?;
            if texts.is_empty() {
                let names: Vec<&str> = QUERIES.iter().map(|it| it.name).collect();
                return Err(settings::unknown("query", name.as_deref().unwrap_or_default(), &names, "athena queries"));
            }
            print(&texts.iter().map(|it| format!("{it};\n")).collect::<Vec<_>>().join("\n"))
        }
    }
}

pub(super) fn compact(args: &CompactArgs) -> Result<Ending> {
    let destination = Destination { ways: args.login.ways(), ..Destination::new(&args.lake) };
    let told = publish::compact(&destination, args.dry_run)?;
    print(&merged(&told, args.dry_run))
}

pub(super) fn prune(args: &PruneArgs) -> Result<Ending> {
    if args.keep % DAY != 0 {
        return Err(Error::Usage("--keep: give whole days, as in 400d".to_owned()));
    }
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let before = today.checked_sub((args.keep / DAY).days()).map_err(|_| Error::Usage("--keep: longer than the calendar".to_owned()))?;
    let destination = Destination { ways: args.login.ways(), ..Destination::new(&args.lake) };
    let told = publish::prune(&destination, before, args.apply)?;
    print(&pruned(&told, before, args.apply))
}

fn print(shown: &str) -> Result<Ending> {
    super::describe::print(shown.as_bytes())
}

/// A line that is safe to show; keys and statements hold names that strangers gave.
fn say(shown: &mut String, line: &str) {
    // What cannot be written into memory cannot be said either.
    writeln!(shown, "{}", text::safe(line, 4_000)).unwrap_or_default();
}

fn summary(published: &Published, to: &str) -> String {
    let mut shown = String::new();
    say_recovered(&mut shown, &published.recovered, true);
    for it in &published.statements {
        say(&mut shown, &format!("Athena: {}", it.lines().next().unwrap_or_default().trim_end_matches(" (")));
    }
    let all = [
        ("written", &published.written),
        ("replaced", &published.replaced),
        ("removed", &published.removed),
        ("unchanged", &published.unchanged),
    ];
    for (what, keys) in all {
        for it in keys {
            say(&mut shown, &format!("{what:<9} {it}"));
        }
    }
    let counts: Vec<String> = all.iter().map(|(what, keys)| format!("{} {what}", keys.len())).collect();
    say(&mut shown, &format!("{to}: {}", counts.join(", ")));
    shown
}

fn say_recovered(shown: &mut String, recovered: &[String], done: bool) {
    let what = if done { "finished, as it was left unfinished" } else { "would be finished, as it was left unfinished" };
    for it in recovered {
        say(shown, &format!("{it}: {what}"));
    }
}

fn merged(told: &Compacted, dry_run: bool) -> String {
    let mut shown = String::new();
    say_recovered(&mut shown, &told.recovered, !dry_run);
    let what = if dry_run { "would be merged" } else { "merged" };
    for it in &told.months {
        say(&mut shown, &format!("{}: {what}, {} files ({}), {} rows", it.month, it.files, spoken_bytes(it.bytes), it.rows));
    }
    match &told.open_month {
        None => say(&mut shown, "no nights lie there"),
        Some(month) => say(&mut shown, &format!("{} months {what}; {month} goes on", told.months.len())),
    }
    shown
}

fn pruned(told: &Pruned, before: Date, apply: bool) -> String {
    let mut shown = String::new();
    say_recovered(&mut shown, &told.recovered, apply);
    let range = match (told.partitions.first(), told.partitions.last()) {
        (Some(first), Some(last)) => format!(", from {first} to {last}"),
        _ => String::new(),
    };
    let what = if apply { "removed" } else { "would be removed" };
    say(&mut shown, &format!("before {before}: {} files ({}) {what}{range}", told.files, spoken_bytes(told.bytes)));
    if !apply && told.files > 0 {
        say(&mut shown, "nothing was changed: --apply removes them");
    }
    shown
}

fn parse_date(text: &str) -> std::result::Result<Date, String> {
    text.parse().map_err(|_| "write a date like 2026-01-31".to_owned())
}
