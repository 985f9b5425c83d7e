//! What one record tells, apart from whom it is about.

use super::{
    catalogue,
    facts::{SHORTEST_WAIT, Well, hash_of_parts, is_well},
    lifecycle::{self, Finished},
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
    /// The end of a try that went well, the message, and where it stands.
    Well(Well, String, Origin),
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
        if spoken.event == Event::Finished
            && let Some(well) = Self::of_success(record.body, record.at, &record.origin)
        {
            return vec![well];
        }
        let life = lifecycle::facts(record, &spoken);
        let of = |event: TaskEvent| {
            if matches!(event.event, Event::Started | Event::Ended) {
                let start = record.body.to_owned();
                Self::Record(Box::new(Told { life: vec![event], start, ..Told::default() }))
            } else {
                Self::Life(Box::new(event))
            }
        };
        life.into_iter().map(of).collect()
    }

    /// Reads the message about the end of a try that went well.
    pub(super) fn of_success(body: &str, at: Option<Moment>, origin: &Origin) -> Option<Self> {
        let told = Finished::of(body);
        let waited = told.queued_at.zip(told.started_at).map_or(0, |(queued, started)| started.0 - queued.0);
        // How long the parts of a mapped task took is kept.
        if told.map_index.is_some() || !is_well(told.state, told.executor_state) || waited >= SHORTEST_WAIT {
            return None;
        }
        let hash = |attempt| hash_of_parts([told.dag_id, told.task_id, told.run_id], None, attempt);
        let well = Well {
            instance: hash(None),
            succeeded: (told.state == Some("success")).then(|| hash(told.try_number)),
            queue: told.queue.unwrap_or_default().to_owned(),
            ran: told.started_at.zip(told.ended_at),
            at: at?,
        };
        Some(Self::Well(well, body.to_owned(), origin.clone()))
    }

    /// The Celery process that wrote it.
    pub(super) fn process(&self) -> &str {
        match self {
            Self::Life(_) | Self::Well(..) => "",
            Self::Record(told) => &told.process,
        }
    }

    /// The facts about tasks that it states.
    pub(super) fn life(&self) -> &[TaskEvent] {
        match self {
            Self::Life(event) => std::slice::from_ref(event),
            Self::Well(..) => &[],
            Self::Record(told) => &told.life,
        }
    }

    /// Counts the records of the whole file instead of those of a part.
    pub(super) fn shift(&mut self, by: i64) {
        let shift = |it: &mut Origin| it.record = it.record.saturating_add_signed(by);
        match self {
            Self::Life(event) => shift(&mut event.origin),
            Self::Well(_, _, origin) => shift(origin),
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
