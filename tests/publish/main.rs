//! Publishing: whole nights in a folder and in S3, their tables in Athena, months merged, and what readers then see.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a broken test should stop loudly, and figures are printed"
)]

#[path = "../common/mod.rs"]
mod common;

mod folder;
mod months;
mod readers;
mod s3;
mod tables;

use casefile::{
    publish::{self, Destination, Night},
    report::Report,
    units::{Moment, SECOND},
};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output},
};

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_casefile");

/// Dumps with findings of every detector, and dumps with few.
const MANY: &str = "fixtures/demo";
const FEW: &str = "fixtures/corpus/airflow-2.7.2/raw";

const DAY: i64 = 86_400 * SECOND;

/// Midnight of a day.
fn midnight(day: &str) -> Moment {
    Moment::parse(&format!("{day}T00:00:00Z")).unwrap().moment
}

/// A report of some dumps.
fn report(dumps: &str) -> Report {
    common::analyze(&[Path::new(dumps)])
}

/// The report as if its window were this day.
fn night(report: &mut Report, day: &str, run_id: &str) -> Night {
    (report.since, report.until) = (Some(midnight(day)), Some(Moment(midnight(day).0 + DAY)));
    Night::of(report, run_id).unwrap()
}

/// Publishes into a folder.
fn into_folder(folder: &Path, nights: &[Night]) -> publish::Published {
    publish::publish(nights, &Destination::new(folder.to_str().unwrap())).unwrap()
}

/// A folder in memory, where there is one: everything that is published is brought to the disk.
fn folder_in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Runs the program.
fn casefile(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

/// Every file below a folder, by its path in it; what is staged is not seen by anybody.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// What readers of a lake see.
fn seen(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    files(folder).into_iter().filter(|it| !it.0.starts_with("_staging")).collect()
}
