//! `AddPartitionsToTxn`: by clients (up to version 3), and in batches (from version 4).

use crate::{
    exam::Exam,
    producer::{add, end_by_version_2, producer, state, transactional},
    requests::transactions::{Producer, add_all},
    scenario::{Scenario, alike, deviating},
};
use kafka_protocol::messages::AddPartitionsToTxnRequest;

/// Adds, and writes the answer down in the order of the partitions.
fn added(it: &mut Exam, version: i16, request: AddPartitionsToTxnRequest) {
    let mut answer = it.quietly(version, request);
    let transactions = answer.results_by_transaction.iter_mut();
    for topic in transactions.flat_map(|transaction| &mut transaction.topic_results) {
        topic.results_by_partition.sort_by_key(|partition| partition.partition_index);
    }
    it.write_down(&answer);
}

pub const SCENARIOS: &[Scenario] = &[
    alike("partitions are added in every version of clients", |it| {
        let (topic, producer) = producer(it);
        for version in 0..=3 {
            it.ask(version, producer.add(&[(&topic.name, &[0, 1])]));
        }
        let found = state(it, &producer);
        it.note(found);
    }),
    alike("partitions are added in batches", |it| {
        let (topic, producer) = producer(it);
        for version in 4..=5 {
            it.ask(version, add_all(vec![producer.adding(&[(&topic.name, &[0, 1])])]));
        }
    }),
    alike("partitions are only looked for", |it| {
        let (topic, producer) = producer(it);
        let ask = |partitions: &'static [i32]| {
            let transaction = producer.adding(&[(&topic.name, partitions)]);
            add_all(vec![transaction.with_verify_only(true)])
        };
        for version in 4..=5 {
            added(it, version, ask(&[0, 1]));
        }
        add(it, &producer, &topic);
        added(it, 4, ask(&[0, 1]));
        added(it, 5, ask(&[0]));
    }),
    alike("partitions of several transactions are added", |it| {
        let (topic, producer) = producer(it);
        let topics: &[(&str, &[i32])] = &[(&topic.name, &[0])];
        let unknown = Producer { id: producer.id + 1_000_000, ..producer.clone() };
        it.ask(4, add_all(vec![producer.adding(topics)]));
        it.ask(4, add_all(vec![unknown.adding(topics)]));
    }),
    alike("partitions that do not exist are added", |it| {
        let (topic, producer) = producer(it);
        let topics: &[(&str, &[i32])] = &[(&topic.name, &[0, 9]), ("no-such-topic", &[0])];
        let mut answer = it.quietly(3, producer.add(topics));
        answer.results_by_topic_v3_and_below.sort_by(|one, other| one.name.cmp(&other.name));
        for topic in &mut answer.results_by_topic_v3_and_below {
            topic.results_by_partition.sort_by_key(|partition| partition.partition_index);
        }
        it.write_down(&answer);
        let found = state(it, &producer);
        it.note(found);
    }),
    deviating(
        "no partitions are added",
        "a transaction begins with its first partition; Kafka opens one of nothing",
        |it| {
            let (topic, producer) = producer(it);
            it.ask(3, producer.add(&[]));
            it.ask(3, producer.add(&[(&topic.name, &[])]));
            let found = state(it, &producer);
            it.note(found);
        },
    ),
    alike("partitions are added under a transactional id that nobody knows", |it| {
        let topic = it.topic(1);
        let id = transactional(it);
        let unknown = Producer { transactional_id: id, id: 4_711_000, epoch: 0 };
        it.ask(3, unknown.add(&[(&topic.name, &[0])]));
        it.ask(4, add_all(vec![unknown.adding(&[(&topic.name, &[0])])]));
    }),
    alike("partitions are added by another producer id", |it| {
        let (topic, producer) = producer(it);
        let other = Producer { id: producer.id + 1_000_000, ..producer };
        it.ask(3, other.add(&[(&topic.name, &[0])]));
    }),
    alike("partitions are added under other epochs, in every version", |it| {
        let (topic, producer) = producer(it);
        for version in 0..=3 {
            for epoch in [producer.epoch - 1, producer.epoch + 1] {
                it.ask(version, producer.at_epoch(epoch).add(&[(&topic.name, &[0])]));
            }
        }
        for version in 4..=5 {
            let other = producer.at_epoch(producer.epoch + 1);
            it.ask(version, add_all(vec![other.adding(&[(&topic.name, &[0])])]));
        }
    }),
    alike("partitions are added without a transactional id", |it| {
        let (topic, producer) = producer(it);
        let nameless = Producer { transactional_id: String::new(), ..producer };
        it.ask(3, nameless.add(&[(&topic.name, &[0])]));
    }),
    alike("partitions are added again in the next transaction of version 2", |it| {
        let (topic, producer) = producer(it);
        it.ask(5, add_all(vec![producer.adding(&[(&topic.name, &[0])])]));
        let next = end_by_version_2(it, &producer, true);
        it.ask(5, add_all(vec![next.adding(&[(&topic.name, &[0])])]));
        it.ask(5, add_all(vec![producer.adding(&[(&topic.name, &[0])])]));
    }),
];
