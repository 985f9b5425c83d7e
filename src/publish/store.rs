//! The two kinds of place that a lake may lie in, behind the few things that are done there. Keys are relative, with `/` between their parts.

use super::{Destination, folder::Folder, place, s3::S3};
use crate::error::Result;
use sha2::{Digest as _, Sha256};

/// Where a lake lies.
#[derive(Debug)]
pub(super) enum Store {
    /// In a folder.
    Folder(Folder),
    /// In a bucket.
    S3(Box<S3>),
    /// One that fails.
    #[cfg(test)]
    Faulty(super::commit::tests::Faulty),
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Object {
    /// Where, below the destination.
    pub(super) key: String,
    /// How large.
    pub(super) bytes: u64,
}

impl Store {
    /// Makes the place of a new lake; a bucket must be there.
    pub(super) fn make(destination: &Destination) -> Result<()> {
        match place::address(&destination.to)? {
            None => Folder::make(&destination.to),
            Some(_) => Ok(()),
        }
    }

    /// Opens it.
    pub(super) fn open(destination: &Destination, writes: bool) -> Result<Self> {
        match place::address(&destination.to)? {
            None => Folder::open(&destination.to, writes).map(Self::Folder),
            Some((bucket, prefix)) => S3::open(bucket, prefix, &destination.ways).map(|it| Self::S3(Box::new(it))),
        }
    }

    /// The objects whose keys begin with `below`, which ends with `/`, by their keys.
    pub(super) fn list(&self, below: &str) -> Result<Vec<Object>> {
        match self {
            Self::Folder(it) => it.list(below),
            Self::S3(it) => it.list(below),
            #[cfg(test)]
            Self::Faulty(it) => it.list(below),
        }
    }

    /// The bytes of an object, if it is there.
    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Folder(it) => it.get(key),
            Self::S3(it) => it.get(key),
            #[cfg(test)]
            Self::Faulty(it) => it.get(key),
        }
    }

    /// The hash of an object, if it is there.
    pub(super) fn sha256(&self, key: &str) -> Result<Option<String>> {
        match self {
            Self::Folder(it) => Ok(it.get(key)?.map(|it| sha256(&it))),
            Self::S3(it) => it.sha256(key),
            #[cfg(test)]
            Self::Faulty(it) => it.sha256(key),
        }
    }

    /// Writes an object whole.
    pub(super) fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Folder(it) => it.put(key, bytes),
            Self::S3(it) => it.put(key, bytes),
            #[cfg(test)]
            Self::Faulty(it) => it.put(key, bytes),
        }
    }

    /// Makes an object another's copy, at once.
    pub(super) fn copy(&self, from: &str, to: &str) -> Result<()> {
        match self {
            Self::Folder(it) => it.copy(from, to),
            Self::S3(it) => it.copy(from, to),
            #[cfg(test)]
            Self::Faulty(it) => it.copy(from, to),
        }
    }

    /// Removes an object, if it is there.
    pub(super) fn delete(&self, key: &str) -> Result<()> {
        match self {
            Self::Folder(it) => it.delete(key),
            Self::S3(it) => it.delete(key),
            #[cfg(test)]
            Self::Faulty(it) => it.delete(key),
        }
    }
}

/// The hash that tells whether bytes are the same.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let digit = |it: u8| char::from_digit(u32::from(it), 16).unwrap_or_default();
    Sha256::digest(bytes).iter().flat_map(|it| [digit(it >> 4), digit(it & 15)]).collect()
}
