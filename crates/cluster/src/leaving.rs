//! Leaving: a broker says that it goes, the controller has its partitions moved to others, and what is left is declared clean.

use crate::{
    ClusterError, cluster::Shared, picture::mode_of, session::RegisteredSession, stored::Stored,
    succession::is_held_by,
};
use bytes::Bytes;
use formats::metadata::{Broker, Owner};
use metadata::{Compare, MetadataError, Operation, Transaction, families::encode};
use model::config::DurabilityMode;
use std::{sync::atomic::Ordering, time::Duration};

/// Records in one transaction.
const BATCH: usize = 60;

/// How often records that are not clean are looked for: what this broker sent earlier may land in between.
const ROUNDS: usize = 3;

/// Says that this broker leaves, and waits until nothing is its own any more, nobody else is there, or time is up. Answers how many
/// partitions are left.
///
/// # Errors
/// `Unavailable`.
pub(crate) async fn hand_off(shared: &Shared, patience: Duration) -> Result<usize, ClusterError> {
    let Some(session) = *shared.session.lock() else { return Ok(0) };
    shared.draining.store(true, Ordering::Release);
    mark_draining(shared, &session).await?;
    // Out of patience: what is left moves as it does when a broker dies.
    let _ = tokio::time::timeout(patience, handed_off(shared)).await;
    Ok(owned(shared))
}

async fn handed_off(shared: &Shared) {
    shared.until(|| owned(shared) == 0 || is_alone(shared)).await;
}

/// Partitions of this broker.
fn owned(shared: &Shared) -> usize {
    let Some(session) = *shared.session.lock() else { return 0 };
    let view = shared.view.lock();
    let is_own = |stored: &&Stored<Owner>| is_held_by(&stored.value, &session.stamp);
    view.owners.values().filter(is_own).count()
}

fn is_alone(shared: &Shared) -> bool {
    let view = shared.view.lock();
    let other = |id: &model::BrokerId| *id != shared.identity.broker;
    !view.sessions.keys().any(|id| other(id) && view.takes_partitions(id.get()))
}

/// Declares this broker's drained `wal` partitions clean, marks it draining, revokes its lease.
///
/// # Errors
/// `Unavailable`.
pub(crate) async fn leave(shared: &Shared) -> Result<(), ClusterError> {
    let Some(session) = *shared.session.lock() else { return Ok(()) };
    shared.ready.store(false, Ordering::Release);
    shared.lease.end(session.stamp.id);
    mark_draining(shared, &session).await?;
    declare_clean(shared, &session).await?;
    shared.parts.metadata.revoke_lease(session.lease).await?;
    Ok(())
}

async fn mark_draining(shared: &Shared, session: &RegisteredSession) -> Result<(), MetadataError> {
    let store = shared.parts.metadata.as_ref();
    let key = shared.parts.keys.broker(session.stamp.broker);
    let Some(stored) = Stored::<Broker>::read(store, key.clone()).await? else { return Ok(()) };
    if stored.value.draining {
        return Ok(());
    }
    let record = Broker { draining: true, ..stored.value };
    let told = store
        .transact(Transaction {
            compares: vec![
                lives(shared, session),
                Compare::ModRevision(key.clone(), stored.modified),
            ],
            then: vec![Operation::put(key, encode(record))],
            otherwise: Vec::new(),
        })
        .await?;
    if let Some(registered) = shared.session.lock().as_mut().filter(|_| told.succeeded) {
        registered.broker_revision = told.revision;
    }
    Ok(())
}

/// A record that goes on changing keeps its partition unclean: it then waits for this disk, which loses nothing.
async fn declare_clean(shared: &Shared, session: &RegisteredSession) -> Result<(), MetadataError> {
    for _ in 0..ROUNDS {
        let unclean = unclean(shared, session).await?;
        if unclean.is_empty() {
            return Ok(());
        }
        for batch in unclean.chunks(BATCH) {
            declare(shared, session, batch).await?;
        }
    }
    if !unclean(shared, session).await?.is_empty() {
        tracing::warn!("owner records changed while leaving; some partitions stay unclean");
    }
    Ok(())
}

/// The `wal` partitions of this session whose records do not say clean.
async fn unclean(
    shared: &Shared,
    session: &RegisteredSession,
) -> Result<Vec<(Bytes, Stored<Owner>)>, MetadataError> {
    let prefix = shared.parts.keys.owners();
    let range = shared.parts.metadata.range(metadata::RangeQuery::prefix(prefix)).await?;
    let mut unclean = Vec::new();
    for entry in &range.entries {
        let stored = Stored::<Owner>::from_entry(entry)?;
        let is_unclean = !stored.value.clean && mode_of(&stored.value) == Some(DurabilityMode::Wal);
        if is_unclean && is_held_by(&stored.value, &session.stamp) {
            unclean.push((entry.key.clone(), stored));
        }
    }
    Ok(unclean)
}

async fn declare(
    shared: &Shared,
    session: &RegisteredSession,
    batch: &[(Bytes, Stored<Owner>)],
) -> Result<(), MetadataError> {
    let mut transaction =
        Transaction { compares: vec![lives(shared, session)], ..Transaction::default() };
    for (key, stored) in batch {
        transaction.compares.push(Compare::ModRevision(key.clone(), stored.modified));
        let record = Owner { clean: true, ..stored.value.clone() };
        transaction.then.push(Operation::put(key.clone(), encode(record)));
    }
    shared.parts.metadata.transact(transaction).await.map(|_| ())
}

fn lives(shared: &Shared, session: &RegisteredSession) -> Compare {
    let key = shared.parts.keys.session(session.stamp.broker);
    Compare::CreateRevision(key, session.stamp.create_revision)
}
