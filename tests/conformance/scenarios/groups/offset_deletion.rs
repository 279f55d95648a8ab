//! `OffsetDelete`: offsets of topics that nobody reads any more.

use crate::{
    exam::{Exam, Topic},
    member::{Member, alone, group, settled},
    requests::{
        groups::{
            commit, commit_of, commit_partition, committed, delete_offsets, join, subscription,
        },
        text,
    },
    scenario::{Scenario, alike},
};

/// A group with offsets of the topic's two partitions.
fn with_offsets(it: &mut Exam, group: &str) -> Topic {
    let topic = it.topic(2);
    let partitions = vec![commit_partition(0, 1, None), commit_partition(1, 2, None)];
    it.quietly(7, commit_of(group, &topic, partitions));
    topic
}

fn read(it: &mut Exam, group: &str, topic: &Topic) {
    it.ask(7, committed(group, Some(&[(&topic.name, &[0, 1])])));
}

pub const SCENARIOS: &[Scenario] = &[
    alike("an offset of a group without members is deleted", |it| {
        let group = group(it);
        let topic = with_offsets(it, &group);
        it.ask(0, delete_offsets(&group, &[(&topic.name, &[0])]));
        read(it, &group, &topic);
        it.ask(0, delete_offsets(&group, &[(&topic.name, &[0, 1])]));
        read(it, &group, &topic);
    }),
    alike("offsets of a group that does not exist are deleted", |it| {
        let topic = it.topic(1);
        let group = group(it);
        it.ask(0, delete_offsets(&group, &[(&topic.name, &[0])]));
        it.ask(0, delete_offsets("", &[(&topic.name, &[0])]));
    }),
    alike("offsets of topics and partitions that do not exist are deleted", |it| {
        let group = group(it);
        let topic = with_offsets(it, &group);
        let topics: &[(&str, &[i32])] = &[("no-such-topic", &[0]), (&topic.name, &[0, 9, -1])];
        let mut answer = it.quietly(0, delete_offsets(&group, topics));
        answer.topics.sort_by(|one, other| one.name.cmp(&other.name));
        for topic in &mut answer.topics {
            topic.partitions.sort_by_key(|partition| partition.partition_index);
        }
        it.write_down(&answer);
        read(it, &group, &topic);
    }),
    alike("nothing is deleted", |it| {
        let group = group(it);
        let topic = with_offsets(it, &group);
        it.ask(0, delete_offsets(&group, &[]));
        it.ask(0, delete_offsets(&group, &[(&topic.name, &[])]));
    }),
    alike("an offset that was never committed is deleted", |it| {
        let group = group(it);
        let topic = it.topic(2);
        it.quietly(7, commit(&group, &topic, 1));
        it.ask(0, delete_offsets(&group, &[(&topic.name, &[1])]));
    }),
    alike("offsets of a topic that members read are not deleted", |it| {
        let group = group(it);
        let topic = with_offsets(it, &group);
        let reader =
            Member::new(it, &group).knowing(&[("range", subscription(&[&topic.name, "t"]))]);
        let (group, _reader) = settled(it, group, reader);
        it.ask(0, delete_offsets(&group, &[(&topic.name, &[0])]));
        read(it, &group, &topic);
    }),
    alike("offsets of a topic that members do not read are deleted", |it| {
        let group = group(it);
        let topic = with_offsets(it, &group);
        let reader = Member::new(it, &group);
        let (group, _reader) = settled(it, group, reader);
        it.ask(0, delete_offsets(&group, &[(&topic.name, &[0])]));
        read(it, &group, &topic);
    }),
    alike("offsets of a group with members of another kind are not deleted", |it| {
        let group = group(it);
        let topic = with_offsets(it, &group);
        it.ask(3, join(&group).with_protocol_type(text("connect")));
        it.ask(0, delete_offsets(&group, &[(&topic.name, &[0])]));
    }),
    alike("offsets of a group whose members' subscriptions can't be read", |it| {
        let group = group(it);
        let topic = with_offsets(it, &group);
        let reader = Member::new(it, &group).knowing(&[("range", b"\xff"[..].into())]);
        let (group, _reader) = settled(it, group, reader);
        it.ask(0, delete_offsets(&group, &[(&topic.name, &[0])]));
    }),
    alike("offsets of a topic that a member read before it left are deleted", |it| {
        let (group, member) = alone(it);
        it.ask(1, crate::requests::groups::leave(&group, &member.id));
        let topic = with_offsets(it, &group);
        it.ask(0, delete_offsets(&group, &[(&topic.name, &[0])]));
        read(it, &group, &topic);
    }),
];
