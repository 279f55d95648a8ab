//! The read path: tail first, then objects; by offset, of several partitions side by side, and by time.

use crate::{
    AbortedTransaction, FoundOffset, Isolation, Partition, ReadAnswer, ReadError, ReadRequest,
    TimestampQuery, Watermarks,
    engine::Engine,
    index::IndexEntry,
    object_read::{FoundRecord, ObjectRead, ObjectReadError, ObjectReadRequest, find_in_batch},
    partition::Shared,
    producer_state::Aborted,
    recovery,
    sequencer::Sequencer,
    tail::{TailBatch, TailRead, WalPlace},
};
use bytes::Bytes;
use futures::{StreamExt, future::BoxFuture, stream};
use model::{Offset, PartitionId, TimestampMs};
use std::{
    ops::Range,
    sync::{Arc, atomic::Ordering},
};
use storage::ObjectName;
use wal::WalError;

/// Entries cloned out of the index for one read of objects: more than one fetch takes.
const ENTRIES_PER_READ: usize = 64;

/// How often a read begins again because an object it meant to read was replaced meanwhile.
const ATTEMPTS: usize = 4;

/// Reads of one call that run at the same time.
const READS_AT_ONCE: usize = 16;

/// What a look at the sequencer came to.
enum Plan {
    /// All of it.
    Answer(ReadAnswer),
    /// All of it, but for the batches, which the WAL keeps.
    Wal { places: Vec<WalPlace>, answer: ReadAnswer },
    /// Read objects: these entries, up to this offset.
    Objects { entries: Vec<IndexEntry>, to: Offset, watermarks: Watermarks, aborted: Vec<Aborted> },
}

/// A read of objects.
struct OfObjects {
    request: ObjectReadRequest,
    entries: Vec<IndexEntry>,
}

/// An answer, and what is worth reading on behind it.
type Answered = (ReadAnswer, Option<OfObjects>);

/// Reads several partitions of one broker side by side: from memory near the tail, else from objects. Where what they want lies close
/// together in an object, one request reads it. Answers in the order of `reads`.
///
/// # Errors
/// Each as [`ReadError`] says.
pub async fn read_side_by_side(
    reads: Vec<(Partition, ReadRequest)>,
) -> Vec<Result<ReadAnswer, ReadError>> {
    let planned: Vec<_> = reads
        .iter()
        .map(|(partition, request)| plan(&partition.shared().sequencer.lock(), *request))
        .collect();
    // Held until all is read: what nobody waits for yet would be dropped.
    let _common = begin_common(&reads, &planned).await;
    let answers: Vec<_> = (reads.iter().zip(planned))
        .map(|((partition, request), planned)| read(partition.shared(), *request, planned))
        .collect();
    let mut answers = stream::iter(answers).buffered(READS_AT_ONCE);
    let (mut found, mut ahead) = (Vec::with_capacity(reads.len()), Vec::new());
    while let Some(answer) = answers.next().await {
        found.push(answer.map(|(answer, behind)| {
            ahead.extend(behind);
            answer
        }));
    }
    if let Some((partition, _)) = reads.first() {
        read_ahead(&partition.shared().engine, ahead);
    }
    for ((partition, _), answer) in reads.iter().zip(&found) {
        partition.shared().engine.damage.note(partition.id(), answer);
        if let Ok(answer) = answer {
            let bytes: usize = answer.batches.iter().map(Bytes::len).sum();
            partition.shared().carried_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }
    found
}

/// Begins what reads of several partitions have in common.
async fn begin_common(
    reads: &[(Partition, ReadRequest)],
    planned: &[Result<Plan, ReadError>],
) -> Vec<BoxFuture<'static, ()>> {
    let of_objects = reads.iter().zip(planned).filter_map(|((partition, request), planned)| {
        let Ok(Plan::Objects { entries, to, .. }) = planned else { return None };
        Some((object_request(partition.shared(), request, *to), entries.as_slice()))
    });
    let of_objects: Vec<_> = of_objects.collect();
    match reads.first() {
        Some((partition, _)) if of_objects.len() > 1 => {
            partition.shared().engine.reader.begin(&of_objects).await
        }
        _ => Vec::new(),
    }
}

fn object_request(partition: &Shared, request: &ReadRequest, to: Offset) -> ObjectReadRequest {
    ObjectReadRequest {
        partition: partition.id,
        from: request.from,
        to,
        max_bytes: request.max_bytes,
        at_least_one: request.at_least_one_batch,
    }
}

/// Answers one read that was planned.
async fn read(
    partition: &Shared,
    mut request: ReadRequest,
    mut planned: Result<Plan, ReadError>,
) -> Result<Answered, ReadError> {
    let mut missing = Vec::new();
    while missing.len() < ATTEMPTS {
        let (entries, to, watermarks, aborted) = match planned? {
            Plan::Answer(answer) => return Ok((answer, None)),
            Plan::Wal { places, answer } => {
                if let Some(batches) = read_wal(&partition.engine, places).await? {
                    return Ok((ReadAnswer { batches, ..answer }, None));
                }
                // Committed meanwhile: objects have it.
                planned = plan(&partition.sequencer.lock(), request);
                continue;
            }
            Plan::Objects { entries, to, watermarks, aborted } => {
                (entries, to, watermarks, aborted)
            }
        };
        let wanted = object_request(partition, &request, to);
        match partition.engine.reader.read(wanted, &entries).await {
            // Compaction took everything up to there.
            Ok(found) if found.batches.is_empty() && found.next > request.from => {
                request.from = found.next;
            }
            Ok(found) => {
                let behind = worth_reading_on(partition, wanted, &found, entries);
                let committed_only = request.isolation == Isolation::ReadCommitted;
                let aborted =
                    committed_only.then(|| named_once(aborted, found.aborted, found.next));
                return Ok((ReadAnswer { batches: found.batches, watermarks, aborted }, behind));
            }
            // A fold or a deletion may have taken its place: look again.
            Err(ObjectReadError::Missing(object)) => {
                look_again(partition, missing.last(), &object).await?;
                missing.push(object);
            }
            Err(error) => return Err(read_error(request.from, to, error)),
        }
        planned = plan(&partition.sequencer.lock(), request);
    }
    let object = missing.last().map(ToString::to_string).unwrap_or_default();
    Err(ReadError::Damaged {
        from: request.from,
        to: request.from.plus(1),
        object,
        reason: "the object is missing".to_owned(),
    })
}

/// An object that is still named is named by a list that is old, if another session folds what this partition was built on.
async fn look_again(
    partition: &Shared,
    before: Option<&ObjectName>,
    now: &ObjectName,
) -> Result<(), ReadError> {
    if before != Some(now) {
        return Ok(());
    }
    let refreshed = recovery::refresh(partition).await;
    refreshed.map_err(|error| ReadError::Unavailable(error.to_string()))
}

/// What follows `found`, for a reader that reads on and on.
fn worth_reading_on(
    partition: &Shared,
    request: ObjectReadRequest,
    found: &ObjectRead,
    entries: Vec<IndexEntry>,
) -> Option<OfObjects> {
    let engine = &partition.engine;
    let (read, bytes) = (request.from..found.next, found.bytes as u64);
    let now = engine.parts.clock.boot_time();
    if found.next >= request.to || !engine.read_ahead.follows(partition.id, read, bytes, now) {
        return None;
    }
    let request = ObjectReadRequest { from: found.next, max_bytes: found.bytes, ..request };
    Some(OfObjects { request, entries })
}

/// Has what is ahead of readers fetched into the cache.
fn read_ahead(engine: &Arc<Engine>, ahead: Vec<OfObjects>) {
    if ahead.is_empty() {
        return;
    }
    let reader = engine.reader.clone();
    engine.parts.tasks.spawn("read-ahead", async move {
        let parts: Vec<_> = ahead.iter().map(|of| (of.request, of.entries.as_slice())).collect();
        let _common = reader.begin(&parts).await;
        let reads: Vec<_> =
            parts.iter().map(|(request, entries)| reader.read(*request, entries)).collect();
        // Whoever asks for these bytes is told what is wrong with them.
        stream::iter(reads).buffer_unordered(READS_AT_ONCE).for_each(|_| async {}).await;
    });
}

fn plan(sequencer: &Sequencer, request: ReadRequest) -> Result<Plan, ReadError> {
    sequencer.check_readable()?;
    sequencer.check_epoch(request.current_leader_epoch)?;
    let watermarks = sequencer.watermarks();
    let Watermarks { log_start, log_end, .. } = watermarks;
    if request.from < log_start || request.from > log_end {
        return Err(ReadError::OffsetOutOfRange { offset: request.from, log_start, end: log_end });
    }
    let to = visible_end(&watermarks, request.isolation);
    let from_tail = if request.from >= to {
        Some(TailRead::Memory(Vec::new()))
    } else {
        let tail = &sequencer.log.tail;
        tail.read(request.from, to, request.max_bytes, request.at_least_one_batch)
    };
    let in_memory = || sequencer.log.producers.aborted_between(request.from, to);
    let aborted = || {
        let committed_only = request.isolation == Isolation::ReadCommitted;
        committed_only.then(|| named_once(in_memory(), Vec::new(), to))
    };
    Ok(match from_tail {
        Some(TailRead::Memory(batches)) => {
            Plan::Answer(ReadAnswer { batches, watermarks, aborted: aborted() })
        }
        Some(TailRead::Wal(places)) => {
            let answer = ReadAnswer { batches: Vec::new(), watermarks, aborted: aborted() };
            Plan::Wal { places, answer }
        }
        None => {
            let entries = entries_for(sequencer, request);
            // Taken together with the entries: what is committed in between is in one of the two.
            Plan::Objects { entries, to, watermarks, aborted: in_memory() }
        }
    })
}

/// Reads batches that were let go back from the WAL; `None` when it holds one of them no more.
async fn read_wal(
    engine: &Arc<Engine>,
    places: Vec<WalPlace>,
) -> Result<Option<Vec<Bytes>>, ReadError> {
    let engine = Arc::clone(engine);
    let read = runtime::beside(move || {
        let read = |place: &WalPlace| {
            let bytes = engine.parts.wal.read(place.end, place.bytes)?;
            Ok(engine.buffers.reread(bytes))
        };
        places.iter().map(read).collect::<Result<Vec<_>, WalError>>()
    });
    match read.await {
        Ok(Ok(batches)) => Ok(Some(batches)),
        Ok(Err(WalError::NotHeld(_))) => Ok(None),
        Ok(Err(error)) => Err(ReadError::Unavailable(error.to_string())),
        Err(error) => Err(ReadError::Unavailable(error.to_string())),
    }
}

/// The entries that a read of objects may need. How a transaction ended may be told by a marker far behind the batches read.
fn entries_for(sequencer: &Sequencer, request: ReadRequest) -> Vec<IndexEntry> {
    let most = match request.isolation {
        Isolation::ReadUncommitted => ENTRIES_PER_READ,
        Isolation::ReadCommitted => usize::MAX,
    };
    sequencer.log.index.entries_from(request.from).take(most).cloned().collect()
}

/// End of what a reader may see.
pub(crate) fn visible_end(watermarks: &Watermarks, isolation: Isolation) -> Offset {
    match isolation {
        Isolation::ReadUncommitted => watermarks.high_watermark,
        Isolation::ReadCommitted => watermarks.last_stable,
    }
}

/// The aborted transactions that begin before `to`, of memory and of the index, each once.
fn named_once(
    in_memory: Vec<Aborted>,
    in_objects: Vec<Aborted>,
    to: Offset,
) -> Vec<AbortedTransaction> {
    let mut aborted = in_memory;
    aborted.extend(in_objects);
    aborted.retain(|it| it.first_offset < to);
    aborted.sort_unstable_by_key(|it| (it.first_offset, it.last_offset, it.producer));
    aborted.dedup();
    let public =
        |it: Aborted| AbortedTransaction { producer: it.producer, first_offset: it.first_offset };
    aborted.into_iter().map(public).collect()
}

fn read_error(from: Offset, to: Offset, error: ObjectReadError) -> ReadError {
    match error {
        ObjectReadError::Unavailable(reason) => ReadError::Unavailable(reason),
        ObjectReadError::Damaged { from, to, object, reason } => {
            ReadError::Damaged { from, to, object: object.to_string(), reason }
        }
        ObjectReadError::Missing(object) => ReadError::Damaged {
            from,
            to,
            object: object.to_string(),
            reason: "the object is missing".to_owned(),
        },
    }
}

/// Finds a record by time.
pub(crate) async fn offset_for_timestamp(
    partition: &Shared,
    query: TimestampQuery,
    isolation: Isolation,
) -> Result<Option<FoundOffset>, ReadError> {
    let mut missing = None;
    for _ in 0..ATTEMPTS {
        let search = Search::prepare(&partition.sequencer.lock(), query, isolation)?;
        let found = match query {
            TimestampQuery::AtOrAfter(timestamp) => {
                search.first_at_or_after(partition, timestamp).await
            }
            TimestampQuery::Maximum => search.maximum(partition).await,
        };
        match found {
            Ok(found) => return Ok(found.map(found_offset)),
            Err(SearchError::Failed(error)) => return Err(error),
            Err(SearchError::Missing(object)) => {
                look_again(partition, missing.as_ref(), &object).await?;
                missing = Some(object);
            }
        }
    }
    let object = missing.map(|object| object.to_string()).unwrap_or_default();
    Err(ReadError::Unavailable(format!("object {object} is missing, and still named")))
}

fn found_offset(found: FoundRecord) -> FoundOffset {
    FoundOffset {
        offset: found.offset,
        timestamp: found.timestamp,
        leader_epoch: found.leader_epoch,
    }
}

/// Why a search came to nothing.
enum SearchError {
    /// It is to be done again.
    Missing(ObjectName),
    Failed(ReadError),
}

impl SearchError {
    fn of(within: Range<Offset>, error: ObjectReadError) -> Self {
        match error {
            ObjectReadError::Missing(object) => Self::Missing(object),
            error => Self::Failed(read_error(within.start, within.end, error)),
        }
    }
}

impl From<ReadError> for SearchError {
    fn from(error: ReadError) -> Self {
        Self::Failed(error)
    }
}

/// Where to look for a record by time: entries of objects, then batches of the tail beyond them.
struct Search {
    entries: Vec<IndexEntry>,
    in_objects: Range<Offset>,
    tail: Vec<TailBatch>,
    in_tail: Range<Offset>,
}

impl Search {
    fn prepare(
        sequencer: &Sequencer,
        query: TimestampQuery,
        isolation: Isolation,
    ) -> Result<Self, ReadError> {
        sequencer.check_readable()?;
        let watermarks = sequencer.watermarks();
        let from = watermarks.log_start;
        let to = visible_end(&watermarks, isolation).max(from);
        let split = sequencer.log.tail.start().clamp(from, to);
        let entries = match query {
            TimestampQuery::AtOrAfter(timestamp) => sequencer
                .log
                .index
                .entries_at_or_after(from, timestamp)
                .filter(|entry| entry.base_offset() < split)
                .cloned()
                .collect(),
            TimestampQuery::Maximum => sequencer
                .log
                .index
                .entries_from(from)
                .filter(|entry| entry.base_offset() < split)
                .cloned()
                .collect(),
        };
        let tail = sequencer.log.tail.batches(split, to).cloned().collect();
        Ok(Self { entries, in_objects: from..split, tail, in_tail: split..to })
    }

    async fn first_at_or_after(
        &self,
        partition: &Shared,
        timestamp: TimestampMs,
    ) -> Result<Option<FoundRecord>, SearchError> {
        let reader = &partition.engine.reader;
        let within = self.in_objects.clone();
        let found = reader
            .find_at_or_after(partition.id, &self.entries, within.clone(), timestamp)
            .await
            .map_err(|error| SearchError::of(within, error))?;
        match found {
            Some(found) => Ok(Some(found)),
            None => Ok(self.first_in_tail(partition, timestamp).await?),
        }
    }

    async fn first_in_tail(
        &self,
        partition: &Shared,
        timestamp: TimestampMs,
    ) -> Result<Option<FoundRecord>, ReadError> {
        let Range { start, end } = self.in_tail;
        for batch in self.tail.iter().filter(|batch| batch.max_timestamp >= timestamp) {
            let bytes = bytes_of(&partition.engine, batch).await?;
            let found = find_in_batch(&bytes, start..end, timestamp)
                .map_err(|reason| damaged_tail(partition.id, start..end, reason))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    async fn maximum(&self, partition: &Shared) -> Result<Option<FoundRecord>, SearchError> {
        let reader = &partition.engine.reader;
        let within = self.in_objects.clone();
        let stored = reader
            .find_maximum(partition.id, &self.entries, within.clone())
            .await
            .map_err(|error| SearchError::of(within, error))?;
        let Some(newest) = self.tail.iter().map(|batch| batch.max_timestamp).max() else {
            return Ok(stored);
        };
        match stored {
            Some(found) if found.timestamp >= newest => Ok(Some(found)),
            _ => Ok(self.first_in_tail(partition, newest).await?.or(stored)),
        }
    }
}

/// A batch's bytes, from memory or the WAL. One that was committed and released meanwhile is asked for again.
async fn bytes_of(engine: &Arc<Engine>, batch: &TailBatch) -> Result<Bytes, ReadError> {
    if let Some(bytes) = &batch.bytes {
        return Ok(bytes.clone());
    }
    let read = read_wal(engine, vec![batch.place]).await?;
    let moved = || ReadError::Unavailable("the batch moved to object storage just now".to_owned());
    read.and_then(|batches| batches.into_iter().next()).ok_or_else(moved)
}

fn damaged_tail(partition: PartitionId, within: Range<Offset>, reason: String) -> ReadError {
    ReadError::Damaged {
        from: within.start,
        to: within.end,
        object: format!("memory of {partition}"),
        reason,
    }
}
