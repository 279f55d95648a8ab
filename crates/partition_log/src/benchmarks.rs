//! Doors for `benches/` to what is private otherwise. No part of the API.

use crate::{AppendError, AppendOrigin, validation};
use bytes::Bytes;
use model::{TimestampMs, config::TopicSettings};

/// What an append does before it takes its partition's lock: the bytes that go into the log.
///
/// # Errors
/// As a produce request would be answered.
pub fn validate(
    records: &Bytes,
    settings: &TopicSettings,
    now: TimestampMs,
) -> Result<Bytes, AppendError> {
    validation::validate(records, settings, now, AppendOrigin::Client).map(|valid| valid.bytes)
}
