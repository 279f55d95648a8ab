//! When to flush: a pure decision (DESIGN 4.4).
//!
//! While data keeps arriving, a flush waits for size or age. It goes at once when somebody waits and arrival *stalls*: the
//! producers' windows are full, so waiting gains nothing. Requests are budgeted; an idle broker sends nothing.
//!
//! The flush task keeps an [`ArrivalMeter`] (told of every append, and of every cut) and a [`RequestBudget`], makes a
//! [`FlushState`] of them, and does what [`decide`] says; it decides anew at every append that finds it waiting on
//! `Nothing`, at the end of every upload, and when a wait is over.

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
    /// Decide again after this long at the latest; sooner only if the buffer reaches `max_bytes`.
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

/// Decides.
pub(crate) fn decide(_policy: &FlushPolicy, _state: &FlushState) -> Decision {
    todo!()
}
