//! Slices of one segment read together: what a commit brought to partitions that are read at their ends.
//!
//! Partitions are many and slices small: one GET takes what lies close together, instead of one for each partition.

use super::{
    Key, ObjectReader,
    block::{Batches, Block, blocks, bytes_in_object},
    copy_of,
    disk::Disk,
    read_error,
};
use crate::{index::SegmentSlice, single_flight::Load};
use futures::FutureExt;
use std::ops::Range;
use storage::Objects;

/// One GET reads so much at most.
const SPAN_BYTES: u64 = 8 << 20;

/// One byte of so many must be wanted.
const DENSITY: u64 = 2;

type Wanted = (SegmentSlice, Batches);

impl ObjectReader {
    /// Begins to read slices of one segment into the cache, as far as a GET takes several. Whoever reads them from the call on waits
    /// for these; they go on while somebody waits, or polls what is answered.
    pub(crate) fn read_together(
        &self,
        segments: Vec<SegmentSlice>,
    ) -> Vec<impl Future<Output = ()> + Send + use<>> {
        let groups = groups(segments).into_iter().filter(|group| is_worthwhile(group));
        groups.filter_map(|group| self.begin_group(&group)).collect()
    }

    fn begin_group(
        &self,
        group: &[SegmentSlice],
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        let wanted = group.iter().flat_map(|segment| {
            blocks(&segment.slice).into_iter().map(move |block| (segment.clone(), block))
        });
        let flight = self.blocks.begin(|state| {
            let absent: Vec<_> = wanted
                .filter(|wanted| state.is_absent(&key(wanted)))
                .filter(|(segment, block)| !self.disk.may_have(segment, block))
                .collect();
            let keys: Vec<_> = absent.iter().map(key).collect();
            let results = fetch_together(self.objects.clone(), self.disk.clone(), absent).boxed();
            (!keys.is_empty()).then_some(Load { keys, results })
        })?;
        Some(flight.map(drop))
    }
}

fn key((segment, block): &Wanted) -> Key {
    (segment.object.clone(), bytes_in_object(&segment.slice, block).start)
}

/// What lies close enough together, in the order of the object.
fn groups(mut segments: Vec<SegmentSlice>) -> Vec<Vec<SegmentSlice>> {
    segments.sort_unstable_by_key(|segment| segment.slice.bytes.start);
    let mut groups: Vec<Vec<SegmentSlice>> = Vec::new();
    for segment in segments {
        match groups.last_mut() {
            Some(group)
                if group.first().is_some_and(|first| {
                    segment.slice.bytes.end - first.slice.bytes.start <= SPAN_BYTES
                }) =>
            {
                group.push(segment);
            }
            _ => groups.push(vec![segment]),
        }
    }
    groups
}

fn is_worthwhile(group: &[SegmentSlice]) -> bool {
    let span = span(group.iter().map(|segment| segment.slice.bytes.clone()));
    let wanted: u64 = group.iter().map(|it| it.slice.size_bytes()).sum();
    group.len() > 1 && wanted * DENSITY >= span.end - span.start
}

fn span(ranges: impl Iterator<Item = Range<u64>>) -> Range<u64> {
    ranges.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0)
}

async fn fetch_together(
    objects: Objects,
    disk: Disk,
    wanted: Vec<Wanted>,
) -> Vec<Result<Block, super::ObjectReadError>> {
    let results = get_together(objects, wanted.clone()).await;
    for ((segment, block), result) in wanted.iter().zip(&results) {
        disk.keep(segment, block, result);
    }
    results
}

async fn get_together(
    objects: Objects,
    wanted: Vec<Wanted>,
) -> Vec<Result<Block, super::ObjectReadError>> {
    let Some((first, _)) = wanted.first() else { return Vec::new() };
    let range_of = |(segment, block): &Wanted| bytes_in_object(&segment.slice, block);
    let span = span(wanted.iter().map(range_of));
    let bytes = match objects.get_range(&first.object, span.clone()).await {
        Ok(bytes) => bytes,
        Err(error) => {
            let failed = |(segment, _): &Wanted| {
                let within = segment.slice.base_offset..segment.slice.end_offset;
                Err(read_error(&segment.object, within, &error))
            };
            return wanted.iter().map(failed).collect();
        }
    };
    let block = |wanted: &Wanted| {
        let range = range_of(wanted);
        let part = (range.start - span.start) as usize..(range.end - span.start) as usize;
        // Blocks leave the cache one by one: each must own its memory.
        Ok(Block::check(copy_of(&bytes, part), &wanted.0, &wanted.1))
    };
    wanted.iter().map(block).collect()
}
