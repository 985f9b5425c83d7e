//! What AWS tells about clusters, workgroups and Data API statements: names, sizes, and statements with their errors.

use super::{Head, Input, Source, aws_time, each_json};
use crate::{
    tables::{Origin, clusters::Cluster, queries::Query},
    warehouse::Warehouse,
};
use serde_json::Value;
use std::sync::Arc;

pub(super) static SOURCE: Source = Source {
    id: "aws-describe",
    title: "Redshift clusters, workgroups and statements, Athena workgroups (describe-clusters, get-workgroup, describe-statement, list-work-groups)",
    claims,
    read,
};

/// The keys under which an answer holds what it describes, what each must have, and what becomes of it.
const ANSWERS: &[(&str, &str, fn(&Value, Origin, &mut Warehouse))] = &[
    ("Clusters", "ClusterIdentifier", cluster),
    ("workgroup", "workgroupName", workgroup),
    ("workgroups", "workgroupName", workgroup),
    ("WorkGroups", "Name", |_, _, _| {}),
    ("WorkGroup", "Name", |_, _, _| {}),
];

fn claims(head: &Head<'_>) -> bool {
    let Some(json) = &head.json else { return false };
    match &json.value {
        Some(value) => is_statement(value) || described(value).next().is_some(),
        None => head.has("\"Clusters\"") && head.has("\"ClusterIdentifier\"") && head.has("\"NodeType\""),
    }
}

fn is_statement(value: &Value) -> bool {
    ["Id", "Status", "QueryString", "CreatedAt"].iter().all(|it| value.get(it).is_some())
}

/// What an answer describes, each with what becomes of it.
fn described(answer: &Value) -> impl Iterator<Item = (&Value, fn(&Value, Origin, &mut Warehouse))> {
    ANSWERS.iter().flat_map(move |(key, must, put)| {
        let value = answer.get(*key);
        let items = value.and_then(Value::as_array).map_or_else(|| value.map(std::slice::from_ref).unwrap_or_default(), Vec::as_slice);
        items.iter().filter(|it| it.get(*must).is_some()).map(|it| (it, *put))
    })
}

fn read(input: &mut Input<'_, '_>) {
    let file = Arc::clone(&input.name);
    let mut number = 0;
    each_json(input.feed, input.caps, input.out, &mut |value, _, _, out| {
        let first = number;
        for (item, put) in described(value) {
            number += 1;
            put(item, Origin { file: Arc::clone(&file), record: number }, &mut out.warehouse);
        }
        if is_statement(value) {
            number += 1;
            let origin = Origin { file: Arc::clone(&file), record: number };
            let parts = value.get("SubStatements").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let statements = if parts.is_empty() { std::slice::from_ref(value) } else { parts };
            let place = ["ClusterIdentifier", "WorkgroupName"].iter().find_map(|it| value.get(it)?.as_str());
            out.warehouse.queries.extend(statements.iter().map(|it| statement(it, place, origin.clone())));
        }
        // An answer is as many records as it describes things; `each_json` counts the first.
        let more = u64::checked_sub(number, first + 1).ok_or("describes nothing that we know")?;
        out.parsed += more;
        Ok(())
    });
}

fn text(it: &Value, key: &str) -> Option<String> {
    it.get(key)?.as_str().filter(|it| !it.is_empty()).map(ToOwned::to_owned)
}

fn cluster(it: &Value, origin: Origin, out: &mut Warehouse) {
    let roles = it.get("IamRoles").and_then(Value::as_array).into_iter().flatten().filter_map(|it| text(it, "IamRoleArn"));
    let roles = roles.collect::<Vec<_>>().join(",");
    out.clusters.push(Cluster {
        name: text(it, "ClusterIdentifier"),
        node_type: text(it, "NodeType"),
        nodes: it.get("NumberOfNodes").and_then(Value::as_i64),
        is_serverless: Some(false),
        role_arns: (!roles.is_empty()).then_some(roles),
        origin,
        ..Cluster::default()
    });
}

fn workgroup(it: &Value, origin: Origin, out: &mut Warehouse) {
    out.clusters.push(Cluster {
        name: text(it, "workgroupName"),
        is_serverless: Some(true),
        base_capacity_rpu: it.get("baseCapacity").and_then(Value::as_i64),
        origin,
        ..Cluster::default()
    });
}

/// A statement of the Data API; known by Redshift's own id where it has one.
fn statement(it: &Value, place: Option<&str>, origin: Origin) -> Query {
    let redshift_id = it.get("RedshiftQueryId").and_then(Value::as_i64).filter(|it| *it > 0);
    let status = text(it, "Status").map(|it| match it.as_str() {
        "FINISHED" => "success".to_owned(),
        "ABORTED" => "canceled".to_owned(),
        "SUBMITTED" | "PICKED" => "queued".to_owned(),
        "STARTED" => "running".to_owned(),
        _ => it.to_ascii_lowercase(),
    });
    Query {
        engine: Some("redshift".to_owned()),
        system: Some(if redshift_id.is_some() { "sys" } else { "data-api" }.to_owned()),
        query_id: redshift_id.map(|it| it.to_string()).or_else(|| text(it, "Id")),
        statement_id: text(it, "Id"),
        query_text: text(it, "QueryString"),
        status,
        error_message: text(it, "Error"),
        user_name: text(it, "DbUser"),
        database_name: text(it, "Database"),
        workgroup: place.map(ToOwned::to_owned),
        start_time: it.get("CreatedAt").and_then(aws_time),
        end_time: it.get("UpdatedAt").and_then(aws_time),
        // The Data API counts nanoseconds.
        elapsed_ms: it.get("Duration").and_then(Value::as_i64).map(|it| it / 1_000_000),
        origin,
        ..Query::default()
    }
}
