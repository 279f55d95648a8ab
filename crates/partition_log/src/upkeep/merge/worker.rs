//! The workers: look for the partition that is most worth rewriting, and rewrite it. Others' upkeep waits no longer than that.

use super::{Rewrite, Throttle, choice};
use crate::{
    LogError,
    engine::Engine,
    index::IndexEntry,
    partition::Shared,
    pipeline::ActiveSession,
    sequencer::{Phase, Sequencer},
    upkeep::compaction::{self, CleaningChoice, CleaningScope},
};
use model::{Offset, PartitionId, TimestampMs};
use parking_lot::Mutex;
use runtime::BootTime;
use std::{collections::HashMap, ops::Range, sync::Arc, time::Duration};

/// How long a partition that could not be rewritten is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(600);

/// How long a log is not looked at again in which there was nothing to clean, unless it grows or its records come of age sooner: a
/// look may read its newest index.
const LOOKED_AT: Duration = Duration::from_secs(60);

/// The least pause between two looks for work.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// What the workers of a session share.
#[derive(Debug)]
struct Rewriting {
    throttle: Mutex<Throttle>,
    left_alone: Mutex<HashMap<PartitionId, BootTime>>,
    /// Logs without work: how long each was, and when it is looked at again.
    idle: Mutex<HashMap<PartitionId, (Offset, BootTime)>>,
}

/// Something worth doing.
enum Work {
    Clean(Vec<IndexEntry>, CleaningChoice),
    Merge(Vec<IndexEntry>, Range<Offset>),
}

/// Starts the workers of `session`.
pub(crate) fn start(engine: &Arc<Engine>, session: &Arc<ActiveSession>) {
    let throttle = Throttle::new(engine.options.cleaner.bytes_per_second);
    let rewriting = Arc::new(Rewriting {
        throttle: Mutex::new(throttle),
        left_alone: Mutex::default(),
        idle: Mutex::default(),
    });
    for _ in 0..engine.options.cleaner.threads.max(1) {
        let (engine, session) = (Arc::clone(engine), Arc::clone(session));
        let parent = Arc::clone(&session);
        parent.spawn("rewrite", rewrite(engine, session, Arc::clone(&rewriting)));
    }
}

/// Rewrites partitions until the session ends.
async fn rewrite(engine: Arc<Engine>, session: Arc<ActiveSession>, rewriting: Arc<Rewriting>) {
    loop {
        tokio::time::sleep(engine.options.cleaner.backoff.max(SHORTEST_PAUSE)).await;
        while rewriting.rewrite_most_worthy(&engine, &session).await {}
    }
}

impl Rewriting {
    /// Rewrites one partition; `false` when none is worth it.
    async fn rewrite_most_worthy(&self, engine: &Engine, session: &ActiveSession) -> bool {
        let mut best: Option<(u64, Arc<Shared>)> = None;
        for partition in engine.partitions() {
            if self.is_left_alone(engine, &partition) || partition.upkeep_gate.try_lock().is_err() {
                continue;
            }
            if self.is_idle(engine, &partition) {
                continue;
            }
            let work = self.of(engine, session, &partition).work().await;
            if work.is_none() {
                self.note_idle(engine, &partition);
            }
            let worth = work.map(|work| work.worth());
            if worth > best.as_ref().map(|(worth, _)| *worth) {
                best = worth.map(|worth| (worth, partition));
            }
        }
        let Some((_, partition)) = best else { return false };
        let Ok(_gate) = partition.upkeep_gate.try_lock() else { return true };
        let rewrite = self.of(engine, session, &partition);
        let done = match rewrite.work().await {
            Some(Work::Clean(entries, choice)) => rewrite.clean_further(&entries, &choice).await,
            Some(Work::Merge(entries, offsets)) => rewrite.merge(&entries, offsets).await,
            None => Ok(()),
        };
        if let Err(error) = done {
            note_failure(&partition, &error);
            let until = engine.parts.clock.boot_time().plus(LEFT_ALONE);
            self.left_alone.lock().insert(partition.id, until);
        }
        true
    }

    fn of<'a>(
        &'a self,
        engine: &'a Engine,
        session: &'a ActiveSession,
        partition: &'a Shared,
    ) -> Rewrite<'a> {
        Rewrite { engine, session, partition, throttle: &self.throttle }
    }

    fn is_idle(&self, engine: &Engine, partition: &Shared) -> bool {
        let now = engine.parts.clock.boot_time();
        let durable = partition.sequencer.lock().durable();
        let mut idle = self.idle.lock();
        idle.retain(|_, (_, until)| *until > now);
        idle.get(&partition.id).is_some_and(|(known, _)| *known == durable)
    }

    fn note_idle(&self, engine: &Engine, partition: &Shared) {
        let (compact, of_age, durable) = {
            let sequencer = partition.sequencer.lock();
            let settings = &sequencer.settings;
            let of_age = Duration::from_millis(settings.compaction.segment_ms);
            (settings.cleanup_policy.compact, of_age, sequencer.durable())
        };
        if compact {
            let until = engine.parts.clock.boot_time().plus(LOOKED_AT.min(of_age));
            self.idle.lock().insert(partition.id, (durable, until));
        }
    }

    fn is_left_alone(&self, engine: &Engine, partition: &Shared) -> bool {
        let now = engine.parts.clock.boot_time();
        let mut left_alone = self.left_alone.lock();
        left_alone.retain(|_, until| *until > now);
        left_alone.contains_key(&partition.id)
    }
}

fn note_failure(partition: &Shared, error: &LogError) {
    let id = partition.id;
    metrics::counter!("alluvium_rewrite_failures_total").increment(1);
    match error {
        LogError::Inconsistent(_) => {
            tracing::error!(partition = %id, topic = %partition.topic, %error, "a partition could not be rewritten: it stays as it is");
        }
        _ => {
            tracing::warn!(partition = %id, topic = %partition.topic, %error, "a partition could not be rewritten; it is tried again");
        }
    }
}

impl Work {
    /// The dirtiest log goes first, before any that is only merged.
    fn worth(&self) -> u64 {
        match self {
            Self::Clean(_, choice) => 1 + choice.dirty_millionths,
            Self::Merge(..) => 0,
        }
    }
}

impl Rewrite<'_> {
    /// What is worth doing for the partition.
    async fn work(&self) -> Option<Work> {
        let compact = {
            let sequencer = self.partition.sequencer.lock();
            self.is_ours(&sequencer).then_some(sequencer.settings.cleanup_policy.compact)?
        };
        match compact {
            true => self.cleanable().await,
            false => self.mergeable(),
        }
    }

    fn is_ours(&self, sequencer: &Sequencer) -> bool {
        sequencer.ownership.session.id == self.session.stamp.id && sequencer.phase == Phase::Serving
    }

    /// Cleans, and makes sure that it got on: otherwise it would be done again at once.
    async fn clean_further(
        &self,
        entries: &[IndexEntry],
        choice: &CleaningChoice,
    ) -> Result<(), LogError> {
        self.clean(entries, choice).await?;
        match self.partition.sequencer.lock().log.covered.cleaned_through > choice.dirty.start {
            true => Ok(()),
            false => Err(LogError::Inconsistent(format!(
                "cleaning partition {} from offset {} got nowhere",
                self.partition.id, choice.dirty.start
            ))),
        }
    }

    async fn cleanable(&self) -> Option<Work> {
        if !self.engine.options.cleaner.enabled {
            return None;
        }
        let (mut entries, beyond, watermarks, cleaned_through, settings) = {
            let sequencer = self.partition.sequencer.lock();
            let entries: Vec<_> = sequencer.log.index.entries().cloned().collect();
            let beyond = sequencer.uncommitted_bytes();
            let settings = sequencer.settings.compaction;
            let cleaned_through = sequencer.log.covered.cleaned_through;
            (entries, beyond, sequencer.watermarks(), cleaned_through, settings)
        };
        if watermarks.durable <= cleaned_through {
            return None;
        }
        // The last slice is what is never cleaned, not everything that it was folded with.
        if let Some(last) = entries.pop() {
            let slices = self.live_slices(&last, self.log_end()).await.ok()?;
            entries.extend(slices.into_iter().map(IndexEntry::Slice));
        }
        let scope = CleaningScope {
            entries: &entries,
            bytes_beyond: beyond,
            log_start: watermarks.log_start,
            last_stable: watermarks.last_stable,
            cleaned_through,
        };
        let now = TimestampMs(self.engine.parts.clock.unix_ms());
        let choice = compaction::choose(&scope, &settings, now)?;
        Some(Work::Clean(entries, choice))
    }

    fn mergeable(&self) -> Option<Work> {
        let min_commits = self.engine.options.merge_min_commits?;
        let sequencer = self.partition.sequencer.lock();
        let entries: Vec<_> = sequencer.log.index.entries().cloned().collect();
        let offsets = choice::choose(&entries, min_commits)?;
        let within = |entry: &IndexEntry| entry.base_offset() >= offsets.start;
        Some(Work::Merge(entries.into_iter().filter(within).collect(), offsets))
    }
}
