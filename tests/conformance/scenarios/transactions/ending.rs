//! `EndTxn`: once, again, the other way, and without anything to end.

use crate::{
    producer::{
        add, end, end_by_version_2, initialized, producer, send, state, transaction, transactional,
        until_complete,
    },
    requests::transactions::{Producer, init, read_committed},
    scenario::{Scenario, alike},
};

pub const SCENARIOS: &[Scenario] = &[
    alike("a transaction is ended in every version of clients before version 2", |it| {
        let (topic, producer) = producer(it);
        for (version, committed) in [(0, true), (1, false), (2, true), (3, false), (4, true)] {
            add(it, &producer, &topic);
            send(it, 9, &producer.write(&topic, i32::from(version)));
            it.ask(version, producer.end(committed));
            until_complete(it, &producer);
            let found = state(it, &producer);
            it.note(found);
        }
    }),
    alike("transactions of version 2 raise the epoch", |it| {
        let (topic, mut producer) = producer(it);
        for committed in [true, false, true] {
            send(it, 12, &producer.write(&topic, 0));
            producer = end_by_version_2(it, &producer, committed);
            let found = state(it, &producer);
            it.note(found);
        }
        it.fetch(12, read_committed(&topic, 0));
    }),
    alike("a transaction that never began is ended", |it| {
        let (_, producer) = producer(it);
        for committed in [true, false] {
            it.ask(3, producer.end(committed));
        }
    }),
    alike("a transaction of version 2 that never began is committed", |it| {
        let (_, producer) = producer(it);
        it.ask(5, producer.end(true));
        let found = state(it, &producer);
        it.note(found);
    }),
    alike("a transaction of version 2 that never began is aborted", |it| {
        let (_, producer) = producer(it);
        let next = end_by_version_2(it, &producer, false);
        let found = state(it, &producer);
        it.note(found);
        it.ask(5, producer.end(false));
        end_by_version_2(it, &next, false);
    }),
    alike("a transaction is ended twice, and then the other way", |it| {
        for committed in [true, false] {
            let id = format!("{}-{committed}", it.name);
            let topic = match committed {
                true => it.topic(2),
                false => crate::exam::Topic { name: it.name.clone(), id: uuid::Uuid::nil() },
            };
            while it.quietly(0, crate::requests::transactions::describe(&[&id])).transaction_states
                [0]
            .error_code
                != 105
            {}
            let producer = Producer { transactional_id: id.clone(), ..initialized(it, &id) };
            add(it, &producer, &topic);
            end(it, &producer, committed);
            it.ask(3, producer.end(committed));
            it.ask(3, producer.end(!committed));
        }
    }),
    alike("a transaction of version 2 is ended twice, and then the other way", |it| {
        let (topic, producer) = producer(it);
        send(it, 12, &producer.write(&topic, 0));
        let next = end_by_version_2(it, &producer, true);
        it.ask(5, producer.end(true));
        it.ask(5, producer.end(false));
        it.ask(5, next.end(true));
    }),
    alike("an aborted transaction of version 2 is ended again", |it| {
        let (topic, producer) = producer(it);
        send(it, 12, &producer.write(&topic, 0));
        let next = end_by_version_2(it, &producer, false);
        it.ask(5, producer.end(false));
        it.ask(5, producer.end(true));
        it.ask(5, next.end(false));
    }),
    alike("the transaction of a transactional id that nobody knows is ended", |it| {
        let id = transactional(it);
        let unknown = Producer { transactional_id: id, id: 4_711_000, epoch: 0 };
        for version in [0, 3, 5] {
            it.ask(version, unknown.end(true));
        }
    }),
    alike("a transaction is ended by another producer id", |it| {
        let (topic, producer) = producer(it);
        add(it, &producer, &topic);
        let other = Producer { id: producer.id + 1_000_000, ..producer };
        it.ask(3, other.end(true));
        it.ask(5, other.end(true));
    }),
    alike("a transaction is ended under other epochs, in every version", |it| {
        let (topic, producer) = producer(it);
        add(it, &producer, &topic);
        for version in 0..=5 {
            for epoch in [producer.epoch - 1, producer.epoch + 1] {
                it.ask(version, producer.at_epoch(epoch).end(true));
            }
        }
        let found = state(it, &producer);
        it.note(found);
    }),
    alike("a transaction is ended without a transactional id", |it| {
        let (_, producer) = producer(it);
        let nameless = Producer { transactional_id: String::new(), ..producer };
        it.ask(3, nameless.end(true));
    }),
    alike("a transaction that takes too long is aborted, and its producer fenced", |it| {
        let topic = it.topic(2);
        let id = transactional(it);
        let given = it.quietly(4, init(&id).with_transaction_timeout_ms(100));
        let producer =
            Producer { transactional_id: id, id: given.producer_id.0, epoch: given.producer_epoch };
        add(it, &producer, &topic);
        send(it, 9, &producer.write(&topic, 0));
        until_complete(it, &producer);
        let found = state(it, &producer);
        it.note(found);
        it.fetch(12, read_committed(&topic, 0));
        it.ask(3, producer.end(true));
        it.ask(3, producer.add(&[(&topic.name, &[0])]));
        send(it, 9, &producer.write(&topic, 1));
        it.ask(4, producer.init());
        it.ask(4, init(&producer.transactional_id));
    }),
    alike("a transaction of version 2 that takes too long is aborted", |it| {
        let topic = it.topic(2);
        let id = transactional(it);
        let given = it.quietly(4, init(&id).with_transaction_timeout_ms(100));
        let producer =
            Producer { transactional_id: id, id: given.producer_id.0, epoch: given.producer_epoch };
        send(it, 12, &producer.write(&topic, 0));
        until_complete(it, &producer);
        it.fetch(12, read_committed(&topic, 0));
        it.ask(5, producer.end(true));
        it.ask(5, producer.end(false));
        send(it, 12, &producer.write(&topic, 1));
        it.ask(4, init(&producer.transactional_id));
    }),
    alike("the next transaction begins after each end", |it| {
        let (topic, producer) = producer(it);
        for sequence in 0..3 {
            transaction(it, &producer, &topic, sequence, sequence % 2 == 0);
        }
        it.fetch(12, read_committed(&topic, 0));
    }),
];
