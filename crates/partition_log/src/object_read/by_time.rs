//! Records by time, exact to the record: the index finds the batch, its records (decompressed, bounded) the offset.

use super::{FoundRecord, ObjectReadError, ObjectReader, block::damaged};
use crate::index::{IndexEntry, SegmentSlice};
use bytes::Bytes;
use formats::record_batch::{BatchHeader, records};
use formats::segment::BatchEntry;
use model::{LeaderEpoch, Offset, PartitionId, TimestampMs};
use std::ops::Range;

/// A batch decompresses to at most so many bytes here.
const RECORDS_LIMIT_BYTES: usize = 256 << 20;

/// The first record of one batch, within `within`, at or after `timestamp`.
///
/// # Errors
/// A sentence, when the batch can't be read.
pub(crate) fn find_in_batch(
    batch: &Bytes,
    within: Range<Offset>,
    timestamp: TimestampMs,
) -> Result<Option<FoundRecord>, String> {
    let mut found = records_within(batch, within)?;
    found.find(|found| found.as_ref().map_or(true, |it| it.timestamp >= timestamp)).transpose()
}

/// The record of the largest timestamp of one batch, within `within`; the first of equals.
pub(super) fn maximum_in_batch(
    batch: &Bytes,
    within: Range<Offset>,
) -> Result<Option<FoundRecord>, String> {
    let mut maximum: Option<FoundRecord> = None;
    for found in records_within(batch, within)? {
        let found = found?;
        if maximum.is_none_or(|maximum| found.timestamp > maximum.timestamp) {
            maximum = Some(found);
        }
    }
    Ok(maximum)
}

fn records_within(
    batch: &Bytes,
    within: Range<Offset>,
) -> Result<impl Iterator<Item = Result<FoundRecord, String>>, String> {
    let header = BatchHeader::parse(batch).map_err(|error| error.to_string())?;
    let leader_epoch = LeaderEpoch::from_wire(header.leader_epoch).ok_or("no leader epoch")?;
    let records = records(batch, RECORDS_LIMIT_BYTES).map_err(|error| error.to_string())?;
    let found = records.map(move |record| {
        let record = record.map_err(|error| error.to_string())?;
        let offset = Offset::from_wire(record.offset).ok_or("a negative offset")?;
        Ok(FoundRecord { offset, timestamp: TimestampMs(record.timestamp), leader_epoch })
    });
    Ok(found.filter(move |found: &Result<FoundRecord, String>| {
        found.as_ref().map_or(true, |found| within.contains(&found.offset))
    }))
}

impl ObjectReader {
    /// The first record (smallest offset) within `within` of `entries` at or after `timestamp`.
    ///
    /// # Errors
    /// As [`ObjectReadError`] says.
    pub(crate) async fn find_at_or_after(
        &self,
        partition: PartitionId,
        entries: &[IndexEntry],
        within: Range<Offset>,
        timestamp: TimestampMs,
    ) -> Result<Option<FoundRecord>, ObjectReadError> {
        for entry in entries.iter().filter(|entry| entry.max_timestamp() >= timestamp) {
            for segment in self.slices(partition, entry).await?.from(within.start) {
                for (position, batch) in segment.slice.batches.iter().enumerate() {
                    if batch.max_timestamp < timestamp || !overlaps(batch, &within) {
                        continue;
                    }
                    let bytes = self.batch(segment, position).await?;
                    let found = find_in_batch(&bytes, within.clone(), timestamp)
                        .map_err(|reason| damaged(&segment.object, batch, reason))?;
                    if found.is_some() {
                        return Ok(found);
                    }
                }
            }
        }
        Ok(None)
    }

    /// The record of the largest timestamp within `within` of `entries`; the first of equals.
    ///
    /// # Errors
    /// As [`ObjectReadError`] says.
    pub(crate) async fn find_maximum(
        &self,
        partition: PartitionId,
        entries: &[IndexEntry],
        within: Range<Offset>,
    ) -> Result<Option<FoundRecord>, ObjectReadError> {
        let mut newest_first: Vec<_> = entries.iter().collect();
        // Stable: equals stay in offset order.
        newest_first.sort_by_key(|entry| std::cmp::Reverse(entry.max_timestamp()));
        let mut maximum = None;
        for entry in newest_first {
            if !may_beat(maximum, entry.max_timestamp(), entry.base_offset()) {
                continue;
            }
            for segment in self.slices(partition, entry).await?.from(within.start) {
                maximum = self.maximum_in_slice(segment, &within, maximum).await?;
            }
        }
        Ok(maximum)
    }

    async fn maximum_in_slice(
        &self,
        segment: &SegmentSlice,
        within: &Range<Offset>,
        mut maximum: Option<FoundRecord>,
    ) -> Result<Option<FoundRecord>, ObjectReadError> {
        let mut newest_first: Vec<_> = segment.slice.batches.iter().enumerate().collect();
        newest_first.sort_by_key(|(_, batch)| std::cmp::Reverse(batch.max_timestamp));
        for (position, batch) in newest_first {
            let in_vain = !may_beat(maximum, batch.max_timestamp, batch.base_offset);
            if in_vain || !overlaps(batch, within) {
                continue;
            }
            let bytes = self.batch(segment, position).await?;
            let found = maximum_in_batch(&bytes, within.clone())
                .map_err(|reason| damaged(&segment.object, batch, reason))?;
            if let Some(found) = found
                && may_beat(maximum, found.timestamp, found.offset)
            {
                maximum = Some(found);
            }
        }
        Ok(maximum)
    }
}

fn overlaps(batch: &BatchEntry, within: &Range<Offset>) -> bool {
    batch.base_offset < within.end && batch.next_offset().is_some_and(|next| next > within.start)
}

/// Whether what starts at `base_offset` and is no newer than `newest` may hold a better record.
fn may_beat(maximum: Option<FoundRecord>, newest: TimestampMs, base_offset: Offset) -> bool {
    maximum.is_none_or(|maximum| {
        newest > maximum.timestamp || (newest == maximum.timestamp && base_offset < maximum.offset)
    })
}
