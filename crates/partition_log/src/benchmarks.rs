//! Doors for `benches/` to what is private otherwise, and the settings that they share with tests. No part of the API.

use crate::{AppendError, AppendOrigin, validation};
use bytes::Bytes;
use model::{
    TimestampMs,
    config::{
        CleanupPolicy, CompactionSettings, CompressionType, DurabilityMode, SchemaRules,
        TimestampType, TopicSettings,
    },
};

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

/// A topic that takes batches as they are, up to 1 MiB.
pub fn settings() -> TopicSettings {
    TopicSettings {
        durability_mode: DurabilityMode::Object,
        max_message_bytes: 1 << 20,
        timestamp_type: TimestampType::CreateTime,
        timestamp_before_max_ms: None,
        timestamp_after_max_ms: Some(3_600_000),
        compression_type: CompressionType::Producer,
        retention_ms: None,
        retention_bytes: None,
        cleanup_policy: CleanupPolicy { delete: true, compact: false },
        compaction: CompactionSettings::default(),
        unclean_leader_election: false,
        schemas: SchemaRules::default(),
    }
}

/// A topic with log compaction: each record must have a key.
pub fn compacted() -> TopicSettings {
    TopicSettings { cleanup_policy: CleanupPolicy { delete: false, compact: true }, ..settings() }
}
