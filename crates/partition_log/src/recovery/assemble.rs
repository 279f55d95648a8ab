//! Assembling one partition's durable part from what was read. Pure.

use super::history::{History, SessionHistory};
use crate::{
    Claim,
    epochs::EpochStarts,
    index::{IndexEntry, LogIndex, SegmentSlice},
    produced::produced_entry,
    producer_state::ProducerStates,
};
use bytes::Bytes;
use formats::{
    metadata::{Manifest, Unfolded},
    segment::Slice,
};
use metadata::Revision;
use model::{Offset, PartitionId, SessionId};
use std::{collections::HashMap, sync::Arc};

/// The durable part of a log.
pub(crate) struct Assembled {
    pub(crate) manifest: Manifest,
    pub(crate) manifest_revision: Revision,
    pub(crate) log_start: Offset,
    pub(crate) index: LogIndex,
    pub(crate) epochs: EpochStarts,
    pub(crate) producers: ProducerStates,
}

/// One element of the log, with the slices that epochs and producer state are read from.
struct Piece {
    entry: IndexEntry,
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
    let id = claim.partition;
    let (manifest, manifest_revision) = history.manifests.get(&id).cloned().unwrap_or_default();
    let log_start =
        Offset::new(manifest.log_start_offset).ok_or("its manifest has an impossible log start")?;
    let rest = history.rests.get(&id);
    let mut epochs = EpochStarts::default();
    let mut producers = ProducerStates::default();
    let mut entries = Vec::new();
    if let Some(rest) = rest {
        epochs = EpochStarts::from_values(&rest.epochs).ok_or("its manifest has damaged epochs")?;
        producers = ProducerStates::from_snapshot(&rest.producers)
            .ok_or("its manifest has a damaged producer snapshot")?;
        entries.extend(rest.groups.iter().cloned().map(IndexEntry::Run));
    }
    let mut pieces = pieces(claim, own, &manifest, history)?;
    pieces.sort_by_key(|piece| {
        (piece.entry.base_offset(), std::cmp::Reverse(piece.entry.end_offset()))
    });
    let mut end = entries.last().map(IndexEntry::end_offset);
    for Piece { entry, slices } in pieces {
        // A fold that landed late may list again what a higher one covers.
        if end.is_some_and(|end| entry.end_offset() <= end) {
            continue;
        }
        end = Some(entry.end_offset());
        for slice in &slices {
            take_in(slice, &mut epochs, &mut producers);
        }
        entries.push(entry);
    }
    let index = contiguous(entries, log_start)?;
    if epochs.newest().is_none() {
        epochs =
            EpochStarts::from_values(&manifest.epochs).ok_or("its manifest has damaged epochs")?;
    }
    Ok(Assembled { manifest, manifest_revision, log_start, index, epochs, producers })
}

/// The list of what reaches beyond the log start; what lies below may have gaps, as objects are deleted one by one.
fn contiguous(entries: Vec<IndexEntry>, log_start: Offset) -> Result<LogIndex, String> {
    let mut live = entries.into_iter().filter(|entry| entry.end_offset() > log_start).peekable();
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

fn take_in(slice: &Slice, epochs: &mut EpochStarts, producers: &mut ProducerStates) {
    for &(epoch, start) in &slice.epochs {
        epochs.begin(epoch, start);
    }
    for produced in slice.batches.iter().filter_map(produced_entry) {
        producers.apply(&produced);
    }
}

fn pieces(
    claim: &Claim,
    own: SessionId,
    manifest: &Manifest,
    history: &History,
) -> Result<Vec<Piece>, String> {
    let folded: HashMap<&[u8], u64> =
        manifest.folded.iter().map(|it| (it.session.as_ref(), it.through_seq)).collect();
    let present = Unfolded {
        session: Bytes::copy_from_slice(own.as_bytes()),
        from_seq: claim.owner.from_seq,
        through_seq: u64::MAX,
    };
    let mut pieces = Vec::new();
    for named in claim.owner.unfolded.iter().chain([&present]) {
        let session = SessionId::from_slice(&named.session).ok_or("its owner record is damaged")?;
        let after = folded.get(named.session.as_ref()).copied().unwrap_or_default();
        let from = named.from_seq.max(after + 1);
        let Some(read) = history.sessions.get(&session) else {
            return Err(format!("session {session} was not read"));
        };
        collect(claim.partition, session, read, from..=named.through_seq, &mut pieces);
    }
    Ok(pieces)
}

fn collect(
    id: PartitionId,
    session: SessionId,
    read: &SessionHistory,
    seqs: std::ops::RangeInclusive<u64>,
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
        pieces.push(Piece { entry: IndexEntry::Slice(entry), slices: vec![slice] });
    }
    for index in &read.indexes {
        let Some(run) = index.runs.get(&id) else { continue };
        if run.run.through_seq >= *seqs.start() && run.run.from_seq <= *seqs.end() {
            let entry = IndexEntry::Run(run.run.clone());
            pieces.push(Piece { entry, slices: run.slices.clone() });
        }
    }
}
