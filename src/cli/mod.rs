//! The commands: the only place that prints.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is where the program speaks")]

use casefile::{error::Error, report::FORMATS, text};
use clap::{
    CommandFactory as _, Parser, Subcommand, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use std::{io, process::ExitCode};

mod analyze;
mod asked;
mod audit;
mod collect;
mod config;
mod configuration;
mod demo;
mod describe;
mod diff;
mod doctor;
mod earlier;
mod printed;
mod progress;
mod publish;
mod timings;

use analyze::AnalyzeArgs;

/// Forensics for data pipelines on AWS: what broke first, why, what it cost and how to fix it.
#[derive(Debug, Parser)]
#[command(name = "casefile", version, about, propagate_version = true, after_help = EXIT_CODES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done; nothing at or above --fail-on
  1    findings at or above --fail-on
  2    usage or configuration error; no input could be opened at all
  3    incomplete: an input was damaged, cut off, unreadable or missing: \"clean\" can't be trusted
  4    internal error
  5    another audit holds the lock
  6    analysed, but writing the report or publishing failed: nothing half-published is visible
  130  interrupted
When several apply: 2, 4, 6, 5, 1, 3 in that order; standard error names them all.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Reads dumps (files, directories, - for standard input), runs the detectors, prints the report.
    Analyze(Box<AnalyzeArgs>),
    /// Brings the evidence of a time from AWS into a case, whole or honestly incomplete.
    Collect(Box<collect::CollectArgs>),
    /// The nightly job: collects, reads, judges and publishes each window once, and tells what is new in it.
    Audit(Box<audit::AuditArgs>),
    /// Checks login, permissions, retention and visibility of what collect would bring, with calls that cost nothing.
    Doctor(Box<doctor::DoctorArgs>),
    /// Compares two reports, or two cases: what is new, worse, better, the same, resolved, or not to be seen any more.
    Diff(Box<diff::DiffArgs>),
    /// Publishes a report into the lake: to S3 or a folder, whole or not at all, and makes its tables in Athena.
    Publish(Box<publish::PublishArgs>),
    /// Prints statements for Athena: the tables of the lake, and questions that it answers.
    Athena {
        #[command(subcommand)]
        command: publish::AthenaCommand,
    },
    /// Merges the nights of months that are over into one file a table and month.
    Compact(Box<publish::CompactArgs>),
    /// Says which nights of the lake are older than what is kept, and removes them with --apply.
    Prune(Box<publish::PruneArgs>),
    /// Lists the detectors, and what each needs to see.
    Detectors,
    /// Explains a detector: what it looks for, why it matters, what to do, when it is wrong, and its settings.
    Explain {
        /// Id of the detector.
        detector: String,
    },
    /// Prints the columns of a table, or of all.
    Schema {
        /// Name of the table.
        table: Option<String>,
    },
    /// Checks a file of settings, shows what holds and where it comes from, prints its JSON Schema.
    Config(config::ConfigArgs),
    /// Analyzes dumps that are built into the program: no files, no AWS account.
    Demo(Box<demo::DemoArgs>),
    /// Prints completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page.
    Man,
}

/// When to do something that depends on where the output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    /// When it is a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a command ended.
#[derive(Debug, Default)]
struct Ending {
    found: bool,
    incomplete: bool,
    write_failed: Option<Error>,
}

pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) if told.use_stderr() => told.exit(),
        // Help and version are output too: a disk that is full must not look like success.
        Err(told) => return concluded(describe::print_with(|_| told.print())),
    };
    concluded(match cli.command {
        Command::Analyze(args) => analyze::run(&args),
        Command::Collect(args) => collect::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Publish(args) => publish::publish(&args),
        Command::Athena { command } => publish::athena(&command),
        Command::Compact(args) => publish::compact(&args),
        Command::Prune(args) => publish::prune(&args),
        Command::Detectors => describe::detectors(),
        Command::Explain { detector } => describe::explain(&detector),
        Command::Schema { table } => describe::schema(table.as_deref()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "casefile", &mut script);
            describe::print(&script)
        }
        Command::Man => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(Cli::command()).render(&mut page);
            rendered.map_err(|it| write_error("the manual page", it)).and_then(|()| describe::print(&page))
        }
    })
}

fn concluded(ended: Result<Ending, Error>) -> ExitCode {
    match ended {
        Ok(ending) => exit_code(&ending),
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(error.exit_code())
        }
    }
}

/// Says something on standard error; names of files may hold anything.
fn complain(text: &str) {
    let lines: Vec<String> = text::safe(text, 4_000).lines().map(ToOwned::to_owned).collect();
    eprintln!("casefile: {}", lines.join("\n  "));
}

/// One code of all that apply; the others are named.
fn exit_code(ending: &Ending) -> ExitCode {
    if let Some(error) = &ending.write_failed {
        complain(&error.to_string());
    }
    let mut codes = Vec::new();
    if let Some(error) = &ending.write_failed {
        codes.push(error.exit_code());
    }
    if ending.found {
        codes.push(1);
    }
    if ending.incomplete {
        codes.push(3);
    }
    if codes.len() > 1 {
        let all: Vec<String> = codes.iter().map(ToString::to_string).collect();
        complain(&format!("exit codes {} apply; the first one is given", all.join(", ")));
    }
    ExitCode::from(codes.first().copied().unwrap_or(0))
}

fn write_error(what: &str, source: io::Error) -> Error {
    Error::Write { path: what.into(), source }
}

/// The formats that `--format` takes.
fn formats() -> impl TypedValueParser<Value = &'static str> {
    let known = FORMATS.iter().map(|it| PossibleValue::new(it.id).help(it.title));
    let named = |text: String| FORMATS.iter().map(|it| it.id).find(|it| *it == text).ok_or("no such format");
    PossibleValuesParser::new(known).try_map(named)
}
