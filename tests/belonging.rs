//! Manifests tell the columns of the files that they name, and which of these were not given; pages tell that others follow.

#![allow(clippy::unwrap_used, reason = "a broken test should stop loudly")]

use casefile::{
    case::{Listing, Meter},
    evidence::{Coverage, Evidence},
    settings::Settings,
    tables::{TABLES, rows},
};
use sha2::{Digest as _, Sha256};
use std::{fs, io::Write as _, path::Path};

/// An Inventory whose columns stand in an order of their own, and a list of it.
const INVENTORY: &str = r#"{"sourceBucket":"lake","destinationBucket":"arn:aws:s3:::ops","version":"2016-11-30","creationTimestamp":"1786752000000","fileFormat":"CSV","fileSchema":"Size, Key, Bucket","files":[{"key":"lake/daily/data/a1.csv.gz","size":1,"MD5checksum":"x"}]}"#;
const LIST: &str = "\"11\",\"orders/dt%3D2026-08-01/a.parquet\",\"lake\"\n\"12\",\"orders/dt%3D2026-08-02/b.parquet\",\"lake\"\n";

/// Parts of two UNLOADs of `SYS_LOAD_DETAIL`: of the same columns in another order no value tells which is which.
const DETAIL: &str = "7|1048576|2097152|s3://b/k/a.gz\n7|1048577|2097153|s3://b/k/b.gz\n";

fn unload(folder: &str, columns: [&str; 4]) -> String {
    let elements: Vec<String> = columns.iter().map(|it| format!(r#"{{"name":"{it}","type":{{"base":"bigint"}}}}"#)).collect();
    format!(
        r#"{{"entries":[{{"url":"s3://ops/{folder}/0000_part_00","meta":{{"content_length":60,"record_count":2}}}}],"schema":{{"elements":[{}]}}}}"#,
        elements.join(",")
    )
}

fn load(files: &[(&str, &[u8])]) -> Evidence {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    load_folder(folder.path())
}

fn load_folder(folder: &Path) -> Evidence {
    Evidence::load(&Listing::of(&[folder.to_owned()]), None, &Settings::default(), &Meter::default()).unwrap()
}

fn of<'a>(evidence: &'a Evidence, name: &str) -> &'a Coverage {
    evidence.coverage.iter().find(|it| it.path.ends_with(name)).unwrap()
}

/// One column of a table, as texts.
fn column(evidence: &Evidence, table: &str, column: &str) -> Vec<String> {
    let frame = evidence.frame(TABLES.iter().find(|it| it.name == table).unwrap()).unwrap();
    assert_eq!(rows(frame).count(), frame.height());
    (0..frame.height()).map(|at| frame.column(column).unwrap().get(at).unwrap().to_string().replace('"', "")).collect()
}

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn an_inventory_in_an_order_of_its_own_is_read_by_its_manifest() {
    let files: [(&str, &[u8]); 2] = [("2026-08-15T01-00Z/manifest.json", INVENTORY.as_bytes()), ("data/a1.csv", LIST.as_bytes())];
    // In the archive the manifest stands behind what it names.
    let archive = zipped(&[("daily/data/a1.csv", LIST.as_bytes()), ("daily/manifest.json", INVENTORY.as_bytes())]);
    for evidence in [load(&files), load(&[("dump.zip", &archive)])] {
        let list = of(&evidence, "a1.csv");
        assert_eq!((list.kind, list.parsed), (Some("s3-inventory"), 2), "{list:?}");
        assert_eq!(column(&evidence, "objects", "size_bytes"), ["11", "12"]);
        assert_eq!(column(&evidence, "objects", "key"), ["orders/dt=2026-08-01/a.parquet", "orders/dt=2026-08-02/b.parquet"]);
        assert!(evidence.is_complete());
        assert_eq!(of(&evidence, "manifest.json").notes, ["names 1 files, 1 of them were given"]);
    }
    assert_ne!(of(&load(&files[1..]), "a1.csv").kind, Some("s3-inventory"), "without its manifest nothing tells");
}

#[test]
fn each_unload_is_read_by_its_own_manifest() {
    let one = unload("one", ["query_id", "bytes_scanned", "lines_scanned", "file_name"]);
    let two = unload("two", ["query_id", "lines_scanned", "bytes_scanned", "file_name"]);
    let evidence = load(&[
        ("one/0000_part_00", DETAIL.as_bytes()),
        ("one/manifest", one.as_bytes()),
        ("two/0000_part_00", DETAIL.replace("/k/", "/l/").as_bytes()),
        ("two/manifest", two.as_bytes()),
    ]);
    assert!(evidence.is_complete(), "{:?}", evidence.coverage);
    assert_eq!(column(&evidence, "load_files", "bytes_scanned"), ["1048576", "1048577", "2097152", "2097153"]);
    assert!(of(&evidence, "one/0000_part_00").notes.is_empty(), "nothing had to be guessed");
}

#[test]
fn a_page_without_the_one_that_follows_is_a_part() {
    let page = |key: &str, token: &str| {
        format!(r#"{{"Contents":[{{"Key":"{key}","LastModified":"2026-08-01T00:00:00+00:00","Size":1}}],{token}"Name":"lake"}}"#)
    };
    let first = page("a", r#""NextContinuationToken":"x","#);
    let (second, last) = (page("b", r#""NextToken":"y","#), page("c", ""));
    let alone = load(&[("1.json", first.as_bytes()), ("2.json", second.as_bytes()), ("elsewhere/3.json", last.as_bytes())]);
    assert!(of(&alone, "1.json").problems[0].contains("NextToken") && of(&alone, "2.json").problems[0].contains("NextToken"));
    let whole = load(&[("1.json", first.as_bytes()), ("2.json", second.as_bytes()), ("3.json", last.as_bytes())]);
    assert!(whole.is_complete(), "{:?}", whole.coverage);
    assert!(of(&whole, "1.json").notes[0].contains("one page of several"));
    let null = load(&[("1.json", page("a", r#""NextToken":null,"#).as_bytes())]);
    assert!(null.is_complete() && of(&null, "1.json").notes.is_empty());
}

#[test]
fn files_that_were_not_given_make_the_inputs_incomplete() {
    let two = INVENTORY.replace("[{", r#"[{"key":"lake/daily/data/a2.csv.gz","size":1},{"#);
    let evidence = load(&[("manifest.json", two.as_bytes()), ("a1.csv", LIST.as_bytes())]);
    assert_eq!(of(&evidence, "manifest.json").problems, ["names 2 files, 1 of them were given"]);
    let cut = load(&[("manifest.json", INVENTORY.split_at(200).0.as_bytes()), ("a1.csv", LIST.as_bytes())]);
    assert!(!of(&cut, "manifest.json").problems.is_empty());
    // What a COPY is told to load is no dump of ours.
    let copy = r#"{"entries":[{"url":"s3://b/sales/1.gz","mandatory":true},{"url":"s3://b/sales/2.gz","mandatory":true}]}"#;
    let evidence = load(&[("load.manifest", copy.as_bytes())]);
    assert!(evidence.is_complete());
    assert_eq!(of(&evidence, "load.manifest").kind, Some("manifest"));
}

/// A case of one part; the manifest tells the SHA-256 of its file, which is `stored`.
fn case(stored: &[u8], told: &str) -> Evidence {
    let unit = r#"{"collector":"logs_raw","call":"FilterLogEvents","subject":"g","state":"complete","file":"raw/logs_raw/g/all.json.zst","sha256":"HASH"}"#;
    let manifest = format!(
        r#"{{"format":"casefile-case/1","casefile":"0","region":"eu-west-1","asked":null,"units":{{"logs_raw/g/all":{}}}}}"#,
        unit.replace("HASH", told)
    );
    load(&[("night/manifest.json", manifest.as_bytes()), ("night/raw/logs_raw/g/all.json.zst", stored), ("all.json.zst", stored)])
}

#[test]
fn a_file_of_a_case_that_is_not_as_it_was_collected_is_a_problem() {
    let events = |message: &str| {
        let text = format!(
            r#"{{"events":[{{"logStreamName":"s","timestamp":1767323045000,"message":"{message}","eventId":"1"}}],"searchedLogStreams":[]}}"#
        );
        zstd::encode_all(text.as_bytes(), 0).unwrap()
    };
    let stored = events("INFO - done");
    let told = Sha256::digest(&stored).iter().fold(String::new(), |text, it| text + &format!("{it:02x}"));
    assert!(case(&stored, &told).is_complete());
    // It can be read as well, and is another.
    let changed = case(&events("INFO - gone"), &told);
    let problems = |name: &str| of(&changed, name).problems.join("; ");
    assert!(problems("night/raw/logs_raw/g/all.json.zst").starts_with("not as it was collected: its SHA-256"));
    assert!(problems("night/manifest.json").contains("1 of its files are not as they were collected"));
    assert!(changed.lacks_parts(), "nothing is clean on it");
    // A file of the same name elsewhere is none of the case's.
    let elsewhere = changed.coverage.iter().find(|it| it.path.ends_with("/all.json.zst") && !it.path.contains("/night/")).unwrap();
    assert_eq!(elsewhere.problems, Vec::<String>::new());
}
