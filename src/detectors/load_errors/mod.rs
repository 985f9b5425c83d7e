//! COPY failed, or rows were rejected or silently absorbed.
//!
//! ## What it looks for
//! Values that a COPY could not load, from `SYS_LOAD_ERROR_DETAIL`, `STL_LOAD_ERRORS` and `STL_LOADERROR_DETAIL` (the same value in
//! several of them counts once), grouped by table, column and error code; where there is no code, by the message without its
//! values. Rows of loads that completed all the same were absorbed by MAXERROR: they are missing from the table. Loads that report
//! rejected rows without any detail, and failed COPYs that point to the error tables, in the query history or in the log of a task,
//! are reported too; where both tell, the task that ran the load is named.
//!
//! ## Why it matters
//! A load that fails is seen by somebody. A load that completes without some of its rows is not: the numbers downstream are wrong,
//! and Redshift keeps the rejected lines for a few days only.
//!
//! ## What to do
//! Fix what writes the file, or the column, by the error code; load the rejected lines again; then set MAXERROR to 0 or to a number
//! that somebody has agreed to lose, and alert on `error_count > 0`.
//!
//! ## When it is wrong
//! Redshift notes a limited number of errors per slice: rows may be more than counted. A failed load that was fixed and repeated
//! has done no harm. A regular user sees only the errors of his own loads.

use super::{Answer, Context, Detector, rung};
use crate::{
    copies::{self, Copy},
    error::Result,
    finding::Severity,
    settings::Limit,
    stats,
    tables::{
        load_errors::{self, LoadError},
        loads, queries, rows,
    },
};
use queries::Query;
use std::collections::{BTreeMap, BTreeSet};

mod claim;
mod codes;

pub(super) static DETECTOR: Detector = Detector {
    id: "load-errors",
    version: 1,
    title: "COPY failed, or rows were rejected or silently absorbed",
    needs: "SYS_LOAD_ERROR_DETAIL, STL_LOAD_ERRORS or STL_LOADERROR_DETAIL; SYS_LOAD_HISTORY; failed COPYs in the query history",
    fails: true,
    reads: &[&load_errors::TABLE, &loads::TABLE, &queries::TABLE],
    limits: &[&HIGH_ROWS, &CRITICAL_ROWS],
    text: include_str!("mod.rs"),
    detect,
};

static HIGH_ROWS: Limit = Limit {
    name: "high_rows",
    default: 1.0,
    meaning: "absorbed rows from which on it is high",
    source: "a row that is missing without a word is worse than a load that fails; our choice",
};
static CRITICAL_ROWS: Limit =
    Limit { name: "critical_rows", default: 100_000.0, meaning: "absorbed rows from which on it is critical", source: "our choice" };

/// Table, column, and error code or message template.
type Key = [String; 3];

/// One rejected value, or one load that tells of rejected rows without any.
#[derive(Debug)]
struct Rejected {
    error: LoadError,
    rows: f64,
    /// Whether the load completed without them; `None` when nothing tells how it ended.
    absorbed: Option<bool>,
}

fn detect(cx: &Context<'_>) -> Result<Answer> {
    let evidence = [&load_errors::TABLE, &loads::TABLE, &queries::TABLE];
    if evidence.iter().all(|it| cx.evidence.rows(it) == 0) {
        return Ok(Answer::NotAssessed(
            "no load, load error or statement of Redshift was read, and no log tells of a COPY that failed".to_owned(),
        ));
    }
    let copies = copies::read(cx.evidence)?;
    let ended: BTreeMap<(&str, &str), &Copy> =
        copies.iter().filter_map(|it| Some(((it.load.system.as_deref()?, it.load.query_id.as_deref()?), it))).collect();
    let load_of = |it: &LoadError| ended.get(&(it.system.as_deref()?, it.query_id.as_deref()?)).copied();
    let collected = cx.table(&load_errors::TABLE).collect()?;
    let mut rejected: Vec<Rejected> = Vec::new();
    for error in rows(&collected).map(LoadError::read).filter(|it| cx.settings.in_window(it.event_time)) {
        if error.view.as_deref() == Some("log") {
            rejected.push(Rejected { error, rows: 0.0, absorbed: Some(false) });
            continue;
        }
        let absorbed = load_of(&error).and_then(|it| it.load.status.as_ref().map(|_| it.completed()));
        rejected.push(Rejected { error, rows: 1.0, absorbed });
    }
    let detailed: BTreeSet<Option<String>> = rejected.iter().map(|it| it.error.query_id.clone()).collect();
    for copy in copies.iter().filter(|it| !detailed.contains(&it.load.query_id) && cx.settings.in_window(it.load.start_time)) {
        rejected.extend(without_detail(copy));
    }
    let collected = cx.table(&queries::TABLE).collect()?;
    for query in rows(&collected).map(Query::read).filter(|it| !detailed.contains(&it.query_id) && cx.settings.in_window(it.start_time)) {
        rejected.extend(failed(&query));
    }
    let mut groups: BTreeMap<Key, Vec<Rejected>> = BTreeMap::new();
    for it in rejected {
        groups.entry(key_of(&it.error)).or_default().push(it);
    }
    let findings = groups.iter().map(|(key, rejected)| claim::finding(key, rejected, severity(cx, rejected))).collect();
    Ok(Answer::Findings(findings))
}

fn key_of(error: &LoadError) -> Key {
    let table = [error.schema_name.as_deref(), error.table_name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(".");
    let table = if table.is_empty() { error.table_id.clone().unwrap_or_default() } else { table };
    let template = || error.error_message.as_deref().map(codes::template).unwrap_or_default();
    [table, error.column_name.clone().unwrap_or_default(), error.error_code.clone().unwrap_or_else(template)]
}

/// A load that completed and counts rejected rows that no error row tells of.
fn without_detail(copy: &Copy) -> Option<Rejected> {
    let rows = copy.load.error_count.filter(|it| *it > 0 && copy.completed())?;
    let load = &copy.load;
    let mut error = LoadError {
        system: load.system.clone(),
        query_id: load.query_id.clone(),
        schema_name: load.schema_name.clone(),
        table_name: load.table_name.clone(),
        file_name: load.data_source.clone(),
        error_message: Some("rows rejected, without any detail".to_owned()),
        event_time: load.start_time,
        origin: load.origin.clone(),
        ..LoadError::default()
    };
    error.name_task(&load.task());
    Some(Rejected { error, rows: stats::amount(rows), absorbed: Some(true) })
}

/// A COPY that failed and points to the error tables, of which none was brought.
fn failed(query: &Query) -> Option<Rejected> {
    let message = query.error_message.as_deref()?;
    if !codes::points_to_error_tables(message) {
        return None;
    }
    Some(Rejected {
        error: LoadError {
            system: query.system.clone(),
            query_id: query.query_id.clone(),
            table_name: codes::table_in(message),
            error_message: Some(message.to_owned()),
            event_time: query.start_time,
            origin: query.origin.clone(),
            ..LoadError::default()
        },
        rows: 0.0,
        absorbed: Some(false),
    })
}

/// Absorbed rows weigh more than a load that failed: nobody saw them go.
fn severity(cx: &Context<'_>, rejected: &[Rejected]) -> Severity {
    let absorbed: f64 = rejected.iter().filter(|it| it.absorbed == Some(true)).map(|it| it.rows).sum();
    let ladder = [(Severity::High, cx.limit(&HIGH_ROWS)), (Severity::Critical, cx.limit(&CRITICAL_ROWS))];
    rung(absorbed, &ladder).filter(|_| absorbed > 0.0).unwrap_or(Severity::Medium)
}
