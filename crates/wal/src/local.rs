//! [`LocalWal`]: the port on one directory of one disk.
//!
//! One thread writes; a second makes files ahead and gives released ones back. Nothing runs while nothing happens.

use crate::{
    Appended, Durability, FrameMeta, Recovery, Wal, WalError, WalIdentity, WalObserver,
    WalPosition,
    directory::{self, Directory},
    files::Files,
    identity,
    queue::{Limits, Queue},
    scan,
    writer::Writer,
};
use bytes::Bytes;
use formats::wal_frame::{FrameHeader, Identity};
use model::ClusterId;
use parking_lot::Mutex;
use runtime::{Randomness, Tasks, disk::Disk};
use std::{
    fmt, io,
    sync::Arc,
    thread::{self, JoinHandle},
};

/// Whether an existing WAL in the directory is carried on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// Recover it; start a new one in an empty directory.
    Continue,
    /// Take a new id. What is there goes to quarantine: counted, readable by salvage, never replayed.
    Afresh,
}

/// Who does the writing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Drive {
    /// Threads of the WAL's own.
    Threads,
    /// Whoever calls [`LocalWal::step`]: a test, or a task of a simulation ([`LocalWal::spawn_writer`]).
    Manual,
}

/// How a WAL is opened.
#[derive(Clone, Debug)]
pub struct LocalWalOptions {
    /// The cluster that the directory must belong to.
    pub cluster: ClusterId,
    /// Length that files grow to, in bytes.
    pub file_bytes: u64,
    /// Bytes of unreleased frames beyond which appends are refused (`wal.max.bytes`).
    pub max_bytes: u64,
    /// Bytes of frames not yet written beyond which appends are refused.
    pub max_unwritten_bytes: u64,
    /// Whether an existing WAL is carried on.
    pub start: Start,
    /// Who does the writing.
    pub drive: Drive,
}

impl LocalWalOptions {
    /// The defaults: files of 64 MiB, 4 GiB unreleased, 64 MiB unwritten, threads.
    pub fn new(cluster: ClusterId) -> Self {
        Self {
            cluster,
            file_bytes: 64 << 20,
            max_bytes: 4 << 30,
            max_unwritten_bytes: 64 << 20,
            start: Start::Continue,
            drive: Drive::Threads,
        }
    }
}

/// A WAL in a directory of a disk.
pub struct LocalWal {
    disk: Arc<dyn Disk>,
    queue: Arc<Queue>,
    files: Arc<Files>,
    identity: Mutex<Identity>,
    quarantined_files: usize,
    engine: Mutex<Engine>,
    lock: Mutex<Option<Box<dyn Send + Sync>>>,
}

/// What moves groups to the disk.
enum Engine {
    Threads { writer: JoinHandle<()>, files: JoinHandle<()> },
    Manual(Writer),
    Stopped,
}

impl LocalWal {
    /// Opens the WAL in the directory `disk`, or starts one there. Ids come from `randomness`.
    ///
    /// # Errors
    /// [`WalError::Locked`], [`WalError::OtherCluster`], [`WalError::Damaged`] (nothing was changed),
    /// [`WalError::Io`].
    pub fn open(
        disk: Arc<dyn Disk>,
        options: LocalWalOptions,
        randomness: &Randomness,
    ) -> Result<(Self, Recovery), WalError> {
        let lock = directory::lock(disk.as_ref())?;
        let Directory { identity, recovered, found, quarantined_files } =
            directory::open(disk.as_ref(), &options, randomness)?;
        let limits = Limits {
            max_bytes: options.max_bytes,
            max_unwritten_bytes: options.max_unwritten_bytes,
        };
        let queue = Arc::new(Queue::new(recovered.resume, limits, disk.describe()));
        let cluster = options.cluster;
        let files =
            Arc::new(Files::new(disk.clone(), cluster, identity.wal, options.file_bytes, found));
        let writer =
            Writer::new(queue.clone(), files.clone(), recovered.resume, recovered.next_sequence);
        let engine = Engine::start(options.drive, writer, &files)
            .map_err(|error| WalError::io("starting a thread", disk.as_ref(), error))?;
        let wal = Self {
            disk,
            queue,
            files,
            identity: Mutex::new(identity),
            quarantined_files,
            engine: Mutex::new(engine),
            lock: Mutex::new(Some(lock)),
        };
        Ok((wal, recovered.recovery))
    }

    /// Does what there is to do now. Only for [`Drive::Manual`]; nothing otherwise. Blocks on the disk.
    pub fn step(&self) {
        if let Engine::Manual(writer) = &mut *self.engine.lock() {
            writer.step();
            self.files.maintain();
        }
    }

    /// Calls [`LocalWal::step`] on a task of `tasks` whenever there is something to do: for [`Drive::Manual`] in a
    /// simulation, whose disk does not block.
    pub fn spawn_writer(self: &Arc<Self>, tasks: &Tasks) {
        let wal = self.clone();
        let shutdown = tasks.shutdown();
        tasks.spawn("wal-writer", async move {
            loop {
                tokio::select! {
                    () = wal.queue.woken() => wal.step(),
                    () = shutdown.requested() => return,
                }
            }
        });
    }

    /// How many files of earlier WALs lie in quarantine in the directory.
    pub fn quarantined_files(&self) -> usize {
        self.quarantined_files
    }

    fn io(&self, action: &'static str, error: io::Error) -> WalError {
        WalError::io(action, self.disk.as_ref(), error)
    }
}

impl Engine {
    fn start(drive: Drive, writer: Writer, files: &Arc<Files>) -> io::Result<Self> {
        if drive == Drive::Manual {
            return Ok(Self::Manual(writer));
        }
        let maintained = files.clone();
        let files =
            thread::Builder::new().name("wal-files".to_owned()).spawn(move || maintained.run())?;
        let writer = thread::Builder::new().name("wal-writer".to_owned()).spawn(move || {
            runtime::priority::prefer_this_thread();
            writer.run_or_fail();
        })?;
        Ok(Self::Threads { writer, files })
    }

    /// Lets the writer finish what the queue holds.
    fn stop(self, directory_files: &Files) {
        match self {
            Self::Threads { writer, files } => {
                // A panic of either thread shows in what is left undone, which the caller looks at.
                let _ = writer.join();
                directory_files.stop();
                let _ = files.join();
            }
            Self::Manual(mut writer) => writer.close(),
            Self::Stopped => {}
        }
    }
}

impl Wal for LocalWal {
    fn append(
        &self,
        meta: FrameMeta,
        parts: &[&[u8]],
        durability: Durability,
    ) -> Result<Appended, WalError> {
        self.queue.append(meta, parts, durability)
    }

    fn request_sync(&self) {
        self.queue.request_sync();
    }

    fn synced(&self) -> WalPosition {
        self.queue.synced()
    }

    fn end(&self) -> WalPosition {
        self.queue.end()
    }

    fn release(&self, through: WalPosition) {
        self.files.release(self.queue.release(through));
    }

    fn unreleased_bytes(&self) -> u64 {
        self.queue.unreleased_bytes()
    }

    fn buffer_bytes(&self) -> u64 {
        self.queue.buffer_bytes() as u64
    }

    fn unwritten_bytes(&self) -> u64 {
        self.queue.unwritten_bytes()
    }

    fn read(&self, end: WalPosition, payload_bytes: usize) -> Result<Bytes, WalError> {
        let frame_bytes = FrameHeader::BYTES + payload_bytes;
        let start = end.0.checked_sub(frame_bytes as u64).ok_or(WalError::NotHeld(end))?;
        let live = self.files.find(start).ok_or(WalError::NotHeld(end))?;
        let offset = live.offset_of(start);
        if offset + frame_bytes as u64 > live.file.length() {
            return Err(WalError::NotHeld(end));
        }
        let mut bytes = vec![0; frame_bytes];
        live.file.read_at(offset, &mut bytes).map_err(|error| self.io("reading back", error))?;
        let bytes = Bytes::from(bytes);
        let header = FrameHeader::decode(&bytes).map_err(|_| WalError::NotHeld(end))?;
        if header.file_generation != live.generation
            || header.payload_bytes as usize != payload_bytes
        {
            return Err(WalError::NotHeld(end));
        }
        scan::payload(&header, &bytes).map_err(|reason| WalError::Damaged {
            file: format!("{}/{}", self.disk.describe(), live.name()),
            offset,
            reason,
        })
    }

    fn identity(&self) -> WalIdentity {
        identity::as_port(&self.identity.lock())
    }

    fn raise_generation(&self) -> Result<WalIdentity, WalError> {
        let mut current = self.identity.lock();
        let raised = Identity { generation: current.generation + 1, ..current.clone() };
        identity::write(self.disk.as_ref(), &raised)?;
        *current = raised;
        Ok(identity::as_port(&current))
    }

    fn observe(&self, observer: Arc<dyn WalObserver>) {
        self.queue.observe(observer);
    }

    fn close(&self) -> Result<(), WalError> {
        self.queue.start_closing();
        let engine = std::mem::replace(&mut *self.engine.lock(), Engine::Stopped);
        engine.stop(&self.files);
        let durable = self.queue.check_durable();
        self.lock.lock().take();
        durable
    }
}

impl Drop for LocalWal {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::warn!(%error, "the WAL was dropped with frames that are not durable");
        }
    }
}

impl fmt::Debug for LocalWal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalWal")
            .field("directory", &self.disk.describe())
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}
