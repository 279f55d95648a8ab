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

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(1);

    fn assert_within_half(pause: Duration, full: Duration) {
        assert!(pause >= full / 2 && pause <= full, "{pause:?} of {full:?}");
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_are_jittered_downwards() {
        let mut backoff = Backoff::new(FIRST, LONGEST, Randomness::seeded(1));
        for full in [1, 2, 4, 8, 10, 10, 10] {
            assert_within_half(backoff.next_pause(), full * FIRST);
        }
    }

    #[test]
    fn a_success_starts_over() {
        let mut backoff = Backoff::new(FIRST, LONGEST, Randomness::seeded(2));
        for _ in 0..5 {
            backoff.next_pause();
        }
        backoff.reset();
        assert_within_half(backoff.next_pause(), FIRST);
    }
}
