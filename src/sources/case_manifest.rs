//! The manifest of a case: what was not collected is as much a gap as what cannot be read.

use super::{Head, Input, Manifest, Source};
use crate::{
    case::manifest::{CaseManifest, FORMAT},
    text,
};
use std::collections::BTreeSet;

/// The kind of such an input.
pub const ID: &str = "case-manifest";

pub(super) static SOURCE: Source =
    Source { id: ID, title: "Manifest of a case that collect wrote: what was asked, and what is missing", claims, read };

/// The longest manifest that is read, in bytes.
const MOST_BYTES: usize = 256 << 20;

/// How many gaps are named one by one.
const MOST_GAPS: usize = 50;

/// The longest sentence about one of them, in characters.
const GAP_CHARS: usize = 1_000;

fn claims(head: &Head<'_>) -> bool {
    head.bytes.trim_ascii_start().starts_with(b"{") && head.has(FORMAT) && head.has("\"casefile\"")
}

fn read(input: &mut Input<'_, '_>) {
    let parsed = serde_json::from_slice::<CaseManifest>(input.feed.want(MOST_BYTES));
    input.feed.drain();
    let Ok(manifest) = parsed else {
        return input.out.skip_damaged("the manifest of a case, but damaged: what is missing cannot be told", 1);
    };
    input.out.parsed += manifest.units.len() as u64;
    input.out.bytes = serde_json::to_vec(&manifest.without_bill()).map(|it| it.len() as u64).ok();
    let mut gaps = manifest.gaps().into_iter();
    input.out.partial.extend(gaps.by_ref().take(MOST_GAPS).map(|it| text::safe(&it, GAP_CHARS)));
    let others = gaps.count();
    if others > 0 {
        input.out.partial.push(format!("{others} more gaps: the manifest names them"));
    }
    let notes: BTreeSet<&String> = manifest.units.values().flat_map(|it| &it.notes).collect();
    input.out.notes.extend(notes.into_iter().map(|it| text::safe(it, GAP_CHARS)));
    let stored = manifest.units.into_values().filter_map(|it| Some((it.file?, it.sha256)));
    let (files, hashes): (Vec<String>, Vec<Option<String>>) = stored.unzip();
    if !files.is_empty() {
        input.out.manifest = Some(Manifest { files, columns: Vec::new(), hashes, of_output: true });
    }
}
