//! Errors as SDKs and the tools built on them print them.

use super::{Shape, coded, group, s3_address, service_of, shape, tidy, weak};
use crate::{logs::aws_error::names, tables::errors::AwsError};
use regex::Captures;

/// Members of which one stands beside the code of a real error.
const MEMBERS: &[&str] = &[
    "errorMessage",
    "ErrorMessage",
    "eventName",
    "\"message\"",
    "\"Message\"",
    "message:",
    "'message'",
    "Message",
    "requestId",
    "RequestId",
    "request_id",
    "RequestID",
    "statusCode",
    "$metadata",
    "$fault",
    "    at ",
    "stack",
    "meta:",
    "errorType",
    "destination",
    "Cause",
];

pub(super) static SHAPES: &[Shape] = &[
    shape(
        "botocore",
        r"(?:(?:An error occurred|A client error) )?\([`*]*(?P<code>[\w.]{1,80})[`*]*\) (?:occurred )?when\s+calling\s+the\s+[`*]*(?P<operation>\w+)[`*]*\s+operation(?: \(reached max retries: \d+\))?(?::\s*(?P<message>[^\n]*))?",
        coded,
    ).beside(&["operation"]),
    shape(
        "botocore, shortened",
        r"(?P<code>[A-Z]\w+) when calling (?:the )?(?P<operation>[A-Z]\w+)(?: operation)?:\s*(?P<message>[^\n]*)",
        coded,
    ).beside(&[" when calling "]),
    shape(
        "AWS SDK for Java, version 1",
        r"(?:(?P<message>[^\n:(]{0,200}) )?\(Service: (?P<service>[^;\n]{1,60});\s+Status Code: (?P<status>\d+);\s+Error Code: (?P<code>[^;)\n]*)(?:;\s+Request ID: (?P<request>[^;)\n]+))?",
        coded,
    )
    .beside(&["(Service: "]),
    shape(
        "AWS SDK for Java, before 2016",
        r"Status Code: (?P<status>\d+), AWS Service: (?P<service>[^,\n]+), AWS Request ID: (?P<request>[^,\n]+), AWS Error Code: (?P<code>[^,\n]+), AWS Error Message: (?P<message>[^\n,]*)",
        coded,
    ).beside(&["AWS Error Code: "]),
    shape(
        "AWS SDK for Java, version 2",
        r"(?:(?P<message>[^\n:(]{0,300}) )?\(Service: (?P<service>[\w ]{1,60}), Status Code: (?P<status>\d+)(?:, Request ID: (?P<request>[^,)\n]+))?",
        java_v2,
    )
    .beside(&["(Service: "]),
    shape(
        "AWS SDK for Java, without its service in parentheses",
        r"(?:amazonaws|awssdk)\.services\.(?P<service>\w+)\.model\.\w*Exception: (?P<message>Access Denied|Forbidden)\s*(?:\n|$)",
        classed,
    ),
    shape("AWS SDK for .NET", r"Amazon\.(?P<service>\w+)\.\w*Exception: (?P<message>Access Denied|Forbidden)", classed).beside(&["Amazon."]),
    shape(
        "AWS SDK for Go, version 2",
        r"(?i)operation error (?P<service>[\w ]+): (?P<operation>\w+)[,\s]+(?:[^\n]{0,200}?,\s+)?https response error StatusCode: (?P<status>\d+)(?:[,\s]+RequestID: (?P<request>[^,\n]*))?(?:[,\s]+HostID: [^,\n]*)?(?:[,\s]+api error:? (?P<code>[A-Za-z]+)(?:(?:: | - )(?P<message>[^\n]*))?)?",
        coded,
    ),
    shape(
        "AWS SDK for Go, version 1",
        r"(?:^|[\s:\])])(?P<code>[A-Z]\w{4,60}): (?P<message>[^\n]{0,600}(?:\n[^\n]{1,200}){0,12}?)[\s,]+status code: (?P<status>\d+), request id: (?P<request>[\w-]*)(?P<host>, host id: )?",
        go_v1,
    )
    .beside(&["status code: "]),
    shape("AWS SDK for Ruby", r"Aws::(?P<service>\w+)::Errors::(?P<code>\w+)\W*(?P<message>[^\n]*)", coded).beside(&["::Errors::"]),
    shape("AWS SDK for PHP", r#"Error executing "(?P<operation>\w+)" on "(?P<url>https?://[^"\s]+)"[^\n]{0,300}?(?P<status>403)"#, php).beside(&["Error executing"]),
    weak("AWS SDK for PHP and its children", r"\w+::\w+\(\): \[(?P<code>\w+)\]\s*(?P<message>[^\n]*)", &["(): ["], coded),
    shape(
        "AWS SDK for C++, in Arrow",
        r"(?:for key '(?P<key>[^']+)' in bucket '(?P<bucket>[^']+)': )?AWS Error (?P<code>\w+)(?: \(HTTP status (?P<status>\d+)\))? during (?P<operation>\w+) operation(?:: (?P<message>[^\n]*))?",
        arrow,
    ).beside(&["AWS Error "]),
    shape(
        "the XML answer of S3, EC2, STS",
        r"(?s)(?:xmlns=.https?://(?P<service>\w+)\.amazonaws\.com/[^>]{0,80}>.{0,120}?)?<(?:\w+:)?Code>(?P<code>[\w.]+)</(?:\w+:)?Code>(?:\s*<Message>(?P<message>[^<]*)</Message>)?(?P<tail>.{0,400})",
        xml,
    ).beside(&["Code>"]),
    shape("fluent-bit and the CloudWatch agent", r"(?P<operation>[A-Z]\w+) API responded with error='(?P<code>\w+)'", coded).beside(&["API responded with error="]),
    shape("s3cmd and boto 2", r"(?:S3 error: |S3ResponseError: )(?P<status>403)(?: \((?P<code>\w+)\))?(?::? (?P<message>[^\n]*))?", of_s3).beside(&["S3 error: ", "S3ResponseError: "]),
    shape("s3fs", r#"PermissionError(?:: |\(['"])(?P<message>Access Denied|Forbidden|User: arn:[^\n]*)"#, s3fs).beside(&["PermissionError"]),
    shape(
        "Hadoop S3A",
        r"AccessDeniedException:? (?P<resource>s3[an]?://[^\s:]+)(?::? (?P<operation>\w+)(?:\(\))? on [^\n:]*)?(?P<message>[^\n]*)",
        s3a,
    ).beside(&["AccessDeniedException"]),
    weak(
        "code: message, as JavaScript, PHP and Go print it",
        r#"(?m)(?:^|[\s'"({:\]*]|model\.|#)(?P<code>(?:[A-Z][A-Za-z]*)?(?:Access|Denied|Unauthori[sz]ed|Forbidden|Authorization|Token|AccessKeyId|Signature)\w*)(?: \((?:client|server)\))?[)*]*:\s+(?P<message>[^\n]*)"#,
        &[],
        code_and_message,
    ),
    weak(
        "a code in a property",
        r#"\\*["']?(?P<key>error_?[cC]ode|[cC]ode|errorType|__type|name|Error Code|error_code|ErrorCode|x-amzn-ErrorType)\\*["']?\s*[:=]\s*(?:chr )?(?:Some\()?\\*["']?(?:[\w.]+#)?(?P<code>(?:[A-Z]\w*\.)?[A-Z]\w+)\b(?P<tail>[*]?)"#,
        MEMBERS,
        property,
    ),
];

fn java_v2(found: &Captures<'_>) -> Option<AwsError> {
    let mut error = coded(found)?;
    // Words of the service come from a body: a HEAD answer has none.
    if error.message.ends_with("Access Denied") {
        error.code = Some("AccessDenied".to_owned());
    }
    Some(error)
}

fn classed(found: &Captures<'_>) -> Option<AwsError> {
    let message = group(found, "message")?;
    let code = if message == "Forbidden" { "403" } else { "AccessDenied" };
    Some(AwsError {
        service: group(found, "service").map(|it| service_of(&it)),
        code: Some(code.to_owned()),
        message,
        ..AwsError::default()
    })
}

/// `<code>: <message>` before the status; where words of a tool stand before the code, the last code counts.
fn go_v1(found: &Captures<'_>) -> Option<AwsError> {
    let message = group(found, "message").unwrap_or_default();
    let outer = group(found, "code")?;
    let inner = message.split(": ").filter_map(|it| it.split_whitespace().last()).find(|it| names::class_of(it).is_some());
    let code = if names::class_of(&outer).is_some() { outer } else { inner?.to_owned() };
    let class = names::class_of(&code)?;
    Some(AwsError {
        kind: (class == names::Class::Credentials).then_some("credentials"),
        service: found.name("host").map(|_| "s3".to_owned()),
        code: Some(code),
        request_id: group(found, "request"),
        message: super::super::one_line_of(&message),
        ..AwsError::default()
    })
}

fn php(found: &Captures<'_>) -> Option<AwsError> {
    let url = group(found, "url")?;
    let host = url.split("://").nth(1)?.split(['.', '/']).next()?;
    let address = s3_address(&url);
    let service = if address.is_some() { Some("s3") } else { names::service_named(host) };
    Some(AwsError {
        service: service.map(ToOwned::to_owned),
        operation: group(found, "operation"),
        code: group(found, "status"),
        resource_inferred: address.is_some(),
        resource: address,
        message: super::super::one_line_of(found.get(0)?.as_str()),
        ..AwsError::default()
    })
}

fn arrow(found: &Captures<'_>) -> Option<AwsError> {
    let code = group(found, "code")?;
    let denied = code == "ACCESS_DENIED" || group(found, "status").as_deref() == Some("403");
    let resource = group(found, "bucket").zip(group(found, "key")).map(|(bucket, key)| format!("s3://{bucket}/{key}"));
    denied.then(|| AwsError {
        service: Some("s3".to_owned()),
        operation: group(found, "operation"),
        code: Some(code),
        resource,
        message: super::super::one_line_of(&group(found, "message").unwrap_or_default()),
        ..AwsError::default()
    })
}

fn xml(found: &Captures<'_>) -> Option<AwsError> {
    let tail = group(found, "tail").unwrap_or_default();
    if tail.contains("Google") || group(found, "message").is_some_and(|it| it.contains("Google")) {
        return None;
    }
    let request = tail.split("<RequestId>").nth(1).and_then(|it| it.split('<').next()).map(ToOwned::to_owned);
    let of_s3 = tail.contains("<HostId>").then(|| "s3".to_owned());
    let error = coded(found)?;
    Some(AwsError { service: error.service.clone().or(of_s3), request_id: request, ..error })
}

fn of_s3(found: &Captures<'_>) -> Option<AwsError> {
    Some(AwsError { service: Some("s3".to_owned()), ..coded(found)? })
}

fn s3fs(found: &Captures<'_>) -> Option<AwsError> {
    let message = group(found, "message")?;
    Some(AwsError { service: Some("s3".to_owned()), message: super::super::one_line_of(&message), ..AwsError::default() })
}

fn s3a(found: &Captures<'_>) -> Option<AwsError> {
    Some(AwsError {
        service: Some("s3".to_owned()),
        operation: group(found, "operation"),
        resource: group(found, "resource").map(|it| tidy(&it)),
        message: super::super::one_line_of(found.get(0)?.as_str()),
        ..AwsError::default()
    })
}

fn code_and_message(found: &Captures<'_>) -> Option<AwsError> {
    let code = group(found, "code")?;
    let class = names::class_of(&code)?;
    let message = group(found, "message").unwrap_or_default();
    // A path of the local file system is no AWS resource, and Forbidden alone is any web server's word.
    if message.starts_with('/') || (code == "Forbidden" && !message.contains("aws")) {
        return None;
    }
    Some(AwsError {
        kind: (class == names::Class::Credentials).then_some("credentials"),
        code: Some(code),
        message: super::super::one_line_of(&message),
        ..AwsError::default()
    })
}

fn property(found: &Captures<'_>) -> Option<AwsError> {
    let code = group(found, "code")?;
    // A pattern of a rule, not a value.
    if group(found, "tail").is_some() {
        return None;
    }
    let class = names::class_of(&code).filter(|_| code != "Forbidden" && code != "NotAuthorized")?;
    Some(AwsError {
        kind: (class == names::Class::Credentials).then_some("credentials"),
        service: code.split_once('.').and_then(|it| names::service_named(it.0)).map(ToOwned::to_owned),
        code: Some(code),
        ..AwsError::default()
    })
}
