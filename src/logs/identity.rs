//! Whose try a text speaks of: from the text itself, else from the name of its file or log stream.

use crate::tables::TaskRef;

pub(super) mod plain;

// Airflow 2.3 and later: `/` in CloudWatch and on disk, `-` in an S3 export, `__` where somebody saved streams as files.
pattern!(KEYED, r"dag_id=(.+?)(/|-|__)run_id=(.+?)(?:/|-|__)task_id=(.+?)(?:(?:/|-|__)map_index=(-?\d+))?(?:/|-|__)attempt=(\d+)");
// Airflow 2.2 and before: dag/task/execution date/try.log.
pattern!(DATED, r"(?:^|/)([^/]+)/([^/]+)/(\d{4}-\d\d-\d\dT\d\d[:_]\d\d[:_]\d\d[^/]*)/(\d+)\.log");
pattern!(
    INSTANCE,
    r"(?:<|&lt;)TaskInstance:\s+((?:<[^<>\[\]]*>|[^<>\[\]])*?)(?:\s+map_index=(-?\d+))?\s+\[(\w+|None)\](?:\s+ti_id=[\w-]+)?(?:>|&gt;)"
);
pattern!(
    KEY,
    r"TaskInstanceKey\(dag_id='([^']*)', task_id='([^']*)', (?:run_id='([^']*)'|execution_date=datetime\.datetime\(([^)]*)\)[^,]*\)?), try_number=(\d+)(?:, map_index=(-?\d+))?"
);
pattern!(KEY_PARTS, r"(dag_id|task_id|run_id|try_number|map_index)='?([^',()]+)'?");
pattern!(
    TUPLE,
    r"[(\[]['\x22]([^'\x22]+)['\x22], ?['\x22]([^'\x22]+)['\x22], ?(?:datetime\.datetime\(([0-9, ]+)[^)]*\)|['\x22]([^'\x22]+)['\x22])(?:, ?(\d+))?"
);
pattern!(COMMAND, r"\['?(?:airflow|\*\*\*)'?, (?:'tasks', )?'run', '([^']+)', '([^']+)', '([^']+)'");
pattern!(COMMAND_MAP, r"'--map-index', '(-?\d+)'");
pattern!(LOSSY_TIME, r"T(\d\d)_(\d\d)_(\d\d)");
pattern!(LOSSY_ZONE, r"([+-]\d\d)_(\d\d)");

fn group(captures: &regex::Captures<'_>, at: usize) -> Option<String> {
    captures.get(at).map(|it| it.as_str().to_owned()).filter(|it| !it.is_empty())
}

/// From the name of a file, S3 key or log stream.
pub(super) fn from_name(name: &str) -> Option<TaskRef> {
    if let Some(found) = KEYED.as_ref()?.captures(name) {
        let lossy = &found[2] != "/" || !found[3].contains(':') && found[3].contains('_');
        let dag = found[1].rsplit('/').next().unwrap_or_default().to_owned();
        let run = group(&found, 3)?;
        return Some(TaskRef {
            dag_id: Some(dag),
            task_id: group(&found, 4),
            inferred: lossy && restored(&run) != run,
            run_id: Some(restored(&run)),
            map_index: mapped(found.get(5).map(|it| it.as_str())),
            try_number: found[6].parse().ok(),
        });
    }
    let found = DATED.as_ref()?.captures(name)?;
    let run = group(&found, 3)?;
    Some(TaskRef {
        dag_id: group(&found, 1),
        task_id: group(&found, 2),
        inferred: restored(&run) != run,
        run_id: Some(restored(&run)),
        map_index: None,
        try_number: found[4].parse().ok(),
    })
}

/// Gives back the `:` that stream names and S3 keys turn into `_`.
fn restored(run: &str) -> String {
    let (Some(time), Some(zone)) = (LOSSY_TIME.as_ref(), LOSSY_ZONE.as_ref()) else { return run.to_owned() };
    let timed = time.replace(run, "T$1:$2:$3");
    zone.replace(&timed, "$1:$2").into_owned()
}

/// Every `<TaskInstance: dag.task run [state]>` in a text, with its state.
pub(super) fn instances(text: &str) -> Vec<(TaskRef, String)> {
    if let Some(found) = plain::instances(text) {
        return found.into_iter().map(|it| (instance(it.words, it.map_index), it.state.to_owned())).collect();
    }
    let Some(pattern) = INSTANCE.as_ref() else { return Vec::new() };
    let read = |found: regex::Captures<'_>| (instance(&found[1], found.get(2).map(|it| it.as_str())), found[3].to_owned());
    pattern.captures_iter(text).map(read).collect()
}

/// The task that `dag.task run` names.
fn instance(words: &str, map_index: Option<&str>) -> TaskRef {
    let words = words.trim();
    let (name, run) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let run = run.trim_start();
    let run_id = (!run.is_empty()).then(|| run_text(run));
    if name.starts_with('<') || !name.contains(|it: char| it.is_ascii_alphanumeric()) {
        // Somebody blackened the name before posting it.
        return TaskRef { run_id, ..TaskRef::default() };
    }
    // A dag id may hold dots, but almost none does; a task id in a group always does.
    let (dag, task) = name.split_once('.').map_or((None, name), |(dag, task)| (Some(dag.to_owned()), task));
    TaskRef { dag_id: dag, task_id: Some(task.to_owned()), run_id, map_index: mapped(map_index), ..TaskRef::default() }
}

/// `TaskInstanceKey(dag_id='…', …)`, whole or with parts cut away.
pub(super) fn key(text: &str) -> Option<TaskRef> {
    if let Some(found) = plain::key(text) {
        return Some(found.owned());
    }
    if let Some(found) = KEY.as_ref()?.captures(text) {
        return Some(TaskRef {
            dag_id: group(&found, 1),
            task_id: group(&found, 2),
            run_id: group(&found, 3).or_else(|| group(&found, 4).and_then(|it| civil(&it))),
            map_index: mapped(found.get(6).map(|it| it.as_str())),
            try_number: found[5].parse().ok(),
            inferred: false,
        });
    }
    parts(text)
}

/// Every task that a list names: as an instance, or as a key.
pub(super) fn listed(text: &str) -> Vec<TaskRef> {
    let instances = instances(text);
    if !instances.is_empty() {
        return instances.into_iter().map(|it| it.0).collect();
    }
    text.split("TaskInstanceKey(").skip(1).filter_map(|it| key(&format!("TaskInstanceKey({it}"))).collect()
}

/// Whichever way the text names one task.
pub(super) fn any(text: &str) -> Option<TaskRef> {
    instances(text)
        .into_iter()
        .next()
        .map(|it| it.0)
        .filter(|it| it.task_id.is_some() || it.run_id.is_some())
        .or_else(|| key(text))
        .or_else(|| tuple(text))
}

/// `dag_id='…', task_id='…'` in any order, as in the repr of a task instance.
pub(super) fn parts(text: &str) -> Option<TaskRef> {
    let mut task = TaskRef::default();
    for found in KEY_PARTS.as_ref()?.captures_iter(text) {
        let value = found[2].to_owned();
        match &found[1] {
            "dag_id" if task.dag_id.is_none() => task.dag_id = Some(value),
            "task_id" if task.task_id.is_none() => task.task_id = Some(value),
            "run_id" if task.run_id.is_none() => task.run_id = Some(value),
            "try_number" if task.try_number.is_none() => task.try_number = value.parse().ok(),
            "map_index" if task.map_index.is_none() => task.map_index = mapped(Some(&value)),
            _ => {}
        }
    }
    (task != TaskRef::default()).then_some(task)
}

/// `('dag', 'task', datetime.datetime(…), 1)`: the key of Airflow 1.10 and of Celery task ids.
pub(super) fn tuple(text: &str) -> Option<TaskRef> {
    let found = TUPLE.as_ref()?.captures(text)?;
    Some(TaskRef {
        dag_id: group(&found, 1),
        task_id: group(&found, 2),
        run_id: group(&found, 3).and_then(|it| civil(&it)).or_else(|| group(&found, 4)),
        try_number: found.get(5).and_then(|it| it.as_str().parse().ok()),
        ..TaskRef::default()
    })
}

/// `['airflow', 'tasks', 'run', 'dag', 'task', 'run', …]`.
pub(super) fn command(text: &str) -> Option<TaskRef> {
    if let Some(found) = plain::command(text) {
        return Some(found.owned());
    }
    let found = COMMAND.as_ref()?.captures(text)?;
    let map = COMMAND_MAP.as_ref()?.captures(text);
    Some(TaskRef {
        dag_id: group(&found, 1),
        task_id: group(&found, 2),
        run_id: group(&found, 3).map(|it| run_text(&it)),
        map_index: mapped(map.as_ref().and_then(|it| it.get(1)).map(|it| it.as_str())),
        ..TaskRef::default()
    })
}

/// -1 means not mapped.
fn mapped(text: Option<&str>) -> Option<i64> {
    text.and_then(|it| it.parse().ok()).filter(|it| *it >= 0)
}

/// An execution date is written with a blank or a `T`: one spelling for both.
fn run_text(run: &str) -> String {
    if is_dated(run) { run.replacen(' ', "T", 1) } else { run.to_owned() }
}

/// Whether a run is named by its date, with a blank.
fn is_dated(run: &str) -> bool {
    let bytes = run.as_bytes();
    bytes.len() > 18 && bytes.get(10) == Some(&b' ') && bytes.get(4) == Some(&b'-') && bytes.get(13) == Some(&b':')
}

/// `2020, 4, 24, 8, 0` as `2020-04-24T08:00:00+00:00`.
fn civil(parts: &str) -> Option<String> {
    let numbers: Vec<u32> = parts.split(',').map_while(|it| it.trim().parse().ok()).collect();
    let part = |at: usize| numbers.get(at).copied().unwrap_or(0);
    (numbers.len() >= 3).then(|| format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+00:00", part(0), part(1), part(2), part(3), part(4), part(5)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(task: &TaskRef) -> String {
        let text = |it: &Option<String>| it.clone().unwrap_or_else(|| "?".into());
        format!(
            "{}.{} {} {:?} {:?} {}",
            text(&task.dag_id),
            text(&task.task_id),
            text(&task.run_id),
            task.map_index,
            task.try_number,
            task.inferred
        )
    }

    #[test]
    fn names_of_files_and_streams_tell_the_try() {
        for (name, expected) in [
            (
                "logs/dag_id=d/run_id=manual__2026-11-20T08:25:56.1+00:00/task_id=t/attempt=2.log",
                "d.t manual__2026-11-20T08:25:56.1+00:00 None Some(2) false",
            ),
            (
                "dag_id=d/run_id=manual__2026-11-20T08_25_56.1+00_00_N2j/task_id=g.t/map_index=3/attempt=1.log",
                "d.g.t manual__2026-11-20T08:25:56.1+00:00_N2j Some(3) Some(1) true",
            ),
            (
                "x/dag_id=my-dag-run_id=scheduled__2024-01-01T00_00_00+00_00-task_id=a-b-attempt=1.log/000000.gz",
                "my-dag.a-b scheduled__2024-01-01T00:00:00+00:00 None Some(1) true",
            ),
            ("logs/dag/task/2019-01-15T03:00:00+00:00/4.log", "dag.task 2019-01-15T03:00:00+00:00 None Some(4) false"),
        ] {
            assert_eq!(shown(&from_name(name).unwrap()), expected);
        }
        assert_eq!(from_name("scheduler_ip-10-0-1-23_1718000000.1.log"), None);
    }

    /// What the plain readers read is what the patterns read.
    #[test]
    fn plain_spellings_mean_what_the_patterns_say() {
        let names = ["d", "team_a-b", "a.b", "ä", ""];
        let tails = ["", ", map_index=-1", ", map_index=7", ", map_index=x", ") to", " "];
        for (dag, tail) in names.iter().flat_map(|dag| tails.iter().map(move |tail| (dag, tail))) {
            let text = format!("Sending TaskInstanceKey(dag_id='{dag}', task_id='t.u', run_id='r 1', try_number=12{tail}) to X");
            if let Some(found) = plain::key(&text) {
                let captures = KEY.as_ref().unwrap().captures(&text).unwrap();
                let by_pattern = TaskRef {
                    dag_id: group(&captures, 1),
                    task_id: group(&captures, 2),
                    run_id: group(&captures, 3),
                    map_index: mapped(captures.get(6).map(|it| it.as_str())),
                    try_number: captures[5].parse().ok(),
                    inferred: false,
                };
                assert_eq!(found.owned(), by_pattern, "{text}");
            }
        }
        assert!(plain::key("TaskInstanceKey(dag_id='d', task_id='t', run_id='r', try_number=1, map_index=-1)").is_some());
        for text in [
            "<TaskInstance: a.b manual__x map_index=342 [queued]> and <TaskInstance: a.c 2024-01-01 00:00:00+00:00 [None]>",
            "<TaskInstance: a.b r map_index=3  [queued]>",
            "<TaskInstance: a.b r map_index=x [queued]>",
            "<TaskInstance:  a.b   r [up_for_retry]>",
            "<TaskInstance: load0 [queued]>",
            "<TaskInstance: a.b r [quéued]>",
            "1 tasks up for execution:\n\t<TaskInstance: a.b r [scheduled]>\n\t<TaskInstance: a.c r [scheduled]>",
        ] {
            let Some(found) = plain::instances(text) else { continue };
            let plainly: Vec<_> = found.iter().map(|it| (it.words.trim(), it.map_index, it.state)).collect();
            let captured: Vec<_> = INSTANCE.as_ref().unwrap().captures_iter(text).collect();
            let by_pattern: Vec<_> = captured
                .iter()
                .map(|it| (it.get(1).unwrap().as_str().trim(), it.get(2).map(|it| it.as_str()), it.get(3).unwrap().as_str()))
                .collect();
            assert_eq!(plainly, by_pattern, "{text}");
        }
        assert!(plain::instances("<TaskInstance: a.b r [queued]>").is_some());
        let text = "['airflow', 'tasks', 'run', 'd', 't', 'r', '--local', '--map-index', '1']";
        assert_eq!(shown(&plain::command(text).unwrap().owned()), "d.t r Some(1) None false");
        // Dates are spelt in two ways: those are left to the pattern.
        assert!(plain::command(&text.replace("'r'", "'2024-01-01 00:00:00+00:00'")).is_none());
    }

    #[test]
    fn texts_tell_the_try() {
        let one = |text: &str| shown(&instances(text).first().unwrap().0);
        assert_eq!(
            one("<TaskInstance: fanout-map.vendor.pull manual__x map_index=342 [queued]>"),
            "fanout-map.vendor.pull manual__x Some(342) None false"
        );
        assert_eq!(one("<TaskInstance: load0 2022-03-13 07:00:00+00:00 [queued]>"), "?.load0 2022-03-13T07:00:00+00:00 None None false");
        let key = |text: &str| shown(&super::key(text).unwrap());
        assert_eq!(key("TaskInstanceKey(dag_id='d', task_id='t', run_id='r', try_number=1, map_index=-1) to"), "d.t r None Some(1) false");
        assert_eq!(
            key(
                "TaskInstanceKey(dag_id='s', task_id='h', execution_date=datetime.datetime(2020, 11, 22, 0, 0, tzinfo=Timezone('UTC')), try_number=1) to"
            ),
            "s.h 2020-11-22T00:00:00+00:00 None Some(1) false"
        );
        assert_eq!(
            shown(&tuple("('m', 'f', datetime.datetime(2020, 4, 24, 8, 0, tzinfo=<Timezone [UTC]>), 1)").unwrap()),
            "m.f 2020-04-24T08:00:00+00:00 None Some(1) false"
        );
        assert_eq!(shown(&command("['airflow', 'tasks', 'run', 'd', 't', 'r', '--map-index', '1']").unwrap()), "d.t r Some(1) None false");
    }
}
