//! Reads of batches out of objects: ranged GETs with growing read-ahead, checked, through a small cache.
//!
//! One [`ObjectReader`] serves all partitions of a broker. Blocks are fetched once however many ask (single flight) and
//! kept within a budget in bytes, and on the local disk where the broker has room for that ([`disk`]). Every batch is checked
//! (CRC, offsets) before it leaves.
//!
//! A read is planned from the index alone ([`plan`]), its blocks are fetched side by side, and answered in order.
//!
//! Use: take the entries of [`crate::index::LogIndex::entries_from`] under the partition's lock (clone a few), then call
//! [`ObjectReader::read`] outside of it. On [`ObjectReadError::Missing`] read the metadata again; only an object that is
//! still named then is damage.

mod block;
mod by_time;
mod disk;
mod plan;
mod sequential;
mod source;
mod together;

pub(crate) use block::damage_in;
pub(crate) use by_time::find_in_batch;
pub(crate) use sequential::{Span, spans};

use crate::{
    index::{IndexEntry, IndexRun, SegmentSlice},
    producer_state::Aborted,
    single_flight::{Load, SingleFlightCache, State},
};
use block::{Batches, Block, blocks, bytes_in_object};
use block_cache::BlockCache;
use bytes::Bytes;
use disk::Disk;
use formats::{
    index_object::{IndexedSlice, decode_partition},
    segment::Footer,
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use model::{LeaderEpoch, Offset, PartitionId, TimestampMs};
use plan::{Piece, Plan};
use source::Source;
use std::{collections::BTreeMap, ops::Range, sync::Arc};
use storage::{ObjectError, ObjectErrorKind, ObjectName, Objects};
use together::{HISTORY_BYTES, Wanted, get_together};

/// One GET reads at most so many blocks: eight full ones are 8 MiB.
const BLOCKS_PER_GET: usize = 8;
/// GETs in flight for one read.
const GETS_PER_READ: usize = 16;
/// The part of the cache that decoded runs may take: an eighth.
const RUNS_PART_OF_CACHE: u64 = 8;

/// Why objects could not be read.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ObjectReadError {
    /// The object is gone: the caller's list may be old.
    #[error("object {0} is missing")]
    Missing(ObjectName),
    /// The store did not answer; retriable.
    #[error("{0}")]
    Unavailable(String),
    /// The bytes are not what the index says.
    #[error("offsets {from}..{to} are damaged in object {object}: {reason}")]
    Damaged {
        /// First offset that can't be read.
        from: Offset,
        /// End of the damage.
        to: Offset,
        /// Where.
        object: ObjectName,
        /// What is wrong.
        reason: String,
    },
}

/// What a read wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ObjectReadRequest {
    /// Which log.
    pub(crate) partition: PartitionId,
    /// First offset; the batch that contains it is returned whole.
    pub(crate) from: Offset,
    /// Batches that reach beyond are left out.
    pub(crate) to: Offset,
    /// At most so many bytes …
    pub(crate) max_bytes: usize,
    /// … but at least one batch.
    pub(crate) at_least_one: bool,
}

/// What it found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ObjectRead {
    /// Whole batches in offset order; each element holds one or more.
    pub(crate) batches: Vec<Bytes>,
    /// Their bytes.
    pub(crate) bytes: usize,
    /// The offset to go on from.
    pub(crate) next: Offset,
    /// Aborted transactions that reach into the answer, by first offset, as far as `entries` name them: a marker may lie behind
    /// the batches read, so entries are looked at until the answer is stable.
    pub(crate) aborted: Vec<Aborted>,
}

/// A record found by its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FoundRecord {
    /// Where.
    pub(crate) offset: Offset,
    /// Its time.
    pub(crate) timestamp: TimestampMs,
    /// The epoch of its batch.
    pub(crate) leader_epoch: LeaderEpoch,
}

/// Blocks by object and position.
type Key = (ObjectName, u64);
/// Runs likewise, with the offsets asked for: the partitions of a segment share its footer, stretches of a run share its bytes, where
/// one of them may begin as another that reaches further, and the first slices may be merged away.
type RunKey = (ObjectName, u64, PartitionId, Range<Offset>);
type Slices = Arc<Vec<SegmentSlice>>;

/// Reads objects. Cheap to clone; clones share the cache.
#[derive(Clone, Debug)]
pub(crate) struct ObjectReader {
    source: Source,
    disk: Disk,
    blocks: Arc<SingleFlightCache<Key, Block, ObjectReadError>>,
    runs: Arc<SingleFlightCache<RunKey, Slices, ObjectReadError>>,
    /// Looked up once: blocks are too many for that.
    hits: metrics::Counter,
    misses: metrics::Counter,
}

impl ObjectReader {
    /// A reader whose cache in memory holds at most `cache_bytes`.
    pub(crate) fn new(objects: Objects, cache_bytes: u64) -> Self {
        let for_runs = cache_bytes / RUNS_PART_OF_CACHE;
        let bytes_of_block = |block: &Block| block.bytes.len() as u64;
        Self {
            source: Source::new(objects),
            disk: Disk::default(),
            blocks: Arc::new(SingleFlightCache::new(cache_bytes - for_runs, bytes_of_block)),
            runs: Arc::new(SingleFlightCache::new(for_runs, bytes_of_slices)),
            hits: metrics::counter!("alluvium_cached_blocks_total", "result" => "hit"),
            misses: metrics::counter!("alluvium_cached_blocks_total", "result" => "miss"),
        }
    }

    /// The same with a cache on disk, or without one.
    pub(crate) fn with_disk(self, cache: Option<BlockCache>) -> Self {
        Self { disk: Disk::new(cache), ..self }
    }

    /// Reads batches out of `entries`, which are in offset order and start with the one that holds `request.from`. What fails
    /// behind the first batches is left to the next read.
    ///
    /// # Errors
    /// As [`ObjectReadError`] says.
    pub(crate) async fn read(
        &self,
        request: ObjectReadRequest,
        entries: &[IndexEntry],
    ) -> Result<ObjectRead, ObjectReadError> {
        let plan = self.plan(request, entries).await?;
        let Plan { pieces, next, aborted, .. } = plan;
        let mut read = ObjectRead { batches: Vec::new(), bytes: 0, next: request.from, aborted };
        // Held until all is read: what nobody waits for yet would be dropped.
        let _neighbours = self.begin_neighbours(&pieces);
        let pieces = pieces.into_iter().map(Arc::new);
        let loads: Vec<_> = pieces.flat_map(|piece| self.blocks_of(&piece)).collect();
        let mut loaded = stream::iter(loads).buffered(GETS_PER_READ);
        let mut error = None;
        while let Some((piece, block, result)) = loaded.next().await {
            error = read.add(&piece, &block, result);
            if error.is_some() {
                break;
            }
        }
        match error {
            Some(error) if read.batches.is_empty() => return Err(error),
            Some(_) => {}
            None => read.next = next,
        }
        read.aborted.retain(|aborted| aborted.first_offset < read.next);
        read.aborted.sort_unstable_by_key(|aborted| aborted.first_offset);
        Ok(read)
    }

    /// Begins what these reads have in common: each of them, made while the answer is held, finds that under way. What is wrong with an
    /// object is told to whoever reads it.
    pub(crate) async fn begin(
        &self,
        reads: &[(ObjectReadRequest, &[IndexEntry])],
    ) -> Vec<BoxFuture<'static, ()>> {
        let plans: Vec<_> =
            reads.iter().map(|(request, entries)| self.plan(*request, entries)).collect();
        let plans: Vec<_> = stream::iter(plans).buffered(GETS_PER_READ).collect().await;
        let pieces: Vec<_> = plans.into_iter().flatten().flat_map(|plan| plan.pieces).collect();
        self.begin_neighbours(&pieces).into_iter().map(FutureExt::boxed).collect()
    }

    /// Begins one GET for what lies side by side in an object: in a gathered segment the slices of many commits, in any of them those of
    /// partitions that are read together.
    fn begin_neighbours(&self, pieces: &[Piece]) -> Vec<impl Future<Output = ()> + Send + use<>> {
        let mut by_object: BTreeMap<&ObjectName, Vec<Wanted>> = BTreeMap::new();
        for piece in pieces {
            let blocks = blocks(&piece.segment.slice).into_iter();
            let wanted = blocks.filter(|block| piece.wants(block));
            let wanted = wanted.map(|block| (piece.segment.clone(), block));
            by_object.entry(&piece.segment.object).or_default().extend(wanted);
        }
        let begin = |wanted| self.begin_together(wanted, HISTORY_BYTES);
        by_object.into_values().flat_map(begin).collect()
    }

    async fn plan(
        &self,
        request: ObjectReadRequest,
        entries: &[IndexEntry],
    ) -> Result<Plan, ObjectReadError> {
        let mut plan = Plan::new(request);
        for entry in entries {
            if plan.is_done() {
                break;
            }
            for segment in self.slices(request.partition, entry).await?.from(request.from) {
                if plan.is_done() {
                    break;
                }
                plan.see(segment);
            }
        }
        Ok(plan)
    }

    /// The loads of a piece's blocks, in order.
    fn blocks_of(
        &self,
        piece: &Arc<Piece>,
    ) -> Vec<impl Future<Output = (Arc<Piece>, Batches, Result<Block, ObjectReadError>)> + use<>>
    {
        let all = Arc::new(blocks(&piece.segment.slice));
        let wanted = all.iter().enumerate().filter(|(_, block)| piece.wants(block));
        let positions: Vec<_> = wanted.map(|(at, _)| at).collect();
        let load = |position: usize| {
            let (reader, piece, all) = (self.clone(), Arc::clone(piece), Arc::clone(&all));
            async move {
                let block = all.get(position).cloned().unwrap_or_default();
                let result = reader.block(&piece.segment, &all, position).await;
                (piece, block, result)
            }
        };
        positions.into_iter().map(load).collect()
    }

    /// One batch's bytes.
    async fn batch(
        &self,
        segment: &SegmentSlice,
        position: usize,
    ) -> Result<Bytes, ObjectReadError> {
        let all = blocks(&segment.slice);
        let at = all.partition_point(|block| block.end <= position);
        let block = self.block(segment, &all, at).await?;
        let batches = all.get(at).cloned().unwrap_or_default();
        match block.slice(&segment.slice, &batches, &(position..position + 1)) {
            (Some(bytes), _) => Ok(bytes),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(Bytes::new()),
        }
    }

    /// One block, from the cache, or by a load that takes the blocks behind it along: as many as lie in the cache right
    /// before it, so that reading on reads ahead, twice as far each time. A load is from disk, or one GET of what is not there.
    async fn block(
        &self,
        segment: &SegmentSlice,
        all: &[Batches],
        position: usize,
    ) -> Result<Block, ObjectReadError> {
        let key = |block: &Batches| {
            (segment.object.clone(), bytes_in_object(&segment.slice, block).start)
        };
        let wanted = all.get(position).cloned().unwrap_or_default();
        let mut found = &self.hits;
        let plan = |state: &State<Key, Block, ObjectReadError>| {
            found = &self.misses;
            let before = all.iter().take(position).rev();
            let read_already = before.take_while(|block| state.is_ready(&key(block))).count();
            let on_disk = self.disk.may_have(segment, &wanted);
            let likewise = |block: &&Batches| {
                state.is_absent(&key(block)) && self.disk.may_have(segment, block) == on_disk
            };
            let behind = all.iter().skip(position + 1);
            let ahead = behind.take(read_already.min(BLOCKS_PER_GET - 1)).take_while(likewise);
            let span: Vec<_> = std::iter::once(&wanted).chain(ahead).cloned().collect();
            let keys = span.iter().map(key).collect();
            let (disk, source) = (self.disk.clone(), self.source.clone());
            let results = if on_disk {
                disk.load(source, segment.clone(), span).boxed()
            } else {
                disk.fetch(source, segment.clone(), span).boxed()
            };
            Load { keys, results }
        };
        let block = self.blocks.get(&key(&wanted), plan).await;
        found.increment(1);
        block
    }

    /// The slices of an entry.
    async fn slices<'a>(
        &self,
        partition: PartitionId,
        entry: &'a IndexEntry,
    ) -> Result<Opened<'a>, ObjectReadError> {
        match entry {
            IndexEntry::Slice(segment) => Ok(Opened::Slice(segment)),
            IndexEntry::Run(run) => self.load_run(partition, run).await.map(Opened::Run),
        }
    }

    /// Loads the slices of a run, in offset order.
    ///
    /// # Errors
    /// As [`ObjectReadError`] says.
    pub(crate) async fn load_run(
        &self,
        partition: PartitionId,
        run: &IndexRun,
    ) -> Result<Arc<Vec<SegmentSlice>>, ObjectReadError> {
        let offsets = run.base_offset..run.end_offset;
        let key = (run.object.clone(), run.bytes.start, partition, offsets);
        let plan = |_: &State<RunKey, Slices, ObjectReadError>| {
            let (source, disk) = (self.source.clone(), self.disk.clone());
            let load = find_run(source, disk, partition, run.clone());
            Load { keys: vec![key.clone()], results: load.map(|result| vec![result]).boxed() }
        };
        self.runs.get(&key, plan).await
    }
}

/// An entry's slices at hand.
enum Opened<'a> {
    Slice(&'a SegmentSlice),
    Run(Slices),
}

impl Opened<'_> {
    fn all(&self) -> &[SegmentSlice] {
        match self {
            Self::Slice(segment) => std::slice::from_ref(segment),
            Self::Run(slices) => slices,
        }
    }

    /// Those that hold offsets at or beyond `offset`.
    fn from(&self, offset: Offset) -> impl Iterator<Item = &SegmentSlice> {
        let first = self.all().partition_point(|segment| segment.slice.end_offset <= offset);
        self.all().iter().skip(first)
    }
}

impl ObjectRead {
    /// Adds what a block has of a piece; answers why that is not all.
    fn add(
        &mut self,
        piece: &Piece,
        batches: &Batches,
        result: Result<Block, ObjectReadError>,
    ) -> Option<ObjectReadError> {
        let block = match result {
            Ok(block) => block,
            Err(error) => return Some(error),
        };
        let slice = &piece.segment.slice;
        let (bytes, error) = block.slice(slice, batches, &piece.batches);
        if let Some(bytes) = bytes {
            self.bytes += bytes.len();
            self.batches.push(bytes);
        }
        let end = if let Some(ObjectReadError::Damaged { from, .. }) = &error {
            Some(*from)
        } else {
            let last = piece.batches.end.min(batches.end).checked_sub(1);
            last.and_then(|last| slice.batches.get(last)?.next_offset())
        };
        self.next = end.unwrap_or(self.next).max(self.next);
        error
    }
}

/// Reads consecutive blocks of a slice with one GET.
async fn get_blocks(
    source: &Source,
    segment: SegmentSlice,
    span: Vec<Batches>,
) -> Vec<Result<Block, ObjectReadError>> {
    let wanted = span.into_iter().map(|block| (segment.clone(), block)).collect();
    get_together(source, wanted).await
}

/// Reads a run from disk or with one GET, and checks that it is the one that the list means.
async fn find_run(
    source: Source,
    disk: Disk,
    partition: PartitionId,
    run: IndexRun,
) -> Result<Slices, ObjectReadError> {
    let on_disk = disk.run(&run, |bytes| slices_of_run(partition, &run, bytes).ok()).await;
    if let Some(slices) = on_disk {
        return Ok(slices);
    }
    let within = run.base_offset..run.end_offset;
    let damaged = |reason: String| ObjectReadError::Damaged {
        from: within.start,
        to: within.end,
        object: run.object.clone(),
        reason,
    };
    let bytes = source
        .get_range(&run.object, run.bytes.clone())
        .await
        .map_err(|error| read_error(&run.object, within.clone(), &error))?;
    let slices = slices_of_run(partition, &run, &bytes).map_err(damaged)?;
    disk.keep_run(&run, bytes);
    Ok(slices)
}

fn slices_of_run(partition: PartitionId, run: &IndexRun, bytes: &[u8]) -> Result<Slices, String> {
    let within = run.base_offset..run.end_offset;
    let mut slices = decode_run(partition, run, bytes)?;
    slices.retain(|it| within.start <= it.slice.base_offset && it.slice.end_offset <= within.end);
    let ends = slices.first().zip(slices.last()).map(|(first, last)| {
        (first.slice.partition, first.slice.base_offset..last.slice.end_offset)
    });
    if ends != Some((partition, within)) {
        return Err("the run is not the one that is listed".to_owned());
    }
    Ok(Arc::new(slices))
}

fn decode_run(
    partition: PartitionId,
    run: &IndexRun,
    bytes: &[u8],
) -> Result<Vec<SegmentSlice>, String> {
    if run.level > 0 {
        let slices = decode_partition(bytes).map_err(|error| error.to_string())?;
        let slices: Option<Vec<_>> = slices.into_iter().map(segment_slice).collect();
        return slices.ok_or_else(|| "the run names an impossible object".to_owned());
    }
    let footer = Footer::decode(bytes).map_err(|error| error.to_string())?;
    let slice = footer.slice(partition).ok_or("the footer does not list the partition")?;
    let (object, session, seq) = (run.object.clone(), run.session, run.from_seq);
    Ok(vec![SegmentSlice { object, session, seq, slice: Arc::new(slice.clone()) }])
}

fn segment_slice(indexed: IndexedSlice) -> Option<SegmentSlice> {
    Some(SegmentSlice {
        object: ObjectName::new(&indexed.object).ok()?,
        session: indexed.session,
        seq: indexed.seq,
        slice: Arc::new(indexed.slice),
    })
}

/// What decoded slices take in memory, roughly.
fn bytes_of_slices(slices: &Slices) -> u64 {
    let batches = slices.iter().map(|segment| segment.slice.batches.len() as u64);
    batches.map(|batches| 256 + batches * 80).sum()
}

fn read_error(object: &ObjectName, within: Range<Offset>, error: &ObjectError) -> ObjectReadError {
    match error.kind {
        ObjectErrorKind::NotFound => ObjectReadError::Missing(object.clone()),
        ObjectErrorKind::Invalid => ObjectReadError::Damaged {
            from: within.start,
            to: within.end,
            object: object.clone(),
            reason: error.to_string(),
        },
        ObjectErrorKind::AlreadyExists | ObjectErrorKind::Denied | ObjectErrorKind::Unavailable => {
            ObjectReadError::Unavailable(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests;
