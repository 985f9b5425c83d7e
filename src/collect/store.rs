//! The case on disk while it grows: every answer is whole under its name before the manifest says so.
//!
//! A file is written under a name that marks it as unfinished, brought to the disk, and renamed; the manifest likewise, afterwards.
//! Whoever is stopped in between leaves a file that the manifest does not call complete, and its part is asked for again.

use crate::{
    case::{
        self, hex,
        manifest::{CaseManifest, FILE, Unit},
    },
    error::{Error, Result},
};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The longest name of a folder or a file that we give, in bytes.
const LONGEST_NAME: usize = 180;

/// A case that is being written.
#[derive(Debug)]
pub(super) struct Store {
    dir: PathBuf,
    manifest: Mutex<CaseManifest>,
    /// Held until the end: two collections into one case would undo one another.
    _lock: File,
}

impl Store {
    /// Begins a case in a directory that is new or empty.
    pub(super) fn begin(dir: &Path, manifest: CaseManifest) -> Result<Self> {
        let failed = |source| Error::Write { path: dir.to_owned(), source };
        if dir.exists() && !dir.is_dir() {
            return Err(Error::Usage(format!("{}: is a file; a case needs a directory of its own", dir.display())));
        }
        fs::create_dir_all(dir).map_err(failed)?;
        let lock = locked(dir)?;
        if dir.join(FILE).exists() {
            return Err(Error::Usage(format!("{}: holds a case already; --resume continues it", dir.display())));
        }
        // One that was stopped while it began left its first manifest unfinished, and nothing else.
        let is_ours = |it: &fs::DirEntry| it.file_name().to_string_lossy() == case::unfinished(FILE);
        if fs::read_dir(dir).map_err(failed)?.any(|it| !it.is_ok_and(|it| is_ours(&it))) {
            return Err(Error::Usage(format!("{}: is not empty; a case needs a directory of its own", dir.display())));
        }
        let store = Self { dir: dir.to_owned(), manifest: Mutex::new(manifest), _lock: lock };
        store.record(|_| ())?;
        Ok(store)
    }

    /// Opens a case to continue it.
    pub(super) fn resume(dir: &Path) -> Result<Self> {
        let path = dir.join(FILE);
        if !path.is_file() {
            return Err(Error::Usage(format!("{}: holds no case to continue; without --resume one is begun", dir.display())));
        }
        // Read once nobody else may change it.
        let lock = locked(dir)?;
        let bytes = fs::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
        let manifest: CaseManifest = serde_json::from_slice(&bytes).map_err(|it| {
            Error::Usage(format!("{}: not the manifest of a case, or damaged: {it}; collect anew, into another directory", path.display()))
        })?;
        if manifest.format != case::manifest::FORMAT {
            return Err(Error::Usage(format!("{}: written as {}, which this version does not continue", path.display(), manifest.format)));
        }
        // Files are written by these names: one that we did not give may lead anywhere.
        if let Some(id) = manifest.units.keys().find(|it| it.split('/').any(|part| !is_plain_name(part))) {
            return Err(Error::Usage(format!("{}: was changed: {id:?} is no name of a part", path.display())));
        }
        Ok(Self { dir: dir.to_owned(), manifest: Mutex::new(manifest), _lock: lock })
    }

    /// The manifest as it is now.
    pub(super) fn manifest(&self) -> CaseManifest {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, CaseManifest> {
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the manifest, and brings it to the disk.
    pub(super) fn record(&self, change: impl FnOnce(&mut CaseManifest)) -> Result<()> {
        let mut manifest = self.lock();
        change(&mut manifest);
        let path = self.dir.join(FILE);
        let failed = |source| Error::Write { path: path.clone(), source };
        let text = serde_json::to_vec_pretty(&*manifest).map_err(|it| failed(it.into()))?;
        let temporary = self.dir.join(case::unfinished(FILE));
        let written = File::create(&temporary).and_then(|mut file| {
            file.write_all(&text)?;
            file.write_all(b"\n")?;
            file.sync_all()
        });
        written.and_then(|()| fs::rename(&temporary, &path)).and_then(|()| sync(&self.dir)).map_err(failed)
    }

    /// Begins the file of a part's answers; `id` is of [`id_of`].
    pub(super) fn answers(&self, id: &str) -> Result<Answers> {
        let file = format!("raw/{id}.json.zst");
        let path = self.dir.join(&file);
        let failed = |source| Error::Write { path: path.clone(), source };
        let folder = path.parent().map_or_else(|| self.dir.clone(), Path::to_path_buf);
        fs::create_dir_all(&folder).map_err(failed)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let temporary = Temporary(folder.join(case::unfinished(&name)));
        let hashing = Hashing { file: BufWriter::new(File::create(&temporary.0).map_err(failed)?), hash: Sha256::new() };
        let mut encoder = zstd::Encoder::new(hashing, 0).map_err(failed)?;
        encoder.include_checksum(true).map_err(failed)?;
        Ok(Answers { encoder, root: self.dir.clone(), file, path: path.clone(), temporary, bytes: 0 })
    }
}

/// The answers of one part, as they come.
pub(super) struct Answers {
    encoder: zstd::Encoder<'static, Hashing>,
    root: PathBuf,
    file: String,
    path: PathBuf,
    temporary: Temporary,
    bytes: u64,
}

/// A file under its unfinished name; what is given up is taken away.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // Once it has its own name there is none of this name any more.
        fs::remove_file(&self.0).unwrap_or_default();
    }
}

impl Answers {
    /// Adds one answer, untouched, on lines of its own.
    pub(super) fn push(&mut self, answer: &[u8]) -> Result<()> {
        self.bytes += answer.len() as u64;
        let written = self.encoder.write_all(answer).and_then(|()| self.encoder.write_all(b"\n"));
        written.map_err(|source| Error::Write { path: self.temporary.0.clone(), source })
    }

    /// Brings the file to the disk under its name, and says in `unit` where it lies.
    pub(super) fn finish(self, unit: &mut Unit) -> Result<()> {
        let Self { encoder, root, file, path, temporary, bytes } = self;
        let stored = || -> io::Result<String> {
            let hashing = encoder.finish()?;
            let inner = hashing.file.into_inner().map_err(io::IntoInnerError::into_error)?;
            inner.sync_all()?;
            fs::rename(&temporary.0, &path)?;
            // New folders are known to their parents only once these are on the disk.
            for folder in path.ancestors().skip(1).take_while(|it| it.starts_with(&root)) {
                sync(folder)?;
            }
            Ok(hex(&hashing.hash.finalize()))
        };
        let sha256 = stored().map_err(|source| Error::Write { path: path.clone(), source })?;
        (unit.file, unit.sha256, unit.bytes) = (Some(file), Some(sha256), bytes);
        Ok(())
    }
}

/// Hashes what goes to a file.
struct Hashing {
    file: BufWriter<File>,
    hash: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The id of a part, and its place below `raw/`: its collector, what it is about, and which part of that it is.
pub(super) fn id_of(collector: &str, subject: &str, part: &str) -> String {
    [collector, subject, part].map(plain_name).join("/")
}

/// Whether a name is one that [`plain_name`] gives.
fn is_plain_name(name: &str) -> bool {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.' | b'=' | b'+' | b'%');
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(is_plain)
}

/// A name that any file system takes, and that no other text gets: all but plain characters are written as `%2F`.
fn plain_name(part: &str) -> String {
    let plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.' | b'=' | b'+');
    let mut name = String::new();
    for (at, byte) in part.bytes().enumerate() {
        // A leading dot hides a file, and two are a folder above.
        if plain(byte) && (at > 0 || byte != b'.') {
            name.push(char::from(byte));
        } else {
            name.push('%');
            name.push_str(&hex(&[byte]).to_ascii_uppercase());
        }
    }
    if name.is_empty() {
        name.push('%');
    }
    if name.len() > LONGEST_NAME {
        let hash = hex(Sha256::digest(part.as_bytes()).get(..8).unwrap_or_default());
        name.truncate(LONGEST_NAME - hash.len() - 1);
        name = format!("{name}-{hash}");
    }
    name
}

/// Keeps others from writing into the same case.
fn locked(dir: &Path) -> Result<File> {
    let file = File::open(dir).map_err(|source| Error::Read { path: dir.to_owned(), source })?;
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => Err(Error::Usage(format!("{}: another collection writes into this case", dir.display()))),
        // Some file systems have no locks; the user is then alone to see to it.
        Ok(()) | Err(fs::TryLockError::Error(_)) => Ok(file),
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::manifest::{Bill, FORMAT, State};
    use std::collections::{BTreeMap, BTreeSet};

    fn manifest() -> CaseManifest {
        CaseManifest {
            format: FORMAT.to_owned(),
            casefile: "0".to_owned(),
            account: None,
            identity: None,
            region: "eu-west-1".to_owned(),
            asked: serde_json::Value::Null,
            planned: BTreeSet::new(),
            units: BTreeMap::new(),
            bill: Bill::default(),
        }
    }

    #[test]
    fn an_answer_is_stored_as_it_came_and_its_hash_is_that_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::begin(dir.path(), manifest()).unwrap();
        let mut unit = Unit::new("logs_raw", "FilterLogEvents", "/aws/x", None);
        let mut answers = store.answers(&id_of("logs_raw", "/aws/x", "all")).unwrap();
        answers.push(b"{\"events\":[]}").unwrap();
        assert!(!dir.path().join("raw/logs_raw/%2Faws%2Fx/all.json.zst").exists(), "not before it is whole");
        answers.finish(&mut unit).unwrap();
        let stored = fs::read(dir.path().join(unit.file.as_ref().unwrap())).unwrap();
        assert_eq!(zstd::decode_all(&stored[..]).unwrap(), b"{\"events\":[]}\n");
        let hash = hex(&Sha256::digest(&stored));
        assert_eq!(unit.sha256.as_ref(), Some(&hash));
        unit.state = State::Complete;
        store.record(|it| drop(it.units.insert("a".to_owned(), unit.clone()))).unwrap();
        drop(store);
        assert_eq!(Store::resume(dir.path()).unwrap().manifest().units.get("a"), Some(&unit));
    }

    #[test]
    fn a_case_is_begun_once_and_written_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::begin(dir.path(), manifest()).unwrap();
        assert!(Store::resume(dir.path()).unwrap_err().to_string().contains("another collection"));
        drop(store);
        assert!(Store::begin(dir.path(), manifest()).unwrap_err().to_string().contains("--resume"));
        // Stopped before its manifest had its name: there is nothing to continue, and it is begun.
        let stopped = tempfile::tempdir().unwrap();
        fs::write(stopped.path().join(case::unfinished(FILE)), "{").unwrap();
        assert!(Store::resume(stopped.path()).unwrap_err().to_string().contains("holds no case to continue"));
        drop(Store::begin(stopped.path(), manifest()).unwrap());
        assert!(Store::resume(stopped.path()).is_ok());
        let full = tempfile::tempdir().unwrap();
        fs::write(full.path().join("x"), "").unwrap();
        assert!(Store::begin(full.path(), manifest()).unwrap_err().to_string().contains("not empty"));
    }

    #[test]
    fn names_are_plain_and_differ() {
        assert_eq!(plain_name("/aws/mwaa"), "%2Faws%2Fmwaa");
        assert_eq!(plain_name(".."), "%2E.");
        assert!([plain_name("/aws/mwaa"), plain_name("..")].iter().all(|it| is_plain_name(it)));
        assert!(["", "..", ".x", "a\\b", "a:b"].iter().all(|it| !is_plain_name(it)));
        let long = |end: &str| plain_name(&format!("{}{end}", "x".repeat(600)));
        assert!(long("a") != long("b") && long("a").len() <= LONGEST_NAME);
    }
}
