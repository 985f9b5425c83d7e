//! Reading what lies in the lake: what files a table has, and one of them. Who compares reports asks for no more than the nights that he needs.

use super::{Destination, store::Store};
use crate::{
    collect::Ways,
    error::{Error, Result},
};

/// A lake that is only read.
#[derive(Debug)]
pub struct Reading {
    store: Store,
}

impl Reading {
    /// Reaches a lake: a folder, or `s3://bucket/prefix`.
    pub fn open(from: &str, ways: &Ways) -> Result<Self> {
        let destination = Destination { ways: ways.clone(), ..Destination::new(from) };
        Store::open(&destination, false).map(|store| Self { store }).map_err(unread)
    }

    /// The keys of a table's files.
    pub fn list(&self, table: &str) -> Result<Vec<String>> {
        let objects = self.store.list(&format!("{table}/")).map_err(unread)?;
        Ok(objects.into_iter().map(|it| it.key).collect())
    }

    /// The bytes of a file, if it is there.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.store.get(key).map_err(unread)
    }
}

/// What keeps a lake from being read is for whoever named it to repair.
fn unread(error: Error) -> Error {
    match error {
        Error::Publish(told) => Error::Usage(told),
        other => other,
    }
}
