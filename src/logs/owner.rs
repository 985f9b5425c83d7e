//! The try that a stream's records belong to: its identity, its refusals, its end.

use super::{
    aws_error,
    facts::Facts,
    line,
    load_ids::LoadId,
    telling::{Ending, Told},
};
use crate::{
    tables::{
        Origin, TaskRef,
        errors::{ErrorRow, Voice},
        load_errors::LoadError,
        loads::Load,
        task_events::{Event, TaskEvent},
    },
    units::Moment,
};

/// One try, as its own log tells it.
#[derive(Debug, Default)]
pub(super) struct Owner {
    /// Which try.
    task: TaskRef,
    /// What the name of the stream says.
    by_name: TaskRef,
    errors: Vec<ErrorRow>,
    loads: Vec<Load>,
    failed_loads: Vec<LoadError>,
    load_ids: Vec<LoadId>,
    started: Option<(Moment, Origin)>,
    ended: Option<TaskEvent>,
    last_error: Option<(String, Origin)>,
    /// The record with which the try failed.
    fatal: Option<u64>,
}

impl Owner {
    /// An owner whose stream is named after it.
    pub(super) fn named(task: Option<TaskRef>) -> Self {
        Self { by_name: task.unwrap_or_default(), ..Self::default() }
    }

    /// The task's own log says that its try began.
    fn starts(&mut self, event: TaskEvent, body: &str, facts: &mut Facts) {
        let mut task = event.task;
        task.try_number = task.try_number.or_else(|| body.strip_prefix("Starting attempt ")?.split(' ').next()?.parse().ok());
        if let Some(vars) = body.strip_prefix("Exporting ") {
            task.fill_from(&exported(vars));
        }
        let other = (self.task.task_id.is_some() && task.task_id.is_some() && !same(&self.task, &task))
            || (self.ended.is_some() && task.try_number.is_some() && task.try_number != self.task.try_number);
        // Where a try that failed begins before it failed, its log follows once more.
        let again = self.ended.as_ref().is_some_and(|it| is_failed(it.state.as_deref()) && event.at.is_some() && event.at < it.at);
        if other || again {
            self.close(facts);
        }
        let known = std::mem::take(&mut self.task);
        self.task = task;
        self.task.fill_from(&known);
        if self.started.is_none() {
            self.started = event.at.map(|at| (at, event.origin));
        }
    }

    /// The task's own log says how its try ended.
    fn ends(&mut self, event: TaskEvent) {
        // The last word counts: Airflow first logs the exception, then what it makes of it. An exit code adds nothing to that.
        let only_code = event.excerpt.as_deref().is_some_and(|it| it.starts_with("Task exited with return code"));
        if !(only_code && self.ended.is_some()) {
            self.ended = Some(event);
        }
    }

    /// Whether the next record, whatever it says, is the first of its try.
    pub(super) fn awaits_start(&self) -> bool {
        self.by_name.is_known() && self.started.is_none()
    }

    /// Hears a record of its stream: the life of tasks, refusals, the error that the try may end with, loads.
    pub(super) fn hears(&mut self, told: Told, facts: &mut Facts) {
        for event in told.life {
            match event.event {
                // A worker's log tells of starts in passing; a task's own log is about nothing else.
                Event::Started if !told.start.starts_with("Executing ") => self.starts(event, &told.start, facts),
                Event::Ended => self.ends(event),
                _ => facts.push(event),
            }
        }
        if self.awaits_start() {
            self.started = told.begins;
        }
        for row in told.refusals {
            self.take(row);
        }
        if let Some(Ending { line, origin, repeats }) = told.error
            && !(repeats && self.last_error.is_some())
        {
            self.fatal = Some(origin.record);
            self.last_error = Some((line, origin));
        }
        self.loads(told.run, told.failed);
        self.load_ids(told.load_ids);
    }

    /// Keeps the loads that it runs, and those that fail once per try: the exception tells them again.
    fn loads(&mut self, run: Option<Load>, failed: Option<LoadError>) {
        self.loads.extend(run);
        let Some(mut failed) = failed else { return };
        if failed.table_name.is_none() {
            failed.table_name = self.loads.last().and_then(|it| it.table_name.clone());
        }
        let same = |it: &LoadError| (&it.error_message, &it.column_name) == (&failed.error_message, &failed.column_name);
        if !self.failed_loads.iter().any(same) {
            self.failed_loads.push(failed);
        }
    }

    /// Keeps each id that it shows, and when it showed it last.
    fn load_ids(&mut self, shown: Vec<LoadId>) {
        for told in shown {
            match self.load_ids.iter_mut().find(|it| (it.of, &it.ids) == (told.of, &told.ids)) {
                Some(known) => known.shown_at = known.shown_at.max(told.shown_at),
                None => self.load_ids.push(told),
            }
        }
    }

    /// Keeps a refusal once per try; outside of a try, once per moment.
    fn take(&mut self, row: ErrorRow) {
        let of_a_try = self.task.is_known() || self.by_name.is_known();
        let same = |it: &&mut ErrorRow| {
            let repeated = it.at == row.at
                && !it.error.is_another_request(&row.error)
                && (it.error.resource == row.error.resource || row.error.resource.is_none());
            it.error.agrees(&row.error) && (of_a_try || repeated)
        };
        match self.errors.iter_mut().find(same) {
            Some(known) => {
                known.voice = known.voice.min(row.voice);
                known.error.absorb(row.error);
                aws_error::imply(&mut known.error);
                known.frame = known.frame.take().or(row.frame);
                known.query_id = known.query_id.take().or(row.query_id);
            }
            None => self.errors.push(row),
        }
    }

    /// Writes down what is known of the try, and forgets it.
    pub(super) fn close(&mut self, facts: &mut Facts) {
        let mut task = std::mem::take(&mut self.task);
        task.fill_from(&self.by_name);
        let ended = self.ended.take();
        if let Some(ended) = &ended {
            task.fill_from(&ended.task);
        }
        let known = task.is_known();
        let state = ended.as_ref().and_then(|it| it.state.clone());
        let failed = is_failed(state.as_deref());
        let (last_error, fatal) = (self.last_error.take(), self.fatal.take());
        let wrapped = last_error.as_ref().is_some_and(|it| is_wrapper(&it.0));
        for mut row in self.errors.drain(..) {
            if !row.task.is_known() {
                row.task = task.clone();
            } else if known {
                row.task.fill_from(&task);
            }
            row.fatal = failed && fatal.is_some_and(|it| (row.origin.record >= it && row.voice == Voice::Raised) || wrapped);
            row.try_state.clone_from(&state);
            facts.errors.push(row);
        }
        for mut load in self.loads.drain(..).filter(|_| known) {
            load.name_task(&task);
            facts.loads.push(load);
        }
        for mut failed in self.failed_loads.drain(..) {
            failed.name_task(&task);
            facts.failed_loads.push(failed);
        }
        let started_at = self.started.as_ref().map(|it| it.0);
        for told in self.load_ids.drain(..).filter(|_| known) {
            facts.load_ids.push(LoadId { task: task.clone(), started_at, ..told });
        }
        if !known {
            self.started = None;
            // A failure without a name is a failure all the same.
            if let Some(mut end) = ended.filter(|_| failed) {
                end.detail = last_error.map(|it| it.0);
                facts.push(end);
            }
            return;
        }
        if let Some((at, origin)) = self.started.take() {
            let mut start = TaskEvent::new(Event::Started, Some(at), origin);
            start.task = task.clone();
            facts.push(start);
        }
        if let Some(mut end) = ended {
            end.task = task;
            end.detail = last_error.filter(|_| failed).map(|it| it.0);
            facts.push(end);
        }
    }
}

fn is_failed(state: Option<&str>) -> bool {
    matches!(state, Some("failed" | "up_for_retry"))
}

fn same(a: &TaskRef, b: &TaskRef) -> bool {
    let agree = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
    a.task_id == b.task_id && agree(&a.dag_id, &b.dag_id) && agree(&a.run_id, &b.run_id) && a.map_index == b.map_index
}

/// Errors that only say that something run by the task failed: what it printed is the error.
fn is_wrapper(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["non-zero", "command failed", "exit code", "exit status", "returned a non", "return code"].iter().any(|it| line.contains(it))
}

/// The line of an error record that says most: the last exception, else the first line.
pub(super) fn last_error_line(body: &str) -> String {
    let exception = body.lines().skip(1).filter(|it| line::looks_like_exception(it)).last();
    let first = body.lines().map(str::trim).find(|it| !it.is_empty()).unwrap_or_default();
    exception.map_or(first, str::trim).to_owned()
}

/// `AIRFLOW_CTX_DAG_ID='x' AIRFLOW_CTX_TASK_ID='y' …`, on one line or on many.
fn exported(vars: &str) -> TaskRef {
    let value = |name: &str| {
        let rest = vars.split(&format!("AIRFLOW_CTX_{name}=")).nth(1)?;
        let rest = rest.strip_prefix('\'').unwrap_or(rest);
        let value = rest.split(['\'', '\n']).next()?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    TaskRef {
        dag_id: value("DAG_ID"),
        task_id: value("TASK_ID"),
        run_id: value("DAG_RUN_ID").or_else(|| value("EXECUTION_DATE")),
        try_number: value("TRY_NUMBER").and_then(|it| it.parse().ok()),
        ..TaskRef::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_says_most_is_chosen() {
        let body = "Task failed with exception\nTraceback (most recent call last):\n  File \"a.py\", line 1, in x\nbotocore.exceptions.ClientError: inner\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"b\"\nRuntimeError: outer";
        assert_eq!(last_error_line(body), "RuntimeError: outer");
        assert_eq!(last_error_line("could not connect: x\n\tIs the server"), "could not connect: x");
    }

    #[test]
    fn exported_variables_name_the_try() {
        let task = exported(
            "env vars: AIRFLOW_CTX_DAG_OWNER='d' AIRFLOW_CTX_DAG_ID='a' AIRFLOW_CTX_TASK_ID='b' AIRFLOW_CTX_TRY_NUMBER='2' AIRFLOW_CTX_DAG_RUN_ID='r'",
        );
        assert_eq!((task.dag_id.as_deref(), task.run_id.as_deref(), task.try_number), (Some("a"), Some("r"), Some(2)));
    }
}
