//! Which tasks were queued a moment ago: schedulers say it in four ways, and only the first ones tell something new.

use super::{
    facts::{SAME_STEP, hash_of, hash_of_parts},
    identity::plain::Names,
    telling::Telling,
};
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
    pub(super) fn knows(&mut self, task: &Names<'_>, at: Moment, tells_queue: bool) -> bool {
        let instance = hash_of_parts(task.path.map(|it| (!it.is_empty()).then_some(it)), task.map_index, None);
        let known = self.slot(instance).and_then(|it| *it).filter(|it| it.instance == instance);
        known.is_some_and(|it| {
            (at.0 - it.at.0).abs() <= SAME_STEP && (it.has_queue || !tells_queue) && (it.has_try || task.try_number.is_none())
        })
    }

    /// Takes notice of what a record tells.
    pub(super) fn notice(&mut self, telling: &Telling) {
        if let Telling::Well(well, ..) = telling {
            self.forget(well.instance);
        }
        for event in telling.life().iter().filter(|it| it.task.is_known()) {
            let instance = hash_of(&event.task, None);
            let (Event::Queued, Some(at)) = (event.event, event.at) else {
                self.forget(instance);
                continue;
            };
            let (has_queue, has_try) = (event.queue.is_some(), event.task.try_number.is_some());
            if self.0.is_empty() {
                self.0.resize(REMEMBERED, None);
            }
            if let Some(slot) = self.slot(instance) {
                match slot {
                    Some(known) if known.instance == instance && (at.0 - known.at.0).abs() <= SAME_STEP => {
                        known.has_queue |= has_queue;
                        known.has_try |= has_try;
                    }
                    _ => *slot = Some(Queued { instance, at, has_queue, has_try }),
                }
            }
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
