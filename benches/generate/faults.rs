//! The refusals that are planted, and how other tries fail.

use crate::text::{Day, text};

const ACCOUNT: &str = "123456789012";

/// An identity that may not do something.
pub struct Source {
    operation: &'static str,
    code: &'static str,
    /// The role, "" where the text names nobody.
    role: &'static str,
    /// The IAM action; where the text names none, the one that the operation needs.
    pub action: &'static str,
    /// What is asked for; `{day}` changes from run to run.
    resource: &'static str,
    /// The part of it that stays, "" where the text names nothing.
    pub stable: &'static str,
    reason: &'static str,
    /// What kind of refusal it is, in the words of the report.
    pub kind: &'static str,
}

const MWAA: &str = "AmazonMWAA-acme-data-prod-Hq7tRz/AmazonMWAA-airflow";
const ETL: &str = "etl-exec/airflow-task";
const REPORTS: &str = "reporting-batch/session-1";
const NO_POLICY: &str = "because no identity-based policy allows the {action} action";

macro_rules! source {
    ($operation:expr, $code:expr, $role:expr, $action:expr, $resource:expr, $stable:expr, $reason:expr, $kind:expr) => {
        Source {
            operation: $operation,
            code: $code,
            role: $role,
            action: $action,
            resource: $resource,
            stable: $stable,
            reason: $reason,
            kind: $kind,
        }
    };
}

/// Every refusal that may be planted.
pub const SOURCES: &[Source] = &[
    source!(
        "GetObject",
        "AccessDenied",
        MWAA,
        "s3:GetObject",
        "\"arn:aws:s3:::acme-raw-sales/sales/{day}/orders.csv\"",
        "arn:aws:s3:::acme-raw-sales/sales/*",
        NO_POLICY,
        "permission"
    ),
    source!(
        "PutObject",
        "AccessDenied",
        MWAA,
        "s3:PutObject",
        "\"arn:aws:s3:::acme-marketing-exports/campaign/{day}/part-0001.parquet\"",
        "arn:aws:s3:::acme-marketing-exports/campaign/*",
        NO_POLICY,
        "permission"
    ),
    source!(
        "ListObjectsV2",
        "AccessDenied",
        ETL,
        "s3:ListBucket",
        "\"arn:aws:s3:::acme-partner-feed\"",
        "arn:aws:s3:::acme-partner-feed",
        NO_POLICY,
        "permission"
    ),
    source!(
        "GetSecretValue",
        "AccessDeniedException",
        ETL,
        "secretsmanager:GetSecretValue",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/warehouse/redshift-AbCdEf",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/warehouse/redshift-??????",
        NO_POLICY,
        "permission"
    ),
    source!(
        "StartQueryExecution",
        "AccessDeniedException",
        REPORTS,
        "athena:StartQueryExecution",
        "arn:aws:athena:eu-west-1:123456789012:workgroup/reports",
        "arn:aws:athena:eu-west-1:123456789012:workgroup/reports",
        NO_POLICY,
        "permission"
    ),
    source!(
        "AssumeRole",
        "AccessDenied",
        MWAA,
        "sts:AssumeRole",
        "arn:aws:iam::210987654321:role/partner-ingest-readonly",
        "arn:aws:iam::210987654321:role/partner-ingest-readonly",
        "",
        "assume-role"
    ),
    source!(
        "GetObject",
        "AccessDenied",
        ETL,
        "kms:Decrypt",
        "arn:aws:kms:eu-west-1:123456789012:key/956af49a-1a01-4b95-9712-0a506aa2ed1b",
        "arn:aws:kms:eu-west-1:123456789012:key/956af49a-1a01-4b95-9712-0a506aa2ed1b",
        NO_POLICY,
        "kms"
    ),
    source!(
        "PutObject",
        "AccessDenied",
        REPORTS,
        "s3:PutObject",
        "\"arn:aws:s3:::acme-archive-cold/reports/{day}/daily.csv\"",
        "arn:aws:s3:::acme-archive-cold/reports/*",
        "with an explicit deny in a service control policy",
        "permission"
    ),
    source!(
        "DeleteObject",
        "AccessDenied",
        ETL,
        "s3:DeleteObject",
        "\"arn:aws:s3:::acme-archive-cold/old/{day}/x.gz\"",
        "arn:aws:s3:::acme-archive-cold/old/*",
        "with an explicit deny in a resource-based policy",
        "permission"
    ),
    source!(
        "ExecuteStatement",
        "AccessDeniedException",
        MWAA,
        "redshift-data:ExecuteStatement",
        "arn:aws:redshift:eu-west-1:123456789012:cluster:acme-dw",
        "arn:aws:redshift:eu-west-1:123456789012:cluster:acme-dw",
        NO_POLICY,
        "permission"
    ),
    source!("ListObjectsV2", "AccessDenied", "", "s3:ListBucket", "", "", "Access Denied", "permission"),
    source!("HeadObject", "403", "", "s3:GetObject", "", "", "Forbidden", "not-found-or-denied"),
    source!(
        "GetItem",
        "AccessDeniedException",
        REPORTS,
        "dynamodb:GetItem",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/pipeline-watermarks",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/pipeline-watermarks",
        NO_POLICY,
        "permission"
    ),
    source!(
        "GetParameter",
        "AccessDeniedException",
        ETL,
        "ssm:GetParameter",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/acme/prod/db",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/acme/prod/db",
        NO_POLICY,
        "permission"
    ),
    source!(
        "Invoke",
        "AccessDeniedException",
        MWAA,
        "lambda:InvokeFunction",
        "arn:aws:lambda:eu-west-1:123456789012:function:enrich-orders",
        "arn:aws:lambda:eu-west-1:123456789012:function:enrich-orders",
        "because no resource-based policy allows the lambda:InvokeFunction action",
        "permission"
    ),
    source!(
        "GetTable",
        "AccessDeniedException",
        REPORTS,
        "glue:GetTable",
        "arn:aws:glue:eu-west-1:123456789012:catalog",
        "arn:aws:glue:eu-west-1:123456789012:catalog",
        "because no permissions boundary allows the glue:GetTable action",
        "permission"
    ),
];

impl Source {
    /// The session that is refused.
    fn principal(&self) -> String {
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/{}", self.role)
    }

    /// The role behind it, "" where the text names nobody.
    pub fn role(&self) -> String {
        self.role.split('/').next().filter(|it| !it.is_empty()).map_or(String::new(), |it| format!("arn:aws:iam::{ACCOUNT}:role/{it}"))
    }

    /// The message, as botocore words it.
    pub fn message(&self, at: i64) -> String {
        let (operation, code, reason) = (self.operation, self.code, self.reason.replace("{action}", self.action));
        if self.role.is_empty() {
            return format!("An error occurred ({code}) when calling the {operation} operation: {reason}");
        }
        let resource = self.resource.replace("{day}", &text!("dt=", Day(at)));
        let blank = if reason.is_empty() { "" } else { " " };
        format!(
            "An error occurred ({code}) when calling the {operation} operation: User: {} is not authorized to perform: {} on resource: {resource}{blank}{reason}",
            self.principal(),
            self.action
        )
    }
}

/// How tries fail that nobody refused anything: the class of the exception, and what it says.
pub const FAILURES: &[(&str, &str)] = &[
    ("KeyError", "'order_id'"),
    ("ValueError", "could not convert string to float: 'n/a'"),
    ("psycopg2.errors.UniqueViolation", "duplicate key value violates unique constraint \"orders_pkey\""),
    (
        "botocore.errorfactory.NoSuchKey",
        "An error occurred (NoSuchKey) when calling the GetObject operation: The specified key does not exist.",
    ),
    ("requests.exceptions.HTTPError", "403 Client Error: Forbidden for url: https://api.partner.example/v2/orders"),
    ("airflow.exceptions.AirflowException", "Bash command failed. The command returned a non-zero exit code 1."),
    ("PermissionError", "[Errno 13] Permission denied: '/mnt/share/report.csv'"),
    (
        "botocore.exceptions.ClientError",
        "An error occurred (ThrottlingException) when calling the GetQueryExecution operation (reached max retries: 4): Rate exceeded",
    ),
];

/// Lines of healthy tries that speak of faults, and are none.
pub const LOOK_ALIKES: &[(&str, &str)] = &[
    (
        "report.py:41",
        "AccessDenied events in the last 24h: [{\"eventName\": \"GetObject\", \"errorCode\": \"AccessDenied\", \"count\": 41}]",
    ),
    ("logging_mixin.py:190", "GetObject: AccessDenied x41"),
    ("subprocess.py:75", "Running command: ['/usr/bin/bash', '-c', 'grep -c AccessDenied /tmp/audit.csv || true']"),
    ("checks.py:17", "0 of 312 tasks were stuck in queued yesterday"),
    ("http.py:88", "GET /v2/health answered 403 Forbidden, which the probe expects"),
];
