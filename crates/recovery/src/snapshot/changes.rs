//! [`of_topics`]: what a snapshot is wanted soon for: nothing but a snapshot has a topic's name, size and settings.

use crate::Stores;
use metadata::{MetadataError, Revision};
use std::future::pending;

/// Comes back once a topic or a setting changed behind `from`; never when that can't be told: then the next snapshot comes in its time.
pub(super) async fn of_topics(stores: &Stores, from: Revision) {
    match follow(stores, from.next()).await {
        Ok(()) => {}
        Err(error) => {
            tracing::debug!(%error, "changes of topics can't be followed now");
            pending::<()>().await;
        }
    }
}

async fn follow(stores: &Stores, from: Revision) -> Result<(), MetadataError> {
    let keys = &stores.keys;
    let mut topics = stores.metadata.watch(keys.topics(), from).await?;
    let mut settings = stores.metadata.watch(keys.all_configs(), from).await?;
    loop {
        let events = tokio::select! {
            events = topics.next() => events?,
            events = settings.next() => events?,
        };
        if !events.is_empty() {
            return Ok(());
        }
    }
}
