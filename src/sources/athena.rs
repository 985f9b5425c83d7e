//! Athena: executions, their runtime statistics, and results that list the files of a table.

use super::{Head, Input, Source, aws_time, each_json, each_row};
use crate::{
    records::tabular::view::{View, address, amount, moment},
    tables::{Origin, objects::Object, queries::Query, steps::Step},
};
use serde_json::Value;
use std::sync::Arc;

pub(super) static RESULTS: Source = Source {
    id: "athena-results",
    title: "Athena results that list files (\"$path\", \"$file_size\"): get-query-results and CSV",
    claims: is_results,
    read: read_results,
};
pub(super) static EXECUTIONS: Source = Source {
    id: "athena-executions",
    title: "Athena history (batch-get-query-execution, get-query-execution)",
    claims: is_executions,
    read: read_executions,
};
pub(super) static STATISTICS: Source = Source {
    id: "athena-statistics",
    title: "Athena runtime statistics (get-query-runtime-statistics)",
    claims: is_statistics,
    read: read_statistics,
};

/// Files of a table: hidden columns of Athena, or the `$files` table of Iceberg.
static FILES: View = View {
    name: "athena-path",
    needs: &[&["$path"], &["$file_size"]],
    columns: &[
        address("$path").also(&["path", "file_path"]),
        amount("$file_size").also(&["file_size", "file_size_in_bytes"]),
        moment("$file_modified_time").also(&["file_modified_time"]),
    ],
};

fn is_results(head: &Head<'_>) -> bool {
    head.layout(&[&FILES]).is_some() || (head.json.is_some() && head.has("\"ResultSet\"") && head.has("\"VarCharValue\""))
}

fn read_results(input: &mut Input<'_, '_>) {
    if Head::of(input.feed, input.columns).layout(&[&FILES]).is_none() {
        input.out.notes.push("an Athena result that lists no files: nothing to read".to_owned());
        return input.feed.drain();
    }
    each_row(input, &[&FILES], &mut |it, origin, out| {
        let path = it.text("$path").ok_or("no path")?;
        let (bucket, key) = path.strip_prefix("s3://").and_then(|it| it.split_once('/')).ok_or("path is not in S3")?;
        out.warehouse.objects.push(Object {
            bucket: Some(bucket.to_owned()),
            key: Some(key.to_owned()),
            size_bytes: it.whole("$file_size"),
            last_modified: it.moment("$file_modified_time"),
            listing: Some(it.view().to_owned()),
            origin,
            ..Object::default()
        });
        Ok(())
    });
}

fn is_executions(head: &Head<'_>) -> bool {
    let Some(json) = &head.json else { return false };
    let is_execution = |it: &Value| it.get("QueryExecutionId").is_some() && it.get("Status").is_some();
    match &json.value {
        Some(value) => is_execution(value) || value.get("QueryExecution").is_some_and(is_execution),
        None => json.container == "QueryExecutions" || (head.has("\"QueryExecution\"") && head.has("\"QueryExecutionId\"")),
    }
}

fn read_executions(input: &mut Input<'_, '_>) {
    let file = Arc::clone(&input.name);
    each_json(input.feed, input.caps, input.out, &mut |value, _, number, out| {
        let query = execution(value.get("QueryExecution").unwrap_or(value), Origin { file: Arc::clone(&file), record: number });
        let query = query.ok_or("no QueryExecutionId")?;
        for at in [query.start_time, query.end_time].into_iter().flatten() {
            out.saw_at(at);
        }
        out.warehouse.queries.push(query);
        Ok(())
    });
}

/// One execution.
fn execution(it: &Value, origin: Origin) -> Option<Query> {
    let text = |path: &str| it.pointer(path).and_then(Value::as_str).filter(|it| !it.is_empty()).map(ToOwned::to_owned);
    let whole = |path: &str| it.pointer(path).and_then(Value::as_i64);
    let status = text("/Status/State").map(|it| match it.as_str() {
        "SUCCEEDED" => "success".to_owned(),
        "CANCELLED" => "canceled".to_owned(),
        _ => it.to_ascii_lowercase(),
    });
    let code = |key: &str| whole(&format!("/Status/AthenaError/{key}"));
    Some(Query {
        engine: Some("athena".to_owned()),
        system: Some("athena".to_owned()),
        query_id: Some(text("/QueryExecutionId")?),
        query_text: text("/Query"),
        status,
        error_message: text("/Status/StateChangeReason").or_else(|| text("/Status/AthenaError/ErrorMessage")),
        error_code: code("ErrorCategory").zip(code("ErrorType")).map(|(category, kind)| format!("{category}.{kind}")),
        database_name: text("/QueryExecutionContext/Database"),
        workgroup: text("/WorkGroup"),
        query_type: text("/SubstatementType").or_else(|| text("/StatementType")).map(|it| it.to_ascii_uppercase()),
        start_time: it.pointer("/Status/SubmissionDateTime").and_then(aws_time),
        end_time: it.pointer("/Status/CompletionDateTime").and_then(aws_time),
        elapsed_ms: whole("/Statistics/TotalExecutionTimeInMillis"),
        queue_ms: whole("/Statistics/QueryQueueTimeInMillis"),
        execution_ms: whole("/Statistics/EngineExecutionTimeInMillis"),
        planning_ms: whole("/Statistics/QueryPlanningTimeInMillis"),
        scanned_bytes: whole("/Statistics/DataScannedInBytes"),
        output_location: text("/ResultConfiguration/OutputLocation"),
        origin,
        ..Query::default()
    })
}

fn is_statistics(head: &Head<'_>) -> bool {
    head.json.is_some() && (head.value("QueryRuntimeStatistics").is_some() || head.has("\"QueryRuntimeStatistics\""))
}

fn read_statistics(input: &mut Input<'_, '_>) {
    let file = Arc::clone(&input.name);
    // The answer does not say whose statistics it holds; who saved it mostly put the id into the name.
    let query_id = uuid_in(&file).unwrap_or(&file).to_owned();
    each_json(input.feed, input.caps, input.out, &mut |value, _, number, out| {
        let statistics = value.get("QueryRuntimeStatistics").ok_or("no QueryRuntimeStatistics")?;
        let origin = Origin { file: Arc::clone(&file), record: number };
        let mut stages: Vec<&Value> = statistics.get("OutputStage").into_iter().collect();
        while let Some(next) = stages.pop() {
            out.warehouse.steps.push(stage(next, &query_id, origin.clone()));
            stages.extend(next.get("SubStages").and_then(Value::as_array).into_iter().flatten().rev());
        }
        Ok(())
    });
}

fn stage(it: &Value, query_id: &str, origin: Origin) -> Step {
    let whole = |key: &str| it.get(key).and_then(Value::as_i64);
    let text = |path: &str| it.pointer(path).and_then(Value::as_str).filter(|it| !it.is_empty()).map(ToOwned::to_owned);
    Step {
        system: Some("athena".to_owned()),
        query_id: Some(query_id.to_owned()),
        stage_id: whole("StageId").map(|it| it.to_string()),
        state: text("/State").map(|it| it.to_ascii_lowercase()),
        step_name: text("/QueryStagePlan/Name"),
        table_name: it.get("QueryStagePlan").and_then(scanned_table),
        duration_ms: whole("ExecutionTime"),
        input_rows: whole("InputRows"),
        output_rows: whole("OutputRows"),
        input_bytes: whole("InputBytes"),
        output_bytes: whole("OutputBytes"),
        origin,
        ..Step::default()
    }
}

/// The table of the first node of a plan that names one: `schemaName=crm, tableName=stops`.
fn scanned_table(plan: &Value) -> Option<String> {
    let mut nodes = vec![plan];
    while let Some(node) = nodes.pop() {
        let shown = node.get("Identifier").and_then(Value::as_str).unwrap_or_default();
        let value = |key: &str| Some(shown.split_once(key)?.1.split([',', '}']).next()?.trim().to_owned());
        if let Some(table) = value("tableName=") {
            return Some(value("schemaName=").map_or_else(|| table.clone(), |schema| format!("{schema}.{table}")));
        }
        nodes.extend(node.get("Children").and_then(Value::as_array).into_iter().flatten().rev());
    }
    None
}

/// The last part of a name that is written like a query execution id.
fn uuid_in(name: &str) -> Option<&str> {
    let is_uuid = |it: &str| it.char_indices().all(|(at, c)| if matches!(at, 8 | 13 | 18 | 23) { c == '-' } else { c.is_ascii_hexdigit() });
    let starts = (0..name.len().saturating_sub(35)).rev();
    starts.filter_map(|at| name.get(at..at + 36)).find(|it| is_uuid(it))
}
