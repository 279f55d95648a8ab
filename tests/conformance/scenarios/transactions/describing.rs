//! `DescribeTransactions`, `ListTransactions`, `DescribeProducers`.

use crate::{
    member::group,
    producer::{add, end, listed, producer, send, transaction, transactional},
    requests::{
        text,
        transactions::{describe, list, producers},
    },
    scenario::{Scenario, alike},
};

pub const SCENARIOS: &[Scenario] = &[
    alike("a transactional id that nobody knows is described", |it| {
        let id = transactional(it);
        it.ask(0, describe(&[&id]));
        it.ask(0, describe(&[""]));
        it.ask(0, describe(&[]));
    }),
    alike("a transaction is described in each of its states", |it| {
        let (topic, producer) = producer(it);
        let id = producer.transactional_id.clone();
        it.ask(0, describe(&[&id]));
        add(it, &producer, &topic);
        it.ask(0, describe(&[&id]));
        end(it, &producer, true);
        it.ask(0, describe(&[&id]));
        add(it, &producer, &topic);
        end(it, &producer, false);
        it.ask(0, describe(&[&id, &id]));
    }),
    alike("a transaction with offsets is described", |it| {
        let (_, producer) = producer(it);
        let group = group(it);
        it.quietly(3, producer.add_offsets(&group));
        let mut answer = it.quietly(0, describe(&[&producer.transactional_id]));
        for topic in &mut answer.transaction_states[0].topics {
            topic.partitions.clear();
        }
        it.write_down(&answer);
    }),
    alike("transactions are listed in every version", |it| {
        let (topic, producer) = producer(it);
        add(it, &producer, &topic);
        for version in 0..=2 {
            listed(it, version, &producer, &[]);
        }
    }),
    alike("transactions are listed by their states", |it| {
        let (topic, producer) = producer(it);
        listed(it, 2, &producer, &["Empty"]);
        add(it, &producer, &topic);
        for states in [
            &["Ongoing"][..],
            &["Empty"],
            &["Empty", "Ongoing"],
            &["ongoing"],
            &["Odd"],
            &["Odd", "Ongoing"],
            &[""],
            &["CompleteCommit", "PrepareCommit", "PrepareAbort", "CompleteAbort", "Dead"],
            &["PrepareEpochFence"],
        ] {
            listed(it, 2, &producer, states);
        }
        end(it, &producer, true);
        listed(it, 2, &producer, &["CompleteCommit"]);
    }),
    alike("transactions are listed by their age", |it| {
        let (topic, producer) = producer(it);
        add(it, &producer, &topic);
        // Some milliseconds go by.
        send(it, 9, &producer.write(&topic, 0));
        for duration in [0, 3_600_000, -1, -2] {
            it.ask(1, list(&[producer.id], &[]).with_duration_filter(duration));
        }
        end(it, &producer, true);
        it.ask(1, list(&[producer.id], &[]).with_duration_filter(0));
    }),
    alike("transactions are listed by a pattern", |it| {
        let (_, producer) = producer(it);
        for pattern in ["transactions.*", "transactions", ".*pattern", "nothing", "", "("] {
            let request = list(&[producer.id], &[]);
            it.ask(2, request.with_transactional_id_pattern(Some(text(pattern))));
        }
    }),
    alike("transactions of producers that do not exist are listed", |it| {
        it.ask(2, list(&[4_711_000, -1], &[]));
    }),
    alike("producers of a partition are described", |it| {
        let (topic, producer) = producer(it);
        it.ask(0, producers(&topic.name, &[0]));
        add(it, &producer, &topic);
        send(it, 9, &producer.write(&topic, 0));
        send(it, 9, &producer.write(&topic, 1));
        it.ask(0, producers(&topic.name, &[0]));
        end(it, &producer, true);
        it.ask(0, producers(&topic.name, &[0]));
        transaction(it, &producer, &topic, 2, false);
        it.ask(0, producers(&topic.name, &[0, 1]));
    }),
    alike("an idempotent producer is described", |it| {
        let (topic, producer) = producer(it);
        send(it, 9, &producer.write_plainly(&topic, 0));
        it.ask(0, producers(&topic.name, &[0]));
    }),
    alike("producers of what does not exist are described", |it| {
        let topic = it.topic(1);
        it.ask(0, producers("no-such-topic", &[0]));
        it.ask(0, producers(&topic.name, &[7, -1]));
        it.ask(0, producers("a/b", &[0]));
    }),
];
