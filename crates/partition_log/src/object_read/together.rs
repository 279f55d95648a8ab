//! Blocks of one object read together: what a commit brought to partitions that are read at their ends, or side by side.
//!
//! Partitions are many and slices small: one GET takes what lies close together, instead of one for each partition.

use super::{
    Key, ObjectReadError, ObjectReader,
    block::{Batches, Block, blocks, bytes_in_object},
    disk::Disk,
    read_error,
    source::Source,
};
use crate::{
    index::SegmentSlice,
    single_flight::{Load, State},
};
use bytes::Bytes;
use futures::FutureExt;
use std::ops::Range;

/// One GET reads so much at most of what a commit brought: all that a flush usually holds.
const NEWS_BYTES: u64 = 8 << 20;

/// One GET reads so much at most of history: less, as a reader waits for all of it, and several come faster than one.
pub(super) const HISTORY_BYTES: u64 = 4 << 20;

/// One byte of so many must be wanted.
const DENSITY: u64 = 2;

pub(super) type Wanted = (SegmentSlice, Batches);

impl ObjectReader {
    /// Begins to read slices of one segment into the cache, as far as a GET takes several blocks. Whoever reads them from the call on
    /// waits for these; they go on while somebody waits, or polls what is answered.
    pub(crate) fn read_together(
        &self,
        segments: Vec<SegmentSlice>,
    ) -> Vec<impl Future<Output = ()> + Send + use<>> {
        let wanted = segments.into_iter().flat_map(|segment| {
            let blocks = blocks(&segment.slice);
            blocks.into_iter().map(move |block| (segment.clone(), block))
        });
        self.begin_together(wanted.collect(), NEWS_BYTES)
    }

    /// The same for blocks of one object, with GETs of at most `span_bytes`. A block that is left alone is for its reader, who takes along
    /// what lies behind it.
    pub(super) fn begin_together(
        &self,
        mut wanted: Vec<Wanted>,
        span_bytes: u64,
    ) -> Vec<impl Future<Output = ()> + Send + use<>> {
        self.blocks.look(|state| self.retain_absent(&mut wanted, state));
        let groups = groups(wanted, span_bytes).into_iter().filter(|group| is_worthwhile(group));
        groups.filter_map(|group| self.begin_group(group)).collect()
    }

    fn begin_group(
        &self,
        mut group: Vec<Wanted>,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        let flight = self.blocks.begin(|state| {
            self.retain_absent(&mut group, state);
            let keys: Vec<_> = group.iter().map(key).collect();
            let results = fetch_together(self.source.clone(), self.disk.clone(), group).boxed();
            (!keys.is_empty()).then_some(Load { keys, results })
        })?;
        Some(flight.map(drop))
    }

    /// Leaves those that have to be fetched.
    fn retain_absent(&self, wanted: &mut Vec<Wanted>, state: &State<Key, Block, ObjectReadError>) {
        wanted.retain(|wanted| {
            state.is_absent(&key(wanted)) && !self.disk.may_have(&wanted.0, &wanted.1)
        });
    }
}

fn key(wanted: &Wanted) -> Key {
    (wanted.0.object.clone(), range_of(wanted).start)
}

/// What lies close enough together, in the order of the object.
fn groups(mut wanted: Vec<Wanted>, span_bytes: u64) -> Vec<Vec<Wanted>> {
    wanted.sort_unstable_by_key(|wanted| range_of(wanted).start);
    let mut groups: Vec<Vec<Wanted>> = Vec::new();
    for wanted in wanted {
        let end = range_of(&wanted).end;
        match groups.last_mut() {
            Some(group)
                if group.first().is_some_and(|first| end - range_of(first).start <= span_bytes) =>
            {
                group.push(wanted);
            }
            _ => groups.push(vec![wanted]),
        }
    }
    groups
}

fn is_worthwhile(group: &[Wanted]) -> bool {
    let span = span(group.iter().map(range_of));
    let wanted: u64 = group.iter().map(range_of).map(|range| range.end - range.start).sum();
    group.len() > 1 && wanted * DENSITY >= span.end - span.start
}

fn span(ranges: impl Iterator<Item = Range<u64>>) -> Range<u64> {
    ranges.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0)
}

async fn fetch_together(
    source: Source,
    disk: Disk,
    wanted: Vec<Wanted>,
) -> Vec<Result<Block, ObjectReadError>> {
    let results = get_together(&source, wanted.clone()).await;
    for ((segment, block), result) in wanted.iter().zip(&results) {
        disk.keep(segment, block, result);
    }
    results
}

/// Reads blocks of one object with one GET.
pub(super) async fn get_together(
    source: &Source,
    wanted: Vec<Wanted>,
) -> Vec<Result<Block, ObjectReadError>> {
    let Some((first, _)) = wanted.first() else { return Vec::new() };
    let span = span(wanted.iter().map(range_of));
    let bytes = match source.get_range(&first.object, span.clone()).await {
        Ok(bytes) => bytes,
        Err(error) => {
            let failed = |(segment, _): &Wanted| {
                let within = segment.slice.base_offset..segment.slice.end_offset;
                Err(read_error(&segment.object, within, &error))
            };
            return wanted.iter().map(failed).collect();
        }
    };
    let count = wanted.len();
    let checked = source.check(bytes, move |bytes| checked(&bytes, span.start, &wanted)).await;
    match checked {
        Ok(blocks) => blocks.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error); count],
    }
}

/// The blocks of what was read from `start` on.
fn checked(bytes: &Bytes, start: u64, wanted: &[Wanted]) -> Vec<Block> {
    let block = |wanted: &Wanted| {
        let range = range_of(wanted);
        let part = (range.start - start) as usize..(range.end - start) as usize;
        // Blocks leave the cache one by one: each must own its memory.
        let is_all = part.len() == bytes.len();
        let part = if is_all { bytes.clone() } else { copy_of(bytes, part) };
        Block::check(part, &wanted.0, &wanted.1)
    };
    wanted.iter().map(block).collect()
}

fn range_of((segment, block): &Wanted) -> Range<u64> {
    bytes_in_object(&segment.slice, block)
}

fn copy_of(bytes: &Bytes, range: Range<usize>) -> Bytes {
    Bytes::copy_from_slice(bytes.get(range).unwrap_or_default())
}
