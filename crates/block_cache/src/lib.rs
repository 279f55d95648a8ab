//! Blocks of immutable objects on a local disk: bytes by the object's name and where they lie in it, kept over restarts.
//!
//! It is a cache. What is inserted may be dropped, what is there may go, and whoever asks has another way to the bytes. What it answers was
//! inserted under that key, by a checksum and by its length; who knows what the bytes mean checks that, too, and says when it is not so
//! ([`BlockCache::found_damaged`]).
//!
//! foyer does the work behind [`BlockCache`], and is named nowhere else in this tree ([ADR 21](../../../docs/adr/0021-blocks-on-the-local-disk.md)).

mod cache;
mod counters;
mod error;
mod key;
mod queue;
mod regions;
mod writer;

pub use cache::{BlockCache, BlockCacheOptions, CAPACITY_MIN_BYTES};
pub use error::OpenError;
pub use key::BlockKey;

#[cfg(test)]
mod tests;
