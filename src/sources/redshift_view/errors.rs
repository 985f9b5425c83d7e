//! From a record of a view to what failed: values that could not be loaded, requests to S3 that were refused.

use super::rows::{Put, STL, SYS, stl_id, sys_id};
use crate::{
    records::tabular::record::Record,
    tables::{Origin, load_errors::LoadError, transfer_errors::TransferError},
    warehouse::Warehouse,
};

pub(super) fn s3client_error(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    out.transfer_errors.push(TransferError {
        system: Some(STL.to_owned()),
        query_id: it.id("query"),
        slice: it.whole("sliceid"),
        event_time: it.moment("recordtime"),
        file_name: it.text("key").map(|key| it.text("bucket").map_or_else(|| key.clone(), |bucket| format!("s3://{bucket}/{key}"))),
        error_message: Some(it.text("error").ok_or("no error")?),
        origin,
    });
    Ok(())
}

pub(super) fn load_error_detail(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    out.load_errors.push(LoadError {
        view: Some(it.view().to_owned()),
        system: Some(SYS.to_owned()),
        query_id: sys_id(it)?,
        database_name: it.text("database_name"),
        table_id: it.id("table_id"),
        file_name: it.text("file_name"),
        line_number: it.whole("line_number").filter(|it| *it >= 0),
        column_name: it.text("column_name"),
        column_type: it.lower("column_type"),
        column_length: it.text("column_length"),
        position: it.whole("position"),
        error_code: it.text("error_code"),
        error_message: it.text("error_message"),
        event_time: it.moment("start_time"),
        origin,
        ..LoadError::default()
    });
    Ok(())
}

/// Examples and pasted tables leave out the query: what failed still counts.
pub(super) fn load_errors(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    let told = ["err_code", "err_reason"].iter().any(|column| it.text(column).is_some());
    if !told {
        return Err("no error");
    }
    out.load_errors.push(LoadError {
        view: Some(it.view().to_owned()),
        system: Some(STL.to_owned()),
        query_id: it.id("query"),
        table_name: it.text("table_name"),
        table_id: it.id("tbl"),
        file_name: it.text("filename"),
        line_number: it.whole("line_number").filter(|it| *it >= 0),
        column_name: it.text("colname"),
        column_type: it.lower("type"),
        column_length: it.text("col_length"),
        position: it.whole("position"),
        raw_line: it.text("raw_line"),
        raw_value: it.text("raw_field_value"),
        error_code: it.text("err_code"),
        error_message: it.text("err_reason"),
        event_time: it.moment("starttime"),
        origin,
        ..LoadError::default()
    });
    Ok(())
}

pub(super) fn loaderror_detail(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    out.load_errors.push(LoadError {
        view: Some(it.view().to_owned()),
        system: Some(STL.to_owned()),
        query_id: stl_id(it)?,
        file_name: it.text("filename"),
        line_number: it.whole("line_number").filter(|it| *it >= 0),
        column_name: it.text("colname"),
        column_type: it.lower("type"),
        column_length: it.text("col_length"),
        raw_value: it.text("value"),
        is_null: it.flag("is_null"),
        origin,
        ..LoadError::default()
    });
    Ok(())
}
