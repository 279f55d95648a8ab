//! Coordinator slots: the partitions of Kafka's internal topics. Who owns the partition coordinates what is hashed to it.
//!
//! So assignment, takeover and `FindCoordinator` are those of partitions, and the partition's leader epoch is the
//! coordinator's. The hash is Java's, as in Kafka: tools that compute a group's partition themselves find it.

use model::{LeaderEpoch, PartitionId};

/// The topic whose partitions are the slots of groups.
pub const GROUPS_TOPIC: &str = "__consumer_offsets";

/// The topic whose partitions are the slots of transactional ids.
pub const TRANSACTIONS_TOPIC: &str = "__transaction_state";

/// What a slot coordinates.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SlotKind {
    /// Groups and their offsets.
    Groups,
    /// Transactions.
    Transactions,
}

impl SlotKind {
    /// The kind whose slots are the partitions of `topic`; `None` for every other topic.
    pub fn of_topic(topic: &str) -> Option<Self> {
        match topic {
            GROUPS_TOPIC => Some(Self::Groups),
            TRANSACTIONS_TOPIC => Some(Self::Transactions),
            _ => None,
        }
    }

    /// The topic.
    pub fn topic(self) -> &'static str {
        match self {
            Self::Groups => GROUPS_TOPIC,
            Self::Transactions => TRANSACTIONS_TOPIC,
        }
    }
}

/// A slot that this broker's session owns, by an owner record known to be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotClaim {
    /// Of what.
    pub kind: SlotKind,
    /// The partition that it is; its index is the slot's.
    pub partition: PartitionId,
    /// The partition's leader epoch, which is the coordinator's.
    pub epoch: LeaderEpoch,
}

impl SlotClaim {
    /// The slot's number.
    pub fn index(&self) -> u32 {
        self.partition.partition.get()
    }
}

/// The slot, of `count`, that a group id or a transactional id belongs to. `count` is at least 1.
pub fn slot_of(id: &str, count: u32) -> u32 {
    let hash = java_hash(id);
    // As Kafka's `Utils.abs`: the one value without a positive counterpart counts as 0.
    let positive = hash.checked_abs().unwrap_or(0);
    positive.cast_unsigned() % count.max(1)
}

/// `String.hashCode()` of Java: over UTF-16 units.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16()
        .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_hash_as_in_java() {
        // From jshell: "…".hashCode().
        assert_eq!(java_hash(""), 0);
        assert_eq!(java_hash("hello"), 99_162_322);
        assert_eq!(java_hash("polygenelubricants"), i32::MIN);
        assert_eq!(java_hash("Übung-日本"), 1_402_376_620);
    }

    #[test]
    fn a_slot_lies_below_the_count_also_for_the_smallest_hash() {
        assert_eq!(slot_of("polygenelubricants", 50), 0);
        assert_eq!(slot_of("hello", 50), 22);
        assert!((0..1000).all(|number| slot_of(&format!("group-{number}"), 7) < 7));
    }

    #[test]
    fn only_the_internal_topics_have_slots() {
        for kind in [SlotKind::Groups, SlotKind::Transactions] {
            assert_eq!(SlotKind::of_topic(kind.topic()), Some(kind));
        }
        assert_eq!(SlotKind::of_topic("orders"), None);
    }
}
