//! [`Files`]: the files of one WAL directory: live ones in stream order, and spares that wait for their turn.
//!
//! A file becomes live by a rename and a header that names its generation and its first position. Released files
//! become spares again, oldest first, so that what is left is always one unbroken stretch of the stream. The newest
//! file is never given back: it remembers how far positions have come.

use crate::{
    file_name::{FileName, Role},
    log_buffer::{BufferPool, Tail},
};
use bytes::Bytes;
use formats::wal_frame::{BLOCK_BYTES, FileHeader, padded};
use model::{ClusterId, WalId};
use parking_lot::{Condvar, Mutex};
use runtime::disk::{Disk, DiskFile};
use std::{collections::VecDeque, io, sync::Arc};

/// Length of the first file of a new WAL; each further one is twice as long, up to the option's.
const FIRST_FILE_BYTES: u64 = 16 << 20;
/// Spares kept for later; more are removed.
const SPARES: usize = 2;
const HEADER_BYTES: u64 = BLOCK_BYTES as u64;

/// A file that holds a stretch of the stream.
#[derive(Clone, Debug)]
pub(crate) struct LiveFile {
    pub(crate) generation: u64,
    /// Position of its first group.
    pub(crate) first: u64,
    /// Position after its last group; `None` while it is written.
    pub(crate) end: Option<u64>,
    pub(crate) file: Arc<dyn DiskFile>,
}

impl LiveFile {
    pub(crate) fn name(&self) -> FileName {
        FileName { generation: self.generation, role: Role::Live }
    }

    /// Where in the file the stream's `position` lies.
    pub(crate) fn offset_of(&self, position: u64) -> u64 {
        HEADER_BYTES + (position - self.first)
    }

    /// Whether a group of `bytes` at `position` fits.
    pub(crate) fn has_room(&self, position: u64, bytes: usize) -> bool {
        self.offset_of(position) + bytes as u64 <= self.file.length()
    }
}

/// A file that waits for its turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spare {
    pub(crate) name: FileName,
    pub(crate) length: u64,
}

#[derive(Debug)]
pub(crate) struct Files {
    disk: Arc<dyn Disk>,
    cluster: ClusterId,
    wal: WalId,
    /// Length that new files grow to.
    file_bytes: u64,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug)]
struct State {
    live: VecDeque<LiveFile>,
    spares: Vec<Spare>,
    next_generation: u64,
    next_bytes: u64,
    released: u64,
    spare_wanted: bool,
    /// Times in a row that a wanted spare could not be made.
    spare_failures: u32,
    work: bool,
    stopping: bool,
}

/// What a directory holds when it is opened.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) live: VecDeque<LiveFile>,
    pub(crate) spares: Vec<Spare>,
    /// Above the generation of every file in the directory.
    pub(crate) next_generation: u64,
    pub(crate) released: u64,
}

impl Files {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        cluster: ClusterId,
        wal: WalId,
        file_bytes: u64,
        found: Found,
    ) -> Self {
        let file_bytes = file_bytes.max(2 * HEADER_BYTES).next_multiple_of(HEADER_BYTES);
        let longest = found.live.iter().map(|live| live.file.length()).max();
        let next_bytes = longest.map_or(FIRST_FILE_BYTES, |length| length * 2).min(file_bytes);
        let state = State {
            live: found.live,
            spares: found.spares,
            next_generation: found.next_generation,
            next_bytes,
            released: found.released,
            spare_wanted: true,
            spare_failures: 0,
            work: true,
            stopping: false,
        };
        Self { disk, cluster, wal, file_bytes, state: Mutex::new(state), wake: Condvar::new() }
    }

    /// Starts the file that holds the stream from `first` on, with room for a group of `group_bytes`. Everything
    /// before `first` must be synced: the header is taken as a proof of that.
    ///
    /// `None`, and nothing changed, when the disk has no room for a file.
    ///
    /// # Errors
    /// The operating system's. The file may have its name and its header then, durable or not, so that the stream must
    /// not begin another one at the same place: the next recovery would find both.
    pub(crate) fn begin(&self, first: u64, group_bytes: usize) -> io::Result<Option<LiveFile>> {
        let spare = match self.take_spare(HEADER_BYTES + group_bytes as u64) {
            Err(error) if is_disk_full(&error) => return Ok(None),
            taken => taken?,
        };
        let generation = self.next_generation();
        let name = FileName { generation, role: Role::Live };
        self.disk.rename(&spare.name.to_string(), &name.to_string())?;
        let file = self.disk.open(&name.to_string())?;
        let header = FileHeader {
            cluster: self.cluster.clone(),
            wal: self.wal,
            file_generation: generation,
            first_position: first,
        };
        file.write_at(0, &block(&header.encode()))?;
        // Durable before any group, and before an older file is given back: some file always knows the position.
        file.sync()?;
        let live = LiveFile { generation, first, end: None, file };
        let mut state = self.state.lock();
        if let Some(before) = state.live.back_mut() {
            before.end = Some(first);
        }
        state.live.push_back(live.clone());
        Ok(Some(live))
    }

    fn take_spare(&self, least_bytes: u64) -> io::Result<Spare> {
        let fitting = {
            let mut state = self.state.lock();
            let index = state.spares.iter().position(|spare| spare.length >= least_bytes);
            index.map(|index| state.spares.swap_remove(index))
        };
        match fitting {
            Some(spare) => Ok(spare),
            None => self.create_spare(least_bytes),
        }
    }

    fn create_spare(&self, least_bytes: u64) -> io::Result<Spare> {
        let length = self.state.lock().next_bytes.max(padded(least_bytes as usize) as u64);
        // Looked at first: a file that turns out not to fit has been written out for nothing, again at each attempt.
        if self.disk.free_bytes()? < length {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let name = FileName { generation: self.next_generation(), role: Role::Spare };
        self.disk.create(&name.to_string(), length)?;
        let mut state = self.state.lock();
        state.next_bytes = (state.next_bytes * 2).min(self.file_bytes);
        Ok(Spare { name, length })
    }

    fn next_generation(&self) -> u64 {
        let mut state = self.state.lock();
        state.next_generation += 1;
        state.next_generation - 1
    }

    /// The file that holds the byte at `position`.
    pub(crate) fn find(&self, position: u64) -> Option<LiveFile> {
        let state = self.state.lock();
        let holds =
            |live: &&LiveFile| live.first <= position && live.end.is_none_or(|end| position < end);
        state.live.iter().find(holds).cloned()
    }

    /// Asks [`Files::maintain`] to make a spare.
    pub(crate) fn want_spare(&self) {
        let mut state = self.state.lock();
        if state.spares.is_empty() && !state.spare_wanted {
            state.spare_wanted = true;
            state.work = true;
            self.wake.notify_one();
        }
    }

    /// Notes that everything before `released` is needed no more.
    pub(crate) fn release(&self, released: u64) {
        let mut state = self.state.lock();
        state.released = state.released.max(released);
        if state.is_front_released() {
            state.work = true;
            self.wake.notify_one();
        }
    }

    /// Gives released files back and makes the spare that was asked for. What fails is tried again next time: no
    /// frame depends on it.
    pub(crate) fn maintain(&self) {
        if let Err(error) = self.give_back() {
            tracing::warn!(directory = self.disk.describe(), %error, "a released WAL file could not be reused");
        }
        let wanted = {
            let mut state = self.state.lock();
            std::mem::take(&mut state.spare_wanted) && state.spares.is_empty()
        };
        if !wanted {
            return;
        }
        let created = self.create_spare(0);
        let mut state = self.state.lock();
        match created {
            Ok(spare) => {
                state.spares.push(spare);
                state.spare_failures = 0;
            }
            // It is asked for again with every group: said once.
            Err(_) if state.spare_failures > 0 => state.spare_failures += 1,
            Err(error) => {
                state.spare_failures = 1;
                tracing::warn!(directory = self.disk.describe(), %error, "no WAL file could be made ahead");
            }
        }
    }

    fn give_back(&self) -> io::Result<()> {
        while let Some((name, length, keep)) = self.next_released() {
            let spare = Spare { name: FileName { role: Role::Spare, ..name }, length };
            if keep {
                self.disk.rename(&name.to_string(), &spare.name.to_string())?;
            } else {
                self.disk.remove(&name.to_string())?;
            }
            let mut state = self.state.lock();
            state.live.pop_front();
            if keep {
                state.spares.push(spare);
            }
        }
        Ok(())
    }

    /// The oldest file, if it is released, and whether it is worth keeping.
    fn next_released(&self) -> Option<(FileName, u64, bool)> {
        let state = self.state.lock();
        if !state.is_front_released() {
            return None;
        }
        let oldest = state.live.front()?;
        let length = oldest.file.length();
        Some((oldest.name(), length, state.spares.len() < SPARES && length <= self.file_bytes))
    }

    /// Calls [`Files::maintain`] whenever there is something to do, until [`Files::stop`].
    pub(crate) fn run(&self) {
        loop {
            {
                let mut state = self.state.lock();
                while !state.work && !state.stopping {
                    self.wake.wait(&mut state);
                }
                if state.stopping {
                    return;
                }
                state.work = false;
            }
            self.maintain();
        }
    }

    /// Ends [`Files::run`].
    pub(crate) fn stop(&self) {
        self.state.lock().stopping = true;
        self.wake.notify_all();
    }
}

impl State {
    fn is_front_released(&self) -> bool {
        let released = |live: &LiveFile| live.end.is_some_and(|end| end <= self.released);
        self.live.len() > 1 && self.live.front().is_some_and(released)
    }
}

fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// `content` at the start of one aligned block.
fn block(content: &[u8]) -> Bytes {
    let mut tail = Tail::with_capacity(BLOCK_BYTES, &BufferPool::default());
    tail.append(&[content]);
    tail.end_section().fill(std::iter::empty::<[u8; 0]>())
}
