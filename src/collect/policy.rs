//! The policy that collecting needs: written from the operations that the collectors list, and from nothing else.

use super::{Asked, COLLECTORS, Collector, groups, s3};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a policy is narrowed to.
#[derive(Debug)]
pub struct Scope<'a> {
    /// What is collected.
    pub asked: &'a Asked,
    /// Where.
    pub region: Option<&'a str>,
    /// Of which account.
    pub account: Option<&'a str>,
}

/// What AWS does in our name, and asks the same identity's permission for: no call of ours shows it.
struct InOurName {
    collector: &'static str,
    /// What the statement is called, after its collector.
    sid: &'static str,
    actions: &'static [&'static str],
    resources: &'static [&'static str],
}

/// Stands for the bucket that Athena writes results to.
const RESULTS_BUCKET: &str = "BUCKET-OF-THE-RESULTS";

static IN_OUR_NAME: &[InOurName] = &[
    InOurName {
        collector: "athena_files",
        sid: "Catalog",
        actions: &["glue:GetDatabase", "glue:GetPartition", "glue:GetPartitions", "glue:GetTable"],
        resources: &["arn:aws:glue:*:*:catalog", "arn:aws:glue:*:*:database/*", "arn:aws:glue:*:*:table/*"],
    },
    InOurName {
        collector: "athena_files",
        sid: "Reads",
        actions: &["s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"],
        resources: &["arn:aws:s3:::BUCKET-OF-THE-TABLE", "arn:aws:s3:::BUCKET-OF-THE-TABLE/*"],
    },
    InOurName {
        collector: "athena_files",
        sid: "WritesResults",
        actions: &[
            "s3:AbortMultipartUpload",
            "s3:GetBucketLocation",
            "s3:GetObject",
            "s3:ListBucket",
            "s3:ListBucketMultipartUploads",
            "s3:ListMultipartUploadParts",
            "s3:PutObject",
        ],
        resources: &["arn:aws:s3:::BUCKET-OF-THE-RESULTS", "arn:aws:s3:::BUCKET-OF-THE-RESULTS/*"],
    },
];

/// The policy of every collector, or of those that a scope asks for and on what it names.
pub fn policy(scope: Option<&Scope<'_>>) -> Value {
    let is_wanted = |it: &&&Collector| scope.is_none_or(|scope| (it.wanted)(scope.asked));
    let statements = COLLECTORS.iter().filter(is_wanted).flat_map(|it| statements(it, scope));
    json!({"Version": "2012-10-17", "Statement": statements.collect::<Vec<Value>>()})
}

/// One statement for what is given on anything, and one for what is given on resources.
fn statements(collector: &Collector, scope: Option<&Scope<'_>>) -> Vec<Value> {
    let mut by_resource: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for operation in collector.operations {
        by_resource.entry(operation.resource).or_default().insert(operation.action);
    }
    let name: String = collector.name.split('_').map(capitalised).collect();
    let statement = |sid: String, actions: Vec<&str>, resources: &[&str]| {
        let resources: Vec<String> = resources.iter().flat_map(|it| narrowed(it, collector, scope)).collect();
        json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources})
    };
    let several = by_resource.len() > 1;
    let own = by_resource.into_iter().enumerate().map(|(at, (resource, actions))| {
        let end = match (resource, several) {
            ("*", true) => "OnAnything".to_owned(),
            (_, true) if at > 1 => at.to_string(),
            _ => String::new(),
        };
        statement(format!("{name}{end}"), actions.into_iter().collect(), &[resource])
    });
    let others = IN_OUR_NAME.iter().filter(|it| it.collector == collector.name);
    let all = own.chain(others.map(|it| statement(format!("{name}{}", it.sid), it.actions.to_vec(), it.resources)));
    all.filter(|it| it.get("Resource").and_then(Value::as_array).is_some_and(|it| !it.is_empty())).collect()
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
    first.to_ascii_uppercase() + rest
}

/// A resource of a scope: its partition, region and account, and the names that are asked for.
fn narrowed(resource: &str, collector: &Collector, scope: Option<&Scope<'_>>) -> Vec<String> {
    let Some(Scope { asked, region, account }) = scope else { return vec![resource.to_owned()] };
    let partition = match region {
        Some(it) if it.starts_with("cn-") => "aws-cn",
        Some(it) if it.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let place = format!(":{}:{}:", region.unwrap_or("*"), account.unwrap_or("*"));
    let placed = resource.replacen("arn:aws:", &format!("arn:{partition}:"), 1).replacen(":*:*:", &place, 1);
    let each = |end: &str, names: Vec<String>| match placed.strip_suffix(end) {
        Some(stem) if !names.is_empty() => Some(names.iter().map(|it| format!("{stem}{it}")).collect()),
        _ => None,
    };
    let of_buckets = |addresses: &[String]| -> Vec<String> {
        addresses.iter().map(|it| s3::parts(it).0.to_owned()).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let found: Option<Vec<String>> = match collector.name {
        "logs_raw" | "logs_insights" => {
            let names = groups::names(asked).into_iter().flat_map(|it| [it.clone(), format!("{it}:*")]);
            placed.strip_suffix('*').filter(|it| it.ends_with("log-group:")).and_then(|_| each("*", names.collect()))
        }
        "mwaa" => each("*", asked.mwaa_environments.clone()),
        "athena" | "athena_files" if resource.contains(":workgroup/") => each("*", asked.workgroups.clone()),
        "athena_files" if placed.contains(RESULTS_BUCKET) => {
            let bucket = asked.athena_output.as_ref().map(|it| s3::parts(it).0.to_owned());
            bucket.map(|it| vec![placed.replace(RESULTS_BUCKET, &it)])
        }
        // Who logs in without a secret needs none.
        "redshift" if resource.contains(":secret:") => Some(asked.secret_arn.iter().cloned().collect()),
        "s3" => each("*", of_buckets(&asked.s3)),
        _ => None,
    };
    found.unwrap_or_else(|| vec![placed])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_in_our_name_belongs_to_a_collector() {
        for it in IN_OUR_NAME {
            assert!(COLLECTORS.iter().any(|collector| collector.name == it.collector), "{}", it.collector);
        }
    }

    #[test]
    fn every_operation_is_in_the_policy_and_names_of_statements_differ() {
        let policy = policy(None);
        let statements = policy["Statement"].as_array().unwrap();
        let sids: BTreeSet<&str> = statements.iter().map(|it| it["Sid"].as_str().unwrap()).collect();
        assert_eq!(sids.len(), statements.len());
        assert!(sids.iter().all(|it| it.chars().all(|c| c.is_ascii_alphanumeric())), "{sids:?}");
        for operation in COLLECTORS.iter().flat_map(|it| it.operations) {
            let allows = |it: &&Value| {
                it["Action"].as_array().unwrap().contains(&json!(operation.action))
                    && it["Resource"].as_array().unwrap().contains(&json!(operation.resource))
            };
            assert!(statements.iter().any(|it| allows(&it)), "{}", operation.action);
        }
    }

    #[test]
    fn a_scope_names_what_it_asks_for() {
        let asked: Asked = serde_json::from_value(json!({
            "window": {"since": "2026-01-09T00:00:00Z", "until": "2026-01-10T00:00:00Z"},
            "log_groups": ["/aws/x"], "athena": true, "workgroups": ["etl"], "athena_tables": ["a.b"], "athena_output": "s3://results/x/",
            "s3": ["s3://lake/a/", "s3://lake/b/"],
        }))
        .unwrap();
        let policy = policy(Some(&Scope { asked: &asked, region: Some("us-gov-west-1"), account: Some("123456789012") }));
        let on = |sid: &str| policy["Statement"].as_array().unwrap().iter().find(|it| it["Sid"] == sid).map(|it| it["Resource"].clone());
        let groups = "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:/aws/x";
        assert_eq!(on("LogsRaw"), Some(json!([groups, format!("{groups}:*")])));
        assert_eq!(on("LogsRawOnAnything"), Some(json!(["*"])));
        assert_eq!(on("Athena"), Some(json!(["arn:aws-us-gov:athena:us-gov-west-1:123456789012:workgroup/etl"])));
        assert_eq!(on("AthenaFilesWritesResults"), Some(json!(["arn:aws-us-gov:s3:::results", "arn:aws-us-gov:s3:::results/*"])));
        assert_eq!(on("S3"), Some(json!(["arn:aws-us-gov:s3:::lake"])));
        assert_eq!(on("Mwaa"), None);
        let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:dw-1";
        for (given, expected) in [(json!(secret), Some(json!([secret]))), (Value::Null, None)] {
            let asked =
                Asked { redshift_cluster: Some("dw".to_owned()), secret_arn: serde_json::from_value(given).unwrap(), ..asked.clone() };
            let policy = super::policy(Some(&Scope { asked: &asked, region: None, account: None }));
            let found = policy["Statement"].as_array().unwrap().iter().find(|it| it["Action"] == json!(["secretsmanager:GetSecretValue"]));
            assert_eq!(found.map(|it| it["Resource"].clone()), expected);
        }
    }
}
