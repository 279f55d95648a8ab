//! Groups and their offsets over the wire.

use crate::{broker::Served, client::Client, producing::name};
use kafka::ServerOptions;
use kafka_protocol::{ResponseError, messages::*};
use std::time::Duration;

/// A client of a broker whose group slots are open, and a topic `t` of two partitions.
pub(crate) async fn setting() -> (Served, Client) {
    let served = Served::start().await;
    served.create_topic("t", 2).await;
    let mut client = served.connect().await;
    until_found(&mut client).await;
    (served, client)
}

async fn until_found(client: &mut Client) {
    for _ in 0..100 {
        let request = FindCoordinatorRequest::default().with_coordinator_keys(vec!["g".into()]);
        let found = client.call(4, request).await;
        let listed = client.call(4, ListGroupsRequest::default()).await;
        if found.coordinators[0].error_code == 0 && listed.error_code == 0 {
            assert_eq!(
                (i32::from(found.coordinators[0].node_id), found.coordinators[0].port),
                (1, 9092)
            );
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no coordinator");
}

fn join(member: &str) -> JoinGroupRequest {
    let protocol = join_group_request::JoinGroupRequestProtocol::default()
        .with_name("range".into())
        .with_metadata(vec![0, 0, 0, 0, 0, 1, 0, 1, b't'].into());
    JoinGroupRequest::default()
        .with_group_id(GroupId("g".into()))
        .with_session_timeout_ms(45_000)
        .with_rebalance_timeout_ms(300_000)
        .with_member_id(member.to_owned().into())
        .with_protocol_type("consumer".into())
        .with_protocols(vec![protocol])
}

fn sync(member: &str, generation: i32) -> SyncGroupRequest {
    let share = sync_group_request::SyncGroupRequestAssignment::default()
        .with_member_id(member.to_owned().into())
        .with_assignment(vec![1, 2, 3].into());
    SyncGroupRequest::default()
        .with_group_id(GroupId("g".into()))
        .with_generation_id(generation)
        .with_member_id(member.to_owned().into())
        .with_protocol_type(Some("consumer".into()))
        .with_protocol_name(Some("range".into()))
        .with_assignments(vec![share])
}

/// Joins as a new member, with the id that it is given, and synchronizes.
async fn member(client: &mut Client) -> (String, i32) {
    let refused = client.call(9, join("")).await;
    assert_eq!(refused.error_code, ResponseError::MemberIdRequired.code());
    let joined = client.call(9, join(&refused.member_id)).await;
    assert_eq!(joined.error_code, 0);
    let synced = client.call(5, sync(&joined.member_id, joined.generation_id)).await;
    assert_eq!((synced.error_code, synced.assignment.as_ref()), (0, &[1, 2, 3][..]));
    (joined.member_id.to_string(), joined.generation_id)
}

fn heartbeat(member: &str, generation: i32) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(GroupId("g".into()))
        .with_member_id(member.to_owned().into())
        .with_generation_id(generation)
}

pub(crate) fn commit(topic: &str, partition: i32, note: &str) -> OffsetCommitRequest {
    use offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(partition)
        .with_committed_offset(42)
        .with_committed_leader_epoch(1)
        .with_committed_metadata(Some(note.to_owned().into()));
    let topic =
        OffsetCommitRequestTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
    OffsetCommitRequest::default().with_group_id(GroupId("g".into())).with_topics(vec![topic])
}

pub(crate) async fn committed(client: &mut Client, request: OffsetCommitRequest) -> i16 {
    client.call(8, request).await.topics[0].partitions[0].error_code
}

fn fetch_all() -> OffsetFetchRequest {
    let group = offset_fetch_request::OffsetFetchRequestGroup::default()
        .with_group_id(GroupId("g".into()))
        .with_topics(None);
    OffsetFetchRequest::default().with_groups(vec![group])
}

#[tokio::test(start_paused = true)]
async fn a_consumer_joins_commits_and_leaves() {
    let (_served, mut client) = setting().await;
    let (member, generation) = member(&mut client).await;
    assert_eq!(client.call(4, heartbeat(&member, generation)).await.error_code, 0);
    let of_member = commit("t", 1, "note")
        .with_member_id(member.clone().into())
        .with_generation_id_or_member_epoch(generation);
    assert_eq!(committed(&mut client, of_member).await, 0);
    let fetched = client.call(8, fetch_all()).await;
    let partition = &fetched.groups[0].topics[0].partitions[0];
    assert_eq!((partition.partition_index, partition.committed_offset), (1, 42));
    assert_eq!(partition.metadata.as_deref(), Some("note"));
    let leaving = leave_group_request::MemberIdentity::default().with_member_id(member.into());
    let leave =
        LeaveGroupRequest::default().with_group_id(GroupId("g".into())).with_members(vec![leaving]);
    assert_eq!(client.call(4, leave).await.members[0].error_code, 0);
    let described = client
        .call(6, DescribeGroupsRequest::default().with_groups(vec![GroupId("g".into())]))
        .await;
    assert_eq!(described.groups[0].group_state.as_str(), "Empty");
}

#[tokio::test(start_paused = true)]
async fn a_join_waits_while_other_clients_are_served() {
    let (served, mut client) = setting().await;
    let (member, generation) = member(&mut client).await;
    let mut second = served.connect().await;
    let given = second.call(9, join("")).await.member_id;
    let sent = second.send(9, &join(&given)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let rebalance = ResponseError::RebalanceInProgress.code();
    assert_eq!(client.call(4, heartbeat(&member, generation)).await.error_code, rebalance);
    let joined = client.call(9, join(&member)).await;
    assert_eq!((joined.generation_id, joined.members.len()), (generation + 1, 2));
    let other = second.receive::<JoinGroupRequest>(9, sent).await;
    assert_eq!((other.generation_id, other.members.len()), (generation + 1, 0));
    assert_eq!(other.leader, joined.leader);
}

#[tokio::test(start_paused = true)]
async fn commits_are_refused_partition_by_partition() {
    let (_served, mut client) = setting().await;
    let unknown = ResponseError::UnknownTopicOrPartition.code();
    assert_eq!(committed(&mut client, commit("t", 0, "")).await, 0);
    assert_eq!(committed(&mut client, commit("t", 2, "")).await, unknown);
    assert_eq!(committed(&mut client, commit("no-such-topic", 0, "")).await, unknown);
    let long = "x".repeat(4097);
    let too_large = ResponseError::OffsetMetadataTooLarge.code();
    assert_eq!(committed(&mut client, commit("t", 0, &long)).await, too_large);
    assert_eq!(committed(&mut client, commit("t", 0, &long[1..])).await, 0);
    let zombie = commit("t", 0, "").with_generation_id_or_member_epoch(3);
    assert_eq!(committed(&mut client, zombie).await, ResponseError::UnknownMemberId.code());
}

#[tokio::test(start_paused = true)]
async fn an_offset_that_was_never_committed_is_minus_one_without_an_error() {
    let (_served, mut client) = setting().await;
    let topic = offset_fetch_request::OffsetFetchRequestTopic::default()
        .with_name(name("t"))
        .with_partition_indexes(vec![0, 7]);
    for version in 1..=7 {
        let request = OffsetFetchRequest::default()
            .with_group_id(GroupId("g".into()))
            .with_topics(Some(vec![topic.clone()]));
        let fetched = client.call(version, request).await;
        assert_eq!(fetched.error_code, 0);
        for partition in &fetched.topics[0].partitions {
            assert_eq!((partition.committed_offset, partition.error_code), (-1, 0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_of_the_same_name_is_fetched_once() {
    let (_served, mut client) = setting().await;
    committed(&mut client, commit("t", 0, "")).await;
    let mut request = fetch_all();
    request.groups = vec![request.groups[0].clone(); 1000];
    assert_eq!(client.call(8, request).await.groups.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn groups_are_listed_described_and_deleted() {
    let (_served, mut client) = setting().await;
    let (member_id, _) = member(&mut client).await;
    let state =
        |state: &'static str| ListGroupsRequest::default().with_states_filter(vec![state.into()]);
    assert_eq!(client.call(4, state("stable")).await.groups[0].group_id.as_str(), "g");
    assert_eq!(client.call(4, state("Empty")).await.groups.len(), 0);
    let kind =
        |kind: &'static str| ListGroupsRequest::default().with_types_filter(vec![kind.into()]);
    assert_eq!(client.call(5, kind("classic")).await.groups[0].group_type.as_str(), "classic");
    assert_eq!(client.call(5, kind("consumer")).await.groups.len(), 0);
    let ask = |id: &'static str| {
        let groups = vec![GroupId(id.into())];
        DescribeGroupsRequest::default()
            .with_groups(groups)
            .with_include_authorized_operations(true)
    };
    let described = client.call(6, ask("g")).await.groups.remove(0);
    assert_eq!(described.protocol_data.as_str(), "range");
    let seen = &described.members[0];
    assert_eq!((seen.member_id.as_str(), seen.client_id.as_str()), (member_id.as_str(), "test"));
    assert_eq!(seen.member_assignment.as_ref(), [1, 2, 3]);
    let delete = |id: &'static str| {
        DeleteGroupsRequest::default().with_groups_names(vec![GroupId(id.into())])
    };
    let code = |response: DeleteGroupsResponse| response.results[0].error_code;
    let not_empty = ResponseError::NonEmptyGroup.code();
    assert_eq!(code(client.call(2, delete("g")).await), not_empty);
    let leaving = leave_group_request::MemberIdentity::default().with_member_id(member_id.into());
    let leave =
        LeaveGroupRequest::default().with_group_id(GroupId("g".into())).with_members(vec![leaving]);
    client.call(3, leave).await;
    assert_eq!(code(client.call(2, delete("g")).await), 0);
    let not_found = ResponseError::GroupIdNotFound.code();
    assert_eq!(code(client.call(2, delete("g")).await), not_found);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_does_not_exist_is_dead_and_since_version_6_an_error() {
    let (_served, mut client) = setting().await;
    for version in 0..=6 {
        let request = DescribeGroupsRequest::default().with_groups(vec![GroupId("?".into())]);
        let group = client.call(version, request).await.groups.remove(0);
        let expected = if version < 6 { 0 } else { ResponseError::GroupIdNotFound.code() };
        assert_eq!((group.group_state.as_str(), group.error_code), ("Dead", expected));
    }
}

#[tokio::test(start_paused = true)]
async fn offsets_are_deleted_unless_a_member_reads_the_topic() {
    use offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
    let (served, mut client) = setting().await;
    served.create_topic("other", 1).await;
    for topic in ["t", "other"] {
        assert_eq!(committed(&mut client, commit(topic, 0, "")).await, 0);
    }
    member(&mut client).await;
    let topics = ["t", "other", "no-such-topic"].map(|topic| {
        let partition = OffsetDeleteRequestPartition::default().with_partition_index(0);
        OffsetDeleteRequestTopic::default().with_name(name(topic)).with_partitions(vec![partition])
    });
    let request = OffsetDeleteRequest::default()
        .with_group_id(GroupId("g".into()))
        .with_topics(topics.to_vec());
    let deleted = client.call(0, request).await;
    let codes: Vec<i16> = deleted.topics.iter().map(|it| it.partitions[0].error_code).collect();
    let expected = [
        ResponseError::GroupSubscribedToTopic.code(),
        0,
        ResponseError::UnknownTopicOrPartition.code(),
    ];
    assert_eq!(codes, expected);
    let left = client.call(8, fetch_all()).await.groups.remove(0).topics;
    assert_eq!((left.len(), left[0].name.as_str()), (1, "t"));
}

#[tokio::test(start_paused = true)]
async fn an_empty_group_id_is_an_invalid_group_id() {
    let (_served, mut client) = setting().await;
    let invalid = ResponseError::InvalidGroupId.code();
    let nameless = GroupId("".into());
    let joined = client.call(9, join("").with_group_id(nameless.clone())).await;
    assert_eq!(joined.error_code, invalid);
    let synced = client.call(5, sync("m", 1).with_group_id(nameless.clone())).await;
    assert_eq!(synced.error_code, invalid);
    let beat = client.call(4, heartbeat("m", 1).with_group_id(nameless)).await;
    assert_eq!(beat.error_code, invalid);
}

#[tokio::test(start_paused = true)]
async fn clients_may_not_write_to_the_internal_topic_or_delete_it() {
    use crate::producing::{batch, outcome, produce};
    let (_served, mut client) = setting().await;
    let response = client.call(9, produce("__consumer_offsets", -1, batch(&["x"]))).await;
    assert_eq!(outcome(&response).0, ResponseError::InvalidTopicException.code());
    let delete = DeleteTopicsRequest::default()
        .with_topic_names(vec![name("__consumer_offsets")])
        .with_timeout_ms(1000);
    let deleted = client.call(5, delete).await;
    assert_eq!(deleted.responses[0].error_code, ResponseError::InvalidRequest.code());
    let metadata = client.call(12, MetadataRequest::default().with_topics(None)).await;
    let internal = metadata.topics.iter().find(|topic| topic.is_internal).unwrap();
    assert_eq!(internal.partitions.len(), 50);
}

#[tokio::test(start_paused = true)]
async fn before_there_are_slots_a_member_is_sent_to_find_its_coordinator() {
    let served = Served::start_with(ServerOptions::default()).await;
    let mut client = served.connect().await;
    let refused = client.call(9, join("")).await;
    assert_eq!(refused.error_code, ResponseError::NotCoordinator.code());
}
