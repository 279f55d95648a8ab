//! Groups under the consumer protocol (KIP-848).
//!
//! Kafka 4.3 computes assignments beside the requests and no more than once a second, so that when a member learns of its
//! partitions is not compared; what is refused, and what a member that is settled is answered, is.

use crate::{
    exam::{Exam, Topic},
    member::{alone, group, ready},
    requests::{
        groups::{commit, committed_group, committed_groups, describe, group_id, list},
        name, text,
    },
    scenario::{Scenario, alike, deviating},
};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, ListGroupsRequest,
};
use std::{thread::sleep, time::Duration};

fn next(group: &str, member: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group_id(group))
        .with_member_id(text(member))
        .with_member_epoch(epoch)
        .with_rebalance_timeout_ms(-1)
        .with_subscribed_topic_names(None)
        .with_topic_partitions(None)
}

fn first(group: &str, member: &str, topic: &Topic) -> ConsumerGroupHeartbeatRequest {
    next(group, member, 0)
        .with_rebalance_timeout_ms(30_000)
        .with_subscribed_topic_names(Some(vec![name(&topic.name)]))
        .with_topic_partitions(Some(Vec::new()))
}

/// A group of one member, which has all of the topic's partitions; and its epoch.
fn settled(it: &mut Exam) -> (String, Topic, i32) {
    let topic = it.topic(2);
    let group = group(it);
    ready(it, &group);
    let joined = it.quietly(1, first(&group, "one", &topic));
    assert_eq!(joined.error_code, 0);
    let (mut epoch, mut assigned) = (joined.member_epoch, joined.assignment);
    for _ in 0..100 {
        if assigned.as_ref().is_some_and(|it| !it.topic_partitions.is_empty()) {
            return (group, topic, epoch);
        }
        sleep(Duration::from_millis(100));
        let answer = it.quietly(1, next(&group, "one", epoch));
        (epoch, assigned) = (answer.member_epoch, answer.assignment);
    }
    panic!("it is assigned nothing");
}

fn listed(it: &mut Exam, version: i16, request: ListGroupsRequest) {
    let mut answer = it.quietly(version, request);
    let name = it.name.clone();
    answer.groups.retain(|group| group.group_id.starts_with(&*name));
    it.write_down(&answer);
}

fn describe_consumers(groups: &[&str]) -> ConsumerGroupDescribeRequest {
    ConsumerGroupDescribeRequest::default()
        .with_group_ids(groups.iter().map(|group| group_id(group)).collect())
}

pub const SCENARIOS: &[Scenario] = &[
    alike("a first heartbeat that leaves something out is refused", |it| {
        let topic = it.topic(1);
        let group = group(it);
        ready(it, &group);
        let whole = || first(&group, "one", &topic);
        for request in [
            whole().with_rebalance_timeout_ms(-1),
            whole().with_topic_partitions(None),
            whole().with_subscribed_topic_names(None),
            whole().with_member_id(text("")),
            whole().with_group_id(group_id("")),
            whole().with_instance_id(Some(text(""))),
            whole().with_rack_id(Some(text(""))),
            whole().with_server_assignor(Some(text("mine"))),
            whole().with_subscribed_topic_regex(Some(text("("))),
            next(&group, "one", -2),
            next(&group, "one", -3),
        ] {
            it.ask(1, request);
        }
    }),
    alike("who is not known is told so", |it| {
        let topic = it.topic(1);
        let group = group(it);
        ready(it, &group);
        for epoch in [1, -1] {
            it.ask(1, next(&group, "one", epoch));
        }
        it.quietly(1, first(&group, "one", &topic));
        for epoch in [1, -1] {
            it.ask(1, next(&group, "two", epoch));
        }
        it.ask(1, next(&group, "two", 1).with_instance_id(Some(text("i"))));
    }),
    deviating(
        "a settled member hears nothing new, and is fenced in another epoch",
        "Kafka computes the first target beside the request and counts an epoch for it",
        |it| {
            let (group, _, epoch) = settled(it);
            it.ask(1, next(&group, "one", epoch));
            it.ask(1, next(&group, "one", epoch + 1));
            it.ask(0, next(&group, "one", epoch));
            it.ask(1, next(&group, "one", -1));
            it.ask(1, next(&group, "one", epoch));
        },
    ),
    alike("an instance that was not released is not given away", |it| {
        let topic = it.topic(1);
        let group = group(it);
        ready(it, &group);
        let of_instance =
            |request: ConsumerGroupHeartbeatRequest| request.with_instance_id(Some(text("i")));
        it.quietly(1, of_instance(first(&group, "one", &topic)));
        it.ask(1, of_instance(first(&group, "two", &topic)));
        it.ask(1, of_instance(next(&group, "two", 1)));
        it.ask(1, of_instance(next(&group, "two", -2)));
        it.ask(1, of_instance(next(&group, "one", -2)));
        it.ask(1, of_instance(next(&group, "one", 1)));
        let back = it.quietly(1, of_instance(first(&group, "two", &topic)));
        it.note(format!("back: {}", back.error_code));
        it.ask(1, of_instance(next(&group, "one", 1)));
    }),
    alike("offsets are committed and read in the member's epoch", |it| {
        let (group, topic, epoch) = settled(it);
        let by = |member: &str, epoch: i32| {
            commit(&group, &topic, 5)
                .with_member_id(text(member))
                .with_generation_id_or_member_epoch(epoch)
        };
        it.ask(9, by("one", epoch));
        it.ask(8, by("one", epoch));
        it.ask(9, by("one", epoch + 1));
        it.ask(9, by("two", epoch));
        it.ask(9, by("", -1));
        for (member, epoch) in [("one", epoch), ("one", epoch + 1), ("two", epoch)] {
            let wanted: &[(&str, &[i32])] = &[(&topic.name, &[0])];
            let group = committed_group(&group, Some(wanted))
                .with_member_id(Some(text(member)))
                .with_member_epoch(epoch);
            it.ask(9, committed_groups(vec![group]));
        }
    }),
    alike("a commit for a group that does not exist", |it| {
        let topic = it.topic(1);
        let group = group(it);
        ready(it, &group);
        for version in [8, 9] {
            let request = commit(&group, &topic, 5)
                .with_member_id(text("one"))
                .with_generation_id_or_member_epoch(1);
            it.ask(version, request);
        }
    }),
    deviating(
        "each kind of group is described by its own request",
        "Kafka computes the first target beside the request and counts an epoch for it",
        |it| {
            let (consumers, _, _) = settled(it);
            it.ask(5, describe(&[&consumers]));
            it.ask(6, describe(&[&consumers]));
            for version in 0..=1 {
                it.ask(version, describe_consumers(&[&consumers]));
                it.ask(version, describe_consumers(&["no-such-group"]));
                it.ask(version, describe_consumers(&[""]));
            }
            for types in [&["Consumer"][..], &["classic"], &[]] {
                listed(it, 5, list(&[], types));
            }
            for states in [&["stable"][..], &["Reconciling"]] {
                listed(it, 4, list(states, &[]));
            }
        },
    ),
    alike("a classic group is none of the consumer protocol", |it| {
        let (classic, _member) = alone(it);
        it.ask(1, describe_consumers(&[&classic]));
        it.ask(1, next(&classic, "one", 1));
        it.ask(1, next(&classic, "one", -1));
    }),
];
