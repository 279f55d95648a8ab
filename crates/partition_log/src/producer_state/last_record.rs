//! [`LastRecord`]: where a producer wrote last, which compaction keeps as long as the producer is remembered.

use super::ProducerStates;
use model::{Offset, ProducerEpoch, ProducerId};
use std::collections::HashMap;

/// The end of what a producer wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LastRecord {
    /// Its last record of its present epoch; `None` when it has only markers of that.
    pub(crate) data: Option<Offset>,
    /// That epoch.
    pub(crate) epoch: ProducerEpoch,
}

impl ProducerStates {
    /// Of every producer that is remembered.
    pub(crate) fn last_records(&self) -> HashMap<ProducerId, LastRecord> {
        let last = |(id, producer): (&ProducerId, &super::Producer)| {
            let data = producer.batches.back().map(|batch| batch.last_offset);
            (*id, LastRecord { data, epoch: producer.epoch })
        };
        self.producers.iter().map(last).collect()
    }
}
