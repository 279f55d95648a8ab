//! Commits: one transaction a flush, one in flight, in the order of the cuts (DESIGN 4.6).
//!
//! A transaction whose outcome is unknown is sent again, identical: its other branch reads what settles it. Only a commit known to
//! have succeeded moves durable offsets, answers `acks=all` in `object` partitions, and releases WAL space.

use super::{ActiveSession, Cut, InFlight};
use crate::{
    engine::Engine,
    fold,
    index::{IndexEntry, SegmentSlice},
    partition::Shared,
    sequencer::Phase,
};
use formats::segment::Slice;
use metadata::families::{CommitAttempt, CommitOutcome};
use runtime::{Backoff, traces};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::sync::mpsc;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Commits flushes as they come until the session ends, or what is stored contradicts what this broker knows.
pub(super) async fn commit_in_order(
    engine: Arc<Engine>,
    session: Arc<ActiveSession>,
    mut flushes: mpsc::Receiver<InFlight>,
) {
    while let Some(InFlight { cut, upload, spans }) = flushes.recv().await {
        if session.halted().is_some() {
            return;
        }
        if upload.await.is_err() {
            return session.halt("an upload task ended without storing its segment".to_owned());
        }
        let commit = spans.children(|flush| {
            let (object, seq) = (&cut.object, cut.seq);
            tracing::info_span!(target: traces::TARGET, parent: flush, "segment.commit", %object, seq)
        });
        let outcome = settle(&engine, &session, &cut).await;
        // They end before producers are answered.
        drop((commit, spans));
        match outcome {
            CommitOutcome::Committed(_) => apply(&engine, &session, &cut),
            CommitOutcome::NeverWill => {
                metrics::counter!("alluvium_commits_fenced_total").increment(1);
                tracing::warn!(
                    session = %session.stamp.id,
                    seq = cut.seq,
                    "a commit was fenced: its session is over. What it held is committed under the next one if the partitions are still this broker's"
                );
                return engine.end_session(session.stamp.id);
            }
            CommitOutcome::Bug(reason) => {
                metrics::counter!("alluvium_commits_stopped_total").increment(1);
                tracing::error!(%reason, "commits stop: metadata contradicts this broker");
                engine.failing.fetch_add(1, Relaxed);
                return session.halt(reason);
            }
        }
    }
}

/// Sends the commit until its outcome is known.
async fn settle(engine: &Engine, session: &ActiveSession, cut: &Cut) -> CommitOutcome {
    let attempt = CommitAttempt {
        broker: session.stamp.broker,
        session: session.stamp.id,
        session_create_revision: session.stamp.create_revision,
        seq: cut.seq,
        commit: cut.commit(),
    };
    let started = engine.parts.clock.boot_time();
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, engine.parts.randomness.clone());
    loop {
        let sent = engine.parts.metadata.transact(attempt.transaction(&engine.parts.keys)).await;
        let error = match sent.and_then(|outcome| attempt.decide(&outcome)) {
            Ok(outcome) => {
                engine.failing.store(0, Relaxed);
                metrics::histogram!("alluvium_commit_duration_seconds")
                    .record(engine.parts.clock.boot_time().since(started).as_secs_f64());
                return outcome;
            }
            Err(error) => error,
        };
        let failures = engine.failing.fetch_add(1, Relaxed) + 1;
        metrics::counter!("alluvium_commit_failures_total").increment(1);
        tracing::warn!(%error, seq = cut.seq, failures, "a commit was not answered; it is sent again");
        tokio::time::sleep(backoff.next_pause()).await;
    }
}

/// Makes a commit count: index, durable offsets, waiters, WAL space, folding.
fn apply(engine: &Engine, session: &ActiveSession, cut: &Cut) {
    engine.flush_queue.note_answers();
    session.set_stored(cut.seq);
    let mut ends = Vec::with_capacity(cut.slices.len());
    for (partition, slice) in &cut.slices {
        match apply_slice(engine, session, cut, partition, slice) {
            Ok(()) => ends.push((partition.id, slice.end_offset)),
            Err(reason) => {
                metrics::counter!("alluvium_commits_stopped_total").increment(1);
                tracing::error!(partition = %partition.id, %reason, "a committed slice does not fit its log");
                session.halt(reason);
            }
        }
    }
    engine.ledger.committed(ends);
    fold::note_commit(session, cut);
    engine.tell(session.stamp.id, || cut.notice());
    session.set_committed(cut.seq);
    metrics::counter!("alluvium_commits_total").increment(1);
    if engine.buffers.is_crowded() {
        engine.make_room();
    }
}

fn apply_slice(
    engine: &Engine,
    session: &ActiveSession,
    cut: &Cut,
    partition: &Shared,
    slice: &Arc<Slice>,
) -> Result<(), String> {
    let mut sequencer = partition.sequencer.lock();
    let id = sequencer.ownership.session.id;
    // Claimed again meanwhile: that read found this commit.
    if sequencer.phase == Phase::Closed || id != session.stamp.id {
        return Ok(());
    }
    let before = sequencer.uncommitted_bytes();
    let entry = SegmentSlice {
        object: cut.object.clone(),
        session: session.stamp.id,
        seq: cut.seq,
        slice: Arc::clone(slice),
    };
    sequencer.log.index.push(IndexEntry::Slice(entry)).map_err(|error| error.to_string())?;
    engine.buffers.settled(before.saturating_sub(sequencer.uncommitted_bytes()));
    let durable = sequencer.durable();
    engine.buffers.batches_went(sequencer.log.tail.forget_let_go(durable));
    engine.follow_up(partition.id, sequencer.advance(|| engine.lease_holds(id)));
    Ok(())
}
