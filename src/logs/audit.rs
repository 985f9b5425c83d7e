//! Refusals in audit records, where service, operation and caller are fields and not text.

use super::aws_error;
use crate::{
    tables::{
        Origin,
        errors::{AwsError, ErrorRow},
    },
    text,
    units::Moment,
};

/// One call, as `CloudTrail` or an S3 server access log records it.
#[derive(Debug, Default)]
pub struct Audit {
    /// When.
    pub at: Option<Moment>,
    /// `s3.amazonaws.com`, or any other name of the service.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// The error code.
    pub code: String,
    /// The error message, "" when there is none.
    pub message: String,
    /// Who called.
    pub principal: Option<String>,
    /// What the call was about.
    pub resource: Option<String>,
    /// Whether the resource was put together from the call's parameters.
    pub resource_inferred: bool,
    /// The request.
    pub request_id: Option<String>,
    /// The record, shortened.
    pub excerpt: String,
}

/// The first refusal that an error message tells; `fill` adds what else is known before the rest is implied.
pub fn refusal_in(message: &str, fill: impl FnOnce(&mut AwsError)) -> Option<AwsError> {
    let mut error = aws_error::find(message).into_iter().next()?.error;
    fill(&mut error);
    aws_error::imply(&mut error);
    Some(error)
}

/// The row of a call that was refused; `None` when it was not.
pub fn refusal(audit: Audit, origin: Origin) -> Option<ErrorRow> {
    let told = aws_error::find(&audit.message).into_iter().next().map(|it| it.error);
    if !aws_error::says_refused(&audit.code) && told.is_none() {
        return None;
    }
    let service = aws_error::service_named(&audit.service)
        .map_or_else(|| audit.service.split('.').next().unwrap_or_default().to_owned(), ToOwned::to_owned);
    let mut error = told.unwrap_or_default();
    error.absorb(AwsError {
        kind: aws_error::says_unknown(&audit.code).then_some("credentials"),
        operation: Some(audit.operation),
        code: Some(audit.code.clone()),
        principal: audit.principal,
        resource: audit.resource,
        resource_inferred: audit.resource_inferred,
        request_id: audit.request_id,
        message: audit.message,
        ..AwsError::default()
    });
    error.service = Some(service);
    // The record's own code counts, whatever its message says.
    error.code = Some(audit.code);
    error.message = text::safe(&text::one_line(&error.message), 600);
    aws_error::imply(&mut error);
    Some(ErrorRow::recorded(audit.at, error, text::safe(&audit.excerpt, text::EXCERPT_CHARS), origin))
}
