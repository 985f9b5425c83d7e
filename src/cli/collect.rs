//! `casefile collect`: evidence from AWS into a case.

use super::{
    Ending, When,
    asked::{HowArgs, WhatArgs, WindowArgs, nothing_asked, now},
    progress,
};
use casefile::{
    case::manifest::{CaseManifest, State, Unit},
    collect::{self, GIGABYTE, Progress},
    error::{Error, Result},
    text,
    units::{SECOND, spoken_bytes},
};
use clap::Args;
use std::{io::Write as _, path::PathBuf, sync::Arc};

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
    #[command(flatten)]
    window: WindowArgs,
    #[command(flatten)]
    what: WhatArgs,
    #[command(flatten)]
    how: HowArgs,
    /// When to show progress.
    #[arg(long, value_enum, default_value = "auto")]
    progress: When,
}

/// The price of a gigabyte that Logs Insights scans, in dollars, in most regions.
const DOLLARS_A_GIGABYTE: f64 = 0.005;

pub(super) fn run(args: &CollectArgs) -> Result<Ending> {
    let ways = args.how.ways()?;
    let progress = Arc::new(Progress::default());
    let asked = args.what.asked(&args.window)?;
    if asked.is_none() && !args.resume {
        return Err(nothing_asked());
    }
    if asked.is_none() && args.window.is_given() {
        return Err(Error::Usage(
            "--resume continues with the arguments of the collection, all of them or none: only its time is given".to_owned(),
        ));
    }
    if let Some(ahead) = asked.as_ref().map(|it| it.window.until()).filter(|it| it.0 > now().0 + SECOND) {
        eprintln!("casefile: the window ends at {}: what is written after now is not in the case", ahead.rfc3339());
    }
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

/// Whether something is known not to come; on a dry run nothing has come yet.
fn has_gaps(case: &CaseManifest, planned: bool) -> bool {
    case.units.values().any(|it| it.state != State::Complete && !(planned && it.is_planned()))
}

#[expect(clippy::cast_precision_loss, reason = "a price is shown to the cent")]
fn dry_run(planned: &CaseManifest, calls: &[&str]) -> String {
    let mut shown = Vec::new();
    let units: Vec<&Unit> = planned.units.values().collect();
    let mut say = |line: String| {
        shown.extend(text::safe(&line, 4_000).into_bytes());
        shown.push(b'\n');
    };
    say(format!("region {}, account {}", planned.region, planned.account.as_deref().unwrap_or("unknown")));
    for unit in &units {
        let window = unit.window.map_or(String::new(), |it| format!(" from {} to {}", it.since().rfc3339(), it.until().rfc3339()));
        let cost = unit
            .expected_scan_bytes
            .map_or(String::new(), |it| format!(", scans about {} (${:.2})", spoken_bytes(it), it as f64 / GIGABYTE * DOLLARS_A_GIGABYTE));
        say(format!("{} {} of {}{window}{cost}", unit.collector, unit.call, unit.subject));
        if let Some(gap) = unit.gap().filter(|_| !unit.is_planned()) {
            say(format!("  {gap}"));
        }
        unit.notes.iter().for_each(|it| say(format!("  {it}")));
    }
    let mut texts: Vec<&str> =
        units.iter().map(|it| it.call.as_str()).flat_map(|it| collect::companions(it).iter().copied().chain([it])).collect();
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
    String::from_utf8_lossy(&shown).into_owned()
}

#[expect(clippy::cast_precision_loss, reason = "a price is shown to the cent")]
fn summary(case: &CaseManifest, dir: &str) -> String {
    let mut shown = Vec::new();
    let mut say = |line: String| {
        // What cannot be written into memory cannot be said either.
        writeln!(shown, "{}", text::safe(&line, 4_000)).unwrap_or_default();
    };
    let units = || case.units.values();
    let sum = |of: fn(&Unit) -> u64| units().map(of).sum::<u64>();
    let mut bill = case.bill;
    units().for_each(|it| bill.add(it.bill));
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
        bill.calls,
        bill.throttles,
        spoken_bytes(scanned),
        scanned as f64 / GIGABYTE * DOLLARS_A_GIGABYTE
    ));
    for gap in case.gaps() {
        say(format!("  {}", text::one_line(&gap)));
    }
    let notes: std::collections::BTreeSet<&String> = units().flat_map(|it| &it.notes).collect();
    for note in notes {
        say(format!("  note: {}", text::one_line(note)));
    }
    if units().any(|it| matches!(it.state, State::Missing | State::Refused)) {
        say(format!("what is missing or was refused can be brought with: casefile collect --case {dir} --resume"));
    }
    say(format!("next: casefile analyze {dir}"));
    String::from_utf8_lossy(&shown).into_owned()
}
