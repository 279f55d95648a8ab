//! [`Rewrite`]: reads a range of a log slice by slice, and puts partition segments in its place.
//!
//! One segment after the other is stored and takes its part of the range, so that a crash loses one at most. A batch that can't be
//! read ends it: nothing damaged is copied on, nothing is skipped.

use super::{Output, Replacement, Throttle, replace};
use crate::{
    LogError,
    engine::Engine,
    index::{IndexEntry, SegmentSlice},
    object_names,
    object_read::{ObjectReadError, Span, spans},
    partition::Shared,
    pipeline::ActiveSession,
};
use bytes::Bytes;
use formats::segment::Slice;
use model::Offset;
use parking_lot::Mutex;
use std::{ops::Range, time::Duration};

/// A partition's log being rewritten. Its `upkeep_gate` is held meanwhile.
pub(crate) struct Rewrite<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) session: &'a ActiveSession,
    pub(crate) partition: &'a Shared,
    pub(crate) throttle: &'a Mutex<Throttle>,
}

impl Rewrite<'_> {
    /// Copies `entries`, which are those of `offsets`, into partition segments.
    ///
    /// # Errors
    /// As [`replace`], and when something can't be read or stored. What is done already, stays.
    pub(crate) async fn merge(
        &self,
        entries: &[IndexEntry],
        offsets: Range<Offset>,
    ) -> Result<(), LogError> {
        let mut output = Output::new(self.partition.id, offsets.start, false);
        for entry in entries {
            for segment in self.live_slices(entry, offsets.end).await? {
                for span in spans(&segment) {
                    self.pause(span.bytes()).await;
                    for batch in self.read(&segment, span).await? {
                        output
                            .push(batch)
                            .map_err(|reason| self.damaged(&segment.slice, &reason))?;
                    }
                }
                output.pass(&segment.slice, segment.slice.aborted.clone());
                if output.is_full() {
                    output = self.put(output, Offset::ZERO).await?;
                }
            }
        }
        self.put(output, Offset::ZERO).await.map(drop)
    }

    /// The slices of an entry that reach beyond the log start, up to `end`.
    pub(crate) async fn live_slices(
        &self,
        entry: &IndexEntry,
        end: Offset,
    ) -> Result<Vec<SegmentSlice>, LogError> {
        let log_start = self.partition.sequencer.lock().log.log_start;
        let is_live = |segment: &SegmentSlice| {
            segment.slice.end_offset > log_start && segment.slice.end_offset <= end
        };
        let slices = match entry {
            IndexEntry::Slice(segment) => vec![segment.clone()],
            IndexEntry::Run(run) => {
                let loaded = self.engine.reader.load_run(self.partition.id, run).await;
                loaded
                    .map_err(|error| self.unread(entry.base_offset()..entry.end_offset(), error))?
                    .to_vec()
            }
        };
        Ok(slices.into_iter().filter(is_live).collect())
    }

    /// End of the log.
    pub(crate) fn log_end(&self) -> Offset {
        self.partition.sequencer.lock().log_end()
    }

    /// The batches of a part of a slice.
    pub(crate) async fn read(
        &self,
        segment: &SegmentSlice,
        span: Span,
    ) -> Result<Vec<Bytes>, LogError> {
        let reader = &self.engine.reader;
        let mut read = reader.read_span(segment, span.clone()).await;
        if let Err(ObjectReadError::Missing(_)) = read
            && let Some(moved) = self.moved(segment).await
        {
            read = reader.read_span(&moved, span).await;
        }
        read.map_err(|error| {
            self.unread(segment.slice.base_offset..segment.slice.end_offset, error)
        })
    }

    /// The slice where it lies now, if it was gathered since it was looked up.
    async fn moved(&self, segment: &SegmentSlice) -> Option<SegmentSlice> {
        let base = segment.slice.base_offset;
        let entry = self.partition.sequencer.lock().log.index.entries_from(base).next().cloned()?;
        let slices = self.live_slices(&entry, entry.end_offset()).await.ok()?;
        let same = |it: &SegmentSlice| {
            it.slice.base_offset == base && it.slice.end_offset == segment.slice.end_offset
        };
        slices.into_iter().find(same).filter(|it| it.object != segment.object)
    }

    /// Waits until the budget allows so many bytes more.
    pub(crate) async fn pause(&self, bytes: u64) {
        let now = self.engine.parts.clock.boot_time().0;
        let pause = self.throttle.lock().count(bytes, now);
        if pause > Duration::ZERO {
            tokio::time::sleep(pause).await;
        }
    }

    /// Stores a segment and lets it take its place; answers the next one, empty.
    pub(crate) async fn put(
        &self,
        output: Output,
        cleaned_through: Offset,
    ) -> Result<Output, LogError> {
        if output.is_empty() {
            return Ok(output);
        }
        let next = output.next();
        let (end, compacted) = (output.end(), output.compacted());
        let laid_out =
            output.lay_out().map_err(|error| LogError::Inconsistent(error.to_string()))?;
        let session = self.session.stamp.id;
        let randomness = &self.engine.parts.randomness;
        let object = object_names::partition_segment(self.partition.id, session, randomness);
        self.pause(laid_out.size()).await;
        let put = self.engine.parts.objects.put(&object, laid_out.parts()).await;
        put.map_err(|error| LogError::Unavailable(error.to_string()))?;
        metrics::counter!("alluvium_merged_bytes_total").increment(laid_out.size());
        if let Some(run) = laid_out.into_run(object, session) {
            let offsets = run.base_offset..end;
            let segments = vec![run];
            let replacement = Replacement { offsets, segments, compacted, cleaned_through };
            replace(self.engine, self.session, self.partition, &replacement).await?;
        }
        Ok(next)
    }

    fn unread(&self, within: Range<Offset>, error: ObjectReadError) -> LogError {
        let Range { start, end } = within;
        let (id, topic) = (self.partition.id, &self.partition.topic);
        match error {
            ObjectReadError::Unavailable(reason) => LogError::Unavailable(reason),
            damage => LogError::Inconsistent(format!(
                "offsets {start}..{end} of partition {id} of {topic} can't be read: {damage}"
            )),
        }
    }

    /// Damage that a batch's checksum does not show.
    pub(crate) fn damaged(&self, slice: &Slice, reason: &str) -> LogError {
        let (start, end) = (slice.base_offset, slice.end_offset);
        let (id, topic) = (self.partition.id, &self.partition.topic);
        LogError::Inconsistent(format!(
            "offsets {start}..{end} of partition {id} of {topic} are damaged: {reason}"
        ))
    }
}
