//! Produce: what is taken, and how the rest is refused.

use crate::{
    exam::Exam,
    requests::{CREATED, batch, fetch, filled, missing, produce, produce_to},
    scenario::{Scenario, alike, deviating},
};
use bytes::Bytes;
use formats::{compression::Codec, crc32c, record_batch::BatchBuilder};

/// Where the offset deltas of `batch(&["a", "b"])` lie, and its timestamps' deltas: the header's largest time is believed.
const OFFSET_DELTAS: [usize; 2] = [64, 76];
const TIMESTAMP_DELTAS: [usize; 3] = [63, 74, 75];

fn new() -> BatchBuilder {
    BatchBuilder::new(Codec::None)
}

/// The batch with other bytes from `at` on, and a CRC that fits them.
fn with_bytes(batch: &Bytes, at: usize, bytes: &[u8]) -> Bytes {
    let mut changed = batch.to_vec();
    changed[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = crc32c::checksum(&changed[21..]);
    changed[17..21].copy_from_slice(&crc.to_be_bytes());
    changed.into()
}

/// The batch with a header that says it has `count` records.
fn counting(batch: &Bytes, count: u8) -> Bytes {
    with_bytes(&with_bytes(batch, 57, &[0, 0, 0, count]), 23, &[0, 0, 0, count - 1])
}

/// Sends each to the scenario's topic; then what was kept is read.
fn each(it: &mut Exam, configs: &[(&str, &str)], batches: Vec<Bytes>) {
    let topic = it.topic_with(1, configs);
    for batch in batches {
        it.produce(9, produce(&topic, batch));
    }
    it.fetch(12, fetch(&topic, 0));
}

pub const SCENARIOS: &[Scenario] = &[
    alike("batches are appended in every version", |it| {
        let topic = it.topic(1);
        for version in 3..=13 {
            it.produce(version, produce(&topic, batch(&["a", "b"])));
        }
        it.fetch(12, fetch(&topic, 0));
    }),
    alike("a batch with acks 1 and one with acks 0", |it| {
        let topic = it.topic(1);
        it.produce(9, produce(&topic, batch(&["a"])).with_acks(1));
        it.tell(9, &produce(&topic, batch(&["b"])).with_acks(0));
        it.produce(9, produce(&topic, batch(&["c"])).with_acks(1));
        it.until_high_watermark(&topic, 3);
        it.fetch(12, fetch(&topic, 0));
    }),
    alike("a batch with acks 0 that is refused hangs up", |it| {
        it.tell(9, &produce(&missing(), batch(&["a"])).with_acks(0));
        it.expect_closed();
    }),
    alike("a number of acks that cannot be", |it| {
        let topic = it.topic(1);
        for acks in [2, -2] {
            it.produce(9, produce(&topic, batch(&["a"])).with_acks(acks));
        }
    }),
    alike("a batch to a topic that does not exist", |it| {
        it.produce(9, produce(&missing(), batch(&["a"])));
        it.produce(13, produce(&missing(), batch(&["a"])));
    }),
    alike("a batch to a partition that does not exist", |it| {
        let topic = it.topic(2);
        for partition in [2, -1] {
            it.produce(9, produce_to(&topic, partition, Some(batch(&["a"]))));
        }
    }),
    alike("a produce without records", |it| {
        let topic = it.topic(1);
        it.produce(9, produce_to(&topic, 0, Some(Bytes::new())));
    }),
    alike("a batch whose CRC does not match", |it| {
        let mut damaged = batch(&["a"]).to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        each(it, &[], vec![damaged.into()]);
    }),
    alike("two batches in one produce", |it| {
        each(it, &[], vec![[batch(&["a"]), batch(&["b"])].concat().into()]);
    }),
    alike("a batch that is cut", |it| {
        let whole = batch(&["a", "b"]);
        each(it, &[], vec![whole.slice(..whole.len() - 3), whole.slice(..30)]);
    }),
    alike("batches of older formats", |it| {
        let whole = batch(&["a"]);
        each(it, &[], [0, 1, 3].map(|magic| with_bytes(&whole, 16, &[magic])).into());
    }),
    alike("a batch without records", |it| each(it, &[], vec![new().build()])),
    alike("a batch that a client marks as control", |it| {
        each(it, &[], vec![filled(new().control(), &["a"]).build()]);
    }),
    alike("a batch whose last offset does not fit its count", |it| {
        each(it, &[], vec![filled(new(), &["a", "b"]).last_offset_delta(5).build()]);
    }),
    alike("a batch whose count does not fit its records", |it| {
        let whole = batch(&["a", "b"]);
        each(it, &[], vec![counting(&whole, 3), counting(&whole, 1)]);
    }),
    alike("a batch whose records end too soon or are damaged", |it| {
        let whole = batch(&["a", "b"]);
        let others = (61..whole.len())
            .filter(|at| !OFFSET_DELTAS.contains(at) && !TIMESTAMP_DELTAS.contains(at));
        each(it, &[], others.map(|at| with_bytes(&whole, at, &[9])).collect());
    }),
    deviating(
        "a batch whose records have offsets outside of it",
        "a record gets an offset of its batch or the batch is refused; Kafka stores what no consumer can place",
        |it| {
            let whole = batch(&["a", "b"]);
            each(it, &[], OFFSET_DELTAS.map(|at| with_bytes(&whole, at, &[9])).into());
        },
    ),
    deviating(
        "a compressed batch whose count does not fit its records",
        "compressed batches are not opened unless a rule is about their records: the CRC covers them",
        |it| {
            let whole = filled(BatchBuilder::new(Codec::Lz4), &["a", "b"]).build();
            each(it, &[], vec![counting(&whole, 3)]);
        },
    ),
    alike("a batch with a base offset of its own", |it| {
        each(it, &[], vec![filled(new().base_offset(77).leader_epoch(5), &["a"]).build()]);
    }),
    alike("a batch that is larger than the topic takes", |it| {
        each(it, &[("max.message.bytes", "100")], vec![batch(&[&"x".repeat(200)]), batch(&["a"])]);
    }),
    alike("a record without a key on a compacted topic", |it| {
        let mut keyless = new();
        keyless.push(CREATED, Some(b"k"), Some(b"v"), &[]);
        keyless.push(CREATED, None, Some(b"v"), &[]);
        each(it, &[("cleanup.policy", "compact")], vec![keyless.build(), batch(&["a"])]);
    }),
    alike("a record of a time before what the topic takes", |it| {
        each(it, &[("message.timestamp.before.max.ms", "1000")], vec![batch(&["a"])]);
    }),
    alike("a record from the future", |it| {
        let mut future = new();
        future.push(CREATED * 10, Some(b"k"), Some(b"v"), &[]);
        each(it, &[], vec![future.build()]);
    }),
    alike("records without a time", |it| {
        let mut timeless = new();
        timeless.push(-1, Some(b"k"), Some(b"v"), &[]);
        each(it, &[], vec![timeless.build()]);
    }),
    alike("a topic with the broker's time", |it| {
        each(it, &[("message.timestamp.type", "LogAppendTime")], vec![batch(&["a", "b"])]);
    }),
    alike("batches of every codec", |it| {
        let batches = Codec::ALL.map(|codec| filled(BatchBuilder::new(codec), &["a", "b"]).build());
        each(it, &[], batches.into());
    }),
    alike("batches of every codec on a topic with one of its own", |it| {
        let batches = Codec::ALL.map(|codec| filled(BatchBuilder::new(codec), &["a", "b"]).build());
        each(it, &[("compression.type", "lz4")], batches.into());
    }),
    alike("batches of every codec on a topic without", |it| {
        let batches = Codec::ALL.map(|codec| filled(BatchBuilder::new(codec), &["a", "b"]).build());
        each(it, &[("compression.type", "uncompressed")], batches.into());
    }),
    deviating(
        "a codec that nobody knows",
        "UNSUPPORTED_COMPRESSION_TYPE says what is wrong; Kafka fails with UNKNOWN_SERVER_ERROR",
        |it| each(it, &[], vec![with_bytes(&batch(&["a"]), 21, &[0, 5])]),
    ),
    deviating(
        "compressed bytes that are none",
        "CORRUPT_MESSAGE says what is wrong; Kafka fails with UNKNOWN_SERVER_ERROR",
        |it| {
            let codecs = [1, 2, 3, 4].map(|codec| with_bytes(&batch(&["a"]), 21, &[0, codec]));
            each(it, &[("cleanup.policy", "compact")], codecs.into());
        },
    ),
    alike("zstd before version 7", |it| {
        let topic = it.topic(1);
        let zstd = filled(BatchBuilder::new(Codec::Zstd), &["a"]).build();
        it.produce(6, produce(&topic, zstd.clone()));
        it.produce(7, produce(&topic, zstd));
    }),
    alike("records with headers", |it| {
        let mut headed = new();
        let header = |key: &'static str, value: Option<&'static str>| {
            (Bytes::from(key), value.map(Bytes::from))
        };
        let headers = [header("h", None), header("h", Some("")), header("i", Some("x"))];
        headed.push(CREATED, Some(b"k"), Some(b"v"), &headers);
        each(it, &[], vec![headed.build()]);
    }),
    alike("some partitions take their batches and others do not", |it| {
        let topic = it.topic(2);
        let mut request = produce(&topic, batch(&["a"]));
        let of = |partition| produce_to(&topic, partition, Some(batch(&["b"])));
        for partition in [9, 1] {
            let other = of(partition).topic_data.remove(0).partition_data.remove(0);
            request.topic_data[0].partition_data.push(other);
        }
        it.produce(9, request);
    }),
];
