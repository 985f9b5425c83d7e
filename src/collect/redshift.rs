//! Redshift's system views by the Data API: one statement a view and day, its pages as they come.
//!
//! A view, a column or a grant that a cluster lacks costs that view alone, and the part says what cannot be told without it.

use super::{
    Asked, Collector, Operation, Outcome, Unit, Work,
    calls::{Context, Failure},
    groups,
    queries::{self, VISIBILITY},
    store,
};
use crate::{
    case::{Window, manifest::State},
    text,
    units::{Moment, SECOND},
};
use aws_sdk_redshiftdata::{
    Client,
    types::{SqlParameter, StatusString},
};
use serde_json::{Value, json};
use std::hash::{BuildHasher as _, RandomState};
use views::{Refusal, VIEWS, View};

mod sight;
mod views;

pub(super) static COLLECTOR: Collector = Collector {
    name: "redshift",
    title: "Redshift's system views",
    operations: &[
        &EXECUTE_STATEMENT,
        &DESCRIBE_STATEMENT,
        &GET_STATEMENT_RESULT,
        &CANCEL_STATEMENT,
        &GET_CLUSTER_CREDENTIALS,
        &GET_CLUSTER_CREDENTIALS_WITH_IAM,
        &GET_CREDENTIALS,
        &GET_SECRET_VALUE,
    ],
    plans_with: &[],
    wanted: |asked| subject(asked).is_some(),
    plan: |cx| Box::pin(std::future::ready(Ok(plan(&cx.session.asked, groups::now())))),
    run: |cx, work| Box::pin(async { run(cx, work).await.map_err(meant) }),
};

static EXECUTE_STATEMENT: Operation = of_data_api("ExecuteStatement", "redshift-data:ExecuteStatement", 30.0);
pub(super) static DESCRIBE_STATEMENT: Operation = of_data_api("DescribeStatement", "redshift-data:DescribeStatement", 100.0);
pub(super) static GET_STATEMENT_RESULT: Operation = of_data_api("GetStatementResult", "redshift-data:GetStatementResult", 20.0);
static CANCEL_STATEMENT: Operation = Operation { optional: true, ..of_data_api("CancelStatement", "redshift-data:CancelStatement", 3.0) };

pub(super) const fn of_data_api(name: &'static str, action: &'static str, per_second: f64) -> Operation {
    Operation { service: "redshift-data", name, action, resource: "*", per_second, optional: false }
}

/// The Data API logs in for whoever calls it: with a database user, as the identity itself, on Serverless, or with a secret.
static GET_CLUSTER_CREDENTIALS: Operation = of_login("redshift", "GetClusterCredentials", "redshift:GetClusterCredentials");
static GET_CLUSTER_CREDENTIALS_WITH_IAM: Operation =
    of_login("redshift", "GetClusterCredentialsWithIAM", "redshift:GetClusterCredentialsWithIAM");
static GET_CREDENTIALS: Operation = of_login("redshift-serverless", "GetCredentials", "redshift-serverless:GetCredentials");
static GET_SECRET_VALUE: Operation = Operation {
    resource: "arn:aws:secretsmanager:*:*:secret:*",
    ..of_login("secretsmanager", "GetSecretValue", "secretsmanager:GetSecretValue")
};

const fn of_login(service: &'static str, name: &'static str, action: &'static str) -> Operation {
    Operation { service, name, action, resource: "*", per_second: 10.0, optional: true }
}

/// How many seconds one statement asks for; a result may hold 500 MB.
const DAY_SECONDS: i64 = 86_400;

/// How long the system views keep their rows.
const KEPT_DAYS: i64 = 7;

/// Into how many parts a window is cut whose result is too large: how large it would have been is not told.
const PARTS: u64 = 4;

/// Keys of a part's detail: from when on rows are kept, and whether older ones were seen all the same.
const KEPT_SINCE: &str = "kept_since";
const KNOWN: &str = "known";

/// How IAM's refusals begin, wherever they are told.
const NOT_AUTHORIZED: &str = "not authorized to perform";

/// The longest sentence of Redshift that we keep, in characters.
const WORDS_CHARS: usize = 600;

/// The cluster or the workgroup.
pub(super) fn subject(asked: &Asked) -> Option<&String> {
    asked.redshift_cluster.as_ref().or(asked.redshift_workgroup.as_ref())
}

fn plan(asked: &Asked, now: Moment) -> Vec<(String, Unit)> {
    let subject = subject(asked).map_or("", String::as_str);
    // To the day, as AWS tells it: the same collection an hour later says the same.
    let kept_since = Moment((now.0.div_euclid(DAY_SECONDS * SECOND) - KEPT_DAYS) * DAY_SECONDS * SECOND);
    let slices = slices(asked.window, kept_since, now);
    let mut parts = vec![(id_of(subject, "visibility", None), Unit::new(COLLECTOR.name, VISIBILITY, subject, None))];
    for view in VIEWS.iter().filter(|it| it.is_everywhere() || asked.redshift_cluster.is_some()) {
        let windows: Vec<_> = if view.windowed { slices.iter().copied().map(Some).collect() } else { vec![None] };
        for window in windows {
            let mut unit = Unit::new(COLLECTOR.name, view.file, subject, window);
            // Said once: it holds for all of them.
            if view.name == views::QUERIES && window.is_some_and(|it| it.since() < kept_since) {
                unit.detail = json!({KEPT_SINCE: kept_since.rfc3339()});
                unit.notes.extend(retention(&unit));
            }
            parts.push((id_of(subject, view.name, window), unit));
        }
    }
    parts
}

/// A window day by day, as far as there can be many rows: what is older than they are kept is one slice, and so is what is still to come.
fn slices(window: Window, kept_since: Moment, now: Moment) -> Vec<Window> {
    let (kept, now) = (kept_since.0.div_euclid(SECOND), now.0.div_euclid(SECOND));
    let within = |first: i64, last: i64| Window::new(window.first().max(first), window.last().min(last));
    let recent = within(kept, now).map_or(Vec::new(), |it| it.parts(it.seconds().div_ceil(DAY_SECONDS.unsigned_abs())));
    within(i64::MIN, kept - 1).into_iter().chain(recent).chain(within(now + 1, i64::MAX)).collect()
}

fn id_of(subject: &str, view: &str, window: Option<Window>) -> String {
    let part = window.map_or(view.to_owned(), |it| format!("{view}-{}", it.file_name()));
    store::id_of(COLLECTOR.name, subject, &part)
}

/// That some of what is asked for may be gone.
fn retention(unit: &Unit) -> Option<String> {
    let kept_since = unit.detail.get(KEPT_SINCE).and_then(Value::as_str)?;
    Some(format!("{}: system views keep {KEPT_DAYS} days: what began before {kept_since} may be gone", unit.subject))
}

async fn run(cx: Context, work: Work) -> Result<Outcome, Failure> {
    let Work { id, mut unit } = work;
    let client = Client::new(&cx.session.config);
    (unit.state, unit.reason, unit.rows) = (State::Missing, None, 0);
    unit.notes = retention(&unit).into_iter().collect();
    let Some(view) = VIEWS.iter().find(|it| it.file == unit.call) else { return sight::visible(&cx, &client, unit).await };
    let mut text = queries::query(view.file).unwrap_or_default().to_owned();
    if let Some(statement) = earlier(&cx, &client, &unit).await? {
        return kept(&cx, &client, &statement, &id, unit).await;
    }
    let mut part = Some(id.as_str());
    loop {
        // Only a statement that asks for all is worth to be waited for by whoever continues.
        let words = match finished(&cx, &client, &text, unit.window, part.take()).await? {
            Ok(statement) => return kept(&cx, &client, &statement, &id, unit).await,
            Err(words) => words,
        };
        let refusal = Refusal::of(&words);
        let Refusal::NoColumn(column) = &refusal else { return refused(&cx, view, &refusal, &words, unit) };
        // Each round takes a column from the list: it ends.
        let Some(less) = views::without(&text, column) else { return refused(&cx, view, &refusal, &words, unit) };
        unit.notes.push(format!("{}: {} has no column {column}, and was read without it", unit.subject, view.name));
        text = less;
    }
}

/// What becomes of a part that Redshift says no to.
fn refused(cx: &Context, view: &View, refusal: &Refusal, words: &str, mut unit: Unit) -> Result<Outcome, Failure> {
    let window = unit.window.filter(|it| *refusal == Refusal::TooLarge && it.seconds() > 1);
    if let Some(window) = window {
        return Ok(cut(view, unit, window));
    }
    let instead = view.instead.filter(|_| cx.session.asked.redshift_cluster.is_some());
    if let (Refusal::NoView(missing), Some(instead)) = (refusal, instead) {
        unit.notes.push(format!("{}: there is no {missing}; {instead} tells instead, of the main cluster alone", unit.subject));
        return Ok(Outcome::Done(Box::new(unit)));
    }
    // Whoever cannot log in loses everything, and is told once.
    if words.starts_with("FATAL") || words.contains(NOT_AUTHORIZED) {
        return Err(failed(refusal.code(), words));
    }
    let loss = format!("{} cannot be told without it", view.tells);
    let help = match refusal {
        Refusal::Denied(denied) => format!("; GRANT SELECT ON {denied} to the user, or the role sys:monitor, allows it"),
        _ => String::new(),
    };
    let tells = instead.map_or(String::new(), |it| format!("; {it} tells part of it"));
    Err(failed(refusal.code(), &format!("{words}; {loss}{tells}{help}")))
}

/// A statement that failed.
fn failed(code: &str, words: &str) -> Failure {
    Failure::Aws { operation: &DESCRIBE_STATEMENT, code: code.to_owned(), message: text::safe(words, WORDS_CHARS) }
}

/// Names the operation that was refused indeed, where the Data API called another on behalf of the caller.
pub(super) fn meant(failure: Failure) -> Failure {
    match failure {
        Failure::Aws { operation, code, message } => {
            let named = COLLECTOR.operations.iter().filter(|it| message.contains(it.action)).max_by_key(|it| it.action.len());
            // A login that the identity may not make is told by the Data API in other ways.
            let code = if message.contains(NOT_AUTHORIZED) { "AccessDeniedException".to_owned() } else { code };
            Failure::Aws { operation: named.copied().unwrap_or(operation), code, message }
        }
        other => other,
    }
}

fn cut(view: &View, mut unit: Unit, window: Window) -> Outcome {
    if let Some(detail) = unit.detail.as_object_mut() {
        detail.insert(KNOWN.to_owned(), true.into());
    }
    let part = |window| (id_of(&unit.subject, view.name, Some(window)), Unit { window: Some(window), ..unit.clone() });
    Outcome::Split(window.parts(PARTS).into_iter().map(part).collect())
}

/// A statement that ran to its end.
struct Statement {
    id: String,
}

/// The statement that was started earlier, where it ended well.
async fn earlier(cx: &Context, client: &Client, unit: &Unit) -> Result<Option<Statement>, Failure> {
    let Some(id) = unit.query.clone() else { return Ok(None) };
    let statement = Statement { id };
    match awaited(cx, client, &statement).await {
        Ok(None) => Ok(Some(statement)),
        Err(failure @ (Failure::Interrupted | Failure::Disk(_))) => Err(failure),
        // It failed, was cancelled, or is known no longer: it is run anew.
        Ok(Some(_)) | Err(_) => Ok(None),
    }
}

/// Runs a text, on behalf of a part if one is named; where it fails, the words of Redshift.
async fn finished(
    cx: &Context,
    client: &Client,
    text: &str,
    window: Option<Window>,
    part: Option<&str>,
) -> Result<Result<Statement, String>, Failure> {
    let asked = &cx.session.asked;
    let random = RandomState::new();
    // With the same token a request that is sent again starts nothing anew.
    let token = format!("{:016x}{:016x}", random.hash_one(0_u8), random.hash_one(1_u8));
    let parameter = |name: &str, at: Moment| SqlParameter::builder().name(name).value(at.rfc3339().replace(['T', 'Z'], " ").trim()).build();
    let parameters = window.map(|it| [parameter("from", it.since()), parameter("until", it.until())].into_iter().filter_map(Result::ok));
    let parameters: Option<Vec<SqlParameter>> = parameters.map(Iterator::collect);
    let request = || {
        client
            .execute_statement()
            .sql(text)
            .set_parameters(parameters.clone())
            .set_cluster_identifier(asked.redshift_cluster.clone())
            .set_workgroup_name(asked.redshift_workgroup.clone())
            .set_database(asked.database.clone())
            .set_secret_arn(asked.secret_arn.clone())
            .set_db_user(asked.db_user.clone())
            .statement_name("casefile")
            .client_token(&token)
    };
    let answer = cx.call(&EXECUTE_STATEMENT, |tap| request().customize().interceptor(tap).send()).await?;
    let statement = Statement { id: answer.output.id.unwrap_or_default() };
    if let Some(part) = part {
        cx.session.started(part, &statement.id)?;
    }
    match awaited(cx, client, &statement).await {
        Ok(None) => Ok(Ok(statement)),
        Ok(Some(words)) => Ok(Err(words)),
        Err(failure) => {
            // Nobody waits for it any more.
            let cancel = || client.cancel_statement().id(&statement.id);
            cx.farewell(&CANCEL_STATEMENT, async |tap| cancel().customize().interceptor(tap).send().await).await;
            Err(failure)
        }
    }
}

/// Waits for the end of a statement; where it failed, the words of Redshift.
async fn awaited(cx: &Context, client: &Client, statement: &Statement) -> Result<Option<String>, Failure> {
    let mut wait = cx.session.ways.base_delay / 2;
    loop {
        cx.pause(wait).await?;
        wait = wait.mul_f64(1.5).min(cx.session.ways.base_delay.saturating_mul(10));
        let request = || client.describe_statement().id(&statement.id);
        let answer = cx.call(&DESCRIBE_STATEMENT, |tap| request().customize().interceptor(tap).send()).await?;
        let words = || text::safe(&text::one_line(answer.output.error().unwrap_or("no reason given")), WORDS_CHARS);
        match answer.output.status() {
            Some(StatusString::Finished) => return Ok(None),
            Some(StatusString::Failed) => return Ok(Some(words())),
            Some(StatusString::Aborted) => {
                let reason = format!("the statement was aborted: {}", words());
                return Err(Failure::Unanswered { operation: &DESCRIBE_STATEMENT, reason });
            }
            _ => {}
        }
    }
}

/// Keeps the pages of a result.
async fn kept(cx: &Context, client: &Client, statement: &Statement, id: &str, mut unit: Unit) -> Result<Outcome, Failure> {
    let mut answers = cx.session.store()?.answers(id)?;
    let mut token: Option<String> = None;
    loop {
        let request = || client.get_statement_result().id(&statement.id).set_next_token(token.clone());
        let page = cx.call(&GET_STATEMENT_RESULT, |tap| request().customize().interceptor(tap).send()).await?;
        answers.push(&page.bytes)?;
        unit.rows += page.output.records().len() as u64;
        let (total, next) = (page.output.total_num_rows(), page.output.next_token);
        if next.is_none() || next == token {
            // The result is known to the row: whatever is missing, was lost on the way.
            if u64::try_from(total).is_ok_and(|it| it > unit.rows) {
                (unit.state, unit.reason) = (State::Truncated, Some(format!("the pages hold {} of {total} rows", unit.rows)));
            }
            break;
        }
        token = next;
    }
    answers.finish(&mut unit)?;
    let ended_before = |it: &str| unit.window.is_some_and(|window| window.until().rfc3339().as_str() <= it);
    let is_gone = unit.detail.get(KEPT_SINCE).and_then(Value::as_str).is_some_and(ended_before);
    if unit.rows == 0 && is_gone && !unit.detail.get(KNOWN).is_some_and(|it| *it == true) {
        let reason = format!("no query of that time is known any more: system views keep {KEPT_DAYS} days");
        (unit.state, unit.reason) = (State::Truncated, Some(reason));
    }
    Ok(Outcome::Done(Box::new(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn slices_cover_the_window_and_are_few(first in -9_000_000_i64..9_000_000, seconds in 1_i64..9_000_000, now in -5_000_000_i64..5_000_000) {
            let window = Window::new(first, first + seconds - 1).unwrap();
            let moment = |second: i64| Moment(second * SECOND);
            let slices = slices(window, moment(now - KEPT_DAYS * DAY_SECONDS), moment(now));
            prop_assert_eq!(slices.first().unwrap().first(), window.first());
            prop_assert_eq!(slices.last().unwrap().last(), window.last());
            prop_assert!(slices.windows(2).all(|pair| pair[0].last() + 1 == pair[1].first()));
            prop_assert!(slices.len() <= 10, "{}", slices.len());
        }
    }

    fn asked(members: Value) -> Asked {
        let mut all = json!({"window": {"since": "2026-01-02T00:00:00Z", "until": "2026-01-05T00:00:00Z"}, "database": "dev"});
        all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn serverless_has_no_slices_and_no_stl_views() {
        let now = Moment::parse("2026-01-05T06:00:00Z").unwrap().moment;
        let calls = |it: &Asked| plan(it, now).into_iter().map(|it| it.1.call).collect::<Vec<_>>();
        let workgroup = calls(&asked(json!({"redshift_workgroup": "w"})));
        assert!(workgroup.iter().all(|it| !it.contains("/st")), "{workgroup:?}");
        let cluster = calls(&asked(json!({"redshift_cluster": "c"})));
        assert_eq!(cluster.iter().filter(|it| *it == "redshift/stl_query.sql").count(), 3, "one a day");
        assert_eq!(cluster.iter().filter(|it| *it == "redshift/stv_slices.sql").count(), 1);
        assert!(workgroup.iter().all(|it| cluster.contains(it)));
    }

    #[test]
    fn what_is_older_than_the_views_is_said_once() {
        let now = Moment::parse("2026-01-11T00:00:00Z").unwrap().moment;
        let parts = plan(&asked(json!({"redshift_cluster": "c"})), now);
        let told: Vec<&Unit> = parts.iter().map(|it| &it.1).filter(|it| !it.notes.is_empty()).collect();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].notes, ["c: system views keep 7 days: what began before 2026-01-04T00:00:00.000Z may be gone"]);
    }

    #[test]
    fn a_login_that_is_refused_is_named_for_what_it_is() {
        let words =
            "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: redshift:GetClusterCredentialsWithIAM on resource: x";
        let reason = meant(failed("FAILED", words)).reason();
        assert!(reason.starts_with("GetClusterCredentialsWithIAM answered AccessDeniedException"), "{reason}");
        assert!(reason.contains(r#"casefile needs {"Effect":"Allow","Action":"redshift:GetClusterCredentialsWithIAM""#), "{reason}");
    }
}
