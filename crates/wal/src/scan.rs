//! Reads one WAL file: its groups in order up to the first that is not intact, and what lies behind that.

use crate::{FrameMeta, RecoveredFrame, WalPosition};
use bytes::Bytes;
use formats::{
    record_batch::{BatchHeader, verify_crc},
    wal_frame::{BLOCK_BYTES, FileHeader, FrameHeader, GroupHeader},
};
use runtime::disk::DiskFile;
use std::io;

/// Bytes read at a time where groups are looked for.
const CHUNK_BYTES: usize = 256 * BLOCK_BYTES;

/// What a file says.
#[derive(Debug)]
pub(crate) struct FileScan {
    /// Its header; `Ok(None)` when none was written since the file was recycled or made.
    pub(crate) header: Result<Option<FileHeader>, String>,
    pub(crate) frames: Vec<RecoveredFrame>,
    /// Where the stream of intact groups ends.
    pub(crate) end: StreamEnd,
    /// Where in the file that is, and why it goes no further.
    pub(crate) stop: Stop,
    /// What the groups behind the stop say.
    pub(crate) behind: Behind,
}

/// The end of a stretch of intact groups.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct StreamEnd {
    /// Position of the next group.
    pub(crate) position: u64,
    /// Its sequence number; `None` while no group was seen.
    pub(crate) sequence: Option<u64>,
}

/// Where reading stopped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stop {
    pub(crate) offset: u64,
    pub(crate) reason: String,
}

/// What groups that can't be reached any more say. Their frames are not used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Behind {
    /// The largest position that one of them knew synced.
    pub(crate) synced: Option<u64>,
    /// The largest position that one of them reaches.
    pub(crate) reach: Option<u64>,
}

/// Reads `file`, whose name says `generation`. `expected` is where the file before it ended.
///
/// # Errors
/// The operating system's.
pub(crate) fn scan(
    file: &dyn DiskFile,
    generation: u64,
    expected: Option<StreamEnd>,
) -> io::Result<FileScan> {
    let scanner = Scanner { file, generation };
    let header = scanner.header()?;
    let begun = header.as_ref().is_ok_and(Option::is_some);
    let first = match &header {
        Ok(Some(header)) => header.first_position,
        _ => 0,
    };
    let sequence = expected.and_then(|expected| expected.sequence);
    let mut end = StreamEnd { position: first, sequence };
    let mut offset = BLOCK_BYTES as u64;
    let mut frames = Vec::new();
    let reason = loop {
        if !begun {
            break "the file was not begun".to_owned();
        }
        match scanner.group(offset, end)? {
            Ok((group, group_frames)) => {
                frames.extend(group_frames);
                let bytes = group.total_bytes() as u64;
                offset += bytes;
                end.position += bytes;
                end.sequence = Some(group.sequence + 1);
            }
            Err(reason) => break reason,
        }
    };
    let behind = scanner.look_behind(offset, end.position)?;
    Ok(FileScan { header, frames, end, stop: Stop { offset, reason }, behind })
}

struct Scanner<'a> {
    file: &'a dyn DiskFile,
    generation: u64,
}

/// A group and its frames, or why there is none.
type GroupOrReason = Result<(GroupHeader, Vec<RecoveredFrame>), String>;

impl Scanner<'_> {
    fn header(&self) -> io::Result<Result<Option<FileHeader>, String>> {
        if self.file.length() < BLOCK_BYTES as u64 {
            return Ok(Err("the file is shorter than its header".to_owned()));
        }
        let block = self.read(0, BLOCK_BYTES)?;
        if block.iter().all(|byte| *byte == 0) {
            return Ok(Ok(None));
        }
        let header = FileHeader::decode(&block).map_err(|error| error.to_string());
        Ok(header.map(|header| Some(header).filter(|header| self.is_current(header))))
    }

    fn is_current(&self, header: &FileHeader) -> bool {
        header.file_generation == self.generation
    }

    fn read(&self, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
        let mut content = vec![0; bytes];
        self.file.read_at(offset, &mut content)?;
        Ok(content)
    }

    fn group(&self, offset: u64, expected: StreamEnd) -> io::Result<GroupOrReason> {
        if offset + BLOCK_BYTES as u64 > self.file.length() {
            return Ok(Err("the file ends".to_owned()));
        }
        let header = match self.group_header(offset)? {
            Ok(header) => header,
            Err(reason) => return Ok(Err(reason)),
        };
        if header.position != expected.position
            || expected.sequence.is_some_and(|sequence| sequence != header.sequence)
        {
            return Ok(Err("the group here is not the next one".to_owned()));
        }
        let bytes = Bytes::from(self.read(offset, header.total_bytes())?);
        Ok(frames(&header, &bytes).map(|frames| (header, frames)))
    }

    /// The header of this use of the file at `offset`.
    fn group_header(&self, offset: u64) -> io::Result<Result<GroupHeader, String>> {
        let header = match GroupHeader::decode(&self.read(offset, BLOCK_BYTES)?) {
            Ok(header) => header,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if header.file_generation != self.generation {
            return Ok(Err("no group was written here since the file was recycled".to_owned()));
        }
        if offset + header.total_bytes() as u64 > self.file.length() {
            return Ok(Err("the group does not fit the file".to_owned()));
        }
        Ok(Ok(header))
    }

    /// Looks at every block from `offset` on for groups of this use of the file, at or beyond `position`.
    fn look_behind(&self, offset: u64, position: u64) -> io::Result<Behind> {
        let mut behind = Behind::default();
        let mut at = offset;
        while at + BLOCK_BYTES as u64 <= self.file.length() {
            let bytes = (self.file.length() - at).min(CHUNK_BYTES as u64) as usize;
            for block in self.read(at, bytes)?.chunks_exact(BLOCK_BYTES) {
                let Ok(header) = GroupHeader::decode(block) else { continue };
                if header.file_generation == self.generation && header.position >= position {
                    let reach = header.position + header.total_bytes() as u64;
                    behind.synced = behind.synced.max(Some(header.synced));
                    behind.reach = behind.reach.max(Some(reach));
                }
            }
            at += bytes as u64;
        }
        Ok(behind)
    }
}

/// The frames of a group, all of them intact.
fn frames(group: &GroupHeader, bytes: &Bytes) -> Result<Vec<RecoveredFrame>, String> {
    let mut frames = Vec::new();
    let end = GroupHeader::BYTES + group.payload_bytes as usize;
    let mut at = GroupHeader::BYTES;
    while at < end {
        let rest = bytes.slice(at..end);
        let header = FrameHeader::decode(&rest).map_err(|error| error.to_string())?;
        if header.file_generation != group.file_generation
            || header.group_sequence != group.sequence
        {
            return Err("a frame belongs to another group".to_owned());
        }
        let payload = payload(&header, &rest)?;
        at += FrameHeader::BYTES + payload.len();
        let meta = meta_of(&header);
        let end = WalPosition(group.position + at as u64);
        frames.push(RecoveredFrame::new(meta, &payload, end));
    }
    if frames.len() == group.frames as usize {
        Ok(frames)
    } else {
        Err("a group has another number of frames than its header says".to_owned())
    }
}

pub(crate) fn meta_of(header: &FrameHeader) -> FrameMeta {
    FrameMeta {
        partition: header.partition,
        base_offset: header.base_offset,
        leader_epoch: header.leader_epoch,
    }
}

/// The batch behind a frame's header, at the start of `bytes`, checked.
pub(crate) fn payload(header: &FrameHeader, bytes: &Bytes) -> Result<Bytes, String> {
    let end = FrameHeader::BYTES + header.payload_bytes as usize;
    if end > bytes.len() {
        return Err("a frame is longer than what holds it".to_owned());
    }
    let payload = bytes.slice(FrameHeader::BYTES..end);
    let batch = BatchHeader::parse(&payload).map_err(|error| error.to_string())?;
    if batch.total_bytes() != payload.len()
        || batch.base_offset != header.base_offset.to_wire()
        || batch.leader_epoch != header.leader_epoch.to_wire()
    {
        return Err("a batch is not the one that its frame names".to_owned());
    }
    verify_crc(&payload).map_err(|error| error.to_string())?;
    Ok(payload)
}
