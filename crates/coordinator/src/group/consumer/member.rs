//! [`ConsumerMember`]: one member of a group under the consumer protocol.

use super::{Assignor, ConsumerHeartbeat, InstanceId, MemberId, Partitions, Subscription, Time};
use crate::group::Protocol;
use std::{sync::Arc, time::Duration};

/// A member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerMember {
    /// Its id.
    pub id: MemberId,
    /// Its instance, when static.
    pub instance: Option<InstanceId>,
    /// The zone it says it is in.
    pub rack: Option<Arc<str>>,
    /// What its client calls itself.
    pub client_id: Arc<str>,
    /// Where its client is, as `/address`.
    pub client_host: Arc<str>,
    /// How long it may take to give up partitions.
    pub rebalance_timeout: Duration,
    /// What it reads.
    pub subscription: Arc<Subscription>,
    /// The assignor that it asks for.
    pub assignor: Option<Assignor>,
    /// What it said under the classic protocol, if it follows that one.
    pub classic: Option<ClassicSide>,
    /// The epoch it is in.
    pub epoch: u32,
    /// The one before, in which its requests may still be on their way.
    pub previous_epoch: u32,
    /// A static member that left for a while: its share is kept for whoever comes back under its instance.
    pub away: bool,
    /// Where it is on the way to its target.
    pub state: MemberState,
    /// What it may read.
    pub assigned: Partitions,
    /// What it has been told to give up, and has not.
    pub revoking: Partitions,
    /// Silent for longer, it is out.
    pub(super) session_deadline: Time,
    /// What it revokes must be given up by then.
    pub(super) rebalance_deadline: Option<Time>,
}

/// Where a member is on the way to its target assignment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberState {
    /// It is there.
    Stable,
    /// It has to give up partitions.
    Revoking,
    /// It waits for partitions that others have not given up.
    Waiting,
}

/// What a member of the classic protocol said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClassicSide {
    /// Silent for longer, it is out.
    pub session_timeout: Duration,
    /// In its order of preference.
    pub protocols: Vec<Protocol>,
    /// It must have joined again by then.
    pub(super) join_deadline: Option<Time>,
    /// It must have asked for its share by then.
    pub(super) sync_deadline: Option<Time>,
}

impl ClassicSide {
    /// One with no deadline.
    pub(super) fn new(session_timeout: Duration, protocols: Vec<Protocol>) -> Self {
        Self { session_timeout, protocols, join_deadline: None, sync_deadline: None }
    }
}

impl ConsumerMember {
    /// One that has said nothing yet.
    pub(super) fn new(id: MemberId) -> Self {
        Self {
            id,
            instance: None,
            rack: None,
            client_id: Arc::default(),
            client_host: Arc::default(),
            rebalance_timeout: Duration::ZERO,
            subscription: Arc::default(),
            assignor: None,
            classic: None,
            epoch: 0,
            previous_epoch: 0,
            away: false,
            state: MemberState::Stable,
            assigned: Partitions::default(),
            revoking: Partitions::default(),
            session_deadline: Time::MAX,
            rebalance_deadline: None,
        }
    }

    /// The member that takes the place of this static one.
    pub(super) fn succeeded_by(self, id: MemberId) -> Self {
        Self { id, epoch: 0, previous_epoch: 0, away: false, ..self }
    }

    /// Takes over what a heartbeat says of it; what it leaves out stays.
    pub(super) fn update(&mut self, beat: &ConsumerHeartbeat, subscription: Arc<Subscription>) {
        self.client_id = beat.client_id.clone();
        self.client_host = beat.client_host.clone();
        self.classic = None;
        self.away = false;
        self.subscription = subscription;
        if beat.instance.is_some() {
            self.instance.clone_from(&beat.instance);
        }
        if beat.rack.is_some() {
            self.rack.clone_from(&beat.rack);
        }
        self.rebalance_timeout = beat.rebalance_timeout.unwrap_or(self.rebalance_timeout);
        self.assignor = beat.assignor.or(self.assignor);
    }

    /// Whether it is where the target assignment of an epoch wants it.
    pub(super) fn is_reconciled_to(&self, assignment_epoch: u32) -> bool {
        self.state == MemberState::Stable && !self.away && self.epoch == assignment_epoch
    }

    /// When something must be done about it.
    pub(super) fn deadline(&self) -> Time {
        let classic = self.classic.as_ref();
        let joins = classic.and_then(|classic| classic.join_deadline);
        let syncs = classic.and_then(|classic| classic.sync_deadline);
        let others = [self.rebalance_deadline, joins, syncs];
        others.into_iter().flatten().fold(self.session_deadline, Time::min)
    }
}
