//! Changes of the lake that become visible whole, or not at all.
//!
//! ```text
//! _staging/<id>/new/<key>     what is to lie under <key>
//! _staging/<id>/old/<key>     what lies there now
//! _staging/<id>/commit.json   the journal, written last: from now on the change is meant
//! ```
//!
//! Then every step is taken in order, the journal is removed, and the rest after it. A step that fails is taken back with all before it, so
//! that readers see what they saw before, and the journal stays. Whoever changes the lake next finishes what has a journal, and removes what
//! has none: a process may be killed at any moment.

use super::{
    place::STAGING,
    store::{Object, Store, sha256},
};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a journal calls itself.
const FORMAT: &str = "casefile-commit/1";

/// The name of the journal.
const JOURNAL: &str = "commit.json";

/// A change that is planned.
#[derive(Debug)]
pub(super) struct Change {
    id: String,
    /// Whether it can be taken back: then what is replaced or removed is kept until the end.
    can_undo: bool,
    steps: Vec<(Step, Option<Vec<u8>>)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    format: String,
    can_undo: bool,
    steps: Vec<Step>,
}

/// What is to happen to one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    key: String,
    /// The hash of what is to lie there; nothing is to, without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// Whether something lay there before.
    was_there: bool,
}

impl Change {
    /// No step yet. `id` names it among all changes that may be left unfinished.
    pub(super) fn new(id: &str, can_undo: bool) -> Self {
        Self { id: id.to_owned(), can_undo, steps: Vec::new() }
    }

    /// An object is to have these bytes.
    pub(super) fn put(&mut self, key: String, bytes: Vec<u8>, was_there: bool) {
        let sha256 = Some(sha256(&bytes));
        self.steps.push((Step { key, sha256, was_there }, Some(bytes)));
    }

    /// An object is to be gone.
    pub(super) fn remove(&mut self, key: String) {
        self.steps.push((Step { key, sha256: None, was_there: true }, None));
    }

    /// Makes it visible.
    pub(super) fn commit(self, store: &Store) -> Result<()> {
        if self.steps.is_empty() {
            return Ok(());
        }
        let id = self.id.clone();
        let staged = self.stage(store);
        let journal = match staged {
            Ok(journal) => journal,
            Err(error) => {
                // Nothing of it is visible. What stays behind is removed by whoever comes next.
                clean(store, &id).unwrap_or_default();
                return Err(error);
            }
        };
        take(store, &id, &journal)?;
        clean(store, &id).map_err(|it| it.adding("everything is published, but the staging could not be removed"))
    }

    /// Writes all that is needed to go on, or back, and the journal last.
    fn stage(self, store: &Store) -> Result<Journal> {
        let Self { id, can_undo, steps } = self;
        // Whoever may not delete could not take back either: this is the time to find out.
        store.delete(&journal_key(&id))?;
        for (step, bytes) in &steps {
            if let Some(bytes) = bytes {
                store.put(&new_key(&id, &step.key), bytes)?;
            }
            if step.was_there && can_undo {
                store.copy(&step.key, &old_key(&id, &step.key))?;
            }
        }
        let journal = Journal { format: FORMAT.to_owned(), can_undo, steps: steps.into_iter().map(|it| it.0).collect() };
        let text = serde_json::to_vec_pretty(&journal).map_err(|it| Error::Publish(format!("{id}: no journal can be written: {it}")))?;
        store.put(&journal_key(&id), &text)?;
        Ok(journal)
    }
}

/// Takes the steps of a change whose journal is written.
fn take(store: &Store, id: &str, journal: &Journal) -> Result<()> {
    for (at, step) in journal.steps.iter().enumerate() {
        let taken = match &step.sha256 {
            Some(_) => store.copy(&new_key(id, &step.key), &step.key),
            None => store.delete(&step.key),
        };
        if let Err(error) = taken {
            // The step that failed may have been taken all the same.
            return Err(taken_back(store, id, journal, at, error));
        }
    }
    Ok(())
}

/// Undoes the steps up to one, the last one first; the error says how that went.
fn taken_back(store: &Store, id: &str, journal: &Journal, last: usize, error: Error) -> Error {
    if !journal.can_undo {
        return error.adding("what was done so far stays, the next run goes on");
    }
    if let Ok(None) = store.get(&journal_key(id)) {
        return error.adding("another casefile works on the same destination; run it again when that has ended");
    }
    let mut stuck = None;
    for step in journal.steps.iter().take(last + 1).rev() {
        let undone = if step.was_there { store.copy(&old_key(id, &step.key), &step.key) } else { store.delete(&step.key) };
        stuck = stuck.or(undone.err());
    }
    match stuck {
        None => error.adding("what was visible before is visible again; the next run finishes this"),
        Some(it) => error.adding(&format!("taking it back failed too ({it}): a part may be visible until the next run finishes this")),
    }
}

/// Finishes what was left unfinished, and removes what was never meant; gives the names of what was finished.
pub(super) fn recover(store: &Store) -> Result<Vec<String>> {
    let mut finished = Vec::new();
    for id in unfinished(store)? {
        if let Some(text) = store.get(&journal_key(&id))? {
            let journal: Journal = serde_json::from_slice(&text).map_err(|it| unreadable(&id, &it.to_string()))?;
            if journal.format != FORMAT {
                return Err(unreadable(&id, &format!("it is written as {}", journal.format)));
            }
            take(store, &id, &journal).map_err(|it| it.adding(&format!("{id} was left unfinished earlier, and could not be finished")))?;
            finished.push(id.clone());
        }
        clean(store, &id)?;
    }
    Ok(finished)
}

/// The changes that left something behind.
pub(super) fn unfinished(store: &Store) -> Result<BTreeSet<String>> {
    let keys = store.list(&format!("{STAGING}/"))?;
    Ok(keys.iter().filter_map(|it| it.key.split('/').nth(1).map(ToOwned::to_owned)).collect())
}

fn unreadable(id: &str, told: &str) -> Error {
    Error::Publish(format!("{}: a journal that this version cannot read: {told}", journal_key(id)))
}

/// Removes what a change left: its journal first, as without it nothing is meant any more.
fn clean(store: &Store, id: &str) -> Result<()> {
    store.delete(&journal_key(id))?;
    // A file that had no name yet lies beside the changes, and has no journal.
    let is_of_it = |it: &&Object| it.key.split('/').nth(1) == Some(id);
    store.list(&format!("{STAGING}/"))?.iter().filter(is_of_it).try_for_each(|it| store.delete(&it.key))
}

fn journal_key(id: &str) -> String {
    format!("{STAGING}/{id}/{JOURNAL}")
}

fn new_key(id: &str, key: &str) -> String {
    format!("{STAGING}/{id}/new/{key}")
}

fn old_key(id: &str, key: &str) -> String {
    format!("{STAGING}/{id}/old/{key}")
}

#[cfg(test)]
pub(super) mod tests;
