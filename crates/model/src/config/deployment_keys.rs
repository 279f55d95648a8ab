//! Where a broker finds its disks and stores, and what it tells about itself: keys of this process alone.

use super::{
    ConfigKey,
    ConfigType::{Boolean, Double, Long, Password, String as Text},
    Importance::{High, Low},
    InvalidConfig,
    Validator::{AtLeast, Fraction, NotEmpty, OneOf, PositiveDuration, ZeroOrAtLeast},
    broker_keys, lag_keys,
};

/// `cache.dir`.
pub const CACHE_DIR: ConfigKey = ConfigKey::unset("cache.dir", Text)
    .takes(NotEmpty)
    .important(High)
    .documented("The directory of the read cache on disk, best on local NVMe; one broker each. Unset, `cache` beside the write-ahead log's.");

/// `cache.max.bytes`.
pub const CACHE_MAX_BYTES: ConfigKey = ConfigKey::unset("cache.max.bytes", Long)
    .takes(ZeroOrAtLeast(67_108_864))
    .important(High)
    .documented("Bytes of local disk, reserved at the start, for what is read from the object store; 0 for none. Unset: 1 GiB, but none where objects lie in a directory.");

/// `console.enable`.
pub const CONSOLE_ENABLE: ConfigKey =
    ConfigKey::unset("console.enable", Boolean).important(High).documented(
        "Whether http.address serves the console, a page about the cluster. Unset: with an embedded metadata store, if that address is loopback. On any other address it needs console.token.",
    );

/// `console.token`.
pub const CONSOLE_TOKEN: ConfigKey =
    ConfigKey::unset("console.token", Password).takes(NotEmpty).important(High).documented(
        "What the console's callers must bring, 16 characters or more: whoever has it reads all records, and changes what console.writes.enable says. Unset, whoever reaches the loopback address does.",
    );

/// `console.writes.enable`.
pub const CONSOLE_WRITES_ENABLE: ConfigKey =
    ConfigKey::unset("console.writes.enable", Boolean).important(High).documented(
        "Whether the console changes anything (topics, configs, offsets, access rules) for those whom it answers, and for no page of another site. Unset: with console.token; without, with an embedded metadata store whose listeners let everybody do the same.",
    );

/// `data.dir`.
pub const DATA_DIR: ConfigKey = ConfigKey::broker("data.dir", Text, "./alluvium-data")
    .takes(NotEmpty)
    .important(High)
    .documented("Where an embedded deployment keeps everything.");

/// `http.admin.token`.
pub const HTTP_ADMIN_TOKEN: ConfigKey =
    ConfigKey::unset("http.admin.token", Password).takes(NotEmpty).important(High).documented(
        "What callers of /admin/… at http.address must bring, 16 characters or more. Unset, nobody is let in, but for http.admin.open.on.loopback.",
    );

/// `http.admin.open.on.loopback`.
pub const HTTP_ADMIN_OPEN_ON_LOOPBACK: ConfigKey =
    ConfigKey::broker("http.admin.open.on.loopback", Boolean, "false").important(Low).documented(
        "Whether /admin/… answers callers of the same machine without http.admin.token: every user of the machine is one.",
    );

/// `etcd.password`.
pub const ETCD_PASSWORD: ConfigKey = ConfigKey::unset("etcd.password", Password)
    .takes(NotEmpty)
    .documented("The password of etcd.username.");

/// `etcd.ssl.ca.location`.
pub const ETCD_SSL_CA_LOCATION: ConfigKey =
    ConfigKey::unset("etcd.ssl.ca.location", Text).takes(NotEmpty).documented(
        "A PEM file with the certificates that etcd's are trusted by. Needed with `etcds://`.",
    );

/// `etcd.ssl.certificate.location`.
pub const ETCD_SSL_CERTIFICATE_LOCATION: ConfigKey =
    ConfigKey::unset("etcd.ssl.certificate.location", Text).takes(NotEmpty).documented(
        "A PEM file with the certificate (and its chain) that this broker shows to etcd.",
    );

/// `etcd.ssl.key.location`.
pub const ETCD_SSL_KEY_LOCATION: ConfigKey = ConfigKey::unset("etcd.ssl.key.location", Text)
    .takes(NotEmpty)
    .documented("A PEM file with the private key of that certificate, not encrypted.");

/// `etcd.username`.
pub const ETCD_USERNAME: ConfigKey = ConfigKey::unset("etcd.username", Text)
    .takes(NotEmpty)
    .documented("As whom this broker logs in at etcd, where etcd asks for a password.");

/// `http.address`.
pub const HTTP_ADDRESS: ConfigKey = ConfigKey::broker("http.address", Text, "127.0.0.1:9640")
    .takes(NotEmpty)
    .important(High)
    .documented("Address of /health, /metrics and /v3/kafka (lag); `off` for none.");

/// `log.filter`.
pub const LOG_FILTER: ConfigKey = ConfigKey::broker("log.filter", Text, "info")
    .takes(NotEmpty)
    .important(Low)
    .documented("What is logged: a level, or levels by module such as `info,kafka=debug`.");

/// `log.format`.
pub const LOG_FORMAT: ConfigKey = ConfigKey::broker("log.format", Text, "human")
    .takes(OneOf(&["human", "json"]))
    .important(Low)
    .documented("How log lines look.");

/// `schema.registry.address`.
pub const SCHEMA_REGISTRY_ADDRESS: ConfigKey = ConfigKey::unset("schema.registry.address", Text)
    .takes(NotEmpty)
    .important(High)
    .documented("Address of the schema registry, Confluent's REST API; `off` for none. Unset: 127.0.0.1:8081 with an embedded metadata store, unless that is taken; `off` otherwise.");

/// `schema.registry.authentication`.
pub const SCHEMA_REGISTRY_AUTHENTICATION: ConfigKey =
    ConfigKey::broker("schema.registry.authentication", Text, "none")
        .takes(OneOf(&["none", "basic"]))
        .important(High)
        .documented("Who may reach the schema registry: `none` lets in everybody, as User:ANONYMOUS; `basic` asks for the name and password of a user with SCRAM credentials. What a user may do then is the authorizer's to say.");

/// `metadata`.
pub const METADATA: ConfigKey = ConfigKey::broker("metadata", Text, "embedded")
    .takes(NotEmpty)
    .important(High)
    .documented("The metadata store: `embedded`, `etcd://host:port[,host:port…][/prefix]`, or with TLS `etcds://…`.");

/// `network.bytes.per.second`.
pub const NETWORK_BYTES_PER_SECOND: ConfigKey =
    ConfigKey::unset("network.bytes.per.second", Long).takes(AtLeast(1)).important(Low).documented(
        "Bytes a second that this machine's network moves each way: what alluvium_utilization judges it by. Unset, the network is no part of that.",
    );

/// `object.store`.
pub const OBJECT_STORE: ConfigKey = ConfigKey::unset("object.store", Text)
    .takes(NotEmpty)
    .important(High)
    .documented(
        "Where segments are kept: `file:///directory` or `s3://bucket/prefix`; unset, a folder of the data directory.",
    );

/// `object.store.endpoint`.
pub const OBJECT_STORE_ENDPOINT: ConfigKey =
    ConfigKey::unset("object.store.endpoint", Text).takes(NotEmpty).important(High).documented(
        "Endpoint of an S3-compatible store, such as `http://127.0.0.1:9000`; unset, AWS's.",
    );

/// `object.store.ssl.ca.location`.
pub const OBJECT_STORE_SSL_CA_LOCATION: ConfigKey = ConfigKey::unset(
    "object.store.ssl.ca.location",
    Text,
)
.takes(NotEmpty)
.documented(
    "A PEM file with certificates that an S3-compatible store is trusted by, beside the system's.",
);

/// `otlp.endpoint`.
pub const OTLP_ENDPOINT: ConfigKey = ConfigKey::unset("otlp.endpoint", Text)
    .takes(NotEmpty)
    .important(Low)
    .documented("OTLP/gRPC collector that traces go to, and what else the otlp keys ask for, such as `http://127.0.0.1:4317`. Headers such as tokens are taken from the environment, OTEL_EXPORTER_OTLP_HEADERS.");

/// `otlp.logs.filter`.
pub const OTLP_LOGS_FILTER: ConfigKey =
    ConfigKey::unset("otlp.logs.filter", Text).takes(NotEmpty).important(Low).documented(
        "Which log lines go to otlp.endpoint too, as in log.filter: `warn` for what an operator should see. Unset, none.",
    );

/// `otlp.metrics.interval`.
pub const OTLP_METRICS_INTERVAL: ConfigKey =
    ConfigKey::unset("otlp.metrics.interval", Text).takes(PositiveDuration).important(Low).documented(
        "How often what /metrics says goes to otlp.endpoint, such as `1m`. Unset, never: most have it scraped.",
    );

/// `otlp.traces.sample.ratio`.
pub const OTLP_TRACES_SAMPLE_RATIO: ConfigKey =
    ConfigKey::broker("otlp.traces.sample.ratio", Double, "0.01")
        .takes(Fraction(0.0, 1.0))
        .important(Low)
        .documented("The part of all requests whose traces go to otlp.endpoint; 0 for none.");

/// `wal.dir`.
pub const WAL_DIR: ConfigKey = ConfigKey::unset("wal.dir", Text)
    .takes(NotEmpty)
    .important(High)
    .documented("The write-ahead log's directory, on a disk of its own; unset, a folder of the data directory.");

/// `wal.file.bytes`.
pub const WAL_FILE_BYTES: ConfigKey = ConfigKey::broker("wal.file.bytes", Long, "67108864")
    .takes(AtLeast(1_048_576))
    .important(Low)
    .documented("Size of one file of the write-ahead log.");

static TABLE: [ConfigKey; 29] = [
    CACHE_DIR,
    CACHE_MAX_BYTES,
    CONSOLE_ENABLE,
    CONSOLE_TOKEN,
    CONSOLE_WRITES_ENABLE,
    DATA_DIR,
    ETCD_PASSWORD,
    ETCD_SSL_CA_LOCATION,
    ETCD_SSL_CERTIFICATE_LOCATION,
    ETCD_SSL_KEY_LOCATION,
    ETCD_USERNAME,
    HTTP_ADMIN_TOKEN,
    HTTP_ADMIN_OPEN_ON_LOOPBACK,
    HTTP_ADDRESS,
    SCHEMA_REGISTRY_ADDRESS,
    SCHEMA_REGISTRY_AUTHENTICATION,
    LOG_FILTER,
    LOG_FORMAT,
    METADATA,
    NETWORK_BYTES_PER_SECOND,
    OBJECT_STORE,
    OBJECT_STORE_ENDPOINT,
    OBJECT_STORE_SSL_CA_LOCATION,
    OTLP_ENDPOINT,
    OTLP_LOGS_FILTER,
    OTLP_METRICS_INTERVAL,
    OTLP_TRACES_SAMPLE_RATIO,
    WAL_DIR,
    WAL_FILE_BYTES,
];

/// Every key that a broker process takes from flags, environment or file: its own, and those of all brokers.
pub fn process_keys() -> impl Iterator<Item = &'static ConfigKey> {
    TABLE.iter().chain(&lag_keys::TABLE).chain(broker_keys())
}

/// The process key of that name.
///
/// # Errors
/// [`InvalidConfig::UnknownKey`], with the nearest known key.
pub fn process_key(name: &str) -> Result<&'static ConfigKey, InvalidConfig> {
    process_keys()
        .find(|key| key.name == name)
        .ok_or_else(|| InvalidConfig::unknown(name, process_keys().map(|key| key.name)))
}
