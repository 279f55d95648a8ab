//! [`ArrivalMeter`]: how fast bytes arrive in the buffer that is being filled.

use runtime::BootTime;
use std::time::Duration;

/// What the meter reads at one moment.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Arrivals {
    /// Age of the buffer's first arrival; zero when there is none.
    pub(crate) oldest_age: Duration,
    /// `max(2 ms, 4 × mean gap)` between this buffer's arrivals.
    pub(crate) stall_window: Duration,
    /// Bytes that arrived within the stall window.
    pub(crate) bytes_in_window: u64,
    /// Bytes a second since the buffer's first arrival.
    pub(crate) buffer_rate: f64,
    /// Bytes a second over the last second or so, across buffers.
    pub(crate) sustained_rate: f64,
}

/// Measures arrivals.
#[derive(Clone, Debug, Default)]
pub(crate) struct ArrivalMeter {}

impl ArrivalMeter {
    /// Notes that `bytes` were appended.
    pub(crate) fn record(&mut self, _now: BootTime, _bytes: u64) {
        todo!()
    }

    /// Notes that the buffer was cut for a flush: gaps and rates of the next one start anew.
    pub(crate) fn cut(&mut self) {
        todo!()
    }

    /// Reads the meter.
    pub(crate) fn arrivals(&self, _now: BootTime) -> Arrivals {
        todo!()
    }
}
