//! [`RequestBudget`]: a token bucket over PUT requests.

use runtime::BootTime;
use std::time::Duration;

/// Tokens that refill with time, a quarter of a second's worth at most (and at least one).
#[derive(Clone, Debug)]
pub(crate) struct RequestBudget {
    limit: Option<Limit>,
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    per_second: f64,
    tokens: f64,
    updated: BootTime,
}

impl RequestBudget {
    /// A full bucket; `None` is no limit. A limit of zero counts as one a second: no limit may stop flushing.
    pub(crate) fn new(requests_per_second: Option<u32>, now: BootTime) -> Self {
        let limit = requests_per_second.map(|rate| {
            let per_second = f64::from(rate.max(1));
            Limit { per_second, tokens: capacity(per_second), updated: now }
        });
        Self { limit }
    }

    /// How long until there is a whole token; zero when there is.
    pub(crate) fn wait(&self, now: BootTime) -> Duration {
        let Some(limit) = self.limit else { return Duration::ZERO };
        let missing = 1.0 - limit.tokens_at(now);
        if missing <= ROUNDING {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(missing / limit.per_second) + Duration::from_nanos(1)
    }

    /// Takes a token; an empty bucket stays empty (a full buffer is flushed without asking).
    pub(crate) fn spend(&mut self, now: BootTime) {
        if let Some(limit) = &mut self.limit {
            limit.tokens = (limit.tokens_at(now) - 1.0).max(0.0);
            limit.updated = now.max(limit.updated);
        }
    }
}

impl Limit {
    fn tokens_at(&self, now: BootTime) -> f64 {
        let refilled = self.tokens + now.since(self.updated).as_secs_f64() * self.per_second;
        refilled.min(capacity(self.per_second))
    }
}

fn capacity(per_second: f64) -> f64 {
    (per_second / 4.0).max(1.0)
}

/// What a sum of refills may lack of a whole token by rounding.
const ROUNDING: f64 = 1e-6;
