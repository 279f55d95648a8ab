//! [`EndTransactionMarker`]: the control record that ends a transaction on a partition (KIP-98).

use super::{BatchBuilder, BatchError, Record};
use crate::compression::Codec;
use bytes::{Buf, Bytes};

/// How a transaction ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TransactionResult {
    /// Its records count for nothing.
    Abort,
    /// Its records are part of the log.
    Commit,
}

/// A control record of type abort or commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndTransactionMarker {
    /// How it ended.
    pub result: TransactionResult,
    /// Epoch of the coordinator that decided: a lower one than the partition has seen is a zombie's.
    pub coordinator_epoch: i32,
}

impl EndTransactionMarker {
    /// Reads a control record; `None` for one of a type other than abort and commit.
    ///
    /// # Errors
    /// [`BatchError::Record`] when key or value is cut short, or a version is negative. Higher versions only append.
    pub fn read(record: &Record) -> Result<Option<Self>, BatchError> {
        let mut key = record.key.clone().unwrap_or_default();
        let result = match read_versioned(&mut key, Bytes::try_get_i16, "control key")? {
            0 => TransactionResult::Abort,
            1 => TransactionResult::Commit,
            _ => return Ok(None),
        };
        let mut value = record.value.clone().unwrap_or_default();
        let coordinator_epoch = read_versioned(&mut value, Bytes::try_get_i32, "control value")?;
        Ok(Some(Self { result, coordinator_epoch }))
    }

    /// Makes the control batch of one record that ends the producer's transaction, at offset 0 until it is appended.
    pub fn batch(self, producer_id: i64, producer_epoch: i16, timestamp: i64) -> Bytes {
        let kind: u8 = match self.result {
            TransactionResult::Abort => 0,
            TransactionResult::Commit => 1,
        };
        let mut value = vec![0, 0];
        value.extend_from_slice(&self.coordinator_epoch.to_be_bytes());
        BatchBuilder::new(Codec::None)
            .producer(producer_id, producer_epoch, -1)
            .transactional()
            .control()
            .push(timestamp, Some(&[0, 0, 0, kind]), Some(&value), &[])
            .build()
    }
}

fn read_versioned<T>(
    bytes: &mut Bytes,
    read: impl FnOnce(&mut Bytes) -> Result<T, bytes::TryGetError>,
    part: &'static str,
) -> Result<T, BatchError> {
    let version = bytes.try_get_i16().map_err(|_| BatchError::Record(part))?;
    if version < 0 {
        return Err(BatchError::Record(part));
    }
    read(bytes).map_err(|_| BatchError::Record(part))
}
