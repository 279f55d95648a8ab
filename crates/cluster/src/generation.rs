//! A new generation of a cluster whose metadata was rebuilt: what must change in it before a broker may use it.
//!
//! Epochs and producer ids of a generation lie above all of those before (`epoch`), so nothing that was given out before and could
//! not be found is ever given out again.

use crate::{ClusterError, epoch::first_producer_id, marker, picture::mode_of};
use formats::metadata::{Broker, Cluster, LastSnapshot, Owner, ProducerIds};
use metadata::{
    MetadataError, MetadataStore, Operation, RangeQuery, Transaction,
    families::{Keys, Value, decode, encode},
};
use model::{ClusterId, config::DurabilityMode};
use storage::Objects;

/// No key is ever created at this revision: who looks whether a session still has its key finds that it has not.
const NEVER: u64 = i64::MAX as u64;

/// Puts in one transaction.
const BATCH: usize = 100;

/// What a bucket says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BucketIdentity {
    /// Whose it is.
    pub cluster: ClusterId,
    /// The cluster's generation.
    pub generation: u64,
}

/// Reads whose a bucket is; `None` without a marker.
///
/// # Errors
/// `Unavailable`, `Identity`.
pub async fn identify_bucket(objects: &Objects) -> Result<Option<BucketIdentity>, ClusterError> {
    let marker = marker::read(objects).await?;
    Ok(marker.map(|it| BucketIdentity { cluster: it.cluster, generation: it.generation }))
}

/// Marks the bucket as of that generation. Doing it twice is no error.
///
/// # Errors
/// `Unavailable`; `Identity` when it was marked for another cluster.
pub async fn mark_bucket(
    objects: &Objects,
    cluster: &ClusterId,
    generation: u64,
) -> Result<(), ClusterError> {
    marker::found(objects, cluster, generation).await
}

/// Turns metadata that was put back into that of `generation`, and answers the record of the cluster. No broker may use it meanwhile.
///
/// # Errors
/// `Unavailable`; `Identity` when it holds no cluster, or generations are used up.
pub async fn begin_generation(
    metadata: &dyn MetadataStore,
    keys: &Keys,
    generation: u64,
) -> Result<Cluster, ClusterError> {
    let found: Vec<Cluster> = read(metadata, RangeQuery::key(keys.cluster())).await?.1;
    let missing = || ClusterError::Identity("the snapshot holds no cluster".to_owned());
    let cluster = Cluster { generation, ..found.into_iter().next().ok_or_else(missing)? };
    let used_up = || ClusterError::Identity(format!("generation {generation} is too high"));
    let first_id = first_producer_id(generation).ok_or_else(used_up)?;
    let ids: Vec<ProducerIds> = read(metadata, RangeQuery::key(keys.producer_ids())).await?.1;
    let next = ids.first().map_or(first_id, |ids| ids.next.max(first_id));
    let mut puts = vec![
        Operation::put(keys.cluster(), encode(cluster.clone())),
        Operation::put(keys.producer_ids(), encode(ProducerIds { next, ..ProducerIds::default() })),
        // Objects stay until there is a snapshot of this generation: the earlier ones may be needed once more.
        Operation::put(keys.last_snapshot(), encode(LastSnapshot::default())),
    ];
    let (names, owners) = read::<Owner>(metadata, RangeQuery::prefix(keys.owners())).await?;
    let owners = owners.into_iter().map(ownerless);
    puts.extend(names.into_iter().zip(owners).map(|(key, it)| Operation::put(key, encode(it))));
    let (names, brokers) = read::<Broker>(metadata, RangeQuery::prefix(keys.brokers())).await?;
    let floor = |it| Broker { wal_generation_is_a_floor: true, draining: false, ..it };
    let brokers = brokers.into_iter().map(floor);
    puts.extend(names.into_iter().zip(brokers).map(|(key, it)| Operation::put(key, encode(it))));
    for then in puts.chunks(BATCH) {
        let then = then.to_vec();
        metadata.transact(Transaction { then, ..Transaction::default() }).await?;
    }
    Ok(cluster)
}

/// The record of a partition whose owner's session is over for certain. Whether a WAL that acknowledged by itself holds more than the
/// bucket nobody knows, unless no WAL is named.
fn ownerless(owner: Owner) -> Owner {
    let by_wal = mode_of(&owner) == Some(DurabilityMode::Wal);
    let names_wal = owner.wal_id.iter().any(|byte| *byte != 0);
    let clean = owner.clean && !(by_wal && names_wal);
    Owner { session_create_revision: NEVER, clean, ..owner }
}

async fn read<V: Value>(
    metadata: &dyn MetadataStore,
    query: RangeQuery,
) -> Result<(Vec<bytes::Bytes>, Vec<V>), MetadataError> {
    let entries = metadata.range(query).await?.entries;
    let values = entries.iter().map(decode).collect::<Result<_, _>>()?;
    Ok((entries.into_iter().map(|it| it.key).collect(), values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use formats::metadata::DurabilityMode as Stored;
    use metadata::MemoryStore;
    use model::{BrokerId, PartitionId, PartitionIndex, TopicId};
    use runtime::Clock;

    fn partition(index: u32) -> PartitionId {
        let partition = PartitionIndex::new(index).unwrap();
        PartitionId { topic: TopicId::from_bytes([1; 16]), partition }
    }

    fn owner(mode: Stored, wal: u8) -> Owner {
        Owner {
            session: vec![1; 16].into(),
            session_create_revision: 12,
            wal_id: vec![wal; 16].into(),
            leader_epoch: 3,
            mode: mode.into(),
            clean: true,
            ..Owner::default()
        }
    }

    async fn put_back(keys: &Keys) -> MemoryStore {
        let store = MemoryStore::new(Clock::simulated(0));
        let cluster = Cluster { cluster_id: "c".into(), ..Cluster::default() };
        let broker = Broker { wal_id: vec![8; 16].into(), wal_generation: 7, ..Broker::default() };
        let then = vec![
            Operation::put(keys.cluster(), encode(cluster)),
            Operation::put(keys.broker(BrokerId::new(1).unwrap()), encode(broker)),
            Operation::put(keys.owner(partition(0)), encode(owner(Stored::Wal, 8))),
            Operation::put(keys.owner(partition(1)), encode(owner(Stored::Wal, 0))),
            Operation::put(keys.owner(partition(2)), encode(owner(Stored::Object, 8))),
        ];
        store.transact(Transaction { then, ..Transaction::default() }).await.unwrap();
        store
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_new_generation_all_sessions_are_over_and_ids_are_new() {
        let keys = Keys::new("alluvium/");
        let store = put_back(&keys).await;
        let cluster = begin_generation(&store, &keys, 2).await.unwrap();
        assert_eq!((cluster.cluster_id.as_str(), cluster.generation), ("c", 2));
        let ids: Vec<ProducerIds> =
            read(&store, RangeQuery::key(keys.producer_ids())).await.unwrap().1;
        assert_eq!(ids[0].next, 2 << 40);
        let owners: Vec<Owner> = read(&store, RangeQuery::prefix(keys.owners())).await.unwrap().1;
        assert!(owners.iter().all(|it| it.session_create_revision == NEVER));
        let clean: Vec<_> = owners.iter().map(|it| it.clean).collect();
        assert_eq!(clean, [false, true, true], "a WAL that is named may hold more");
        let brokers: Vec<Broker> =
            read(&store, RangeQuery::prefix(keys.brokers())).await.unwrap().1;
        assert!(brokers[0].wal_generation_is_a_floor);
    }

    #[tokio::test(start_paused = true)]
    async fn metadata_without_a_cluster_has_no_generations() {
        let store = MemoryStore::new(Clock::simulated(0));
        assert!(begin_generation(&store, &Keys::new("alluvium/"), 1).await.is_err());
    }
}
