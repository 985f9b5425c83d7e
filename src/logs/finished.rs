//! What a scheduler says of a try that is over, field by field.

use super::line::cut;
use crate::units::Moment;

/// How a scheduler begins to tell that a try is over.
pub(super) const FINISHED: &str = "TaskInstance Finished: ";

/// What a scheduler says of a try that is over.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Finished<'a> {
    pub(super) dag_id: Option<&'a str>,
    pub(super) task_id: Option<&'a str>,
    pub(super) run_id: Option<&'a str>,
    pub(super) map_index: Option<i64>,
    pub(super) try_number: Option<i64>,
    pub(super) started_at: Option<Moment>,
    pub(super) ended_at: Option<Moment>,
    pub(super) queued_at: Option<Moment>,
    pub(super) state: Option<&'a str>,
    pub(super) executor_state: Option<&'a str>,
    pub(super) pool: Option<&'a str>,
    pub(super) queue: Option<&'a str>,
}

impl<'a> Finished<'a> {
    /// Reads `TaskInstance Finished: key=value, …`.
    pub(super) fn of(body: &'a str) -> Self {
        let text = body.strip_prefix(FINISHED).unwrap_or(body);
        Self::in_order(text).unwrap_or_else(|| Self::in_any_order(text))
    }

    /// Reads the fields where they stand in the order in which Airflow writes them.
    fn in_order(text: &'a str) -> Option<Self> {
        let mut rest = Rest(text);
        let path = [rest.field(b"dag_id=")?, rest.field(b"task_id=")?, rest.field(b"run_id=")?];
        let map_index = rest.field(b"map_index=")?;
        let ran = [rest.field(b"run_start_date=")?, rest.field(b"run_end_date=")?];
        rest.field(b"run_duration=")?;
        let state = rest.field(b"state=")?;
        rest.field(b"executor=");
        let executor_state = rest.field(b"executor_state=")?;
        let try_number = rest.field(b"try_number=")?;
        rest.field(b"max_tries=")?;
        rest.field(b"job_id=");
        let (pool, queue) = (rest.field(b"pool=")?, rest.field(b"queue=")?);
        rest.field(b"priority_weight=")?;
        rest.field(b"operator=")?;
        let queued = rest.field(b"queued_dttm=")?;
        rest.field(b"scheduled_dttm=");
        rest.field(b"queued_by_job_id=")?;
        rest.field(b"pid=")?;
        let [dag_id, task_id, run_id] = path.map(known);
        let [started_at, ended_at, queued_at] = [ran[0], ran[1], queued].map(moment);
        rest.0.is_empty().then(|| Self {
            dag_id,
            task_id,
            run_id,
            map_index: map_index.parse().ok().filter(|it| *it >= 0),
            try_number: try_number.parse().ok(),
            started_at,
            ended_at,
            queued_at,
            state: known(state),
            executor_state: known(executor_state),
            pool: known(pool),
            queue: known(queue),
        })
    }

    fn in_any_order(text: &'a str) -> Self {
        let mut told = Self::default();
        for (key, value) in fields(text) {
            match key {
                "dag_id" => told.dag_id = known(value),
                "task_id" => told.task_id = known(value),
                "run_id" => told.run_id = known(value),
                "map_index" => told.map_index = value.parse().ok().filter(|it| *it >= 0),
                "try_number" => told.try_number = value.parse().ok(),
                "run_start_date" => told.started_at = moment(value),
                "run_end_date" => told.ended_at = moment(value),
                "queued_dttm" => told.queued_at = moment(value),
                "state" => told.state = known(value),
                "executor_state" => told.executor_state = known(value),
                "pool" => told.pool = known(value),
                "queue" => told.queue = known(value),
                _ => {}
            }
        }
        told
    }
}

/// A value, unless Python says that there is none.
pub(super) fn known(value: &str) -> Option<&str> {
    (!value.is_empty() && value != "None").then_some(value)
}

/// What is left of a list of fields.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// The value of the next field, if it is the one with this key.
    fn field<const LENGTH: usize>(&mut self, key: &[u8; LENGTH]) -> Option<&'a str> {
        if self.0.as_bytes().first_chunk() != Some(key) {
            return None;
        }
        let text = self.0.get(LENGTH..)?;
        let (value, rest) = cut(text, b',').unwrap_or((text, ""));
        let is_bare = |it: Option<&u8>| it.is_none_or(u8::is_ascii_graphic);
        if !is_bare(value.as_bytes().first()) || !is_bare(value.as_bytes().last()) {
            return None;
        }
        self.0 = rest.strip_prefix(' ').unwrap_or(rest);
        Some(value)
    }
}

/// `key=value, key=value`, with or without the blank.
pub(super) fn fields(text: &str) -> Fields<'_> {
    Fields { rest: Some(text) }
}

pub(super) struct Fields<'a> {
    rest: Option<&'a str>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(text) = self.rest {
            let (mut equals, mut end) = (None, text.len());
            for (at, byte) in text.bytes().enumerate() {
                match byte {
                    b'=' if equals.is_none() => equals = Some(at),
                    b',' => {
                        end = at;
                        break;
                    }
                    _ => {}
                }
            }
            self.rest = text.get(end + 1..);
            if let Some(at) = equals {
                return Some((trimmed(text.get(..at)?), trimmed(text.get(at + 1..end)?)));
            }
        }
        None
    }
}

/// A text without the blanks around it, of which it mostly has one or none.
fn trimmed(text: &str) -> &str {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let is_bare = |it: Option<&u8>| it.is_none_or(u8::is_ascii_graphic);
    if is_bare(text.as_bytes().first()) && is_bare(text.as_bytes().last()) { text } else { text.trim() }
}

fn moment(value: &str) -> Option<Moment> {
    Moment::parse(value).map(|it| it.moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: [&str; 3] = [
        "dag_id=d, task_id=t, run_id=scheduled__2026-01-01T00:00:00+00:00, map_index=3, run_start_date=2026-01-01 00:00:03.713413+00:00, run_end_date=2026-01-01 00:00:05.954660+00:00, run_duration=2.241127, state=success, executor_state=success, try_number=1, max_tries=0, job_id=25, pool=default_pool, queue=default, priority_weight=2, operator=_PythonDecoratedOperator, queued_dttm=2026-01-01 00:00:01.000691+00:00, queued_by_job_id=2, pid=1025",
        "dag_id=d, task_id=t, run_id=r, map_index=-1, run_start_date=None, run_end_date=2026-01-01 00:00:05+00:00, run_duration=None, state=queued, executor=CeleryExecutor(parallelism=256), executor_state=failed, try_number=2, max_tries=0, job_id=None, pool=p, queue=q, priority_weight=2, operator=None, queued_dttm=None, queued_by_job_id=2, pid=None",
        "dag_id=d, task_id=t, run_id=r, map_index=-1, run_start_date=2026-01-05 02:37:02.814775+00:00, run_end_date=2026-01-05 02:37:28.050089+00:00, run_duration=25.236127, state=success, executor=CeleryExecutor(parallelism=256), executor_state=success, try_number=1, max_tries=0, pool=default_pool, queue=default, priority_weight=2, operator=_PythonDecoratedOperator, queued_dttm=2026-01-05 02:36:59.796748+00:00, scheduled_dttm=2026-01-05 02:36:59.726678+00:00,queued_by_job_id=2, pid=24432",
    ];

    #[test]
    fn fields_in_order_say_what_they_say_in_any_order() {
        for text in TOLD {
            assert_eq!(Finished::in_order(text), Some(Finished::in_any_order(text)), "{text}");
            // Wherever something is missing or has another name, both say the same or only one knows.
            for (at, _) in text.match_indices(',') {
                let (before, after) = text.split_at(at);
                for other in [before, after, &format!("{before}, x=1{after}"), &format!("{before} {after}"), &format!("{before}{before}")] {
                    let read = Finished::in_order(other);
                    assert!(read.is_none() || read == Some(Finished::in_any_order(other)), "{other}");
                }
            }
        }
    }
}
