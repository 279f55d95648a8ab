//! Backoff: growing, jittered pauses between attempts.

use crate::Randomness;
use std::time::Duration;

/// Hands out the pause before the next attempt: doubles from `first` to `longest`, each jittered to 50–100%.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
    randomness: Randomness,
}

impl Backoff {
    /// Starts at `first` and never pauses longer than `longest`.
    pub fn new(first: Duration, longest: Duration, randomness: Randomness) -> Self {
        Self { first, longest, next: first, randomness }
    }

    /// The pause before the next attempt.
    pub fn next_pause(&mut self) -> Duration {
        let full = self.next.min(self.longest);
        self.next = full.saturating_mul(2);
        let half_ns = (full / 2).as_nanos() as u64;
        full / 2 + Duration::from_nanos(self.randomness.below(half_ns.max(1)))
    }

    /// Starts over after a success.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}
