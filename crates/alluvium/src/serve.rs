//! `alluvium serve`: starts a broker in the order that its parts need each other, and drains it.

use crate::{
    Failure, admin_options::admit_admin, banner, console_options::console_options,
    deployment::Deployment, gauges, health::BrokerHealth, listening::Listening, read_cache,
    schema_registry_port::SchemaRegistryPort,
};
use axum::Router;
use cluster::Identity;
use kafka::Server;
use lag::Evaluator;
use model::{
    BrokerId, ClusterId,
    config::{broker, deployment as process, wal_is_ephemeral},
};
use node::{HTTP_LISTENER, Node, REGISTRY_ENDPOINT, Surroundings};
use observability::{
    HttpParts, HttpServer, LogFormat, OtlpOptions, RenderDetail, Telemetry, TelemetryOptions,
};
use partition_log::{GatherFrom, Spool};
use runtime::{Clock, Randomness, Tasks, disk::LocalDisk, net::Tcp};
use settings::Settings;
use std::{
    path::Path,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use storage::{Objects, Verdict};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
};
use wal::{Drive, WalError};

/// The directory, in the WAL's, of copies of segments that are to be gathered.
const SPOOL: &str = "gather";

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
    let cluster = running.node.cluster().clone();
    let stop_and_drain = async {
        let drain_requested = Arc::clone(&running.drain_requested);
        tokio::select! {
            () = stop_requested() => {}
            () = drain_requested.notified() => {}
        }
        running.node.drain(running.server).await
    };
    let result = tokio::select! {
        clean = stop_and_drain => Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        // What is not stored yet could only be stored under a session that is over: the WAL keeps it, as after a crash.
        reason = cluster.failed() => Err(Failure(reason)),
    };
    telemetry.shut_down().await;
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
        otlp: settings.text(&process::OTLP_ENDPOINT).map(|it| otlp_options(settings, it)),
    };
    Telemetry::set_up(&options).map_err(Failure::from_display)
}

fn otlp_options(settings: &Settings, endpoint: &str) -> OtlpOptions {
    let number = settings.number(&broker::NODE_ID).or_else(|| settings.number(&broker::BROKER_ID));
    let ratio = settings.text(&process::OTLP_TRACES_SAMPLE_RATIO);
    let interval = &process::OTLP_METRICS_INTERVAL;
    OtlpOptions {
        endpoint: endpoint.to_owned(),
        instance: number.unwrap_or(1).to_string(),
        sample_ratio: ratio.and_then(|it| it.trim().parse().ok()).unwrap_or_default(),
        metrics_interval: settings.is_set(interval).then(|| settings.duration(interval)),
        logs_filter: settings.text(&process::OTLP_LOGS_FILTER).map(str::to_owned),
    }
}

/// Waits for SIGTERM or Ctrl-C.
pub(crate) async fn stop_requested() {
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
    node: Node,
    server: Server,
    /// Told when the HTTP port is asked to drain.
    drain_requested: Arc<Notify>,
}

impl Running {
    async fn start(mut settings: Settings, telemetry: &Telemetry) -> Result<Self, Failure> {
        let (clock, randomness) = (Clock::system(), Randomness::system());
        fill_in(&mut settings);
        check_durability(&settings)?;
        let listening = Listening::bind(&settings).await?;
        let http = bind_http(&settings).await?;
        let admit = admit_admin(&settings)?;
        let console = console_options(&settings, http.as_ref().map(HttpServer::address))?;
        let has_console = console.is_some();
        let schemas = SchemaRegistryPort::bind(&settings).await?;
        let stores = Deployment::open(&settings, &clock, &randomness).await?;
        let mut identity = identity(&settings, &listening, http.as_ref())?;
        let schemas_address = schemas.as_ref().map(SchemaRegistryPort::address);
        let registry = schemas_address.and_then(|it| listening.reached_at(REGISTRY_ENDPOINT, it));
        identity.endpoints.extend(registry);
        if !settings.is_embedded() {
            probe(&stores.objects).await?;
        }
        let surroundings = surroundings(&settings, &stores, clock.clone(), randomness).await?;
        let wal_disk = Arc::clone(&surroundings.wal_disk);
        let joined = Node::join(settings.clone(), surroundings, identity.clone()).await;
        let node = joined.map_err(Failure::from_display)?;
        gauges::keep(&settings, &identity, &node, clock, wal_disk);
        let http_address = http.as_ref().map(HttpServer::address);
        let drain_requested = Arc::<Notify>::default();
        let serving = Arc::<AtomicBool>::default();
        let evaluator = node.judge_groups().map_err(Failure::from_display)?;
        let registry = schemas.as_ref().map(|_| node.schema_registry());
        if let Some(http) = http {
            let health = BrokerHealth::new(node.clone(), Arc::clone(&serving));
            let drain_requested = Arc::clone(&drain_requested);
            let (detail, mut routes) = lag_over_http(evaluator, &identity);
            if let Some(console) = console {
                // Whoever may see the console may see all schemas.
                let schemas = registry.clone().map(|it| schema_registry::routes(it, None));
                routes = routes.merge(console::router(node.console_cluster(), schemas, console));
            }
            let parts = HttpParts {
                health: Arc::new(health),
                admit,
                drain: Box::new(move || drain_requested.notify_one()),
                metrics: telemetry.metrics(),
                detail,
                routes,
            };
            http.serve(parts, node.tasks());
        }
        if let Some((schemas, registry)) = schemas.zip(registry) {
            schemas.serve(registry, node.schema_access(), node.tasks());
        }
        let addresses = listening.addresses();
        let server = node.serve(listening.sockets).await;
        let http_address = http_address.map(|address| (address, has_console));
        for line in banner::lines(&settings, &stores, &addresses, http_address, schemas_address) {
            eprintln!("{line}");
        }
        serving.store(true, Ordering::Release);
        Ok(Self { node, server, drain_requested })
    }
}

/// The machine's own.
async fn surroundings(
    settings: &Settings,
    stores: &Deployment,
    clock: Clock,
    randomness: Randomness,
) -> Result<Surroundings, Failure> {
    let directory = settings.wal_directory();
    let disk = LocalDisk::open(&directory).map_err(|source| {
        let (action, directory) = ("opening", directory.display().to_string());
        Failure::from_display(WalError::Io { action, directory, source })
    })?;
    let gather_from = gather_from(settings, stores, &directory);
    let tasks = Tasks::new();
    let block_cache = read_cache::open(settings, stores.objects_are_local, &disk, &tasks).await?;
    Ok(Surroundings {
        gather_from,
        metadata: Arc::clone(&stores.metadata),
        keys: stores.keys.clone(),
        objects: stores.objects.clone(),
        objects_description: stores.objects_description.clone(),
        objects_are_local: stores.objects_are_local,
        block_cache,
        wal_disk: Arc::new(disk),
        wal_drive: Drive::Threads,
        network: Arc::new(Tcp),
        clock,
        randomness,
        tasks,
    })
}

/// A broker that has no copies at hand serves all the same: what it stores stays as flushes left it.
fn gather_from(
    settings: &Settings,
    stores: &Deployment,
    wal_directory: &Path,
) -> Option<GatherFrom> {
    if stores.objects_are_local {
        return Some(GatherFrom::Store);
    }
    let limit_bytes = settings.number(&broker::GATHER_SPOOL_MAX_BYTES).filter(|it| *it > 0)?;
    let directory = wal_directory.join(SPOOL);
    match Spool::open(&directory, limit_bytes) {
        Ok(spool) => Some(GatherFrom::Spool(Arc::new(spool))),
        Err(error) => {
            tracing::warn!(%error, directory = %directory.display(), "segments are not gathered, so reading history costs more requests: files can't be made there; see to its permissions, or set gather.spool.max.bytes=0");
            None
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
        let rests_on_wal = settings.is_embedded() && !wal_is_ephemeral(settings.values());
        let mode = if rests_on_wal { "wal" } else { "object" };
        settings.insert(&broker::DURABILITY_MODE, mode.to_owned());
    }
}

/// Refuses to acknowledge what rests on a disk that goes away.
fn check_durability(settings: &Settings) -> Result<(), Failure> {
    let is_wal = settings.text(&broker::DURABILITY_MODE) == Some("wal");
    if is_wal && wal_is_ephemeral(settings.values()) {
        return Err(Failure(
            "durability.mode=wal can't go with wal.ephemeral=true: what is acknowledged would rest on a disk that goes away with this broker. Take durability.mode=object, or a disk that stays".to_owned(),
        ));
    }
    Ok(())
}

/// What is said of groups, for the HTTP port.
fn lag_over_http(evaluator: Option<Evaluator>, identity: &Identity) -> (RenderDetail, Router) {
    let Some(evaluator) = evaluator else {
        return (Box::new(String::new), Router::new());
    };
    let host = identity.endpoints.first().map(|it| it.host.clone()).unwrap_or_default();
    let routes = lag::router(evaluator.clone(), &host);
    let broker = identity.broker.get();
    (Box::new(move || evaluator.expose(broker).text()), routes)
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

fn identity(
    settings: &Settings,
    listening: &Listening,
    http: Option<&HttpServer>,
) -> Result<Identity, Failure> {
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
    let mut endpoints = listening.endpoints.clone();
    let http = http.map(HttpServer::address);
    endpoints.extend(http.and_then(|bound| listening.reached_at(HTTP_LISTENER, bound)));
    Ok(Identity {
        broker: broker.ok_or_else(|| Failure(format!("--broker-id {number} is too large")))?,
        rack: settings.text(&broker::BROKER_RACK).map(str::to_owned),
        endpoints,
        cluster_id: cluster_id.map_err(|error| Failure(format!("--cluster-id: {error}")))?,
    })
}
