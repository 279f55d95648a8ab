//! Batches, disks and observers that the tests share.

use crate::{
    Appended, Drive, Durability, FrameMeta, LocalWal, LocalWalOptions, RecoveredFrame, Recovery,
    Start, Wal, WalError, WalObserver, WalPosition,
    file_name::{FileName, Role},
};
use bytes::Bytes;
use formats::{
    compression::Codec,
    record_batch::{BatchBuilder, TimestampType},
};
use model::{ClusterId, LeaderEpoch, Offset, PartitionId, PartitionIndex, TopicId};
use parking_lot::Mutex;
use runtime::{
    Randomness,
    disk::{Disk, SimulatedDisk},
};
use std::{ops::Range, sync::Arc};

pub(super) const BLOCK: u64 = 4096;

pub(super) fn cluster() -> ClusterId {
    ClusterId::new("test").unwrap()
}

/// Small files, and nothing happens but in [`LocalWal::step`].
pub(super) fn options() -> LocalWalOptions {
    LocalWalOptions {
        file_bytes: 16 * BLOCK,
        max_bytes: 1 << 30,
        drive: Drive::Manual,
        ..LocalWalOptions::new(cluster())
    }
}

pub(super) fn open(disk: &(impl Disk + Clone + 'static)) -> (LocalWal, Recovery) {
    try_open(disk, options()).unwrap()
}

pub(super) fn open_afresh(disk: &(impl Disk + Clone + 'static)) -> (LocalWal, Recovery) {
    let options = LocalWalOptions { start: Start::Afresh, ..options() };
    LocalWal::open(Arc::new(disk.clone()), options, &Randomness::seeded(8)).unwrap()
}

pub(super) fn try_open(
    disk: &(impl Disk + Clone + 'static),
    options: LocalWalOptions,
) -> Result<(LocalWal, Recovery), WalError> {
    LocalWal::open(Arc::new(disk.clone()), options, &Randomness::seeded(7))
}

pub(super) fn meta(base_offset: u64) -> FrameMeta {
    let topic = TopicId::from_bytes([9; 16]);
    FrameMeta {
        partition: PartitionId { topic, partition: PartitionIndex::new(2).unwrap() },
        base_offset: Offset::new(base_offset).unwrap(),
        leader_epoch: LeaderEpoch::new(3).unwrap(),
    }
}

/// The batch that [`meta`] describes, with a value of `value_bytes`.
pub(super) fn batch(base_offset: u64, value_bytes: usize) -> Bytes {
    let value = vec![base_offset as u8; value_bytes];
    let mut builder = BatchBuilder::new(Codec::None)
        .base_offset(base_offset as i64)
        .leader_epoch(3)
        .timestamp_type(TimestampType::CreateTime);
    builder.push(1_000, None, Some(&value), &[]);
    builder.build()
}

/// A disk with two synced frames and two that nobody waited for, after a restart.
pub(super) fn disk_with_a_tail() -> SimulatedDisk {
    disk_of(0..2, 2..4)
}

/// A disk after a restart, with these frames: synced ones, and ones that nobody waited for.
pub(super) fn disk_of(synced: Range<u64>, written: Range<u64>) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    append_synced(&wal, synced);
    for offset in written {
        append(&wal, offset, Durability::Written);
        wal.step();
    }
    std::mem::forget(wal);
    disk.restart()
}

/// A disk on which a WAL of frames 0 and 1 is in quarantine, beside one that has frame 7.
pub(super) fn disk_with_quarantine() -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    append_synced(&wal, 0..2);
    drop(wal);
    let (wal, _) = open_afresh(&disk);
    append_synced(&wal, 7..8);
    disk
}

/// Appends the batch of that offset.
pub(super) fn append(wal: &dyn Wal, base_offset: u64, durability: Durability) -> Appended {
    append_sized(wal, base_offset, 100, durability)
}

pub(super) fn append_sized(
    wal: &dyn Wal,
    base_offset: u64,
    value_bytes: usize,
    durability: Durability,
) -> Appended {
    let batch = batch(base_offset, value_bytes);
    let (head, rest) = batch.split_at(16);
    wal.append(meta(base_offset), &[head, rest], durability).unwrap()
}

/// Appends the batches of `offsets` in groups of one, each synced.
pub(super) fn append_synced(wal: &LocalWal, offsets: std::ops::Range<u64>) -> Vec<Appended> {
    let append_one = |offset| {
        let appended = append(wal, offset, Durability::Synced);
        wal.step();
        assert!(wal.synced() >= appended.end);
        appended
    };
    offsets.map(append_one).collect()
}

pub(super) fn offsets(frames: &[RecoveredFrame]) -> Vec<u64> {
    frames.iter().map(|frame| frame.meta.base_offset.get()).collect()
}

/// The files of that role, by name.
pub(super) fn files(disk: &SimulatedDisk, role: Role) -> Vec<String> {
    let names = disk.list().unwrap().into_iter().map(|(name, _)| name);
    let has_role = |name: &String| name.parse::<FileName>().is_ok_and(|name| name.role == role);
    names.filter(has_role).collect()
}

/// Remembers what it was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) synced: Mutex<Vec<WalPosition>>,
    pub(super) failed: Mutex<Vec<String>>,
}

impl WalObserver for Told {
    fn synced(&self, through: WalPosition) {
        self.synced.lock().push(through);
    }

    fn failed(&self, error: &WalError) {
        self.failed.lock().push(error.to_string());
    }
}
