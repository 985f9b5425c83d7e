//! Log events one by one: `FilterLogEvents` costs calls and no bytes, and tells every event.

use super::{
    Asked, Collector, Outcome, Unit, Work,
    calls::{Context, Failure},
    groups::{self, DESCRIBE_LOG_GROUPS, FILTER_LOG_EVENTS, Way},
};
use crate::case::manifest::State;

pub(super) static COLLECTOR: Collector = Collector {
    name: "logs_raw",
    title: "log groups, event by event",
    operations: &[&DESCRIBE_LOG_GROUPS, &FILTER_LOG_EVENTS],
    plans_with: &[&DESCRIBE_LOG_GROUPS],
    wanted: Asked::wants_logs,
    plan: |cx| Box::pin(plan(cx)),
    run: |cx, work| Box::pin(run(cx, work)),
};

async fn plan(cx: Context) -> Result<Vec<(String, Unit)>, Failure> {
    let (asked, now) = (&cx.session.asked, groups::now());
    let groups = groups::survey(&cx).await?.iter().filter(|it| it.way(asked, now) == Way::Raw);
    Ok(groups.flat_map(|it| it.units(COLLECTOR.name, FILTER_LOG_EVENTS.name, Way::Raw, asked.window, now)).collect())
}

/// Reads the pages of a part. A page without events is not the last one; the one without a token is.
async fn run(cx: Context, work: Work) -> Result<Outcome, Failure> {
    let Work { id, mut unit } = work;
    let client = aws_sdk_cloudwatchlogs::Client::new(&cx.session.config);
    let mut answers = cx.session.store()?.answers(&id)?;
    let window = unit.window.unwrap_or(cx.session.asked.window);
    let mut token: Option<String> = None;
    unit.rows = 0;
    loop {
        let request = || {
            client
                .filter_log_events()
                .log_group_name(&unit.subject)
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
