//! `access-denied`: how often a refusal is a first fault, and how the try ended that met it.

use super::{Dumps, Rung};
use crate::common::{findings, severities};

/// A try's log: a refusal that nobody caught, or one that is only mentioned, and how the try ended.
fn log(run: usize, refusal: &str, state: &str) -> String {
    let end = |state: &str| {
        format!(
            "[2026-08-01T02:00:09.100+0000] {{taskinstance.py:1225}} INFO - Marking task as {state}. dag_id=etl, task_id=copy, run_id=r{run}, execution_date=20260731T020000, start_date=20260801T020000, end_date=20260801T020009\n"
        )
    };
    let end = if state.is_empty() { String::new() } else { end(state) };
    format!("[2026-08-01T02:00:00.000+0000] {{taskinstance.py:2306}} INFO - Starting attempt 1 of 2\n{refusal}{end}")
}

const DENIED: &str = "An error occurred (AccessDenied) when calling the GetObject operation: User: arn:aws:sts::1:assumed-role/etl/x is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::b/k\" because no identity-based policy allows the s3:GetObject action";

fn raised() -> String {
    format!(
        "[2026-08-01T02:00:09.000+0000] {{taskinstance.py:3310}} ERROR - Task failed with exception\nTraceback (most recent call last):\n  File \"etl.py\", line 1, in execute\nbotocore.exceptions.ClientError: {DENIED}\n"
    )
}

fn caught() -> String {
    format!("[2026-08-01T02:00:05.000+0000] {{etl.py:9}} WARNING - could not read it: {DENIED}\n")
}

fn path(run: usize) -> &'static str {
    ["dag_id=etl/run_id=r0/task_id=copy/attempt=1.log", "dag_id=etl/run_id=r1/task_id=copy/attempt=1.log"]
        .into_iter()
        .chain(["dag_id=etl/run_id=r2/task_id=copy/attempt=1.log", "dag_id=etl/run_id=r3/task_id=copy/attempt=1.log"])
        .nth(run)
        .unwrap()
}

fn failed_runs(runs: f64) -> Dumps {
    (0..runs as usize).map(|run| (path(run), log(run, &raised(), "FAILED"))).collect()
}

pub(super) const RUNGS: &[Rung] = &[Rung::new("critical_runs", 3.0, 1.0, failed_runs, ["high", "critical", "critical"])];

#[test]
fn the_end_of_the_try_says_how_bad_the_refusal_was() {
    let told = |dumps: &[(&str, String)]| {
        let found = findings(dumps, "access-denied");
        severities(&found).join(", ")
    };
    let by_scp = raised()
        .replace("because no identity-based policy allows the s3:GetObject action", "with an explicit deny in a service control policy");
    let later = "dag_id=etl/run_id=r0/task_id=copy/attempt=2.log";
    let succeeded = log(0, "", "SUCCESS").replace("attempt 1", "attempt 2");
    for (refusal, state, expected) in [
        (raised(), "FAILED", "high"),
        (raised(), "UP_FOR_RETRY", "high"),
        (by_scp, "FAILED", "critical"),
        (caught(), "FAILED", "low"),
        (caught(), "SUCCESS", "low"),
        (format!("[2026-08-01T02:00:05.000+0000] {{logging_mixin.py:188}} INFO - {DENIED}\n"), "SUCCESS", "info"),
    ] {
        assert_eq!(told(&[(path(0), log(0, &refusal, state))]), expected, "{state} after {refusal}");
    }
    let again = [(path(0), log(0, &raised(), "UP_FOR_RETRY")), (later, succeeded)];
    assert_eq!(told(&again), "medium", "a later try succeeded");
    assert_eq!(told(&[("app.log", format!("{DENIED}\n"))]), "medium", "nobody tells what it broke");
}
