//! What one record tells, apart from whom it is about.

use super::{
    brief::{BriefEnd, BriefQueued},
    catalogue, lifecycle,
    line::Level,
    load_ids::{self, LoadId},
    loads, owner, refusals,
    stream::Record,
};
use crate::{
    tables::{
        Origin,
        errors::ErrorRow,
        load_errors::LoadError,
        loads::Load,
        task_events::{Event, TaskEvent},
    },
    text,
    units::Moment,
};

/// What a record tells.
#[derive(Debug)]
pub(super) enum Telling {
    /// A fact that names its task: whose log it stands in does not matter.
    Life(Box<TaskEvent>),
    /// A task was queued.
    Queued(BriefQueued),
    /// A try ended well.
    Well(BriefEnd),
    /// Anything else.
    Record(Box<Told>),
}

/// What a record tells to the owner of its stream.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The Celery process that wrote it.
    pub(super) process: String,
    /// When, if the record may be the first of its try.
    pub(super) begins: Option<(Moment, Origin)>,
    /// The facts that it states, and the message that states a start.
    pub(super) life: Vec<TaskEvent>,
    pub(super) start: String,
    pub(super) refusals: Vec<ErrorRow>,
    /// The error with which the try may end.
    pub(super) error: Option<Ending>,
    pub(super) run: Option<Load>,
    pub(super) failed: Option<LoadError>,
    pub(super) load_ids: Vec<LoadId>,
}

/// An error that a try may end with.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) line: String,
    pub(super) origin: Origin,
    /// Whether it only repeats the error before it.
    pub(super) repeats: bool,
}

impl Telling {
    /// Reads a record; `nearby` is what stands shortly before it.
    pub(super) fn of(record: &Record<'_>, nearby: Option<&str>) -> Self {
        let life = lifecycle::events(record);
        let start = if life.iter().any(|it| it.event == Event::Started) { record.body.to_owned() } else { String::new() };
        let is_error = record.level == Some(Level::Error) && !record.printed;
        let error = is_error.then(|| Ending {
            line: text::safe(&owner::last_error_line(record.body), 400),
            origin: record.origin.clone(),
            repeats: record.body.starts_with("Failed to execute job") || record.body.starts_with("Failed to execute task"),
        });
        Self::Record(Box::new(Told {
            process: record.process.to_owned(),
            // A log that is named after a try begins when the try does, unless it is the scheduler who writes into it.
            begins: record.at.filter(|_| !record.logger.contains("scheduler")).map(|at| (at, record.origin.clone())),
            life,
            start,
            refusals: refusals::rows(record, nearby),
            error,
            run: loads::run(record),
            failed: loads::failed(record),
            load_ids: load_ids::shown(record),
        }))
    }

    /// Reads a record that is one message of the catalogue and nothing else.
    pub(super) fn of_message(record: &Record<'_>) -> Vec<Self> {
        let Some(spoken) = catalogue::spoken(record.body, record, false) else { return Vec::new() };
        let of = |event: TaskEvent| {
            if matches!(event.event, Event::Started | Event::Ended) {
                let start = record.body.to_owned();
                Self::Record(Box::new(Told { life: vec![event], start, ..Told::default() }))
            } else {
                Self::Life(Box::new(event))
            }
        };
        lifecycle::facts(record, &spoken).into_iter().map(of).collect()
    }

    /// Whether its try has begun with it at the latest, if it is told by the stream's own process.
    pub(super) fn begins(&self) -> bool {
        matches!(self, Self::Record(told) if told.process.is_empty() && told.begins.is_some())
    }

    /// The facts about tasks that it states.
    pub(super) fn life(&self) -> &[TaskEvent] {
        match self {
            Self::Life(event) => std::slice::from_ref(event),
            Self::Queued(_) | Self::Well(_) => &[],
            Self::Record(told) => &told.life,
        }
    }

    /// Counts the records of the whole file instead of those of a part.
    pub(super) fn shift(&mut self, by: i64) {
        let shift = |it: &mut Origin| it.record = it.record.saturating_add_signed(by);
        match self {
            Self::Life(event) => shift(&mut event.origin),
            Self::Queued(it) => it.record = it.record.saturating_add_signed(by),
            Self::Well(it) => it.record = it.record.saturating_add_signed(by),
            Self::Record(told) => {
                told.begins.iter_mut().for_each(|it| shift(&mut it.1));
                told.life.iter_mut().for_each(|it| shift(&mut it.origin));
                told.refusals.iter_mut().for_each(|it| shift(&mut it.origin));
                told.error.iter_mut().for_each(|it| shift(&mut it.origin));
                told.run.iter_mut().for_each(|it| shift(&mut it.origin));
                told.failed.iter_mut().for_each(|it| shift(&mut it.origin));
            }
        }
    }
}
