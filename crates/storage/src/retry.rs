//! Attempts: each with a time limit, repeated with growing pauses until the call's limit.

use crate::{
    ObjectError, ObjectErrorKind, Operation,
    counts::{Counters, Outcome},
    store::Failure,
};
use futures::future::BoxFuture;
use runtime::{Backoff, Randomness};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// The pause after a first failed attempt, and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(30);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Transfer rate below which a large request counts as stuck, in bytes per second.
const SLOWEST_TRANSFER: u64 = 4 << 20;

/// More than the largest object that is ever moved by one request, in bytes.
const LARGEST_TRANSFER: u64 = 256 << 20;

/// How calls are repeated.
#[derive(Clone, Debug)]
pub(crate) struct Retry {
    pub attempt_timeout: Duration,
    pub call_timeout: Duration,
    pub randomness: Randomness,
    /// Where attempts are counted, unless the wire does.
    pub counters: Option<Arc<Counters>>,
}

/// What is asked for, for limits and messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub operation: Operation,
    pub name: &'a str,
    /// Bytes that the request moves, as far as known.
    pub bytes: u64,
}

impl Retry {
    /// Calls `attempt` until it succeeds, is refused, or the call's limit is reached.
    pub async fn call<'a, T>(
        &self,
        request: Request<'_>,
        attempt: impl Fn() -> BoxFuture<'a, Result<T, Failure>>,
    ) -> Result<T, ObjectError> {
        let allowance = Duration::from_secs(request.bytes.min(LARGEST_TRANSFER) / SLOWEST_TRANSFER);
        let deadline = Instant::now() + self.call_timeout + allowance;
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, self.randomness.clone());
        let mut attempts = 1;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let limit = (self.attempt_timeout + allowance).min(left);
            let answer = within(limit, attempt()).await;
            self.count(request.operation, &answer);
            let failure = match answer {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            let pause = backoff.next_pause();
            let give_up = Instant::now() + pause >= deadline;
            if failure.kind != ObjectErrorKind::Unavailable || give_up {
                return Err(error(request, attempts, failure));
            }
            tracing::debug!(
                operation = request.operation.as_str(),
                object = request.name,
                attempts,
                reason = failure.reason,
                "object request is tried again"
            );
            sleep(pause).await;
            attempts += 1;
        }
    }

    fn count<T>(&self, operation: Operation, answer: &Result<T, Failure>) {
        let outcome = match answer {
            Ok(_) => Outcome::Ok,
            Err(failure) if failure.kind == ObjectErrorKind::Unavailable => Outcome::Failed,
            Err(_) => Outcome::Refused,
        };
        if let Some(counters) = &self.counters {
            counters.count(operation, outcome);
        }
    }
}

async fn within<T>(
    limit: Duration,
    attempt: BoxFuture<'_, Result<T, Failure>>,
) -> Result<T, Failure> {
    timeout(limit, attempt).await.unwrap_or_else(|_| {
        let reason = format!("no answer within {} ms", limit.as_millis());
        Err(Failure::new(ObjectErrorKind::Unavailable, reason))
    })
}

fn error(request: Request<'_>, attempts: u32, failure: Failure) -> ObjectError {
    let reason = match attempts {
        1 => failure.reason,
        _ => format!("{} ({attempts} attempts)", failure.reason),
    };
    ObjectError {
        operation: request.operation.as_str(),
        name: request.name.to_owned(),
        kind: failure.kind,
        reason,
    }
}
