//! Everything the inputs told us: the tables, and what could not be read.

use crate::{
    case::{Leaf, Listing, Meter, RawFile},
    derive::{self, Derived},
    error::Result,
    logs::facts::Facts,
    records::Feed,
    settings::Settings,
    sources::{Batch, CASE_MANIFEST, Head, Input, Manifest, SOURCES, Source},
    tables::{Table, errors, mapped, spells, task_events, tries},
    text,
    units::Moment,
    warehouse::Warehouse,
};
use polars::prelude::{DataFrame, IntoLazy as _, LazyFrame};
use rayon::prelude::*;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

mod manifests;

use manifests::Manifests;

/// What became of one input.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    /// How the user named it.
    pub path: String,
    /// The source that read it.
    pub kind: Option<&'static str>,
    /// Bytes, unpacked.
    pub bytes: u64,
    /// Records: parsed and skipped.
    pub records: u64,
    /// Records that were understood.
    pub parsed: u64,
    /// Records that were not.
    pub skipped: Vec<Skipped>,
    /// First moment.
    pub from: Option<Moment>,
    /// Last moment.
    pub to: Option<Moment>,
    /// Why it is not the whole, or could not be read.
    pub problems: Vec<String>,
    /// What the reader should know all the same.
    pub notes: Vec<String>,
}

impl Coverage {
    /// What the pages of one answer have in common: where they lie, and their kind.
    fn pages(&self) -> (String, Option<&'static str>) {
        (self.path.rsplit_once(['/', '!']).map_or(String::new(), |it| it.0.to_owned()), self.kind)
    }
}

/// Records set aside for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Why.
    pub reason: String,
    /// How many.
    pub count: u64,
    /// The first one.
    pub first: u64,
}

/// The tables of the inputs.
#[derive(Debug, Default)]
pub struct Evidence {
    frames: BTreeMap<&'static str, DataFrame>,
    /// What was read, skipped and refused, in path order.
    pub coverage: Vec<Coverage>,
    /// What is known besides the tables.
    pub facts: Facts,
}

/// Why sums may be too high.
const TWICE: &str = "holds rows more than once, or rows of another input, and is too long to compare them one by one: their sums may be too high; give each export once";

/// What one input told.
struct Told {
    coverage: Coverage,
    facts: Facts,
    warehouse: Warehouse,
    manifest: Option<Manifest>,
    goes_on: bool,
}

impl Told {
    fn nothing(coverage: Coverage) -> Self {
        Self { coverage, facts: Facts::default(), warehouse: Warehouse::default(), manifest: None, goes_on: false }
    }
}

impl Evidence {
    /// Reads everything that was listed. `forced` is the source the user named for all inputs.
    pub fn load(listing: &Listing, forced: Option<&'static Source>, settings: &Settings, meter: &Meter) -> Result<Self> {
        let mut reading = Reading::default();
        reading.coverage.extend(listing.unreadable.iter().map(|it| refused(&it.name, &it.reason)));
        // Manifests come first: they tell the columns of the files that they name.
        let (first, others): (Vec<&RawFile>, Vec<&RawFile>) = listing.files.iter().partition(|it| manifests::is_named_like_one(&it.name));
        for files in [first, others] {
            let named = reading.manifests();
            // Rows of a batch are put together before the next is read: what is summed up then needs no room.
            for batch in batches(&files) {
                // The largest ones first, so that no core is left with one of them at the end.
                let mut turns: Vec<(usize, &RawFile)> = batch.iter().copied().enumerate().collect();
                turns.sort_by_key(|it| Reverse(it.1.bytes));
                let read = |(at, file): &(usize, &RawFile)| (*at, read_file(file, &named, forced, settings, meter));
                let mut read: Vec<(usize, Vec<Told>)> = turns.par_iter().with_max_len(1).map(read).collect();
                read.sort_by_key(|it| it.0);
                read.into_iter().flat_map(|it| it.1).for_each(|it| reading.take(it));
            }
        }
        reading.settled()
    }

    /// Reads dumps that are already in memory.
    pub fn of_dumps(dumps: &[(&str, &'static [u8])], settings: &Settings) -> Result<Self> {
        let mut reading = Reading::default();
        for (name, bytes) in dumps {
            let leaf = Leaf { name: (*name).to_owned(), reader: Box::new(*bytes), on_disk: None };
            reading.take(read_leaf(leaf, &Manifests::default(), None, settings));
        }
        reading.settled()
    }

    fn put(&mut self, table: &'static Table, frame: DataFrame) {
        self.frames.insert(table.name, frame);
    }

    /// The table, for a query.
    pub fn table(&self, table: &Table) -> LazyFrame {
        self.frames.get(table.name).cloned().unwrap_or_default().lazy()
    }

    /// The table, as it is.
    pub fn frame(&self, table: &Table) -> Option<&DataFrame> {
        self.frames.get(table.name)
    }

    /// How many rows a table has.
    pub fn rows(&self, table: &Table) -> usize {
        self.frame(table).map_or(0, DataFrame::height)
    }

    /// Whether every input was read whole.
    pub fn is_complete(&self) -> bool {
        self.coverage.iter().all(|it| it.problems.is_empty())
    }

    /// Whether a case among the inputs was not collected whole.
    pub fn lacks_parts(&self) -> bool {
        self.coverage.iter().any(|it| it.kind == Some(CASE_MANIFEST) && !it.problems.is_empty())
    }

    /// Whether an input may hold a record of the window; inputs whose records have no time do not count beside others.
    pub fn reaches(&self, settings: &Settings) -> bool {
        let mut spans = self.coverage.iter().filter_map(|it| Some((it.from?, it.to?))).peekable();
        let overlaps = |(from, to): (Moment, Moment)| {
            settings.since.is_none_or(|since| to >= since) && settings.until.is_none_or(|until| from < until)
        };
        spans.peek().is_none() || spans.any(overlaps)
    }

    /// The last moment of any record.
    pub fn last(&self) -> Option<Moment> {
        self.coverage.iter().filter_map(|it| it.to).max()
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    facts: Facts,
    warehouse: Warehouse,
    coverage: Vec<Coverage>,
    /// The manifests, and where each lies.
    manifests: Vec<(String, Manifest)>,
    /// Inputs that are pages with another behind them.
    going_on: Vec<usize>,
}

impl Reading {
    fn take(&mut self, told: Told) {
        let mut coverage = told.coverage;
        self.facts.merge(told.facts);
        if self.warehouse.merge(told.warehouse) {
            coverage.problems.push(TWICE.to_owned());
        }
        self.manifests.extend(told.manifest.map(|it| (coverage.path.clone(), it)));
        self.going_on.extend(told.goes_on.then_some(self.coverage.len()));
        self.coverage.push(coverage);
    }

    fn manifests(&self) -> Manifests {
        Manifests::of(self.manifests.clone())
    }

    /// A page with another behind it is a part, unless a page that may be the last lies beside it.
    fn judge_pages(&mut self) {
        let is_last = |at: &usize| self.going_on.binary_search(at).is_err();
        let last_pages: BTreeSet<_> = self.coverage.iter().enumerate().filter(|it| is_last(&it.0)).map(|it| it.1.pages()).collect();
        for at in std::mem::take(&mut self.going_on) {
            let Some(page) = self.coverage.get_mut(at) else { continue };
            if last_pages.contains(&page.pages()) {
                page.notes.push("one page of several; one that may be the last lies beside it".to_owned());
            } else {
                page.problems
                    .push("one page of several: NextToken names one that follows, and none lies beside it that may be the last".to_owned());
            }
        }
    }

    fn settled(mut self) -> Result<Evidence> {
        self.judge_pages();
        self.manifests().check(&mut self.coverage);
        let Self { mut facts, mut warehouse, mut coverage, .. } = self;
        coverage.sort_by(|a, b| a.path.cmp(&b.path));
        facts.settle();
        warehouse.settle();
        let Derived { errors, tries, spells, mapped } = derive::derive(&facts, &mut warehouse);
        let mut evidence = Evidence { frames: BTreeMap::new(), coverage, facts: Facts::default() };
        for (table, frame) in warehouse.frames()? {
            evidence.put(table, frame);
        }
        evidence.put(&task_events::TABLE, task_events::TABLE.frame(facts.events.iter().map(task_events::TaskEvent::cells))?);
        evidence.put(&errors::TABLE, errors::TABLE.frame(errors.iter().map(errors::ErrorRow::cells))?);
        evidence.put(&tries::TABLE, tries::TABLE.frame(tries.iter().map(tries::Try::cells))?);
        evidence.put(&spells::TABLE, spells::TABLE.frame(spells.iter().map(spells::Spell::cells))?);
        evidence.put(&mapped::TABLE, mapped::TABLE.frame(mapped.iter().map(mapped::MappedTry::cells))?);
        evidence.facts = facts.without_rows();
        Ok(evidence)
    }
}

/// Files that are read side by side: many small ones, or a few large ones.
fn batches<'a>(files: &'a [&'a RawFile]) -> impl Iterator<Item = &'a [&'a RawFile]> {
    const FILES: usize = 16;
    const BYTES: u64 = 64 << 20;
    let mut rest = files;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let few = |(at, file): (usize, &&RawFile)| {
            bytes += file.bytes;
            at < FILES || bytes <= BYTES
        };
        let count = rest.iter().enumerate().map(few).take_while(|it| *it).count();
        let (batch, after) = rest.split_at(count);
        rest = after;
        (!batch.is_empty()).then_some(batch)
    })
}

/// A name as every output shows it: a secret in a path is a secret too.
fn shown(name: &str) -> String {
    text::redact(&text::printable(name)).into_owned()
}

fn refused(name: &str, reason: &str) -> Coverage {
    Coverage {
        path: shown(name),
        kind: None,
        bytes: 0,
        records: 0,
        parsed: 0,
        skipped: Vec::new(),
        from: None,
        to: None,
        problems: vec![reason.to_owned()],
        notes: Vec::new(),
    }
}

/// Reads a file on disk, archives included. The manifests of an archive may stand behind what they name.
fn read_file(file: &RawFile, named: &Manifests, forced: Option<&'static Source>, settings: &Settings, meter: &Meter) -> Vec<Told> {
    let read = read_leaves(file, named, forced, settings, meter);
    let own = Manifests::of(read.iter().filter_map(|it| Some((it.coverage.path.clone(), it.manifest.clone()?))).collect());
    let again = file.path.is_some() && read.iter().any(|it| !own.columns_of(&it.coverage.path).is_empty());
    if again { read_leaves(file, &own, forced, settings, meter) } else { read }
}

fn read_leaves(file: &RawFile, named: &Manifests, forced: Option<&'static Source>, settings: &Settings, meter: &Meter) -> Vec<Told> {
    let mut read: Vec<Told> = Vec::new();
    let opened = file.open(settings.caps, meter, &mut |leaf| read.push(read_leaf(leaf, named, forced, settings)));
    match opened {
        Ok(unpacked) => {
            for (name, reason) in unpacked.damage {
                match read.iter_mut().find(|it| it.coverage.path == name) {
                    Some(told) => told.coverage.problems.push(reason),
                    None => read.push(Told::nothing(refused(&name, &reason))),
                }
            }
        }
        Err(error) => read.push(Told::nothing(refused(&file.name, &error.to_string()))),
    }
    if let Some(told) = read.first_mut().filter(|_| is_changed(file, named)) {
        told.coverage.problems.push(manifests::CHANGED.to_owned());
    }
    read
}

/// Whether a file is another than the manifest says that lies beside it.
fn is_changed(file: &RawFile, named: &Manifests) -> bool {
    let told = named.sha256_of(&shown(&file.name));
    // What cannot be read is told when it is.
    told.is_some_and(|told| file.sha256().is_some_and(|it| it != told))
}

fn read_leaf(leaf: Leaf<'_>, named: &Manifests, forced: Option<&'static Source>, settings: &Settings) -> Told {
    let name = shown(&leaf.name);
    let mut feed = Feed::of(leaf);
    let mut coverage = refused(&name, "");
    coverage.problems.clear();
    let columns = named.columns_of(&name);
    let head = Head::of(&mut feed, columns);
    if head.bytes.is_empty() {
        coverage.notes.push("empty".to_owned());
        coverage.problems.extend(feed.damage().map(ToOwned::to_owned));
        return Told::nothing(coverage);
    }
    let source = forced.or_else(|| SOURCES.iter().copied().find(|it| (it.claims)(&head)));
    let mut batch = Batch::default();
    if let Some(source) = source {
        coverage.kind = Some(source.id);
        (source.read)(&mut Input {
            name: name.as_str().into(),
            feed: &mut feed,
            caps: settings.caps,
            zone: &settings.zone,
            columns,
            out: &mut batch,
        });
    } else {
        coverage.notes.push("not recognised: neither text nor a format we know".to_owned());
        feed.drain();
    }
    coverage.bytes = batch.bytes.unwrap_or(feed.taken());
    coverage.records = batch.records();
    coverage.parsed = batch.parsed;
    coverage.skipped = batch.skips.iter().map(|(reason, it)| Skipped { reason: reason.clone(), count: it.0, first: it.1 }).collect();
    (coverage.from, coverage.to) = batch.span.map_or((None, None), |it| (Some(it.0), Some(it.1)));
    coverage.notes.extend(batch.notes);
    coverage.problems.extend(batch.partial);
    coverage.problems.extend(feed.damage().map(ToOwned::to_owned));
    if batch.cut > 0 {
        coverage.problems.push(format!("{} records longer than {} bytes were cut there", batch.cut, settings.caps.record_bytes));
    }
    if batch.zone_guessed {
        let zone = settings.zone.iana_name().unwrap_or("the zone given").to_owned();
        coverage.notes.push(format!("times without a zone were read as {zone}: set --tz if that is wrong"));
    }
    batch.facts.close();
    Told { coverage, facts: batch.facts, warehouse: batch.warehouse, manifest: batch.manifest, goes_on: batch.goes_on }
}
