//! Evaluating a transaction: its compares, and one operation at a time.

use super::{KeyRange, Machine};
use crate::{Compare, Entry, Event, EventKind, Operation, RangeQuery, Reply, Revision};
use bytes::Bytes;

impl Machine {
    /// Whether a condition holds now.
    pub(super) fn holds(&self, compare: &Compare) -> bool {
        let live = self.versions.live(compare.key());
        let create = live.map_or(Revision(0), |entry| entry.create_revision);
        let modified = live.map_or(Revision(0), |entry| entry.mod_revision);
        match compare {
            Compare::CreateRevision(_, revision) => create == *revision,
            Compare::CreateRevisionNot(_, revision) => create != *revision,
            Compare::ModRevision(_, revision) => modified == *revision,
            Compare::Value(_, value) => live.is_some_and(|entry| entry.value == *value),
            Compare::Exists(_) => live.is_some(),
            Compare::Absent(_) => live.is_none(),
        }
    }

    /// Does one operation at `revision`, noting what it changed. Nothing in it can fail.
    pub(super) fn run(
        &mut self,
        operation: &Operation,
        revision: Revision,
        events: &mut Vec<Event>,
    ) -> Reply {
        match operation {
            Operation::Put { key, value, lease } => {
                let entry = self.next_entry(key, value, *lease, revision);
                self.change(Event { revision, kind: EventKind::Put(entry) }, events);
                Reply::Put
            }
            Operation::Delete(key) => self.delete(&KeyRange::one(key), revision, events),
            Operation::DeleteRange(start, end) => {
                self.delete(&KeyRange::new(start, Some(end)), revision, events)
            }
            Operation::Read(query) => Reply::Read(self.read(query, revision)),
        }
    }

    fn next_entry(&self, key: &Bytes, value: &Bytes, lease: Option<i64>, at: Revision) -> Entry {
        let before = self.versions.live(key);
        Entry {
            key: key.clone(),
            value: value.clone(),
            create_revision: before.map_or(at, |entry| entry.create_revision),
            mod_revision: at,
            version: before.map_or(1, |entry| entry.version + 1),
            lease,
        }
    }

    fn delete(&mut self, range: &KeyRange, revision: Revision, events: &mut Vec<Event>) -> Reply {
        let keys: Vec<Bytes> =
            self.versions.range(range, revision).map(|entry| entry.key.clone()).collect();
        let deleted = keys.len() as u64;
        for key in keys {
            self.change(Event { revision, kind: EventKind::Delete(key) }, events);
        }
        Reply::Deleted(deleted)
    }

    /// Reads as of the transaction: what its earlier operations did included.
    fn read(&self, query: &RangeQuery, revision: Revision) -> Vec<Entry> {
        let limit = if query.limit == 0 { usize::MAX } else { query.limit };
        let at = query.at.unwrap_or(revision);
        self.versions.range(&KeyRange::of(query), at).take(limit).cloned().collect()
    }
}

impl Compare {
    /// The key it is about.
    pub(crate) fn key(&self) -> &Bytes {
        match self {
            Self::CreateRevision(key, _)
            | Self::CreateRevisionNot(key, _)
            | Self::ModRevision(key, _)
            | Self::Value(key, _)
            | Self::Exists(key)
            | Self::Absent(key) => key,
        }
    }

    /// How many bytes of value it carries.
    pub(crate) fn value_bytes(&self) -> usize {
        match self {
            Self::Value(_, value) => value.len(),
            _ => 0,
        }
    }
}
