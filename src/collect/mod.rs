//! Bringing evidence from AWS into a case. Answers are stored untouched; the sources read them later. Besides `publish` the only network.

use crate::{
    case::manifest::{Bill, CaseManifest, FORMAT, State, Unit},
    error::{Error, Result},
};
use aws_config::SdkConfig;
use calls::{Context, Failure};
use groups::Group;
use pacing::Bucket;
use std::{
    collections::BTreeMap,
    future::Future,
    path::Path,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64},
    },
    time::{Duration, Instant},
};
use store::Store;
use tokio::sync::{OnceCell, watch};

pub(crate) mod access;
mod asked;
mod calls;
mod clients;
mod doctor;
mod engine;
mod groups;
mod identity;
mod pacing;
mod policy;
mod packing;
mod queries;
mod store;
mod mwaa;
mod logs_insights;
mod logs_raw;
mod redshift;
mod athena;
mod athena_files;
mod s3;

pub use asked::{Asked, LogsBy, is_address, is_table};
pub use doctor::{Check, Outlook};
pub use policy::policy;
pub use queries::{companions, query};

/// Every collector, in the order they begin.
pub static COLLECTORS: &[&Collector] = &[
    &mwaa::COLLECTOR,
    &logs_insights::COLLECTOR,
    &logs_raw::COLLECTOR,
    &redshift::COLLECTOR,
    &athena::COLLECTOR,
    &athena_files::COLLECTOR,
    &s3::COLLECTOR,
];

/// Brings one kind of evidence.
#[derive(Debug)]
pub struct Collector {
    /// Its name, which is its folder in a case.
    pub name: &'static str,
    /// What it brings, for people.
    pub title: &'static str,
    /// What it calls. Permissions, pace and `--dry-run` are read from here.
    pub operations: &'static [&'static Operation],
    /// Those of them that planning calls: they cost nothing, and a dry run makes them too.
    pub plans_with: &'static [&'static Operation],
    /// Whether anything of it was asked for.
    wanted: fn(&Asked) -> bool,
    /// The parts to bring. Only calls that cost nothing are made here: a dry run plans too.
    plan: fn(Context) -> Job<Vec<(String, Unit)>>,
    /// Brings one part.
    run: fn(Context, Work) -> Job<Outcome>,
}

/// Something under way.
type Job<T> = Pin<Box<dyn Future<Output = std::result::Result<T, Failure>> + Send>>;

/// One part to bring.
#[derive(Debug)]
struct Work {
    id: String,
    unit: Unit,
}

/// What became of a part.
#[derive(Debug)]
enum Outcome {
    /// It was brought, and its unit says how much and where it lies.
    Done(Box<Unit>),
    /// It was brought, and tells of more parts.
    Leads(Box<Unit>, Vec<(String, Unit)>),
    /// It is too large; these parts together are the same.
    Split(Vec<(String, Unit)>),
}

/// One operation of AWS that we call.
#[derive(Debug)]
pub struct Operation {
    /// The service, as IAM's actions name it.
    pub service: &'static str,
    /// The operation, as AWS's reference names it.
    pub name: &'static str,
    /// The permission it needs.
    pub action: &'static str,
    /// What that permission must be given on.
    pub resource: &'static str,
    /// Calls per second that AWS documents for an account and region.
    pub per_second: f64,
    /// Whether its collector can do without.
    pub optional: bool,
}

impl Operation {
    /// The statement of a policy that allows it.
    pub fn statement(&self) -> String {
        format!(r#"{{"Effect":"Allow","Action":"{}","Resource":"{}"}}"#, self.action, self.resource)
    }
}

/// How AWS is reached, and how hard: nothing of it changes what a case holds.
#[derive(Clone, Debug)]
pub struct Ways {
    /// The profile of the shared configuration.
    pub profile: Option<String>,
    /// The region, where it is not the profile's.
    pub region: Option<String>,
    /// The endpoint of all services.
    pub endpoint_url: Option<String>,
    /// A role to assume.
    pub role_arn: Option<String>,
    /// The external id that the role asks for.
    pub external_id: Option<String>,
    /// Whether FIPS endpoints are used.
    pub fips: bool,
    /// Parts that are brought side by side.
    pub concurrency: usize,
    /// Bytes that queries may scan.
    pub most_scan_bytes: Option<u64>,
    /// Whether the first refusal ends the run.
    pub fail_fast: bool,
    /// The shortest wait after a throttle, doubled from try to try.
    pub base_delay: Duration,
    /// Calls per second of each operation, where an account's quotas differ from the documented ones.
    pub calls_per_second: Option<f64>,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            profile: None,
            region: None,
            endpoint_url: None,
            role_arn: None,
            external_id: None,
            fips: false,
            concurrency: 4,
            most_scan_bytes: None,
            fail_fast: false,
            base_delay: Duration::from_millis(500),
            calls_per_second: None,
        }
    }
}

impl Ways {
    /// Bytes of gigabytes, as AWS counts them.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float saturates, and below zero is none")]
    pub fn bytes_of_gigabytes(gigabytes: f64) -> u64 {
        (gigabytes * GIGABYTE) as u64
    }

    /// Why AWS cannot be reached like that; `spelled` makes of a name what the user writes.
    pub fn contradiction(&self, spelled: impl Fn(&str) -> String) -> Option<String> {
        let lacks_role = self.external_id.is_some() && self.role_arn.is_none();
        lacks_role.then(|| format!("{} needs {}", spelled("external-id"), spelled("role-arn")))
    }
}

/// Bytes of a gigabyte, as AWS counts them.
pub const GIGABYTE: f64 = 1e9;

/// How far a collection is, for whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Requests sent.
    pub calls: AtomicU64,
    /// Requests that AWS asked to send later.
    pub throttles: AtomicU64,
    /// Milliseconds spent waiting for a turn, of all that waited side by side.
    pub waited_millis: AtomicU64,
    /// Bytes of answers.
    pub bytes: AtomicU64,
    /// Rows stored.
    pub rows: AtomicU64,
    /// Bytes that AWS says it scanned.
    pub scanned_bytes: AtomicU64,
    /// Parts known.
    pub units: AtomicU64,
    /// Parts done with, whole or not.
    pub done: AtomicU64,
}

/// What all collectors share.
#[derive(Debug)]
struct Session {
    asked: Asked,
    ways: Ways,
    config: SdkConfig,
    /// `None` on a dry run.
    store: Option<Store>,
    progress: Arc<Progress>,
    buckets: Mutex<BTreeMap<&'static str, Bucket>>,
    began: Instant,
    /// The log groups, once they were looked up.
    groups: OnceCell<Vec<Group>>,
    /// The log streams of groups that may not be read otherwise, once they were listed.
    streams: tokio::sync::Mutex<BTreeMap<String, Arc<Vec<logs_raw::Stream>>>>,
    /// Whether the endpoint of Logs Insights takes only the limits that it took before.
    former_limits: AtomicBool,
    /// Calls that were given up because nobody answered, since one was.
    unanswered: AtomicU64,
    /// Operations that were called: whether each was answered always, or why it was not once.
    heard: Mutex<BTreeMap<&'static str, std::result::Result<(), String>>>,
    /// Whether the user wants to stop.
    stop: watch::Receiver<bool>,
}

impl Session {
    fn with_bucket<T>(&self, operation: &'static Operation, act: impl FnOnce(&mut Bucket, Duration) -> T) -> T {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = self.ways.calls_per_second.unwrap_or(operation.per_second);
        act(buckets.entry(operation.action).or_insert_with(|| Bucket::new(rate)), self.began.elapsed())
    }

    /// Writes down the query that was started for a part: whoever continues waits for that one, and nothing is paid for twice.
    fn started(&self, part: &str, query: &str) -> std::result::Result<(), Failure> {
        self.store()?.record(|it| {
            if let Some(unit) = it.units.get_mut(part) {
                unit.query = Some(query.to_owned());
            }
        })?;
        Ok(())
    }

    /// Takes down how a call ended; what failed once is not forgotten because it went well another time.
    fn hear(&self, operation: &'static Operation, failure: Option<&Failure>) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let said = heard.entry(operation.name).or_insert(Ok(()));
        if let Some(failure) = failure {
            *said = Err(failure.reason());
        }
    }

    /// How the calls of an operation ended; `None` where there was none.
    fn heard(&self, operation: &Operation) -> Option<std::result::Result<(), String>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).get(operation.name).cloned()
    }

    /// The case that is being written.
    fn store(&self) -> std::result::Result<&Store, Failure> {
        self.store.as_ref().ok_or_else(|| Failure::Disk(Error::Usage("a dry run writes no case".to_owned())))
    }
}

/// Collects what was asked for into the directory of a case, and tells what the case then holds.
///
/// With `resume`, an earlier collection is continued: `asked` may then be left out, and must be the same otherwise.
pub fn collect(asked: Option<Asked>, ways: &Ways, dir: &Path, resume: bool, progress: &Arc<Progress>) -> Result<CaseManifest> {
    runtime()?.block_on(engine::collect(asked, ways, dir, resume, progress))
}

/// The calls that planning what was asked for makes.
pub fn calls_of_plan(asked: &Asked) -> Vec<&'static str> {
    let mut calls: Vec<&str> = vec![identity::GET_CALLER_IDENTITY.name];
    calls.extend(COLLECTORS.iter().filter(|it| (it.wanted)(asked)).flat_map(|it| it.plans_with).map(|it| it.name));
    calls.dedup();
    calls
}

/// What a collection would do: its parts in order, found out with calls that cost nothing.
pub fn plan(asked: Asked, ways: &Ways, progress: &Arc<Progress>) -> Result<CaseManifest> {
    runtime()?.block_on(engine::plan(asked, ways, progress))
}

/// Whether what is asked for would come, found out with calls that cost nothing; and the account, where it is known.
pub fn doctor(asked: Asked, ways: &Ways) -> Result<Vec<Check>> {
    runtime()?.block_on(doctor::examine(asked, ways))
}

/// The policy of what is asked for, narrowed to the region and, where there is a login, to its account.
pub fn policy_for(asked: &Asked, ways: &Ways) -> Result<serde_json::Value> {
    runtime()?.block_on(doctor::narrowed_policy(asked, ways))
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|it| Error::Usage(format!("cannot start threads: {it}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_permissions_are_of_their_service() {
        let names: std::collections::BTreeSet<&str> = COLLECTORS.iter().map(|it| it.name).collect();
        assert_eq!(names.len(), COLLECTORS.len());
        for operation in COLLECTORS.iter().flat_map(|it| it.operations) {
            assert!(operation.action.starts_with(&format!("{}:", operation.service)), "{operation:?}");
        }
    }
}
