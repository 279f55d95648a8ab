//! A whole segment, version 1.

use crate::{assert_golden, golden};
use bytes::Bytes;
use formats::compression::Codec;
use formats::record_batch::{
    BatchBuilder, BatchHeader, EndTransactionMarker, TransactionResult, patched_head, verify_crc,
};
use formats::segment::{
    AbortedTransaction, Extension, Footer, MergedRange, Origin, Segment, SegmentAuthor,
    SegmentWriter, SliceContents, TRAILER_BYTES, footer_range,
};
use model::{LeaderEpoch, Offset, PartitionId, PartitionIndex, ProducerId, TopicId, WalId};

fn partition(topic: [u8; 16], index: u32) -> PartitionId {
    let partition = PartitionIndex::new(index).unwrap();
    PartitionId { topic: TopicId::from_bytes(topic), partition }
}

fn offset(value: u64) -> Offset {
    Offset::new(value).unwrap()
}

fn push(slice: &mut SliceContents, batch: Bytes, marker: Option<EndTransactionMarker>) {
    let header = BatchHeader::parse(&batch).unwrap();
    slice.push(&header, [batch], marker).unwrap();
}

/// An idempotent batch and an aborted transaction over two epochs, and a plain batch of another topic.
pub(crate) fn segment() -> Segment {
    let mut first = SliceContents::new();
    let idempotent = BatchBuilder::new(Codec::None)
        .producer(5, 1, 17)
        .base_offset(100)
        .leader_epoch(3)
        .push(1_700_000_000_000, Some(b"key"), Some(b"value"), &[])
        .build();
    push(&mut first, idempotent, None);
    let transactional = BatchBuilder::new(Codec::None)
        .producer(6, 0, 0)
        .transactional()
        .base_offset(101)
        .leader_epoch(4)
        .push(1_700_000_000_001, None, Some(b"never seen"), &[])
        .push(1_700_000_000_002, None, None, &[(Bytes::from_static(b"h"), None)])
        .build();
    push(&mut first, transactional, None);
    let marker = EndTransactionMarker { result: TransactionResult::Abort, coordinator_epoch: 9 };
    let control = marker.batch(6, 0, 1_700_000_000_003);
    let control = [patched_head(&control, 103, 4).as_slice(), &control.slice(16..)].concat();
    push(&mut first, control.into(), Some(marker));

    let mut second = SliceContents::new();
    let plain = BatchBuilder::new(Codec::None).push(-1, None, Some(b"plain"), &[]).build();
    push(&mut second, plain, None);

    let aborted = AbortedTransaction {
        producer_id: ProducerId::new(6).unwrap(),
        first_offset: offset(101),
        last_offset: offset(103),
    };
    let mut writer = SegmentWriter::new();
    writer.push(partition(*b"topic-b.........", 0), second, offset(1), vec![]).unwrap();
    writer.push(partition(*b"topic-a.........", 12), first, offset(104), vec![aborted]).unwrap();
    writer.finish()
}

#[test]
fn a_segment_has_its_bytes() {
    assert_golden("segment-v1", &segment().parts.concat());
}

#[test]
fn a_segment_is_read_from_its_end() {
    let object = Bytes::from(golden("segment-v1"));
    let range = footer_range(&object[object.len() - TRAILER_BYTES..]).unwrap();
    let footer = Footer::decode(&object[range.start as usize..range.end as usize]).unwrap();
    assert_eq!(footer, segment().footer);
    for slice in &footer.slices {
        for batch in &slice.batches {
            let start = slice.bytes.start as usize + batch.position as usize;
            verify_crc(&object[start..start + batch.size as usize]).unwrap();
        }
    }
}

#[test]
fn a_footer_with_extensions_has_its_bytes() {
    let mut footer = segment().footer;
    let reference =
        formats::metadata::Reference { object: "snapshots/x".into(), offset: 10, length: 20 };
    let origin =
        Origin { partition: partition(*b"topic-c.........", 1), base_offset: offset(5_000) };
    let unknown = Extension { tag: 0xffff_0000, value: Bytes::from_static(b"unknown") };
    footer.slices[0].compacted = true;
    footer.slices[0].extensions =
        vec![Extension::producer_snapshot(&reference), Extension::origin(&origin), unknown.clone()];
    footer.extensions = vec![unknown];
    assert_golden("segment-footer-extensions-v1", &footer.encode());
    assert_eq!(Footer::decode(&golden("segment-footer-extensions-v1")), Ok(footer));
}

#[test]
fn a_signed_footer_has_its_bytes() {
    let author = SegmentAuthor {
        wal: WalId::from_bytes(*b"a write-ahead lg"),
        session_revision: 77,
        committed_through: 41,
    };
    let mut footer = segment().footer;
    footer.extensions = vec![Extension::author(&author)];
    assert_golden("segment-footer-author-v1", &footer.encode());
    let read = Footer::decode(&golden("segment-footer-author-v1")).unwrap();
    assert_eq!(read.author(), Some(author));
}

/// What compaction left of offsets 100 to 139: one record in the middle.
fn partition_segment() -> Segment {
    let mut contents = SliceContents::new();
    let left = BatchBuilder::new(Codec::None)
        .base_offset(110)
        .leader_epoch(3)
        .last_offset_delta(9)
        .push_at(4, 1_700_000_000_000, Some(b"key"), Some(b"value"), &[])
        .build();
    push(&mut contents, left, None);
    let merged = MergedRange {
        offsets: offset(100)..offset(140),
        epochs: vec![
            (LeaderEpoch::new(3).unwrap(), offset(100)),
            (LeaderEpoch::new(4).unwrap(), offset(130)),
        ],
        last_stable_after: offset(140),
        aborted: vec![],
        compacted: true,
    };
    let mut writer = SegmentWriter::new();
    writer.push_merged(partition(*b"topic-a.........", 12), contents, merged).unwrap();
    writer.finish()
}

#[test]
fn a_partition_segment_has_its_bytes() {
    assert_golden("partition-segment-v1", &partition_segment().parts.concat());
    let object = golden("partition-segment-v1");
    let range = footer_range(&object[object.len() - TRAILER_BYTES..]).unwrap();
    let footer = Footer::decode(&object[range.start as usize..range.end as usize]).unwrap();
    assert_eq!(footer, partition_segment().footer);
}
