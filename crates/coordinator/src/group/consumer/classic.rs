//! Members of the classic protocol in a group of the consumer protocol (KIP-848, live migration): they join, synchronize
//! and send heartbeats as ever, nobody of them assigns, and each goes its steps towards the target by joining again.

use super::{
    ClassicSide, ConsumerGroup, ConsumerMember, Effects, GroupError, MemberId, MemberState,
    Partitions, Subscription, View, leave::Downgraded,
};
use crate::group::{CONSUMER, Join, Joined, MemberRef, Protocol, Sync, Synced, embedded};
use model::TopicId;
use std::{collections::BTreeMap, sync::Arc};

impl ConsumerGroup {
    /// A classic member joins, or joins again; it is answered at once.
    pub fn join(&mut self, join: &Join, view: &View<'_>, effects: &mut Effects) -> Downgraded {
        let ticket = join.ticket;
        match self.try_join(join, view, effects) {
            Ok((joined, downgraded)) => {
                effects.joined.push((ticket, Ok(joined)));
                downgraded
            }
            Err(error) => {
                effects.joined.push((ticket, Err(error)));
                None
            }
        }
    }

    fn try_join(
        &mut self,
        join: &Join,
        view: &View<'_>,
        effects: &mut Effects,
    ) -> Result<(Joined, Downgraded), GroupError> {
        let full = self.members.len() >= view.limits.consumer.max_size;
        let predecessor = join.instance.as_ref().and_then(|it| self.static_member(it));
        let predecessor = predecessor.map(|member| member.id.clone());
        if full && predecessor.is_none() && !self.members.contains_key(&join.member) {
            return Err(GroupError::GroupMaxSizeReached);
        }
        if !self.supports(join) {
            return Err(GroupError::InconsistentProtocol);
        }
        let said = join
            .protocols
            .first()
            .and_then(|first| embedded::Subscription::decode(&first.metadata));
        let said = said.ok_or(GroupError::InconsistentProtocol)?;
        let id = joining_id(join, predecessor.as_ref())?;
        let replaces = predecessor.filter(|predecessor| *predecessor != id);
        if let Some(predecessor) = &replaces {
            self.replace(predecessor, &id, effects);
        }
        let subscription_changed = self.take_over(&id, join, &said, view, effects);
        let downgraded = match replaces {
            Some(_) => self.downgraded(subscription_changed, view, effects),
            None => None,
        };
        if downgraded.is_none() {
            // A version that does not say what it holds gives everything up before it joins.
            let owned = partitions(said.owned.as_deref().unwrap_or_default(), view);
            self.follow_changes(subscription_changed, view, effects);
            self.assign(view, effects);
            self.reconcile(&id, subscription_changed, Some(&owned), view, effects);
        }
        let member = self.members.get(&id).ok_or(GroupError::UnknownMemberId)?;
        Ok((joined(member, downgraded.is_some().then_some(self.epoch)), downgraded))
    }

    /// Whether all classic members know one of its protocols.
    fn supports(&self, join: &Join) -> bool {
        let classic: Vec<&ClassicSide> =
            self.members.values().filter_map(|member| member.classic.as_ref()).collect();
        let knows = |classic: &&ClassicSide, name: &str| {
            classic.protocols.iter().any(|known| &*known.name == name)
        };
        let common = |protocol: &Protocol| classic.iter().all(|it| knows(it, &protocol.name));
        &*join.protocol_type == CONSUMER && join.protocols.iter().any(common)
    }

    /// Takes over what the member says of itself; whether it reads something else now.
    fn take_over(
        &mut self,
        id: &MemberId,
        join: &Join,
        said: &embedded::Subscription,
        view: &View<'_>,
        effects: &mut Effects,
    ) -> bool {
        let before = self.take(id).unwrap_or_else(|| ConsumerMember::new(id.clone()));
        let names = said.topics.iter().map(|topic| Arc::from(topic.as_str())).collect();
        let subscription = Subscription { names, regex: None };
        let changed = subscription.names != before.subscription.names
            || before.subscription.pattern().is_some();
        let now = view.now.time;
        let mut classic = ClassicSide::new(join.session_timeout, join.protocols.clone());
        classic.sync_deadline = Some(now.saturating_add(join.rebalance_timeout));
        let member = ConsumerMember {
            instance: join.instance.clone().or(before.instance),
            rack: said.rack.as_deref().map(Arc::from).or(before.rack),
            client_id: join.client_id.clone(),
            client_host: join.client_host.clone(),
            rebalance_timeout: join.rebalance_timeout,
            subscription: self.subscriptions.shared(subscription),
            classic: Some(classic),
            session_deadline: now.saturating_add(join.session_timeout),
            rebalance_deadline: None,
            ..before
        };
        self.put(member);
        effects.put(id);
        changed
    }

    /// A classic member asks for its share.
    ///
    /// # Errors
    /// `UnknownMemberId`, `FencedInstanceId`, `IllegalGeneration`, `InconsistentProtocol`, `RebalanceInProgress`.
    pub fn sync(&mut self, sync: &Sync, view: &View<'_>) -> Result<Synced, GroupError> {
        let epoch = self.epoch;
        let (member, classic) = self.classic(MemberRef {
            member: &sync.member,
            instance: sync.instance.as_deref(),
            generation: sync.generation,
        })?;
        let chosen = classic.protocols.first().map(|first| Arc::clone(&first.name));
        let differs = |said: &Option<Arc<str>>, is: Option<&str>| {
            said.as_deref().is_some_and(|said| Some(said) != is)
        };
        if differs(&sync.protocol_type, Some(CONSUMER))
            || differs(&sync.protocol_name, chosen.as_deref())
        {
            return Err(GroupError::InconsistentProtocol);
        }
        if epoch > member.epoch && member.state != MemberState::Revoking {
            self.expect_join(&sync.member, view);
            return Err(GroupError::RebalanceInProgress);
        }
        let assignment = share(&member.assigned, version(classic), view);
        let timeout = classic.session_timeout;
        if let Some(member) = self.members.get_mut(&sync.member) {
            member.session_deadline = view.now.time.saturating_add(timeout);
            if let Some(classic) = &mut member.classic {
                classic.sync_deadline = None;
            }
        }
        Ok(Synced {
            protocol_type: CONSUMER.into(),
            protocol_name: chosen.unwrap_or_default(),
            assignment: assignment.into(),
        })
    }

    /// A classic member lives.
    ///
    /// # Errors
    /// `UnknownMemberId`, `FencedInstanceId`, `IllegalGeneration`; `RebalanceInProgress` when its next step is due.
    pub fn classic_heartbeat(
        &mut self,
        from: MemberRef<'_>,
        view: &View<'_>,
    ) -> Result<(), GroupError> {
        let (member, classic) = self.classic(from)?;
        let timeout = classic.session_timeout;
        let id = member.id.clone();
        let is_due = member.epoch < self.epoch
            || match member.state {
                MemberState::Stable => false,
                MemberState::Revoking => true,
                MemberState::Waiting => !self.waits_for_others(member),
            };
        if let Some(member) = self.members.get_mut(&id) {
            member.session_deadline = view.now.time.saturating_add(timeout);
        }
        if is_due {
            self.expect_join(&id, view);
            return Err(GroupError::RebalanceInProgress);
        }
        Ok(())
    }

    /// Whether others still hold something of its target.
    fn waits_for_others(&self, member: &ConsumerMember) -> bool {
        let target = self.target.get(&member.id);
        let missing = target.into_iter().flat_map(Partitions::iter);
        let mut missing = missing.filter(|(topic, it)| !member.assigned.contains(*topic, *it));
        missing.any(|(topic, it)| self.holders.is_held_by_another(&member.id, topic, it))
    }

    /// A member that was told to join again must do so within its rebalance time-out.
    fn expect_join(&mut self, id: &str, view: &View<'_>) {
        let Some(member) = self.members.get_mut(id) else { return };
        let by = view.now.time.saturating_add(member.rebalance_timeout);
        if let Some(classic) = &mut member.classic {
            classic.join_deadline.get_or_insert(by);
        }
    }

    fn classic(&self, from: MemberRef<'_>) -> Result<(&ConsumerMember, &ClassicSide), GroupError> {
        let member = self.speaker(from.member, from.instance)?;
        let classic = member.classic.as_ref().ok_or(GroupError::UnknownMemberId)?;
        if i64::from(from.generation) == i64::from(member.epoch) {
            Ok((member, classic))
        } else {
            Err(GroupError::IllegalGeneration)
        }
    }
}

/// The id under which it joins.
fn joining_id(join: &Join, predecessor: Option<&MemberId>) -> Result<MemberId, GroupError> {
    if join.member.is_empty() {
        let prefix = join.instance.as_ref().unwrap_or(&join.client_id);
        let id: MemberId = format!("{prefix}-{}", join.unique).into();
        return if join.requires_known_id && join.instance.is_none() {
            Err(GroupError::MemberIdRequired(id))
        } else {
            Ok(id)
        };
    }
    match (&join.instance, predecessor) {
        (Some(_), None) => Err(GroupError::UnknownMemberId),
        (Some(_), Some(known)) if *known != join.member => Err(GroupError::FencedInstanceId),
        _ => Ok(join.member.clone()),
    }
}

/// What a classic member is told; its generation is its epoch, or that of the classic group that this one became.
fn joined(member: &ConsumerMember, generation: Option<u32>) -> Joined {
    let protocols = member.classic.iter().flat_map(|classic| &classic.protocols);
    Joined {
        generation: generation.unwrap_or(member.epoch),
        protocol_type: CONSUMER.into(),
        protocol_name: protocols.map(|it| Arc::clone(&it.name)).next().unwrap_or_default(),
        leader: MemberId::default(),
        member: member.id.clone(),
        skip_assignment: false,
        members: Vec::new(),
    }
}

/// The version in which a classic member speaks of subscriptions.
pub(super) fn version(classic: &ClassicSide) -> i16 {
    let first = classic.protocols.first();
    let subscription = first.and_then(|first| embedded::Subscription::decode(&first.metadata));
    subscription.map_or(0, |subscription| subscription.version)
}

/// A share in the words of the classic protocol: topics have names there.
pub(super) fn share(partitions: &Partitions, version: i16, view: &View<'_>) -> Vec<u8> {
    let mut by_name: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (topic, partitions) in partitions.topics() {
        if let Some(topic) = view.catalog.by_id(topic) {
            by_name.insert(topic.name, partitions.iter().copied().collect());
        }
    }
    embedded::assignment(version, &by_name)
}

/// Partitions in the words of the classic protocol, as far as their topics exist.
pub(super) fn partitions(named: &[(String, Vec<u32>)], view: &View<'_>) -> Partitions {
    let known = named.iter().filter_map(|(name, partitions)| {
        let id: TopicId = view.catalog.by_name(name)?.id;
        Some(partitions.iter().map(move |partition| (id, *partition)))
    });
    known.flatten().collect()
}
