//! Snapshots of metadata in the bucket.

mod changes;
mod choice;
mod keeper;
mod names;
mod pages;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use keeper::SnapshotKeeper;
pub(crate) use pages::Pages;
pub(crate) use read::put_all;
pub use read::{PutBack, put_back};
