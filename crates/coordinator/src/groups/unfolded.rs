//! [`Unfolded`]: what was appended and is not yet in the chunks of offsets.
//!
//! Folding pays off when many commits are about few chunks; a slot at rest is folded all the same, so that it loads from
//! chunks alone.

use crate::group::{GroupId, Time, offsets::Chunk};
use std::{collections::BTreeSet, time::Duration};

/// Commits before a fold: a fixed number, and so many for each chunk that would be written.
const COMMITS: usize = 512;
const COMMITS_PER_CHUNK: usize = 16;

/// No commit waits longer.
const LONGEST: Duration = Duration::from_mins(1);

/// What a fold would do.
#[derive(Debug, Default)]
pub(super) struct Unfolded {
    chunks: BTreeSet<(GroupId, Chunk)>,
    commits: usize,
    since: Option<Time>,
}

impl Unfolded {
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
        self.commits >= COMMITS + COMMITS_PER_CHUNK * self.chunks.len()
            || self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// When a fold is due, whatever happens.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.since.map(|since| since.saturating_add(LONGEST))
    }

    /// Takes what is to be folded now.
    pub(super) fn take(&mut self) -> BTreeSet<(GroupId, Chunk)> {
        std::mem::take(self).chunks
    }
}
