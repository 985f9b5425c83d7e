//! One row per try, from the scheduler's and the task's own words.

use crate::{
    logs::facts::{Facts, TaskKey, key_of},
    tables::{
        TaskRef,
        errors::ErrorRow,
        mapped::MappedTry,
        task_events::{Event, TaskEvent},
        tries::Try,
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// How many later tries are looked for: Airflow's retries are few.
const RETRIES: i64 = 20;

/// The last successful try of each mapped index, whoever told of it.
pub(super) fn last_mapped(facts: &Facts) -> Vec<MappedTry> {
    let mut last: BTreeMap<TaskKey, MappedTry> = BTreeMap::new();
    for it in &facts.mapped {
        let known = last.entry(key_of(&it.task)).or_insert_with(|| it.clone());
        if known.ended_at < it.ended_at {
            known.clone_from(it);
        }
    }
    last.into_values().collect()
}

/// Every try that did not simply succeed.
pub(super) fn tries(facts: &Facts) -> Vec<Try> {
    let mut all: BTreeMap<(TaskKey, Option<i64>), Try> = BTreeMap::new();
    let tells = |it: &&TaskEvent| matches!(it.event, Event::Finished | Event::Ended | Event::Zombie) && it.task.is_known();
    for event in facts.events.iter().filter(tells) {
        let known = all.entry((key_of(&event.task), event.task.try_number)).or_insert_with(|| Try {
            task: event.task.clone(),
            state: None,
            started_at: None,
            ended_at: None,
            last_error: None,
            recovered: false,
            origin: event.origin.clone(),
        });
        known.state = graver(known.state.take(), state_of(event));
        known.started_at = earliest(known.started_at, event.started_at);
        known.ended_at = event.ended_at.or(known.ended_at).or(event.at);
        known.task.inferred &= event.task.inferred;
        if known.last_error.is_none() {
            known.last_error = match event.event {
                Event::Zombie => Some("no heartbeat: the scheduler declared the task a zombie".to_owned()),
                _ => event.detail.clone(),
            };
        }
    }
    join_nameless(&mut all);
    let went_well: BTreeSet<_> = all.iter().filter(|it| it.1.state.as_deref() == Some("success")).map(|it| it.0.clone()).collect();
    for (key, one) in &mut all {
        let well = |number: i64| went_well.contains(&(key.0.clone(), Some(number))) || facts.has_succeeded(&one.task, Some(number));
        one.recovered = one.failed() && key.1.is_some_and(|own| (own + 1..=own + RETRIES).any(well));
    }
    let mut tries: Vec<Try> = all.into_values().collect();
    let anonymous = facts.events.iter().filter(|it| it.event == Event::Ended && !it.task.is_known());
    tries.extend(anonymous.map(|it| Try {
        task: it.task.clone(),
        state: it.state.clone(),
        started_at: None,
        ended_at: it.at,
        last_error: it.detail.clone(),
        recovered: false,
        origin: it.origin.clone(),
    }));
    tries
}

/// A line that knows no try number speaks of the only try there is.
fn join_nameless(all: &mut BTreeMap<(TaskKey, Option<i64>), Try>) {
    let nameless: Vec<TaskKey> = all.keys().filter(|it| it.1.is_none()).map(|it| it.0.clone()).collect();
    for key in nameless {
        let mut named = all.keys().filter(|it| it.0 == key && it.1.is_some()).cloned();
        if let (Some(only), None) = (named.next(), named.next())
            && let Some(from) = all.remove(&(key, None))
            && let Some(into) = all.get_mut(&only)
        {
            into.state = graver(into.state.take(), from.state);
            into.last_error = into.last_error.take().or(from.last_error);
            into.ended_at = into.ended_at.or(from.ended_at);
        }
    }
}

/// The state that a line tells; a try that the executor lost in queued failed without a log.
fn state_of(event: &TaskEvent) -> Option<String> {
    match event.event {
        Event::Zombie => Some("failed".to_owned()),
        _ if event.executor_state.as_deref() == Some("failed") && event.state.as_deref() == Some("queued") => Some("failed".to_owned()),
        _ => event.state.clone(),
    }
}

/// Of two words on the same try the one that says more: a retry is a failure that was caught, success ends the matter.
fn graver(a: Option<String>, b: Option<String>) -> Option<String> {
    let rank = |it: &Option<String>| match it.as_deref() {
        Some("success") => 4,
        Some("up_for_retry") => 3,
        Some("failed") => 2,
        Some(_) => 1,
        None => 0,
    };
    if rank(&b) > rank(&a) { b } else { a }
}

fn earliest<T: Ord + Copy>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Tells every refusal how its try ended, where its own log does not, and whether a later try went well.
pub(super) fn join(errors: &mut [ErrorRow], tries: &[Try], facts: &Facts) {
    let by_key: BTreeMap<(TaskKey, Option<i64>), &Try> = tries.iter().map(|it| ((key_of(&it.task), it.task.try_number), it)).collect();
    let state_of = |task: &TaskRef, try_number: Option<i64>| by_key.get(&(key_of(task), try_number)).and_then(|it| it.state.as_deref());
    let succeeded =
        |task: &TaskRef, try_number: Option<i64>| state_of(task, try_number) == Some("success") || facts.has_succeeded(task, try_number);
    for error in errors.iter_mut().filter(|it| it.task.is_known()) {
        let own = error.task.try_number;
        // The scheduler's word on a try counts where the task's own log is cut off or of Airflow 3.
        if let Some(state) = state_of(&error.task, own)
            && error.try_state.as_deref() != Some("up_for_retry")
        {
            error.try_state = Some(state.to_owned());
        }
        if error.try_state.is_none() && succeeded(&error.task, own) {
            error.try_state = Some("success".to_owned());
        }
        if let Some(own) = own {
            error.recovered = (own + 1..=own + RETRIES).any(|it| succeeded(&error.task, Some(it)));
        }
    }
}
