//! Upkeep: what happens to a log beside appends and reads. Each piece is a pure choice and a thin worker.

pub(crate) mod log_start;

use crate::{engine::Engine, pipeline::ActiveSession};
use std::sync::Arc;

/// Starts the upkeep tasks of `session`.
pub(crate) fn start(engine: &Arc<Engine>, session: &Arc<ActiveSession>) {
    let _ = (engine, session);
}
