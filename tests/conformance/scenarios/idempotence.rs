//! Idempotent producers: sequences, epochs, duplicates.

use crate::{
    exam::{Exam, Topic},
    requests::{fetch, filled, init_producer_id, produce},
    scenario::{Scenario, alike, deviating},
};
use formats::{compression::Codec, record_batch::BatchBuilder};

struct Producer {
    topic: Topic,
    id: i64,
}

/// A producer id of the broker's, and the scenario's topic.
fn producer(it: &mut Exam) -> Producer {
    let answer = it.quietly(4, init_producer_id());
    Producer { topic: it.topic(1), id: answer.producer_id.0 }
}

impl Producer {
    /// Sends records of these values from that sequence number on.
    fn send(&self, it: &mut Exam, epoch: i16, sequence: i32, values: &[&str]) {
        let builder = BatchBuilder::new(Codec::None).producer(self.id, epoch, sequence);
        let answer = it.quietly(9, produce(&self.topic, filled(builder, values).build()));
        let partition = &answer.responses[0].partition_responses[0];
        it.note(format!("error {}, at {}", partition.error_code, partition.base_offset));
    }

    fn read(&self, it: &mut Exam) {
        it.fetch(12, fetch(&self.topic, 0));
    }
}

pub const SCENARIOS: &[Scenario] = &[
    alike("a producer id in every version", |it| {
        for version in 0..=5 {
            it.ask(version, init_producer_id());
        }
    }),
    alike("batches in sequence", |it| {
        let producer = producer(it);
        producer.send(it, 0, 0, &["a", "b"]);
        producer.send(it, 0, 2, &["c"]);
        producer.send(it, 0, 3, &["d"]);
        producer.read(it);
    }),
    alike("duplicates get the offset of the first", |it| {
        let producer = producer(it);
        for sequence in [0, 1, 0, 1] {
            producer.send(it, 0, sequence, &["a"]);
        }
        producer.read(it);
    }),
    alike("a duplicate further back than five batches", |it| {
        let producer = producer(it);
        for sequence in [0, 1, 2, 3, 4, 5, 1, 0] {
            producer.send(it, 0, sequence, &["a"]);
        }
    }),
    alike("a batch that is a duplicate in part", |it| {
        let producer = producer(it);
        producer.send(it, 0, 0, &["a", "b", "c"]);
        producer.send(it, 0, 0, &["a", "b"]);
        producer.send(it, 0, 1, &["b", "c"]);
        producer.send(it, 0, 2, &["c", "d"]);
        producer.read(it);
    }),
    alike("a gap in the sequence", |it| {
        let producer = producer(it);
        producer.send(it, 0, 0, &["a"]);
        producer.send(it, 0, 2, &["c"]);
        producer.send(it, 0, 1, &["b"]);
        producer.read(it);
    }),
    alike("a producer that is not known may begin anywhere", |it| {
        let producer = producer(it);
        producer.send(it, 0, 5, &["a"]);
        producer.send(it, 0, 6, &["b"]);
        producer.send(it, 0, 5, &["a"]);
    }),
    alike("a higher epoch begins at zero", |it| {
        let producer = producer(it);
        producer.send(it, 0, 0, &["a"]);
        producer.send(it, 1, 1, &["b"]);
        producer.send(it, 1, 0, &["b"]);
        producer.send(it, 1, 1, &["c"]);
        producer.read(it);
    }),
    alike("a lower epoch is fenced", |it| {
        let producer = producer(it);
        producer.send(it, 3, 0, &["a"]);
        producer.send(it, 2, 1, &["b"]);
        producer.send(it, 2, 0, &["a"]);
    }),
    alike("sequence numbers go round", |it| {
        let producer = producer(it);
        producer.send(it, 0, i32::MAX - 1, &["a", "b"]);
        producer.send(it, 0, 0, &["c"]);
        producer.send(it, 0, 1, &["d"]);
        producer.read(it);
    }),
    alike("a batch over the end of the sequence numbers", |it| {
        let producer = producer(it);
        producer.send(it, 0, i32::MAX, &["a", "b"]);
        producer.send(it, 0, 1, &["c"]);
        producer.send(it, 0, i32::MAX, &["a", "b"]);
    }),
    alike("a producer id without a sequence number", |it| {
        let producer = producer(it);
        producer.send(it, 0, -1, &["a"]);
    }),
    deviating(
        "a producer id without an epoch",
        "it can't be told what the producer means; Kafka takes the batch for one of epoch -1",
        |it| {
            let producer = producer(it);
            producer.send(it, -1, 0, &["a"]);
        },
    ),
    deviating(
        "the time of a duplicate",
        "no append time on a topic with the producers' times; Kafka gives that of the first batch",
        |it| {
            let producer = producer(it);
            for _ in 0..2 {
                let builder = BatchBuilder::new(Codec::None).producer(producer.id, 0, 0);
                it.produce(9, produce(&producer.topic, filled(builder, &["a"]).build()));
            }
        },
    ),
    alike("two producers on one partition", |it| {
        let one = producer(it);
        let other = it.quietly(4, init_producer_id()).producer_id.0;
        let other = Producer { topic: one.topic.clone(), id: other };
        one.send(it, 0, 0, &["a"]);
        other.send(it, 0, 0, &["b"]);
        one.send(it, 0, 1, &["c"]);
        other.send(it, 0, 0, &["b"]);
        one.read(it);
    }),
];
