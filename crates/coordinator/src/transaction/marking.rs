//! Marking: tells every partition of a transaction how it ended, then the journal that all of them know.
//!
//! A transaction that was decided is always brought to its end: each marker is sent until its partition has it or does
//! not exist any more, and a slot's next owner begins anew. A partition may get the same marker twice then, which means
//! the same. Partitions of `__consumer_offsets` are group slots: there the offsets that the transaction staged are
//! committed or dropped.

use super::{
    Event, Marked, Marker, TransactionalProducer, coordinator::Shared, slot::TransactionSlot,
};
use crate::{SlotKind, journal::Position};
use futures::{StreamExt, stream};
use model::PartitionId;
use runtime::Backoff;
use std::{sync::Arc, time::Duration};

/// Markers of one transaction on their way at the same time.
const MARKERS_AT_ONCE: usize = 256;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Attempts after which a marker that does not get through is told of.
const PATIENCE: u32 = 20;

/// Marks the transaction of `id` as soon as the journal has everything up to `position`.
pub(super) fn begin(
    shared: &Arc<Shared>,
    slot: &Arc<TransactionSlot>,
    id: &str,
    ending: TransactionalProducer,
    position: Position,
) {
    let (shared, owned, id) = (Arc::clone(shared), Arc::clone(slot), id.to_owned());
    let released = slot.tasks.shutdown();
    slot.tasks.spawn("transaction_markers", async move {
        tokio::select! {
            biased;
            () = released.requested() => {}
            () = mark(&shared, &owned, &id, ending, position) => {}
        }
    });
}

async fn mark(
    shared: &Shared,
    slot: &TransactionSlot,
    id: &str,
    ending: TransactionalProducer,
    position: Position,
) {
    if slot.journal.settled(position).await.is_err() {
        return;
    }
    let Some(marker) = marker(slot, &ending) else { return };
    let started = shared.parts.clock.boot_time();
    let partitions = stream::iter(ending.partitions.clone());
    let sends = partitions.map(|partition| send(shared, partition, marker));
    sends.buffer_unordered(MARKERS_AT_ONCE).collect::<()>().await;
    metrics::histogram!("alluvium_transaction_marking_seconds")
        .record(shared.parts.clock.boot_time().since(started).as_secs_f64());
    if slot.get(id).is_some_and(|known| known == ending) {
        slot.decide(id, &Event::Marked, None, shared.now());
    }
}

fn marker(slot: &TransactionSlot, ending: &TransactionalProducer) -> Option<Marker> {
    Some(Marker {
        producer: ending.producer,
        epoch: ending.epoch,
        result: ending.state.ending()?,
        coordinator_epoch: slot.claim.epoch,
        epoch_is_its_own: ending.epoch_is_its_own,
    })
}

async fn send(shared: &Shared, partition: PartitionId, marker: Marker) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, shared.parts.randomness.clone());
    let mut attempts: u32 = 0;
    loop {
        let reason = match write(shared, partition, marker).await {
            Marked::Written | Marked::Gone => return,
            Marked::Fenced(reason) => {
                tracing::warn!(%partition, ?marker, reason, "a transaction marker was refused");
                return;
            }
            Marked::Failed(reason) => reason,
        };
        attempts = attempts.saturating_add(1);
        metrics::counter!("alluvium_transaction_marker_retries_total").increment(1);
        if attempts.is_multiple_of(PATIENCE) {
            tracing::warn!(%partition, ?marker, reason, attempts, "a transaction marker does not get through");
        }
        tokio::time::sleep(backoff.next_pause()).await;
    }
}

async fn write(shared: &Shared, partition: PartitionId, marker: Marker) -> Marked {
    let name = shared.parts.topics.name(partition.topic);
    let is_group_slot = name.is_some_and(|name| name.as_str() == SlotKind::Groups.topic());
    if is_group_slot && shared.groups.coordinates(partition.partition.get()) {
        let own_epoch = marker.epoch_is_its_own.then_some(marker.epoch);
        return shared
            .groups
            .end_transaction(partition, marker.producer, own_epoch, marker.result)
            .await;
    }
    shared.parts.markers.write(partition, marker).await
}
