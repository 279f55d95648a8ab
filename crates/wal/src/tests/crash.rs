//! Power cuts: what was said to be durable survives, in order; nothing else is made up.

use super::support::{append, append_sized, append_synced, offsets, open};
use crate::{Durability, LocalWal, Wal, WalPosition};
use runtime::{Randomness, disk::SimulatedDisk};

/// One life of random appends, steps and releases that ends in a power cut.
struct Life<'a> {
    wal: LocalWal,
    randomness: &'a Randomness,
    /// Ends of the frames that hold the offsets from `first_offset` on.
    ends: Vec<WalPosition>,
    first_offset: u64,
    /// Offsets below this were released, in this life or before.
    released: u64,
}

impl Life<'_> {
    fn live(&mut self) {
        for _ in 0..self.randomness.below(60) {
            match self.randomness.below(9) {
                0..4 => self.append(),
                4..7 => self.wal.step(),
                7 => self.wal.request_sync(),
                _ => self.release(),
            }
        }
    }

    fn append(&mut self) {
        let durability = match self.randomness.below(2) {
            0 => Durability::Synced,
            _ => Durability::Written,
        };
        let offset = self.first_offset + self.ends.len() as u64;
        let bytes = self.randomness.below(9_000) as usize;
        self.ends.push(append_sized(&self.wal, offset, bytes, durability).end);
    }

    /// Releases some of what is durable.
    fn release(&mut self) {
        let durable = self.acknowledged() - self.first_offset;
        let count = self.randomness.below(durable + 1);
        if count > 0 {
            self.wal.release(self.ends[count as usize - 1]);
            self.released = self.released.max(self.first_offset + count);
        }
    }

    /// The offset after the last durable frame.
    fn acknowledged(&self) -> u64 {
        let synced = self.wal.synced();
        self.first_offset + self.ends.partition_point(|end| *end <= synced) as u64
    }
}

#[test]
fn what_was_synced_survives_a_chain_of_power_cuts_in_order() {
    for seed in 0..200 {
        let randomness = Randomness::seeded(seed);
        let mut disk = SimulatedDisk::new();
        let (mut released, mut acknowledged, mut synced) = (0, 0, WalPosition(0));
        for _ in 0..5 {
            let (wal, recovery) = open(&disk);
            assert!(wal.end() >= synced, "seed {seed}: positions went back");
            let found = offsets(&recovery.frames);
            let first_offset = found.first().copied().unwrap_or(acknowledged);
            let next_offset = first_offset + found.len() as u64;
            assert!(first_offset <= released, "seed {seed}: unreleased frames are lost");
            assert!(next_offset >= acknowledged, "seed {seed}: synced frames are lost");
            assert!(found.into_iter().eq(first_offset..next_offset), "seed {seed}: not in order");
            let ends = recovery.frames.iter().map(|frame| frame.end).collect();
            let mut life = Life { wal, randomness: &randomness, ends, first_offset, released };
            life.live();
            (released, acknowledged, synced) =
                (life.released, life.acknowledged(), life.wal.synced());
            disk = disk.crash(&randomness);
        }
    }
}

#[test]
fn a_torn_tail_is_cut_and_appending_goes_on_behind_it() {
    let mut cut = 0;
    for seed in 0..40 {
        let disk = SimulatedDisk::new();
        let (wal, _) = open(&disk);
        append_synced(&wal, 0..3);
        for offset in 3..6 {
            append_sized(&wal, offset, 9_000, Durability::Written);
            wal.step();
        }
        let disk = disk.crash(&Randomness::seeded(seed));
        let (wal, recovery) = open(&disk);
        let found = offsets(&recovery.frames);
        assert!(found.len() >= 3 && found.iter().copied().eq(0..found.len() as u64));
        cut += u64::from(recovery.torn_bytes > 0);
        let next = found.len() as u64;
        append_synced(&wal, next..next + 2);
        let (_wal, recovery) = open(&disk.crash(&Randomness::seeded(seed)));
        assert_eq!(offsets(&recovery.frames), (0..next + 2).collect::<Vec<_>>(), "seed {seed}");
    }
    assert!(cut > 0, "some seed tears");
}

#[test]
fn an_intact_group_behind_a_torn_one_does_not_come_back_in_a_later_life() {
    for seed in 0..40 {
        let disk = SimulatedDisk::new();
        let (wal, _) = open(&disk);
        append_synced(&wal, 0..1);
        for offset in 1..4 {
            append(&wal, offset, Durability::Written);
            wal.step();
        }
        let disk = disk.crash(&Randomness::seeded(seed));
        let (wal, recovery) = open(&disk);
        let kept = recovery.frames.len() as u64;
        // Frames of the same size as those that were cut, so that they take the same positions.
        for offset in 100..103 {
            append(&wal, offset, Durability::Synced);
            wal.step();
        }
        let (_wal, recovery) = open(&disk.crash(&Randomness::seeded(seed)));
        let expected: Vec<_> = (0..kept).chain(100..103).collect();
        assert_eq!(offsets(&recovery.frames), expected, "seed {seed}");
    }
}

#[test]
fn what_was_recovered_survives_the_next_power_cut() {
    for seed in 0..20 {
        let disk = SimulatedDisk::new();
        let (wal, _) = open(&disk);
        for offset in 0..4 {
            append(&wal, offset, Durability::Written);
            wal.step();
        }
        // The process dies, the machine does not: unsynced writes are still readable.
        std::mem::forget(wal);
        let disk = disk.restart();
        let (_wal, recovery) = open(&disk);
        assert_eq!(offsets(&recovery.frames), [0, 1, 2, 3]);
        let (_wal, recovery) = open(&disk.crash(&Randomness::seeded(seed)));
        assert_eq!(offsets(&recovery.frames), [0, 1, 2, 3], "seed {seed}");
    }
}

#[test]
fn a_clean_stop_leaves_no_torn_bytes_and_every_frame() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    append_synced(&wal, 0..3);
    append(&wal, 3, Durability::Written);
    wal.close().unwrap();
    let (wal, recovery) = open(&disk);
    assert_eq!(offsets(&recovery.frames), [0, 1, 2, 3]);
    assert_eq!(recovery.torn_bytes, 0);
    assert_eq!(wal.unreleased_bytes(), wal.end().0);
    assert_eq!(wal.synced(), wal.end());
}
