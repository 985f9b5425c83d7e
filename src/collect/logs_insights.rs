//! Log events by Logs Insights queries: for groups too large to be read event by event.
//!
//! An answer holds a limited number of rows. One that reaches the limit is thrown away, and its window is cut by counting what it
//! holds; a single second that still holds more is read event by event.

use super::{
    Asked, Collector, Operation, Outcome, Unit, Work,
    calls::{Answer, Context, Failure},
    groups::{self, DESCRIBE_LOG_GROUPS, FILTER_LOG_EVENTS, Way},
    packing,
    queries::{self, COUNTS, ERRORS, EVENTS},
    store::{self, Answers},
};
use crate::{
    case::{Window, manifest::State},
    units::{Moment, SECOND},
};
use aws_sdk_cloudwatchlogs::{
    Client,
    operation::get_query_results::GetQueryResultsOutput,
    types::{QueryStatus, ResultField},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashSet},
    sync::atomic::Ordering,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "logs_insights",
    title: "log groups, by Logs Insights",
    operations: &[&DESCRIBE_LOG_GROUPS, &START_QUERY, &GET_QUERY_RESULTS, &STOP_QUERY, &FILTER_LOG_EVENTS],
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

/// The most rows of an answer: what the service documents, and what it took before.
const MOST_ROWS: u32 = 100_000;
const FORMER_MOST_ROWS: u32 = 10_000;

/// Key of a part's detail: how many rows it is expected to bring.
const EXPECTED_ROWS: &str = "expected_rows";

/// A line of a log, in bytes, roughly: how many there may be is then counted before they are asked for.
const EVENT_BYTES: u64 = 300;

/// The most parts of one cut, where it is made blindly.
const MOST_PARTS: u64 = 1_000;

/// How often a query is started again that the service gave up.
const STARTS: u32 = 6;

/// Messages of exactly the same length, from here on, were probably cut there.
const CUT_MESSAGE_CHARS: usize = 1_000;

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
    let text = queries::query(&unit.call).unwrap_or_default();
    let (query, end) = part.answered(&unit, text).await?;
    let End::Complete(first) = end else { return part.cut(unit, 1).await };
    unit.scanned_bytes += part.scanned(&first.output);
    let matched = first.output.statistics().map_or(0, |it| whole(it.records_matched));
    // What matched is known before any page is fetched; an answer that cannot be whole is not fetched.
    if matched > part.most_rows() {
        return part.cut(unit, matched).await;
    }
    let mut answers = cx.session.store()?.answers(&id)?;
    unit.rows = 0;
    let mut cuts = Cuts::default();
    let mut pointers: HashSet<String> = HashSet::new();
    let mut page = *first;
    loop {
        unit.rows += page.output.results().len() as u64;
        cuts.see(page.output.results());
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
    kept(answers, unit, matched, &cuts)
}

/// Keeps the answers of a window that came whole.
fn kept(answers: Answers, mut unit: Unit, matched: u64, cuts: &Cuts) -> Result<Outcome, Failure> {
    answers.finish(&mut unit)?;
    if unit.rows < matched {
        (unit.state, unit.reason) = (State::Truncated, Some(format!("the answer holds {} of {matched} matching events", unit.rows)));
    }
    unit.notes.extend(cuts.note(&unit.subject));
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

    /// Starts a query and waits for its end; says its id.
    async fn answered(&self, unit: &Unit, text: &str) -> Result<(String, End), Failure> {
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
            starts += 1;
            match self.awaited(&query).await {
                Ok(end) => return Ok((query, end)),
                Err(Failure::Unanswered { .. }) if starts < STARTS => {}
                Err(failure) => {
                    // Nobody waits for it any more, and it costs as long as it runs.
                    cx.farewell(&STOP_QUERY, |tap| client.stop_query().query_id(&query).customize().interceptor(tap).send()).await;
                    return Err(failure);
                }
            }
        }
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

    /// Cuts a part whose answer cannot be whole: by counting what it holds, and where that does not help into equal lengths.
    /// `matched` is how many events are known to be in it; none where it was not asked for them yet.
    async fn cut(&self, mut unit: Unit, matched: u64) -> Result<Outcome, Failure> {
        let spent = unit.scanned_bytes;
        unit.detail = Value::Null;
        if self.window.seconds() == 1 {
            // A second cannot be cut; event by event there is no limit.
            let mut raw = Unit::new("logs_raw", FILTER_LOG_EVENTS.name, &unit.subject, Some(self.window));
            (raw.notes, raw.scanned_bytes) = (unit.notes, spent);
            return Ok(Outcome::Split(vec![(store::id_of("logs_raw", &unit.subject, &self.window.file_name()), raw)]));
        }
        let parts = match self.counted(&mut unit).await {
            Ok(parts) if parts.len() > 1 => parts,
            Ok(parts) if matched == 0 && parts.iter().all(|it| it.1 <= self.fitting()) => parts,
            Err(failure @ (Failure::Disk(_) | Failure::Interrupted | Failure::TooDear(_))) => return Err(failure),
            // One that cannot count still cuts.
            Ok(_) | Err(_) => {
                let count = matched.div_ceil(self.fitting()).clamp(2, MOST_PARTS);
                self.window.parts(count).into_iter().map(|it| (it, 0)).collect()
            }
        };
        Ok(Outcome::Split(split(&unit, &parts, self.fitting())))
    }

    /// How many events a window may hold so that its answer stays below the limit, also when a few more arrive.
    fn fitting(&self) -> u64 {
        self.most_rows() - self.most_rows() / 100
    }

    /// The parts of the window by what it holds.
    async fn counted(&self, unit: &mut Unit) -> Result<Vec<(Window, u64)>, Failure> {
        let (span, written) = packing::span(self.window, u64::from(FORMER_MOST_ROWS));
        let (_, End::Complete(answer)) = self.answered(unit, &counting(&unit.call, written)).await? else { return Ok(Vec::new()) };
        unit.scanned_bytes += self.scanned(&answer.output);
        let counts = answer.output.results().iter().filter_map(|it| count(it)).collect();
        Ok(packing::packed(self.window, span, &counts, self.fitting()))
    }
}

/// The query that counts what another one would bring.
fn counting(call: &str, span: &str) -> String {
    let text = queries::query(call).unwrap_or_default();
    let mut commands: Vec<&str> = text.lines().filter_map(|it| it.strip_prefix("| ")).filter(|it| it.starts_with("filter ")).collect();
    let counts = queries::query(COUNTS).unwrap_or_default();
    let (comments, stats): (Vec<&str>, Vec<&str>) = counts.lines().partition(|it| it.starts_with('#'));
    commands.extend(stats);
    format!("{}\n{}", comments.join("\n"), commands.join("\n| ").replace("bin(60s)", &format!("bin({span})")))
}

/// One row of counts: the first second of its span, and its events.
fn count(row: &[ResultField]) -> Option<(i64, u64)> {
    let value = |matches: fn(&str) -> bool| row.iter().find(|it| it.field().is_some_and(matches))?.value();
    let at = Moment::parse(value(|it| it.starts_with("bin("))?)?.moment;
    Some((at.0.div_euclid(SECOND), whole(value(|it| it == "events")?.parse().ok()?)))
}

/// The units of the parts of one; what was spent so far is borne by the first.
fn split(unit: &Unit, parts: &[(Window, u64)], fitting: u64) -> Vec<(String, Unit)> {
    let total: u128 = parts.iter().map(|it| u128::from(it.1)).sum();
    let of = |(at, (window, events)): (usize, &(Window, u64))| {
        let mut part = Unit { window: Some(*window), ..unit.clone() };
        let share = |bytes: u64| match total {
            0 => bytes / parts.len() as u64,
            _ => u64::try_from(u128::from(bytes) * u128::from(*events) / total).unwrap_or(bytes),
        };
        part.expected_scan_bytes = unit.expected_scan_bytes.map(share);
        part.scanned_bytes = if at == 0 { unit.scanned_bytes } else { 0 };
        if *events > fitting {
            part.detail = json!({ EXPECTED_ROWS: events });
        }
        (store::id_of(COLLECTOR.name, &unit.subject, &window.file_name()), part)
    };
    parts.iter().enumerate().map(of).collect()
}

/// AWS counts in floats.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float saturates")]
fn whole(count: f64) -> u64 {
    count as u64
}

/// Messages that share the greatest length.
#[derive(Default)]
struct Cuts {
    lengths: BTreeMap<usize, u64>,
}

impl Cuts {
    fn see(&mut self, rows: &[Vec<ResultField>]) {
        let messages = rows.iter().flatten().filter(|it| it.field() == Some("@message"));
        for length in messages.filter_map(|it| it.value()).map(|it| it.chars().count()).filter(|it| *it >= CUT_MESSAGE_CHARS) {
            *self.lengths.entry(length).or_default() += 1;
        }
    }

    fn note(&self, group: &str) -> Option<String> {
        let (length, count) = self.lengths.last_key_value()?;
        (*count > 1).then(|| format!("{group}: {count} messages are exactly {length} characters long, and none is longer: they may have been cut there; --logs raw brings them whole"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cut_costs_is_not_lost_and_bursts_are_marked() {
        let mut unit = Unit::new(COLLECTOR.name, EVENTS, "g", Window::new(0, 99));
        (unit.scanned_bytes, unit.expected_scan_bytes) = (1_000, Some(800));
        let window = |first, last| Window::new(first, last).unwrap();
        let parts = split(&unit, &[(window(0, 49), 10), (window(50, 50), 60), (window(51, 99), 10)], 20);
        assert_eq!(parts.iter().map(|it| it.1.scanned_bytes).collect::<Vec<_>>(), [1_000, 0, 0]);
        assert_eq!(parts.iter().filter_map(|it| it.1.expected_scan_bytes).collect::<Vec<_>>(), [100, 600, 100]);
        assert_eq!(parts.iter().map(|it| it.1.detail.get(EXPECTED_ROWS).is_some()).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn what_is_counted_is_what_would_be_brought() {
        let text = counting(ERRORS, "5m");
        assert!(text.contains("\nfilter @message like /(?i)") && text.ends_with("\n| stats count(*) as events by bin(5m)"), "{text}");
        assert!(counting(EVENTS, "1s").ends_with("\nstats count(*) as events by bin(1s)"));
    }
}
