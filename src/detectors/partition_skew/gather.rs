//! What is dealt out, from every table that tells of it.

use super::{MIN_SECONDS, Unit};
use crate::{
    copies::{self, Copy, Slices},
    detectors::Context,
    error::Result,
    stats::{amount, real},
    tables::{
        Origin, TaskRef,
        load_slices::{self, LoadSlice},
        loads::{self as load_table, Load},
        mapped,
        objects::{self, Object},
        queries::{self, Query},
        rows,
        steps::{self, Step},
        table_stats::{self, TableStats},
    },
    units::Moment,
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Parts that should be about equal.
#[derive(Debug)]
pub(super) struct Pile {
    pub(super) scope: &'static str,
    /// What is dealt out: a location, a table, a query, a task.
    pub(super) subject: (&'static str, String),
    pub(super) table: Option<String>,
    pub(super) unit: Unit,
    /// Name and amount, in the order of the names.
    pub(super) parts: Vec<(String, f64)>,
    /// Whether the names follow in time.
    pub(super) is_ordered: bool,
    pub(super) from: Option<Moment>,
    pub(super) to: Option<Moment>,
    pub(super) instances: Vec<Map<String, Value>>,
    pub(super) origin: Origin,
}

/// Something whose skew Redshift itself has rated.
#[derive(Debug)]
pub(super) struct Rated {
    pub(super) scope: &'static str,
    pub(super) subject: (&'static str, String),
    pub(super) table: Option<String>,
    pub(super) unit: Unit,
    pub(super) ratio: f64,
    /// Size of the table in bytes, or duration of the steps in milliseconds.
    pub(super) amount: f64,
    pub(super) facts: Vec<(&'static str, Value)>,
    pub(super) instances: Vec<Map<String, Value>>,
    pub(super) from: Option<Moment>,
    pub(super) to: Option<Moment>,
    pub(super) origin: Origin,
    pub(super) excerpt: String,
    /// DISTSTYLE of the table.
    pub(super) diststyle: Option<String>,
}

/// Every pile.
pub(super) fn piles(cx: &Context<'_>) -> Result<Vec<Pile>> {
    let mut piles = partitions(cx);
    piles.extend(loads(cx)?);
    piles.extend(running_loads(cx)?);
    piles.extend(stages(cx)?);
    piles.extend(mapped_tasks(cx)?);
    Ok(piles)
}

/// Everything that Redshift has rated.
pub(super) fn rated(cx: &Context<'_>) -> Result<Vec<Rated>> {
    let mut rated = table_slices(cx)?;
    rated.extend(query_steps(cx)?);
    Ok(rated)
}

fn partitions(cx: &Context<'_>) -> Vec<Pile> {
    let Some(frame) = cx.evidence.frame(&objects::TABLE) else { return Vec::new() };
    let mut locations: BTreeMap<String, Pile> = BTreeMap::new();
    let mut sums: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for object in rows(frame).map(Object::read).filter(|it| it.role.as_deref() == Some("data")) {
        let (Some(location), Some(partition), Some(size)) = (object.location, object.partition, object.size_bytes) else { continue };
        *sums.entry(location.clone()).or_default().entry(partition).or_default() += amount(size) * object.objects.map_or(1.0, amount);
        let pile = locations.entry(location.clone()).or_insert_with(|| Pile {
            scope: "s3-partitions",
            table: location.trim_end_matches('/').rsplit('/').next().map(ToOwned::to_owned),
            subject: ("location", location),
            unit: Unit::Bytes,
            parts: Vec::new(),
            is_ordered: false,
            from: None,
            to: None,
            instances: Vec::new(),
            origin: object.origin,
        });
        pile.from = pile.from.into_iter().chain(object.last_modified).min();
        pile.to = pile.to.max(object.last_modified);
    }
    for (location, parts) in sums {
        if let Some(pile) = locations.get_mut(&location) {
            pile.is_ordered = parts.keys().all(|it| follows_in_time(it));
            pile.parts = parts.into_iter().collect();
        }
    }
    locations.into_values().collect()
}

/// Whether a partition is one day, hour or month: `dt=2026-08-14`, `2026/08/14`. What is parted again by another key is not.
fn follows_in_time(partition: &str) -> bool {
    let value = partition.split_once('=').map_or(partition, |it| it.1);
    let digits = value.chars().filter(char::is_ascii_digit).count();
    digits >= 6 && value.chars().all(|it| it.is_ascii_digit() || matches!(it, '-' | '_' | '/' | 'T' | ':'))
}

/// Loads with enough units whose files differ so much that a slice with a large one is late. Too few units are another finding.
fn loads(cx: &Context<'_>) -> Result<Vec<Pile>> {
    let copies = copies::read(cx.evidence)?;
    let slices = copies::slices(cx.evidence, &copies)?;
    let mut piles: BTreeMap<(String, String), Pile> = BTreeMap::new();
    for copy in copies.iter().filter(|it| it.completed() && it.seconds().is_some_and(|it| it >= cx.limit(&MIN_SECONDS))) {
        let Some(by_slice) = uneven(copy, &slices) else { continue };
        let instance = instance_of(copy.load.query_id.as_ref(), copy.load.start_time);
        let pile = piles.entry((copy.table(), copy.prefix())).or_insert_with(|| Pile {
            scope: "copy-slices",
            subject: ("table", copy.table()),
            table: copy.load.table_name.clone(),
            unit: Unit::Bytes,
            parts: by_slice.iter().map(|it| (format!("slice {}", it.0), *it.1)).collect(),
            is_ordered: false,
            from: copy.load.start_time,
            to: None,
            instances: Vec::new(),
            origin: copy.load.origin.clone(),
        });
        pile.to = pile.to.max(copy.load.start_time);
        pile.instances.push(instance);
    }
    Ok(piles.into_values().collect())
}

/// Bytes by slice, when the largest file holds more than an even share and four times what is usual.
fn uneven<'a>(copy: &'a Copy, slices: &Slices) -> Option<&'a BTreeMap<i64, f64>> {
    let (by_slice, sizes) = (copy.bytes_by_slice(), copy.file_sizes());
    let count = slices.count.unwrap_or(real(by_slice.len()));
    let enough = copy.units().is_some_and(|it| it.count >= count) && real(by_slice.len()) >= count;
    let (largest, usual) = (sizes.max()?, sizes.quantile(0.5)?);
    (enough && largest > sizes.sum() / count && largest >= 4.0 * usual).then_some(by_slice)
}

/// Loads that ran when somebody looked: what each slice has to load.
fn running_loads(cx: &Context<'_>) -> Result<Vec<Pile>> {
    let collected = cx.table(&load_slices::TABLE).collect()?;
    let loads = cx.table(&load_table::TABLE).collect()?;
    let stl_id = |it: &Load| if it.system.as_deref() == Some("stl") { it.query_id.clone() } else { it.same_as.clone() };
    let known: BTreeMap<String, Load> = rows(&loads).map(Load::read).filter_map(|it| Some((stl_id(&it)?, it))).collect();
    let mut piles: BTreeMap<(Option<String>, String), (Pile, BTreeMap<i64, f64>)> = BTreeMap::new();
    for it in rows(&collected).map(LoadSlice::read) {
        let (Some(slice), Some(bytes)) = (it.slice, it.bytes_to_load) else { continue };
        let place = if it.query_id.is_none() { it.origin.file.to_string() } else { String::new() };
        let load = it.query_id.as_ref().and_then(|it| known.get(it));
        let (pile, slices) = piles.entry((it.query_id.clone(), place.clone())).or_insert_with(|| {
            let table = load.and_then(|it| it.table_name.clone());
            let name = table.clone().or_else(|| it.query_id.as_ref().map(|it| format!("query {it}"))).unwrap_or(place);
            let pile = Pile {
                scope: "copy-slices",
                subject: (if table.is_some() { "table" } else { "load" }, name),
                table,
                unit: Unit::Bytes,
                parts: Vec::new(),
                is_ordered: false,
                from: it.event_time,
                to: it.event_time,
                instances: vec![instance_of(it.query_id.as_ref(), it.event_time)],
                origin: it.origin.clone(),
            };
            (pile, BTreeMap::new())
        });
        pile.to = pile.to.max(it.event_time);
        let most = slices.entry(slice).or_default();
        *most = amount(bytes).max(*most);
    }
    let dealt = |(pile, slices): (Pile, BTreeMap<i64, f64>)| Pile {
        parts: slices.into_iter().map(|it| (format!("slice {}", it.0), it.1)).collect(),
        ..pile
    };
    Ok(piles.into_values().map(dealt).filter(|it| cx.settings.in_window(it.from)).collect())
}

fn stages(cx: &Context<'_>) -> Result<Vec<Pile>> {
    let collected = cx.table(&steps::TABLE).collect()?;
    let starts = cx.table(&queries::TABLE).collect()?;
    let started: BTreeMap<String, Moment> = rows(&starts).map(Query::read).filter_map(|it| Some((it.query_id?, it.start_time?))).collect();
    let mut queries: BTreeMap<String, Pile> = BTreeMap::new();
    for step in rows(&collected).map(Step::read).filter(|it| it.stage_id.is_some()) {
        let (Some(query), Some(stage), Some(millis)) = (step.query_id, step.stage_id, step.duration_ms) else { continue };
        let pile = queries.entry(query.clone()).or_insert_with(|| Pile {
            scope: "athena-stages",
            table: step.table_name.clone(),
            unit: Unit::Millis,
            parts: Vec::new(),
            is_ordered: false,
            from: started.get(&query).copied(),
            to: started.get(&query).copied(),
            instances: vec![Map::from_iter([("query_execution_id".to_owned(), Value::from(query.clone()))])],
            subject: ("query", query),
            origin: step.origin,
        });
        pile.table = pile.table.take().or(step.table_name);
        pile.parts.push((format!("stage {stage}"), amount(millis)));
    }
    Ok(queries.into_values().filter(|it| cx.settings.in_window(it.from)).collect())
}

/// The mapped tasks of each run: equal work is dealt to each index.
fn mapped_tasks(cx: &Context<'_>) -> Result<Vec<Pile>> {
    let collected = cx.table(&mapped::TABLE).collect()?;
    let mut runs: BTreeMap<(TaskRef, String), Pile> = BTreeMap::new();
    for row in rows(&collected) {
        let (task, started, ended) = (row.task(), row.moment(mapped::STARTED_AT), row.moment(mapped::ENDED_AT));
        let (Some(started), Some(ended), Some(index)) = (started, ended, task.map_index) else { continue };
        let name = [task.dag_id.as_deref(), task.task_id.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(".");
        let run = TaskRef { map_index: None, try_number: None, ..task.clone() };
        let pile = runs.entry((run.clone(), name.clone())).or_insert_with(|| Pile {
            scope: "mapped-tasks",
            subject: ("task", name),
            table: None,
            unit: Unit::Millis,
            parts: Vec::new(),
            is_ordered: false,
            from: Some(started),
            to: Some(ended),
            instances: vec![crate::finding::instance_of(&run, Some(started))],
            origin: row.origin(),
        });
        pile.from = pile.from.min(Some(started));
        pile.to = pile.to.max(Some(ended));
        pile.parts.push((format!("map_index {index}"), amount(ended.millis() - started.millis())));
    }
    Ok(runs.into_values().filter(|it| cx.settings.in_window(it.from)).collect())
}

fn instance_of(query: Option<&String>, at: Option<Moment>) -> Map<String, Value> {
    let mut instance = Map::new();
    if let Some(query) = query {
        instance.insert("query_id".to_owned(), query.as_str().into());
    }
    if let Some(at) = at {
        instance.insert("start_time".to_owned(), at.rfc3339().into());
    }
    instance
}

fn table_slices(cx: &Context<'_>) -> Result<Vec<Rated>> {
    let collected = cx.table(&table_stats::TABLE).collect()?;
    let of = |it: TableStats| {
        let ratio = it.skew_rows?;
        let name = [it.schema_name.as_deref(), it.table_name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(".");
        let style = it.diststyle.clone().unwrap_or_default();
        let mut facts: Vec<(&'static str, Value)> = vec![("skew_rows", ratio.into())];
        facts.extend(it.schema_name.clone().map(|it| ("schema", it.into())));
        facts.extend(it.tbl_rows.map(|it| ("tbl_rows", it.into())));
        facts.extend(it.size_bytes.map(|it| ("size_bytes", it.into())));
        facts.extend(it.diststyle.clone().map(|it| ("diststyle", it.into())));
        Some(Rated {
            scope: "table-slices",
            excerpt: format!("{name}: skew_rows {ratio}, {} rows, {style}", it.tbl_rows.unwrap_or(0)),
            subject: ("table", name),
            table: it.table_name,
            unit: Unit::Rows,
            ratio,
            amount: amount(it.size_bytes.unwrap_or(0)),
            facts,
            instances: Vec::new(),
            from: None,
            to: None,
            origin: it.origin,
            diststyle: it.diststyle,
        })
    };
    Ok(rows(&collected).map(TableStats::read).filter_map(of).collect())
}

/// Skewed steps by table and kind of step.
fn query_steps(cx: &Context<'_>) -> Result<Vec<Rated>> {
    let collected = cx.table(&steps::TABLE).collect()?;
    let mut groups: BTreeMap<(String, String), Vec<Step>> = BTreeMap::new();
    let is_step = |it: &Step| it.level.as_deref().is_none_or(|it| it == "step") && it.step_id.is_some_and(|it| it >= 0);
    let threshold = cx.limit(&super::STEP_SKEW);
    for step in rows(&collected).map(Step::read).filter(|it| is_step(it) && it.stage_id.is_none()) {
        let long = step.duration_ms.is_some_and(|it| amount(it) / 1000.0 >= cx.limit(&MIN_SECONDS));
        if long && worst_of(&step) >= threshold && cx.settings.in_window(step.start_time) {
            let table = step.table_name.clone().filter(|it| it.chars().any(char::is_alphanumeric)).unwrap_or_default();
            groups.entry((table, step.step_name.clone().unwrap_or_default())).or_default().push(step);
        }
    }
    Ok(groups.into_iter().filter_map(|((table, step), steps)| rated_steps(&table, &step, &steps)).collect())
}

fn worst_of(step: &Step) -> f64 {
    step.data_skewness.unwrap_or(0.0).max(step.time_skewness.unwrap_or(0.0))
}

fn rated_steps(table: &str, step: &str, steps: &[Step]) -> Option<Rated> {
    let worst = steps.iter().max_by(|a, b| worst_of(a).total_cmp(&worst_of(b)))?;
    let most = |read: fn(&Step) -> Option<f64>| steps.iter().filter_map(read).fold(0.0, f64::max);
    let millis: f64 = steps.iter().filter_map(|it| it.duration_ms).map(amount).sum();
    let instances = steps.iter().map(|it| {
        let mut instance = instance_of(it.query_id.as_ref(), it.start_time);
        for (key, value) in [("data_skewness", it.data_skewness), ("time_skewness", it.time_skewness)] {
            instance.insert(key.to_owned(), value.into());
        }
        instance.insert("duration_seconds".to_owned(), crate::finding::seconds(amount(it.duration_ms.unwrap_or(0)) / 1000.0));
        instance
    });
    let bare = table.rsplit('.').next().filter(|it| !it.is_empty()).map(ToOwned::to_owned);
    let mut facts: Vec<(&'static str, Value)> = vec![
        ("step_name", step.into()),
        ("max_data_skewness", most(|it| it.data_skewness).into()),
        ("max_time_skewness", most(|it| it.time_skewness).into()),
        ("steps", steps.len().into()),
        ("duration_seconds", crate::finding::seconds(millis / 1000.0)),
    ];
    facts.extend(table.rsplit('.').nth(1).map(|it| ("schema", it.into())));
    Some(Rated {
        scope: "query-steps",
        subject: ("query-step", if table.is_empty() { step.to_owned() } else { format!("{table} {step}") }),
        table: bare,
        unit: Unit::Millis,
        ratio: worst_of(worst),
        amount: millis,
        facts,
        instances: instances.collect(),
        from: steps.iter().filter_map(|it| it.start_time).min(),
        to: steps.iter().filter_map(|it| it.start_time).max(),
        origin: worst.origin.clone(),
        excerpt: format!(
            "query {} step {step} on {table}: data_skewness {}, time_skewness {}",
            worst.query_id.as_deref().unwrap_or("?"),
            worst.data_skewness.unwrap_or(0.0),
            worst.time_skewness.unwrap_or(0.0)
        ),
        diststyle: None,
    })
}
