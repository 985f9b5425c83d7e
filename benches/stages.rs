//! How fast each stage is by itself, on one core where nothing is said: `cargo bench --bench stages`.
//!
//! The data come from the generator beside this file, always the same. `benches/run` measures the whole program beside its peers.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a broken bench should stop loudly")]

use casefile::{
    detectors::{self, DETECTORS},
    evidence::Evidence,
    logs::{Framing, LogReader, facts::Facts},
    report::{FORMATS, Report, Style},
    settings::Settings,
};
use divan::{Bencher, counter::BytesCount};
use jiff::tz::TimeZone;
use std::{io::Write as _, path::PathBuf, process::Command, sync::LazyLock};

fn main() {
    divan::main();
}

/// How much of each kind is read.
const BYTES: &str = "20000000";

/// A folder for data, and the generator in it.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/bench/stages");
    std::fs::create_dir_all(&folder).unwrap();
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/generate.rs");
    let built = Command::new("rustc").args(["--edition", "2024", "-O", "-o"]).arg(folder.join("generate")).arg(source).status();
    assert!(built.unwrap().success(), "the generator does not build");
    folder
});

/// What the generator writes of a kind.
fn made(kind: &str) -> &'static [u8] {
    let path = FOLDER.join(kind);
    let made = Command::new(FOLDER.join("generate")).args([kind, BYTES]).arg(&path).arg("20261120").status();
    assert!(made.unwrap().success(), "{kind}");
    let path = if path.is_dir() { path.join("scheduler.log") } else { path };
    std::fs::read(path).unwrap().leak()
}

fn packed(bytes: &[u8]) -> &'static [u8] {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().leak()
}

static SCHEDULER: LazyLock<&'static [u8]> = LazyLock::new(|| made("logs"));

/// Log lines, in blocks: what means nothing is passed over.
#[divan::bench]
fn log_in_blocks(bencher: Bencher<'_, '_>) {
    let text = *SCHEDULER;
    bencher.counter(BytesCount::of_slice(text)).bench(|| {
        let mut facts = Facts::default();
        let mut reader = LogReader::new("scheduler.log".into(), TimeZone::UTC, &mut facts);
        let (mut at, mut record) = (0, 0);
        while let Some(block) = text.get(at..text.len().min(at + (512 << 10))).filter(|it| !it.is_empty()) {
            at += reader.block(Framing::Bare, block, &mut record, 1 << 20, at + block.len() == text.len());
        }
        reader.finish();
        facts.close();
        facts.log_records
    });
}

/// The same, line by line: what the tests compare blocks with.
#[divan::bench(sample_count = 10)]
fn log_by_lines(bencher: Bencher<'_, '_>) {
    let text = *SCHEDULER;
    bencher.counter(BytesCount::of_slice(text)).bench(|| {
        let mut facts = Facts::default();
        let mut reader = LogReader::new("scheduler.log".into(), TimeZone::UTC, &mut facts);
        for (line, record) in text.split(|it| *it == b'\n').zip(1..) {
            reader.framed_line(Framing::Bare, line, record);
        }
        reader.finish();
        facts.close();
        facts.log_records
    });
}

/// Dumps in memory to tables: finding out what they are, reading, joining.
#[divan::bench(args = ["logs", "filter", "insights", "ndjson", "export"], sample_count = 10)]
fn tables_of(bencher: Bencher<'_, '_>, kind: &str) {
    let bytes = if kind == "logs" { *SCHEDULER } else { made(kind) };
    bencher.counter(BytesCount::of_slice(bytes)).bench(|| Evidence::of_dumps(&[("dump", bytes)], &Settings::default()).unwrap());
}

/// Unpacking and reading; bytes are those of the text.
#[divan::bench(sample_count = 10)]
fn tables_of_gz(bencher: Bencher<'_, '_>) {
    let bytes = packed(*SCHEDULER);
    let folder = FOLDER.join("scheduler.log.gz");
    std::fs::write(&folder, bytes).unwrap();
    let listing = casefile::case::Listing::of(&[folder]);
    bencher
        .counter(BytesCount::of_slice(*SCHEDULER))
        .bench(|| Evidence::load(&listing, None, &Settings::default(), &casefile::case::Meter::default()).unwrap());
}

fn evidence() -> Evidence {
    Evidence::of_dumps(&[("scheduler.log", *SCHEDULER)], &Settings::default()).unwrap()
}

/// All detectors.
#[divan::bench]
fn verdicts(bencher: Bencher<'_, '_>) {
    let (evidence, settings) = (evidence(), Settings::default());
    bencher.bench(|| detectors::judge(DETECTORS, &evidence, &settings).unwrap());
}

/// One report in each format.
#[divan::bench(args = FORMATS.iter().map(|it| it.id))]
fn report(bencher: Bencher<'_, '_>, format: &str) {
    let (evidence, settings) = (evidence(), Settings::default());
    let verdicts = detectors::judge(DETECTORS, &evidence, &settings).unwrap();
    let report = Report::new(&evidence, verdicts, &settings).unwrap();
    let format = FORMATS.iter().find(|it| it.id == format).expect("one of the list");
    bencher.bench(|| {
        let mut text = Vec::new();
        (format.write)(&report, &Style::default(), &mut text).unwrap();
        text
    });
}
