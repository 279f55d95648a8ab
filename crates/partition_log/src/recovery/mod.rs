//! Opening partitions: what metadata and objects say, then what the WAL still has.
//!
//! Everything is read at one revision of the metadata store, and each commit, index and object once, however many partitions are
//! opened together. A partition that is in memory already (its session was lost) keeps its tail, drops what turns out to
//! be committed, and goes on at its log end under the new epoch; unless it was another broker's in between.

mod assemble;
mod durable;
mod history;
mod manifest_fold;
mod recent;
mod replay;

use crate::{
    Claim, LogError, Partition,
    engine::Engine,
    partition::Shared,
    pipeline::ActiveSession,
    produced::produced_batch,
    sequencer::{NewTerms, OpenedLog, Ownership, Phase, Sequencer},
    tail::{TailBatch, WalPlace},
    terms::Recorded,
};
pub(crate) use assemble::{assemble, overlap, take_in};
pub(crate) use durable::read_durable;
pub(crate) use history::History;
pub(crate) use recent::{RecentReads, SharedReads};

use assemble::Assembled;
use manifest_fold::{FoldedClaims, fold_long};
use model::{LeaderEpoch, Offset, TimestampMs};
use parking_lot::Mutex;
use replay::{Replay, replay};
use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};
use wal::RecoveredFrame;

/// How long what was read for partitions is there for those that come after them.
const READS_KEPT: Duration = Duration::from_secs(10);

/// Opens `claims`; results in their order.
pub(crate) async fn open(
    engine: &Arc<Engine>,
    claims: Vec<Claim>,
) -> Vec<Result<Partition, LogError>> {
    let session = match engine.require_session() {
        Ok(session) => session,
        Err(error) => return claims.iter().map(|_| Err(error.clone())).collect(),
    };
    let unread: Vec<_> =
        claims.iter().filter(|claim| !is_open_under(engine, claim, &session)).cloned().collect();
    let recent = engine.recent_reads.share();
    let (history, mut folded) = match prepare(engine, &session, &unread, &recent).await {
        Ok(prepared) => prepared,
        Err(error) => return claims.iter().map(|_| Err(error.clone())).collect(),
    };
    if !unread.is_empty() {
        session.spawn("recent reads", async move {
            tokio::time::sleep(READS_KEPT).await;
            drop(recent);
        });
    }
    let mut open = |claim: Claim| {
        let id = claim.partition;
        let claim = folded.claims.remove(&id).unwrap_or(Ok(claim));
        let opened = claim.and_then(|claim| open_one(engine, &session, &claim, &history));
        if let Err(error) = &opened {
            tracing::warn!(partition = %id, %error, "a partition could not be opened");
        }
        opened.map(Partition::new)
    };
    claims.into_iter().map(&mut open).collect()
}

/// Whether the claim only changes the terms under which the same session serves.
fn is_open_under(engine: &Engine, claim: &Claim, session: &ActiveSession) -> bool {
    engine.partition(claim.partition).is_some_and(|partition| {
        let sequencer = partition.sequencer.lock();
        sequencer.ownership.session.id == session.stamp.id && sequencer.phase == Phase::Serving
    })
}

/// Reads the history of `claims`, and folds what is too long to be served.
async fn prepare(
    engine: &Engine,
    session: &ActiveSession,
    claims: &[Claim],
    recent: &RecentReads,
) -> Result<(History, FoldedClaims), LogError> {
    let mut history = read_history(engine, session, claims, recent).await?;
    let folded = fold_long(engine, session, claims, &mut history).await;
    if folded.history_is_old {
        let present = |claim: &Claim| match folded.claims.get(&claim.partition) {
            Some(Ok(folded)) => folded.clone(),
            _ => claim.clone(),
        };
        let claims: Vec<_> = claims.iter().map(present).collect();
        history = read_history(engine, session, &claims, recent).await?;
    }
    Ok((history, folded))
}

async fn read_history(
    engine: &Engine,
    session: &ActiveSession,
    claims: &[Claim],
    recent: &RecentReads,
) -> Result<History, LogError> {
    if claims.is_empty() {
        return Ok(History::default());
    }
    // What this session cut of a partition that it closed since may still be committed.
    if claims.iter().any(|claim| engine.was_closed(claim.partition)) && !session.settled().await {
        return Err(LogError::SessionLost);
    }
    History::read(&engine.parts.stores(), recent, session.stamp.id, claims).await
}

fn open_one(
    engine: &Arc<Engine>,
    session: &ActiveSession,
    claim: &Claim,
    history: &History,
) -> Result<Arc<Shared>, LogError> {
    let inconsistent = |reason: String| {
        LogError::Inconsistent(format!(
            "partition {} of {}: {reason}",
            claim.partition, claim.topic
        ))
    };
    if claim.owner.session.as_ref() != session.stamp.id.as_bytes() {
        return Err(LogError::SessionLost);
    }
    let right = Ownership::of(claim, session.stamp)
        .ok_or_else(|| inconsistent("its owner record is damaged".to_owned()))?;
    if is_open_under(engine, claim, session)
        && let Some(partition) = engine.partition(claim.partition)
    {
        change_terms(engine, &partition, right, claim);
        return Ok(partition);
    }
    let assembled = assemble(claim, session.stamp.id, history).map_err(inconsistent)?;
    let held = engine.partition(claim.partition).filter(|held| goes_on(engine, held, claim));
    let partition = match held {
        Some(partition) => {
            reclaim(engine, &partition, right, assembled).map_err(inconsistent)?;
            partition
        }
        None => open_fresh(engine, session, claim, right, assembled).map_err(inconsistent)?,
    };
    partition.sequencer.lock().apply_settings(Arc::clone(&claim.settings));
    engine.advance(&partition, None);
    Ok(partition)
}

/// Whether a partition in memory is what the claim goes on with. When another broker owned it in between, unnoticed here, what memory holds
/// is of a lost ownership: it is closed, as it would have been had the change been seen.
fn goes_on(engine: &Engine, held: &Shared, claim: &Claim) -> bool {
    let held_under = held.sequencer.lock().ownership.epoch;
    let unbroken = LeaderEpoch::new(claim.owner.since_epoch).is_some_and(|it| it <= held_under);
    if !unbroken {
        metrics::counter!("alluvium_ownerships_lost_total").increment(1);
        tracing::warn!(partition = %held.id, %held_under, "the partition was another broker's in between: what is in memory is dropped");
        engine.remove(held.id);
    }
    unbroken
}

/// The same ownership goes on. The record may have been folded, or got other terms, since the claim was made.
fn change_terms(
    engine: &Engine,
    partition: &Shared,
    (ownership, recorded): (Ownership, Recorded),
    claim: &Claim,
) {
    let mut sequencer = partition.sequencer.lock();
    if ownership.epoch > sequencer.ownership.epoch {
        sequencer.adopt_claim(ownership, recorded);
    } else {
        let record = ownership.record;
        sequencer.adopt_record(&NewTerms { revision: ownership.owner_revision, record });
    }
    sequencer.apply_settings(Arc::clone(&claim.settings));
    sequencer.wake_all();
    drop(sequencer);
    engine.advance(partition, None);
}

/// Reads anew where the durable part of a partition lies: another session that goes on may have folded index objects away that its list
/// names.
pub(crate) async fn refresh(partition: &Shared) -> Result<(), LogError> {
    let (claim, session) = {
        let sequencer = partition.sequencer.lock();
        let claim = Claim {
            partition: partition.id,
            owner: sequencer.ownership.record.clone(),
            owner_revision: sequencer.ownership.owner_revision,
            topic: partition.topic.clone(),
            settings: Arc::clone(&sequencer.settings),
        };
        (claim, sequencer.ownership.session.id)
    };
    let stores = partition.engine.parts.stores();
    let history =
        History::read(&stores, &RecentReads::default(), session, std::slice::from_ref(&claim))
            .await?;
    let fresh = assemble(&claim, session, &history).map_err(LogError::Inconsistent)?;
    let mut sequencer = partition.sequencer.lock();
    if sequencer.phase == Phase::Following {
        // The owner knows by itself.
        sequencer.raise_log_start(fresh.log_start);
    }
    if !sequencer.log.index.relist(fresh.index) {
        tracing::debug!(partition = %partition.id, "what was read anew is old already");
    }
    drop(sequencer);
    metrics::counter!("alluvium_log_indexes_read_anew_total").increment(1);
    Ok(())
}

/// Claims a partition again whose tail is in memory.
fn reclaim(
    engine: &Engine,
    partition: &Shared,
    (ownership, recorded): (Ownership, Recorded),
    assembled: Assembled,
) -> Result<(), String> {
    let mut sequencer = partition.sequencer.lock();
    let durable = assembled.index.end();
    if durable > sequencer.log_end() || durable < sequencer.durable() {
        return Err(format!(
            "{durable} offsets are committed, this broker knew {}..{}",
            sequencer.durable(),
            sequencer.log_end()
        ));
    }
    let before = sequencer.uncommitted_bytes();
    let log = &mut sequencer.log;
    log.index = assembled.index;
    log.manifest = assembled.manifest;
    log.manifest_revision = assembled.manifest_revision;
    log.covered = assembled.covered;
    let forgotten = log.tail.forget_let_go(durable);
    let uncommitted = sequencer.uncommitted_bytes();
    sequencer.cut_end = durable;
    sequencer.adopt_claim(ownership, recorded);
    sequencer.phase = Phase::Serving;
    sequencer.raise_log_start(assembled.log_start);
    sequencer.wake_all();
    drop(sequencer);
    engine.buffers.settled(before - uncommitted);
    engine.buffers.batches_went(forgotten);
    serve(engine, partition, durable, uncommitted);
    Ok(())
}

fn open_fresh(
    engine: &Arc<Engine>,
    session: &ActiveSession,
    claim: &Claim,
    (ownership, recorded): (Ownership, Recorded),
    assembled: Assembled,
) -> Result<Arc<Shared>, String> {
    let id = claim.partition;
    let durable = assembled.index.end();
    let since = LeaderEpoch::new(claim.owner.since_epoch).ok_or("since_epoch is out of range")?;
    let frames = engine.unclaimed.lock().get(&id).cloned().unwrap_or_default();
    let replay = replay(frames, since, durable)?;
    let quarantined = replay.quarantined.clone();
    let log = replayed(engine, assembled, replay)?;
    let uncommitted = log.tail.bytes_between(durable, log.tail.end());
    keep_unclaimed(engine, claim, quarantined);
    engine.ledger.quarantine(id, since);
    engine.buffers.appended(uncommitted);
    engine.buffers.batches_came(log.tail.count());
    let settings = Arc::clone(&claim.settings);
    let partition = Arc::new(Shared {
        id,
        topic: claim.topic.clone(),
        engine: Arc::clone(engine),
        sequencer: Mutex::new(Sequencer::new(ownership, recorded, settings, log)),
        carried_bytes: AtomicU64::new(0),
        manifest_gate: tokio::sync::Mutex::new(()),
        upkeep_gate: tokio::sync::Mutex::new(()),
    });
    engine.insert(Arc::clone(&partition), session);
    serve(engine, &partition, durable, uncommitted);
    Ok(partition)
}

/// Puts the replayed frames behind the durable part, under their own offsets and epochs.
fn replayed(engine: &Engine, assembled: Assembled, replay: Replay) -> Result<OpenedLog, String> {
    let mut log = assembled.into_log();
    // The batches stay in the WAL's keeping: however much it holds, memory does not grow with it.
    for it in replay.current {
        let meta = it.frame.meta;
        if let Some(produced) = produced_batch(&it.header, &it.frame.head, meta.base_offset)? {
            log.producers.apply(&produced);
        }
        log.epochs.begin(meta.leader_epoch, meta.base_offset);
        log.tail.push(TailBatch {
            base_offset: meta.base_offset,
            end_offset: it.end_offset,
            max_timestamp: TimestampMs(it.header.max_timestamp),
            place: WalPlace { end: it.frame.end, bytes: it.frame.payload_bytes },
            bytes: None,
        });
    }
    log.epochs.truncate_before(log.log_start);
    let now = TimestampMs(engine.parts.clock.unix_ms());
    log.producers.expire(now, engine.options.producer_expiration.as_millis() as u64);
    Ok(log)
}

fn keep_unclaimed(engine: &Engine, claim: &Claim, quarantined: Vec<RecoveredFrame>) {
    let mut unclaimed = engine.unclaimed.lock();
    unclaimed.remove(&claim.partition);
    if !quarantined.is_empty() {
        metrics::counter!("alluvium_wal_quarantines_total").increment(1);
        tracing::warn!(
            partition = %claim.partition,
            topic = %claim.topic,
            frames = quarantined.len(),
            "WAL frames of a lost ownership are quarantined; `alluvium wal salvage` reads them"
        );
        unclaimed.insert(claim.partition, quarantined);
    }
}

/// Lets a partition's recovered part count: WAL space, watermarks, the next flush.
fn serve(engine: &Engine, partition: &Shared, durable: Offset, uncommitted_bytes: u64) {
    engine.ledger.committed([(partition.id, durable)]);
    engine.advance(partition, None);
    if uncommitted_bytes > 0 {
        let now = engine.parts.clock.boot_time();
        engine.flush_queue.add(partition.id, uncommitted_bytes, true, now);
    }
}
