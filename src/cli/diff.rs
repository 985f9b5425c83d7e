//! `casefile diff`: two reports side by side.

use super::{Ending, When, analyze::FailsOn, asked::LoginArgs, configuration, earlier};
use casefile::{
    config::Config,
    diff::{Allowed, Diff, FORMATS, Format},
    error::Result,
    finding::FailOn,
    settings::Settings,
};
use clap::Args;
use std::path::PathBuf;

/// What `diff` can be told.
#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// The older report: a folder that --out wrote, an address in S3, a file that --format jsonl or json printed, or a case. Of a folder or
    /// an address with several nights the latest is taken; PLACE@2026-01-31 is that of a night, PLACE@RUN that run.
    old: String,
    /// The newer report, given in the same ways.
    new: String,
    /// What to print: text, json, jsonl, csv, md.
    #[arg(short, long, default_value = "text", value_parser = parse_format)]
    format: &'static Format,
    /// Exits with 1 when a finding of the newer report is at least this severe; new:high when it is new or worse, too.
    #[arg(long, value_name = "[new:]SEVERITY", default_value = "never", value_parser = FailOn::parse)]
    fail_on: FailsOn,
    /// Compares reports of windows of different lengths: by severity, not by cost.
    #[arg(long)]
    different_windows: bool,
    /// Compares what different versions of a detector found.
    #[arg(long)]
    different_versions: bool,
    /// Settings file that cases are judged by; without it the one that analyze would use.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Sets a value that cases are judged by: detectors.<id>.<key>=<value>, input.<key>=<value>; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// When to use colour.
    #[arg(long, value_enum, default_value = "auto")]
    color: When,
    /// Says more: what persists, too.
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    login: LoginArgs,
}

pub(super) fn run(args: &DiffArgs) -> Result<Ending> {
    let settings = || -> Result<Settings> { Ok(Config::of(&configuration::document(args.config.as_deref(), &args.set)?.1)?.settings) };
    let ways = args.login.ways();
    let (old, new) = (earlier::taken(&args.old, &ways, settings)?, earlier::taken(&args.new, &ways, settings)?);
    let allowed = Allowed { windows: args.different_windows, versions: args.different_versions };
    let diff = Diff::of(&old, &new, allowed)?;
    let style = super::printed::style(args.color, 1 + u8::from(args.verbose), args.fail_on);
    super::describe::print_with(|out| (args.format.write)(&diff, &style, out))?;
    Ok(Ending { found: args.fail_on.is_some_and(|it| diff.fails(it)), incomplete: !diff.is_complete(), write_failed: None })
}

fn parse_format(text: &str) -> Result<&'static Format, String> {
    let names: Vec<&str> = FORMATS.iter().map(|it| it.id).collect();
    FORMATS.iter().copied().find(|it| it.id == text).ok_or_else(|| format!("one of {}", names.join(", ")))
}
