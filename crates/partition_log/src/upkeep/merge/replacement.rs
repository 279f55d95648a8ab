//! [`replace`]: puts partition segments in the place of a range of a log.
//!
//! The segments are stored already and nothing names them. A new rest is stored, then one transaction puts a manifest that refers to
//! it, comparing owner record and manifest; it is sent until its outcome is known or the session is over. A failure before leaves
//! objects that nothing names, which garbage collection finds by their names; what was replaced is garbage from the put on.

use crate::{
    LogError,
    engine::Engine,
    epochs::EpochStarts,
    index::{IndexEntry, IndexRun, SegmentSlice},
    manifest::{Put, adopt_stored, fitted, put},
    manifest_rest::{Covered, Rest},
    object_names,
    partition::Shared,
    pipeline::ActiveSession,
    producer_state::ProducerStates,
    recovery::take_in,
    sequencer::{Phase, Sequencer},
};
use formats::metadata::{EpochStart, Folded, Manifest, Owner, Reference};
use metadata::{Entry, Revision, families};
use model::{LeaderEpoch, Offset, SessionId, TimestampMs};
use runtime::Backoff;
use std::{collections::BTreeMap, ops::Range, time::Duration};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Partition segments, and the range whose place they take.
#[derive(Clone, Debug)]
pub(crate) struct Replacement {
    /// From the start of an entry of the log to the end of a slice.
    pub(crate) offsets: Range<Offset>,
    /// In offset order, without gaps, of the same offsets.
    pub(crate) segments: Vec<IndexRun>,
    /// Whether records are missing from them: then memory must not serve the offsets any more.
    pub(crate) compacted: bool,
    /// The log has been compacted up to here; a smaller offset than before changes nothing.
    pub(crate) cleaned_through: Offset,
}

/// Carries a replacement out. On success readers find the new segments from then on, here and after a restart.
///
/// # Errors
/// `SessionLost` when the ownership is over: a next owner may or may not find it carried out. Otherwise nothing has changed.
pub(crate) async fn replace(
    engine: &Engine,
    session: &ActiveSession,
    partition: &Shared,
    replacement: &Replacement,
) -> Result<(), LogError> {
    // Until it is settled no fold changes the entries, and nobody else puts the manifest.
    let _folds = session.fold_gate.lock().await;
    let _puts = partition.manifest_gate.lock().await;
    loop {
        let look = Look::at(partition, session)?;
        let mut plan = Plan::make(engine, session, partition, &look, replacement).await?;
        plan.store_rest(engine, session, partition).await?;
        match settle(engine, session, partition, &look, &plan.manifest).await? {
            Settled::Done(revision) => {
                return plan.adopt(engine, partition, &look, replacement, revision);
            }
            Settled::Other(stored) => adopt_stored(partition, stored)?,
        }
    }
}

/// The log as of one moment. Folds and puts being held off, all that changes is its end.
struct Look {
    session: SessionId,
    epoch: LeaderEpoch,
    owner: Owner,
    entries: Vec<IndexEntry>,
    start: Offset,
    epochs: Vec<EpochStart>,
    manifest: Manifest,
    manifest_revision: Revision,
    covered: Covered,
}

impl Look {
    fn at(partition: &Shared, session: &ActiveSession) -> Result<Self, LogError> {
        let sequencer = partition.sequencer.lock();
        if !is_held(&sequencer, session.stamp.id) {
            return Err(LogError::SessionLost);
        }
        let Sequencer { ownership, log, .. } = &*sequencer;
        Ok(Self {
            session: session.stamp.id,
            epoch: ownership.epoch,
            owner: ownership.record.clone(),
            entries: log.index.entries().cloned().collect(),
            start: log.index.start(),
            epochs: log.epochs.to_values(),
            manifest: log.manifest.clone(),
            manifest_revision: log.manifest_revision,
            covered: log.covered,
        })
    }

    /// End of what the rest names: the start of the log's list when it names nothing.
    fn covered_end(&self) -> Offset {
        self.covered.end.unwrap_or(self.start).max(self.start)
    }
}

fn is_held(sequencer: &Sequencer, session: SessionId) -> bool {
    matches!(sequencer.phase, Phase::Serving | Phase::Draining)
        && sequencer.ownership.session.id == session
}

/// What is to be stored, and then to be so in memory.
struct Plan {
    manifest: Manifest,
    rest: Rest,
    /// For the log's list: the segments, and what is left of the last entry that they take the place of.
    runs: Vec<IndexRun>,
}

impl Plan {
    async fn make(
        engine: &Engine,
        session: &ActiveSession,
        partition: &Shared,
        look: &Look,
        replacement: &Replacement,
    ) -> Result<Self, LogError> {
        let Range { start, end } = replacement.offsets;
        if start > look.covered_end() {
            return Err(misfit(partition, "it begins behind what the manifest covers"));
        }
        let mut runs = replacement.segments.clone();
        let straddling =
            look.entries.iter().find(|it| it.base_offset() < end && it.end_offset() > end);
        let left = match straddling {
            Some(entry) => Some(left_of(engine, partition, entry, end).await?),
            None => None,
        };
        runs.extend(left.clone());
        let before = look.entries.iter().filter(|entry| entry.end_offset() <= start);
        let behind = look.entries.iter().filter(|entry| entry.base_offset() >= end);
        let covered = behind.take_while(|entry| entry.end_offset() <= look.covered_end());
        let left = left.filter(|left| left.end_offset <= look.covered_end());
        let mut named = runs_of(partition, before)?;
        named.extend(replacement.segments.iter().cloned().chain(left));
        named.extend(runs_of(partition, covered)?);
        let mut rest = Rest {
            runs: named,
            cleaned_through: look.covered.cleaned_through.max(replacement.cleaned_through),
            ..Rest::default()
        };
        let newly = newly_covered(engine, partition, look, end).await?;
        rest.producers = producers(engine, partition, look, &newly).await?.to_snapshot();
        let rest_end = rest.covered().end.unwrap_or(end);
        rest.epochs =
            look.epochs.iter().filter(|it| it.start_offset < rest_end.get()).copied().collect();
        let folded = folded(&look.manifest, &newly, &look.owner, session);
        let manifest = Manifest {
            folded: folded.clone(),
            epochs: look.epochs.clone(),
            merged_through: rest.merged_through().get(),
            ..look.manifest.clone()
        };
        Ok(Self { manifest, rest, runs })
    }

    /// Stores the rest under a name of its own and lets the manifest refer to it.
    async fn store_rest(
        &mut self,
        engine: &Engine,
        session: &ActiveSession,
        partition: &Shared,
    ) -> Result<(), LogError> {
        let object =
            object_names::partition_rest(partition.id, session.stamp.id, &engine.parts.randomness);
        let bytes = self.rest.encode();
        let length = bytes.len() as u64;
        let put = engine.parts.objects.put(&object, vec![bytes]).await;
        put.map_err(|error| LogError::Unavailable(error.to_string()))?;
        let folded = self.manifest.folded.clone();
        self.manifest.rest = Some(Reference { object: object.to_string(), offset: 0, length });
        self.manifest = fitted(std::mem::take(&mut self.manifest));
        match self.manifest.folded == folded {
            true => Ok(()),
            // A commit counted twice would be worse than a log that is merged later, after a start folded its sessions.
            false => Err(misfit(partition, "its owner record names too many sessions")),
        }
    }

    /// Lets it be so in memory.
    fn adopt(
        self,
        engine: &Engine,
        partition: &Shared,
        look: &Look,
        replacement: &Replacement,
        revision: Revision,
    ) -> Result<(), LogError> {
        let mut sequencer = partition.sequencer.lock();
        if !is_held(&sequencer, look.session) || sequencer.ownership.epoch != look.epoch {
            return Err(LogError::SessionLost);
        }
        let log = &mut sequencer.log;
        log.index.replace(self.runs).map_err(|error| misfit(partition, &error.to_string()))?;
        log.index.prune(log.log_start);
        log.manifest = self.manifest;
        log.manifest_revision = revision;
        log.covered = self.rest.covered();
        if replacement.compacted {
            let durable = log.index.end();
            engine.buffers.batches_went(log.tail.let_go(replacement.offsets.end, durable));
            // The segments say which markers are left: one that is gone must not be waited for.
            log.producers.forget_aborted_before(durable.min(log.tail.start()));
        }
        Ok(())
    }
}

/// What is left of an entry behind `end`, the end of one of its slices.
async fn left_of(
    engine: &Engine,
    partition: &Shared,
    entry: &IndexEntry,
    end: Offset,
) -> Result<IndexRun, LogError> {
    let IndexEntry::Run(run) = entry else {
        return Err(misfit(partition, "it ends within a slice"));
    };
    let slices = load(engine, partition, entry).await?;
    let left = slices.iter().map(|it| it.slice.as_ref()).filter(|it| it.base_offset >= end);
    let run = run.clone().clipped(left);
    match run.base_offset == end {
        true => Ok(run),
        false => Err(misfit(partition, "it ends within a slice")),
    }
}

fn runs_of<'a>(
    partition: &Shared,
    entries: impl Iterator<Item = &'a IndexEntry>,
) -> Result<Vec<IndexRun>, LogError> {
    let run = |entry: &IndexEntry| match entry {
        IndexEntry::Run(run) => Ok(run.clone()),
        IndexEntry::Slice(_) => Err(misfit(partition, "the manifest covers a loose slice")),
    };
    entries.map(run).collect()
}

/// The slices up to `end` that the rest does not cover so far, in offset order.
async fn newly_covered(
    engine: &Engine,
    partition: &Shared,
    look: &Look,
    end: Offset,
) -> Result<Vec<SegmentSlice>, LogError> {
    let mut newly = Vec::new();
    for entry in look.entries.iter().filter(|it| it.end_offset() > look.covered_end()) {
        if entry.base_offset() >= end {
            break;
        }
        let slices = load(engine, partition, entry).await?;
        newly.extend(slices.into_iter().filter(|it| it.slice.end_offset <= end));
    }
    Ok(newly)
}

async fn load(
    engine: &Engine,
    partition: &Shared,
    entry: &IndexEntry,
) -> Result<Vec<SegmentSlice>, LogError> {
    match entry {
        IndexEntry::Slice(slice) => Ok(vec![slice.clone()]),
        IndexEntry::Run(run) => {
            let loaded = engine.reader.load_run(partition.id, run).await;
            let slices = loaded.map_err(|error| LogError::Unavailable(error.to_string()))?;
            Ok(slices.to_vec())
        }
    }
}

/// Producer state as of the end of what the new rest covers.
async fn producers(
    engine: &Engine,
    partition: &Shared,
    look: &Look,
    newly: &[SegmentSlice],
) -> Result<ProducerStates, LogError> {
    let mut producers = ProducerStates::default();
    if let Some(reference) = &look.manifest.rest {
        let rest = read_rest(engine, reference).await?;
        producers = ProducerStates::from_snapshot(&rest.producers)
            .ok_or_else(|| misfit(partition, "its manifest has a damaged producer snapshot"))?;
    }
    if look.covered.end.unwrap_or_default() < look.start {
        // Slices that the rest never covered went with the log start. What was in them, memory knows.
        producers.catch_up(&partition.sequencer.lock().log.producers, look.start);
    }
    let mut epochs = EpochStarts::default();
    for segment in newly {
        take_in(&segment.slice, &mut epochs, &mut producers);
    }
    let now = TimestampMs(engine.parts.clock.unix_ms());
    producers.expire(now, engine.options.producer_expiration.as_millis() as u64);
    Ok(producers)
}

async fn read_rest(engine: &Engine, reference: &Reference) -> Result<Rest, LogError> {
    let damaged = |reason: String| {
        LogError::Inconsistent(format!("a manifest in {} is damaged: {reason}", reference.object))
    };
    let object = storage::ObjectName::new(&reference.object);
    let object = object.map_err(|error| damaged(error.to_string()))?;
    let range = reference.offset..reference.offset.saturating_add(reference.length);
    let bytes = engine.parts.objects.get_range(&object, range).await;
    let bytes = bytes.map_err(|error| LogError::Unavailable(error.to_string()))?;
    Rest::decode(&bytes).map_err(damaged)
}

/// How far each session that the owner record names is covered.
fn folded(
    manifest: &Manifest,
    newly: &[SegmentSlice],
    owner: &Owner,
    session: &ActiveSession,
) -> Vec<Folded> {
    let mut through: BTreeMap<SessionId, u64> = BTreeMap::new();
    let known = manifest
        .folded
        .iter()
        .filter_map(|it| Some((SessionId::from_slice(&it.session)?, it.through_seq)));
    for (id, seq) in known.chain(newly.iter().map(|it| (it.session, it.seq))) {
        let through = through.entry(id).or_default();
        *through = seq.max(*through);
    }
    let named = |id: &SessionId| {
        *id == session.stamp.id
            || owner.unfolded.iter().any(|it| it.session.as_ref() == id.as_bytes())
    };
    through.retain(|id, _| named(id));
    let folded = |(id, through_seq): (SessionId, u64)| Folded {
        session: bytes::Bytes::copy_from_slice(id.as_bytes()),
        through_seq,
    };
    through.into_iter().map(folded).collect()
}

enum Settled {
    /// The manifest is that of this revision.
    Done(Revision),
    /// It is this one, which an earlier put of a log start left.
    Other(Option<Entry>),
}

/// Sends the manifest until it is known what became of it.
async fn settle(
    engine: &Engine,
    session: &ActiveSession,
    partition: &Shared,
    look: &Look,
    manifest: &Manifest,
) -> Result<Settled, LogError> {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, engine.parts.randomness.clone());
    let wanted = families::encode(manifest.clone());
    loop {
        let owner_revision = {
            let sequencer = partition.sequencer.lock();
            if !is_held(&sequencer, session.stamp.id) || sequencer.ownership.epoch != look.epoch {
                return Err(LogError::SessionLost);
            }
            sequencer.ownership.owner_revision
        };
        match put(engine, partition, owner_revision, look.manifest_revision, manifest).await {
            Ok(Put::Done(revision)) => return Ok(Settled::Done(revision)),
            Ok(Put::Other(stored)) => {
                let ours = stored.as_ref().filter(|stored| stored.value == wanted);
                let landed = ours.map(|stored| Settled::Done(stored.mod_revision));
                return Ok(landed.unwrap_or(Settled::Other(stored)));
            }
            Ok(Put::NotOwner) => return Err(LogError::SessionLost),
            Ok(Put::OtherTerms) => {}
            Err(error) => {
                tracing::warn!(partition = %partition.id, %error, "a manifest put was not answered; it is sent again");
            }
        }
        tokio::time::sleep(backoff.next_pause()).await;
    }
}

fn misfit(partition: &Shared, reason: &str) -> LogError {
    LogError::Inconsistent(format!(
        "partition {} of {} can't be merged: {reason}",
        partition.id, partition.topic
    ))
}
