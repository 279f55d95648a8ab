//! What a produced batch must be (PROTOCOL 3.2, Kafka's LogValidator), and what the topic makes of it.
//!
//! Pure. The fast path (producer's codec and time kept) neither decompresses nor allocates: the client's bytes go on as they
//! are. Offsets are not assigned here; the sequencer patches base offset and leader epoch.

use crate::{AppendError, AppendOrigin};
use bytes::Bytes;
use formats::record_batch::BatchHeader;
use model::{TimestampMs, config::TopicSettings};

/// A batch that may be appended.
#[derive(Clone, Debug)]
pub(crate) struct ValidBatch {
    /// Its header, as of `bytes`.
    pub(crate) header: BatchHeader,
    /// The batch: the client's slice, or recompressed, or stamped.
    pub(crate) bytes: Bytes,
    /// The broker's stamp, for topics of `LogAppendTime`.
    pub(crate) log_append_time: Option<TimestampMs>,
}

/// Checks what a client (or coordinator) sent for one partition, and recompresses or stamps it as the topic asks.
///
/// # Errors
/// `CorruptBatch`, `InvalidRecord`, `TooLarge`, `InvalidTimestamp`, `UnsupportedCompression`.
pub(crate) fn validate(
    _records: &Bytes,
    _settings: &TopicSettings,
    _now: TimestampMs,
    _origin: AppendOrigin,
) -> Result<ValidBatch, AppendError> {
    todo!()
}
