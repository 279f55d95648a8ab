//! What a connection's idempotent producers have yet to send again.
//!
//! A producer has several requests on their way. When a partition opens, or comes back, between two of them, the first is refused and the
//! second would find a gap: `OUT_OF_ORDER_SEQUENCE_NUMBER`, upon which clients begin a new producer epoch, and what they send again
//! under it is written twice if it was written before. So what comes behind a refused batch is refused like it, until that batch is in the
//! log, by whatever way: the client sends all of them again, in order.

use formats::record_batch::BatchHeader;
use kafka_protocol::ResponseError;
use model::{PartitionId, ProducerEpoch, ProducerId};
use parking_lot::Mutex;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::time::Instant;

/// Partitions of a connection that are remembered; of more the oldest are forgotten.
const MAX_PARTITIONS: usize = 1_000;

/// A batch that did not come again within this time was given up: producers give up after two minutes (`delivery.timeout.ms`).
const GIVEN_UP_AFTER: Duration = Duration::from_mins(2);

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
    at: Instant,
}

impl RefusedBatches {
    /// Why a batch has to be refused: one before it was, and is not in the log. `last_sequence` knows the last sequence in the log.
    pub(crate) fn before(
        &self,
        partition: PartitionId,
        records: &[u8],
        last_sequence: impl FnOnce(ProducerId, ProducerEpoch) -> Option<u32>,
    ) -> Option<ResponseError> {
        if !self.some.load(Ordering::Relaxed) {
            return None;
        }
        let mut batches = self.batches.lock();
        let at = batches.iter().position(|batch| batch.partition == partition)?;
        let header = BatchHeader::parse(records).ok()?;
        let refused = batches.get(at)?;
        if refused.is_before(&header) && !refused.came_again(last_sequence) {
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
        let at = Instant::now();
        let batch =
            RefusedBatch { partition, producer_id, producer_epoch, base_sequence, error, at };
        batches.push(batch);
        self.some.store(true, Ordering::Relaxed);
    }
}

impl RefusedBatch {
    /// Whether that batch comes after this one, of the same producer.
    fn is_before(&self, other: &BatchHeader) -> bool {
        self.producer_id == other.producer_id
            && self.producer_epoch == other.producer_epoch
            && self.base_sequence != other.base_sequence
            && self.is_not_after(other.base_sequence)
    }

    /// Sequences begin again after the largest.
    fn is_not_after(&self, sequence: i32) -> bool {
        (sequence.wrapping_sub(self.base_sequence) & i32::MAX) < 1 << 30
    }

    /// Whether it is in the log, or never will be. It may have come by another connection, or while another broker had the partition.
    fn came_again(
        &self,
        last_sequence: impl FnOnce(ProducerId, ProducerEpoch) -> Option<u32>,
    ) -> bool {
        let id = ProducerId::from_wire(self.producer_id);
        let producer = id.zip(ProducerEpoch::from_wire(self.producer_epoch));
        let last = producer.and_then(|(id, epoch)| last_sequence(id, epoch));
        last.is_some_and(|last| self.is_not_after(last as i32))
            || self.at.elapsed() > GIVEN_UP_AFTER
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

    /// Asks where the log ends with this sequence of every producer.
    fn before(
        batches: &RefusedBatches,
        index: i32,
        records: &[u8],
        last: Option<u32>,
    ) -> Option<ResponseError> {
        batches.before(partition(index), records, |_, _| last)
    }

    fn batch(producer: i64, epoch: i16, sequence: i32) -> Bytes {
        let mut builder = BatchBuilder::new(Codec::None).producer(producer, epoch, sequence);
        builder.push(0, None, Some(b"value"), &[]);
        builder.build()
    }

    /// After a refusal of sequence 5 of producer 7 in epoch 1.
    fn after_a_refusal() -> RefusedBatches {
        let batches = RefusedBatches::default();
        assert_eq!(before(&batches, 0, &batch(7, 1, 5), Some(4)), None);
        batches.refused(partition(0), &batch(7, 1, 5), ERROR);
        batches
    }

    #[test]
    fn what_comes_behind_a_refused_batch_is_refused_until_it_comes_again() {
        let batches = after_a_refusal();
        for sequence in [6, 7] {
            let behind = batch(7, 1, sequence);
            assert_eq!(before(&batches, 0, &behind, Some(4)), Some(ERROR));
            batches.refused(partition(0), &behind, ERROR);
        }
        assert_eq!(before(&batches, 0, &batch(7, 1, 5), Some(4)), None);
        assert_eq!(before(&batches, 0, &batch(7, 1, 6), Some(4)), None);
    }

    #[test]
    fn others_are_not_held_back() {
        assert_eq!(before(&after_a_refusal(), 1, &batch(7, 1, 6), Some(4)), None);
        assert_eq!(before(&after_a_refusal(), 0, &batch(8, 1, 6), Some(4)), None);
        assert_eq!(before(&after_a_refusal(), 0, &batch(7, 2, 0), Some(4)), None);
        assert_eq!(before(&after_a_refusal(), 0, &batch(-1, -1, -1), Some(4)), None);
        assert_eq!(before(&after_a_refusal(), 0, b"no batch", Some(4)), None);
    }

    #[test]
    fn sequences_begin_again_after_the_largest() {
        let batches = RefusedBatches::default();
        batches.refused(partition(0), &batch(7, 1, i32::MAX), ERROR);
        let last = Some(i32::MAX as u32 - 1);
        assert_eq!(before(&batches, 0, &batch(7, 1, 0), last), Some(ERROR));
        assert_eq!(before(&batches, 0, &batch(7, 1, i32::MAX - 1), last), None);
        batches.refused(partition(0), &batch(7, 1, i32::MAX), ERROR);
        assert_eq!(before(&batches, 0, &batch(7, 1, 1), Some(0)), None);
    }

    #[test]
    fn a_batch_that_came_by_another_way_holds_nothing_back() {
        assert_eq!(before(&after_a_refusal(), 0, &batch(7, 1, 6), Some(5)), None);
        assert_eq!(before(&after_a_refusal(), 0, &batch(7, 1, 9), Some(8)), None);
        assert_eq!(before(&after_a_refusal(), 0, &batch(7, 1, 6), None), Some(ERROR));
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_that_was_given_up_holds_nothing_back() {
        let batches = after_a_refusal();
        tokio::time::sleep(GIVEN_UP_AFTER).await;
        assert_eq!(before(&batches, 0, &batch(7, 1, 6), Some(4)), Some(ERROR));
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(before(&batches, 0, &batch(7, 1, 6), Some(4)), None);
    }

    #[test]
    fn what_is_not_sent_again_as_it_was_is_not_remembered() {
        let batches = RefusedBatches::default();
        batches.refused(partition(0), &batch(7, 1, 5), ResponseError::MessageTooLarge);
        batches.refused(partition(0), &batch(-1, -1, -1), ERROR);
        assert_eq!(before(&batches, 0, &batch(7, 1, 6), Some(4)), None);
    }

    #[test]
    fn no_more_partitions_than_a_thousand_are_remembered() {
        let batches = RefusedBatches::default();
        for index in 0..=1_000 {
            batches.refused(partition(index), &batch(7, 1, 5), ERROR);
        }
        assert_eq!(before(&batches, 0, &batch(7, 1, 6), Some(4)), None);
        assert_eq!(before(&batches, 1_000, &batch(7, 1, 6), Some(4)), Some(ERROR));
    }
}
