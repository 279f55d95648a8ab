//! [`SlotLogs`]: the logs of the slots' own partitions, declared here and joined by the wiring.
//!
//! A coordinator tells them what it did, for tools that tail Kafka's internal topics. Nothing is read back from them.

#[cfg(test)]
pub(crate) mod tests;
mod unwritten;
mod writer;

pub(crate) use unwritten::{Batch, Unwritten};
pub(crate) use writer::write_for_ever;

use crate::{Journal, SlotClaim, Topics};
use async_trait::async_trait;
use bytes::Bytes;
use model::Offset;
use std::fmt::Debug;

/// A record for a slot's log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotRecord {
    /// What it is about.
    pub key: Bytes,
    /// What is so now; `None`: it is gone.
    pub value: Option<Bytes>,
}

/// Why records were not appended.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SlotLogError {
    /// Not now: the log is not open under this claim, or has no room.
    #[error("not now: {0}")]
    NotNow(String),
    /// Never: the log does not take such records.
    #[error("refused: {0}")]
    Refused(String),
}

/// The logs of slots.
#[async_trait]
pub trait SlotLogs: Send + Sync + Debug {
    /// Appends records as one batch, of now; answers the offset of the first. They are durable some time later.
    ///
    /// # Errors
    /// As [`SlotLogError`] says; nothing was appended then.
    fn append(&self, claim: SlotClaim, records: &[SlotRecord]) -> Result<Offset, SlotLogError>;

    /// Deletes what lies before an offset.
    ///
    /// # Errors
    /// `NotNow`, also as long as what lies behind it is not visible.
    async fn delete_before(&self, claim: SlotClaim, offset: Offset) -> Result<(), SlotLogError>;

    /// Bytes that a log holds; 0 when it is not open.
    fn size_bytes(&self, claim: SlotClaim) -> u64;
}

impl SlotRecord {
    /// Bytes of key and value.
    pub fn bytes(&self) -> usize {
        self.key.len() + self.value.as_ref().map_or(0, Bytes::len)
    }
}

/// A slot whose log is told what is so in it, subject by subject.
pub(crate) trait ToldSlot: Send + Sync + 'static {
    /// What a record is about.
    type Subject: Send;

    /// Under which claim it is served.
    fn claim(&self) -> SlotClaim;

    /// Where its changes are stored.
    fn journal(&self) -> &Journal;

    /// Takes up to `limit` bytes of what is to be written; `None` when the slot is closed.
    fn take_unwritten(&self, topics: &dyn Topics, limit: usize) -> Option<Batch<Self::Subject>>;

    /// Gives back what could not be written.
    fn put_back(&self, batch: Batch<Self::Subject>);

    /// Everything is to be written again.
    fn write_everything(&self);
}

/// No logs: nobody is told.
#[derive(Clone, Copy, Debug)]
pub struct NoSlotLogs;

#[async_trait]
impl SlotLogs for NoSlotLogs {
    fn append(&self, _: SlotClaim, _: &[SlotRecord]) -> Result<Offset, SlotLogError> {
        Ok(Offset::ZERO)
    }

    async fn delete_before(&self, _: SlotClaim, _: Offset) -> Result<(), SlotLogError> {
        Ok(())
    }

    fn size_bytes(&self, _: SlotClaim) -> u64 {
        0
    }
}
