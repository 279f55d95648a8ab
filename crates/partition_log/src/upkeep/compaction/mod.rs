//! Log compaction: `cleanup.policy=compact`, as Kafka does it.
//!
//! A round reads the dirty part of a log for the last offset of each key ([`DirtyKeys`]), then rewrites the log from its start
//! ([`Cleaner`]) into partition segments, one after the other ([`crate::upkeep::merge`]). Source: KIP-58, KIP-98, KIP-354, KIP-534.

mod choice;
mod cleaner;
mod dirty_keys;
mod key_offsets;
mod round;
mod transactions;

pub(crate) use choice::{CleaningChoice, CleaningScope, choose};
pub(crate) use cleaner::{Cleaner, Round};
pub(crate) use dirty_keys::DirtyKeys;
pub(crate) use key_offsets::KeyOffsets;
pub(crate) use transactions::CleanedTransactions;

/// A batch decompresses to at most so many bytes here.
const RECORDS_LIMIT_BYTES: usize = 256 << 20;

#[cfg(test)]
mod tests;
