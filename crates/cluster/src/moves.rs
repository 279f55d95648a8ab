//! Moves as operators ask for them: one conditional transaction each. The partition's owner carries them out ([`crate::handover`]).
//!
//! A partition that has no owner yet gets the broker that its move names.

use crate::{ClusterError, cluster::Shared};
use formats::metadata::Move;
use metadata::{Compare, MetadataError, Operation, Transaction, families::encode};
use model::{BrokerId, PartitionId};
use std::collections::BTreeSet;

/// Moves in one transaction: a compare and an operation each, and a few compares more, of 128.
pub(crate) const BATCH: usize = 100;

/// Has a partition moved.
pub(crate) async fn request(
    shared: &Shared,
    partition: PartitionId,
    to: BrokerId,
) -> Result<(), ClusterError> {
    let unknown = || ClusterError::UnknownBroker(format!("{to}: it does not live, or is leaving"));
    let session = {
        let view = shared.view.lock();
        if !view.topics.contains_key(&partition.topic) {
            return Err(ClusterError::UnknownTopic(partition.topic.to_string()));
        }
        let session = view.sessions.get(&to).map(|stored| stored.created);
        let stays = view.brokers.get(&to).is_some_and(|stored| !stored.value.draining);
        session.filter(|_| stays).ok_or_else(unknown)?
    };
    let keys = &shared.parts.keys;
    let record = Move {
        format: 1,
        to: to.get(),
        requested: true,
        since_unix_ms: shared.parts.clock.unix_ms(),
    };
    let request = Transaction {
        compares: vec![
            Compare::CreateRevision(keys.session(to), session),
            Compare::Exists(keys.topic(partition.topic)),
        ],
        then: vec![Operation::put(keys.moving(partition), encode(record))],
        otherwise: Vec::new(),
    };
    // Sent once: a move whose outcome is unknown is seen in the image, or asked for again.
    match shared.parts.metadata.transact(request).await?.succeeded {
        true => Ok(()),
        false => Err(unknown()),
    }
}

/// Says where a partition that has no owner yet is to be.
pub(crate) fn wanted(shared: &Shared, (partition, to): (PartitionId, BrokerId)) -> Operation {
    let record = Move {
        format: 1,
        to: to.get(),
        requested: true,
        since_unix_ms: shared.parts.clock.unix_ms(),
    };
    Operation::put(shared.parts.keys.moving(partition), encode(record))
}

/// Says so of partitions of topics that exist, which may have got owners meanwhile: these hand them over.
///
/// # Errors
/// The store's.
pub(crate) async fn want(
    shared: &Shared,
    partitions: &[(PartitionId, BrokerId)],
) -> Result<(), ClusterError> {
    for batch in partitions.chunks(BATCH) {
        let topics: BTreeSet<_> = batch.iter().map(|(partition, _)| partition.topic).collect();
        let exists = |topic| Compare::Exists(shared.parts.keys.topic(topic));
        let transaction = Transaction {
            compares: topics.into_iter().map(exists).collect(),
            then: batch.iter().map(|it| wanted(shared, *it)).collect(),
            otherwise: Vec::new(),
        };
        shared.parts.metadata.transact(transaction).await?;
    }
    Ok(())
}

/// Calls a move off, unless its owner has carried it out.
pub(crate) async fn call_off(shared: &Shared, partition: PartitionId) -> Result<(), ClusterError> {
    let key = shared.parts.keys.moving(partition);
    let there = shared.view.lock().moves.get(&partition).map(|stored| stored.modified);
    let not_moving = || ClusterError::NotMoving(partition.to_string());
    let modified = there.ok_or_else(not_moving)?;
    let call_off = Transaction {
        compares: vec![Compare::ModRevision(key.clone(), modified)],
        then: vec![Operation::Delete(key)],
        otherwise: Vec::new(),
    };
    match shared.parts.metadata.transact(call_off).await?.succeeded {
        true => Ok(()),
        false => Err(not_moving()),
    }
}

/// Has partitions moved as the controller decided, unless they are moved already.
///
/// # Errors
/// The store's.
pub(crate) async fn plan(
    shared: &Shared,
    elected: Compare,
    planned: &[(PartitionId, BrokerId)],
) -> Result<(), MetadataError> {
    let keys = &shared.parts.keys;
    for batch in planned.chunks(BATCH) {
        let targets: BTreeSet<_> = batch.iter().map(|(_, to)| *to).collect();
        let lives = targets.into_iter().map(|to| Compare::Exists(keys.session(to)));
        let mut plan = Transaction {
            compares: std::iter::once(elected.clone()).chain(lives).collect(),
            ..Transaction::default()
        };
        for (partition, to) in batch {
            let record = Move {
                format: 1,
                to: to.get(),
                requested: false,
                since_unix_ms: shared.parts.clock.unix_ms(),
            };
            plan.compares.push(Compare::Absent(keys.moving(*partition)));
            plan.then.push(Operation::put(keys.moving(*partition), encode(record)));
        }
        // Refused: something changed, and is decided about anew once it is seen.
        shared.parts.metadata.transact(plan).await?;
    }
    Ok(())
}

/// Forgets moves that can't happen any more, or have happened. `elected` is the controller's election.
///
/// # Errors
/// The store's.
pub(crate) async fn clear(shared: &Shared, elected: Compare) -> Result<(), MetadataError> {
    let done = shared.view.lock().pointless_moves();
    for batch in done.chunks(BATCH) {
        let mut clearing =
            Transaction { compares: vec![elected.clone()], ..Transaction::default() };
        for (partition, modified) in batch {
            let key = shared.parts.keys.moving(*partition);
            clearing.compares.push(Compare::ModRevision(key.clone(), *modified));
            clearing.then.push(Operation::Delete(key));
        }
        shared.parts.metadata.transact(clearing).await?;
    }
    Ok(())
}
