//! How groups are judged by how far they are behind (crate `lag`): keys of this process alone. Defaults are Burrow's.

use super::{
    ConfigKey,
    ConfigType::{Boolean, Double, Int, Long, Password, String as Text},
    Importance::Low,
    Validator::{AtLeast, Between, Duration, Fraction, NotEmpty, OneOf, PositiveDuration},
};

/// `lag.evaluator.allowed.lag`.
pub const LAG_EVALUATOR_ALLOWED_LAG: ConfigKey =
    ConfigKey::broker("lag.evaluator.allowed.lag", Long, "0")
        .takes(AtLeast(0))
        .important(Low)
        .documented("Lag in records that counts as none.");

/// `lag.evaluator.cluster.name`.
pub const LAG_EVALUATOR_CLUSTER_NAME: ConfigKey =
    ConfigKey::broker("lag.evaluator.cluster.name", Text, "local")
        .takes(NotEmpty)
        .documented("What this cluster is called in /v3/kafka and in Burrow's metrics.");

/// `lag.evaluator.clusters`.
pub const LAG_EVALUATOR_CLUSTERS: ConfigKey =
    ConfigKey::unset("lag.evaluator.clusters", Text).takes(NotEmpty).documented(
        "Other clusters whose groups this broker judges: `name=host:port[,host:port…]`, separated by semicolons; over plaintext listeners.",
    );

/// `lag.evaluator.enable`.
pub const LAG_EVALUATOR_ENABLE: ConfigKey =
    ConfigKey::broker("lag.evaluator.enable", Boolean, "true")
        .documented("Whether this broker judges the groups that it coordinates, as Burrow would.");

/// `lag.evaluator.expire.group`.
pub const LAG_EVALUATOR_EXPIRE_GROUP: ConfigKey =
    ConfigKey::broker("lag.evaluator.expire.group", Text, "7d")
        .takes(PositiveDuration)
        .important(Low)
        .documented("A group that commits nothing for so long is not judged any more.");

/// `lag.evaluator.intervals`.
pub const LAG_EVALUATOR_INTERVALS: ConfigKey =
    ConfigKey::broker("lag.evaluator.intervals", Int, "10")
        .takes(Between(2, 1_000))
        .documented("The last commits of a partition by which a group is judged.");

/// `lag.evaluator.max.partitions`.
pub const LAG_EVALUATOR_MAX_PARTITIONS: ConfigKey =
    ConfigKey::broker("lag.evaluator.max.partitions", Int, "100000")
        .takes(AtLeast(1))
        .documented(
            "Partitions of groups that are judged in each cluster, of all groups together; each takes up to 1 KiB with the default of intervals.",
        );

/// `lag.evaluator.min.distance`.
pub const LAG_EVALUATOR_MIN_DISTANCE: ConfigKey =
    ConfigKey::broker("lag.evaluator.min.distance", Text, "1s")
        .takes(Duration)
        .important(Low)
        .documented("Commits that follow each other sooner count as one.");

/// `lag.evaluator.minimum.complete`.
pub const LAG_EVALUATOR_MINIMUM_COMPLETE: ConfigKey =
    ConfigKey::broker("lag.evaluator.minimum.complete", Double, "0.0")
        .takes(Fraction(0.0, 1.0))
        .important(Low)
        .documented(
            "A partition counts as well until this part of the commits to judge it by is known.",
        );

/// `lag.evaluator.offset.refresh`.
pub const LAG_EVALUATOR_OFFSET_REFRESH: ConfigKey =
    ConfigKey::broker("lag.evaluator.offset.refresh", Text, "10s")
        .takes(PositiveDuration)
        .documented("How often it is noted where the logs end that groups read.");

/// `lag.evaluator.topic.refresh`.
pub const LAG_EVALUATOR_TOPIC_REFRESH: ConfigKey =
    ConfigKey::broker("lag.evaluator.topic.refresh", Text, "60s")
        .takes(PositiveDuration)
        .important(Low)
        .documented("How often other clusters are asked for their topics.");

/// `lag.notifier.group.allowlist`.
pub const LAG_NOTIFIER_GROUP_ALLOWLIST: ConfigKey =
    ConfigKey::unset("lag.notifier.group.allowlist", Text)
        .takes(NotEmpty)
        .documented("Only groups are told of whose names this regular expression matches.");

/// `lag.notifier.group.denylist`.
pub const LAG_NOTIFIER_GROUP_DENYLIST: ConfigKey =
    ConfigKey::unset("lag.notifier.group.denylist", Text)
        .takes(NotEmpty)
        .documented("No groups are told of whose names this regular expression matches.");

/// `lag.notifier.http.authorization`.
pub const LAG_NOTIFIER_HTTP_AUTHORIZATION: ConfigKey =
    ConfigKey::unset("lag.notifier.http.authorization", Password)
        .takes(NotEmpty)
        .documented("Value of the header Authorization of notices.");

/// `lag.notifier.http.method.close`.
pub const LAG_NOTIFIER_HTTP_METHOD_CLOSE: ConfigKey =
    ConfigKey::broker("lag.notifier.http.method.close", Text, "POST")
        .takes(OneOf(&["DELETE", "PATCH", "POST", "PUT"]))
        .documented("How the end of an incident is sent.");

/// `lag.notifier.http.method.open`.
pub const LAG_NOTIFIER_HTTP_METHOD_OPEN: ConfigKey =
    ConfigKey::broker("lag.notifier.http.method.open", Text, "POST")
        .takes(OneOf(&["DELETE", "PATCH", "POST", "PUT"]))
        .documented("How an incident is sent.");

/// `lag.notifier.http.template.close`.
pub const LAG_NOTIFIER_HTTP_TEMPLATE_CLOSE: ConfigKey =
    ConfigKey::unset("lag.notifier.http.template.close", Text).takes(NotEmpty).documented(
        "File with the body that tells of the end of an incident, in Jinja's syntax; unset, JSON.",
    );

/// `lag.notifier.http.template.open`.
pub const LAG_NOTIFIER_HTTP_TEMPLATE_OPEN: ConfigKey =
    ConfigKey::unset("lag.notifier.http.template.open", Text).takes(NotEmpty).documented(
        "File with the body that tells of an incident, in Jinja's syntax; unset, JSON.",
    );

/// `lag.notifier.http.url.close`.
pub const LAG_NOTIFIER_HTTP_URL_CLOSE: ConfigKey =
    ConfigKey::unset("lag.notifier.http.url.close", Text).takes(NotEmpty).documented(
        "Where the end of an incident is sent, in Jinja's syntax; unset, where the incident was.",
    );

/// `lag.notifier.http.url.open`.
pub const LAG_NOTIFIER_HTTP_URL_OPEN: ConfigKey = ConfigKey::unset(
    "lag.notifier.http.url.open",
    Text,
)
.takes(NotEmpty)
.documented(
    "Where it is sent that a group of this broker is not well, in Jinja's syntax; unset, nowhere.",
);

/// `lag.notifier.interval`.
pub const LAG_NOTIFIER_INTERVAL: ConfigKey =
    ConfigKey::broker("lag.notifier.interval", Text, "60s")
        .takes(PositiveDuration)
        .documented("How often groups are looked at for notices.");

/// `lag.notifier.send.close`.
pub const LAG_NOTIFIER_SEND_CLOSE: ConfigKey =
    ConfigKey::broker("lag.notifier.send.close", Boolean, "true")
        .documented("Whether the end of an incident is sent.");

/// `lag.notifier.send.interval`.
pub const LAG_NOTIFIER_SEND_INTERVAL: ConfigKey =
    ConfigKey::broker("lag.notifier.send.interval", Text, "60s")
        .takes(Duration)
        .documented("An incident is sent again after so long.");

/// `lag.notifier.send.once`.
pub const LAG_NOTIFIER_SEND_ONCE: ConfigKey =
    ConfigKey::broker("lag.notifier.send.once", Boolean, "false")
        .documented("Whether an incident is sent once only.");

/// `lag.notifier.threshold`.
pub const LAG_NOTIFIER_THRESHOLD: ConfigKey =
    ConfigKey::broker("lag.notifier.threshold", Text, "WARN")
        .takes(OneOf(&["WARN", "ERR"]))
        .documented("The status from which on a group is told of.");

/// `lag.notifier.timeout`.
pub const LAG_NOTIFIER_TIMEOUT: ConfigKey =
    ConfigKey::broker("lag.notifier.timeout", Text, "5s").takes(PositiveDuration).documented(
        "A notice that is not answered for so long has failed, and is sent again at the next look.",
    );

pub(super) static TABLE: [ConfigKey; 26] = [
    LAG_EVALUATOR_ALLOWED_LAG,
    LAG_EVALUATOR_CLUSTER_NAME,
    LAG_EVALUATOR_CLUSTERS,
    LAG_EVALUATOR_ENABLE,
    LAG_EVALUATOR_EXPIRE_GROUP,
    LAG_EVALUATOR_INTERVALS,
    LAG_EVALUATOR_MAX_PARTITIONS,
    LAG_EVALUATOR_MIN_DISTANCE,
    LAG_EVALUATOR_MINIMUM_COMPLETE,
    LAG_EVALUATOR_OFFSET_REFRESH,
    LAG_EVALUATOR_TOPIC_REFRESH,
    LAG_NOTIFIER_GROUP_ALLOWLIST,
    LAG_NOTIFIER_GROUP_DENYLIST,
    LAG_NOTIFIER_HTTP_AUTHORIZATION,
    LAG_NOTIFIER_HTTP_METHOD_CLOSE,
    LAG_NOTIFIER_HTTP_METHOD_OPEN,
    LAG_NOTIFIER_HTTP_TEMPLATE_CLOSE,
    LAG_NOTIFIER_HTTP_TEMPLATE_OPEN,
    LAG_NOTIFIER_HTTP_URL_CLOSE,
    LAG_NOTIFIER_HTTP_URL_OPEN,
    LAG_NOTIFIER_INTERVAL,
    LAG_NOTIFIER_SEND_CLOSE,
    LAG_NOTIFIER_SEND_INTERVAL,
    LAG_NOTIFIER_SEND_ONCE,
    LAG_NOTIFIER_THRESHOLD,
    LAG_NOTIFIER_TIMEOUT,
];
