//! [`Cluster`]: start, run, stop.

use crate::{
    BrokerInfo, ClaimedPartition, ClusterError, Endpoint, Image, Ownership, acls, epoch_jumps,
    identity, lapsed,
    lease::LeaseRule,
    leaving, life, noter, picture, quotas, registered_wal,
    session::{self, RegisteredSession},
    stored::Stored,
    view::View,
    wal_match::WalVerdict,
    watcher,
};
use formats::metadata::Owner;
use metadata::{Event, MetadataStore, Operation, Revision, Transaction, families::ConfigResource};
use model::{
    BrokerId, ClusterId, LeaderEpoch, PartitionId, SessionId, TopicId, WalId,
    config::{ConfigLayers, DurabilityMode, TopicSettings},
};
use parking_lot::{Mutex, RwLock};
use security::{acl::Rules, quota::Quotas};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;
use wal_identity::WalOnDisk;

/// The WAL as the cluster sees it.
pub mod wal_identity {
    use model::WalId;

    /// What is on this broker's disk (DESIGN section 5, "Return with disk").
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct WalOnDisk {
        /// The WAL's id.
        pub id: WalId,
        /// Its generation on disk, before this start raises it.
        pub generation: u64,
        /// End position of what was recovered: a last commit that knew more synced means a rolled-back disk.
        pub recovered_end: u64,
    }
}

/// Who this broker is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its number.
    pub broker: BrokerId,
    /// Its zone.
    pub rack: Option<String>,
    /// Its advertised listeners.
    pub endpoints: Vec<Endpoint>,
    /// The cluster asked for (`--cluster-id`); `None` takes what is stored or, in a new cluster, makes one.
    pub cluster_id: Option<ClusterId>,
}

/// Rhythms and defaults.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// `session.lease.ttl`.
    pub lease_ttl: Duration,
    /// Margin of the lease rule.
    pub lease_margin: Duration,
    /// `unclean.takeover.delay`.
    pub unclean_takeover_delay: Duration,
    /// Broker settings from flags, environment and file that topics inherit (key → value).
    pub static_configs: BTreeMap<String, String>,
    /// `leader.imbalance.check.interval.seconds`; `None` without `auto.leader.rebalance.enable`.
    pub balancing_interval: Option<Duration>,
    /// Default number of partitions.
    pub default_partitions: u32,
    /// Default replication factor.
    pub default_replication_factor: u16,
}

/// What it is built from.
#[derive(Clone, Debug)]
pub struct ClusterParts {
    /// The metadata store.
    pub metadata: Arc<dyn MetadataStore>,
    /// Key prefix of this cluster.
    pub keys: metadata::families::Keys,
    /// The bucket, for the marker.
    pub objects: storage::Objects,
    /// The clock.
    pub clock: runtime::Clock,
    /// Randomness.
    pub randomness: runtime::Randomness,
    /// Parent of its tasks.
    pub tasks: runtime::Tasks,
}

/// Changes of the WAL's identity, which happen on disk (fsynced) before metadata is told. Calls block.
pub trait WalKeeper: Send + Sync {
    /// Raises the generation on disk and answers it.
    ///
    /// # Errors
    /// The disk's.
    fn raise_generation(&self) -> Result<u64, String>;

    /// The WAL is not the one that metadata remembers: it takes a new id, and none of its frames is current any more (they are
    /// kept for `alluvium wal salvage`). Answers the new id and generation.
    ///
    /// # Errors
    /// The disk's.
    fn renew(&self, reason: &str) -> Result<(WalId, u64), String>;
}

/// This broker's part in the cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub(crate) shared: Arc<Shared>,
}

/// What the tasks of a cluster share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub options: ClusterOptions,
    pub parts: ClusterParts,
    pub identity: Identity,
    pub cluster_id: ClusterId,
    /// Of the cluster; the high bits of epochs and producer ids.
    pub generation: u64,
    pub wal: WalId,
    pub wal_generation: u64,
    pub lease: LeaseRule,
    pub view: Mutex<View>,
    /// The access rules of the view.
    pub rules: RwLock<Rules>,
    /// The quotas of the view.
    pub quotas: RwLock<Arc<Quotas>>,
    pub image: watch::Sender<Arc<Image>>,
    /// The session now, or the last one.
    pub session: Mutex<Option<RegisteredSession>>,
    /// Whether this process had a session before the one it has now.
    pub earlier_session: AtomicBool,
    /// Partitions that the engine has open, by epoch.
    pub opened: watch::Sender<BTreeMap<PartitionId, LeaderEpoch>>,
    /// Partitions that the engine keeps of a session that was lost, until they are opened again or turn out to be another broker's.
    pub left_open: Mutex<BTreeSet<PartitionId>>,
    pub ready: AtomicBool,
    /// On its way out: its partitions are handed over, and it gets none.
    pub draining: AtomicBool,
    /// Why this process must not be this broker any longer, once that is known.
    failure: watch::Sender<Option<String>>,
    seen: AtomicU64,
    pub features_epoch: u64,
    /// Producer ids taken and not yet given out.
    pub producer_ids: tokio::sync::Mutex<Range<u64>>,
}

/// How long a change waits until this broker shows it.
const SEEN_PATIENCE: Duration = Duration::from_secs(5);

/// Operations of one transaction: the store's limit is 128.
const OPERATIONS_AT_ONCE: usize = 64;

impl Shared {
    /// Waits until something holds of what this broker sees: looks now, and with each image.
    pub async fn until(&self, holds: impl Fn() -> bool) {
        let mut images = self.image.subscribe();
        loop {
            images.mark_unchanged();
            if holds() || images.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until this broker shows the change of a record that was stored at revision `at`, so that who asks next sees it. `modified` tells
    /// when the record in a view was changed last: it has none when the change was a deletion.
    pub async fn until_seen(&self, at: Revision, modified: impl Fn(&View) -> Option<Revision>) {
        let is_seen = || {
            let view = self.view.lock();
            view.revision >= at && modified(&view).is_none_or(|modified| modified >= at)
        };
        // Not seen in time is no error: it is stored.
        let _seen = tokio::time::timeout(SEEN_PATIENCE, self.until(is_seen)).await;
    }

    /// Carries out operations, in transactions of as many as the store takes, and waits until this broker shows the change: see
    /// [`Self::until_seen`] for `modified`.
    ///
    /// # Errors
    /// Those of the metadata store: some operations may have been carried out.
    pub async fn write_all(
        &self,
        operations: Vec<Operation>,
        modified: impl Fn(&View) -> Option<Revision>,
    ) -> Result<(), ClusterError> {
        let mut revision = Revision::default();
        for then in operations.chunks(OPERATIONS_AT_ONCE) {
            let change = Transaction { then: then.to_vec(), ..Transaction::default() };
            revision = self.parts.metadata.transact(change).await?.revision;
        }
        self.until_seen(revision, modified).await;
        Ok(())
    }

    /// Takes in changes and shows them.
    pub fn change_view(&self, events: &[Event]) {
        let mut view = self.view.lock();
        let quotas = events.iter().any(|event| quotas::is_of_quotas(&self.parts.keys, event));
        for event in events {
            epoch_jumps::look(&self.parts.keys, &view, event);
            let rule = acls::rule_of(&self.parts.keys, event);
            let before = rule.as_deref().and_then(|rule| acls::binding_of(&view, rule));
            if let Err(error) = view.apply(&self.parts.keys, event) {
                tracing::error!(%error, "a record is passed over");
            }
            if let Some(rule) = rule {
                let after = acls::binding_of(&view, &rule);
                acls::replace(&mut self.rules.write(), before.as_ref(), after.as_ref());
            }
        }
        if quotas {
            *self.quotas.write() = Arc::new(quotas::quotas_of(&view));
        }
        self.show(&view);
    }

    /// Shows a view that was read anew. Owner records that were noted meanwhile are newer.
    pub fn replace_view(&self, mut fresh: View) {
        let mut view = self.view.lock();
        let newer = view.owners.iter().filter(|(_, stored)| stored.modified > fresh.revision);
        let newer: Vec<_> = newer.map(|(id, stored)| (*id, stored.clone())).collect();
        fresh.owners.extend(newer);
        *view = fresh;
        *self.rules.write() = acls::rules_of(&view);
        *self.quotas.write() = Arc::new(quotas::quotas_of(&view));
        self.show(&view);
    }

    /// Takes in owner records that are known to be stored, before their watch brings them.
    pub fn note_owners(&self, records: impl IntoIterator<Item = (PartitionId, Owner, Revision)>) {
        let mut view = self.view.lock();
        for (partition, record, at) in records {
            if let Some(stored) = view.owners.get_mut(&partition).filter(|it| it.modified < at) {
                epoch_jumps::tell(partition, stored, &record, at);
                (stored.value, stored.modified) = (record, at);
            }
        }
        self.show(&view);
    }

    fn show(&self, view: &View) {
        self.saw(view.revision);
        let mut image = picture::draw(
            view,
            &self.cluster_id,
            self.identity.broker,
            &self.options.static_configs,
        );
        let now = self.parts.clock.boot_time();
        image.lapsed = lapsed::lapsed(&self.image.borrow(), &image, now, self.options.lease_ttl);
        self.image.send_replace(Arc::new(image));
    }

    /// Takes note of a revision of the store.
    pub fn saw(&self, revision: Revision) {
        self.seen.fetch_max(revision.0, Ordering::AcqRel);
    }

    /// The newest revision of the store that was seen.
    pub fn seen(&self) -> Revision {
        Revision(self.seen.load(Ordering::Acquire))
    }

    /// Refuses to go on: this process must not be this broker any longer. The first reason is kept.
    pub fn fail(&self, reason: String) {
        self.failure.send_if_modified(|told| {
            let first = told.is_none();
            told.get_or_insert(reason);
            first
        });
    }

    /// Waits until this process must not be this broker any longer, and answers why.
    pub async fn failed(&self) -> String {
        let mut failures = self.failure.subscribe();
        let told = failures.wait_for(Option::is_some).await.ok().and_then(|told| told.clone());
        match told {
            Some(reason) => reason,
            // The sender lives as long as `self`.
            None => std::future::pending().await,
        }
    }

    /// Whether this process lost a session before.
    pub fn had_earlier_session(&self) -> bool {
        self.earlier_session.load(Ordering::Acquire)
    }

    /// Settings in force for overrides `configs`.
    pub fn settings(&self, configs: &BTreeMap<String, String>) -> TopicSettings {
        let image = self.image.borrow().clone();
        let own = image.broker_configs.get(&self.identity.broker).cloned().unwrap_or_default();
        let layers = ConfigLayers {
            topic: Some(configs),
            broker: &own,
            default_broker: &image.default_broker_configs,
            fixed: &self.options.static_configs,
        };
        TopicSettings::resolve(configs, &layers.merged_broker_values())
    }

    /// The modes that topics ask for, each resolved once however many partitions it has.
    pub fn wanted_modes(&self) -> impl FnMut(TopicId) -> DurabilityMode + '_ {
        let mut known = BTreeMap::new();
        move |topic| *known.entry(topic).or_insert_with(|| self.wanted_mode(topic))
    }

    fn wanted_mode(&self, topic: TopicId) -> DurabilityMode {
        let configs = self.view.lock().configs_of(ConfigResource::Topic(topic));
        self.settings(&configs).durability_mode
    }

    /// Whether a topic allows unclean takeovers.
    pub fn unclean_allowed(&self, view: &View, topic: TopicId) -> bool {
        self.settings(&view.configs_of(ConfigResource::Topic(topic))).unclean_leader_election
    }
}

impl Cluster {
    /// Finds or founds the cluster in metadata and bucket: compares ids, marker, features. Run before the WAL is opened, whose
    /// directory must carry the id answered.
    ///
    /// # Errors
    /// `Identity`, `Version`, `Unavailable`.
    pub async fn identify(
        parts: &ClusterParts,
        identity: &Identity,
    ) -> Result<ClusterId, ClusterError> {
        identity::identify(parts, identity.cluster_id.as_ref()).await
    }

    /// Joins: reads the image, decides whether the WAL is the one that metadata remembers, registers a session. Nothing is claimed
    /// until [`Cluster::run`]. `keeper` is called (blocking, fsynced) before metadata is told: for a WAL that is not the remembered
    /// one it renews the WAL's id, else it raises the generation.
    ///
    /// # Errors
    /// `Identity`, `AlreadyRunning`, `Unavailable`.
    pub async fn join(
        options: ClusterOptions,
        parts: ClusterParts,
        identity: Identity,
        wal: WalOnDisk,
        keeper: &dyn WalKeeper,
    ) -> Result<Self, ClusterError> {
        let store = parts.metadata.as_ref();
        let record =
            Stored::<formats::metadata::Cluster>::read(store, parts.keys.cluster()).await?;
        let record = record
            .ok_or_else(|| ClusterError::Identity("the cluster was not identified".to_owned()))?
            .value;
        let features =
            Stored::<formats::metadata::Features>::read(store, parts.keys.features()).await?;
        let view = watcher::read_view(&parts).await?;
        let verdict = registered_wal::judge(&parts, identity.broker, &view, &wal).await?;
        let (wal, wal_generation) = keep_or_renew(&verdict, &wal, keeper)?;
        let cluster_id = ClusterId::new(record.cluster_id)
            .map_err(|error| ClusterError::Identity(error.to_string()))?;
        let mut image = picture::draw(&view, &cluster_id, identity.broker, &options.static_configs);
        let now = parts.clock.boot_time();
        image.lapsed = lapsed::lapsed_before(&image, now, options.lease_ttl);
        let shared = Arc::new(Shared {
            lease: LeaseRule::new(parts.clock.clone(), options.lease_margin),
            generation: record.generation,
            wal,
            wal_generation,
            cluster_id,
            seen: AtomicU64::new(view.revision.0),
            rules: RwLock::new(acls::rules_of(&view)),
            quotas: RwLock::new(Arc::new(quotas::quotas_of(&view))),
            view: Mutex::new(view),
            image: watch::Sender::new(Arc::new(image)),
            session: Mutex::new(None),
            earlier_session: AtomicBool::new(false),
            opened: watch::Sender::new(BTreeMap::new()),
            left_open: Mutex::default(),
            ready: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            failure: watch::Sender::new(None),
            features_epoch: features.map_or(0, |stored| stored.modified.0),
            producer_ids: tokio::sync::Mutex::new(0..0),
            options,
            parts,
            identity,
        });
        let registered = session::register(&shared, None).await?;
        shared.session.lock().replace(registered);
        Ok(Self { shared })
    }

    /// Claims this broker's partitions and serves: keep-alives, watches, controller work, re-registration. Until the shutdown of the
    /// tasks it was built with, which comes after [`Cluster::leave`]: a draining engine still needs its session.
    pub fn run(&self, ownership: Arc<dyn Ownership>) {
        let shared = &self.shared;
        let tasks = &shared.parts.tasks;
        let Some(session) = *shared.session.lock() else { return };
        let from = shared.view.lock().revision;
        tasks
            .spawn("metadata_watcher", watcher::follow(Arc::clone(shared), from, tasks.shutdown()));
        tasks.spawn("revision_noter", noter::note_changes(Arc::clone(shared), tasks.shutdown()));
        tasks.spawn(
            "cluster_life",
            life::live(Arc::clone(shared), ownership, session, tasks.shutdown()),
        );
    }

    /// The picture now.
    pub fn image(&self) -> Arc<Image> {
        self.shared.image.borrow().clone()
    }

    /// The pictures as they come.
    pub fn images(&self) -> watch::Receiver<Arc<Image>> {
        self.shared.image.subscribe()
    }

    /// What the owner record of a partition says, whoever owns it; `None` when there is none, or its topic is gone.
    pub fn claim_of(&self, partition: PartitionId) -> Option<ClaimedPartition> {
        let topic = Arc::clone(self.image().topic_by_id(partition.topic)?);
        let view = self.shared.view.lock();
        let stored = view.owners.get(&partition)?;
        Some(ClaimedPartition {
            partition,
            owner: stored.value.clone(),
            owner_revision: stored.modified,
            topic: topic.name.clone(),
            settings: Arc::clone(&topic.settings),
        })
    }

    /// Waits for an image that satisfies `ready`, up to `patience`; answers the last seen.
    pub async fn wait_for(
        &self,
        patience: Duration,
        ready: &(dyn Fn(&Image) -> bool + Send + Sync),
    ) -> Arc<Image> {
        let mut images = self.shared.image.subscribe();
        let seen = tokio::time::timeout(patience, images.wait_for(|image| ready(image))).await;
        match seen {
            Ok(Ok(image)) => image.clone(),
            _ => self.image(),
        }
    }

    /// The brokers that clients are told of: those with a session, for the length of a lease those that lost theirs without saying that
    /// they leave, and this one, which answers.
    pub fn listed_brokers<'a>(&self, image: &'a Image) -> impl Iterator<Item = &'a BrokerInfo> {
        let (now, this) = (self.shared.parts.clock.boot_time(), self.broker());
        let lapsed = image.fenced_brokers.values().filter(move |broker| {
            broker.id == this || image.lapsed.get(&broker.id).is_some_and(|until| now < *until)
        });
        image.brokers.values().chain(lapsed)
    }

    /// This broker's number.
    pub fn broker(&self) -> BrokerId {
        self.shared.identity.broker
    }

    /// Whether this broker is the controller, as far as it knows.
    pub fn is_controller(&self) -> bool {
        let session = *self.shared.session.lock();
        let view = self.shared.view.lock();
        session.zip(view.controller.as_ref()).is_some_and(|(session, elected)| {
            elected.value.session.as_ref() == session.stamp.id.as_bytes()
        })
    }

    /// The lease rule, at this instant, for that session.
    pub fn lease_holds(&self, session: SessionId) -> bool {
        self.shared.lease.holds(session)
    }

    /// Whether this broker has a session, its claims were opened, its own picture shows it, and it stays: clients that ask it are sent to
    /// it.
    pub fn is_ready(&self) -> bool {
        let claimed = self.shared.ready.load(Ordering::Acquire);
        let stays = !self.shared.draining.load(Ordering::Acquire);
        claimed
            && stays
            && self.shared.image.borrow().brokers.contains_key(&self.shared.identity.broker)
    }

    /// The epoch of the finalised features, for `ApiVersions`.
    pub fn features_epoch(&self) -> u64 {
        self.shared.features_epoch
    }

    /// Settings in force for overrides `configs` under today's broker defaults.
    pub fn topic_settings(&self, configs: &BTreeMap<String, String>) -> Arc<TopicSettings> {
        Arc::new(self.shared.settings(configs))
    }

    /// Hands this broker's partitions over to the others, as far as there are others and `patience` lasts. Answers how many are left. It
    /// gets none any more, and is not ready from here on. To be followed by [`Cluster::leave`].
    ///
    /// # Errors
    /// `Unavailable`: nobody could be told.
    pub async fn hand_off(&self, patience: Duration) -> Result<usize, ClusterError> {
        leaving::hand_off(&self.shared, patience).await
    }

    /// Tells others that this broker leaves, marks its (empty) WAL clean in its owner records, revokes the lease. After the engine drained.
    ///
    /// # Errors
    /// `Unavailable`: the lease then ends by itself.
    pub async fn leave(&self) -> Result<(), ClusterError> {
        leaving::leave(&self.shared).await
    }

    /// Waits until this process must stop because it can't be this broker any longer, and answers why: another process has become
    /// it, or the metadata store was replaced or restored from an older backup. The session is over by then or about to be;
    /// nothing can be drained.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn failed(&self) -> String {
        self.shared.failed().await
    }

    /// The store's revision last seen.
    pub fn revision(&self) -> Revision {
        self.shared.seen()
    }
}

/// Tells the disk what the verdict says; answers the WAL's id and generation from here on.
fn keep_or_renew(
    verdict: &WalVerdict,
    wal: &WalOnDisk,
    keeper: &dyn WalKeeper,
) -> Result<(WalId, u64), ClusterError> {
    let told = match verdict {
        WalVerdict::New | WalVerdict::Remembered => {
            keeper.raise_generation().map(|generation| (wal.id, generation))
        }
        WalVerdict::Mismatch(reason) => {
            tracing::warn!(%reason, "the WAL takes a new id; what it held is kept aside, not replayed");
            keeper.renew(reason)
        }
    };
    told.map_err(|reason| {
        ClusterError::Identity(format!("the WAL could not record its identity: {reason}"))
    })
}
