//! [`MemoryWatch`]: reads the store's history forward, and sleeps until there is more of it.

use super::Shared;
use crate::{Event, MetadataError, Revision, Watch};
use async_trait::async_trait;
use bytes::Bytes;
use runtime::BootTime;
use std::{sync::Arc, time::Duration};

#[derive(Debug)]
pub(super) struct MemoryWatch {
    shared: Arc<Shared>,
    prefix: Bytes,
    next: Revision,
    /// Another number than the store's: a fault has cut this watch off.
    generation: u64,
    changes: tokio::sync::watch::Receiver<u64>,
}

impl MemoryWatch {
    pub(super) fn new(shared: Arc<Shared>, prefix: Bytes, from: Revision) -> Self {
        let generation = shared.state.lock().watch_generation;
        let changes = shared.changes.subscribe();
        // Revision 0 is before the first change: there is nothing at it that could be lost.
        Self { shared, prefix, next: from.max(Revision(1)), generation, changes }
    }

    /// What there is by now; otherwise, when a lease ends next.
    fn poll(&mut self) -> Result<Result<Vec<Event>, Option<BootTime>>, MetadataError> {
        let shared = self.shared.clone();
        shared.with(|state| {
            if state.watch_generation != self.generation {
                return Err(MetadataError::Compacted(state.machine.revision()));
            }
            let changes = state.machine.events(&self.prefix, self.next)?;
            self.next = changes.next;
            Ok(match changes.events {
                events if events.is_empty() => Err(state.machine.next_expiry()),
                events => Ok(events),
            })
        })
    }
}

#[async_trait]
impl Watch for MemoryWatch {
    async fn next(&mut self) -> Result<Vec<Event>, MetadataError> {
        let mut frozen = self.shared.frozen.subscribe();
        loop {
            // The sender lives as long as `shared`, which this watch holds.
            let _ = frozen.wait_for(|frozen| !frozen).await;
            self.changes.mark_unchanged();
            let expiry = match self.poll()? {
                Ok(events) => return Ok(events),
                Err(expiry) => expiry,
            };
            let pause = expiry.map(|expiry| expiry.since(self.shared.clock.boot_time()));
            tokio::select! {
                _ = self.changes.changed() => {}
                () = sleep(pause) => {}
            }
        }
    }
}

/// Sleeps for `pause`, for ever without one.
async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}
