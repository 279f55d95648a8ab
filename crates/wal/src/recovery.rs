//! Recovery: makes one stream of a directory's files, or says where it is damaged.
//!
//! A torn tail is what a power cut leaves: groups that nobody was told are durable. Damage is a gap below a position
//! that is known to have been synced: a later group says so, or a later file starts there. Damage stops the start-up,
//! and nothing on disk is changed before it is ruled out.

use crate::{
    RecoveredFrame, Recovery, WalError,
    file_name::FileName,
    files::LiveFile,
    queue::Resume,
    scan::{FileScan, Stop, StreamEnd, scan},
};
use model::WalId;
use runtime::disk::Disk;
use std::{cmp::Ordering, collections::VecDeque, ops::Range};

/// What the live files of a directory make.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) recovery: Recovery,
    pub(crate) live: VecDeque<LiveFile>,
    /// Files that were named, but not begun, when the power went.
    pub(crate) unstarted: Vec<FileName>,
    pub(crate) resume: Resume,
    pub(crate) next_sequence: u64,
}

/// Reads the files `names`, in ascending generation, of the WAL `wal`. Changes nothing, but syncs what it read: what
/// is recovered counts as durable from then on.
///
/// # Errors
/// [`WalError::Damaged`], [`WalError::Io`].
pub(crate) fn recover(
    disk: &dyn Disk,
    wal: WalId,
    names: &[FileName],
) -> Result<Recovered, WalError> {
    let mut chain = Chain::new(disk.describe(), wal);
    for name in names {
        let file = disk
            .open(&name.to_string())
            .map_err(|error| WalError::io("opening a file", disk, error))?;
        let scan = scan(file.as_ref(), name.generation, chain.end())
            .map_err(|error| WalError::io("reading a file", disk, error))?;
        if let Some(stretch) = chain.link(*name, scan)? {
            file.sync().map_err(|error| WalError::io("syncing a file", disk, error))?;
            let (generation, first, end) = (name.generation, stretch.start, Some(stretch.end));
            chain.live.push_back(LiveFile { generation, first, end, file });
        }
    }
    Ok(chain.finish())
}

/// The stream so far.
#[derive(Debug)]
struct Chain {
    directory: String,
    wal: WalId,
    live: VecDeque<LiveFile>,
    frames: Vec<RecoveredFrame>,
    unstarted: Vec<FileName>,
    last: Option<Link>,
    torn_bytes: u64,
}

/// The newest file of the stream so far.
#[derive(Debug)]
struct Link {
    name: FileName,
    end: StreamEnd,
    stop: Stop,
}

impl Chain {
    fn new(directory: String, wal: WalId) -> Self {
        Self {
            directory,
            wal,
            live: VecDeque::new(),
            frames: Vec::new(),
            unstarted: Vec::new(),
            last: None,
            torn_bytes: 0,
        }
    }

    fn end(&self) -> Option<StreamEnd> {
        self.last.as_ref().map(|last| last.end)
    }

    /// Adds a file; the positions it holds, or `None` when it holds none because it was never begun.
    fn link(&mut self, name: FileName, scan: FileScan) -> Result<Option<Range<u64>>, WalError> {
        let header = match scan.header {
            Ok(Some(header)) => header,
            Ok(None) if scan.behind.reach.is_none() => {
                self.unstarted.push(name);
                return Ok(None);
            }
            Ok(None) => return Err(self.damaged(name, 0, "the file header is lost")),
            Err(reason) => return Err(self.damaged(name, 0, &reason)),
        };
        if header.wal != self.wal {
            let reason = format!("it belongs to WAL {}, not {}", header.wal, self.wal);
            return Err(self.damaged(name, 0, &reason));
        }
        self.check_joint(name, header.first_position)?;
        let end = scan.end.position;
        if scan.behind.synced > Some(end) {
            return Err(self.damaged(name, scan.stop.offset, &scan.stop.reason));
        }
        self.torn_bytes = scan.behind.reach.map_or(0, |reach| reach - end);
        self.frames.extend(scan.frames);
        self.last = Some(Link { name, end: scan.end, stop: scan.stop });
        Ok(Some(header.first_position..end))
    }

    /// Checks that a file starts where the one before it ends.
    fn check_joint(&self, name: FileName, first: u64) -> Result<(), WalError> {
        let Some(last) = &self.last else { return Ok(()) };
        match first.cmp(&last.end.position) {
            Ordering::Equal => Ok(()),
            Ordering::Less => {
                Err(self.damaged(name, 0, "it starts before the end of the file before it"))
            }
            Ordering::Greater => Err(self.damaged(last.name, last.stop.offset, &last.stop.reason)),
        }
    }

    fn damaged(&self, name: FileName, offset: u64, reason: &str) -> WalError {
        let file = format!("{}/{name}", self.directory);
        WalError::Damaged { file, offset, reason: reason.to_owned() }
    }

    fn finish(self) -> Recovered {
        let end = self.last.map_or_else(StreamEnd::default, |last| last.end);
        let frames_end = self.frames.last().map_or(end.position, |frame| frame.end.0);
        let released = self.live.front().map_or(end.position, |oldest| oldest.first);
        let resume = Resume { position: end.position, end: frames_end, released };
        Recovered {
            recovery: Recovery { frames: self.frames, torn_bytes: self.torn_bytes },
            live: self.live,
            unstarted: self.unstarted,
            resume,
            next_sequence: end.sequence.unwrap_or(0),
        }
    }
}
