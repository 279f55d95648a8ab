//! What scenarios do with a transactional producer.

use crate::{
    exam::{Exam, Topic},
    requests::transactions::{Producer, describe, init, list},
};
use kafka_protocol::messages::ProduceRequest;
use std::{thread::sleep, time::Duration};

/// The codes of a coordinator that is not ready.
const NOT_READY: [i16; 3] = [14, 15, 16];
/// Of a transaction that is not complete yet.
const CONCURRENT_TRANSACTIONS: i16 = 51;
/// What Kafka answers to a first batch while the question to the coordinator is open.
const RETRIABLE: [i16; 4] = [CONCURRENT_TRANSACTIONS, 14, 15, 16];

/// The scenario's transactional id: its coordinator is ready, and knows nothing of it.
pub fn transactional(it: &mut Exam) -> String {
    let id = it.name.clone();
    while NOT_READY.contains(&it.quietly(0, describe(&[&id])).transaction_states[0].error_code) {
        sleep(Duration::from_millis(20));
    }
    id
}

/// The scenario's topic of two partitions, and a producer that was given an id.
pub fn producer(it: &mut Exam) -> (Topic, Producer) {
    let topic = it.topic(2);
    let id = transactional(it);
    let producer = initialized(it, &id);
    (topic, producer)
}

/// Another instance of a producer, when the transaction of the one before is out of the way.
pub fn initialized(it: &mut Exam, id: &str) -> Producer {
    loop {
        let given = it.quietly(4, init(id));
        if given.error_code != CONCURRENT_TRANSACTIONS {
            assert_eq!(given.error_code, 0);
            let (id, epoch) = (given.producer_id.0, given.producer_epoch);
            return Producer { transactional_id: it.name.clone(), id, epoch };
        }
        sleep(Duration::from_millis(20));
    }
}

/// Adds the topic's first partition to the transaction, as producers before transaction version 2 do.
pub fn add(it: &mut Exam, producer: &Producer, topic: &Topic) {
    let answer = it.quietly(3, producer.add(&[(&topic.name, &[0])]));
    let code = answer.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code;
    assert_eq!(code, 0, "{answer:?}");
}

/// Writes, and says what became of it; asks again while the broker asks for patience.
pub fn send(it: &mut Exam, version: i16, request: &ProduceRequest) {
    let mut answer = it.quietly(version, request.clone());
    while RETRIABLE.contains(&answer.responses[0].partition_responses[0].error_code) {
        sleep(Duration::from_millis(20));
        answer = it.quietly(version, request.clone());
    }
    let partition = &answer.responses[0].partition_responses[0];
    it.note(format!("error {}, at {}", partition.error_code, partition.base_offset));
}

/// Says what the coordinator knows, leaving out when it began.
pub fn state(it: &mut Exam, producer: &Producer) -> String {
    let answer = it.quietly(0, describe(&[&producer.transactional_id]));
    answer.transaction_states[0].transaction_state.to_string()
}

/// Waits until the transaction is carried out.
pub fn until_complete(it: &mut Exam, producer: &Producer) {
    for _ in 0..500 {
        if state(it, producer).starts_with("Complete") {
            return;
        }
        sleep(Duration::from_millis(20));
    }
    panic!("the transaction is not complete after ten seconds");
}

/// Ends the transaction, as producers before transaction version 2 do, and waits until that is carried out.
pub fn end(it: &mut Exam, producer: &Producer, committed: bool) {
    let code = it.quietly(3, producer.end(committed)).error_code;
    it.note(format!("ended: error {code}"));
    until_complete(it, producer);
}

/// A transaction of one record to the topic's first partition, by the rules before transaction version 2.
pub fn transaction(
    it: &mut Exam,
    producer: &Producer,
    topic: &Topic,
    sequence: i32,
    committed: bool,
) {
    add(it, producer, topic);
    send(it, 9, &producer.write(topic, sequence));
    end(it, producer, committed);
}

/// Ends the transaction by the rules of transaction version 2; answers who the producer is from then on.
pub fn end_by_version_2(it: &mut Exam, producer: &Producer, committed: bool) -> Producer {
    let answer = it.ask(5, producer.end(committed));
    until_complete(it, producer);
    let mut next = producer.at_epoch(answer.producer_epoch);
    next.id = answer.producer_id.0;
    next
}

/// Lists the producer's transaction, if it is in one of these states.
pub fn listed(it: &mut Exam, version: i16, producer: &Producer, states: &[&str]) {
    it.ask(version, list(&[producer.id], states));
}
