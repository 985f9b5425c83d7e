//! Laws of all readers: whatever the bytes, nothing panics, and records = parsed + skipped.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken test should stop loudly")]

use casefile::{
    case::Caps,
    records::Feed,
    sources::{Batch, Head, Input, SOURCES},
};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::{fs, path::Path};

/// Small dumps of every format, cut from the fixtures.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    collect(Path::new("fixtures"), &mut seeds);
    seeds.push(br#"{"Records":[{"eventVersion":"1.05","eventTime":"2024-01-01T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","errorCode":"AccessDenied","userIdentity":{"arn":"arn:aws:iam::1:user/x"}}]}"#.to_vec());
    seeds.push(br#"{"messageType":"DATA_MESSAGE","logGroup":"g","logStream":"s","logEvents":[{"id":"1","timestamp":1714557600123,"message":"AccessDenied: Access Denied"}]}{"messageType":"CONTROL_MESSAGE","logEvents":[]}"#.to_vec());
    seeds.push(b"timestamp,message\n1714557600123,\"a\nb \"\"c\"\"\"\n".to_vec());
    seeds.push(br#"79a5 bucket [06/Feb/2019:00:00:38 +0000] 192.0.2.3 arn:aws:iam::1:user/x 3E57 REST.GET.OBJECT k "GET /k HTTP/1.1" 403 AccessDenied 113 - 7 - "-" "x" -"#.to_vec());
    seeds
}

fn collect(folder: &Path, seeds: &mut Vec<Vec<u8>>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, seeds);
        } else if seeds.len() < 400 {
            let bytes = fs::read(&path).unwrap();
            seeds.push(bytes.into_iter().take(6_000).collect());
        }
    }
}

/// Reads with every source that claims the bytes, and with every source that does not.
fn read_with_all(bytes: &[u8]) {
    let head = Head::new(bytes);
    for source in SOURCES {
        let claimed = (source.claims)(&head);
        let mut feed = Feed::new(Box::new(bytes));
        let mut out = Batch::default();
        let zone = TimeZone::UTC;
        (source.read)(&mut Input {
            name: "seed".into(),
            feed: &mut feed,
            caps: Caps { record_bytes: 4_096, ..Caps::default() },
            zone: &zone,
            columns: &[],
            out: &mut out,
        });
        let skipped: u64 = out.skips.values().map(|it| it.0).sum();
        assert_eq!(out.records(), out.parsed + skipped, "{} (claimed: {claimed})", source.id);
        out.facts.close();
    }
}

#[test]
fn every_seed_is_read_by_every_source() {
    for seed in seeds() {
        read_with_all(&seed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn cut_anywhere_and_flipped_nothing_panics(pick in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6)) {
        let seeds = seeds();
        let mut bytes = seeds[pick.index(seeds.len())].clone();
        for (at, byte) in flips {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        read_with_all(&bytes);
    }

    #[test]
    fn any_text_at_all_nothing_panics(text in "(\\PC|\\n|\\[|\\{|\"){0,400}") {
        read_with_all(text.as_bytes());
    }
}
