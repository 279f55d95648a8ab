//! Producer state as manifests keep it.

use super::{
    ProducerStates,
    producer::{Activity, BATCHES_KEPT, KeptBatch, Producer},
};
use formats::metadata::{self, ProducerBatch, ProducerSnapshot};
use model::{Offset, ProducerEpoch, ProducerId, TimestampMs};
use std::collections::VecDeque;

/// Version of the snapshot's format.
const FORMAT: u32 = 1;

impl ProducerStates {
    /// The state as a manifest keeps it, by producer id. Aborted transactions are not in it: footers have them.
    pub(crate) fn to_snapshot(&self) -> ProducerSnapshot {
        let mut producers: Vec<_> =
            self.producers.iter().map(|(id, producer)| self.to_value(*id, producer)).collect();
        producers.sort_unstable_by_key(|producer| producer.id);
        ProducerSnapshot { format: FORMAT, producers }
    }

    /// Reads a snapshot back; `None` when its version or its values are not ours: damage.
    pub(crate) fn from_snapshot(snapshot: &ProducerSnapshot) -> Option<Self> {
        if snapshot.format != FORMAT {
            return None;
        }
        let mut states = Self::default();
        for value in &snapshot.producers {
            let id = ProducerId::new(value.id)?;
            if states.producers.insert(id, from_value(value)?).is_some() {
                return None;
            }
            if let Some(start) = value.transaction_start_offset {
                states.transactions.begin(id, Offset::new(start)?);
            }
        }
        Some(states)
    }

    /// Takes over what `newer`, the same log's state further on, still knows of batches that end before `end`.
    pub(crate) fn catch_up(&mut self, newer: &Self, end: Offset) {
        for (id, producer) in &newer.producers {
            let before = producer.batches.iter().filter(|batch| batch.last_offset < end);
            let batches: VecDeque<_> = before.copied().collect();
            if !batches.is_empty() {
                let known = self.producers.entry(*id);
                let known = known.or_insert_with(|| Producer::new(producer.epoch));
                (known.epoch, known.batches) = (producer.epoch, batches);
                known.coordinator_epoch = producer.coordinator_epoch;
            }
        }
    }

    fn to_value(&self, id: ProducerId, producer: &Producer) -> metadata::Producer {
        let last_heard_of = match producer.activity {
            Activity::SinceSweep(timestamp) => self.swept.unwrap_or(timestamp),
            Activity::SilentSince(since) => since,
        };
        metadata::Producer {
            id: id.get(),
            epoch: producer.epoch.get().into(),
            batches: producer.batches.iter().map(to_batch_value).collect(),
            transaction_start_offset: self.transactions.start_of(id).map(Offset::get),
            last_timestamp_ms: last_heard_of.0,
            coordinator_epoch: producer.coordinator_epoch.and_then(|it| u32::try_from(it).ok()),
        }
    }
}

fn from_value(value: &metadata::Producer) -> Option<Producer> {
    if value.batches.len() > BATCHES_KEPT {
        return None;
    }
    let batches: Option<VecDeque<_>> = value.batches.iter().map(from_batch_value).collect();
    Some(Producer {
        epoch: ProducerEpoch::new(u16::try_from(value.epoch).ok()?)?,
        batches: batches?,
        activity: Activity::SilentSince(TimestampMs(value.last_timestamp_ms)),
        coordinator_epoch: value.coordinator_epoch.map(i32::try_from).transpose().ok()?,
        last_marker: None,
    })
}

fn to_batch_value(batch: &KeptBatch) -> ProducerBatch {
    ProducerBatch {
        first_sequence: batch.first_sequence,
        last_sequence: batch.last_sequence,
        base_offset: batch.base_offset.get(),
        last_offset: batch.last_offset.get(),
        timestamp_ms: batch.timestamp.0,
    }
}

fn from_batch_value(value: &ProducerBatch) -> Option<KeptBatch> {
    let sequence = |sequence: u32| i32::try_from(sequence).ok().map(|_| sequence);
    if value.base_offset > value.last_offset {
        return None;
    }
    Some(KeptBatch {
        first_sequence: sequence(value.first_sequence)?,
        last_sequence: sequence(value.last_sequence)?,
        base_offset: Offset::new(value.base_offset)?,
        last_offset: Offset::new(value.last_offset)?,
        timestamp: TimestampMs(value.timestamp_ms),
    })
}
