//! Sentences in which services and tools refuse without a code.

use super::{Shape, coded, group, shape, tidy};
use crate::tables::errors::AwsError;
use regex::Captures;

/// A sentence that counts only beside one of some words.
const fn beside(
    name: &'static str,
    pattern: &'static str,
    words: &'static [&'static str],
    read: fn(&Captures<'_>) -> Option<AwsError>,
) -> Shape {
    Shape { beside: words, ..shape(name, pattern, read) }
}

pub(super) static SHAPES: &[Shape] = &[
    shape(
        "Redshift COPY and UNLOAD",
        r"S3ServiceException:(?P<message>[^,\n]*),\s?Status (?P<status>\d+)(?:,\s?Error (?P<code>\w+))?(?:,\s?Rid (?P<request>\w+))?",
        s3_of_redshift,
    ).beside(&["S3ServiceException:"]),
    shape(
        "a chat notifier over CloudTrail",
        r"(?P<principal>arn:[\w-]+:(?:iam|sts)::\w*:[^\s]+) called (?P<operation>[A-Z]\w+)[^\n]{0,80}? (?:failed due to|denied with|got) (?P<code>[A-Z]\w+)",
        coded,
    ).beside(&[" called "]),
    shape(
        "CloudFormation",
        r"\bAPI: (?P<service>[a-z][\w-]*):(?P<operation>[A-Za-z]\w+) (?P<message>Access Denied|[^\n]*not authorized[^\n]*)",
        cloudformation,
    ).beside(&["API: "]),
    beside(
        "EC2, without its code",
        r"(?P<message>You\s+are\s+not\s+authorized\s+to\s+perform\s+this\s+op)",
        &["UnauthorizedOperation", "Encoded authorization", "EC2", "ec2"],
        ec2,
    ),
    shape("SQS, asked for a queue by its address", r"(?P<message>Access to the resource (?P<resource>https://[^\s]+) is denied)", sqs).beside(&["Access to the resource "]),
    shape(
        "KMS, behind any service",
        r"(?P<message>The ciphertext refers to a customer master key that does not exist|KMS access was denied|Access to KMS is not allowed|KMS key [^\n]{0,120}access denied)",
        kms,
    ).beside(&["The ciphertext refers", "KMS"]),
    shape(
        "Lake Formation",
        r"(?P<message>Insufficient Lake Formation permission\(s\):? ?(?:Required (?:[\w]+ ?)+?)?(?: ?on (?P<resource>[^\s(]+))?)",
        lake_formation,
    ).beside(&["Insufficient Lake Formation"]),
    shape(
        "Redshift, asking for a role",
        r"(?P<message>(?:User (?P<principal>arn:[^\s]+) is not|Not) authorized to (?:assume IAM Role|get credentials of role) (?P<resource>arn:[^\s,'\x22]+))",
        redshift_role,
    ).beside(&["authorized to assume IAM Role", "authorized to get credentials of role"]),
    shape(
        "Athena",
        r"(?P<message>(?:Access denied when writing output to url:|Permission denied on S3 path:|Access denied when reading)\s+(?P<resource>s3://[^\s]+)|Insufficient permissions to execute the query|Unable to verify/create output bucket (?P<bucket>[\w.-]+))",
        athena,
    ).beside(&["Access denied when", "Permission denied on S3 path:", "Insufficient permissions to execute", "verify/create output bucket"]),
    shape("a missing right to hand a role on", r"(?P<message>Cross-account pass role is not allowed)", pass_role).beside(&["Cross-account pass role"]),
    shape(
        "a role that a service may not take on",
        r"(?P<message>(?:Role )?(?P<principal>arn:aws[\w-]*:iam::[^\s]+ )?(?:should be given assume role permissions|is authorized to assume the provided role|cannot be assumed by|The role defined for the function cannot be assumed))",
        assume_role,
    ).beside(&["should be given assume", "is authorized to assume", "cannot be assumed"]),
    shape(
        "a role without the rights that Lambda needs",
        r"(?P<message>The provided execution role does not have permissions to call (?P<operation>\w+) on (?P<service>\w+))",
        coded_sentence,
    ).beside(&["The provided execution role"]),
    shape(
        "Firehose",
        r"(?P<message>Access was denied(?: when calling (?P<service>\w+))?\. Ensure (?:that )?the (?:access policy|trust policy))",
        coded_sentence,
    ).beside(&["Access was denied"]),
    shape(
        "a database grant",
        r#"(?i)(?P<message>permission denied (?:for|to) (?:relation|schema|table|database|language|function|view|sequence|column|external) (?P<resource>[^\s'"]*))"#,
        sql_grant,
    ),
    shape(
        "missing or dead credentials",
        r"(?P<message>Unable to locate credentials|NoCredentialsError|Unable to load (?:AWS )?credentials from any|The (?:security|provided) token (?:included in the request )?(?:is invalid|(?:is|has) expired)|The AWS Access Key Id you provided does not exist|The request signature we calculated does not match|Error loading SSO Token|The SSO session associated with this profile has expired)",
        credentials,
    ).beside(&["locate credentials", "NoCredentialsError", "Unable to load", "The security token", "The provided token", "The AWS Access Key Id", "The request signature", "SSO"]),
];

fn s3_of_redshift(found: &Captures<'_>) -> Option<AwsError> {
    Some(AwsError { service: Some("s3".to_owned()), ..coded(found)? })
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

fn named(found: &Captures<'_>, service: &str, kind: Option<&'static str>) -> Option<AwsError> {
    Some(AwsError {
        kind,
        service: Some(service.to_owned()).filter(|it| !it.is_empty()),
        resource: group(found, "resource").map(|it| tidy(&it)),
        principal: group(found, "principal").map(|it| tidy(&it)),
        message: super::super::one_line_of(&group(found, "message")?),
        ..AwsError::default()
    })
}

fn ec2(found: &Captures<'_>) -> Option<AwsError> {
    named(found, "ec2", None).map(|it| AwsError {
        code: Some("UnauthorizedOperation".to_owned()),
        message: "You are not authorized to perform this operation".to_owned(),
        ..it
    })
}

fn sqs(found: &Captures<'_>) -> Option<AwsError> {
    let address = group(found, "resource")?;
    // The address of a service that is not SQS says nothing about SQS.
    named(found, if address.contains("queue") || address.contains("sqs") { "sqs" } else { "" }, None)
        .map(|it| AwsError { resource: Some(address.trim_end_matches('.').to_owned()), ..it })
}

fn kms(found: &Captures<'_>) -> Option<AwsError> {
    named(found, "", Some("kms"))
}

fn lake_formation(found: &Captures<'_>) -> Option<AwsError> {
    named(found, "lakeformation", Some("lake-formation"))
}

fn redshift_role(found: &Captures<'_>) -> Option<AwsError> {
    named(found, "redshift", None).map(|it| AwsError { action: Some("sts:AssumeRole".to_owned()), ..it })
}

fn athena(found: &Captures<'_>) -> Option<AwsError> {
    let bucket = group(found, "bucket").map(|it| format!("s3://{it}"));
    named(found, "athena", None).map(|it| AwsError { resource: it.resource.clone().or(bucket), ..it })
}

fn pass_role(found: &Captures<'_>) -> Option<AwsError> {
    named(found, "iam", None).map(|it| AwsError { action: Some("iam:PassRole".to_owned()), ..it })
}

fn assume_role(found: &Captures<'_>) -> Option<AwsError> {
    named(found, "sts", None).map(|it| AwsError { action: Some("sts:AssumeRole".to_owned()), ..it })
}

fn coded_sentence(found: &Captures<'_>) -> Option<AwsError> {
    let service = group(found, "service").map(|it| super::service_of(&it)).unwrap_or_default();
    named(found, &service, None).map(|it| AwsError { operation: group(found, "operation"), ..it })
}

fn sql_grant(found: &Captures<'_>) -> Option<AwsError> {
    named(found, "", Some("sql-grant"))
}

fn credentials(found: &Captures<'_>) -> Option<AwsError> {
    named(found, "", Some("credentials"))
}
