//! Every change is stopped at every step of it: once by a refusal, once for good as if the process were killed there.

use super::*;
use crate::{
    publish::{Destination, Night, Published, compact, place, plan},
    report::parquet::LAKE,
};
use arrow::{
    array::{ArrayRef, StringArray},
    record_batch::RecordBatch,
};
use parquet::arrow::ArrowWriter;
use std::{cell::Cell, collections::BTreeMap, path::Path, sync::Arc};

/// A store whose calls that change something fail from one on.
#[derive(Debug)]
pub(in crate::publish) struct Faulty {
    inner: Box<Store>,
    /// Calls that are still well.
    left: Cell<usize>,
    /// Whether the call that fails does its work all the same.
    does_it: bool,
    /// Whether every later call fails too, and reads with it: nobody is there any more.
    for_good: bool,
    failed: Cell<bool>,
}

impl Faulty {
    fn change(&self, act: impl FnOnce(&Store) -> Result<()>) -> Result<()> {
        self.read()?;
        if self.left.get() > 0 || self.failed.get() {
            self.left.set(self.left.get().saturating_sub(1));
            return act(&self.inner);
        }
        self.failed.set(true);
        if self.does_it {
            act(&self.inner)?;
        }
        Err(Error::Publish("refused".to_owned()))
    }

    fn read(&self) -> Result<()> {
        if self.failed.get() && self.for_good { Err(Error::Publish("killed".to_owned())) } else { Ok(()) }
    }

    pub(in crate::publish) fn list(&self, below: &str) -> Result<Vec<Object>> {
        self.read().and_then(|()| self.inner.list(below))
    }

    pub(in crate::publish) fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.read().and_then(|()| self.inner.get(key))
    }

    pub(in crate::publish) fn sha256(&self, key: &str) -> Result<Option<String>> {
        self.read().and_then(|()| self.inner.sha256(key))
    }

    pub(in crate::publish) fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        self.change(|it| it.put(key, bytes))
    }

    pub(in crate::publish) fn copy(&self, from: &str, to: &str) -> Result<()> {
        self.change(|it| it.copy(from, to))
    }

    pub(in crate::publish) fn delete(&self, key: &str) -> Result<()> {
        self.change(|it| it.delete(key))
    }
}

/// A folder in memory, where there is one: thousands of times everything is brought to the disk.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// A file with rows of a run.
fn file(run: &str, rows: usize) -> Vec<u8> {
    let runs: ArrayRef = Arc::new(StringArray::from(vec![run; rows]));
    let batch = RecordBatch::try_from_iter([("casefile_run_id", runs)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn night(day: &str, run: &str, rows: usize) -> Night {
    let files = LAKE.iter().map(|it| (it.name, file(run, rows))).collect();
    Night { day: day.to_owned(), run_id: run.to_owned(), files }
}

fn open(folder: &Path) -> Store {
    Store::open(&Destination::new(folder.to_str().unwrap()), true).unwrap()
}

/// What readers see: the bytes of every file of the lake.
type Seen = BTreeMap<String, Vec<u8>>;

fn seen(folder: &Path) -> Seen {
    let store = open(folder);
    plan::files(&store).unwrap().iter().map(|it| (it.key(), store.get(&it.key()).unwrap().unwrap())).collect()
}

fn of_table(seen: &Seen, table: &str) -> Seen {
    seen.iter().filter(|it| it.0.starts_with(table)).map(|(key, bytes)| (key.clone(), bytes.clone())).collect()
}

fn publish(store: &Store, night: &Night) -> Result<()> {
    recover(store)?;
    plan::of(store, night, &mut Published::default())?.commit(store)
}

/// Stops `change` at each of its steps; gives how many there were. `at_once` says whether a table alone never shows half of it.
fn stopped_everywhere(before: &[Night], change: impl Fn(&Store) -> Result<()>, at_once: bool) -> usize {
    let prepared = || {
        let folder = folder();
        for it in before {
            publish(&open(folder.path()), it).unwrap();
        }
        folder
    };
    let old = seen(prepared().path());
    let whole = prepared();
    change(&open(whole.path())).unwrap();
    let new = seen(whole.path());
    assert_ne!(old, new);
    for at in 0.. {
        for (does_it, for_good) in [(false, false), (true, false), (false, true), (true, true)] {
            let folder = prepared();
            let faulty = Faulty { inner: Box::new(open(folder.path())), left: Cell::new(at), does_it, for_good, failed: Cell::new(false) };
            let store = Store::Faulty(faulty);
            let ended = change(&store);
            let Store::Faulty(faulty) = store else { unreachable!() };
            if !faulty.failed.get() {
                ended.unwrap();
                return at;
            }
            drop(faulty);
            let told = ended.unwrap_err();
            assert_eq!(told.exit_code(), 6);
            let after = seen(folder.path());
            let is_whole = |it: &Seen| *it == old || *it == new;
            assert!(for_good || is_whole(&after), "step {at}, done {does_it}: {told}: {:?}", after.keys());
            for table in LAKE.iter().filter(|_| at_once) {
                let found = of_table(&after, table.name);
                assert!([&old, &new].iter().any(|it| of_table(it, table.name) == found), "step {at}: {}", table.name);
            }
            recover(&open(folder.path())).unwrap();
            assert!(is_whole(&seen(folder.path())), "step {at}, done {does_it}, for good {for_good}: whoever comes next repairs it");
            assert!(unfinished(&open(folder.path())).unwrap().is_empty());
            change(&open(folder.path())).unwrap();
            assert!(seen(folder.path()) == new, "step {at}: repeated, it is what it would have been");
        }
    }
    0
}

#[test]
fn a_first_night_is_seen_whole_or_not_at_all() {
    let steps = stopped_everywhere(&[], |it| publish(it, &night("2026-01-05", "run", 3)), true);
    // One deletion that finds out whether that is allowed, five files, a journal; five files; and six to clear up.
    assert_eq!(steps, 1 + 5 + 1 + 5 + 6);
}

#[test]
fn a_night_that_replaces_itself_shows_the_old_or_the_new() {
    let before = [night("2026-01-04", "other", 2), night("2026-01-05", "run", 2)];
    assert!(stopped_everywhere(&before, |it| publish(it, &night("2026-01-05", "run", 3)), true) > 25);
}

#[test]
fn a_run_that_lay_under_another_day_leaves_one_copy() {
    let before = [night("2026-01-04", "run", 2)];
    assert!(stopped_everywhere(&before, |it| publish(it, &night("2026-01-05", "run", 2)), false) > 25);
}

#[test]
fn another_run_finishes_what_was_left() {
    let folder = folder();
    let faulty =
        Faulty { inner: Box::new(open(folder.path())), left: Cell::new(9), does_it: false, for_good: true, failed: Cell::new(false) };
    let store = Store::Faulty(faulty);
    publish(&store, &night("2026-01-05", "first", 1)).unwrap_err();
    drop(store);
    let found = seen(folder.path()).len();
    assert!((1..5).contains(&found), "{found} of five files are there");
    publish(&open(folder.path()), &night("2026-01-06", "second", 1)).unwrap();
    assert_eq!(seen(folder.path()).len(), 10);
}

#[test]
fn a_month_is_merged_whole_or_not_at_all() {
    let before = [night("2026-01-04", "a", 1), night("2026-01-31", "b", 2), night("2026-02-01", "c", 1)];
    let merge = |store: &Store| {
        recover(store)?;
        compact::merging(store, &plan::files(store)?, "2026-01")?.0.commit(store)
    };
    // Repeated after it is done there is nothing to merge.
    assert!(stopped_everywhere(&before, merge, false) > 40);
}

#[test]
fn a_night_of_a_merged_month_is_replaced_in_it() {
    let folder = folder();
    for it in [night("2026-01-04", "a", 1), night("2026-01-31", "b", 2), night("2026-02-01", "c", 1)] {
        publish(&open(folder.path()), &it).unwrap();
    }
    let store = open(folder.path());
    compact::merging(&store, &plan::files(&store).unwrap(), "2026-01").unwrap().0.commit(&store).unwrap();
    let rows = |key: &str| plan::opened(&store, &LAKE[0], key).unwrap().rows();
    let merged = place::merged_key("findings", "2026-01");
    assert_eq!((seen_in(&store).len(), rows(&merged)), (10, 3));
    publish(&store, &night("2026-01-04", "a", 5)).unwrap();
    assert_eq!((seen_in(&store).len(), rows(&merged)), (10, 7));
    let mut told = Published::default();
    let again = plan::of(&store, &night("2026-01-04", "a", 5), &mut told).unwrap();
    assert_eq!((told.unchanged.len(), again.steps.len()), (5, 0), "what is there already is not touched");
    // Under another month it leaves this one.
    publish(&store, &night("2026-02-02", "b", 2)).unwrap();
    assert_eq!((seen_in(&store).len(), rows(&merged)), (15, 5));
}

fn seen_in(store: &Store) -> Vec<String> {
    plan::files(store).unwrap().iter().map(place::Place::key).collect()
}

#[test]
fn a_journal_of_another_version_is_left_alone() {
    let folder = folder();
    let store = open(folder.path());
    store.put(&journal_key("x"), br#"{"format":"casefile-commit/2","can_undo":true,"steps":[]}"#).unwrap();
    let told = recover(&store).unwrap_err().to_string();
    assert!(told.contains("_staging/x/commit.json") && told.contains("casefile-commit/2"), "{told}");
    assert!(store.get(&journal_key("x")).unwrap().is_some());
}
