//! Upkeep: what happens to a log beside appends and reads. Each piece is a pure choice and a thin worker.

mod compaction;
mod garbage;
pub(crate) mod log_start;
mod merge;
mod retention;

pub(crate) use garbage::{note_garbage, notes as garbage_notes};
pub(crate) use merge::Throttle;

use crate::{engine::Engine, pipeline::ActiveSession};
use std::sync::Arc;

/// Starts the upkeep tasks of `session`.
pub(crate) fn start(engine: &Arc<Engine>, session: &Arc<ActiveSession>) {
    session.spawn("garbage", garbage::collect(Arc::clone(engine), Arc::clone(session)));
    merge::start(engine, session);
    session.spawn("retention", retention::retain(Arc::clone(engine), Arc::clone(session)));
}
