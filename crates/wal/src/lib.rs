//! The write-ahead log port: a local disk, or memory.
//!
//! One WAL is one directory on one disk, written by one thread. [`Wal::append`] copies a batch once, into a
//! reference-counted aligned buffer, and hands back the slice; everything downstream (upload, tail reads) shares it.

mod contents;
mod directory;
mod file_name;
mod files;
mod group;
mod identity;
mod local;
mod log_buffer;
mod memory;
pub mod port;
mod queue;
mod recovery;
mod salvage;
mod scan;
mod writer;

pub use contents::{Content, ContentFile, ContentPlace, ContentStream, contents};
pub use local::{Drive, LocalWal, LocalWalOptions, Start};
pub use memory::MemoryWal;
pub use port::{
    Appended, Durability, FrameMeta, RecoveredFrame, Recovery, Wal, WalError, WalIdentity,
    WalObserver, WalPosition,
};
pub use salvage::{SalvagedFrame, salvage};

#[cfg(test)]
mod tests;
