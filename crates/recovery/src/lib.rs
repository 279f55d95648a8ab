//! A cluster from its bucket alone: snapshots of metadata there, and the way back from them.
//!
//! A snapshot is what the metadata store held at one revision, but for what means nothing once the store is lost (sessions, the
//! controller's election). The [`SnapshotKeeper`] of the controller writes one whenever something changed, no more often than its interval.
//!
//! The way back: [`put_back`] puts the newest snapshot into a store in memory, others bring that up to date with what the bucket has
//! besides, and [`Target`] makes a cluster of an empty metadata store from it.

mod error;
mod snapshot;
mod stores;
mod target;
#[cfg(test)]
mod tests;

pub use error::Failure;
pub use snapshot::{PutBack, SnapshotKeeper, put_back};
pub use stores::Stores;
pub use target::{Found, Target};
