//! The metadata store port: etcd, embedded, memory; one file per key family.
//!
//! The port carries bytes and versions, never Kafka meaning. What the keys mean lies in [`families`], on top of it.

pub mod port;

pub use port::{
    Compare, Entry, Event, EventKind, Lease, MetadataError, MetadataStore, Operation, Outcome,
    Range, RangeQuery, Reply, Revision, Transaction, Watch,
};
pub mod families;
