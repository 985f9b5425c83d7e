//! Where a report that the user names lies, and what it is: tables in a folder or in S3, a printed report, or a case that is yet to be judged.

use super::{Ledger, json, lake, store::Store};
use crate::{
    case::manifest,
    collect::Ways,
    error::{Error, Result},
};
use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// The longest printed report, in bytes.
const MOST_BYTES: u64 = 1 << 30;

/// How a file of Parquet begins.
const PARQUET: &[u8] = b"PAR1";

/// How an address in S3 begins.
const ADDRESS: &str = "s3://";

/// What a report may be given as.
const WANTED: &str = "give a folder that --out wrote, an address like s3://bucket/prefix, a file that --format jsonl printed, or a case";

/// A report that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// How the user named it.
    pub given: String,
    /// The night and the run, where several may lie there.
    pub run: Option<(String, String)>,
    /// The report.
    pub ledger: Ledger,
}

/// What the user named.
#[derive(Debug)]
pub enum Opened {
    /// A report.
    Report(Box<Taken>),
    /// A case: its evidence has to be judged first.
    Case(PathBuf),
}

/// Opens what the user named. `lake@2026-01-31` and `lake@RUN` name one night or run among several; without, it is the latest.
///
/// `ways` are those to AWS, which nobody goes where no address in S3 is given.
pub fn open(given: &str, ways: &Ways) -> Result<Opened> {
    if given.starts_with(ADDRESS) {
        let (address, wanted) = given.rsplit_once('@').filter(|it| !it.1.contains('/')).map_or((given, None), |it| (it.0, Some(it.1)));
        return night(given, &Store::address(address, ways)?, wanted);
    }
    let path = Path::new(given);
    if !path.exists()
        && let Some((folder, wanted)) = given.rsplit_once('@')
        && Path::new(folder).is_dir()
    {
        return night(given, &Store::folder(folder), Some(wanted));
    }
    let metadata = fs::metadata(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    if !metadata.is_dir() {
        return Ok(report(given, None, printed(path)?));
    }
    if is_case(path)? {
        return Ok(Opened::Case(path.to_owned()));
    }
    night(given, &Store::folder(given), None)
}

fn report(given: &str, run: Option<(String, String)>, ledger: Ledger) -> Opened {
    Opened::Report(Box::new(Taken { given: given.to_owned(), run, ledger }))
}

fn night(given: &str, store: &Store, wanted: Option<&str>) -> Result<Opened> {
    let Some(run) = lake::find(store, wanted)? else {
        return Err(Error::Usage(format!("{given}: holds no report, and is no case: {WANTED}")));
    };
    let ledger = lake::read(store, &run)?;
    Ok(report(given, Some((run.day, run.id)), ledger))
}

/// Whether a folder is a case: its manifest says so.
fn is_case(folder: &Path) -> Result<bool> {
    let path = folder.join(manifest::FILE);
    let mut text = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut text));
    match read {
        Ok(_) => Ok(String::from_utf8_lossy(&text).contains(manifest::FORMAT)),
        Err(it) if it.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(Error::Read { path, source }),
    }
}

/// Reads a report that was printed into a file.
fn printed(path: &Path) -> Result<Ledger> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let wrong = |it: &str| Error::Usage(format!("{}: {it}", path.display()));
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(wrong(&format!("longer than {MOST_BYTES} bytes: write it with --out, and give that folder")));
    }
    if bytes.starts_with(PARQUET) {
        return Err(wrong("one file of Parquet is not a whole report: give the folder that holds findings/, verdicts/ and the others"));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong(&format!("no UTF-8: {WANTED}")))?;
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with('{') {
        return Err(wrong(&format!("no report: {WANTED}")));
    }
    json::read(text).map_err(|it| wrong(&it))
}
