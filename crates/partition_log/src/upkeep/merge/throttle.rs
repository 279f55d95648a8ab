//! [`Throttle`]: how fast upkeep may read and write. Pure.

use std::time::Duration;

/// Counts bytes against a rate; one that was over it waits until the rate has caught up.
#[derive(Debug)]
pub(crate) struct Throttle {
    bytes_per_second: Option<u64>,
    /// When everything counted so far is paid for, since an arbitrary start.
    paid_at: Duration,
}

impl Throttle {
    /// At most so many bytes a second; `None` is no limit.
    pub(crate) fn new(bytes_per_second: Option<u64>) -> Self {
        Self { bytes_per_second, paid_at: Duration::ZERO }
    }

    /// Counts `bytes`; answers how long to pause from `now` on.
    pub(crate) fn count(&mut self, bytes: u64, now: Duration) -> Duration {
        let Some(rate) = self.bytes_per_second else { return Duration::ZERO };
        let takes = Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64);
        self.paid_at = self.paid_at.max(now) + takes;
        self.paid_at.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn bytes_take_as_long_as_the_rate_says() {
        let mut throttle = Throttle::new(Some(1_000));
        assert_eq!(throttle.count(500, SECOND), SECOND / 2);
        assert_eq!(throttle.count(1_500, SECOND), SECOND * 2);
        assert_eq!(throttle.count(1_000, SECOND * 3), SECOND);
    }

    #[test]
    fn time_without_work_is_not_saved_up() {
        let mut throttle = Throttle::new(Some(1_000));
        throttle.count(1_000, SECOND);
        assert_eq!(throttle.count(1_000, SECOND * 100), SECOND);
    }

    #[test]
    fn without_a_rate_nobody_waits() {
        assert_eq!(Throttle::new(None).count(u64::MAX, SECOND), Duration::ZERO);
    }
}
