//! Which snapshots have had their time. Pure.

use super::names::{Piece, SnapshotId};
use std::collections::BTreeMap;
use storage::ObjectName;

/// So many whole snapshots stay: all but the newest only in case it turns out to be damaged.
const KEPT: usize = 3;

/// The objects of snapshots that are in the bucket.
#[derive(Clone, Debug, Default)]
pub(super) struct Inventory {
    objects: BTreeMap<SnapshotId, Vec<ObjectName>>,
}

impl Inventory {
    /// Takes note of an object, if it is a snapshot's.
    pub(super) fn add(&mut self, object: ObjectName) {
        if let Some((id, _)) = SnapshotId::parse(&object) {
            self.objects.entry(id).or_default().push(object);
        }
    }

    /// Takes out what is older than the newest [`KEPT`] whole snapshots: heads first, so that none is left whose parts are gone.
    pub(super) fn take_superseded(&mut self) -> Vec<ObjectName> {
        let is_head =
            |object: &ObjectName| matches!(SnapshotId::parse(object), Some((_, Piece::Head)));
        let whole = self.objects.iter().rev().filter(|(_, objects)| objects.iter().any(is_head));
        let Some(oldest_kept) = whole.map(|(id, _)| *id).nth(KEPT - 1) else { return Vec::new() };
        let kept = self.objects.split_off(&oldest_kept);
        let superseded = std::mem::replace(&mut self.objects, kept);
        let (mut heads, parts): (Vec<_>, Vec<_>) =
            superseded.into_values().flatten().partition(is_head);
        heads.extend(parts);
        heads
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use metadata::Revision;

    fn id(generation: u64, revision: u64) -> SnapshotId {
        SnapshotId { generation, revision: Revision(revision), attempt: 7 }
    }

    fn inventory(whole: &[SnapshotId], begun: &[SnapshotId]) -> Inventory {
        let mut inventory = Inventory::default();
        for id in whole.iter().chain(begun) {
            inventory.add(id.part(0));
        }
        for id in whole {
            inventory.add(id.head());
        }
        inventory
    }

    #[test]
    fn the_newest_three_stay_and_heads_go_first() {
        let mut inventory = inventory(&[id(0, 1), id(0, 2), id(0, 3), id(0, 10)], &[]);
        assert_eq!(inventory.take_superseded(), [id(0, 1).head(), id(0, 1).part(0)]);
        assert!(inventory.take_superseded().is_empty());
    }

    #[test]
    fn what_has_no_head_is_not_counted_and_goes_with_those_older() {
        let begun = [id(0, 1), id(0, 5), id(0, 20)];
        let mut inventory = inventory(&[id(0, 3), id(0, 10), id(0, 11)], &begun);
        assert_eq!(inventory.take_superseded(), [id(0, 1).part(0)]);
    }

    #[test]
    fn a_later_generation_is_newer_whatever_its_revision() {
        let mut inventory = inventory(&[id(0, 900), id(1, 5), id(1, 6), id(1, 7)], &[]);
        assert_eq!(inventory.take_superseded(), [id(0, 900).head(), id(0, 900).part(0)]);
    }

    #[test]
    fn two_whole_snapshots_are_not_too_many() {
        assert!(inventory(&[id(0, 2), id(0, 3)], &[id(0, 1)]).take_superseded().is_empty());
    }

    #[test]
    fn other_objects_are_no_snapshots() {
        for name in ["snapshot/x", "data/ab/0/1", "snapshot/1/2-3/other", "snapshot/1/2-3/head/x"] {
            assert_eq!(SnapshotId::parse(&ObjectName::new(name).unwrap()), None);
        }
        assert_eq!(SnapshotId::parse(&id(1, 2).part(3)), Some((id(1, 2), Piece::Part)));
    }
}
