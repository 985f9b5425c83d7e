//! Which tasks were queued a moment ago: schedulers say it in four ways, and only the first ones tell something new.

use super::{facts::SAME_STEP, hash::hash_of, telling::Telling};
use crate::{tables::task_events::Event, units::Moment};

/// How many are remembered.
const REMEMBERED: usize = 4_096;

/// One task that was queued.
#[derive(Clone, Copy, Debug)]
struct Queued {
    instance: u64,
    at: Moment,
    has_queue: bool,
    has_try: bool,
}

/// The last tasks that were queued, by the hash of their instance; without room until there is one: most logs are of one try.
#[derive(Debug, Default)]
pub(super) struct Recent(Vec<Option<Queued>>);

impl Recent {
    fn slot(&mut self, instance: u64) -> Option<&mut Option<Queued>> {
        #[expect(clippy::cast_possible_truncation, reason = "the rest of a division by a small number")]
        self.0.get_mut((instance % REMEMBERED as u64) as usize)
    }

    /// Whether it is known that a task was queued now, with its queue if the text tells one.
    pub(super) fn knows(&mut self, instance: u64, try_number: Option<i64>, at: Moment, tells_queue: bool) -> bool {
        let known = self.slot(instance).and_then(|it| *it).filter(|it| it.instance == instance);
        known
            .is_some_and(|it| (at.0 - it.at.0).abs() <= SAME_STEP && (it.has_queue || !tells_queue) && (it.has_try || try_number.is_none()))
    }

    /// Takes notice of what a record tells.
    pub(super) fn notice(&mut self, telling: &Telling) {
        match telling {
            Telling::Well(end) => self.forget(end.well.instance),
            Telling::Queued(it) => {
                self.queue(Queued { instance: it.instance, at: it.at, has_queue: it.has_queue(), has_try: it.try_number.is_some() });
            }
            Telling::Life(_) | Telling::Record(_) => {}
        }
        for event in telling.life().iter().filter(|it| it.task.is_known()) {
            let instance = hash_of(&event.task, None);
            let (Event::Queued, Some(at)) = (event.event, event.at) else {
                self.forget(instance);
                continue;
            };
            self.queue(Queued { instance, at, has_queue: event.queue.is_some(), has_try: event.task.try_number.is_some() });
        }
    }

    fn queue(&mut self, queued: Queued) {
        if self.0.is_empty() {
            self.0.resize(REMEMBERED, None);
        }
        match self.slot(queued.instance) {
            Some(Some(known)) if known.instance == queued.instance && (queued.at.0 - known.at.0).abs() <= SAME_STEP => {
                known.has_queue |= queued.has_queue;
                known.has_try |= queued.has_try;
            }
            Some(slot) => *slot = Some(queued),
            None => {}
        }
    }

    fn forget(&mut self, instance: u64) {
        if let Some(slot) = self.slot(instance)
            && slot.is_some_and(|it| it.instance == instance)
        {
            *slot = None;
        }
    }
}
