//! One AWS error found in text: what was asked, by whom, of what, and who refused.

use super::{Cell, Column, DAG_ID, Kind, MAP_INDEX, Origin, RUN_ID, TASK_ID, TASK_INFERRED, TRY_NUMBER, Table, TaskRef};
use crate::units::Moment;

/// When the text was written.
pub const EVENT_TIME: Column = Column::new("event_time", Kind::Moment, "When the text was written");
/// What the error is.
pub const KIND: Column = Column::new("kind", Kind::Text, "permission, credentials, kms, lake-formation, sql-grant, not-found-or-denied");
/// The AWS service.
pub const SERVICE: Column = Column::new("service", Kind::Text, "IAM prefix of the service: s3, glue, sts");
/// The API operation.
pub const OPERATION: Column = Column::new("operation", Kind::Text, "API operation, as it stands in the text");
/// The error code.
pub const ERROR_CODE: Column = Column::new("error_code", Kind::Text, "Error code, as it stands in the text");
/// The IAM action.
pub const ACTION: Column = Column::new("action", Kind::Text, "IAM action");
/// Whether the action was derived.
pub const ACTION_INFERRED: Column = Column::new("action_inferred", Kind::Flag, "Whether the action was derived from the operation");
/// The resource.
pub const RESOURCE: Column = Column::new("resource", Kind::Text, "Resource, as it stands in the text");
/// Whether the resource was taken from nearby text.
pub const RESOURCE_INFERRED: Column = Column::new("resource_inferred", Kind::Flag, "Whether the resource stands near the error, not in it");
/// The principal.
pub const PRINCIPAL: Column = Column::new("principal", Kind::Text, "Who was refused, as it stands in the text");
/// The refusing policy type.
pub const DENIED_BY: Column = Column::new("denied_by", Kind::Text, "Policy type that refused");
/// A second policy type.
pub const VIA: Column = Column::new("via", Kind::Text, "Policy type through which it refused");
/// Whether the deny was explicit.
pub const EXPLICIT: Column = Column::new("explicit_deny", Kind::Flag, "Whether the text says explicit deny; null when it says nothing");
/// How the text speaks.
pub const VOICE: Column = Column::new("voice", Kind::Text, "raised, logged, printed, recorded");
/// The severity of the log record.
pub const LEVEL: Column = Column::new("level", Kind::Text, "Level of the log record");
/// Whether the record is the one that failed the try.
pub const FATAL: Column = Column::new("fatal", Kind::Flag, "Whether the error stands in the record with which the try failed");
/// How the try ended, as its own log says.
pub const TRY_STATE: Column = Column::new("try_state", Kind::Text, "How the try ended, as the same log says");
/// Whether it went well in the end.
pub const RECOVERED: Column = Column::new("recovered", Kind::Flag, "Whether a later try of the task succeeded");
/// The request.
pub const REQUEST_ID: Column = Column::new("request_id", Kind::Text, "AWS request id");
/// The query.
pub const QUERY_ID: Column = Column::new("query_id", Kind::Text, "Query that was refused");
/// The user's own frame.
pub const FRAME: Column = Column::new("frame", Kind::Text, "Innermost frame of the user's own code, file:line");
/// The message.
pub const MESSAGE: Column = Column::new("message", Kind::Text, "The error message on one line, redacted");
/// The text around it.
pub const EXCERPT: Column = Column::new("excerpt", Kind::Text, "The text around it, redacted");

/// One row per error, once per try.
pub static TABLE: Table = Table {
    name: "errors",
    meaning: "one AWS error found in text",
    columns: &[
        EVENT_TIME,
        KIND,
        DAG_ID,
        TASK_ID,
        RUN_ID,
        MAP_INDEX,
        TRY_NUMBER,
        TASK_INFERRED,
        SERVICE,
        OPERATION,
        ERROR_CODE,
        ACTION,
        ACTION_INFERRED,
        RESOURCE,
        RESOURCE_INFERRED,
        PRINCIPAL,
        DENIED_BY,
        VIA,
        EXPLICIT,
        VOICE,
        LEVEL,
        FATAL,
        TRY_STATE,
        RECOVERED,
        REQUEST_ID,
        QUERY_ID,
        FRAME,
        MESSAGE,
        EXCERPT,
    ],
};

/// One row.
#[derive(Clone, Debug)]
pub struct ErrorRow {
    /// When the text was written.
    pub at: Option<Moment>,
    /// Whose try.
    pub task: TaskRef,
    /// What the error is, and all that its text says.
    pub error: AwsError,
    /// raised, logged, printed, recorded.
    pub voice: Voice,
    /// Level of the log record, lower case.
    pub level: Option<String>,
    /// Whether the try failed with this record.
    pub fatal: bool,
    /// How the try ended, as the same log says.
    pub try_state: Option<String>,
    /// Whether a later try of the task succeeded.
    pub recovered: bool,
    /// The query that was refused.
    pub query_id: Option<String>,
    /// Innermost frame of the user's own code.
    pub frame: Option<String>,
    /// The text around it, redacted.
    pub excerpt: String,
    /// Where it stands.
    pub origin: Origin,
}

impl ErrorRow {
    /// An error that a record of the service itself states, outside of any log.
    pub fn recorded(at: Option<Moment>, error: AwsError, excerpt: String, origin: Origin) -> Self {
        Self {
            at,
            task: TaskRef::default(),
            error,
            voice: Voice::Recorded,
            level: None,
            fatal: false,
            try_state: None,
            recovered: false,
            query_id: None,
            frame: None,
            excerpt,
            origin,
        }
    }
}

/// What the text of one error says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsError {
    /// One of the contract's kinds.
    pub kind: Option<&'static str>,
    /// IAM prefix of the service.
    pub service: Option<String>,
    /// API operation.
    pub operation: Option<String>,
    /// Error code.
    pub code: Option<String>,
    /// IAM action.
    pub action: Option<String>,
    /// Whether the action was derived from the operation.
    pub action_inferred: bool,
    /// Resource.
    pub resource: Option<String>,
    /// Whether the resource stands near the error, not in it.
    pub resource_inferred: bool,
    /// Who was refused.
    pub principal: Option<String>,
    /// Policy type that refused.
    pub denied_by: Option<&'static str>,
    /// Policy type through which it refused.
    pub via: Option<&'static str>,
    /// Whether the text says explicit deny.
    pub explicit: Option<bool>,
    /// AWS request id.
    pub request_id: Option<String>,
    /// The message on one line.
    pub message: String,
}

/// How a text speaks of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Voice {
    /// An audit record of AWS itself.
    Recorded,
    /// An exception, or a record at level ERROR.
    Raised,
    /// A warning that carries the error.
    Logged,
    /// Output of a program, at level INFO or without one.
    Printed,
}

impl Voice {
    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Raised => "raised",
            Self::Logged => "logged",
            Self::Printed => "printed",
        }
    }
}

impl AwsError {
    /// Whether two readings can be of the same refusal.
    pub fn agrees(&self, other: &Self) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| match (a, b) {
            (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
            _ => true,
        };
        let apart = |kind: Option<&'static str>| matches!(kind, Some("credentials" | "sql-grant"));
        let codes = same(&self.code, &other.code) || (is_vague(self.code.as_deref()) && is_vague(other.code.as_deref()));
        // A refusal of kms:Decrypt inside an S3 call names two services and is one refusal.
        let services = same(&self.service, &other.service) || self.action.is_none() || other.action.is_none();
        same(&self.operation, &other.operation)
            && (same(&self.action, &other.action) || self.action_inferred || other.action_inferred)
            && same_principal(self.principal.as_deref(), other.principal.as_deref())
            && (same(&self.resource, &other.resource) || self.resource_inferred || other.resource_inferred)
            && codes
            && services
            && apart(self.kind) == apart(other.kind)
            && (self.kind == other.kind || !apart(self.kind))
    }

    /// Whether both name a request, and not the same one.
    pub fn is_another_request(&self, other: &Self) -> bool {
        matches!((&self.request_id, &other.request_id), (Some(a), Some(b)) if a != b)
    }

    /// Takes over what only `from` knows; the more telling code and message win.
    pub fn absorb(&mut self, from: Self) {
        let fill = |mine: &mut Option<String>, theirs: Option<String>| {
            if mine.is_none() {
                *mine = theirs;
            }
        };
        let numeric = self.code.as_deref().is_none_or(|it| it.parse::<u16>().is_ok() || it == "Forbidden");
        if numeric && from.code.is_some() {
            self.code.clone_from(&from.code);
        }
        if self.resource_inferred && from.resource.is_some() && !from.resource_inferred {
            self.resource = None;
        }
        if self.resource.is_none() {
            self.resource_inferred = from.resource_inferred;
        }
        if self.action_inferred && from.action.is_some() && !from.action_inferred {
            self.action = None;
        }
        if self.action.is_none() {
            self.action_inferred = from.action_inferred;
        }
        fill(&mut self.service, from.service);
        fill(&mut self.operation, from.operation);
        fill(&mut self.code, from.code);
        fill(&mut self.action, from.action);
        fill(&mut self.resource, from.resource);
        fill(&mut self.principal, from.principal);
        fill(&mut self.request_id, from.request_id);
        self.kind = self.kind.or(from.kind);
        self.denied_by = self.denied_by.or(from.denied_by);
        self.via = self.via.or(from.via);
        self.explicit = self.explicit.or(from.explicit);
        if from.message.len() > self.message.len() {
            self.message = from.message;
        }
    }
}

/// Codes that say no more than that somebody was refused.
fn is_vague(code: Option<&str>) -> bool {
    code.is_none_or(|it| it.parse::<u16>().is_ok() || it.contains("AccessDenied") || it == "Forbidden")
}

/// Airflow masks parts of a name as `***`: a masked principal is the one that it can be.
fn same_principal(a: Option<&str>, b: Option<&str>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return true };
    let masked = |pattern: &str, name: &str| {
        let (Some((first, _)), Some((_, last))) = (pattern.split_once("***"), pattern.rsplit_once("***")) else { return false };
        name.starts_with(first) && name.ends_with(last) && name.len() + 3 >= pattern.len()
    };
    a == b || masked(a, b) || masked(b, a)
}

impl ErrorRow {
    /// The row, in column order.
    pub fn cells(&self) -> (Origin, Vec<Cell>) {
        let error = &self.error;
        let mut cells = vec![self.at.into(), Cell::Text(error.kind.map(ToOwned::to_owned))];
        cells.extend(self.task.cells());
        cells.extend([
            error.service.clone().into(),
            error.operation.clone().into(),
            error.code.clone().into(),
            error.action.clone().into(),
            error.action_inferred.into(),
            error.resource.clone().into(),
            error.resource_inferred.into(),
            error.principal.clone().into(),
            Cell::Text(error.denied_by.map(ToOwned::to_owned)),
            Cell::Text(error.via.map(ToOwned::to_owned)),
            error.explicit.into(),
            self.voice.name().into(),
            self.level.clone().into(),
            self.fatal.into(),
            self.try_state.clone().into(),
            self.recovered.into(),
            error.request_id.clone().into(),
            self.query_id.clone().into(),
            self.frame.clone().into(),
            error.message.as_str().into(),
            self.excerpt.as_str().into(),
        ]);
        (self.origin.clone(), cells)
    }
}
