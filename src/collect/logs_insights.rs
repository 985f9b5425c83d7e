//! Log events by Logs Insights queries: for groups too large to be read event by event.
//!
//! An answer holds a limited number of rows. One that reaches the limit is thrown away, and its window is cut into as many as the
//! matches need; a single second that still holds more is read event by event.

use super::{
    Asked, Collector, Operation, Outcome, Unit, Work,
    calls::{Answer, Context, Failure},
    groups::{self, DESCRIBE_LOG_GROUPS, FILTER_LOG_EVENTS, Way},
    queries::{self, ERRORS, EVENTS},
    store::{self, Answers},
};
use crate::case::{Window, manifest::State};
use aws_sdk_cloudwatchlogs::{
    Client,
    operation::get_query_results::GetQueryResultsOutput,
    types::{QueryStatus, ResultField},
};
use std::{collections::BTreeMap, sync::atomic::Ordering};

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

/// A window is cut so that its parts would be this full if events were spread evenly, in hundredths.
const FILLING: u64 = 90;

/// The most parts of one cut.
const MOST_PARTS: u64 = 1_000;

/// How often a query is started again that the service gave up.
const STARTS: u32 = 3;

/// Messages of exactly the same length, from here on, were probably cut there.
const CUT_MESSAGE_CHARS: usize = 1_000;

async fn plan(cx: Context) -> Result<Vec<(String, Unit)>, Failure> {
    let (asked, now) = (&cx.session.asked, groups::now());
    let mut parts = Vec::new();
    for group in groups::survey(&cx).await? {
        let query = match group.way(asked, now) {
            Way::Raw => continue,
            Way::Events => EVENTS,
            Way::Errors => ERRORS,
        };
        let (id, mut unit) = group.unit(COLLECTOR.name, query, asked.window, now);
        unit.expected_scan_bytes = group.expected_bytes(asked.window, now);
        if query == ERRORS {
            unit.notes.push(group.only_errors(asked, now));
        }
        parts.push((id, unit));
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
    let client = Client::new(&cx.session.config);
    let window = unit.window.unwrap_or(cx.session.asked.window);
    let (query, limit, end) = answered(&cx, &client, &mut unit, window).await?;
    let End::Complete(first) = end else { return Ok(cut(unit, window, 4)) };
    let scanned = first.output.statistics().map_or(0.0, |it| it.bytes_scanned);
    let matched = first.output.statistics().map_or(0, |it| whole(it.records_matched));
    cx.session.progress.scanned_bytes.fetch_add(whole(scanned), Ordering::Relaxed);
    unit.scanned_bytes += whole(scanned);
    let limit = u64::from(limit);
    // What matched is known before any page is fetched; an answer that cannot be whole is not fetched.
    if matched > limit {
        return Ok(cut(unit, window, (matched * 100).div_ceil(limit * FILLING)));
    }
    let mut answers = cx.session.store()?.answers(&id)?;
    unit.rows = 0;
    let mut cuts = Cuts::default();
    let mut page = *first;
    loop {
        unit.rows += page.output.results().len() as u64;
        cuts.see(page.output.results());
        answers.push(&page.bytes)?;
        let Some(token) = page.output.next_token.take() else { break };
        let request = || client.get_query_results().query_id(&query).next_token(&token);
        page = cx.call(&GET_QUERY_RESULTS, |tap| request().customize().interceptor(tap).send()).await?;
    }
    if unit.rows >= limit || (unit.rows < matched && unit.rows >= u64::from(FORMER_MOST_ROWS)) {
        let parts = matched.max(limit + 1).saturating_mul(100).div_ceil(unit.rows.min(limit).max(1) * FILLING);
        return Ok(cut(unit, window, parts));
    }
    kept(answers, unit, matched, &cuts)
}

/// Keeps the answers of a window that came whole.
fn kept(answers: Answers, mut unit: Unit, matched: u64, cuts: &Cuts) -> Result<Outcome, Failure> {
    answers.finish(&mut unit)?;
    groups::settle(&mut unit);
    if unit.rows < matched {
        (unit.state, unit.reason) = (State::Truncated, Some(format!("the answer holds {} of {matched} matching events", unit.rows)));
    }
    unit.notes.extend(cuts.note(&unit.subject));
    Ok(Outcome::Done(Box::new(unit)))
}

/// Starts the query of a part and waits for its end; says its id, and how many rows were asked for.
async fn answered(cx: &Context, client: &Client, unit: &mut Unit, window: Window) -> Result<(String, u32, End), Failure> {
    let text = queries::query(&unit.call).unwrap_or_default();
    let mut starts = 0;
    loop {
        affordable(cx, unit.expected_scan_bytes.unwrap_or(0))?;
        let limit = if cx.session.former_limits.load(Ordering::Relaxed) { FORMER_MOST_ROWS } else { MOST_ROWS };
        let request = || {
            let limit = i32::try_from(limit).unwrap_or(i32::MAX);
            let query = client.start_query().log_group_name(&unit.subject).query_string(text).limit(limit);
            query.start_time(window.first()).end_time(window.last())
        };
        let started = cx.call(&START_QUERY, |tap| request().customize().interceptor(tap).send()).await;
        let query = match started {
            Ok(answer) => answer.output.query_id.unwrap_or_default(),
            Err(failure) if failure.code() == "InvalidParameterException" && limit > FORMER_MOST_ROWS => {
                cx.session.former_limits.store(true, Ordering::Relaxed);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        starts += 1;
        match awaited(cx, client, &query).await {
            Ok(End::Complete(answer)) => return Ok((query, limit, End::Complete(answer))),
            Ok(End::TimedOut) => return Ok((query, limit, End::TimedOut)),
            Err(Failure::Unanswered { .. }) if starts < STARTS => {}
            Err(failure) => {
                // Nobody waits for it any more, and it costs as long as it runs.
                cx.farewell(&STOP_QUERY, |tap| client.stop_query().query_id(&query).customize().interceptor(tap).send()).await;
                return Err(failure);
            }
        }
    }
}

async fn awaited(cx: &Context, client: &Client, query: &str) -> Result<End, Failure> {
    let mut wait = cx.session.ways.base_delay;
    loop {
        cx.pause(wait).await?;
        wait = wait.mul_f64(1.5).min(cx.session.ways.base_delay.saturating_mul(10));
        let request = || client.get_query_results().query_id(query);
        let answer = cx.call(&GET_QUERY_RESULTS, |tap| request().customize().interceptor(tap).send()).await?;
        let scanned = answer.output.statistics().map_or(0.0, |it| it.bytes_scanned);
        match answer.output.status() {
            Some(QueryStatus::Complete) => return Ok(End::Complete(Box::new(answer))),
            Some(QueryStatus::Timeout) => return Ok(End::TimedOut),
            Some(QueryStatus::Scheduled | QueryStatus::Running) | None => affordable(cx, whole(scanned))?,
            Some(other) => {
                let reason = format!("the query ended as {}", other.as_str());
                return Err(Failure::Unanswered { operation: &GET_QUERY_RESULTS, reason });
            }
        }
    }
}

/// Whether so many bytes more may be scanned.
fn affordable(cx: &Context, more: u64) -> Result<(), Failure> {
    let scanned = cx.session.progress.scanned_bytes.load(Ordering::Relaxed);
    match cx.session.ways.most_scan_bytes {
        Some(most) if scanned.saturating_add(more) > most => {
            Err(Failure::TooDear(format!("--max-scan-gb: {scanned} bytes were scanned, about {more} more are needed, {most} are allowed")))
        }
        _ => Ok(()),
    }
}

/// Cuts a part into smaller ones; of a single second every event is read by itself.
fn cut(mut unit: Unit, window: Window, parts: u64) -> Outcome {
    let spent = std::mem::take(&mut unit.scanned_bytes);
    if window.seconds() == 1 {
        let mut raw = Unit::new("logs_raw", FILTER_LOG_EVENTS.name, &unit.subject, Some(window));
        (raw.detail, raw.notes, raw.scanned_bytes) = (unit.detail, unit.notes, spent);
        return Outcome::Split(vec![(store::id_of("logs_raw", &unit.subject, &window.file_name()), raw)]);
    }
    let windows = window.parts(parts.clamp(2, MOST_PARTS));
    let count = windows.len() as u64;
    let part = |(at, window): (usize, Window)| {
        let mut part = Unit { window: Some(window), ..unit.clone() };
        part.expected_scan_bytes = unit.expected_scan_bytes.map(|it| it / count);
        part.scanned_bytes = if at == 0 { spent } else { 0 };
        (store::id_of(COLLECTOR.name, &unit.subject, &window.file_name()), part)
    };
    Outcome::Split(windows.into_iter().enumerate().map(part).collect())
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
    use proptest::prelude::*;

    fn unit(window: Window) -> Unit {
        Unit::new(COLLECTOR.name, EVENTS, "g", Some(window))
    }

    /// Brings a window as `run` does, of a group that holds `events` at these seconds; the windows of the answers that are kept.
    fn brought(events: &[i64], window: Window, limit: u64, kept: &mut Vec<(String, Window)>) {
        let matched = events.iter().filter(|it| (window.first()..=window.last()).contains(*it)).count() as u64;
        if matched < limit {
            return kept.push((COLLECTOR.name.to_owned(), window));
        }
        let Outcome::Split(parts) = cut(unit(window), window, (matched * 100).div_ceil(limit * FILLING)) else { panic!("not cut") };
        for (_, part) in parts {
            let window = part.window.unwrap();
            if part.collector == COLLECTOR.name { brought(events, window, limit, kept) } else { kept.push((part.collector, window)) }
        }
    }

    proptest! {
        #[test]
        fn every_event_is_in_one_window_however_they_are_spread(
            bursts in prop::collection::vec((0_i64..5_000, 1_usize..60), 0..40), seconds in 1_i64..5_000, limit in 2_u64..40,
        ) {
            let events: Vec<i64> = bursts.iter().flat_map(|(at, count)| std::iter::repeat_n(*at % seconds, *count)).collect();
            let whole = Window::new(0, seconds - 1).unwrap();
            let mut kept = Vec::new();
            brought(&events, whole, limit, &mut kept);
            prop_assert_eq!(kept.first().unwrap().1.first(), whole.first());
            prop_assert_eq!(kept.last().unwrap().1.last(), whole.last());
            prop_assert!(kept.windows(2).all(|pair| pair[0].1.last() + 1 == pair[1].1.first()));
            for (collector, window) in &kept {
                let held = events.iter().filter(|it| (window.first()..=window.last()).contains(*it)).count() as u64;
                prop_assert!(held < limit || (collector == "logs_raw" && window.seconds() == 1));
            }
        }
    }

    #[test]
    fn what_a_cut_costs_is_not_lost() {
        let mut whole = unit(Window::new(0, 99).unwrap());
        (whole.scanned_bytes, whole.expected_scan_bytes) = (1_000, Some(800));
        let Outcome::Split(parts) = cut(whole, Window::new(0, 99).unwrap(), 4) else { panic!("not cut") };
        assert_eq!(parts.iter().map(|it| it.1.scanned_bytes).collect::<Vec<_>>(), [1_000, 0, 0, 0]);
        assert_eq!(parts.iter().filter_map(|it| it.1.expected_scan_bytes).sum::<u64>(), 800);
    }
}
