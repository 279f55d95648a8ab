//! What the settings mean for each engine.

use crate::NodeError;
use cluster::ClusterOptions;
use coordinator::{
    CoordinatorOptions,
    group::{ConsumerLimits, GroupLimits, Migration, consumer::Assignor},
    transaction::TransactionOptions,
};
use kafka::{BrokerOptions, ServerOptions};
use model::config::{broker, parse_boolean, parse_list};
use partition_log::{CleanerOptions, EngineOptions, GatherOptions};
use settings::Settings;
use std::{collections::BTreeMap, net::IpAddr, time::Duration};

pub(crate) fn cluster_options(settings: &Settings) -> ClusterOptions {
    let small = |key| settings.number(key).and_then(|number| u32::try_from(number).ok());
    ClusterOptions {
        lease_ttl: settings.duration(&broker::SESSION_LEASE_TTL),
        lease_margin: settings.duration(&broker::SESSION_LEASE_MARGIN),
        unclean_takeover_delay: settings.duration(&broker::UNCLEAN_TAKEOVER_DELAY),
        static_configs: settings.values().clone(),
        balancing_interval: balancing_interval(settings),
        default_partitions: small(&broker::NUM_PARTITIONS).unwrap_or(1),
        default_replication_factor: small(&broker::DEFAULT_REPLICATION_FACTOR)
            .and_then(|factor| u16::try_from(factor).ok())
            .unwrap_or(1),
    }
}

/// `None`: partitions stay where they are.
fn balancing_interval(settings: &Settings) -> Option<Duration> {
    let interval = settings.number(&broker::LEADER_IMBALANCE_CHECK_INTERVAL_SECONDS)?;
    let balances = settings.text(&broker::AUTO_LEADER_REBALANCE_ENABLE) == Some("true");
    balances.then(|| Duration::from_secs(interval))
}

pub(crate) fn engine_options(settings: &Settings, objects_are_local: bool) -> EngineOptions {
    let number = |key| settings.number(key).unwrap_or_default();
    EngineOptions {
        flush_max_bytes: number(&broker::FLUSH_MAX_BYTES),
        flush_max_interval: settings.duration(&broker::FLUSH_MAX_INTERVAL),
        flush_idle_interval: settings.duration(&broker::FLUSH_MAX_INTERVAL_IDLE),
        flush_requests_per_second: flush_budget(settings, objects_are_local),
        flush_uploads: number(&broker::FLUSH_UPLOADS_IN_FLIGHT) as usize,
        buffer_max_bytes: number(&broker::LOG_BUFFER_MAX_BYTES),
        retention_check_interval: Duration::from_millis(number(
            &broker::LOG_RETENTION_CHECK_INTERVAL_MS,
        )),
        delete_delay: Duration::from_millis(number(&broker::LOG_SEGMENT_DELETE_DELAY_MS)),
        producer_expiration: Duration::from_millis(number(&broker::PRODUCER_ID_EXPIRATION_MS)),
        cleaner: cleaner_options(settings),
        merge_min_commits: None,
        gather: gather_options(settings),
        fold_fan_in: number(&broker::FOLD_COMMITS),
    }
}

/// Bytes of a gathered segment. One is held in memory while it is made: where `log.buffer.max.bytes` is small, half of that.
const GATHERED_SEGMENT_BYTES: u64 = 64 << 20;

fn gather_options(settings: &Settings) -> Option<GatherOptions> {
    let rate = settings.number(&broker::GATHER_IO_MAX_BYTES_PER_SECOND).unwrap_or_default();
    let buffer_bytes = settings.number(&broker::LOG_BUFFER_MAX_BYTES).unwrap_or_default();
    (rate > 0).then_some(GatherOptions {
        bytes_per_second: Some(rate),
        segment_bytes: GATHERED_SEGMENT_BYTES.min(buffer_bytes / 2),
    })
}

fn cleaner_options(settings: &Settings) -> CleanerOptions {
    let number = |key| settings.number(key).unwrap_or_default();
    let rate = settings.text(&broker::LOG_CLEANER_IO_MAX_BYTES_PER_SECOND);
    let rate: Option<f64> = rate.and_then(|text| text.trim().parse().ok());
    CleanerOptions {
        enabled: settings.text(&broker::LOG_CLEANER_ENABLE).and_then(parse_boolean).unwrap_or(true),
        threads: number(&broker::LOG_CLEANER_THREADS) as usize,
        backoff: Duration::from_millis(number(&broker::LOG_CLEANER_BACKOFF_MS)),
        dedupe_buffer_bytes: number(&broker::LOG_CLEANER_DEDUPE_BUFFER_SIZE),
        // Kafka's default, the largest number there is, means no limit.
        bytes_per_second: rate.filter(|rate| *rate < u64::MAX as f64).map(|rate| rate as u64),
    }
}

pub(crate) fn coordinator_options(settings: &Settings) -> CoordinatorOptions {
    let number = |key| settings.number(key).unwrap_or_default();
    let milliseconds = |key| Duration::from_millis(number(key));
    CoordinatorOptions {
        groups: GroupLimits {
            initial_rebalance_delay: milliseconds(&broker::GROUP_INITIAL_REBALANCE_DELAY_MS),
            min_session_timeout: milliseconds(&broker::GROUP_MIN_SESSION_TIMEOUT_MS),
            max_session_timeout: milliseconds(&broker::GROUP_MAX_SESSION_TIMEOUT_MS),
            max_size: number(&broker::GROUP_MAX_SIZE) as usize,
            consumer: consumer_limits(settings),
            ..GroupLimits::default()
        },
        offsets_retention: Duration::from_secs(60 * number(&broker::OFFSETS_RETENTION_MINUTES)),
        offsets_retention_check_interval: milliseconds(
            &broker::OFFSETS_RETENTION_CHECK_INTERVAL_MS,
        ),
        store_patience: milliseconds(&broker::OFFSETS_COMMIT_TIMEOUT_MS),
        transactions: TransactionOptions {
            max_timeout_ms: u32::try_from(number(&broker::TRANSACTION_MAX_TIMEOUT_MS))
                .unwrap_or(u32::MAX),
            id_expiration: milliseconds(&broker::TRANSACTIONAL_ID_EXPIRATION_MS),
            abort_interval: milliseconds(&broker::TRANSACTION_ABORT_INTERVAL_MS),
            expiry_interval: milliseconds(&broker::TRANSACTION_EXPIRY_INTERVAL_MS),
            store_patience: milliseconds(&broker::OFFSETS_COMMIT_TIMEOUT_MS),
        },
    }
}

fn consumer_limits(settings: &Settings) -> ConsumerLimits {
    let number = |key| settings.number(key).unwrap_or_default();
    let milliseconds = |key| Duration::from_millis(number(key));
    let assignors = settings.text(&broker::GROUP_CONSUMER_ASSIGNORS).unwrap_or_default();
    let migration = settings.text(&broker::GROUP_CONSUMER_MIGRATION_POLICY).unwrap_or_default();
    ConsumerLimits {
        session_timeout: milliseconds(&broker::GROUP_CONSUMER_SESSION_TIMEOUT_MS),
        heartbeat_interval: milliseconds(&broker::GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS),
        max_size: number(&broker::GROUP_CONSUMER_MAX_SIZE) as usize,
        assignors: parse_list(assignors).into_iter().filter_map(Assignor::from_name).collect(),
        migration: Migration::from_name(migration).unwrap_or_default(),
    }
}

pub(crate) fn broker_options(settings: &Settings, log_dir: String) -> BrokerOptions {
    BrokerOptions {
        fetch_max_bytes: settings.number(&broker::FETCH_MAX_BYTES).unwrap_or(55 << 20) as usize,
        log_dir,
        static_configs: settings.values().clone(),
        ..BrokerOptions::default()
    }
}

/// # Errors
/// [`NodeError::Security`]: what is said of addresses is not understood.
pub(crate) fn server_options(settings: &Settings) -> Result<ServerOptions, NodeError> {
    let mut options = ServerOptions::default();
    if let Some(bytes) = settings.number(&broker::SOCKET_REQUEST_MAX_BYTES) {
        options.request_max_bytes = bytes as usize;
    }
    if let Some(bytes) = settings.number(&broker::QUEUED_MAX_REQUEST_BYTES) {
        options.queued_request_max_bytes = bytes;
    }
    if let Some(milliseconds) = settings.number(&broker::CONNECTIONS_MAX_IDLE_MS) {
        options.connections_max_idle = Duration::from_millis(milliseconds);
    }
    if let Some(connections) = settings.number(&broker::MAX_CONNECTIONS) {
        options.max_connections = connections as usize;
    }
    if let Some(connections) = settings.number(&broker::MAX_CONNECTIONS_PER_IP) {
        options.max_connections_per_ip = connections as usize;
    }
    let overrides = settings.text(&broker::MAX_CONNECTIONS_PER_IP_OVERRIDES).unwrap_or_default();
    options.max_connections_per_ip_overrides = connections_by_address(overrides)?;
    let rate = settings.number(&broker::MAX_CONNECTION_CREATION_RATE);
    // Kafka's default, the largest number there is, means no limit.
    options.max_connection_creation_rate =
        rate.filter(|rate| *rate < i32::MAX as u64).and_then(|rate| u32::try_from(rate).ok());
    Ok(options)
}

/// `address:number,…`, where an address may have colons.
fn connections_by_address(text: &str) -> Result<BTreeMap<IpAddr, usize>, NodeError> {
    let read = |item: &str| {
        let (address, number) = item.rsplit_once(':')?;
        let address = address.trim_start_matches('[').trim_end_matches(']');
        let address: IpAddr = address.trim().parse().ok()?;
        Some((address.to_canonical(), number.trim().parse().ok()?))
    };
    let items = parse_list(text).into_iter().map(|item| {
        read(item).ok_or_else(|| {
            NodeError::Security(format!(
                "max.connections.per.ip.overrides: {item:?} must be address:number, such as 10.0.0.1:100 (names are not resolved)"
            ))
        })
    });
    items.collect()
}

/// The flush request budget in force: as set, else what suits the store. `None` is no limit.
pub fn flush_budget(settings: &Settings, objects_are_local: bool) -> Option<u32> {
    match settings.number(&broker::FLUSH_REQUESTS_PER_SECOND) {
        Some(0) => None,
        Some(number) => u32::try_from(number).ok(),
        None => Some(if objects_are_local { 50 } else { 20 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_numbers_of_their_own() {
        let read = connections_by_address("10.0.0.1:100, ::1:5,[::2]:0").unwrap();
        let expected = [("10.0.0.1", 100), ("::1", 5), ("::2", 0)];
        let expected = expected.map(|(address, number)| (address.parse().unwrap(), number));
        assert_eq!(read, BTreeMap::from(expected));
        assert!(connections_by_address("").unwrap().is_empty());
        for wrong in ["host:1", "10.0.0.1", "10.0.0.1:x", "10.0.0.1:-1"] {
            assert!(connections_by_address(wrong).is_err(), "{wrong}");
        }
    }
}
