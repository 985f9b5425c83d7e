//! Exports too long to hold are summed up: what detectors say of them is what they would say of the rows.

#![allow(clippy::unwrap_used, reason = "a broken test should stop loudly")]

mod common;

use casefile::fold::HELD;
use common::{analyze, json};
use serde_json::Value;
use std::{fmt::Write as _, fs, ops::Range, path::Path};

const PARTITIONS: usize = 50;

/// Sizes from 1 kB to 1 MB, every one of them different from its neighbours.
fn size_of(at: usize) -> usize {
    1_000 + (at * 7_919) % 1_000_003
}

/// An inventory of the objects of a range, the partitions one after the other.
fn inventory(objects: Range<usize>) -> String {
    let mut text = "bucket,key,size,last_modified_date,storage_class\n".to_owned();
    for at in objects {
        let day = at % PARTITIONS;
        writeln!(
            text,
            "lake,db/events/dt%3D2026-0{}-{:02}/{at}.parquet,{},2026-06-01T00:00:00.000Z,STANDARD",
            1 + day / 25,
            1 + day % 25,
            size_of(at)
        )
        .unwrap();
    }
    text
}

fn small_files(folder: &Path) -> (Value, bool) {
    let report = json(&analyze(&[folder]));
    let found: Vec<Value> = report["findings"].as_array().unwrap().iter().filter(|it| it["detector"] == "small-files").cloned().collect();
    assert_eq!(found.len(), 1, "{report}");
    (found.first().unwrap().clone(), report["summary"]["complete"].as_bool().unwrap())
}

fn is_near(value: &Value, exact: usize, percent: usize) -> bool {
    let value = usize::try_from(value.as_u64().unwrap()).unwrap();
    value.abs_diff(exact) * 100 <= exact * percent
}

#[test]
fn a_long_inventory_is_told_as_its_rows_would_be() {
    let folder = tempfile::tempdir().unwrap();
    let count = HELD + 20_000;
    fs::write(folder.path().join("a.csv"), inventory(0..count)).unwrap();
    let (found, complete) = small_files(folder.path());
    let facts = &found["facts"];
    assert!(complete);
    assert_eq!((facts["files"].as_u64(), facts["partitions"].as_u64()), (Some(count as u64), Some(PARTITIONS as u64)));
    assert_eq!(facts["bytes"].as_u64(), Some((0..count).map(size_of).sum::<usize>() as u64));
    let mut sizes: Vec<usize> = (0..count).map(size_of).collect();
    sizes.sort_unstable();
    for (key, share) in [("p10_bytes", 10), ("p50_bytes", 50), ("p90_bytes", 90)] {
        let exact = sizes[count * share / 100];
        assert!(is_near(&facts[key], exact, 7), "{key}: {} is not {exact}", facts[key]);
    }

    // The same list again, as another export of it.
    fs::copy(folder.path().join("a.csv"), folder.path().join("b.csv")).unwrap();
    assert_eq!(small_files(folder.path()), (found.clone(), true));

    // A list that shares some objects with it cannot be compared row by row, and says so.
    fs::write(folder.path().join("b.csv"), inventory(count / 2..count * 3 / 2)).unwrap();
    let (_, complete) = small_files(folder.path());
    assert!(!complete);

    // The rest of the list is added.
    fs::write(folder.path().join("b.csv"), inventory(count..count + 30_000)).unwrap();
    let (found, complete) = small_files(folder.path());
    assert_eq!((found["facts"]["files"].as_u64(), complete), (Some((count + 30_000) as u64), true));
}

#[test]
fn the_files_of_long_loads_are_told_as_their_rows_would_be() {
    let folder = tempfile::tempdir().unwrap();
    let (loads, each) = (3, HELD / 3 + 5_000);
    let mut detail = "query_id,file_name,bytes_scanned,lines_scanned,splits_scanned,start_time,end_time\n".to_owned();
    for at in 0..loads * each {
        let (load, file) = (at / each, at % each);
        writeln!(
            detail,
            "{},s3://b/raw/{file}.csv.gz,{},1,1,2026-08-14 0{load}:00:00.5,2026-08-14 0{load}:00:09.5",
            100 + load,
            size_of(at)
        )
        .unwrap();
    }
    fs::write(folder.path().join("detail.csv"), detail).unwrap();
    let (found, complete) = small_files(folder.path());
    assert!(complete);
    let count = loads * each;
    assert_eq!(found["facts"]["files"].as_u64(), Some(count as u64));
    assert_eq!(found["facts"]["bytes"].as_u64(), Some((0..count).map(size_of).sum::<usize>() as u64));
    let instances = found["instances"].as_array().unwrap();
    assert_eq!(instances.len(), loads);
    assert!(instances.iter().all(|it| it["files"].as_u64() == Some(each as u64)), "{instances:?}");
}
