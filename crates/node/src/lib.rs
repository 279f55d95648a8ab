//! One broker, put together from its engines.
//!
//! What it stands on comes from outside ([`Surroundings`]): the binary hands it the machine's clock, disk and network, the simulation its
//! own. Everything between these and the client is the same.

mod console;
mod error;
mod lag;
mod markers;
mod node;
mod options;
mod schema_access;
mod schemas;
mod security;
mod slot_logs;
mod surroundings;
mod wal_slot;
mod wiring;
mod zone_readers;

pub use error::NodeError;
pub use lag::HTTP_LISTENER;
pub use node::Node;
pub use options::flush_budget;
pub use schemas::REGISTRY_ENDPOINT;
pub use surroundings::Surroundings;
