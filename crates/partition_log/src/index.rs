//! Where the durable part of a partition lies: an ordered list of segment slices and of runs in index objects.
//!
//! A commit adds a slice, a fold replaces the slices of its commits by one run, retention prunes from the start. Runs are opened on
//! demand by [`crate::object_read`]. Everything here is pure and in memory.
//!
//! A session that owned the partition twice may have folded both times into one run, with what another session wrote in between
//! missing. Such a run is listed once for each stretch without gaps, with the offsets of that stretch.

mod retention;

pub(crate) use retention::{RetentionScope, choose};

use formats::{
    index_object::{Directory, DirectoryEntry},
    segment::Slice,
};
use model::{Offset, SessionId, TimestampMs};
use std::{collections::VecDeque, ops::Range, sync::Arc};
use storage::ObjectName;

/// A partition's slice of one committed segment, decoded.
#[derive(Clone, Debug)]
pub(crate) struct SegmentSlice {
    /// The segment.
    pub(crate) object: ObjectName,
    /// The session that committed it.
    pub(crate) session: SessionId,
    /// Its commit.
    pub(crate) seq: u64,
    /// What the footer says.
    pub(crate) slice: Arc<Slice>,
}

/// A partition's run in an index object, or a stretch of it: many slices, not decoded yet. Or (level 0) one slice, in the footer of its
/// segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct IndexRun {
    /// The index object, or the segment.
    pub(crate) object: ObjectName,
    /// Its level, from 1; 0 for a segment.
    pub(crate) level: u32,
    /// Where the run lies in it, or the footer.
    pub(crate) bytes: Range<u64>,
    /// First offset.
    pub(crate) base_offset: Offset,
    /// The offset after the last.
    pub(crate) end_offset: Offset,
    /// Bytes of the batches.
    pub(crate) size_bytes: u64,
    /// Largest timestamp.
    pub(crate) max_timestamp: TimestampMs,
    /// The session whose commits it holds.
    pub(crate) session: SessionId,
    /// First commit.
    pub(crate) from_seq: u64,
    /// Last commit.
    pub(crate) through_seq: u64,
}

impl IndexRun {
    /// The run that a row of an index object's directory names.
    pub(crate) fn of_row(object: &ObjectName, directory: &Directory, row: &DirectoryEntry) -> Self {
        Self {
            object: object.clone(),
            level: directory.level,
            bytes: row.bytes.clone(),
            base_offset: row.base_offset,
            end_offset: row.end_offset,
            size_bytes: row.size_bytes,
            max_timestamp: row.max_timestamp,
            session: directory.session,
            from_seq: directory.from_seq,
            through_seq: directory.through_seq,
        }
    }

    /// Whether it is a partition segment: commits are numbered from 1.
    pub(crate) fn is_merged(&self) -> bool {
        self.level == 0 && self.through_seq == 0
    }

    /// The same without what lies before `slices`, its last ones: partition segments took its place.
    #[must_use]
    pub(crate) fn clipped<'a>(self, slices: impl IntoIterator<Item = &'a Slice>) -> Self {
        let mut clipped = Self {
            base_offset: self.end_offset,
            size_bytes: 0,
            max_timestamp: TimestampMs(-1),
            ..self
        };
        for slice in slices {
            clipped.base_offset = clipped.base_offset.min(slice.base_offset);
            clipped.size_bytes += slice.size_bytes();
            clipped.max_timestamp = clipped.max_timestamp.max(slice.max_timestamp);
        }
        clipped
    }
}

/// One element of the list.
#[derive(Clone, Debug)]
pub(crate) enum IndexEntry {
    /// A decoded slice.
    Slice(SegmentSlice),
    /// A run to be loaded on demand.
    Run(IndexRun),
}

impl IndexRun {
    /// The stretch of this run that `entry`, one of its commits, begins.
    fn stretch(&self, entry: &IndexEntry) -> Self {
        Self {
            base_offset: entry.base_offset(),
            end_offset: entry.end_offset(),
            size_bytes: entry.size_bytes(),
            max_timestamp: entry.max_timestamp(),
            ..self.clone()
        }
    }

    /// Makes the stretch reach to the end of `entry`, which follows it.
    fn lengthen(&mut self, entry: &IndexEntry) {
        self.end_offset = entry.end_offset();
        self.size_bytes += entry.size_bytes();
        self.max_timestamp = self.max_timestamp.max(entry.max_timestamp());
    }
}

impl IndexEntry {
    /// First offset.
    pub(crate) fn base_offset(&self) -> Offset {
        match self {
            Self::Slice(segment) => segment.slice.base_offset,
            Self::Run(run) => run.base_offset,
        }
    }

    /// The offset after the last.
    pub(crate) fn end_offset(&self) -> Offset {
        match self {
            Self::Slice(segment) => segment.slice.end_offset,
            Self::Run(run) => run.end_offset,
        }
    }

    /// Bytes of the batches.
    pub(crate) fn size_bytes(&self) -> u64 {
        match self {
            Self::Slice(SegmentSlice { slice, .. }) => slice.size_bytes(),
            Self::Run(run) => run.size_bytes,
        }
    }

    /// Largest timestamp.
    pub(crate) fn max_timestamp(&self) -> TimestampMs {
        match self {
            Self::Slice(segment) => segment.slice.max_timestamp,
            Self::Run(run) => run.max_timestamp,
        }
    }

    /// The session, and its commits from first through last.
    pub(crate) fn commits(&self) -> (SessionId, u64, u64) {
        match self {
            Self::Slice(segment) => (segment.session, segment.seq, segment.seq),
            Self::Run(run) => (run.session, run.from_seq, run.through_seq),
        }
    }

    /// The object that it names.
    pub(crate) fn object(&self) -> &ObjectName {
        match self {
            Self::Slice(segment) => &segment.object,
            Self::Run(run) => &run.object,
        }
    }

    /// The same as a run to be loaded on demand; a slice's footer lies at `footer_at` in its segment.
    pub(crate) fn into_run(self, footer_at: Range<u64>) -> IndexRun {
        match self {
            Self::Run(run) => run,
            Self::Slice(SegmentSlice { object, session, seq, slice }) => IndexRun {
                object,
                level: 0,
                bytes: footer_at,
                base_offset: slice.base_offset,
                end_offset: slice.end_offset,
                size_bytes: slice.size_bytes(),
                max_timestamp: slice.max_timestamp,
                session,
                from_seq: seq,
                through_seq: seq,
            },
        }
    }

    /// Whether it is a partition segment: it belongs to no commit, so no fold ever takes it in.
    pub(crate) fn is_merged(&self) -> bool {
        matches!(self, Self::Run(run) if run.is_merged())
    }

    fn is_folded_by(&self, run: &IndexRun) -> bool {
        let (session, from_seq, through_seq) = self.commits();
        session == run.session && run.from_seq <= from_seq && through_seq <= run.through_seq
    }
}

/// An entry that does not fit the list: metadata and objects disagree.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum IndexError {
    /// It does not start where the list ends.
    #[error("offsets {found} follow {expected} in {object}")]
    NotContiguous {
        /// Where the list ends.
        expected: Offset,
        /// Where the entry starts.
        found: Offset,
        /// The entry's object.
        object: ObjectName,
    },
    /// What is to take the place of entries does not cover them.
    #[error("offsets {by:?} can't take the place of {replaced:?}")]
    ReplacementMismatch {
        /// Offsets of the new entries.
        by: Range<u64>,
        /// Offsets of the entries there.
        replaced: Range<u64>,
    },
    /// A fold does not cover what it replaces.
    #[error("the fold into {object} covers {run:?}, the slices it replaces cover {slices:?}")]
    FoldMismatch {
        /// The index object.
        object: ObjectName,
        /// Offsets of the run.
        run: Range<u64>,
        /// Offsets of what it replaces.
        slices: Range<u64>,
    },
}

/// The list.
#[derive(Clone, Debug)]
pub(crate) struct LogIndex {
    entries: VecDeque<IndexEntry>,
    end: Offset,
    size_bytes: u64,
}

impl LogIndex {
    /// An empty list of a log whose durable part starts and ends at `start`.
    pub(crate) fn new(start: Offset) -> Self {
        Self { entries: VecDeque::new(), end: start, size_bytes: 0 }
    }

    /// First offset listed (may lie below the log start); the end when empty.
    pub(crate) fn start(&self) -> Offset {
        self.entries.front().map_or(self.end, IndexEntry::base_offset)
    }

    /// The offset after the last listed: the durable offset.
    pub(crate) fn end(&self) -> Offset {
        self.end
    }

    /// Bytes of all entries.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Adds a commit's slice, or at opening a run, which must start where the list ends.
    ///
    /// # Errors
    /// `NotContiguous`.
    pub(crate) fn push(&mut self, entry: IndexEntry) -> Result<(), IndexError> {
        if entry.base_offset() != self.end {
            return Err(IndexError::NotContiguous {
                expected: self.end,
                found: entry.base_offset(),
                object: entry.object().clone(),
            });
        }
        self.end = entry.end_offset();
        self.size_bytes += entry.size_bytes();
        self.entries.push_back(entry);
        Ok(())
    }

    /// End of the partition segments that the list begins with; its start when there is none.
    fn merged_end(&self) -> Offset {
        let merged = self.entries.iter().take_while(|entry| entry.is_merged());
        merged.last().map_or(self.start(), IndexEntry::end_offset)
    }

    /// Puts `runs`, in offset order and without gaps, in the place of the entries of the same offsets. The first of these may have
    /// been pruned meanwhile.
    ///
    /// # Errors
    /// `ReplacementMismatch`; nothing changed then.
    pub(crate) fn replace(&mut self, runs: Vec<IndexRun>) -> Result<(), IndexError> {
        let (Some(start), Some(end)) =
            (runs.first().map(|run| run.base_offset), runs.last().map(|run| run.end_offset))
        else {
            return Ok(());
        };
        let first = self.entries.partition_point(|entry| entry.base_offset() < start);
        let beyond = self.entries.partition_point(|entry| entry.base_offset() < end);
        let replaced = self.entries.range(first..beyond.max(first));
        let found = replaced.clone().next().map_or(end, IndexEntry::base_offset);
        let found_end = replaced.clone().last().map_or(end, IndexEntry::end_offset);
        let starts = found == start || (first == 0 && found > start);
        let follows = first == 0
            || self.entries.get(first - 1).is_some_and(|before| before.end_offset() == start);
        if !starts || !follows || found_end != end {
            let by = start.get()..end.get();
            let replaced = found.get()..found_end.get();
            return Err(IndexError::ReplacementMismatch { by, replaced });
        }
        let gone: u64 = replaced.map(IndexEntry::size_bytes).sum();
        let come: u64 = runs.iter().map(|run| run.size_bytes).sum();
        self.size_bytes = self.size_bytes - gone + come;
        let behind = self.entries.split_off(beyond.max(first));
        self.entries.truncate(first);
        self.entries.extend(runs.into_iter().map(IndexEntry::Run));
        self.entries.extend(behind);
        Ok(())
    }

    /// Replaces the entries of the run's commits by the run: each stretch of them by one entry. Entries pruned or merged
    /// meanwhile are no error.
    ///
    /// # Errors
    /// `FoldMismatch`; nothing changed then.
    pub(crate) fn fold(&mut self, run: &IndexRun) -> Result<(), IndexError> {
        let mut folded = VecDeque::with_capacity(self.entries.len());
        let mut range: Option<Range<Offset>> = None;
        let mut goes_on = false;
        for entry in &self.entries {
            let is_folded = entry.is_folded_by(run);
            if is_folded {
                let base = range.as_ref().map_or(entry.base_offset(), |range| range.start);
                range = Some(base..entry.end_offset());
            }
            match folded.back_mut() {
                Some(IndexEntry::Run(stretch)) if is_folded && goes_on => stretch.lengthen(entry),
                _ if is_folded => folded.push_back(IndexEntry::Run(run.stretch(entry))),
                _ => folded.push_back(entry.clone()),
            }
            goes_on = is_folded;
        }
        let Some(range) = range else { return self.fold_of_nothing(run) };
        let is_cut = range.start <= self.merged_end().max(self.start());
        let is_cut = is_cut && run.base_offset < range.start;
        if !(run.base_offset == range.start || is_cut) || run.end_offset != range.end {
            return Err(fold_mismatch(run, range.start, range.end));
        }
        self.entries = folded;
        Ok(())
    }

    /// Takes over what was read anew of where the entries lie. What was added since it was read stays as it is; `false` when the two do
    /// not meet: it is to be read again.
    pub(crate) fn relist(&mut self, fresh: Self) -> bool {
        let known = fresh.entries.into_iter().take_while(|entry| entry.end_offset() <= self.end);
        let mut entries: VecDeque<_> = known.collect();
        let Some(end) = entries.back().map(IndexEntry::end_offset) else { return false };
        let since = self.entries.partition_point(|entry| entry.end_offset() <= end);
        if self.entries.get(since).is_some_and(|entry| entry.base_offset() != end) {
            return false;
        }
        entries.extend(self.entries.drain(since..));
        self.size_bytes = entries.iter().map(IndexEntry::size_bytes).sum();
        self.entries = entries;
        true
    }

    /// A run of which every entry is pruned or merged already holds nothing of interest.
    fn fold_of_nothing(&self, run: &IndexRun) -> Result<(), IndexError> {
        let gone = run.end_offset <= self.merged_end();
        if gone { Ok(()) } else { Err(fold_mismatch(run, self.start(), self.start())) }
    }

    /// Drops entries that end at or below `log_start` and answers them.
    pub(crate) fn prune(&mut self, log_start: Offset) -> Vec<IndexEntry> {
        let count = self.entries.partition_point(|entry| entry.end_offset() <= log_start);
        let pruned: Vec<_> = self.entries.drain(..count).collect();
        self.size_bytes -= pruned.iter().map(IndexEntry::size_bytes).sum::<u64>();
        pruned
    }

    /// The entries that hold offsets at or beyond `offset`, from the one that contains it.
    pub(crate) fn entries_from(&self, offset: Offset) -> impl Iterator<Item = &IndexEntry> {
        let first = self.entries.partition_point(|entry| entry.end_offset() <= offset);
        self.entries.iter().skip(first)
    }

    /// Every entry, in offset order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &IndexEntry> {
        self.entries.iter()
    }

    /// The entries of `from..` that may hold a record at or after `timestamp`, in offset order.
    pub(crate) fn entries_at_or_after(
        &self,
        from: Offset,
        timestamp: TimestampMs,
    ) -> impl Iterator<Item = &IndexEntry> {
        self.entries_from(from).filter(move |entry| entry.max_timestamp() >= timestamp)
    }
}

fn fold_mismatch(run: &IndexRun, base: Offset, end: Offset) -> IndexError {
    IndexError::FoldMismatch {
        object: run.object.clone(),
        run: run.base_offset.get()..run.end_offset.get(),
        slices: base.get()..end.get(),
    }
}

#[cfg(test)]
mod tests;
