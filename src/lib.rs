//! Reads what AWS wrote down about a data pipeline and says what went wrong.
//!
//! ```text
//! case ──▶ records ──▶ sources ──▶ tables ──▶ derive ──▶ evidence ──▶ detectors ──▶ findings ──▶ report ──▶ publish: the lake
//!   ▲                    └─ logs: what a log line says, for every source that holds log lines      │
//! collect: writes a case and reads none of it                                                     ▼
//!                                            ledger: a report in short, also read back from wherever one was left
//!                                              └─▶ changes: two of them beside one another ──▶ diff
//! config: the file of settings     suppress: what somebody decided to live with     audit: the night, which calls all the rest
//! ```
//!
//! Network and async are in `collect` and `publish` alone.
//!
//! Reading order. A module may use the modules above it, never those below;
//! `tests/architecture.rs` holds us to it.

pub mod error;
pub mod units;
pub mod text;
pub mod stats;
pub mod fold;
pub mod tables;
pub mod warehouse;
pub mod case;
pub mod collect;
pub mod records;
pub mod logs;
pub mod sources;
pub mod derive;
pub mod settings;

pub mod evidence;
pub mod copies;
pub mod finding;
pub mod detectors;
pub mod report;
pub mod publish;
pub mod ledger;
pub mod changes;
pub mod diff;
pub mod suppress;
pub mod config;
pub mod audit;
