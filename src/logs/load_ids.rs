//! Ids of loads that the log of a task shows: of the statement, of its transaction, of the Data API.
//!
//! Read are the forms that Redshift and its clients are known to print: the block under an error (`query: 404`), what
//! `pg_last_copy_id()` gave, a statement that asks a system view for one id, the transactions of a serializable isolation
//! violation, and the statement that Airflow's Data API hook polls or saw fail.

use super::stream::Record;
use crate::{tables::TaskRef, units::Moment};
use regex::Regex;
use std::sync::LazyLock;

/// What an id is an id of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdOf {
    /// A statement in the SYS views.
    Sys,
    /// A statement in the STL views.
    Stl,
    /// A statement; the text does not say in which views.
    Statement,
    /// A statement that failed; the text does not say in which views.
    FailedStatement,
    /// A transaction.
    Transaction,
    /// Transactions in each other's way, of which Redshift ended the one of the try that tells of it.
    Cycle,
    /// A statement, or a batch of them, of the Data API.
    DataApi,
}

/// One id that a try showed, or the transactions of one cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadId {
    /// What it is an id of.
    pub of: IdOf,
    /// The ids as they stand in the text.
    pub ids: Vec<String>,
    /// When the log shows it.
    pub shown_at: Option<Moment>,
    /// The try whose log it is.
    pub task: TaskRef,
    /// When the try began.
    pub started_at: Option<Moment>,
}

// A fast look: one of these words stands in every one of them.
pattern!(
    SIGN,
    r"location:  |copy_id|COPY_ID|forming the cycle|olling statement|terminated with status|RedshiftQueryId|stl_|STL_|svl_|SVL_|sys_|SYS_"
);
pattern!(BLOCK, r"\n\s*query:\s+(\d+)\s*\n\s*location:");
pattern!(LAST_COPY, r#"(?i)pg_last_copy_id(?:\(\))?['"]?\s*[:=]\s*(\d+)"#);
pattern!(ASKS_STL, r"(?i)\b(?:stl|svl)_\w+[^;]{0,400}?\bquery\s*=\s*'?(\d+)");
pattern!(ASKS_SYS, r"(?i)\bsys_\w+[^;]{0,400}?\bquery_id\s*=\s*'?(\d+)");
pattern!(ASKS_TRANSACTION, r"(?i)\b(?:stl|svl|sys)_\w+[^;]{0,400}?\b(?:xid|transaction_id)\s*=\s*'?(\d+)");
pattern!(CYCLE, r"transactions forming the cycle are:\s*(\d+(?:,\s*\d+)*)");
pattern!(POLLED, r"Polling statement ([0-9a-f-]{36})");
pattern!(TERMINATED, r"Statement '?([0-9a-f-]{36})'? terminated with status");
pattern!(RESPONSE, r"'RedshiftQueryId': (\d+)");

/// The forms in which ids are shown.
static FORMS: &[(IdOf, &LazyLock<Option<Regex>>)] = &[
    (IdOf::FailedStatement, &BLOCK),
    (IdOf::Statement, &LAST_COPY),
    (IdOf::Stl, &ASKS_STL),
    (IdOf::Sys, &ASKS_SYS),
    (IdOf::Transaction, &ASKS_TRANSACTION),
    (IdOf::Cycle, &CYCLE),
    (IdOf::DataApi, &POLLED),
    (IdOf::DataApi, &TERMINATED),
    (IdOf::Sys, &RESPONSE),
];

/// The ids that a record shows, the first of each form.
pub(super) fn shown(record: &Record<'_>) -> Vec<LoadId> {
    if !SIGN.as_ref().is_some_and(|it| it.is_match(record.body)) {
        return Vec::new();
    }
    let read = |(of, form): &(IdOf, &LazyLock<Option<Regex>>)| {
        let found = form.as_ref()?.captures(record.body)?;
        let ids = found[1].split(',').map(|it| it.trim().to_owned()).collect();
        Some(LoadId { of: *of, ids, shown_at: record.at, task: TaskRef::default(), started_at: None })
    };
    FORMS.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::Origin;

    fn read(body: &str) -> Vec<(IdOf, String)> {
        let origin = Origin { file: "f".into(), record: 1 };
        let record = Record { at: None, level: None, logger: "", process: "", body, printed: false, task: None, origin, places: &[] };
        shown(&record).into_iter().map(|it| (it.of, it.ids.join("+"))).collect()
    }

    #[test]
    fn every_form_is_read() {
        for (body, of, ids) in [
            (
                "S3 path \"1\" has invalid format.\nDETAIL:  \n  error:  S3 path \"1\" has invalid format.\n  code:      8001\n  context:   Parsing S3 Bucket\n  query:     404\n  location:  s3_utility.cpp:131\n",
                IdOf::FailedStatement,
                "404",
            ),
            ("pg_last_copy_id = 778123", IdOf::Statement, "778123"),
            ("SELECT COUNT(DISTINCT filename) FROM STL_LOAD_COMMITS WHERE query = 778123", IdOf::Stl, "778123"),
            ("select * from sys_load_detail where query_id = 55012", IdOf::Sys, "55012"),
            ("select btrim(querytxt) from stl_query where xid = 4044551 order by starttime;", IdOf::Transaction, "4044551"),
            (
                "ERROR:  1023\nDETAIL:  Serializable isolation violation on table - 141349, transactions forming the cycle are: 4044550, 4044551 (pid:7005)",
                IdOf::Cycle,
                "4044550+4044551",
            ),
            ("Polling statement 0a1b2c3d-0a1b-4c2d-8e3f-0a1b2c3d4e5f", IdOf::DataApi, "0a1b2c3d-0a1b-4c2d-8e3f-0a1b2c3d4e5f"),
            ("Response details: {'RedshiftPid': 77,\n 'RedshiftQueryId': 55012,\n", IdOf::Sys, "55012"),
        ] {
            assert_eq!(read(body), [(of, ids.to_owned())], "{body}");
        }
    }

    #[test]
    fn what_names_no_id_is_none() {
        for body in [
            "select * from stl_load_errors where query = pg_last_copy_id();",
            "query: 404",
            "Check 'stl_load_errors' system table for details.",
            "select query from stl_query; select 1 where query = 5",
            "'RedshiftQueryId': -1",
        ] {
            assert!(read(body).is_empty(), "{body}");
        }
    }
}
