//! A topic's settings in force: its own overrides over the broker's defaults, parsed and typed.

use super::{
    CompactionSettings, ConfigKey, SchemaRules, SubjectNaming, broker, parse_boolean, parse_list,
    topic,
};
use std::collections::BTreeMap;

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
    /// How `compact` does it.
    pub compaction: CompactionSettings,
    /// Whether ownership may move away from an unflushed WAL (`unclean.leader.election.enable`).
    pub unclean_leader_election: bool,
    /// Which schemas its records must have.
    pub schemas: SchemaRules,
}

impl TopicSettings {
    /// What `overrides` come to over `broker_values` (merged: see [`super::ConfigLayers::merged_broker_values`]). Values were validated
    /// when they were stored; one that can't be read all the same is passed over for the next weaker.
    pub fn resolve(
        overrides: &BTreeMap<String, String>,
        broker_values: &BTreeMap<String, String>,
    ) -> Self {
        let values = Values { overrides, broker_values };
        Self {
            durability_mode: match wal_is_ephemeral(broker_values) {
                true => DurabilityMode::Object,
                false => values.read(
                    &topic::DURABILITY_MODE,
                    DurabilityMode::parse,
                    DurabilityMode::Object,
                ),
            },
            max_message_bytes: values.read(
                &topic::MAX_MESSAGE_BYTES,
                |t| t.trim().parse().ok(),
                1_048_588,
            ),
            timestamp_type: values.read(
                &topic::MESSAGE_TIMESTAMP_TYPE,
                TimestampType::parse,
                TimestampType::CreateTime,
            ),
            timestamp_before_max_ms: values.limit(&topic::MESSAGE_TIMESTAMP_BEFORE_MAX_MS),
            timestamp_after_max_ms: values.limit(&topic::MESSAGE_TIMESTAMP_AFTER_MAX_MS),
            compression_type: values.read(
                &topic::COMPRESSION_TYPE,
                CompressionType::parse,
                CompressionType::Producer,
            ),
            retention_ms: values.limit(&topic::RETENTION_MS),
            retention_bytes: values.limit(&topic::RETENTION_BYTES),
            cleanup_policy: values.read(
                &topic::CLEANUP_POLICY,
                CleanupPolicy::parse,
                CleanupPolicy { delete: true, compact: false },
            ),
            compaction: values.compaction(),
            unclean_leader_election: values.read(
                &topic::UNCLEAN_LEADER_ELECTION_ENABLE,
                parse_boolean,
                false,
            ),
            schemas: values.schemas(),
        }
    }
}

impl TopicSettings {
    /// How many bytes a batch may decompress to, where it must be: 32 times `max.message.bytes`, from 32 MiB to 256 MiB.
    pub fn records_limit_bytes(&self) -> usize {
        const MIB: u64 = 1 << 20;
        (u64::from(self.max_message_bytes) * 32).clamp(32 * MIB, 256 * MIB) as usize
    }
}

/// Whether the WAL's disk goes away with its broker (`wal.ephemeral`), by a broker's own values: nothing that is acknowledged may rest on it.
pub fn wal_is_ephemeral(broker_values: &BTreeMap<String, String>) -> bool {
    let value = broker_values.get(broker::WAL_EPHEMERAL.name);
    value.and_then(|text| parse_boolean(text)) == Some(true)
}

/// Text values of one topic, the strongest first.
struct Values<'a> {
    overrides: &'a BTreeMap<String, String>,
    broker_values: &'a BTreeMap<String, String>,
}

impl Values<'_> {
    /// The first readable value among override, synonyms in order, and the key's default; `fallback` when there is none.
    fn read<T>(&self, key: &ConfigKey, parse: impl Fn(&str) -> Option<T>, fallback: T) -> T {
        let own = self.overrides.get(key.name).and_then(|text| parse(text));
        let inherited = || {
            key.synonyms()
                .iter()
                .find_map(|synonym| parse(&synonym.convert(self.broker_values.get(synonym.name)?)))
        };
        own.or_else(inherited).or_else(|| key.default.and_then(&parse)).unwrap_or(fallback)
    }

    fn schemas(&self) -> SchemaRules {
        let rule = |validation, strategy| {
            let asked = self.read(validation, parse_boolean, false);
            asked.then(|| self.read(strategy, SubjectNaming::parse, SubjectNaming::Topic))
        };
        SchemaRules {
            key: rule(&topic::KEY_SCHEMA_VALIDATION, &topic::KEY_SUBJECT_NAME_STRATEGY),
            value: rule(&topic::VALUE_SCHEMA_VALIDATION, &topic::VALUE_SUBJECT_NAME_STRATEGY),
        }
    }

    fn compaction(&self) -> CompactionSettings {
        let default = CompactionSettings::default();
        let number = |key, fallback| self.read(key, |text| text.trim().parse().ok(), fallback);
        CompactionSettings {
            min_dirty_millionths: self.read(
                &topic::MIN_CLEANABLE_DIRTY_RATIO,
                CompactionSettings::millionths,
                default.min_dirty_millionths,
            ),
            min_lag_ms: number(&topic::MIN_COMPACTION_LAG_MS, default.min_lag_ms),
            max_lag_ms: self.limit(&topic::MAX_COMPACTION_LAG_MS),
            delete_retention_ms: number(&topic::DELETE_RETENTION_MS, default.delete_retention_ms),
            segment_ms: number(&topic::SEGMENT_MS, default.segment_ms),
            segment_bytes: number(&topic::SEGMENT_BYTES, default.segment_bytes),
        }
    }

    /// A limit: negative or Kafka's largest number is none.
    fn limit(&self, key: &ConfigKey) -> Option<u64> {
        let number: i64 = self.read(key, |text| text.trim().parse().ok(), -1);
        u64::try_from(number).ok().filter(|_| number != i64::MAX)
    }
}

/// `durability.mode`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DurabilityMode {
    /// acks=all is answered when the segment is stored and committed.
    Object,
    /// acks=all is answered when the WAL is synced.
    Wal,
}

impl DurabilityMode {
    /// Reads the config's text.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "object" => Some(Self::Object),
            "wal" => Some(Self::Wal),
            _ => None,
        }
    }

    /// The config's text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Wal => "wal",
        }
    }
}

/// `message.timestamp.type`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TimestampType {
    /// The producer's time is kept.
    CreateTime,
    /// The broker stamps the batch when it appends it.
    LogAppendTime,
}

impl TimestampType {
    /// Reads the config's text.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "CreateTime" => Some(Self::CreateTime),
            "LogAppendTime" => Some(Self::LogAppendTime),
            _ => None,
        }
    }
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

impl CompressionType {
    /// Reads the config's text.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "producer" => Some(Self::Producer),
            "uncompressed" => Some(Self::Uncompressed),
            "gzip" => Some(Self::Gzip),
            "snappy" => Some(Self::Snappy),
            "lz4" => Some(Self::Lz4),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// `cleanup.policy`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CleanupPolicy {
    /// Old records are deleted by time and size.
    pub delete: bool,
    /// Only the last record of a key is kept.
    pub compact: bool,
}

impl CleanupPolicy {
    /// Reads the config's text; `None` when it names neither policy or something else.
    pub fn parse(text: &str) -> Option<Self> {
        let items = parse_list(text);
        let known = items.iter().all(|item| matches!(*item, "delete" | "compact"));
        (known && !items.is_empty()).then(|| Self {
            delete: items.contains(&"delete"),
            compact: items.contains(&"compact"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn without_any_value_kafkas_defaults_hold() {
        let settings = TopicSettings::resolve(&map(&[]), &map(&[]));
        assert_eq!(settings.durability_mode, DurabilityMode::Object);
        assert_eq!(settings.max_message_bytes, 1_048_588);
        assert_eq!(settings.timestamp_before_max_ms, None);
        assert_eq!(settings.timestamp_after_max_ms, Some(3_600_000));
        assert_eq!(settings.retention_ms, Some(604_800_000));
        assert_eq!(settings.retention_bytes, None);
        assert!(settings.cleanup_policy.delete && !settings.cleanup_policy.compact);
        assert_eq!(settings.compaction, CompactionSettings::default());
        assert!(!settings.unclean_leader_election);
    }

    #[test]
    fn an_override_goes_before_the_brokers_value() {
        let broker = map(&[("durability.mode", "wal"), ("message.max.bytes", "5")]);
        let settings = TopicSettings::resolve(&map(&[("durability.mode", "object")]), &broker);
        assert_eq!(settings.durability_mode, DurabilityMode::Object);
        let wal = map(&[("durability.mode", "wal")]);
        let mode = |ephemeral: &str| {
            TopicSettings::resolve(&wal, &map(&[("wal.ephemeral", ephemeral)])).durability_mode
        };
        assert_eq!((mode("false"), mode("true")), (DurabilityMode::Wal, DurabilityMode::Object));
        assert_eq!(settings.max_message_bytes, 5);
    }

    #[test]
    fn milliseconds_go_before_minutes_and_minutes_before_hours() {
        let retention =
            |broker: &[(&str, &str)]| TopicSettings::resolve(&map(&[]), &map(broker)).retention_ms;
        assert_eq!(retention(&[("log.retention.hours", "1")]), Some(3_600_000));
        assert_eq!(retention(&[("log.retention.hours", "-1")]), None);
        assert_eq!(
            retention(&[("log.retention.hours", "1"), ("log.retention.minutes", "2")]),
            Some(120_000)
        );
        assert_eq!(
            retention(&[("log.retention.ms", "7"), ("log.retention.minutes", "2")]),
            Some(7)
        );
    }

    #[test]
    fn an_unreadable_value_is_passed_over() {
        let settings = TopicSettings::resolve(
            &map(&[("retention.ms", "soon")]),
            &map(&[("log.retention.ms", "9")]),
        );
        assert_eq!(settings.retention_ms, Some(9));
    }

    #[test]
    fn schemas_are_asked_for_side_by_side() {
        let own = [
            ("confluent.value.schema.validation", "true"),
            (
                "confluent.key.subject.name.strategy",
                "io.confluent.kafka.serializers.subject.RecordNameStrategy",
            ),
        ];
        let schemas = TopicSettings::resolve(&map(&own), &map(&[])).schemas;
        assert_eq!((schemas.key, schemas.value), (None, Some(SubjectNaming::Topic)));
        assert!(!TopicSettings::resolve(&map(&own[1..]), &map(&[])).schemas.any());
    }

    #[test]
    fn compaction_is_set_by_topic_over_the_brokers_values() {
        let own = map(&[("min.cleanable.dirty.ratio", "0.01"), ("segment.ms", "1000")]);
        let brokers =
            map(&[("log.segment.bytes", "2000"), ("log.cleaner.min.cleanable.ratio", "1")]);
        let compaction = TopicSettings::resolve(&own, &brokers).compaction;
        let found =
            (compaction.min_dirty_millionths, compaction.segment_ms, compaction.segment_bytes);
        assert_eq!(found, (10_000, 1_000, 2_000));
        assert_eq!(compaction.max_lag_ms, None);
    }
}
