//! [`Unwritten`]: what the slot's log does not tell yet, by name only; what is so is looked up when it is written.
//!
//! So something that changes often is written once, and no more is kept than there are subjects.

use super::SlotRecord;
use crate::journal::Position;
use std::{
    collections::BTreeSet,
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
};
use tokio::sync::Notify;

/// What is written next.
#[derive(Debug)]
pub(crate) struct Batch<S> {
    pub(super) subjects: Vec<S>,
    pub(super) records: Vec<SlotRecord>,
    pub(super) bytes: usize,
    /// The journal has it from here on.
    pub(super) position: Position,
    pub(super) was_rewriting: bool,
    pub(super) is_rewriting: bool,
}

/// Subjects to be written: what records are about.
#[derive(Debug)]
pub(crate) struct Unwritten<S> {
    changed: BTreeSet<S>,
    /// What is left of everything, while everything is written again.
    again: BTreeSet<S>,
    /// Where it was taken last: none waits until all before it are at rest.
    last: Option<S>,
    wake: Arc<Notify>,
}

impl<S> Default for Unwritten<S> {
    fn default() -> Self {
        Self { changed: BTreeSet::new(), again: BTreeSet::new(), last: None, wake: Arc::default() }
    }
}

impl<S: Ord + Clone> Unwritten<S> {
    /// Nothing; `wake` is told when there is something.
    pub(crate) fn new(wake: Arc<Notify>) -> Self {
        Self { wake, ..Self::default() }
    }

    /// Something changed.
    pub(crate) fn add(&mut self, subject: S) {
        self.changed.insert(subject);
        self.wake.notify_one();
    }

    /// Everything there is is to be written.
    pub(crate) fn add_all(&mut self, subjects: impl IntoIterator<Item = S>) {
        self.again.extend(subjects);
        if !self.again.is_empty() {
            self.wake.notify_one();
        }
    }

    /// Takes what is to be written next.
    fn take(&mut self) -> Option<S> {
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

    /// Takes up to `limit` bytes of records, which the journal has from `position` on; a subject may have none.
    pub(crate) fn take_batch(
        &mut self,
        limit: usize,
        position: Position,
        mut record: impl FnMut(&S) -> Option<SlotRecord>,
    ) -> Batch<S> {
        let was_rewriting = self.is_rewriting();
        let (mut subjects, mut records, mut bytes) = (Vec::new(), Vec::new(), 0);
        while bytes < limit
            && let Some(subject) = self.take()
        {
            let told = record(&subject);
            bytes += told.as_ref().map_or(0, SlotRecord::bytes);
            records.extend(told);
            subjects.push(subject);
            if was_rewriting && !self.is_rewriting() {
                break;
            }
        }
        let is_rewriting = self.is_rewriting();
        Batch { subjects, records, bytes, position, was_rewriting, is_rewriting }
    }

    /// Gives back what could not be written.
    pub(crate) fn put_back(&mut self, batch: Batch<S>) {
        if batch.was_rewriting {
            self.add_all(batch.subjects);
            return;
        }
        for subject in batch.subjects {
            self.add(subject);
        }
    }

    /// Whether something is left of everything.
    fn is_rewriting(&self) -> bool {
        !self.again.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_twice_is_taken_once() {
        let mut unwritten = Unwritten::default();
        for name in ["a", "b", "a"] {
            unwritten.add(name);
        }
        assert_eq!(unwritten.take(), Some("a"));
        assert_eq!(unwritten.take(), Some("b"));
        assert_eq!(unwritten.take(), None);
    }

    #[test]
    fn what_changes_all_the_time_keeps_nothing_else_waiting() {
        let mut unwritten = Unwritten::default();
        for name in ["a", "b", "c"] {
            unwritten.add(name);
        }
        let taken: Vec<_> = (0..3)
            .map(|_| {
                let taken = unwritten.take();
                unwritten.add("a");
                taken.unwrap()
            })
            .collect();
        assert_eq!(taken, ["a", "b", "c"]);
    }

    #[test]
    fn everything_is_written_before_what_changed_since_and_once() {
        let mut unwritten = Unwritten::default();
        unwritten.add("new");
        unwritten.add("a");
        unwritten.add_all(["a", "b"]);
        assert!(unwritten.is_rewriting());
        assert_eq!(unwritten.take(), Some("a"));
        assert_eq!(unwritten.take(), Some("b"));
        assert!(!unwritten.is_rewriting());
        assert_eq!(unwritten.take(), Some("new"));
        assert_eq!(unwritten.take(), None);
    }
}
