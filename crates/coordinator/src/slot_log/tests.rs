//! A slot's log for tests.

use super::{SlotLogError, SlotLogs, SlotRecord};
use crate::SlotClaim;
use async_trait::async_trait;
use bytes::Bytes;
use model::Offset;
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// A slot's log, kept in memory.
#[derive(Debug, Default)]
pub(crate) struct Told {
    records: Mutex<Vec<SlotRecord>>,
    appends: Mutex<usize>,
    pub(crate) start: Mutex<u64>,
    pub(crate) is_closed: Mutex<bool>,
}

#[async_trait]
impl SlotLogs for Told {
    fn append(&self, _: SlotClaim, records: &[SlotRecord]) -> Result<Offset, SlotLogError> {
        if *self.is_closed.lock() {
            return Err(SlotLogError::NotNow("closed".to_owned()));
        }
        *self.appends.lock() += 1;
        let mut all = self.records.lock();
        let first = all.len() as u64;
        all.extend_from_slice(records);
        Ok(Offset::new(first).unwrap())
    }

    async fn delete_before(&self, _: SlotClaim, offset: Offset) -> Result<(), SlotLogError> {
        *self.start.lock() = offset.get();
        Ok(())
    }

    fn size_bytes(&self, _: SlotClaim) -> u64 {
        let start = *self.start.lock() as usize;
        self.records.lock()[start..].iter().map(|record| record.bytes() as u64).sum()
    }
}

impl Told {
    /// What a reader of the whole log believes in the end: keys, and whether something is there.
    pub(crate) fn believed(&self) -> BTreeMap<Bytes, bool> {
        let start = *self.start.lock() as usize;
        let records = self.records.lock();
        records[start..].iter().map(|it| (it.key.clone(), it.value.is_some())).collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.records.lock().len()
    }
}
