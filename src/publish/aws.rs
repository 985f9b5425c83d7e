//! The way to AWS for publishing: one login, and calls that wait for their answers.

use crate::{
    collect::{Operation, Ways, access},
    error::{Error, Result},
};
use aws_config::SdkConfig;
use aws_sdk_s3::{
    config::retry::RetryConfig,
    error::{ProvideErrorMetadata, SdkError},
};
use std::future::Future;
use tokio::runtime::{Builder, Runtime};

/// Tries of a call, where the server is at fault or asks to be called later.
const ATTEMPTS: u32 = 8;

/// A login, and what runs calls.
#[derive(Debug)]
pub(super) struct Aws {
    runtime: Runtime,
    pub(super) config: SdkConfig,
}

impl Aws {
    /// Logs in.
    pub(super) fn open(ways: &Ways) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|it| Error::Usage(format!("no calls can be made: {it}")))?;
        let config = runtime.block_on(access::login(ways))?;
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(ways.base_delay)
            .with_max_backoff(ways.base_delay.saturating_mul(20));
        let config = config.into_builder().retry_config(retries).build();
        Ok(Self { runtime, config })
    }

    /// Waits for something.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Waits for the answer to a call. `on` is what it was about; `narrow` makes the permission that it needs that of the destination.
    pub(super) fn call<T, E>(
        &self,
        operation: &'static Operation,
        on: &str,
        narrow: impl Fn(&str) -> String,
        sent: impl Future<Output = std::result::Result<T, SdkError<E>>>,
    ) -> Result<T, Refusal>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.wait(sent).map_err(|it| {
            let failure = access::failure(operation, &it);
            let elsewhere = if access::lies_elsewhere(failure.code()) { "; it lies in another region: give that one" } else { "" };
            let told = format!("{on}: {}{elsewhere}", narrow(&failure.reason()));
            Refusal { code: failure.code().to_owned(), error: Error::Publish(told) }
        })
    }
}

/// What a call was answered instead.
#[derive(Debug)]
pub(super) struct Refusal {
    /// AWS's code, where it gave one.
    pub(super) code: String,
    /// For whoever has to act.
    pub(super) error: Error,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}
