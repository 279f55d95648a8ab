//! [`Node`]: joins the cluster, serves, drains, each step in the order that the engines need each other.

use crate::{
    NodeError, Surroundings,
    console::ConsoleCluster,
    lag,
    markers::{ClusterProducerIds, PartitionMarkers},
    options,
    schema_access::schema_access,
    schemas::SharedRegistry,
    security::Security,
    slot_logs::PartitionSlotLogs,
    wal_slot::WalSlot,
    wiring::{ClusterAuthority, ClusterTopics, Engines},
    zone_readers,
};
use ::lag::Evaluator;
use cluster::{Cluster, Identity};
use coordinator::{Coordinator, CoordinatorParts};
use kafka::{Broker, Listeners, Peers, Server, ServerOptions};
use model::config::{broker, security as security_keys};
use partition_log::{PartitionLogs, Parts};
use recovery::SnapshotKeeper;
use runtime::Tasks;
use settings::Settings;
use std::{sync::Arc, time::Duration};
use wal::{Drive, LocalWal, Recovery, Wal};

/// How long start-up waits for the broker's own partitions before it says so and goes on waiting.
const READY_PATIENCE: Duration = Duration::from_secs(30);

/// A broker that has joined its cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Node {
    cluster: Cluster,
    logs: PartitionLogs,
    coordinator: Coordinator,
    peers: Peers,
    evaluator: Option<Evaluator>,
    security: Security,
    registry: SharedRegistry,
    server: ServerOptions,
    surroundings: Surroundings,
    settings: Arc<Settings>,
}

impl Node {
    /// Confirms who this is, opens the WAL, registers a session, and builds the engines. Nothing is taken over or served yet.
    ///
    /// # Errors
    /// Whatever contradicts that this is this broker, and the stores' own. What was written is settled by the next start.
    pub async fn join(
        settings: Settings,
        surroundings: Surroundings,
        identity: Identity,
    ) -> Result<Self, NodeError> {
        let security = Security::read(&settings, &surroundings.clock)?;
        let mut server = options::server_options(&settings)?;
        server.security.clone_from(&security.listeners);
        for keys in &security.key_sets {
            keys.begin().await?;
        }
        let parts = surroundings.cluster_parts();
        let cluster_id = Cluster::identify(&parts, &identity).await?;
        let slot = WalSlot::open(&settings, cluster_id, &surroundings)?;
        let on_disk = slot.on_disk().ok_or(NodeError::WalNotOpen)?;
        let options = options::cluster_options(&settings);
        let cluster = Cluster::join(options, parts, identity, on_disk, &slot).await?;
        let (wal, recovery) = slot.take().ok_or(NodeError::WalNotOpen)?;
        let logs = logs(&settings, &surroundings, wal, recovery, &cluster);
        let listener = settings.text(&broker::INTER_BROKER_LISTENER_NAME).map(str::to_owned);
        let network = Arc::clone(&surroundings.network);
        let peers =
            Peers::new(surroundings.tasks.clone(), network, listener, security.peers.clone());
        keep_snapshots(&settings, &surroundings, &cluster);
        let evaluator = lag::evaluator(&settings, &surroundings, &cluster, &logs, &peers)?;
        let slot_logs =
            PartitionSlotLogs::new(logs.clone(), surroundings.clock.clone(), evaluator.clone());
        let coordinator = coordinator(&settings, &surroundings, &cluster, &logs, &peers, slot_logs);
        let settings = Arc::new(settings);
        let registry = SharedRegistry::new(&cluster, &logs, &peers, &surroundings);
        Ok(Self {
            cluster,
            logs,
            coordinator,
            peers,
            evaluator,
            security,
            registry,
            server,
            surroundings,
            settings,
        })
    }

    /// Takes its partitions, waits until they are open (or for 30 s), and serves what `listeners` have bound.
    pub async fn serve(&self, listeners: Listeners) -> Server {
        let Self { cluster, logs, coordinator, .. } = self.clone();
        let engines = Engines { logs: logs.clone(), coordinator: coordinator.clone() };
        cluster.run(Arc::new(engines));
        zone_readers::start(cluster.clone(), &logs, self.peers.clone(), &self.surroundings);
        wait_until_ready(&cluster).await;
        tell_unclaimed(&logs);
        let description = self.surroundings.objects_description.clone();
        let mut options = options::broker_options(&self.settings, description);
        options.authorizer.clone_from(&self.security.authorizer);
        let broker = Broker::new(cluster, logs, coordinator, self.peers.clone(), options);
        let broker = broker.with_schemas(Arc::new(self.registry.clone()));
        let randomness = self.surroundings.randomness.clone();
        self.keep_keys_fresh();
        Server::start(listeners, &self.server, broker, randomness, &self.surroundings.tasks)
    }

    /// Who may do what with schemas over HTTP; `None` where everybody may do everything.
    pub fn schema_access(&self) -> Option<Arc<dyn schema_registry::Access>> {
        schema_access(&self.settings, &self.cluster, self.security.authorizer.as_ref())
    }

    /// A schema registry over this cluster's `_schemas`.
    pub fn schema_registry(&self) -> schema_registry::Registry {
        self.registry.get().clone()
    }

    /// The cluster, as the console sees it.
    pub fn console_cluster(&self) -> Arc<dyn ::console::Cluster> {
        Arc::new(ConsoleCluster { cluster: self.cluster.clone(), peers: self.peers.clone() })
    }

    fn keep_keys_fresh(&self) {
        let (security, tasks) = (self.security.clone(), &self.surroundings.tasks);
        let interval = self.settings.duration(&security_keys::SSL_REFRESH_INTERVAL);
        for keys in security.key_sets.clone() {
            let randomness = self.surroundings.randomness.clone();
            tasks.spawn("token_keys", keys.keep_fresh(randomness, tasks.shutdown()));
        }
        tasks.spawn("key_files", security.keep_fresh(interval, tasks.shutdown()));
    }

    /// Hands partitions over, stops accepting, flushes, commits, answers, closes. Answers whether nothing is left in the WAL.
    pub async fn drain(&self, server: Server) -> bool {
        self.hand_off().await;
        tracing::info!("stopping: flushing what is buffered");
        server.stop_accepting();
        self.coordinator.drain().await;
        let drained = self.logs.drain().await;
        server.shut_down().await;
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
        if let Some(cache) = &self.surroundings.block_cache {
            cache.close().await;
        }
        self.surroundings.tasks.shut_down().await;
        clean
    }

    /// Its part in the cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Its partitions.
    pub fn logs(&self) -> &PartitionLogs {
        &self.logs
    }

    /// Its groups and transactions.
    pub fn coordinator(&self) -> &Coordinator {
        &self.coordinator
    }

    /// Judges groups from now on, if the settings say so, and answers who does. A broker that nobody can ask need not.
    ///
    /// # Errors
    /// What the settings say of notices is not understood.
    pub fn judge_groups(&self) -> Result<Option<Evaluator>, NodeError> {
        let notifier = lag::notifier(&self.settings)?;
        let evaluator = self.evaluator.clone();
        if let Some(evaluator) = &evaluator {
            lag::start(evaluator, notifier, &self.surroundings);
        }
        Ok(evaluator)
    }

    /// Parent of its tasks.
    pub fn tasks(&self) -> &Tasks {
        &self.surroundings.tasks
    }

    /// While clients are still answered, and sent to the next owners.
    async fn hand_off(&self) {
        let timeout = self.settings.duration(&broker::DRAIN_TIMEOUT);
        if timeout.is_zero() {
            return;
        }
        match self.cluster.hand_off(timeout).await {
            Ok(0) => tracing::info!("every partition was handed over"),
            Ok(left) => {
                tracing::info!(left, "partitions were not handed over: to nobody, or not in time");
            }
            Err(error) => tracing::warn!(%error, "partitions could not be handed over"),
        }
    }
}

fn logs(
    settings: &Settings,
    surroundings: &Surroundings,
    wal: LocalWal,
    recovery: Recovery,
    cluster: &Cluster,
) -> PartitionLogs {
    if recovery.torn_bytes > 0 {
        tracing::info!(
            bytes = recovery.torn_bytes,
            "cut off a torn tail of the WAL: nothing in it was acknowledged"
        );
    }
    let wal = Arc::new(wal);
    if surroundings.wal_drive == Drive::Manual {
        wal.spawn_writer(&surroundings.tasks);
    }
    let parts = Parts {
        wal: wal as Arc<dyn Wal>,
        objects: surroundings.objects.clone(),
        block_cache: surroundings.block_cache.clone(),
        metadata: Arc::clone(&surroundings.metadata),
        keys: surroundings.keys.clone(),
        clock: surroundings.clock.clone(),
        randomness: surroundings.randomness.clone(),
        tasks: surroundings.tasks.clone(),
        authority: Arc::new(ClusterAuthority(cluster.clone())),
        gather_from: surroundings.gather_from.clone(),
    };
    let options = options::engine_options(settings, surroundings.objects_are_local);
    PartitionLogs::new(options, parts, recovery.frames)
}

/// Has metadata written to the bucket, by whoever is the controller.
fn keep_snapshots(settings: &Settings, surroundings: &Surroundings, cluster: &Cluster) {
    let stores = recovery::Stores {
        metadata: Arc::clone(&surroundings.metadata),
        keys: surroundings.keys.clone(),
        objects: surroundings.objects.clone(),
        clock: surroundings.clock.clone(),
        randomness: surroundings.randomness.clone(),
    };
    let interval = settings.number(&broker::METADATA_SNAPSHOT_INTERVAL_MS).unwrap_or_default();
    let cluster = cluster.clone();
    let keeping = SnapshotKeeper::new(stores).keep(
        Duration::from_millis(interval),
        move || cluster.is_controller(),
        surroundings.tasks.shutdown(),
    );
    surroundings.tasks.spawn("metadata_snapshots", keeping);
}

fn coordinator(
    settings: &Settings,
    surroundings: &Surroundings,
    cluster: &Cluster,
    logs: &PartitionLogs,
    peers: &Peers,
    slot_logs: PartitionSlotLogs,
) -> Coordinator {
    let parts = surroundings.cluster_parts();
    let markers = PartitionMarkers::new(cluster.clone(), logs.clone(), peers.clone(), &parts);
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
    Coordinator::new(options::coordinator_options(settings), parts)
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
        metrics::counter!("alluvium_wal_quarantines_total").increment(1);
        tracing::warn!(%partition, frames, bytes, "the WAL has frames of a partition that this broker does not own: they are kept in quarantine, `alluvium wal salvage` reads them");
    }
}
