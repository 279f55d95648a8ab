//! Requests to a group's coordinator.

use super::{name, text};
use crate::exam::Topic;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, GroupId,
        HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, ListGroupsRequest,
        OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest, SyncGroupRequest,
        join_group_request::JoinGroupRequestProtocol,
        leave_group_request::MemberIdentity,
        offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
        offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic},
        offset_fetch_request::{
            OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
        },
        sync_group_request::SyncGroupRequestAssignment,
    },
    protocol::StrBytes,
};

pub fn group_id(group: &str) -> GroupId {
    GroupId(text(group))
}

/// What a consumer of these topics says of itself, in version 0.
pub fn subscription(topics: &[&str]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    bytes.put_i32(topics.len() as i32);
    for topic in topics {
        bytes.put_i16(topic.len() as i16);
        bytes.put_slice(topic.as_bytes());
    }
    bytes.put_i32(-1);
    bytes.freeze()
}

pub fn protocol(name: &str, metadata: &Bytes) -> JoinGroupRequestProtocol {
    JoinGroupRequestProtocol::default().with_name(text(name)).with_metadata(metadata.clone())
}

/// A consumer that knows "range", and wants to be a member.
pub fn join(group: &str) -> JoinGroupRequest {
    JoinGroupRequest::default()
        .with_group_id(group_id(group))
        .with_session_timeout_ms(30_000)
        .with_rebalance_timeout_ms(30_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol("range", &subscription(&["t"]))])
}

/// Of a follower, who brings no assignment.
pub fn sync(group: &str, generation: i32, member: &StrBytes) -> SyncGroupRequest {
    SyncGroupRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id(generation)
        .with_member_id(member.clone())
}

pub fn assignment(member: &StrBytes, bytes: &'static str) -> SyncGroupRequestAssignment {
    SyncGroupRequestAssignment::default()
        .with_member_id(member.clone())
        .with_assignment(Bytes::from_static(bytes.as_bytes()))
}

pub fn heartbeat(group: &str, generation: i32, member: &StrBytes) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id(generation)
        .with_member_id(member.clone())
}

/// Of one member, up to version 2.
pub fn leave(group: &str, member: &StrBytes) -> LeaveGroupRequest {
    LeaveGroupRequest::default().with_group_id(group_id(group)).with_member_id(member.clone())
}

/// Of several, from version 3.
pub fn leave_all(group: &str, members: Vec<MemberIdentity>) -> LeaveGroupRequest {
    LeaveGroupRequest::default().with_group_id(group_id(group)).with_members(members)
}

pub fn leaver(member: &str, instance: Option<&str>) -> MemberIdentity {
    MemberIdentity::default()
        .with_member_id(text(member))
        .with_group_instance_id(instance.map(text))
}

pub fn describe(groups: &[&str]) -> DescribeGroupsRequest {
    DescribeGroupsRequest::default().with_groups(groups.iter().map(|it| group_id(it)).collect())
}

pub fn list(states: &[&str], types: &[&str]) -> ListGroupsRequest {
    let texts = |words: &[&str]| words.iter().map(|word| text(word)).collect();
    ListGroupsRequest::default().with_states_filter(texts(states)).with_types_filter(texts(types))
}

pub fn delete(groups: &[&str]) -> DeleteGroupsRequest {
    DeleteGroupsRequest::default().with_groups_names(groups.iter().map(|it| group_id(it)).collect())
}

pub fn commit_partition(
    partition: i32,
    offset: i64,
    metadata: Option<&str>,
) -> OffsetCommitRequestPartition {
    OffsetCommitRequestPartition::default()
        .with_partition_index(partition)
        .with_committed_offset(offset)
        .with_committed_leader_epoch(-1)
        .with_committed_metadata(metadata.map(text))
}

pub fn commit_of(
    group: &str,
    topic: &Topic,
    partitions: Vec<OffsetCommitRequestPartition>,
) -> OffsetCommitRequest {
    let topic = OffsetCommitRequestTopic::default()
        .with_name(name(&topic.name))
        .with_topic_id(topic.id)
        .with_partitions(partitions);
    OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id_or_member_epoch(-1)
        .with_retention_time_ms(-1)
        .with_topics(vec![topic])
}

/// By nobody in particular, to the topic's first partition.
pub fn commit(group: &str, topic: &Topic, offset: i64) -> OffsetCommitRequest {
    commit_of(group, topic, vec![commit_partition(0, offset, Some("note"))])
}

/// Up to version 7.
pub fn committed(group: &str, topics: Option<&[(&str, &[i32])]>) -> OffsetFetchRequest {
    let topic = |(topic, partitions): &(&str, &[i32])| {
        OffsetFetchRequestTopic::default()
            .with_name(name(topic))
            .with_partition_indexes(partitions.to_vec())
    };
    OffsetFetchRequest::default()
        .with_group_id(group_id(group))
        .with_topics(topics.map(|topics| topics.iter().map(topic).collect()))
}

pub fn committed_group(group: &str, topics: Option<&[(&str, &[i32])]>) -> OffsetFetchRequestGroup {
    let topic = |(topic, partitions): &(&str, &[i32])| {
        OffsetFetchRequestTopics::default()
            .with_name(name(topic))
            .with_partition_indexes(partitions.to_vec())
    };
    OffsetFetchRequestGroup::default()
        .with_group_id(group_id(group))
        .with_member_id(None)
        .with_member_epoch(-1)
        .with_topics(topics.map(|topics| topics.iter().map(topic).collect()))
}

/// From version 8.
pub fn committed_groups(groups: Vec<OffsetFetchRequestGroup>) -> OffsetFetchRequest {
    OffsetFetchRequest::default().with_groups(groups)
}

pub fn delete_offsets(group: &str, topics: &[(&str, &[i32])]) -> OffsetDeleteRequest {
    let partition =
        |index: &i32| OffsetDeleteRequestPartition::default().with_partition_index(*index);
    let topic = |(topic, partitions): &(&str, &[i32])| {
        OffsetDeleteRequestTopic::default()
            .with_name(name(topic))
            .with_partitions(partitions.iter().map(partition).collect())
    };
    OffsetDeleteRequest::default()
        .with_group_id(group_id(group))
        .with_topics(topics.iter().map(topic).collect())
}

/// Up to version 3.
pub fn find(key_type: i8, key: &str) -> FindCoordinatorRequest {
    FindCoordinatorRequest::default().with_key_type(key_type).with_key(text(key))
}

/// From version 4.
pub fn find_all(key_type: i8, keys: &[&str]) -> FindCoordinatorRequest {
    let keys = keys.iter().map(|key| text(key)).collect();
    FindCoordinatorRequest::default().with_key_type(key_type).with_coordinator_keys(keys)
}
