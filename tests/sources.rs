//! Every fixture is claimed by its source and counted; a table reads the same in every form that it is exported in.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a broken test should stop loudly")]

mod forms;

use casefile::{
    case::{Listing, Meter},
    evidence::{Coverage, Evidence},
    settings::Settings,
    tables::{ORIGIN_FILE, TABLES},
    units::Moment,
};
use forms::Grid;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

fn load(path: &Path) -> Evidence {
    Evidence::load(&Listing::of(&[path.to_owned()]), None, &Settings::default(), &Meter::default()).unwrap()
}

/// Reads a dump that lies in a file of this name.
fn load_bytes(name: &str, bytes: &[u8]) -> Evidence {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    load(folder.path())
}

/// `fixtures/sources/<source>/<case>`, in order.
fn cases() -> Vec<PathBuf> {
    let inside = |folder: &Path| fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect::<Vec<_>>();
    let mut cases: Vec<PathBuf> = inside(Path::new("fixtures/sources")).iter().flat_map(|it| inside(it)).collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn skipped(coverage: &Coverage) -> u64 {
    coverage.skipped.iter().map(|it| it.count).sum()
}

#[test]
fn every_fixture_is_read_as_expected() {
    for case in cases() {
        let expected: Value = serde_json::from_str(&fs::read_to_string(case.join("expected.json")).unwrap()).unwrap();
        let evidence = load(&case);
        let source = case.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let inputs: Vec<&Coverage> = evidence.coverage.iter().filter(|it| !it.path.ends_with("expected.json")).collect();
        for input in &inputs {
            assert_eq!(input.kind, Some(source), "{}", input.path);
            assert_eq!(input.records, input.parsed + skipped(input), "{}", input.path);
        }
        let count = |key: &str| expected[key].as_u64().unwrap_or(0);
        let told = |it: &[&Coverage]| format!("{}: {it:?}", case.display());
        assert_eq!(inputs.iter().map(|it| it.parsed).sum::<u64>(), count("parsed"), "{}", told(&inputs));
        assert_eq!(inputs.iter().map(|it| skipped(it)).sum::<u64>(), count("skipped"), "{}", told(&inputs));
        assert_eq!(inputs.iter().filter(|it| !it.problems.is_empty()).count() as u64, count("partial"), "{}", told(&inputs));
        for (table, rows) in expected["tables"].as_object().into_iter().flatten() {
            let table = TABLES.iter().find(|it| it.name == table).unwrap();
            assert_eq!(evidence.rows(table) as u64, rows.as_u64().unwrap(), "{}: {}", case.display(), table.name);
        }
        for cell in expected["cells"].as_array().into_iter().flatten() {
            let [table, row, column, value] = cell.as_array().unwrap().as_slice() else { panic!("{cell}") };
            let table = TABLES.iter().find(|it| Some(it.name) == table.as_str()).unwrap();
            let frame = evidence.frame(table).unwrap();
            let row = usize::try_from(row.as_u64().unwrap()).unwrap();
            let shown = frame.column(column.as_str().unwrap()).unwrap().get(row).unwrap().to_string();
            assert_eq!(shown.trim_matches('"'), value.as_str().unwrap(), "{}: {cell}", case.display());
        }
    }
}

/// Every table, without the name of the input.
fn told(evidence: &Evidence) -> Vec<(&'static str, String)> {
    let shown = |table: &&'static casefile::tables::Table| {
        let frame = evidence.frame(table)?.drop(ORIGIN_FILE.name).unwrap();
        (frame.height() > 0).then(|| {
            let mut lines = Vec::new();
            for column in frame.columns() {
                let cells: Vec<String> = (0..frame.height()).map(|at| column.get(at).unwrap().to_string()).collect();
                lines.push(format!("{}: {}", column.name(), cells.join(" | ")));
            }
            (table.name, lines.join("\n"))
        })
    };
    TABLES.iter().filter_map(shown).collect()
}

fn check(case: &Path, grid: &Grid, form: &str, bytes: &[u8], expected: &[(&'static str, String)], faults: &mut Vec<String>) {
    let evidence = load_bytes("dump", bytes);
    let input = evidence.coverage.first().unwrap();
    let name = case.file_name().unwrap().to_str().unwrap();
    if input.kind != Some("redshift-view") || input.parsed != grid.rows.len() as u64 {
        faults.push(format!("{name} as {form}: {input:?}"));
        return;
    }
    for ((table, wanted), (_, got)) in expected.iter().zip(told(&evidence)) {
        for (wanted, got) in wanted.lines().zip(got.lines()).filter(|it| it.0 != it.1) {
            faults.push(format!("{name} as {form}, {table}:\n  wanted {wanted}\n  got    {got}"));
        }
    }
}

#[test]
fn a_view_reads_the_same_in_every_form() {
    let mut faults = Vec::new();
    for case in cases().iter().filter(|it| it.join("export.csv").exists()) {
        let grid = Grid::read(&case.join("export.csv"));
        let expected = told(&load_bytes("dump", &grid.csv(b',')));
        for (form, bytes) in grid.forms() {
            check(case, &grid, form, &bytes, &expected, &mut faults);
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// UNLOAD writes no names: which columns were left out shows only in the shapes of the others.
#[test]
fn columns_left_out_of_an_unload_are_found_out() {
    let left_out: &[(&str, &[&str])] = &[
        ("sys_query_history", &["session_id", "usage_limit", "service_class_id", "user_query_hash", "returned_bytes"]),
        ("sys_query_detail", &["source", "step_attribute"]),
        ("sys_load_history", &["session_id", "file_count_scanned"]),
        ("sys_load_detail", &["lines_scanned"]),
        ("sys_external_query_detail", &["is_recursive"]),
        ("stl_query", &["label", "insert_pristine"]),
        ("stl_load_commits", &["userid", "name"]),
        ("stl_s3client", &["ip_address"]),
        ("stl_load_errors", &["copy_job_id"]),
        ("svv_table_info", &["create_time"]),
    ];
    let mut faults = Vec::new();
    for (view, columns) in left_out {
        let case = Path::new("fixtures/sources/redshift-view").join(view);
        let grid = Grid::read(&case.join("export.csv")).without(columns);
        let expected = told(&load_bytes("dump", &grid.csv(b',')));
        check(&case, &grid, "UNLOAD with columns left out", &grid.unload_escaped(), &expected, &mut faults);
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// Of columns that are alike one is left out: no amount of the others is told for it, and none is told wrongly.
#[test]
fn an_amount_that_could_be_another_one_is_unknown() {
    for (view, left_out, table, unknown) in [
        ("stl_file_scan", "lines", "load_files", &["bytes_scanned", "lines_scanned"][..]),
        ("stl_file_scan", "bytes", "load_files", &["bytes_scanned"]),
        ("stl_load_commits", "lines_scanned", "load_files", &["lines_scanned", "error_count"]),
        ("stl_load_info", "transfer_size", "load_files", &["transfer_bytes", "bytes_scanned"]),
        ("stl_s3client", "transfer_size", "load_files", &["transfer_bytes", "bytes_scanned"]),
        ("sys_load_history", "error_count", "loads", &["error_count"]),
        ("sys_query_detail", "output_rows", "steps", &["output_rows"]),
        ("sys_query_detail", "data_skewness", "steps", &["data_skewness", "time_skewness"]),
        ("sys_external_query_detail", "scanned_files", "external_scans", &["scanned_files", "total_partitions", "qualified_partitions"]),
    ] {
        let grid = Grid::read(&Path::new("fixtures/sources/redshift-view").join(view).join("export.csv")).without(&[left_out]);
        let evidence = load_bytes("dump", &grid.unload_escaped());
        assert_eq!(evidence.coverage[0].kind, Some("redshift-view"), "{view} without {left_out}");
        let frame = evidence.frame(TABLES.iter().find(|it| it.name == table).unwrap()).unwrap();
        assert!(frame.height() > 0, "{view} without {left_out}");
        for column in unknown {
            let values = frame.column(column).unwrap();
            assert_eq!(values.null_count(), frame.height(), "{view} without {left_out}: {values:?}");
        }
    }
}

/// A newer Redshift has columns that we do not know: nothing else is read differently, and the reader is told.
#[test]
fn a_column_that_is_not_known_changes_nothing_else() {
    let mut faults = Vec::new();
    for (view, after, value) in [
        ("stl_s3client", "app_connect_time", "x"),
        ("sys_external_query_detail", "duration", "prod"),
        ("sys_load_history", "copy_job_id", "blue"),
    ] {
        let case = Path::new("fixtures/sources/redshift-view").join(view);
        let known = Grid::read(&case.join("export.csv"));
        let expected = told(&load_bytes("dump", &known.csv(b',')));
        let grid = known.with(after, "novelty", value);
        for (form, bytes) in grid.forms() {
            check(&case, &grid, form, &bytes, &expected, &mut faults);
            let note = load_bytes("dump", &bytes).coverage.into_iter().flat_map(|it| it.notes).find(|it| it.contains("not known"));
            if note.is_none() {
                faults.push(format!("{view} as {form}: nothing is said of the column"));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// Whatever is cut off or turned over: nothing panics, and every record is either read or skipped.
#[test]
fn damage_never_stops_the_reading() {
    for case in cases() {
        for file in fs::read_dir(&case).unwrap().map(|it| it.unwrap().path()).filter(|it| it.is_file()) {
            let whole = fs::read(&file).unwrap();
            for part in 1..12 {
                let at = whole.len() * part / 12;
                let mut turned = whole.clone();
                turned[at] ^= 0x55;
                turned.remove(at / 2);
                for bytes in [&whole[..at], &turned] {
                    for input in load_bytes("dump", bytes).coverage {
                        assert_eq!(input.records, input.parsed + skipped(&input), "{} at {at}", file.display());
                    }
                }
            }
        }
    }
}

/// `aws s3 ls` prints the clock of the machine that it ran on, and the console the one that it shows: summer time included.
#[test]
fn times_without_a_zone_are_read_in_the_one_that_is_given() {
    let ls = |time: &str| format!("{time}      12345 lake/orders/part-0.parquet\n");
    let csv = |time: &str| format!("@timestamp,@message\n{time},a line that names no time\n");
    for (zone, shown, meant) in [
        ("UTC", "2026-03-29 01:30:00", "2026-03-29T01:30:00.000Z"),
        ("Europe/Berlin", "2026-03-29 01:30:00", "2026-03-29T00:30:00.000Z"),
        ("Europe/Berlin", "2026-03-29 03:30:00", "2026-03-29T01:30:00.000Z"),
        ("Europe/Berlin", "2026-10-25 01:30:00", "2026-10-24T23:30:00.000Z"),
        ("Europe/Berlin", "2026-10-25 03:30:00", "2026-10-25T02:30:00.000Z"),
    ] {
        let mut settings = Settings::default();
        settings.zone = jiff::tz::TimeZone::get(zone).unwrap();
        for (kind, text) in [("s3-ls", ls(shown)), ("console-csv", csv(shown))] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("dump"), text).unwrap();
            let evidence = Evidence::load(&Listing::of(&[folder.path().to_owned()]), None, &settings, &Meter::default()).unwrap();
            let input = evidence.coverage.first().unwrap();
            assert_eq!((input.kind, input.from.unwrap().rfc3339().as_str()), (Some(kind), meant), "{shown} in {zone}");
            assert!(input.notes.iter().any(|it| it.contains(zone) && it.contains("--tz")), "{input:?}");
        }
    }
    let told = load_bytes("events.csv", csv("1774747800000").as_bytes());
    assert!(told.coverage.iter().all(|it| it.notes.is_empty()), "milliseconds need no zone: {:?}", told.coverage);
}

/// A typed column may hold what no clock ever showed: a report said "out-of-range" where a time belongs.
#[test]
fn a_time_that_no_log_was_written_at_is_none() {
    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
    use std::sync::Arc;

    let real = Moment::parse("2026-06-01T00:00:00Z").unwrap().moment;
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![i64::MIN, real.0, i64::MAX]));
    let texts = |all: [&str; 3]| Arc::new(StringArray::from(all.to_vec())) as ArrayRef;
    let rows = RecordBatch::try_from_iter([
        ("bucket", texts(["lake"; 3])),
        ("key", texts(["t/a.parquet", "t/b.parquet", "t/c.parquet"])),
        ("size", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef),
        ("last_modified_date", times),
    ])
    .unwrap();
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let evidence = load_bytes("inventory.parquet", &bytes);
    let input = evidence.coverage.first().unwrap();
    assert_eq!((input.kind, input.parsed), (Some("s3-inventory"), 3));
    assert_eq!((input.from, input.to), (Some(real), Some(real)));
}
