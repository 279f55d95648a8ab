//! [`PartitionSlotLogs`]: the logs of coordinator slots, which are partitions of this broker like any other. What is written there of groups
//! the lag evaluator hears, too.

use ::lag::Evaluator;
use async_trait::async_trait;
use coordinator::{SlotClaim, SlotKind, SlotLogError, SlotLogs, SlotRecord};
use formats::{compression::Codec, record_batch::BatchBuilder};
use model::Offset;
use partition_log::{Acks, AppendError, AppendOrigin, Partition, PartitionLogs};
use runtime::Clock;

/// The partitions that are slots.
#[derive(Debug)]
pub(crate) struct PartitionSlotLogs {
    logs: PartitionLogs,
    clock: Clock,
    evaluator: Option<Evaluator>,
}

impl PartitionSlotLogs {
    pub(crate) fn new(logs: PartitionLogs, clock: Clock, evaluator: Option<Evaluator>) -> Self {
        Self { logs, clock, evaluator }
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
        let appended = log.append(&batch.build(), Acks::None, AppendOrigin::Coordinator);
        let appended = appended.map_err(|error| refused(&error))?;
        if let Some(evaluator) = self.evaluator.as_ref().filter(|_| claim.kind == SlotKind::Groups)
        {
            for record in records {
                evaluator.take_in_own(&record.key, record.value.as_deref());
            }
        }
        Ok(appended.base_offset())
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
