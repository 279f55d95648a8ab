//! Leader epochs and producer ids carry the cluster's generation in their high bits, so that none of an earlier generation is
//! ever given again, whatever `alluvium recover` could not find.

use model::LeaderEpoch;

/// Epochs a partition can use up before it runs into the next generation's: 2^20.
const EPOCH_BITS: u32 = 20;
/// Producer ids a generation can use up: 2^40.
const PRODUCER_ID_BITS: u32 = 40;

/// The epoch after `last` (`None`: nobody has owned the partition); `None` when they are used up.
pub(crate) fn next_epoch(last: Option<u32>, generation: u64) -> Option<LeaderEpoch> {
    let floor = u32::try_from(generation).ok()?.checked_mul(1 << EPOCH_BITS)?.checked_add(1)?;
    let after = last.unwrap_or(0).checked_add(1)?;
    LeaderEpoch::new(after.max(floor))
}

/// The first producer id of a generation.
pub(crate) fn first_producer_id(generation: u64) -> Option<u64> {
    generation.checked_mul(1 << PRODUCER_ID_BITS).filter(|id| i64::try_from(*id).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_generation_counts_from_one() {
        assert_eq!(next_epoch(None, 0), LeaderEpoch::new(1));
        assert_eq!(next_epoch(Some(1), 0), LeaderEpoch::new(2));
        assert_eq!(first_producer_id(0), Some(0));
    }

    proptest! {
        #[test]
        fn epochs_only_grow(last in 0..i32::MAX as u32, generation in 0..4_000_u64) {
            if let Some(next) = next_epoch(Some(last), generation) {
                prop_assert!(next.get() > last);
                prop_assert!(u64::from(next.get()) > generation << EPOCH_BITS);
            }
        }
    }
}
