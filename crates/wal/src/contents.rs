//! Contents: what each file of a directory says, damage and all, for people who look into a WAL.
//!
//! Frames are found as [`salvage`](crate::salvage()) finds them. Where the stream of a file ends, and whether that is damage,
//! is decided by the rules of recovery, for each WAL that has files in the directory.

use crate::{
    SalvagedFrame,
    file_name::{FileName, Role},
    salvage::{FileFrames, names, read_file},
    scan::{FileScan, Stop, StreamEnd, scan},
};
use bytes::Bytes;
use formats::wal_frame::FileHeader;
use model::WalId;
use runtime::disk::{Disk, DiskFile};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, VecDeque},
    io,
    iter::Peekable,
};

/// One thing that is in a WAL directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// An intact frame of a file's stream: a broker would recover it.
    Frame(SalvagedFrame),
    /// An intact frame behind the end of the stream: only salvage gets it.
    Beyond(SalvagedFrame),
    /// A place where bytes are not those that were synced: a broker refuses the directory.
    Damage(ContentPlace),
    /// Where the stream ends in groups that nobody was told are durable, as a power cut leaves them.
    TornTail(ContentPlace),
    /// A file, behind all that it holds.
    File(ContentFile),
}

/// A place in a file, and what is wrong there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContentPlace {
    /// The file's name in its directory.
    pub file: String,
    /// The byte.
    pub offset: u64,
    /// Why reading goes no further there.
    pub reason: String,
}

/// What a file is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContentFile {
    /// Its name in its directory.
    pub file: String,
    /// Whether it is in quarantine: it belongs to an earlier WAL of the directory.
    pub quarantined: bool,
    /// Its length in bytes.
    pub bytes: u64,
    /// The WAL that it says it belongs to, and the positions of its stream; `None` when it was not begun, or its header is lost.
    pub stream: Option<ContentStream>,
    /// Intact frames in its stream.
    pub frames: u64,
    /// Intact frames beyond.
    pub frames_beyond: u64,
}

/// The stream of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ContentStream {
    /// The WAL.
    pub wal: WalId,
    /// Position of its first group.
    pub first_position: u64,
    /// Position behind its last intact group.
    pub end_position: u64,
}

/// Reads the files in `disk`, oldest first, and yields what is in each in the order of its bytes. Nothing is written, nothing is
/// opened for writing, and no lock is taken. One file is held in memory at a time, twice while its stream is looked for.
///
/// # Errors
/// The operating system's, when the directory can't be listed; a file that can't be read yields its error.
pub fn contents(disk: &dyn Disk) -> io::Result<impl Iterator<Item = io::Result<Content>> + '_> {
    let mut ends = Ends::default();
    Ok(names(disk)?.into_iter().flat_map(move |name| FileContents::of(disk, name, &mut ends)))
}

/// Where the newest file so far of each WAL ends.
type Ends = BTreeMap<WalId, FileEnd>;

#[derive(Debug)]
struct FileEnd {
    name: FileName,
    stream: StreamEnd,
    stop: Stop,
}

/// What is in one file.
struct FileContents {
    /// Told before the file's own frames.
    first: VecDeque<io::Result<Content>>,
    frames: Peekable<FileFrames>,
    /// Where the stream ends, and what is told there.
    stop: u64,
    told_at_stop: Option<Content>,
    file: Option<ContentFile>,
}

impl FileContents {
    fn of(disk: &dyn Disk, name: FileName, ends: &mut Ends) -> Self {
        let content = read_file(disk, name).map(Bytes::from);
        let scanned = content.and_then(|content| Ok((scanned(name, &content, ends)?, content)));
        match scanned {
            Ok((scan, content)) => Self::of_scan(name, content, &scan, ends),
            Err(error) => Self {
                first: [Err(io::Error::new(error.kind(), format!("{name}: {error}")))].into(),
                frames: FileFrames::new(name, Bytes::new()).peekable(),
                stop: 0,
                told_at_stop: None,
                file: None,
            },
        }
    }

    fn of_scan(name: FileName, content: Bytes, scan: &FileScan, ends: &mut Ends) -> Self {
        let place = |offset, reason: &str| ContentPlace {
            file: name.to_string(),
            offset,
            reason: reason.to_owned(),
        };
        let mut file = ContentFile {
            file: name.to_string(),
            quarantined: name.role == Role::Quarantine,
            bytes: content.len() as u64,
            stream: None,
            frames: 0,
            frames_beyond: 0,
        };
        let (mut first, mut told_at_stop, mut stop) = (VecDeque::new(), None, 0);
        match &scan.header {
            Err(reason) => told_at_stop = Some(Content::Damage(place(0, reason))),
            Ok(None) if scan.behind.reach.is_some() => {
                told_at_stop = Some(Content::Damage(place(0, "the file header is lost")));
            }
            Ok(None) => {}
            Ok(Some(header)) => {
                first.extend(joint(name, header, ends).map(|place| Ok(Content::Damage(place))));
                stop = scan.stop.offset;
                let position = scan.end.position;
                let at_stop = || place(scan.stop.offset, &scan.stop.reason);
                if scan.behind.synced > Some(position) {
                    told_at_stop = Some(Content::Damage(at_stop()));
                } else if scan.behind.reach.is_some() {
                    told_at_stop = Some(Content::TornTail(at_stop()));
                }
                file.stream = Some(ContentStream {
                    wal: header.wal,
                    first_position: header.first_position,
                    end_position: position,
                });
                ends.insert(
                    header.wal,
                    FileEnd { name, stream: scan.end, stop: scan.stop.clone() },
                );
            }
        }
        let frames = FileFrames::new(name, content).peekable();
        Self { first, frames, stop, told_at_stop, file: Some(file) }
    }

    fn count(&mut self, frame: SalvagedFrame) -> Content {
        let in_stream = frame.offset < self.stop;
        if let Some(file) = &mut self.file {
            file.frames += u64::from(in_stream);
            file.frames_beyond += u64::from(!in_stream);
        }
        if in_stream { Content::Frame(frame) } else { Content::Beyond(frame) }
    }
}

impl Iterator for FileContents {
    type Item = io::Result<Content>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(first) = self.first.pop_front() {
            return Some(first);
        }
        let next = self.frames.peek();
        let is_in_stream = next.is_some_and(|frame| frame.offset < self.stop);
        if !is_in_stream && let Some(told) = self.told_at_stop.take() {
            return Some(Ok(told));
        }
        match self.frames.next() {
            Some(frame) => Some(Ok(self.count(frame))),
            None => self.file.take().map(Content::File).map(Ok),
        }
    }
}

/// Reads the stream of a file, as one that follows the WAL's file before it, if it goes on where that one ends.
fn scanned(name: FileName, content: &Bytes, ends: &Ends) -> io::Result<FileScan> {
    let before = FileHeader::decode(content).ok().and_then(|header| {
        let before = ends.get(&header.wal).map(|before| before.stream);
        before.filter(|before| before.position == header.first_position)
    });
    let mut scan = scan(&InMemory(content.clone()), name.generation, before)?;
    // They are found once more, with their places.
    scan.frames = Vec::new();
    Ok(scan)
}

/// Why a file does not go on where the WAL's file before it ends, if it does not.
fn joint(name: FileName, header: &FileHeader, ends: &Ends) -> Option<ContentPlace> {
    let before = ends.get(&header.wal)?;
    match header.first_position.cmp(&before.stream.position) {
        Ordering::Equal => None,
        Ordering::Less => Some(ContentPlace {
            file: name.to_string(),
            offset: 0,
            reason: "it starts before the end of the file before it".to_owned(),
        }),
        Ordering::Greater => Some(ContentPlace {
            file: before.name.to_string(),
            offset: before.stop.offset,
            reason: format!(
                "{}, and the next file starts {} bytes further on",
                before.stop.reason,
                header.first_position - before.stream.position
            ),
        }),
    }
}

/// A file that was read already.
#[derive(Debug)]
struct InMemory(Bytes);

impl DiskFile for InMemory {
    fn write_at(&self, _offset: u64, _bytes: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync(&self) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let range = start..start.saturating_add(bytes.len());
        let content = self.0.get(range).ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(content);
        Ok(())
    }

    fn length(&self) -> u64 {
        self.0.len() as u64
    }
}
