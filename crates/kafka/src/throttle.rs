//! [`Throttles`]: how long clients are made to wait who go faster than their quotas (KIP-13, KIP-219).
//!
//! A client is answered at once, is told how long it is to wait, and its connection is not read until then. What it may do fills up
//! evenly, for one second at most; what it does beyond that is made up for by waiting. Each broker counts for itself, as in Kafka.

use parking_lot::Mutex;
use security::quota::{Limit, Quotas};
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;

/// The longest that a client is made to wait at once: as long as Kafka's window of samples.
const PATIENCE_MAX: Duration = Duration::from_secs(10);

/// Allowances that are kept; beyond them those that are full again are forgotten.
const KEPT: usize = 4096;

/// Who is counted together: a quota's key, a user, a client id.
type Who = (&'static str, Option<String>, Option<String>);

/// What clients have left of their quotas.
#[derive(Debug, Default)]
pub(crate) struct Throttles(Mutex<HashMap<Who, Allowance>>);

/// What somebody may still do at once.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    /// Below nothing when it was exceeded.
    left: f64,
    at: Instant,
    rate: f64,
}

impl Allowance {
    fn full(rate: f64) -> Self {
        Self { left: rate, at: Instant::now(), rate }
    }

    /// As of now, under a rate that may have changed.
    fn renewed(self, rate: f64) -> Self {
        let now = Instant::now();
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        Self { left: (self.left + elapsed * rate).min(rate), at: now, rate }
    }

    /// How long it takes until something may be done again.
    fn wait(&self) -> Duration {
        if self.left >= 0.0 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64(-self.left / self.rate)
            .unwrap_or(PATIENCE_MAX)
            .min(PATIENCE_MAX)
    }

    fn is_full(&self) -> bool {
        self.renewed(self.rate).left >= self.rate
    }
}

impl Throttles {
    /// Counts `amount` that somebody did; answers how long they are to wait.
    pub(crate) fn count(
        &self,
        quotas: &Quotas,
        key: &'static str,
        (user, client_id): (&str, &str),
        amount: usize,
    ) -> Duration {
        let Some(limit) = quotas.find(key, user, client_id) else { return Duration::ZERO };
        let mut kept = self.0.lock();
        if kept.len() >= KEPT {
            kept.retain(|_, allowance| !allowance.is_full());
        }
        let allowance = kept
            .entry(who(key, limit, user, client_id))
            .or_insert_with(|| Allowance::full(limit.rate));
        *allowance = allowance.renewed(limit.rate);
        allowance.left -= amount as f64;
        allowance.wait()
    }

    /// How much may be given to somebody at once, in bytes; `None` is without limit.
    pub(crate) fn most(
        &self,
        quotas: &Quotas,
        key: &'static str,
        (user, client_id): (&str, &str),
    ) -> Option<usize> {
        let limit = quotas.find(key, user, client_id)?;
        let kept = self.0.lock();
        let allowance = kept.get(&who(key, limit, user, client_id));
        let left = allowance.map_or(limit.rate, |it| it.renewed(limit.rate).left);
        Some(left.max(0.0) as usize)
    }
}

fn who(key: &'static str, limit: Limit, user: &str, client_id: &str) -> Who {
    let user = limit.of_user.then(|| user.to_owned());
    (key, user, limit.of_client_id.then(|| client_id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use security::quota::{Entity, PRODUCER_BYTE_RATE, Which};

    const KEY: &str = PRODUCER_BYTE_RATE;

    fn quotas(user: Option<Which>, client_id: Option<Which>, rate: f64) -> Quotas {
        [(Entity { user, client_id }, KEY.to_owned(), rate)].into_iter().collect()
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_as_told_goes_as_fast_as_the_quota() {
        let throttles = Throttles::default();
        let quotas = quotas(Some(Which::Default), None, 1000.0);
        let started = Instant::now();
        for _ in 0..200 {
            let wait = throttles.count(&quotas, KEY, ("alice", "app"), 333);
            tokio::time::sleep(wait).await;
        }
        let rate = 333.0 * 200.0 / started.elapsed().as_secs_f64();
        assert!((950.0..=1050.0).contains(&rate), "{rate}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_counted_together_is_what_the_quota_says() {
        let waits = |quotas: &Quotas| {
            let throttles = Throttles::default();
            throttles.count(quotas, KEY, ("alice", "one"), 3000);
            let wait = |user, client| !throttles.count(quotas, KEY, (user, client), 1).is_zero();
            [wait("alice", "one"), wait("alice", "two"), wait("bob", "one"), wait("bob", "two")]
        };
        let default = || Some(Which::Default);
        assert_eq!(waits(&quotas(default(), None, 1000.0)), [true, true, false, false]);
        assert_eq!(waits(&quotas(None, default(), 1000.0)), [true, false, true, false]);
        assert_eq!(waits(&quotas(default(), default(), 1000.0)), [true, false, false, false]);
        assert_eq!(waits(&Quotas::default()), [false; 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_ten_seconds_at_once() {
        let throttles = Throttles::default();
        let quotas = quotas(Some(Which::Default), None, 1000.0);
        let wait = throttles.count(&quotas, KEY, ("alice", "app"), 1_000_000);
        assert_eq!(wait, PATIENCE_MAX);
        assert_eq!(throttles.most(&quotas, KEY, ("alice", "app")), Some(0));
        assert_eq!(throttles.most(&quotas, KEY, ("bob", "app")), Some(1000));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_is_bounded_by_who_goes_too_fast() {
        let throttles = Throttles::default();
        let quotas = quotas(None, Some(Which::Default), 1000.0);
        for client in 0..3 * KEPT {
            throttles.count(&quotas, KEY, ("alice", &client.to_string()), 1);
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert!(throttles.0.lock().len() <= KEPT);
    }
}
