//! Folders: the program as a user calls it, what it refuses, disks that are full and folders that may not be written.

use crate::{
    DAY, FEW, MANY, PROGRAM, casefile,
    common::servers::{stderr, stdout},
    files, folder_in_memory, into_folder, midnight, night, report, seen,
};
use casefile::{
    publish::{self, Destination},
    units::Moment,
};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

#[test]
fn a_report_is_published_as_it_was_written_and_once() {
    let folder = folder_in_memory();
    let (out, lake) = (folder.path().join("out"), folder.path().join("lake"));
    let (out, lake) = (out.to_str().unwrap(), lake.to_str().unwrap());
    assert_eq!(casefile(&["analyze", MANY, "--out", out]).status.code(), Some(0));
    let output = casefile(&["publish", out, "--to", lake]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).ends_with("lake: 5 written, 0 replaced, 0 removed, 0 unchanged\n"), "{}", stdout(&output));
    assert_eq!(files(Path::new(lake)), files(Path::new(out)), "byte for byte, and no staging is left");
    let written = |name: &str| fs::metadata(Path::new(lake).join(name)).unwrap().modified().unwrap();
    let before: Vec<_> = files(Path::new(lake)).keys().map(|it| written(it)).collect();
    let output = casefile(&["publish", out, "--to", lake]);
    assert!(stdout(&output).ends_with("lake: 0 written, 0 replaced, 0 removed, 5 unchanged\n"), "{}", stdout(&output));
    assert_eq!(files(Path::new(lake)).keys().map(|it| written(it)).collect::<Vec<_>>(), before, "not written again");
}

#[test]
fn a_night_replaces_itself_and_lies_under_one_day() {
    let lake = folder_in_memory();
    let (mut few, mut many) = (report(FEW), report(MANY));
    into_folder(lake.path(), &[night(&mut few, "2026-01-05", "prod-5"), night(&mut few, "2026-01-06", "prod-6")]);
    let told = into_folder(lake.path(), &[night(&mut many, "2026-01-06", "prod-6")]);
    assert_eq!((told.written.len(), told.replaced.len(), told.removed.len()), (0, 5, 0));
    assert_eq!(seen(lake.path())["findings/dt=2026-01-06/prod-6.parquet"], night(&mut many, "2026-01-06", "prod-6").files[0].1);
    let told = into_folder(lake.path(), &[night(&mut many, "2026-01-07", "prod-6")]);
    assert_eq!((told.written.len(), told.replaced.len(), told.removed.len()), (5, 0, 5));
    let keys: Vec<String> = seen(lake.path()).into_keys().filter(|it| it.contains("prod-6")).collect();
    assert!(keys.len() == 5 && keys.iter().all(|it| it.contains("dt=2026-01-07")), "{keys:?}");
}

#[test]
fn what_cannot_be_published_is_named() {
    let folder = folder_in_memory();
    let at = |name: &str| folder.path().join(name).display().to_string();
    into_folder(Path::new(&at("lake")), &[night(&mut report(FEW), "2026-01-05", "prod-5")]);
    let told = |arguments: &[&str]| {
        let output = casefile(arguments);
        (output.status.code().unwrap(), stderr(&output))
    };
    fs::create_dir(at("empty")).unwrap();
    let cases = [
        (vec!["publish", "/nowhere/at/all", "--to", "x"], "cannot read /nowhere/at/all"),
        (vec!["publish", "EMPTY", "--to", "x"], "no report lies there"),
        (vec!["publish", "LAKE", "--to", "gs://bucket/x"], "only folders and s3://bucket/prefix are known"),
        (vec!["publish", "LAKE", "--to", "s3://bucket//x"], "words with one / between them"),
        (vec!["publish", "LAKE", "--to", "OTHER", "--database", "x"], "Athena reads S3 only"),
        (vec!["publish", "LAKE", "--to", "s3://bucket/x", "--database", "a-b"], "write it in a-z, 0-9 and _"),
        (vec!["publish", "LAKE", "--to", "s3://bucket/x", "--database", "ab", "--output", "results"], "write an address like"),
        (vec!["athena", "ddl", "--to", "folder", "--database", "x"], "Athena reads S3 only"),
        (vec!["athena", "queries", "new_todays"], "did you mean `new_today`?"),
        (vec!["athena", "queries", "--date", "5 March"], "write a date like"),
        (vec!["prune", "LAKE", "--keep", "90m"], "give whole days"),
        (vec!["compact", "OTHER"], "cannot read"),
        (vec!["prune", "OTHER", "--keep", "30d", "--apply"], "cannot read"),
    ];
    for (arguments, wanted) in cases {
        let paths = [("EMPTY", at("empty")), ("LAKE", at("lake")), ("OTHER", at("other"))];
        let path = |it: &&str| paths.iter().find(|path| path.0 == *it).map_or((*it).to_owned(), |it| it.1.clone());
        let arguments: Vec<String> = arguments.iter().map(path).collect();
        let (code, words) = told(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(code == 2 && words.contains(wanted), "{arguments:?}: {code} {words}");
    }
    assert!(!Path::new(&at("other")).exists());
    let mut untimed = report(FEW);
    (untimed.since, untimed.until, untimed.last) = (None, None, None);
    let night = publish::Night::of(&untimed, "x").unwrap();
    let error = publish::publish(&[night], &Destination::new(&at("other"))).unwrap_err();
    assert!(error.to_string().contains("its day is unknown") && error.exit_code() == 2, "{error}");
    fs::remove_file(Path::new(&at("lake")).join("verdicts/dt=2026-01-05/prod-5.parquet")).unwrap();
    let (code, words) = told(&["publish", &at("lake"), "--to", &at("other")]);
    assert!(code == 2 && words.contains("verdicts/dt=2026-01-05/prod-5.parquet is missing"), "{words}");
    fs::write(Path::new(&at("lake")).join("verdicts/dt=2026-01-05/prod-5.parquet"), "no parquet").unwrap();
    let (code, words) = told(&["publish", &at("lake"), "--to", &at("other")]);
    assert!(code == 2 && words.contains("the table verdicts: no Parquet that can be read"), "{words}");
}

#[test]
fn a_full_disk_and_a_killed_program_leave_the_old_night() {
    let folder = folder_in_memory();
    let (lake, source) = (folder.path().join("lake"), folder.path().join("source"));
    let (mut few, mut many) = (report(FEW), report(MANY));
    let new = night(&mut many, "2026-01-05", "prod-5");
    into_folder(&source, std::slice::from_ref(&new));
    into_folder(&lake, &[night(&mut few, "2026-01-05", "prod-5")]);
    let old = seen(&lake);
    let mut sizes: Vec<usize> = new.files.iter().map(|it| it.1.len()).collect();
    sizes.sort_unstable();
    for blocks in [0, 1, sizes[0] / 512 + 1, sizes[3] / 512] {
        for ignored in ["trap '' XFSZ;", ""] {
            // A file may not grow beyond so many blocks: as on a full disk, writing fails; or the program is killed while it writes.
            let script = format!("{ignored} ulimit -f {blocks}; exec {PROGRAM} publish {} --to {}", source.display(), lake.display());
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            let wanted = if ignored.is_empty() { None } else { Some(6) };
            assert_eq!(output.status.code(), wanted, "{blocks}: {}", stderr(&output));
            assert_eq!(seen(&lake), old, "{blocks} blocks");
        }
    }
    let told = into_folder(&lake, &[new]);
    assert_eq!(told.replaced.len(), 5);
    assert_eq!(files(&lake), files(&source), "as if nothing had happened");
}

#[test]
fn a_folder_that_may_not_be_written_is_left_as_it_is() {
    let folder = folder_in_memory();
    let (lake, source) = (folder.path().join("lake"), folder.path().join("source"));
    into_folder(&source, &[night(&mut report(MANY), "2026-01-05", "prod-5")]);
    into_folder(&lake, &[night(&mut report(FEW), "2026-01-04", "prod-4")]);
    let old = files(&lake);
    fs::set_permissions(&lake, fs::Permissions::from_mode(0o555)).unwrap();
    // Who may do anything is refused nothing: then a file stands where the staging belongs.
    let is_bound = fs::write(lake.join("probe"), "").is_err();
    if !is_bound {
        fs::remove_file(lake.join("probe")).unwrap();
        fs::write(lake.join("_staging"), "").unwrap();
    }
    let output = casefile(&["publish", source.to_str().unwrap(), "--to", lake.to_str().unwrap()]);
    fs::set_permissions(&lake, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert!(stderr(&output).contains("_staging"), "{}", stderr(&output));
    if !is_bound {
        fs::remove_file(lake.join("_staging")).unwrap();
    }
    assert_eq!(files(&lake), old);
}

#[test]
fn two_publishers_do_not_meet() {
    let lake = folder_in_memory();
    let night = night(&mut report(FEW), "2026-01-05", "prod-5");
    into_folder(lake.path(), std::slice::from_ref(&night));
    let held = fs::File::open(lake.path()).unwrap();
    held.lock().unwrap();
    let error = publish::publish(&[night], &Destination::new(lake.path().to_str().unwrap())).unwrap_err();
    assert!(error.exit_code() == 6 && error.to_string().contains("another casefile publishes into it"), "{error}");
}

#[test]
fn the_day_of_a_night_is_that_of_its_windows_end() {
    let mut few = report(FEW);
    let night = night(&mut few, "2026-01-05", "prod-5");
    assert_eq!(night.day, "2026-01-05");
    few.until = Some(Moment(midnight("2026-01-05").0 + DAY / 2));
    assert_eq!(publish::Night::of(&few, "prod-5").unwrap().day, "2026-01-05");
}
