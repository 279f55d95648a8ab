//! A round of cleaning: reads the keys, then rewrites the log.

use super::{Cleaner, CleaningChoice, DirtyKeys, KeyOffsets, Round};
use crate::{
    LogError,
    index::IndexEntry,
    object_read::spans,
    upkeep::merge::{Output, Rewrite},
};
use formats::segment::AbortedTransaction;
use model::{Offset, TimestampMs};

/// The keys of the dirty part, and how far the log is to be rewritten for them.
struct Mapped {
    keys: KeyOffsets,
    /// Every key below is known.
    end: Offset,
    /// End of the slice that holds the last of them.
    rewrite_end: Offset,
}

impl Rewrite<'_> {
    /// Cleans a log with these entries.
    ///
    /// # Errors
    /// As [`Rewrite::merge`].
    pub(crate) async fn clean(
        &self,
        entries: &[IndexEntry],
        choice: &CleaningChoice,
    ) -> Result<(), LogError> {
        let aborted = self.aborted(entries, choice.dirty.end).await?;
        let mapped = self.map_keys(entries, choice, &aborted).await?;
        let (producers, delete_retention_ms) = {
            let sequencer = self.partition.sequencer.lock();
            let settings = sequencer.settings.compaction;
            (sequencer.log.producers.last_records(), settings.delete_retention_ms)
        };
        let round = Round {
            keys: mapped.keys,
            mapped_end: mapped.end,
            upper_bound: choice.dirty.end,
            producers,
            now: TimestampMs(self.engine.parts.clock.unix_ms()),
            delete_retention_ms,
        };
        let cleaner = Cleaner::new(round, aborted);
        let before: u64 = entries.iter().map(IndexEntry::size_bytes).sum();
        self.rewrite_cleaned(entries, cleaner, mapped.rewrite_end, mapped.end).await?;
        let (id, topic) = (self.partition.id, &self.partition.topic);
        let after = self.partition.sequencer.lock().log.index.size_bytes();
        tracing::info!(partition = %id, %topic, through = %mapped.end, before, after, "a log was compacted");
        metrics::counter!("alluvium_compactions_total").increment(1);
        Ok(())
    }

    /// The transactions that were aborted and reach below `end`. Markers behind it may say so.
    async fn aborted(
        &self,
        entries: &[IndexEntry],
        end: Offset,
    ) -> Result<Vec<AbortedTransaction>, LogError> {
        let mut aborted = Vec::new();
        for entry in entries {
            for segment in self.live_slices(entry, self.log_end()).await? {
                let reach = segment.slice.aborted.iter().filter(|it| it.first_offset < end);
                aborted.extend(reach.copied());
                let settled = segment.slice.last_stable_after >= end;
                if segment.slice.end_offset >= end && settled {
                    return Ok(aborted);
                }
            }
        }
        Ok(aborted)
    }

    async fn map_keys(
        &self,
        entries: &[IndexEntry],
        choice: &CleaningChoice,
        aborted: &[AbortedTransaction],
    ) -> Result<Mapped, LogError> {
        let options = &self.engine.options.cleaner;
        let room = options.dedupe_buffer_bytes / options.threads.max(1) as u64;
        let (from, end) = (choice.dirty.start, choice.dirty.end);
        let keys = KeyOffsets::new(end.get() - from.get(), room);
        let reach = aborted.iter().filter(|it| it.last_offset >= from);
        let mut dirty = DirtyKeys::new(keys, reach.copied().collect(), from);
        let mut rewrite_end = from;
        for entry in entries.iter().filter(|it| it.end_offset() > from && it.base_offset() < end) {
            for segment in self.live_slices(entry, end).await? {
                if dirty.is_full() || segment.slice.end_offset <= from {
                    continue;
                }
                for span in spans(&segment) {
                    self.pause(span.bytes()).await;
                    let batches = self.read(&segment, span).await?;
                    dirty = blocking(move || {
                        for batch in &batches {
                            dirty.take(batch);
                        }
                        dirty
                    })
                    .await?;
                }
                dirty.pass(Some(segment.slice.end_offset));
                rewrite_end = segment.slice.end_offset;
            }
        }
        let (keys, end) = dirty.finish();
        Ok(Mapped { keys, end, rewrite_end })
    }

    async fn rewrite_cleaned(
        &self,
        entries: &[IndexEntry],
        mut cleaner: Cleaner,
        end: Offset,
        cleaned_through: Offset,
    ) -> Result<(), LogError> {
        let Some(first) = entries.first() else { return Ok(()) };
        let mut output = Output::new(self.partition.id, first.base_offset(), true);
        for entry in entries.iter().filter(|entry| entry.base_offset() < end) {
            for segment in self.live_slices(entry, end).await? {
                for span in spans(&segment) {
                    self.pause(span.bytes()).await;
                    let batches = self.read(&segment, span).await?;
                    let left;
                    (cleaner, left) = blocking(move || {
                        let left = batches.iter().filter_map(|batch| cleaner.clean(batch));
                        // What stays must not keep what was read with it in memory.
                        let left: Vec<_> =
                            left.map(|it| bytes::Bytes::copy_from_slice(&it)).collect();
                        (cleaner, left)
                    })
                    .await?;
                    for batch in left {
                        output
                            .push(batch)
                            .map_err(|reason| self.damaged(&segment.slice, &reason))?;
                    }
                }
                output.pass(&segment.slice, cleaner.take_aborted());
                if output.is_full() && output.end() < end {
                    output = self.put(output, Offset::ZERO).await?;
                }
            }
        }
        self.note_unreadable(&cleaner);
        self.put(output, cleaned_through).await.map(drop)
    }

    fn note_unreadable(&self, cleaner: &Cleaner) {
        let (batches, id, topic) = (cleaner.unreadable(), self.partition.id, &self.partition.topic);
        if batches > 0 {
            metrics::counter!("alluvium_compaction_unreadable_batches_total").increment(batches);
            tracing::warn!(partition = %id, %topic, batches, "batches whose records can't be read stay as they are in a compacted log");
        }
    }
}

/// Runs what takes the processor for long beside the tasks that serve.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LogError> {
    let done = runtime::beside(work).await;
    done.map_err(|error| LogError::Unavailable(error.to_string()))
}
