//! [`Versions`]: every key's values since the last compaction, and which keys each revision changed.

use super::KeyRange;
use crate::{Entry, Event, EventKind, Revision};
use bytes::Bytes;
use std::collections::BTreeMap;

/// All versions of all keys.
#[derive(Debug, Default)]
pub(super) struct Versions {
    keys: BTreeMap<Bytes, Vec<Version>>,
    changed: BTreeMap<Revision, Vec<Bytes>>,
}

/// A key's value from a revision on; none from its deletion on.
#[derive(Debug)]
struct Version {
    revision: Revision,
    entry: Option<Entry>,
}

impl Versions {
    /// Adds a key's next version.
    pub(super) fn push(&mut self, event: Event) {
        let (key, entry) = match event.kind {
            EventKind::Put(entry) => (entry.key.clone(), Some(entry)),
            EventKind::Delete(key) => (key, None),
        };
        self.changed.entry(event.revision).or_default().push(key.clone());
        self.keys.entry(key).or_default().push(Version { revision: event.revision, entry });
    }

    /// The key's value now.
    pub(super) fn live(&self, key: &[u8]) -> Option<&Entry> {
        self.keys.get(key)?.last()?.entry.as_ref()
    }

    /// The entries in `range` as of `at`, in key order.
    pub(super) fn range<'a>(
        &'a self,
        range: &'a KeyRange,
        at: Revision,
    ) -> impl Iterator<Item = &'a Entry> {
        let bounds = range.bounds().into_iter();
        bounds
            .flat_map(|bounds| self.keys.range::<Bytes, _>(bounds))
            .filter_map(move |(_, versions)| as_of(versions, at)?.entry.as_ref())
    }

    /// The first revision at or after `from` that changed keys under `prefix`, and those changes.
    pub(super) fn changes(&self, prefix: &[u8], from: Revision) -> Option<(Revision, Vec<Event>)> {
        self.changed.range(from..).find_map(|(revision, keys)| {
            let events: Vec<Event> = keys
                .iter()
                .filter(|key| key.starts_with(prefix))
                .filter_map(|key| self.event(key, *revision))
                .collect();
            (!events.is_empty()).then_some((*revision, events))
        })
    }

    fn event(&self, key: &Bytes, revision: Revision) -> Option<Event> {
        let version = as_of(self.keys.get(key)?, revision)?;
        let kind = match &version.entry {
            Some(entry) => EventKind::Put(entry.clone()),
            None => EventKind::Delete(key.clone()),
        };
        (version.revision == revision).then_some(Event { revision, kind })
    }

    /// Drops what a read at or after `revision` can't see, and answers what that was.
    pub(super) fn forget_before(&mut self, revision: Revision) -> Vec<(Bytes, Revision)> {
        let kept = self.changed.split_off(&revision);
        let mut touched: Vec<Bytes> =
            std::mem::replace(&mut self.changed, kept).into_values().flatten().collect();
        // Later versions make earlier ones invisible, so their keys count too.
        touched.extend(self.changed.range(..=revision).flat_map(|(_, keys)| keys.iter().cloned()));
        touched.sort_unstable();
        touched.dedup();
        // A key whose last change before the previous compaction is superseded only now was touched since.
        let mut forgotten = Vec::new();
        for key in touched {
            self.forget_versions(&key, revision, &mut forgotten);
        }
        forgotten
    }

    fn forget_versions(
        &mut self,
        key: &Bytes,
        revision: Revision,
        forgotten: &mut Vec<(Bytes, Revision)>,
    ) {
        let Some(versions) = self.keys.get_mut(key) else { return };
        let visible = versions.partition_point(|version| version.revision <= revision);
        let mut first_kept = visible.saturating_sub(1);
        // A deletion before `revision` says the same as no version at all.
        if versions
            .get(first_kept)
            .is_some_and(|version| version.entry.is_none() && version.revision < revision)
        {
            first_kept += 1;
        }
        forgotten.extend(versions.drain(..first_kept).map(|it| (key.clone(), it.revision)));
        if versions.is_empty() {
            self.keys.remove(key);
        }
    }
}

/// The version in force at `at`.
fn as_of(versions: &[Version], at: Revision) -> Option<&Version> {
    let after = versions.partition_point(|version| version.revision <= at);
    versions.get(after.checked_sub(1)?)
}
