//! Log events one by one: `FilterLogEvents` costs calls and no bytes, and tells every event.
//!
//! Where the identity may not call it, the group's streams are read one after the other.

use super::{
    Asked, Collector, Operation, Outcome, Unit, Work,
    calls::{Context, Failure},
    groups::{self, DESCRIBE_LOG_GROUPS, FILTER_LOG_EVENTS, STREAMS, Way},
};
use crate::case::manifest::State;
use aws_sdk_cloudwatchlogs::Client;

mod streams;

pub(super) use streams::{Stream, instead};

pub(super) static COLLECTOR: Collector = Collector {
    name: "logs_raw",
    title: "log groups, event by event",
    operations: &[&DESCRIBE_LOG_GROUPS, &FILTER_LOG_EVENTS, &DESCRIBE_LOG_STREAMS, &GET_LOG_EVENTS],
    plans_with: &[&DESCRIBE_LOG_GROUPS],
    wanted: Asked::wants_logs,
    plan: |cx| Box::pin(plan(cx)),
    run: |cx, work| Box::pin(run(cx, work)),
};

static DESCRIBE_LOG_STREAMS: Operation = Operation {
    service: "logs",
    name: "DescribeLogStreams",
    action: "logs:DescribeLogStreams",
    resource: "arn:aws:logs:*:*:log-group:*",
    per_second: 5.0,
    optional: false,
};

/// Its resources are streams, whose names begin with that of their group.
static GET_LOG_EVENTS: Operation = Operation {
    service: "logs",
    name: "GetLogEvents",
    action: "logs:GetLogEvents",
    resource: "arn:aws:logs:*:*:log-group:*",
    per_second: 10.0,
    optional: false,
};

async fn plan(cx: Context) -> Result<Vec<(String, Unit)>, Failure> {
    let (asked, now) = (&cx.session.asked, groups::now());
    let groups = groups::survey(&cx).await?.iter().filter(|it| it.way(asked, now) == Way::Raw);
    Ok(groups.flat_map(|it| it.units(COLLECTOR.name, FILTER_LOG_EVENTS.name, Way::Raw, asked.window, now)).collect())
}

async fn run(cx: Context, work: Work) -> Result<Outcome, Failure> {
    let client = Client::new(&cx.session.config);
    if work.unit.call == GET_LOG_EVENTS.name {
        return streams::read(&cx, &client, work).await;
    }
    let unit = work.unit.clone();
    match filtered(&cx, &client, work).await {
        Err(refusal) if refusal.is_denied() => instead(&cx, &client, &unit, refusal).await,
        other => other,
    }
}

/// Reads the pages of a part. A page without events is not the last one; the one without a token is.
async fn filtered(cx: &Context, client: &Client, work: Work) -> Result<Outcome, Failure> {
    let Work { id, mut unit } = work;
    let mut answers = cx.session.store()?.answers(&id)?;
    let window = unit.window.unwrap_or(cx.session.asked.window);
    let streams = groups::named(&unit.detail, STREAMS);
    let mut token: Option<String> = None;
    unit.rows = 0;
    loop {
        let request = || {
            client
                .filter_log_events()
                .log_group_name(&unit.subject)
                .set_log_stream_names(streams.clone())
                .start_time(window.since().millis())
                .end_time(window.until().millis() - 1)
                .set_next_token(token.clone())
        };
        let page = cx.call(&FILTER_LOG_EVENTS, |tap| request().customize().interceptor(tap).send()).await?;
        answers.push(&page.bytes)?;
        unit.rows += page.output.events().len() as u64;
        let next = page.output.next_token;
        if next.is_none() {
            break;
        }
        if next == token {
            (unit.state, unit.reason) = (State::Truncated, Some("a page names itself as the one that follows".to_owned()));
            break;
        }
        token = next;
    }
    answers.finish(&mut unit)?;
    Ok(Outcome::Done(Box::new(unit)))
}
