//! Where reports go on: into the lake, five tables of Parquet in a folder or in S3, which Athena and other engines read.
//!
//! `<table>/dt=YYYY-MM-DD/<run_id>.parquet`. The same run replaces itself, what is the same already is not touched, and a run becomes visible
//! whole or not at all (`commit`).

use crate::{
    collect::Ways,
    error::{Error, Result},
    report::{Report, parquet},
};
use std::collections::BTreeSet;
use store::Store;

mod athena;
mod aws;
mod commit;
mod compact;
mod ddl;
mod folder;
mod night;
mod place;
mod plan;
mod policy;
mod prune;
mod queries;
mod reading;
mod s3;
mod store;

pub use compact::{Compacted, MergedMonth, compact};
pub use ddl::ddl;
pub use night::Night;
pub use policy::policy;
pub use prune::{Pruned, prune};
pub use queries::{LakeQuery, QUERIES};
pub use reading::Reading;

/// Where reports are published to, and how that is reached.
#[derive(Clone, Debug, Default)]
pub struct Destination {
    /// A folder, or `s3://bucket/prefix`.
    pub to: String,
    /// The database of Athena whose tables are made; without it none are.
    pub database: Option<String>,
    /// Whether the database is made too, where it is missing.
    pub create_database: bool,
    /// The workgroup that statements run in; `primary` without it.
    pub workgroup: Option<String>,
    /// Where Athena writes results, where the workgroup does not say it.
    pub output: Option<String>,
    /// How AWS is reached.
    pub ways: Ways,
}

/// What publishing did. Keys are those below the destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Files that are new.
    pub written: Vec<String>,
    /// Files that were there with other bytes.
    pub replaced: Vec<String>,
    /// Files that were there with the same bytes, and were not touched.
    pub unchanged: Vec<String>,
    /// Files that are gone: the run lay elsewhere before.
    pub removed: Vec<String>,
    /// Earlier changes that were not finished, and now are.
    pub recovered: Vec<String>,
    /// Statements that Athena ran.
    pub statements: Vec<String>,
}

impl Destination {
    /// A folder or an address in S3, and nothing else.
    pub fn new(to: &str) -> Self {
        Self { to: to.to_owned(), ..Self::default() }
    }

    /// Whether it can be meant: names and addresses are well formed, and Athena is asked for only where it can read.
    pub fn check(&self) -> Result<()> {
        let address = place::address(&self.to)?;
        let Some(database) = &self.database else {
            return if self.create_database {
                Err(Error::Usage("publish: create_database needs the name of a database".to_owned()))
            } else {
                Ok(())
            };
        };
        if address.is_none() {
            return Err(Error::Usage(format!("publish to {}: Athena reads S3 only; leave the database out, or give s3://…", self.to)));
        }
        let is_plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
        if database.is_empty() || !database.chars().all(is_plain) {
            return Err(Error::Usage(format!("publish: database {database}: write it in a-z, 0-9 and _")));
        }
        match &self.output {
            Some(output) if place::address(output)?.is_none() => {
                Err(Error::Usage(format!("publish: output {output}: write an address like s3://bucket/prefix/")))
            }
            _ => Ok(()),
        }
    }
}

/// Publishes nights, one after the other: each becomes visible whole, or not at all.
///
/// What an earlier publisher left unfinished is finished first. Tables are made before anything becomes visible.
pub fn publish(nights: &[Night], destination: &Destination) -> Result<Published> {
    destination.check()?;
    nights.iter().try_for_each(Night::check)?;
    if let Some(night) = nights.iter().find(|it| destination.database.is_some() && !ddl::shows(&it.day)) {
        return Err(Error::Usage(format!(
            "run {}: its day is {}, and tables show days from {} on",
            night.run_id,
            night.day,
            ddl::FIRST_DAY
        )));
    }
    Store::make(destination)?;
    let store = Store::open(destination, true)?;
    let mut published = Published { recovered: commit::recover(&store)?, ..Published::default() };
    if let Store::S3(s3) = &store {
        published.statements = athena::ensure(&s3.aws, destination)?;
    }
    for night in nights {
        let change = plan::of(&store, night, &mut published)?;
        change.commit(&store)?;
    }
    Ok(published)
}

/// The nights that lie in a folder or below an address: those that `analyze --out` or publishing wrote, by day.
///
/// Months that were merged are not among them.
pub fn nights(from: &Destination) -> Result<Vec<Night>> {
    from.check()?;
    let store = Store::open(from, false)?;
    let mut runs = BTreeSet::new();
    for it in plan::files(&store)? {
        if !it.is_merged() {
            runs.insert((it.day, it.name));
        }
    }
    let of_run = |(day, run_id): (String, String)| {
        let mut files = Vec::new();
        for table in parquet::LAKE {
            let key = place::key(table.name, &day, &run_id);
            match store.get(&key)? {
                Some(bytes) => files.push((table.name, bytes)),
                None => return Err(Error::Usage(format!("{}: {key} is missing: not a whole report", from.to))),
            }
        }
        Ok(Night { day, run_id, files })
    };
    runs.into_iter().map(of_run).collect()
}

impl Night {
    /// A report, under a name of its own.
    pub fn of(report: &Report, run_id: &str) -> Result<Self> {
        Ok(Self { day: report.day(), run_id: run_id.to_owned(), files: parquet::files(report, run_id)? })
    }
}
