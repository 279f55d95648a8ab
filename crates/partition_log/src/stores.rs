//! [`Stores`]: where a cluster lies. All that reading what is stored needs, without a broker.

use metadata::{MetadataStore, families::Keys};
use std::sync::Arc;
use storage::Objects;

/// The stores of a cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stores {
    /// The metadata store.
    pub metadata: Arc<dyn MetadataStore>,
    /// Key prefix of the cluster in it.
    pub keys: Keys,
    /// The object store.
    pub objects: Objects,
}
