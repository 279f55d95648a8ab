//! [`PublishedKeys`]: the keys in force, between who fetches them and who checks tokens with them.

use super::KeySet;
use std::sync::Arc;
use tokio::sync::{Notify, watch};

/// The keys in force; a clone has the same. None until some are published, so nobody is let in before.
#[derive(Clone, Debug, Default)]
pub struct PublishedKeys(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    keys: watch::Sender<Arc<KeySet>>,
    wanted: Notify,
}

impl PublishedKeys {
    /// Puts keys in force, in place of those before.
    pub fn publish(&self, keys: KeySet) {
        self.0.keys.send_replace(Arc::new(keys));
    }

    /// Whether none were published.
    pub fn is_empty(&self) -> bool {
        self.current().is_empty()
    }

    /// Waits until a log-in needs a key that there is not, since this was last waited for.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn wanted(&self) {
        self.0.wanted.notified().await;
    }

    /// The keys in force.
    pub(super) fn current(&self) -> Arc<KeySet> {
        Arc::clone(&self.0.keys.borrow())
    }

    /// Says that a key is missing, and waits until keys are published.
    pub(super) async fn newer(&self) {
        let mut published = self.0.keys.subscribe();
        self.0.wanted.notify_one();
        // It can't be closed: the sender is here.
        let _ = published.changed().await;
    }
}
