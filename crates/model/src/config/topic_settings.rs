//! A topic's settings in force: its own overrides over the broker's defaults, parsed and typed.

/// What a topic's settings come to. Built by the tables of this module; engines read it and never parse text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicSettings {
    /// When acks=all is answered (`durability.mode`).
    pub durability_mode: DurabilityMode,
    /// Largest batch in bytes, after compression (`max.message.bytes`).
    pub max_message_bytes: u32,
    /// Who sets a record's time (`message.timestamp.type`).
    pub timestamp_type: TimestampType,
    /// How far a record's time may lie behind the broker's, in milliseconds; `None` is no limit
    /// (`message.timestamp.before.max.ms`).
    pub timestamp_before_max_ms: Option<u64>,
    /// How far it may lie ahead; `None` is no limit (`message.timestamp.after.max.ms`).
    pub timestamp_after_max_ms: Option<u64>,
    /// What batches are stored as (`compression.type`).
    pub compression_type: CompressionType,
    /// Records older than this are deleted; `None` keeps them for ever (`retention.ms`).
    pub retention_ms: Option<u64>,
    /// A partition larger than this loses its oldest records; `None` is no limit (`retention.bytes`).
    pub retention_bytes: Option<u64>,
    /// What happens to old records (`cleanup.policy`).
    pub cleanup_policy: CleanupPolicy,
    /// Whether ownership may move away from an unflushed WAL (`unclean.leader.election.enable`).
    pub unclean_leader_election: bool,
}

/// `durability.mode`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DurabilityMode {
    /// acks=all is answered when the segment is stored and committed.
    Object,
    /// acks=all is answered when the WAL is synced.
    Wal,
}

/// `message.timestamp.type`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TimestampType {
    /// The producer's time is kept.
    CreateTime,
    /// The broker stamps the batch when it appends it.
    LogAppendTime,
}

/// `compression.type`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CompressionType {
    /// Stored as the producer sent it.
    Producer,
    /// Stored without compression.
    Uncompressed,
    /// gzip at the default level.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard at the default level.
    Zstd,
}

/// `cleanup.policy`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CleanupPolicy {
    /// Old records are deleted by time and size.
    pub delete: bool,
    /// Only the last record of a key is kept.
    pub compact: bool,
}
