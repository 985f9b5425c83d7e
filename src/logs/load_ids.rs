//! Ids of loads that the log of a task shows: of the statement, of its transaction, of the Data API.
//!
//! Read are the forms that Redshift and its clients are known to print: the block under an error (`query: 404`), what
//! `pg_last_copy_id()` gave, a statement that asks a system view for one id, the transactions of a serializable isolation
//! violation, and the statement that Airflow's Data API hook polls or saw fail.

use super::{aws_error, stream::Record};
use crate::{tables::TaskRef, units::Moment};
use aho_corasick::packed;
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

/// Words without which a text shows no id.
pub(super) const WORDS: &[&str] = &[
    "location:  ",
    "copy_id",
    "COPY_ID",
    "forming the cycle",
    "olling statement",
    "terminated with status",
    "RedshiftQueryId",
    "stl_",
    "STL_",
    "svl_",
    "SVL_",
    "sys_",
    "SYS_",
];

static SIGN: LazyLock<Option<packed::Searcher>> = LazyLock::new(|| packed::Config::new().builder().extend(WORDS).build());

pattern!(BLOCK, r"\n\s*query:\s+(\d+)\s*\n\s*location:");
pattern!(LAST_COPY, r#"(?i)pg_last_copy_id(?:\(\))?['"]?\s*[:=]\s*(\d+)"#);
pattern!(VIEW, r"(?i)\b(stl|svl|sys)_\w+");
pattern!(ASKED, r"(?i)\b(query_id|query|xid|transaction_id)\s*=\s*'?(\d+)");
pattern!(CYCLE, r"transactions forming the cycle are:\s*(\d+(?:,\s*\d+)*)");
pattern!(POLLED, r"Polling statement ([0-9a-f-]{36})");
pattern!(TERMINATED, r"Statement '?([0-9a-f-]{36})'? terminated with status");
pattern!(RESPONSE, r"'RedshiftQueryId': (\d+)");

/// The forms in which ids are shown, beside statements that ask for one.
static FORMS: &[(IdOf, &LazyLock<Option<Regex>>)] = &[
    (IdOf::FailedStatement, &BLOCK),
    (IdOf::Statement, &LAST_COPY),
    (IdOf::Cycle, &CYCLE),
    (IdOf::DataApi, &POLLED),
    (IdOf::DataApi, &TERMINATED),
    (IdOf::Sys, &RESPONSE),
];

/// A statement names what it asks for at most this far behind the view that it asks.
const ASKED_WITHIN: usize = 400;

/// A record speaks of few views; a dump of SQL is not searched to its end.
const VIEWS: usize = 20;

/// The ids that a record shows.
pub(super) fn shown(record: &Record<'_>) -> Vec<LoadId> {
    if SIGN.as_ref().is_some_and(|it| it.find(record.body).is_none()) {
        return Vec::new();
    }
    let told = |of: IdOf, ids: &str| {
        let ids = ids.split(',').map(|it| it.trim().to_owned()).collect();
        LoadId { of, ids, shown_at: record.at, task: TaskRef::default(), started_at: None }
    };
    let found = FORMS.iter().filter_map(|(of, form)| Some((*of, form.as_ref()?.captures(record.body)?)));
    let mut all: Vec<LoadId> = found.map(|(of, found)| told(of, &found[1])).collect();
    all.extend(asked(record.body).map(|(of, id)| told(of, id)));
    all
}

/// The ids for which statements ask system views, each in the space of the view.
fn asked(body: &str) -> impl Iterator<Item = (IdOf, &str)> {
    let views = VIEW.as_ref().into_iter().flat_map(move |it| it.captures_iter(body)).take(VIEWS);
    views.filter_map(move |view| {
        let end = view.get(0)?.end();
        let clause = body.get(end..aws_error::floor(body, end + ASKED_WITHIN))?.split(';').next()?;
        let sys = view[1].eq_ignore_ascii_case("sys");
        ASKED.as_ref()?.captures_iter(clause).find_map(|it| {
            let of = match it[1].to_ascii_lowercase().as_str() {
                "query_id" if sys => IdOf::Sys,
                "query" if !sys => IdOf::Stl,
                "xid" | "transaction_id" => IdOf::Transaction,
                _ => return None,
            };
            Some((of, it.get(2)?.as_str()))
        })
    })
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
