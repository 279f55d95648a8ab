//! [`PartitionSlotLogs`]: the logs of coordinator slots, which are partitions of this broker like any other.

use async_trait::async_trait;
use coordinator::{SlotClaim, SlotLogError, SlotLogs, SlotRecord};
use formats::{compression::Codec, record_batch::BatchBuilder};
use model::Offset;
use partition_log::{Acks, AppendError, AppendOrigin, Partition, PartitionLogs};
use runtime::Clock;

/// The partitions that are slots.
#[derive(Debug)]
pub(crate) struct PartitionSlotLogs {
    logs: PartitionLogs,
    clock: Clock,
}

impl PartitionSlotLogs {
    pub(crate) fn new(logs: PartitionLogs, clock: Clock) -> Self {
        Self { logs, clock }
    }

    /// The partition, if it is open under that claim.
    fn log(&self, claim: SlotClaim) -> Option<Partition> {
        self.logs.get(claim.partition).filter(|log| log.watermarks().leader_epoch == claim.epoch)
    }
}

#[async_trait]
impl SlotLogs for PartitionSlotLogs {
    fn append(&self, claim: SlotClaim, records: &[SlotRecord]) -> Result<Offset, SlotLogError> {
        let log = self.log(claim).ok_or_else(not_open)?;
        let now = self.clock.unix_ms();
        let mut batch = BatchBuilder::new(Codec::None);
        for record in records {
            batch.push(now, Some(&record.key), record.value.as_deref(), &[]);
        }
        match log.append(&batch.build(), Acks::None, AppendOrigin::Coordinator) {
            Ok(appended) => Ok(appended.base_offset()),
            Err(error) => Err(refused(&error)),
        }
    }

    async fn delete_before(&self, claim: SlotClaim, offset: Offset) -> Result<(), SlotLogError> {
        let log = self.log(claim).ok_or_else(not_open)?;
        if log.watermarks().high_watermark < offset {
            return Err(SlotLogError::NotNow("what follows is not visible yet".to_owned()));
        }
        let deleted = log.delete_records(Some(offset)).await;
        deleted.map(drop).map_err(|error| SlotLogError::NotNow(error.to_string()))
    }

    fn size_bytes(&self, claim: SlotClaim) -> u64 {
        self.log(claim).map_or(0, |log| log.size_bytes())
    }
}

fn not_open() -> SlotLogError {
    SlotLogError::NotNow("the partition is not open".to_owned())
}

fn refused(error: &AppendError) -> SlotLogError {
    match error {
        AppendError::CorruptBatch(_)
        | AppendError::InvalidRecord { .. }
        | AppendError::TooLarge { .. }
        | AppendError::InvalidTimestamp { .. }
        | AppendError::UnsupportedCompression(_) => SlotLogError::Refused(error.to_string()),
        _ => SlotLogError::NotNow(error.to_string()),
    }
}
