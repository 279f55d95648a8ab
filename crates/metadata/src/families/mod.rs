//! The key families: one typed file each. Keys, values and the transactions that only that family needs.
//!
//! Numbers in keys are written with 20 digits, so that key order is number order; ids as 32 hex digits. Every value
//! carries its `format`; a value of a later format, or with an id of the wrong length, is
//! [`MetadataError::Damaged`](crate::MetadataError::Damaged) and names its key.

mod acls;
mod brokers;
mod cluster;
pub mod commits;
mod configs;
mod controller;
mod deleted_topics;
mod features;
mod garbage;
mod groups;
mod indexes;
mod journal_heads;
mod keys;
mod loads;
mod manifests;
mod moves;
mod owners;
mod producer_ids;
mod quotas;
mod registrations;
mod scram;
mod sessions;
mod snapshot;
#[cfg(test)]
mod tests;
mod topic_names;
mod topics;
mod transactions;
mod value;

pub use commits::{CommitAttempt, CommitOutcome};
pub use configs::ConfigResource;
pub use groups::PARTITIONS_PER_CHUNK;
pub use keys::Keys;
pub use manifests::MANIFEST_MAX_BYTES;
pub use value::{Value, decode, encode};
