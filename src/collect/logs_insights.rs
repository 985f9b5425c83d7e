//! Log events by Logs Insights queries: for groups too large to be read event by event.
//!
//! An answer holds a limited number of rows. One that reaches the limit is thrown away, and its window is cut by counting what it
//! holds; a single second that still holds more is cut by its log streams, and a stream that still does is read event by event.

use super::{
    Asked, Collector, Operation, Outcome, Unit, Work,
    calls::{Answer, Context, Failure},
    groups::{self, DESCRIBE_LOG_GROUPS, FILTER_LOG_EVENTS, STREAMS, Way},
    queries::{self, ERRORS, EVENTS},
    store::Answers,
};
use crate::case::{Window, manifest::State};
use aws_sdk_cloudwatchlogs::{Client, operation::get_query_results::GetQueryResultsOutput, types::QueryStatus};
use cut_messages::CutMessages;
use serde_json::{Value, json};
use std::{collections::HashSet, sync::atomic::Ordering};

mod cut_messages;
mod parts;

pub(super) static COLLECTOR: Collector = Collector {
    name: "logs_insights",
    title: "log groups, by Logs Insights",
    operations: &[&DESCRIBE_LOG_GROUPS, &START_QUERY, &GET_QUERY_RESULTS, &STOP_QUERY, &GET_LOG_RECORD, &FILTER_LOG_EVENTS],
    plans_with: &[&DESCRIBE_LOG_GROUPS],
    wanted: Asked::wants_logs,
    plan: |cx| Box::pin(plan(cx)),
    run: |cx, work| Box::pin(run(cx, work)),
};

static START_QUERY: Operation = Operation {
    service: "logs",
    name: "StartQuery",
    action: "logs:StartQuery",
    resource: "arn:aws:logs:*:*:log-group:*",
    per_second: 5.0,
    optional: false,
};

static GET_QUERY_RESULTS: Operation =
    Operation { service: "logs", name: "GetQueryResults", action: "logs:GetQueryResults", resource: "*", per_second: 5.0, optional: false };

static STOP_QUERY: Operation =
    Operation { service: "logs", name: "StopQuery", action: "logs:StopQuery", resource: "*", per_second: 5.0, optional: true };

static GET_LOG_RECORD: Operation =
    Operation { service: "logs", name: "GetLogRecord", action: "logs:GetLogRecord", resource: "*", per_second: 5.0, optional: true };

/// The most rows of an answer: what the service documents, and what it took before.
const MOST_ROWS: u32 = 100_000;
const FORMER_MOST_ROWS: u32 = 10_000;

/// Key of a part's detail: how many rows it is expected to bring.
const EXPECTED_ROWS: &str = "expected_rows";

/// A line of a log, in bytes, roughly: how many there may be is then counted before they are asked for.
const EVENT_BYTES: u64 = 300;

/// How often a query is started again that the service gave up.
const STARTS: u32 = 6;

async fn plan(cx: Context) -> Result<Vec<(String, Unit)>, Failure> {
    let (asked, now) = (&cx.session.asked, groups::now());
    let mut parts = Vec::new();
    for group in groups::survey(&cx).await? {
        let way = group.way(asked, now);
        let query = match way {
            Way::Raw => continue,
            Way::Events => EVENTS,
            Way::Errors => ERRORS,
        };
        for (id, mut unit) in group.units(COLLECTOR.name, query, way, asked.window, now) {
            unit.expected_scan_bytes = unit.window.filter(|_| unit.state == State::Missing).and_then(|it| group.expected_bytes(it, now));
            let expected_rows = unit.expected_scan_bytes.map_or(0, |it| it / EVENT_BYTES);
            if way == Way::Events && expected_rows > u64::from(MOST_ROWS) {
                unit.detail = json!({ EXPECTED_ROWS: expected_rows });
            }
            unit.notes.extend((way == Way::Errors).then(|| group.only_errors(asked, now)));
            parts.push((id, unit));
        }
    }
    Ok(parts)
}

/// How a query ended.
enum End {
    /// Its first page.
    Complete(Box<Answer<GetQueryResultsOutput>>),
    /// The service gave up on it: there is too much to scan.
    TimedOut,
}

async fn run(cx: Context, work: Work) -> Result<Outcome, Failure> {
    let Work { id, mut unit } = work;
    let part = Part { cx: &cx, client: Client::new(&cx.session.config), window: unit.window.unwrap_or(cx.session.asked.window) };
    if unit.detail.get(EXPECTED_ROWS).and_then(Value::as_u64).is_some_and(|it| it > part.most_rows()) {
        return part.cut(unit, 0).await;
    }
    let text = parts::of_streams(queries::query(&unit.call).unwrap_or_default(), groups::named(&unit.detail, STREAMS).as_deref());
    let earlier = part.earlier(&unit).await?;
    let (query, end) = match earlier {
        Some(answered) => answered,
        None => part.answered(&unit, &text, Some(&id)).await?,
    };
    let End::Complete(first) = end else { return part.cut(unit, 1).await };
    unit.scanned_bytes += part.scanned(&first.output);
    let matched = first.output.statistics().map_or(0, |it| whole(it.records_matched));
    // What matched is known before any page is fetched; an answer that cannot be whole is not fetched.
    if matched > part.most_rows() {
        return part.cut(unit, matched).await;
    }
    let mut answers = cx.session.store()?.answers(&id)?;
    unit.rows = 0;
    let mut cut = CutMessages::default();
    let mut pointers: HashSet<String> = HashSet::new();
    let mut page = *first;
    loop {
        unit.rows += page.output.results().len() as u64;
        cut.see(page.output.results());
        pointers.extend(page.output.results().iter().flatten().filter(|it| it.field() == Some("@ptr")).filter_map(|it| it.value.clone()));
        answers.push(&page.bytes)?;
        let Some(token) = page.output.next_token.take() else { break };
        let request = || part.client.get_query_results().query_id(&query).next_token(&token);
        page = cx.call(&GET_QUERY_RESULTS, |tap| request().customize().interceptor(tap).send()).await?;
    }
    if unit.rows >= part.most_rows() || (unit.rows < matched && unit.rows >= u64::from(FORMER_MOST_ROWS)) {
        let more = matched.max(unit.rows + 1);
        return part.cut(unit, more).await;
    }
    if pointers.len() as u64 != unit.rows {
        let reason = format!("its pages hold {} rows and {} different @ptr", unit.rows, pointers.len());
        return Err(Failure::Unanswered { operation: &GET_QUERY_RESULTS, reason });
    }
    if part.holds_cut(&cut).await? {
        let note = cut.note(&unit.subject);
        match part.may_filter(&unit.subject).await {
            Ok(()) => return Ok(Outcome::Split(parts::around(&unit, part.window, &cut.seconds, &note))),
            Err(failure @ (Failure::Interrupted | Failure::Disk(_))) => return Err(failure),
            Err(failure) => (unit.state, unit.reason) = (State::Truncated, Some(format!("{note}, and may not be: {}", failure.reason()))),
        }
    }
    kept(answers, unit, matched)
}

/// Keeps the answers of a window that came whole.
fn kept(answers: Answers, mut unit: Unit, matched: u64) -> Result<Outcome, Failure> {
    answers.finish(&mut unit)?;
    if unit.rows < matched {
        (unit.state, unit.reason) = (State::Truncated, Some(format!("the answer holds {} of {matched} matching events", unit.rows)));
    }
    Ok(Outcome::Done(Box::new(unit)))
}

/// One window of a log group, and the way to it.
struct Part<'a> {
    cx: &'a Context,
    client: Client,
    window: Window,
}

impl Part<'_> {
    fn most_rows(&self) -> u64 {
        u64::from(if self.cx.session.former_limits.load(Ordering::Relaxed) { FORMER_MOST_ROWS } else { MOST_ROWS })
    }

    /// The query that was started for a part earlier, unless it came to nothing.
    async fn earlier(&self, unit: &Unit) -> Result<Option<(String, End)>, Failure> {
        let Some(query) = &unit.query else { return Ok(None) };
        match self.awaited(query).await {
            Ok(end) => Ok(Some((query.clone(), end))),
            Err(failure @ (Failure::Interrupted | Failure::Disk(_) | Failure::TooDear(_))) => {
                self.stopped(query).await;
                Err(failure)
            }
            Err(_) => Ok(None),
        }
    }

    /// Starts a query, on behalf of a part if one is named, and waits for its end; says its id.
    async fn answered(&self, unit: &Unit, text: &str, part: Option<&str>) -> Result<(String, End), Failure> {
        let (cx, client) = (self.cx, &self.client);
        let mut starts = 0;
        loop {
            cx.afford(unit.expected_scan_bytes.unwrap_or(0))?;
            let limit = self.most_rows();
            let request = || {
                let limit = i32::try_from(limit).unwrap_or(i32::MAX);
                let query = client.start_query().log_group_name(&unit.subject).query_string(text).limit(limit);
                query.start_time(self.window.first()).end_time(self.window.last())
            };
            let started = cx.call(&START_QUERY, |tap| request().customize().interceptor(tap).send()).await;
            let query = match started {
                Ok(answer) => answer.output.query_id.unwrap_or_default(),
                Err(failure) if failure.code() == "InvalidParameterException" && limit > u64::from(FORMER_MOST_ROWS) => {
                    cx.session.former_limits.store(true, Ordering::Relaxed);
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            if let Some(part) = part {
                cx.session.started(part, &query)?;
            }
            starts += 1;
            match self.awaited(&query).await {
                Ok(end) => return Ok((query, end)),
                Err(Failure::Unanswered { .. }) if starts < STARTS => {}
                Err(failure) => {
                    self.stopped(&query).await;
                    return Err(failure);
                }
            }
        }
    }

    /// Stops a query: nobody waits for it any more, and it costs as long as it runs.
    async fn stopped(&self, query: &str) {
        let request = || self.client.stop_query().query_id(query).customize();
        self.cx.farewell(&STOP_QUERY, |tap| request().interceptor(tap).send()).await;
    }

    /// Whether messages of an answer were cut: the longest one is asked for by itself.
    async fn holds_cut(&self, messages: &CutMessages) -> Result<bool, Failure> {
        let Some(pointer) = &messages.pointer else { return Ok(false) };
        let request = || self.client.get_log_record().log_record_pointer(pointer).customize();
        match self.cx.call(&GET_LOG_RECORD, |tap| request().interceptor(tap).send()).await {
            Ok(answer) => {
                let whole = answer.output.log_record().and_then(|it| it.get("@message"));
                Ok(whole.is_some_and(|it| it.chars().count() > messages.length))
            }
            Err(failure @ (Failure::Interrupted | Failure::Disk(_))) => Err(failure),
            // It cannot be told: several of one length, and none longer, look as if they were.
            Err(_) => Ok(messages.count > 1),
        }
    }

    /// Whether the group may be read event by event.
    async fn may_filter(&self, group: &str) -> Result<(), Failure> {
        let first = self.window.since().millis();
        let request = || self.client.filter_log_events().log_group_name(group).start_time(first).end_time(first).limit(1);
        self.cx.call(&FILTER_LOG_EVENTS, |tap| request().customize().interceptor(tap).send()).await.map(drop)
    }

    async fn awaited(&self, query: &str) -> Result<End, Failure> {
        let cx = self.cx;
        let mut wait = cx.session.ways.base_delay;
        loop {
            cx.pause(wait).await?;
            wait = wait.mul_f64(1.5).min(cx.session.ways.base_delay.saturating_mul(10));
            let request = || self.client.get_query_results().query_id(query);
            let answer = cx.call(&GET_QUERY_RESULTS, |tap| request().customize().interceptor(tap).send()).await?;
            match answer.output.status() {
                Some(QueryStatus::Complete) => return Ok(End::Complete(Box::new(answer))),
                Some(QueryStatus::Timeout) => return Ok(End::TimedOut),
                Some(QueryStatus::Scheduled | QueryStatus::Running) | None => {
                    cx.afford(answer.output.statistics().map_or(0, |it| whole(it.bytes_scanned)))?;
                }
                Some(other) => {
                    let reason = format!("the query ended as {}", other.as_str());
                    return Err(Failure::Unanswered { operation: &GET_QUERY_RESULTS, reason });
                }
            }
        }
    }

    /// What an answer cost, counted.
    fn scanned(&self, answer: &GetQueryResultsOutput) -> u64 {
        let bytes = answer.statistics().map_or(0, |it| whole(it.bytes_scanned));
        self.cx.session.progress.scanned_bytes.fetch_add(bytes, Ordering::Relaxed);
        bytes
    }
}

/// AWS counts in floats.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float saturates")]
fn whole(count: f64) -> u64 {
    count as u64
}
