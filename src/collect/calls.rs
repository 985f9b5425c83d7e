//! Calling AWS: each call takes its turn, is counted, is tried again where that may help, and hands its answer out untouched.

use super::{
    Operation, Session,
    pacing::{self, Bucket},
};
use crate::{
    case::manifest::{Bill, State},
    error::Error,
    text,
};
use aws_sdk_cloudwatchlogs::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef},
    },
    error::{BoxError, ProvideErrorMetadata, SdkError},
};
use std::{
    fmt,
    future::Future,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Tries of one call, beyond those of the SDK, where the server is at fault.
const TRIES: u32 = 12;

/// Tries where others take the room: a query may hold its place for an hour.
const TRIES_WHEN_BUSY: u32 = 240;

/// The longest wait between two tries, in base delays.
const LONGEST_WAIT: u32 = 40;

/// Calls given up one after the other, after which the next ones are given up sooner.
pub(super) const SILENCES: u64 = 3;

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// The longest sentence of AWS that we keep, in characters.
const REASON_CHARS: usize = 600;

/// What AWS answers when it wants to be called later.
const THROTTLES: &[&str] =
    &["Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"];

/// What AWS answers when too much is running at once: the SDK does not try these again.
const BUSY: &[&str] = &["LimitExceededException", "ActiveStatementsExceededException", "ActiveSessionsExceededException"];

/// What AWS answers when it fails itself: that passes.
const FAULTS: &[&str] = &[
    "InternalFailure",
    "InternalServerException",
    "InternalServerError",
    "InternalError",
    "ServiceUnavailable",
    "ServiceUnavailableException",
];

/// What AWS answers to a login that no longer holds: nothing helps but a new one.
const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"];

/// What helps then.
const LOG_IN: &str = "log in again, and run it again: a collection continues with --resume";

/// How the SDK says that a login could not be renewed.
const NO_LOGIN: &str = "while loading credentials";

/// What AWS answers when the identity may not.
const DENIED: &[&str] = &["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AllAccessDisabled", "Forbidden"];

/// Why a call brought no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// AWS answered, and not with what was asked for.
    Aws {
        /// What was called.
        operation: &'static Operation,
        /// AWS's code.
        code: String,
        /// AWS's words, safe to show.
        message: String,
    },
    /// There was no answer, or none that could be read.
    Unanswered {
        /// What was called.
        operation: &'static Operation,
        /// What happened instead.
        reason: String,
    },
    /// It would cost more than the user allows.
    TooDear(String),
    /// The user wants to stop.
    Interrupted,
    /// The case cannot be written.
    Disk(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Disk(error)
    }
}

impl Failure {
    /// AWS's code, where it gave one.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Aws { code, .. } => code,
            _ => "",
        }
    }

    /// Whether the identity may not: another may.
    pub(super) fn is_denied(&self) -> bool {
        is_any(self.code(), DENIED)
    }

    /// What becomes of a part that fails so: what AWS said no to is refused, all else may yet be brought.
    pub(super) fn state(&self) -> State {
        match self {
            Self::Aws { code, .. } if [THROTTLES, BUSY, FAULTS, EXPIRED].iter().all(|it| !is_any(code, it)) => State::Refused,
            _ => State::Missing,
        }
    }

    /// For people: AWS's words, and what would help.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Aws { operation, code, message } => {
                let help = if self.is_denied() {
                    format!("; casefile needs {}", operation.statement())
                } else if is_any(code, EXPIRED) {
                    format!("; {LOG_IN}")
                } else {
                    String::new()
                };
                format!("{} answered {code}: {message}{help}", operation.name)
            }
            Self::Unanswered { operation, reason } if reason.contains(NO_LOGIN) => {
                format!("{} was not sent: {reason}; {LOG_IN}", operation.name)
            }
            Self::Unanswered { operation, reason } => format!("{} brought no answer: {reason}", operation.name),
            Self::TooDear(reason) => reason.clone(),
            Self::Interrupted => "interrupted".to_owned(),
            Self::Disk(error) => error.to_string(),
        }
    }
}

fn is_any(code: &str, codes: &[&str]) -> bool {
    codes.contains(&code)
}

/// An answer: as the SDK reads it, and as it came.
#[derive(Debug)]
pub(super) struct Answer<T> {
    /// As the SDK reads it.
    pub(super) output: T,
    /// The body, byte for byte.
    pub(super) bytes: Vec<u8>,
}

/// What the calls of one part cost.
#[derive(Debug, Default)]
struct Tally {
    calls: AtomicU64,
    throttles: AtomicU64,
    waited_millis: AtomicU64,
}

/// What a collector works with: the session, and the bill of the part it works on.
#[derive(Clone, Debug)]
pub(super) struct Context {
    /// What all collectors share.
    pub(super) session: Arc<Session>,
    tally: Arc<Tally>,
}

impl Context {
    /// For one part.
    pub(super) fn new(session: &Arc<Session>) -> Self {
        Self { session: Arc::clone(session), tally: Arc::default() }
    }

    /// What its calls cost since it was last asked.
    pub(super) fn bill(&self) -> Bill {
        Bill {
            calls: self.tally.calls.swap(0, Ordering::Relaxed),
            throttles: self.tally.throttles.swap(0, Ordering::Relaxed),
            waited_millis: self.tally.waited_millis.swap(0, Ordering::Relaxed),
        }
    }

    /// Calls an operation: `send` builds the request, hangs the tap in, and sends it.
    pub(super) async fn call<T, E, F>(&self, operation: &'static Operation, send: impl Fn(Tap) -> F) -> Result<Answer<T>, Failure>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let mut tries = 0;
        loop {
            self.turn(operation).await?;
            let tap = Tap { context: self.clone(), operation, body: Arc::default() };
            // A call under way is never dropped: a query that it started could no longer be stopped.
            let failure = match send(tap.clone()).await {
                Ok(output) => {
                    self.session.unanswered.store(0, Ordering::Relaxed);
                    self.session.hear(operation, None);
                    return Ok(Answer { output, bytes: tap.body() });
                }
                Err(error) => failure(operation, &error),
            };
            let failure = self.placed(failure);
            if tries >= self.tries(operation, &failure) {
                if matches!(failure, Failure::Unanswered { .. }) {
                    self.session.unanswered.fetch_add(1, Ordering::Relaxed);
                }
                self.session.hear(operation, Some(&failure));
                return Err(failure);
            }
            if is_any(failure.code(), BUSY) {
                self.count_throttle(operation);
            }
            let base = self.session.ways.base_delay;
            self.pause(pacing::backoff(tries, base, base.saturating_mul(LONGEST_WAIT), chance())).await?;
            tries += 1;
        }
    }

    /// Says where nobody answered.
    fn placed(&self, failure: Failure) -> Failure {
        let config = &self.session.config;
        let region = || format!("region {}", config.region().map_or("unknown", |it| it.as_ref()));
        match failure {
            Failure::Unanswered { operation, reason } => {
                let place = config.endpoint_url().map_or_else(region, |it| format!("endpoint {}", text::safe(it, 200)));
                Failure::Unanswered { operation, reason: format!("{reason} ({place})") }
            }
            other => other,
        }
    }

    /// How often a call that failed so is tried again.
    fn tries(&self, operation: &Operation, failure: &Failure) -> u32 {
        match failure {
            Failure::Aws { code, .. } if is_any(code, BUSY) => TRIES_WHEN_BUSY,
            Failure::Aws { code, .. } if failure.state() == State::Refused || is_any(code, EXPIRED) => 0,
            Failure::Unanswered { reason, .. } if reason.contains(NO_LOGIN) => 0,
            // Where nobody has answered for long, not every part waits as long again.
            Failure::Unanswered { .. } if operation.optional || self.session.unanswered.load(Ordering::Relaxed) >= SILENCES => 1,
            _ => TRIES,
        }
    }

    /// Calls once, also when the user wants to stop, and forgets what comes of it: to leave nothing running behind.
    pub(super) async fn farewell<T, E>(&self, operation: &'static Operation, send: impl AsyncFnOnce(Tap) -> Result<T, SdkError<E>>) {
        let tap = Tap { context: self.clone(), operation, body: Arc::default() };
        // Whether it was in time changes nothing of what the case holds.
        tokio::time::timeout(FAREWELL, send(tap)).await.map(drop).unwrap_or_default();
    }

    /// Waits until the operation may be called.
    async fn turn(&self, operation: &'static Operation) -> Result<(), Failure> {
        let wait = self.session.with_bucket(operation, Bucket::take);
        self.pause(wait).await
    }

    /// Waits, unless the user wants to stop.
    pub(super) async fn pause(&self, wait: Duration) -> Result<(), Failure> {
        let mut stop = self.session.stop.clone();
        if *stop.borrow() {
            return Err(Failure::Interrupted);
        }
        if wait.is_zero() {
            return Ok(());
        }
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.tally.waited_millis.fetch_add(millis, Ordering::Relaxed);
        self.session.progress.waited_millis.fetch_add(millis, Ordering::Relaxed);
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            // The sender lives as long as the session: an error cannot come, and would mean the end too.
            _ = stop.wait_for(|it| *it) => Err(Failure::Interrupted),
        }
    }

    /// Whether so many bytes more may be scanned.
    pub(super) fn afford(&self, more: u64) -> Result<(), Failure> {
        let scanned = self.session.progress.scanned_bytes.load(Ordering::Relaxed);
        match self.session.ways.most_scan_bytes {
            Some(most) if scanned.saturating_add(more) > most => Err(Failure::TooDear(format!(
                "--max-scan-gb: {scanned} bytes were scanned, about {more} more are needed, {most} are allowed"
            ))),
            _ => Ok(()),
        }
    }

    fn count_call(&self) {
        self.tally.calls.fetch_add(1, Ordering::Relaxed);
        self.session.progress.calls.fetch_add(1, Ordering::Relaxed);
    }

    fn count_throttle(&self, operation: &'static Operation) {
        self.tally.throttles.fetch_add(1, Ordering::Relaxed);
        self.session.progress.throttles.fetch_add(1, Ordering::Relaxed);
        self.session.with_bucket(operation, Bucket::throttled);
    }
}

pub(crate) fn failure<E>(operation: &'static Operation, error: &SdkError<E>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let told = error.as_service_error().map(|it| (it.code(), it.message()));
    // S3 says where a bucket lies in a header alone.
    let region = error.raw_response().and_then(|it| it.headers().get("x-amz-bucket-region"));
    match told {
        Some((Some(code), message)) => {
            let place = region.map_or(String::new(), |it| format!(" (the bucket is in {it})"));
            let message = format!("{}{place}", message.unwrap_or("no message"));
            Failure::Aws { operation, code: text::safe(code, 100), message: text::safe(&message, REASON_CHARS) }
        }
        _ => Failure::Unanswered { operation, reason: text::safe(&text::one_line(&causes(error)), REASON_CHARS) },
    }
}

/// An error and what caused it, as a sentence.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |it| it.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A number between 0 and 1 that nobody can tell beforehand.
#[expect(clippy::cast_precision_loss, reason = "chance need not be exact")]
fn chance() -> f64 {
    (RandomState::new().hash_one(0_u8) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Sits in the SDK and sees every attempt: counts it, tells the pace of a throttle, and keeps the body of the answer.
#[derive(Clone)]
pub(super) struct Tap {
    context: Context,
    operation: &'static Operation,
    body: Arc<Mutex<Vec<u8>>>,
}

impl fmt::Debug for Tap {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tap").field("operation", &self.operation.name).finish_non_exhaustive()
    }
}

impl Tap {
    fn body(&self) -> Vec<u8> {
        std::mem::take(&mut *self.body.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Intercept for Tap {
    fn name(&self) -> &'static str {
        "casefile"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.context.count_call();
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        if context.response().status().is_success() {
            self.context.session.progress.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
            self.context.session.with_bucket(self.operation, |bucket, _| bucket.went_well());
            *self.body.lock().unwrap_or_else(PoisonError::into_inner) = body.to_vec();
        } else {
            let head = String::from_utf8_lossy(body.get(..2_000).unwrap_or(body));
            let kind = context.response().headers().get("x-amzn-errortype").unwrap_or_default();
            if context.response().status().as_u16() == 429 || THROTTLES.iter().any(|it| head.contains(it) || kind.contains(it)) {
                self.context.count_throttle(self.operation);
            }
        }
        Ok(())
    }
}
