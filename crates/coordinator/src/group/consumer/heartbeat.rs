//! Heartbeats of members under the consumer protocol: they join by them, say what they read and hold, and learn what they
//! are assigned.

use super::{
    Assignor, ConsumerAnswer, ConsumerGroup, ConsumerMember, Effects, GroupError, InstanceId,
    MemberId, MemberState, Partitions, Subscription, View, reconcile::Goal, subscription,
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// A member's record may have this part of the bytes of a group's; all members' together, so many times these.
const MEMBER_PART: usize = 4;
const MEMBERS_TIMES: usize = 16;

/// A heartbeat. What is `None` is as it was in the one before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerHeartbeat {
    /// The member, by the id that its client or the coordinator gave it.
    pub member: MemberId,
    /// Its instance, when static.
    pub instance: Option<InstanceId>,
    /// The epoch it is in; 0 to join.
    pub epoch: u32,
    /// What its client calls itself.
    pub client_id: Arc<str>,
    /// Where its client is.
    pub client_host: Arc<str>,
    /// Its zone.
    pub rack: Option<Arc<str>>,
    /// How long it may take to give up partitions.
    pub rebalance_timeout: Option<Duration>,
    /// Topics that it reads.
    pub names: Option<BTreeSet<Arc<str>>>,
    /// An expression for further ones.
    pub regex: Option<Arc<str>>,
    /// The assignor that it wants.
    pub assignor: Option<Assignor>,
    /// What it holds.
    pub owned: Option<Partitions>,
}

impl ConsumerHeartbeat {
    /// Whether it leaves nothing out; then it is answered in full too.
    fn is_full(&self) -> bool {
        let subscribes = self.names.is_some() || self.regex.is_some();
        self.rebalance_timeout.is_some() && subscribes && self.owned.is_some()
    }

    /// What the member reads by now.
    fn subscription(&self, before: &Subscription) -> Subscription {
        Subscription {
            names: self.names.clone().unwrap_or_else(|| before.names.clone()),
            regex: self.regex.clone().or_else(|| before.regex.clone()),
        }
    }
}

/// Who sent a heartbeat.
enum Sender {
    New,
    Known,
    /// It takes the place of that static member.
    Successor(MemberId),
}

impl ConsumerGroup {
    /// A member lives, joins, or reports.
    ///
    /// # Errors
    /// `UnknownMemberId`, `FencedMemberEpoch`, `FencedInstanceId`, `UnreleasedInstanceId`, `UnsupportedAssignor`,
    /// `InvalidRegularExpression`, `GroupMaxSizeReached`, `TooLarge`. Then nothing has changed.
    pub fn heartbeat(
        &mut self,
        beat: &ConsumerHeartbeat,
        view: &View<'_>,
        effects: &mut Effects,
    ) -> Result<ConsumerAnswer, GroupError> {
        let assignors = &view.limits.consumer.assignors;
        if beat.assignor.is_some_and(|wanted| !assignors.contains(&wanted)) {
            return Err(GroupError::UnsupportedAssignor);
        }
        let sender = self.sender(beat)?;
        self.check_room(beat, &sender, view)?;
        let before = self.before(beat, sender, effects);
        let subscription = beat.subscription(&before.subscription);
        let subscription_changed = subscription != *before.subscription;
        let mut member = before.clone();
        member.update(beat, self.subscriptions.shared(subscription));
        if member != before {
            effects.put(&member.id);
        }
        self.put(member);
        self.follow_changes(subscription_changed, view, effects);
        self.assign(view, effects);
        self.reconcile(&beat.member, subscription_changed, beat.owned.as_ref(), view, effects);
        self.heard_from(&beat.member, view, effects);
        let Some(member) = self.members.get(&beat.member) else {
            return Err(GroupError::UnknownMemberId);
        };
        let told = beat.epoch == 0 || beat.is_full() || member.assigned != before.assigned;
        Ok(ConsumerAnswer {
            member: member.id.clone(),
            epoch: member.epoch.cast_signed(),
            interval: view.limits.consumer.heartbeat_interval,
            assignment: told.then(|| member.assigned.clone()),
        })
    }

    fn sender(&self, beat: &ConsumerHeartbeat) -> Result<Sender, GroupError> {
        let joins = beat.epoch == 0;
        let known = match &beat.instance {
            None => self.members.get(&beat.member),
            Some(instance) => match self.static_member(instance) {
                Some(member) if joins => {
                    // Whoever follows the classic protocol never says that it leaves for a while.
                    return if member.away || member.classic.is_some() {
                        Ok(Sender::Successor(member.id.clone()))
                    } else {
                        Err(GroupError::UnreleasedInstanceId)
                    };
                }
                None if joins => self.members.get(&beat.member),
                _ => Some(self.speaker(&beat.member, Some(instance))?),
            },
        };
        match known {
            Some(member) => check_epoch(member, beat).map(|()| Sender::Known),
            None if joins => Ok(Sender::New),
            None => Err(GroupError::UnknownMemberId),
        }
    }

    fn check_room(
        &self,
        beat: &ConsumerHeartbeat,
        sender: &Sender,
        view: &View<'_>,
    ) -> Result<(), GroupError> {
        if let Some(pattern) = beat.regex.as_deref().filter(|pattern| !pattern.is_empty()) {
            let known = self.members.get(&beat.member).map(|member| &member.subscription);
            if known.is_none_or(|known| known.regex.as_deref() != Some(pattern)) {
                subscription::compile(pattern)?;
            }
        }
        let names = beat.names.iter().flatten().map(|name| name.len() + 4);
        let texts = names.sum::<usize>() + beat.regex.as_ref().map_or(0, |regex| regex.len());
        if beat.member.len() + texts > view.limits.max_bytes / MEMBER_PART {
            return Err(GroupError::TooLarge);
        }
        let full = self.members.len() >= view.limits.consumer.max_size
            || !self.fits(&self.topics, view)
            || self.subscriptions.bytes() + texts > view.limits.max_bytes * MEMBERS_TIMES;
        if full && matches!(sender, Sender::New) {
            return Err(GroupError::GroupMaxSizeReached);
        }
        Ok(())
    }

    /// The member as it was; one that takes another's place has replaced it already.
    fn before(
        &mut self,
        beat: &ConsumerHeartbeat,
        sender: Sender,
        effects: &mut Effects,
    ) -> ConsumerMember {
        if let Sender::Successor(predecessor) = sender {
            self.replace(&predecessor, &beat.member, effects);
        }
        let known = self.members.get(&beat.member).cloned();
        known.unwrap_or_else(|| {
            effects.put(&beat.member);
            ConsumerMember::new(beat.member.clone())
        })
    }

    /// A static member goes on under another id, with all it has.
    pub(super) fn replace(&mut self, old: &MemberId, new: &MemberId, effects: &mut Effects) {
        let Some(member) = self.take(old) else { return };
        if let Some(share) = self.target.remove(old) {
            self.target.insert(new.clone(), share);
        }
        if old != new {
            effects.delete(old);
        }
        effects.put(new);
        effects.store = true;
        self.put(member.succeeded_by(new.clone()));
    }

    /// Lets a member do its next step towards its target.
    pub(super) fn reconcile(
        &mut self,
        id: &MemberId,
        subscription_changed: bool,
        owned: Option<&Partitions>,
        view: &View<'_>,
        effects: &mut Effects,
    ) {
        let Some(member) = self.members.get(id) else { return };
        let none = Partitions::default();
        let goal = Goal {
            epoch: self.assignment_epoch,
            target: self.target.get(id).unwrap_or(&none),
            subscribed: &self.topics_of(&member.subscription, view),
            subscription_changed,
            owned,
            is_held: &|topic, it| self.holders.is_held_by_another(id, topic, it),
        };
        let Some(standing) = goal.next(member) else { return };
        let Some(mut member) = self.take(id) else { return };
        standing.apply(&mut member);
        let by = view.now.time.saturating_add(member.rebalance_timeout);
        let revokes = member.state == MemberState::Revoking && member.classic.is_none();
        member.rebalance_deadline = revokes.then_some(by);
        self.put(member);
        effects.put(id);
    }

    /// A member's session begins anew.
    fn heard_from(&mut self, id: &MemberId, view: &View<'_>, effects: &mut Effects) {
        let Some(member) = self.members.get_mut(id) else { return };
        let timeout = view.limits.consumer.session_timeout;
        member.session_deadline = view.now.time.saturating_add(timeout);
        effects.deadline = Some(member.deadline());
    }
}

/// A member that asks to join is always let in again. The epoch before is accepted from one whose answer was lost.
fn check_epoch(member: &ConsumerMember, beat: &ConsumerHeartbeat) -> Result<(), GroupError> {
    let is_late = || {
        beat.epoch == member.previous_epoch
            && beat.owned.as_ref().is_some_and(|owned| owned.is_within(&member.assigned))
    };
    let accepted = beat.epoch == 0
        || (!member.away
            && (beat.epoch == member.epoch || (beat.epoch < member.epoch && is_late())));
    if accepted { Ok(()) } else { Err(GroupError::FencedMemberEpoch) }
}
