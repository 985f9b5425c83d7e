//! Parquet files whose columns we do not know, or that are cut off: they are listed, not lost.

use super::{Head, Input, Source};

pub(super) static SOURCE: Source = Source { id: "parquet", title: "Parquet files of no view that we know", claims, read };

fn claims(head: &Head<'_>) -> bool {
    head.parquet().is_some()
}

fn read(input: &mut Input<'_, '_>) {
    if Head::of(input.feed, input.columns).parquet() == Some(true) {
        input.out.notes.push("its columns are those of no view that we know".to_owned());
    } else {
        input.out.partial.push("Parquet file without its end: it was cut off, or is larger than the cap".to_owned());
    }
    input.feed.drain();
}
