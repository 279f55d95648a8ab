//! Counters whose growth is an alert: shown from the start, as one that begins with its first increment never grew for Prometheus.

/// Those without labels.
const ALERTED: [&str; 20] = [
    "alluvium_commit_failures_total",
    "alluvium_commits_fenced_total",
    "alluvium_commits_stopped_total",
    "alluvium_damaged_reads_total",
    "alluvium_fold_failures_total",
    "alluvium_metadata_snapshot_failures_total",
    "alluvium_ownerships_lost_total",
    "alluvium_rewrite_failures_total",
    "alluvium_segment_put_failures_total",
    "alluvium_wal_disk_full_total",
    "alluvium_wal_failures_total",
    "alluvium_wal_quarantined_frames_given_up_total",
    "alluvium_wal_quarantines_total",
    "cluster_epoch_jumps_total",
    "cluster_partitions_gone_offline_total",
    "cluster_sessions_lost_total",
    "cluster_unclean_takeovers_total",
    "kafka_connections_refused_total",
    "kafka_failed_authentications_total",
    "kafka_invalid_requests_total",
];

/// Errors to clients that say something of this broker rather than of what they asked.
const ERRORS: [&str; 5] = [
    "CorruptMessage",
    "KafkaStorageError",
    "NotEnoughReplicas",
    "RequestTimedOut",
    "UnknownServerError",
];

/// Gauges that only some brokers set: the others show nothing wrong.
const AT_REST: [&str; 1] = ["cluster_offline_partitions"];

/// Shows them.
pub(crate) fn show() {
    for counter in ALERTED {
        metrics::counter!(counter).increment(0);
    }
    for error in ERRORS {
        metrics::counter!("kafka_errors_total", "error" => error).increment(0);
    }
    for gauge in AT_REST {
        metrics::gauge!(gauge).set(0.0);
    }
}
