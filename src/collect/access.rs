//! The way to AWS for those who do not collect: the same login, and the same words for what is refused.

use super::{Ways, clients, engine, s3};
use crate::error::Result;
use aws_config::SdkConfig;

pub(crate) use super::{calls::failure, s3::lies_elsewhere};

/// The configuration, once there is a login.
pub(crate) async fn login(ways: &Ways) -> Result<SdkConfig> {
    let config = clients::load(ways).await?;
    engine::login(&config, ways).await?;
    Ok(config)
}

/// A client of S3.
pub(crate) fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    s3::client(config)
}
