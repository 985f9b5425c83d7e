//! The way to AWS: profile, region, endpoint, role, retries; everything else is found where every AWS tool finds it.

use super::Ways;
use crate::error::{Error, Result};
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig, retry::RetryConfig, sts::AssumeRoleProvider, timeout::TimeoutConfig};
use aws_sdk_cloudwatchlogs::config::SharedCredentialsProvider;
use std::time::Duration;

/// How long one attempt may take: a page of ten thousand events through a slow proxy.
const ATTEMPT: Duration = Duration::from_mins(1);
const CONNECT: Duration = Duration::from_secs(10);

/// Tries of the SDK itself, quick ones; we go on more slowly.
const ATTEMPTS: u32 = 3;

/// Loads the configuration. Nothing is asked of the network here but the role.
pub(super) async fn load(ways: &Ways) -> Result<SdkConfig> {
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(ATTEMPT).operation_attempt_timeout(ATTEMPT).build();
    // The adaptive mode stalls a tool that somebody waits for; our own buckets pace.
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(ways.base_delay)
        .with_max_backoff(ways.base_delay.saturating_mul(20));
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).retry_config(retries);
    if let Ok(name) = AppName::new("casefile") {
        loader = loader.app_name(name);
    }
    if let Some(profile) = &ways.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &ways.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(url) = &ways.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if ways.fips {
        loader = loader.use_fips(true);
    }
    let config = loader.load().await;
    if config.region().is_none() {
        return Err(Error::Usage("no region: give --region, or set AWS_REGION or the region of the profile".to_owned()));
    }
    if let Some(url) = config.endpoint_url().filter(|it| !it.starts_with("http://") && !it.starts_with("https://")) {
        return Err(Error::Usage(format!("the endpoint {url:?} is no URL: it begins with http:// or https://")));
    }
    let Some(role) = &ways.role_arn else { return Ok(config) };
    let mut provider = AssumeRoleProvider::builder(role).session_name("casefile").configure(&config);
    if let Some(id) = &ways.external_id {
        provider = provider.external_id(id);
    }
    Ok(config.into_builder().credentials_provider(SharedCredentialsProvider::new(provider.build().await)).build())
}
