//! [`ProducerDescription`]: what `DescribeProducers` tells of a producer (KIP-664).

use super::ProducerStates;
use model::{Offset, ProducerEpoch, ProducerId, TimestampMs};

/// A producer of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerDescription {
    /// Who.
    pub id: ProducerId,
    /// Its newest epoch.
    pub epoch: ProducerEpoch,
    /// Sequence number of its last record in that epoch.
    pub last_sequence: Option<u32>,
    /// Time of its last batch.
    pub last_timestamp: TimestampMs,
    /// Epoch of the coordinator that ended a transaction of it here last.
    pub coordinator_epoch: Option<i32>,
    /// First offset of its open transaction.
    pub transaction_start: Option<Offset>,
}

impl ProducerStates {
    /// Sequence number of the last record of a producer in that epoch.
    pub(crate) fn last_sequence(&self, id: ProducerId, epoch: ProducerEpoch) -> Option<u32> {
        let producer = self.producers.get(&id).filter(|producer| producer.epoch == epoch);
        producer.and_then(super::Producer::last_sequence)
    }

    /// Every producer that is remembered, by id.
    pub(crate) fn describe(&self) -> Vec<ProducerDescription> {
        let describe = |(id, producer): (&ProducerId, &super::Producer)| ProducerDescription {
            id: *id,
            epoch: producer.epoch,
            last_sequence: producer.last_sequence(),
            last_timestamp: producer.last_timestamp(),
            coordinator_epoch: producer.coordinator_epoch,
            transaction_start: self.transactions.start_of(*id),
        };
        let mut described: Vec<_> = self.producers.iter().map(describe).collect();
        described.sort_unstable_by_key(|producer| producer.id);
        described
    }
}
