//! Fetch without sessions: positions, bounds, waiting.

use crate::{
    exam::{Exam, Topic},
    requests::{
        batch, delete_records, delete_topic, fetch, fetch_of, fetch_partition, filled, missing,
        produce_to,
    },
    scenario::{Scenario, alike, deviating},
};
use formats::{compression::Codec, record_batch::BatchBuilder};

/// A topic with three batches: of two records, of one, of three.
fn filled_topic(it: &mut Exam) -> Topic {
    let topic = it.topic(1);
    for values in [&["a", "b"][..], &["c"], &["d", "e", "f"]] {
        it.append(&topic, batch(values));
    }
    topic
}

pub const SCENARIOS: &[Scenario] = &[
    alike("records are fetched in every version", |it| {
        let topic = filled_topic(it);
        for version in 4..=18 {
            it.fetch(version, fetch(&topic, 0));
        }
    }),
    alike("records are fetched from every offset", |it| {
        let topic = filled_topic(it);
        for offset in 0..=6 {
            it.fetch(12, fetch(&topic, offset));
        }
    }),
    alike("offsets that the log does not have", |it| {
        let topic = filled_topic(it);
        for offset in [-1, -2, 7, i64::MAX] {
            it.fetch(12, fetch(&topic, offset));
        }
    }),
    alike("offsets below the log start", |it| {
        let topic = filled_topic(it);
        it.quietly(2, delete_records(&topic, 0, 4));
        for offset in [0, 3, 4] {
            it.fetch(12, fetch(&topic, offset));
        }
    }),
    alike("an empty topic", |it| {
        let topic = it.topic(1);
        for version in [4, 12, 17] {
            it.fetch(version, fetch(&topic, 0));
        }
    }),
    alike("records of a topic that does not exist", |it| {
        it.fetch(12, fetch(&missing(), 0));
        it.fetch(13, fetch(&missing(), 0));
    }),
    alike("records of a partition that does not exist", |it| {
        let topic = it.topic(1);
        for version in [12, 17] {
            let partitions = vec![fetch_partition(0, 0), fetch_partition(5, 0)];
            it.fetch(version, fetch_of(&topic, partitions));
        }
    }),
    alike("a topic id of a topic that is gone", |it| {
        let topic = it.topic(1);
        it.quietly(6, delete_topic(None, topic.id));
        let again = it.topic(1);
        it.fetch(13, fetch(&topic, 0));
        it.fetch(13, fetch(&again, 0));
    }),
    alike("the first batch comes whole, however little is wanted", |it| {
        let topic = filled_topic(it);
        it.fetch(12, fetch(&topic, 3).with_max_bytes(1));
        let mut partition = fetch_partition(0, 3);
        partition.partition_max_bytes = 1;
        it.fetch(12, fetch_of(&topic, vec![partition]));
    }),
    alike("a partition's bound is kept to", |it| {
        let topic = it.topic(1);
        for _ in 0..3 {
            it.append(&topic, batch(&[&"x".repeat(1_000)]));
        }
        let mut partition = fetch_partition(0, 0);
        partition.partition_max_bytes = 2_300;
        let answer = it.fetch(12, fetch_of(&topic, vec![partition]));
        it.note(format!("{}", answer.error_code));
    }),
    alike("the request's bound is shared by its partitions", |it| {
        let topic = it.topic(2);
        for partition in [0, 1] {
            let records = Some(batch(&[&"x".repeat(1_000)]));
            it.quietly(9, produce_to(&topic, partition, records));
        }
        let partitions = vec![fetch_partition(0, 0), fetch_partition(1, 0)];
        it.fetch(12, fetch_of(&topic, partitions).with_max_bytes(1_000));
    }),
    alike("a partition that does not want any bytes", |it| {
        let topic = filled_topic(it);
        let mut partition = fetch_partition(0, 0);
        partition.partition_max_bytes = 0;
        it.fetch(12, fetch_of(&topic, vec![partition]));
        it.fetch(12, fetch(&topic, 0).with_max_bytes(0));
    }),
    alike("a wait at the end of the log ends without records", |it| {
        let topic = filled_topic(it);
        it.fetch(12, fetch(&topic, 6).with_max_wait_ms(100));
    }),
    alike("a wait for more than there is ends with what there is", |it| {
        let topic = filled_topic(it);
        it.fetch(12, fetch(&topic, 3).with_max_wait_ms(100).with_min_bytes(1 << 20));
    }),
    alike("an error is answered without a wait", |it| {
        let topic = filled_topic(it);
        it.fetch(12, fetch(&topic, 99).with_max_wait_ms(20_000).with_min_bytes(1 << 20));
    }),
    alike("read_committed without transactions", |it| {
        let topic = filled_topic(it);
        for version in [4, 11, 12] {
            it.fetch(version, fetch(&topic, 2).with_isolation_level(1));
        }
    }),
    deviating(
        "an isolation level that nobody knows",
        "it is taken for read_uncommitted; Kafka fails with UNKNOWN_SERVER_ERROR",
        |it| {
            let topic = filled_topic(it);
            it.fetch(12, fetch(&topic, 0).with_isolation_level(2));
        },
    ),
    alike("compressed batches come as they were sent", |it| {
        let topic = it.topic(1);
        for codec in Codec::ALL {
            let batch = filled(BatchBuilder::new(codec), &["a", "b"]).build();
            it.append(&topic, batch);
        }
        for offset in [0, 3, 9] {
            it.fetch(12, fetch(&topic, offset));
        }
    }),
    alike("leader epochs that are not the leader's", |it| {
        let topic = filled_topic(it);
        let epoch = it.leader_epoch(&topic);
        for (known, offset) in [(epoch, 0), (epoch + 1, 0), (epoch + 1, 99)] {
            let mut partition = fetch_partition(0, offset);
            partition.current_leader_epoch = known;
            it.fetch(12, fetch_of(&topic, vec![partition]));
        }
    }),
    alike("the epoch of the last record that was fetched", |it| {
        let topic = filled_topic(it);
        let epoch = it.leader_epoch(&topic);
        for (fetched, offset) in [(epoch, 3), (epoch, 6), (epoch + 1, 3)] {
            let mut partition = fetch_partition(0, offset);
            partition.last_fetched_epoch = fetched;
            it.fetch(12, fetch_of(&topic, vec![partition]));
        }
    }),
    deviating(
        "one partition asked for twice",
        "it is answered twice; Kafka forgets the first",
        |it| {
            let topic = filled_topic(it);
            let partitions = vec![fetch_partition(0, 0), fetch_partition(0, 3)];
            it.fetch(12, fetch_of(&topic, partitions));
        },
    ),
];
