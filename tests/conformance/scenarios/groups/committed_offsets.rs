//! `OffsetFetch`: what was committed.

use crate::{
    exam::{Exam, Topic},
    member::{alone, group, ready},
    producer::{end, producer},
    requests::{
        groups::{
            commit, commit_of, commit_partition, committed, committed_group, committed_groups,
        },
        text,
    },
    scenario::{Scenario, alike},
};
use kafka_protocol::messages::OffsetFetchRequest;

/// A topic of three partitions, and a group with offsets of two of them.
fn setting(it: &mut Exam) -> (String, Topic) {
    let topic = it.topic(3);
    let group = group(it);
    let partitions = vec![commit_partition(0, 10, Some("a")), commit_partition(2, 30, None)];
    it.quietly(7, commit_of(&group, &topic, partitions));
    (group, topic)
}

/// Asks, and writes the answer down in order.
fn read(it: &mut Exam, version: i16, request: OffsetFetchRequest) {
    let mut answer = it.quietly(version, request);
    for topic in &mut answer.topics {
        topic.partitions.sort_by_key(|partition| partition.partition_index);
    }
    answer.groups.sort_by(|one, other| one.group_id.cmp(&other.group_id));
    for topic in answer.groups.iter_mut().flat_map(|group| &mut group.topics) {
        topic.partitions.sort_by_key(|partition| partition.partition_index);
    }
    it.write_down(&answer);
}

pub const SCENARIOS: &[Scenario] = &[
    alike("offsets are read in every version", |it| {
        let (group, topic) = setting(it);
        let wanted: &[(&str, &[i32])] = &[(&topic.name, &[0, 1, 2])];
        for version in 1..=7 {
            read(it, version, committed(&group, Some(wanted)));
        }
        for version in 8..=9 {
            read(it, version, committed_groups(vec![committed_group(&group, Some(wanted))]));
        }
    }),
    alike("all offsets of a group are read", |it| {
        let (group, _) = setting(it);
        for version in 2..=7 {
            read(it, version, committed(&group, None));
        }
        for version in 8..=9 {
            read(it, version, committed_groups(vec![committed_group(&group, None)]));
        }
    }),
    alike("offsets of topics and partitions that do not exist are read", |it| {
        let (group, topic) = setting(it);
        let wanted: &[(&str, &[i32])] =
            &[("no-such-topic", &[0, 1]), (&topic.name, &[-1, 3, 99]), ("", &[0])];
        for version in [1, 5, 7] {
            read(it, version, committed(&group, Some(wanted)));
        }
        read(it, 8, committed_groups(vec![committed_group(&group, Some(wanted))]));
    }),
    alike("offsets of a group that does not exist are read", |it| {
        let topic = it.topic(1);
        let group = group(it);
        let wanted: &[(&str, &[i32])] = &[(&topic.name, &[0])];
        for version in [1, 2, 7] {
            read(it, version, committed(&group, Some(wanted)));
        }
        read(it, 7, committed(&group, None));
        let groups = vec![committed_group(&group, Some(wanted))];
        read(it, 8, committed_groups(groups.clone()));
        read(it, 9, committed_groups(groups));
    }),
    alike("offsets of a group without an id are read", |it| {
        let topic = it.topic(1);
        let wanted: &[(&str, &[i32])] = &[(&topic.name, &[0])];
        for version in [1, 2, 7] {
            read(it, version, committed("", Some(wanted)));
        }
        read(it, 8, committed_groups(vec![committed_group("", Some(wanted))]));
    }),
    alike("no offsets are read", |it| {
        let (group, topic) = setting(it);
        read(it, 7, committed(&group, Some(&[])));
        read(it, 7, committed(&group, Some(&[(&topic.name, &[])])));
        read(it, 8, committed_groups(Vec::new()));
        read(it, 8, committed_groups(vec![committed_group(&group, Some(&[]))]));
    }),
    alike("a partition is asked for twice", |it| {
        let (group, topic) = setting(it);
        read(it, 7, committed(&group, Some(&[(&topic.name, &[0, 0])])));
        read(it, 7, committed(&group, Some(&[(&topic.name, &[0]), (&topic.name, &[1])])));
    }),
    alike("offsets of several groups are read", |it| {
        let (group, topic) = setting(it);
        let others = ["other", "unknown"].map(|kind| format!("{group}-{kind}"));
        for other in &others {
            ready(it, other);
        }
        it.quietly(7, commit(&others[0], &topic, 77));
        let wanted: &[(&str, &[i32])] = &[(&topic.name, &[0, 1])];
        let groups = vec![
            committed_group(&others[1], Some(wanted)),
            committed_group(&others[0], None),
            committed_group(&group, Some(wanted)),
        ];
        read(it, 8, committed_groups(groups));
    }),
    alike("offsets of a group are read by a member of classic kind and by nobody", |it| {
        let topic = it.topic(1);
        let (group, member) = alone(it);
        let wanted: &[(&str, &[i32])] = &[(&topic.name, &[0])];
        for (id, epoch) in [(None, -1), (Some(member.id.clone()), member.generation)] {
            let request = committed_group(&group, Some(wanted));
            let request = request.with_member_id(id).with_member_epoch(epoch);
            read(it, 9, committed_groups(vec![request]));
        }
    }),
    alike("offsets of a group are read by who is no member of it", |it| {
        let topic = it.topic(1);
        let (group, _member) = alone(it);
        let request = committed_group(&group, Some(&[(&topic.name, &[0])]));
        let request = request.with_member_id(Some(text("somebody"))).with_member_epoch(5);
        read(it, 9, committed_groups(vec![request]));
    }),
    alike("offsets that a transaction may change are read", |it| {
        let (topic, producer) = producer(it);
        let group = group(it);
        let wanted: &[(&str, &[i32])] = &[(&topic.name, &[0, 1])];
        it.quietly(7, commit(&group, &topic, 5));
        it.ask(3, producer.add_offsets(&group));
        it.ask(3, producer.commit_offset(&group, &topic, 9));
        for stable in [false, true] {
            read(it, 7, committed(&group, Some(wanted)).with_require_stable(stable));
            read(it, 7, committed(&group, None).with_require_stable(stable));
            let groups = vec![committed_group(&group, Some(wanted))];
            read(it, 8, committed_groups(groups).with_require_stable(stable));
        }
        end(it, &producer, true);
        read(it, 7, committed(&group, Some(wanted)).with_require_stable(true));
    }),
];
