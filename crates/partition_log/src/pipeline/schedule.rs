//! The scheduler: asks [`decide`] and cuts.

use super::{ActiveSession, InFlight, cut::cut, reread::reread, upload::upload};
use crate::{
    engine::Engine,
    flush_queue::Queued,
    flush_schedule::{Decision, FlushPolicy, FlushReason, FlushState, RequestBudget, decide},
};
use std::sync::{Arc, atomic::Ordering::Relaxed};
use tokio::sync::mpsc;

/// Cuts flushes for as long as the session lasts. The channel's room bounds what is uploaded and not yet committed.
pub(super) async fn schedule(
    engine: Arc<Engine>,
    session: Arc<ActiveSession>,
    flushes: mpsc::Sender<InFlight>,
) {
    let clock = engine.parts.clock.clone();
    let policy = policy(&engine);
    let mut budget =
        RequestBudget::new(engine.options.flush_requests_per_second, clock.boot_time());
    while session.halted().is_none() {
        let queued = engine.flush_queue.look(clock.boot_time());
        let state = FlushState {
            buffered_bytes: queued.bytes,
            awaited: queued.awaited,
            windows_full: engine.producer_windows.are_full(clock.boot_time()),
            arrivals: queued.arrivals,
            uploads_in_flight: session.uploads_in_flight.load(Relaxed),
            budget_wait: budget.wait(clock.boot_time()),
        };
        match decision(&policy, &queued, &state) {
            Decision::FlushNow(reason) => {
                let Ok(room) = flushes.reserve().await else { return };
                budget.spend(clock.boot_time());
                let reread = reread(&engine, engine.options.flush_max_bytes).await;
                if let Some((cut, spans)) = cut(&engine, &session, reason, &reread) {
                    let cut = Arc::new(cut);
                    let upload = upload(&engine, &session, &cut, &spans);
                    room.send(InFlight { cut, upload, spans });
                }
            }
            Decision::WaitFor(pause) => {
                let worth_waking = policy.max_bytes.max(queued.bytes + 1);
                let changed = engine.flush_queue.changed(worth_waking);
                let _ = tokio::time::timeout(pause, changed).await;
            }
            Decision::Nothing => engine.flush_queue.changed(queued.bytes + 1).await,
        }
    }
}

fn decision(policy: &FlushPolicy, queued: &Queued, state: &FlushState) -> Decision {
    match queued.asked {
        true => Decision::FlushNow(FlushReason::Full),
        false => decide(policy, state),
    }
}

fn policy(engine: &Engine) -> FlushPolicy {
    let options = &engine.options;
    FlushPolicy {
        max_bytes: options.flush_max_bytes,
        max_interval: options.flush_max_interval,
        idle_interval: options.flush_idle_interval,
        uploads_max: options.flush_uploads,
    }
}
