//! What AWS calls things: error codes, services, operations and the IAM actions behind them, read from the lists beside this file.

use std::{collections::HashMap, sync::LazyLock};

/// Classes of error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::logs) enum Class {
    /// Somebody was refused.
    Denied,
    /// Nobody knows who asked.
    Credentials,
}

/// Lines of a list without its comments.
fn entries(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'))
}

static CODES: LazyLock<HashMap<&'static str, Class>> = LazyLock::new(|| {
    let mut codes = HashMap::new();
    for line in entries(include_str!("codes.txt")) {
        let Some((class, names)) = line.split_once(':') else { continue };
        let class = if class == "denied" { Class::Denied } else { Class::Credentials };
        codes.extend(names.split_whitespace().map(|it| (it, class)));
    }
    codes
});

static SERVICES: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let mut services = HashMap::new();
    for line in entries(include_str!("services.txt")) {
        let Some((prefix, names)) = line.split_once('=') else { continue };
        services.extend(names.split_whitespace().map(|it| (it, prefix.trim())));
    }
    services
});

static OPERATIONS: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let mut operations = HashMap::new();
    for line in entries(include_str!("operations.txt")).chain(entries(include_str!("operations_shared.txt"))) {
        let Some((service, names)) = line.split_once(':') else { continue };
        operations.extend(names.split_whitespace().map(|it| (it, service)));
    }
    operations
});

static ACTIONS: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    entries(include_str!("actions.txt"))
        .filter_map(|it| it.split_once('='))
        .map(|(operation, actions)| (operation.trim(), actions.split_whitespace().collect()))
        .collect()
});

/// What a code says.
pub(in crate::logs) fn class_of(code: &str) -> Option<Class> {
    // Delivery services put the service before the code: Kinesis.AccessDenied.
    CODES.get(code).copied().or_else(|| code.split_once('.').filter(|it| it.1.contains("AccessDenied")).map(|_| Class::Denied))
}

/// The IAM prefix of a service, by any of its names.
pub(in crate::logs) fn service_named(name: &str) -> Option<&'static str> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|it| it.to_ascii_lowercase()).collect();
    let plain = plain.strip_suffix("amazonawscom").unwrap_or(&plain);
    SERVICES.get(plain).copied().or_else(|| SERVICES.get(name).copied())
}

/// The IAM prefix of the one service that has this operation.
pub(super) fn service_of(operation: &str) -> Option<&'static str> {
    if operation.starts_with("REST.") {
        return Some("s3");
    }
    OPERATIONS.get(operation).copied()
}

/// The IAM action that an operation needs; the last one where it needs several.
pub(super) fn action_of(service: &str, operation: &str) -> Option<String> {
    let full = format!("{service}:{operation}");
    match ACTIONS.get(full.as_str()) {
        Some(actions) if actions.len() == 1 => actions.first().map(ToString::to_string),
        // Which of several actions was refused cannot be told from the operation.
        Some(_) => None,
        None if operation.contains('.') => None,
        None => Some(full),
    }
}

/// Names like `ListObjectsV2`: what may stand as an operation.
pub(super) fn is_operation(word: &str) -> bool {
    word.len() > 2 && word.starts_with(|it: char| it.is_ascii_uppercase()) && word.bytes().all(|it| it.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_read() {
        assert_eq!(class_of("AccessDenied"), Some(Class::Denied));
        assert_eq!(class_of("ExpiredToken"), Some(Class::Credentials));
        assert_eq!(class_of("NoSuchKey"), None);
        assert_eq!(service_named("Amazon S3"), Some("s3"));
        assert_eq!(service_named("sts.amazonaws.com"), Some("sts"));
        assert_eq!(service_of("GetSecretValue"), Some("secretsmanager"));
        assert_eq!(service_of("ExecuteStatement"), None, "three services have it");
        assert_eq!(action_of("s3", "HeadObject").as_deref(), Some("s3:GetObject"));
        assert_eq!(action_of("s3", "CopyObject"), None);
        assert_eq!(action_of("glue", "GetTable").as_deref(), Some("glue:GetTable"));
    }
}
