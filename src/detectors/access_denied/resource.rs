//! Who and what, without the parts that change from run to run.

/// The role or user behind a principal: the session name is dropped.
pub(super) fn role_of(principal: &str) -> String {
    let mut parts = principal.splitn(6, ':');
    let arn: Vec<&str> = parts.by_ref().take(5).collect();
    let (Some(partition), Some(account), Some(path)) = (arn.get(1), arn.get(4), parts.next()) else { return principal.to_owned() };
    match path.strip_prefix("assumed-role/") {
        Some(rest) => format!("arn:{partition}:iam::{account}:role/{}", rest.split('/').next().unwrap_or(rest)),
        None => principal.to_owned(),
    }
}

/// The last part of a role or user.
pub(super) fn short_name(principal: &str) -> &str {
    principal.rsplit(['/', ':']).next().unwrap_or(principal)
}

/// Whether a principal is a role.
pub(super) fn is_role(principal: &str) -> bool {
    principal.contains(":role/") || principal.contains(":assumed-role/")
}

/// A resource with what changes from run to run replaced by `*`.
pub(super) fn generalised(resource: &str) -> String {
    if let Some((bucket, key)) = s3_parts(resource) {
        let arn = format!("arn:{}:s3:::{bucket}", partition_of(resource));
        return match key {
            None | Some("") => arn,
            Some(key) => format!("{arn}/{}", stable_prefix(key)),
        };
    }
    if resource.contains(":secret:") {
        // Secrets Manager adds six random characters to every name.
        let (head, tail) = resource.rsplit_once('-').unwrap_or((resource, ""));
        let random = tail.len() == 6 && tail.bytes().all(|it| it.is_ascii_alphanumeric());
        return if random { format!("{head}-??????") } else { resource.to_owned() };
    }
    if !resource.starts_with("arn:") {
        return resource.to_owned();
    }
    // A key, a queue, a function is itself; only dates and ids inside longer paths change.
    let parts: Vec<&str> = resource.split('/').collect();
    if parts.len() < 3 || resource.contains(":kms:") {
        return resource.to_owned();
    }
    let plain = |it: &&str| if is_variable(it) { "*".to_owned() } else { (*it).to_owned() };
    parts.iter().map(plain).collect::<Vec<_>>().join("/")
}

/// Bucket and key of an S3 ARN or address.
pub(super) fn s3_parts(resource: &str) -> Option<(&str, Option<&str>)> {
    let rest = resource
        .split_once(":s3:::")
        .map(|it| it.1)
        .or_else(|| ["s3://", "s3a://", "s3n://"].iter().find_map(|it| resource.strip_prefix(it)))?;
    let (bucket, key) = rest.split_once('/').map_or((rest, None), |(bucket, key)| (bucket, Some(key)));
    Some((bucket, key))
}

fn partition_of(resource: &str) -> &str {
    resource.strip_prefix("arn:").and_then(|it| it.split(':').next()).unwrap_or("aws")
}

/// The folders of a key up to the first that changes, and `*`.
fn stable_prefix(key: &str) -> String {
    let mut folders: Vec<&str> = key.trim_start_matches('/').split('/').collect();
    folders.pop();
    let stable: Vec<&str> = folders.into_iter().take_while(|it| !is_variable(it)).collect();
    if stable.is_empty() { "*".to_owned() } else { format!("{}/*", stable.join("/")) }
}

/// Whether a part of a path is a date, a partition value or an id.
fn is_variable(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let is_partition = part.split_once('=').is_some();
    let is_id = part.len() >= 16 && part.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-');
    let is_number = digits > 0 && part.bytes().all(|it| it.is_ascii_digit() || matches!(it, b'-' | b'_' | b'T' | b':' | b'.'));
    part.contains('*') || is_partition || is_id || is_number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_from_run_to_run_is_replaced() {
        for (resource, expected) in [
            ("arn:aws:s3:::acme-raw-sales/sales/2026/11/03/orders.csv", "arn:aws:s3:::acme-raw-sales/sales/*"),
            ("s3://bucket/raw/dt=2026-01-01/part-0.gz", "arn:aws:s3:::bucket/raw/*"),
            ("arn:aws:s3:::bucket/file.csv", "arn:aws:s3:::bucket/*"),
            ("arn:aws-cn:s3:::bucket", "arn:aws-cn:s3:::bucket"),
            (
                "arn:aws:kms:us-east-1:1:key/956af49a-1a01-4b95-9712-0a506aa2ed1b",
                "arn:aws:kms:us-east-1:1:key/956af49a-1a01-4b95-9712-0a506aa2ed1b",
            ),
            (
                "arn:aws:secretsmanager:us-east-1:1:secret:prod/redshift-AbCdEf",
                "arn:aws:secretsmanager:us-east-1:1:secret:prod/redshift-??????",
            ),
            ("arn:aws:glue:eu-west-1:1:table/db/t", "arn:aws:glue:eu-west-1:1:table/db/t"),
            ("my-function", "my-function"),
        ] {
            assert_eq!(generalised(resource), expected);
        }
    }

    #[test]
    fn a_session_is_its_role() {
        assert_eq!(role_of("arn:aws:sts::1:assumed-role/etl/session-7"), "arn:aws:iam::1:role/etl");
        assert_eq!(role_of("arn:aws:iam::1:user/tester"), "arn:aws:iam::1:user/tester");
        assert_eq!(short_name("arn:aws:iam::1:role/service/etl"), "etl");
    }
}
