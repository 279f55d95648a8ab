//! Writes owner records whose terms change, in batches, for as long as a session lasts.
//!
//! Each transaction compares the session and the records it replaces. One is in flight at a time; what is in doubt afterwards is
//! decided anew and written on the same revision. A session's end ends all of it: no record of it can land any more.

use super::idle::IdleWatch;
use crate::{
    engine::Engine,
    partition::Shared,
    pipeline::ActiveSession,
    sequencer::{NewTerms, Phase},
};
use formats::metadata::Owner;
use metadata::{
    Compare, Entry, MetadataError, Operation, Outcome, RangeQuery, Reply, Transaction, families,
};
use model::PartitionId;
use runtime::Backoff;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// Every partition is looked at this often: for silence.
const RHYTHM: Duration = Duration::from_secs(10);

/// Partitions in one transaction: a compare and an operation each, and one for the session, of 128.
const BATCH: usize = 60;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Writes what is due until the session ends.
pub(crate) async fn keep(engine: Arc<Engine>, session: Arc<ActiveSession>) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, engine.parts.randomness.clone());
    let mut watch = IdleWatch::default();
    let mut round = tokio::time::interval(RHYTHM);
    loop {
        let (due, idle) = tokio::select! {
            () = engine.terms.asked() => (engine.terms.take(), BTreeSet::new()),
            _ = round.tick() => everything(&engine, &mut watch),
        };
        let due: Vec<_> = due.into_iter().collect();
        for batch in due.chunks(BATCH) {
            match write(&engine, &session, batch, &idle).await {
                Ok(()) => backoff.reset(),
                Err(error) => {
                    tracing::warn!(%error, "owner records could not be written; trying again");
                    tokio::time::sleep(backoff.next_pause()).await;
                    engine.terms.ask_all(batch.iter().copied());
                }
            }
        }
    }
}

/// All partitions, and those that are silent.
fn everything(
    engine: &Engine,
    watch: &mut IdleWatch,
) -> (BTreeSet<PartitionId>, BTreeSet<PartitionId>) {
    let mut all = BTreeSet::new();
    let mut ends = Vec::new();
    for partition in engine.partitions() {
        let sequencer = partition.sequencer.lock();
        all.insert(partition.id);
        if sequencer.terms.may_become_clean() {
            ends.push((partition.id, sequencer.log_end()));
        }
    }
    (all, watch.observe(engine.parts.clock.boot_time(), ends))
}

/// Writes what is due of a batch. What is refused is asked for again.
async fn write(
    engine: &Engine,
    session: &ActiveSession,
    batch: &[PartitionId],
    idle: &BTreeSet<PartitionId>,
) -> Result<(), MetadataError> {
    let mut changes = Vec::new();
    for id in batch {
        let Some(partition) = engine.partition(*id) else { continue };
        let proposed = propose(&partition, session, idle.contains(id));
        changes.extend(proposed.map(|terms| (partition, terms)));
    }
    if changes.is_empty() {
        return Ok(());
    }
    let outcome = engine.parts.metadata.transact(transaction(engine, session, &changes)).await?;
    if outcome.succeeded {
        for (partition, terms) in &changes {
            metrics::counter!("alluvium_owner_terms_written_total").increment(1);
            adopt(engine, partition, &NewTerms { revision: outcome.revision, ..terms.clone() });
        }
        return Ok(());
    }
    let again = learn(engine, &changes, &outcome)?;
    if !again.is_empty() {
        // Also when the session is over, until who keeps it alive has seen that.
        tokio::time::sleep(FIRST_PAUSE).await;
        engine.terms.ask_all(again);
    }
    Ok(())
}

/// What the partition's owner record is to become. From here on it may be stored, whatever the answer.
fn propose(partition: &Shared, session: &ActiveSession, idle: bool) -> Option<NewTerms> {
    let mut sequencer = partition.sequencer.lock();
    let mine = sequencer.ownership.session.id == session.stamp.id;
    if !mine || sequencer.phase != Phase::Serving {
        return None;
    }
    let next = sequencer.terms.next(sequencer.position(idle))?;
    sequencer.terms.send(next);
    let record = next.put_into(&sequencer.ownership.record);
    Some(NewTerms { revision: sequencer.ownership.owner_revision, record })
}

fn transaction(
    engine: &Engine,
    session: &ActiveSession,
    changes: &[(Arc<Shared>, NewTerms)],
) -> Transaction {
    let keys = &engine.parts.keys;
    let session_key = keys.session(session.stamp.broker);
    let created = session.stamp.create_revision;
    let mut transaction = Transaction {
        compares: vec![Compare::CreateRevision(session_key, created)],
        ..Transaction::default()
    };
    for (partition, terms) in changes {
        let key = keys.owner(partition.id);
        transaction.compares.push(Compare::ModRevision(key.clone(), terms.revision));
        transaction.then.push(Operation::put(key.clone(), families::encode(terms.record.clone())));
        transaction.otherwise.push(Operation::Read(RangeQuery::key(key)));
    }
    transaction
}

/// Takes in what a refusal tells: an earlier write of ours may have landed after all. Answers what is to be written again; a record
/// that is not this session's any more is not: who watches the records ends what rests on it.
fn learn(
    engine: &Engine,
    changes: &[(Arc<Shared>, NewTerms)],
    outcome: &Outcome,
) -> Result<Vec<PartitionId>, MetadataError> {
    let mut again = Vec::new();
    for ((partition, terms), reply) in changes.iter().zip(&outcome.replies) {
        let Reply::Read(entries) = reply else { continue };
        let Some(stored) = entries.first() else { continue };
        if stored.mod_revision == terms.revision {
            again.push(partition.id);
        } else if let Some(terms) = own_record(stored, &terms.record)? {
            adopt(engine, partition, &terms);
            again.push(partition.id);
        }
    }
    Ok(again)
}

/// The stored record, when it is of the same session and epoch as `ours`.
fn own_record(stored: &Entry, ours: &Owner) -> Result<Option<NewTerms>, MetadataError> {
    let record: Owner = families::decode(stored)?;
    let same = record.session == ours.session && record.leader_epoch == ours.leader_epoch;
    Ok(same.then_some(NewTerms { revision: stored.mod_revision, record }))
}

fn adopt(engine: &Engine, partition: &Shared, terms: &NewTerms) {
    let mut sequencer = partition.sequencer.lock();
    let before = sequencer.terms.in_force();
    sequencer.adopt_record(terms);
    let now = sequencer.terms.in_force();
    drop(sequencer);
    if before != now {
        tracing::info!(partition = %partition.id, topic = %partition.topic, mode = ?now, "another durability mode is in force");
    }
    engine.advance(partition, None);
}
