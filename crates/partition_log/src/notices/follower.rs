//! [`Follower`]: how far another broker is behind, as this one sees it. Pure.

use model::PartitionId;
use runtime::BootTime;
use std::{collections::HashSet, time::Duration};

/// One that was not caught up for so long gets no consumers.
const LAG_MAX: Duration = Duration::from_secs(4);

/// One that did not ask for so long follows no more.
const GONE_AFTER: Duration = Duration::from_secs(60);

/// A broker that follows this one.
#[derive(Clone, Debug, Default)]
pub(super) struct Follower {
    /// When it asked last.
    asked_at: BootTime,
    /// What there was to know then.
    next_then: u64,
    /// When it last knew all that there was.
    caught_up_at: Option<BootTime>,
    unserved: HashSet<PartitionId>,
}

impl Follower {
    /// It asks, and knows everything before `position`; `None`: it has to find out first. There is `next` to know.
    pub(super) fn asked(
        &mut self,
        now: BootTime,
        position: Option<u64>,
        next: u64,
        unserved: HashSet<PartitionId>,
    ) {
        match position {
            None => self.caught_up_at = None,
            Some(position) if position >= next => self.caught_up_at = Some(now),
            // As a replica in Kafka: it has what there was when it asked before.
            Some(position) if position >= self.next_then => {
                self.caught_up_at = self.caught_up_at.max(Some(self.asked_at));
            }
            Some(_) => {}
        }
        (self.asked_at, self.next_then, self.unserved) = (now, next, unserved);
    }

    /// Whether it goes on asking.
    pub(super) fn is_there(&self, now: BootTime) -> bool {
        now.since(self.asked_at) < GONE_AFTER
    }

    /// Whether it is close behind.
    pub(super) fn is_current(&self, now: BootTime) -> bool {
        self.caught_up_at.is_some_and(|at| now.since(at) < LAG_MAX)
    }

    /// Whether it did not say that it can't serve the partition.
    pub(super) fn serves(&self, partition: PartitionId) -> bool {
        !self.unserved.contains(&partition)
    }
}
