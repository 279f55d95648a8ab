//! [`Damage`]: tells of stored bytes that readers found damaged or missing; of each place once, however often it is read.

use crate::ReadError;
use model::{Offset, PartitionId};
use parking_lot::Mutex;
use std::collections::BTreeSet;

/// Places remembered at most; beyond, all are forgotten, and told of again.
const PLACES: usize = 1024;

/// Where damage was told of.
#[derive(Debug, Default)]
pub(crate) struct Damage(Mutex<BTreeSet<(PartitionId, Offset)>>);

impl Damage {
    /// Counts a read that failed for damage, and logs it when the place is new.
    pub(crate) fn note<T>(&self, partition: PartitionId, read: &Result<T, ReadError>) {
        let Err(ReadError::Damaged { from, to, object, reason }) = read else { return };
        metrics::counter!("alluvium_damaged_reads_total").increment(1);
        let mut told = self.0.lock();
        if told.len() >= PLACES {
            told.clear();
        }
        if told.insert((partition, *from)) {
            tracing::error!(
                %partition, %from, %to, object, reason,
                "stored records are damaged: readers get an error there, other offsets stay readable. `alluvium fsck` says more; bring the object back from versions or a replica of the bucket"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{PartitionIndex, TopicId};

    #[test]
    fn a_place_is_told_of_once_and_places_are_bounded() {
        let partition = PartitionId {
            topic: TopicId::from_bytes([1; 16]),
            partition: PartitionIndex::new(0).unwrap(),
        };
        let damage = Damage::default();
        let at = |offset: u64| {
            let (from, object) = (Offset::default().plus(offset), "o".to_owned());
            let to = from.plus(1);
            Err::<(), _>(ReadError::Damaged { from, to, object, reason: "torn".to_owned() })
        };
        damage.note(partition, &at(1));
        damage.note(partition, &at(1));
        damage.note(partition, &Ok(()));
        damage.note(partition, &Err::<(), _>(ReadError::NotOwner));
        assert_eq!(damage.0.lock().len(), 1);
        for offset in 0..5_000 {
            damage.note(partition, &at(offset));
        }
        assert!(damage.0.lock().len() <= PLACES);
    }
}
