//! Reads whole slices past the cache, for upkeep: each byte is wanted once, in order, and nothing damaged is passed on.

use super::{
    ObjectReadError, ObjectReader,
    block::{Batches, blocks, bytes_in_object},
    get_blocks,
};
use crate::index::SegmentSlice;
use bytes::Bytes;

/// Blocks of one GET are at most so large together, or a single block.
const SPAN_BYTES: u64 = 8 << 20;

/// Some consecutive blocks of a slice, to be read with one GET.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    blocks: Vec<Batches>,
    bytes: u64,
}

impl Span {
    /// Bytes to read.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// The spans of a slice, in order.
pub(crate) fn spans(segment: &SegmentSlice) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for block in blocks(&segment.slice) {
        let range = bytes_in_object(&segment.slice, &block);
        let bytes = range.end - range.start;
        match spans.last_mut() {
            Some(span) if span.bytes + bytes <= SPAN_BYTES => {
                span.blocks.push(block);
                span.bytes += bytes;
            }
            _ => spans.push(Span { blocks: vec![block], bytes }),
        }
    }
    spans
}

impl ObjectReader {
    /// Reads the batches of a span, each by itself.
    ///
    /// # Errors
    /// As [`ObjectReadError`] says: of the first batch that is damaged.
    pub(crate) async fn read_span(
        &self,
        segment: &SegmentSlice,
        span: Span,
    ) -> Result<Vec<Bytes>, ObjectReadError> {
        let results = get_blocks(&self.source, segment.clone(), span.blocks.clone()).await;
        let mut batches = Vec::new();
        for (block, result) in span.blocks.iter().zip(results) {
            let block_read = result?;
            for position in block.clone() {
                match block_read.slice(&segment.slice, block, &(position..position + 1)) {
                    (_, Some(error)) => return Err(error),
                    (bytes, None) => batches.extend(bytes),
                }
            }
        }
        Ok(batches)
    }
}
