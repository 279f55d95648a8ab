//! `WriteTxnMarkers`: how an operator ends a transaction that hangs.

use crate::{
    producer::{add, producer, send, transaction},
    requests::{
        fetch, missing,
        transactions::{Producer, markers, read_committed},
    },
    scenario::{Scenario, alike},
};

pub const SCENARIOS: &[Scenario] = &[
    alike("an operator aborts an open transaction", |it| {
        let (topic, producer) = producer(it);
        add(it, &producer, &topic);
        send(it, 9, &producer.write(&topic, 0));
        it.ask(1, markers(vec![producer.marker(&topic, &[0], false)]));
        it.fetch(12, read_committed(&topic, 0));
    }),
    alike("an operator commits an open transaction", |it| {
        let (topic, producer) = producer(it);
        add(it, &producer, &topic);
        send(it, 9, &producer.write(&topic, 0));
        it.ask(1, markers(vec![producer.marker(&topic, &[0], true)]));
        it.fetch(12, read_committed(&topic, 0));
    }),
    alike("a marker for a producer that never wrote", |it| {
        let topic = it.topic(1);
        let stranger = Producer { transactional_id: it.name.clone(), id: 4_711_000, epoch: 3 };
        it.ask(1, markers(vec![stranger.marker(&topic, &[0], false)]));
        it.fetch(12, fetch(&topic, 0));
    }),
    alike("markers for what does not exist", |it| {
        let topic = it.topic(1);
        let stranger = Producer { transactional_id: it.name.clone(), id: 4_711_000, epoch: 3 };
        it.ask(1, markers(vec![stranger.marker(&missing(), &[0], false)]));
        it.ask(1, markers(vec![stranger.marker(&topic, &[9], false)]));
    }),
    alike("a marker under epochs that are not the producer's", |it| {
        let (topic, producer) = producer(it);
        transaction(it, &producer, &topic, 0, true);
        for epoch in [producer.epoch, producer.epoch + 1, producer.epoch] {
            let marker = producer.at_epoch(epoch).marker(&topic, &[0], false);
            it.ask(1, markers(vec![marker.with_coordinator_epoch(1_000)]));
        }
        it.fetch(12, fetch(&topic, 0));
    }),
    alike("a marker of an older coordinator", |it| {
        let (topic, producer) = producer(it);
        add(it, &producer, &topic);
        send(it, 9, &producer.write(&topic, 0));
        let of = |epoch| producer.marker(&topic, &[0], false).with_coordinator_epoch(epoch);
        it.ask(1, markers(vec![of(1_000)]));
        it.ask(1, markers(vec![of(999)]));
        it.ask(1, markers(vec![of(1_000)]));
    }),
    alike("no markers", |it| {
        it.ask(1, markers(Vec::new()));
    }),
];
