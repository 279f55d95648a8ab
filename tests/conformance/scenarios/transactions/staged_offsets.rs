//! `AddOffsetsToTxn` and `TxnOffsetCommit`: offsets that count when their transaction is committed (KIP-447).

use crate::{
    exam::{Exam, Topic},
    member::{alone, group, two_joined},
    producer::{add, end, end_by_version_2, producer, state},
    requests::{
        groups::{commit, committed, delete, delete_offsets, describe},
        missing, text,
        transactions::Producer,
    },
    scenario::{Scenario, alike},
};

fn read(it: &mut Exam, group: &str, topic: &Topic) {
    it.ask(7, committed(group, Some(&[(&topic.name, &[0])])));
}

/// A topic, a producer, and a group that is part of its transaction.
fn setting(it: &mut Exam) -> (Topic, Producer, String) {
    let (topic, producer) = producer(it);
    let group = group(it);
    assert_eq!(it.quietly(3, producer.add_offsets(&group)).error_code, 0);
    (topic, producer, group)
}

pub const SCENARIOS: &[Scenario] = &[
    alike("a group is added in every version", |it| {
        let (_, producer) = producer(it);
        let group = group(it);
        for version in 0..=4 {
            it.ask(version, producer.add_offsets(&group));
        }
        let found = state(it, &producer);
        it.note(found);
    }),
    alike("offsets are committed in every version before version 2", |it| {
        let (topic, producer, group) = setting(it);
        for version in 0..=4 {
            it.ask(version, producer.commit_offset(&group, &topic, i64::from(version)));
        }
        read(it, &group, &topic);
        end(it, &producer, true);
        read(it, &group, &topic);
    }),
    alike("offsets are committed by version 2 without adding the group", |it| {
        let (topic, producer) = producer(it);
        let group = group(it);
        it.ask(5, producer.commit_offset(&group, &topic, 7));
        let found = state(it, &producer);
        it.note(found);
        let next = end_by_version_2(it, &producer, true);
        read(it, &group, &topic);
        it.ask(5, next.commit_offset(&group, &topic, 8));
        end_by_version_2(it, &next, false);
        read(it, &group, &topic);
        it.ask(5, producer.commit_offset(&group, &topic, 9));
    }),
    alike("offsets of an aborted transaction are dropped", |it| {
        let (topic, producer, group) = setting(it);
        it.quietly(7, commit(&group, &topic, 3));
        it.ask(3, producer.commit_offset(&group, &topic, 5));
        end(it, &producer, false);
        read(it, &group, &topic);
    }),
    alike("offsets for a group that is not in the transaction", |it| {
        let (topic, producer) = producer(it);
        let group = group(it);
        for version in [0, 3, 4] {
            it.ask(version, producer.commit_offset(&group, &topic, 1));
        }
        add(it, &producer, &topic);
        it.ask(3, producer.commit_offset(&group, &topic, 1));
    }),
    alike("offsets of a member, and of who is none", |it| {
        let (topic, producer) = producer(it);
        let (group, member) = alone(it);
        it.quietly(3, producer.add_offsets(&group));
        let table = [
            (member.id.clone(), member.generation),
            (member.id.clone(), member.generation + 1),
            (member.id.clone(), member.generation - 1),
            (text("somebody"), member.generation),
            (text(""), -1),
            (text(""), member.generation),
        ];
        for (member, generation) in table {
            let request = producer.commit_offset(&group, &topic, 1);
            it.ask(3, request.with_member_id(member).with_generation_id(generation));
        }
    }),
    alike("offsets of a generation for a group that does not exist", |it| {
        let (topic, producer, group) = setting(it);
        let request = producer.commit_offset(&group, &topic, 1).with_generation_id(3);
        it.ask(3, request.clone());
        it.ask(3, request.with_member_id(text("somebody")));
    }),
    alike("offsets of an instance that is not the member's", |it| {
        let (topic, producer) = producer(it);
        let (group, member) = crate::member::alone_as(it, "instance");
        it.quietly(3, producer.add_offsets(&group));
        for instance in [Some("instance"), Some("unknown"), None] {
            let request = producer.commit_offset(&group, &topic, 1);
            let request =
                request.with_member_id(member.id.clone()).with_generation_id(member.generation);
            it.ask(3, request.with_group_instance_id(instance.map(text)));
        }
    }),
    alike("offsets while the leader's assignment is awaited", |it| {
        let (topic, producer) = producer(it);
        let (group, leader, _follower) = two_joined(it);
        it.quietly(3, producer.add_offsets(&group));
        let request = producer.commit_offset(&group, &topic, 1);
        it.ask(3, request.with_member_id(leader.id.clone()).with_generation_id(leader.generation));
    }),
    alike("a note with a staged offset that is too long", |it| {
        let (topic, producer, group) = setting(it);
        let mut request = producer.commit_offset(&group, &topic, 1);
        let long = text(&"x".repeat(101));
        request.topics[0].partitions[0].committed_metadata = Some(long);
        it.ask(3, request);
    }),
    alike("staged offsets of topics that do not exist", |it| {
        let (topic, producer, group) = setting(it);
        it.ask(3, producer.commit_offset(&group, &missing(), 1));
        let mut request = producer.commit_offset(&group, &topic, 1);
        request.topics[0].partitions[0].partition_index = 9;
        it.ask(3, request);
    }),
    alike("staged offsets of nothing", |it| {
        let (topic, producer, group) = setting(it);
        let mut request = producer.commit_offset(&group, &topic, 1);
        request.topics[0].partitions.clear();
        it.ask(3, request.clone());
        it.ask(3, request.with_topics(Vec::new()));
    }),
    alike("offsets for a group without an id", |it| {
        let (topic, producer) = producer(it);
        it.ask(3, producer.add_offsets(""));
        it.ask(3, producer.commit_offset("", &topic, 1));
    }),
    alike("a group is added under other epochs, in every version", |it| {
        let (_, producer) = producer(it);
        let group = group(it);
        for version in 0..=4 {
            for epoch in [producer.epoch - 1, producer.epoch + 1] {
                it.ask(version, producer.at_epoch(epoch).add_offsets(&group));
            }
        }
    }),
    alike("a group is added under a transactional id that nobody knows", |it| {
        let id = crate::producer::transactional(it);
        let group = group(it);
        let unknown = Producer { transactional_id: id, id: 4_711_000, epoch: 0 };
        it.ask(3, unknown.add_offsets(&group));
    }),
    alike("a commit while offsets of the partition are staged", |it| {
        let (topic, producer, group) = setting(it);
        it.ask(3, producer.commit_offset(&group, &topic, 5));
        it.ask(7, commit(&group, &topic, 9));
        read(it, &group, &topic);
        end(it, &producer, true);
        read(it, &group, &topic);
    }),
    alike("a group with staged offsets only is looked at", |it| {
        let (topic, producer, group) = setting(it);
        it.ask(3, producer.commit_offset(&group, &topic, 5));
        it.ask(6, describe(&[&group]));
        it.ask(0, delete_offsets(&group, &[(&topic.name, &[0])]));
        end(it, &producer, true);
        read(it, &group, &topic);
    }),
    alike("a group with staged offsets is deleted", |it| {
        let (topic, producer, group) = setting(it);
        it.quietly(7, commit(&group, &topic, 3));
        it.ask(3, producer.commit_offset(&group, &topic, 5));
        it.ask(2, delete(&[&group]));
        end(it, &producer, true);
        read(it, &group, &topic);
    }),
];
