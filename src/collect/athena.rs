//! Athena's history: the executions of a window, workgroup by workgroup, and the runtime statistics of the slowest.
//!
//! The history is listed newest first, as ids without times: what they are tells `BatchGetQueryExecution`, fifty at once.

use super::{
    Collector, Operation, Outcome, Unit, Work,
    calls::{Answer, Context, Failure},
    store,
};
use crate::{
    case::{Window, manifest::State},
    text,
    units::{Moment, SECOND},
};
use aws_sdk_athena::{
    Client,
    operation::batch_get_query_execution::BatchGetQueryExecutionOutput,
    types::{QueryExecution, QueryExecutionState, StatementType},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(super) static COLLECTOR: Collector = Collector {
    name: "athena",
    title: "Athena's history",
    operations: &[&LIST_WORK_GROUPS, &LIST_QUERY_EXECUTIONS, &BATCH_GET_QUERY_EXECUTION, &GET_QUERY_RUNTIME_STATISTICS],
    plans_with: &[&LIST_WORK_GROUPS],
    wanted: |asked| asked.athena,
    plan: |cx| Box::pin(plan(cx)),
    run: |cx, work| Box::pin(run(cx, work)),
};

/// What a permission on workgroups must be given on.
const WORKGROUPS: &str = "arn:aws:athena:*:*:workgroup/*";

pub(super) static LIST_WORK_GROUPS: Operation = Operation {
    service: "athena",
    name: "ListWorkGroups",
    action: "athena:ListWorkGroups",
    resource: "*",
    per_second: 5.0,
    optional: false,
};

pub(super) static LIST_QUERY_EXECUTIONS: Operation = Operation {
    service: "athena",
    name: "ListQueryExecutions",
    action: "athena:ListQueryExecutions",
    resource: WORKGROUPS,
    per_second: 5.0,
    optional: false,
};

pub(super) static BATCH_GET_QUERY_EXECUTION: Operation = Operation {
    service: "athena",
    name: "BatchGetQueryExecution",
    action: "athena:BatchGetQueryExecution",
    resource: WORKGROUPS,
    per_second: 20.0,
    optional: false,
};

/// Its pace is not documented: that of its neighbours.
pub(super) static GET_QUERY_RUNTIME_STATISTICS: Operation = Operation {
    service: "athena",
    name: "GetQueryRuntimeStatistics",
    action: "athena:GetQueryRuntimeStatistics",
    resource: WORKGROUPS,
    per_second: 20.0,
    optional: false,
};

/// How long Athena keeps its history.
const KEPT_DAYS: i64 = 45;

/// Ids of a page, and of a batch.
const PAGE: i32 = 50;

/// Of how many of a workgroup's slowest queries the runtime statistics are asked for, unless told otherwise.
const SLOWEST: u64 = 20;

/// How often ids are asked for again that were left out of an answer.
const TRIES: u32 = 5;

/// Keys of a part's detail: what is older than the history, the ids of the slowest queries, one of them.
pub(super) const GONE: &str = "gone";
const QUERIES: &str = "queries";
const QUERY: &str = "query";

async fn plan(cx: Context) -> Result<Vec<(String, Unit)>, Failure> {
    let asked = &cx.session.asked;
    let workgroups = workgroups(&cx).await?;
    let gone = gone(asked.window, Moment(Timestamp::now().as_microsecond()));
    let unit = |workgroup: &String| {
        let mut unit = Unit::new(COLLECTOR.name, BATCH_GET_QUERY_EXECUTION.name, workgroup, Some(asked.window));
        if let Some(gone) = &gone {
            unit.notes.push(gone.clone());
            unit.detail = json!({ GONE: gone });
        }
        (store::id_of(COLLECTOR.name, workgroup, &asked.window.file_name()), unit)
    };
    Ok(workgroups.iter().map(unit).collect())
}

/// What of a window is older than what Athena keeps.
fn gone(window: Window, now: Moment) -> Option<String> {
    let oldest = Moment(now.0 - KEPT_DAYS * 86_400 * SECOND);
    (window.since() < oldest)
        .then(|| format!("Athena keeps {KEPT_DAYS} days of history: what was submitted before {} is gone", oldest.rfc3339()))
}

/// The workgroups that are asked for: those named, or all.
pub(super) async fn workgroups(cx: &Context) -> Result<Vec<String>, Failure> {
    let named = &cx.session.asked.workgroups;
    if !named.is_empty() {
        return Ok(named.clone());
    }
    let client = Client::new(&cx.session.config);
    let (mut names, mut token) = (Vec::new(), None::<String>);
    loop {
        let request = || client.list_work_groups().max_results(PAGE).set_next_token(token.clone());
        let page = cx.call(&LIST_WORK_GROUPS, |tap| request().customize().interceptor(tap).send()).await?.output;
        names.extend(page.work_groups().iter().filter_map(|it| it.name().map(ToOwned::to_owned)));
        if page.next_token.is_none() || page.next_token == token {
            return Ok(names);
        }
        token = page.next_token;
    }
}

async fn run(cx: Context, work: Work) -> Result<Outcome, Failure> {
    let client = Client::new(&cx.session.config);
    if let Some(query) = work.unit.detail.get(QUERY).and_then(Value::as_str).map(ToOwned::to_owned) {
        return statistics(&cx, &client, work, &query).await;
    }
    match work.unit.detail.get(QUERIES).and_then(Value::as_array).cloned() {
        Some(queries) => slowest(&cx, &client, &work.unit, &queries).await,
        None => history(&cx, &client, work).await,
    }
}

/// Reads the history back to the beginning of the window.
async fn history(cx: &Context, client: &Client, work: Work) -> Result<Outcome, Failure> {
    let Work { id, mut unit } = work;
    let window = unit.window.unwrap_or(cx.session.asked.window);
    let mut answers = cx.session.store()?.answers(&id)?;
    let (mut token, mut seen, mut slow) = (None::<String>, BTreeSet::new(), Vec::new());
    let (mut left_out, mut reaches_back) = (BTreeMap::new(), false);
    unit.rows = 0;
    unit.notes.clear();
    loop {
        let request = || client.list_query_executions().work_group(&unit.subject).max_results(PAGE).set_next_token(token.clone());
        let page = cx.call(&LIST_QUERY_EXECUTIONS, |tap| request().customize().interceptor(tap).send()).await?.output;
        // While pages are read, new executions push older ones to the next page.
        let ids: Vec<String> = page.query_execution_ids.unwrap_or_default().into_iter().filter(|it| seen.insert(it.clone())).collect();
        let Told { answers: told, left_out: without } = executions(cx, client, ids).await?;
        let all = || told.iter().flat_map(|it| it.output.query_executions());
        reaches_back |= all().any(|it| submitted(it).is_some_and(|at| at < window.since()));
        let (inside, others): (Vec<&QueryExecution>, Vec<_>) = all().partition(|it| is_inside(it, window));
        if !inside.is_empty() || others.is_empty() {
            left_out.extend(without);
        }
        slow.extend(inside.iter().filter_map(|it| timed(it)));
        unit.rows += inside.len() as u64;
        let ends = inside.is_empty() && reaches_back;
        for answer in told {
            keep(cx, client, answer, window, &mut answers, &mut left_out).await?;
        }
        if ends || page.next_token.is_none() || page.next_token == token {
            break;
        }
        token = page.next_token;
    }
    if unit.rows > 0 {
        answers.finish(&mut unit)?;
    } else if left_out.is_empty() {
        unit.notes.push(format!("workgroup {}: no queries were submitted in the window", unit.subject));
    }
    // Where something older is left, nothing of the window is gone.
    if let Some(gone) = unit.detail.get(GONE).and_then(Value::as_str).filter(|_| !reaches_back) {
        (unit.state, unit.reason) = (State::Truncated, Some(gone.to_owned()));
    }
    if let Some((first, reason)) = left_out.first_key_value() {
        // Refused, not truncated: asked again, AWS may give them.
        let reason = format!("{} queries were left out of the answers, the first is {first}: {reason}", left_out.len());
        (unit.state, unit.reason) = (State::Refused, Some(reason));
    }
    let more = of_the_slowest(cx, &unit.subject, slow);
    Ok(Outcome::Leads(Box::new(unit), more))
}

/// What is told of some ids.
struct Told {
    answers: Vec<Answer<BatchGetQueryExecutionOutput>>,
    /// Why an id is in no answer.
    left_out: BTreeMap<String, String>,
}

/// Asks what executions are, and again for those that were left out.
async fn executions(cx: &Context, client: &Client, mut ids: Vec<String>) -> Result<Told, Failure> {
    let mut told = Told { answers: Vec::new(), left_out: BTreeMap::new() };
    let mut tries = 0;
    while !ids.is_empty() {
        let request = || client.batch_get_query_execution().set_query_execution_ids(Some(ids.clone()));
        let answer = cx.call(&BATCH_GET_QUERY_EXECUTION, |tap| request().customize().interceptor(tap).send()).await?;
        let reason = |it: &aws_sdk_athena::types::UnprocessedQueryExecutionId| {
            let words = format!("{}: {}", it.error_code().unwrap_or("no code"), it.error_message().unwrap_or("no message"));
            Some((it.query_execution_id()?.to_owned(), text::safe(&words, 300)))
        };
        told.left_out = answer.output.unprocessed_query_execution_ids().iter().filter_map(reason).collect();
        ids = told.left_out.keys().cloned().collect();
        told.answers.push(answer);
        tries += 1;
        if tries > TRIES || ids.is_empty() {
            break;
        }
        cx.pause(cx.session.ways.base_delay).await?;
    }
    Ok(told)
}

/// Stores an answer as it came; where it holds more than the window, one that does not is asked for.
async fn keep(
    cx: &Context,
    client: &Client,
    answer: Answer<BatchGetQueryExecutionOutput>,
    window: Window,
    answers: &mut store::Answers,
    left_out: &mut BTreeMap<String, String>,
) -> Result<(), Failure> {
    let all = answer.output.query_executions();
    let inside: Vec<&QueryExecution> = all.iter().filter(|it| is_inside(it, window)).collect();
    if inside.is_empty() {
        return Ok(());
    }
    if inside.len() == all.len() {
        return Ok(answers.push(&answer.bytes)?);
    }
    let ids = inside.iter().filter_map(|it| it.query_execution_id().map(ToOwned::to_owned)).collect();
    let told = executions(cx, client, ids).await?;
    left_out.extend(told.left_out);
    for answer in told.answers.iter().filter(|it| !it.output.query_executions().is_empty()) {
        answers.push(&answer.bytes)?;
    }
    Ok(())
}

/// When it was submitted.
fn submitted(execution: &QueryExecution) -> Option<Moment> {
    execution.status()?.submission_date_time()?.to_millis().ok().and_then(Moment::from_millis)
}

fn is_inside(execution: &QueryExecution, window: Window) -> bool {
    submitted(execution).is_none_or(|it| window.since() <= it && it < window.until())
}

/// How long a query took, and its id; statistics are there only of queries that ended by themselves, and not of DDL.
fn timed(execution: &QueryExecution) -> Option<(i64, String)> {
    let has_ended = matches!(execution.status()?.state()?, QueryExecutionState::Succeeded | QueryExecutionState::Failed);
    let is_query = execution.statement_type().is_none_or(|it| *it == StatementType::Dml);
    let millis = execution.statistics()?.total_execution_time_in_millis()?;
    (has_ended && is_query).then(|| execution.query_execution_id().map(|it| (millis, it.to_owned())))?
}

/// The part that brings the runtime statistics of the slowest queries, if there are any.
fn of_the_slowest(cx: &Context, workgroup: &str, mut slow: Vec<(i64, String)>) -> Vec<(String, Unit)> {
    slow.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    slow.truncate(usize::try_from(cx.session.asked.athena_statistics.unwrap_or(SLOWEST)).unwrap_or(usize::MAX));
    if slow.is_empty() {
        return Vec::new();
    }
    let ids: Vec<String> = slow.into_iter().map(|it| it.1).collect();
    let mut unit = Unit::new(COLLECTOR.name, GET_QUERY_RUNTIME_STATISTICS.name, workgroup, None);
    unit.detail = json!({ QUERIES: ids });
    vec![(store::id_of(COLLECTOR.name, workgroup, "statistics"), unit)]
}

/// One part for each of the slowest queries: an answer does not say whose statistics it holds, its file must.
async fn slowest(cx: &Context, client: &Client, whole: &Unit, queries: &[Value]) -> Result<Outcome, Failure> {
    let ids: Vec<&str> = queries.iter().filter_map(Value::as_str).collect();
    // A refusal concerns all of them, and is said once.
    if let Some(first) = ids.first() {
        drop(asked_for(cx, client, first).await?);
    }
    let part = |query: &&str| {
        let mut unit = Unit::new(COLLECTOR.name, GET_QUERY_RUNTIME_STATISTICS.name, query, None);
        unit.detail = json!({ QUERY: query });
        (store::id_of(COLLECTOR.name, &whole.subject, &format!("statistics-{query}")), unit)
    };
    Ok(Outcome::Split(ids.iter().map(part).collect()))
}

/// Brings the statistics of one query.
async fn statistics(cx: &Context, client: &Client, work: Work, query: &str) -> Result<Outcome, Failure> {
    let Work { id, mut unit } = work;
    unit.notes.clear();
    match asked_for(cx, client, query).await? {
        Ok(bytes) => {
            let mut answers = cx.session.store()?.answers(&id)?;
            answers.push(&bytes)?;
            answers.finish(&mut unit)?;
            unit.rows = 1;
        }
        Err(reason) => unit.notes.push(format!("query {query} has no runtime statistics: {reason}")),
    }
    Ok(Outcome::Done(Box::new(unit)))
}

/// The statistics of a query; or why this one has none.
pub(super) async fn asked_for(cx: &Context, client: &Client, query: &str) -> Result<Result<Vec<u8>, String>, Failure> {
    let request = || client.get_query_runtime_statistics().query_execution_id(query);
    match cx.call(&GET_QUERY_RUNTIME_STATISTICS, |tap| request().customize().interceptor(tap).send()).await {
        Ok(answer) => Ok(Ok(answer.bytes)),
        Err(failure) if failure.code() == "InvalidRequestException" => Ok(Err(failure.reason())),
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment::parse(text).unwrap().moment
    }

    #[test]
    fn what_is_older_than_the_history_is_told() {
        let window = Window::holding(at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z")).unwrap();
        assert_eq!(gone(window, at("2026-02-15T00:00:00Z")), None);
        let told = gone(window, at("2026-02-15T00:00:01Z")).unwrap();
        assert_eq!(told, "Athena keeps 45 days of history: what was submitted before 2026-01-01T00:00:01.000Z is gone");
    }
}
