//! [`EndTransaction`]: the marker by which a coordinator ends a transaction on a partition (KIP-98, KIP-890, DESIGN section 8).
//!
//! A control batch at an offset of its own. The coordinator forgets the transaction once its markers are acknowledged, so
//! a marker is acknowledged only when it is stored and committed, in either mode: nothing but the loss of the bucket can
//! leave the transaction open then.

use crate::{
    AppendError, PendingAppend,
    append::{await_earlier, enter},
    partition::Shared,
    producer_state::ProducedBatch,
    sequencer::Sequencer,
    validation::ValidBatch,
    waiters::WaitFor,
};
use formats::record_batch::{BatchHeader, EndTransactionMarker};
use model::{LeaderEpoch, ProducerEpoch, ProducerId, TimestampMs};
use std::sync::Arc;

/// The end of a producer's transaction, as its coordinator sends it to each partition of the transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndTransaction {
    /// Whose.
    pub producer: ProducerId,
    /// The producer's epoch from here on; older ones are fenced.
    pub epoch: ProducerEpoch,
    /// How it ended, and the epoch of the coordinator that says so.
    pub marker: EndTransactionMarker,
    /// The epoch in which the coordinator believes the partition to be; any other refuses. `None` where the wire has no room for it.
    pub leader_epoch: Option<LeaderEpoch>,
    /// Whether `epoch` is this end's alone (transaction version 2): then a marker that comes twice is told from another one's.
    pub epoch_is_its_own: bool,
}

/// Appends the marker, or finds that it was appended before.
pub(crate) fn end_transaction(
    partition: &Arc<Shared>,
    end: EndTransaction,
) -> Result<PendingAppend, AppendError> {
    let engine = &partition.engine;
    let now = TimestampMs(engine.parts.clock.unix_ms());
    let batch = marker_batch(end, now)?;
    let admitted = engine.has_room();

    let mut sequencer = partition.sequencer.lock();
    sequencer.check_appendable()?;
    if end.leader_epoch.is_some_and(|epoch| epoch != sequencer.ownership.epoch) {
        return Err(AppendError::NotOwner);
    }
    let produced = produced(end, now, &sequencer);
    sequencer.log.producers.check(&produced)?;
    if end.epoch_is_its_own && sequencer.log.producers.epoch_of(end.producer) == Some(end.epoch) {
        return ended_before(partition, &sequencer, end);
    }
    let entered =
        enter(partition, &mut sequencer, &batch, Some(&produced), WaitFor::Commit, admitted);
    drop(sequencer);
    // Its producer begins nothing new before the coordinator knows that every partition has its marker.
    entered.map(PendingAppend::with_nothing_to_follow)
}

fn marker_batch(end: EndTransaction, now: TimestampMs) -> Result<ValidBatch, AppendError> {
    let bytes = end.marker.batch(end.producer.to_wire(), end.epoch.to_wire(), now.0);
    let header =
        BatchHeader::parse(&bytes).map_err(|error| AppendError::CorruptBatch(error.to_string()))?;
    Ok(ValidBatch { header, bytes, log_append_time: None })
}

fn produced(end: EndTransaction, now: TimestampMs, sequencer: &Sequencer) -> ProducedBatch {
    ProducedBatch {
        producer: end.producer,
        epoch: end.epoch,
        first_sequence: 0,
        last_offset_delta: 0,
        base_offset: sequencer.log_end(),
        timestamp: now,
        transactional: true,
        marker: Some(end.marker),
    }
}

/// The producer is in the epoch of this end already: the marker came before, or it is a late one and another transaction is open.
fn ended_before(
    partition: &Arc<Shared>,
    sequencer: &Sequencer,
    end: EndTransaction,
) -> Result<PendingAppend, AppendError> {
    if sequencer.log.producers.has_open(end.producer, end.epoch) {
        let epoch = end.epoch.get();
        return Err(AppendError::InvalidProducerEpoch { current: epoch, got: epoch });
    }
    let log_end = sequencer.log_end();
    Ok(await_earlier(partition, log_end..log_end, WaitFor::Commit, None))
}
