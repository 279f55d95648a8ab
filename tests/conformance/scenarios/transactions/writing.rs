//! Records of transactions, and records where none may be (KIP-890).

use crate::{
    producer::{add, end, end_by_version_2, producer, send, state, transaction},
    requests::{
        fetch, produce,
        transactions::{Producer, read_committed},
    },
    scenario::{Scenario, alike, deviating},
};

pub const SCENARIOS: &[Scenario] = &[
    alike("records of a transaction in every version of Produce", |it| {
        let (topic, producer) = producer(it);
        add(it, &producer, &topic);
        for (sequence, version) in (3..=13).enumerate() {
            send(it, version, &producer.write(&topic, sequence as i32));
        }
        it.fetch(12, fetch(&topic, 0));
    }),
    alike("records outside of a transaction, in every version of Produce", |it| {
        let (topic, producer) = producer(it);
        for version in 3..=11 {
            send(it, version, &producer.write(&topic, 0));
        }
        it.fetch(12, fetch(&topic, 0));
    }),
    alike("records to a partition that was not added", |it| {
        let (topic, producer) = producer(it);
        add(it, &producer, &topic);
        send(it, 9, &producer.write_to(&topic, 1, 0));
        send(it, 11, &producer.write_to(&topic, 1, 0));
        send(it, 9, &producer.write(&topic, 0));
    }),
    alike("a first batch adds its partition by version 2", |it| {
        let (topic, producer) = producer(it);
        send(it, 12, &producer.write(&topic, 0));
        let found = state(it, &producer);
        it.note(found);
        send(it, 13, &producer.write_to(&topic, 1, 0));
        let next = end_by_version_2(it, &producer, true);
        it.fetch(12, fetch(&topic, 0));
        send(it, 12, &next.write(&topic, 0));
        it.fetch(12, fetch(&topic, 2));
    }),
    deviating(
        "a batch of a transaction without the transactional id in its request",
        "INVALID_TXN_STATE: nobody can vouch for it; Kafka finds no id that it could authorize",
        |it| {
            let (topic, producer) = producer(it);
            add(it, &producer, &topic);
            send(it, 9, &produce(&topic, producer.batch(0, "a")));
            send(it, 12, &produce(&topic, producer.batch(0, "a")));
        },
    ),
    alike("a transactional id in the request, and a batch of no transaction", |it| {
        let (topic, producer) = producer(it);
        let id = producer.write(&topic, 0).transactional_id;
        let plain = producer.write_plainly(&topic, 0).with_transactional_id(id);
        send(it, 9, &plain);
    }),
    alike("a transactional id in the request that is not the producer's", |it| {
        let (topic, producer) = producer(it);
        add(it, &producer, &topic);
        let other = Producer { transactional_id: "somebody-else".to_owned(), ..producer };
        send(it, 9, &other.write(&topic, 0));
    }),
    alike("a record of no transaction while one is open", |it| {
        let (topic, producer) = producer(it);
        add(it, &producer, &topic);
        send(it, 9, &producer.write(&topic, 0));
        send(it, 9, &producer.write_plainly(&topic, 1));
        end(it, &producer, true);
        send(it, 9, &producer.write_plainly(&topic, 1));
        it.fetch(12, fetch(&topic, 0));
    }),
    alike("sequences go on over transactions of one epoch", |it| {
        let (topic, producer) = producer(it);
        transaction(it, &producer, &topic, 0, true);
        transaction(it, &producer, &topic, 1, false);
        add(it, &producer, &topic);
        for sequence in [3, 2, 1] {
            send(it, 9, &producer.write(&topic, sequence));
        }
    }),
    alike("duplicates in a transaction", |it| {
        let (topic, producer) = producer(it);
        add(it, &producer, &topic);
        for sequence in [0, 0, 1, 0] {
            send(it, 9, &producer.write(&topic, sequence));
        }
        end(it, &producer, true);
        it.fetch(12, fetch(&topic, 0));
    }),
    deviating(
        "a duplicate after the end of its transaction",
        "it is answered like its original; Kafka asks first whether the transaction goes on",
        |it| {
            let (topic, producer) = producer(it);
            transaction(it, &producer, &topic, 0, true);
            send(it, 9, &producer.write(&topic, 0));
        },
    ),
    alike("a transaction of version 2 begins with a sequence other than zero", |it| {
        let (topic, producer) = producer(it);
        send(it, 12, &producer.write(&topic, 5));
        send(it, 12, &producer.write(&topic, 0));
    }),
    alike("a record under the epoch before, by version 2", |it| {
        let (topic, producer) = producer(it);
        send(it, 12, &producer.write(&topic, 0));
        let next = end_by_version_2(it, &producer, true);
        for version in [9, 11, 12] {
            send(it, version, &producer.write(&topic, 1));
        }
        send(it, 12, &next.at_epoch(next.epoch + 1).write(&topic, 0));
    }),
    alike("a transaction with acks 1", |it| {
        let (topic, producer) = producer(it);
        add(it, &producer, &topic);
        send(it, 9, &producer.write(&topic, 0).with_acks(1));
        end(it, &producer, true);
        it.fetch(12, read_committed(&topic, 0));
    }),
];
