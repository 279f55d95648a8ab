//! [`Pace`]: when the next request is due. Pure: the caller brings the time.
//!
//! Open loop: due times lie on a fixed grid whatever the broker does, and latency counts from them, so that a request that had to wait
//! behind a slow one counts its waiting (no coordinated omission).

use runtime::BootTime;
use std::time::Duration;

/// When requests of one connection are due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// As soon as the window has room.
    Unlimited,
    /// One each `interval`.
    Every {
        /// When the next one is due.
        next: BootTime,
        /// The time between two.
        interval: Duration,
    },
}

impl Pace {
    /// `bytes_per_second` in requests of `request_bytes`, spread over `lanes` connections of which this is number `lane`.
    pub(crate) fn new(
        bytes_per_second: Option<f64>,
        request_bytes: usize,
        (lane, lanes): (usize, usize),
        start: BootTime,
    ) -> Self {
        let Some(rate) = bytes_per_second else { return Self::Unlimited };
        let between = Duration::from_secs_f64(request_bytes as f64 / rate);
        Self::Every { next: start.plus(between * lane as u32), interval: between * lanes as u32 }
    }

    /// The time that the next request's latency counts from, when it may be sent at `now`.
    pub(crate) fn due(self, now: BootTime) -> Option<BootTime> {
        match self {
            Self::Unlimited => Some(now),
            Self::Every { next, .. } => (next <= now).then_some(next),
        }
    }

    /// How long after `now` the next request is due.
    pub(crate) fn wait(self, now: BootTime) -> Duration {
        match self {
            Self::Unlimited => Duration::ZERO,
            Self::Every { next, .. } => next.since(now),
        }
    }

    /// A request was sent.
    pub(crate) fn advance(&mut self) {
        if let Self::Every { next, interval } = self {
            *next = next.plus(*interval);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> BootTime {
        BootTime(Duration::from_millis(milliseconds))
    }

    #[test]
    fn a_late_request_keeps_its_due_time() {
        let mut pace = Pace::new(Some(1_000_000.0), 10_000, (0, 1), at(100));
        assert_eq!(pace.due(at(100)), Some(at(100)));
        pace.advance();
        assert_eq!(pace.due(at(105)), None);
        assert_eq!(pace.wait(at(105)), Duration::from_millis(5));
        assert_eq!(pace.due(at(500)), Some(at(110)));
    }

    #[test]
    fn connections_share_the_rate_and_take_turns() {
        let mut second = Pace::new(Some(1_000_000.0), 10_000, (1, 4), at(0));
        assert_eq!(second.due(at(10)), Some(at(10)));
        second.advance();
        assert_eq!(second.due(at(50)), Some(at(50)));
    }

    #[test]
    fn without_a_rate_everything_is_due_now() {
        assert_eq!(Pace::new(None, 1, (0, 1), at(0)).due(at(7)), Some(at(7)));
    }
}
