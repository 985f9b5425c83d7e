//! How a record about tries is written, and what the scheduler does with tries that it finds stuck in queued.

use super::Story;
use crate::{
    airflow::{Task, Version, head, instance},
    sinks::Sink,
    text::put,
    truth::{LOOK, NONE},
    world::{Fate, Happening, Told, Try},
};
use std::io;

impl Story {
    /// The scheduler finds a task that never left queued.
    pub(super) fn found(&mut self, mut it: Try, sink: &mut dyn Sink) -> io::Result<()> {
        let (named, queue) = (self.named(&it), self.task(&it).queue);
        let (queued, now) = (it.queued, self.now);
        if it.fate == Fate::Lost {
            self.truth.stuck(&named, queued, now, "state-mismatch", "failed", queue);
            it.state = "queued";
            self.ended(&it, sink)?;
            return self.run_ends(it.dag, false, sink);
        }
        if self.version.number == "2.7.2" {
            self.truth.stuck(&named, queued, now, "stuck-failed", "failed", queue);
            self.about_one(&it, sink, 0, LOOK, &|_, out, at, task| {
                head(out, at, "scheduler_job_runner.py:1565", "WARNING");
                put!(out, "Marked the following 1 task instances stuck in queued as failed. If the task instance has available retries, it will be retried.\n\t");
                instance(out, task, "queued");
            })?;
            self.now += 270;
            it.state = "queued";
            self.ended(&it, sink)?;
            return self.run_ends(it.dag, false, sink);
        }
        let Fate::Stuck(requeues, _) = it.fate else { return Ok(()) };
        let given_up = it.requeues == requeues;
        let (found, outcome) = if given_up { ("stuck-exhausted", "failed") } else { ("stuck-requeued", "requeued") };
        self.truth.stuck(&named, queued, now, found, outcome, queue);
        self.about_one(&it, sink, 0, LOOK, &|version, out, at, task| {
            if given_up {
                head(out, at, version.exceeded, "INFO");
                put!(out, "Task requeue attempts exceeded max; marking failed. task_instance=");
                instance(out, task, "queued");
                return;
            }
            head(out, at, version.requeue, "INFO");
            put!(out, "Task stuck in queued; will try to requeue. ");
            if version.major == 2 {
                put!(out, "task_id=", task.task);
            } else {
                put!(out, "task_instance=");
                instance(out, task, "queued");
            }
        })?;
        if given_up {
            return self.run_ends(it.dag, false, sink);
        }
        it.requeues += 1;
        self.queue.push(self.now + 1_050, Happening::Ready(it));
        Ok(())
    }

    /// A record about some tries.
    pub(super) fn about(
        &mut self,
        tries: &[Try],
        sink: &mut dyn Sink,
        after: i64,
        write: &dyn Fn(&Version, &mut Vec<u8>, i64, &[Task<'_>]),
    ) -> io::Result<()> {
        if self.told == Told::Tasks {
            return Ok(());
        }
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        if let [one] = tries {
            write(self.version, &mut line, self.now + after, &[self.task(one)]);
        } else {
            let tasks: Vec<Task<'_>> = tries.iter().map(|it| self.task(it)).collect();
            write(self.version, &mut line, self.now + after, &tasks);
        }
        self.truth.record(NONE, &line, true);
        sink.scheduler(self.now + after, &line)?;
        self.line = line;
        Ok(())
    }

    pub(super) fn about_one(
        &mut self,
        it: &Try,
        sink: &mut dyn Sink,
        after: i64,
        bits: u8,
        write: &dyn Fn(&Version, &mut Vec<u8>, i64, &Task<'_>),
    ) -> io::Result<()> {
        if self.told == Told::Tasks {
            return Ok(());
        }
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        write(self.version, &mut line, self.now + after, &self.task(it));
        self.truth.record(bits, &line, true);
        sink.scheduler(self.now + after, &line)?;
        self.line = line;
        Ok(())
    }
}
