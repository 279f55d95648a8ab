//! Notices leader epochs that rise by more than one at once. Every change of owner takes the next epoch, so one that skips some was
//! written by nobody who went by the record before it: a new generation after `alluvium recover`, or a hand in the store.

use crate::{stored::Stored, view::View};
use formats::metadata::Owner;
use metadata::{Event, EventKind, Revision, families::Keys};
use model::PartitionId;

/// Counts and logs what `event`, which `view` has not taken in yet, jumps over.
pub(crate) fn look(keys: &Keys, view: &View, event: &Event) {
    let EventKind::Put(entry) = &event.kind else { return };
    let Some(partition) = keys.parse_owner(&entry.key) else { return };
    // What can't be read is told where it is taken in.
    if let (Some(known), Ok(next)) = (view.owners.get(&partition), Stored::from_entry(entry)) {
        tell(partition, known, &next.value, next.modified);
    }
}

/// The same of a record that is known to be stored at `at`, before its watch brings it.
pub(crate) fn tell(partition: PartitionId, known: &Stored<Owner>, next: &Owner, at: Revision) {
    if !is_jump(known, next, at) {
        return;
    }
    metrics::counter!("cluster_epoch_jumps_total").increment(1);
    tracing::warn!(
        %partition,
        from = known.value.leader_epoch,
        to = next.leader_epoch,
        "the leader epoch of a partition jumped: after `alluvium recover` this is expected once; else somebody wrote owner records by hand, run `alluvium fsck`"
    );
}

fn is_jump(known: &Stored<Owner>, next: &Owner, at: Revision) -> bool {
    at > known.modified && next.leader_epoch > known.value.leader_epoch.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jumps(known: u32, next: u32, at: u64) -> bool {
        let owner = |leader_epoch| Owner { format: 1, leader_epoch, ..Owner::default() };
        let known = Stored { value: owner(known), created: Revision(1), modified: Revision(5) };
        is_jump(&known, &owner(next), Revision(at))
    }

    #[test]
    fn the_next_epoch_is_no_jump_and_one_beyond_is() {
        assert!(!jumps(3, 3, 6), "other terms");
        assert!(!jumps(3, 4, 6));
        assert!(jumps(3, 5, 6));
        assert!(jumps(3, (1 << 20) + 1, 6), "a new generation");
    }

    #[test]
    fn a_change_that_was_known_before_its_watch_brought_it_is_no_jump() {
        assert!(!jumps(3, 9, 5));
    }
}
