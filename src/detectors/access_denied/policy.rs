//! The cure: one policy for all that a role lacks, or the owner of the policy that refuses.

use super::{claim::Group, resource};
use crate::finding::{Code, Remediation};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What to do about a group, in view of all groups of the same principal.
pub(super) fn remediation(group: &Group, all: &[Group]) -> Remediation {
    let mut cure = Remediation { text: text(group), code: Vec::new() };
    if !group.wants_allow() {
        return cure;
    }
    let of_role: Vec<&Group> = all.iter().filter(|it| it.principal == group.principal && it.wants_allow()).collect();
    let leader = of_role.iter().min_by_key(|it| (std::cmp::Reverse(it.severity), it.finding_id.clone())).copied();
    match leader {
        Some(leader) if leader.finding_id != group.finding_id => {
            cure.text = format!("{} The policy under finding {} covers this too.", cure.text, leader.finding_id);
        }
        _ => {
            if let Some(policy) = policy(&of_role) {
                let name = resource::short_name(&group.principal);
                let title = if name.is_empty() {
                    "IAM policy statements for the refused identity".to_owned()
                } else {
                    format!("IAM policy statements for {name}")
                };
                cure.code.push(Code { language: "json", title, body: policy });
            }
            cure.code.extend(verification(group));
        }
    }
    cure
}

/// Where the change belongs, by the type of policy that refused.
fn text(group: &Group) -> String {
    let what = group.what();
    let who = group.who();
    match group.kind.as_str() {
        "credentials" => {
            return format!(
                "No policy is at fault: the credentials of {who} are missing, expired or wrong. Renew them or let the task use its role."
            );
        }
        "sql-grant" => {
            let object = group.resource.as_deref().unwrap_or("the object");
            return format!(
                "Not IAM: the database user lacks a privilege. Its owner runs GRANT on {object} (and GRANT USAGE on its schema)."
            );
        }
        "lake-formation" => {
            return format!(
                "Lake Formation refused {who}, not IAM: grant the permission there ({what}), with `aws lakeformation grant-permissions`, and check that the role has lakeformation:GetDataAccess."
            );
        }
        _ => {}
    }
    let owner = match group.denied_by.as_deref() {
        Some("service-control") => "the organization's administrators own the service control policy",
        Some("resource-control") => "the organization's administrators own the resource control policy",
        Some("permissions-boundary") => "whoever set the role's permissions boundary owns it",
        Some("resource-based") => "the owner of the resource owns its policy (bucket, key, queue or secret policy)",
        Some("vpc-endpoint") => "the network team owns the VPC endpoint's policy",
        Some("session") => "whoever starts the session passes the session policy",
        Some("role-trust") => "the owner of the target role owns its trust policy",
        _ => "the role's owner owns its policies",
    };
    if group.explicit == Some(true) {
        let via = group.via.as_deref().map_or(String::new(), |it| format!(" through a {it} policy"));
        return format!(
            "An explicit deny in a {} policy{via} refuses {what}: an Allow cannot outvote it. Ask its owner to change the Deny: {owner}.",
            group.denied_by.as_deref().unwrap_or("(unnamed)"),
        );
    }
    match (group.denied_by.as_deref(), group.kind.as_str()) {
        (
            Some(
                "resource-based"
                | "vpc-endpoint"
                | "session"
                | "role-trust"
                | "permissions-boundary"
                | "service-control"
                | "resource-control",
            ),
            _,
        ) => {
            format!("No {} policy allows {what}: the Allow belongs there; {owner}.", group.denied_by.as_deref().unwrap_or_default())
        }
        (_, "not-found-or-denied") => format!(
            "Either the key does not exist, or {who} may not read it: S3 answers 403 to both while s3:ListBucket is missing. Look whether the key exists; then allow s3:ListBucket on the bucket, which tells the two apart, and {what}."
        ),
        (_, "kms") => format!(
            "The object is encrypted: {who} needs {what} in its own policy, and the key's policy must let the account's IAM policies decide."
        ),
        _ => format!("Allow {what} in an identity-based policy of {who}; for a bucket of another account, in the bucket's policy as well."),
    }
}

/// All missing actions of some groups, grouped by resource. `None` when nothing can be named.
fn policy(groups: &[&Group]) -> Option<String> {
    let mut by_resource: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for group in groups {
        let Some(target) = &group.resource else { continue };
        let Some(action) = &group.action else { continue };
        by_resource.entry(scoped(action, target)).or_default().insert(action.clone());
        if group.kind == "not-found-or-denied"
            && let Some((bucket, _)) = resource::s3_parts(target)
        {
            by_resource.entry(format!("arn:aws:s3:::{bucket}")).or_default().insert("s3:ListBucket".to_owned());
        }
    }
    if by_resource.is_empty() {
        return None;
    }
    // Resources that need the same actions share a statement.
    let mut by_actions: BTreeMap<BTreeSet<String>, Vec<String>> = BTreeMap::new();
    for (target, actions) in by_resource {
        by_actions.entry(actions).or_default().push(target);
    }
    let statement = |(index, (actions, targets)): (usize, (BTreeSet<String>, Vec<String>))| {
        let mut statement = Map::new();
        statement.insert("Sid".to_owned(), json!(format!("Casefile{}", index + 1)));
        statement.insert("Effect".to_owned(), json!("Allow"));
        statement.insert("Action".to_owned(), json!(actions));
        statement.insert("Resource".to_owned(), json!(targets));
        Value::Object(statement)
    };
    let statements: Vec<Value> = by_actions.into_iter().enumerate().map(statement).collect();
    serde_json::to_string_pretty(&json!({"Version": "2012-10-17", "Statement": statements})).ok()
}

/// The resource that an action takes: a bucket for listing, its objects for everything about objects.
fn scoped(action: &str, target: &str) -> String {
    let Some((bucket, key)) = resource::s3_parts(target) else { return target.to_owned() };
    let on_bucket = action.contains("Bucket") || action.ends_with("Configuration");
    match (on_bucket, key) {
        (true, _) => format!("arn:aws:s3:::{bucket}"),
        (false, None) => format!("arn:aws:s3:::{bucket}/*"),
        (false, Some(_)) => target.to_owned(),
    }
}

fn verification(group: &Group) -> Option<Code> {
    let (action, target) = (group.action.as_ref()?, group.resource.as_ref()?);
    if !group.principal.starts_with("arn:") || group.principal.contains("***") {
        return None;
    }
    Some(Code {
        language: "sh",
        title: "Check, read-only".to_owned(),
        body: format!(
            "aws iam simulate-principal-policy --policy-source-arn '{}' \\\n  --action-names {action} --resource-arns '{}'",
            group.principal,
            scoped(action, target)
        ),
    })
}
