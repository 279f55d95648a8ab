//! Record batches and what is in them.

use crate::Decoder;
use bytes::Bytes;
use formats::{
    compression::{Codec, compress, decompress},
    record_batch::{
        BatchBuilder, BatchHeader, EndTransactionMarker, HEADER_BYTES, TransactionResult, batches,
        recompress, records, stamp_log_append_time, verify_crc, verify_records,
    },
};

const LIMIT_BYTES: usize = 1 << 20;

/// Batches, one behind the other.
pub(crate) const RECORD_BATCH: Decoder =
    Decoder { name: "record_batch", run: record_batch, seeds: batch_seeds };

/// A codec, a record count, and the body of a batch, whose header is made to fit.
pub(crate) const RECORDS: Decoder =
    Decoder { name: "records", run: each_record, seeds: body_seeds };

/// A codec and compressed bytes.
pub(crate) const DECOMPRESSION: Decoder =
    Decoder { name: "decompression", run: decompression, seeds: compressed_seeds };

/// A batch of control records.
pub(crate) const MARKER: Decoder = Decoder { name: "marker", run: marker, seeds: marker_seeds };

fn record_batch(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    let _ = verify_crc(&bytes);
    for (header, batch) in batches(bytes).flatten() {
        assert_eq!(header.total_bytes(), batch.len());
        let _ = (header.next_offset(), header.last_sequence(), header.is_dense());
        let _ = records(&batch, LIMIT_BYTES).map(Iterator::count);
        let _ = recompress(&batch, Codec::Lz4, LIMIT_BYTES);
        let _ = stamp_log_append_time(&batch, 1);
    }
}

fn each_record(bytes: &[u8]) {
    let [codec, count, body @ ..] = bytes else { return };
    let mut batch = BatchBuilder::new(codec_of(*codec)).build().slice(..HEADER_BYTES).to_vec();
    let Ok(header) = BatchHeader::parse(&batch) else { return };
    let header = BatchHeader {
        batch_length: (HEADER_BYTES - 12 + body.len()) as i32,
        record_count: (*count).into(),
        last_offset_delta: i32::from(*count).max(1) - 1,
        ..header
    };
    batch.clear();
    batch.extend_from_slice(&header.encode());
    batch.extend_from_slice(body);
    let batch = Bytes::from(batch);
    let read: Vec<_> = records(&batch, LIMIT_BYTES).into_iter().flatten().collect();
    for record in read.iter().flatten() {
        assert_eq!(record.headers.iter().count(), record.headers.len());
    }
    if codec_of(*codec) == Codec::None {
        assert_eq!(verify_records(&batch, &header).is_ok(), read.iter().all(Result::is_ok));
    }
}

fn decompression(bytes: &[u8]) {
    let Some((codec, bytes)) = bytes.split_first() else { return };
    if let Ok(output) = decompress(codec_of(*codec), bytes, LIMIT_BYTES) {
        assert!(output.len() <= LIMIT_BYTES);
    }
}

fn marker(bytes: &[u8]) {
    let batch = Bytes::copy_from_slice(bytes);
    for record in records(&batch, LIMIT_BYTES).into_iter().flatten().flatten() {
        let _ = EndTransactionMarker::read(&record);
    }
}

fn codec_of(byte: u8) -> Codec {
    Codec::from_id(byte % 5).unwrap_or_default()
}

fn batch(codec: Codec) -> Bytes {
    let headers =
        [(Bytes::from_static(b"h"), None), (Bytes::from_static(b"h"), Some(Bytes::new()))];
    BatchBuilder::new(codec)
        .producer(7, 1, 5)
        .push(1_000, Some(b"key"), Some(b"value"), &headers)
        .push(1_001, None, None, &[])
        .build()
}

fn batch_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = Codec::ALL.map(|codec| batch(codec).to_vec()).into();
    seeds.push([batch(Codec::None), batch(Codec::Zstd)].concat());
    seeds
}

fn body_seeds() -> Vec<Vec<u8>> {
    let body = |codec| batch(codec).slice(HEADER_BYTES..);
    Codec::ALL.map(|codec| [&[codec.id(), 2], body(codec).as_ref()].concat()).into()
}

fn compressed_seeds() -> Vec<Vec<u8>> {
    let text = b"some bytes that repeat, some bytes that repeat";
    let seed = |codec: Codec| Some([vec![codec.id()], compress(codec, text).ok()?].concat());
    Codec::ALL.into_iter().filter_map(seed).collect()
}

fn marker_seeds() -> Vec<Vec<u8>> {
    let marker = |result| EndTransactionMarker { result, coordinator_epoch: 3 };
    [TransactionResult::Abort, TransactionResult::Commit]
        .map(|result| marker(result).batch(7, 1, 1_000).to_vec())
        .into()
}
