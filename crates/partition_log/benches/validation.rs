//! Validating a produced batch: as it is (CRC and header), where each record is looked at, and recompressed.

#![expect(clippy::expect_used, reason = "a bench ends at its first surprise")]

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use formats::{compression::Codec, record_batch::BatchBuilder};
use model::{
    TimestampMs,
    config::{CompressionType, TopicSettings},
};
use partition_log::benchmarks::{compacted, settings, validate};
use std::hint::black_box;

const NOW: TimestampMs = TimestampMs(1_700_000_000_000);

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let recompressed = TopicSettings { compression_type: CompressionType::Lz4, ..settings() };
    for (records, value_bytes) in [(15, 1_024), (120, 1_024), (1_000, 100)] {
        let batch = batch(records, value_bytes);
        let name = format!("validation of {} KiB in {records} records", batch.len() >> 10);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(batch.len() as u64));
        for (name, settings) in
            [("as it is", &settings()), ("each record", &compacted()), ("to lz4", &recompressed)]
        {
            group.bench_function(name, |bencher| {
                bencher.iter(|| validate(black_box(&batch), settings, NOW).expect("it is valid"));
            });
        }
        group.finish();
    }
    criterion.final_summary();
}

fn batch(records: i64, value_bytes: usize) -> Bytes {
    let mut builder = BatchBuilder::new(Codec::None);
    let value = vec![7; value_bytes];
    for record in 0..records {
        builder.push(NOW.0 + record, Some(b"key"), Some(&value), &[]);
    }
    builder.build()
}
