//! Lines about stuck tasks that do not say which task they mean.

#![allow(clippy::unwrap_used, reason = "a broken test should stop loudly")]

mod common;

/// Airflow 2.10.5 names only the task id of what it found stuck: the requeue tells which one, also where the log is cut in two.
#[test]
fn a_nameless_line_means_what_is_queued_next() {
    let line = |time: &str, text: &str| format!("[2026-11-20T{time}.000+0000] {{scheduler_job_runner.py:1}} INFO - {text}\n");
    let queued = |time: &str, dag: &str| {
        line(time, &format!("Setting the following tasks to queued state:\n\t<TaskInstance: {dag}.load r1 [scheduled]>"))
    };
    let stuck = |time: &str| line(time, "Task stuck in queued; will try to requeue. task_id=load");
    let ended = |time: &str, dag: &str, at: &str, from: &str| {
        line(
            time,
            &format!(
                "TaskInstance Finished: dag_id={dag}, task_id=load, run_id=r1, map_index=-1, run_start_date=2026-11-20 {from}+00:00, run_end_date=2026-11-20 {time}+00:00, state=success, executor_state=success, try_number=1, pool=p, queue=q, queued_dttm=2026-11-20 {at}+00:00"
            ),
        )
    };
    let before = [queued("01:00:00", "a"), queued("01:00:30", "b")].concat();
    // Two checks, twenty seconds apart, each with its requeue behind it.
    let after = [
        stuck("01:30:00"),
        queued("01:30:01", "a"),
        stuck("01:30:20"),
        queued("01:30:21", "b"),
        ended("01:30:40", "a", "01:30:01", "01:30:05"),
        ended("01:30:50", "b", "01:30:21", "01:30:25"),
    ]
    .concat();
    let spells = |files: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let report = common::json(&common::analyze(&[folder.path()]));
        let found = report["findings"].as_array().unwrap().clone();
        let instances = found.iter().filter(|it| it["detector"] == "stuck-queued").flat_map(|it| it["instances"].as_array().unwrap());
        let mut told: Vec<String> =
            instances.map(|it| format!("{} {}", it["dag_id"].as_str().unwrap_or("?"), it["outcome"].as_str().unwrap())).collect();
        told.sort();
        told
    };
    let whole = spells(&[("scheduler.log", &format!("{before}{after}"))]);
    assert_eq!(whole, ["a requeued", "b requeued"]);
    assert_eq!(spells(&[("scheduler.1.log", &before), ("scheduler.2.log", &after)]), whole);
}
