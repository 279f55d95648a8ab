//! Gathering: the segments of a fold become few, in which each partition's batches lie side by side (DESIGN 7, ADR 22).
//!
//! A flush holds a little of many partitions. Whoever reads a partition's history would need a GET for each flush; and deleting,
//! listing and paying go by the object. So a fold of commits copies their slices, as they are, into segments of
//! [`Plan`]'s order, and its index object names those: offsets, commits and everything else of a slice stay, only where its bytes
//! lie changes. The copied segments are garbage from the transaction on that swaps the index in.
//!
//! Segments go as a whole. So what is kept for a day and what is kept for ever come into different ones ([`Lifetime`], ADR 23).
//!
//! The bytes come from the [`Spool`], not from the store: they were uploaded from here a moment ago.

mod lifetime;
mod plan;
mod spool;

pub(crate) use plan::is_worth_it;
pub use spool::Spool;

use lifetime::Lifetime;

use crate::{
    GatherFrom, engine::Engine, fold::FoldableCommit, index::SegmentSlice, object_names,
    object_read::damage_in, pipeline::ActiveSession, upkeep::Throttle,
};
use bytes::Bytes;
use formats::segment::{Footer, Segment, SegmentError, SegmentWriter, Slice};
use futures::{StreamExt, TryStreamExt, stream};
use model::PartitionId;
use parking_lot::Mutex;
use plan::{Output, Plan};
use runtime::Backoff;
use spool::Spooled;
use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
    sync::Arc,
    time::Duration,
};
use storage::ObjectName;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Source segments read at the same time.
const READS_IN_FLIGHT: usize = 4;

/// The spool writes behind commits. So long and so often is a segment waited for that it is about to have.
const WAIT: Duration = Duration::from_millis(50);
const WAITS_MAX: usize = 100;

/// Segments that were gathered and stored, and are not named yet.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    segments: Vec<(ObjectName, Vec<Copied>)>,
    /// All that the commits brought of these is in them.
    partitions: HashSet<PartitionId>,
}

/// A slice in its new place.
#[derive(Debug)]
pub(crate) struct Copied {
    pub(crate) seq: u64,
    pub(crate) slice: Slice,
}

impl Gathered {
    /// The slices of a commit that stay where they are.
    pub(crate) fn left_of<'a>(&'a self, footer: &'a Footer) -> impl Iterator<Item = &'a Slice> {
        footer.slices.iter().filter(|slice| !self.partitions.contains(&slice.partition))
    }

    /// The slices, with the segments that they are in now; those of a partition ascending by offset.
    pub(crate) fn slices(&self) -> impl Iterator<Item = (&ObjectName, &Copied)> {
        self.segments.iter().flat_map(|(object, slices)| slices.iter().map(move |it| (object, it)))
    }

    /// The segments.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &ObjectName> {
        self.segments.iter().map(|(object, _)| object)
    }
}

/// Why commits stay in the segments that they are in.
#[derive(Debug)]
enum Refusal {
    /// A segment is not in the spool.
    NotAtHand(ObjectName),
    /// The disk does not give what it has, or the store.
    Unreadable(String),
    /// A batch is not the one that was written.
    Damaged(String),
    /// A slice can't be laid out.
    Layout(SegmentError),
}

/// Gathers commits; what was stored is not named by anything yet. Nothing is stored when there is nothing to gain, the budget does not
/// allow it, or the segments are not at hand: they stay where they are.
pub(crate) async fn gather(
    engine: &Engine,
    session: &ActiveSession,
    commits: &[FoldableCommit],
    throttle: &Mutex<Throttle>,
) -> Gathered {
    let mut gathered = Gathered::default();
    let (Some(options), Some(_)) = (&engine.options.gather, &engine.parts.gather_from) else {
        return gathered;
    };
    let lifetime = |partition| Lifetime::of_partition(engine, partition);
    let Some(plan) = Plan::of(commits, options.segment_bytes, lifetime) else { return gathered };
    let Plan { outputs, is_partial } = plan;
    for output in outputs {
        match gather_one(engine, session, commits, &output, (throttle, is_partial)).await {
            Ok((object, copied)) => {
                gathered.partitions.extend(copied.iter().map(|it| it.slice.partition));
                gathered.segments.push((object, copied));
            }
            Err(refusal) => {
                refusal.tell(commits.first().map_or(0, |it| it.seq));
                give_up(engine, session, gathered).await;
                return Gathered::default();
            }
        }
    }
    let (from, segments) = (commits.first().map(|it| it.seq), gathered.segments.len());
    tracing::debug!(from, commits = commits.len(), segments, "commits were gathered");
    gathered
}

impl Refusal {
    fn tell(&self, from_seq: u64) {
        let reason = match self {
            Self::NotAtHand(object) => {
                tracing::debug!(%object, "commits stay in their segments: one is not in the spool");
                "not_at_hand"
            }
            Self::Unreadable(reason) => {
                tracing::warn!(from_seq, %reason, "commits stay in their segments, which could not be read back: history costs more requests; look at the disk of `wal.dir`");
                "unreadable"
            }
            Self::Damaged(reason) => {
                tracing::error!(from_seq, %reason, "commits stay in their segments, of which a copy is damaged: check the disk of `wal.dir`, then run `alluvium fsck --deep`");
                "damaged"
            }
            Self::Layout(error) => {
                tracing::error!(from_seq, %error, "commits stay in their segments, which can't be laid out together");
                "layout"
            }
        };
        metrics::counter!("alluvium_gathers_refused_total", "reason" => reason).increment(1);
    }
}

/// Makes and stores one segment. What few slices are gathered alone, as the rest is large, is read from the store: large slices are not
/// kept on disk.
async fn gather_one(
    engine: &Engine,
    session: &ActiveSession,
    commits: &[FoldableCommit],
    output: &Output,
    (throttle, from_store): (&Mutex<Throttle>, bool),
) -> Result<(ObjectName, Vec<Copied>), Refusal> {
    pause(engine, throttle, output.bytes).await;
    let spans: BTreeMap<(usize, u64), Bytes> = stream::iter(output.spans())
        .map(|(source, range)| read(engine, commits, (source, range), from_store))
        .buffer_unordered(READS_IN_FLIGHT)
        .try_collect()
        .await?;
    let mut writer = SegmentWriter::new();
    for piece in &output.pieces {
        let commit = commits.get(piece.source).ok_or_else(misplanned)?;
        let slice = commit.footer.slices.get(piece.position).ok_or_else(misplanned)?;
        let before = spans.range((piece.source, 0)..=(piece.source, slice.bytes.start));
        let bytes = before.last().and_then(|((_, start), bytes)| {
            let range = (slice.bytes.start - start) as usize..(slice.bytes.end - start) as usize;
            (range.end <= bytes.len()).then(|| bytes.slice(range))
        });
        let bytes = bytes.ok_or_else(|| Refusal::Unreadable("a segment is short".to_owned()))?;
        check(session, commit, slice, &bytes)?;
        writer.push_copy(slice, bytes).map_err(Refusal::Layout)?;
    }
    let segment = writer.finish();
    let first = commits.first().map_or(0, |commit| commit.seq);
    let object = object_names::gathered(session.stamp.id, first, &engine.parts.randomness);
    put_until_stored(engine, &object, &segment).await;
    metrics::counter!("alluvium_gathered_bytes_total").increment(segment.size);
    let slices = segment.footer.slices.into_iter().zip(&output.pieces);
    let seq = |source: usize| commits.get(source).map_or(0, |commit| commit.seq);
    let copied = slices.map(|(slice, piece)| Copied { seq: seq(piece.source), slice });
    Ok((object, copied.collect()))
}

/// A piece that was left out would be lost with the segment that it is in.
fn misplanned() -> Refusal {
    Refusal::Unreadable("the plan is of other commits".to_owned())
}

/// Nothing damaged is copied on.
fn check(
    session: &ActiveSession,
    commit: &FoldableCommit,
    slice: &Slice,
    bytes: &Bytes,
) -> Result<(), Refusal> {
    let segment = SegmentSlice {
        object: commit.object.clone(),
        session: session.stamp.id,
        seq: commit.seq,
        slice: Arc::new(slice.clone()),
    };
    match damage_in(&segment, bytes.clone()) {
        None => Ok(()),
        Some(error) => Err(Refusal::Damaged(error.to_string())),
    }
}

async fn pause(engine: &Engine, throttle: &Mutex<Throttle>, bytes: u64) {
    let now = engine.parts.clock.boot_time().0;
    let pause = throttle.lock().count(bytes, now);
    if pause > Duration::ZERO {
        tokio::time::sleep(pause).await;
    }
}

/// A part of a source segment: its position among the commits, where the part begins, and the bytes.
async fn read(
    engine: &Engine,
    commits: &[FoldableCommit],
    (source, range): (usize, Range<u64>),
    from_store: bool,
) -> Result<((usize, u64), Bytes), Refusal> {
    let commit = commits.get(source).ok_or_else(misplanned)?;
    let (object, place) = (commit.object.clone(), (source, range.start));
    let spool = match &engine.parts.gather_from {
        None => return Err(Refusal::NotAtHand(object)),
        Some(GatherFrom::Spool(spool)) if !from_store => spool,
        Some(_) => {
            let read = engine.parts.objects.get_range(&object, range).await;
            let bytes = read.map_err(|error| Refusal::Unreadable(error.to_string()))?;
            return Ok((place, bytes));
        }
    };
    for _ in 0..WAITS_MAX {
        let (spool, name, range) = (Arc::clone(spool), object.clone(), range.clone());
        let read = runtime::beside(move || spool.read(&name, range)).await;
        match read.map_err(|error| Refusal::Unreadable(error.to_string()))? {
            Spooled::Absent => break,
            Spooled::Coming => tokio::time::sleep(WAIT).await,
            Spooled::Here(Err(error)) => return Err(Refusal::Unreadable(error.to_string())),
            Spooled::Here(Ok(bytes)) => return Ok((place, bytes)),
        }
    }
    Err(Refusal::NotAtHand(object))
}

async fn put_until_stored(engine: &Engine, object: &ObjectName, segment: &Segment) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, engine.parts.randomness.clone());
    while let Err(error) = engine.parts.objects.put(object, segment.parts.clone()).await {
        tracing::warn!(%error, "a gathered segment could not be stored; it is sent again");
        tokio::time::sleep(backoff.next_pause()).await;
    }
}

/// Has what was stored deleted: nothing will ever name it.
pub(crate) async fn give_up(engine: &Engine, session: &ActiveSession, gathered: Gathered) {
    let objects: Vec<_> = gathered.objects().map(ObjectName::to_string).collect();
    if objects.is_empty() {
        return;
    }
    if let Err(reason) = crate::upkeep::note_garbage(engine, session, &objects).await {
        tracing::warn!(%reason, objects = objects.len(), "segments that nothing names stay until `alluvium fsck` tells of them");
    }
}
