//! Reads what metadata remembers of this broker's WAL.

use crate::{
    ClusterError, ClusterParts,
    cluster::wal_identity::WalOnDisk,
    view::{View, session_of, wal_of},
    wal_match::{self, RememberedWal, WalVerdict},
};
use formats::metadata::{Broker, Commit, Index, Owner};
use metadata::{MetadataError, RangeQuery, families::decode};
use model::{BrokerId, SessionId, WalId};
use std::collections::BTreeSet;

/// Judges the WAL on disk against what is stored.
///
/// # Errors
/// The store's.
pub(crate) async fn judge(
    parts: &ClusterParts,
    broker: BrokerId,
    view: &View,
    disk: &WalOnDisk,
) -> Result<WalVerdict, ClusterError> {
    let named: Vec<&Owner> = view
        .owners
        .values()
        .map(|stored| &stored.value)
        .filter(|owner| wal_of(owner) == Some(disk.id))
        .collect();
    let sessions: BTreeSet<SessionId> =
        named.iter().filter_map(|owner| session_of(owner)).collect();
    let remembered = match remembered_record(view, broker, disk.id) {
        Some((id, record)) => Some(RememberedWal {
            id,
            generation: record.wal_generation,
            generation_is_a_floor: record.wal_generation_is_a_floor,
            synced: largest_synced(parts, &sessions).await?,
        }),
        None => None,
    };
    Ok(wal_match::judge(remembered.as_ref(), disk, !named.is_empty()))
}

/// The broker record that names the disk's WAL: this broker's, else another's (the disk was given to another broker id); else
/// whatever this broker's record names.
fn remembered_record(view: &View, broker: BrokerId, disk: WalId) -> Option<(WalId, &Broker)> {
    let own = view.brokers.get(&broker).map(|stored| &stored.value);
    let others = view.brokers.values().map(|stored| &stored.value);
    let naming = own
        .into_iter()
        .chain(others)
        .find(|record| WalId::from_slice(&record.wal_id) == Some(disk));
    let record = naming.or(own)?;
    Some((WalId::from_slice(&record.wal_id)?, record))
}

/// The largest WAL position that any commit of these sessions knew synced, folded ones included.
async fn largest_synced(
    parts: &ClusterParts,
    sessions: &BTreeSet<SessionId>,
) -> Result<u64, MetadataError> {
    let mut largest = 0;
    for session in sessions {
        let commits = RangeQuery::prefix(parts.keys.commits(*session));
        for entry in parts.metadata.range(commits).await?.entries {
            largest = largest.max(decode::<Commit>(&entry)?.wal_synced);
        }
        let indexes = RangeQuery::prefix(parts.keys.indexes(*session));
        for entry in parts.metadata.range(indexes).await?.entries {
            largest = largest.max(decode::<Index>(&entry)?.wal_synced);
        }
    }
    Ok(largest)
}
