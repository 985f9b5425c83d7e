//! `casefile doctor`: whether collect would bring what is asked for, and the policy that allows it.

use super::{
    Ending,
    asked::{HowArgs, WhatArgs, WindowArgs},
};
use casefile::{
    collect::{self, Check, Outlook},
    error::Result,
    publish::{self, Destination},
    text,
};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What `doctor` can be told: what `collect` can be, too.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Prints the read-only policy of what is asked for, and checks nothing.
    #[arg(long)]
    policy: bool,
    /// How checks are printed.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Adds to the policy what publishing to this address in S3 needs.
    #[arg(long, value_name = "S3://BUCKET/PREFIX", requires = "policy")]
    publish_to: Option<String>,
    /// And what making its tables in this database of Athena needs.
    #[arg(long, value_name = "NAME", requires = "publish_to")]
    publish_database: Option<String>,
    #[command(flatten)]
    window: WindowArgs,
    #[command(flatten)]
    what: WhatArgs,
    #[command(flatten)]
    how: HowArgs,
}

/// How checks are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each.
    Text,
    /// One document.
    Json,
}

pub(super) fn run(args: &DoctorArgs) -> Result<Ending> {
    let asked = args.what.over(args.window.window_or_last_day()?, &args.window)?;
    let ways = args.how.ways()?;
    if args.policy {
        let mut policy = collect::policy_for(&asked, &ways)?;
        if let Some(to) = &args.publish_to {
            let lake = Destination { database: args.publish_database.clone(), ..Destination::new(to) };
            lake.check()?;
            let more = publish::policy(Some(&lake))?;
            policy.get_mut("Statement").and_then(Value::as_array_mut).into_iter().for_each(|it| it.extend(more.clone()));
        }
        return super::describe::print(format!("{policy:#}\n").as_bytes());
    }
    let checks = collect::doctor(asked, &ways)?;
    let shown = match args.format {
        Format::Text => table(&checks),
        Format::Json => format!("{:#}\n", json!({"type": "doctor", "schema_version": 1, "checks": checks})),
    };
    let incomplete = checks.iter().any(|it| it.outlook == Outlook::Gap);
    super::describe::print(shown.as_bytes()).map(|ending| Ending { incomplete, ..ending })
}

fn table(checks: &[Check]) -> String {
    let mut shown = String::new();
    for it in checks {
        let says = [it.subject.as_str(), it.says.as_str()].into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(": ");
        let line = text::safe(&format!("{:<9}  {:<13}  {}  {says}", it.outlook.name(), it.source, it.call), 4_000);
        let _ = writeln!(shown, "{}", line.trim_end());
    }
    let count = |outlook: Outlook| checks.iter().filter(|it| it.outlook == outlook).count();
    let of = [Outlook::Ok, Outlook::Note, Outlook::Unchecked, Outlook::Gap].map(|it| format!("{} {}", count(it), it.name()));
    let _ = writeln!(shown, "\n{}", of.join(", "));
    shown
}
