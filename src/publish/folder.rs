//! A lake in a folder: whole files under their names, at once.

use super::{place::STAGING, store::Object};
use crate::error::{Error, Result};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// The name that a file has until it has its own: among what is not visible, and taken away with it.
const UNNAMED: &str = "unnamed";

/// A folder that is ours as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// Held until the end: two publishers would finish and undo one another's changes.
    _lock: File,
}

impl Folder {
    /// Makes a folder where there is none.
    pub(super) fn make(root: &str) -> Result<()> {
        fs::create_dir_all(root).map_err(|source| Error::Write { path: root.into(), source })
    }

    /// Opens a folder that is there.
    pub(super) fn open(root: &str, writes: bool) -> Result<Self> {
        let root = PathBuf::from(root);
        let lock = File::open(&root).map_err(|source| Error::Read { path: root.clone(), source })?;
        let locked = if writes { lock.try_lock() } else { lock.try_lock_shared() };
        match locked {
            Err(TryLockError::WouldBlock) => {
                let busy = io::Error::new(io::ErrorKind::ResourceBusy, "another casefile publishes into it");
                Err(Error::Write { path: root, source: busy })
            }
            // Some file systems have no locks; the user is then alone to see to it.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { root, _lock: lock }),
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        key.split('/').fold(self.root.clone(), |path, part| path.join(part))
    }

    pub(super) fn list(&self, below: &str) -> Result<Vec<Object>> {
        let mut found = Vec::new();
        walk(&self.path(below.trim_end_matches('/')), below.trim_end_matches('/'), &mut found)?;
        found.sort();
        Ok(found)
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let path = self.path(key);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(it) if is_absent(&it) => Ok(None),
            Err(source) => Err(Error::Read { path, source }),
        }
    }

    /// Brings a file to the disk before it has its name.
    pub(super) fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let (path, unnamed) = (self.path(key), self.unnamed()?);
        let stored = File::create(&unnamed).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
        stored.and_then(|()| named(&unnamed, &path)).map_err(|source| {
            // What could not be written whole takes room that others need; if it stays, it is taken away later.
            fs::remove_file(&unnamed).unwrap_or_default();
            Error::Write { path, source }
        })
    }

    /// A second name for the same bytes, which takes no room; a second file where the file system knows no second names.
    pub(super) fn copy(&self, from: &str, to: &str) -> Result<()> {
        let (source, path, unnamed) = (self.path(from), self.path(to), self.unnamed()?);
        let copied = fs::hard_link(&source, &unnamed).or_else(|_| {
            fs::copy(&source, &unnamed)?;
            File::open(&unnamed)?.sync_all()
        });
        let done = copied.and_then(|()| named(&unnamed, &path));
        // Where both names were the same file already, the first one stays.
        fs::remove_file(&unnamed).unwrap_or_default();
        done.map_err(|source| Error::Write { path, source })
    }

    pub(super) fn delete(&self, key: &str) -> Result<()> {
        let path = self.path(key);
        match fs::remove_file(&path) {
            Ok(()) => {
                for folder in path.ancestors().skip(1).take_while(|it| *it != self.root) {
                    // Folders that hold something stay.
                    if fs::remove_dir(folder).is_err() {
                        return sync(folder).map_err(|source| Error::Write { path: folder.to_owned(), source });
                    }
                }
                sync(&self.root).map_err(|source| Error::Write { path: self.root.clone(), source })
            }
            Err(it) if is_absent(&it) => Ok(()),
            Err(source) => Err(Error::Write { path, source }),
        }
    }

    fn unnamed(&self) -> Result<PathBuf> {
        let folder = self.root.join(STAGING);
        fs::create_dir_all(&folder).map_err(|source| Error::Write { path: folder.clone(), source })?;
        let path = folder.join(UNNAMED);
        fs::remove_file(&path)
            .or_else(|it| if is_absent(&it) { Ok(()) } else { Err(it) })
            .map_err(|source| Error::Write { path: path.clone(), source })?;
        Ok(path)
    }
}

/// Gives a file its name, and brings the names of its folders to the disk.
fn named(unnamed: &Path, path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    fs::rename(unnamed, path)?;
    for it in path.ancestors().skip(1).take(3).filter(|it| !it.as_os_str().is_empty()) {
        sync(it)?;
    }
    Ok(())
}

fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn walk(folder: &Path, key: &str, found: &mut Vec<Object>) -> Result<()> {
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(it) if is_absent(&it) => return Ok(()),
        Err(source) => return Err(failed(source)),
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let metadata = entry.metadata().map_err(failed)?;
        // A name that is no text is none of ours.
        let Some(name) = entry.file_name().to_str().map(ToOwned::to_owned) else { continue };
        let key = format!("{key}/{name}");
        if metadata.is_dir() {
            walk(&entry.path(), &key, found)?;
        } else {
            found.push(Object { key, bytes: metadata.len() });
        }
    }
    Ok(())
}
