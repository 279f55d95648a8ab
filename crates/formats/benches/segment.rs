//! Laying a segment out and reading its footer: one flush's worth, of few partitions and of many.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a bench ends at its first surprise")]

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use formats::{
    compression::Codec,
    record_batch::{BatchBuilder, BatchHeader, HEADER_BYTES},
    segment::{Footer, Segment, SegmentWriter, SliceContents},
};
use model::{Offset, PartitionId, PartitionIndex, TopicId};
use std::hint::black_box;

const FLUSH_BYTES: usize = 8 << 20;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for partitions in [1, 16, 1_000] {
        measure(&mut criterion, partitions);
    }
    criterion.final_summary();
}

fn measure(criterion: &mut Criterion, partitions: u32) {
    let batch = batch(FLUSH_BYTES / 1_024);
    let segment = write(partitions, &batch);
    let mut group = criterion.benchmark_group(format!("segment of {partitions} partitions"));
    group.throughput(Throughput::Bytes(segment.size));
    group.bench_function("write", |bencher| bencher.iter(|| write(partitions, black_box(&batch))));
    group.bench_function("read footer", |bencher| {
        bencher.iter(|| Footer::decode(black_box(&segment.footer_bytes)).expect("it was written"));
    });
    group.finish();
}

/// A batch of an eight-MiB flush with 1,024 batches.
fn batch(bytes: usize) -> Bytes {
    let mut builder = BatchBuilder::new(Codec::None);
    builder.push(0, None, Some(&vec![7; bytes - HEADER_BYTES]), &[]);
    builder.build()
}

/// 1,024 batches, dealt out to `partitions`.
fn write(partitions: u32, batch: &Bytes) -> Segment {
    let each = (1_024 / partitions).max(1);
    let mut writer = SegmentWriter::new();
    for index in 0..partitions {
        let mut contents = SliceContents::new();
        for offset in 0..each {
            let mut header = BatchHeader::parse(batch).expect("it was built");
            header.base_offset = offset.into();
            // As they come from the log: a patched head and the client's bytes.
            contents.push(&header, [batch.slice(..16), batch.slice(16..)], None).unwrap();
        }
        let topic = TopicId::from_bytes([1; 16]);
        let partition = PartitionId { topic, partition: PartitionIndex::new(index).unwrap() };
        writer.push(partition, contents, Offset::new(each.into()).unwrap(), vec![]).unwrap();
    }
    writer.finish()
}
