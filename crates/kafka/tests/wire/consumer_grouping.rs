//! Groups under the consumer protocol (KIP-848) over the wire.

use crate::{
    broker::Served,
    client::Client,
    grouping::{commit, committed, setting},
};
use kafka_protocol::{ResponseError, messages::*};

fn first(member: &str) -> ConsumerGroupHeartbeatRequest {
    next(member, 0)
        .with_rebalance_timeout_ms(300_000)
        .with_subscribed_topic_names(Some(vec![TopicName("t".into())]))
        .with_topic_partitions(Some(Vec::new()))
}

fn next(member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(GroupId("g".into()))
        .with_member_id(member.to_owned().into())
        .with_member_epoch(epoch)
        .with_rebalance_timeout_ms(-1)
        .with_subscribed_topic_names(None)
        .with_topic_partitions(None)
}

async fn beat(client: &mut Client, request: ConsumerGroupHeartbeatRequest) -> i16 {
    client.call(1, request).await.error_code
}

async fn joined() -> (Served, Client) {
    let (served, mut client) = setting().await;
    assert_eq!(beat(&mut client, first("m")).await, 0);
    (served, client)
}

#[tokio::test(start_paused = true)]
async fn a_member_joins_is_assigned_commits_and_leaves() {
    let (_served, mut client) = setting().await;
    let joined = client.call(1, first("m")).await;
    assert_eq!((joined.error_code, joined.member_epoch), (0, 1));
    assert_eq!((joined.member_id.as_deref(), joined.heartbeat_interval_ms), (Some("m"), 5_000));
    let assigned = &joined.assignment.unwrap().topic_partitions[0];
    assert_eq!(assigned.partitions, [0, 1]);
    let again = client.call(1, next("m", 1)).await;
    assert_eq!((again.error_code, again.assignment), (0, None));
    let of_member = || commit("t", 1, "").with_member_id("m".into());
    let current = of_member().with_generation_id_or_member_epoch(1);
    assert_eq!(committed_by(&mut client, 9, current.clone()).await, 0);
    let stale = of_member().with_generation_id_or_member_epoch(2);
    let refused = committed_by(&mut client, 9, stale).await;
    assert_eq!(refused, ResponseError::StaleMemberEpoch.code());
    let refused = committed(&mut client, current).await;
    assert_eq!(refused, ResponseError::UnsupportedVersion.code(), "that version knows no epochs");
    let left = client.call(1, next("m", -1)).await;
    assert_eq!((left.error_code, left.member_epoch), (0, -1));
}

async fn committed_by(client: &mut Client, version: i16, request: OffsetCommitRequest) -> i16 {
    client.call(version, request).await.topics[0].partitions[0].error_code
}

#[tokio::test(start_paused = true)]
async fn offsets_are_read_in_the_members_epoch() {
    let (_served, mut client) = joined().await;
    for (member, epoch, expected) in [
        (None, -1, 0),
        (Some("m"), 1, 0),
        (Some("m"), 2, ResponseError::StaleMemberEpoch.code()),
        (Some("n"), 1, ResponseError::UnknownMemberId.code()),
    ] {
        let group = offset_fetch_request::OffsetFetchRequestGroup::default()
            .with_group_id(GroupId("g".into()))
            .with_member_id(member.map(Into::into))
            .with_member_epoch(epoch)
            .with_topics(None);
        let request = OffsetFetchRequest::default().with_groups(vec![group]);
        let answer = client.call(9, request).await;
        assert_eq!(answer.groups[0].error_code, expected, "{member:?} in {epoch}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_make_no_sense_are_refused() {
    let (_served, mut client) = joined().await;
    let invalid = ResponseError::InvalidRequest.code();
    assert_eq!(beat(&mut client, first("")).await, invalid);
    assert_eq!(beat(&mut client, next("m", -3)).await, invalid);
    assert_eq!(beat(&mut client, next("m", -2)).await, invalid, "it has no instance");
    assert_eq!(beat(&mut client, first("m").with_group_id(GroupId("".into()))).await, invalid);
    assert_eq!(beat(&mut client, first("m").with_instance_id(Some("".into()))).await, invalid);
    assert_eq!(beat(&mut client, first("m").with_rebalance_timeout_ms(-1)).await, invalid);
    assert_eq!(beat(&mut client, first("m").with_topic_partitions(None)).await, invalid);
    assert_eq!(beat(&mut client, first("m").with_subscribed_topic_names(None)).await, invalid);
    for (request, expected) in [
        (next("n", 1), ResponseError::UnknownMemberId),
        (next("m", 7), ResponseError::FencedMemberEpoch),
        (next("m", 1).with_group_id(GroupId("h".into())), ResponseError::GroupIdNotFound),
        (first("n").with_server_assignor(Some("mine".into())), ResponseError::UnsupportedAssignor),
        (
            first("n").with_subscribed_topic_regex(Some("(".into())),
            ResponseError::InvalidRegularExpression,
        ),
    ] {
        assert_eq!(beat(&mut client, request).await, expected.code());
    }
}

#[tokio::test(start_paused = true)]
async fn version_0_gives_out_ids() {
    let (_served, mut client) = setting().await;
    let joined = client.call(0, first("")).await;
    assert_eq!(joined.error_code, 0);
    let given = joined.member_id.unwrap();
    assert_eq!(client.call(0, next(&given, 1)).await.error_code, 0);
}

#[tokio::test(start_paused = true)]
async fn a_group_is_listed_and_described_as_what_it_is() {
    let (_served, mut client) = joined().await;
    let listed = client.call(5, ListGroupsRequest::default()).await;
    let group = &listed.groups[0];
    let kind = (group.group_type.as_str(), group.protocol_type.as_str());
    assert_eq!((kind, group.group_state.as_str()), (("consumer", "consumer"), "Stable"));
    let classic = ListGroupsRequest::default().with_types_filter(vec!["Classic".into()]);
    assert!(client.call(5, classic).await.groups.is_empty());
    let ids = vec![GroupId("g".into()), GroupId("h".into())];
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(ids);
    let described = client.call(1, request).await;
    let group = &described.groups[0];
    assert_eq!((group.error_code, group.group_state.as_str()), (0, "Stable"));
    assert_eq!((group.group_epoch, group.assignment_epoch), (1, 1));
    assert_eq!(group.assignor_name.as_str(), "uniform");
    let member = &group.members[0];
    assert_eq!((member.member_epoch, member.member_type), (1, 1));
    assert_eq!(member.subscribed_topic_names, [TopicName("t".into())]);
    for assignment in [&member.assignment, &member.target_assignment] {
        assert_eq!(assignment.topic_partitions[0].topic_name.as_str(), "t");
        assert_eq!(assignment.topic_partitions[0].partitions, [0, 1]);
    }
    assert_eq!(described.groups[1].error_code, ResponseError::GroupIdNotFound.code());
    let request = DescribeGroupsRequest::default().with_groups(vec![GroupId("g".into())]);
    let classic = client.call(6, request).await;
    assert_eq!(classic.groups[0].error_code, ResponseError::GroupIdNotFound.code());
}
