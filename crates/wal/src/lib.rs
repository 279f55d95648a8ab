//! The write-ahead log port: local NVMe and memory.
//!
//! One WAL is one directory on one disk, written by one thread. [`Wal::append`] copies a batch once, into a
//! reference-counted aligned buffer, and hands back the slice; everything downstream (upload, tail reads) shares it.

mod memory;
pub mod port;

pub use memory::MemoryWal;
pub use port::{
    Appended, Durability, FrameMeta, RecoveredFrame, Recovery, Wal, WalError, WalIdentity,
    WalObserver, WalPosition,
};
