//! One audit at a time: the lock is the system's own, so that of a process that died holds nobody back.

use crate::{
    error::{Error, Result},
    units::Moment,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
    /// Who held it and did not come to an end.
    pub(super) left_by: Option<Holder>,
}

/// Who holds the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Holder {
    /// Its process.
    pub(super) process: u32,
    /// When it began.
    pub(super) since: Moment,
}

impl Lock {
    /// Takes the lock of a folder, or says who holds it.
    pub(super) fn take(folder: &Path, now: Moment) -> Result<Self> {
        let path = folder.join("lock");
        let failed = |source| Error::Write { path: path.clone(), source };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        let held = file.try_lock();
        let mut text = String::new();
        // What cannot be read names nobody; the lock itself is what counts.
        file.read_to_string(&mut text).unwrap_or_default();
        let holder: Option<Holder> = serde_json::from_str(&text).ok();
        match held {
            Ok(()) => {
                let mut lock = Self { file, path: path.clone(), left_by: holder };
                let me = Holder { process: std::process::id(), since: now };
                lock.write(&serde_json::to_string(&me).unwrap_or_default())?;
                Ok(lock)
            }
            Err(TryLockError::WouldBlock) => {
                let who =
                    holder.map_or("another process".to_owned(), |it| format!("process {}, since {},", it.process, it.since.rfc3339()));
                Err(Error::Locked(format!("{who} holds {}: its audit is under way; this one has nothing to do", path.display())))
            }
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Gives the lock back and says that the audit came to its end.
    pub(super) fn release(mut self) -> Result<()> {
        self.write("")
    }

    fn write(&mut self, text: &str) -> Result<()> {
        let written = self.file.rewind().and_then(|()| self.file.set_len(0)).and_then(|()| self.file.write_all(text.as_bytes()));
        written.and_then(|()| self.file.sync_all()).map_err(|source| Error::Write { path: self.path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_and_what_a_dead_one_left_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let began = Moment::parse("2026-01-02T00:59:00Z").unwrap().moment;
        let take = || Lock::take(folder.path(), began);
        let first = take().unwrap();
        assert_eq!(first.left_by, None);
        let refused = take().unwrap_err();
        assert!(refused.to_string().contains(&format!("process {}, since 2026-01-02T00:59:00.000Z", std::process::id())), "{refused}");
        assert_eq!(refused.exit_code(), 5);
        // It dies without a word.
        drop(first);
        let second = take().unwrap();
        assert_eq!(second.left_by.as_ref().map(|it| it.process), Some(std::process::id()));
        second.release().unwrap();
        assert_eq!(take().unwrap().left_by, None);
    }
}
