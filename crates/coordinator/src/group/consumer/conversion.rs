//! From the classic protocol to the consumer protocol and back, with members in the group (`group.consumer.migration.policy`).

use super::{
    ClassicSide, ConsumerGroup, ConsumerMember, Effects, GroupError, MemberState, Subscription,
    View,
    classic::{partitions, share, version},
    leave::Downgraded,
};
use crate::group::{
    CONSUMER, ClassicGroup, Member, embedded,
    record::{milliseconds, protocol_records},
};
use formats::metadata as records;
use std::{collections::BTreeSet, sync::Arc};

impl ConsumerGroup {
    /// A group with the members of a classic one, who keep what they were assigned.
    ///
    /// # Errors
    /// `GroupIdNotFound`, as in Kafka: it can't become one.
    pub(crate) fn upgraded(
        classic: &mut ClassicGroup,
        view: &View<'_>,
        effects: &mut Effects,
    ) -> Result<Self, GroupError> {
        let policy = view.limits.consumer.migration;
        let too_large = classic.members().count() > view.limits.consumer.max_size;
        if !policy.upgrades() || !classic.is_of_consumers() || too_large {
            return Err(GroupError::GroupIdNotFound);
        }
        let mut group = Self::new(classic.id().clone(), view.now);
        group.epoch = classic.generation();
        group.assignment_epoch = group.epoch;
        for member in classic.members() {
            let member = group.converted(member, classic.protocol_name(), view)?;
            group.target.insert(member.id.clone(), member.assigned.clone());
            group.put(member);
        }
        for member in group.members.keys() {
            effects.put(member);
        }
        effects.clear_members = true;
        effects.store = true;
        classic.refuse_waiting(view.now, effects);
        Ok(group)
    }

    fn converted(
        &self,
        member: &Member,
        protocol: &str,
        view: &View<'_>,
    ) -> Result<ConsumerMember, GroupError> {
        let assignment = embedded::Assignment::decode(&member.assignment);
        // What an assignor of the members' own put there would be lost.
        let assignment = assignment
            .filter(|assignment| !assignment.has_user_data)
            .ok_or(GroupError::GroupIdNotFound)?;
        let metadata = member.protocols.iter().find(|it| &*it.name == protocol);
        let metadata = metadata.or_else(|| member.protocols.first());
        let said = metadata.and_then(|it| embedded::Subscription::decode(&it.metadata));
        let said = said.ok_or(GroupError::GroupIdNotFound)?;
        let names: BTreeSet<Arc<str>> =
            said.topics.iter().map(|topic| Arc::from(topic.as_str())).collect();
        let subscription = Subscription { names, regex: None };
        Ok(ConsumerMember {
            instance: member.instance.clone(),
            rack: said.rack.as_deref().map(Arc::from),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout: member.rebalance_timeout,
            subscription: self.subscriptions.shared(subscription),
            classic: Some(ClassicSide::new(member.session_timeout, member.protocols.clone())),
            epoch: self.epoch,
            previous_epoch: self.epoch,
            state: MemberState::Stable,
            assigned: partitions(&assignment.partitions, view),
            session_deadline: view.now.time.saturating_add(member.session_timeout),
            ..ConsumerMember::new(member.id.clone())
        })
    }

    /// The classic group that this one becomes when only such members are left; they rebalance if somebody is gone or
    /// reads something else.
    pub(super) fn downgraded(
        &self,
        rebalances: bool,
        view: &View<'_>,
        effects: &mut Effects,
    ) -> Downgraded {
        let policy = view.limits.consumer.migration;
        let all_classic = self.members.values().all(|member| member.classic.is_some());
        let fits = self.members.len() <= view.limits.max_size;
        if self.is_empty() || !all_classic || !policy.downgrades() || !fits {
            return None;
        }
        effects.clear_members = true;
        effects.members.clear();
        effects.store = true;
        let record = self.classic_record(view);
        let mut classic = ClassicGroup::from_record(self.id.clone(), record, view.now);
        let rebalance = classic.begin_again(rebalances, view.limits, view.now);
        effects.and(rebalance);
        Some(classic)
    }

    /// The group as a classic one would have been stored, with the target as its assignment.
    fn classic_record(&self, view: &View<'_>) -> records::Group {
        let members = self.members.values().filter_map(|member| {
            let classic = member.classic.as_ref()?;
            let target = self.target.get(&member.id).unwrap_or(&member.assigned);
            Some(records::GroupMember {
                id: member.id.to_string(),
                instance_id: member.instance.as_ref().map(ToString::to_string),
                client_id: member.client_id.to_string(),
                client_host: member.client_host.to_string(),
                session_timeout_ms: milliseconds(classic.session_timeout),
                rebalance_timeout_ms: milliseconds(member.rebalance_timeout),
                protocols: protocol_records(&classic.protocols),
                assignment: share(target, version(classic), view).into(),
            })
        });
        records::Group {
            format: 1,
            protocol_type: CONSUMER.to_owned(),
            generation: self.epoch,
            protocol_name: None,
            leader: None,
            state_since_unix_ms: view.now.unix_ms,
            members: members.collect(),
            consumer: None,
        }
    }
}
