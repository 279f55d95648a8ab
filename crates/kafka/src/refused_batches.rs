//! What a connection's idempotent producers have yet to send again.
//!
//! A producer has several requests on their way. When a partition opens, or comes back, between two of them, the first is refused and the
//! second would find a gap: `OUT_OF_ORDER_SEQUENCE_NUMBER`, upon which clients begin a new producer epoch, and what they send again
//! under it is written twice if it was written before. So what comes behind a refused batch is refused like it, until that batch comes
//! again: the client sends all of them again, in order.

use formats::record_batch::BatchHeader;
use kafka_protocol::ResponseError;
use model::PartitionId;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Partitions of a connection that are remembered; of more the oldest are forgotten.
const MAX_PARTITIONS: usize = 1_000;

/// The first refused batch of each partition that was not sent again yet.
#[derive(Debug, Default)]
pub(crate) struct RefusedBatches {
    batches: Mutex<Vec<RefusedBatch>>,
    /// Whether there are any: most connections never have one.
    some: AtomicBool,
}

#[derive(Debug)]
struct RefusedBatch {
    partition: PartitionId,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
    error: ResponseError,
}

impl RefusedBatches {
    /// Why a batch has to be refused: one before it was, and has not come again.
    pub(crate) fn before(&self, partition: PartitionId, records: &[u8]) -> Option<ResponseError> {
        if !self.some.load(Ordering::Relaxed) {
            return None;
        }
        let mut batches = self.batches.lock();
        let at = batches.iter().position(|batch| batch.partition == partition)?;
        let header = BatchHeader::parse(records).ok()?;
        let refused = batches.get(at)?;
        if refused.is_before(&header) {
            return Some(refused.error);
        }
        batches.remove(at);
        self.some.store(!batches.is_empty(), Ordering::Relaxed);
        None
    }

    /// A batch was refused. Errors that a client does not answer by sending the same again are not remembered.
    pub(crate) fn refused(&self, partition: PartitionId, records: &[u8], error: ResponseError) {
        let again = matches!(
            error,
            ResponseError::NotLeaderOrFollower
                | ResponseError::NotEnoughReplicas
                | ResponseError::KafkaStorageError
        );
        let header = BatchHeader::parse(records).ok().filter(|it| again && it.producer_id >= 0);
        let Some(header) = header else { return };
        let mut batches = self.batches.lock();
        if batches.iter().any(|batch| batch.partition == partition) {
            return;
        }
        if batches.len() == MAX_PARTITIONS {
            batches.remove(0);
        }
        let BatchHeader { producer_id, producer_epoch, base_sequence, .. } = header;
        let batch = RefusedBatch { partition, producer_id, producer_epoch, base_sequence, error };
        batches.push(batch);
        self.some.store(true, Ordering::Relaxed);
    }
}

impl RefusedBatch {
    /// Whether that batch comes after this one, of the same producer. Sequences begin again after the largest.
    fn is_before(&self, other: &BatchHeader) -> bool {
        let distance = other.base_sequence.wrapping_sub(self.base_sequence) & i32::MAX;
        self.producer_id == other.producer_id
            && self.producer_epoch == other.producer_epoch
            && (1..1 << 30).contains(&distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use formats::{compression::Codec, record_batch::BatchBuilder};
    use model::{PartitionIndex, TopicId};

    const ERROR: ResponseError = ResponseError::NotLeaderOrFollower;

    fn partition(index: i32) -> PartitionId {
        let partition = PartitionIndex::from_wire(index).expect("small");
        PartitionId { topic: TopicId::from_bytes([1; 16]), partition }
    }

    fn batch(producer: i64, epoch: i16, sequence: i32) -> Bytes {
        let mut builder = BatchBuilder::new(Codec::None).producer(producer, epoch, sequence);
        builder.push(0, None, Some(b"value"), &[]);
        builder.build()
    }

    /// After a refusal of sequence 5 of producer 7 in epoch 1.
    fn after_a_refusal() -> RefusedBatches {
        let batches = RefusedBatches::default();
        assert_eq!(batches.before(partition(0), &batch(7, 1, 5)), None);
        batches.refused(partition(0), &batch(7, 1, 5), ERROR);
        batches
    }

    #[test]
    fn what_comes_behind_a_refused_batch_is_refused_until_it_comes_again() {
        let batches = after_a_refusal();
        for sequence in [6, 7] {
            let behind = batch(7, 1, sequence);
            assert_eq!(batches.before(partition(0), &behind), Some(ERROR));
            batches.refused(partition(0), &behind, ERROR);
        }
        assert_eq!(batches.before(partition(0), &batch(7, 1, 5)), None);
        assert_eq!(batches.before(partition(0), &batch(7, 1, 6)), None);
    }

    #[test]
    fn others_are_not_held_back() {
        assert_eq!(after_a_refusal().before(partition(1), &batch(7, 1, 6)), None);
        assert_eq!(after_a_refusal().before(partition(0), &batch(8, 1, 6)), None);
        assert_eq!(after_a_refusal().before(partition(0), &batch(7, 2, 0)), None);
        assert_eq!(after_a_refusal().before(partition(0), &batch(-1, -1, -1)), None);
        assert_eq!(after_a_refusal().before(partition(0), b"no batch"), None);
    }

    #[test]
    fn sequences_begin_again_after_the_largest() {
        let batches = RefusedBatches::default();
        batches.refused(partition(0), &batch(7, 1, i32::MAX), ERROR);
        assert_eq!(batches.before(partition(0), &batch(7, 1, 0)), Some(ERROR));
        assert_eq!(batches.before(partition(0), &batch(7, 1, i32::MAX - 1)), None);
    }

    #[test]
    fn what_is_not_sent_again_as_it_was_is_not_remembered() {
        let batches = RefusedBatches::default();
        batches.refused(partition(0), &batch(7, 1, 5), ResponseError::MessageTooLarge);
        batches.refused(partition(0), &batch(-1, -1, -1), ERROR);
        assert_eq!(batches.before(partition(0), &batch(7, 1, 6)), None);
    }

    #[test]
    fn no_more_partitions_than_a_thousand_are_remembered() {
        let batches = RefusedBatches::default();
        for index in 0..=1_000 {
            batches.refused(partition(index), &batch(7, 1, 5), ERROR);
        }
        assert_eq!(batches.before(partition(0), &batch(7, 1, 6)), None);
        assert_eq!(batches.before(partition(1_000), &batch(7, 1, 6)), Some(ERROR));
    }
}
