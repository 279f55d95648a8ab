//! Flushing everything, and the orderly end: no appends, flush, commit, answer, close the WAL.

use crate::{
    LogError,
    engine::Engine,
    partition::Shared,
    pipeline::ActiveSession,
    sequencer::{Phase, Standing},
    waiters::WaitFor,
};
use model::Offset;
use std::{sync::Arc, time::Duration};

/// A committing pipeline that halts wakes nobody: a flush that waits looks up this often.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Waits until everything that was appended so far is committed.
pub(crate) async fn flush(engine: &Arc<Engine>) -> Result<(), LogError> {
    let session = engine.require_session()?;
    let end = |partition: Arc<Shared>| {
        let end = partition.sequencer.lock().log_end();
        (partition, end)
    };
    let ends: Vec<_> = engine.partitions().into_iter().map(end).collect();
    for (partition, end) in ends {
        committed(engine, &session, &partition, end).await?;
    }
    Ok(())
}

/// Waits until everything before `end` is committed.
pub(crate) async fn committed(
    engine: &Engine,
    session: &ActiveSession,
    partition: &Shared,
    end: Offset,
) -> Result<(), LogError> {
    let ended = session.ended();
    loop {
        let standing = partition.sequencer.lock().standing(end, WaitFor::Commit, || false);
        let woken = match standing {
            // Closed: there is nothing left to be flushed.
            Ok(Standing::Covered) | Err(_) => return Ok(()),
            Ok(
                Standing::Waiting(woken) | Standing::HeldBack(woken) | Standing::Withheld(woken),
            ) => woken,
        };
        if let Some(reason) = session.halted() {
            return Err(LogError::Inconsistent(reason));
        }
        engine.flush_queue.ask();
        tokio::select! {
            biased;
            _ = woken => {}
            () = ended.requested() => return Err(LogError::SessionLost),
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

/// Stops taking appends, commits what is here, closes the WAL. A WAL that keeps uncommitted batches is closed all the same.
pub(crate) async fn drain(engine: &Arc<Engine>) -> Result<(), LogError> {
    for partition in engine.partitions() {
        let mut sequencer = partition.sequencer.lock();
        if sequencer.phase == Phase::Serving {
            sequencer.phase = Phase::Draining;
        }
    }
    let flushed = flush(engine).await;
    let wal = Arc::clone(&engine.parts.wal);
    let closed = runtime::beside(move || wal.close()).await;
    flushed?;
    match closed {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(LogError::Unavailable(error.to_string())),
        Err(error) => Err(LogError::Unavailable(error.to_string())),
    }
}
