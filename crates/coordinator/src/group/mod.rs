//! [`Group`]: a group as a pure state machine: members and what they are assigned, and committed offsets.
//!
//! Methods take an event and what it sees of the world ([`View`]), change the state and answer with [`Effects`]: which
//! waiting requests to answer, and what must be stored first. They know neither clock nor store; deadlines are data
//! ([`Group::next_deadline`], [`Group::tick`]). A group follows one of two protocols, the [classic](ClassicGroup) one or
//! the [consumer](ConsumerGroup) one (KIP-848), and goes from one to the other as its members do.

mod catalog;
pub mod classic;
mod commit;
pub mod consumer;
mod description;
mod effects;
mod embedded;
mod error;
mod limits;
pub mod offsets;
mod record;
mod unread;

pub use catalog::{CatalogTopic, TopicCatalog, View};
pub use classic::{ClassicGroup, Join, Leaver, Member, MemberRef, Protocol, Sync};
pub use commit::Committer;
pub use consumer::{ConsumerAnswer, ConsumerGroup, ConsumerHeartbeat, ConsumerLeave};
pub use description::{GroupDescription, GroupListing, GroupState, GroupType, MemberDescription};
pub use effects::{Effects, Joined, JoinedMember, MemberChange, Synced, Ticket};
pub use error::GroupError;
pub use limits::{ConsumerLimits, GroupLimits, Migration};
pub use offsets::{CommittedOffset, Offsets};
pub use record::MemberRecords;
pub use unread::Unread;

use consumer::ConsumerGroupDescription;
use model::TopicId;
use std::{sync::Arc, time::Duration};

/// Names a group.
pub type GroupId = Arc<str>;
/// Names a member in one life of it; given by the coordinator.
pub type MemberId = Arc<str>;
/// Names a static member over its lives; given by its operator (KIP-345).
pub type InstanceId = Arc<str>;

/// Time since the coordinator started, as deadlines count it.
pub type Time = Duration;

/// The protocol type of consumers, whose subscriptions the coordinator can read.
pub const CONSUMER: &str = "consumer";

/// What time it is for an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// For deadlines.
    pub time: Time,
    /// For what is stored: milliseconds since 1970.
    pub unix_ms: i64,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    id: GroupId,
    kind: Kind,
    offsets: Offsets,
}

/// Its members, under the protocol that they follow.
#[derive(Clone, Debug)]
enum Kind {
    Classic(ClassicGroup),
    Consumer(ConsumerGroup),
}

impl Group {
    /// A group that nobody is in.
    pub fn new(id: GroupId, now: Now) -> Self {
        Self::of(Kind::Classic(ClassicGroup::new(id, now)))
    }

    fn of(kind: Kind) -> Self {
        let id = match &kind {
            Kind::Classic(group) => group.id(),
            Kind::Consumer(group) => group.id(),
        };
        Self { id: id.clone(), kind, offsets: Offsets::default() }
    }

    /// Its id.
    pub fn id(&self) -> &GroupId {
        &self.id
    }

    /// Its offsets.
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    /// Its offsets, to be changed.
    pub fn offsets_mut(&mut self) -> &mut Offsets {
        &mut self.offsets
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Classic(group) => group.is_empty(),
            Kind::Consumer(group) => group.is_empty(),
        }
    }

    /// Whether nothing would be lost with it: no members, none on their way, no offsets.
    pub fn is_forgettable(&self) -> bool {
        let unused = match &self.kind {
            Kind::Classic(group) => group.is_unused(),
            Kind::Consumer(group) => group.is_empty(),
        };
        unused && self.offsets.is_empty()
    }

    /// Whether it ever had members, so that something of it but offsets is stored.
    pub fn has_record(&self) -> bool {
        match &self.kind {
            Kind::Classic(group) => group.has_record(),
            Kind::Consumer(_) => true,
        }
    }

    /// Joins by the classic protocol.
    pub fn join(&mut self, join: Join, view: &View<'_>) -> Effects {
        let mut effects = Effects::default();
        if let Kind::Consumer(group) = &mut self.kind
            && !group.is_empty()
        {
            let downgraded = group.join(&join, view, &mut effects);
            self.downgrade(downgraded);
            return effects;
        }
        if matches!(self.kind, Kind::Consumer(_)) {
            if !join.member.is_empty() {
                effects.joined.push((join.ticket, Err(GroupError::UnknownMemberId)));
                return effects;
            }
            self.kind = Kind::Classic(ClassicGroup::new(self.id.clone(), view.now));
            effects.erase = true;
        }
        if let Kind::Classic(group) = &mut self.kind {
            effects.and(group.join(join, view.limits, view.now));
        }
        effects
    }

    /// Synchronizes.
    pub fn sync(&mut self, ticket: Ticket, sync: Sync, view: &View<'_>) -> Effects {
        match &mut self.kind {
            Kind::Classic(group) => group.sync(ticket, sync, view.limits, view.now),
            Kind::Consumer(group) => {
                let synced = vec![(ticket, group.sync(&sync, view))];
                Effects { synced, ..Effects::default() }
            }
        }
    }

    /// A member of the classic protocol lives.
    ///
    /// # Errors
    /// Those of the protocol that the group follows.
    pub fn heartbeat(&mut self, from: MemberRef<'_>, view: &View<'_>) -> Result<(), GroupError> {
        match &mut self.kind {
            Kind::Classic(group) => group.heartbeat(from, view.now),
            Kind::Consumer(group) => group.classic_heartbeat(from, view),
        }
    }

    /// Members leave; one answer for each.
    pub fn leave(
        &mut self,
        leavers: &[Leaver],
        view: &View<'_>,
    ) -> (Vec<Result<(), GroupError>>, Effects) {
        match &mut self.kind {
            Kind::Classic(group) => group.leave(leavers, view.limits, view.now),
            Kind::Consumer(group) => {
                let mut effects = Effects::default();
                let (results, downgraded) = group.leave(leavers, view, &mut effects);
                self.downgrade(downgraded);
                (results, effects)
            }
        }
    }

    /// A member of the consumer protocol joins, lives, reports. A group of the classic protocol becomes one of this when
    /// the first such member joins.
    ///
    /// # Errors
    /// `GroupIdNotFound` for a classic group, and those of [`ConsumerGroup::heartbeat`].
    pub fn consumer_heartbeat(
        &mut self,
        beat: &ConsumerHeartbeat,
        view: &View<'_>,
    ) -> (Result<ConsumerAnswer, GroupError>, Effects) {
        let mut effects = Effects::default();
        let answer = match &mut self.kind {
            Kind::Consumer(group) => group.heartbeat(beat, view, &mut effects),
            Kind::Classic(_) if beat.epoch != 0 => Err(GroupError::GroupIdNotFound),
            Kind::Classic(classic) => {
                let mut attempt = Effects::default();
                upgraded(classic, beat, view, &mut attempt).map(|(group, answer)| {
                    effects = attempt;
                    self.kind = Kind::Consumer(group);
                    answer
                })
            }
        };
        (answer, effects)
    }

    /// A member of the consumer protocol leaves.
    ///
    /// # Errors
    /// `GroupIdNotFound` for a classic group, and those of [`ConsumerGroup::consumer_leave`].
    pub fn consumer_leave(
        &mut self,
        leave: &ConsumerLeave,
        view: &View<'_>,
    ) -> (Result<ConsumerAnswer, GroupError>, Effects) {
        let mut effects = Effects::default();
        let left = match &mut self.kind {
            Kind::Consumer(group) => group.consumer_leave(leave, view, &mut effects),
            Kind::Classic(_) => Err(GroupError::GroupIdNotFound),
        };
        let answer = left.map(|(answer, downgraded)| {
            self.downgrade(downgraded);
            answer
        });
        (answer, effects)
    }

    fn downgrade(&mut self, downgraded: Option<ClassicGroup>) {
        if let Some(classic) = downgraded {
            tracing::info!(group = %self.id, "only members of the classic protocol are left");
            self.kind = Kind::Classic(classic);
        }
    }

    /// When [`Group::tick`] has something to do, if nothing happens before.
    pub fn next_deadline(&self) -> Option<Time> {
        match &self.kind {
            Kind::Classic(group) => group.next_deadline(),
            Kind::Consumer(group) => group.next_deadline(),
        }
    }

    /// Does what is due.
    pub fn tick(&mut self, view: &View<'_>) -> Effects {
        match &mut self.kind {
            Kind::Classic(group) => group.tick(view.limits, view.now),
            Kind::Consumer(group) => {
                let mut effects = Effects::default();
                let downgraded = group.tick(view, &mut effects);
                self.downgrade(downgraded);
                effects
            }
        }
    }

    /// Checks whether it may commit.
    ///
    /// # Errors
    /// Those of the protocol that the group follows.
    pub fn check_commit(&mut self, by: Committer<'_>, now: Now) -> Result<(), GroupError> {
        match &mut self.kind {
            Kind::Classic(group) => group.check_commit(by, now),
            Kind::Consumer(group) => group.check_commit(by),
        }
    }

    /// Checks whether a reader of committed offsets, which may say who it is, may read them.
    ///
    /// # Errors
    /// Those of [`ConsumerGroup::check_fetch`].
    pub fn check_fetch(&self, member: Option<&str>, epoch: i32) -> Result<(), GroupError> {
        match &self.kind {
            Kind::Classic(_) => Ok(()),
            Kind::Consumer(group) => group.check_fetch(member, epoch),
        }
    }

    /// Checks whether the group's offsets can be deleted, those of topics that it does not read at least.
    ///
    /// # Errors
    /// `NonEmptyGroup`: it has members, and what they read can't be told.
    pub fn check_offset_delete(&self) -> Result<(), GroupError> {
        match &self.kind {
            Kind::Classic(group) => group.check_offset_delete(),
            Kind::Consumer(_) => Ok(()),
        }
    }

    /// Checks whether it can be deleted.
    ///
    /// # Errors
    /// `NonEmptyGroup`.
    pub fn check_delete(&self) -> Result<(), GroupError> {
        if self.is_empty() { Ok(()) } else { Err(GroupError::NonEmptyGroup) }
    }

    /// Whether a member may be reading the topic. As long as what a member reads is not known, it may be any.
    pub fn is_subscribed_to(&self, name: &str, id: TopicId) -> bool {
        match &self.kind {
            Kind::Classic(group) => group.is_subscribed_to(name),
            Kind::Consumer(group) => group.is_subscribed_to(name, id),
        }
    }

    /// From when on the retention of its offsets counts: since it has no members, or from each commit on when it never had
    /// any. `None`: they are in use.
    pub fn retention_start_unix_ms(&self, committed_unix_ms: i64) -> Option<i64> {
        match &self.kind {
            Kind::Classic(group) => group.retention_start_unix_ms(committed_unix_ms),
            Kind::Consumer(group) => Some(group.empty_since_unix_ms()?.max(committed_unix_ms)),
        }
    }

    /// The group in a list.
    pub fn listing(&self) -> GroupListing {
        match &self.kind {
            Kind::Classic(group) => group.listing(),
            Kind::Consumer(group) => group.listing(),
        }
    }

    /// A classic group in full.
    ///
    /// # Errors
    /// `GroupIdNotFound`: it follows the other protocol.
    pub fn describe(&self) -> Result<GroupDescription, GroupError> {
        match &self.kind {
            Kind::Classic(group) => Ok(group.describe()),
            Kind::Consumer(_) => Err(GroupError::GroupIdNotFound),
        }
    }

    /// A group of the consumer protocol in full.
    ///
    /// # Errors
    /// `GroupIdNotFound`: it follows the other protocol.
    pub fn describe_consumers(
        &self,
        view: &View<'_>,
    ) -> Result<ConsumerGroupDescription, GroupError> {
        match &self.kind {
            Kind::Classic(_) => Err(GroupError::GroupIdNotFound),
            Kind::Consumer(group) => Ok(group.describe(view)),
        }
    }
}

/// What a classic group becomes when the first member of the consumer protocol joins it.
fn upgraded(
    classic: &ClassicGroup,
    beat: &ConsumerHeartbeat,
    view: &View<'_>,
    effects: &mut Effects,
) -> Result<(ConsumerGroup, ConsumerAnswer), GroupError> {
    let mut group = if classic.is_empty() {
        ConsumerGroup::new(classic.id().clone(), view.now)
    } else {
        // A copy: should the member be refused, nobody has noticed.
        ConsumerGroup::upgraded(&mut classic.clone(), view, effects)?
    };
    let answer = group.heartbeat(beat, view, effects)?;
    effects.clear_members = true;
    effects.deadline = None;
    Ok((group, answer))
}
