//! What happens: DAGs come due, the scheduler queues their tasks, tasks run, some fail.

use crate::{
    airflow::{End, Task, VERSIONS, Version, stats},
    faults::{FAILURES, SOURCES},
    sinks::Sink,
    task_log::{Deed, TaskLog, Teller},
    text::{Logical, Numbers, text},
    truth::{FINISHED, LOOK, NONE, Named, SENDING, Truth},
    world::{
        BEGIN, DAGS, Dag, ERAS, Fate, Happening, MINUTE, ORDINARY, QUEUED_TIMEOUT, Queue, STUCK_CHECK, STUCK_TASK, TASK_SHARE, TASKS, Told,
        Try,
    },
};
use std::io;

#[path = "stuck.rs"]
mod stuck;

/// The story, and what is true in it.
pub struct Story {
    numbers: Numbers,
    told: Told,
    pub truth: Truth,
    dags: Vec<Dag>,
    queue: Queue,
    version: &'static Version,
    now: i64,
    jobs: u64,
    task_bytes: u64,
    line: Vec<u8>,
    log: TaskLog,
    /// Whether no task ever fails or waits.
    pub healthy: bool,
}

impl Story {
    pub fn new(seed: u64, told: Told) -> Self {
        let mut numbers = Numbers::new(seed);
        let dags: Vec<Dag> = (0..DAGS)
            .map(|at| Dag {
                name: format!("team_{:02}_pipeline_{at:03}", numbers.next(17)),
                every: [5, 10, 15, 30, 60][at % 5] * MINUTE,
                run: None,
                began: 0,
                runs: 0,
            })
            .collect();
        let mut queue = Queue::default();
        (0..DAGS).for_each(|at| queue.push(BEGIN + 1_000, Happening::Due(at)));
        let (truth, line, log) = (Truth::default(), Vec::new(), TaskLog::default());
        Self { numbers, told, truth, dags, queue, version: &VERSIONS[0], now: BEGIN, jobs: 0, task_bytes: 0, line, log, healthy: false }
    }

    /// Tells until so many bytes are written and everything that began has ended.
    pub fn tell(&mut self, bytes: u64, sink: &mut dyn Sink) -> io::Result<u64> {
        let mut era = 0;
        self.say(sink, 0, NONE, &|version, out, at| version.starts(out, at))?;
        let (mut next_adoption, mut next_stats) = (BEGIN, BEGIN + 30_000);
        let mut batch: Vec<Try> = Vec::new();
        loop {
            let written = sink.written();
            let over = written >= bytes;
            // Before an upgrade nothing new begins, until all that runs has ended.
            let closing = over || (era < 2 && written * 100 >= bytes * ERAS[era]);
            let idle = self.dags.iter().all(|it| it.run.is_none());
            if closing && idle {
                if over {
                    break;
                }
                era += 1;
                self.version = &VERSIONS[era];
                self.now += 120_000;
                self.say(sink, 0, NONE, &|version, out, at| version.starts(out, at))?;
                continue;
            }
            self.now = (self.now + self.numbers.between(700, 1_300)).max(self.queue.next().unwrap_or_default());
            if self.now >= next_adoption {
                next_adoption = self.now + 300_000;
                self.say(sink, 0, NONE, &|version, out, at| version.adopts(out, at))?;
            }
            if self.now >= next_stats {
                next_stats = self.now + 600_000;
                self.stats(sink)?;
            }
            while let Some(it) = self.queue.pop(self.now) {
                match it {
                    Happening::Due(dag) => self.due(dag, closing, &mut batch),
                    Happening::Ready(it) => batch.push(it),
                    Happening::Ended(it) => self.ended(&it, sink)?,
                    Happening::Found(it) => self.found(it, sink)?,
                }
            }
            if !batch.is_empty() {
                self.queue_all(&mut batch, sink)?;
            }
        }
        sink.finish()?;
        Ok(sink.written())
    }

    /// Writes one record of the scheduler.
    fn say(&mut self, sink: &mut dyn Sink, after: i64, bits: u8, write: &dyn Fn(&Version, &mut Vec<u8>, i64)) -> io::Result<()> {
        if self.told == Told::Tasks {
            return Ok(());
        }
        self.line.clear();
        write(self.version, &mut self.line, self.now + after);
        self.truth.record(bits, &self.line, true);
        sink.scheduler(self.now + after, &self.line)
    }

    fn stats(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        let rows: Vec<(String, u64)> = self.dags.iter().take(30).map(|it| it.name.clone()).map(|it| (it, self.numbers.next(300))).collect();
        self.say(sink, 0, NONE, &|_, out, at| stats(out, at, &mut rows.iter().cloned()))
    }

    /// The next run of a DAG; a DAG that still runs skips one.
    fn due(&mut self, at: usize, closing: bool, batch: &mut Vec<Try>) {
        let dag = &mut self.dags[at];
        let this = self.now - self.now.rem_euclid(dag.every);
        self.queue.push(this + dag.every + 500 + (at as i64 * 37) % 900, Happening::Due(at));
        if dag.run.is_some() || closing {
            return;
        }
        dag.run = Some(this - dag.every);
        dag.began = self.now;
        dag.runs += 1;
        let first = self.next_try(at, 0, 1);
        batch.push(first);
    }

    fn next_try(&mut self, dag: usize, task: usize, number: u64) -> Try {
        let fate = self.fate(dag, task, number);
        self.jobs += 1;
        Try { dag, task, number, fate, queued: 0, requeues: 0, ran: None, state: "success", job: self.jobs }
    }

    /// The refusal that a task meets, if any: sixteen DAGs and one task of each, for a few runs in a row.
    fn source_of(&self, dag: usize, task: usize) -> Option<usize> {
        let source = (0..SOURCES.len()).find(|it| it * 11 + 3 == dag && it % 4 == task)?;
        ((self.dags[dag].runs + source as u64 * 3) % 40 < 6).then_some(source)
    }

    fn fate(&mut self, dag: usize, task: usize, number: u64) -> Fate {
        if self.healthy {
            return Fate::Works;
        }
        if let Some(source) = self.source_of(dag, task).filter(|_| self.told != Told::Scheduler) {
            return match (source % 3, number) {
                (2, _) if source % 2 == 0 => Fate::Handled(source),
                (1, 2) => Fate::Works,
                _ => Fate::Denied(source),
            };
        }
        if dag >= ORDINARY && task == STUCK_TASK && (self.dags[dag].runs + dag as u64) % 6 == 0 {
            return match (self.version.number, (dag as u64 + self.dags[dag].runs / 6) % 4) {
                (_, 0) => Fate::Late(310_000 + self.numbers.between(0, 1_200_000)),
                (_, 1) => Fate::Lost,
                ("2.7.2", _) => Fate::Stuck(0, false),
                (_, 2) => Fate::Stuck(2, false),
                _ => Fate::Stuck(1, true),
            };
        }
        if number == 1 && self.numbers.next(700) == 0 {
            return Fate::Fails(self.numbers.next(FAILURES.len() as u64) as usize);
        }
        Fate::Works
    }

    /// How often a try may be repeated.
    fn retries(&self, it: &Try) -> u64 {
        match it.fate {
            Fate::Denied(source) => u64::from(source % 3 != 0),
            Fate::Fails(_) => it.job % 2,
            _ => u64::from(it.number > 1),
        }
    }

    fn task<'a>(&'a self, it: &Try) -> Task<'a> {
        Task {
            dag: &self.dags[it.dag].name,
            task: TASKS[it.task],
            run: self.dags[it.dag].run.unwrap_or_default(),
            number: it.number,
            queue: if it.dag >= ORDINARY && it.task == STUCK_TASK { "gpu-queue" } else { "default" },
        }
    }

    fn named(&self, it: &Try) -> Named {
        let task = self.task(it);
        Named { dag: task.dag.to_owned(), task: task.task, run: text!("scheduled__", Logical(task.run)), number: it.number }
    }

    /// Queues what is ready, and decides what becomes of it.
    fn queue_all(&mut self, batch: &mut Vec<Try>, sink: &mut dyn Sink) -> io::Result<()> {
        // What is written borrows the names of the DAGs.
        let mut numbers = Numbers::new(self.jobs);
        let (sends, count) = (self.version.sends(), batch.len() as u64);
        let taken = self.numbers.next(9);
        if count > 120 {
            self.say(sink, -9, NONE, &|version, out, at| version.full(out, at))?;
        }
        let this = std::mem::take(batch);
        self.about(&this, sink, -8, &|version, out, at, tasks| version.up(out, at, tasks.iter().copied(), count))?;
        for it in &this {
            self.about(&[*it], sink, -7, &|version, out, at, tasks| version.room(out, at, tasks[0].dag, taken))?;
        }
        self.about(&this, sink, 0, &|version, out, at, tasks| version.set(out, at, tasks.iter().copied()))?;
        if self.version.names_again() {
            self.about(&this, sink, 3, &|version, out, at, tasks| version.trying(out, at, tasks.iter().copied()))?;
        }
        if sends {
            for it in &this {
                self.truth.sent();
                self.about_one(it, sink, 4, SENDING, &|version, out, at, task| version.send(out, at, task))?;
                self.about_one(it, sink, 5, NONE, &|version, out, at, task| version.add(out, at, task))?;
            }
        }
        for it in &this {
            self.about_one(it, sink, 230, NONE, &|version, out, at, task| version.told(out, at, task, "queued"))?;
        }
        for it in &this {
            self.about_one(it, sink, 240, NONE, &|version, out, at, task| version.id(out, at, task, it.job))?;
        }
        for (place, it) in this.into_iter().enumerate() {
            let wait = 800 + numbers.between(0, 4_000) + place as i64 * 25;
            self.decide(it, wait, numbers.between(2_000, 60_000), sink)?;
        }
        Ok(())
    }

    /// From being queued to what comes next.
    fn decide(&mut self, mut it: Try, wait: i64, took: i64, sink: &mut dyn Sink) -> io::Result<()> {
        it.queued = self.now;
        self.truth.queued();
        let named = self.named(&it);
        let queue = self.task(&it).queue;
        let start = match it.fate {
            Fate::Stuck(requeues, ends) if !(ends && it.requeues == requeues) => {
                let due = self.now + QUEUED_TIMEOUT;
                self.queue.push(due + STUCK_CHECK - due.rem_euclid(STUCK_CHECK), Happening::Found(it));
                return Ok(());
            }
            Fate::Lost => {
                let found = self.now + 90_000 + self.numbers.between(0, 60_000);
                self.queue.push(found, Happening::Found(it));
                return Ok(());
            }
            Fate::Late(wait) => {
                self.truth.stuck(&named, it.queued, it.queued + wait, "started", "started-late", queue);
                self.now + wait
            }
            _ => self.now + wait,
        };
        it.ran = Some((start, start + took));
        let again = it.number <= self.retries(&it);
        it.state = match it.fate {
            Fate::Denied(_) | Fate::Fails(_) if again => "up_for_retry",
            Fate::Denied(_) | Fate::Fails(_) => "failed",
            _ => "success",
        };
        let told = self.task_log(&it, sink)?;
        let (Fate::Denied(source) | Fate::Handled(source)) = it.fate else {
            if it.state != "success" {
                self.truth.failed(&named, it.state, "exception");
            }
            self.queue.push(start + took + 300, Happening::Ended(it));
            return Ok(());
        };
        if told {
            self.truth.denied(&named, &SOURCES[source], it.state);
        }
        if it.state != "success" {
            self.truth.failed(&named, it.state, "denied");
        }
        self.queue.push(start + took + 300, Happening::Ended(it));
        Ok(())
    }

    /// Writes the log of a try: always of those that fail, of others as many as there is room for.
    fn task_log(&mut self, it: &Try, sink: &mut dyn Sink) -> io::Result<bool> {
        let eventful = !matches!(it.fate, Fate::Works | Fate::Late(_) | Fate::Stuck(..));
        let room = self.told == Told::Tasks || self.task_bytes * 100 <= sink.written() * TASK_SHARE;
        if self.told == Told::Scheduler || !(eventful || room) {
            return Ok(false);
        }
        let mut log = std::mem::take(&mut self.log);
        log.clear();
        let (from, to) = it.ran.unwrap_or_default();
        let message = match it.fate {
            Fate::Denied(source) | Fate::Handled(source) => SOURCES[source].message(self.task(it).run),
            Fate::Fails(which) => FAILURES[which].1.to_owned(),
            _ => String::new(),
        };
        let deed = match it.fate {
            Fate::Denied(_) => Deed::Raises("botocore.exceptions.ClientError", &message),
            Fate::Handled(_) => Deed::Handles(&message),
            Fate::Fails(which) => Deed::Raises(FAILURES[which].0, &message),
            _ => Deed::Works,
        };
        let mut numbers = Numbers::new(it.job);
        let (version, in_cloudwatch, state, job) = (self.version, sink.in_cloudwatch(), it.state, it.job);
        let teller = Teller { version, in_cloudwatch, task: self.task(it), from, to, state, max_tries: self.retries(it), job };
        teller.tell(&mut log, deed, &mut numbers);
        let mut before = 0;
        for (_, end, bits) in &log.events {
            self.truth.record(*bits, &log.text[before..*end], false);
            before = *end;
        }
        self.task_bytes += log.text.len() as u64;
        let named = self.named(it);
        let path = format!("dag_id={}/run_id={}/task_id={}/attempt={}.log", named.dag, named.run, named.task, it.number);
        sink.task(&path, &log)?;
        self.log = log;
        Ok(true)
    }

    /// The scheduler hears that a try has ended; the run goes on, or ends.
    fn ended(&mut self, it: &Try, sink: &mut dyn Sink) -> io::Result<()> {
        let executor_state = if it.ran.is_some() { "success" } else { "failed" };
        let end = End { queued: it.queued, ran: it.ran, state: it.state, executor_state, max_tries: self.retries(it), job: it.job };
        self.about_one(it, sink, 0, NONE, &|version, out, at, task| version.told(out, at, task, executor_state))?;
        if self.told != Told::Tasks {
            self.truth.finished(it.state, it.ran.map_or(0, |(from, _)| from - it.queued), it.ran.is_some());
        }
        self.about_one(it, sink, 10, FINISHED, &|version, out, at, task| version.finished(out, at, task, &end))?;
        if it.ran.is_none() {
            return self.about_one(it, sink, 11, LOOK, &|version, out, at, task| version.lost(out, at, task));
        }
        match it.state {
            "up_for_retry" => {
                let again = self.next_try(it.dag, it.task, it.number + 1);
                self.queue.push(self.now + 60_000 + self.numbers.between(0, 5_000), Happening::Ready(again));
                Ok(())
            }
            "success" if it.task + 1 < TASKS.len() => {
                let next = self.next_try(it.dag, it.task + 1, 1);
                self.queue.push(self.now + self.numbers.between(300, 2_000), Happening::Ready(next));
                Ok(())
            }
            state => self.run_ends(it.dag, state == "success", sink),
        }
    }

    fn run_ends(&mut self, dag: usize, good: bool, sink: &mut dyn Sink) -> io::Result<()> {
        let name = std::mem::take(&mut self.dags[dag].name);
        let (run, began) = (self.dags[dag].run.take().unwrap_or_default(), self.dags[dag].began);
        self.say(sink, 60, NONE, &|version, out, at| version.run_ends(out, at, &name, run, good))?;
        self.say(sink, 61, NONE, &|version, out, at| version.run_finished(out, at, &name, run, began, good))?;
        self.dags[dag].name = name;
        Ok(())
    }
}
