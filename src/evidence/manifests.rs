//! Which inputs the manifests among them name: what the columns of these are, and which are missing.

use super::Coverage;
use crate::sources::Manifest;
use std::collections::{BTreeMap, BTreeSet};

/// Why a file that a manifest names is not believed.
pub(super) const CHANGED: &str = "not as it was collected: its SHA-256 is not the one that the manifest tells; collect it anew";

/// The manifests that were read.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    /// Where each lies, and what it says.
    all: Vec<(String, Manifest)>,
    /// By the last part of a file's name: the manifest and the place in it.
    by_name: BTreeMap<String, Vec<(usize, usize)>>,
}

/// Whether AWS gives a manifest this name: `manifest.json` for an Inventory, `<prefix>manifest` for an UNLOAD.
pub(super) fn is_named_like_one(name: &str) -> bool {
    name.ends_with("manifest.json") || name.ends_with("manifest")
}

impl Manifests {
    /// Manifests, and where each lies.
    pub(super) fn of(all: Vec<(String, Manifest)>) -> Self {
        let mut by_name: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
        for (manifest, (_, told)) in all.iter().enumerate() {
            for (place, file) in told.files.iter().enumerate() {
                by_name.entry(bare(file).to_owned()).or_default().push((manifest, place));
            }
        }
        Self { all, by_name }
    }

    /// The columns of an input, if a manifest names it and tells them.
    pub(super) fn columns_of(&self, input: &str) -> &[String] {
        self.naming(input).and_then(|it| self.all.get(it.0)).map(|it| it.1.columns.as_slice()).unwrap_or_default()
    }

    /// The SHA-256 that a manifest tells of the file that lies where it says.
    pub(super) fn sha256_of(&self, input: &str) -> Option<&str> {
        self.by_name.get(bare(input))?.iter().find_map(|(manifest, place)| {
            let (path, told) = self.all.get(*manifest)?;
            let folder = path.strip_suffix(parts(path).next_back()?)?;
            let lies_there = input.strip_prefix(folder) == told.files.get(*place).map(String::as_str);
            told.hashes.get(*place).filter(|_| lies_there)?.as_deref()
        })
    }

    /// The manifest that names an input, and the place: of several, the one with most folders alike, and then the nearest.
    fn naming(&self, input: &str) -> Option<(usize, usize)> {
        let candidates = self.by_name.get(bare(input))?.iter().copied();
        let fits = |(manifest, place): &(usize, usize)| {
            let (path, told) = self.all.get(*manifest)?;
            let alike = parts(input).rev().skip(1).zip(parts(told.files.get(*place)?).rev().skip(1));
            let near = parts(input).zip(parts(path));
            Some((alike.take_while(|it| it.0 == it.1).count(), near.take_while(|it| it.0 == it.1).count()))
        };
        candidates.max_by_key(fits)
    }

    /// Says of every manifest how many of its files were given.
    pub(super) fn check(&self, coverage: &mut [Coverage]) {
        let given: BTreeSet<(usize, usize)> = coverage.iter().filter_map(|it| self.naming(&it.path)).collect();
        let mut changed: BTreeMap<usize, usize> = BTreeMap::new();
        for input in coverage.iter().filter(|it| it.problems.iter().any(|it| it == CHANGED)) {
            self.naming(&input.path).into_iter().for_each(|it| *changed.entry(it.0).or_default() += 1);
        }
        for (at, (path, told)) in self.all.iter().enumerate() {
            let (named, found) = (told.files.len(), given.range((at, 0)..(at + 1, 0)).count());
            let said = format!("names {named} files, {found} of them were given");
            let Some(input) = coverage.iter_mut().find(|it| it.path == *path) else { continue };
            input.problems.extend(changed.get(&at).map(|it| format!("{it} of its files are not as they were collected")));
            if found < named && (told.of_output || found > 0) {
                input.problems.push(said);
            } else {
                input.notes.push(said);
            }
        }
    }
}

fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split(['/', '!'])
}

/// The last part of a name, without the endings that unpacking takes away.
fn bare(path: &str) -> &str {
    let name = parts(path).next_back().unwrap_or(path);
    [".gz", ".bz2", ".zst"].iter().find_map(|it| name.strip_suffix(it)).unwrap_or(name)
}
