//! The port: what a partition's log asks of a WAL. Bytes and positions, no Kafka meaning.

use bytes::Bytes;
use model::{ClusterId, LeaderEpoch, Offset, PartitionId, WalId};
use runtime::disk::Disk;
use std::{fmt, sync::Arc};

/// A position in the WAL's endless byte stream; grows over the life of the WAL id, restarts included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct WalPosition(pub u64);

/// What a frame says of its payload (one record batch, patched).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameMeta {
    /// Whose log.
    pub partition: PartitionId,
    /// The batch's base offset.
    pub base_offset: Offset,
    /// The epoch it was appended in.
    pub leader_epoch: LeaderEpoch,
}

/// Whether somebody waits for this frame to survive a power cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// Sync the group that holds it, now.
    Synced,
    /// Write it soon; nobody waits. The next synced group covers it.
    Written,
}

/// A frame that was taken in.
#[derive(Clone, Debug)]
pub struct Appended {
    /// End of the frame: durable once [`Wal::synced`] is at or beyond it.
    pub end: WalPosition,
    /// The payload, as a slice of the log buffer (header patched as given).
    pub payload: Bytes,
}

/// Who is told of progress, on the writer's own thread: must be quick and must not block.
pub trait WalObserver: Send + Sync {
    /// Everything before `through` is durable.
    fn synced(&self, through: WalPosition);
    /// Everything before `through` is in the file, and survives this process, but not a power cut. What is durable need not be told.
    fn written(&self, _through: WalPosition) {}
    /// Nothing more will become durable: the file is poisoned. Told once.
    fn failed(&self, error: &WalError);
}

/// A write-ahead log, open for appending.
pub trait Wal: Send + Sync + fmt::Debug {
    /// Takes in one frame. `parts` are concatenated to make the payload. Frames keep the order of the calls. Never
    /// blocks on the disk.
    ///
    /// # Errors
    /// [`WalError::Full`] when unreleased frames reach `wal.max.bytes` or the memory budget for unwritten groups is used up,
    /// [`WalError::DiskFull`] while the file system has no room (both retriable); [`WalError::Failed`] once poisoned.
    fn append(
        &self,
        meta: FrameMeta,
        parts: &[&[u8]],
        durability: Durability,
    ) -> Result<Appended, WalError>;

    /// Asks that everything appended so far be synced soon, though it was appended as [`Durability::Written`].
    fn request_sync(&self);

    /// Everything before this is durable.
    fn synced(&self) -> WalPosition;

    /// End of what was appended.
    fn end(&self) -> WalPosition;

    /// Frames that end at or before `through` are needed no more; their space may be used again.
    fn release(&self, through: WalPosition);

    /// Bytes between the released position and the end.
    fn unreleased_bytes(&self) -> u64;

    /// Bytes of memory that log buffers take, payload slices kept by others included.
    fn buffer_bytes(&self) -> u64;

    /// Bytes of frames that were taken in and are not written yet: how far the disk is behind.
    fn unwritten_bytes(&self) -> u64;

    /// Reads back the payload of the frame that ends at `end`, which its holder dropped from memory. Frames that were
    /// not written out yet can't be asked for. Blocks on the disk.
    ///
    /// # Errors
    /// [`WalError::NotHeld`] when no such frame is held; [`WalError::Io`]; [`WalError::Damaged`].
    fn read(&self, end: WalPosition, payload_bytes: usize) -> Result<Bytes, WalError>;

    /// Which WAL this is.
    fn identity(&self) -> WalIdentity;

    /// Raises the generation on disk, fsynced, and returns the new identity.
    ///
    /// # Errors
    /// [`WalError::Io`].
    fn raise_generation(&self) -> Result<WalIdentity, WalError>;

    /// Sets who is told of progress. Called once, before the first append.
    fn observe(&self, observer: Arc<dyn WalObserver>);

    /// Writes and syncs what was appended, stops the writer, lets go of the lock. Blocks.
    ///
    /// # Errors
    /// [`WalError::Failed`].
    fn close(&self) -> Result<(), WalError>;
}

/// What a WAL directory says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WalIdentity {
    /// The cluster it belongs to.
    pub cluster: ClusterId,
    /// Its own id.
    pub id: WalId,
    /// Raised at every start of a broker on it (DESIGN section 5).
    pub generation: u64,
}

/// A frame found intact at start-up. Its payload stays on disk, however much that is: [`Wal::read`] has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecoveredFrame {
    /// What it says of its payload.
    pub meta: FrameMeta,
    /// The payload's first [`RecoveredFrame::HEAD_BYTES`]; all of it when it is not longer.
    pub head: Bytes,
    /// Bytes of the payload.
    pub payload_bytes: usize,
    /// End of the frame.
    pub end: WalPosition,
}

impl RecoveredFrame {
    /// Bytes of a payload that are kept in memory: a batch's header, and the whole of a batch that ends a transaction.
    pub const HEAD_BYTES: usize = 128;

    /// The frame with this payload. Its memory is not kept.
    pub fn new(meta: FrameMeta, payload: &[u8], end: WalPosition) -> Self {
        let head = payload.get(..Self::HEAD_BYTES).unwrap_or(payload);
        Self { meta, head: Bytes::copy_from_slice(head), payload_bytes: payload.len(), end }
    }
}

/// What was found at start-up.
#[derive(Debug, Default)]
pub struct Recovery {
    /// Intact frames, oldest first.
    pub frames: Vec<RecoveredFrame>,
    /// Bytes of a torn tail that were cut off; 0 after a clean stop.
    pub torn_bytes: u64,
}

/// Why the WAL refuses.
#[derive(Debug, thiserror::Error)]
pub enum WalError {
    /// Unreleased frames fill it; retriable once object storage takes them.
    #[error(
        "the WAL is full: {unreleased} of {limit} bytes wait for object storage (wal.max.bytes)"
    )]
    Full {
        /// Bytes waiting.
        unreleased: u64,
        /// The limit in force.
        limit: u64,
    },
    /// The file system has no room for another file; retriable once it has, and nothing was lost.
    #[error(
        "the disk of WAL directory {directory} is full; free space on it or lower wal.max.bytes"
    )]
    DiskFull {
        /// The directory.
        directory: String,
    },
    /// No frame that ends there is held: it was released, or never written.
    #[error("the WAL holds no frame that ends at {}", .0.0)]
    NotHeld(WalPosition),
    /// A write or sync failed earlier; nothing more is accepted until the broker is restarted.
    #[error("the WAL has failed and takes nothing more: {0}")]
    Failed(String),
    /// The directory belongs to another cluster.
    #[error(
        "WAL directory {directory} belongs to cluster {found}, not {expected}; give --wal-dir another directory or --cluster-id {found}"
    )]
    OtherCluster {
        /// The directory.
        directory: String,
        /// The cluster it names.
        found: ClusterId,
        /// The cluster asked for.
        expected: ClusterId,
    },
    /// Another process has the directory.
    #[error("WAL directory {0} is locked by another broker; give each broker its own --wal-dir")]
    Locked(String),
    /// Damage below what was known to be synced: not a torn tail.
    #[error(
        "WAL file {file} is damaged at byte {offset}: {reason}. Nothing was changed. Keep the file; `alluvium wal salvage` reads what is intact; or start with an empty --wal-dir and lose what was not yet in object storage"
    )]
    Damaged {
        /// The file, with its directory.
        file: String,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The operating system's.
    #[error("WAL {action} failed in {directory}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The directory.
        directory: String,
        /// The cause.
        source: std::io::Error,
    },
}

impl WalError {
    /// An error of the disk while doing `action`.
    pub(crate) fn io(action: &'static str, disk: &dyn Disk, source: std::io::Error) -> Self {
        Self::Io { action, directory: disk.describe(), source }
    }

    /// Whether the same append may succeed later.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::DiskFull { .. })
    }
}
