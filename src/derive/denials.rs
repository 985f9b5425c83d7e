//! Statements that failed because somebody was refused, and their requests to S3 that were: rows of `errors`.
//!
//! The message says what was refused; the statement says whose role asked, and for which place.

use super::statement::Statement;
use crate::{
    logs::audit,
    tables::{
        errors::{AwsError, ErrorRow},
        queries::Query,
        transfer_errors::TransferError,
    },
    text,
    warehouse::Warehouse,
};
use std::collections::BTreeMap;

/// Adds the refusals of statements; one that a log tells too lends the log its id. `twins` gives the SYS id of STL ids.
pub(super) fn join(errors: &mut Vec<ErrorRow>, warehouse: &Warehouse, twins: &BTreeMap<String, String>) {
    let queries = &warehouse.queries;
    let is_twin = |it: &&Query| it.system.as_deref() != Some("data-api") || !queries.iter().any(|other| is_same(it, other));
    let by_stl_id: BTreeMap<&String, &Query> =
        queries.iter().filter(|it| it.system.as_deref() == Some("stl")).filter_map(|it| Some((it.query_id.as_ref()?, it))).collect();
    let of_requests = warehouse.transfer_errors.iter().filter_map(|it| {
        let id = it.query_id.as_ref();
        let query = as_query(it, id.and_then(|it| by_stl_id.get(it)).copied(), id.and_then(|it| twins.get(it)));
        denial(&query, it.file_name.as_deref())
    });
    for denied in queries.iter().filter(is_twin).filter_map(|it| denial(it, None)).chain(of_requests) {
        let told = errors.iter_mut().find(|it| {
            let request = it.error.request_id.is_some() && it.error.request_id == denied.error.request_id;
            request || (it.query_id.is_some() && it.query_id == denied.query_id)
        });
        match told {
            Some(known) => {
                known.query_id = known.query_id.take().or(denied.query_id);
                known.error.absorb(denied.error);
            }
            None => errors.push(denied),
        }
    }
    errors.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.origin.cmp(&b.origin)));
}

/// Whether the Data API and the query history tell of one statement.
fn is_same(of_api: &Query, other: &Query) -> bool {
    other.system.as_deref() == Some("sys") && other.query_id == of_api.query_id && of_api.query_id.is_some()
}

/// A request to S3 that failed, as the statement that made it.
fn as_query(request: &TransferError, known: Option<&Query>, twin: Option<&String>) -> Query {
    Query {
        query_id: twin.or(request.query_id.as_ref()).cloned(),
        error_message: request.error_message.clone(),
        start_time: request.event_time,
        origin: request.origin.clone(),
        ..known.cloned().unwrap_or_default()
    }
}

/// The refusal that a statement met, on the file that is known to be refused.
fn denial(query: &Query, file: Option<&str>) -> Option<ErrorRow> {
    let message = query.error_message.as_deref()?;
    let statement = query.query_text.as_deref().and_then(Statement::read);
    let mut error = audit::refusal_in(message, |told| {
        told.resource = told.resource.take().or_else(|| file.map(ToOwned::to_owned));
        asked_for(told, query, statement.as_ref());
    })?;
    error.message = text::safe(&text::one_line(&error.message), 600);
    Some(ErrorRow {
        query_id: query.query_id.clone(),
        ..ErrorRow::recorded(query.start_time, error, text::safe(message, text::EXCERPT_CHARS), query.origin.clone())
    })
}

/// What the statement asked for, where the message does not say.
fn asked_for(told: &mut AwsError, query: &Query, statement: Option<&Statement>) {
    if matches!(told.kind, Some("sql-grant" | "credentials" | "lake-formation")) {
        return;
    }
    if told.action.as_deref() == Some("sts:AssumeRole") {
        told.action_inferred = true;
        // The role itself refuses: its trust policy, or its absence from the cluster.
        told.principal = told.principal.take().or_else(|| told.resource.clone());
    }
    let writes = statement.is_some_and(|it| it.verb == "UNLOAD") || told.message.contains("writing output");
    let on_s3 = told.resource.as_deref().is_some_and(|it| it.starts_with("s3://"));
    if on_s3 {
        told.service = Some("s3".to_owned());
    }
    if told.action.is_none() && (on_s3 || told.service.as_deref() == Some("s3")) {
        told.action = Some(if writes { "s3:PutObject" } else { "s3:GetObject" }.to_owned());
        told.action_inferred = true;
    }
    let verb = statement.map(|it| it.verb.to_owned()).or_else(|| query.query_type.clone().filter(|it| it != "DML" && it != "DDL"));
    told.operation = told.operation.take().or(verb);
    if told.resource.is_none() {
        told.resource = statement.and_then(|it| it.place.clone());
        told.resource_inferred = told.resource.is_some();
    }
    if told.principal.is_none() {
        told.principal = statement.and_then(|it| it.role.clone()).filter(|it| it.starts_with("arn:"));
    }
}
