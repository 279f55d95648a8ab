//! [`Reread`]: batches that were let go from memory, read back from the WAL for their upload.

use crate::{
    buffers::Buffers,
    engine::Engine,
    partition::Shared,
    tail::{TailBatch, WalPlace},
};
use bytes::Bytes;
use runtime::Backoff;
use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use wal::{Wal, WalError};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Bytes of batches by their place.
#[derive(Debug, Default)]
pub(super) struct Reread(HashMap<WalPlace, Bytes>);

impl Reread {
    /// A batch's bytes, from memory or as they were read back.
    pub(super) fn bytes_of(&self, batch: &TailBatch) -> Option<Bytes> {
        batch.bytes.clone().or_else(|| self.0.get(&batch.place).cloned())
    }
}

/// Reads back what the next flush takes and memory does not have: about `room` bytes at most. Tries again until the disk
/// gives it; what was committed meanwhile is left out.
pub(super) async fn reread(engine: &Arc<Engine>, room: u64) -> Reread {
    let wanted = wanted(engine, room);
    if wanted.is_empty() {
        return Reread::default();
    }
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, engine.parts.randomness.clone());
    loop {
        let (engine_, places) = (Arc::clone(engine), wanted.clone());
        let read = runtime::beside(move || {
            read_all(engine_.parts.wal.as_ref(), &engine_.buffers, &places)
        });
        let error = match read.await {
            Ok(Ok(read)) => return read,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        engine.failing.fetch_add(1, Relaxed);
        tracing::error!(%error, "batches could not be read back from the WAL; it is tried again");
        tokio::time::sleep(backoff.next_pause()).await;
    }
}

/// The places of what the next flush takes, in the order in which it takes it.
fn wanted(engine: &Engine, room: u64) -> Vec<WalPlace> {
    let mut places = Vec::new();
    let mut room = room;
    for id in engine.flush_queue.partitions() {
        let Some(partition) = engine.partition(id) else { continue };
        room = room.saturating_sub(wanted_of(&partition, room, &mut places));
        if room == 0 {
            break;
        }
    }
    places
}

fn wanted_of(partition: &Shared, room: u64, places: &mut Vec<WalPlace>) -> u64 {
    let sequencer = partition.sequencer.lock();
    let mut bytes = 0;
    for batch in sequencer.log.tail.batches(sequencer.cut_end, sequencer.log_end()) {
        if bytes >= room {
            break;
        }
        bytes += batch.place.bytes as u64;
        if batch.bytes.is_none() {
            places.push(batch.place);
        }
    }
    bytes
}

fn read_all(wal: &dyn Wal, buffers: &Buffers, places: &[WalPlace]) -> Result<Reread, WalError> {
    let mut read = HashMap::with_capacity(places.len());
    for place in places {
        match wal.read(place.end, place.bytes) {
            Ok(bytes) => drop(read.insert(*place, buffers.reread(bytes))),
            Err(WalError::NotHeld(_)) => {}
            Err(error) => return Err(error),
        }
    }
    metrics::counter!("alluvium_wal_reread_batches_total").increment(read.len() as u64);
    Ok(Reread(read))
}
