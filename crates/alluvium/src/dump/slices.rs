//! What a slice is told as: in a segment's footer, and in an index object's runs.

use super::{damaged, timestamp};
use cli::Cell;
use formats::segment::{BatchEntry, Slice};
use std::ops::Range;

/// The columns of [`cells`].
pub(super) const COLUMNS: [&str; 14] = [
    "topic",
    "partition",
    "base offset",
    "end offset",
    "epochs",
    "batches",
    "records",
    "from byte",
    "to byte",
    "max timestamp",
    "last stable offset",
    "aborted transactions",
    "compacted",
    "state",
];

/// A slice as a line. `data` is where slices may lie in the object, if that is known.
pub(super) fn cells(slice: &Slice, data: Option<&Range<u64>>) -> [Cell; COLUMNS.len()] {
    [
        slice.partition.topic.to_string().into(),
        slice.partition.partition.get().into(),
        slice.base_offset.get().into(),
        slice.end_offset.get().into(),
        epochs(slice).into(),
        slice.batches.len().into(),
        records(slice).into(),
        slice.bytes.start.into(),
        slice.bytes.end.into(),
        timestamp(slice.max_timestamp),
        slice.last_stable_after.get().into(),
        slice.aborted.len().into(),
        slice.compacted.into(),
        if data.is_some_and(|data| !lies_in(slice, data)) {
            damaged("its bytes lie outside the segment's data")
        } else {
            Cell::Nothing
        },
    ]
}

/// Whether a slice lies where slices may.
pub(super) fn lies_in(slice: &Slice, data: &Range<u64>) -> bool {
    data.start <= slice.bytes.start && slice.bytes.end <= data.end
}

/// Each epoch, with its first offset if there are several: `3`, or `3@0 5@120`.
fn epochs(slice: &Slice) -> String {
    match slice.epochs.as_slice() {
        [(epoch, _)] => epoch.to_string(),
        epochs => {
            let told = epochs.iter().map(|(epoch, start)| format!("{epoch}@{start}"));
            told.collect::<Vec<_>>().join(" ")
        }
    }
}

/// How many records there are: a batch has one for each offset, unless compaction was at it.
fn records(slice: &Slice) -> Option<u64> {
    let records = |batch: &BatchEntry| u64::from(batch.last_offset_delta) + 1;
    (!slice.compacted).then(|| slice.batches.iter().map(records).sum())
}

/// What a batch is for.
pub(super) fn kind(batch: &BatchEntry) -> &'static str {
    use formats::record_batch::TransactionResult::{Abort, Commit};
    match (batch.marker.map(|marker| marker.result), batch.control, batch.transactional) {
        (Some(Abort), ..) => "abort",
        (Some(Commit), ..) => "commit",
        (None, true, _) => "control",
        (None, false, true) => "transactional",
        (None, false, false) => "records",
    }
}
