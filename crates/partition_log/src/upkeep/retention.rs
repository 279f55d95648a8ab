//! Retention: moves the log starts of partitions that are too old or too large. [`choose`] decides, this carries it out.

use crate::{
    engine::Engine,
    index::{IndexEntry, RetentionScope, choose},
    manifest::put_log_start,
    partition::Shared,
    pipeline::ActiveSession,
};
use model::{Offset, TimestampMs};
use std::sync::Arc;

/// Checks every partition at the configured interval until the session ends.
pub(super) async fn retain(engine: Arc<Engine>, session: Arc<ActiveSession>) {
    loop {
        tokio::time::sleep(engine.options.retention_check_interval).await;
        for partition in engine.partitions() {
            if partition.sequencer.lock().ownership.session.id == session.stamp.id {
                check(&engine, &partition).await;
            }
        }
    }
}

async fn check(engine: &Engine, partition: &Shared) {
    let now = TimestampMs(engine.parts.clock.unix_ms());
    expire_producers(engine, partition, now);
    let Some(log_start) = new_log_start(engine, partition, now).await else { return };
    match put_log_start(partition, log_start).await {
        Ok(log_start) => {
            tracing::info!(partition = %partition.id, topic = %partition.topic, %log_start, "retention moved the log start");
        }
        Err(error) => {
            tracing::warn!(partition = %partition.id, %error, "retention could not move the log start");
        }
    }
}

fn expire_producers(engine: &Engine, partition: &Shared, now: TimestampMs) {
    let expiration_ms = engine.options.producer_expiration.as_millis() as u64;
    partition.sequencer.lock().log.producers.expire(now, expiration_ms);
}

/// Where retention wants the log to start, if that is further on.
async fn new_log_start(engine: &Engine, partition: &Shared, now: TimestampMs) -> Option<Offset> {
    let Look { entries, settings, uncommitted_bytes, log_start, high_watermark } = look(partition);
    let whole = RetentionScope {
        entries: &entries,
        bytes_beyond: uncommitted_bytes,
        log_start,
        high_watermark,
    };
    let choice = choose(&whole, &settings, now);
    let Some(position) = choice.look_into else { return choice.log_start };
    let Some(IndexEntry::Run(run)) = entries.get(position) else { return choice.log_start };
    let slices = match engine.reader.load_run(partition.id, run).await {
        Ok(slices) => slices,
        Err(error) => {
            tracing::warn!(partition = %partition.id, %error, "retention could not look into an index object");
            return choice.log_start;
        }
    };
    let slices: Vec<_> = slices.iter().cloned().map(IndexEntry::Slice).collect();
    let beyond: u64 = entries.iter().skip(position + 1).map(IndexEntry::size_bytes).sum();
    let within = RetentionScope {
        entries: &slices,
        bytes_beyond: uncommitted_bytes + beyond,
        log_start: choice.log_start.unwrap_or(log_start),
        high_watermark,
    };
    choose(&within, &settings, now).log_start.or(choice.log_start)
}

/// What is judged, as of one moment.
struct Look {
    entries: Vec<IndexEntry>,
    settings: Arc<model::config::TopicSettings>,
    uncommitted_bytes: u64,
    log_start: Offset,
    high_watermark: Offset,
}

fn look(partition: &Shared) -> Look {
    let sequencer = partition.sequencer.lock();
    Look {
        entries: sequencer.log.index.entries().cloned().collect(),
        settings: Arc::clone(&sequencer.settings),
        uncommitted_bytes: sequencer.uncommitted_bytes(),
        log_start: sequencer.log.log_start,
        high_watermark: sequencer.high_watermark(),
    }
}
