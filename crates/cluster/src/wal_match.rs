//! Whether the WAL on this disk is the one that metadata remembers (DESIGN section 5, "Return with disk"). Pure.

use crate::cluster::wal_identity::WalOnDisk;
use model::WalId;

/// What metadata remembers of a broker's WAL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RememberedWal {
    /// Its id.
    pub id: WalId,
    /// Its generation, as of the last registration.
    pub generation: u64,
    /// Whether it may be of any later one: metadata was rebuilt from an older snapshot.
    pub generation_is_a_floor: bool,
    /// The largest WAL position that its commits knew synced.
    pub synced: u64,
}

/// What is to be done with the WAL on this disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum WalVerdict {
    /// Metadata knows nothing of this id: a new disk. It can claim nothing.
    New,
    /// It is the remembered one, whole: its partitions are re-claimed and its frames replayed.
    Remembered,
    /// It bears a remembered id but is not what was remembered: it takes a new id before anything else.
    Mismatch(String),
}

/// Judges the disk. `named` says whether an owner record names the disk's id.
pub(crate) fn judge(
    remembered: Option<&RememberedWal>,
    disk: &WalOnDisk,
    named: bool,
) -> WalVerdict {
    match remembered {
        Some(known) if known.id == disk.id => judge_same_id(known, disk),
        _ if named => WalVerdict::Mismatch(format!(
            "owner records name WAL {}, but this broker last ran with another one",
            disk.id
        )),
        _ => WalVerdict::New,
    }
}

fn judge_same_id(known: &RememberedWal, disk: &WalOnDisk) -> WalVerdict {
    let one_ahead = known.generation.checked_add(1);
    let is_later = known.generation_is_a_floor && disk.generation > known.generation;
    if disk.generation != known.generation && Some(disk.generation) != one_ahead && !is_later {
        return WalVerdict::Mismatch(format!(
            "WAL {} is of generation {} on disk and {} in metadata: the disk is an older copy",
            disk.id, disk.generation, known.generation
        ));
    }
    if disk.recovered_end < known.synced {
        return WalVerdict::Mismatch(format!(
            "WAL {} ends at {} on disk, but was synced up to {}: the disk was rolled back",
            disk.id, disk.recovered_end, known.synced
        ));
    }
    WalVerdict::Remembered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> WalId {
        WalId::from_bytes([byte; 16])
    }

    fn disk(byte: u8, generation: u64, recovered_end: u64) -> WalOnDisk {
        WalOnDisk { id: id(byte), generation, recovered_end }
    }

    const KNOWN: (u64, u64) = (7, 1_000);

    fn judged(on_disk: WalOnDisk, named: bool) -> WalVerdict {
        judge(Some(&known(false)), &on_disk, named)
    }

    fn known(generation_is_a_floor: bool) -> RememberedWal {
        let (generation, synced) = KNOWN;
        RememberedWal { id: id(1), generation, generation_is_a_floor, synced }
    }

    #[test]
    fn after_a_recovery_a_disk_of_a_later_generation_matches() {
        let later = disk(1, 12, 1_000);
        assert_eq!(judge(Some(&known(true)), &later, true), WalVerdict::Remembered);
        let older = disk(1, 6, 1_000);
        assert!(matches!(judge(Some(&known(true)), &older, true), WalVerdict::Mismatch(_)));
    }

    #[test]
    fn a_disk_at_the_stored_generation_or_one_ahead_matches() {
        assert_eq!(judged(disk(1, 7, 1_000), true), WalVerdict::Remembered);
        assert_eq!(judged(disk(1, 8, 1_000), true), WalVerdict::Remembered);
    }

    #[test]
    fn a_disk_of_another_generation_is_an_older_copy() {
        assert!(matches!(judged(disk(1, 6, 1_000), true), WalVerdict::Mismatch(_)));
        assert!(matches!(judged(disk(1, 9, 1_000), true), WalVerdict::Mismatch(_)));
    }

    #[test]
    fn a_disk_that_ends_below_a_synced_position_was_rolled_back() {
        assert!(matches!(judged(disk(1, 7, 999), true), WalVerdict::Mismatch(_)));
    }

    #[test]
    fn an_empty_disk_with_an_id_of_its_own_is_new() {
        assert_eq!(judged(disk(2, 0, 0), false), WalVerdict::New);
        assert_eq!(judge(None, &disk(2, 0, 0), false), WalVerdict::New);
    }

    #[test]
    fn a_disk_that_owner_records_name_but_the_broker_left_is_no_match() {
        assert!(matches!(judged(disk(2, 3, 0), true), WalVerdict::Mismatch(_)));
        assert!(matches!(judge(None, &disk(2, 3, 0), true), WalVerdict::Mismatch(_)));
    }
}
