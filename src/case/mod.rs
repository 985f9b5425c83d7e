//! The folder of raw files: listing them in path order, unpacking them within caps.

use crate::error::{Error, Result};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

pub mod manifest;
mod beside;
mod unpack;
mod window;

pub(crate) use unpack::damage_text;
pub use unpack::{FromPlace, Leaf, OnDisk, Unpacked};
pub use window::Window;

/// Caps against hostile or broken inputs; each may be set, and what they cut is counted.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// The longest record that is read whole, in bytes.
    pub record_bytes: usize,
    /// How deep archives may nest.
    pub depth: usize,
    /// How many bytes one packed byte may become, beyond the first [`Caps::FREE_BYTES`].
    pub expansion: u64,
}

impl Caps {
    /// Expansion is not judged below this many unpacked bytes.
    pub const FREE_BYTES: u64 = 256 << 20;
}

impl Default for Caps {
    fn default() -> Self {
        Self { record_bytes: 1 << 20, depth: 4, expansion: 1_000 }
    }
}

/// One input as the user named it, before it is opened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RawFile {
    /// How reports name it.
    pub name: String,
    /// Where it lies; `None` for standard input.
    pub path: Option<PathBuf>,
    /// Bytes on disk, for progress.
    pub bytes: u64,
}

/// Something that could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// How reports name it.
    pub name: String,
    /// What the system said.
    pub reason: String,
}

/// The files under the given paths, in name order, each once.
#[derive(Debug, Default)]
pub struct Listing {
    /// What can be read.
    pub files: Vec<RawFile>,
    /// What cannot, and why.
    pub unreadable: Vec<Unreadable>,
}

/// How many packed bytes were read so far, shared with whoever shows progress.
#[derive(Debug, Default)]
pub struct Meter {
    bytes: AtomicU64,
}

impl Meter {
    /// Bytes read from disk so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Counts bytes that were read.
    pub fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Listing {
    /// Walks `paths`: files, directories, trees, `-` for standard input.
    pub fn of(paths: &[PathBuf]) -> Self {
        let mut listing = Self::default();
        for path in paths {
            if path.as_os_str() == "-" {
                listing.files.push(RawFile { name: "-".to_owned(), path: None, bytes: 0 });
            } else {
                listing.add(Self::walk(path, true));
            }
        }
        listing.files.sort();
        listing.files.dedup_by(|a, b| a.name == b.name);
        listing.unreadable.sort_by(|a, b| a.name.cmp(&b.name));
        listing
    }

    fn walk(path: &Path, named: bool) -> Self {
        let mut listing = Self::default();
        match fs::metadata(path) {
            Ok(meta) if meta.is_file() => {
                listing.files.push(RawFile { name: shown(path), path: Some(path.to_owned()), bytes: meta.len() });
            }
            Ok(meta) if meta.is_dir() => match fs::read_dir(path) {
                Ok(entries) => listing.walk_each(path, entries),
                Err(error) => listing.refuse(path, &error),
            },
            Ok(meta) if named && is_pipe(&meta) => {
                // A pipe that the user names has a writer, as in <(zcat ...); one that lies in a tree may wait for ever.
                listing.files.push(RawFile { name: shown(path), path: Some(path.to_owned()), bytes: 0 });
            }
            Ok(_) => {
                listing.unreadable.push(Unreadable { name: shown(path), reason: "neither a file nor a directory: not read".to_owned() });
            }
            Err(error) => listing.refuse(path, &error),
        }
        listing
    }

    fn walk_each(&mut self, path: &Path, entries: fs::ReadDir) {
        let mut inner = Vec::new();
        for entry in entries {
            match entry {
                // A link inside a tree may lead in circles: only those the user names are followed.
                Ok(entry) if entry.file_type().is_ok_and(|it| it.is_symlink()) && entry.path().is_dir() => {}
                Ok(entry) if is_unfinished(&entry.file_name().to_string_lossy()) => {}
                Ok(entry) => inner.push(entry.path()),
                Err(error) => self.refuse(path, &error),
            }
        }
        let walked: Vec<Self> = inner.par_iter().map(|it| Self::walk(it, false)).collect();
        for it in walked {
            self.add(it);
        }
    }

    fn add(&mut self, other: Self) {
        self.files.extend(other.files);
        self.unreadable.extend(other.unreadable);
    }

    fn refuse(&mut self, path: &Path, error: &io::Error) {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "no such file or directory".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied by the file system".to_owned(),
            _ => error.to_string(),
        };
        self.unreadable.push(Unreadable { name: shown(path), reason });
    }
}

impl RawFile {
    /// The SHA-256 of its bytes as they lie on disk, in hexadecimal digits; `None` where it cannot be read twice, or not at all.
    pub fn sha256(&self) -> Option<String> {
        let path = self.path.as_ref().filter(|_| self.bytes > 0)?;
        let mut hash = Sha256::new();
        io::copy(&mut io::BufReader::with_capacity(256 << 10, File::open(path).ok()?), &mut Hashing(&mut hash)).ok()?;
        Some(hex(&hash.finalize()))
    }

    /// Opens and unpacks it, and hands every leaf to `each`.
    pub fn open(&self, caps: Caps, meter: &Meter, each: &mut dyn FnMut(Leaf<'_>)) -> Result<Unpacked> {
        match &self.path {
            None => Ok(unpack::unpack(&self.name, Metered { inner: io::stdin(), meter }, None, caps, each)),
            Some(path) => {
                let file = File::open(path).map_err(|source| Error::Read { path: path.clone(), source })?;
                // The beginning of a pipe would be lost.
                let head = if self.bytes > 0 { head_of(path) } else { [0; 4] };
                if unpack::is_zip(head) {
                    return Ok(unpack::unzip(&self.name, Metered { inner: file, meter }, caps, each));
                }
                let same = file.try_clone().ok().filter(|_| self.bytes > 0);
                let on_disk = same.map(|it| (OnDisk { file: it.into(), bytes: self.bytes }, meter));
                // What is read from its end is counted there.
                if head == *PARQUET && on_disk.is_some() {
                    each(Leaf { name: self.name.clone(), reader: Box::new(file), on_disk });
                    return Ok(Unpacked::default());
                }
                Ok(unpack::unpack(&self.name, Metered { inner: file, meter }, on_disk, caps, each))
            }
        }
    }
}

/// How Parquet begins.
const PARQUET: &[u8; 4] = b"PAR1";

fn head_of(path: &Path) -> [u8; 4] {
    let mut head = [0; 4];
    // What cannot be read shows again when the whole is.
    match File::open(path).and_then(|mut it| it.read_exact(&mut head)) {
        Ok(()) => head,
        Err(_) => [0; 4],
    }
}

/// Hashes what is written to it.
struct Hashing<'a>(&'a mut Sha256);

impl io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |it: u8| char::from_digit(u32::from(it), 16).unwrap_or_default();
    bytes.iter().flat_map(|it| [digit(it >> 4), digit(it & 15)]).collect()
}

/// Counts what it reads.
#[derive(Debug)]
pub struct Metered<'a, R> {
    /// Who reads.
    pub inner: R,
    /// Where it is counted.
    pub meter: &'a Meter,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.meter.add(count as u64);
        Ok(count)
    }
}

impl<R: io::Seek> io::Seek for Metered<'_, R> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

const UNFINISHED: &str = ".tmp";

/// The name under which a file is written before it is whole and gets its own.
pub fn unfinished(name: &str) -> String {
    format!(".{name}{UNFINISHED}")
}

/// Whether a file bears such a name: whoever wrote it was stopped.
fn is_unfinished(name: &str) -> bool {
    name.strip_prefix('.').is_some_and(|it| it.strip_suffix(UNFINISHED).is_some())
}

fn shown(path: &Path) -> String {
    let name = path.to_string_lossy().replace('\\', "/");
    name.strip_prefix("./").map_or(name.clone(), ToOwned::to_owned)
}

#[cfg(unix)]
fn is_pipe(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    meta.file_type().is_fifo()
}

#[cfg(not(unix))]
fn is_pipe(_: &fs::Metadata) -> bool {
    false
}
