//! COPY statements put together: the load history, the statement's own text, the files it read, and their STL twins.
//!
//! By what they are joined stands in the table of `derive`. Ids of different spaces are never compared.

use super::statement::{Statement, unescaped};
use crate::{
    tables::{
        load_files::{LoadFile, count_files},
        loads::Load,
        queries::Query,
    },
    units::{Moment, SECOND},
    warehouse::Warehouse,
};
use std::collections::{BTreeMap, BTreeSet};

/// The SYS and the STL record of one statement start at most this far apart.
const SAME_START: i64 = 2 * SECOND;

/// Statements of one transaction that are this far apart are not the same.
const SAME_STATEMENT: i64 = 60 * SECOND;

/// A statement's id within its id space.
type Id = (String, String);

/// Fills `warehouse.loads`, and gives the SYS twin of each STL statement.
pub(super) fn settle(warehouse: &mut Warehouse) -> BTreeMap<String, String> {
    complete_texts(warehouse);
    let statements = statements(&warehouse.queries);
    let twins = twins(&warehouse.queries, &statements);
    join_views(&mut warehouse.load_files.rows);
    let files = files_of(&warehouse.load_files.rows);
    add_unlisted(&mut warehouse.loads, &warehouse.queries, &statements, &twins, &files);
    let by_id: BTreeMap<Id, &Query> =
        warehouse.queries.iter().filter_map(|it| Some((id(it.system.as_ref(), it.query_id.as_ref())?, it))).collect();
    let of_sys: BTreeMap<&String, &String> = twins.iter().map(|(stl, sys)| (sys, stl)).collect();
    for load in &mut warehouse.loads {
        let Some(id) = id(load.system.as_ref(), load.query_id.as_ref()) else { continue };
        if let Some(query) = by_id.get(&id) {
            fill_from_query(load, query);
        }
        load.same_as = of_sys.get(&id.1).filter(|_| id.0 == "sys").map(|it| (*it).clone());
        fill_from_files(load, files.get(&id).map(Vec::as_slice).unwrap_or_default());
        fill_from_statement(load, statements.get(&id));
    }
    let unnamed: BTreeSet<String> = twins.keys().cloned().collect();
    warehouse.loads.retain(|it| it.system.as_deref() != Some("stl") || it.query_id.as_ref().is_none_or(|id| !unnamed.contains(id)));
    twins
}

/// A task logs its COPY at most this long before Redshift starts it, and hardly after.
const LOGGED_BEFORE: i64 = 600 * SECOND;

/// The task whose log shows the COPY, by place, table and time; not of loads that an id has named.
pub(super) fn name_tasks(loads: &mut [Load], logged: &[Load]) {
    let mut by_place: BTreeMap<(Option<String>, Option<String>), Vec<&Load>> = BTreeMap::new();
    for run in logged {
        by_place.entry((run.data_source.clone(), run.table_name.clone())).or_default().push(run);
    }
    for load in loads.iter_mut().filter(|it| it.task_id.is_none()) {
        let Some(start) = load.start_time else { continue };
        let gap = |it: &Load| it.start_time.map(|at| start.0 - at.0).filter(|it| (-SAME_START..=LOGGED_BEFORE).contains(it));
        let ran = by_place.get(&(load.data_source.clone(), load.table_name.clone())).into_iter().flatten();
        if let Some((_, run)) = ran.filter_map(|it| Some((gap(it)?.abs(), it))).min_by_key(|it| it.0) {
            load.name_task(&run.task());
        }
    }
}

fn id(system: Option<&String>, query_id: Option<&String>) -> Option<Id> {
    Some((system?.clone(), query_id?.clone()))
}

/// Long statements are put together from their pieces, and all are freed of Redshift's escapes.
fn complete_texts(warehouse: &mut Warehouse) {
    let mut pieces: BTreeMap<Id, BTreeMap<i64, &str>> = BTreeMap::new();
    for piece in &warehouse.texts {
        if let (Some(id), Some(text)) = (id(piece.system.as_ref(), piece.query_id.as_ref()), &piece.text) {
            pieces.entry(id).or_default().insert(piece.sequence.unwrap_or(0), text);
        }
    }
    for query in warehouse.queries.iter_mut().filter(|it| it.engine.as_deref() != Some("athena")) {
        let whole = id(query.system.as_ref(), query.query_id.as_ref())
            .and_then(|it| pieces.get(&it))
            .map(|it| it.values().copied().collect::<String>());
        let longer = whole.filter(|it| query.query_text.as_ref().is_none_or(|known| it.len() > known.len()));
        query.query_text = longer.or_else(|| query.query_text.take()).map(|it| unescaped(&it));
    }
}

fn statements(queries: &[Query]) -> BTreeMap<Id, Statement> {
    let of = |it: &Query| Some((id(it.system.as_ref(), it.query_id.as_ref())?, Statement::read(it.query_text.as_deref()?)?));
    queries.iter().filter_map(of).filter(|it| it.1.verb == "COPY").collect()
}

/// The SYS twin of each STL statement that loads.
fn twins(queries: &[Query], statements: &BTreeMap<Id, Statement>) -> BTreeMap<String, String> {
    let loads = |system: &'static str| {
        queries.iter().filter(move |it| it.system.as_deref() == Some(system)).filter_map(|it| {
            let statement = statements.get(&id(it.system.as_ref(), it.query_id.as_ref())?)?;
            Some((it, statement))
        })
    };
    let mut by_table: BTreeMap<(&Option<String>, &Option<String>), Vec<(&Query, &Statement)>> = BTreeMap::new();
    for (query, statement) in loads("sys") {
        by_table.entry((&statement.schema, &statement.table)).or_default().push((query, statement));
    }
    let mut twins = BTreeMap::new();
    let mut taken: BTreeSet<&String> = BTreeSet::new();
    for (stl, statement) in loads("stl") {
        let candidates = by_table.get(&(&statement.schema, &statement.table)).into_iter().flatten();
        let gap = |it: &Query| Some((it.start_time?.0 - stl.start_time?.0).abs());
        let fits = |(sys, other): &&(&Query, &Statement)| match (&stl.transaction_id, &sys.transaction_id) {
            (Some(one), Some(other)) => one == other && gap(sys).is_none_or(|it| it <= SAME_STATEMENT),
            _ => statement.place == other.place && gap(sys).is_some_and(|it| it <= SAME_START),
        };
        let free = candidates.filter(fits).filter(|it| it.0.query_id.as_ref().is_some_and(|id| !taken.contains(id)));
        if let Some((sys, _)) = free.min_by_key(|it| gap(it.0).unwrap_or(i64::MAX))
            && let (Some(stl_id), Some(sys_id)) = (&stl.query_id, &sys.query_id)
        {
            taken.insert(sys_id);
            twins.insert(stl_id.clone(), sys_id.clone());
        }
    }
    twins
}

/// The STL views that tell of the same range of the same file are one row.
fn join_views(files: &mut Vec<LoadFile>) {
    let is_scan = |it: &LoadFile| it.view.as_deref() == Some("stl_file_scan");
    let told: BTreeSet<Option<String>> =
        files.iter().filter(|it| it.system.as_deref() == Some("stl") && !is_scan(it)).map(|it| it.query_id.clone()).collect();
    // STL_FILE_SCAN cuts names at 90 characters: its rows count only where no other view tells.
    files.retain(|it| !is_scan(it) || !told.contains(&it.query_id));
    let mut at: BTreeMap<(Option<String>, Option<String>, Option<i64>), usize> = BTreeMap::new();
    let mut joined: Vec<LoadFile> = Vec::with_capacity(files.len());
    for file in files.drain(..) {
        if file.system.as_deref() != Some("stl") {
            joined.push(file);
            continue;
        }
        let next = joined.len();
        let place = *at.entry((file.query_id.clone(), file.file_name.clone(), file.start_offset)).or_insert(next);
        match joined.get_mut(place) {
            Some(first) => first.fill_from(&file),
            None => joined.push(file),
        }
    }
    *files = joined;
}

fn files_of(files: &[LoadFile]) -> BTreeMap<Id, Vec<&LoadFile>> {
    let mut of: BTreeMap<Id, Vec<&LoadFile>> = BTreeMap::new();
    for file in files {
        if let Some(id) = id(file.system.as_ref(), file.query_id.as_ref()) {
            of.entry(id).or_default().push(file);
        }
    }
    of
}

/// Loads that only their statement and their files tell of.
fn add_unlisted(
    loads: &mut Vec<Load>,
    queries: &[Query],
    statements: &BTreeMap<Id, Statement>,
    twins: &BTreeMap<String, String>,
    files: &BTreeMap<Id, Vec<&LoadFile>>,
) {
    let told: BTreeSet<Id> = queries.iter().filter_map(|it| id(it.system.as_ref(), it.query_id.as_ref())).collect();
    let known: BTreeSet<Id> = loads.iter().filter_map(|it| id(it.system.as_ref(), it.query_id.as_ref())).collect();
    let is_new = |it: &Id| !known.contains(it) && (it.0 != "stl" || !twins.contains_key(&it.1));
    for (id, of_load) in files.iter().filter(|it| is_new(it.0)) {
        let Some(first) = of_load.first() else { continue };
        // A statement that is known and no COPY reads files for another purpose.
        if told.contains(id) && !statements.contains_key(id) {
            continue;
        }
        loads.push(Load { system: Some(id.0.clone()), query_id: Some(id.1.clone()), origin: first.origin.clone(), ..Load::default() });
    }
}

fn fill_from_query(load: &mut Load, query: &Query) {
    let fill = |mine: &mut Option<String>, theirs: &Option<String>| {
        if mine.is_none() {
            mine.clone_from(theirs);
        }
    };
    fill(&mut load.transaction_id, &query.transaction_id);
    fill(&mut load.database_name, &query.database_name);
    fill(&mut load.query_text, &query.query_text);
    fill(&mut load.user_id, &query.user_id);
    fill(&mut load.compute_type, &query.compute_type);
    if load.status.is_none() {
        load.status = query.status.as_deref().map(|it| if it == "success" { "completed".to_owned() } else { it.to_owned() });
    }
    load.start_time = load.start_time.or(query.start_time);
    load.end_time = load.end_time.or(query.end_time);
    load.duration_ms = load.duration_ms.or(query.elapsed_ms).or_else(|| between(load.start_time?, load.end_time?));
}

fn between(from: Moment, to: Moment) -> Option<i64> {
    (to >= from).then(|| to.millis() - from.millis())
}

fn fill_from_files(load: &mut Load, files: &[&LoadFile]) {
    if files.is_empty() {
        return;
    }
    let named = || files.iter().filter_map(|it| Some((it.file_name.as_deref()?, it.files)));
    load.source_file_count = load.source_file_count.or_else(|| Some(count_files(named())));
    let sizes = files.iter().map(|it| Some(it.transfer_bytes.or(it.bytes_scanned)?.saturating_mul(it.files.unwrap_or(1))));
    load.source_file_bytes = load.source_file_bytes.or(load.scanned_file_bytes).or_else(|| sizes.sum::<Option<i64>>());
    let first = |read: fn(&LoadFile) -> Option<String>| files.iter().find_map(|it| read(it));
    load.copy_job_id = load.copy_job_id.take().or_else(|| first(|it| it.copy_job_id.clone()));
    load.file_format = load.file_format.take().or_else(|| first(|it| it.file_format.clone()));
    let from = files.iter().filter_map(|it| it.start_time).min();
    let to = files.iter().filter_map(|it| it.end_time()).max();
    load.start_time = load.start_time.or(from);
    load.end_time = load.end_time.or(to);
    load.duration_ms = load.duration_ms.or_else(|| between(from?, to?));
    load.compression = load.compression.take().or_else(|| compression_of_files(files).map(ToOwned::to_owned));
}

/// The compression that the files themselves tell: by the ends of their names, or because they grew when unpacked.
fn compression_of_files(files: &[&LoadFile]) -> Option<&'static str> {
    let mut told = files.iter().filter_map(|it| compression_of_name(it.file_name.as_deref()?));
    let first = told.next()?;
    told.all(|it| it == first).then_some(first)
}

fn compression_of_name(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "gz" | "gzip" => "gzip",
        "bz2" => "bzip2",
        "zst" | "zstd" => "zstd",
        "lzo" => "lzop",
        _ => return None,
    })
}

/// What the text says, and whether Redshift can split the files.
fn fill_from_statement(load: &mut Load, statement: Option<&Statement>) {
    if let Some(said) = statement {
        load.schema_name = load.schema_name.take().or_else(|| said.schema.clone());
        load.table_name = load.table_name.take().or_else(|| said.table.clone());
        load.data_source = load.data_source.take().or_else(|| said.place.clone());
        // STL says only Text: the statement knows better.
        let vague = load.file_format.as_deref().is_none_or(|it| it == "text");
        if vague {
            load.file_format = said.format.or(load.file_format.as_ref().map(|_| "txt")).map(ToOwned::to_owned);
        }
        if let Some(compression) = said.compression {
            load.compression = Some(compression.to_owned());
        } else if !said.cut {
            load.compression = Some("none".to_owned());
        }
        load.copy_options = (!said.options.is_empty()).then(|| said.options.join(","));
    }
    let from_name = || load.data_source.as_deref().and_then(compression_of_name).map(ToOwned::to_owned);
    load.compression = load.compression.take().or_else(from_name);
    load.splittable = splittable(load);
}

fn splittable(load: &Load) -> Option<bool> {
    let bars = |it: &str| matches!(it, "ESCAPE" | "REMOVEQUOTES" | "FIXEDWIDTH");
    match load.file_format.as_deref()? {
        "parquet" | "orc" => Some(true),
        "csv" | "txt" | "text" | "delimited" => match load.compression.as_deref() {
            Some("none" | "bzip2") => Some(!load.copy_options.as_deref().is_some_and(|it| it.split(',').any(bars))),
            Some(_) => Some(false),
            None => None,
        },
        _ => Some(false),
    }
}
