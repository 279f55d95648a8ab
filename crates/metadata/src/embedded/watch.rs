//! [`EmbeddedWatch`]: asks the writer for history from its position on, and sleeps until there is more of it.

use super::{Handle, writer::Task};
use crate::{Event, MetadataError, Revision, Watch};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct EmbeddedWatch {
    handle: Arc<Handle>,
    prefix: Bytes,
    next: Revision,
    durable: tokio::sync::watch::Receiver<Revision>,
}

impl EmbeddedWatch {
    pub(super) fn new(handle: Arc<Handle>, prefix: Bytes, from: Revision) -> Self {
        let durable = handle.durable.clone();
        // Revision 0 is before the first change: there is nothing at it that could be lost.
        Self { handle, prefix, next: from.max(Revision(1)), durable }
    }
}

#[async_trait]
impl Watch for EmbeddedWatch {
    async fn next(&mut self) -> Result<Vec<Event>, MetadataError> {
        loop {
            self.durable.mark_unchanged();
            let (prefix, from) = (self.prefix.clone(), self.next);
            let task = |answer| Task::Changes { prefix, from, answer };
            let changes = self.handle.ask(task, MetadataError::Unavailable).await;
            match changes {
                Ok(changes) => {
                    self.next = changes.next;
                    if !changes.events.is_empty() {
                        return Ok(changes.events);
                    }
                }
                Err(compacted @ MetadataError::Compacted(_)) => return Err(compacted),
                // The disk is in trouble; writes say so. There is no change to tell until it is over.
                Err(_) => {}
            }
            if self.durable.changed().await.is_err() {
                // The writer is gone for good: nothing will ever change.
                std::future::pending::<()>().await;
            }
        }
    }
}
