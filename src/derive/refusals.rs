//! The same refusal, read from a log, its filtered dump and its export, is one.

use crate::{logs::facts::key_of, tables::errors::ErrorRow, units::SECOND};
use std::collections::BTreeMap;

/// Copies of one event differ by at most this much: `CloudWatch` stamps an event when it arrives.
const SAME_MOMENT: i64 = 2 * SECOND;

/// Every refusal once, in the order of time.
pub(super) fn once(rows: &[ErrorRow]) -> Vec<ErrorRow> {
    let mut groups: BTreeMap<_, Vec<ErrorRow>> = BTreeMap::new();
    for row in rows {
        // Without a task, only the moment and the words can tell copies apart.
        let words = if row.task.is_known() { String::new() } else { row.error.message.clone() };
        let known = groups.entry((key_of(&row.task), row.task.try_number, words)).or_default();
        let of_a_task = row.task.is_known();
        match known.iter_mut().find(|it| it.error.agrees(&row.error) && (of_a_task || same_moment(it, row))) {
            Some(first) => join(first, row),
            None => known.push(row.clone()),
        }
    }
    let mut all: Vec<ErrorRow> = groups.into_values().flatten().collect();
    all.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.origin.cmp(&b.origin)).then_with(|| a.error.message.cmp(&b.error.message)));
    all
}

fn same_moment(a: &ErrorRow, b: &ErrorRow) -> bool {
    match (a.at, b.at) {
        (Some(one), Some(other)) => {
            let apart = a.error.is_another_request(&b.error);
            (one.0 - other.0).abs() <= SAME_MOMENT && !apart && (a.origin.file != b.origin.file || one == other)
        }
        (None, None) => !a.error.is_another_request(&b.error) && a.error.resource == b.error.resource,
        _ => false,
    }
}

/// The copy that tells more lends what the other lacks.
fn join(first: &mut ErrorRow, copy: &ErrorRow) {
    first.task.inferred &= copy.task.inferred;
    first.voice = first.voice.min(copy.voice);
    first.fatal |= copy.fatal;
    first.try_state = first.try_state.take().or_else(|| copy.try_state.clone());
    first.level = first.level.take().or_else(|| copy.level.clone());
    first.frame = first.frame.take().or_else(|| copy.frame.clone());
    first.query_id = first.query_id.take().or_else(|| copy.query_id.clone());
    first.error.absorb(copy.error.clone());
    first.at = match (first.at, copy.at) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
}
