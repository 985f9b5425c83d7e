//! Why a task sat in queued: the first cause that lines prove.

use super::Spell;
use crate::{
    detectors::Context,
    error::Result,
    finding::{Proof, proof},
    logs::facts::Facts,
    tables::{Row, rows, task_events},
    units::{Moment, SECOND, spoken_seconds},
};
use polars::prelude::{Expr, SortMultipleOptions, lit};
use std::collections::{BTreeMap, BTreeSet};

/// A task starts at most this long after the worker that it waited for.
const AFTER_SCALING: i64 = 300 * SECOND;

/// A cause and what proves it.
#[derive(Clone, Debug)]
pub(super) struct Cause {
    /// One of the contract's causes.
    pub(super) id: &'static str,
    /// The sentence that says why we think so.
    pub(super) because: String,
    /// Lines that prove it.
    pub(super) proofs: Vec<Proof>,
    /// What held tasks before they were queued.
    pub(super) also_seen: Vec<&'static str>,
    /// Whether lines prove it, or only its absence in the evidence suggests it.
    pub(super) proven: bool,
}

/// A remark of a worker or scheduler.
#[derive(Debug)]
struct Remark {
    event: String,
    from: Option<Moment>,
    to: Option<Moment>,
    detail: Option<String>,
    /// Slots of a worker.
    slots: Option<i64>,
    proof: Proof,
}

/// What workers and schedulers did while tasks waited.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    remarks: Vec<Remark>,
    /// Queues that workers announced, with how many slots they gave.
    served: BTreeSet<String>,
    slots: Option<i64>,
    facts: &'a Facts,
}

impl<'a> Scene<'a> {
    pub(super) fn read(cx: &Context<'a>) -> Result<Self> {
        let kept = ["pool-full", "dag-limit", "parallelism-full", "worker-queues", "worker-stopping", "worker-lost", "scheduler-started"];
        let wanted = kept.into_iter().map(|it| task_events::EVENT.col().eq(lit(it))).reduce(Expr::or).unwrap_or_else(|| lit(false));
        let frame = cx
            .table(&task_events::TABLE)
            .filter(wanted)
            .sort_by_exprs([task_events::EVENT_TIME.col()], SortMultipleOptions::default().with_nulls_last(true).with_maintain_order(true))
            .collect()?;
        let remarks: Vec<Remark> = rows(&frame).map(remark).collect();
        let banners = || remarks.iter().filter(|it| it.event == "worker-queues");
        let served = banners().filter_map(|it| it.detail.as_deref()).flat_map(|it| it.split(',')).map(ToOwned::to_owned).collect();
        let slots = banners().filter_map(|it| it.slots).max();
        Ok(Self { served, slots, remarks, facts: &cx.evidence.facts })
    }

    /// The cause of one spell.
    pub(super) fn cause_of(&self, spell: &Spell) -> Cause {
        let also_seen = self.also_seen(spell);
        let found = self.wrong_queue(spell).or_else(|| self.timed_cause(spell)).or_else(|| lost(spell)).unwrap_or_else(|| Cause {
            id: "unknown",
            because: "no line in the evidence tells why; worker logs, or the scheduler's at level INFO, would.".to_owned(),
            proofs: Vec::new(),
            also_seen: Vec::new(),
            proven: false,
        });
        Cause { also_seen, ..found }
    }

    fn wrong_queue(&self, spell: &Spell) -> Option<Cause> {
        let queue = spell.queue.as_deref()?;
        if self.served.contains(queue) {
            return None;
        }
        if !self.served.is_empty() {
            let served: Vec<&str> = self.served.iter().map(String::as_str).collect();
            let banner = self.remarks.iter().find(|it| it.event == "worker-queues");
            return Some(Cause {
                id: "wrong-queue",
                because: format!("the task went to queue `{queue}`; the workers in the evidence serve only `{}`.", served.join("`, `")),
                proofs: banner.map(|it| it.proof.clone()).into_iter().collect(),
                also_seen: Vec::new(),
                proven: true,
            });
        }
        let ran = |name: &str| self.facts.running.get(name).is_some_and(|it| it.values().any(|count| *count > 0));
        let others = self.facts.running.iter().any(|it| it.0 != queue && it.1.values().any(|count| *count > 0));
        (others && !ran(queue)).then(|| Cause {
            id: "wrong-queue",
            because: format!("the task went to queue `{queue}`, on which nothing ran in the evidence while other queues were worked on."),
            proofs: Vec::new(),
            also_seen: Vec::new(),
            proven: false,
        })
    }

    /// The causes that need to know when the task waited.
    fn timed_cause(&self, spell: &Spell) -> Option<Cause> {
        let (from, to) = (spell.queued_at?, spell.left_at?);
        let during = |event: &str| {
            self.remarks
                .iter()
                .find(|it| it.event == event && it.from.is_some_and(|at| at <= to) && it.to.or(it.from).is_some_and(|at| at >= from))
        };
        let cause = |id: &'static str, because: String, remark: Option<&Remark>| {
            Some(Cause {
                id,
                because,
                proofs: remark.map(|it| it.proof.clone()).into_iter().collect(),
                also_seen: Vec::new(),
                proven: true,
            })
        };
        let minutes = minute(from)..=minute(to);
        let worker_spoke = self.facts.worker_minutes.range(minutes).next().is_some();
        if !self.facts.worker_minutes.is_empty() && !worker_spoke {
            return cause(
                "no-worker",
                format!(
                    "worker logs are in the evidence, and no worker wrote a line in the {} that it waited.",
                    spoken_seconds(to.seconds_since(from))
                ),
                None,
            );
        }
        if let Some(full) = during("parallelism-full") {
            return cause("concurrency", "the executor's parallelism was reached while it waited.".to_owned(), Some(full));
        }
        let (taken, slots) = (self.running_at(from, to), self.slots);
        if let (Some(taken), Some(slots)) = (taken, slots)
            && taken >= slots
        {
            return cause(
                "concurrency",
                format!("at least {taken} tries ran at once while it waited, and a worker has {slots} slots."),
                self.remarks.iter().find(|it| it.event == "worker-queues"),
            );
        }
        if let (Some(grown), Some(started)) = (during("worker-queues"), spell.started_at)
            && grown.from.is_some_and(|it| started.0 - it.0 <= AFTER_SCALING)
        {
            return cause("scaling-lag", "a worker came up while it waited, and it started soon after.".to_owned(), Some(grown));
        }
        if let Some(stopping) = during("worker-stopping") {
            return cause(
                "killed-by-downscale",
                "a worker shut down while it waited: what the worker had reserved was lost.".to_owned(),
                Some(stopping),
            );
        }
        if let Some(lost) = during("worker-lost") {
            return cause("worker-lost", "a worker process died while it waited.".to_owned(), Some(lost));
        }
        if let Some(stalled) = during("scheduler-started").filter(|it| it.from.is_some_and(|at| at > from)) {
            return cause("scheduler-stall", "the scheduler was restarted while it waited.".to_owned(), Some(stalled));
        }
        if let (Some(taken), Some(slots), true) = (taken, slots, spell.found.starts_with("stuck")) {
            return cause(
                "lost-message",
                format!("workers were alive, at most {taken} of {slots} slots of one worker were taken, and still it was not started."),
                None,
            );
        }
        None
    }

    /// The most tries that ran at once in the middle of a wait, if the scheduler told of any.
    fn running_at(&self, from: Moment, to: Moment) -> Option<i64> {
        let middle = minute(Moment(i64::midpoint(from.0, to.0)));
        let level = |minutes: &BTreeMap<i64, i64>| minutes.range(..=middle).next_back().map(|it| *it.1);
        let levels: Vec<i64> = self.facts.running.values().filter_map(level).collect();
        (!levels.is_empty()).then(|| levels.iter().sum())
    }

    /// What held the task before it was queued.
    fn also_seen(&self, spell: &Spell) -> Vec<&'static str> {
        let to = spell.left_at;
        let from = spell.queued_at.or(to);
        let overlaps = |it: &Remark| it.from <= to && it.to.or(it.from) >= from && from.is_some();
        let dag_limit = self
            .remarks
            .iter()
            .any(|it| it.event == "dag-limit" && it.detail == spell.task.dag_id && spell.task.dag_id.is_some() && overlaps(it));
        let pool = self.remarks.iter().any(|it| it.event == "pool-full" && overlaps(it));
        let mut seen = Vec::new();
        if pool {
            seen.push("pool");
        }
        if dag_limit {
            seen.push("dag-limit");
        }
        seen
    }
}

/// The executor's own report that it lost the task.
fn lost(spell: &Spell) -> Option<Cause> {
    (spell.found == "state-mismatch").then(|| Cause {
        id: "worker-lost",
        because: "the executor reported the try finished while the task never left queued: whatever took it up never began it.".to_owned(),
        proofs: Vec::new(),
        also_seen: Vec::new(),
        proven: spell.executor_state.as_deref() != Some("success"),
    })
}

fn remark(row: Row<'_>) -> Remark {
    let at = row.moment(task_events::EVENT_TIME);
    Remark {
        event: row.text(task_events::EVENT).unwrap_or_default(),
        from: at,
        to: row.moment(task_events::ENDED_AT),
        detail: row.text(task_events::DETAIL),
        slots: row.text(task_events::STATE).and_then(|it| it.parse().ok()),
        proof: proof(&row.origin(), at, &row.text(task_events::EXCERPT).unwrap_or_default()),
    }
}

fn minute(at: Moment) -> i64 {
    at.0.div_euclid(60 * SECOND)
}
