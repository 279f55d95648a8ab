//! A session: one life of this broker in the cluster, from registration to the end of its lease.

use crate::{
    ClusterError, SessionStamp,
    cluster::Shared,
    continuity, features,
    stored::{Stored, modified},
};
use ::metadata::families::encode;
use formats::metadata::{self as records, CommitHead, Controller, Features};
use metadata::{
    Compare, Entry, Lease, MetadataError, Operation, RangeQuery, Revision, Transaction,
};
use model::{SessionId, WalId};
use runtime::BootTime;
use std::{sync::atomic::Ordering, time::Duration};

/// Security protocol of every listener: there is no other yet.
const PROTOCOL: &str = "PLAINTEXT";

/// A registered session and the lease it lives by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegisteredSession {
    /// Its stamp.
    pub stamp: SessionStamp,
    /// Its lease.
    pub lease: Lease,
    /// Mod revision of `brokers/{id}` as registered: when another process changes it, this one is no longer that broker.
    pub broker_revision: Revision,
}

/// Why a registration did not happen.
#[derive(Debug)]
enum Refusal {
    /// Another session of this broker id lives.
    Occupied(Entry),
    /// Another process has registered as this broker, or the features changed.
    Changed,
}

/// Registers a session, waiting for an earlier one of this broker id to end: at once when its WAL is ours (its lock is held by
/// us, so its process is gone), at the end of its lease otherwise. `known` is the broker record of this process's earlier session.
///
/// # Errors
/// `AlreadyRunning` when an earlier session goes on living, or when another process registered as this broker since; `Identity` when
/// this process had a session and the store is not the one it was; `Version`; `Unavailable`.
pub(crate) async fn register(
    shared: &Shared,
    known: Option<Revision>,
) -> Result<RegisteredSession, ClusterError> {
    let patience = shared.options.lease_ttl * 2 + Duration::from_secs(5);
    let deadline = shared.parts.clock.boot_time().plus(patience);
    loop {
        let occupant = match attempt(shared, known).await? {
            Ok(session) => return Ok(session),
            Err(Refusal::Changed) => None,
            Err(Refusal::Occupied(entry)) => Some(entry),
        };
        if let Some(entry) = &occupant {
            end_own_predecessor(shared, entry).await?;
        }
        if shared.parts.clock.boot_time() >= deadline {
            return Err(already_running(shared));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn already_running(shared: &Shared) -> ClusterError {
    ClusterError::AlreadyRunning(format!(
        "broker {} is already running in cluster {}: give this one another --broker-id",
        shared.identity.broker, shared.cluster_id
    ))
}

async fn attempt(
    shared: &Shared,
    known: Option<Revision>,
) -> Result<Result<RegisteredSession, Refusal>, ClusterError> {
    let store = shared.parts.metadata.as_ref();
    let keys = &shared.parts.keys;
    let broker = shared.identity.broker;
    let finalised = Stored::<Features>::read(store, keys.features()).await?;
    if let Some(stored) = &finalised {
        features::check(stored.value)?;
    }
    if known.is_some() {
        continuity::check(shared).await?;
    }
    let there = Stored::<records::Broker>::read(store, keys.broker(broker)).await?;
    let changed = known.is_some_and(|known| known != modified(there.as_ref()));
    // A registration of this process that landed late changes nothing.
    let own = there.as_ref().is_some_and(|stored| stored.value == broker_record(shared));
    if changed && !own {
        return Err(already_running(shared));
    }
    let sent = shared.parts.clock.boot_time();
    let lease = store.grant_lease(shared.options.lease_ttl).await?;
    let id = SessionId::from_random_bytes(shared.parts.randomness.bytes16());
    let transaction = Transaction {
        compares: vec![
            Compare::Absent(keys.session(broker)),
            Compare::ModRevision(keys.features(), modified(finalised.as_ref())),
            Compare::ModRevision(keys.broker(broker), modified(there.as_ref())),
        ],
        then: vec![
            Operation::Put {
                key: keys.session(broker),
                value: encode(session_record(shared, id)),
                lease: Some(lease.id),
            },
            Operation::put(
                keys.commit_head(id),
                encode(CommitHead { format: 1, ..CommitHead::default() }),
            ),
            Operation::put(keys.broker(broker), encode(broker_record(shared))),
            Operation::put(keys.registration(broker), encode(features::registration())),
            Operation::put(keys.registrations_bump(), bytes::Bytes::new()),
        ],
        otherwise: Vec::new(),
    };
    match store.transact(transaction).await {
        Ok(_) | Err(MetadataError::OutcomeUnknown(_)) => settle(shared, id, lease, sent).await,
        Err(error) => Err(error.into()),
    }
}

/// What is stored decides whether the registration happened. One that lands later finds its lease revoked, or ends with it.
async fn settle(
    shared: &Shared,
    id: SessionId,
    lease: Lease,
    sent: BootTime,
) -> Result<Result<RegisteredSession, Refusal>, ClusterError> {
    let store = shared.parts.metadata.as_ref();
    let keys = &shared.parts.keys;
    let broker = shared.identity.broker;
    let range = store.range(RangeQuery::key(keys.session(broker))).await?;
    let entry = range.entries.into_iter().next();
    let mine = match &entry {
        Some(entry) => {
            Stored::<records::Session>::from_entry(entry)?.value.id.as_ref() == id.as_bytes()
        }
        None => false,
    };
    match entry {
        Some(entry) if mine => {
            shared.lease.begin(id, lease.time_to_live, sent);
            let stamp = SessionStamp { id, create_revision: entry.create_revision, broker };
            Ok(Ok(RegisteredSession { stamp, lease, broker_revision: entry.create_revision }))
        }
        other => {
            if let Err(error) = store.revoke_lease(lease).await {
                tracing::debug!(%error, "an unused lease is left to end by itself");
            }
            Ok(Err(other.map_or(Refusal::Changed, Refusal::Occupied)))
        }
    }
}

/// Deletes the session of an earlier process on the WAL whose lock this process holds, and its hold on `controller`.
async fn end_own_predecessor(shared: &Shared, session: &Entry) -> Result<(), ClusterError> {
    let store = shared.parts.metadata.as_ref();
    let keys = &shared.parts.keys;
    let there = Stored::<records::Broker>::read(store, keys.broker(shared.identity.broker)).await?;
    let of_session = there.and_then(|stored| WalId::from_slice(&stored.value.wal_id));
    if of_session != Some(shared.wal) {
        return Ok(());
    }
    let id = Stored::<records::Session>::from_entry(session)?.value.id;
    let controller = Stored::<Controller>::read(store, keys.controller()).await?;
    let mut compares = vec![Compare::CreateRevision(session.key.clone(), session.create_revision)];
    let mut then = vec![Operation::Delete(session.key.clone())];
    if let Some(held) = controller.filter(|held| held.value.session == id) {
        compares.push(Compare::CreateRevision(keys.controller(), held.created));
        then.push(Operation::Delete(keys.controller()));
    }
    // Whatever becomes of it, the next attempt to register shows.
    if let Err(error) = store.transact(Transaction { compares, then, otherwise: Vec::new() }).await
    {
        tracing::debug!(%error, "could not delete the predecessor's session");
    }
    Ok(())
}

fn session_record(shared: &Shared, id: SessionId) -> records::Session {
    records::Session {
        format: 1,
        id: id.as_bytes().to_vec().into(),
        broker: shared.identity.broker.get(),
        started_unix_ms: shared.parts.clock.unix_ms(),
        software_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The record of this broker as it registers.
fn broker_record(shared: &Shared) -> records::Broker {
    let endpoints = shared.identity.endpoints.iter().map(|endpoint| records::Endpoint {
        listener: endpoint.listener.clone(),
        host: endpoint.host.clone(),
        port: u32::from(endpoint.port),
        protocol: PROTOCOL.to_owned(),
    });
    records::Broker {
        format: 1,
        broker: shared.identity.broker.get(),
        endpoints: endpoints.collect(),
        rack: shared.identity.rack.clone(),
        draining: shared.draining.load(Ordering::Acquire),
        wal_id: shared.wal.as_bytes().to_vec().into(),
        wal_generation: shared.wal_generation,
        wal_generation_is_a_floor: false,
    }
}
