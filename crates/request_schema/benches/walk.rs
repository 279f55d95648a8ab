//! Walking a produce request before it is decoded: must cost what its fields cost, whatever the records weigh.

#![expect(clippy::expect_used, reason = "a bench ends at its first surprise")]

use criterion::{Criterion, Throughput};
use request_schema::{request, walk};
use std::hint::black_box;

const PRODUCE: i16 = 0;
/// The last version before lengths became variable.
const VERSION: i16 = 8;
const LIMIT_DECODED_BYTES: usize = 1 << 20;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("walk of a produce request");
    let message = request(PRODUCE).expect("the tables have it");
    for (partitions, bytes) in [(1, 16 << 10), (7, 128 << 10), (1_000, 1 << 10)] {
        let request = produce(partitions, bytes);
        group.throughput(Throughput::Bytes(request.len() as u64));
        group.bench_function(
            format!("{partitions} partitions of {} KiB", bytes >> 10),
            |bencher| {
                bencher.iter(|| {
                    walk(message, VERSION, black_box(&request), LIMIT_DECODED_BYTES)
                        .expect("it follows")
                });
            },
        );
    }
    group.finish();
    criterion.final_summary();
}

/// A request without its fixed head: no client id, no transaction, acks=all, one topic.
fn produce(partitions: i32, record_bytes: i32) -> Vec<u8> {
    let none = (-1_i16).to_be_bytes();
    let mut bytes = [none, none, none].concat();
    bytes.extend([30_000_i32.to_be_bytes(), 1_i32.to_be_bytes()].concat());
    bytes.extend([&5_i16.to_be_bytes(), b"bench".as_slice()].concat());
    bytes.extend(partitions.to_be_bytes());
    for partition in 0..partitions {
        bytes.extend([partition.to_be_bytes(), record_bytes.to_be_bytes()].concat());
        bytes.resize(bytes.len() + record_bytes as usize, 7);
    }
    bytes
}
