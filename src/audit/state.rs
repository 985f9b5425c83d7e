//! What an audit remembers from run to run. It is written only after what it tells of is durable elsewhere.

use crate::{
    case::Window,
    error::{Error, Result},
    ledger::{Entry, Input, Ledger},
    units::{Moment, SECOND},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

/// What a state calls itself.
const FORMAT: &str = "casefile-audit/1";

/// The windows of an audit, and how far each source was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    format: String,
    /// The name of the audit.
    pub(super) name: String,
    /// Seconds of a window: another length would cut time otherwise.
    pub(super) window_seconds: i64,
    /// What became of each window, by its beginning.
    pub(super) nights: BTreeMap<Moment, Night>,
    /// Up to where each source was read whole, without a gap since the first window.
    pub(super) watermarks: BTreeMap<String, Moment>,
}

/// What became of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Night {
    /// Whether everything that was asked for was read whole.
    pub(super) complete: bool,
    /// Its evidence.
    #[serde(flatten)]
    pub(super) brought: Brought,
}

/// The evidence of a window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Brought {
    /// The folder of its case, among the cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) case: Option<String>,
    /// Of each source, whether it was read whole.
    pub(super) sources: BTreeMap<String, bool>,
}

impl State {
    /// Takes down what became of a window, and how far each source was read since.
    pub(super) fn learn(&mut self, window: Window, complete: bool, brought: Brought) {
        self.nights.insert(window.since(), Night { complete, brought });
        self.watermarks.clear();
        let sources: BTreeSet<&String> = self.nights.values().flat_map(|it| it.brought.sources.keys()).collect();
        for source in sources {
            let is_whole = |it: &Night| it.brought.sources.get(source).copied().unwrap_or(true);
            let whole = self.nights.iter().take_while(|it| is_whole(it.1)).last();
            let until = whole.map(|it| Moment(it.0.0.saturating_add(self.window_seconds.saturating_mul(SECOND))));
            if let Some(until) = until {
                self.watermarks.insert(source.clone(), until);
            }
        }
    }
}

/// What a night tells the nights after it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// What the night found.
    pub(super) ledger: Ledger,
    /// Findings of nights before whose evidence was missing since: neither gone nor there.
    pub(super) pending: BTreeMap<String, Entry>,
    /// The inputs that proved those.
    pub(super) pending_inputs: Vec<Input>,
    /// Every finding seen so far.
    pub(super) seen: BTreeMap<String, Seen>,
}

/// How long a finding is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Its first occurrence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) first: Option<Moment>,
    /// In how many nights it was seen.
    pub(super) nights: u64,
}

impl Memory {
    /// What the next night is compared with: this night, and what it could not see.
    pub(super) fn as_before(&self) -> Ledger {
        let mut ledger = self.ledger.clone();
        ledger.findings.extend(self.pending.clone());
        ledger.inputs.extend(self.pending_inputs.iter().filter(|it| !self.ledger.inputs.contains(it)).cloned());
        ledger
    }
}

/// The folder of an audit.
#[derive(Debug)]
pub(super) struct Folder {
    /// Where it lies.
    pub(super) path: PathBuf,
}

impl Folder {
    /// The folder of an audit, made where it is not there yet.
    pub(super) fn open(path: &Path) -> Result<Self> {
        fs::create_dir_all(path).map_err(|source| Error::Write { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned() })
    }

    /// The state, or a new one.
    pub(super) fn state(&self, name: &str, window_seconds: i64) -> Result<State> {
        let new = || State {
            format: FORMAT.to_owned(),
            name: name.to_owned(),
            window_seconds,
            nights: BTreeMap::new(),
            watermarks: BTreeMap::new(),
        };
        let state: State = read(&self.path.join("state.json"))?.unwrap_or_else(new);
        let path = self.path.join("state.json");
        let wrong = |what: String| Err(Error::Usage(format!("{}: {what}", path.display())));
        if state.format != FORMAT {
            return wrong(format!("is `{}`, not `{FORMAT}`: another version of casefile wrote it", state.format));
        }
        if state.name != name {
            return wrong(format!("belongs to the audit `{}`, not to `{name}`: give each audit a folder of its own", state.name));
        }
        if state.window_seconds != window_seconds {
            return wrong(format!(
                "has windows of {} seconds, the configuration {window_seconds}: give the audit a new name and folder",
                state.window_seconds
            ));
        }
        Ok(state)
    }

    /// What a night told; `None` where it is not known.
    pub(super) fn memory(&self, window: Window) -> Result<Option<Memory>> {
        read(&self.night(window))
    }

    /// Keeps what a night tells.
    pub(super) fn remember(&self, window: Window, memory: &Memory) -> Result<()> {
        write(&self.night(window), memory)
    }

    /// Keeps the state.
    pub(super) fn save(&self, state: &State) -> Result<()> {
        write(&self.path.join("state.json"), state)
    }

    /// The folder of cases.
    pub(super) fn cases(&self) -> PathBuf {
        self.path.join("cases")
    }

    /// Removes cases that no window needs any more.
    pub(super) fn keep_only(&self, kept: &[&str]) -> Result<()> {
        let Ok(entries) = fs::read_dir(self.cases()) else { return Ok(()) };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if !kept.iter().any(|it| Path::new(it).file_name() == Some(&name)) {
                fs::remove_dir_all(entry.path()).map_err(|source| Error::Write { path: entry.path(), source })?;
            }
        }
        Ok(())
    }

    fn night(&self, window: Window) -> PathBuf {
        self.path.join("nights").join(format!("{}.json", window.file_name()))
    }
}

/// Reads a file that we wrote; `None` where there is none.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Read { path: path.to_owned(), source }),
    };
    let wrong = |it| {
        Error::Usage(format!("{}: not what an audit writes ({it}); restore it, or move it away: its window is then new", path.display()))
    };
    serde_json::from_str(&text).map(Some).map_err(wrong)
}

/// Writes a file whole or not at all.
fn write<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(failed)?;
    let bytes = serde_json::to_vec_pretty(value).map_err(|it| failed(it.into()))?;
    if fs::read(path).is_ok_and(|it| it == bytes) {
        return Ok(());
    }
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary).map_err(failed)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)?;
    // The new name must be durable too.
    if cfg!(unix) { File::open(folder).and_then(|it| it.sync_all()).map_err(failed) } else { Ok(()) }
}
