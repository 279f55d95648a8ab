//! `OffsetCommit`: by whom, and of what.

use crate::{
    exam::{Exam, Topic},
    member::{Member, alone, group, settled, two, two_joined, until},
    requests::{
        groups::{commit, commit_of, commit_partition, committed, join, leave},
        missing, text,
    },
    scenario::{Scenario, alike, deviating},
};
use kafka_protocol::messages::OffsetCommitRequest;

/// The member's commit.
fn by(member: &Member, group: &str, topic: &Topic, offset: i64) -> OffsetCommitRequest {
    commit(group, topic, offset)
        .with_member_id(member.id.clone())
        .with_generation_id_or_member_epoch(member.generation)
}

fn read(it: &mut Exam, group: &str, topic: &Topic) {
    it.ask(7, committed(group, Some(&[(&topic.name, &[0, 1])])));
}

pub const SCENARIOS: &[Scenario] = &[
    alike("an offset is committed by nobody in particular in every version", |it| {
        let topic = it.topic(2);
        let group = group(it);
        for version in 2..=9 {
            it.ask(version, commit(&group, &topic, i64::from(version)));
            read(it, &group, &topic);
        }
    }),
    alike("a member commits in every version", |it| {
        let topic = it.topic(2);
        let (group, member) = alone(it);
        for version in 2..=9 {
            it.ask(version, by(&member, &group, &topic, i64::from(version)));
        }
        read(it, &group, &topic);
    }),
    alike("a commit without a group id", |it| {
        let topic = it.topic(1);
        for version in [2, 7, 9] {
            it.ask(version, commit("", &topic, 1));
        }
    }),
    alike("a commit of a generation to a group that does not exist", |it| {
        let topic = it.topic(1);
        let group = group(it);
        let member = text("somebody");
        for (generation, member) in [(1, member.clone()), (0, text("")), (-1, member)] {
            let request = commit(&group, &topic, 1).with_member_id(member);
            it.ask(7, request.with_generation_id_or_member_epoch(generation));
        }
        read(it, &group, &topic);
    }),
    alike("a commit by nobody to a group with members", |it| {
        let topic = it.topic(1);
        let (group, member) = alone(it);
        it.ask(7, commit(&group, &topic, 1));
        it.ask(7, commit(&group, &topic, 1).with_member_id(text("somebody")));
        it.ask(7, commit(&group, &topic, 1).with_member_id(member.id.clone()));
    }),
    alike("a commit of another generation", |it| {
        let topic = it.topic(1);
        let (group, member) = alone(it);
        for generation in [member.generation - 1, member.generation + 1] {
            let request = by(&member, &group, &topic, 1);
            it.ask(7, request.with_generation_id_or_member_epoch(generation));
        }
    }),
    alike("a commit by a member after it left", |it| {
        let topic = it.topic(1);
        let (group, member) = alone(it);
        it.ask(1, leave(&group, &member.id));
        it.ask(7, by(&member, &group, &topic, 1));
        it.ask(7, commit(&group, &topic, 2));
        it.ask(7, commit(&group, &topic, 3).with_member_id(member.id.clone()));
        let request = commit(&group, &topic, 4);
        it.ask(7, request.with_generation_id_or_member_epoch(member.generation));
        read(it, &group, &topic);
    }),
    alike("members commit while others join", |it| {
        let topic = it.topic(1);
        let (group, leader, follower) = two(it);
        let mut third = Member::new(it, &group);
        third.send_join(it);
        until(it, &group, "PreparingRebalance");
        it.ask(7, by(&leader, &group, &topic, 1));
        it.ask(7, by(&follower, &group, &topic, 2));
        it.ask(7, by(&leader, &group, &topic, 3).with_generation_id_or_member_epoch(9));
        read(it, &group, &topic);
    }),
    alike("members commit while the leader's assignment is awaited", |it| {
        let topic = it.topic(1);
        let (group, leader, follower) = two_joined(it);
        it.ask(7, by(&leader, &group, &topic, 1));
        it.ask(7, by(&follower, &group, &topic, 2));
        let before = follower.generation - 1;
        it.ask(7, by(&follower, &group, &topic, 3).with_generation_id_or_member_epoch(before));
        read(it, &group, &topic);
    }),
    alike("who has not joined commits with the id it was given", |it| {
        let topic = it.topic(1);
        let group = group(it);
        let id = it.quietly(7, join(&group)).member_id;
        let request = commit(&group, &topic, 1).with_member_id(id);
        it.ask(7, request.with_generation_id_or_member_epoch(0));
    }),
    alike("a commit by nobody while somebody was given an id", |it| {
        let topic = it.topic(1);
        let group = group(it);
        it.quietly(7, join(&group));
        it.ask(7, commit(&group, &topic, 1));
        read(it, &group, &topic);
    }),
    alike("notes as long as they may be, and longer", |it| {
        let topic = it.topic(2);
        let group = group(it);
        let [longest, longer] = [100, 101].map(|length| "x".repeat(length));
        let partitions =
            vec![commit_partition(0, 1, Some(&longest)), commit_partition(1, 1, Some(&longer))];
        it.ask(7, commit_of(&group, &topic, partitions));
        it.ask(7, commit_of(&group, &topic, vec![commit_partition(0, 2, Some(&longer))]));
        read(it, &group, &topic);
    }),
    alike("a note of letters of more than a byte", |it| {
        let topic = it.topic(2);
        let group = group(it);
        let partitions = vec![
            commit_partition(0, 1, Some(&"ö".repeat(50))),
            commit_partition(1, 1, Some(&"ö".repeat(51))),
        ];
        it.ask(7, commit_of(&group, &topic, partitions));
    }),
    alike("a commit without a note", |it| {
        let topic = it.topic(2);
        let group = group(it);
        let partitions = vec![commit_partition(0, 1, None), commit_partition(1, 1, Some(""))];
        it.ask(7, commit_of(&group, &topic, partitions));
        read(it, &group, &topic);
    }),
    alike("a commit to topics and partitions that do not exist", |it| {
        let topic = it.topic(1);
        let group = group(it);
        it.ask(7, commit(&group, &missing(), 1));
        let partitions = [-1, 0, 1, 99].map(|index| commit_partition(index, 1, None)).into();
        let mut answer = it.quietly(7, commit_of(&group, &topic, partitions));
        answer.topics[0].partitions.sort_by_key(|partition| partition.partition_index);
        it.write_down(&answer);
        read(it, &group, &topic);
    }),
    deviating(
        "an offset below zero is committed",
        "there is none: INVALID_COMMIT_OFFSET_SIZE; Kafka stores it, and readers take it for nothing",
        |it| {
            let topic = it.topic(2);
            let group = group(it);
            it.ask(7, commit(&group, &topic, 5));
            it.ask(7, commit_of(&group, &topic, vec![commit_partition(0, -1, None)]));
            read(it, &group, &topic);
        },
    ),
    alike("offsets are committed beyond the end of the log, and backwards", |it| {
        let topic = it.topic(1);
        let group = group(it);
        for offset in [1 << 40, 3, 0] {
            it.ask(7, commit(&group, &topic, offset));
            read(it, &group, &topic);
        }
    }),
    alike("a partition is committed twice in one request", |it| {
        let topic = it.topic(1);
        let group = group(it);
        let partitions = vec![commit_partition(0, 7, None), commit_partition(0, 3, None)];
        it.ask(7, commit_of(&group, &topic, partitions));
        read(it, &group, &topic);
    }),
    alike("a commit of nothing", |it| {
        let topic = it.topic(1);
        let group = group(it);
        it.ask(7, commit_of(&group, &topic, Vec::new()));
        it.ask(7, commit(&group, &topic, 1).with_topics(Vec::new()));
    }),
    alike("a commit of nothing by who is no member", |it| {
        let (group, _member) = alone(it);
        let request = commit(&group, &missing(), 1).with_topics(Vec::new());
        it.ask(7, request.with_member_id(text("somebody")));
    }),
    alike("a commit with the epoch of the last record read", |it| {
        let topic = it.topic(1);
        let group = group(it);
        let epoch = it.leader_epoch(&topic);
        for epoch in [epoch, -1] {
            let partition = commit_partition(0, 1, None).with_committed_leader_epoch(epoch);
            it.ask(7, commit_of(&group, &topic, vec![partition]));
            read(it, &group, &topic);
        }
    }),
    alike("a commit with a retention of its own", |it| {
        let topic = it.topic(1);
        let group = group(it);
        it.ask(4, commit(&group, &topic, 1).with_retention_time_ms(3_600_000));
        read(it, &group, &topic);
    }),
    alike("a commit in a group of another kind", |it| {
        let topic = it.topic(1);
        let group = group(it);
        let id = it.ask(3, join(&group).with_protocol_type(text("connect"))).member_id;
        let request = commit(&group, &topic, 1).with_member_id(id);
        it.ask(7, request.with_generation_id_or_member_epoch(1));
        it.ask(7, commit(&group, &topic, 1));
    }),
    alike("an instance's commit, with its name and without", |it| {
        let topic = it.topic(1);
        let group = group(it);
        let member = Member::new(it, &group).instance("instance");
        let (group, member) = settled(it, group, member);
        for instance in [Some("instance"), None, Some("unknown")] {
            let request = by(&member, &group, &topic, 1);
            it.ask(7, request.with_group_instance_id(instance.map(text)));
        }
    }),
];
