//! Months that are over become one file a table; nights that are too old go.

use crate::{
    FEW, MANY, casefile,
    common::servers::{stderr, stdout},
    files, folder_in_memory, into_folder, night, report, seen,
};
use casefile::{
    publish::{self, Destination},
    report::parquet::{LAKE, Merge},
};
use std::{fs, path::Path};

/// Nights of three months, with few and with many findings.
fn lake(folder: &Path) {
    let (mut few, mut many) = (report(FEW), report(MANY));
    let nights: Vec<publish::Night> = ["2025-12-30", "2025-12-31", "2026-01-01", "2026-01-02", "2026-01-31", "2026-02-01"]
        .iter()
        .enumerate()
        .map(|(at, day)| night(if at % 2 == 0 { &mut few } else { &mut many }, day, &format!("prod-{day}")))
        .collect();
    into_folder(folder, &nights);
}

/// How many rows each table has.
fn rows(folder: &Path) -> Vec<usize> {
    let of_table = |table: &str| {
        let table = LAKE.iter().find(|it| it.name == table).unwrap();
        let mut all = Merge::new(table);
        for (key, bytes) in seen(folder).into_iter().filter(|it| it.0.starts_with(table.name)) {
            all.add(&key, bytes).unwrap();
        }
        all.rows()
    };
    LAKE.iter().map(|it| of_table(it.name)).collect()
}

#[test]
fn months_that_are_over_are_merged_once_and_keep_their_rows() {
    let folder = folder_in_memory();
    lake(folder.path());
    let (to, before, all) = (folder.path().to_str().unwrap(), files(folder.path()), rows(folder.path()));
    let output = casefile(&["compact", to, "--dry-run"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let words = stdout(&output);
    assert!(words.contains("2025-12: would be merged, 10 files") && words.contains("2026-01: would be merged, 15 files"), "{words}");
    assert!(words.ends_with("2 months would be merged; 2026-02 goes on\n"), "{words}");
    assert_eq!(files(folder.path()), before);
    assert_eq!(casefile(&["compact", to]).status.code(), Some(0));
    let merged = files(folder.path());
    assert_eq!(rows(folder.path()), all);
    let keys: Vec<&str> = merged.keys().map(String::as_str).filter(|it| it.starts_with("findings")).collect();
    let wanted = [
        "findings/dt=2025-12-01/compacted-2025-12.parquet",
        "findings/dt=2026-01-01/compacted-2026-01.parquet",
        "findings/dt=2026-02-01/prod-2026-02-01.parquet",
    ];
    assert_eq!(keys, wanted);
    assert!(stdout(&casefile(&["compact", to])).ends_with("0 months merged; 2026-02 goes on\n"));
    assert_eq!(files(folder.path()), merged, "what is merged stays");
}

#[test]
fn a_night_of_a_merged_month_replaces_its_rows() {
    let folder = folder_in_memory();
    lake(folder.path());
    publish::compact(&Destination::new(folder.path().to_str().unwrap()), false).unwrap();
    let before = files(folder.path());
    let (mut few, mut many) = (report(FEW), report(MANY));
    let same = night(&mut many, "2026-01-02", "prod-2026-01-02");
    let told = into_folder(folder.path(), &[night(&mut few, "2026-01-01", "prod-2026-01-01"), same]);
    assert_eq!((told.unchanged.len(), told.replaced.len(), told.written.len()), (10, 0, 0));
    assert_eq!(files(folder.path()), before, "the same nights are the same bytes");
    let told = into_folder(folder.path(), &[night(&mut many, "2026-01-01", "prod-2026-01-01")]);
    assert!(told.written.is_empty() && told.removed.is_empty() && !told.replaced.is_empty(), "{told:?}");
    // As if it had been merged with the new night to begin with.
    let other = folder_in_memory();
    lake(other.path());
    into_folder(other.path(), &[night(&mut many, "2026-01-01", "prod-2026-01-01")]);
    publish::compact(&Destination::new(other.path().to_str().unwrap()), false).unwrap();
    assert_eq!(files(folder.path()), files(other.path()));
}

#[test]
fn nights_that_are_too_old_go_when_that_is_said() {
    let folder = folder_in_memory();
    lake(folder.path());
    let destination = Destination::new(folder.path().to_str().unwrap());
    publish::compact(&destination, false).unwrap();
    into_folder(folder.path(), &[night(&mut report(FEW), "2025-11-30", "prod-2025-11-30")]);
    let before = files(folder.path());
    let at = |day: &str| day.parse::<jiff::civil::Date>().unwrap();
    let told = publish::prune(&destination, at("2026-01-31"), false).unwrap();
    // January's last night is kept, and its month with it.
    assert_eq!((told.partitions.clone(), told.files), (vec!["2025-11-30".to_owned(), "2025-12".to_owned()], 10));
    assert_eq!(files(folder.path()), before, "nothing goes before it is said");
    assert_eq!(told, publish::prune(&destination, at("2026-01-31"), true).unwrap());
    assert!(files(folder.path()).keys().all(|it| it.contains("dt=2026-")));
    let lake = folder.path().to_str().unwrap();
    let told = stdout(&casefile(&["prune", lake, "--keep", "30d"]));
    assert!(told.contains("10 files") && told.contains("would be removed, from 2026-01 to 2026-02-01"), "{told}");
    assert!(told.ends_with("nothing was changed: --apply removes them\n"), "{told}");
    assert_eq!(casefile(&["prune", lake, "--keep", "30d", "--apply"]).status.code(), Some(0));
    assert!(files(folder.path()).is_empty() && fs::read_dir(folder.path()).unwrap().next().is_none());
}
