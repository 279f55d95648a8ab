//! [`Stores`]: what snapshots are read from and written to.

use metadata::{MetadataStore, families::Keys};
use runtime::{Clock, Randomness};
use std::sync::Arc;
use storage::Objects;

/// A metadata store, an object store, and the rest of the outside world.
#[derive(Clone, Debug)]
pub struct Stores {
    /// The metadata store.
    pub metadata: Arc<dyn MetadataStore>,
    /// The cluster's prefix in it.
    pub keys: Keys,
    /// The bucket.
    pub objects: Objects,
    /// The clock.
    pub clock: Clock,
    /// Randomness, for names of objects.
    pub randomness: Randomness,
}
