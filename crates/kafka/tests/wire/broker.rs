//! A broker in memory that serves the wire.

use crate::{client::Client, network::Pipes};
use async_trait::async_trait;
use cluster::{
    ClaimedPartition, Cluster, ClusterOptions, ClusterParts, Endpoint, Identity, NewTopic,
    Ownership, WalKeeper, wal_identity::WalOnDisk,
};
use coordinator::{
    Coordinator, CoordinatorOptions, CoordinatorParts, NoSlotLogs, SlotClaim, SlotKind, Topics,
    transaction::{Marked, Marker, Markers, ProducerIds},
};
use formats::record_batch;
use kafka::{Broker, BrokerOptions, ListenerSpec, Listeners, Peers, Server, ServerOptions};
use metadata::{MemoryStore, MetadataStore, families::Keys};
use model::{
    BrokerId, ClusterId, LeaderEpoch, PartitionId, ProducerId, SessionId, TopicId, TopicName,
    WalId, config::TopicSettings,
};
use partition_log::{
    Authority, Claim, CleanerOptions, EndTransaction, EngineOptions, PartitionLogs, Parts,
};
use runtime::{Clock, Randomness, Tasks, net::Network};
use security::ClientSecurity;
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};
use storage::{FaultPlan, Objects};
use wal::{MemoryWal, WalIdentity};

const PATIENCE: Duration = Duration::from_mins(1);
const WAL: WalId = WalId::from_bytes([9; 16]);

/// A running broker.
pub struct Served {
    pub server: Server,
    pub cluster: Cluster,
    pub logs: PartitionLogs,
    pub metadata: Arc<dyn MetadataStore>,
    pub objects: Objects,
    pub object_faults: FaultPlan,
    network: Pipes,
    address: SocketAddr,
}

impl Served {
    /// Starts with Kafka's defaults.
    pub async fn start() -> Self {
        Self::start_with(ServerOptions::default()).await
    }

    pub async fn start_with(options: ServerOptions) -> Self {
        Self::start_configured(options, &[]).await
    }

    /// Starts with settings of the broker, as from its file.
    pub async fn start_configured(options: ServerOptions, settings: &[(&str, &str)]) -> Self {
        Self::start_listening("PLAINTEXT://127.0.0.1:9092", options, settings).await
    }

    /// Starts with that listener.
    pub async fn start_listening(
        listener: &str,
        options: ServerOptions,
        settings: &[(&str, &str)],
    ) -> Self {
        let settings = settings.iter().map(|(key, value)| ((*key).into(), (*value).into()));
        let broker_options =
            BrokerOptions { static_configs: settings.collect(), ..BrokerOptions::default() };
        Self::start_as(listener, options, broker_options).await
    }

    /// Starts with that listener and these options.
    pub async fn start_as(
        listener: &str,
        options: ServerOptions,
        broker_options: BrokerOptions,
    ) -> Self {
        let object_faults = FaultPlan::new(Randomness::seeded(8));
        let parts = cluster_parts(object_faults.clone());
        let cluster = join(&parts).await;
        let logs = PartitionLogs::new(engine_options(), engine_parts(&parts, &cluster), Vec::new());
        let coordinator =
            Coordinator::new(coordinator_options(), coordinator_parts(&parts, &cluster, &logs));
        cluster.run(Arc::new(Opens { logs: logs.clone(), coordinator: coordinator.clone() }));
        let network = Pipes::default();
        let specs = ListenerSpec::parse_list(listener, "").unwrap();
        let listeners = Listeners::bind(&specs, &network).await.unwrap();
        let address = listeners.addresses()[0].1;
        let peers = Peers::new(
            parts.tasks.clone(),
            Arc::new(network.clone()),
            None,
            ClientSecurity::default(),
        );
        let broker = Broker::new(cluster.clone(), logs.clone(), coordinator, peers, broker_options);
        let server =
            Server::start(listeners, &options, broker, parts.randomness.clone(), &parts.tasks);
        let metadata = Arc::clone(&parts.metadata);
        let objects = parts.objects.clone();
        let served =
            Self { server, cluster, logs, metadata, objects, object_faults, network, address };
        served.until_ready().await;
        served
    }

    pub async fn connect(&self) -> Client {
        Client::new(self.network.connect(self.address).await.unwrap())
    }

    /// The network, and the address there.
    pub fn way(&self) -> (&Pipes, String) {
        (&self.network, self.address.to_string())
    }

    pub async fn create_topic(&self, name: &str, partitions: u32) -> TopicId {
        let topic = NewTopic {
            name: name.to_owned(),
            partitions: Some(partitions),
            replication_factor: None,
            configs: BTreeMap::new(),
            internal: false,
            leaders: Vec::new(),
        };
        self.cluster.create_topic(topic, false, PATIENCE).await.unwrap().id
    }

    async fn until_ready(&self) {
        for _ in 0..1000 {
            if self.cluster.is_ready() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the broker never became ready");
    }
}

fn cluster_parts(object_faults: FaultPlan) -> ClusterParts {
    let clock = Clock::simulated(1_700_000_000_000);
    ClusterParts {
        metadata: Arc::new(MemoryStore::new(clock.clone())),
        keys: Keys::new("test/"),
        objects: Objects::memory().with_faults(object_faults),
        clock,
        randomness: Randomness::seeded(7),
        tasks: Tasks::new(),
    }
}

async fn join(parts: &ClusterParts) -> Cluster {
    let identity = Identity {
        broker: BrokerId::new(1).unwrap(),
        rack: Some("a".to_owned()),
        endpoints: vec![Endpoint {
            listener: "PLAINTEXT".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: 9092,
        }],
        cluster_id: None,
    };
    Cluster::identify(parts, &identity).await.unwrap();
    let options = ClusterOptions {
        lease_ttl: Duration::from_secs(10),
        lease_margin: Duration::from_secs(2),
        unclean_takeover_delay: Duration::from_mins(1),
        static_configs: BTreeMap::new(),
        balancing_interval: None,
        default_partitions: 4,
        default_replication_factor: 1,
    };
    let found = WalOnDisk { id: WAL, generation: 0, recovered_end: 0 };
    Cluster::join(options, parts.clone(), identity, found, &NewDisk).await.unwrap()
}

fn engine_parts(parts: &ClusterParts, cluster: &Cluster) -> Parts {
    let id = ClusterId::new("test").unwrap();
    let wal = MemoryWal::new(WalIdentity { cluster: id, id: WAL, generation: 1 }, 1 << 30);
    wal.spawn_writer(&parts.tasks);
    Parts {
        wal: Arc::new(wal),
        objects: parts.objects.clone(),
        block_cache: None,
        metadata: Arc::clone(&parts.metadata),
        keys: parts.keys.clone(),
        clock: parts.clock.clone(),
        randomness: parts.randomness.clone(),
        tasks: parts.tasks.clone(),
        authority: Arc::new(Lease(cluster.clone())),
        gather_from: None,
    }
}

fn coordinator_options() -> CoordinatorOptions {
    let mut options = CoordinatorOptions::default();
    options.groups.initial_rebalance_delay = Duration::ZERO;
    options
}

fn coordinator_parts(
    parts: &ClusterParts,
    cluster: &Cluster,
    logs: &PartitionLogs,
) -> CoordinatorParts {
    CoordinatorParts {
        metadata: Arc::clone(&parts.metadata),
        keys: parts.keys.clone(),
        clock: parts.clock.clone(),
        randomness: parts.randomness.clone(),
        tasks: parts.tasks.clone(),
        topics: Arc::new(Image(cluster.clone())),
        markers: Arc::new(Marks(logs.clone())),
        producer_ids: Arc::new(Numbers(cluster.clone())),
        slot_logs: Arc::new(NoSlotLogs),
    }
}

/// Markers to the partitions of this broker.
#[derive(Debug)]
struct Marks(PartitionLogs);

#[async_trait]
impl Markers for Marks {
    async fn write(&self, partition: PartitionId, marker: Marker) -> Marked {
        let Some(log) = self.0.get(partition) else {
            return Marked::Failed("not open".to_owned());
        };
        let result = marker.result;
        let coordinator_epoch = marker.coordinator_epoch.to_wire();
        let end = EndTransaction {
            producer: marker.producer,
            epoch: marker.epoch,
            marker: record_batch::EndTransactionMarker { result, coordinator_epoch },
            leader_epoch: None,
            epoch_is_its_own: marker.epoch_is_its_own,
        };
        match log.end_transaction(end) {
            Ok(appended) => match appended.acknowledged().await {
                Ok(_) => Marked::Written,
                Err(error) => Marked::Failed(error.to_string()),
            },
            Err(error) => Marked::Failed(error.to_string()),
        }
    }
}

#[derive(Debug)]
struct Numbers(Cluster);

#[async_trait]
impl ProducerIds for Numbers {
    async fn next(&self) -> Result<ProducerId, String> {
        self.0.next_producer_id().await.map_err(|error| error.to_string())
    }
}

#[derive(Debug)]
struct Image(Cluster);

impl Topics for Image {
    fn name(&self, topic: TopicId) -> Option<TopicName> {
        self.0.image().topic_by_id(topic).map(|info| info.name.clone())
    }

    fn catalog(&self) -> Arc<dyn coordinator::group::TopicCatalog> {
        Arc::new(kafka::ImageCatalog(self.0.image()))
    }
}

fn engine_options() -> EngineOptions {
    EngineOptions {
        flush_max_bytes: 8 << 20,
        flush_max_interval: Duration::from_millis(250),
        flush_idle_interval: Duration::from_secs(2),
        flush_requests_per_second: None,
        flush_uploads: 4,
        buffer_max_bytes: 64 << 20,
        retention_check_interval: Duration::from_mins(5),
        delete_delay: Duration::from_mins(1),
        producer_expiration: Duration::from_hours(24),
        cleaner: CleanerOptions::default(),
        merge_min_commits: None,
        gather: None,
        fold_fan_in: 64,
    }
}

struct NewDisk;

impl WalKeeper for NewDisk {
    fn raise_generation(&self) -> Result<u64, String> {
        Ok(1)
    }

    fn renew(&self, reason: &str) -> Result<(WalId, u64), String> {
        Err(format!("a new WAL needs no new id: {reason}"))
    }
}

#[derive(Debug)]
struct Lease(Cluster);

impl Authority for Lease {
    fn lease_holds(&self, session: SessionId) -> bool {
        self.0.lease_holds(session)
    }
}

/// Opens what the cluster claims, as the binary's wiring does.
#[derive(Debug)]
struct Opens {
    logs: PartitionLogs,
    coordinator: Coordinator,
}

#[async_trait]
impl Ownership for Opens {
    fn session_began(&self, session: cluster::SessionStamp) {
        let cluster::SessionStamp { id, create_revision, broker } = session;
        self.logs.begin_session(partition_log::SessionStamp { id, create_revision, broker });
        self.coordinator.session_began(coordinator::SessionStamp { id, create_revision, broker });
    }

    fn session_lost(&self, session: SessionId) {
        self.logs.session_lost(session);
        self.coordinator.session_lost(session);
    }

    async fn open(&self, claims: Vec<ClaimedPartition>) -> Vec<(PartitionId, String)> {
        let ids: Vec<_> = claims.iter().map(|claim| claim.partition).collect();
        let slots = claims.iter().filter_map(|claimed| {
            let kind = SlotKind::of_topic(claimed.topic.as_str())?;
            let epoch = LeaderEpoch::new(claimed.owner.leader_epoch)?;
            Some(SlotClaim { kind, partition: claimed.partition, epoch })
        });
        let slots: Vec<_> = slots.collect();
        let claims = claims.into_iter().map(|claimed| Claim {
            partition: claimed.partition,
            owner: claimed.owner,
            owner_revision: claimed.owner_revision,
            topic: claimed.topic,
            settings: claimed.settings,
        });
        let opened = self.logs.open(claims.collect()).await;
        for slot in slots {
            self.coordinator.open(slot);
        }
        let results = ids.into_iter().zip(opened);
        results.filter_map(|(id, opened)| Some((id, opened.err()?.to_string()))).collect()
    }

    async fn seal(&self, partitions: &[PartitionId]) -> Result<u64, String> {
        self.logs.seal(partitions).await.map_err(|error| error.to_string())
    }

    fn unseal(&self, partitions: &[PartitionId]) {
        self.logs.unseal(partitions);
    }

    fn close(&self, partitions: &[PartitionId]) {
        for partition in partitions {
            self.logs.close_partition(*partition);
            self.coordinator.close(*partition);
        }
    }

    fn carried_bytes(&self) -> BTreeMap<PartitionId, u64> {
        BTreeMap::new()
    }

    fn settings_changed(&self, topic: TopicId, settings: Arc<TopicSettings>) {
        for partition in self.logs.all().iter().filter(|it| it.id().topic == topic) {
            partition.apply_settings(Arc::clone(&settings));
        }
    }
}
