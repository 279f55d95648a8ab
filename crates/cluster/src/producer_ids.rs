//! Producer ids: taken from the cluster's counter in blocks, given out one by one.

use crate::{
    ClusterError,
    cluster::Shared,
    epoch::first_producer_id,
    stored::{Stored, modified},
};
use formats::metadata::ProducerIds;
use metadata::{Compare, MetadataError, Operation, Transaction, families::encode};
use model::ProducerId;
use std::ops::Range;

/// Ids in a block. One that a crash leaves unused is never given out.
const BLOCK: u64 = 1_000;
/// Attempts before a caller is told to come back.
const ATTEMPTS: usize = 20;

/// The next id of this broker's block; a new block when it is used up.
pub(crate) async fn next(shared: &Shared) -> Result<ProducerId, ClusterError> {
    let mut block = shared.producer_ids.lock().await;
    if block.is_empty() {
        *block = take(shared, BLOCK).await?;
    }
    let id = block.next().and_then(ProducerId::new);
    id.ok_or_else(|| ClusterError::Unavailable("producer ids are used up".to_owned()))
}

/// Takes a block. After an unknown outcome another one is taken: ids are plenty.
pub(crate) async fn take(shared: &Shared, count: u64) -> Result<Range<u64>, ClusterError> {
    let key = shared.parts.keys.producer_ids();
    let store = shared.parts.metadata.as_ref();
    let floor = first_producer_id(shared.generation)
        .ok_or_else(|| ClusterError::Unavailable("producer ids are used up".to_owned()))?;
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let stored = Stored::<ProducerIds>::read(store, key.clone()).await?;
        let start = stored.as_ref().map_or(0, |stored| stored.value.next).max(floor);
        let end = start.saturating_add(count);
        let taking = Transaction {
            compares: vec![Compare::ModRevision(key.clone(), modified(stored.as_ref()))],
            then: vec![Operation::put(key.clone(), encode(ProducerIds { format: 1, next: end }))],
            otherwise: Vec::new(),
        };
        match store.transact(taking).await {
            Ok(outcome) if outcome.succeeded => return Ok(start..end),
            Ok(_) => {}
            Err(error @ MetadataError::OutcomeUnknown(_)) => last = Some(error),
            Err(error) => return Err(error.into()),
        }
    }
    Err(last.map_or_else(
        || ClusterError::Unavailable("too many brokers take producer ids at once".to_owned()),
        ClusterError::from,
    ))
}
