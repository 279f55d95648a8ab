//! [`ArrivalMeter`]: how fast bytes arrive in the buffer that is being filled.
//!
//! Gaps are measured within one buffer, never across a cut: a producer that waits for its answer before it sends again
//! would otherwise stretch the window by the very wait that the window causes.

use runtime::BootTime;
use std::{collections::VecDeque, time::Duration};

/// The shortest stall window.
const SHORTEST_WINDOW: Duration = Duration::from_millis(2);
/// What comes within this time is one arrival: the batches of a request, above all, whose pauses between requests are what counts.
/// Four of these are the shortest window. It also bounds the meter's memory.
const MOMENT: Duration = Duration::from_micros(500);
/// Arrivals older than this are forgotten.
const MEMORY: Duration = Duration::from_secs(1);
/// Time constant of the sustained rate, in seconds.
const SUSTAINED_OVER_S: f64 = 1.0;

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
pub(crate) struct ArrivalMeter {
    buffer: Option<Buffer>,
    recent: VecDeque<(BootTime, u64)>,
    sustained_rate: f64,
    sustained_at: BootTime,
}

/// The buffer's arrivals so far.
#[derive(Clone, Copy, Debug)]
struct Buffer {
    first: BootTime,
    last: BootTime,
    arrivals: u32,
    bytes: u64,
}

impl ArrivalMeter {
    /// Notes that `bytes` were appended.
    pub(crate) fn record(&mut self, now: BootTime, bytes: u64) {
        let buffer =
            self.buffer.get_or_insert(Buffer { first: now, last: now, arrivals: 0, bytes: 0 });
        buffer.bytes = buffer.bytes.saturating_add(bytes);
        match self.recent.back_mut() {
            Some((moment, sum)) if now.since(*moment) < MOMENT => *sum += bytes,
            _ => {
                buffer.last = now.max(buffer.last);
                buffer.arrivals = buffer.arrivals.saturating_add(1);
                self.recent.push_back((now, bytes));
            }
        }
        while self.recent.front().is_some_and(|&(moment, _)| now.since(moment) > MEMORY) {
            self.recent.pop_front();
        }
        self.sustained_rate = self.decayed_rate(now) + bytes as f64 / SUSTAINED_OVER_S;
        self.sustained_at = now;
    }

    /// Notes that the buffer was cut for a flush: gaps and rates of the next one start anew.
    pub(crate) fn cut(&mut self) {
        self.buffer = None;
        self.recent.clear();
    }

    /// Reads the meter.
    pub(crate) fn arrivals(&self, now: BootTime) -> Arrivals {
        let sustained_rate = self.decayed_rate(now);
        let Some(buffer) = self.buffer else {
            return Arrivals {
                stall_window: SHORTEST_WINDOW,
                sustained_rate,
                ..Arrivals::default()
            };
        };
        let oldest_age = now.since(buffer.first);
        let stall_window = buffer.stall_window();
        let within = |&&(moment, _): &&(BootTime, u64)| now.since(moment) < stall_window;
        Arrivals {
            oldest_age,
            stall_window,
            bytes_in_window: self.recent.iter().rev().take_while(within).map(|&(_, b)| b).sum(),
            buffer_rate: buffer.bytes as f64 / oldest_age.max(MOMENT).as_secs_f64(),
            sustained_rate,
        }
    }

    fn decayed_rate(&self, now: BootTime) -> f64 {
        let elapsed_s = now.since(self.sustained_at).as_secs_f64();
        self.sustained_rate * (-elapsed_s / SUSTAINED_OVER_S).exp()
    }
}

impl Buffer {
    fn stall_window(&self) -> Duration {
        let gaps = self.arrivals.saturating_sub(1).max(1);
        (self.last.since(self.first) * 4 / gaps).max(SHORTEST_WINDOW)
    }
}
