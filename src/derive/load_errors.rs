//! Rejected values told once: SYS and STL rows of the same value are joined, details lend the value, loads lend the table.

use super::statement::Statement;
use crate::{
    tables::{TaskRef, load_errors::LoadError},
    units::{Moment, SECOND},
    warehouse::Warehouse,
};
use std::collections::{BTreeMap, BTreeSet};

/// File, line and column: what makes two rows of one load the same value.
type Place = (Option<String>, Option<i64>, Option<String>);

/// Settles `warehouse.load_errors`; `twins` gives the SYS id of STL statements.
pub(super) fn settle(warehouse: &mut Warehouse, twins: &BTreeMap<String, String>) {
    lend_values(&mut warehouse.load_errors);
    for error in &mut warehouse.load_errors {
        if let Some(sys) = error.query_id.as_ref().filter(|_| error.system.as_deref() == Some("stl")).and_then(|it| twins.get(it)) {
            error.query_id = Some(sys.clone());
            error.system = Some("sys".to_owned());
        }
    }
    join_twins(&mut warehouse.load_errors);
    name_tables(warehouse);
    name_tasks(warehouse);
}

/// `STL_LOADERROR_DETAIL` holds every column up to the failing one: the value of that one goes to its error.
fn lend_values(errors: &mut Vec<LoadError>) {
    let is_detail = |it: &LoadError| it.view.as_deref() == Some("stl_loaderror_detail");
    let (details, mut told): (Vec<LoadError>, Vec<LoadError>) = errors.drain(..).partition(is_detail);
    let line_of = |it: &LoadError| (it.query_id.clone(), it.file_name.clone(), it.line_number);
    let mut values: BTreeMap<_, Vec<LoadError>> = BTreeMap::new();
    for detail in details {
        values.entry(line_of(&detail)).or_default().push(detail);
    }
    let mut used = BTreeSet::new();
    for error in told.iter_mut().filter(|it| it.system.as_deref() == Some("stl")) {
        let line = line_of(error);
        if let Some(known) = values.get(&line) {
            let value = known.iter().find(|it| it.column_name == error.column_name);
            error.raw_value = error.raw_value.take().or_else(|| value?.raw_value.clone());
            used.insert(line);
        }
    }
    // Without the error itself, the last column of a line is the one that failed.
    told.extend(values.into_iter().filter(|it| !used.contains(&it.0)).filter_map(|it| it.1.into_iter().last()));
    *errors = told;
}

/// Rows of both systems about one load: SYS counts, STL lends the line and the value.
fn join_twins(errors: &mut Vec<LoadError>) {
    let place = |it: &LoadError| -> Place { (it.file_name.clone(), it.line_number, it.column_name.clone()) };
    let is_sys = |it: &LoadError| it.view.as_deref() == Some("sys_load_error_detail");
    let counted: BTreeSet<Option<String>> = errors.iter().filter(|it| is_sys(it)).map(|it| it.query_id.clone()).collect();
    let (lending, mut kept): (Vec<LoadError>, Vec<LoadError>) =
        errors.drain(..).partition(|it| !is_sys(it) && it.system.as_deref() == Some("sys") && counted.contains(&it.query_id));
    let lent: BTreeMap<(Option<String>, Place), LoadError> =
        lending.into_iter().map(|it| ((it.query_id.clone(), place(&it)), it)).collect();
    for error in &mut kept {
        if let Some(from) = lent.get(&(error.query_id.clone(), place(error))) {
            error.fill_from(from);
        }
    }
    *errors = kept;
}

/// A task notices that its COPY failed at most this long after the COPY began.
const NOTICED_WITHIN: i64 = 3_600 * SECOND;

/// Loads that logs saw fail: their task goes to the error rows of the same table and hour that no load has named; without any,
/// they stand for themselves.
pub(super) fn join_logs(warehouse: &mut Warehouse, failed: &[LoadError]) {
    let mut unmatched: Vec<LoadError> = Vec::new();
    for told in failed {
        let near = |at: Option<Moment>| match (at, told.event_time) {
            (Some(began), Some(noticed)) => (0..=NOTICED_WITHIN).contains(&(noticed.0 - began.0)),
            _ => false,
        };
        let table = |it: &LoadError| it.table_name.is_some() && it.table_name == told.table_name;
        let open = |it: &LoadError| it.task_id.is_none() || it.task() == told.task();
        let mut known = false;
        for error in warehouse.load_errors.iter_mut().filter(|it| table(it) && near(it.event_time) && open(it)) {
            error.name_task(&told.task());
            known = true;
        }
        let again = unmatched
            .iter()
            .any(|it| it.event_time == told.event_time && it.error_message == told.error_message && it.task() == told.task());
        if known || again {
            continue;
        }
        let query = warehouse.queries.iter().find(|it| {
            let same = it.error_message.as_ref().zip(told.error_message.as_ref()).is_some_and(|(one, other)| one.contains(other.as_str()));
            same && near(it.start_time)
        });
        let (system, query_id) = query.map(|it| (it.system.clone(), it.query_id.clone())).unwrap_or_default();
        unmatched.push(LoadError { system, query_id, ..told.clone() });
    }
    warehouse.load_errors.extend(unmatched);
}

/// The try that ran a load met its errors.
fn name_tasks(warehouse: &mut Warehouse) {
    let ran = warehouse.loads.iter().filter(|it| it.query_id.is_some() && it.task_id.is_some());
    let ran: BTreeMap<_, TaskRef> = ran.map(|it| ((it.system.clone(), it.query_id.clone()), it.task())).collect();
    for error in &mut warehouse.load_errors {
        if let Some(task) = ran.get(&(error.system.clone(), error.query_id.clone())) {
            error.name_task(task);
        }
    }
}

fn name_tables(warehouse: &mut Warehouse) {
    let mut names: BTreeMap<(Option<String>, Option<String>), (Option<String>, Option<String>)> = BTreeMap::new();
    for query in &warehouse.queries {
        if let Some(said) = query.query_text.as_deref().and_then(Statement::read) {
            names.insert((query.system.clone(), query.query_id.clone()), (said.schema, said.table));
        }
    }
    for load in &warehouse.loads {
        names.insert((load.system.clone(), load.query_id.clone()), (load.schema_name.clone(), load.table_name.clone()));
    }
    let by_number: BTreeMap<&String, (&Option<String>, &Option<String>)> =
        warehouse.table_stats.iter().filter_map(|it| Some((it.table_id.as_ref()?, (&it.schema_name, &it.table_name)))).collect();
    for error in &mut warehouse.load_errors {
        if let Some((schema, table)) = names.get(&(error.system.clone(), error.query_id.clone())) {
            error.schema_name = error.schema_name.take().or_else(|| schema.clone());
            error.table_name = error.table_name.take().or_else(|| table.clone());
        }
        if let Some((schema, table)) = error.table_id.as_ref().and_then(|it| by_number.get(it)) {
            error.schema_name = error.schema_name.take().or_else(|| (*schema).clone());
            error.table_name = error.table_name.take().or_else(|| (*table).clone());
        }
    }
}
