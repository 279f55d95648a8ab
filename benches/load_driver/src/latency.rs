//! [`Latency`]: times between two points, as a histogram with three significant digits.

use crate::error::DriverError;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::time::Duration;

const LONGEST_MICROSECONDS: u64 = 600_000_000;

/// A histogram of durations from 1 µs to 10 minutes.
#[derive(Clone, Debug)]
pub(crate) struct Latency(Histogram<u64>);

/// What is printed of it, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) samples: u64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p99_9: f64,
    pub(crate) max: f64,
}

impl Latency {
    pub(crate) fn new() -> Result<Self, DriverError> {
        Histogram::new_with_bounds(1, LONGEST_MICROSECONDS, 3)
            .map(Self)
            .map_err(|_| DriverError::Usage("a histogram that can't be"))
    }

    pub(crate) fn record(&mut self, duration: Duration) {
        self.0.saturating_record(duration.as_micros() as u64);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        // Both have the same bounds, so that it can't fail.
        let _ = self.0.add(&other.0);
    }

    pub(crate) fn percentiles(&self) -> Percentiles {
        let milliseconds = |quantile| self.0.value_at_quantile(quantile) as f64 / 1_000.0;
        Percentiles {
            samples: self.0.len(),
            p50: milliseconds(0.5),
            p99: milliseconds(0.99),
            p99_9: milliseconds(0.999),
            max: self.0.max() as f64 / 1_000.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_milliseconds_of_all_that_was_added() {
        let mut one = Latency::new().unwrap();
        let mut other = Latency::new().unwrap();
        (0..98).for_each(|_| one.record(Duration::from_millis(2)));
        other.record(Duration::from_millis(40));
        other.record(Duration::from_millis(40));
        one.add(&other);
        let found = one.percentiles();
        assert_eq!(found.samples, 100);
        assert!((found.p50 - 2.0).abs() < 0.01 && (found.p99 - 40.0).abs() < 0.05, "{found:?}");
    }
}
