//! Whether a collection would bring what is asked for: found out with calls that read, cost nothing and change nothing.
//!
//! A collector is checked by its plan; those that can say more without cost have a probe besides. What neither calls is said to be unchecked.

use super::{
    Asked, Collector, Job, Operation, Progress, Session, Unit, Ways, athena,
    calls::{Context, Failure},
    clients, engine, groups, identity, logs_raw, mwaa, policy, redshift, s3,
};
use crate::error::{Error, Result};
use serde::Serialize;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// How something looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outlook {
    /// It would come.
    Ok,
    /// It would come, and the reader should know something.
    Note,
    /// Whether it would come cannot be found out without cost.
    Unchecked,
    /// Something would be missing.
    Gap,
}

impl Outlook {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Unchecked => "unchecked",
            Self::Gap => "gap",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// How it looks.
    pub outlook: Outlook,
    /// The collector, or `login`.
    pub source: String,
    /// The operation.
    pub call: String,
    /// What it was asked about.
    pub subject: String,
    /// What there is to say.
    pub says: String,
}

/// What a collector can say beyond its plan.
type Probe = fn(Context) -> Job<Vec<Check>>;

/// The probes, by their collectors.
static PROBES: &[(&str, Probe)] = &[
    (mwaa::COLLECTOR.name, |cx| Box::pin(environments(cx))),
    (logs_raw::COLLECTOR.name, |cx| Box::pin(log_groups(cx))),
    (redshift::COLLECTOR.name, |cx| Box::pin(statements(cx))),
    (athena::COLLECTOR.name, |cx| Box::pin(workgroups(cx))),
    (s3::COLLECTOR.name, |cx| Box::pin(addresses(cx))),
];

/// The names of a cluster's databases: told to whoever can log in, without a statement.
static LIST_DATABASES: Operation =
    Operation { optional: true, ..redshift::of_data_api("ListDatabases", "redshift-data:ListDatabases", 3.0) };

/// An id that no statement has.
const NO_STATEMENT: &str = "00000000-0000-4000-8000-000000000000";

/// The source of checks that concern all collectors.
const LOGIN: &str = "login";

/// The longest wait before a call is tried again, to begin with: somebody waits for the answer.
const DELAY: Duration = Duration::from_millis(100);

/// Looks at the login, and then at what each collector needs.
pub(super) async fn examine(asked: Asked, ways: &Ways) -> Result<Vec<Check>> {
    let ways = Ways { base_delay: ways.base_delay.min(DELAY), ..ways.clone() };
    let config = clients::load(&ways).await?;
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    if let Err(error) = engine::login(&config, &ways).await {
        return Ok(vec![check(Outlook::Gap, LOGIN, "credentials", &region, error.to_string())]);
    }
    let session = engine::session(asked, &ways, config, None, &Arc::new(Progress::default()));
    let mut checks = match identity::ask(&Context::new(&session)).await {
        Ok((account, arn)) => {
            let says = format!("account {}, {}", account.unwrap_or_default(), arn.unwrap_or_default());
            vec![check(Outlook::Ok, LOGIN, identity::GET_CALLER_IDENTITY.name, &region, says)]
        }
        Err(Failure::Interrupted) => return Err(Error::Interrupted("nothing was changed".to_owned())),
        Err(failure @ Failure::Unanswered { .. }) => {
            let says = format!("who asks is not known, the rest is checked all the same: {}", failure.reason());
            vec![check(Outlook::Note, LOGIN, identity::GET_CALLER_IDENTITY.name, &region, says)]
        }
        // A login that STS does not take is taken by nobody.
        Err(failure) => return Ok(vec![check(Outlook::Gap, LOGIN, identity::GET_CALLER_IDENTITY.name, &region, failure.reason())]),
    };
    for collector in engine::wanted(&session) {
        checks.extend(of_collector(&session, collector).await.map_err(engine::disk_or_interrupted)?);
    }
    Ok(checks)
}

/// The policy of what is asked for.
pub(super) async fn narrowed_policy(asked: &Asked, ways: &Ways) -> Result<Value> {
    let config = clients::load(ways).await?;
    let region = config.region().map(ToString::to_string);
    let session = engine::session(asked.clone(), &Ways { base_delay: DELAY, ..ways.clone() }, config, None, &Arc::new(Progress::default()));
    let account = match engine::login(&session.config, ways).await {
        Ok(()) => identity::ask(&Context::new(&session)).await.ok().and_then(|it| it.0),
        Err(_) => None,
    };
    Ok(policy(Some(&policy::Scope { asked, region: region.as_deref(), account: account.as_deref() })))
}

async fn of_collector(session: &Arc<Session>, collector: &'static Collector) -> std::result::Result<Vec<Check>, Failure> {
    let cx = Context::new(session);
    let units = engine::units_of(&cx, collector).await?;
    if units.is_empty() {
        return Ok(Vec::new());
    }
    let mut checks = Vec::new();
    let is_planned = units.iter().all(|it| it.1.call != engine::PLAN);
    for operation in collector.plans_with.iter().filter(|_| is_planned) {
        let (outlook, says) = match session.heard(operation) {
            Some(Ok(())) => (Outlook::Ok, String::new()),
            Some(Err(reason)) => (fault_of(operation), reason),
            None => continue,
        };
        checks.push(check(outlook, collector.name, operation.name, "", says));
    }
    for told in units.iter().flat_map(|it| of_unit(collector, &it.1)) {
        // Parts of one subject say the same of it.
        if !checks.contains(&told) {
            checks.push(told);
        }
    }
    // What could not even be planned is not looked at more closely.
    if let Some((_, probe)) = PROBES.iter().find(|it| is_planned && it.0 == collector.name) {
        checks.extend(probe(cx).await?);
    }
    let is_open = |operation: &&&Operation| session.heard(operation).is_none() && !checks.iter().any(|it| it.call == operation.name);
    let unchecked: Vec<&str> = collector.operations.iter().filter(is_open).map(|it| it.action).collect();
    if !unchecked.is_empty() {
        let says = "not called, as that would cost or is not needed yet; --policy prints what allows it".to_owned();
        checks.push(check(Outlook::Unchecked, collector.name, &unchecked.join(" "), "", says));
    }
    Ok(checks)
}

/// What a plan already says of a part.
fn of_unit(collector: &Collector, unit: &Unit) -> Vec<Check> {
    let of = |outlook, says: &String| check(outlook, collector.name, &unit.call, &unit.subject, says.clone());
    let gap = unit.gap().filter(|_| !unit.is_planned());
    let gone = unit.detail.get(athena::GONE).and_then(Value::as_str).map(ToOwned::to_owned);
    let notes = unit.notes.iter().filter(|it| Some(*it) != gone.as_ref());
    gap.iter().chain(&gone).map(|it| of(Outlook::Gap, it)).chain(notes.map(|it| of(Outlook::Note, it))).collect()
}

fn check(outlook: Outlook, source: &str, call: &str, subject: &str, says: String) -> Check {
    Check { outlook, source: source.to_owned(), call: call.to_owned(), subject: subject.to_owned(), says }
}

/// How it looks where a call fails.
fn fault_of(operation: &Operation) -> Outlook {
    if operation.optional { Outlook::Note } else { Outlook::Gap }
}

/// How a call went. What a collector can do without is no gap.
fn called<T>(
    source: &str,
    operation: &Operation,
    subject: &str,
    answer: std::result::Result<T, Failure>,
) -> std::result::Result<(Option<T>, Check), Failure> {
    match answer {
        Ok(answer) => Ok((Some(answer), check(Outlook::Ok, source, operation.name, subject, String::new()))),
        Err(failure @ (Failure::Interrupted | Failure::Disk(_))) => Err(failure),
        Err(failure) => Ok((None, check(fault_of(operation), source, operation.name, subject, failure.reason()))),
    }
}

async fn environments(cx: Context) -> std::result::Result<Vec<Check>, Failure> {
    let (name, operation) = (mwaa::COLLECTOR.name, &mwaa::GET_ENVIRONMENT);
    let mut checks = Vec::new();
    for environment in &cx.session.asked.mwaa_environments {
        let (answer, check_) = called(name, operation, environment, mwaa::described(&cx, environment).await)?;
        checks.push(check_);
        let notes = answer.map_or(Vec::new(), |it| mwaa::notes(environment, &it.output));
        checks.extend(notes.into_iter().map(|it| check(Outlook::Note, name, operation.name, environment, it)));
    }
    Ok(checks)
}

/// One event of the window's first second is asked for, of each group.
async fn log_groups(cx: Context) -> std::result::Result<Vec<Check>, Failure> {
    let client = aws_sdk_cloudwatchlogs::Client::new(&cx.session.config);
    let first = cx.session.asked.window.since().millis();
    let mut checks = Vec::new();
    for group in groups::names(&cx.session.asked) {
        let request = || client.filter_log_events().log_group_name(&group).start_time(first).end_time(first + 999).limit(1);
        let answer = cx.call(&groups::FILTER_LOG_EVENTS, |tap| request().customize().interceptor(tap).send()).await.map(drop);
        let refusal = match answer {
            Err(refusal) if refusal.is_denied() => refusal,
            other => {
                checks.push(called(logs_raw::COLLECTOR.name, &groups::FILTER_LOG_EVENTS, &group, other)?.1);
                continue;
            }
        };
        let unit = Unit::new(logs_raw::COLLECTOR.name, groups::FILTER_LOG_EVENTS.name, &group, Some(cx.session.asked.window));
        let reason = refusal.reason();
        let instead = logs_raw::instead(&cx, &client, &unit, refusal).await;
        let (is_read, mut check) = called(logs_raw::COLLECTOR.name, &groups::FILTER_LOG_EVENTS, &group, instead)?;
        if is_read.is_some() {
            (check.outlook, check.says) = (Outlook::Note, format!("its streams would be read one by one, which takes longer: {reason}"));
        }
        checks.push(check);
    }
    Ok(checks)
}

/// Asks about a statement that nobody ran: whoever may ask is told that it is not there. And of a cluster, whether the login holds.
async fn statements(cx: Context) -> std::result::Result<Vec<Check>, Failure> {
    let (name, asked) = (redshift::COLLECTOR.name, &cx.session.asked);
    let client = aws_sdk_redshiftdata::Client::new(&cx.session.config);
    let subject = redshift::subject(asked).map_or("", String::as_str);
    let describe = || client.describe_statement().id(NO_STATEMENT);
    let described = cx.call(&redshift::DESCRIBE_STATEMENT, |tap| describe().customize().interceptor(tap).send()).await.map(drop);
    let read = || client.get_statement_result().id(NO_STATEMENT);
    let read = cx.call(&redshift::GET_STATEMENT_RESULT, |tap| read().customize().interceptor(tap).send()).await.map(drop);
    let mut checks = Vec::new();
    for (operation, answer) in [(&redshift::DESCRIBE_STATEMENT, described), (&redshift::GET_STATEMENT_RESULT, read)] {
        let is_allowed = answer.as_ref().is_err_and(|it| ["ResourceNotFoundException", "ValidationException"].contains(&it.code()));
        checks.push(called(name, operation, subject, if is_allowed { Ok(()) } else { answer })?.1);
    }
    if asked.redshift_workgroup.is_some() {
        let says = "the login was not tried: whatever connects to a workgroup may wake it, and that costs".to_owned();
        checks.push(check(Outlook::Unchecked, name, LIST_DATABASES.name, subject, says));
        return Ok(checks);
    }
    let list = || {
        let list = client.list_databases().set_cluster_identifier(asked.redshift_cluster.clone()).set_database(asked.database.clone());
        list.set_secret_arn(asked.secret_arn.clone()).set_db_user(asked.db_user.clone()).max_results(1)
    };
    let listed = cx.call(&LIST_DATABASES, |tap| list().customize().interceptor(tap).send()).await.map_err(redshift::meant);
    checks.push(match listed {
        Ok(_) => check(Outlook::Ok, name, LIST_DATABASES.name, subject, "the login holds".to_owned()),
        Err(failure @ (Failure::Interrupted | Failure::Disk(_))) => return Err(failure),
        // It is no call of collect's: whoever may not make it may collect all the same.
        Err(failure) if failure.is_denied() && failure.reason().contains(LIST_DATABASES.action) => {
            let says = format!("the login was not tried: {}", failure.reason());
            check(Outlook::Unchecked, name, LIST_DATABASES.name, subject, says)
        }
        Err(failure) => check(Outlook::Gap, name, LIST_DATABASES.name, subject, failure.reason()),
    });
    Ok(checks)
}

/// The last query of each workgroup is looked at.
async fn workgroups(cx: Context) -> std::result::Result<Vec<Check>, Failure> {
    let name = athena::COLLECTOR.name;
    let client = aws_sdk_athena::Client::new(&cx.session.config);
    let mut checks = Vec::new();
    let (workgroups, check) = called(name, &athena::LIST_WORK_GROUPS, "", athena::workgroups(&cx).await)?;
    let Some(workgroups) = workgroups else { return Ok(vec![check]) };
    for workgroup in workgroups {
        let request = || client.list_query_executions().work_group(&workgroup).max_results(1);
        let listed = cx.call(&athena::LIST_QUERY_EXECUTIONS, |tap| request().customize().interceptor(tap).send()).await;
        let (page, check) = called(name, &athena::LIST_QUERY_EXECUTIONS, &workgroup, listed)?;
        checks.push(check);
        let Some(query) = page.and_then(|it| it.output.query_execution_ids().first().cloned()) else { continue };
        let request = || client.batch_get_query_execution().query_execution_ids(&query);
        let told = cx.call(&athena::BATCH_GET_QUERY_EXECUTION, |tap| request().customize().interceptor(tap).send()).await;
        checks.push(called(name, &athena::BATCH_GET_QUERY_EXECUTION, &workgroup, told)?.1);
        let told = athena::asked_for(&cx, &client, &query).await;
        checks.push(called(name, &athena::GET_QUERY_RUNTIME_STATISTICS, &workgroup, told)?.1);
    }
    Ok(checks)
}

/// One object below each address is asked for: a tenth of a thousandth of a cent.
async fn addresses(cx: Context) -> std::result::Result<Vec<Check>, Failure> {
    let client = s3::client(&cx.session.config);
    let mut checks = Vec::new();
    for address in &cx.session.asked.s3 {
        let (bucket, prefix) = s3::parts(address);
        let request = || client.list_objects_v2().bucket(bucket).prefix(prefix).max_keys(1);
        let listed = cx.call(&s3::LIST_OBJECTS, |tap| request().customize().interceptor(tap).send()).await.map_err(s3::explained);
        let (page, mut told) = called(s3::COLLECTOR.name, &s3::LIST_OBJECTS, address, listed)?;
        if page.is_some_and(|it| it.output.contents().is_empty()) {
            (told.outlook, told.says) = (Outlook::Note, "there are no objects".to_owned());
        }
        checks.push(told);
    }
    Ok(checks)
}
