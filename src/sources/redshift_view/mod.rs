//! System views of Redshift, recognised by their columns, however they were exported.

use super::{Head, Input, Source, Table, each_row_of, many_rows};
use crate::{
    records::tabular::{record::Record, view::View},
    tables::Origin,
    warehouse::Warehouse,
};
use std::collections::BTreeMap;

mod errors;
mod rows;
mod views;

pub(super) static SOURCE: Source = Source {
    id: "redshift-view",
    title: "Redshift system views (SYS_*, STL_*, STV_*, SVV_TABLE_INFO): query editor, psql, UNLOAD, Data API, DBeaver",
    claims,
    read,
};

/// Makes rows of a record; says why when it cannot.
type Put = fn(&Record<'_>, Origin, &mut Warehouse) -> Result<(), &'static str>;

/// Every view, and what becomes of its records. Of two that fit a table alike, the first is meant.
static VIEWS: &[(&View, Put)] = &[
    (&views::SYS_QUERY_HISTORY, rows::query_history),
    (&views::SYS_QUERY_DETAIL, rows::query_detail),
    (&views::SYS_LOAD_HISTORY, rows::load_history),
    (&views::SYS_LOAD_DETAIL, rows::load_detail),
    (&views::SYS_LOAD_ERROR_DETAIL, errors::load_error_detail),
    (&views::SYS_EXTERNAL_QUERY_DETAIL, rows::external_query_detail),
    (&views::SYS_QUERY_TEXT, rows::query_text),
    (&views::STL_LOAD_ERRORS, errors::load_errors),
    (&views::STL_LOADERROR_DETAIL, errors::loaderror_detail),
    (&views::STL_LOAD_COMMITS, rows::load_commits),
    (&views::STL_LOAD_INFO, rows::load_commits),
    (&views::STL_FILE_SCAN, rows::file_scan),
    (&views::STL_S3CLIENT, rows::s3client),
    (&views::STL_S3CLIENT_ERROR, errors::s3client_error),
    (&views::STL_QUERY, rows::stl_query),
    (&views::STV_SLICES, rows::slices),
    (&views::STV_LOAD_STATE, rows::load_state),
    (&views::SVV_TABLE_INFO, rows::table_info),
];

fn known() -> Vec<&'static View> {
    VIEWS.iter().map(|it| it.0).collect()
}

fn claims(head: &Head<'_>) -> bool {
    head.layout(&known()).is_some()
}

fn read(input: &mut Input<'_, '_>) {
    let table = Table::of(input, &known());
    let table = match table {
        Some(table) if table.in_chunks().is_some_and(|it| it.name == views::SYS_LOAD_DETAIL.name) => {
            return many_rows(
                input,
                table,
                rows::LOAD_DETAIL,
                |it| &mut it.load_files,
                |it, places, row, rows| rows::put_load_file(it, places, || row.origin(), rows),
            );
        }
        table => table,
    };
    let mut failing = FailingFields::default();
    each_row_of(input, table, &known(), &mut |record, origin, out| {
        let Some((view, put)) = VIEWS.iter().find(|it| it.0.name == record.view()) else { return Err("columns of no view that we know") };
        if view.name == views::STL_LOADERROR_DETAIL.name {
            failing.put(record, origin, &mut out.warehouse)
        } else {
            put(record, origin, &mut out.warehouse)
        }
    });
}

/// `STL_LOADERROR_DETAIL` lists every field of a line up to the one that failed: only the last is an error.
#[derive(Default)]
struct FailingFields {
    /// By line: the field, and the place of its row.
    last: BTreeMap<(Option<String>, Option<String>, Option<i64>), (Option<i64>, usize)>,
}

impl FailingFields {
    fn put(&mut self, record: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Result<(), &'static str> {
        let line = (record.text("query"), record.text("filename"), record.whole("line_number"));
        let field = record.whole("field");
        let place = out.load_errors.len();
        errors::loaderror_detail(record, origin, out)?;
        match self.last.get_mut(&line) {
            Some((known, _)) if *known >= field => {
                out.load_errors.pop();
            }
            Some((known, place)) => {
                *known = field;
                if *place < out.load_errors.len() {
                    out.load_errors.swap_remove(*place);
                }
            }
            None => {
                self.last.insert(line, (field, place));
            }
        }
        Ok(())
    }
}
