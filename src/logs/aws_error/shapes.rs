//! The shapes in which SDKs, services and tools write an error: each a pattern and what its groups mean.

use super::names::{self, Class};
use crate::tables::errors::AwsError;
use regex::{Captures, Regex};
use std::sync::LazyLock;

/// A shape: what it matches, and what that says.
pub(super) struct Shape {
    /// Who writes it so: for the reader, and for the test that names a broken pattern.
    #[cfg_attr(not(test), expect(dead_code, reason = "a comment that the compiler keeps beside its pattern"))]
    name: &'static str,
    pattern: &'static str,
    /// `None` when the match is no refusal.
    pub(super) read: fn(&Captures<'_>) -> Option<AwsError>,
    /// Whether prose could hold it by chance, so that it counts only where an error is expected.
    pub(super) weak: bool,
}

/// Every shape, compiled.
pub(super) static SHAPES: LazyLock<Vec<(Regex, &'static Shape)>> =
    LazyLock::new(|| LIST.iter().filter_map(|it| Some((Regex::new(it.pattern).ok()?, it))).collect());

const fn shape(name: &'static str, pattern: &'static str, read: fn(&Captures<'_>) -> Option<AwsError>) -> Shape {
    Shape { name, pattern, read, weak: false }
}

const fn weak(name: &'static str, pattern: &'static str, read: fn(&Captures<'_>) -> Option<AwsError>) -> Shape {
    Shape { name, pattern, read, weak: true }
}

static LIST: &[Shape] = &[
    shape(
        "the IAM sentence",
        r#"(?is)(?:(?:User|Role|Principal|Identity):\s*)?(?P<principal>arn:[\w-]+:(?:iam|sts):[\w-]*:[\w*]*:[^\s"'\\,]+|anonymous)\s+is\s+not\s+authorized\s+to\s+perform:?\s+\[?(?P<action>[\w-]+:\s?[\w*]+)\]?(?:\s+on\s+(?:the\s+)?resources?:?\s+\[?(?:\\*["'])?(?:&quot;)?(?P<resource>[^"'\s\\\]&]+))?"#,
        iam_sentence,
    ),
    shape(
        "a refusal of an unnamed caller",
        r#"(?i)\bnot\s+authorized\s+to\s+perform:?\s+(?:operation:?\s+)?(?P<action>[a-z][\w-]+:[A-Z]\w+)(?:\s+on\s+(?:the\s+)?resource:?\s+(?:\\*["'])?(?P<resource>[^"'\s\\]+))?"#,
        iam_sentence,
    ),
    shape(
        "botocore",
        r"(?:An error occurred|A client error) \((?P<code>[^)\n]{1,80})\) (?:occurred )?when calling the (?P<operation>\w+) operation(?: \(reached max retries: \d+\))?:\s*(?P<message>[^\n]*)",
        coded,
    ),
    shape(
        "AWS SDK for Java, version 1",
        r"(?:(?P<message>[^\n:(]{0,200}) )?\(Service: (?P<service>[^;\n]{1,60}); Status Code: (?P<status>\d+); Error Code: (?P<code>[^;)\n]*)(?:; Request ID: (?P<request>[^;)\n]+))?",
        coded,
    ),
    shape(
        "AWS SDK for Java, before 2016",
        r"Status Code: (?P<status>\d+), AWS Service: (?P<service>[^,\n]+), AWS Request ID: (?P<request>[^,\n]+), AWS Error Code: (?P<code>[^,\n]+), AWS Error Message: (?P<message>[^\n,]*)",
        coded,
    ),
    shape(
        "AWS SDK for Java, version 2",
        r"(?:(?P<message>[^\n:(]{0,300}) )?\(Service: (?P<service>[\w ]{1,60}), Status Code: (?P<status>\d+), Request ID: (?P<request>[^,)\n]+)",
        coded,
    ),
    shape(
        "AWS SDK for Go, version 2",
        r"operation error (?P<service>[\w ]+): (?P<operation>\w+),.{0,200}?https response error StatusCode: (?P<status>\d+), RequestID: (?P<request>[\w-]*)(?:, HostID: [^,\n]*)?,\s+(?:api error )?(?P<code>[A-Za-z]+)(?:: (?P<message>[^\n]*))?",
        coded,
    ),
    shape(
        "AWS SDK for Go, version 1",
        r"(?:^|[\s:])(?P<code>[A-Z]\w{4,60}): (?P<message>[^\n]{0,600}(?:\n[^\n]{1,200}){0,12}?)[\s,]+status code: (?P<status>\d+), request id: (?P<request>[\w-]*)",
        coded,
    ),
    shape(
        "Redshift COPY and UNLOAD",
        r"S3ServiceException:(?P<message>[^,\n]*),\s?Status (?P<status>\d+),\s?Error (?P<code>\w+)(?:,\s?Rid (?P<request>\w+))?",
        redshift_s3,
    ),
    shape(
        "the S3 XML answer",
        r"(?s)<(?:\w+:)?Code>(?P<code>[\w.]+)</(?:\w+:)?Code>(?:\s*<Message>(?P<message>[^<]*)</Message>)?(?:.{0,400}?<RequestId>(?P<request>[^<]*)</RequestId>)?",
        s3_xml,
    ),
    shape(
        "a chat notifier over CloudTrail",
        r"(?P<principal>arn:[\w-]+:(?:iam|sts)::\w*:[^\s]+) called (?P<operation>[A-Z]\w+)[^\n]{0,80}? (?:failed due to|denied with|got) (?P<code>[A-Z]\w+)",
        coded,
    ),
    shape(
        "CloudFormation",
        r"\bAPI: (?P<service>[a-z][\w-]*):(?P<operation>[A-Z]\w+) (?P<message>Access Denied|[^\n]*not authorized[^\n]*)",
        cloudformation,
    ),
    shape("fluent-bit and the CloudWatch agent", r"(?P<operation>[A-Z]\w+) API responded with error='(?P<code>\w+)'", coded),
    shape(
        "s3cmd and boto 2",
        r"(?:S3 error: |S3ResponseError: )(?P<status>403)(?: \((?P<code>\w+)\))?(?::? (?P<message>[^\n]*))?",
        s3_tool,
    ),
    weak(
        "code: message, as JavaScript, Ruby, PHP, .NET and Go print it",
        r#"(?m)(?:^|[\s'"({:]|Errors::|Exceptions::|model\.|#)(?P<code>[A-Z][A-Za-z]*(?:Access|Denied|Unauthori[sz]ed|Forbidden|Authorization|NotAuthorized|Token|AccessKeyId|Signature)\w*)(?: \((?:client|server)\))?\)?: (?P<message>[^\n]*)"#,
        code_and_message,
    ),
    weak(
        "a code in a property",
        r#"\\*["']?(?P<key>error_?[cC]ode|[cC]ode|errorType|__type|name|Error Code|error_code|ErrorCode)\\*["']?\s*[:=]\s*(?:Some\()?\\*["']?(?:[\w.]+#)?(?P<code>(?:Client\.|KMS\.|S3\.|Lambda\.)?[A-Z]\w+)\b"#,
        property,
    ),
    shape("s3fs", r#"PermissionError(?:: |\(['"])(?P<message>Access Denied|Forbidden|User: arn:[^\n]*)"#, s3fs),
    shape(
        "Hadoop S3A",
        r"AccessDeniedException: (?P<resource>s3[an]?://[^\s:]+)(?::? (?P<operation>\w+) on [^\n:]*)?(?P<message>[^\n]*)",
        s3a,
    ),
    shape("SQS, asked for a queue by its address", r"(?P<message>Access to the resource (?P<resource>https://[^\s]+) is denied)", sqs),
    shape(
        "KMS, behind any service",
        r"(?P<message>The ciphertext refers to a customer master key that does not exist|KMS access was denied|KMS key [^\n]{0,120}access denied|unable to decrypt the environment variables because KMS access was denied)",
        kms,
    ),
    shape(
        "Lake Formation",
        r"(?P<message>Insufficient Lake Formation permission\(s\):? ?(?:Required [\w ]+?)?(?: ?on (?P<resource>[^\s(]+))?)",
        lake_formation,
    ),
    shape(
        "Redshift, asking for a role",
        r"(?P<message>(?:User (?P<principal>arn:[^\s]+) is not|Not) authorized to (?:assume IAM Role|get credentials of role) (?P<resource>arn:[^\s,'\x22]+))",
        redshift_role,
    ),
    shape(
        "Athena",
        r"(?P<message>(?:Access denied when writing output to url:|Permission denied on S3 path:|Access denied when reading) (?P<resource>s3://[^\s]+)|Insufficient permissions to execute the query)",
        athena,
    ),
    shape("a missing right to hand a role on", r"(?P<message>Cross-account pass role is not allowed)", pass_role),
    shape(
        "a database grant",
        r#"(?i)(?P<message>permission denied (?:for|to) (?:relation|schema|table|database|language|function|view|sequence|column|external) (?P<resource>[^\s'"]*))"#,
        sql_grant,
    ),
    shape(
        "missing or dead credentials",
        r"(?P<message>Unable to locate credentials|NoCredentialsError|Unable to load (?:AWS )?credentials from any|The (?:security|provided) token (?:included in the request )?(?:is invalid|(?:is|has) expired)|The AWS Access Key Id you provided does not exist|The request signature we calculated does not match|Error loading SSO Token|The SSO session associated with this profile has expired)",
        credentials,
    ),
];

fn group(found: &Captures<'_>, name: &str) -> Option<String> {
    found.name(name).map(|it| it.as_str().trim().to_owned()).filter(|it| !it.is_empty())
}

/// A principal or resource without the punctuation of its sentence.
fn tidy(text: String) -> String {
    text.trim_end_matches(['.', ',', ';', ')', '}', '>', '\'', '"', '\\']).to_owned()
}

fn iam_sentence(found: &Captures<'_>) -> Option<AwsError> {
    let action = group(found, "action")?.replace(char::is_whitespace, "");
    Some(AwsError {
        principal: found.name("principal").map(|it| tidy(it.as_str().to_owned())),
        action: Some(action),
        resource: group(found, "resource").map(tidy),
        message: super::one_line_of(found.get(0)?.as_str()),
        ..AwsError::default()
    })
}

/// Any shape that names a code or a status.
fn coded(found: &Captures<'_>) -> Option<AwsError> {
    let service = group(found, "service").and_then(|it| names::service_named(&it).map(ToOwned::to_owned).or(Some(it)));
    let code = group(found, "code").filter(|it| it != "null");
    let status = group(found, "status");
    let class = code.as_deref().and_then(names::class_of);
    let message = group(found, "message").unwrap_or_default();
    let refused = status.as_deref() == Some("403") || message.contains("not authorized to perform") || says_denied(&message);
    // A 403 whose code is not on the list is refused all the same, unless the code says why: a skewed clock, a bad signature.
    let known = class.is_some() || (refused && code.as_deref().is_none_or(|it| it.contains("Denied") || it.parse::<u16>().is_ok()));
    known.then(|| AwsError {
        kind: (class == Some(Class::Credentials)).then_some("credentials"),
        service,
        operation: group(found, "operation"),
        code: code.or(status),
        principal: group(found, "principal").map(tidy),
        request_id: group(found, "request").filter(|it| it != "null"),
        message: super::one_line_of(&message),
        ..AwsError::default()
    })
}

/// A message that speaks of a refusal whatever its code.
fn says_denied(message: &str) -> bool {
    ["Insufficient Lake Formation permission", "ciphertext refers to a customer master key", "Access Denied"]
        .iter()
        .any(|it| message.contains(it))
}

fn redshift_s3(found: &Captures<'_>) -> Option<AwsError> {
    let error = coded(found)?;
    Some(AwsError { service: Some("s3".to_owned()), ..error })
}

fn s3_xml(found: &Captures<'_>) -> Option<AwsError> {
    let error = coded(found)?;
    Some(AwsError { service: Some("s3".to_owned()), ..error })
}

fn s3_tool(found: &Captures<'_>) -> Option<AwsError> {
    let error = coded(found)?;
    Some(AwsError { service: Some("s3".to_owned()), ..error })
}

fn cloudformation(found: &Captures<'_>) -> Option<AwsError> {
    let (service, operation) = (group(found, "service")?, group(found, "operation")?);
    Some(AwsError {
        action: Some(format!("{service}:{operation}")),
        operation: Some(operation),
        service: Some(service),
        message: group(found, "message")?,
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
        kind: (class == Class::Credentials).then_some("credentials"),
        code: Some(code),
        message: super::one_line_of(&message),
        ..AwsError::default()
    })
}

fn property(found: &Captures<'_>) -> Option<AwsError> {
    let code = group(found, "code")?;
    let class = names::class_of(&code).filter(|_| code != "Forbidden" && code != "NotAuthorized")?;
    Some(AwsError { kind: (class == Class::Credentials).then_some("credentials"), code: Some(code), ..AwsError::default() })
}

fn s3fs(found: &Captures<'_>) -> Option<AwsError> {
    let message = group(found, "message")?;
    Some(AwsError { service: Some("s3".to_owned()), message: super::one_line_of(&message), ..AwsError::default() })
}

fn s3a(found: &Captures<'_>) -> Option<AwsError> {
    Some(AwsError {
        service: Some("s3".to_owned()),
        resource: group(found, "resource").map(tidy),
        message: super::one_line_of(found.get(0)?.as_str()),
        ..AwsError::default()
    })
}

fn named_service(found: &Captures<'_>, service: &str, kind: Option<&'static str>) -> Option<AwsError> {
    Some(AwsError {
        kind,
        service: Some(service.to_owned()).filter(|it| !it.is_empty()),
        resource: group(found, "resource").map(tidy),
        principal: group(found, "principal").map(tidy),
        message: super::one_line_of(&group(found, "message")?),
        ..AwsError::default()
    })
}

fn sqs(found: &Captures<'_>) -> Option<AwsError> {
    let address = group(found, "resource")?;
    // The address of a service that is not SQS says nothing about SQS.
    named_service(found, if address.contains("queue") || address.contains("sqs") { "sqs" } else { "" }, None)
        .map(|it| AwsError { resource: Some(address.trim_end_matches('.').to_owned()), ..it })
}

fn kms(found: &Captures<'_>) -> Option<AwsError> {
    named_service(found, "", Some("kms"))
}

fn lake_formation(found: &Captures<'_>) -> Option<AwsError> {
    named_service(found, "lakeformation", Some("lake-formation"))
}

fn redshift_role(found: &Captures<'_>) -> Option<AwsError> {
    named_service(found, "redshift", None).map(|it| AwsError { action: Some("sts:AssumeRole".to_owned()), ..it })
}

fn athena(found: &Captures<'_>) -> Option<AwsError> {
    named_service(found, "athena", None)
}

fn pass_role(found: &Captures<'_>) -> Option<AwsError> {
    named_service(found, "iam", None).map(|it| AwsError { action: Some("iam:PassRole".to_owned()), ..it })
}

fn sql_grant(found: &Captures<'_>) -> Option<AwsError> {
    named_service(found, "", Some("sql-grant"))
}

fn credentials(found: &Captures<'_>) -> Option<AwsError> {
    named_service(found, "", Some("credentials"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for shape in LIST {
            assert!(Regex::new(shape.pattern).is_ok(), "{}: {:?}", shape.name, Regex::new(shape.pattern).err());
        }
    }
}
