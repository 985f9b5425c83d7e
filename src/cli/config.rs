//! `casefile config`: whether a file of settings is right, what holds, and what may stand in it.

use super::{Ending, configuration, configuration::Found, describe};
use casefile::{
    config::{self, Config, Document, InForce},
    error::{Error, Result},
    text,
};
use clap::{Args, Subcommand};
use std::{fmt::Write as _, path::PathBuf};

/// What `config` can be told.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks a file of settings, all of it.
    Validate {
        /// The file; without it the one that commands would use.
        file: Option<PathBuf>,
    },
    /// Prints the settings that are given, and where.
    Show {
        /// Every setting that holds, defaults too.
        #[arg(long)]
        effective: bool,
        /// Settings file; without it the one that commands would use.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Sets a value: detectors.<id>.<key>=<value>, input.<key>=<value>; may be given several times.
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Prints the JSON Schema of the file, for editors.
    Schema,
}

pub(super) fn run(args: &ConfigArgs) -> Result<Ending> {
    match &args.command {
        Command::Validate { file } => validate(file.as_ref()),
        Command::Show { effective, config, set } => {
            let (found, document) = configuration::document(config.as_deref(), set)?;
            Config::of(&document)?;
            let head = found.map_or_else(|| "no file of settings".to_owned(), |it| format!("settings of {}", it.name()));
            describe::print(shown(&head, &document, *effective).as_bytes())
        }
        Command::Schema => describe::print(format!("{:#}\n", config::schema()).as_bytes()),
    }
}

fn validate(file: Option<&PathBuf>) -> Result<Ending> {
    let found = Found::first(file.map(PathBuf::as_path));
    let found = found.ok_or_else(|| Error::Usage("there is no file of settings: name one".to_owned()))?;
    Config::of(&found.document()?)?;
    describe::print(format!("{}: valid\n", text::printable(&found.name())).as_bytes())
}

/// The settings as a file that says where each comes from, and that is valid itself.
fn shown(head: &str, document: &Document, effective: bool) -> String {
    let mut shown = format!("# {}\n", text::one_line(head));
    for section in document.effective() {
        let lines = lines(&section, effective);
        if !lines.is_empty() {
            let _ = write!(shown, "\n{}\n{lines}", section.header);
        }
    }
    shown
}

fn lines(section: &InForce, effective: bool) -> String {
    let mut lines = String::new();
    for it in section.settings.iter().filter(|it| effective || it.origin.is_some()) {
        let _ = match (&it.value, &it.origin) {
            (Some(value), origin) => {
                writeln!(lines, "{} = {value}  # {}", it.key, origin.as_deref().map_or("default".into(), text::one_line))
            }
            (None, _) => writeln!(lines, "# {} is not set", it.key),
        };
    }
    lines
}
