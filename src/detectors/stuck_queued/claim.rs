//! From spells of one task and one cause to one claim.

use super::{Spell, cause::Cause};
use crate::{
    finding::{Code, Confidence, Finding, Impact, Proof, Remediation, Severity, Standing, Subject, id_of, instance_of, proof, seconds},
    units::{Moment, spoken_seconds},
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// How many proofs a finding carries.
const PROOFS: usize = 4;

/// The finding of one task and cause.
pub(super) fn finding(key: &(String, String, &'static str), spells: &[(Spell, Cause)], severity: &dyn Fn(&Spell) -> Severity) -> Finding {
    let (dag_id, task_id, cause_id) = key;
    let times: Vec<Moment> = spells.iter().flat_map(|it| [it.0.queued_at, it.0.left_at]).flatten().collect();
    let waits: Vec<f64> = spells.iter().filter_map(|it| it.0.wait_seconds()).collect();
    let longest = waits.iter().copied().reduce(f64::max);
    let worst = spells.iter().map(|it| severity(&it.0)).max().unwrap_or(Severity::Low);
    let name = match (dag_id.as_str(), task_id.as_str()) {
        ("", "") => "a task that the line does not name".to_owned(),
        ("", task) => task.to_owned(),
        (dag, task) => format!("{dag}.{task}"),
    };
    let last = spells.last().map(|it| &it.0);
    let also_seen: BTreeSet<&str> = spells.iter().flat_map(|it| it.1.also_seen.iter().copied()).collect();
    let mut facts = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            facts.insert(key.to_owned(), value);
        }
    };
    put("dag_id", Some(dag_id.clone()).filter(|it| !it.is_empty()).map(Value::from));
    put("task_id", Some(task_id.clone()).filter(|it| !it.is_empty()).map(Value::from));
    put("cause", Some(Value::from(*cause_id)));
    put("also_seen", (!also_seen.is_empty()).then(|| also_seen.iter().copied().map(Value::from).collect()));
    put("max_wait_seconds", longest.map(seconds));
    put("outcome", last.map(|it| Value::from(it.outcome.clone())));
    Finding {
        standing: Standing::default(),
        finding_id: id_of("stuck-queued", &[dag_id, task_id, cause_id]),
        detector: "stuck-queued",
        severity: worst,
        confidence: confidence(spells),
        title: title(&name, spells, longest),
        subject: Subject { kind: "task", id: name },
        facts,
        instances: spells.iter().map(|it| instance(&it.0)).collect(),
        occurrences: spells.len() as u64,
        first_seen: times.iter().min().copied(),
        last_seen: times.iter().max().copied(),
        impact: Impact { seconds: (!waits.is_empty()).then(|| (waits.iter().sum::<f64>() * 1000.0).round() / 1000.0), bytes: None },
        explanation: explanation(spells),
        caveats: caveats(spells),
        remediation: remediation(cause_id, spells),
        evidence: evidence(spells),
        repro: vec![Code {
            language: "sql",
            title: "CloudWatch Logs Insights, on the scheduler's log group".to_owned(),
            body: format!(
                "fields @timestamp, @message\n| filter @message like /stuck in queued|although the task says|could not queue/ and @message like /{task_id}/\n| sort @timestamp asc"
            ),
        }],
    }
}

fn title(name: &str, spells: &[(Spell, Cause)], longest: Option<f64>) -> String {
    let outcome = match spells.last().map(|it| it.0.outcome.as_str()) {
        Some("failed") => "and was failed",
        Some("requeued") => "and was queued again",
        Some("started-late") => "before it started",
        _ => "and had not started when the evidence ends",
    };
    let waited = longest.map_or_else(|| "sat in queued".to_owned(), |it| format!("sat in queued for {}", spoken_seconds(it)));
    let runs: BTreeSet<_> = spells.iter().map(|it| it.0.task.run_id.as_deref()).collect();
    let count = match (spells.len(), runs.len()) {
        (1, _) => String::new(),
        (spells, 1) => format!(" ({spells} spells in one run)"),
        (spells, runs) => format!(" ({spells} spells in {runs} runs)"),
    };
    let cause = spells.first().map_or("unknown", |it| it.1.id);
    format!("{name} {waited} {outcome}{count}: {}", cause_in_words(cause, spells.first().and_then(|it| it.0.queue.as_deref())))
}

fn cause_in_words(cause: &str, queue: Option<&str>) -> String {
    match cause {
        "wrong-queue" => format!("no worker serves queue {}", queue.unwrap_or("?")),
        "no-worker" => "no worker was alive".to_owned(),
        "concurrency" => "every slot was taken".to_owned(),
        "scaling-lag" => "workers came up too late".to_owned(),
        "killed-by-downscale" => "its worker was shut down".to_owned(),
        "worker-lost" => "what took it up died or never began it".to_owned(),
        "scheduler-stall" => "the scheduler stood still".to_owned(),
        "lost-message" => "slots were free, its message was lost".to_owned(),
        _ => "the evidence does not tell why".to_owned(),
    }
}

fn confidence(spells: &[(Spell, Cause)]) -> Confidence {
    let named = spells.iter().all(|it| it.0.task.dag_id.is_some() && !it.0.ambiguous);
    let proven = spells.iter().all(|it| it.1.proven);
    match (named, proven) {
        (true, true) => Confidence::High,
        (true, false) | (false, true) => Confidence::Medium,
        (false, false) => Confidence::Low,
    }
}

fn instance(spell: &Spell) -> Map<String, Value> {
    let mut instance = instance_of(&spell.task, spell.left_at.or(spell.queued_at));
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            instance.insert(key.to_owned(), value);
        }
    };
    let moment = |it: Option<Moment>| it.map(|it| Value::from(it.rfc3339()));
    put("queued_at", moment(spell.queued_at));
    put("started_at", moment(spell.started_at));
    put("wait_seconds", spell.wait_seconds().map(seconds));
    put("outcome", Some(Value::from(spell.outcome.clone())));
    put("found", Some(Value::from(spell.found.clone())));
    put("queue", spell.queue.clone().map(Value::from));
    put("executor_state", spell.executor_state.clone().map(Value::from));
    put("ambiguous", spell.ambiguous.then_some(Value::Bool(true)));
    instance
}

fn explanation(spells: &[(Spell, Cause)]) -> String {
    let mut reasons: Vec<&str> = spells.iter().map(|it| it.1.because.as_str()).collect();
    reasons.dedup();
    let because = reasons.first().copied().unwrap_or_default();
    let mut chars = because.chars();
    let because = chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect());
    let by_message = spells.iter().filter(|it| !matches!(it.0.found.as_str(), "started" | "evidence-ends")).count();
    let found = match (by_message, spells.len() - by_message) {
        (0, _) => "Found by the time between queued and started.".to_owned(),
        (_, 0) => "Found by the scheduler's own message.".to_owned(),
        (messages, times) => format!("{messages} found by the scheduler's own message, {times} by time."),
    };
    format!("{because} {found}")
}

fn caveats(spells: &[(Spell, Cause)]) -> Vec<String> {
    let mut caveats = Vec::new();
    let mut say = |test: bool, text: &str| {
        if test {
            caveats.push(text.to_owned());
        }
    };
    let any = |test: fn(&Spell) -> bool| spells.iter().any(|it| test(&it.0));
    say(any(|it| it.ambiguous), "the line names only the task id, and several tries sat in queued: which one it means cannot be told");
    say(any(|it| it.task.dag_id.is_none() && !it.ambiguous), "the line does not name the DAG");
    say(any(|it| it.queued_at.is_none()), "no line tells when it was queued: the wait is unknown");
    say(any(|it| it.found == "evidence-ends"), "still queued when the evidence ends: it may have started later");
    say(
        any(|it| it.executor_state.as_deref() == Some("success")),
        "the executor says success: typical of a sensor that reschedules itself",
    );
    say(any(|it| it.task.inferred), "the run id was rebuilt from a stream name that has lost its colons");
    say(
        spells.iter().any(|it| it.1.id == "wrong-queue" && !it.1.proven),
        "no worker banner is in the evidence: that no worker serves the queue is told only by the silence on it",
    );
    caveats
}

fn evidence(spells: &[(Spell, Cause)]) -> Vec<Proof> {
    let mut proofs: Vec<Proof> = Vec::new();
    let mut add = |proof: Proof| {
        if proofs.len() < PROOFS && !proofs.contains(&proof) {
            proofs.push(proof);
        }
    };
    for (spell, cause) in spells.iter().take(1).chain(spells.last()) {
        if let (Some(origin), Some(at)) = (&spell.queued_origin, spell.queued_at) {
            let queue = spell.queue.as_deref().map_or(String::new(), |it| format!(" on queue {it}"));
            add(proof(origin, Some(at), &format!("queued{queue}")));
        }
        let ended = match spell.found.as_str() {
            "started" => "started".to_owned(),
            "evidence-ends" => "no line tells of a start; the evidence ends here".to_owned(),
            _ => spell.excerpt.clone().unwrap_or_else(|| spell.found.clone()),
        };
        add(proof(&spell.origin, spell.left_at, &ended));
        for it in &cause.proofs {
            add(it.clone());
        }
    }
    proofs
}

fn remediation(cause: &str, spells: &[(Spell, Cause)]) -> Remediation {
    let queue = spells.first().and_then(|it| it.0.queue.as_deref()).unwrap_or("that queue");
    let text = match cause {
        "wrong-queue" => format!("Remove `queue='{queue}'` from the task or its default_args, or start a worker that listens on it. An Amazon MWAA environment has one queue."),
        "no-worker" => "Find out why no worker ran: its log group, the environment's events, the execution role's right to read the queue. On Amazon MWAA raise MinWorkers.".to_owned(),
        "concurrency" | "capacity-ceiling" => "More was asked for than there are slots: spread the schedules, raise MaxWorkers or the environment class, or raise core.parallelism and celery.worker_autoscale together.".to_owned(),
        "scaling-lag" => "Load comes in bursts and workers come minutes later: raise MinWorkers to what the burst needs, or spread the start times.".to_owned(),
        "killed-by-downscale" => "The task was taken by a worker that was going down: set MinWorkers equal to MaxWorkers for these hours, or let the task retry.".to_owned(),
        "worker-lost" => "Look into the worker's log at that minute: out of memory (SIGKILL), a DAG that fails to import on the worker, or a broken broker connection. Give the task retries, the worker memory.".to_owned(),
        "scheduler-stall" => "The scheduler was restarted while the task waited: look for why in its log (database, memory, DAG parsing).".to_owned(),
        "lost-message" => "Slots were free and the task still did not start: its message was lost between the executor and the worker. Airflow 2.6 and later fail it after scheduler.task_queued_timeout, 2.10.5 and later queue it again: upgrade, and give the task retries.".to_owned(),
        _ => "Get the worker's log for the same hours, and the scheduler's at level INFO: they tell which limit held the task.".to_owned(),
    };
    let code = (cause == "wrong-queue").then(|| Code {
        language: "sh",
        title: "Where the queue is named".to_owned(),
        body: format!("grep -rn \"queue\" dags/ | grep '{queue}'"),
    });
    Remediation { text, code: code.into_iter().collect() }
}
