//! The files of tables, by queries of Athena: only of tables that were named, as a query costs and writes its result to S3.

use super::{
    Collector, Operation, Outcome, Unit, Work,
    calls::{Context, Failure},
    queries::{self, FILES},
    store,
};
use crate::{text, units::spoken_bytes};
use aws_sdk_athena::{
    Client,
    types::{QueryExecution, QueryExecutionContext, QueryExecutionState, QueryExecutionStatistics, ResultConfiguration},
};
use std::{
    hash::{BuildHasher as _, RandomState},
    sync::atomic::Ordering,
    time::Duration,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "athena_files",
    title: "files of tables, by queries of Athena",
    operations: &[&START_QUERY_EXECUTION, &GET_QUERY_EXECUTION, &GET_QUERY_RESULTS, &STOP_QUERY_EXECUTION],
    plans_with: &[],
    wanted: |asked| !asked.athena_tables.is_empty(),
    plan: |cx| Box::pin(std::future::ready(Ok(plan(&cx)))),
    run: |cx, work| Box::pin(run(cx, work)),
};

/// What a permission on workgroups must be given on.
const WORKGROUPS: &str = "arn:aws:athena:*:*:workgroup/*";

static START_QUERY_EXECUTION: Operation = Operation {
    service: "athena",
    name: "StartQueryExecution",
    action: "athena:StartQueryExecution",
    resource: WORKGROUPS,
    per_second: 20.0,
    optional: false,
};

static GET_QUERY_EXECUTION: Operation = Operation {
    service: "athena",
    name: "GetQueryExecution",
    action: "athena:GetQueryExecution",
    resource: WORKGROUPS,
    per_second: 100.0,
    optional: false,
};

static GET_QUERY_RESULTS: Operation = Operation {
    service: "athena",
    name: "GetQueryResults",
    action: "athena:GetQueryResults",
    resource: WORKGROUPS,
    per_second: 100.0,
    optional: false,
};

static STOP_QUERY_EXECUTION: Operation = Operation {
    service: "athena",
    name: "StopQueryExecution",
    action: "athena:StopQueryExecution",
    resource: WORKGROUPS,
    per_second: 20.0,
    optional: true,
};

/// The workgroup of queries where none was named: every account has it.
const PRIMARY: &str = "primary";

/// Rows of a page.
const PAGE: i32 = 1_000;

/// The longest wait between two looks at a query.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

fn plan(cx: &Context) -> Vec<(String, Unit)> {
    let asked = &cx.session.asked;
    let unit = |table: &String| {
        let mut unit = Unit::new(COLLECTOR.name, FILES, table, None);
        let output = asked.athena_output.as_deref().unwrap_or("where the workgroup says");
        unit.notes.push(format!(
            "{table}: a query in workgroup {} reads the table, costs what it scans ($5 a terabyte in most regions), and writes its result to S3: {output}",
            workgroup(cx)
        ));
        (store::id_of(COLLECTOR.name, table, "files"), unit)
    };
    asked.athena_tables.iter().map(unit).collect()
}

fn workgroup(cx: &Context) -> &str {
    cx.session.asked.workgroups.first().map_or(PRIMARY, String::as_str)
}

async fn run(cx: Context, work: Work) -> Result<Outcome, Failure> {
    let Work { id, mut unit } = work;
    let client = Client::new(&cx.session.config);
    let (query, ended) = answered(&cx, &client, &id, &unit).await?;
    let scanned = scanned_bytes(&ended);
    cx.session.progress.scanned_bytes.fetch_add(scanned, Ordering::Relaxed);
    unit.scanned_bytes += scanned;
    unit.notes = vec![format!(
        "{}: its files were listed by a query in workgroup {}, which scanned {}",
        unit.subject,
        workgroup(&cx),
        spoken_bytes(scanned)
    )];
    let mut answers = cx.session.store()?.answers(&id)?;
    let mut token: Option<String> = None;
    unit.rows = 0;
    loop {
        let request = || client.get_query_results().query_execution_id(&query).max_results(PAGE).set_next_token(token.clone());
        let page = cx.call(&GET_QUERY_RESULTS, |tap| request().customize().interceptor(tap).send()).await?;
        answers.push(&page.bytes)?;
        // The first row of the first page names the columns.
        let head = u64::from(token.is_none());
        unit.rows += (page.output.result_set().map_or(0, |it| it.rows().len()) as u64).saturating_sub(head);
        if page.output.next_token.is_none() || page.output.next_token == token {
            break;
        }
        token = page.output.next_token;
    }
    answers.finish(&mut unit)?;
    Ok(Outcome::Done(Box::new(unit)))
}

/// A query that ended well, and its id: the one that was started earlier, unless it came to nothing.
async fn answered(cx: &Context, client: &Client, part: &str, unit: &Unit) -> Result<(String, QueryExecution), Failure> {
    if let Some(query) = &unit.query {
        match watched(cx, client, query).await {
            Ok(execution) => return Ok((query.clone(), execution)),
            Err(Failure::Aws { .. }) => {}
            Err(failure) => return Err(failure),
        }
    }
    cx.afford(0)?;
    let query = started(cx, client, unit).await?;
    cx.session.started(part, &query)?;
    let execution = watched(cx, client, &query).await?;
    Ok((query, execution))
}

/// Waits for the end of a query, and stops it where that cannot be waited for.
async fn watched(cx: &Context, client: &Client, query: &str) -> Result<QueryExecution, Failure> {
    let ended = awaited(cx, client, query).await;
    if ended.is_err() {
        // Nobody waits for it any more, and it costs as long as it runs.
        let request = client.stop_query_execution().query_execution_id(query);
        cx.farewell(&STOP_QUERY_EXECUTION, async |tap| request.customize().interceptor(tap).send().await).await;
    }
    ended
}

/// Starts the query of a table, and tells its id.
async fn started(cx: &Context, client: &Client, unit: &Unit) -> Result<String, Failure> {
    let (database, table) = unit.subject.split_once('.').unwrap_or(("default", unit.subject.as_str()));
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let statement = queries::query(FILES).unwrap_or_default().replace("{table}", &format!("{}.{}", quoted(database), quoted(table)));
    // A query whose answer got lost is not started twice: all tries say the same token.
    let token = format!("casefile-{:016x}{:016x}", RandomState::new().hash_one(0_u8), RandomState::new().hash_one(1_u8));
    let output = cx.session.asked.athena_output.as_ref().map(|it| ResultConfiguration::builder().output_location(it).build());
    let request = || {
        let context = QueryExecutionContext::builder().database(database).build();
        let start = client.start_query_execution().query_string(&statement).query_execution_context(context);
        start.work_group(workgroup(cx)).client_request_token(&token).set_result_configuration(output.clone())
    };
    let answer = cx.call(&START_QUERY_EXECUTION, |tap| request().customize().interceptor(tap).send()).await?;
    Ok(answer.output.query_execution_id.unwrap_or_default())
}

/// Waits for the end of a query.
async fn awaited(cx: &Context, client: &Client, query: &str) -> Result<QueryExecution, Failure> {
    let mut wait = cx.session.ways.base_delay;
    loop {
        cx.pause(wait).await?;
        wait = wait.mul_f64(1.5).min(LONGEST_WAIT);
        let request = || client.get_query_execution().query_execution_id(query);
        let answer = cx.call(&GET_QUERY_EXECUTION, |tap| request().customize().interceptor(tap).send()).await?;
        let Some(execution) = answer.output.query_execution else { continue };
        let status = execution.status();
        match status.and_then(|it| it.state()) {
            Some(QueryExecutionState::Succeeded) => return Ok(execution),
            Some(QueryExecutionState::Queued | QueryExecutionState::Running) | None => cx.afford(scanned_bytes(&execution))?,
            Some(other) => {
                let words = status.and_then(|it| it.state_change_reason()).unwrap_or("no reason was given");
                let message = format!("the query ended: {}", text::safe(words, 600));
                return Err(Failure::Aws { operation: &GET_QUERY_EXECUTION, code: other.as_str().to_owned(), message });
            }
        }
    }
}

fn scanned_bytes(execution: &QueryExecution) -> u64 {
    execution.statistics().and_then(QueryExecutionStatistics::data_scanned_in_bytes).and_then(|it| u64::try_from(it).ok()).unwrap_or(0)
}
