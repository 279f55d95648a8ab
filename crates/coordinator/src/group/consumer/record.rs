//! A group of the consumer protocol as it is stored: epochs and target in one record, each member in its own.

use super::{
    Assignor, ClassicSide, ConsumerGroup, ConsumerMember, GroupId, MemberId, MemberState, Now,
    Partitions, Subscription,
};
use crate::group::{
    CONSUMER,
    record::{duration, milliseconds, protocol_records, protocols},
};
use bytes::Bytes;
use formats::metadata as records;
use model::TopicId;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

impl ConsumerGroup {
    /// What is stored of it, besides its members and offsets.
    pub fn record(&self) -> records::Group {
        records::Group {
            format: 1,
            protocol_type: CONSUMER.to_owned(),
            generation: self.epoch,
            state_since_unix_ms: self.empty_since_unix_ms,
            consumer: Some(self.consumer_record()),
            ..records::Group::default()
        }
    }

    fn consumer_record(&self) -> records::ConsumerGroup {
        let shares = self.target.values().flat_map(Partitions::topics);
        let mut places: BTreeMap<TopicId, u32> = shares.map(|(topic, _)| (topic, 0)).collect();
        for (next, place) in (0..).zip(places.values_mut()) {
            *place = next;
        }
        let share = |(topic, partitions): (TopicId, &std::collections::BTreeSet<u32>)| {
            records::TargetPartitions {
                topic: places.get(&topic).copied().unwrap_or_default(),
                partitions: partitions.iter().copied().collect(),
            }
        };
        let targets = self.target.iter().map(|(member, partitions)| records::TargetAssignment {
            member: member.to_string(),
            topics: partitions.topics().map(share).collect(),
        });
        let topics = self.topics.iter().map(|(topic, partitions)| records::SubscribedTopic {
            topic: id_bytes(*topic),
            partitions: *partitions,
        });
        records::ConsumerGroup {
            assignment_epoch: self.assignment_epoch,
            topics: topics.collect(),
            targets: targets.collect(),
            target_topics: places.keys().map(|topic| id_bytes(*topic)).collect(),
        }
    }

    /// What is stored of a member.
    pub fn member_record(&self, id: &str) -> Option<records::ConsumerGroupMember> {
        self.members.get(id).map(member_record)
    }

    /// The ids of its members.
    pub fn member_ids(&self) -> impl Iterator<Item = &MemberId> {
        self.members.keys()
    }

    /// A group as it was stored. Its members' sessions begin anew, for as long as `session_timeout`.
    pub fn from_records(
        id: GroupId,
        group: records::Group,
        members: Vec<(MemberId, records::ConsumerGroupMember)>,
        session_timeout: Duration,
        now: Now,
    ) -> Self {
        let mut loaded = Self::new(id, now);
        loaded.epoch = group.generation;
        loaded.empty_since_unix_ms = group.state_since_unix_ms;
        let stored = group.consumer.unwrap_or_default();
        loaded.assignment_epoch = stored.assignment_epoch;
        let topics = stored.topics.iter();
        loaded.topics = topics
            .filter_map(|topic| Some((TopicId::from_slice(&topic.topic)?, topic.partitions)))
            .collect();
        for (member, record) in members {
            loaded.put(from_member_record(member, record, session_timeout, now));
        }
        let topic = |place: u32| TopicId::from_slice(stored.target_topics.get(place as usize)?);
        for target in &stored.targets {
            let share = target.topics.iter().filter_map(|of| Some((topic(of.topic)?, of)));
            let share =
                share.flat_map(|(topic, of)| of.partitions.iter().map(move |it| (topic, *it)));
            loaded.target.insert(target.member.as_str().into(), share.collect());
        }
        let before = loaded.target.len();
        loaded.target.retain(|member, _| loaded.members.contains_key(member));
        if loaded.target.len() < before {
            // Members were removed in several transactions, and the last one is missing: their shares are free.
            loaded.epoch = loaded.epoch.max(loaded.assignment_epoch + 1);
        }
        loaded
    }
}

fn id_bytes(topic: TopicId) -> Bytes {
    Bytes::copy_from_slice(topic.as_bytes())
}

fn member_record(member: &ConsumerMember) -> records::ConsumerGroupMember {
    let text = |text: &Option<Arc<str>>| text.as_ref().map(ToString::to_string);
    let state = match member.state {
        MemberState::Stable => records::MemberState::Stable,
        MemberState::Revoking => records::MemberState::Revoking,
        MemberState::Waiting => records::MemberState::Waiting,
    };
    records::ConsumerGroupMember {
        format: 1,
        instance_id: text(&member.instance),
        rack: text(&member.rack),
        client_id: member.client_id.to_string(),
        client_host: member.client_host.to_string(),
        rebalance_timeout_ms: milliseconds(member.rebalance_timeout),
        topics: member.subscription.names.iter().map(ToString::to_string).collect(),
        regex: text(&member.subscription.regex),
        assignor: member.assignor.map(|assignor| assignor.name().to_owned()),
        classic: member.classic.as_ref().map(classic_record),
        epoch: member.epoch,
        previous_epoch: member.previous_epoch,
        away: member.away,
        state: state.into(),
        assigned: partition_records(&member.assigned),
        revoking: partition_records(&member.revoking),
    }
}

fn classic_record(classic: &ClassicSide) -> records::ClassicProtocols {
    records::ClassicProtocols {
        session_timeout_ms: milliseconds(classic.session_timeout),
        protocols: protocol_records(&classic.protocols),
    }
}

fn partition_records(partitions: &Partitions) -> Vec<records::MemberPartitions> {
    let topics = partitions.topics().map(|(topic, partitions)| records::MemberPartitions {
        topic: id_bytes(topic),
        partitions: partitions.iter().copied().collect(),
    });
    topics.collect()
}

fn from_member_record(
    id: MemberId,
    record: records::ConsumerGroupMember,
    session_timeout: Duration,
    now: Now,
) -> ConsumerMember {
    let state = match record.state() {
        records::MemberState::Stable => MemberState::Stable,
        records::MemberState::Revoking => MemberState::Revoking,
        records::MemberState::Waiting => MemberState::Waiting,
    };
    let classic = record.classic.map(|classic| {
        ClassicSide::new(duration(classic.session_timeout_ms), protocols(classic.protocols))
    });
    let session_timeout =
        classic.as_ref().map_or(session_timeout, |classic| classic.session_timeout);
    let rebalance_timeout = duration(record.rebalance_timeout_ms);
    let revokes = state == MemberState::Revoking && classic.is_none();
    ConsumerMember {
        id,
        instance: record.instance_id.map(Arc::from),
        rack: record.rack.map(Arc::from),
        client_id: record.client_id.into(),
        client_host: record.client_host.into(),
        rebalance_timeout,
        subscription: Arc::new(Subscription {
            names: record.topics.into_iter().map(Arc::from).collect(),
            regex: record.regex.map(Arc::from),
        }),
        assignor: record.assignor.as_deref().and_then(Assignor::from_name),
        classic,
        epoch: record.epoch,
        previous_epoch: record.previous_epoch,
        away: record.away,
        state,
        assigned: from_partition_records(&record.assigned),
        revoking: from_partition_records(&record.revoking),
        session_deadline: now.time.saturating_add(session_timeout),
        rebalance_deadline: revokes.then(|| now.time.saturating_add(rebalance_timeout)),
    }
}

fn from_partition_records(stored: &[records::MemberPartitions]) -> Partitions {
    let topics = stored.iter().filter_map(|of| Some((TopicId::from_slice(&of.topic)?, of)));
    topics.flat_map(|(topic, of)| of.partitions.iter().map(move |it| (topic, *it))).collect()
}
