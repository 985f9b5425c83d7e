//! Reports read back: which night of a folder is taken, what older versions wrote, and what is damaged or no report at all.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::string_slice, reason = "a broken test should stop loudly")]

mod common;

use arrow::{array::RecordBatch, datatypes::Schema};
use casefile::{
    collect::Ways,
    ledger::{self, Ledger, Opened, Taken},
};
use common::servers::{stderr, stdout};
use parquet::arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};
use tempfile::TempDir;

/// Columns that reports did not always have.
const LATER: &[&str] =
    &["run_date", "status", "suppression", "baseline_state", "nights_seen", "detector_version", "window_start", "window_end"];

fn run(args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_casefile")).args(args).output().unwrap();
    assert!(output.status.code().is_some_and(|it| it != 101), "{args:?} panicked: {}", stderr(&output));
    output
}

/// A lake with the demo's report of each of these windows, which end on these days.
fn lake(days: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("lake");
    for (since, until) in days {
        let output = run(&["demo", "--since", since, "--until", until, "--out", out.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    folder
}

/// One report, and where it lies.
fn report() -> (TempDir, PathBuf) {
    let folder = lake(&[("2020-01-01", "2027-01-01")]);
    let path = folder.path().join("lake");
    (folder, path)
}

fn opened(given: &str) -> Result<Taken, String> {
    match ledger::open(given, &Ways::default()) {
        Ok(Opened::Report(taken)) => Ok(*taken),
        Ok(Opened::Case(path)) => panic!("{} is no case", path.display()),
        Err(error) => {
            assert_eq!(error.exit_code(), 2, "{error}");
            Err(error.to_string())
        }
    }
}

fn path_of(folder: &Path) -> String {
    folder.to_str().unwrap().to_owned()
}

/// The files of a report.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// The file of a table.
fn table(lake: &Path, name: &str) -> PathBuf {
    files(&lake.join(name)).remove(0)
}

/// Writes a file anew: with the batches that come of its own.
fn rewritten(path: &Path, change: impl Fn(RecordBatch) -> RecordBatch) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(|it| change(it.unwrap())).collect();
    let Some(first) = batches.first() else { return };
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), first.schema(), None).unwrap();
    for it in &batches {
        writer.write(it).unwrap();
    }
    writer.close().unwrap();
}

fn without(batch: &RecordBatch, columns: &[&str]) -> RecordBatch {
    let schema = batch.schema();
    let kept: Vec<usize> = (0..schema.fields().len()).filter(|it| !columns.contains(&schema.field(*it).name().as_str())).collect();
    batch.project(&kept).unwrap()
}

#[test]
fn the_latest_night_is_taken_unless_another_is_named() {
    let nights = [("2020-01-01", "2026-11-22"), ("2020-01-01", "2027-02-02"), ("2020-01-01", "2026-12-31")];
    let folder = lake(&nights);
    let lake = path_of(&folder.path().join("lake"));
    let day = |given: &str| opened(given).map(|it| it.run.unwrap().0);
    assert_eq!(day(&lake).unwrap(), "2027-02-01");
    assert_eq!(day(&format!("{lake}@2026-12-30")).unwrap(), "2026-12-30");
    let by_day = opened(&format!("{lake}@2026-11-21")).unwrap();
    let run = by_day.run.clone().unwrap().1;
    assert_eq!(opened(&format!("{lake}@{run}")).unwrap().ledger, by_day.ledger);
    assert!(day(&format!("{lake}@2026-11-20")).unwrap_err().contains("holds no night or run called 2026-11-20"));
    // Two of them in one folder are compared by their nights.
    let output = diff(&format!("{lake}@2026-11-21"), &lake);
    assert!(output.contains("night 2026-11-21") && output.contains("night 2027-02-01"), "{output}");
}

fn diff(old: &str, new: &str) -> String {
    let output = run(&["diff", old, new, "--different-windows"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

#[test]
fn several_runs_of_a_night_have_to_be_named() {
    let (folder, lake) = report();
    for path in files(&lake) {
        fs::copy(&path, path.with_file_name("other.parquet")).unwrap();
    }
    let lake = path_of(&folder.path().join("lake"));
    let told = opened(&lake).unwrap_err();
    assert!(told.contains("2026-12-31 has several runs, ") && told.contains("other") && told.contains("name one of them"), "{told}");
    assert_eq!(opened(&format!("{lake}@other")).unwrap().run.unwrap().1, "other");
}

/// Months that were merged hold many runs in one file, in the partition of their first day.
#[test]
fn runs_of_a_merged_month_are_told_apart() {
    let folder = lake(&[("2020-01-01", "2026-12-12"), ("2020-01-01", "2026-12-20")]);
    let lake = folder.path().join("lake");
    let of = |given: &str| opened(given).unwrap();
    let at = |day: &str| format!("{}@{day}", lake.display());
    let (first, second) = (of(&at("2026-12-11")), of(&at("2026-12-19")));
    for name in ["findings", "instances", "excerpts", "verdicts", "coverage"] {
        let of_table = files(&lake.join(name));
        let mut batches = Vec::new();
        for path in &of_table {
            let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap().build().unwrap();
            batches.extend(reader.map(Result::unwrap));
            fs::remove_file(path).unwrap();
        }
        let merged = lake.join(name).join("dt=2026-12-01/compacted-2026-12.parquet");
        fs::create_dir_all(merged.parent().unwrap()).unwrap();
        let mut writer = ArrowWriter::try_new(fs::File::create(merged).unwrap(), batches[0].schema(), None).unwrap();
        for it in &batches {
            writer.write(it).unwrap();
        }
        writer.close().unwrap();
    }
    assert_eq!(of(&path_of(&lake)), Taken { given: path_of(&lake), ..second.clone() });
    assert_eq!(of(&at("2026-12-11")).ledger, first.ledger);
    assert_eq!(of(&at(&second.run.clone().unwrap().1)).ledger, second.ledger);
    assert!(opened(&at("2026-12-01")).unwrap_err().contains("no night or run"));
}

#[test]
fn older_files_with_fewer_columns_are_read() {
    let (_folder, lake) = report();
    let now = opened(&path_of(&lake)).unwrap().ledger;
    for path in files(&lake) {
        rewritten(&path, |batch| without(&batch, LATER));
    }
    let then = opened(&path_of(&lake)).unwrap().ledger;
    let mut wanted = Ledger { since: None, until: None, ..now };
    wanted.verdicts.values_mut().for_each(|it| it.version = None);
    assert_eq!(then, wanted);
}

#[test]
fn a_report_that_is_not_whole_is_refused() {
    for name in ["findings", "excerpts", "coverage"] {
        let (_folder, lake) = report();
        let path = table(&lake, name);
        fs::remove_file(&path).unwrap();
        let told = opened(&path_of(&lake)).unwrap_err();
        assert!(told.contains(&format!("/{name}/dt=2026-12-31/")) && told.contains("is missing: not a whole report"), "{told}");
    }
    let (_folder, lake) = report();
    rewritten(&table(&lake, "findings"), |batch| batch.slice(0, batch.num_rows() - 1));
    assert!(opened(&path_of(&lake)).unwrap_err().contains("not a whole report"));
    let (_folder, lake) = report();
    rewritten(&table(&lake, "findings"), |batch| without(&batch, &["severity"]));
    let told = opened(&path_of(&lake)).unwrap_err();
    assert!(told.contains("row 1: missing field `severity`"), "{told}");
}

#[test]
fn damage_is_told_and_never_a_panic() {
    for name in ["findings", "verdicts", "excerpts", "coverage"] {
        let (_folder, lake) = report();
        let path = table(&lake, name);
        let whole = fs::read(&path).unwrap();
        for cut in (0..whole.len()).step_by(whole.len() / 60 + 1) {
            fs::write(&path, &whole[..cut]).unwrap();
            let told = opened(&path_of(&lake)).unwrap_err();
            assert!(told.contains(&format!("{name}/dt=")) && told.contains("no file of Parquet, or a damaged one"), "{cut}: {told}");
        }
        let mut refused = 0;
        for at in (0..whole.len()).step_by(whole.len() / 400 + 1) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x55;
            fs::write(&path, &damaged).unwrap();
            // A byte may stand for nothing, or for a letter of a text; it never stops the program otherwise than by an error.
            refused += usize::from(opened(&path_of(&lake)).is_err());
        }
        assert!(refused > 0, "{name}");
    }
    let (folder, _) = report();
    let text = stdout(&run(&["demo", "--format", "json"]));
    let file = folder.path().join("cut.json");
    for cut in (1..text.len() - 2).step_by(text.len() / 50).filter(|it| text.is_char_boundary(*it)) {
        fs::write(&file, &text[..cut]).unwrap();
        let told = opened(&path_of(&file)).unwrap_err();
        assert!(told.contains("cut.json") && told.contains("cut off"), "{told}");
    }
}

#[test]
fn what_is_no_report_says_what_would_be_one() {
    let (folder, lake) = report();
    let root = folder.path();
    fs::create_dir(root.join("empty")).unwrap();
    fs::write(root.join("notes.txt"), "hello\n").unwrap();
    fs::write(root.join("bytes"), [0xff, 0xfe, 0x00]).unwrap();
    fs::write(root.join("other.json"), "{\"findings\": 3}").unwrap();
    let file = table(&lake, "findings");
    for (given, why) in [
        (root.join("nowhere"), "cannot read"),
        (root.join("empty"), "give a folder that --out wrote"),
        (lake.join("findings"), "give a folder that --out wrote"),
        (root.join("notes.txt"), "no report: give a folder"),
        (root.join("bytes"), "no UTF-8"),
        (root.join("other.json"), "no report that --format json or jsonl printed"),
        (file, "one file of Parquet is not a whole report"),
    ] {
        let told = opened(&path_of(&given)).unwrap_err();
        assert!(told.contains(why) && told.contains(given.file_name().unwrap().to_str().unwrap()), "{told}");
        let output = run(&["diff", given.to_str().unwrap(), lake.to_str().unwrap()]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{}", stderr(&output));
    }
}

/// What other programs make of the files: other types of the same values.
#[test]
fn types_of_other_writers_are_read() {
    use arrow::{
        compute::cast,
        datatypes::{DataType, Field, TimeUnit},
    };
    let (_folder, lake) = report();
    let now = opened(&path_of(&lake)).unwrap().ledger;
    let other = |kind: &DataType| match kind {
        DataType::Utf8 => DataType::LargeUtf8,
        DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, None),
        kind => kind.clone(),
    };
    for name in ["findings", "verdicts", "excerpts", "coverage"] {
        rewritten(&table(&lake, name), |batch| {
            let schema = batch.schema();
            let fields: Vec<Field> = schema.fields().iter().map(|it| Field::new(it.name(), other(it.data_type()), true)).collect();
            let arrays = batch.columns().iter().map(|it| cast(it, &other(it.data_type())).unwrap()).collect();
            RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
        });
    }
    assert_eq!(opened(&path_of(&lake)).unwrap().ledger, now);
}

/// What was just judged, what the tables hold and what was printed are one report in short.
#[test]
fn a_report_reads_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let night = "fixtures/stories/night";
    let printed = folder.path().join("night.jsonl");
    fs::write(&printed, run(&["analyze", night, "--out", out.to_str().unwrap(), "--format", "jsonl"]).stdout).unwrap();
    let of_report = Ledger::of(&common::analyze(&[Path::new(night)]));
    assert!(!of_report.findings.is_empty());
    assert_eq!(opened(&path_of(&out)).unwrap().ledger, of_report);
    assert_eq!(opened(&path_of(&printed)).unwrap().ledger, of_report);
    let remembered: Ledger = serde_json::from_value::<Ledger>(serde_json::to_value(&of_report).unwrap()).unwrap();
    assert_eq!(remembered, of_report);
}
