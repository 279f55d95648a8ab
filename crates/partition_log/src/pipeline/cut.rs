//! Cutting: takes what is not yet in a flush out of every partition's tail and lays out one segment.
//!
//! Only partitions whose claim names this session are cut: their owner record named it, by a transaction known to have
//! succeeded, before the cut. A cut ends a little above `flush.max.bytes`; what is left stays queued.

use super::{ActiveSession, reread::Reread};
use crate::{
    Notice,
    engine::Engine,
    flush_schedule::FlushReason,
    partition::Shared,
    produced,
    sequencer::{Phase, Sequencer},
    traces::FlushSpans,
};
use bytes::Bytes;
use formats::{
    metadata::Commit,
    record_batch::{BatchHeader, EndTransactionMarker},
    segment::{AbortedTransaction, Footer, SegmentAuthor, SegmentWriter, Slice, SliceContents},
};
use model::{Offset, PartitionId};
use runtime::traces;
use std::{collections::HashMap, sync::Arc};
use storage::ObjectName;
use wal::WalPosition;

/// Largest footer that a commit carries inline.
const INLINE_FOOTER_BYTES: usize = 1024;

/// A segment that was cut, ready to be stored and committed.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) seq: u64,
    pub(crate) object: ObjectName,
    pub(crate) parts: Vec<Bytes>,
    pub(crate) size_bytes: u64,
    pub(crate) footer: Arc<Footer>,
    pub(crate) slices: Vec<(Arc<Shared>, Arc<Slice>)>,
    footer_bytes: Bytes,
    footer_offset: u64,
    wal_synced: WalPosition,
}

impl Cut {
    /// WAL position known synced when it was cut.
    pub(crate) fn wal_synced(&self) -> u64 {
        self.wal_synced.0
    }

    /// What those who serve the same partitions are told of the commit.
    pub(crate) fn notice(&self) -> Notice {
        let (seq, object) = (self.seq, self.object.to_string());
        Notice::Committed { seq, object, footer: self.footer_bytes.clone() }
    }

    /// The commit's value.
    pub(crate) fn commit(&self) -> Commit {
        let inline = self.footer_bytes.len() <= INLINE_FOOTER_BYTES;
        Commit {
            object: self.object.to_string(),
            size: self.size_bytes,
            wal_synced: self.wal_synced.0,
            footer: if inline { self.footer_bytes.clone() } else { Bytes::new() },
            footer_offset: self.footer_offset,
            footer_length: self.footer_bytes.len() as u64,
            ..Commit::default()
        }
    }
}

/// Cuts the next flush of `session`, of what is in memory or in `reread`; `None` when there is nothing to flush.
pub(super) fn cut(
    engine: &Engine,
    session: &ActiveSession,
    reason: FlushReason,
    reread: &Reread,
) -> Option<(Cut, FlushSpans)> {
    let asked = engine.flush_queue.look(engine.parts.clock.boot_time()).asked;
    let mut room = engine.options.flush_max_bytes.max(1);
    let mut writer = SegmentWriter::new();
    let mut partitions = HashMap::new();
    for id in engine.flush_queue.take() {
        let Some(partition) = engine.partition(id) else { continue };
        let taken =
            if room == 0 { Taken::default() } else { take(&partition, session, reread, room) };
        room = room.saturating_sub(taken.bytes);
        if let Err(error) = add(&mut writer, id, taken) {
            session.halt(format!("partition {id} can't be laid out as a segment: {error}"));
            return None;
        }
        queue_rest(engine, &partition, session);
        partitions.insert(id, partition);
    }
    if asked && room == 0 {
        engine.flush_queue.ask();
    }
    if writer.is_empty() {
        return None;
    }
    let cut = lay_out(engine, session, writer, &partitions);
    let spans = trace(engine, &cut, reason);
    Some((cut, spans))
}

/// Begins the flush in the traces of the requests whose records it holds.
fn trace(engine: &Engine, cut: &Cut, reason: FlushReason) -> FlushSpans {
    let appends = engine.traced.take(|id| Some(engine.partition(id)?.sequencer.lock().cut_end));
    FlushSpans::begin(appends, |request| {
        tracing::info_span!(
            target: traces::TARGET,
            parent: request,
            "flush",
            ?reason,
            object = %cut.object,
            bytes = cut.size_bytes,
            partitions = cut.slices.len(),
        )
    })
}

/// What was taken of one partition.
#[derive(Default)]
struct Taken {
    batches: Vec<Bytes>,
    bytes: u64,
    last_stable_after: Offset,
    aborted: Vec<AbortedTransaction>,
}

fn take(partition: &Shared, session: &ActiveSession, reread: &Reread, room: u64) -> Taken {
    let mut sequencer = partition.sequencer.lock();
    if !may_be_cut(&sequencer, session) {
        return Taken::default();
    }
    let mut taken = Taken::default();
    let base = sequencer.cut_end;
    let mut end = base;
    for batch in sequencer.log.tail.batches(base, sequencer.log_end()) {
        if taken.bytes > 0 && taken.bytes + batch.place.bytes as u64 > room {
            break;
        }
        // Let go since it was looked at: the next flush reads it back.
        let Some(bytes) = reread.bytes_of(batch) else { break };
        taken.bytes += bytes.len() as u64;
        taken.batches.push(bytes);
        end = batch.end_offset;
    }
    let producers = &sequencer.log.producers;
    taken.last_stable_after = producers.last_stable_offset(end);
    let aborted_here = producers.aborted_between(base, end);
    taken.aborted = aborted_here
        .into_iter()
        .filter(|it| (base..end).contains(&it.last_offset))
        .map(|it| AbortedTransaction {
            producer_id: it.producer,
            first_offset: it.first_offset,
            last_offset: it.last_offset,
        })
        .collect();
    sequencer.cut_end = end;
    taken
}

fn may_be_cut(sequencer: &Sequencer, session: &ActiveSession) -> bool {
    matches!(sequencer.phase, Phase::Serving | Phase::Draining | Phase::Sealed)
        && sequencer.ownership.session.id == session.stamp.id
}

fn add(writer: &mut SegmentWriter, id: PartitionId, taken: Taken) -> Result<(), String> {
    let mut contents = SliceContents::new();
    for batch in taken.batches {
        let header = BatchHeader::parse(&batch).map_err(|error| error.to_string())?;
        let marker = end_marker(&header, &batch)?;
        contents.push(&header, [batch], marker).map_err(|error| error.to_string())?;
    }
    writer
        .push(id, contents, taken.last_stable_after, taken.aborted)
        .map_err(|error| error.to_string())
}

fn end_marker(header: &BatchHeader, batch: &Bytes) -> Result<Option<EndTransactionMarker>, String> {
    match header.attributes.is_control() {
        true => produced::end_marker(batch),
        false => Ok(None),
    }
}

fn queue_rest(engine: &Engine, partition: &Shared, session: &ActiveSession) {
    let sequencer = partition.sequencer.lock();
    let rest = sequencer.log.tail.bytes_between(sequencer.cut_end, sequencer.log_end());
    if rest > 0 && may_be_cut(&sequencer, session) {
        let now = engine.parts.clock.boot_time();
        engine.flush_queue.add(partition.id, rest, true, now);
    }
}

fn lay_out(
    engine: &Engine,
    session: &ActiveSession,
    mut writer: SegmentWriter,
    partitions: &HashMap<PartitionId, Arc<Shared>>,
) -> Cut {
    let seq = session.next_seq();
    writer.sign(SegmentAuthor {
        wal: engine.parts.wal.identity().id,
        session_revision: session.stamp.create_revision.0,
        committed_through: session.committed_seq(),
    });
    let segment = writer.finish();
    metrics::histogram!("alluvium_flush_bytes").record(segment.size as f64);
    let slices = segment.footer.slices.iter().filter_map(|slice| {
        let partition = partitions.get(&slice.partition)?;
        Some((Arc::clone(partition), Arc::new(slice.clone())))
    });
    Cut {
        seq,
        object: crate::object_names::segment(session.stamp.id, seq, &engine.parts.randomness),
        size_bytes: segment.size,
        slices: slices.collect(),
        footer: Arc::new(segment.footer),
        parts: segment.parts,
        footer_bytes: segment.footer_bytes,
        footer_offset: segment.footer_offset,
        wal_synced: engine.parts.wal.synced(),
    }
}
