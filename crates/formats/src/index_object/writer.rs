//! [`IndexWriter`]: makes an index of segments, or of indexes.

use super::directory::TRAILER_MAGIC;
use super::{Directory, DirectoryEntry, HEADER_BYTES, IndexError, IndexedSlice, VERSION};
use crate::layout::Layout;
use crate::segment::Slice;
use crate::trailer;
use bytes::Bytes;
use model::{PartitionId, SessionId};
use std::collections::BTreeMap;

const MAGIC: [u8; 8] = *b"ALLUVIDX";

/// Collects commits, or indexes of commits, of one session in the order of their seqs.
///
/// What a caller wants left out (partitions that were deleted, runs below the log start) it does not push.
#[derive(Clone, Debug)]
pub struct IndexWriter {
    session: SessionId,
    level: u32,
    seqs: Option<(u64, u64)>,
    runs: BTreeMap<PartitionId, Run>,
}

/// An index object, ready to be put.
#[derive(Clone, Debug)]
pub struct IndexObject {
    /// The object's bytes, in order.
    pub parts: Vec<Bytes>,
    /// Length of the object.
    pub size: u64,
    /// What is in it.
    pub directory: Directory,
    /// Where the directory lies in the object.
    pub directory_offset: u64,
    /// Length of the directory.
    pub directory_length: u64,
}

/// A partition's run under construction; positions in `entry` are set at the end.
#[derive(Clone, Debug)]
struct Run {
    entry: DirectoryEntry,
    bytes: Vec<u8>,
}

impl IndexWriter {
    /// An empty index of `session`'s commits.
    pub const fn new(session: SessionId, level: u32) -> Self {
        Self { session, level, seqs: None, runs: BTreeMap::new() }
    }

    /// Adds a commit: what is listed of its segment.
    ///
    /// # Errors
    /// [`IndexError::Field`] when seqs or offsets do not ascend, or the name is too long.
    pub fn push_commit<'a>(
        &mut self,
        object: &str,
        seq: u64,
        slices: impl IntoIterator<Item = &'a Slice>,
    ) -> Result<(), IndexError> {
        self.cover(seq, seq)?;
        slices.into_iter().try_for_each(|slice| self.push_slice(object, seq, slice))
    }

    /// Adds one slice of a commit that was added without it, wherever it lies.
    ///
    /// # Errors
    /// As for [`IndexWriter::push_commit`].
    pub fn push_slice(&mut self, object: &str, seq: u64, slice: &Slice) -> Result<(), IndexError> {
        let mut bytes = Vec::new();
        IndexedSlice::encode(&mut bytes, object, self.session, seq, slice)?;
        let entry = DirectoryEntry {
            partition: slice.partition,
            bytes: 0..0,
            slices: 1,
            base_offset: slice.base_offset,
            end_offset: slice.end_offset,
            size_bytes: slice.bytes.end.saturating_sub(slice.bytes.start),
            max_timestamp: slice.max_timestamp,
        };
        self.push_run(&entry, &bytes)
    }

    /// Adds a partition's run of a child index, as read; `entry` is its row in the child's directory.
    ///
    /// # Errors
    /// [`IndexError::Field`] when its offsets do not follow those of the run so far.
    pub fn push_run(&mut self, entry: &DirectoryEntry, bytes: &[u8]) -> Result<(), IndexError> {
        let Some(run) = self.runs.get_mut(&entry.partition) else {
            let run = Run { entry: entry.clone(), bytes: bytes.to_vec() };
            self.runs.insert(entry.partition, run);
            return Ok(());
        };
        if entry.base_offset < run.entry.end_offset {
            return Err(IndexError::Field("order of runs"));
        }
        run.entry.end_offset = entry.end_offset;
        run.entry.slices = run.entry.slices.saturating_add(entry.slices);
        run.entry.size_bytes = run.entry.size_bytes.saturating_add(entry.size_bytes);
        run.entry.max_timestamp = run.entry.max_timestamp.max(entry.max_timestamp);
        run.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Notes that the index stands for these commits too, whatever of them is in it.
    ///
    /// # Errors
    /// [`IndexError::Field`] when they do not follow those noted before.
    pub fn cover(&mut self, from_seq: u64, through_seq: u64) -> Result<(), IndexError> {
        let first = match self.seqs {
            Some((_, last)) if from_seq <= last => return Err(IndexError::Field("order of seqs")),
            Some((first, _)) => first,
            None => from_seq,
        };
        if from_seq > through_seq {
            return Err(IndexError::Field("order of seqs"));
        }
        self.seqs = Some((first, through_seq));
        Ok(())
    }

    /// Lays the object out.
    ///
    /// # Errors
    /// [`IndexError::Field`] when it stands for no commit.
    pub fn finish(self) -> Result<IndexObject, IndexError> {
        let (from_seq, through_seq) = self.seqs.ok_or(IndexError::Field("range of seqs"))?;
        let mut parts = vec![header()];
        let mut size = HEADER_BYTES as u64;
        let mut entries = Vec::with_capacity(self.runs.len());
        for run in self.runs.into_values() {
            let bytes = size..size + run.bytes.len() as u64;
            size = bytes.end;
            entries.push(DirectoryEntry { bytes, ..run.entry });
            parts.push(run.bytes.into());
        }
        let directory =
            Directory { session: self.session, level: self.level, from_seq, through_seq, entries };
        let directory_bytes = Bytes::from(directory.encode());
        let range = size..size + directory_bytes.len() as u64;
        let trailer = trailer::encode(TRAILER_MAGIC, VERSION, &range);
        parts.push(directory_bytes);
        parts.push(Bytes::copy_from_slice(&trailer));
        Ok(IndexObject {
            parts,
            size: range.end + trailer.len() as u64,
            directory,
            directory_offset: range.start,
            directory_length: range.end - range.start,
        })
    }
}

/// Whether an object's first bytes are those of an index object of this version.
///
/// # Errors
/// [`IndexError::Magic`], [`IndexError::Version`], [`IndexError::Truncated`].
pub fn check_header(object_start: &[u8]) -> Result<(), IndexError> {
    let rest = object_start.strip_prefix(&MAGIC).ok_or(IndexError::Magic)?;
    match rest.first_chunk().map(|version| u16::from_le_bytes(*version)) {
        Some(VERSION) => Ok(()),
        Some(version) => Err(IndexError::Version(version)),
        None => Err(IndexError::Truncated),
    }
}

fn header() -> Bytes {
    let mut layout = Layout::<HEADER_BYTES>::new();
    layout.put(&MAGIC).put(&VERSION.to_le_bytes());
    Bytes::copy_from_slice(&layout.finish())
}
