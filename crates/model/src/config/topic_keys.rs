//! A topic's keys: all of Kafka's, and ours. Keys that change nothing here (index sizes, preallocation) are kept and
//! shown, so that tools that set them keep working.

use super::{
    ConfigKey,
    ConfigType::{Boolean, Double, Int, List, Long, String as Text},
    Importance::{High, Low},
    InvalidConfig, SubjectNaming, Synonym,
    Validator::{AtLeast, Between, EachOneOf, Fraction, OneOf},
    parse_list,
};
use std::collections::BTreeMap;

const NO_LIMIT: &str = "9223372036854775807";

/// `durability.mode`.
pub const DURABILITY_MODE: ConfigKey =
    ConfigKey::topic("durability.mode", Text, "object", &[Synonym::same("durability.mode")])
        .takes(OneOf(&["object", "wal"]))
        .important(High)
        .documented("When acks=all is answered: `object`, when the segment is in object storage and committed; `wal`, when the write-ahead log is synced.");

/// `cleanup.policy`.
pub const CLEANUP_POLICY: ConfigKey =
    ConfigKey::topic("cleanup.policy", List, "delete", &[Synonym::same("log.cleanup.policy")])
        .takes(EachOneOf(&["compact", "delete"]))
        .documented("What happens to old records: `delete` by age and size, `compact` to the last record of a key, or both.");

/// `compression.gzip.level`.
pub const COMPRESSION_GZIP_LEVEL: ConfigKey = ConfigKey::topic(
    "compression.gzip.level",
    Int,
    "-1",
    &[Synonym::same("compression.gzip.level")],
)
.takes(Between(-1, 9))
.important(Low)
.documented(
    "Level of gzip where the broker compresses; -1 is the library's default. Stored and shown.",
);

/// `compression.lz4.level`.
pub const COMPRESSION_LZ4_LEVEL: ConfigKey =
    ConfigKey::topic("compression.lz4.level", Int, "9", &[Synonym::same("compression.lz4.level")])
        .takes(Between(1, 17))
        .important(Low)
        .documented("Level of LZ4 where the broker compresses. Stored and shown.");

/// `compression.type`.
pub const COMPRESSION_TYPE: ConfigKey =
    ConfigKey::topic("compression.type", Text, "producer", &[Synonym::same("compression.type")])
        .takes(OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]))
        .documented("What batches are stored as; `producer` keeps what the producer sent.");

/// `compression.zstd.level`.
pub const COMPRESSION_ZSTD_LEVEL: ConfigKey = ConfigKey::topic(
    "compression.zstd.level",
    Int,
    "3",
    &[Synonym::same("compression.zstd.level")],
)
.takes(Between(-131_072, 22))
.important(Low)
.documented("Level of Zstandard where the broker compresses. Stored and shown.");

/// `confluent.key.schema.validation`.
pub const KEY_SCHEMA_VALIDATION: ConfigKey =
    ConfigKey::topic("confluent.key.schema.validation", Boolean, "false", &[]).documented(
        "Whether records are refused whose key does not begin with the id of a schema that is registered for the topic.",
    );

/// `confluent.key.subject.name.strategy`.
pub const KEY_SUBJECT_NAME_STRATEGY: ConfigKey =
    ConfigKey::topic("confluent.key.subject.name.strategy", Text, SubjectNaming::CLASSES[0], &[])
        .takes(OneOf(&SubjectNaming::CLASSES))
        .documented("Under which subject the schemas of keys are looked for.");

/// `confluent.value.schema.validation`.
pub const VALUE_SCHEMA_VALIDATION: ConfigKey =
    ConfigKey::topic("confluent.value.schema.validation", Boolean, "false", &[]).documented(
        "Whether records are refused whose value does not begin with the id of a schema that is registered for the topic.",
    );

/// `confluent.value.subject.name.strategy`.
pub const VALUE_SUBJECT_NAME_STRATEGY: ConfigKey =
    ConfigKey::topic("confluent.value.subject.name.strategy", Text, SubjectNaming::CLASSES[0], &[])
        .takes(OneOf(&SubjectNaming::CLASSES))
        .documented("Under which subject the schemas of values are looked for.");

/// `delete.retention.ms`.
pub const DELETE_RETENTION_MS: ConfigKey = ConfigKey::topic(
    "delete.retention.ms",
    Long,
    "86400000",
    &[Synonym::same("log.cleaner.delete.retention.ms")],
)
.takes(AtLeast(0))
.documented("How long delete markers of a compacted topic stay.");

/// `file.delete.delay.ms`.
pub const FILE_DELETE_DELAY_MS: ConfigKey = ConfigKey::topic(
    "file.delete.delay.ms",
    Long,
    "60000",
    &[Synonym::same("log.segment.delete.delay.ms")],
)
.takes(AtLeast(0))
.documented(
    "Stored and shown; objects hold many topics, the broker's `log.segment.delete.delay.ms` acts.",
);

/// `flush.messages`.
pub const FLUSH_MESSAGES: ConfigKey = ConfigKey::topic(
    "flush.messages",
    Long,
    NO_LIMIT,
    &[Synonym::same("log.flush.interval.messages")],
)
.takes(AtLeast(1))
.important(Low)
.documented("Stored and shown; here `durability.mode` decides what is synced when.");

/// `flush.ms`.
pub const FLUSH_MS: ConfigKey =
    ConfigKey::topic("flush.ms", Long, NO_LIMIT, &[Synonym::same("log.flush.interval.ms")])
        .takes(AtLeast(0))
        .important(Low)
        .documented("Stored and shown; here `durability.mode` decides what is synced when.");

/// `follower.replication.throttled.replicas`.
pub const FOLLOWER_REPLICATION_THROTTLED_REPLICAS: ConfigKey =
    ConfigKey::topic("follower.replication.throttled.replicas", List, "", &[])
        .documented("Stored and shown; object storage replicates, brokers don't.");

/// `index.interval.bytes`.
pub const INDEX_INTERVAL_BYTES: ConfigKey = ConfigKey::topic(
    "index.interval.bytes",
    Int,
    "4096",
    &[Synonym::same("log.index.interval.bytes")],
)
.takes(AtLeast(0))
.important(Low)
.documented("Stored and shown; every batch is indexed here.");

/// `leader.replication.throttled.replicas`.
pub const LEADER_REPLICATION_THROTTLED_REPLICAS: ConfigKey =
    ConfigKey::topic("leader.replication.throttled.replicas", List, "", &[])
        .documented("Stored and shown; object storage replicates, brokers don't.");

/// `local.retention.bytes`.
pub const LOCAL_RETENTION_BYTES: ConfigKey = ConfigKey::topic(
    "local.retention.bytes",
    Long,
    "-2",
    &[Synonym::same("log.local.retention.bytes")],
)
.takes(AtLeast(-2))
.documented("Stored and shown; there is no local tier.");

/// `local.retention.ms`.
pub const LOCAL_RETENTION_MS: ConfigKey =
    ConfigKey::topic("local.retention.ms", Long, "-2", &[Synonym::same("log.local.retention.ms")])
        .takes(AtLeast(-2))
        .documented("Stored and shown; there is no local tier.");

/// `max.compaction.lag.ms`.
pub const MAX_COMPACTION_LAG_MS: ConfigKey = ConfigKey::topic(
    "max.compaction.lag.ms",
    Long,
    NO_LIMIT,
    &[Synonym::same("log.cleaner.max.compaction.lag.ms")],
)
.takes(AtLeast(1))
.documented("The longest that a record of a compacted topic stays out of compaction's reach.");

/// `max.message.bytes`.
pub const MAX_MESSAGE_BYTES: ConfigKey =
    ConfigKey::topic("max.message.bytes", Int, "1048588", &[Synonym::same("message.max.bytes")])
        .takes(AtLeast(0))
        .documented("The largest batch in bytes, after compression.");

/// `message.timestamp.after.max.ms`.
pub const MESSAGE_TIMESTAMP_AFTER_MAX_MS: ConfigKey = ConfigKey::topic(
    "message.timestamp.after.max.ms",
    Long,
    "3600000",
    &[Synonym::same("log.message.timestamp.after.max.ms")],
)
.takes(AtLeast(0))
.documented("How far a record's time may lie ahead of the broker's.");

/// `message.timestamp.before.max.ms`.
pub const MESSAGE_TIMESTAMP_BEFORE_MAX_MS: ConfigKey = ConfigKey::topic(
    "message.timestamp.before.max.ms",
    Long,
    NO_LIMIT,
    &[Synonym::same("log.message.timestamp.before.max.ms")],
)
.takes(AtLeast(0))
.documented("How far a record's time may lie behind the broker's.");

/// `message.timestamp.type`.
pub const MESSAGE_TIMESTAMP_TYPE: ConfigKey = ConfigKey::topic(
    "message.timestamp.type",
    Text,
    "CreateTime",
    &[Synonym::same("log.message.timestamp.type")],
)
.takes(OneOf(&["CreateTime", "LogAppendTime"]))
.documented("Whose time a record has: its producer's, or the broker's when it was appended.");

/// `min.cleanable.dirty.ratio`.
pub const MIN_CLEANABLE_DIRTY_RATIO: ConfigKey = ConfigKey::topic(
    "min.cleanable.dirty.ratio",
    Double,
    "0.5",
    &[Synonym::same("log.cleaner.min.cleanable.ratio")],
)
.takes(Fraction(0.0, 1.0))
.documented(
    "The part of a compacted log that is not yet compacted, from which on compaction is worth it.",
);

/// `min.compaction.lag.ms`.
pub const MIN_COMPACTION_LAG_MS: ConfigKey = ConfigKey::topic(
    "min.compaction.lag.ms",
    Long,
    "0",
    &[Synonym::same("log.cleaner.min.compaction.lag.ms")],
)
.takes(AtLeast(0))
.documented("How long a record of a compacted topic stays as it was written, at least.");

/// `min.insync.replicas`.
pub const MIN_INSYNC_REPLICAS: ConfigKey =
    ConfigKey::topic("min.insync.replicas", Int, "1", &[Synonym::same("min.insync.replicas")])
        .takes(AtLeast(1))
        .documented("Stored and shown; what acks=all means is `durability.mode`.");

/// `preallocate`.
pub const PREALLOCATE: ConfigKey =
    ConfigKey::topic("preallocate", Boolean, "false", &[Synonym::same("log.preallocate")])
        .important(Low)
        .documented("Stored and shown; there are no segment files here.");

/// `remote.log.copy.disable`.
pub const REMOTE_LOG_COPY_DISABLE: ConfigKey =
    ConfigKey::topic("remote.log.copy.disable", Boolean, "false", &[])
        .documented("Stored and shown; all data is in object storage.");

/// `remote.log.delete.on.disable`.
pub const REMOTE_LOG_DELETE_ON_DISABLE: ConfigKey =
    ConfigKey::topic("remote.log.delete.on.disable", Boolean, "false", &[])
        .documented("Stored and shown; all data is in object storage.");

/// `remote.storage.enable`.
pub const REMOTE_STORAGE_ENABLE: ConfigKey =
    ConfigKey::topic("remote.storage.enable", Boolean, "false", &[])
        .documented("Stored and shown; all data is in object storage.");

/// `retention.bytes`.
pub const RETENTION_BYTES: ConfigKey =
    ConfigKey::topic("retention.bytes", Long, "-1", &[Synonym::same("log.retention.bytes")])
        .takes(AtLeast(-1))
        .documented("A partition larger than this loses its oldest records; -1 is no limit.");

/// `retention.ms`.
pub const RETENTION_MS: ConfigKey = ConfigKey::topic(
    "retention.ms",
    Long,
    "604800000",
    &[
        Synonym::same("log.retention.ms"),
        Synonym::times("log.retention.minutes", 60_000),
        Synonym::times("log.retention.hours", 3_600_000),
    ],
)
.takes(AtLeast(-1))
.documented("Records older than this are deleted; -1 keeps them for ever.");

/// `segment.bytes`.
pub const SEGMENT_BYTES: ConfigKey =
    ConfigKey::topic("segment.bytes", Int, "1073741824", &[Synonym::same("log.segment.bytes")])
        .takes(AtLeast(14))
        .documented(
            "In a compacted topic, the newest records of up to this size are not compacted.",
        );

/// `segment.index.bytes`.
pub const SEGMENT_INDEX_BYTES: ConfigKey = ConfigKey::topic(
    "segment.index.bytes",
    Int,
    "10485760",
    &[Synonym::same("log.index.size.max.bytes")],
)
.takes(AtLeast(4))
.important(Low)
.documented("Stored and shown; indexes have the size they need.");

/// `segment.jitter.ms`.
pub const SEGMENT_JITTER_MS: ConfigKey = ConfigKey::topic(
    "segment.jitter.ms",
    Long,
    "0",
    &[Synonym::same("log.roll.jitter.ms"), Synonym::times("log.roll.jitter.hours", 3_600_000)],
)
.takes(AtLeast(0))
.important(Low)
.documented("Stored and shown.");

/// `segment.ms`.
pub const SEGMENT_MS: ConfigKey = ConfigKey::topic(
    "segment.ms",
    Long,
    "604800000",
    &[Synonym::same("log.roll.ms"), Synonym::times("log.roll.hours", 3_600_000)],
)
.takes(AtLeast(1))
.documented("In a compacted topic, records younger than this are not compacted.");

/// `unclean.leader.election.enable`.
pub const UNCLEAN_LEADER_ELECTION_ENABLE: ConfigKey = ConfigKey::topic(
    "unclean.leader.election.enable",
    Boolean,
    "false",
    &[Synonym::same("unclean.leader.election.enable")],
)
.documented("Whether a `wal` partition may move to another broker while its owner's disk holds records that object storage lacks: those records are given up.");

static TABLE: [ConfigKey; 38] = [
    CLEANUP_POLICY,
    COMPRESSION_GZIP_LEVEL,
    COMPRESSION_LZ4_LEVEL,
    COMPRESSION_TYPE,
    COMPRESSION_ZSTD_LEVEL,
    KEY_SCHEMA_VALIDATION,
    KEY_SUBJECT_NAME_STRATEGY,
    VALUE_SCHEMA_VALIDATION,
    VALUE_SUBJECT_NAME_STRATEGY,
    DELETE_RETENTION_MS,
    DURABILITY_MODE,
    FILE_DELETE_DELAY_MS,
    FLUSH_MESSAGES,
    FLUSH_MS,
    FOLLOWER_REPLICATION_THROTTLED_REPLICAS,
    INDEX_INTERVAL_BYTES,
    LEADER_REPLICATION_THROTTLED_REPLICAS,
    LOCAL_RETENTION_BYTES,
    LOCAL_RETENTION_MS,
    MAX_COMPACTION_LAG_MS,
    MAX_MESSAGE_BYTES,
    MESSAGE_TIMESTAMP_AFTER_MAX_MS,
    MESSAGE_TIMESTAMP_BEFORE_MAX_MS,
    MESSAGE_TIMESTAMP_TYPE,
    MIN_CLEANABLE_DIRTY_RATIO,
    MIN_COMPACTION_LAG_MS,
    MIN_INSYNC_REPLICAS,
    PREALLOCATE,
    REMOTE_LOG_COPY_DISABLE,
    REMOTE_LOG_DELETE_ON_DISABLE,
    REMOTE_STORAGE_ENABLE,
    RETENTION_BYTES,
    RETENTION_MS,
    SEGMENT_BYTES,
    SEGMENT_INDEX_BYTES,
    SEGMENT_JITTER_MS,
    SEGMENT_MS,
    UNCLEAN_LEADER_ELECTION_ENABLE,
];

/// Every topic key, by name.
pub fn topic_keys() -> &'static [ConfigKey] {
    &TABLE
}

/// The topic key of that name.
///
/// # Errors
/// [`InvalidConfig::UnknownKey`], with the nearest known key.
pub fn topic_key(name: &str) -> Result<&'static ConfigKey, InvalidConfig> {
    TABLE
        .iter()
        .find(|key| key.name == name)
        .ok_or_else(|| InvalidConfig::unknown(name, TABLE.iter().map(|key| key.name)))
}

/// Checks a topic's overrides, each by itself and all together.
///
/// # Errors
/// [`InvalidConfig`].
pub fn validate_topic_configs(configs: &BTreeMap<String, String>) -> Result<(), InvalidConfig> {
    for (name, value) in configs {
        topic_key(name)?.validate(value)?;
    }
    if let Some(policy) = configs.get(CLEANUP_POLICY.name)
        && parse_list(policy).is_empty()
    {
        return Err(InvalidConfig::BadValue {
            key: CLEANUP_POLICY.name,
            value: policy.clone(),
            reason: "must name compact, delete or both".to_owned(),
        });
    }
    let (least, most) =
        (MIN_COMPACTION_LAG_MS.number_in(configs), MAX_COMPACTION_LAG_MS.number_in(configs));
    if least > most {
        return Err(InvalidConfig::Contradiction(
            "min.compaction.lag.ms must not be above max.compaction.lag.ms".to_owned(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::broker_key;
    use super::*;

    #[test]
    fn every_default_is_valid_and_every_synonym_is_a_broker_key() {
        for key in topic_keys() {
            key.validate(key.default.unwrap()).unwrap();
            assert!(!key.documentation.is_empty(), "{}", key.name);
            for synonym in key.synonyms() {
                assert!(broker_key(synonym.name).is_ok(), "{}", synonym.name);
            }
        }
    }

    #[test]
    fn keys_are_sorted_and_named_once() {
        assert!(TABLE.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn a_misspelt_key_suggests_the_right_one() {
        let error = topic_key("retention.msec").unwrap_err();
        assert_eq!(error.to_string(), "unknown config retention.msec; did you mean retention.ms?");
    }

    #[test]
    fn overrides_that_contradict_each_other_are_refused() {
        let configs = BTreeMap::from([
            ("min.compaction.lag.ms".to_owned(), "10".to_owned()),
            ("max.compaction.lag.ms".to_owned(), "5".to_owned()),
        ]);
        assert!(matches!(validate_topic_configs(&configs), Err(InvalidConfig::Contradiction(_))));
        let empty = BTreeMap::from([("cleanup.policy".to_owned(), String::new())]);
        assert!(validate_topic_configs(&empty).is_err());
    }
}
