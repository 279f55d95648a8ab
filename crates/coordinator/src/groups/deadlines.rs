//! [`Deadlines`]: when which group must be looked at.
//!
//! A group is looked at no later than its deadline, and perhaps earlier: heartbeats only move deadlines back, and are not
//! told here.

use crate::group::{GroupId, Time};
use std::collections::{BTreeSet, HashMap};

/// One deadline for each group that has any.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    queue: BTreeSet<(Time, GroupId)>,
    queued: HashMap<GroupId, Time>,
}

impl Deadlines {
    /// The group must be looked at by `deadline`; whether that is sooner than anything known before.
    pub(super) fn at(&mut self, group: &GroupId, deadline: Option<Time>) -> bool {
        let Some(deadline) = deadline else { return false };
        if self.queued.get(group).is_some_and(|queued| *queued <= deadline) {
            return false;
        }
        if let Some(later) = self.queued.insert(group.clone(), deadline) {
            self.queue.remove(&(later, group.clone()));
        }
        let sooner = self.first().is_none_or(|first| deadline < first);
        self.queue.insert((deadline, group.clone()));
        sooner
    }

    /// The first deadline.
    pub(super) fn first(&self) -> Option<Time> {
        self.queue.first().map(|(time, _)| *time)
    }

    /// Takes a group whose deadline has passed.
    pub(super) fn take_due(&mut self, now: Time) -> Option<GroupId> {
        let (time, _) = self.queue.first()?;
        if *time > now {
            return None;
        }
        let (_, group) = self.queue.pop_first()?;
        self.queued.remove(&group);
        Some(group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn seconds(seconds: u64) -> Time {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_group_is_looked_at_at_its_earliest_deadline_and_once() {
        let mut deadlines = Deadlines::default();
        let (one, other): (GroupId, GroupId) = ("one".into(), "other".into());
        assert!(deadlines.at(&one, Some(seconds(10))));
        assert!(deadlines.at(&one, Some(seconds(5))));
        assert!(!deadlines.at(&one, Some(seconds(20))));
        assert!(!deadlines.at(&other, Some(seconds(7))));
        assert!(!deadlines.at(&other, None));
        assert_eq!(deadlines.take_due(seconds(4)), None);
        assert_eq!(deadlines.take_due(seconds(7)), Some(one));
        assert_eq!(deadlines.take_due(seconds(7)), Some(other));
        assert_eq!((deadlines.take_due(seconds(99)), deadlines.first()), (None, None));
    }
}
