//! When to flush: a pure decision (DESIGN 4.4).
//!
//! While data keeps arriving, a flush waits for size or age. It goes at once when somebody waits and arrival *stalls*: the
//! producers' windows are known to be full, or silence says so, and waiting gains nothing. Requests are budgeted; an idle broker sends nothing.
//!
//! The flush task keeps an [`ArrivalMeter`] (told of every append, and of every cut) and a [`RequestBudget`], makes a
//! [`FlushState`] of them, and does what [`decide`] says. [`Decision`] says when to decide anew.

mod arrival_meter;
mod request_budget;

pub(crate) use arrival_meter::{ArrivalMeter, Arrivals};
pub(crate) use request_budget::RequestBudget;

use std::time::Duration;

/// Limits of the schedule, from the engine's options.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct FlushPolicy {
    /// `flush.max.bytes`.
    pub(crate) max_bytes: u64,
    /// `flush.max.interval`.
    pub(crate) max_interval: Duration,
    /// `flush.max.interval.idle`: for data that nobody waits for.
    pub(crate) idle_interval: Duration,
    /// Uploads in flight at most.
    pub(crate) uploads_max: usize,
}

/// What a decision rests on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct FlushState {
    /// Bytes appended since the last cut.
    pub(crate) buffered_bytes: u64,
    /// Whether an append among them waits for its commit.
    pub(crate) awaited: bool,
    /// Whether nobody can send more before an answer ([`crate::producer_windows`]).
    pub(crate) windows_full: bool,
    /// How they arrived: [`ArrivalMeter::arrivals`].
    pub(crate) arrivals: Arrivals,
    /// Uploads under way.
    pub(crate) uploads_in_flight: usize,
    /// Until the request budget holds a whole token: [`RequestBudget::wait`]; zero when it does.
    pub(crate) budget_wait: Duration,
}

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Decision {
    /// Cut the buffer and upload it; [`RequestBudget::spend`] a token.
    FlushNow(FlushReason),
    /// Decide again after this long at the latest: earlier when an append fills the buffer, or is the first that waits.
    WaitFor(Duration),
    /// Decide again when something happens: an append, the end of an upload.
    Nothing,
}

/// Why a flush was cut; a metric label.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum FlushReason {
    /// `flush.max.bytes` was reached.
    Full,
    /// The oldest bytes reached their interval.
    Aged,
    /// Somebody waits and arrival stalled.
    Stalled,
}

/// Decides. A full buffer goes without asking the budget: its size is what the budget is for.
pub(crate) fn decide(policy: &FlushPolicy, state: &FlushState) -> Decision {
    if state.buffered_bytes == 0 || state.uploads_in_flight >= policy.uploads_max {
        return Decision::Nothing;
    }
    if state.buffered_bytes >= policy.max_bytes {
        return Decision::FlushNow(FlushReason::Full);
    }
    let interval = if state.awaited { policy.max_interval } else { policy.idle_interval };
    let due = if state.arrivals.oldest_age >= interval {
        Some(FlushReason::Aged)
    } else {
        stalled(policy, state).then_some(FlushReason::Stalled)
    };
    match due {
        Some(reason) if state.budget_wait.is_zero() => Decision::FlushNow(reason),
        Some(_) => Decision::WaitFor(state.budget_wait),
        None => Decision::WaitFor(until_due(state, interval)),
    }
}

/// Whether somebody waits, and nothing more comes.
fn stalled(policy: &FlushPolicy, state: &FlushState) -> bool {
    state.awaited && (state.windows_full || silent(policy, state))
}

/// Whether bytes have stopped coming.
fn silent(policy: &FlushPolicy, state: &FlushState) -> bool {
    let arrivals = &state.arrivals;
    let expected = arrivals.buffer_rate * arrivals.stall_window.as_secs_f64();
    arrivals.oldest_age >= arrivals.stall_window
        && (arrivals.bytes_in_window as f64) < expected * STALLED_BELOW
        && !too_small_to_pay(policy, state)
}

/// At high rates a small object costs more than the pause saves; for an eighth of the interval it waits to grow.
fn too_small_to_pay(policy: &FlushPolicy, state: &FlushState) -> bool {
    let high_rate = policy.max_bytes as f64 * HIGH_RATE_BUFFERS_PER_SECOND;
    state.arrivals.sustained_rate >= high_rate
        && state.buffered_bytes < policy.max_bytes / SMALL_PART_OF_BUFFER
        && state.arrivals.oldest_age < policy.max_interval / 8
}

/// When the answer may become another one without anything happening.
fn until_due(state: &FlushState, interval: Duration) -> Duration {
    let aged = interval.saturating_sub(state.arrivals.oldest_age);
    if state.awaited { aged.min(state.arrivals.stall_window) } else { aged }
}

/// Arrival has stalled below this part of the buffer's mean rate.
const STALLED_BELOW: f64 = 0.25;
/// A sustained rate that fills so many buffers a second is high.
const HIGH_RATE_BUFFERS_PER_SECOND: f64 = 4.0;
/// A buffer below one part in so many of `flush.max.bytes` is small.
const SMALL_PART_OF_BUFFER: u64 = 16;

#[cfg(test)]
mod tests;
