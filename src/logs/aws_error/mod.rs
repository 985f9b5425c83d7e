//! AWS refusals in any text: found by shape, merged where one refusal is told several times, completed from what AWS calls things.

use crate::tables::errors::AwsError;
use aho_corasick::packed;
use std::{ops::Range, sync::LazyLock};

mod names;
mod shapes;

/// An error and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// What it says.
    pub(super) error: AwsError,
    /// First byte.
    pub(super) start: usize,
    /// Byte after the last.
    pub(super) end: usize,
    /// Whether only shapes matched that prose could hold by chance.
    pub(super) weak: bool,
}

/// Words without which a text holds no refusal.
pub(super) const WORDS: &[&str] = &[
    "ccessDenied",
    "ccess Denied",
    "ccess denied",
    "ot authorized",
    "nauthorized",
    "orbidden",
    "AuthFailure",
    "AuthorizationError",
    "AllAccessDisabled",
    "ermission denied",
    "PermissionError",
    "AccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidSignature",
    "ExpiredToken",
    "ClientToken",
    "UnrecognizedClient",
    "AuthenticationToken",
    "RequestExpired",
    "oken is expired",
    "oken included in the request",
    "oken has expired",
    "ciphertext refers",
    " is denied",
    "ake Formation permission",
    "nsufficient permissions",
    "InvalidToken",
    "locate credentials",
    "NoCredentialsError",
    "load credentials",
    "load AWS credentials",
    "Access Key Id you",
    "signature we calculated",
    "pass role is not",
    "SSO ",
    "Status Code: 403",
    "Status 403",
    "StatusCode: 403",
    "(403)",
    "InsufficientPrivileges",
    "InvalidIdentityToken",
    "NotAuthorized",
    "IncompleteSignature",
    "OptInRequired",
    "authorized to",
    "ACCESS_DENIED",
    "permissions to call",
    "create output bucket",
    "assume the provided role",
    "assume role permissions",
    "KMS is not allowed",
    "ccess was denied",
    "AuthFailure",
    "HTTP status 403",
    "Status Code: 403",
    "cannot be assumed",
];

static PREFILTER: LazyLock<Option<packed::Searcher>> = LazyLock::new(|| packed::Config::new().builder().extend(WORDS).build());

const POLICY_TYPES: &str =
    "identity[- ]based|resource[- ]based|service control|resource control|permissions? boundary|sessions?|VPC endpoint|role trust";

pattern!(
    IMPLICIT,
    &format!(r"(?is)because\s+no\s+(?P<t>{POLICY_TYPES})(?:\s+polic(?:y|ies))?\s+allows?\s+the\s+(?P<a>[\w-]+:\s?[\w*]+)\s+action")
);
pattern!(
    EXPLICIT,
    &format!(
        r"(?is)with\s+an\s+explicit\s+deny(?:\s+in\s+(?:an?|the)\s+(?P<t>{POLICY_TYPES})(?:\s+policy)?(?:\s+transitively\s+through\s+an?\s+(?P<via>{POLICY_TYPES})(?:\s+policy)?)?)?"
    )
);
pattern!(
    KMS_REASON,
    r"(?is)because\s+the\s+resource\s+does\s+not\s+exist\s+in\s+this\s+Region,\s+no\s+resource-based\s+policies\s+allow\s+access"
);
pattern!(ENCODED, r"Encoded\s+authorization\s+failure\s+message:\s*");
pattern!(FAILED_WHILE, r"(?i)error (launching|creating|deleting|reading|describing|updating|putting|listing) ([^:\n]{1,60}):");

/// Whether a text may hold a refusal: a fast look that errs on the side of yes.
pub(super) fn may_hold(text: &str) -> bool {
    PREFILTER.as_ref().is_none_or(|it| it.find(text).is_some())
}

/// Every refusal in a text, each once, in the order of the text.
pub(super) fn find(text: &str) -> Vec<Found> {
    let mut matches = Vec::new();
    for compiled in shapes::SHAPES.iter() {
        let weak = compiled.shape.weak;
        compiled.found_in(text, &mut |error, Range { start, end }| matches.push(Found { error, start, end, weak }));
    }
    matches.sort_by(|a, b| a.start.cmp(&b.start).then(b.end.cmp(&a.end)));
    let mut merged: Vec<Found> = Vec::new();
    for found in matches {
        match merged.iter_mut().find(|it| it.error.agrees(&found.error) && !it.error.is_another_request(&found.error)) {
            Some(earlier) => merge(earlier, found),
            None => merged.push(found),
        }
    }
    for found in &mut merged {
        complete(found, text);
    }
    merged
}

/// How far behind a refusal its reason may stand.
const REASON_WITHIN: usize = 900;

fn merge(into: &mut Found, from: Found) {
    let gap = from.start.saturating_sub(into.end);
    if gap < REASON_WITHIN {
        into.end = into.end.max(from.end);
    }
    into.weak &= from.weak;
    into.error.absorb(from.error);
}

/// Adds the reason that follows, and what the names imply.
fn complete(found: &mut Found, text: &str) {
    let from = floor(text, found.start);
    let behind = text.get(from..floor(text, (found.end + REASON_WITHIN).min(text.len()))).unwrap_or_default();
    let error = &mut found.error;
    let mut reach = 0;
    if let Some(reason) = IMPLICIT.as_ref().and_then(|it| it.captures(behind)) {
        error.denied_by = reason.name("t").and_then(|it| policy_type(it.as_str()));
        error.explicit = Some(false);
        // A line that was broken inside the action is mended by the reason, which says it again.
        if let (Some(action), Some(whole)) = (&mut error.action, reason.name("a"))
            && whole.as_str().starts_with(action.as_str())
        {
            whole.as_str().clone_into(action);
        }
        reach = reason.get(0).map_or(0, |it| it.end());
    } else if let Some(reason) = EXPLICIT.as_ref().and_then(|it| it.captures(behind)) {
        error.denied_by = reason.name("t").and_then(|it| policy_type(it.as_str()));
        error.via = reason.name("via").and_then(|it| policy_type(it.as_str()));
        error.explicit = Some(true);
        reach = reason.get(0).map_or(0, |it| it.end());
    } else if KMS_REASON.as_ref().is_some_and(|it| it.is_match(behind)) {
        error.kind = Some("kms");
    }
    found.end = found.end.max(from + reach).min(text.len());
    if error.operation.is_none() && error.code.as_deref().is_some_and(|it| it.contains("UnauthorizedOperation")) {
        failed_while(error, text.get(..from).unwrap_or_default());
    }
    if ENCODED.as_ref().is_some_and(|it| it.is_match(behind)) && error.service.is_none() {
        error.service = Some("ec2".to_owned());
    }
    imply(error);
}

/// Terraform says in words what it was doing; a launch of an instance is `RunInstances`.
fn failed_while(error: &mut AwsError, before: &str) {
    let line = before.lines().last().unwrap_or_default();
    let Some(found) = FAILED_WHILE.as_ref().and_then(|it| it.captures(line)) else { return };
    if found[1].eq_ignore_ascii_case("launching") && found[2].contains("instance") {
        error.operation = Some("RunInstances".to_owned());
        error.action = Some("ec2:RunInstances".to_owned());
        error.action_inferred = true;
    }
    error.service = Some("ec2".to_owned());
}

/// What follows from the names alone: service, action and kind.
pub(super) fn imply(error: &mut AwsError) {
    if error.service.is_none() {
        let of_action = error.action.as_deref().and_then(|it| it.split(':').next()).map(str::to_ascii_lowercase);
        let of_operation = || error.operation.as_deref().and_then(names::service_of).map(ToOwned::to_owned);
        // The operation is what was called; the action may belong to a service behind it.
        error.service = of_operation().or(of_action);
    }
    if error.service.is_none() && error.code.as_deref().is_some_and(|it| it.contains("UnauthorizedOperation")) {
        error.service = Some("ec2".to_owned());
    }
    if error.action.is_none()
        && error.kind != Some("credentials")
        && let (Some(service), Some(operation)) = (&error.service, &error.operation)
        && names::is_operation(operation.trim_start_matches("REST.").split('.').next().unwrap_or_default())
    {
        error.action = names::action_of(service, operation);
        error.action_inferred = error.action.is_some();
    }
    error.kind = Some(kind_of(error));
}

fn kind_of(error: &AwsError) -> &'static str {
    let action = error.action.as_deref().unwrap_or_default().to_ascii_lowercase();
    let code = error.code.as_deref().unwrap_or_default();
    let told = error.principal.is_some() || error.explicit.is_some();
    match error.kind {
        Some(kind @ ("credentials" | "sql-grant" | "lake-formation" | "kms")) => kind,
        _ if action.starts_with("lakeformation:") => "lake-formation",
        _ if error.message.contains("Lake Formation permission") => "lake-formation",
        _ if code.contains("KMS") => "kms",
        // The key behind another service's object: the call was not one of KMS itself.
        _ if action.starts_with("kms:") && error.operation.as_deref().and_then(names::service_of).is_none_or(|it| it != "kms") => "kms",
        _ if error.message.contains("customer master key") => "kms",
        // A HEAD answer has no body: without s3:ListBucket a missing key is answered 403 too.
        _ if !told && matches!(error.operation.as_deref(), Some("HeadObject" | "HeadBucket" | "REST.HEAD.OBJECT" | "REST.HEAD.BUCKET")) => {
            "not-found-or-denied"
        }
        _ if !told && error.service.as_deref() == Some("s3") && code == "403" => "not-found-or-denied",
        _ => "permission",
    }
}

fn policy_type(text: &str) -> Option<&'static str> {
    let plain: String = text.to_ascii_lowercase().split(|it: char| it.is_whitespace() || it == '-').collect::<Vec<_>>().join(" ");
    Some(match plain.as_str() {
        "identity based" => "identity-based",
        "resource based" => "resource-based",
        "service control" => "service-control",
        "resource control" => "resource-control",
        "permissions boundary" | "permission boundary" => "permissions-boundary",
        "session" | "sessions" => "session",
        "vpc endpoint" => "vpc-endpoint",
        "role trust" => "role-trust",
        _ => return None,
    })
}

/// Whether a code says on its own, as in an audit record, that somebody was refused.
pub(super) fn says_refused(code: &str) -> bool {
    names::class_of(code).is_some()
}

/// Whether a code says that nobody knows who asked.
pub(super) fn says_unknown(code: &str) -> bool {
    names::class_of(code) == Some(names::Class::Credentials)
}

/// The IAM prefix of a service, by any of its names.
pub(super) fn service_named(name: &str) -> Option<&'static str> {
    names::service_named(name)
}

/// The nearest character border at or before a byte.
pub(super) fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A message on one line, at most as long as a finding needs it.
fn one_line_of(text: &str) -> String {
    crate::text::one_line(text).chars().take(600).collect()
}
