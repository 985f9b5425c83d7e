//! The permissions that publishing needs: written from the operations that it calls, and from what AWS then does in our name.

use super::{
    Destination, athena,
    place::{self, LAKE_BUCKET, LAKE_OBJECTS, RESULTS_BUCKET},
    s3,
};
use crate::{collect::Operation, error::Result};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What each statement is called, and what it is given on.
const ON: &[(&str, &str)] = &[
    ("PublishLake", LAKE_BUCKET),
    ("PublishObjects", LAKE_OBJECTS),
    ("PublishStatements", athena::WORKGROUPS),
    ("PublishTables", athena::CATALOGS),
];

/// What Athena does in our name when it makes a table: no call of ours shows it.
const CATALOG_ACTIONS: &[&str] = &[
    "glue:CreateDatabase",
    "glue:CreateTable",
    "glue:GetDatabase",
    "glue:GetDatabases",
    "glue:GetTable",
    "glue:GetTables",
    "glue:UpdateTable",
];
const CATALOG: &[&str] = &["arn:aws:glue:*:*:catalog", "arn:aws:glue:*:*:database/*", "arn:aws:glue:*:*:table/*"];
const LOCATION_ACTIONS: &[&str] = &["s3:GetBucketLocation"];
const RESULTS_ACTIONS: &[&str] = &["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket", "s3:PutObject"];

/// The statements of publishing; narrowed to a destination, where there is one.
pub fn policy(destination: Option<&Destination>) -> Result<Vec<Value>> {
    let address = destination.map(|it| place::address(&it.to)).transpose()?.flatten();
    if destination.is_some() && address.is_none() {
        // A folder needs no permission of AWS.
        return Ok(Vec::new());
    }
    let has_tables = destination.is_none_or(|it| it.database.is_some());
    let operations = || s3::OPERATIONS.iter().chain(athena::OPERATIONS.iter().filter(|_| has_tables)).copied();
    let mut statements = Vec::new();
    for (sid, resource) in ON {
        let actions: BTreeSet<&str> = operations().filter(|it| it.resource == *resource).map(|it: &Operation| it.action).collect();
        if !actions.is_empty() {
            statements.push((*sid, actions.into_iter().collect::<Vec<_>>(), vec![*resource]));
        }
    }
    if has_tables {
        statements.push(("PublishLocation", LOCATION_ACTIONS.to_vec(), vec![LAKE_BUCKET]));
        statements.push(("PublishCatalog", CATALOG_ACTIONS.to_vec(), CATALOG.to_vec()));
        statements.push(("PublishResults", RESULTS_ACTIONS.to_vec(), vec![RESULTS_BUCKET, "arn:aws:s3:::BUCKET-OF-THE-RESULTS/*"]));
    }
    let narrowed = |resource: &str| narrowed(resource, destination, address);
    let shown = statements.into_iter().map(|(sid, actions, resources)| {
        let resources: Vec<String> = resources.into_iter().map(narrowed).collect();
        json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources})
    });
    Ok(shown.collect())
}

/// A resource of a destination: its buckets, prefix, database and workgroup.
fn narrowed(resource: &str, destination: Option<&Destination>, address: Option<(&str, &str)>) -> String {
    let (Some(destination), Some((bucket, prefix))) = (destination, address) else { return resource.to_owned() };
    let objects = if prefix.is_empty() { format!("{bucket}/*") } else { format!("{bucket}/{prefix}/*") };
    let output = destination.output.as_deref().and_then(|it| place::address(it).ok().flatten());
    let results = output.map_or("BUCKET-OF-THE-RESULTS", |it| it.0);
    let named = |kind: &str, name: &str| resource.strip_suffix(&format!("{kind}/*")).map(|it| format!("{it}{kind}/{name}"));
    let database = destination.database.as_deref().unwrap_or("*");
    let of_catalog = named("workgroup", destination.workgroup.as_deref().unwrap_or(athena::PRIMARY))
        .or_else(|| named("database", database))
        .or_else(|| named("table", &format!("{database}/*")));
    of_catalog.unwrap_or_else(|| {
        resource.replace("BUCKET-OF-THE-LAKE/*", &objects).replace("BUCKET-OF-THE-LAKE", bucket).replace("BUCKET-OF-THE-RESULTS", results)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_allowed_where_it_is_called() {
        let statements = policy(None).unwrap();
        for operation in s3::OPERATIONS.iter().chain(athena::OPERATIONS) {
            assert!(operation.action.starts_with(&format!("{}:", operation.service)));
            let allows = |it: &&Value| {
                it["Action"].as_array().unwrap().contains(&json!(operation.action))
                    && it["Resource"].as_array().unwrap().contains(&json!(operation.resource))
            };
            assert!(statements.iter().any(|it| allows(&it)), "{}", operation.name);
        }
    }

    #[test]
    fn a_destination_narrows_it() {
        let lake = Destination {
            database: Some("casefile".to_owned()),
            workgroup: Some("etl".to_owned()),
            output: Some("s3://results/x/".to_owned()),
            ..Destination::new("s3://lake/night")
        };
        let on =
            |of: &Destination, sid: &str| policy(Some(of)).unwrap().iter().find(|it| it["Sid"] == sid).map(|it| it["Resource"].clone());
        assert_eq!(on(&lake, "PublishLake"), Some(json!(["arn:aws:s3:::lake"])));
        assert_eq!(on(&lake, "PublishObjects"), Some(json!(["arn:aws:s3:::lake/night/*"])));
        assert_eq!(on(&lake, "PublishStatements"), Some(json!(["arn:aws:athena:*:*:workgroup/etl"])));
        assert_eq!(on(&lake, "PublishResults"), Some(json!(["arn:aws:s3:::results", "arn:aws:s3:::results/*"])));
        assert!(on(&lake, "PublishCatalog").unwrap().as_array().unwrap().contains(&json!("arn:aws:glue:*:*:table/casefile/*")));
        assert_eq!(on(&Destination::new("s3://lake"), "PublishCatalog"), None);
        assert!(policy(Some(&Destination::new("folder"))).unwrap().is_empty());
    }
}
