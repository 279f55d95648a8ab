//! Garbage: objects that no log needs any more, removed in two steps.
//!
//! First one transaction takes the commit or index out of metadata and notes its objects under `garbage/`; after the delete delay,
//! which is longer than any reader holds on to what it read, and once the newest snapshot in the bucket has the note, the objects are
//! deleted, then the note. Each step can be repeated.
//! An object holds many partitions: it goes when all of its slices are dead, and segments that an index names as soon as no reader reaches
//! any of theirs (ADR 23). Commits of this session are looked at, and of all
//! that have ended, whether an owner record still names them or manifests cover them: other brokers' sessions fold meanwhile.

mod freed;
mod inventory;
mod liveness;
mod orphans;
mod partitions;
mod remembered;
mod rests;
mod unclaimed;

use crate::{engine::Engine, pipeline::ActiveSession};
use bytes::Bytes;
use formats::metadata::{CommitHead, Garbage, LastSnapshot, Manifest};
use freed::FreedSegments;
use inventory::{Inventory, Listed};
use liveness::Liveness;
use metadata::{
    Compare, Entry, MetadataError, Operation, RangeQuery, Revision, Transaction, families,
};
use model::{Offset, SessionId, TimestampMs, TopicId};
use orphans::Orphans;
use partitions::PartitionObjects;
use rests::{Rests, lasting_sessions};
use runtime::Backoff;
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};
use storage::ObjectName;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Most objects that one note names, to stay far below the metadata store's limits.
const OBJECTS_PER_NOTE: usize = 1_000;

/// Most objects that one transaction notes, likewise.
const OBJECTS_PER_TRANSACTION: usize = 10_000;

/// What was learnt in earlier passes.
#[derive(Debug, Default)]
struct Memory {
    inventory: Inventory,
    freed: FreedSegments,
    rests: Rests,
    partitions: PartitionObjects,
    orphans: Orphans,
}

/// Collects garbage at the interval of retention until the session ends.
pub(super) async fn collect(engine: Arc<Engine>, session: Arc<ActiveSession>) {
    let mut memory = Memory::default();
    loop {
        tokio::time::sleep(engine.options.retention_check_interval).await;
        if let Err(reason) = pass(&engine, &session, &mut memory).await {
            tracing::warn!(%reason, "garbage could not be collected; it is tried again");
        }
    }
}

async fn pass(engine: &Engine, session: &ActiveSession, memory: &mut Memory) -> Result<(), String> {
    let Memory { inventory, freed, rests, partitions, orphans } = memory;
    // A fold must not take in what this pass takes out.
    let _gate = session.fold_gate.lock().await;
    let (liveness, deleted_topics) =
        read_liveness(engine).await.map_err(|error| error.to_string())?;
    let mut still_held = HashSet::<TopicId>::new();
    let sessions = Sessions::read(engine).await?;
    for &id in sessions.ended.keys().chain([&session.stamp.id]) {
        for listed in inventory.list(engine, session, id).await? {
            if liveness.all_dead(&listed.held) {
                tracing::debug!(object = %listed.object, "nothing of an object is needed any more");
                discard(engine, session, id, &listed).await?;
            } else {
                freed.free(engine, session, id, (&listed, &liveness)).await?;
                still_held.extend(listed.held.iter().map(|it| it.partition.topic));
            }
        }
    }
    inventory.end_pass(|id| sessions.ended.contains_key(id));
    freed.end_pass();
    still_held.extend(partitions.sort_out(engine, session, &liveness.deleted).await?);
    forget_topics(engine, &deleted_topics, &still_held).await?;
    discard_rests(engine, session, rests).await?;
    orphans.sort_out(engine, session, &sessions).await?;
    unclaimed::sort_out(engine).await.map_err(|error| error.to_string())?;
    delete_objects(engine).await
}

/// The sessions that metadata knows.
struct Sessions {
    lasting: HashSet<SessionId>,
    /// Those that are over, with their heads, which stay.
    ended: BTreeMap<SessionId, HeadEntry>,
}

/// A session's head as it is stored.
struct HeadEntry {
    value: CommitHead,
    created: Revision,
    revision: Revision,
}

impl Sessions {
    async fn read(engine: &Engine) -> Result<Self, String> {
        let keys = &engine.parts.keys;
        let heads = range(engine, keys.commit_heads()).await.map_err(|error| error.to_string())?;
        // Read after the heads: a session is registered together with its head.
        let lasting = lasting_sessions(engine).await?;
        let mut ended = BTreeMap::new();
        for entry in heads {
            let Some(id) = keys.parse_commit_head(&entry.key) else { continue };
            if lasting.contains(&id) {
                continue;
            }
            let value = families::decode(&entry).map_err(|error| error.to_string())?;
            let (created, revision) = (entry.create_revision, entry.mod_revision);
            ended.insert(id, HeadEntry { value, created, revision });
        }
        Ok(Self { lasting, ended })
    }
}

async fn read_liveness(engine: &Engine) -> Result<(Liveness, Vec<Entry>), MetadataError> {
    let keys = &engine.parts.keys;
    let deleted = range(engine, keys.deleted_topics()).await?;
    let manifests = range(engine, keys.manifests()).await?;
    let remembered_ms = engine.options.producer_expiration.as_millis() as i64;
    let mut liveness = Liveness {
        deleted: deleted.iter().filter_map(|it| keys.parse_deleted_topic(&it.key)).collect(),
        producers_since: TimestampMs(engine.parts.clock.unix_ms().saturating_sub(remembered_ms)),
        ..Liveness::default()
    };
    for entry in manifests {
        let manifest: Manifest = families::decode(&entry)?;
        let Some(partition) = keys.parse_manifest(&entry.key) else { continue };
        liveness
            .log_starts
            .extend(Offset::new(manifest.log_start_offset).map(|log_start| (partition, log_start)));
        liveness
            .merged_through
            .extend(Offset::new(manifest.merged_through).map(|merged| (partition, merged)));
    }
    Ok((liveness, deleted))
}

async fn range(engine: &Engine, prefix: Bytes) -> Result<Vec<Entry>, MetadataError> {
    Ok(engine.parts.metadata.range(RangeQuery::prefix(prefix)).await?.entries)
}

/// Takes a commit or index out of metadata, and notes its objects in the same transaction, as far as they fit.
async fn discard(
    engine: &Engine,
    session: &ActiveSession,
    of: SessionId,
    listed: &Listed,
) -> Result<(), String> {
    let objects = inventory::objects_of(engine, listed).await?;
    let mut then = notes(engine, note_ahead(engine, session, &objects).await?);
    then.push(Operation::Delete(listed.key.clone()));
    change(engine, session, listed, then).await?;
    // Done now, or by an earlier sending: nobody else takes keys of this session while the gate is held.
    if of == session.stamp.id {
        session.commits.lock().discard(&listed.object);
    }
    Ok(())
}

/// Does that while `session` lives, if the commit or index still is what was listed. Answers whether it happened.
async fn change(
    engine: &Engine,
    session: &ActiveSession,
    listed: &Listed,
    then: Vec<Operation>,
) -> Result<bool, String> {
    let key = engine.parts.keys.session(session.stamp.broker);
    let compares = vec![
        Compare::CreateRevision(key, session.stamp.create_revision),
        Compare::ModRevision(listed.key.clone(), listed.revision),
    ];
    settle(engine, Transaction { compares, then, otherwise: vec![] }).await
}

/// Notes objects of this session that nothing will ever name.
///
/// # Errors
/// A sentence, when metadata refuses it.
pub(crate) async fn note_garbage(
    engine: &Engine,
    session: &ActiveSession,
    objects: &[String],
) -> Result<(), String> {
    let key = engine.parts.keys.session(session.stamp.broker);
    let transaction = Transaction {
        compares: vec![Compare::CreateRevision(key, session.stamp.create_revision)],
        then: notes(engine, objects),
        otherwise: vec![],
    };
    settle(engine, transaction).await.map(drop)
}

/// Notes these objects but for the last ones, which it answers: so many fit into a transaction of the caller. The others are noted even
/// if nothing comes of that.
async fn note_ahead<'a>(
    engine: &Engine,
    session: &ActiveSession,
    objects: &'a [String],
) -> Result<&'a [String], String> {
    let ahead = objects.len().saturating_sub(1) / OBJECTS_PER_TRANSACTION;
    let (ahead, last) = objects.split_at(ahead * OBJECTS_PER_TRANSACTION);
    for portion in ahead.chunks(OBJECTS_PER_TRANSACTION) {
        note_garbage(engine, session, portion).await?;
    }
    Ok(last)
}

/// Notes that these objects are to be deleted after the delay.
pub(crate) fn notes(engine: &Engine, objects: &[String]) -> Vec<Operation> {
    let delay_ms = engine.options.delete_delay.as_millis() as i64;
    let not_before = engine.parts.clock.unix_ms().saturating_add(delay_ms);
    let note = |objects: &[String]| {
        let id = uuid::Builder::from_random_bytes(engine.parts.randomness.bytes16()).into_uuid();
        let garbage = Garbage {
            objects: objects.to_vec(),
            not_before_unix_ms: not_before,
            ..Garbage::default()
        };
        Operation::put(engine.parts.keys.garbage(id), families::encode(garbage))
    };
    objects.chunks(OBJECTS_PER_NOTE).map(note).collect()
}

/// Notes the manifests' rests that nothing refers to any more.
async fn discard_rests(
    engine: &Engine,
    session: &ActiveSession,
    rests: &mut Rests,
) -> Result<(), String> {
    let mut objects = rests.unreferenced(engine).await?;
    objects.truncate(OBJECTS_PER_NOTE);
    if objects.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = objects.iter().map(ObjectName::to_string).collect();
    note_garbage(engine, session, &names).await?;
    rests.note(objects);
    Ok(())
}

/// Sends a transaction until it is answered: folding must know what it may count on. Answers whether it happened.
async fn settle(engine: &Engine, transaction: Transaction) -> Result<bool, String> {
    let randomness = engine.parts.randomness.clone();
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, randomness);
    loop {
        match engine.parts.metadata.transact(transaction.clone()).await {
            Ok(outcome) => return Ok(outcome.succeeded),
            Err(error) if error.retryable() => tokio::time::sleep(backoff.next_pause()).await,
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Forgets deleted topics of which nothing is left. Owner records and manifests go first: the controller clears those of topics that
/// are known to be deleted.
async fn forget_topics(
    engine: &Engine,
    deleted: &[Entry],
    still_held: &HashSet<TopicId>,
) -> Result<(), String> {
    for entry in deleted {
        let Some(topic) = engine.parts.keys.parse_deleted_topic(&entry.key) else { continue };
        if still_held.contains(&topic) || holds_unflushed(engine, topic) {
            continue;
        }
        if has_records(engine, topic).await.map_err(|error| error.to_string())? {
            continue;
        }
        let transaction = Transaction {
            compares: vec![Compare::ModRevision(entry.key.clone(), entry.mod_revision)],
            then: vec![Operation::Delete(entry.key.clone())],
            otherwise: vec![],
        };
        engine.parts.metadata.transact(transaction).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Whether owner records or manifests of the topic are left. None come back: their puts compare the owner record or the topic.
async fn has_records(engine: &Engine, topic: TopicId) -> Result<bool, MetadataError> {
    let keys = &engine.parts.keys;
    for prefix in [keys.owners_of(topic), keys.manifests_of(topic)] {
        let query = RangeQuery::prefix(prefix).limit(1);
        if !engine.parts.metadata.range(query).await?.entries.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A flush that was cut before the topic's partitions were closed may still be committed.
fn holds_unflushed(engine: &Engine, topic: TopicId) -> bool {
    let in_flight = engine.session().is_some_and(|session| !session.is_settled());
    in_flight || engine.partitions().iter().any(|partition| partition.id.topic == topic)
}

/// Deletes objects whose time has come, then their note. What the newest snapshot of metadata in the bucket may refer to stays: the
/// cluster could be rebuilt from it.
async fn delete_objects(engine: &Engine) -> Result<(), String> {
    let snapshot = last_snapshot(engine).await.map_err(|error| error.to_string())?;
    let notes = range(engine, engine.parts.keys.all_garbage()).await;
    for entry in notes.map_err(|error| error.to_string())? {
        let garbage: Garbage = families::decode(&entry).map_err(|error| error.to_string())?;
        let may_be_referred_to = snapshot.is_some_and(|revision| entry.mod_revision > revision);
        if may_be_referred_to || garbage.not_before_unix_ms > engine.parts.clock.unix_ms() {
            continue;
        }
        let names: Result<Vec<_>, _> =
            garbage.objects.iter().map(|name| ObjectName::new(name)).collect();
        let names = names.map_err(|error| error.to_string())?;
        engine.parts.objects.delete(&names).await.map_err(|error| error.to_string())?;
        metrics::counter!("alluvium_objects_deleted_total").increment(names.len() as u64);
        forget_note(engine, entry.key, entry.mod_revision).await?;
    }
    Ok(())
}

/// The revision as of which the newest snapshot was read, 0 while the first is being written; `None` without any.
async fn last_snapshot(engine: &Engine) -> Result<Option<Revision>, MetadataError> {
    let query = RangeQuery::key(engine.parts.keys.last_snapshot());
    let read = engine.parts.metadata.range(query).await?;
    let last = read.entries.first().map(families::decode::<LastSnapshot>).transpose()?;
    Ok(last.map(|last| Revision(last.revision)))
}

async fn forget_note(engine: &Engine, key: Bytes, revision: Revision) -> Result<(), String> {
    let transaction = Transaction {
        compares: vec![Compare::ModRevision(key.clone(), revision)],
        then: vec![Operation::Delete(key)],
        otherwise: vec![],
    };
    let done = engine.parts.metadata.transact(transaction).await;
    done.map(|_| ()).map_err(|error| error.to_string())
}
