//! Keys of a Kafka `server.properties` that mean nothing here, and why. Security keys are not among them: one that is
//! not understood must stop the start, never be skipped.

/// Prefixes of harmless keys, each with the reason that a person is told.
const HARMLESS: [(&str, &str); 16] = [
    (
        "controller.quorum.",
        "there is no controller quorum, metadata lives in etcd or in the data directory",
    ),
    ("controller.listener.names", "there is no controller quorum"),
    ("zookeeper.", "there is no ZooKeeper"),
    ("metadata.log.", "metadata lives in etcd or in the data directory"),
    ("metadata.max.", "metadata lives in etcd or in the data directory"),
    ("log.dir", "the data directory is --data-dir"),
    ("replica.", "there are no replicas to fetch"),
    ("num.replica.", "there are no replicas to fetch"),
    (
        "leader.imbalance.per.broker.percentage",
        "brokers' numbers of partitions differ by one at most",
    ),
    ("num.recovery.threads.per.data.dir", "recovery needs no thread pool"),
    ("num.network.threads", "one thread a core serves everything"),
    ("num.io.threads", "one thread a core serves everything"),
    ("background.threads", "one thread a core serves everything"),
    ("socket.send.buffer.bytes", "the operating system sizes socket buffers"),
    ("socket.receive.buffer.bytes", "the operating system sizes socket buffers"),
    ("log.cleaner.io.buffer.", "the cleaner reads what the store answers, up to 8 MiB at a time"),
];

/// Why `key` has no effect here; `None` for a key that must not be skipped.
pub(super) fn reason(key: &str) -> Option<&'static str> {
    HARMLESS.iter().find(|(prefix, _)| key.starts_with(prefix)).map(|(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_keys_are_never_skipped() {
        for key in [
            "ssl.keystore.location",
            "sasl.enabled.mechanisms",
            "authorizer.class.name",
            "super.users",
        ] {
            assert_eq!(reason(key), None, "{key}");
        }
    }
}
