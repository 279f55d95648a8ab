//! `alluvium serve`: starts a broker in the order that its parts need each other, and drains it.

use crate::{
    Failure, banner,
    deployment::{self, Deployment},
    listening::Listening,
    markers::{ClusterProducerIds, PartitionMarkers},
    slot_logs::PartitionSlotLogs,
    wal_slot::WalSlot,
    wiring::{BrokerHealth, ClusterAuthority, ClusterTopics, Engines},
};
use cluster::{Cluster, ClusterOptions, ClusterParts, Identity};
use coordinator::{
    Coordinator, CoordinatorOptions, CoordinatorParts,
    group::{ConsumerLimits, GroupLimits, Migration, consumer::Assignor},
    transaction::TransactionOptions,
};
use kafka::{Broker, BrokerOptions, Peers, Server, ServerOptions};
use model::{
    BrokerId, ClusterId,
    config::{broker, deployment as process, parse_boolean, parse_list},
};
use observability::{HttpServer, LogFormat, Telemetry, TelemetryOptions};
use partition_log::{CleanerOptions, EngineOptions, PartitionLogs, Parts};
use runtime::{Clock, Randomness, Tasks};
use settings::Settings;
use std::{process::ExitCode, sync::Arc, time::Duration};
use storage::{Objects, Verdict};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
};
use wal::Wal;

/// How long start-up waits for the broker's own partitions before it says so and goes on waiting.
const READY_PATIENCE: Duration = Duration::from_secs(30);

/// Runs a broker until SIGTERM or Ctrl-C.
///
/// # Errors
/// Whatever stops the start, in one line each; later, that this process can't be this broker any longer.
pub(crate) async fn serve(settings: Settings) -> Result<ExitCode, Failure> {
    install_cryptography();
    let telemetry = set_up_telemetry(&settings)?;
    for line in &settings.not_honoured {
        tracing::warn!("{line}");
    }
    let running = Running::start(settings, &telemetry).await?;
    let cluster = running.cluster.clone();
    let stop_and_drain = async {
        let drain_requested = Arc::clone(&running.drain_requested);
        tokio::select! {
            () = stop_requested() => {}
            () = drain_requested.notified() => {}
        }
        running.drain().await
    };
    let result = tokio::select! {
        clean = stop_and_drain => Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        // What is not stored yet could only be stored under a session that is over: the WAL keeps it, as after a crash.
        reason = cluster.failed() => Err(Failure(reason)),
    };
    telemetry.shut_down();
    result
}

/// One TLS implementation for everything in the process.
pub(crate) fn install_cryptography() {
    // An error means that one is installed already, which is what is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

fn set_up_telemetry(settings: &Settings) -> Result<Telemetry, Failure> {
    let options = TelemetryOptions {
        format: match settings.text(&process::LOG_FORMAT) {
            Some("json") => LogFormat::Json,
            _ => LogFormat::Human,
        },
        filter: settings.text(&process::LOG_FILTER).unwrap_or("info").to_owned(),
        otlp_endpoint: settings.text(&process::OTLP_ENDPOINT).map(str::to_owned),
    };
    Telemetry::set_up(&options).map_err(Failure::from_display)
}

async fn stop_requested() {
    let terminate = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM can't be caught; stop with Ctrl-C");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = terminate => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// A broker at work.
struct Running {
    server: Server,
    logs: PartitionLogs,
    coordinator: Coordinator,
    cluster: Cluster,
    tasks: Tasks,
    drain_timeout: Duration,
    /// Told when the HTTP port is asked to drain.
    drain_requested: Arc<Notify>,
}

impl Running {
    async fn start(mut settings: Settings, telemetry: &Telemetry) -> Result<Self, Failure> {
        let (clock, randomness, tasks) = (Clock::system(), Randomness::system(), Tasks::new());
        fill_in(&mut settings);
        let listening = Listening::bind(&settings).await?;
        let http = bind_http(&settings).await?;
        let stores = Deployment::open(&settings, &clock, &randomness).await?;
        let identity = identity(&settings, &listening)?;
        if !settings.is_embedded() {
            probe(&stores.objects).await?;
        }
        let parts = ClusterParts {
            metadata: Arc::clone(&stores.metadata),
            keys: stores.keys.clone(),
            objects: stores.objects.clone(),
            clock: clock.clone(),
            randomness: randomness.clone(),
            tasks: tasks.clone(),
        };
        let cluster_id =
            Cluster::identify(&parts, &identity).await.map_err(Failure::from_display)?;
        let slot = WalSlot::open(&settings, cluster_id, &randomness)?;
        let on_disk = slot.on_disk().ok_or_else(|| Failure("the WAL is not open".to_owned()))?;
        let cluster =
            Cluster::join(cluster_options(&settings), parts.clone(), identity, on_disk, &slot)
                .await
                .map_err(Failure::from_display)?;
        let (wal, recovery) =
            slot.take().ok_or_else(|| Failure("the WAL is not open".to_owned()))?;
        if recovery.torn_bytes > 0 {
            tracing::info!(
                bytes = recovery.torn_bytes,
                "cut off a torn tail of the WAL: nothing in it was acknowledged"
            );
        }
        let logs = PartitionLogs::new(
            engine_options(&settings, stores.objects_are_local),
            Parts {
                wal: Arc::new(wal) as Arc<dyn Wal>,
                objects: stores.objects.clone(),
                metadata: Arc::clone(&stores.metadata),
                keys: stores.keys.clone(),
                clock,
                randomness: randomness.clone(),
                tasks: tasks.clone(),
                authority: Arc::new(ClusterAuthority(cluster.clone())),
            },
            recovery.frames,
        );
        let listener = settings.text(&broker::INTER_BROKER_LISTENER_NAME).map(str::to_owned);
        let peers = Peers::new(parts.tasks.clone(), listener);
        let coordinator = coordinator(&settings, parts, &cluster, &logs, &peers);
        let http_address = http.as_ref().map(HttpServer::address);
        let drain_requested = Arc::<Notify>::default();
        if let Some(http) = http {
            let health = BrokerHealth {
                cluster: cluster.clone(),
                logs: logs.clone(),
                coordinator: coordinator.clone(),
            };
            let drain_requested = Arc::clone(&drain_requested);
            let drain = Box::new(move || drain_requested.notify_one());
            http.serve(Arc::new(health), drain, telemetry.metrics(), &tasks);
        }
        cluster.run(Arc::new(Engines { logs: logs.clone(), coordinator: coordinator.clone() }));
        wait_until_ready(&cluster).await;
        tell_unclaimed(&logs);
        let addresses = listening.addresses();
        let broker = Broker::new(
            cluster.clone(),
            logs.clone(),
            coordinator.clone(),
            peers,
            broker_options(&settings, &stores),
        );
        let server = Server::start(
            listening.sockets,
            &server_options(&settings),
            broker,
            randomness,
            &tasks,
        );
        for line in banner::lines(&settings, &stores, &addresses, http_address) {
            eprintln!("{line}");
        }
        let drain_timeout = settings.duration(&broker::DRAIN_TIMEOUT);
        Ok(Self { server, logs, coordinator, cluster, tasks, drain_timeout, drain_requested })
    }

    /// Hands partitions over, stops accepting, flushes, commits, answers, closes. Answers whether nothing is left in the WAL.
    async fn drain(self) -> bool {
        self.hand_off().await;
        tracing::info!("stopping: flushing what is buffered");
        self.server.stop_accepting();
        self.coordinator.drain().await;
        let drained = self.logs.drain().await;
        self.server.shut_down().await;
        let clean = match drained {
            Ok(()) => match self.cluster.leave().await {
                Ok(()) => true,
                Err(error) => {
                    tracing::warn!(%error, "the session could not be ended; it ends by itself with its lease");
                    true
                }
            },
            Err(error) => {
                tracing::error!(%error, "not everything could be stored; the WAL keeps it: start again with the same --wal-dir");
                false
            }
        };
        self.tasks.shut_down().await;
        clean
    }
}

impl Running {
    /// While clients are still answered, and sent to the next owners.
    async fn hand_off(&self) {
        if self.drain_timeout.is_zero() {
            return;
        }
        match self.cluster.hand_off(self.drain_timeout).await {
            Ok(0) => tracing::info!("every partition was handed over"),
            Ok(left) => {
                tracing::info!(left, "partitions were not handed over: to nobody, or not in time");
            }
            Err(error) => tracing::warn!(%error, "partitions could not be handed over"),
        }
    }
}

/// Refuses a store that does not keep what the log rests on. The embedded deployment's own directory was tried when it was opened.
async fn probe(objects: &Objects) -> Result<(), Failure> {
    let report = objects.probe().await.map_err(Failure::from_display)?;
    let failed = report.findings().find(|check| check.verdict == Verdict::Fail);
    if let Some(check) = failed {
        return Err(Failure(format!("--object-store {}: {check}", report.store)));
    }
    for check in report.findings() {
        tracing::warn!(store = report.store, %check, "the object store should be looked at");
    }
    Ok(())
}

/// What depends on the deployment, where nothing was set: `wal` durability and broker 1 when embedded.
fn fill_in(settings: &mut Settings) {
    if !settings.is_set(&broker::DURABILITY_MODE) {
        let mode = if settings.is_embedded() { "wal" } else { "object" };
        settings.insert(&broker::DURABILITY_MODE, mode.to_owned());
    }
}

async fn bind_http(settings: &Settings) -> Result<Option<HttpServer>, Failure> {
    let text = settings.text(&process::HTTP_ADDRESS).unwrap_or("off");
    if text == "off" {
        return Ok(None);
    }
    let resolved =
        tokio::net::lookup_host(text).await.ok().and_then(|mut addresses| addresses.next());
    let address = resolved
        .ok_or_else(|| Failure(format!("http.address {text:?} must be host:port, or off")))?;
    HttpServer::bind(address).await.map(Some).map_err(Failure::from_display)
}

fn identity(settings: &Settings, listening: &Listening) -> Result<Identity, Failure> {
    let number = settings.number(&broker::NODE_ID).or_else(|| settings.number(&broker::BROKER_ID));
    let number = match number {
        Some(number) => number,
        None if settings.is_embedded() => 1,
        None => return Err(Failure(
            "--broker-id is needed with --metadata etcd://…: a number of its own for each broker"
                .to_owned(),
        )),
    };
    let broker = u32::try_from(number).ok().and_then(BrokerId::new);
    let cluster_id = settings.text(&broker::CLUSTER_ID).map(ClusterId::new).transpose();
    Ok(Identity {
        broker: broker.ok_or_else(|| Failure(format!("--broker-id {number} is too large")))?,
        rack: settings.text(&broker::BROKER_RACK).map(str::to_owned),
        endpoints: listening.endpoints.clone(),
        cluster_id: cluster_id.map_err(|error| Failure(format!("--cluster-id: {error}")))?,
    })
}

fn cluster_options(settings: &Settings) -> ClusterOptions {
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

fn engine_options(settings: &Settings, objects_are_local: bool) -> EngineOptions {
    let number = |key| settings.number(key).unwrap_or_default();
    EngineOptions {
        flush_max_bytes: number(&broker::FLUSH_MAX_BYTES),
        flush_max_interval: settings.duration(&broker::FLUSH_MAX_INTERVAL),
        flush_idle_interval: settings.duration(&broker::FLUSH_MAX_INTERVAL_IDLE),
        flush_requests_per_second: deployment::flush_budget(settings, objects_are_local),
        flush_uploads: number(&broker::FLUSH_UPLOADS_IN_FLIGHT) as usize,
        buffer_max_bytes: number(&broker::LOG_BUFFER_MAX_BYTES),
        retention_check_interval: Duration::from_millis(number(
            &broker::LOG_RETENTION_CHECK_INTERVAL_MS,
        )),
        delete_delay: Duration::from_millis(number(&broker::LOG_SEGMENT_DELETE_DELAY_MS)),
        producer_expiration: Duration::from_millis(number(&broker::PRODUCER_ID_EXPIRATION_MS)),
        cleaner: cleaner_options(settings),
        merge_min_commits: None,
        fold_fan_in: 64,
    }
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

fn coordinator(
    settings: &Settings,
    parts: ClusterParts,
    cluster: &Cluster,
    logs: &PartitionLogs,
    peers: &Peers,
) -> Coordinator {
    let markers = PartitionMarkers::new(cluster.clone(), logs.clone(), peers.clone(), &parts);
    let slot_logs = PartitionSlotLogs::new(logs.clone(), parts.clock.clone());
    let parts = CoordinatorParts {
        metadata: parts.metadata,
        keys: parts.keys,
        clock: parts.clock,
        randomness: parts.randomness,
        tasks: parts.tasks,
        topics: Arc::new(ClusterTopics(cluster.clone())),
        markers: Arc::new(markers),
        producer_ids: Arc::new(ClusterProducerIds(cluster.clone())),
        slot_logs: Arc::new(slot_logs),
    };
    Coordinator::new(coordinator_options(settings), parts)
}

fn coordinator_options(settings: &Settings) -> CoordinatorOptions {
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

fn broker_options(settings: &Settings, stores: &Deployment) -> BrokerOptions {
    BrokerOptions {
        fetch_max_bytes: settings.number(&broker::FETCH_MAX_BYTES).unwrap_or(55 << 20) as usize,
        log_dir: stores.objects_description.clone(),
        static_configs: settings.values().clone(),
        ..BrokerOptions::default()
    }
}

fn server_options(settings: &Settings) -> ServerOptions {
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
    options
}

async fn wait_until_ready(cluster: &Cluster) {
    let mut waited = Duration::ZERO;
    let step = Duration::from_millis(5);
    while !cluster.is_ready() {
        tokio::time::sleep(step).await;
        waited += step;
        if waited >= READY_PATIENCE {
            tracing::warn!(
                "this broker's partitions are still being opened; clients that connect get retriable errors until then"
            );
            return;
        }
    }
}

fn tell_unclaimed(logs: &PartitionLogs) {
    for (partition, frames, bytes) in logs.unclaimed_frames() {
        tracing::warn!(%partition, frames, bytes, "the WAL has frames of a partition that this broker does not own: they are kept in quarantine, `alluvium wal salvage` reads them");
    }
}
