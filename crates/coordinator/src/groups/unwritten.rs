//! [`Unwritten`]: what the slot's log does not tell yet, by name only; what is so is looked up when it is written.
//!
//! So something that changes often is written once, and no more is kept than there are groups and offsets.

use crate::group::GroupId;
use model::TopicId;
use std::{
    collections::BTreeSet,
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};
use tokio::sync::Notify;

/// What a record is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Subject {
    Group(GroupId),
    Offset(GroupId, TopicId, u32),
}

/// Subjects to be written.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    changed: BTreeSet<Subject>,
    /// What is left of everything, while everything is written again.
    again: BTreeSet<Subject>,
    /// Where it was taken last: none waits until all before it are at rest.
    last: Option<Subject>,
    wake: Arc<Notify>,
}

impl Unwritten {
    /// Nothing; `wake` is told when there is something.
    pub(super) fn new(wake: Arc<Notify>) -> Self {
        Self { wake, ..Self::default() }
    }

    /// Something changed.
    pub(super) fn add(&mut self, subject: Subject) {
        self.changed.insert(subject);
        self.wake.notify_one();
    }

    /// Everything there is is to be written.
    pub(super) fn add_all(&mut self, subjects: impl IntoIterator<Item = Subject>) {
        self.again.extend(subjects);
        if !self.again.is_empty() {
            self.wake.notify_one();
        }
    }

    /// Takes what is to be written next.
    pub(super) fn take(&mut self) -> Option<Subject> {
        if let Some(subject) = self.again.pop_first() {
            self.changed.remove(&subject);
            return Some(subject);
        }
        let after = self.last.as_ref().map_or(Unbounded, Excluded);
        let next = self.changed.range((after, Unbounded)).next();
        let next = next.or_else(|| self.changed.first()).cloned();
        self.changed.remove(next.as_ref()?);
        self.last.clone_from(&next);
        next
    }

    /// Whether something is left of everything.
    pub(super) fn is_rewriting(&self) -> bool {
        !self.again.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str) -> Subject {
        Subject::Group(name.into())
    }

    #[test]
    fn what_changes_twice_is_taken_once() {
        let mut unwritten = Unwritten::default();
        for name in ["a", "b", "a"] {
            unwritten.add(group(name));
        }
        assert_eq!(unwritten.take(), Some(group("a")));
        assert_eq!(unwritten.take(), Some(group("b")));
        assert_eq!(unwritten.take(), None);
    }

    #[test]
    fn what_changes_all_the_time_keeps_nothing_else_waiting() {
        let mut unwritten = Unwritten::default();
        for name in ["a", "b", "c"] {
            unwritten.add(group(name));
        }
        let taken: Vec<_> = (0..3)
            .map(|_| {
                let taken = unwritten.take();
                unwritten.add(group("a"));
                taken.unwrap()
            })
            .collect();
        assert_eq!(taken, [group("a"), group("b"), group("c")]);
    }

    #[test]
    fn everything_is_written_before_what_changed_since_and_once() {
        let mut unwritten = Unwritten::default();
        unwritten.add(group("new"));
        unwritten.add(group("a"));
        unwritten.add_all([group("a"), group("b")]);
        assert!(unwritten.is_rewriting());
        assert_eq!(unwritten.take(), Some(group("a")));
        assert_eq!(unwritten.take(), Some(group("b")));
        assert!(!unwritten.is_rewriting());
        assert_eq!(unwritten.take(), Some(group("new")));
        assert_eq!(unwritten.take(), None);
    }
}
