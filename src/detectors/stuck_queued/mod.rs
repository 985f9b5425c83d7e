//! Task tries that waited in queued, and why.
//!
//! ## What it looks for
//! Two things. By message: the scheduler itself says that a task is stuck in queued (the texts of Airflow 1.10 to 3.3 are a
//! catalogue), that the executor lost it, or that it could not be queued. By time: from the moment a task was queued to the moment
//! it started, told by any line that names either; or still queued when the evidence ends. One instance is one spell in queued.
//! The cause is the first of these that lines prove: `wrong-queue`, `no-worker`, `concurrency`, `scaling-lag`,
//! `killed-by-downscale`, `worker-lost`, `scheduler-stall`, `lost-message`, else `unknown`. A full pool or a DAG limit holds tasks
//! in scheduled, before queued: they are only `also_seen`.
//!
//! ## Why it matters
//! A task that never starts writes no log of its own: the run fails, or is late, without a word. Airflow's default timeout is
//! 600 s; Amazon MWAA sets 1,800 s, and its queue forgets a message after 12 hours.
//!
//! ## What to do
//! By cause: remove the `queue=` that no worker serves; raise the maximum of workers or the environment class; keep the minimum
//! up when load comes in bursts; give tasks that die more memory; upgrade where a message was lost although slots were free.
//!
//! ## When it is wrong
//! At log level WARNING (MWAA's default for the scheduler) the lines that tell of queueing are not written: waits cannot be seen,
//! and silence proves nothing. Airflow 2.10.5 names only the task id of a stuck task: when several tries share it and the other
//! lines do not tell which one is meant, the instance says so. A sensor that reschedules itself is queued again on purpose.

use super::{Answer, Context, Detector};
use crate::{
    error::Result,
    finding::{Finding, Severity},
    settings::Limit,
    tables::{self, Row, TaskRef, rows, spells, task_events},
    units::Moment,
};
use polars::prelude::SortMultipleOptions;
use std::collections::BTreeMap;

mod cause;
mod claim;

pub(super) static DETECTOR: Detector = Detector {
    id: "stuck-queued",
    version: 1,
    title: "task tries that waited in queued, and why",
    needs: "Airflow scheduler, worker and task logs",
    fails: true,
    reads: &[&spells::TABLE, &task_events::TABLE],
    limits: &[&LOW, &MEDIUM, &HIGH, &CRITICAL, &CLUSTER],
    text: include_str!("mod.rs"),
    detect,
};

static LOW: Limit = Limit {
    name: "low_seconds",
    default: 300.0,
    meaning: "wait in queued, in seconds, from which on it is a finding; at least 60",
    source: "half of Airflow's scheduler.task_queued_timeout; our choice",
};
static MEDIUM: Limit = Limit {
    name: "medium_seconds",
    default: 600.0,
    meaning: "wait in seconds from which on it is medium",
    source: "Airflow's default scheduler.task_queued_timeout",
};
static HIGH: Limit = Limit {
    name: "high_seconds",
    default: 3_600.0,
    meaning: "wait in seconds from which on it is high",
    source: "an hour of a nightly window; our choice",
};
static CRITICAL: Limit = Limit {
    name: "critical_seconds",
    default: 43_200.0,
    meaning: "wait in seconds from which on it is critical",
    source: "the SQS visibility timeout that Amazon MWAA sets",
};
static CLUSTER: Limit = Limit {
    name: "cluster_tasks",
    default: 3.0,
    meaning: "spells over medium_seconds within one hour from which on each is high",
    source: "several tasks at once point at the environment, not at a task; our choice",
};

/// A spell, as the table holds it.
#[derive(Clone, Debug)]
struct Spell {
    task: TaskRef,
    queued_at: Option<Moment>,
    started_at: Option<Moment>,
    left_at: Option<Moment>,
    found: String,
    outcome: String,
    queue: Option<String>,
    executor_state: Option<String>,
    ambiguous: bool,
    excerpt: Option<String>,
    queued_origin: Option<tables::Origin>,
    origin: tables::Origin,
}

impl Spell {
    fn read(row: Row<'_>) -> Self {
        let queued_record = row.whole(spells::QUEUED_RECORD).and_then(|it| u64::try_from(it).ok());
        Self {
            task: row.task(),
            queued_at: row.moment(spells::QUEUED_AT),
            started_at: row.moment(spells::STARTED_AT),
            left_at: row.moment(spells::LEFT_AT),
            found: row.text(spells::FOUND).unwrap_or_default(),
            outcome: row.text(spells::OUTCOME).unwrap_or_default(),
            queue: row.text(spells::QUEUE),
            executor_state: row.text(spells::EXECUTOR_STATE),
            ambiguous: row.flag(spells::AMBIGUOUS),
            excerpt: row.text(spells::EXCERPT),
            queued_origin: row
                .text(spells::QUEUED_FILE)
                .zip(queued_record)
                .map(|(file, record)| tables::Origin { file: file.into(), record }),
            origin: row.origin(),
        }
    }

    fn wait_seconds(&self) -> Option<f64> {
        Some(self.left_at?.seconds_since(self.queued_at?))
    }

    /// Whether the scheduler itself called it stuck, or it lasted long enough.
    fn counts(&self, low: f64) -> bool {
        let by_time = matches!(self.found.as_str(), "started" | "evidence-ends");
        !by_time || self.wait_seconds().is_some_and(|it| it >= low)
    }
}

fn detect(cx: &Context<'_>) -> Result<Answer> {
    let told = cx.evidence.rows(&spells::TABLE) + cx.evidence.rows(&task_events::TABLE);
    if told == 0 && cx.evidence.facts.last_told.is_none() {
        return Ok(Answer::NotAssessed("no line of an Airflow scheduler, worker or task log was read".to_owned()));
    }
    if !cx.evidence.facts.scheduler_spoke && cx.evidence.rows(&spells::TABLE) == 0 {
        return Ok(Answer::NotAssessed(
            "no scheduler line tells when tasks were queued: worker and task logs alone do not show how long they waited".to_owned(),
        ));
    }
    let sorted = cx
        .table(&spells::TABLE)
        .sort_by_exprs(
            [spells::LEFT_AT.col(), tables::DAG_ID.col(), tables::TASK_ID.col(), tables::MAP_INDEX.col()],
            SortMultipleOptions::default().with_nulls_last(true),
        )
        .collect()?;
    let low = cx.limit(&LOW).max(60.0);
    let long: Vec<Spell> =
        rows(&sorted).map(Spell::read).filter(|it| it.counts(low) && cx.settings.in_window(it.left_at.or(it.queued_at))).collect();
    let scene = cause::Scene::read(cx)?;
    let mut groups: BTreeMap<(String, String, &'static str), Vec<(Spell, cause::Cause)>> = BTreeMap::new();
    for spell in &long {
        let cause = scene.cause_of(spell);
        let name = |it: &Option<String>| it.clone().unwrap_or_default();
        groups.entry((name(&spell.task.dag_id), name(&spell.task.task_id), cause.id)).or_default().push((spell.clone(), cause));
    }
    let crowded = crowded_hours(&long, cx.limit(&MEDIUM), cx.limit(&CLUSTER));
    let severity = |spell: &Spell| severity(cx, spell, &crowded);
    let findings: Vec<Finding> = groups.into_iter().map(|(key, spells)| claim::finding(&key, &spells, &severity)).collect();
    Ok(Answer::Findings(findings))
}

/// How bad one spell is.
fn severity(cx: &Context<'_>, spell: &Spell, crowded: &[i64]) -> Severity {
    let by_message = match spell.found.as_str() {
        "stuck-requeued" => Severity::Medium,
        "stuck-failed" | "could-not-queue" => Severity::High,
        "stuck-exhausted" => Severity::Critical,
        "state-mismatch" if spell.executor_state.as_deref() == Some("success") => Severity::Low,
        "state-mismatch" => Severity::High,
        _ => Severity::Low,
    };
    let Some(wait) = spell.wait_seconds() else { return by_message };
    let ladder = [
        (Severity::Low, cx.limit(&LOW)),
        (Severity::Medium, cx.limit(&MEDIUM)),
        (Severity::High, cx.limit(&HIGH)),
        (Severity::Critical, cx.limit(&CRITICAL)),
    ];
    let mut by_time = super::rung(wait, &ladder).unwrap_or(Severity::Info);
    if wait >= cx.limit(&MEDIUM) && spell.queued_at.is_some_and(|it| crowded.contains(&hour(it))) {
        by_time = by_time.max(Severity::High);
    }
    by_message.max(by_time)
}

fn hour(at: Moment) -> i64 {
    at.0.div_euclid(3_600 * crate::units::SECOND)
}

/// Hours in which several tasks waited long.
fn crowded_hours(spells: &[Spell], medium: f64, cluster: f64) -> Vec<i64> {
    let mut hours: BTreeMap<i64, f64> = BTreeMap::new();
    for spell in spells.iter().filter(|it| it.wait_seconds().is_some_and(|it| it >= medium)) {
        if let Some(at) = spell.queued_at {
            *hours.entry(hour(at)).or_default() += 1.0;
        }
    }
    hours.into_iter().filter(|it| it.1 >= cluster).map(|it| it.0).collect()
}
