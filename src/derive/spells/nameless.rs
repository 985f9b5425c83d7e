//! Airflow 2.10.5 names only the task id of a stuck task: which tries it can mean is told from the other lines.

use super::{Life, SAME_STEP, as_spell};
use crate::{
    logs::facts::{Facts, REQUEUED_WITHIN, TaskKey},
    tables::{
        TaskRef,
        spells::Spell,
        task_events::{Event, TaskEvent},
    },
    units::{Moment, SECOND},
};
use std::collections::BTreeMap;

/// Whether an event tells of a stuck task and does not say of which one.
fn is_anonymous(event: &TaskEvent) -> bool {
    let stuck = [Event::StuckRequeued, Event::StuckFailed, Event::StuckExhausted, Event::CouldNotQueue, Event::StateMismatch];
    stuck.contains(&event.event) && !event.task.is_known()
}

/// Whether an event names a task id and nothing else.
pub(super) fn is_nameless(event: &TaskEvent) -> bool {
    event.event == Event::StuckRequeued && event.task.is_known() && event.task.dag_id.is_none() && event.task.run_id.is_none()
}

/// Gives every nameless line to the life it speaks of; what cannot be told becomes a spell that says so.
pub(super) fn resolve(facts: &Facts, lives: &mut BTreeMap<TaskKey, Life>) -> Vec<Spell> {
    let mut unresolved = Vec::new();
    for event in facts.events.iter().filter(|it| is_anonymous(it)) {
        let life = Life { task: event.task.clone(), ..Life::default() };
        unresolved.extend(super::spell(&life, event, None));
    }
    for group in groups(facts) {
        let Some(first) = group.first() else { continue };
        let chosen = candidates(lives, first, group.len());
        if chosen.len() == group.len() {
            for (key, line) in chosen.into_iter().zip(group) {
                if let Some(life) = lives.get_mut(&key) {
                    life.ends.push(line);
                    life.settle();
                }
            }
        } else {
            unresolved.extend(group.iter().map(|line| ambiguous(line, !chosen.is_empty())));
        }
    }
    unresolved
}

/// The lines of one check of the scheduler for one task id, each line once however many inputs hold it.
fn groups(facts: &Facts) -> Vec<Vec<TaskEvent>> {
    let mut copies: BTreeMap<(Option<String>, Option<Moment>), BTreeMap<&str, Vec<&TaskEvent>>> = BTreeMap::new();
    for event in facts.events.iter().filter(|it| is_nameless(it)) {
        copies.entry((event.task.task_id.clone(), event.at)).or_default().entry(&*event.origin.file).or_default().push(event);
    }
    let mut groups: Vec<Vec<TaskEvent>> = Vec::new();
    for ((task_id, at), by_file) in copies {
        let Some(lines) = by_file.into_values().max_by_key(Vec::len) else { continue };
        let joins = groups
            .last()
            .and_then(|it| it.last())
            .is_some_and(|last| last.task.task_id == task_id && last.at.zip(at).is_some_and(|(a, b)| (b.0 - a.0).abs() <= SAME_STEP));
        let lines = lines.into_iter().cloned();
        match groups.last_mut().filter(|_| joins) {
            Some(group) => group.extend(lines),
            None => groups.push(lines.collect()),
        }
    }
    groups.sort_by_key(|it| it.first().and_then(|it| it.at));
    groups
}

/// The instances of the task that sat in queued at that moment, as many as there are lines if that can be told.
fn candidates(lives: &BTreeMap<TaskKey, Life>, line: &TaskEvent, count: usize) -> Vec<TaskKey> {
    let Some(at) = line.at else { return Vec::new() };
    let sits = |life: &Life| {
        let queued = life.queued_before(line.at).and_then(|it| life.queued.get(it))?;
        let left = life.ends.iter().any(|it| it.at.is_some_and(|end| end >= queued.at && end.0 < at.0 - SECOND));
        (!left && queued.at.0 < at.0 - SAME_STEP).then_some(queued.at)
    };
    let of_task = lives.iter().filter(|it| it.1.task.task_id == line.task.task_id);
    let sitting: Vec<(&TaskKey, &Life)> = of_task.filter(|it| sits(it.1).is_some()).collect();
    // The scheduler queues what it found stuck before anything else: of those that are queued again, the next ones are meant.
    let again_after = |life: &Life| life.queued.iter().map(|it| it.at.0 - at.0).filter(|it| (1..=REQUEUED_WITHIN).contains(it)).min();
    let mut again: Vec<(i64, &TaskKey)> = sitting.iter().filter_map(|it| Some((again_after(it.1)?, it.0))).collect();
    again.sort();
    let told = again.get(count.wrapping_sub(1)).is_some_and(|last| again.get(count).is_none_or(|next| last.0 < next.0));
    if told {
        return again.into_iter().take(count).map(|it| it.1.clone()).collect();
    }
    sitting.into_iter().map(|it| it.0.clone()).collect()
}

fn ambiguous(line: &TaskEvent, several: bool) -> Spell {
    let unknown = Life { task: TaskRef { task_id: line.task.task_id.clone(), ..TaskRef::default() }, ..Life::default() };
    Spell { ambiguous: several, ..as_spell(&unknown, line, None, "requeued") }
}
