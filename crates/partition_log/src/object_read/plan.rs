//! [`Plan`]: which batches of which slices answer a read. Pure: the index says all that is needed.

use super::ObjectReadRequest;
use crate::{index::SegmentSlice, producer_state::Aborted};
use model::Offset;
use std::ops::Range;

/// Some batches of one slice.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) segment: SegmentSlice,
    /// Positions in the slice's batches.
    pub(super) batches: Range<usize>,
}

impl Piece {
    /// Whether some of these batches of the slice are among them.
    pub(super) fn wants(&self, block: &Range<usize>) -> bool {
        block.start < self.batches.end && self.batches.start < block.end
    }
}

/// The batches of a read, collected slice by slice.
#[derive(Debug)]
pub(super) struct Plan {
    request: ObjectReadRequest,
    pub(super) pieces: Vec<Piece>,
    pub(super) next: Offset,
    pub(super) aborted: Vec<Aborted>,
    bytes: usize,
    full: bool,
    settled: bool,
}

impl Plan {
    pub(super) fn new(request: ObjectReadRequest) -> Self {
        Self {
            request,
            pieces: Vec::new(),
            next: request.from,
            aborted: Vec::new(),
            bytes: 0,
            full: request.from >= request.to,
            settled: false,
        }
    }

    /// Whether further slices change nothing: the answer is full, and how each transaction in it ended is known.
    pub(super) fn is_done(&self) -> bool {
        self.full && (self.settled || self.pieces.is_empty())
    }

    /// Takes what fits of the next slice, and the transactions that its markers abort.
    pub(super) fn see(&mut self, segment: &SegmentSlice) {
        let slice = &segment.slice;
        if slice.end_offset <= self.request.from {
            return;
        }
        if !self.full {
            self.take(segment);
        }
        let reach = slice.aborted.iter().filter(|aborted| {
            aborted.first_offset < self.next && aborted.last_offset >= self.request.from
        });
        self.aborted.extend(reach.map(|aborted| Aborted {
            producer: aborted.producer_id,
            first_offset: aborted.first_offset,
            last_offset: aborted.last_offset,
        }));
        self.settled = slice.last_stable_after >= self.next;
    }

    fn take(&mut self, segment: &SegmentSlice) {
        let slice = &segment.slice;
        let first = slice.batch_at_or_after(self.request.from);
        let mut end = first;
        for batch in slice.batches.iter().skip(first) {
            let Some(next) = batch.next_offset() else { break };
            let size = batch.size as usize;
            let must = self.request.at_least_one && self.bytes == 0;
            if next > self.request.to || (self.bytes + size > self.request.max_bytes && !must) {
                self.full = true;
                break;
            }
            self.bytes += size;
            self.next = next;
            end += 1;
        }
        if first < end {
            self.pieces.push(Piece { segment: segment.clone(), batches: first..end });
        }
        // Compaction may have taken a slice's last offsets.
        if !self.full && slice.end_offset <= self.request.to {
            self.next = self.next.max(slice.end_offset);
        }
        self.full |= slice.end_offset >= self.request.to;
    }
}
