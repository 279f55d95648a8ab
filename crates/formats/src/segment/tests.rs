//! Layout of whole objects, footers of every shape, damage, and arbitrary bytes.

use super::*;
use crate::compression::Codec;
use crate::metadata::Reference;
use crate::record_batch::{BatchBuilder, BatchHeader, EndTransactionMarker, TransactionResult};
use bytes::Bytes;
use model::{
    LeaderEpoch, Offset, PartitionId, PartitionIndex, ProducerEpoch, ProducerId, TimestampMs,
    TopicId,
};
use proptest::prelude::*;

fn partition(topic: u8, index: u32) -> PartitionId {
    PartitionId {
        topic: TopicId::from_bytes([topic; 16]),
        partition: PartitionIndex::new(index).unwrap(),
    }
}

fn batch(base_offset: i64, epoch: i32, records: usize) -> (BatchHeader, Bytes) {
    let mut builder = BatchBuilder::new(Codec::None).base_offset(base_offset).leader_epoch(epoch);
    for index in 0..records {
        builder.push(1_000 + index as i64, None, Some(b"value"), &[]);
    }
    let bytes = builder.build();
    (BatchHeader::parse(&bytes).unwrap(), bytes)
}

fn contents(batches: &[(BatchHeader, Bytes)]) -> SliceContents {
    let mut contents = SliceContents::new();
    for (header, bytes) in batches {
        contents.push(header, [bytes.clone()], None).unwrap();
    }
    contents
}

fn offset(value: u64) -> Offset {
    Offset::new(value).unwrap()
}

#[test]
fn slices_lie_where_the_footer_says() {
    let (one, two, three) = (batch(10, 1, 3), batch(13, 2, 1), batch(0, 0, 2));
    let mut writer = SegmentWriter::new();
    writer
        .push(partition(9, 0), contents(&[one.clone(), two.clone()]), offset(14), vec![])
        .unwrap();
    writer
        .push(partition(2, 5), contents(std::slice::from_ref(&three)), offset(2), vec![])
        .unwrap();
    let segment = writer.finish();

    let object = segment.parts.concat();
    assert_eq!(object.len() as u64, segment.size);
    let range = footer_range(&object[object.len() - TRAILER_BYTES..]).unwrap();
    assert_eq!(range.start, segment.footer_offset);
    let footer = &object[range.start as usize..range.end as usize];
    assert_eq!(footer, segment.footer_bytes);
    let footer = Footer::decode(footer).unwrap();
    assert_eq!(footer, segment.footer);

    let bytes =
        |slice: &Slice| object[slice.bytes.start as usize..slice.bytes.end as usize].to_vec();
    let slice = footer.slice(partition(9, 0)).unwrap();
    assert_eq!(bytes(slice), [one.1, two.1].concat());
    assert_eq!((slice.base_offset, slice.end_offset), (offset(10), offset(14)));
    assert_eq!(
        slice.epochs,
        [(LeaderEpoch::new(1).unwrap(), offset(10)), (LeaderEpoch::new(2).unwrap(), offset(13))]
    );
    assert_eq!(slice.max_timestamp, TimestampMs(1_002));
    assert_eq!(bytes(footer.slice(partition(2, 5)).unwrap()), three.1);
    assert_eq!(footer.slice(partition(2, 6)), None);
}

#[test]
fn payloads_are_not_copied() {
    let (header, bytes) = batch(0, 0, 1);
    let mut contents = SliceContents::new();
    contents.push(&header, [bytes.slice(..16), bytes.slice(16..)], None).unwrap();
    let mut writer = SegmentWriter::new();
    writer.push(partition(1, 0), contents, offset(1), vec![]).unwrap();
    let segment = writer.finish();
    assert_eq!(segment.parts[2].as_ptr(), bytes[16..].as_ptr());
}

#[test]
fn a_footer_of_one_batch_fits_into_a_commit() {
    let mut writer = SegmentWriter::new();
    writer.push(partition(1, 0), contents(&[batch(0, 0, 1)]), offset(1), vec![]).unwrap();
    assert!(writer.finish().footer_bytes.len() <= 1024);
}

#[test]
fn a_batch_is_found_by_offset() {
    let mut writer = SegmentWriter::new();
    let batches = [batch(10, 1, 3), batch(13, 1, 1), batch(20, 1, 2)];
    writer.push(partition(1, 0), contents(&batches), offset(22), vec![]).unwrap();
    let footer = writer.finish().footer;
    let found =
        [0, 10, 12, 13, 14, 20, 21, 22].map(|at| footer.slices[0].batch_at_or_after(offset(at)));
    assert_eq!(found, [0, 0, 0, 1, 2, 2, 2, 3]);
}

#[test]
fn what_does_not_follow_is_refused() {
    let mut slice = contents(&[batch(10, 1, 3)]);
    let (header, bytes) = batch(12, 1, 1);
    assert_eq!(slice.push(&header, [bytes], None), Err(SegmentError::Field("order of batches")));
    let (header, bytes) = batch(13, 1, 1);
    let short = bytes.slice(1..);
    assert_eq!(slice.push(&header, [short], None), Err(SegmentError::Field("batch size")));
    let (header, bytes) = batch(-1, 1, 1);
    assert_eq!(slice.push(&header, [bytes], None), Err(SegmentError::Field("base offset")));

    let mut writer = SegmentWriter::new();
    let falling = contents(&[batch(0, 2, 1), batch(1, 1, 1)]);
    assert!(writer.push(partition(1, 0), falling, offset(2), vec![]).is_err());
    writer.push(partition(1, 1), slice.clone(), offset(13), vec![]).unwrap();
    assert!(writer.push(partition(1, 1), slice, offset(13), vec![]).is_err());
}

#[test]
fn nothing_is_written_for_a_partition_without_batches() {
    let mut writer = SegmentWriter::new();
    writer.push(partition(1, 0), SliceContents::new(), offset(0), vec![]).unwrap();
    assert!(writer.is_empty());
    assert_eq!(writer.finish().footer, Footer::default());
}

#[test]
fn extensions_say_snapshot_and_origin_and_keep_what_is_unknown() {
    let reference = Reference { object: "snapshots/a".into(), offset: 3, length: 4 };
    let origin = Origin { partition: partition(4, 2), base_offset: offset(77) };
    let unknown = Extension { tag: 4_000_000, value: Bytes::from_static(b"later") };
    let mut footer = sample_footer();
    footer.slices[0].extensions =
        vec![Extension::producer_snapshot(&reference), Extension::origin(&origin), unknown.clone()];
    footer.extensions = vec![unknown];
    let read = Footer::decode(&footer.encode()).unwrap();
    assert_eq!(read, footer);
    let extensions = &read.slices[0].extensions;
    assert_eq!(extensions[0].as_producer_snapshot(), Some(reference));
    assert_eq!(extensions[1].as_origin(), Some(origin));
    assert_eq!((extensions[2].as_origin(), extensions[2].as_producer_snapshot()), (None, None));
}

#[test]
fn any_flipped_bit_of_a_footer_is_noticed() {
    let footer = sample_footer().encode();
    for bit in 0..footer.len() * 8 {
        let mut damaged = footer.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Footer::decode(&damaged).is_err(), "bit {bit}");
    }
}

#[test]
fn a_footer_of_another_version_is_refused() {
    let mut footer = sample_footer().encode();
    footer[4] = 2;
    reseal(&mut footer);
    assert_eq!(Footer::decode(&footer), Err(SegmentError::Version(2)));
}

#[test]
fn ten_thousand_entries_read_back() {
    let mut footer = sample_footer();
    let entry = footer.slices[0].batches[0];
    let size = entry.size;
    footer.slices[0].batches = (0..10_000)
        .map(|index| BatchEntry {
            base_offset: offset(index),
            last_offset_delta: 0,
            position: index as u32 * size,
            ..entry
        })
        .collect();
    footer.slices[0].base_offset = offset(0);
    footer.slices[0].end_offset = offset(10_000);
    footer.slices[0].bytes = 16..16 + 10_000 * u64::from(size);
    assert_eq!(Footer::decode(&footer.encode()).unwrap(), footer);
}

fn sample_footer() -> Footer {
    let marker = EndTransactionMarker { result: TransactionResult::Abort, coordinator_epoch: 3 };
    let producer = |base_sequence| {
        Some(BatchProducer {
            id: ProducerId::new(7).unwrap(),
            epoch: ProducerEpoch::new(1).unwrap(),
            base_sequence,
        })
    };
    let first = BatchEntry {
        base_offset: offset(100),
        last_offset_delta: 4,
        position: 0,
        size: 200,
        leader_epoch: LeaderEpoch::new(2).unwrap(),
        max_timestamp: TimestampMs(-5),
        producer: producer(Some(40)),
        transactional: true,
        control: false,
        marker: None,
    };
    let second = BatchEntry {
        base_offset: offset(105),
        last_offset_delta: 0,
        position: 200,
        size: 78,
        producer: producer(None),
        control: true,
        marker: Some(marker),
        ..first
    };
    let slice = Slice {
        partition: partition(1, 0),
        bytes: 16..294,
        base_offset: offset(100),
        end_offset: offset(106),
        epochs: vec![(LeaderEpoch::new(2).unwrap(), offset(100))],
        max_timestamp: TimestampMs(-5),
        last_stable_after: offset(106),
        aborted: vec![AbortedTransaction {
            producer_id: ProducerId::new(7).unwrap(),
            first_offset: offset(100),
            last_offset: offset(105),
        }],
        compacted: true,
        batches: vec![first, second],
        extensions: vec![],
    };
    Footer { slices: vec![slice], extensions: vec![] }
}

fn reseal(bytes: &mut [u8]) {
    let end = bytes.len() - 4;
    let checksum = crate::crc32c::checksum(&bytes[..end]);
    bytes[end..].copy_from_slice(&checksum.to_le_bytes());
}

proptest! {
    #[test]
    fn footers_read_back(slices in proptest::collection::btree_map(any::<(u8, u8)>(), proptest::collection::vec((1_usize..4, any::<bool>()), 1..6), 0..6)) {
        let mut writer = SegmentWriter::new();
        for ((topic, index), batches) in slices {
            let mut next = i64::from(topic);
            let mut epoch = 0;
            let mut slice = SliceContents::new();
            for (records, new_epoch) in batches {
                epoch += i32::from(new_epoch);
                let (header, bytes) = batch(next, epoch, records);
                next = header.next_offset();
                slice.push(&header, [bytes], None).unwrap();
            }
            writer.push(partition(topic, index.into()), slice, offset(next as u64), vec![]).unwrap();
        }
        let segment = writer.finish();
        prop_assert_eq!(Footer::decode(&segment.footer_bytes).unwrap(), segment.footer);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Footer::decode(&bytes);
        let _ = footer_range(&bytes);
    }

    #[test]
    fn damage_behind_a_right_checksum_never_panics(at in 4_usize..400, to in proptest::array::uniform4(any::<u8>())) {
        let mut footer = sample_footer().encode();
        for (place, byte) in footer.iter_mut().skip(at).zip(to) {
            *place = byte;
        }
        reseal(&mut footer);
        let _ = Footer::decode(&footer);
    }

    #[test]
    fn arbitrary_extensions_never_panic(tag in 0_u32..4, value in proptest::collection::vec(any::<u8>(), 0..60)) {
        let extension = Extension { tag, value: value.into() };
        let _ = (extension.as_origin(), extension.as_producer_snapshot());
    }
}
