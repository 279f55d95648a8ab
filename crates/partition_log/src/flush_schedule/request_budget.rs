//! [`RequestBudget`]: a token bucket over PUT requests.

use runtime::BootTime;
use std::time::Duration;

/// Tokens that refill with time, a quarter of a second's worth at most (and at least one).
#[derive(Clone, Debug)]
pub(crate) struct RequestBudget {}

impl RequestBudget {
    /// A full bucket; `None` is no limit.
    pub(crate) fn new(_requests_per_second: Option<u32>, _now: BootTime) -> Self {
        todo!()
    }

    /// How long until there is a whole token; zero when there is.
    pub(crate) fn wait(&self, _now: BootTime) -> Duration {
        todo!()
    }

    /// Takes a token; an empty bucket stays empty (a full buffer is flushed without asking).
    pub(crate) fn spend(&mut self, _now: BootTime) {
        todo!()
    }
}
