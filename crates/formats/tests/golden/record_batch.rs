//! Record batches of magic 2: ours, and those of Kafka's Java client 4.3.1 (`MemoryRecords.builder`), which fill the
//! same records into each codec (`JavaBatches.java`).

use crate::{assert_golden, golden};
use bytes::Bytes;
use formats::compression::Codec;
use formats::record_batch::{
    BatchBuilder, BatchHeader, EndTransactionMarker, Record, TransactionResult, recompress,
    records, verify_crc,
};

const LIMIT: usize = 1 << 20;

fn bytes(text: &'static [u8]) -> Bytes {
    Bytes::from_static(text)
}

/// A record, its headers read out.
#[derive(PartialEq, Eq, Debug)]
struct Content {
    offset: i64,
    timestamp: i64,
    key: Option<Bytes>,
    value: Option<Bytes>,
    headers: Vec<(Bytes, Option<Bytes>)>,
}

fn expected() -> Vec<Content> {
    let headers = vec![
        (bytes(b"twice"), Some(bytes(b"1"))),
        (bytes(b"twice"), None),
        (bytes(b""), Some(bytes(b""))),
    ];
    let record =
        |offset, timestamp, key, value, headers| Content { offset, timestamp, key, value, headers };
    let mut records = vec![
        record(1_000, 1_700_000_000_000, Some(bytes(b"key")), Some(bytes(b"value")), headers),
        record(1_001, 1_699_999_999_000, None, Some(bytes(b"")), vec![]),
        record(1_002, 1_700_000_000_500, Some(bytes(b"")), None, vec![]),
    ];
    for index in 0..40 {
        let value = format!("value number {index}, that is long enough to be worth compressing");
        records.push(record(1_003 + index, 1_700_000_000_501, None, Some(value.into()), vec![]));
    }
    records
}

fn read(batch: &Bytes) -> Vec<Content> {
    verify_crc(batch).unwrap();
    let content = |record: Record| Content {
        offset: record.offset,
        timestamp: record.timestamp,
        key: record.key,
        value: record.value,
        headers: record.headers.iter().collect(),
    };
    records(batch, LIMIT).unwrap().map(Result::unwrap).map(content).collect()
}

fn built(codec: Codec) -> Bytes {
    let mut builder = BatchBuilder::new(codec)
        .base_offset(1_000)
        .leader_epoch(11)
        .producer(4_000, 2, 77)
        .transactional();
    for record in expected() {
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        builder.push(record.timestamp, key, value, &record.headers);
    }
    builder.build()
}

#[test]
fn an_uncompressed_batch_has_its_bytes() {
    assert_golden("record-batch-none", &built(Codec::None));
    assert_eq!(read(&golden("record-batch-none").into()), expected());
}

/// Libraries may compress better one day: only reading is frozen.
#[test]
fn compressed_batches_are_read() {
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let name = format!("record-batch-{}", codec.name());
        if std::env::var("GOLDEN").is_ok_and(|value| value == "write") {
            assert_golden(&name, &built(codec));
        }
        assert_eq!(read(&golden(&name).into()), expected(), "{name}");
    }
}

#[test]
fn a_marker_has_its_bytes() {
    let marker = EndTransactionMarker { result: TransactionResult::Commit, coordinator_epoch: 3 };
    assert_golden("record-batch-marker", &marker.batch(4_000, 2, 1_700_000_000_000));
}

#[test]
fn javas_uncompressed_batch_is_ours() {
    assert_eq!(hex::encode(golden("java-none")), hex::encode(built(Codec::None)));
}

#[test]
fn javas_compressed_batches_are_read() {
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let batch = Bytes::from(golden(&format!("java-{}", codec.name())));
        let header = BatchHeader::parse(&batch).unwrap();
        assert_eq!(header.attributes.compression().unwrap(), codec);
        assert_eq!((header.producer_id, header.last_offset()), (4_000, 1_042));
        assert_eq!(read(&batch), expected(), "{codec:?}");
        assert_eq!(
            recompress(&batch, Codec::None, LIMIT).unwrap(),
            built(Codec::None),
            "{codec:?}"
        );
    }
}

#[test]
fn javas_marker_is_ours() {
    assert_eq!(hex::encode(golden("java-marker")), hex::encode(golden("record-batch-marker")));
}
