//! A broker's keys: those of Kafka's that mean something here or that tools look for, and ours.
//!
//! Keys of topics' defaults are dynamic for the whole cluster; the rest is read at start-up.

use super::{
    ConfigKey,
    ConfigType::{Boolean, Class, Double, Int, List, Long, String as Text},
    Dynamic::ClusterWide,
    Importance::{High, Low},
    InvalidConfig,
    Validator::{
        AtLeast, Between, Duration, EachOneOf, Fraction, NotEmpty, OneOf, PositiveDuration,
    },
};

use super::oauthbearer_keys::{
    SASL_OAUTHBEARER_ALLOW_PLAINTEXT, SASL_OAUTHBEARER_ALLOWED_URLS,
    SASL_OAUTHBEARER_CLOCK_SKEW_SECONDS, SASL_OAUTHBEARER_EXPECTED_AUDIENCE,
    SASL_OAUTHBEARER_EXPECTED_ISSUER, SASL_OAUTHBEARER_JWKS_ENDPOINT_REFRESH_MS,
    SASL_OAUTHBEARER_JWKS_ENDPOINT_RETRY_BACKOFF_MAX_MS,
    SASL_OAUTHBEARER_JWKS_ENDPOINT_RETRY_BACKOFF_MS,
    SASL_OAUTHBEARER_JWKS_ENDPOINT_TRUSTSTORE_LOCATION, SASL_OAUTHBEARER_JWKS_ENDPOINT_URL,
    SASL_OAUTHBEARER_SUB_CLAIM_NAME,
};
use super::security_keys::{
    ALLOW_EVERYONE_IF_NO_ACL_FOUND, AUTHORIZER_CLASS_NAME,
    CONNECTION_FAILED_AUTHENTICATION_DELAY_MS, CONNECTIONS_MAX_REAUTH_MS, SASL_ENABLED_MECHANISMS,
    SASL_MECHANISM_INTER_BROKER_PROTOCOL, SASL_PLAIN_ALLOW_PLAINTEXT, SSL_CLIENT_AUTH,
    SSL_ENABLED_PROTOCOLS, SSL_ENDPOINT_IDENTIFICATION_ALGORITHM, SSL_KEYSTORE_CERTIFICATE_CHAIN,
    SSL_KEYSTORE_KEY, SSL_KEYSTORE_LOCATION, SSL_KEYSTORE_TYPE, SSL_PRINCIPAL_MAPPING_RULES,
    SSL_REFRESH_INTERVAL, SSL_TRUSTSTORE_CERTIFICATES, SSL_TRUSTSTORE_LOCATION,
    SSL_TRUSTSTORE_TYPE, SUPER_USERS,
};

/// `advertised.listeners`.
pub const ADVERTISED_LISTENERS: ConfigKey =
    ConfigKey::unset("advertised.listeners", Text).important(High).documented(
        "The addresses that clients are told, by listener; unset, they are those of `listeners`.",
    );

/// `auto.create.topics.enable`.
pub const AUTO_CREATE_TOPICS_ENABLE: ConfigKey =
    ConfigKey::broker("auto.create.topics.enable", Boolean, "true")
        .dynamic(ClusterWide)
        .important(High)
        .documented("Whether a client's Metadata request for an unknown topic creates it.");

/// `auto.leader.rebalance.enable`.
pub const AUTO_LEADER_REBALANCE_ENABLE: ConfigKey =
    ConfigKey::broker("auto.leader.rebalance.enable", Boolean, "true").important(High).documented(
        "Whether partitions move by themselves to brokers that have fewer, or carry less.",
    );

/// `broker.id`.
pub const BROKER_ID: ConfigKey = ConfigKey::broker("broker.id", Int, "-1")
    .takes(AtLeast(-1))
    .important(High)
    .documented("This broker's number; an older name of `node.id`.");

/// `broker.rack`.
pub const BROKER_RACK: ConfigKey =
    ConfigKey::unset("broker.rack", Text).documented("The zone this broker runs in.");

/// `cache.io.max.bytes.per.second`.
pub const CACHE_IO_MAX_BYTES_PER_SECOND: ConfigKey =
    ConfigKey::broker("cache.io.max.bytes.per.second", Long, "33554432").takes(AtLeast(0)).documented(
        "Bytes a second that go to the read cache on disk: what is read faster is not kept there, so that who reads history leaves the WAL its disk. 0: as fast as it is read.",
    );

/// `cluster.id`.
pub const CLUSTER_ID: ConfigKey = ConfigKey::unset("cluster.id", Text).important(High).documented("The cluster that this broker belongs to; unset, what is stored or, in a new cluster, a new one.");

/// `compression.gzip.level`.
pub const COMPRESSION_GZIP_LEVEL: ConfigKey =
    ConfigKey::broker("compression.gzip.level", Int, "-1")
        .takes(Between(-1, 9))
        .dynamic(ClusterWide)
        .important(Low)
        .documented("Default of the topic key of this name.");

/// `compression.lz4.level`.
pub const COMPRESSION_LZ4_LEVEL: ConfigKey = ConfigKey::broker("compression.lz4.level", Int, "9")
    .takes(Between(1, 17))
    .dynamic(ClusterWide)
    .important(Low)
    .documented("Default of the topic key of this name.");

/// `compression.type`.
pub const COMPRESSION_TYPE: ConfigKey = ConfigKey::broker("compression.type", Text, "producer")
    .takes(OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]))
    .dynamic(ClusterWide)
    .important(High)
    .documented("Default of the topic key of this name.");

/// `compression.zstd.level`.
pub const COMPRESSION_ZSTD_LEVEL: ConfigKey = ConfigKey::broker("compression.zstd.level", Int, "3")
    .takes(Between(-131_072, 22))
    .dynamic(ClusterWide)
    .important(Low)
    .documented("Default of the topic key of this name.");

/// `connections.max.idle.ms`.
pub const CONNECTIONS_MAX_IDLE_MS: ConfigKey =
    ConfigKey::broker("connections.max.idle.ms", Long, "600000")
        .takes(AtLeast(1))
        .documented("A connection idle for longer is closed.");

/// `default.replication.factor`.
pub const DEFAULT_REPLICATION_FACTOR: ConfigKey =
    ConfigKey::broker("default.replication.factor", Int, "1").takes(Between(1, 32_767)).documented(
        "Replication factor of topics that are created without one; stored and returned.",
    );

/// `delete.topic.enable`.
pub const DELETE_TOPIC_ENABLE: ConfigKey =
    ConfigKey::broker("delete.topic.enable", Boolean, "true")
        .important(High)
        .documented("Whether topics can be deleted.");

/// `drain.timeout`.
pub const DRAIN_TIMEOUT: ConfigKey = ConfigKey::broker("drain.timeout", Text, "30s")
    .takes(Duration)
    .documented("How long a broker that is stopped hands its partitions over; what is left then moves as when it dies. 0 hands none over.");

/// `durability.mode`.
pub const DURABILITY_MODE: ConfigKey = ConfigKey::broker("durability.mode", Text, "object").takes(OneOf(&["object", "wal"])).dynamic(ClusterWide).important(High).documented("When acks=all is answered, for topics that don't say: `object` or `wal`. The embedded deployment sets `wal`.");

/// `fetch.max.bytes`.
pub const FETCH_MAX_BYTES: ConfigKey = ConfigKey::broker("fetch.max.bytes", Int, "57671680")
    .takes(AtLeast(1024))
    .documented("The most bytes that a Fetch answer holds.");

/// `flush.max.bytes`.
pub const FLUSH_MAX_BYTES: ConfigKey = ConfigKey::broker("flush.max.bytes", Long, "8388608")
    .takes(Between(65_536, 1_073_741_824))
    .important(High)
    .documented("A flush is started when so many bytes wait for object storage.");

/// `flush.max.interval`.
pub const FLUSH_MAX_INTERVAL: ConfigKey = ConfigKey::broker("flush.max.interval", Text, "250ms")
    .takes(PositiveDuration)
    .important(High)
    .documented("A flush is started when data that somebody waits for has waited so long.");

/// `flush.max.interval.idle`.
pub const FLUSH_MAX_INTERVAL_IDLE: ConfigKey =
    ConfigKey::broker("flush.max.interval.idle", Text, "2s")
        .takes(PositiveDuration)
        .documented("The same for data that nobody waits for.");

/// `flush.requests.per.second`.
pub const FLUSH_REQUESTS_PER_SECOND: ConfigKey =
    ConfigKey::unset("flush.requests.per.second", Int).takes(AtLeast(0)).documented(
        "Uploads a second at most, a token bucket; 0 is no limit; unset, 20 on S3 and 50 on a local directory.",
    );

/// `flush.uploads.in.flight`.
pub const FLUSH_UPLOADS_IN_FLIGHT: ConfigKey =
    ConfigKey::broker("flush.uploads.in.flight", Int, "4")
        .takes(Between(1, 64))
        .documented("Uploads in flight at most.");

/// `fold.commits`.
pub const FOLD_COMMITS: ConfigKey =
    ConfigKey::broker("fold.commits", Int, "64").takes(Between(2, 1024)).documented(
        "Commits that are folded into one index object, and index objects into one of the next level: metadata holds no more of either for a broker than about three times as many.",
    );

/// `gather.io.max.bytes.per.second`.
pub const GATHER_IO_MAX_BYTES_PER_SECOND: ConfigKey =
    ConfigKey::broker("gather.io.max.bytes.per.second", Long, "67108864").takes(AtLeast(0)).documented(
        "Bytes a second that are copied from the segments of flushes into segments where each partition's records lie together; what comes faster stays where it is, and costs more requests to read. 0 copies nothing.",
    );

/// `gather.spool.max.bytes`.
pub const GATHER_SPOOL_MAX_BYTES: ConfigKey =
    ConfigKey::broker("gather.spool.max.bytes", Long, "1073741824").takes(AtLeast(0)).documented(
        "Bytes on the WAL's disk for copies of the newest segments, from which they are gathered: 64 flushes and what comes meanwhile. Unused where objects lie on this machine; 0 gathers nothing on other stores.",
    );

/// `group.consumer.assignors`.
pub const GROUP_CONSUMER_ASSIGNORS: ConfigKey =
    ConfigKey::broker("group.consumer.assignors", List, "uniform,range")
        .takes(EachOneOf(&["uniform", "range"]))
        .documented(
            "The assignors of groups under the consumer protocol; the first is for members that ask for none.",
        );

/// `group.consumer.heartbeat.interval.ms`.
pub const GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS: ConfigKey =
    ConfigKey::broker("group.consumer.heartbeat.interval.ms", Int, "5000")
        .takes(AtLeast(1))
        .documented("How often members under the consumer protocol are to send heartbeats.");

/// `group.consumer.max.size`.
pub const GROUP_CONSUMER_MAX_SIZE: ConfigKey =
    ConfigKey::broker("group.consumer.max.size", Int, "2147483647")
        .takes(AtLeast(1))
        .documented("Members of a group under the consumer protocol at most.");

/// `group.consumer.migration.policy`.
pub const GROUP_CONSUMER_MIGRATION_POLICY: ConfigKey =
    ConfigKey::broker("group.consumer.migration.policy", Text, "bidirectional")
        .takes(OneOf(&["bidirectional", "disabled", "downgrade", "upgrade"]))
        .documented(
            "Whether groups with members go from the classic protocol to the consumer protocol (`upgrade`) and back (`downgrade`).",
        );

/// `group.consumer.session.timeout.ms`.
pub const GROUP_CONSUMER_SESSION_TIMEOUT_MS: ConfigKey =
    ConfigKey::broker("group.consumer.session.timeout.ms", Int, "45000")
        .takes(AtLeast(1))
        .documented("A member under the consumer protocol that is silent for longer is out.");

/// `group.initial.rebalance.delay.ms`.
pub const GROUP_INITIAL_REBALANCE_DELAY_MS: ConfigKey =
    ConfigKey::broker("group.initial.rebalance.delay.ms", Int, "3000")
        .takes(AtLeast(0))
        .documented("How long the first members of an empty group wait for further ones.");

/// `group.max.session.timeout.ms`.
pub const GROUP_MAX_SESSION_TIMEOUT_MS: ConfigKey =
    ConfigKey::broker("group.max.session.timeout.ms", Int, "1800000")
        .takes(AtLeast(1))
        .documented("The longest session time-out that a group's member may ask for.");

/// `group.max.size`.
pub const GROUP_MAX_SIZE: ConfigKey = ConfigKey::broker("group.max.size", Int, "2147483647")
    .takes(AtLeast(1))
    .documented("Members of a group at most.");

/// `group.min.session.timeout.ms`.
pub const GROUP_MIN_SESSION_TIMEOUT_MS: ConfigKey =
    ConfigKey::broker("group.min.session.timeout.ms", Int, "6000")
        .takes(AtLeast(1))
        .documented("The shortest session time-out that a group's member may ask for.");

/// `inter.broker.listener.name`.
pub const INTER_BROKER_LISTENER_NAME: ConfigKey =
    ConfigKey::unset("inter.broker.listener.name", Text).documented(
        "The listener by which brokers reach each other; a broker's first one when it is not set.",
    );

/// `leader.imbalance.check.interval.seconds`.
pub const LEADER_IMBALANCE_CHECK_INTERVAL_SECONDS: ConfigKey =
    ConfigKey::broker("leader.imbalance.check.interval.seconds", Long, "300")
        .takes(AtLeast(1))
        .important(High)
        .documented("How long brokers must have been the same before partitions move for the sake of balance, unless brokers came that are new, and how long they then rest.");

/// `listener.security.protocol.map`.
pub const LISTENER_SECURITY_PROTOCOL_MAP: ConfigKey = ConfigKey::broker(
    "listener.security.protocol.map",
    Text,
    "PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
)
.documented("Which protocol each listener speaks.");

/// `listeners`.
pub const LISTENERS: ConfigKey = ConfigKey::broker("listeners", List, "PLAINTEXT://localhost:9092")
    .takes(NotEmpty)
    .important(High)
    .documented("The addresses that this broker listens on.");

/// `log.buffer.max.bytes`.
pub const LOG_BUFFER_MAX_BYTES: ConfigKey = ConfigKey::broker(
    "log.buffer.max.bytes",
    Long,
    "134217728",
)
.takes(AtLeast(16_777_216))
.important(High)
.documented(
    "Bytes of record batches kept in memory, waiting for object storage or read from there.",
);

/// `log.cleaner.backoff.ms`.
pub const LOG_CLEANER_BACKOFF_MS: ConfigKey =
    ConfigKey::broker("log.cleaner.backoff.ms", Long, "15000")
        .takes(AtLeast(0))
        .documented("How long the cleaner pauses when there is nothing to clean.");

/// `log.cleaner.dedupe.buffer.size`.
pub const LOG_CLEANER_DEDUPE_BUFFER_SIZE: ConfigKey =
    ConfigKey::broker("log.cleaner.dedupe.buffer.size", Long, "134217728")
        .takes(AtLeast(1_048_576))
        .documented(
            "Bytes that all cleaner threads may take for keys; more keys take several rounds.",
        );

/// `log.cleaner.delete.retention.ms`.
pub const LOG_CLEANER_DELETE_RETENTION_MS: ConfigKey =
    ConfigKey::broker("log.cleaner.delete.retention.ms", Long, "86400000")
        .takes(AtLeast(0))
        .dynamic(ClusterWide)
        .documented("Default of `delete.retention.ms`.");

/// `log.cleaner.enable`.
pub const LOG_CLEANER_ENABLE: ConfigKey = ConfigKey::broker("log.cleaner.enable", Boolean, "true")
    .documented("Whether compacted topics are cleaned.");

/// `log.cleaner.io.max.bytes.per.second`.
pub const LOG_CLEANER_IO_MAX_BYTES_PER_SECOND: ConfigKey =
    ConfigKey::broker("log.cleaner.io.max.bytes.per.second", Double, "1.7976931348623157E308")
        .takes(Fraction(1.0, f64::MAX))
        .documented("Bytes a second that all cleaner threads may read and write together.");

/// `log.cleaner.max.compaction.lag.ms`.
pub const LOG_CLEANER_MAX_COMPACTION_LAG_MS: ConfigKey =
    ConfigKey::broker("log.cleaner.max.compaction.lag.ms", Long, "9223372036854775807")
        .takes(AtLeast(1))
        .dynamic(ClusterWide)
        .documented("Default of `max.compaction.lag.ms`.");

/// `log.cleaner.min.cleanable.ratio`.
pub const LOG_CLEANER_MIN_CLEANABLE_RATIO: ConfigKey =
    ConfigKey::broker("log.cleaner.min.cleanable.ratio", Double, "0.5")
        .takes(Fraction(0.0, 1.0))
        .dynamic(ClusterWide)
        .documented("Default of `min.cleanable.dirty.ratio`.");

/// `log.cleaner.min.compaction.lag.ms`.
pub const LOG_CLEANER_MIN_COMPACTION_LAG_MS: ConfigKey =
    ConfigKey::broker("log.cleaner.min.compaction.lag.ms", Long, "0")
        .takes(AtLeast(0))
        .dynamic(ClusterWide)
        .documented("Default of `min.compaction.lag.ms`.");

/// `log.cleaner.threads`.
pub const LOG_CLEANER_THREADS: ConfigKey = ConfigKey::broker("log.cleaner.threads", Int, "1")
    .takes(AtLeast(1))
    .documented("How many partitions are cleaned at the same time.");

/// `log.cleanup.policy`.
pub const LOG_CLEANUP_POLICY: ConfigKey = ConfigKey::broker("log.cleanup.policy", List, "delete")
    .takes(EachOneOf(&["compact", "delete"]))
    .dynamic(ClusterWide)
    .documented("Default of `cleanup.policy`.");

/// `log.dirs`.
pub const LOG_DIRS: ConfigKey = ConfigKey::unset("log.dirs", Text)
    .documented("Kafka's; the data directory is `--data-dir` here.");

/// `log.flush.interval.messages`.
pub const LOG_FLUSH_INTERVAL_MESSAGES: ConfigKey =
    ConfigKey::broker("log.flush.interval.messages", Long, "9223372036854775807")
        .takes(AtLeast(1))
        .dynamic(ClusterWide)
        .documented("Default of `flush.messages`.");

/// `log.flush.interval.ms`.
pub const LOG_FLUSH_INTERVAL_MS: ConfigKey = ConfigKey::unset("log.flush.interval.ms", Long)
    .takes(AtLeast(0))
    .dynamic(ClusterWide)
    .documented("Default of `flush.ms`.");

/// `log.index.interval.bytes`.
pub const LOG_INDEX_INTERVAL_BYTES: ConfigKey =
    ConfigKey::broker("log.index.interval.bytes", Int, "4096")
        .takes(AtLeast(0))
        .dynamic(ClusterWide)
        .documented("Default of `index.interval.bytes`.");

/// `log.index.size.max.bytes`.
pub const LOG_INDEX_SIZE_MAX_BYTES: ConfigKey =
    ConfigKey::broker("log.index.size.max.bytes", Int, "10485760")
        .takes(AtLeast(4))
        .dynamic(ClusterWide)
        .documented("Default of `segment.index.bytes`.");

/// `log.local.retention.bytes`.
pub const LOG_LOCAL_RETENTION_BYTES: ConfigKey =
    ConfigKey::broker("log.local.retention.bytes", Long, "-2")
        .takes(AtLeast(-2))
        .dynamic(ClusterWide)
        .documented("Default of `local.retention.bytes`.");

/// `log.local.retention.ms`.
pub const LOG_LOCAL_RETENTION_MS: ConfigKey =
    ConfigKey::broker("log.local.retention.ms", Long, "-2")
        .takes(AtLeast(-2))
        .dynamic(ClusterWide)
        .documented("Default of `local.retention.ms`.");

/// `log.message.timestamp.after.max.ms`.
pub const LOG_MESSAGE_TIMESTAMP_AFTER_MAX_MS: ConfigKey =
    ConfigKey::broker("log.message.timestamp.after.max.ms", Long, "3600000")
        .takes(AtLeast(0))
        .dynamic(ClusterWide)
        .documented("Default of `message.timestamp.after.max.ms`.");

/// `log.message.timestamp.before.max.ms`.
pub const LOG_MESSAGE_TIMESTAMP_BEFORE_MAX_MS: ConfigKey =
    ConfigKey::broker("log.message.timestamp.before.max.ms", Long, "9223372036854775807")
        .takes(AtLeast(0))
        .dynamic(ClusterWide)
        .documented("Default of `message.timestamp.before.max.ms`.");

/// `log.message.timestamp.type`.
pub const LOG_MESSAGE_TIMESTAMP_TYPE: ConfigKey =
    ConfigKey::broker("log.message.timestamp.type", Text, "CreateTime")
        .takes(OneOf(&["CreateTime", "LogAppendTime"]))
        .dynamic(ClusterWide)
        .documented("Default of `message.timestamp.type`.");

/// `log.preallocate`.
pub const LOG_PREALLOCATE: ConfigKey = ConfigKey::broker("log.preallocate", Boolean, "false")
    .dynamic(ClusterWide)
    .important(Low)
    .documented("Default of `preallocate`.");

/// `log.retention.bytes`.
pub const LOG_RETENTION_BYTES: ConfigKey = ConfigKey::broker("log.retention.bytes", Long, "-1")
    .takes(AtLeast(-1))
    .dynamic(ClusterWide)
    .important(High)
    .documented("Default of `retention.bytes`.");

/// `log.retention.check.interval.ms`.
pub const LOG_RETENTION_CHECK_INTERVAL_MS: ConfigKey =
    ConfigKey::broker("log.retention.check.interval.ms", Long, "300000")
        .takes(AtLeast(1))
        .documented("How often retention looks for records to delete.");

/// `log.retention.hours`.
pub const LOG_RETENTION_HOURS: ConfigKey = ConfigKey::broker("log.retention.hours", Int, "168")
    .takes(AtLeast(-1))
    .important(High)
    .documented("Default of `retention.ms`, in hours; minutes and milliseconds go before it.");

/// `log.retention.minutes`.
pub const LOG_RETENTION_MINUTES: ConfigKey = ConfigKey::unset("log.retention.minutes", Int)
    .takes(AtLeast(-1))
    .important(High)
    .documented("Default of `retention.ms`, in minutes; milliseconds go before it.");

/// `log.retention.ms`.
pub const LOG_RETENTION_MS: ConfigKey = ConfigKey::unset("log.retention.ms", Long)
    .takes(AtLeast(-1))
    .dynamic(ClusterWide)
    .important(High)
    .documented("Default of `retention.ms`.");

/// `log.roll.hours`.
pub const LOG_ROLL_HOURS: ConfigKey = ConfigKey::broker("log.roll.hours", Int, "168")
    .takes(AtLeast(1))
    .documented("Default of `segment.ms`, in hours.");

/// `log.roll.jitter.hours`.
pub const LOG_ROLL_JITTER_HOURS: ConfigKey = ConfigKey::broker("log.roll.jitter.hours", Int, "0")
    .takes(AtLeast(0))
    .documented("Default of `segment.jitter.ms`, in hours.");

/// `log.roll.jitter.ms`.
pub const LOG_ROLL_JITTER_MS: ConfigKey = ConfigKey::unset("log.roll.jitter.ms", Long)
    .takes(AtLeast(0))
    .dynamic(ClusterWide)
    .documented("Default of `segment.jitter.ms`.");

/// `log.roll.ms`.
pub const LOG_ROLL_MS: ConfigKey = ConfigKey::unset("log.roll.ms", Long)
    .takes(AtLeast(1))
    .dynamic(ClusterWide)
    .documented("Default of `segment.ms`.");

/// `log.segment.bytes`.
pub const LOG_SEGMENT_BYTES: ConfigKey = ConfigKey::broker("log.segment.bytes", Int, "1073741824")
    .takes(AtLeast(14))
    .dynamic(ClusterWide)
    .important(High)
    .documented("Default of `segment.bytes`.");

/// `log.segment.delete.delay.ms`.
pub const LOG_SEGMENT_DELETE_DELAY_MS: ConfigKey =
    ConfigKey::broker("log.segment.delete.delay.ms", Long, "60000")
        .takes(AtLeast(0))
        .documented("How long an object stays after nothing refers to it any more.");

/// `max.connection.creation.rate`.
pub const MAX_CONNECTION_CREATION_RATE: ConfigKey =
    ConfigKey::broker("max.connection.creation.rate", Int, "2147483647")
        .takes(AtLeast(1))
        .documented(
            "Connections that are accepted in a second, by all listeners together; others wait.",
        );

/// `max.connections`.
pub const MAX_CONNECTIONS: ConfigKey = ConfigKey::broker("max.connections", Int, "2147483647")
    .takes(AtLeast(0))
    .documented("Connections at most.");

/// `max.connections.per.ip`.
pub const MAX_CONNECTIONS_PER_IP: ConfigKey =
    ConfigKey::broker("max.connections.per.ip", Int, "2147483647")
        .takes(AtLeast(0))
        .documented("Connections at most from one address; further ones are closed.");

/// `max.connections.per.ip.overrides`.
pub const MAX_CONNECTIONS_PER_IP_OVERRIDES: ConfigKey =
    ConfigKey::broker("max.connections.per.ip.overrides", Text, "")
        .documented("The same for some addresses: `10.0.0.1:100,::1:5`. Names are not resolved.");

/// `message.max.bytes`.
pub const MESSAGE_MAX_BYTES: ConfigKey = ConfigKey::broker("message.max.bytes", Int, "1048588")
    .takes(AtLeast(0))
    .dynamic(ClusterWide)
    .important(High)
    .documented("Default of `max.message.bytes`.");

/// `metadata.snapshot.interval.ms`.
pub const METADATA_SNAPSHOT_INTERVAL_MS: ConfigKey =
    ConfigKey::broker("metadata.snapshot.interval.ms", Long, "60000")
        .takes(AtLeast(100))
        .documented("How often the controller writes what changed in metadata to the object store; a lost metadata store is rebuilt from it. Changes of topics and their settings are written within a second or two.");

/// `min.insync.replicas`.
pub const MIN_INSYNC_REPLICAS: ConfigKey = ConfigKey::broker("min.insync.replicas", Int, "1")
    .takes(AtLeast(1))
    .dynamic(ClusterWide)
    .important(High)
    .documented("Default of the topic key of this name.");

/// `node.id`.
pub const NODE_ID: ConfigKey = ConfigKey::broker("node.id", Int, "-1")
    .takes(AtLeast(-1))
    .important(High)
    .documented("This broker's number.");

/// `num.io.threads`.
pub const NUM_IO_THREADS: ConfigKey = ConfigKey::broker("num.io.threads", Int, "8")
    .takes(AtLeast(1))
    .documented("Kafka's; stored and shown.");

/// `num.network.threads`.
pub const NUM_NETWORK_THREADS: ConfigKey = ConfigKey::broker("num.network.threads", Int, "3")
    .takes(AtLeast(1))
    .documented("Kafka's; stored and shown.");

/// `num.partitions`.
pub const NUM_PARTITIONS: ConfigKey = ConfigKey::broker("num.partitions", Int, "4")
    .takes(Between(1, 100_000))
    .documented("Partitions of topics that are created without a number.");

/// `offset.metadata.max.bytes`.
pub const OFFSET_METADATA_MAX_BYTES: ConfigKey =
    ConfigKey::broker("offset.metadata.max.bytes", Int, "4096")
        .takes(Between(0, 32_767))
        .documented("The longest note that may be committed with an offset.");

/// `offsets.commit.timeout.ms`.
pub const OFFSETS_COMMIT_TIMEOUT_MS: ConfigKey = ConfigKey::broker(
    "offsets.commit.timeout.ms",
    Int,
    "5000",
)
.takes(AtLeast(1))
.documented(
    "How long a request of a group waits for the metadata store before it is told to come back.",
);

/// `offsets.retention.check.interval.ms`.
pub const OFFSETS_RETENTION_CHECK_INTERVAL_MS: ConfigKey =
    ConfigKey::broker("offsets.retention.check.interval.ms", Long, "600000")
        .takes(AtLeast(1))
        .documented("How often offsets are looked at for their retention.");

/// `offsets.retention.minutes`.
pub const OFFSETS_RETENTION_MINUTES: ConfigKey =
    ConfigKey::broker("offsets.retention.minutes", Int, "10080")
        .takes(AtLeast(1))
        .documented("How long a group without members keeps its offsets.");

/// `offsets.topic.num.partitions`.
pub const OFFSETS_TOPIC_NUM_PARTITIONS: ConfigKey = ConfigKey::broker(
    "offsets.topic.num.partitions",
    Int,
    "50",
)
.takes(Between(1, 10_000))
.documented(
    "Partitions of __consumer_offsets, over which groups are spread. For a new cluster only.",
);

/// `offsets.topic.replication.factor`.
pub const OFFSETS_TOPIC_REPLICATION_FACTOR: ConfigKey =
    ConfigKey::broker("offsets.topic.replication.factor", Int, "1")
        .takes(Between(1, 32_767))
        .documented("Replication factor of __consumer_offsets; stored and returned.");

/// `process.roles`.
pub const PROCESS_ROLES: ConfigKey = ConfigKey::broker("process.roles", List, "broker,controller")
    .documented("Kafka's; every broker here is both.");

/// `producer.id.expiration.ms`.
pub const PRODUCER_ID_EXPIRATION_MS: ConfigKey =
    ConfigKey::broker("producer.id.expiration.ms", Int, "86400000")
        .takes(AtLeast(1))
        .important(Low)
        .documented("A producer that was idle for longer is forgotten.");

/// `queued.max.request.bytes`.
pub const QUEUED_MAX_REQUEST_BYTES: ConfigKey =
    ConfigKey::broker("queued.max.request.bytes", Long, "134217728")
        .takes(AtLeast(1_048_576))
        .documented("Bytes of requests read and not yet answered, over all connections.");

/// `replica.selector.class`.
pub const REPLICA_SELECTOR_CLASS: ConfigKey = ConfigKey::unset("replica.selector.class", Class)
    .takes(OneOf(&[
        "org.apache.kafka.common.replica.LeaderSelector",
        "org.apache.kafka.common.replica.RackAwareReplicaSelector",
    ]))
    .documented("Where consumers that give client.rack read (KIP-392): at the leader, or in their own zone. The same at all brokers.");

/// `request.timeout.ms`.
pub const REQUEST_TIMEOUT_MS: ConfigKey = ConfigKey::broker("request.timeout.ms", Int, "30000")
    .takes(AtLeast(1))
    .documented("Stored and shown; requests carry their own time limits.");

/// `session.lease.margin`.
pub const SESSION_LEASE_MARGIN: ConfigKey = ConfigKey::broker("session.lease.margin", Text, "2s")
    .takes(PositiveDuration)
    .documented("How long before its lease ends a broker stops acknowledging.");

/// `session.lease.ttl`.
pub const SESSION_LEASE_TTL: ConfigKey = ConfigKey::broker("session.lease.ttl", Text, "10s")
    .takes(PositiveDuration)
    .important(High)
    .documented("A broker that is silent for so long is dead. Whole seconds with etcd.");

/// `socket.request.max.bytes`.
pub const SOCKET_REQUEST_MAX_BYTES: ConfigKey =
    ConfigKey::broker("socket.request.max.bytes", Int, "104857600")
        .takes(AtLeast(1))
        .documented("The largest request that is read.");

/// `transaction.abort.timed.out.transaction.cleanup.interval.ms`.
pub const TRANSACTION_ABORT_INTERVAL_MS: ConfigKey =
    ConfigKey::broker("transaction.abort.timed.out.transaction.cleanup.interval.ms", Int, "10000")
        .takes(AtLeast(1))
        .documented("How often transactions that take too long are looked for, to be aborted.");

/// `transaction.max.timeout.ms`.
pub const TRANSACTION_MAX_TIMEOUT_MS: ConfigKey =
    ConfigKey::broker("transaction.max.timeout.ms", Int, "900000")
        .takes(AtLeast(1))
        .documented("The longest time that a producer may ask for its transactions.");

/// `transaction.remove.expired.transaction.cleanup.interval.ms`.
pub const TRANSACTION_EXPIRY_INTERVAL_MS: ConfigKey =
    ConfigKey::broker("transaction.remove.expired.transaction.cleanup.interval.ms", Int, "3600000")
        .takes(AtLeast(1))
        .documented(
            "How often transactional ids that nobody uses are looked for, to be forgotten.",
        );

/// `transaction.state.log.min.isr`.
pub const TRANSACTION_STATE_LOG_MIN_ISR: ConfigKey =
    ConfigKey::broker("transaction.state.log.min.isr", Int, "1")
        .takes(AtLeast(1))
        .documented("Kafka's; stored and shown.");

/// `transaction.state.log.num.partitions`.
pub const TRANSACTION_STATE_LOG_NUM_PARTITIONS: ConfigKey =
    ConfigKey::broker("transaction.state.log.num.partitions", Int, "50")
        .takes(Between(1, 10_000))
        .documented("Partitions of __transaction_state, over which transactional ids are spread. For a new cluster only.");

/// `transaction.state.log.replication.factor`.
pub const TRANSACTION_STATE_LOG_REPLICATION_FACTOR: ConfigKey =
    ConfigKey::broker("transaction.state.log.replication.factor", Int, "1")
        .takes(Between(1, 32_767))
        .documented("Replication factor of __transaction_state; stored and returned.");

/// `transactional.id.expiration.ms`.
pub const TRANSACTIONAL_ID_EXPIRATION_MS: ConfigKey =
    ConfigKey::broker("transactional.id.expiration.ms", Int, "604800000")
        .takes(AtLeast(1))
        .documented("How long a transactional id that nobody uses is remembered.");

/// `unclean.leader.election.enable`.
pub const UNCLEAN_LEADER_ELECTION_ENABLE: ConfigKey =
    ConfigKey::broker("unclean.leader.election.enable", Boolean, "false")
        .dynamic(ClusterWide)
        .important(High)
        .documented("Default of the topic key of this name.");

/// `unclean.takeover.delay`.
pub const UNCLEAN_TAKEOVER_DELAY: ConfigKey =
    ConfigKey::broker("unclean.takeover.delay", Text, "60s")
        .takes(Duration)
        .documented("How long an unclean takeover waits for the dead owner to return.");

/// `wal.ephemeral`.
pub const WAL_EPHEMERAL: ConfigKey = ConfigKey::broker("wal.ephemeral", Boolean, "false")
    .documented("The disk of `wal.dir` goes away with this broker, as an `emptyDir` of Kubernetes does with its pod: `durability.mode=wal` is refused, and a topic that has it is treated as `object`. The same at all brokers.");

/// `wal.max.bytes`.
pub const WAL_MAX_BYTES: ConfigKey = ConfigKey::broker("wal.max.bytes", Long, "10737418240")
    .takes(AtLeast(67_108_864))
    .important(High)
    .documented("Bytes that the write-ahead log holds while object storage is away.");

static TABLE: [ConfigKey; 138] = [
    ADVERTISED_LISTENERS,
    ALLOW_EVERYONE_IF_NO_ACL_FOUND,
    AUTHORIZER_CLASS_NAME,
    AUTO_CREATE_TOPICS_ENABLE,
    AUTO_LEADER_REBALANCE_ENABLE,
    BROKER_ID,
    BROKER_RACK,
    CACHE_IO_MAX_BYTES_PER_SECOND,
    CLUSTER_ID,
    COMPRESSION_GZIP_LEVEL,
    COMPRESSION_LZ4_LEVEL,
    COMPRESSION_TYPE,
    COMPRESSION_ZSTD_LEVEL,
    CONNECTION_FAILED_AUTHENTICATION_DELAY_MS,
    CONNECTIONS_MAX_IDLE_MS,
    CONNECTIONS_MAX_REAUTH_MS,
    DEFAULT_REPLICATION_FACTOR,
    DELETE_TOPIC_ENABLE,
    DRAIN_TIMEOUT,
    DURABILITY_MODE,
    FETCH_MAX_BYTES,
    FLUSH_MAX_BYTES,
    FLUSH_MAX_INTERVAL,
    FLUSH_MAX_INTERVAL_IDLE,
    FLUSH_REQUESTS_PER_SECOND,
    FLUSH_UPLOADS_IN_FLIGHT,
    FOLD_COMMITS,
    GATHER_IO_MAX_BYTES_PER_SECOND,
    GATHER_SPOOL_MAX_BYTES,
    GROUP_CONSUMER_ASSIGNORS,
    GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS,
    GROUP_CONSUMER_MAX_SIZE,
    GROUP_CONSUMER_MIGRATION_POLICY,
    GROUP_CONSUMER_SESSION_TIMEOUT_MS,
    GROUP_INITIAL_REBALANCE_DELAY_MS,
    GROUP_MAX_SESSION_TIMEOUT_MS,
    GROUP_MAX_SIZE,
    GROUP_MIN_SESSION_TIMEOUT_MS,
    INTER_BROKER_LISTENER_NAME,
    LEADER_IMBALANCE_CHECK_INTERVAL_SECONDS,
    LISTENER_SECURITY_PROTOCOL_MAP,
    LISTENERS,
    LOG_BUFFER_MAX_BYTES,
    LOG_CLEANER_BACKOFF_MS,
    LOG_CLEANER_DEDUPE_BUFFER_SIZE,
    LOG_CLEANER_DELETE_RETENTION_MS,
    LOG_CLEANER_ENABLE,
    LOG_CLEANER_IO_MAX_BYTES_PER_SECOND,
    LOG_CLEANER_MAX_COMPACTION_LAG_MS,
    LOG_CLEANER_MIN_CLEANABLE_RATIO,
    LOG_CLEANER_MIN_COMPACTION_LAG_MS,
    LOG_CLEANER_THREADS,
    LOG_CLEANUP_POLICY,
    LOG_DIRS,
    LOG_FLUSH_INTERVAL_MESSAGES,
    LOG_FLUSH_INTERVAL_MS,
    LOG_INDEX_INTERVAL_BYTES,
    LOG_INDEX_SIZE_MAX_BYTES,
    LOG_LOCAL_RETENTION_BYTES,
    LOG_LOCAL_RETENTION_MS,
    LOG_MESSAGE_TIMESTAMP_AFTER_MAX_MS,
    LOG_MESSAGE_TIMESTAMP_BEFORE_MAX_MS,
    LOG_MESSAGE_TIMESTAMP_TYPE,
    LOG_PREALLOCATE,
    LOG_RETENTION_BYTES,
    LOG_RETENTION_CHECK_INTERVAL_MS,
    LOG_RETENTION_HOURS,
    LOG_RETENTION_MINUTES,
    LOG_RETENTION_MS,
    LOG_ROLL_HOURS,
    LOG_ROLL_JITTER_HOURS,
    LOG_ROLL_JITTER_MS,
    LOG_ROLL_MS,
    LOG_SEGMENT_BYTES,
    LOG_SEGMENT_DELETE_DELAY_MS,
    MAX_CONNECTION_CREATION_RATE,
    MAX_CONNECTIONS,
    MAX_CONNECTIONS_PER_IP,
    MAX_CONNECTIONS_PER_IP_OVERRIDES,
    MESSAGE_MAX_BYTES,
    METADATA_SNAPSHOT_INTERVAL_MS,
    MIN_INSYNC_REPLICAS,
    NODE_ID,
    NUM_IO_THREADS,
    NUM_NETWORK_THREADS,
    NUM_PARTITIONS,
    OFFSET_METADATA_MAX_BYTES,
    OFFSETS_COMMIT_TIMEOUT_MS,
    OFFSETS_RETENTION_CHECK_INTERVAL_MS,
    OFFSETS_RETENTION_MINUTES,
    OFFSETS_TOPIC_NUM_PARTITIONS,
    OFFSETS_TOPIC_REPLICATION_FACTOR,
    PROCESS_ROLES,
    PRODUCER_ID_EXPIRATION_MS,
    QUEUED_MAX_REQUEST_BYTES,
    REPLICA_SELECTOR_CLASS,
    REQUEST_TIMEOUT_MS,
    SASL_ENABLED_MECHANISMS,
    SASL_MECHANISM_INTER_BROKER_PROTOCOL,
    SASL_OAUTHBEARER_ALLOW_PLAINTEXT,
    SASL_OAUTHBEARER_ALLOWED_URLS,
    SASL_OAUTHBEARER_CLOCK_SKEW_SECONDS,
    SASL_OAUTHBEARER_EXPECTED_AUDIENCE,
    SASL_OAUTHBEARER_EXPECTED_ISSUER,
    SASL_OAUTHBEARER_JWKS_ENDPOINT_REFRESH_MS,
    SASL_OAUTHBEARER_JWKS_ENDPOINT_RETRY_BACKOFF_MAX_MS,
    SASL_OAUTHBEARER_JWKS_ENDPOINT_RETRY_BACKOFF_MS,
    SASL_OAUTHBEARER_JWKS_ENDPOINT_TRUSTSTORE_LOCATION,
    SASL_OAUTHBEARER_JWKS_ENDPOINT_URL,
    SASL_OAUTHBEARER_SUB_CLAIM_NAME,
    SASL_PLAIN_ALLOW_PLAINTEXT,
    SESSION_LEASE_MARGIN,
    SESSION_LEASE_TTL,
    SOCKET_REQUEST_MAX_BYTES,
    SSL_CLIENT_AUTH,
    SSL_ENABLED_PROTOCOLS,
    SSL_ENDPOINT_IDENTIFICATION_ALGORITHM,
    SSL_KEYSTORE_CERTIFICATE_CHAIN,
    SSL_KEYSTORE_KEY,
    SSL_KEYSTORE_LOCATION,
    SSL_KEYSTORE_TYPE,
    SSL_PRINCIPAL_MAPPING_RULES,
    SSL_REFRESH_INTERVAL,
    SSL_TRUSTSTORE_CERTIFICATES,
    SSL_TRUSTSTORE_LOCATION,
    SSL_TRUSTSTORE_TYPE,
    SUPER_USERS,
    TRANSACTION_ABORT_INTERVAL_MS,
    TRANSACTION_MAX_TIMEOUT_MS,
    TRANSACTION_EXPIRY_INTERVAL_MS,
    TRANSACTION_STATE_LOG_MIN_ISR,
    TRANSACTION_STATE_LOG_NUM_PARTITIONS,
    TRANSACTION_STATE_LOG_REPLICATION_FACTOR,
    TRANSACTIONAL_ID_EXPIRATION_MS,
    UNCLEAN_LEADER_ELECTION_ENABLE,
    UNCLEAN_TAKEOVER_DELAY,
    WAL_EPHEMERAL,
    WAL_MAX_BYTES,
];

/// Every broker key, by name.
pub fn broker_keys() -> &'static [ConfigKey] {
    &TABLE
}

/// The broker key of that name.
///
/// # Errors
/// [`InvalidConfig::UnknownKey`], with the nearest known key.
pub fn broker_key(name: &str) -> Result<&'static ConfigKey, InvalidConfig> {
    TABLE
        .iter()
        .find(|key| key.name == name)
        .ok_or_else(|| InvalidConfig::unknown(name, TABLE.iter().map(|key| key.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_valid() {
        for key in broker_keys() {
            if let Some(default) = key.default {
                key.validate(default).unwrap();
            }
            assert!(!key.documentation.is_empty(), "{}", key.name);
        }
    }

    #[test]
    fn keys_are_sorted_and_named_once() {
        assert!(TABLE.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn a_misspelt_key_suggests_the_right_one() {
        let error = broker_key("num.partition").unwrap_err();
        assert_eq!(error.to_string(), "unknown config num.partition; did you mean num.partitions?");
    }
}
