//! The one error type, sorted by who has to act.

use std::{io, path::PathBuf};

/// What stopped the run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line or the settings file is wrong. The user edits it.
    #[error("{0}")]
    Usage(String),
    /// No input could be opened at all. The user fixes the path or the permission.
    #[error("cannot read {path}: {source}")]
    Read {
        /// What we were opening.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Writing the report failed: disk full, a closed pipe, a missing permission.
    #[error("cannot write {path}: {source}")]
    Write {
        /// What we were writing.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// S3 or Athena did not take what was to be published. What was visible stays visible; whoever runs it again repairs it.
    #[error("not published: {0}")]
    Publish(String),
    /// The user stopped it. What was done so far is kept.
    #[error("interrupted: {0}")]
    Interrupted(String),
    /// Another audit is at work. The user waits for it.
    #[error("{0}")]
    Locked(String),
    /// The query engine failed. We fix the query.
    #[error("query failed: {0}")]
    Query(#[from] polars::error::PolarsError),
    /// A Parquet file could not be written. We fix the schema.
    #[error("parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A column did not fit its table. We fix the source.
    #[error("arrow: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
}

/// Shorthand used across the crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The same error of publishing, with what became of the rest.
    #[must_use]
    pub fn adding(self, what: &str) -> Self {
        match self {
            Self::Publish(told) => Self::Publish(format!("{told}; {what}")),
            other => Self::Publish(format!("{other}; {what}")),
        }
    }

    /// The exit code of the contract: who has to act.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Read { .. } => 2,
            Self::Query(_) => 4,
            Self::Locked(_) => 5,
            Self::Interrupted(_) => 130,
            Self::Write { .. } | Self::Publish(_) | Self::Parquet(_) | Self::Arrow(_) => 6,
        }
    }
}
