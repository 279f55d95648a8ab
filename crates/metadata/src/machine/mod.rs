//! [`Machine`]: the port's semantics as a pure state machine; what memory and embedded providers share.
//!
//! No I/O and no clock: whoever drives it says what time it is. Every change comes back as the [`Event`]s of one
//! revision, which is all that a provider has to store to be able to build the machine again.

mod key_range;
mod leases;
mod transaction;
mod versions;

use crate::{
    Event, EventKind, Lease, MetadataError, Operation, Outcome, Range, RangeQuery, Revision,
    Transaction, limits,
};
use bytes::Bytes;
pub(crate) use key_range::KeyRange;
use leases::Leases;
use runtime::BootTime;
use std::time::Duration;
use versions::Versions;

/// The whole store: every live key, its history since the last compaction, and the leases.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    revision: Revision,
    compacted: Revision,
    versions: Versions,
    leases: Leases,
}

/// What a provider kept of a machine.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) revision: Revision,
    pub(crate) compacted: Revision,
    /// Every version of every key, in any order.
    pub(crate) events: Vec<Event>,
    /// Each is armed with its full time to live.
    pub(crate) leases: Vec<Lease>,
    /// The highest lease id ever granted.
    pub(crate) last_lease: i64,
}

impl Machine {
    /// Builds the machine again from what was kept of it.
    pub(crate) fn restore(kept: Kept, now: BootTime) -> Self {
        let mut machine = Self {
            revision: kept.revision,
            compacted: kept.compacted,
            versions: Versions::default(),
            leases: Leases::restore(&kept.leases, kept.last_lease, now),
        };
        let mut events = kept.events;
        events.sort_by_key(|event| event.revision);
        for event in events {
            machine.record(event);
        }
        machine
    }

    /// The revision of the last change.
    pub(crate) fn revision(&self) -> Revision {
        self.revision
    }

    /// History before this is gone.
    pub(crate) fn compacted(&self) -> Revision {
        self.compacted
    }

    /// The highest lease id ever granted.
    pub(crate) fn last_lease(&self) -> i64 {
        self.leases.last_id()
    }

    /// Reads entries.
    pub(crate) fn range(&self, query: &RangeQuery) -> Result<Range, MetadataError> {
        limits::check_query(query)?;
        let at = self.readable(query.at)?;
        let range = KeyRange::of(query);
        let limit = if query.limit == 0 { usize::MAX } else { query.limit };
        let mut entries: Vec<_> =
            self.versions.range(&range, at).take(limit.saturating_add(1)).cloned().collect();
        let more = entries.len() > limit;
        entries.truncate(limit);
        Ok(Range { entries, revision: self.revision, more })
    }

    fn readable(&self, at: Option<Revision>) -> Result<Revision, MetadataError> {
        match at {
            None => Ok(self.revision),
            Some(at) if at < self.compacted => Err(MetadataError::Compacted(self.compacted)),
            Some(at) if at > self.revision => Err(MetadataError::Refused(format!(
                "revision {at} is ahead of the store's {}",
                self.revision
            ))),
            Some(at) => Ok(at),
        }
    }

    /// Runs a transaction; the events are those of `outcome.revision`, none when nothing was written.
    pub(crate) fn transact(
        &mut self,
        transaction: &Transaction,
    ) -> Result<(Outcome, Vec<Event>), MetadataError> {
        limits::check_transaction(transaction)?;
        let succeeded = transaction.compares.iter().all(|compare| self.holds(compare));
        let branch = if succeeded { &transaction.then } else { &transaction.otherwise };
        self.check_before_running(branch)?;
        let next = self.revision.next();
        let mut events = Vec::new();
        let mut replies = Vec::with_capacity(branch.len());
        for operation in branch {
            replies.push(self.run(operation, next, &mut events));
        }
        if !events.is_empty() {
            self.revision = next;
        }
        Ok((Outcome { succeeded, revision: self.revision, replies }, events))
    }

    /// What can fail in a branch fails before any of it is done.
    fn check_before_running(&self, branch: &[Operation]) -> Result<(), MetadataError> {
        for operation in branch {
            match operation {
                Operation::Put { lease: Some(lease), .. } if !self.leases.is_alive(*lease) => {
                    return Err(MetadataError::LeaseGone);
                }
                Operation::Read(query) => {
                    self.readable(query.at)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The changes of the first revision at or after `from` that changed something under `prefix`. Without one, the
    /// revision to ask from next.
    pub(crate) fn events(&self, prefix: &[u8], from: Revision) -> Result<Changes, MetadataError> {
        if from < self.compacted {
            return Err(MetadataError::Compacted(self.compacted));
        }
        Ok(match self.versions.changes(prefix, from) {
            Some((revision, events)) => Changes { events, next: revision.next() },
            None => Changes { events: Vec::new(), next: from.max(self.revision.next()) },
        })
    }

    /// Grants a lease.
    pub(crate) fn grant_lease(
        &mut self,
        time_to_live: Duration,
        now: BootTime,
    ) -> Result<Lease, MetadataError> {
        if time_to_live.is_zero() {
            return Err(MetadataError::Refused("a lease needs a time to live".to_owned()));
        }
        Ok(self.leases.grant(time_to_live, now))
    }

    /// Arms a lease anew.
    pub(crate) fn keep_alive(&mut self, lease: i64, now: BootTime) -> Result<(), MetadataError> {
        self.leases.keep_alive(lease, now)
    }

    /// Ends a lease; the events are those of the revision it made, none when it had no keys.
    pub(crate) fn revoke_lease(&mut self, lease: i64) -> Vec<Event> {
        let keys = self.leases.end(lease);
        let next = self.revision.next();
        let mut events = Vec::new();
        for key in keys {
            self.change(Event { revision: next, kind: EventKind::Delete(key) }, &mut events);
        }
        if !events.is_empty() {
            self.revision = next;
        }
        events
    }

    /// The next lease that has run out; end it with [`Machine::revoke_lease`], and ask again.
    pub(crate) fn expired_lease(&self, now: BootTime) -> Option<i64> {
        self.leases.expired(now)
    }

    /// When the next lease runs out.
    pub(crate) fn next_expiry(&self) -> Option<BootTime> {
        self.leases.next_expiry()
    }

    /// Forgets history before `revision`. Answers the versions forgotten, as key and revision.
    pub(crate) fn compact(
        &mut self,
        revision: Revision,
    ) -> Result<Vec<(Bytes, Revision)>, MetadataError> {
        if revision > self.revision {
            return Err(MetadataError::Refused(format!(
                "revision {revision} is ahead of the store's {}",
                self.revision
            )));
        }
        if revision <= self.compacted {
            return Ok(Vec::new());
        }
        self.compacted = revision;
        Ok(self.versions.forget_before(revision))
    }

    /// Applies one change and notes it.
    fn change(&mut self, event: Event, events: &mut Vec<Event>) {
        events.push(event.clone());
        self.record(event);
    }

    /// Keeps versions and leases in step.
    fn record(&mut self, event: Event) {
        let key = match &event.kind {
            EventKind::Put(entry) => entry.key.clone(),
            EventKind::Delete(key) => key.clone(),
        };
        if let Some(lease) = self.versions.live(&key).and_then(|entry| entry.lease) {
            self.leases.detach(lease, &key);
        }
        if let EventKind::Put(entry) = &event.kind
            && let Some(lease) = entry.lease
        {
            self.leases.attach(lease, key);
        }
        self.versions.push(event);
    }
}

/// What a watch is told.
#[derive(Debug)]
pub(crate) struct Changes {
    /// All that one revision changed, or nothing.
    pub(crate) events: Vec<Event>,
    /// Where to go on.
    pub(crate) next: Revision,
}
