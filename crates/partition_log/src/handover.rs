//! The owner's side of a handover to another broker (DESIGN section 5, live move).
//!
//! A sealed partition takes nothing more, and its owner record is not changed from here. Once everything in it is committed, no later
//! commit of this session can hold any of it: the record by which the next owner takes over names the last commit so far.

use crate::{
    LogError, engine::Engine, partition::Shared, pipeline::ActiveSession, sequencer::Phase,
    shutdown::committed,
};
use model::PartitionId;
use std::sync::Arc;

/// Seals partitions and commits what they hold. Answers the last commit that may hold any of it.
pub(crate) async fn seal(
    engine: &Arc<Engine>,
    partitions: &[PartitionId],
) -> Result<u64, LogError> {
    let session = engine.require_session()?;
    let mut sealed = Vec::with_capacity(partitions.len());
    for id in partitions {
        let partition = engine.partition(*id).ok_or(LogError::SessionLost)?;
        let end = seal_one(&partition, &session)?;
        sealed.push((partition, end));
    }
    for (partition, end) in sealed {
        committed(engine, &session, &partition, end).await?;
    }
    // Not `committed_seq`: that one counts a commit after its slices are durable, so it may lack the very commit waited for.
    Ok(session.stored_seq())
}

fn seal_one(partition: &Shared, session: &ActiveSession) -> Result<model::Offset, LogError> {
    let mut sequencer = partition.sequencer.lock();
    let served = matches!(sequencer.phase, Phase::Serving | Phase::Sealed);
    if !served || sequencer.ownership.session.id != session.stamp.id {
        return Err(LogError::SessionLost);
    }
    sequencer.phase = Phase::Sealed;
    Ok(sequencer.log_end())
}

/// Takes appends again: the partitions stay. Those that are not sealed any more are left alone.
pub(crate) fn unseal(engine: &Engine, partitions: &[PartitionId]) {
    for partition in partitions.iter().filter_map(|id| engine.partition(*id)) {
        let mut sequencer = partition.sequencer.lock();
        if sequencer.phase == Phase::Sealed {
            sequencer.phase = Phase::Serving;
        }
        drop(sequencer);
        // What its owner record is to say may have changed meanwhile.
        engine.terms.ask(partition.id);
    }
    engine.settled.notify_waiters();
}
