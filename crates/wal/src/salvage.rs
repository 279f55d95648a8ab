//! Salvage: reads what is intact in a damaged directory, or in quarantine, and skips the rest.
//!
//! It needs neither the identity nor group headers: every frame has a header with a checksum of its own, so frames
//! behind damage are found by looking at every byte. Frames that were never durable may be among them.

use crate::{
    FrameMeta,
    file_name::{FileName, Role},
    scan,
};
use bytes::Bytes;
use formats::wal_frame::{BLOCK_BYTES, FrameHeader};
use runtime::disk::Disk;
use std::{io, ops::Range};

/// An intact frame, wherever it was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SalvagedFrame {
    /// The file's name in its directory.
    pub file: String,
    /// Whether that file is in quarantine: it belongs to an earlier WAL of the directory.
    pub quarantined: bool,
    /// Where the frame starts in it, in bytes.
    pub offset: u64,
    /// What it says of its payload.
    pub meta: FrameMeta,
    /// The batch.
    pub payload: Bytes,
}

/// Reads the files in `disk`, oldest first, and yields their intact frames in the order of the files. Nothing is
/// written, nothing is opened for writing, and no lock is taken. One file is held in memory at a time.
///
/// # Errors
/// The operating system's, when the directory can't be listed; a file that can't be read yields its error.
pub fn salvage(
    disk: &dyn Disk,
) -> io::Result<impl Iterator<Item = io::Result<SalvagedFrame>> + '_> {
    Ok(names(disk)?.into_iter().flat_map(move |name| {
        let (content, error) = match read_file(disk, name) {
            Ok(content) => (content, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        error.map(Err).into_iter().chain(FileFrames::new(name, content.into()).map(Ok))
    }))
}

/// The files that may hold frames, oldest first.
pub(crate) fn names(disk: &dyn Disk) -> io::Result<Vec<FileName>> {
    let mut names: Vec<FileName> =
        disk.list()?.into_iter().filter_map(|(name, _)| name.parse().ok()).collect();
    names.retain(|name| name.role != Role::Spare);
    names.sort_unstable();
    Ok(names)
}

/// The intact frames of one file.
pub(crate) struct FileFrames {
    name: FileName,
    content: Bytes,
    at: usize,
}

impl FileFrames {
    pub(crate) fn new(name: FileName, content: Bytes) -> Self {
        Self { name, content, at: BLOCK_BYTES }
    }

    /// Where the header of this use of the file next names its generation, at or after `at`.
    fn candidate(&self, at: usize) -> Option<usize> {
        const GENERATION: Range<usize> = 8..16;
        let generation = self.name.generation.to_le_bytes();
        let last = self.content.len().checked_sub(FrameHeader::BYTES)?;
        (at..=last).find(|at| {
            let range = at + GENERATION.start..at + GENERATION.end;
            self.content.get(range) == Some(&generation)
        })
    }

    fn frame(&self, at: usize) -> Option<SalvagedFrame> {
        let rest = self.content.slice(at..);
        let header = FrameHeader::decode(&rest).ok()?;
        let payload = scan::payload(&header, &rest).ok()?;
        let (file, meta) = (self.name.to_string(), scan::meta_of(&header));
        let quarantined = self.name.role == Role::Quarantine;
        Some(SalvagedFrame { file, quarantined, offset: at as u64, meta, payload })
    }
}

impl Iterator for FileFrames {
    type Item = SalvagedFrame;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(at) = self.candidate(self.at) {
            if let Some(frame) = self.frame(at) {
                self.at = at + FrameHeader::BYTES + frame.payload.len();
                return Some(frame);
            }
            self.at = at + 1;
        }
        self.at = self.content.len();
        None
    }
}

pub(crate) fn read_file(disk: &dyn Disk, name: FileName) -> io::Result<Vec<u8>> {
    disk.read(&name.to_string())?.ok_or_else(|| io::ErrorKind::NotFound.into())
}
