//! [`Unfolded`]: what was appended and is not yet in the chunks of offsets.
//!
//! Folding pays off when many commits are about few chunks; a slot at rest is folded all the same, so that it loads from
//! chunks alone.

use crate::group::{GroupId, Time, offsets::Chunk};
use std::{collections::BTreeSet, time::Duration};

/// Commits before a fold: a fixed number, so many more for each place that a slot has among others, and so many for each chunk
/// that would be written.
const COMMITS: usize = 512;
const COMMITS_PER_PLACE: usize = 8;
const COMMITS_PER_CHUNK: usize = 16;

/// Slots have different places, in turn, so that those with as much to do don't all fold at the same moment.
const PLACES: u32 = 64;

/// No commit waits longer.
const LONGEST: Duration = Duration::from_mins(1);

/// What a fold would do.
#[derive(Debug, Default)]
pub(super) struct Unfolded {
    patience: usize,
    chunks: BTreeSet<(GroupId, Chunk)>,
    commits: usize,
    since: Option<Time>,
}

impl Unfolded {
    /// Nothing yet, in that slot.
    pub(super) fn of_slot(slot: u32) -> Self {
        Self { patience: (slot % PLACES) as usize * COMMITS_PER_PLACE, ..Self::default() }
    }

    /// A commit was appended.
    pub(super) fn add(
        &mut self,
        group: &GroupId,
        chunks: impl IntoIterator<Item = Chunk>,
        now: Time,
    ) {
        self.commits += 1;
        self.since.get_or_insert(now);
        self.chunks.extend(chunks.into_iter().map(|chunk| (group.clone(), chunk)));
    }

    /// Whether a fold pays off.
    pub(super) fn is_due(&self, now: Time) -> bool {
        self.commits >= COMMITS + self.patience + COMMITS_PER_CHUNK * self.chunks.len()
            || self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// When a fold is due, whatever happens.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.since.map(|since| since.saturating_add(LONGEST))
    }

    /// Takes what is to be folded now.
    pub(super) fn take(&mut self) -> BTreeSet<(GroupId, Chunk)> {
        (self.commits, self.since) = (0, None);
        std::mem::take(&mut self.chunks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::TopicId;

    /// How many commits of one chunk a slot takes until it folds.
    fn patience(slot: u32) -> usize {
        let mut unfolded = Unfolded::of_slot(slot);
        let chunk = Chunk { topic: TopicId::from_bytes([1; 16]), number: 0 };
        let now = Time::from_secs(1);
        (1..10_000)
            .find(|_| {
                unfolded.add(&"g".into(), [chunk], now);
                unfolded.is_due(now)
            })
            .unwrap()
    }

    #[test]
    fn slots_with_as_much_to_do_fold_at_different_moments() {
        let all: BTreeSet<usize> = (0..50).map(patience).collect();
        assert_eq!(all.len(), 50);
        assert!(
            all.last() <= all.first().map(|first| first * 2).as_ref(),
            "none waits much longer"
        );
    }
}
