//! Spells in queued: when a task was queued, what ended its stay, and how long that was.

use crate::{
    logs::{
        facts::{Facts, SHORTEST_WAIT, TaskKey, key_of},
        hash::hash_of,
    },
    tables::{
        Origin, TaskRef,
        spells::Spell,
        task_events::{Event, TaskEvent},
    },
    units::{Moment, SECOND},
};
use std::collections::BTreeMap;

mod nameless;

/// Lines about one step stand at most this far apart.
const SAME_STEP: i64 = 5 * SECOND;

/// A task that was queued.
#[derive(Clone, Debug)]
struct Queued {
    at: Moment,
    try_number: Option<i64>,
    queue: Option<String>,
    origin: Origin,
}

/// All that is known of one task instance, in the order of time.
#[derive(Debug, Default)]
struct Life {
    task: TaskRef,
    queued: Vec<Queued>,
    /// What ended a stay, starts included.
    ends: Vec<TaskEvent>,
}

/// Every spell that was long, or that the scheduler called stuck.
pub(super) fn spells(facts: &Facts) -> Vec<Spell> {
    let mut lives = lives(facts);
    let mut all = nameless::resolve(facts, &mut lives);
    // Only a log that tells of starts and ends can show by silence that a task never started.
    let tells_ends = facts.knows_successes() || facts.events.iter().any(|it| matches!(it.event, Event::Finished | Event::Ended));
    let until = facts.last_told.filter(|_| tells_ends);
    for life in lives.values() {
        all.extend(of_life(life, facts, until));
    }
    all.sort_by(|a, b| (a.left_at, &a.task, &a.origin).cmp(&(b.left_at, &b.task, &b.origin)));
    all
}

fn lives(facts: &Facts) -> BTreeMap<TaskKey, Life> {
    let mut lives: BTreeMap<TaskKey, Life> = BTreeMap::new();
    for event in facts.events.iter().filter(|it| it.task.is_known() && !nameless::is_nameless(it)) {
        let life = lives
            .entry(key_of(&event.task))
            .or_insert_with(|| Life { task: TaskRef { try_number: None, ..event.task.clone() }, ..Life::default() });
        life.task.inferred &= event.task.inferred;
        let at = if event.event == Event::Queued { event.at } else { event.queued_at };
        if let Some(at) = at {
            life.queued.push(Queued { at, try_number: event.task.try_number, queue: event.queue.clone(), origin: event.origin.clone() });
        }
        match event.event {
            Event::Started
            | Event::StuckRequeued
            | Event::StuckFailed
            | Event::StuckExhausted
            | Event::CouldNotQueue
            | Event::StateMismatch => {
                life.ends.push(event.clone());
            }
            Event::Finished => {
                if let Some(at) = event.started_at {
                    life.ends.push(TaskEvent { event: Event::Started, at: Some(at), ..event.clone() });
                } else if event.state.as_deref() == Some("queued") && event.executor_state.as_deref() == Some("failed") {
                    life.ends.push(TaskEvent { event: Event::StateMismatch, ..event.clone() });
                }
            }
            _ => {}
        }
    }
    for life in lives.values_mut() {
        let hash = hash_of(&life.task, None);
        let from = facts.started.partition_point(|it| it.0 < hash);
        for (_, at) in facts.started.iter().skip(from).take_while(|it| it.0 == hash) {
            if let Some(first) = life.queued.first() {
                life.ends.push(TaskEvent::new(Event::Started, Some(*at), first.origin.clone()));
            }
        }
        life.settle();
    }
    lives
}

impl Life {
    /// Sorts, and joins what several lines and copies tell of one step.
    fn settle(&mut self) {
        // What is told of one moment stays in the order in which it was read.
        self.queued.sort_by_key(|it| it.at);
        let mut steps: Vec<Queued> = Vec::new();
        for step in std::mem::take(&mut self.queued) {
            match steps.last_mut().filter(|it| step.at.0 - it.at.0 <= SAME_STEP) {
                Some(first) => {
                    first.try_number = first.try_number.or(step.try_number);
                    first.queue = first.queue.take().or(step.queue);
                }
                None => steps.push(step),
            }
        }
        self.queued = steps;
        self.ends.sort_by_key(|it| (it.at, it.event));
        let mut ends: Vec<TaskEvent> = Vec::new();
        for end in std::mem::take(&mut self.ends) {
            match ends.iter_mut().rev().take(4).find(|it| it.event == end.event && near(it.at, end.at)) {
                // The line that has words for it is the one to show.
                Some(told) if told.excerpt.is_none() && end.excerpt.is_some() => (told.excerpt, told.origin) = (end.excerpt, end.origin),
                Some(_) => {}
                None => ends.push(end),
            }
        }
        self.ends = ends;
    }

    /// The last time it was queued at or before a moment.
    fn queued_before(&self, at: Option<Moment>) -> Option<usize> {
        self.queued.partition_point(|it| at.is_some_and(|at| it.at <= at)).checked_sub(1)
    }
}

fn near(a: Option<Moment>, b: Option<Moment>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a.0 - b.0).abs() <= SAME_STEP,
        (None, None) => true,
        _ => false,
    }
}

fn of_life(life: &Life, facts: &Facts, until: Option<Moment>) -> Vec<Spell> {
    let mut spells: Vec<Spell> = Vec::new();
    let mut closed: BTreeMap<usize, Option<Moment>> = BTreeMap::new();
    let mut last_unqueued: Option<Option<Moment>> = None;
    for end in &life.ends {
        // A worker's clock may be behind the scheduler's.
        let ahead = if end.event == Event::Started { SECOND } else { 0 };
        let step = life.queued_before(end.at.map(|it| Moment(it.0 + ahead)));
        if let Some(step) = step {
            if let Some(before) = closed.insert(step, end.at) {
                // A message long after the one that ended the stay is about another stay, whose queueing no line tells.
                if end.event == Event::Started || near_minute(before, end.at) {
                    continue;
                }
                spells.extend(spell(life, end, None));
                continue;
            }
        } else if end.event == Event::Started {
            continue;
        } else if end.event == Event::StateMismatch && last_unqueued.is_some_and(|it| near_minute(it, end.at)) {
            // The executor's report on a try that the line before has already failed.
            continue;
        } else {
            last_unqueued = Some(end.at);
        }
        spells.extend(spell(life, end, step.and_then(|it| life.queued.get(it))));
    }
    if let (Some(last), Some(until)) = (life.queued.last(), until)
        && !closed.contains_key(&(life.queued.len() - 1))
        && until.0 - last.at.0 >= SHORTEST_WAIT
        && !ended_otherwise(life, last, facts)
    {
        let mut end = TaskEvent::new(Event::Queued, Some(until), last.origin.clone());
        end.queue.clone_from(&last.queue);
        spells.push(Spell { found: "evidence-ends", ..as_spell(life, &end, Some(last), "never-started") });
    }
    spells
}

fn near_minute(a: Option<Moment>, b: Option<Moment>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a.0 - b.0).abs() <= SHORTEST_WAIT,
        (None, None) => true,
        _ => false,
    }
}

/// Whether another input tells that the try did begin.
fn ended_otherwise(life: &Life, last: &Queued, facts: &Facts) -> bool {
    let known = |try_number| facts.has_succeeded(&life.task, try_number);
    known(None) || known(last.try_number) || (1..=3).any(|it| last.try_number.is_none() && known(Some(it)))
}

fn spell(life: &Life, end: &TaskEvent, queued: Option<&Queued>) -> Option<Spell> {
    let outcome = match end.event {
        Event::Started => {
            let waited = queued.zip(end.at).map_or(0, |(queued, at)| at.0 - queued.at.0);
            if waited < SHORTEST_WAIT {
                return None;
            }
            "started-late"
        }
        Event::StuckRequeued => "requeued",
        // A sensor that reschedules itself is queued again while the executor reports its last poke.
        Event::StateMismatch if end.executor_state.as_deref() == Some("success") => "requeued",
        _ => "failed",
    };
    Some(as_spell(life, end, queued, outcome))
}

fn as_spell(life: &Life, end: &TaskEvent, queued: Option<&Queued>, outcome: &'static str) -> Spell {
    let mut task = life.task.clone();
    task.try_number = end.task.try_number.or_else(|| queued.and_then(|it| it.try_number));
    Spell {
        task,
        queued_at: queued.map(|it| it.at),
        started_at: end.at.filter(|_| end.event == Event::Started),
        left_at: end.at,
        found: end.event.name(),
        outcome,
        queue: end
            .queue
            .clone()
            .or_else(|| queued.and_then(|it| it.queue.clone()))
            .or_else(|| life.queued.iter().find_map(|it| it.queue.clone())),
        executor_state: end.executor_state.clone(),
        ambiguous: false,
        excerpt: end.excerpt.clone(),
        queued_origin: queued.map(|it| it.origin.clone()),
        origin: end.origin.clone(),
    }
}
