//! Assembling one partition's durable part from what was read. Pure.

use super::history::{History, LoadedRun, SessionHistory};
use crate::{
    Claim,
    epochs::EpochStarts,
    index::{IndexEntry, IndexRun, LogIndex, SegmentSlice},
    manifest_rest::{Covered, Rest},
    produced::produced_entry,
    producer_state::ProducerStates,
    sequencer::OpenedLog,
    tail::Tail,
};
use bytes::Bytes;
use formats::{
    metadata::{Manifest, Unfolded},
    segment::Slice,
};
use metadata::Revision;
use model::{Offset, PartitionId, SessionId, TimestampMs};
use std::{
    collections::{BTreeMap, HashMap},
    ops::{Range, RangeInclusive},
    sync::Arc,
};

/// The durable part of a log.
pub(crate) struct Assembled {
    pub(crate) manifest: Manifest,
    pub(crate) manifest_revision: Revision,
    pub(crate) log_start: Offset,
    pub(crate) index: LogIndex,
    pub(crate) epochs: EpochStarts,
    pub(crate) producers: ProducerStates,
    pub(crate) covered: Covered,
}

impl Assembled {
    /// A log whose tail is empty.
    pub(super) fn into_log(self) -> OpenedLog {
        let Self { manifest, manifest_revision, log_start, index, epochs, producers, covered } =
            self;
        let tail = Tail::new(index.end());
        OpenedLog {
            manifest,
            manifest_revision,
            covered,
            log_start,
            index,
            epochs,
            producers,
            tail,
        }
    }
}

/// One element of the log, with the slices that epochs and producer state are read from.
struct Piece {
    entry: IndexEntry,
    /// Where the entry's object lists it.
    listed_at: Range<u64>,
    slices: Vec<Arc<Slice>>,
}

/// Assembles the durable part of the claimed partition.
///
/// # Errors
/// A sentence, when what is stored does not make up a log without gaps.
pub(crate) fn assemble(
    claim: &Claim,
    own: SessionId,
    history: &History,
) -> Result<Assembled, String> {
    let present = Unfolded {
        session: Bytes::copy_from_slice(own.as_bytes()),
        from_seq: claim.owner.from_seq,
        through_seq: u64::MAX,
    };
    let mut log = LogSoFar::of_manifest(claim.partition, history)?;
    log.take_in(claim.owner.unfolded.iter().chain([&present]), history)?;
    let LogSoFar { manifest, manifest_revision, log_start, covered, entries, producers, .. } = log;
    let mut epochs = log.epochs;
    let index = contiguous(entries.into_iter().map(|(entry, _)| entry), log_start)?;
    if epochs.newest().is_none() {
        epochs =
            EpochStarts::from_values(&manifest.epochs).ok_or("its manifest has damaged epochs")?;
    }
    Ok(Assembled { manifest, manifest_revision, log_start, index, epochs, producers, covered })
}

/// Two commits of a log that hold the same offsets, if there are any: no reader would notice when one hides the other.
pub(crate) fn overlap(claim: &Claim, own: SessionId, history: &History) -> Option<String> {
    let owner = &claim.owner;
    let empty = Manifest::default();
    let manifest = history.manifests.get(&claim.partition).map_or(&empty, |(manifest, _)| manifest);
    let mut commits = BTreeMap::new();
    let named = owner.unfolded.iter().map(|it| (&it.session, it.from_seq..=it.through_seq));
    let present = Bytes::copy_from_slice(own.as_bytes());
    for (session, seqs) in named.chain([(&present, owner.from_seq..=u64::MAX)]) {
        let id = SessionId::from_slice(session)?;
        let folded = manifest.folded.iter().find(|it| it.session == *session);
        let after = folded.map_or(0, |it| it.through_seq);
        let slices = history.sessions.get(&id)?.slices(claim.partition);
        let counts = slices.filter(|(seq, _)| *seq > after && seqs.contains(seq));
        // A fold that landed late lists a commit twice.
        commits.extend(counts.map(|(seq, it)| ((id, seq), it.base_offset..it.end_offset)));
    }
    let mut commits: Vec<_> = commits.into_iter().collect();
    commits.sort_by_key(|(_, offsets)| (offsets.start, offsets.end));
    let pair = commits.windows(2).find_map(|pair| match pair {
        [one, next] if next.1.start < one.1.end => Some((one, next)),
        _ => None,
    });
    pair.map(|(((session, seq), offsets), ((other, other_seq), others))| {
        format!(
            "commit {seq} of session {session} has offsets {}..{}, commit {other_seq} of session {other} has {}..{}",
            offsets.start, offsets.end, others.start, others.end
        )
    })
}

/// What the manifest will refer to once it covers the claim's first `count` unfolded sessions, too.
///
/// # Errors
/// As for [`assemble`].
pub(crate) fn fold(
    claim: &Claim,
    count: usize,
    history: &History,
    now: TimestampMs,
    producer_expiration_ms: u64,
) -> Result<Rest, String> {
    let mut log = LogSoFar::of_manifest(claim.partition, history)?;
    log.take_in(claim.owner.unfolded.iter().take(count), history)?;
    let LogSoFar { log_start, covered, entries, mut epochs, mut producers, .. } = log;
    contiguous(entries.iter().map(|(entry, _)| entry.clone()), log_start)?;
    let mut runs: Vec<_> =
        entries.into_iter().map(|(entry, listed_at)| entry.into_run(listed_at)).collect();
    let dead = runs.iter().take_while(|run| run.end_offset <= log_start).count();
    runs.drain(..dead.min(runs.len().saturating_sub(1)));
    epochs.truncate_before(log_start);
    // Silence counts from here on: what a batch says of its time is the producer's word.
    producers.expire(now, producer_expiration_ms);
    Ok(Rest {
        runs,
        epochs: epochs.to_values(),
        producers: producers.to_snapshot(),
        cleaned_through: covered.cleaned_through,
    })
}

/// A log as far as it is put together.
struct LogSoFar {
    id: PartitionId,
    manifest: Manifest,
    manifest_revision: Revision,
    log_start: Offset,
    covered: Covered,
    entries: Vec<(IndexEntry, Range<u64>)>,
    epochs: EpochStarts,
    producers: ProducerStates,
}

impl LogSoFar {
    /// What the manifest covers.
    fn of_manifest(id: PartitionId, history: &History) -> Result<Self, String> {
        let (manifest, manifest_revision) = history.manifests.get(&id).cloned().unwrap_or_default();
        let log_start = Offset::new(manifest.log_start_offset)
            .ok_or("its manifest has an impossible log start")?;
        let mut epochs = EpochStarts::default();
        let mut producers = ProducerStates::default();
        let mut entries = Vec::new();
        let mut covered = Covered::default();
        if let Some(rest) = history.rests.get(&id) {
            epochs =
                EpochStarts::from_values(&rest.epochs).ok_or("its manifest has damaged epochs")?;
            producers = ProducerStates::from_snapshot(&rest.producers)
                .ok_or("its manifest has a damaged producer snapshot")?;
            covered = rest.covered();
            let runs = rest.runs.iter().cloned();
            entries.extend(runs.map(|run| (IndexEntry::Run(run.clone()), run.bytes)));
        }
        Ok(Self { id, manifest, manifest_revision, log_start, covered, entries, epochs, producers })
    }

    /// Adds what these sessions committed and the manifest does not cover.
    fn take_in<'a>(
        &mut self,
        sessions: impl Iterator<Item = &'a Unfolded>,
        history: &History,
    ) -> Result<(), String> {
        let mut pieces = pieces(self.id, sessions, &self.manifest, history)?;
        pieces.sort_by_key(|piece| {
            (piece.entry.base_offset(), std::cmp::Reverse(piece.entry.end_offset()))
        });
        for piece in pieces {
            let end = self.entries.last().map(|(entry, _)| entry.end_offset());
            // A fold that landed late may list again what a higher one covers.
            if end.is_some_and(|end| piece.entry.end_offset() <= end) {
                continue;
            }
            let Piece { entry, listed_at, slices } = match end {
                Some(end) if piece.entry.base_offset() < end => piece.clipped(end)?,
                _ => piece,
            };
            for slice in &slices {
                take_in(slice, &mut self.epochs, &mut self.producers);
            }
            self.entries.push((entry, listed_at));
        }
        Ok(())
    }
}

impl Piece {
    /// What lies behind `end`: a run's first slices may have been merged into a partition segment, and folded together with others.
    fn clipped(self, end: Offset) -> Result<Self, String> {
        let (IndexEntry::Run(run), Range { start, .. }) = (self.entry, self.listed_at.clone())
        else {
            return Err(format!("a commit reaches below offset {end}, where the list ends"));
        };
        let slices: Vec<_> =
            self.slices.into_iter().filter(|slice| slice.base_offset >= end).collect();
        let run = run.clipped(slices.iter().map(Arc::as_ref));
        if run.base_offset != end {
            let object = &run.object;
            return Err(format!("no slice of {object} (at {start}) begins at offset {end}"));
        }
        Ok(Self { entry: IndexEntry::Run(run), listed_at: self.listed_at, slices })
    }
}

/// The list of what reaches beyond the log start; what lies below may have gaps, as objects are deleted one by one.
fn contiguous(
    entries: impl Iterator<Item = IndexEntry>,
    log_start: Offset,
) -> Result<LogIndex, String> {
    let mut live = entries.filter(|entry| entry.end_offset() > log_start).peekable();
    let start = live.peek().map_or(log_start, IndexEntry::base_offset);
    if start > log_start {
        return Err(format!("offsets {log_start}..{start} are in no commit"));
    }
    let mut index = LogIndex::new(start);
    for entry in live {
        index.push(entry).map_err(|error| error.to_string())?;
    }
    Ok(index)
}

/// Takes what a slice says of epochs and producers into account.
pub(crate) fn take_in(slice: &Slice, epochs: &mut EpochStarts, producers: &mut ProducerStates) {
    for &(epoch, start) in &slice.epochs {
        epochs.begin(epoch, start);
    }
    for produced in slice.batches.iter().filter_map(produced_entry) {
        producers.apply(&produced);
    }
}

fn pieces<'a>(
    id: PartitionId,
    sessions: impl Iterator<Item = &'a Unfolded>,
    manifest: &Manifest,
    history: &History,
) -> Result<Vec<Piece>, String> {
    let folded: HashMap<&[u8], u64> =
        manifest.folded.iter().map(|it| (it.session.as_ref(), it.through_seq)).collect();
    let mut pieces = Vec::new();
    for named in sessions {
        let session = SessionId::from_slice(&named.session).ok_or("its owner record is damaged")?;
        let after = folded.get(named.session.as_ref()).copied().unwrap_or_default();
        let from = named.from_seq.max(after + 1);
        let Some(read) = history.sessions.get(&session) else {
            return Err(format!("session {session} was not read"));
        };
        collect(id, session, read, from..=named.through_seq, &mut pieces);
    }
    Ok(pieces)
}

fn collect(
    id: PartitionId,
    session: SessionId,
    read: &SessionHistory,
    seqs: RangeInclusive<u64>,
    pieces: &mut Vec<Piece>,
) {
    for commit in read.commits.iter().filter(|commit| seqs.contains(&commit.seq)) {
        let Some(slice) = commit.footer.slice(id) else { continue };
        let slice = Arc::new(slice.clone());
        let entry = SegmentSlice {
            object: commit.object.clone(),
            session,
            seq: commit.seq,
            slice: Arc::clone(&slice),
        };
        let listed_at = commit.footer_at.clone();
        pieces.push(Piece { entry: IndexEntry::Slice(entry), listed_at, slices: vec![slice] });
    }
    for index in &read.indexes {
        let Some(run) = index.runs.get(&id) else { continue };
        if run.run.through_seq >= *seqs.start() && run.run.from_seq <= *seqs.end() {
            pieces.extend(stretches(run, &seqs));
        }
    }
}

/// What a run has of these commits, by stretches without gaps: in between another session owned the partition.
fn stretches(loaded: &LoadedRun, seqs: &RangeInclusive<u64>) -> Vec<Piece> {
    let mut stretches: Vec<Vec<Arc<Slice>>> = Vec::new();
    for (_, slice) in loaded.slices.iter().filter(|(seq, _)| seqs.contains(seq)) {
        let last = stretches.last_mut();
        match last.filter(|it| it.last().is_some_and(|it| it.end_offset == slice.base_offset)) {
            Some(stretch) => stretch.push(Arc::clone(slice)),
            None => stretches.push(vec![Arc::clone(slice)]),
        }
    }
    stretches.into_iter().filter_map(|slices| piece(loaded, slices)).collect()
}

fn piece(loaded: &LoadedRun, slices: Vec<Arc<Slice>>) -> Option<Piece> {
    let run = IndexRun {
        base_offset: slices.first()?.base_offset,
        end_offset: slices.last()?.end_offset,
        size_bytes: slices.iter().map(|slice| slice.size_bytes()).sum(),
        max_timestamp: slices.iter().map(|slice| slice.max_timestamp).max()?,
        ..loaded.run.clone()
    };
    Some(Piece { listed_at: run.bytes.clone(), entry: IndexEntry::Run(run), slices })
}
