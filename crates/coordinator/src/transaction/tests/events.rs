//! Random events, made from what a producer could send next.

use crate::transaction::{Event, TransactionResult, TransactionVersion, TransactionalProducer};
use model::{PartitionId, PartitionIndex, ProducerEpoch, ProducerId, TopicId};
use proptest::prelude::*;

pub fn partition(index: u32) -> PartitionId {
    PartitionId {
        topic: TopicId::from_bytes([1 + (index % 3) as u8; 16]),
        partition: PartitionIndex::new(index).unwrap(),
    }
}

/// An event of a kind, to be made of the id as it is then.
#[derive(Clone, Debug)]
pub struct Step {
    kind: Kind,
    /// Added to the present epoch: zombies, and producers that repeat themselves.
    epoch_offset: i32,
}

#[derive(Clone, Debug)]
enum Kind {
    Init { recovers: bool },
    Add { partitions: Vec<u32> },
    End { commit: bool, version: TransactionVersion },
    Tick,
    Marked,
}

impl Step {
    /// The event, from a producer that knows of `known`.
    pub fn event(&self, known: &TransactionalProducer) -> Event {
        let epoch = i32::from(known.epoch.get()) + self.epoch_offset;
        let epoch = ProducerEpoch::new(epoch.clamp(0, 32_767) as u16).unwrap();
        let producer = known.producer;
        match &self.kind {
            Kind::Init { recovers } => {
                let expected = recovers.then_some((producer, epoch));
                Event::Init { timeout_ms: 60_000, expected }
            }
            Kind::Add { partitions } => {
                let partitions = partitions.iter().map(|index| partition(*index)).collect();
                Event::AddPartitions { producer, epoch, partitions }
            }
            Kind::End { commit, version } => {
                let result =
                    if *commit { TransactionResult::Commit } else { TransactionResult::Abort };
                Event::End { producer, epoch, result, version: *version }
            }
            Kind::Tick => Event::Tick,
            Kind::Marked => Event::Marked,
        }
    }
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let version = prop_oneof![Just(TransactionVersion::V1), Just(TransactionVersion::V2)];
    let kind = prop_oneof![
        1 => any::<bool>().prop_map(|recovers| Kind::Init { recovers }),
        4 => prop::collection::vec(0_u32..6, 1..4).prop_map(|partitions| Kind::Add { partitions }),
        3 => (any::<bool>(), version).prop_map(|(commit, version)| Kind::End { commit, version }),
        1 => Just(Kind::Tick),
        3 => Just(Kind::Marked),
    ];
    let step = (kind, prop_oneof![6 => Just(0), 1 => Just(-1), 1 => Just(1)]);
    let step = step.prop_map(|(kind, epoch_offset)| Step { kind, epoch_offset });
    prop::collection::vec(step, 0..60)
}

pub fn producer(id: u64) -> ProducerId {
    ProducerId::new(id).unwrap()
}

pub fn epoch(epoch: u16) -> ProducerEpoch {
    ProducerEpoch::new(epoch).unwrap()
}
