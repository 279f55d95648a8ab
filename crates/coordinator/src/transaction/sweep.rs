//! The sweep: aborts transactions that take too long, forgets ids that nobody uses.

use super::{Event, coordinator::Shared};
use std::{sync::Arc, time::Duration};

/// Sweeps until shutdown.
pub(super) async fn keep(shared: Arc<Shared>) {
    let shutdown = shared.parts.tasks.shutdown();
    let mut until_expiry = shared.options.expiry_interval;
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            () = tokio::time::sleep(shared.options.abort_interval) => {}
        }
        abort_overdue(&shared);
        until_expiry = until_expiry.saturating_sub(shared.options.abort_interval);
        if until_expiry == Duration::ZERO {
            expire(&shared);
            until_expiry = shared.options.expiry_interval;
        }
    }
}

fn abort_overdue(shared: &Arc<Shared>) {
    let now = shared.now();
    for slot in shared.slots.all().0 {
        let overdue = slot.collect(|id, known| {
            known.aborts_at().is_some_and(|at| at <= now).then(|| id.to_owned())
        });
        for id in overdue {
            if slot.journal.admits().is_err() {
                break;
            }
            tracing::info!(transactional_id = id, "a transaction took too long and is aborted");
            metrics::counter!("alluvium_transaction_timeouts_total").increment(1);
            shared.decide(&slot, &id, &Event::Tick, None);
        }
    }
}

fn expire(shared: &Shared) {
    let expiration_ms = shared.options.id_expiration.as_millis() as u64;
    for slot in shared.slots.all().0 {
        if slot.journal.admits().is_ok() {
            slot.expire(expiration_ms, shared.now());
        }
    }
}
