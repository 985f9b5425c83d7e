//! Where tables lie, behind the two things that are done there: naming what is there, and reading one file.

use crate::{
    collect::Ways,
    error::{Error, Result},
    publish::Reading,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where the tables of reports lie.
pub(super) struct Store {
    name: String,
    place: Place,
}

enum Place {
    Folder(PathBuf),
    Lake(Reading),
}

impl Store {
    /// A folder.
    pub(super) fn folder(path: &str) -> Self {
        Self { name: path.trim_end_matches('/').to_owned(), place: Place::Folder(PathBuf::from(path)) }
    }

    /// What lies below an address in S3.
    pub(super) fn address(address: &str, ways: &Ways) -> Result<Self> {
        Ok(Self { name: address.trim_end_matches('/').to_owned(), place: Place::Lake(Reading::open(address, ways)?) })
    }

    /// How the user named it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The files of a table, as `<table>/dt=<day>/<name>`.
    pub(super) fn list(&self, table: &str) -> Result<Vec<String>> {
        match &self.place {
            Place::Folder(root) => files(root, table),
            Place::Lake(it) => it.list(table),
        }
    }

    /// The bytes of a file, if it is there.
    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let path = match &self.place {
            Place::Folder(root) => root.join(key),
            Place::Lake(it) => return it.get(key),
        };
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(it) if it.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Read { path, source }),
        }
    }
}

fn files(root: &Path, table: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for partition in names(&root.join(table))? {
        let folder = root.join(table).join(&partition);
        if folder.is_dir() {
            found.extend(names(&folder)?.into_iter().map(|it| format!("{table}/{partition}/{it}")));
        }
    }
    Ok(found)
}

/// What lies in a folder; nothing, where there is none. A name that is no text is none of ours.
fn names(folder: &Path) -> Result<Vec<String>> {
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(it) if it.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let mut found = Vec::new();
    for entry in entries {
        found.extend(entry.map_err(failed)?.file_name().to_str().map(ToOwned::to_owned));
    }
    found.sort();
    Ok(found)
}
