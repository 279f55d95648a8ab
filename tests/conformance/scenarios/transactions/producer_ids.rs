//! `InitProducerId` with a transactional id, and what it refuses.

use crate::{
    exam::Exam,
    producer::{add, producer, state, transactional, until_complete},
    requests::{
        init_producer_id,
        transactions::{Producer, init},
    },
    scenario::{Scenario, alike},
};

/// Asks for an id and an epoch, and again while the transaction before is on its way out.
fn given(it: &mut Exam, producer: &Producer) -> Producer {
    let mut answer = it.quietly(4, producer.init());
    while answer.error_code == 51 {
        answer = it.quietly(4, producer.init());
    }
    it.write_down(&answer);
    Producer { id: answer.producer_id.0, ..producer.at_epoch(answer.producer_epoch) }
}

pub const SCENARIOS: &[Scenario] = &[
    alike("a transactional id is given a producer in every version", |it| {
        let id = transactional(it);
        for version in 0..=5 {
            it.ask(version, init(&id));
        }
    }),
    alike("an empty transactional id", |it| {
        for version in [0, 3, 5] {
            it.ask(version, init(""));
        }
    }),
    alike("time-outs of transactions at and beyond their bounds", |it| {
        let id = transactional(it);
        for timeout in [0, -1, 900_001, i32::MAX, 1, 900_000] {
            it.ask(4, init(&id).with_transaction_timeout_ms(timeout));
        }
    }),
    alike("a time-out of zero without a transactional id", |it| {
        it.ask(4, init_producer_id().with_transaction_timeout_ms(0));
        it.ask(4, init_producer_id().with_transaction_timeout_ms(-1));
    }),
    alike("a producer asks for the next epoch", |it| {
        let (_, first) = producer(it);
        let next = given(it, &first);
        given(it, &next);
    }),
    alike("a producer asks for the next epoch twice with the same one", |it| {
        let (_, first) = producer(it);
        given(it, &first);
        given(it, &first);
    }),
    alike("a producer asks with an epoch that is long gone", |it| {
        let (_, first) = producer(it);
        let next = given(it, &first);
        given(it, &next);
        given(it, &first);
    }),
    alike("a producer asks with an epoch that is not given yet", |it| {
        let (_, first) = producer(it);
        given(it, &first.at_epoch(first.epoch + 1));
        given(it, &first.at_epoch(first.epoch + 5));
    }),
    alike("a producer asks with an id that is not its own", |it| {
        let (_, first) = producer(it);
        given(it, &Producer { id: first.id + 1_000_000, ..first });
    }),
    alike("a producer with an id asks under a transactional id that nobody knows", |it| {
        let id = transactional(it);
        given(it, &Producer { transactional_id: id, id: 4_711_000, epoch: 3 });
    }),
    alike("only one of producer id and epoch", |it| {
        let id = transactional(it);
        it.ask(4, init(&id).with_producer_id(5.into()));
        it.ask(4, init(&id).with_producer_epoch(5));
        it.ask(4, init_producer_id().with_producer_id(5.into()));
        it.ask(4, init_producer_id().with_producer_epoch(5));
    }),
    alike("a producer id and an epoch without a transactional id", |it| {
        it.ask(4, init_producer_id().with_producer_id(5.into()).with_producer_epoch(2));
    }),
    alike("another instance begins while a transaction is open, and aborts it", |it| {
        let (topic, first) = producer(it);
        add(it, &first, &topic);
        let answer = it.quietly(4, init(&first.transactional_id));
        it.note(format!("error {}", answer.error_code));
        until_complete(it, &first);
        let found = state(it, &first);
        it.note(found);
        it.ask(4, init(&first.transactional_id));
    }),
    alike("a producer asks for the next epoch while its transaction is open", |it| {
        let (topic, first) = producer(it);
        add(it, &first, &topic);
        given(it, &first);
        let found = state(it, &first);
        it.note(found);
    }),
];
