//! [`ArrivalMeter`]: how fast bytes arrive in the buffer that is being filled.
//!
//! A pause between two arrivals counts unless something was answered meanwhile: a producer that waits for its answer before it
//! sends again would otherwise stretch the window by the very wait that the window causes. Pauses count across cuts, so that the
//! first arrival of a buffer does not look like the last of a burst.

use runtime::BootTime;
use std::{collections::VecDeque, time::Duration};

/// The shortest stall window.
const SHORTEST_WINDOW: Duration = Duration::from_millis(2);
/// What comes within this time is one arrival: the batches of a request, above all, whose pauses between requests are what counts.
/// Four of these are the shortest window. It also bounds the meter's memory.
const MOMENT: Duration = Duration::from_micros(500);
/// Arrivals and pauses older than this are forgotten.
const MEMORY: Duration = Duration::from_secs(1);
/// The share of the latest pause in the mean of them.
const LATEST_PAUSE: f64 = 0.125;
/// Time constant of the sustained rate, in seconds.
const SUSTAINED_OVER_S: f64 = 1.0;

/// What the meter reads at one moment.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Arrivals {
    /// Age of the buffer's first arrival; zero when there is none.
    pub(crate) oldest_age: Duration,
    /// `max(2 ms, 4 × mean pause)` between arrivals.
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
    pauses: Pauses,
    sustained_rate: f64,
    sustained_at: BootTime,
}

/// The buffer's arrivals so far.
#[derive(Clone, Copy, Debug)]
struct Buffer {
    first: BootTime,
    bytes: u64,
}

/// Pauses between arrivals that ended by themselves.
#[derive(Clone, Copy, Debug, Default)]
struct Pauses {
    last_arrival: Option<BootTime>,
    answered_since: bool,
    /// Their mean, and when it was last told of one.
    mean: Option<(Duration, BootTime)>,
}

impl ArrivalMeter {
    /// Notes that `bytes` were appended.
    pub(crate) fn record(&mut self, now: BootTime, bytes: u64) {
        let buffer = self.buffer.get_or_insert(Buffer { first: now, bytes: 0 });
        buffer.bytes = buffer.bytes.saturating_add(bytes);
        match self.recent.back_mut() {
            Some((moment, sum)) if now.since(*moment) < MOMENT => *sum += bytes,
            _ => {
                self.pauses.arrival(now);
                self.recent.push_back((now, bytes));
            }
        }
        while self.recent.front().is_some_and(|&(moment, _)| now.since(moment) > MEMORY) {
            self.recent.pop_front();
        }
        self.sustained_rate = self.decayed_rate(now) + bytes as f64 / SUSTAINED_OVER_S;
        self.sustained_at = now;
    }

    /// Notes that producers are being answered: what comes next may come because of that.
    pub(crate) fn answered(&mut self) {
        self.pauses.answered_since = true;
    }

    /// Notes that the buffer was cut for a flush: the rate of the next one starts anew.
    pub(crate) fn cut(&mut self) {
        self.buffer = None;
        self.recent.clear();
    }

    /// Reads the meter.
    pub(crate) fn arrivals(&self, now: BootTime) -> Arrivals {
        let sustained_rate = self.decayed_rate(now);
        let stall_window =
            (self.pauses.mean_lately(now).unwrap_or_default() * 4).max(SHORTEST_WINDOW);
        let Some(buffer) = self.buffer else {
            return Arrivals { stall_window, sustained_rate, ..Arrivals::default() };
        };
        let oldest_age = now.since(buffer.first);
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

impl Pauses {
    fn arrival(&mut self, now: BootTime) {
        let pause = self.last_arrival.map(|last| now.since(last)).filter(|&pause| pause <= MEMORY);
        if let Some(pause) = pause.filter(|_| !self.answered_since) {
            let known = self.mean_lately(now).unwrap_or(pause);
            let mean = known.mul_f64(1.0 - LATEST_PAUSE) + pause.mul_f64(LATEST_PAUSE);
            self.mean = Some((mean, now));
        }
        self.last_arrival = Some(now);
        self.answered_since = false;
    }

    /// `None` when none ended lately: producers that wait for each answer leave no pause that counts.
    fn mean_lately(&self, now: BootTime) -> Option<Duration> {
        self.mean.filter(|(_, noted)| now.since(*noted) <= MEMORY).map(|(mean, _)| mean)
    }
}
