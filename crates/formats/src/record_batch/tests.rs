//! Round trips, what compaction leaves, damage, rewrites, and arbitrary bytes.

use super::*;
use crate::compression::Codec;
use bytes::Bytes;
use proptest::prelude::*;

const LIMIT: usize = 1 << 20;

fn batch_of_two(codec: Codec) -> Bytes {
    BatchBuilder::new(codec)
        .producer(7, 1, 40)
        .base_offset(100)
        .push(1_000, Some(b"k"), Some(b"one"), &[])
        .push(999, None, None, &[])
        .build()
}

fn read(batch: &Bytes) -> Vec<Record> {
    records(batch, LIMIT).unwrap().map(Result::unwrap).collect()
}

fn error(batch: &Bytes) -> BatchError {
    records(batch, LIMIT)
        .map_or_else(|error| error, |mut records| records.find_map(Result::err).unwrap())
}

/// The batch with its bytes changed and its CRC made right again.
fn forged(batch: &Bytes, change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut bytes = batch.to_vec();
    change(&mut bytes);
    let crc = split::crc(&bytes);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes.into()
}

#[test]
fn the_header_has_kafkas_byte_offsets() {
    let batch = BatchBuilder::new(Codec::Zstd)
        .producer(0x0102, 3, 4)
        .base_offset(5)
        .leader_epoch(6)
        .transactional()
        .push(7, None, None, &[])
        .build();
    assert_eq!(batch[0..8], 5_i64.to_be_bytes());
    assert_eq!(batch[8..12], (batch.len() as i32 - 12).to_be_bytes());
    assert_eq!(batch[12..16], 6_i32.to_be_bytes());
    assert_eq!(batch[16], 2);
    assert_eq!(batch[21..23], [0, 0b1_0100]);
    assert_eq!(batch[27..35], 7_i64.to_be_bytes());
    assert_eq!(batch[43..51], 0x0102_i64.to_be_bytes());
    assert_eq!(batch[51..53], 3_i16.to_be_bytes());
    assert_eq!(batch[53..57], 4_i32.to_be_bytes());
    assert_eq!(batch[57..61], 1_i32.to_be_bytes());
    verify_crc(&batch).unwrap();
}

#[test]
fn repeated_and_non_utf8_header_keys_are_kept() {
    let headers = [
        (Bytes::from_static(b"a"), Some(Bytes::from_static(b"1"))),
        (Bytes::from_static(b"a"), None),
        (Bytes::from_static(b"\xff\xfe"), Some(Bytes::new())),
        (Bytes::new(), None),
    ];
    let batch = BatchBuilder::new(Codec::None).push(0, None, Some(b""), &headers).build();
    let found = &read(&batch)[0].headers;
    assert_eq!((found.len(), found.is_empty()), (4, false));
    assert_eq!(found.iter().collect::<Vec<_>>(), headers);
}

#[test]
fn more_headers_than_there_are_bytes_are_refused() {
    let batch = BatchBuilder::new(Codec::None).push(0, None, None, &[]).build();
    let lies = forged(&batch, |bytes| *bytes.last_mut().unwrap() = 2);
    assert!(matches!(error(&lies), BatchError::Record("header")));
}

#[test]
fn null_and_empty_are_different() {
    let batch = BatchBuilder::new(Codec::None)
        .push(0, None, Some(b""), &[])
        .push(0, Some(b""), None, &[])
        .build();
    let records = read(&batch);
    assert_eq!((&records[0].key, &records[0].value), (&None, &Some(Bytes::new())));
    assert_eq!((&records[1].key, &records[1].value), (&Some(Bytes::new()), &None));
}

#[test]
fn gaps_of_a_compacted_batch_keep_their_offsets() {
    let batch = BatchBuilder::new(Codec::Lz4)
        .base_offset(50)
        .last_offset_delta(9)
        .push_at(3, 10, None, None, &[])
        .push_at(7, 11, None, None, &[])
        .build();
    let header = BatchHeader::parse(&batch).unwrap();
    assert_eq!((header.last_offset(), header.next_offset(), header.is_dense()), (59, 60, false));
    assert_eq!(read(&batch).iter().map(|record| record.offset).collect::<Vec<_>>(), [53, 57]);
}

#[test]
fn an_emptied_batch_still_says_whose_and_how_far() {
    let batch = BatchBuilder::new(Codec::Gzip)
        .producer(9, 0, 12)
        .base_offset(80)
        .last_offset_delta(4)
        .build();
    let header = BatchHeader::parse(&batch).unwrap();
    assert_eq!((header.record_count, header.last_sequence(), header.next_offset()), (0, 16, 85));
    assert_eq!(read(&batch), []);
}

#[test]
fn sequence_numbers_go_on_at_zero() {
    let batch = BatchBuilder::new(Codec::None).producer(1, 0, i32::MAX).last_offset_delta(2);
    assert_eq!(BatchHeader::parse(&batch.build()).unwrap().last_sequence(), 1);
}

#[test]
fn append_time_replaces_the_records_times() {
    let stamped = stamp_log_append_time(&batch_of_two(Codec::Snappy), 5_555).unwrap();
    verify_crc(&stamped).unwrap();
    assert!(BatchHeader::parse(&stamped).unwrap().attributes.timestamp_is_log_append());
    assert!(read(&stamped).iter().all(|record| record.timestamp == 5_555));
}

#[test]
fn a_delete_horizon_does_not_move_timestamps() {
    let batch =
        BatchBuilder::new(Codec::None).delete_horizon(77).push(1_000, None, None, &[]).build();
    let header = BatchHeader::parse(&batch).unwrap();
    assert_eq!((header.attributes.has_delete_horizon(), header.base_timestamp), (true, 77));
    assert_eq!(read(&batch)[0].timestamp, 1_000);
}

#[test]
fn recompression_keeps_everything_else() {
    let original = BatchBuilder::new(Codec::Gzip)
        .producer(3, 4, 5)
        .transactional()
        .base_offset(1_000)
        .leader_epoch(8)
        .last_offset_delta(30)
        .push_at(2, 10, Some(b"k"), None, &[(Bytes::from_static(b"h"), None)])
        .push_at(20, 9, None, Some(b"v"), &[])
        .build();
    for codec in Codec::ALL {
        let other = recompress(&original, codec, LIMIT).unwrap();
        verify_crc(&other).unwrap();
        assert_eq!(read(&other), read(&original), "{codec:?}");
        let (before, after) =
            (BatchHeader::parse(&original).unwrap(), BatchHeader::parse(&other).unwrap());
        let same = BatchHeader {
            crc: before.crc,
            batch_length: before.batch_length,
            attributes: after.attributes.with_compression(Codec::Gzip),
            ..after
        };
        assert_eq!(same, before, "{codec:?}");
        assert_eq!(after.attributes.compression().unwrap(), codec);
    }
}

#[test]
fn a_patched_head_changes_offset_and_epoch_only() {
    let batch = batch_of_two(Codec::None);
    let mut patched = batch.to_vec();
    patched[..16].copy_from_slice(&patched_head(&batch, 4_242, 17));
    verify_crc(&patched).unwrap();
    let header = BatchHeader::parse(&patched).unwrap();
    assert_eq!((header.base_offset, header.leader_epoch), (4_242, 17));
    assert_eq!(header.total_bytes(), batch.len());
}

#[test]
fn joined_batches_are_split_and_damage_ends_the_iteration() {
    let one = batch_of_two(Codec::None);
    let joined = Bytes::from([one.clone(), one.clone(), one.slice(..one.len() - 1)].concat());
    let mut split = batches(joined);
    assert_eq!(split.next().unwrap().unwrap().1, one);
    assert_eq!(split.next().unwrap().unwrap().1, one);
    assert!(matches!(split.next(), Some(Err(BatchError::Truncated { .. }))));
    assert!(split.next().is_none());
}

#[test]
fn any_flipped_bit_under_the_crc_is_noticed() {
    let batch = batch_of_two(Codec::None);
    for bit in split::UNCHECKED_BYTES * 8..batch.len() * 8 {
        let mut damaged = batch.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(verify_crc(&damaged).is_err(), "bit {bit}");
    }
}

#[test]
fn an_old_message_set_is_told_by_its_magic() {
    let old = [0; 30];
    assert!(matches!(BatchHeader::parse(&old), Err(BatchError::Magic(0))));
    assert!(matches!(BatchHeader::parse(&old[..9]), Err(BatchError::Truncated { .. })));
}

#[test]
fn a_batch_that_lies_about_its_records_is_refused() {
    let batch = batch_of_two(Codec::None);
    let more = forged(&batch, |bytes| bytes[60] = 3);
    assert!(matches!(error(&more), BatchError::RecordCount(3)));
    let fewer = forged(&batch, |bytes| bytes[60] = 1);
    assert!(matches!(error(&fewer), BatchError::RecordCount(1)));
    let delta = forged(&batch, |bytes| bytes[26] = 0);
    assert!(matches!(error(&delta), BatchError::Record("offset delta")));
    let negative = forged(&batch, |bytes| bytes[57] = 0xff);
    assert!(matches!(error(&negative), BatchError::Header { field: "record count", .. }));
    let codec = forged(&batch, |bytes| bytes[22] = 7);
    assert!(matches!(error(&codec), BatchError::Header { field: "compression codec", .. }));
}

#[test]
fn a_batch_that_decompresses_beyond_the_limit_is_refused() {
    let batch = BatchBuilder::new(Codec::Gzip).push(0, None, Some(&[0; 5_000]), &[]).build();
    assert!(records(&batch, 5_000).is_err());
    assert!(records(&batch, 5_100).is_ok());
}

#[test]
fn a_marker_reads_back() {
    for result in [TransactionResult::Abort, TransactionResult::Commit] {
        let marker = EndTransactionMarker { result, coordinator_epoch: 6 };
        let batch = marker.batch(11, 2, 123);
        let attributes = BatchHeader::parse(&batch).unwrap().attributes;
        assert!(attributes.is_control() && attributes.is_transactional());
        assert_eq!(EndTransactionMarker::read(&read(&batch)[0]).unwrap(), Some(marker));
    }
}

#[test]
fn an_unknown_control_record_is_not_a_marker() {
    let batch =
        BatchBuilder::new(Codec::None).control().push(0, Some(&[0, 0, 0, 4]), None, &[]).build();
    let record = read(&batch).remove(0);
    assert_eq!(EndTransactionMarker::read(&record).unwrap(), None);
    assert!(EndTransactionMarker::read(&Record { key: None, ..record }).is_err());
}

type Content = (i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(Vec<u8>, Option<Vec<u8>>)>);

fn content() -> impl Strategy<Value = Content> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..200);
    let nullable = move || proptest::option::of(bytes());
    (any::<i64>(), nullable(), nullable(), proptest::collection::vec((bytes(), nullable()), 0..4))
}

proptest! {
    #[test]
    fn records_read_back(contents in proptest::collection::vec(content(), 0..20), base in 0..i64::MAX / 2, codec in 0_u8..5) {
        let mut builder = BatchBuilder::new(Codec::from_id(codec).unwrap()).base_offset(base);
        let mut expected = Vec::new();
        for (index, (timestamp, key, value, headers)) in contents.into_iter().enumerate() {
            let headers: Vec<_> =
                headers.into_iter().map(|(k, v)| (Bytes::from(k), v.map(Bytes::from))).collect();
            builder.push(timestamp, key.as_deref(), value.as_deref(), &headers);
            let (key, value) = (key.map(Bytes::from), value.map(Bytes::from));
            expected.push((base + index as i64, timestamp, key, value, headers));
        }
        let batch = builder.build();
        verify_crc(&batch).unwrap();
        let found: Vec<_> = read(&batch)
            .into_iter()
            .map(|record| (record.offset, record.timestamp, record.key, record.value, record.headers.iter().collect()))
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn headers_read_back(base_offset: i64, leader_epoch: i32, crc: u32, attributes: i16, base_timestamp: i64, max_timestamp: i64, producer_id: i64, producer_epoch: i16, base_sequence: i32, counts in (49..i32::MAX, 0..i32::MAX, 0..i32::MAX)) {
        let (batch_length, last_offset_delta, record_count) = counts;
        let header = BatchHeader {
            base_offset, batch_length, leader_epoch, magic: 2, crc, attributes: Attributes(attributes), last_offset_delta,
            base_timestamp, max_timestamp, producer_id, producer_epoch, base_sequence, record_count,
        };
        let _ = (header.next_offset(), header.last_sequence(), header.total_bytes());
        prop_assert_eq!(BatchHeader::parse(&header.encode()).unwrap(), header);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let bytes = Bytes::from(bytes);
        let _ = verify_crc(&bytes);
        let _ = batches(bytes.clone()).count();
        let _ = records(&bytes, LIMIT).map(Iterator::count);
        let _ = recompress(&bytes, Codec::Zstd, LIMIT);
        let _ = stamp_log_append_time(&bytes, 0);
    }

    #[test]
    fn damaged_batches_never_panic(codec in 0_u8..5, at in 12_usize..200, to: u8, cut in 0_usize..20) {
        let mut bytes = batch_of_two(Codec::from_id(codec).unwrap()).to_vec();
        if let Some(byte) = bytes.get_mut(at) {
            *byte = to;
        }
        bytes.truncate(bytes.len() - cut);
        let length = (bytes.len() as i32 - 12).to_be_bytes();
        bytes[8..12].copy_from_slice(&length);
        let bytes = Bytes::from(bytes);
        let _ = records(&bytes, LIMIT).map(Iterator::count);
        let _ = recompress(&bytes, Codec::Gzip, LIMIT);
    }

    #[test]
    fn a_walk_over_records_passes_what_can_be_read(at in HEADER_BYTES..95, to: u8, cut in 0_usize..3, more in 0_usize..2, count in 0_i32..4) {
        let headers = [(Bytes::from_static(b"h"), None), (Bytes::from_static(b"i"), Some(Bytes::from_static(b"j")))];
        let mut builder = BatchBuilder::new(Codec::None);
        let whole = builder.push(1_000, Some(b"key"), Some(b"value"), &headers).push(999, None, None, &[]).build();
        let mut body = whole[..whole.len() - cut].to_vec();
        body.extend(vec![0; more]);
        if let Some(byte) = body.get_mut(at) {
            *byte = to;
        }
        let header = BatchHeader {
            batch_length: body.len() as i32 - 12,
            record_count: count,
            ..BatchHeader::parse(&whole).unwrap()
        };
        body[..HEADER_BYTES].copy_from_slice(&header.encode());
        let batch = Bytes::from(body);
        let can_be_read = records(&batch, LIMIT).unwrap().all(|record| record.is_ok());
        prop_assert_eq!(verify_records(&batch, &header).is_ok(), can_be_read);
    }

    #[test]
    fn arbitrary_control_records_never_panic(key in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..8)), value in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..8))) {
        let record = Record { offset: 0, timestamp: 0, key: key.map(Bytes::from), value: value.map(Bytes::from), headers: Headers::default() };
        let _ = EndTransactionMarker::read(&record);
    }
}
