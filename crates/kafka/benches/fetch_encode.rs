//! Encoding a Fetch answer: its cost must be that of the fields, not of the records.

#![expect(clippy::expect_used, reason = "a bench ends at its first surprise")]

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use kafka::benchmarks::encode_fetch;
use std::hint::black_box;

const VERSION: i16 = 17;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("fetch answer");
    for (partitions, bytes) in [(1, 1 << 20), (16, 1 << 20), (16, 16 << 10), (1_000, 1 << 10)] {
        let records = vec![Bytes::from(vec![7; bytes]); partitions];
        group.throughput(Throughput::Bytes((partitions * bytes) as u64));
        group.bench_function(
            format!("{partitions} partitions of {} KiB", bytes >> 10),
            |bencher| {
                bencher.iter(|| encode_fetch(VERSION, black_box(&records)).expect("it fits"));
            },
        );
    }
    group.finish();
    criterion.final_summary();
}
