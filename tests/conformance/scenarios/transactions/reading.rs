//! What readers see of transactions: the last stable offset, markers, what was aborted.

use crate::{
    exam::{Exam, Topic},
    producer::{add, end, initialized, producer, send, transaction},
    requests::{
        batch, fetch, list_offsets,
        transactions::{Producer, read_committed, read_committed_all},
    },
    scenario::{Scenario, alike},
};

const LATEST: i64 = -1;

/// Where readers of either kind believe the log to end.
fn ends(it: &mut Exam, topic: &Topic) {
    for isolation in [0, 1] {
        let request = list_offsets(topic, 0, LATEST).with_isolation_level(isolation);
        let answer = it.quietly(7, request);
        let partition = &answer.topics[0].partitions[0];
        it.note(format!("ends at {}, error {}", partition.offset, partition.error_code));
    }
}

/// Another producer's id.
fn another(it: &mut Exam, first: &Producer) -> Producer {
    let id = format!("{}-other", first.transactional_id);
    Producer { transactional_id: id.clone(), ..initialized(it, &id) }
}

pub const SCENARIOS: &[Scenario] = &[
    alike("an open transaction is not read, and holds up what comes after it", |it| {
        let (topic, producer) = producer(it);
        it.append(&topic, batch(&["before"]));
        add(it, &producer, &topic);
        send(it, 9, &producer.write(&topic, 0));
        it.append(&topic, batch(&["after"]));
        it.fetch(12, read_committed(&topic, 0));
        it.fetch(12, fetch(&topic, 0));
        ends(it, &topic);
        end(it, &producer, true);
        it.fetch(12, read_committed(&topic, 0));
        ends(it, &topic);
    }),
    alike("a committed transaction in every version of Fetch", |it| {
        let (topic, producer) = producer(it);
        transaction(it, &producer, &topic, 0, true);
        for version in 4..=17 {
            it.fetch(version, read_committed(&topic, 0));
        }
    }),
    alike("an aborted transaction in every version of Fetch", |it| {
        let (topic, producer) = producer(it);
        transaction(it, &producer, &topic, 0, false);
        for version in 4..=17 {
            it.fetch(version, read_committed(&topic, 0));
        }
        it.fetch(12, fetch(&topic, 0));
    }),
    alike("aborted transactions are told of where they are read", |it| {
        let (topic, producer) = producer(it);
        for (sequence, committed) in [false, true, false, false].into_iter().enumerate() {
            transaction(it, &producer, &topic, sequence as i32, committed);
        }
        for offset in 0..=8 {
            it.fetch(12, read_committed(&topic, offset));
        }
    }),
    alike("aborted transactions are told of up to where an answer ends", |it| {
        let (topic, producer) = producer(it);
        for sequence in 0..3 {
            transaction(it, &producer, &topic, sequence, false);
        }
        let mut request = read_committed(&topic, 0);
        request.topics[0].partitions[0].partition_max_bytes = 1;
        it.fetch(12, request.with_max_bytes(1));
    }),
    alike("two transactions lie over one another", |it| {
        let (topic, first) = producer(it);
        let second = another(it, &first);
        add(it, &first, &topic);
        add(it, &second, &topic);
        send(it, 9, &first.write(&topic, 0));
        send(it, 9, &second.write(&topic, 0));
        send(it, 9, &first.write(&topic, 1));
        it.fetch(12, read_committed(&topic, 0));
        end(it, &second, false);
        it.fetch(12, read_committed(&topic, 0));
        ends(it, &topic);
        end(it, &first, true);
        it.fetch(12, read_committed(&topic, 0));
    }),
    alike("a transaction over two partitions", |it| {
        let (topic, producer) = producer(it);
        it.quietly(3, producer.add(&[(&topic.name, &[0, 1])]));
        send(it, 9, &producer.write(&topic, 0));
        send(it, 9, &producer.write_to(&topic, 1, 0));
        end(it, &producer, false);
        let mut answer = it.quietly(12, read_committed_all(&topic, 2));
        for partition in answer.responses.iter_mut().flat_map(|topic| &mut topic.partitions) {
            let bytes = partition.records.take().unwrap_or_default();
            it.note(format!("{}: {} bytes", partition.partition_index, bytes.len()));
        }
        it.write_down(&answer);
    }),
    alike("a partition that was added and got no records has a marker all the same", |it| {
        let (topic, producer) = producer(it);
        add(it, &producer, &topic);
        end(it, &producer, true);
        it.fetch(12, fetch(&topic, 0));
        add(it, &producer, &topic);
        end(it, &producer, false);
        it.fetch(12, read_committed(&topic, 0));
    }),
    alike("a transaction whose record is refused is aborted", |it| {
        let (topic, producer) = producer(it);
        add(it, &producer, &topic);
        send(it, 9, &producer.write(&topic, 7));
        send(it, 9, &producer.write(&topic, 9));
        end(it, &producer, false);
        it.fetch(12, read_committed(&topic, 0));
    }),
    alike("a marker is read from its own offset", |it| {
        let (topic, producer) = producer(it);
        transaction(it, &producer, &topic, 0, true);
        it.fetch(12, fetch(&topic, 1));
        it.fetch(12, read_committed(&topic, 2));
        it.fetch(12, read_committed(&topic, 3));
    }),
    alike("offsets by time while a transaction is open", |it| {
        let (topic, producer) = producer(it);
        it.append(&topic, batch(&["before"]));
        add(it, &producer, &topic);
        send(it, 9, &producer.write(&topic, 0));
        for timestamp in [0, crate::requests::CREATED, crate::requests::CREATED + 1] {
            for isolation in [0, 1] {
                let request = list_offsets(&topic, 0, timestamp);
                it.ask(7, request.with_isolation_level(isolation));
            }
        }
    }),
];
