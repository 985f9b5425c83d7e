//! `casefile audit`: the nightly job.

use super::{Ending, When, configuration, earlier, formats, progress};
use casefile::{
    audit::{Audit, Judged},
    case::Meter,
    collect::Progress,
    config::Config,
    error::{Error, Result},
    finding::FailOn,
    report::Report,
    units::{Moment, parse_time},
};
use clap::Args;
use jiff::Timestamp;
use std::{path::PathBuf, sync::Arc};

/// What `audit` can be told.
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// Settings file; without it casefile.toml here, or that of the user.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Sets a value: detectors.<id>.<key>=<value>, input.<key>=<value>; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Judges as if it were this time: RFC 3339, or a date (UTC).
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    as_of: Option<Moment>,
    /// Judges the window that holds this time again, though it is done; may be given several times.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    again: Vec<Moment>,
    /// Exits with 1 when a finding is at least this severe: never, high, new:high; without it what the settings file says.
    #[arg(long, value_name = "[new:]SEVERITY", value_parser = FailOn::parse)]
    fail_on: Option<Limit>,
    /// Says which windows are due, from what, and where they would be published; does nothing.
    #[arg(long)]
    dry_run: bool,
    /// What to print of the last window.
    #[arg(short, long, default_value = "text", value_parser = formats())]
    format: &'static str,
    /// When to use colour.
    #[arg(long, value_enum, default_value = "auto")]
    color: When,
    /// When to show progress.
    #[arg(long, value_enum, default_value = "auto")]
    progress: When,
    /// Says less.
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Says more.
    #[arg(short, long)]
    verbose: bool,
}

/// `None` is never.
type Limit = Option<FailOn>;

pub(super) fn run(args: &AuditArgs) -> Result<Ending> {
    let (found, document) = configuration::document(args.config.as_deref(), &args.set)?;
    let found =
        found.ok_or_else(|| Error::Usage("an audit needs a settings file: give --config FILE, or write casefile.toml".to_owned()))?;
    if !args.quiet {
        found.tell();
    }
    let config = Config::of(&document)?;
    let missing = |what: &str| Error::Usage(format!("an audit needs [{what}] in its settings file: see casefile config schema"));
    let plan = config.audit.as_ref().ok_or_else(|| missing("audit"))?;
    let destination = config.publish.as_ref().ok_or_else(|| missing("publish"))?;
    if config.collect.is_none() && config.inputs.paths.is_empty() {
        return Err(missing("collect] or [inputs"));
    }
    let settings = || Ok(config.settings.clone());
    let baseline = config.baseline.as_ref().map(|it| earlier::taken(&it.display().to_string(), &destination.ways, settings)).transpose()?;
    let (progress, meter) = (Arc::new(Progress::default()), Meter::default());
    let audit = Audit {
        config: &config,
        plan,
        destination,
        baseline: baseline.as_ref().map(|it| (&it.ledger, it.given.as_str())),
        fail_on: args.fail_on.map_or(plan.fail_on, |it| it),
        now: args.as_of.unwrap_or_else(|| Moment(Timestamp::now().as_microsecond())),
        again: &args.again,
        progress: &progress,
        meter: &meter,
    };
    if args.dry_run {
        return super::describe::print(planned(&audit)?.as_bytes());
    }
    let say = |text: &str| {
        if !args.quiet {
            super::complain(text);
        }
    };
    let mut last: Option<Report> = None;
    let mut tell = |judged: Judged| {
        say(&told(&judged));
        last = Some(judged.report);
        Ok(())
    };
    let ended = progress::counted(args.progress, &progress, || audit.run(&mut tell, &mut |it| super::complain(it)))?;
    if ended.left > 0 {
        super::complain(&format!("{} windows more are due: run again", ended.left));
    }
    if let Some(next) = ended.next {
        say(&format!("nothing is due: the next window ends at {}", next.until().rfc3339()));
    }
    if let Some(report) = &last {
        super::printed::report(report, args.format, args.color, 1 + u8::from(args.verbose) - u8::from(args.quiet), audit.fail_on)?;
    }
    Ok(Ending { found: ended.found, incomplete: ended.incomplete, write_failed: ended.write_failed })
}

/// One window in one line.
fn told(judged: &Judged) -> String {
    let report = &judged.report;
    let changes = report.changes().unwrap_or_default().into_iter().filter(|it| it.1 > 0);
    let mut counts: Vec<String> = changes.map(|(change, count)| format!("{count} {}", change.name())).collect();
    let suppressed = report.suppressed().len();
    if suppressed > 0 {
        counts.push(format!("{suppressed} of them suppressed"));
    }
    if counts.is_empty() {
        counts.push("no findings".to_owned());
    }
    let published = &judged.published;
    let again = if judged.is_again { ", judged again" } else { "" };
    let whole = if report.is_complete() { "" } else { "; incomplete" };
    format!(
        "{} to {}{again}: {}{whole}; {} files written, {} replaced, {} as they were",
        judged.window.since().rfc3339(),
        judged.window.until().rfc3339(),
        counts.join(", "),
        published.written.len(),
        published.replaced.len(),
        published.unchanged.len(),
    )
}

fn planned(audit: &Audit<'_>) -> Result<String> {
    let mut lines = Vec::new();
    for window in audit.due()? {
        lines.push(format!("due: {} to {}", window.since().rfc3339(), window.until().rfc3339()));
        lines.extend(audit.dumps(window).iter().map(|it| format!("  reads {}", it.display())));
    }
    if lines.is_empty() {
        lines.push("nothing is due".to_owned());
    }
    lines.push(format!("publishes to {}", audit.destination.to));
    Ok(lines.join("\n") + "\n")
}
