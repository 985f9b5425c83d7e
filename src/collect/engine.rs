//! One collection from beginning to end: plans, brings the parts side by side, and writes down what became of each.

use super::{
    Asked, Bill, COLLECTORS, CaseManifest, Collector, Context, FORMAT, Failure, Outcome, Progress, Session, State, Store, Unit, Ways, Work,
    calls, clients, identity,
};
use crate::{
    error::{Error, Result},
    text,
};
use aws_config::SdkConfig;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};
use tokio::{sync::watch, task::JoinSet};

/// The call of the part that stands for a plan; it is there only where planning failed.
pub(super) const PLAN: &str = "plan";

/// Plans and brings what is missing.
pub(super) async fn collect(asked: Option<Asked>, ways: &Ways, dir: &Path, resume: bool, progress: &Arc<Progress>) -> Result<CaseManifest> {
    let config = clients::load(ways).await?;
    login(&config, ways).await?;
    let (store, asked) = if resume {
        let store = Store::resume(dir)?;
        let asked = same(&store.manifest(), asked, &config)?;
        (store, asked)
    } else {
        let asked = asked.ok_or_else(|| Error::Usage("nothing was asked for".to_owned()))?;
        let store = Store::begin(dir, manifest(&asked, &config))?;
        (store, asked)
    };
    let session = session(asked, ways, config, Some(store), progress);
    identified(&session, resume).await?;
    let ended = pursue(&session).await;
    let Some(store) = &session.store else { return Err(Error::Usage("no case".to_owned())) };
    match ended {
        Ok(()) => Ok(store.manifest()),
        Err(Failure::Disk(error)) => Err(error),
        Err(Failure::Interrupted) => {
            Err(Error::Interrupted(format!("the case is not complete; --case {} --resume continues it", dir.display())))
        }
        // Fail-fast: what was refused stands in the manifest.
        Err(Failure::Aws { .. } | Failure::Unanswered { .. } | Failure::TooDear(_)) => Ok(store.manifest()),
    }
}

/// Plans only.
pub(super) async fn plan(asked: Asked, ways: &Ways, progress: &Arc<Progress>) -> Result<CaseManifest> {
    let config = clients::load(ways).await?;
    login(&config, ways).await?;
    let mut planned = manifest(&asked, &config);
    let session = session(asked, ways, config, None, progress);
    let cx = Context::new(&session);
    (planned.account, planned.identity) = identity::ask(&cx).await.unwrap_or_default();
    for collector in wanted(&session) {
        planned.units.extend(units_of(&cx, collector).await.map_err(disk_or_interrupted)?);
    }
    Ok(planned)
}

fn manifest(asked: &Asked, config: &SdkConfig) -> CaseManifest {
    CaseManifest {
        format: FORMAT.to_owned(),
        casefile: env!("CARGO_PKG_VERSION").to_owned(),
        account: None,
        identity: None,
        region: config.region().map(ToString::to_string).unwrap_or_default(),
        asked: serde_json::to_value(asked).unwrap_or_default(),
        planned: BTreeSet::new(),
        units: BTreeMap::new(),
        bill: Bill::default(),
    }
}

/// What the case was begun with, if that is what is asked now.
fn same(manifest: &CaseManifest, asked: Option<Asked>, config: &SdkConfig) -> Result<Asked> {
    let stored: Asked = serde_json::from_value(manifest.asked.clone())
        .map_err(|it| Error::Usage(format!("the manifest's \"asked\" cannot be read: {it}")))?;
    let mut differences = asked.map_or(Vec::new(), |it| it.differences(&stored));
    let region = config.region().map(ToString::to_string).unwrap_or_default();
    if region != manifest.region {
        differences.push(format!("region was {}, now {region}", manifest.region));
    }
    if differences.is_empty() {
        Ok(stored)
    } else {
        Err(Error::Usage(format!("--resume continues the same collection only: {}", differences.join("; "))))
    }
}

pub(super) fn session(asked: Asked, ways: &Ways, config: SdkConfig, store: Option<Store>, progress: &Arc<Progress>) -> Arc<Session> {
    let (wish, stop) = watch::channel(false);
    tokio::spawn(async move {
        wish_to_stop().await;
        wish.send_replace(true);
        wish_to_stop().await;
        end_now();
        // The wish is heard as long as whoever may utter it lives.
        drop(wish);
    });
    Arc::new(Session {
        asked,
        ways: ways.clone(),
        config,
        store,
        progress: Arc::clone(progress),
        buckets: std::sync::Mutex::default(),
        began: Instant::now(),
        groups: tokio::sync::OnceCell::new(),
        streams: tokio::sync::Mutex::default(),
        // Until somebody answers, there may be nobody: a region or an endpoint that is wrong is told soon.
        unanswered: std::sync::atomic::AtomicU64::new(calls::SILENCES),
        former_limits: std::sync::atomic::AtomicBool::new(false),
        heard: std::sync::Mutex::default(),
        stop,
    })
}

/// Waits until the user, or whoever runs this for him, wants to stop.
async fn wish_to_stop() {
    #[cfg(unix)]
    if let Ok(mut told) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = told.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        return;
    }
    // Where nothing can be heard there is nothing to wait for either.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Asked twice, the program ends where it stands: a case bears that.
#[expect(clippy::exit, reason = "whoever asks twice does not want to wait for calls under way")]
fn end_now() {
    std::process::exit(130);
}

/// Without a login there is nothing to do, and nothing is begun.
pub(super) async fn login(config: &SdkConfig, ways: &Ways) -> Result<()> {
    use aws_sdk_sts::config::ProvideCredentials as _;
    let Some(provider) = config.credentials_provider() else { return Ok(()) };
    let given = provider.provide_credentials().await;
    given.map(drop).map_err(|it| {
        let told = text::one_line(&aws_sdk_sts::error::DisplayErrorContext(&it).to_string());
        Error::Usage(format!("no AWS login: {}; what was tried: {}", cure(&told, ways), text::safe(&told, 600)))
    })
}

/// What helps where there is no login.
fn cure(told: &str, ways: &Ways) -> String {
    let profile = ways.profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok());
    if told.contains("SSO") || told.contains("sso") {
        return format!("run aws sso login --profile {}", profile.as_deref().unwrap_or("default"));
    }
    "set AWS_PROFILE or --profile, AWS_ACCESS_KEY_ID and its secret, or run aws sso login".to_owned()
}

/// Writes down the account and the identity; without STS they are not known.
async fn identified(session: &Arc<Session>, resume: bool) -> Result<()> {
    let cx = Context::new(session);
    let (account, arn) = identity::ask(&cx).await.unwrap_or_default();
    let Some(store) = &session.store else { return Ok(()) };
    let before = store.manifest().account;
    if resume && before.is_some() && account.is_some() && before != account {
        let shown = |it: Option<String>| it.unwrap_or_default();
        return Err(Error::Usage(format!(
            "--resume continues the same collection only: account was {}, now {}",
            shown(before),
            shown(account)
        )));
    }
    store.record(|it| {
        it.account = account.or(it.account.take());
        it.identity = arn.or(it.identity.take());
        it.bill.add(cx.bill());
    })
}

pub(super) fn wanted(session: &Session) -> impl Iterator<Item = &'static Collector> {
    COLLECTORS.iter().copied().filter(|it| (it.wanted)(&session.asked))
}

pub(super) fn disk_or_interrupted(failure: Failure) -> Error {
    match failure {
        Failure::Disk(error) => error,
        _ => Error::Interrupted("nothing was changed".to_owned()),
    }
}

/// The parts of a collector. One that cannot plan has one part, which says why.
pub(super) async fn units_of(cx: &Context, collector: &'static Collector) -> std::result::Result<Vec<(String, Unit)>, Failure> {
    match (collector.plan)(cx.clone()).await {
        Ok(units) => Ok(units),
        Err(failure @ (Failure::Disk(_) | Failure::Interrupted)) => Err(failure),
        Err(failure) => {
            let mut unit = Unit::new(collector.name, PLAN, collector.title, Some(cx.session.asked.window));
            (unit.state, unit.reason) = (failure.state(), Some(failure.reason()));
            Ok(vec![(plan_id(collector), unit)])
        }
    }
}

fn plan_id(collector: &Collector) -> String {
    format!("{}/{PLAN}", collector.name)
}

async fn pursue(session: &Arc<Session>) -> std::result::Result<(), Failure> {
    let store = session.store()?;
    let before = store.manifest();
    let (cx, mut units) = (Context::new(session), BTreeMap::new());
    for collector in wanted(session).filter(|it| !before.planned.contains(it.name)) {
        units.extend(units_of(&cx, collector).await?);
    }
    // All at once: which collector reads a group is decided together, and once.
    store.record(|it| {
        it.units.retain(|_, unit| unit.call != PLAN);
        let failed = |collector: &&Collector| units.contains_key(&plan_id(collector));
        it.planned.extend(wanted(session).filter(|it| !failed(it)).map(|it| it.name.to_owned()));
        it.units.extend(units.clone());
        it.bill.add(cx.bill());
    })?;
    if session.ways.fail_fast && units.values().any(|it| it.call == PLAN) {
        return Ok(());
    }
    bring(session, store).await
}

/// Brings what is missing, as many parts at once as was asked for.
async fn bring(session: &Arc<Session>, store: &Store) -> std::result::Result<(), Failure> {
    let known = store.manifest().units;
    session.progress.units.store(known.len() as u64, Ordering::Relaxed);
    let is_open = |unit: &Unit| matches!(unit.state, State::Missing | State::Refused) && unit.call != PLAN;
    let mut open: VecDeque<Work> = known.into_iter().filter(|it| is_open(&it.1)).map(|(id, unit)| Work { id, unit }).collect();
    let done = session.progress.units.load(Ordering::Relaxed) - open.len() as u64;
    session.progress.done.store(done, Ordering::Relaxed);
    // What was paid for earlier counts.
    let scanned = store.manifest().units.values().map(|it| it.scanned_bytes).sum();
    session.progress.scanned_bytes.store(scanned, Ordering::Relaxed);
    let mut running = JoinSet::new();
    let mut ended: std::result::Result<(), Failure> = Ok(());
    loop {
        while ended.is_ok() && running.len() < session.ways.concurrency.max(1) {
            let Some(work) = open.pop_front() else { break };
            if let Some(collector) = COLLECTORS.iter().find(|it| it.name == work.unit.collector) {
                running.spawn(brought(Arc::clone(session), collector, work));
            }
        }
        // After a failure those under way end by themselves: they stop their queries and write down what they have.
        let Some(joined) = running.join_next().await else { return ended };
        match joined {
            Ok(Ok(more)) => {
                session.progress.done.fetch_add(1, Ordering::Relaxed);
                session.progress.units.fetch_add(more.len() as u64, Ordering::Relaxed);
                more.into_iter().rev().for_each(|it| open.push_front(it));
            }
            Ok(Err(failure)) => ended = ended.and(Err(failure)),
            Err(died) => ended = ended.and(Err(Failure::Disk(Error::Usage(format!("a collector died: {died}"))))),
        }
    }
}

/// Brings one part and writes down what became of it; the parts that it was split into are to be brought next.
async fn brought(session: Arc<Session>, collector: &'static Collector, mut work: Work) -> std::result::Result<Vec<Work>, Failure> {
    let store = session.store()?;
    let cx = Context::new(&session);
    // What was refused earlier is missing until it is refused again.
    (work.unit.state, work.unit.reason) = (State::Missing, None);
    let (id, mut before) = (work.id.clone(), work.unit.clone());
    match (collector.run)(cx.clone(), work).await {
        Ok(Outcome::Done(unit)) => whole(&session, &cx, id, *unit, Vec::new()),
        Ok(Outcome::Leads(unit, parts)) => whole(&session, &cx, id, *unit, parts),
        Ok(Outcome::Split(mut parts)) => {
            // What the whole cost is not lost: its first part bears it.
            before.bill.add(cx.bill());
            for (at, (_, part)) in parts.iter_mut().enumerate() {
                (part.bill, part.query) = (if at == 0 { before.bill } else { Bill::default() }, None);
            }
            store.record(|it| {
                it.units.remove(&id);
                it.units.extend(parts.iter().cloned());
            })?;
            Ok(parts.into_iter().map(|(id, unit)| Work { id, unit }).collect())
        }
        Err(failure @ Failure::Disk(_)) => Err(failure),
        Err(failure) => {
            before.bill.add(cx.bill());
            (before.state, before.reason) = (failure.state(), Some(failure.reason()));
            store.record(|it| {
                // A query that was started may still end, for whoever continues.
                before.query = it.units.get(&id).and_then(|it| it.query.clone());
                it.units.insert(id, before);
            })?;
            let ends = matches!(failure, Failure::Interrupted) || (session.ways.fail_fast && !matches!(failure, Failure::Disk(_)));
            if ends { Err(failure) } else { Ok(Vec::new()) }
        }
    }
}

/// Writes down a part that was brought, and those that it tells of.
fn whole(
    session: &Session,
    cx: &Context,
    id: String,
    mut unit: Unit,
    parts: Vec<(String, Unit)>,
) -> std::result::Result<Vec<Work>, Failure> {
    if unit.state == State::Missing {
        unit.state = State::Complete;
    }
    unit.bill.add(cx.bill());
    unit.query = None;
    session.progress.rows.fetch_add(unit.rows, Ordering::Relaxed);
    session.store()?.record(|it| {
        it.units.insert(id, unit);
        it.units.extend(parts.iter().cloned());
    })?;
    Ok(parts.into_iter().map(|(id, unit)| Work { id, unit }).collect())
}
