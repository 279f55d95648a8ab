//! [`Leases`]: who holds a time to live, until when, and which keys hang on it.

use crate::{Lease, MetadataError};
use bytes::Bytes;
use runtime::BootTime;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The leases that have not ended.
#[derive(Debug, Default)]
pub(super) struct Leases {
    held: BTreeMap<i64, Held>,
    last_id: i64,
}

#[derive(Debug)]
struct Held {
    time_to_live: Duration,
    expires: BootTime,
    keys: BTreeSet<Bytes>,
}

impl Leases {
    /// Leases of an earlier process, each with its full time to live from `now`.
    pub(super) fn restore(leases: &[Lease], last_id: i64, now: BootTime) -> Self {
        let held = leases.iter().map(|lease| (lease.id, Held::armed(lease.time_to_live, now)));
        Self { held: held.collect(), last_id }
    }

    pub(super) fn last_id(&self) -> i64 {
        self.last_id
    }

    pub(super) fn grant(&mut self, time_to_live: Duration, now: BootTime) -> Lease {
        self.last_id += 1;
        self.held.insert(self.last_id, Held::armed(time_to_live, now));
        Lease { id: self.last_id, time_to_live }
    }

    pub(super) fn is_alive(&self, id: i64) -> bool {
        self.held.contains_key(&id)
    }

    pub(super) fn keep_alive(&mut self, id: i64, now: BootTime) -> Result<(), MetadataError> {
        let held = self.held.get_mut(&id).ok_or(MetadataError::LeaseGone)?;
        held.expires = now.plus(held.time_to_live);
        Ok(())
    }

    /// Ends a lease and answers its keys; none when there is no such lease.
    pub(super) fn end(&mut self, id: i64) -> BTreeSet<Bytes> {
        self.held.remove(&id).map(|held| held.keys).unwrap_or_default()
    }

    /// The lease that ran out first, the lower id first when two did at once.
    pub(super) fn expired(&self, now: BootTime) -> Option<i64> {
        let due = self.held.iter().filter(|(_, held)| held.expires <= now);
        due.min_by_key(|(id, held)| (held.expires, **id)).map(|(id, _)| *id)
    }

    pub(super) fn next_expiry(&self) -> Option<BootTime> {
        self.held.values().map(|held| held.expires).min()
    }

    pub(super) fn attach(&mut self, id: i64, key: Bytes) {
        if let Some(held) = self.held.get_mut(&id) {
            held.keys.insert(key);
        }
    }

    pub(super) fn detach(&mut self, id: i64, key: &Bytes) {
        if let Some(held) = self.held.get_mut(&id) {
            held.keys.remove(key);
        }
    }
}

impl Held {
    fn armed(time_to_live: Duration, now: BootTime) -> Self {
        Self { time_to_live, expires: now.plus(time_to_live), keys: BTreeSet::new() }
    }
}
