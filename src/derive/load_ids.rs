//! Loads and the tries that ran them, by the ids that logs show.
//!
//! An id that a log shows is compared with the ids of one space: what asks STL views with STL ids, what asks SYS views with SYS
//! ids. Where the text does not say which (`pg_last_copy_id()`, the block under an error), either will do, but then one load alone
//! may have it: that such an id is an STL id on a provisioned cluster is likely, and not told. The load must have begun while the
//! try ran and before the id was shown. A load that two tries lay claim to stays without a name.

use crate::{
    logs::{
        facts::{TaskKey, key_of},
        load_ids::{IdOf, LoadId},
    },
    tables::{TaskRef, loads::Load, queries::Query},
    units::SECOND,
};
use std::collections::{BTreeMap, BTreeSet};

/// The clocks of a worker and of Redshift differ by at most this much.
const CLOCKS: i64 = 2 * SECOND;

/// A statement's id within its id space.
type Id<'a> = (&'a str, &'a str);

/// The loads by everything that they may be known by: places in the list.
#[derive(Default)]
struct Index<'a> {
    statements: BTreeMap<Id<'a>, BTreeSet<usize>>,
    transactions: BTreeMap<&'a str, BTreeSet<usize>>,
    data_api: BTreeMap<&'a str, BTreeSet<usize>>,
}

/// The tries that lay claim to a load.
type Claims<'a> = BTreeMap<(TaskKey, Option<i64>), &'a TaskRef>;

/// Names the try of every load whose id stands in the log of one try alone.
pub(super) fn name_tasks(loads: &mut [Load], queries: &[Query], shown: &[LoadId]) {
    for (place, tasks) in claims(loads, queries, shown) {
        if let (1, Some(task), Some(load)) = (tasks.len(), tasks.values().next(), loads.get_mut(place)) {
            load.name_task(task);
        }
    }
}

fn claims<'a>(loads: &[Load], queries: &[Query], shown: &'a [LoadId]) -> BTreeMap<usize, Claims<'a>> {
    let index = Index::of(loads, queries);
    let mut claims: BTreeMap<usize, Claims<'a>> = BTreeMap::new();
    for told in shown {
        for place in index.meant(told, loads) {
            claims.entry(place).or_default().insert((key_of(&told.task), told.task.try_number), &told.task);
        }
    }
    claims
}

impl<'a> Index<'a> {
    fn of(loads: &'a [Load], queries: &'a [Query]) -> Self {
        let mut index = Self::default();
        for (place, load) in loads.iter().enumerate() {
            let ids = [(load.system.as_deref(), load.query_id.as_deref()), (Some("stl"), load.same_as.as_deref())];
            for id in ids.into_iter().filter_map(|(system, id)| Some((system?, id?))) {
                index.statements.entry(id).or_default().insert(place);
            }
            if let Some(transaction) = load.transaction_id.as_deref() {
                index.transactions.entry(transaction).or_default().insert(place);
            }
        }
        for query in queries {
            let (Some(statement), Some(id)) = (query.statement_id.as_deref(), query.system.as_deref().zip(query.query_id.as_deref()))
            else {
                continue;
            };
            // The statements of a batch are numbered behind its id.
            let batch = statement.split(':').next().unwrap_or(statement);
            let places = index.statements.get(&id).cloned().unwrap_or_default();
            index.data_api.entry(batch).or_default().extend(places);
        }
        index
    }

    /// The loads that a log means by what it shows.
    fn meant(&self, told: &LoadId, loads: &[Load]) -> BTreeSet<usize> {
        let with = |system: &str, id: &str| self.statements.get(&(system, id)).cloned().unwrap_or_default();
        let of = |id: &String| match told.of {
            IdOf::Sys => with("sys", id),
            IdOf::Stl => with("stl", id),
            IdOf::Statement | IdOf::FailedStatement => &with("sys", id) | &with("stl", id),
            IdOf::Transaction | IdOf::Cycle => self.transactions.get(id.as_str()).cloned().unwrap_or_default(),
            IdOf::DataApi => self.data_api.get(id.as_str()).cloned().unwrap_or_default(),
        };
        let failed = matches!(told.of, IdOf::FailedStatement | IdOf::Cycle);
        let fits = |place: &usize| loads.get(*place).is_some_and(|it| ran_within(it, told) && (!failed || has_failed(it)));
        let meant: BTreeSet<usize> = told.ids.iter().flat_map(of).filter(fits).collect();
        let sessions: BTreeSet<_> = meant.iter().filter_map(|it| loads.get(*it)?.transaction_id.as_ref()).collect();
        let certain = match told.of {
            // A transaction is one session: whoever ran one of its loads ran them all.
            IdOf::Transaction | IdOf::Cycle => sessions.len() == 1,
            IdOf::DataApi => true,
            IdOf::Sys | IdOf::Stl | IdOf::Statement | IdOf::FailedStatement => meant.len() == 1,
        };
        if certain { meant } else { BTreeSet::new() }
    }
}

/// Whether a load began while the try ran, before its log showed the id.
fn ran_within(load: &Load, told: &LoadId) -> bool {
    match (load.start_time, told.started_at, told.shown_at) {
        (Some(start), Some(from), Some(to)) => (from.0 - CLOCKS..=to.0 + CLOCKS).contains(&start.0),
        _ => false,
    }
}

fn has_failed(load: &Load) -> bool {
    load.status.as_deref().is_some_and(|it| !matches!(it, "completed" | "success"))
}
