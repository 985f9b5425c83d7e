//! Feeds every reader noise: the first byte chooses the source, the rest is the input.

#![no_main]

use casefile::{
    case::Caps,
    records::Feed,
    sources::{Batch, Head, Input, SOURCES},
};
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let source = SOURCES[usize::from(*choice) % SOURCES.len()];
    let _ = (source.claims)(&Head::new(bytes));
    let mut feed = Feed::new(Box::new(bytes));
    let mut out = Batch::default();
    (source.read)(&mut Input {
        name: "fuzz".into(),
        feed: &mut feed,
        caps: Caps { record_bytes: 4_096, ..Caps::default() },
        zone: &TimeZone::UTC,
        columns: &[],
        out: &mut out,
    });
    let skipped: u64 = out.skips.values().map(|it| it.0).sum();
    assert_eq!(out.records(), out.parsed + skipped);
    out.facts.close();
});
