//! What holds WAL space, and what lets it go.

use super::*;
use model::{ClusterId, PartitionIndex, TopicId, WalId};
use wal::{MemoryWal, WalIdentity};

const FRAME_BYTES: u64 = 100;

fn wal(max_bytes: u64) -> MemoryWal {
    let cluster = ClusterId::new("test").expect("a cluster id");
    let identity = WalIdentity { cluster, id: WalId::from_bytes([1; 16]), generation: 1 };
    MemoryWal::new(identity, max_bytes)
}

fn ledger(wal: &MemoryWal) -> WalLedger {
    WalLedger::new(Arc::new(wal.clone()), &[])
}

fn partition(index: u32) -> PartitionId {
    PartitionId {
        topic: TopicId::from_bytes([1; 16]),
        partition: PartitionIndex::new(index).expect("small"),
    }
}

fn offset(value: u64) -> Offset {
    Offset::new(value).expect("small")
}

fn append(ledger: &WalLedger, index: u32, base: u64) -> Result<Appended, WalError> {
    let meta = FrameMeta {
        partition: partition(index),
        base_offset: offset(base),
        leader_epoch: LeaderEpoch::ZERO,
    };
    let payload = vec![0; FRAME_BYTES as usize];
    ledger.append(meta, offset(base + 1), &[&payload], Durability::Written)
}

#[test]
fn space_is_released_up_to_the_first_frame_that_is_not_committed() {
    let wal = wal(1 << 20);
    let ledger = ledger(&wal);
    let first = append(&ledger, 0, 0).expect("room");
    append(&ledger, 1, 0).expect("room");
    let third = append(&ledger, 0, 1).expect("room");
    ledger.committed([(partition(0), offset(2))]);
    assert_eq!(wal.unreleased_bytes(), third.end.0 - first.end.0);
    ledger.committed([(partition(1), offset(1))]);
    assert_eq!(wal.unreleased_bytes(), 0);
}

#[test]
fn frames_of_a_closed_partition_hold_nothing() {
    let wal = wal(1 << 20);
    let ledger = ledger(&wal);
    append(&ledger, 0, 0).expect("room");
    append(&ledger, 1, 0).expect("room");
    ledger.committed([(partition(1), offset(1))]);
    ledger.abandon(partition(0));
    assert_eq!(ledger.take_synced().len(), 0);
    append(&ledger, 1, 1).expect("room");
    ledger.committed([(partition(1), offset(2))]);
    assert_eq!(wal.unreleased_bytes(), 0);
}

#[test]
fn quarantined_frames_are_kept_until_the_wal_is_full() {
    let wal = wal(400);
    let ledger = ledger(&wal);
    append(&ledger, 0, 0).expect("room");
    ledger.quarantine(partition(0), LeaderEpoch::ZERO.next());
    append(&ledger, 1, 0).expect("room");
    ledger.committed([(partition(1), offset(1))]);
    assert!(wal.unreleased_bytes() > 300);
    append(&ledger, 1, 1).expect("the quarantined frame makes room");
    append(&ledger, 1, 2).expect("room");
    assert!(append(&ledger, 1, 3).is_err(), "what is not committed is never given up");
}

#[test]
fn what_is_synced_is_told_once_by_partition() {
    let wal = wal(1 << 20);
    let ledger = ledger(&wal);
    append(&ledger, 0, 0).expect("room");
    append(&ledger, 0, 1).expect("room");
    assert!(ledger.take_synced().is_empty());
    wal.sync_now();
    assert_eq!(ledger.take_synced(), BTreeMap::from([(partition(0), offset(2))]));
    assert!(ledger.take_synced().is_empty());
}
