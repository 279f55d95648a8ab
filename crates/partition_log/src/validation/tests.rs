use super::*;
use crate::benchmarks::{compacted, settings};
use formats::record_batch::{BatchBuilder, EndTransactionMarker, TransactionResult, records};

const NOW: TimestampMs = TimestampMs(1_700_000_000_000);

/// Three records at these distances from now, in milliseconds.
fn builder(codec: Codec, distances: [i64; 3]) -> BatchBuilder {
    let mut builder = BatchBuilder::new(codec);
    for distance in distances {
        builder.push(NOW.0 + distance, Some(b"key"), Some(&[b'v'; 50]), &[]);
    }
    builder
}

fn batch(codec: Codec) -> Bytes {
    builder(codec, [0, -10, 5]).build()
}

fn check(bytes: &Bytes, settings: &TopicSettings) -> Result<ValidBatch, AppendError> {
    validate(bytes, settings, NOW, AppendOrigin::Client)
}

/// The batch with other header bytes from `at` on, and a CRC that fits them.
fn with_bytes(batch: &Bytes, at: usize, bytes: &[u8]) -> Bytes {
    let mut changed = batch.to_vec();
    changed[at..at + bytes.len()].copy_from_slice(bytes);
    let crc = formats::crc32c::checksum(&changed[21..]);
    changed[17..21].copy_from_slice(&crc.to_be_bytes());
    changed.into()
}

fn is_invalid(result: &Result<ValidBatch, AppendError>) -> bool {
    matches!(result, Err(AppendError::InvalidRecord { record: None, .. }))
}

#[test]
fn a_good_batch_passes_as_the_very_bytes_that_came() {
    for codec in Codec::ALL {
        let sent = batch(codec);
        let valid = check(&sent, &settings()).unwrap();
        assert_eq!(valid.bytes.as_ptr(), sent.as_ptr());
        assert_eq!((valid.header.record_count, valid.log_append_time), (3, None));
    }
}

#[test]
fn exactly_one_batch_is_taken() {
    assert!(is_invalid(&check(&Bytes::new(), &settings())));
    let two = [batch(Codec::None), batch(Codec::None)].concat().into();
    assert!(is_invalid(&check(&two, &settings())));
    assert!(is_invalid(&check(&batch(Codec::None).slice(..100), &settings())));
    assert!(is_invalid(&check(&batch(Codec::None).slice(..30), &settings())));
}

#[test]
fn old_magic_is_refused_and_unknown_magic_is_corruption() {
    let with_magic = |magic| check(&with_bytes(&batch(Codec::None), 16, &[magic]), &settings());
    assert!(is_invalid(&with_magic(0)) && is_invalid(&with_magic(1)));
    assert!(matches!(with_magic(3), Err(AppendError::CorruptBatch(_))));
}

#[test]
fn a_flipped_bit_is_corruption() {
    let mut damaged = batch(Codec::None).to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(matches!(check(&damaged.into(), &settings()), Err(AppendError::CorruptBatch(_))));
}

#[test]
fn count_and_last_offset_delta_must_agree() {
    for (at, value) in [(57, 2_i32), (57, 0), (57, -1), (23, 3), (23, -1)] {
        let changed = with_bytes(&batch(Codec::None), at, &value.to_be_bytes());
        assert!(is_invalid(&check(&changed, &settings())), "{value} at {at}");
    }
}

#[test]
fn a_count_that_does_not_fit_the_records_is_refused() {
    for count in [2_i32, 4] {
        let whole = with_bytes(&batch(Codec::None), 57, &count.to_be_bytes());
        let changed = with_bytes(&whole, 23, &(count - 1).to_be_bytes());
        assert!(is_invalid(&check(&changed, &settings())), "{count} of 3");
    }
}

#[test]
fn a_base_offset_other_than_zero_is_refused() {
    let mut changed = batch(Codec::None).to_vec();
    changed[7] = 1;
    assert!(is_invalid(&check(&changed.into(), &settings())));
}

#[test]
fn an_unknown_codec_is_named() {
    let changed = with_bytes(&batch(Codec::None), 21, &[0, 6]);
    let error = check(&changed, &settings()).unwrap_err();
    assert_eq!(error, AppendError::UnsupportedCompression(6));
}

#[test]
fn a_producer_needs_epoch_and_sequence() {
    let good = builder(Codec::None, [0; 3]).producer(7, 0, 0).build();
    assert!(check(&good, &settings()).is_ok());
    let no_sequence = builder(Codec::None, [0; 3]).producer(7, 0, -1).build();
    assert!(is_invalid(&check(&no_sequence, &settings())));
    let no_epoch = builder(Codec::None, [0; 3]).producer(7, -1, 0).build();
    assert!(is_invalid(&check(&no_epoch, &settings())));
    let nobody = builder(Codec::None, [0; 3]).transactional().build();
    assert!(is_invalid(&check(&nobody, &settings())));
}

#[test]
fn only_coordinators_write_control_batches() {
    let marker = EndTransactionMarker { result: TransactionResult::Commit, coordinator_epoch: 1 };
    let marker = marker.batch(7, 0, NOW.0);
    assert!(is_invalid(&check(&marker, &settings())));
    let stamping = TopicSettings {
        timestamp_type: TimestampType::LogAppendTime,
        compression_type: CompressionType::Zstd,
        ..settings()
    };
    let valid = validate(&marker, &stamping, NOW, AppendOrigin::Coordinator).unwrap();
    assert_eq!(valid.bytes, marker);
}

#[test]
fn the_largest_batch_is_max_message_bytes() {
    let sent = batch(Codec::None);
    let exact = TopicSettings { max_message_bytes: sent.len() as u32, ..settings() };
    assert!(check(&sent, &exact).is_ok());
    let limit = sent.len() as u32 - 1;
    let error =
        check(&sent, &TopicSettings { max_message_bytes: limit, ..settings() }).unwrap_err();
    assert_eq!(error, AppendError::TooLarge { size: sent.len(), limit });
}

#[test]
fn a_batch_that_recompression_makes_too_large_is_refused() {
    let sent = batch(Codec::Gzip);
    let topic = TopicSettings {
        max_message_bytes: sent.len() as u32,
        compression_type: CompressionType::Uncompressed,
        ..settings()
    };
    assert!(matches!(check(&sent, &topic), Err(AppendError::TooLarge { .. })));
}

#[test]
fn a_compacted_topic_names_the_record_without_a_key() {
    for codec in [Codec::None, Codec::Snappy] {
        let mut builder = builder(codec, [0; 3]);
        assert!(check(&builder.build(), &compacted()).is_ok());
        builder.push(NOW.0, None, Some(b"value"), &[]);
        let error = check(&builder.build(), &compacted()).unwrap_err();
        assert!(matches!(error, AppendError::InvalidRecord { record: Some(3), .. }), "{error}");
    }
}

#[test]
fn a_record_from_too_far_ahead_is_named() {
    let sent = builder(Codec::Lz4, [0, 3_600_001, 3_600_000]).build();
    let (timestamp_ms, record) = (NOW.0 + 3_600_001, Some(1));
    let error = check(&sent, &settings()).unwrap_err();
    assert_eq!(error, AppendError::InvalidTimestamp { timestamp_ms, record });
    assert!(check(&builder(Codec::Lz4, [0, 0, 3_600_000]).build(), &settings()).is_ok());
}

#[test]
fn a_record_from_too_long_ago_is_named() {
    let topic = TopicSettings { timestamp_before_max_ms: Some(1_000), ..settings() };
    let error = check(&builder(Codec::None, [0, 0, -1_001]).build(), &topic).unwrap_err();
    let (timestamp_ms, record) = (NOW.0 - 1_001, Some(2));
    assert_eq!(error, AppendError::InvalidTimestamp { timestamp_ms, record });
    assert!(check(&builder(Codec::None, [0, 0, -1_000]).build(), &topic).is_ok());
}

#[test]
fn records_without_a_timestamp_pass_any_window() {
    let topic = TopicSettings { timestamp_before_max_ms: Some(1_000), ..settings() };
    let mut builder = BatchBuilder::new(Codec::None);
    builder.push(-1, None, Some(b"value"), &[]);
    assert!(check(&builder.build(), &topic).is_ok());
}

#[test]
fn a_producer_must_not_claim_the_brokers_time() {
    let sent = builder(Codec::None, [0; 3])
        .timestamp_type(formats::record_batch::TimestampType::LogAppendTime(NOW.0))
        .build();
    assert!(matches!(check(&sent, &settings()), Err(AppendError::InvalidTimestamp { .. })));
}

#[test]
fn log_append_time_stamps_the_batch_whatever_the_producers_clock_says() {
    let topic = TopicSettings {
        timestamp_type: TimestampType::LogAppendTime,
        timestamp_before_max_ms: Some(1),
        ..settings()
    };
    let valid = check(&builder(Codec::Gzip, [9_999_999, 0, -9_999_999]).build(), &topic).unwrap();
    assert_eq!(valid.log_append_time, Some(NOW));
    assert_eq!(valid.header.max_timestamp, NOW.0);
    verify_crc(&valid.bytes).unwrap();
    let mut stamped = records(&valid.bytes, 1 << 20).unwrap();
    assert!(stamped.all(|record| record.unwrap().timestamp == NOW.0));
}

#[test]
fn a_topics_codec_replaces_the_producers() {
    let all =
        |bytes: &Bytes| records(bytes, 1 << 20).unwrap().map(Result::unwrap).collect::<Vec<_>>();
    for codec in Codec::ALL {
        let sent = batch(codec);
        let topic = TopicSettings { compression_type: CompressionType::Zstd, ..settings() };
        let valid = check(&sent, &topic).unwrap();
        assert_eq!(valid.header.attributes.compression().unwrap(), Codec::Zstd);
        assert_eq!(all(&valid.bytes), all(&sent));
        assert_eq!(valid.log_append_time, None);
        verify_crc(&valid.bytes).unwrap();
    }
}

#[test]
fn a_decompression_bomb_is_refused() {
    let mut builder = BatchBuilder::new(Codec::Zstd);
    builder.push(NOW.0, Some(b"key"), Some(&vec![0; 33 << 20]), &[]);
    assert!(is_invalid(&check(&builder.build(), &compacted())));
}
