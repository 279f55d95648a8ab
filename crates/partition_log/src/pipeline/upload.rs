//! Uploads: one PUT of a cut's bytes, retried with the same bytes for as long as the session lasts.

use super::{ActiveSession, Cut};
use crate::{GatherFrom, engine::Engine, gather, traces::FlushSpans};
use runtime::{Backoff, traces};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::task::JoinHandle;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// While so many folds of commits wait, what is uploaded will hardly be gathered: it is not copied then.
const SPOOLED_FOLDS: usize = 2;

/// Starts the upload of `cut`, which `flush` shows. The task ends when the object is stored, or with the session.
pub(super) fn upload(
    engine: &Arc<Engine>,
    session: &Arc<ActiveSession>,
    cut: &Arc<Cut>,
    flush: &FlushSpans,
) -> JoinHandle<()> {
    session.uploads_in_flight.fetch_add(1, Relaxed);
    let spans = flush.children(|flush| {
        let (object, bytes) = (&cut.object, cut.size_bytes);
        tracing::info_span!(target: traces::TARGET, parent: flush, "segment.put", %object, bytes)
    });
    let (engine, active, cut) = (Arc::clone(engine), Arc::clone(session), Arc::clone(cut));
    session.spawn("upload", async move {
        put_until_stored(&engine, &cut).await;
        drop(spans);
        spool(&engine, &active, &cut);
        active.uploads_in_flight.fetch_sub(1, Relaxed);
        engine.flush_queue.wake();
    })
}

/// Keeps a copy on local disk for gathering, beside the commit, if there is room: without it the segment stays as it is.
fn spool(engine: &Engine, session: &ActiveSession, cut: &Arc<Cut>) {
    let Some(GatherFrom::Spool(spool)) = engine.parts.gather_from.clone() else { return };
    if !will_be_gathered(engine, session, cut) || !spool.begin(&cut.object, cut.size_bytes) {
        return;
    }
    let cut = Arc::clone(cut);
    session.spawn("spool", async move {
        let written = runtime::beside(move || spool.write(&cut.object, &cut.parts)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "a segment's copy could not be kept on local disk: its records are not gathered, and history costs more requests; make room on the disk of `wal.dir`");
        }
    });
}

/// As far as can be told before the commits that it will be folded with are complete.
fn will_be_gathered(engine: &Engine, session: &ActiveSession, cut: &Cut) -> bool {
    if engine.options.gather.is_none() {
        return false;
    }
    let fold = engine.options.fold_fan_in.max(2) as usize;
    let (waiting, (bytes, slices)) = {
        let commits = session.commits.lock();
        (commits.waiting(), commits.newest_slices())
    };
    let (bytes, slices) =
        (bytes + cut.footer.slice_bytes(), slices + cut.footer.slices.len() as u64);
    waiting < SPOOLED_FOLDS * fold && gather::is_worth_it(bytes, slices)
}

async fn put_until_stored(engine: &Engine, cut: &Cut) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, engine.parts.randomness.clone());
    let started = engine.parts.clock.boot_time();
    while let Err(error) = engine.parts.objects.put(&cut.object, cut.parts.clone()).await {
        let failures = engine.failing.fetch_add(1, Relaxed) + 1;
        metrics::counter!("alluvium_segment_put_failures_total").increment(1);
        tracing::warn!(%error, seq = cut.seq, failures, "a segment could not be stored; it is sent again");
        tokio::time::sleep(backoff.next_pause()).await;
    }
    engine.failing.store(0, Relaxed);
    metrics::histogram!("alluvium_segment_put_duration_seconds")
        .record(engine.parts.clock.boot_time().since(started).as_secs_f64());
}
