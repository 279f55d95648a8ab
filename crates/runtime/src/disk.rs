//! One directory of a local disk as a value: what the WAL needs of a file system, and nothing more.
//!
//! Calls block; the WAL makes them on a thread of its own. A simulated disk can lose what was not synced and tear
//! the last write.

mod direct_file;
mod local;
mod simulated;

pub use direct_file::DirectFile;
pub use local::LocalDisk;
pub use simulated::SimulatedDisk;

use std::{fmt, io, sync::Arc};

/// Block size that offsets, lengths and addresses of [`DiskFile::write_at`] and [`DirectFile`] are multiples of, in bytes.
pub const BLOCK_BYTES: usize = 4096;

/// A directory that one process owns.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Where the directory is, for messages.
    fn describe(&self) -> String;

    /// Takes the directory's lock until the returned value is dropped.
    ///
    /// # Errors
    /// `WouldBlock` when another process holds it.
    fn lock(&self) -> io::Result<Box<dyn Send + Sync>>;

    /// The names and lengths in bytes of the files, sorted by name.
    ///
    /// # Errors
    /// The operating system's.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;

    /// Reads a whole small file; `None` when there is none of that name.
    ///
    /// # Errors
    /// The operating system's.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Replaces a small file: after success the new content survives a power cut, after an error the old or the new.
    ///
    /// # Errors
    /// The operating system's.
    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()>;

    /// Makes a file of `length` zero bytes that are written out (not merely reserved) and synced, name included.
    ///
    /// # Errors
    /// The operating system's; the half-made file is removed.
    fn create(&self, name: &str, length: u64) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// The operating system's.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Renames a file, durably.
    ///
    /// # Errors
    /// The operating system's.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file, durably.
    ///
    /// # Errors
    /// The operating system's.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Bytes that can still be written.
    ///
    /// # Errors
    /// The operating system's.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// An open file of fixed length.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Writes whole blocks; durable only after [`DiskFile::sync`]. `bytes` starts at a block-aligned address.
    ///
    /// # Errors
    /// The operating system's; what was written is then unknown.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes every earlier write durable. After an error nothing about them is known: never retry.
    ///
    /// # Errors
    /// The operating system's.
    fn sync(&self) -> io::Result<()>;

    /// Fills `bytes` from `offset`.
    ///
    /// # Errors
    /// The operating system's; `UnexpectedEof` past the end.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// The file's length in bytes.
    fn length(&self) -> u64;
}
