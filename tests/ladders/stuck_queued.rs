//! `stuck-queued`: how long a task waited, how many waited at once, and what the scheduler said of it.

use super::{Dumps, Rung};
use crate::common::{findings, severities};
use casefile::units::{Moment, SECOND};
use std::fmt::Write as _;

/// How Airflow writes the moment that lies this many seconds after the first.
fn at(seconds: f64) -> String {
    let first = Moment::parse("2026-08-01T02:00:00Z").unwrap().moment;
    let moment = Moment(first.0 + (seconds * SECOND as f64).round() as i64);
    moment.rfc3339().replace('T', " ").replace('Z', "000+00:00")
}

/// Runs of one task by when it was queued and how long it waited.
fn waits(runs: &[(f64, f64)]) -> Dumps {
    let mut text = String::new();
    for (run, (queued, wait)) in runs.iter().enumerate() {
        let (queued, started, ended) = (at(*queued), at(queued + wait), at(queued + wait + 5.0));
        let stamp = ended.replace(' ', "T").replace("000+00:00", "+0000");
        writeln!(text, "[{stamp}] {{scheduler_job_runner.py:813}} INFO - TaskInstance Finished: dag_id=etl, task_id=t, run_id=nightly_{run}, map_index=-1, run_start_date={started}, run_end_date={ended}, run_duration=5.0, state=success, executor=CeleryExecutor(parallelism=32), executor_state=success, try_number=1, max_tries=1, job_id=1, pool=default_pool, queue=default, priority_weight=1, operator=PythonOperator, queued_dttm={queued}, queued_by_job_id=1, pid=1").unwrap();
    }
    vec![("scheduler.log", text)]
}

fn one(wait: f64) -> Dumps {
    waits(&[(0.0, wait)])
}

/// Three that wait for ten minutes, the third of them queued this much later.
fn apart(seconds: f64) -> Dumps {
    waits(&[(0.0, 600.0), (0.0, 600.0), (seconds, 600.0)])
}

/// Three at once, of which one waits this long.
fn of_which_one_waits(seconds: f64) -> Dumps {
    waits(&[(0.0, 900.0), (0.0, 900.0), (0.0, seconds)])
}

pub(super) const RUNGS: &[Rung] = &[
    Rung::new("low_seconds", 300.0, 0.001, one, ["", "low", "low"]),
    Rung::new("medium_seconds", 600.0, 0.001, one, ["low", "medium", "medium"]),
    Rung::new("high_seconds", 3_600.0, 0.001, one, ["medium", "high", "high"]),
    Rung::new("critical_seconds", 43_200.0, 0.001, one, ["high", "critical", "critical"]),
    Rung::new("a minute, however low the limit", 60.0, 0.001, one, ["", "low", "low"]).under(&["low_seconds=1"]),
    Rung::new("cluster_tasks", 3.0, 1.0, |it| waits(&vec![(0.0, 600.0); it as usize]), ["medium", "high", "high"]),
    Rung::new("an hour of a cluster", 3_600.0, 0.001, apart, ["high", "medium", "medium"]),
    Rung::new("long enough for a cluster", 600.0, 0.001, of_which_one_waits, ["medium", "high", "high"]),
];

#[test]
fn the_schedulers_own_words_weigh_without_a_time() {
    let key = "TaskInstanceKey(dag_id='etl', task_id='t', run_id='nightly_1', try_number=1, map_index=-1)";
    let ti = "<TaskInstance: etl.t nightly_1 [queued]>";
    for (words, expected) in [
        (format!("WARNING - Task stuck in queued; will try to requeue. task_instance={ti}"), "medium"),
        (
            format!(
                "ERROR - Executor CeleryExecutor(parallelism=32) reported that the task instance {ti} finished with state failed, but the task instance's state attribute is queued. Learn more: https://airflow.apache.org/docs/apache-airflow/stable/troubleshooting.html#task-state-changed-externally"
            ),
            "high",
        ),
        (
            format!(
                "ERROR - Executor CeleryExecutor(parallelism=32) reported that the task instance {ti} finished with state success, but the task instance's state attribute is queued. Learn more: https://airflow.apache.org/docs/apache-airflow/stable/troubleshooting.html#task-state-changed-externally"
            ),
            "low",
        ),
        (
            format!(
                "WARNING - Marking task instance {ti} stuck in queued as failed. If the task instance has available retries, it will be retried."
            ),
            "high",
        ),
        (format!("INFO - Task requeue attempts exceeded max; marking failed. task_instance={ti}"), "critical"),
        (format!("ERROR - could not queue task {key} (still running after 4 attempts)"), "high"),
    ] {
        let text = format!("[2026-08-01T02:00:00.000+0000] {{scheduler_job_runner.py:771}} {words}\n");
        let found = findings(&[("scheduler.log", text)], "stuck-queued");
        assert_eq!(severities(&found), [expected], "{words}");
    }
}
