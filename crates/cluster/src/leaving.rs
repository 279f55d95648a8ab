//! Leaving: what a broker says before it goes, so that its partitions move at once.

use crate::{
    ClusterError, cluster::Shared, picture::mode_of, session::RegisteredSession, stored::Stored,
    succession::is_held_by,
};
use bytes::Bytes;
use formats::metadata::{Broker, Owner};
use metadata::{Compare, MetadataError, Operation, Transaction, families::encode};
use model::config::DurabilityMode;
use std::sync::atomic::Ordering;

/// Records in one transaction.
const BATCH: usize = 60;

/// How often records that are not clean are looked for: what this broker sent earlier may land in between.
const ROUNDS: usize = 3;

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
    let record = Broker { draining: true, ..stored.value };
    store
        .transact(Transaction {
            compares: vec![
                lives(shared, session),
                Compare::ModRevision(key.clone(), stored.modified),
            ],
            then: vec![Operation::put(key, encode(record))],
            otherwise: Vec::new(),
        })
        .await
        .map(|_| ())
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
