//! Recovered WAL frames that no claim took: given up when their topic is gone, quarantined when another WAL owns the partition.

use crate::engine::Engine;
use formats::metadata::{Owner, Topic};
use metadata::{MetadataError, RangeQuery, families};
use model::{LeaderEpoch, PartitionId};

/// Looks at every partition with unclaimed frames once. Those of partitions that may still be claimed stay as they are.
pub(super) async fn sort_out(engine: &Engine) -> Result<(), MetadataError> {
    let unclaimed: Vec<_> = engine.unclaimed.lock().keys().copied().collect();
    for partition in unclaimed {
        if engine.partition(partition).is_some() {
            continue;
        }
        if !topic_exists(engine, partition).await? {
            tracing::info!(%partition, "WAL frames of a deleted topic are given up");
            engine.unclaimed.lock().remove(&partition);
            engine.ledger.abandon(partition);
        } else if let Some(epoch) = lost_to(engine, partition).await? {
            engine.ledger.quarantine(partition, epoch);
        }
    }
    Ok(())
}

async fn topic_exists(engine: &Engine, partition: PartitionId) -> Result<bool, MetadataError> {
    let key = engine.parts.keys.topic(partition.topic);
    let found = engine.parts.metadata.range(RangeQuery::key(key)).await?;
    found.entries.first().map(families::decode::<Topic>).transpose().map(|topic| topic.is_some())
}

/// The epoch since which another WAL owns the partition.
async fn lost_to(
    engine: &Engine,
    partition: PartitionId,
) -> Result<Option<LeaderEpoch>, MetadataError> {
    let key = engine.parts.keys.owner(partition);
    let found = engine.parts.metadata.range(RangeQuery::key(key)).await?;
    let Some(entry) = found.entries.first() else { return Ok(None) };
    let owner: Owner = families::decode(entry)?;
    let own = engine.parts.wal.identity().id;
    Ok(match owner.wal_id.as_ref() == own.as_bytes() {
        true => None,
        false => LeaderEpoch::new(owner.since_epoch),
    })
}
