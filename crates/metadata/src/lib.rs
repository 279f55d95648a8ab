//! The metadata store port: etcd, embedded, memory; one file per key family.
//!
//! The port carries bytes and versions, never Kafka meaning. What the keys mean lies in [`families`], on top of it.

pub mod embedded;
pub mod etcd;
pub mod families;
mod limits;
mod machine;
pub mod memory;
mod open;
pub mod port;

pub use embedded::EmbeddedStore;
pub use etcd::{EtcdAccess, EtcdOptions, EtcdStore, EtcdTls, EtcdTlsError, EtcdTlsFiles};
pub use memory::MemoryStore;
pub use open::{open, open_to_read};
pub use port::{
    Compare, Entry, Event, EventKind, Lease, MetadataError, MetadataStore, Operation, Outcome,
    Range, RangeQuery, Reply, Revision, Transaction, Watch, prefix_end,
};
