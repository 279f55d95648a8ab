//! Appending to the WAL: what the caller pays (one copy into the log buffer), and how long a synced append takes on this disk.

#![expect(clippy::unwrap_used, reason = "a bench ends at its first surprise")]

use criterion::{Criterion, Throughput};
use model::{ClusterId, LeaderEpoch, Offset, PartitionId, PartitionIndex, TopicId};
use runtime::{Randomness, disk::LocalDisk};
use std::{hint::black_box, sync::Arc, thread};
use wal::{Durability, FrameMeta, LocalWal, LocalWalOptions, Wal, WalError, WalPosition};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    // Not /tmp, which may be memory.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let disk = Arc::new(LocalDisk::open(directory.path()).unwrap());
    let options = LocalWalOptions::new(ClusterId::new("bench").unwrap());
    let (wal, _) = LocalWal::open(disk, options, &Randomness::seeded(1)).unwrap();
    for bytes in [1 << 10, 16 << 10, 128 << 10] {
        measure(&mut criterion, &wal, bytes);
    }
    wal.close().unwrap();
    criterion.final_summary();
}

fn measure(criterion: &mut Criterion, wal: &LocalWal, bytes: usize) {
    let batch = vec![7; bytes];
    let mut group = criterion.benchmark_group(format!("WAL append of {} KiB", bytes >> 10));
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("written", |bencher| {
        bencher.iter(|| append(wal, black_box(&batch), Durability::Written));
    });
    group.bench_function("synced", |bencher| {
        bencher.iter(|| {
            let end = append(wal, black_box(&batch), Durability::Synced);
            while wal.synced() < end {
                thread::yield_now();
            }
            wal.release(end);
        });
    });
    group.finish();
}

/// Appends, at the pace of the disk once the memory for unwritten frames is used up. Frees what is synced.
fn append(wal: &LocalWal, batch: &[u8], durability: Durability) -> WalPosition {
    // As they come from a produce request: a patched head and the client's bytes.
    let (head, rest) = batch.split_at(16);
    loop {
        match wal.append(meta(), &[head, rest], durability) {
            Ok(appended) => return appended.end,
            Err(WalError::Full { .. }) => {
                wal.request_sync();
                wal.release(wal.synced());
                thread::yield_now();
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn meta() -> FrameMeta {
    let partition = PartitionIndex::new(0).unwrap();
    FrameMeta {
        partition: PartitionId { topic: TopicId::from_bytes([1; 16]), partition },
        base_offset: Offset::new(0).unwrap(),
        leader_epoch: LeaderEpoch::new(0).unwrap(),
    }
}
