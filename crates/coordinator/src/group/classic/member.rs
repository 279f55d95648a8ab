//! [`Member`]: one member of a group, and which of its requests wait.

use super::{InstanceId, MemberId, Ticket, Time};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};

/// A way to assign that a member knows, and what it says of itself under it (opaque).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Protocol {
    /// Its name.
    pub name: Arc<str>,
    /// The member's subscription.
    pub metadata: Bytes,
}

/// A member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Its id.
    pub id: MemberId,
    /// Its instance, when static.
    pub instance: Option<InstanceId>,
    /// What its client calls itself.
    pub client_id: Arc<str>,
    /// Where its client is, as `/address`.
    pub client_host: Arc<str>,
    /// Silent for longer, it is out.
    pub session_timeout: Duration,
    /// How long it may take to join again.
    pub rebalance_timeout: Duration,
    /// In its order of preference.
    pub protocols: Vec<Protocol>,
    /// What the leader gave it in this generation.
    pub assignment: Bytes,
    /// Its join that waits.
    pub(super) joining: Option<Ticket>,
    /// Its synchronization that waits.
    pub(super) syncing: Option<Ticket>,
    /// Whether it has asked for its assignment in this generation.
    pub(super) synced: bool,
    /// It joined and was never answered: it can't send heartbeats.
    pub(super) is_new: bool,
    /// It is out then, unless it waits.
    pub(super) deadline: Time,
}

impl Member {
    /// Its session begins anew.
    pub(super) fn refresh(&mut self, now: Time) {
        self.deadline = now.saturating_add(self.session_timeout);
    }

    /// Whether its time is over. Who waits for an answer can't be late, except for a new member: its client may be gone.
    pub(super) fn is_expired(&self, now: Time) -> bool {
        let waits = self.joining.is_some() || self.syncing.is_some();
        self.deadline <= now && (self.is_new || !waits)
    }

    /// Whether it knows the protocol.
    pub(super) fn knows(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|known| &*known.name == protocol)
    }

    /// What it says of itself under a protocol.
    pub fn metadata(&self, protocol: &str) -> Bytes {
        let known = self.protocols.iter().find(|known| &*known.name == protocol);
        known.map(|known| known.metadata.clone()).unwrap_or_default()
    }

    /// About what it takes to store it.
    pub(super) fn bytes(&self) -> usize {
        let protocols = self.protocols.iter().map(|it| it.name.len() + it.metadata.len() + 8);
        let texts = self.id.len() + self.client_id.len() + self.client_host.len();
        let instance = self.instance.as_ref().map_or(0, |instance| instance.len());
        texts + instance + protocols.sum::<usize>() + self.assignment.len() + 32
    }
}
