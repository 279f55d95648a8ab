//! [`Producer`]: the epoch and the last five batches of one producer.
//!
//! Five is what a producer may have in flight (KIP-98), so any of its retries finds its original.

use super::produced_batch::{ProducedBatch, sequence_after};
use crate::AppendError;
use model::{Offset, ProducerEpoch, TimestampMs};
use std::collections::VecDeque;

/// Batches remembered of one producer.
pub(super) const BATCHES_KEPT: usize = 5;

/// A batch that is in the log already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Duplicate {
    /// Its first offset.
    pub(crate) base_offset: Offset,
    /// Its last offset.
    pub(crate) last_offset: Offset,
    /// Its timestamp: the log-append time, for topics that stamp.
    pub(crate) timestamp: TimestampMs,
}

/// One producer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Producer {
    pub(super) epoch: ProducerEpoch,
    /// Batches of that epoch, oldest first.
    pub(super) batches: VecDeque<KeptBatch>,
    pub(super) activity: Activity,
    /// Epoch of the coordinator that ended a transaction last.
    pub(super) coordinator_epoch: Option<i32>,
    /// Offset of the last marker, since it was seen here.
    pub(super) last_marker: Option<Offset>,
}

/// One remembered batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct KeptBatch {
    pub(super) first_sequence: u32,
    pub(super) last_sequence: u32,
    pub(super) base_offset: Offset,
    pub(super) last_offset: Offset,
    pub(super) timestamp: TimestampMs,
}

/// When a producer was last heard of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Activity {
    /// After the last sweep; its newest batch bears this time.
    SinceSweep(TimestampMs),
    /// A sweep at this time was the first that found it silent.
    SilentSince(TimestampMs),
}

impl Producer {
    pub(super) fn new(epoch: ProducerEpoch) -> Self {
        Self {
            epoch,
            batches: VecDeque::new(),
            activity: Activity::SinceSweep(TimestampMs(0)),
            coordinator_epoch: None,
            last_marker: None,
        }
    }

    /// The remembered batch of the same epoch and exactly the same sequences.
    pub(super) fn find_duplicate(&self, batch: &ProducedBatch) -> Option<Duplicate> {
        if batch.epoch != self.epoch {
            return None;
        }
        let sequences = (batch.first_sequence, batch.last_sequence());
        let kept =
            self.batches.iter().find(|kept| (kept.first_sequence, kept.last_sequence) == sequences);
        kept.map(|kept| Duplicate {
            base_offset: kept.base_offset,
            last_offset: kept.last_offset,
            timestamp: kept.timestamp,
        })
    }

    pub(super) fn check_epoch(&self, epoch: ProducerEpoch) -> Result<(), AppendError> {
        if epoch < self.epoch {
            let (current, got) = (self.epoch.get(), epoch.get());
            return Err(AppendError::InvalidProducerEpoch { current, got });
        }
        Ok(())
    }

    /// A new epoch starts at sequence 0, and so does one whose batches are not known: a marker raised it.
    pub(super) fn check_sequence(&self, batch: &ProducedBatch) -> Result<(), AppendError> {
        let last = self.batches.back().filter(|_| batch.epoch == self.epoch);
        let expected = last.map_or(0, |last| sequence_after(last.last_sequence, 1));
        if batch.first_sequence != expected {
            let (expected, got) = (expected.into(), batch.first_sequence as i32);
            return Err(AppendError::OutOfOrderSequence { expected, got });
        }
        Ok(())
    }

    pub(super) fn apply(&mut self, batch: &ProducedBatch) {
        self.activity = Activity::SinceSweep(batch.timestamp);
        if batch.epoch > self.epoch {
            self.epoch = batch.epoch;
            self.batches.clear();
        }
        if let Some(marker) = batch.marker {
            self.coordinator_epoch = self.coordinator_epoch.max(Some(marker.coordinator_epoch));
            self.last_marker = Some(batch.base_offset);
            return;
        }
        if batch.epoch < self.epoch {
            return;
        }
        if self.batches.len() == BATCHES_KEPT {
            self.batches.pop_front();
        }
        self.batches.push_back(KeptBatch {
            first_sequence: batch.first_sequence,
            last_sequence: batch.last_sequence(),
            base_offset: batch.base_offset,
            last_offset: batch.last_offset(),
            timestamp: batch.timestamp,
        });
    }

    /// The sequence number of its last record, if one of its epoch is remembered.
    pub(super) fn last_sequence(&self) -> Option<u32> {
        self.batches.back().map(|batch| batch.last_sequence)
    }

    /// The timestamp of its last batch, or else of when it was last heard of.
    pub(super) fn last_timestamp(&self) -> TimestampMs {
        let (Activity::SinceSweep(heard_of) | Activity::SilentSince(heard_of)) = self.activity;
        self.batches.back().map_or(heard_of, |batch| batch.timestamp)
    }

    /// How long it has been silent, as a sweep at `now` sees it; zero when it was heard of since the last one.
    pub(super) fn silence_ms(&mut self, now: TimestampMs) -> u64 {
        match self.activity {
            Activity::SilentSince(since) => now.0.saturating_sub(since.0).max(0) as u64,
            Activity::SinceSweep(_) => {
                self.activity = Activity::SilentSince(now);
                0
            }
        }
    }
}
