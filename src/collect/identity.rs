//! Who asks: the account and the identity, as the manifest names them.

use super::{
    Operation,
    calls::{Context, Failure},
};

/// The one call that needs no permission.
pub(super) static GET_CALLER_IDENTITY: Operation = Operation {
    service: "sts",
    name: "GetCallerIdentity",
    action: "sts:GetCallerIdentity",
    resource: "*",
    per_second: 10.0,
    optional: true,
};

/// The account and the ARN.
pub(super) async fn ask(cx: &Context) -> Result<(Option<String>, Option<String>), Failure> {
    let client = aws_sdk_sts::Client::new(&cx.session.config);
    let answer = cx.call(&GET_CALLER_IDENTITY, |tap| client.get_caller_identity().customize().interceptor(tap).send()).await?;
    Ok((answer.output.account, answer.output.arn))
}
