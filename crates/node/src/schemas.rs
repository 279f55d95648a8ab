//! The schema registry's topic: `_schemas` is a partition like any other, read by every broker and written by its owner.

use crate::Surroundings;
use async_trait::async_trait;
use bytes::Bytes;
use cluster::{BrokerInfo, Cluster, ClusterError, Endpoint, NewTopic, TopicInfo};
use formats::{
    compression::Codec,
    record_batch::{BatchBuilder, batches, records},
};
use futures::future::BoxFuture;
use kafka::{Peers, Reading};
use model::{Offset, PartitionId, PartitionIndex, config::SubjectNaming};
use partition_log::{
    Acks, AppendOrigin, Isolation, Partition, PartitionLogs, ReadRequest, Watermarks,
};
use runtime::Clock;
use schema_registry::{Log, LogRefusal, Record, Registry, TOPIC, Term};
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::sync::Notify;

/// Under this name brokers tell each other where their registries are. Listeners of clients have names in capitals.
pub const REGISTRY_ENDPOINT: &str = "schema-registry";

/// How long a write waits until a new `_schemas` has an owner.
const CREATION_PATIENCE: Duration = Duration::from_secs(10);
/// How long a write waits until its records are durable.
const APPEND_PATIENCE: Duration = Duration::from_secs(30);
/// After a read that failed.
const PAUSE: Duration = Duration::from_millis(200);
/// A reader that nothing wakes looks again.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
const READ_BYTES: usize = 4 << 20;
/// A batch of another registry may be compressed.
const BATCH_LIMIT_BYTES: usize = 64 << 20;

/// The broker's registry, which reads `_schemas` from when somebody first asks for it: its HTTP port, the console, or the first records
/// of a topic that must have schemas. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct SharedRegistry {
    cluster: Cluster,
    logs: PartitionLogs,
    peers: Peers,
    surroundings: Surroundings,
    started: Arc<OnceLock<Registry>>,
}

impl SharedRegistry {
    /// Over the cluster's `_schemas`.
    pub(crate) fn new(
        cluster: &Cluster,
        logs: &PartitionLogs,
        peers: &Peers,
        surroundings: &Surroundings,
    ) -> Self {
        Self {
            cluster: cluster.clone(),
            logs: logs.clone(),
            peers: peers.clone(),
            surroundings: surroundings.clone(),
            started: Arc::default(),
        }
    }

    /// The registry, kept up to date from the first call until shutdown.
    pub(crate) fn get(&self) -> &Registry {
        self.started.get_or_init(|| self.start())
    }

    fn start(&self) -> Registry {
        let Self { cluster, logs, peers, surroundings, .. } = self.clone();
        let clock = surroundings.clock.clone();
        let log = SchemasLog { cluster: cluster.clone(), logs: logs.clone(), clock };
        let registry = Registry::new(Arc::new(log));
        let (reading, registry_read) = (peers.reading(), registry.clone());
        let reader = Reader { cluster, logs, reading, registry: registry_read, followed: None };
        let shutdown = surroundings.tasks.shutdown();
        surroundings.tasks.spawn("schema_registry", async move {
            tokio::select! {
                () = shutdown.requested() => {}
                () = reader.run() => {}
            }
        });
        registry
    }
}

impl kafka::Schemas for SharedRegistry {
    fn has(&self, id: u32, topic: &str, part: &str, naming: SubjectNaming) -> Option<bool> {
        self.get().has(id, |subject| match naming {
            SubjectNaming::Topic => {
                subject.strip_prefix(topic).and_then(|rest| rest.strip_prefix('-')) == Some(part)
            }
            SubjectNaming::Record => true,
            SubjectNaming::TopicRecord => {
                subject.strip_prefix(topic).is_some_and(|rest| rest.starts_with('-'))
            }
        })
    }

    fn look_again(&self) -> BoxFuture<'static, ()> {
        Box::pin(self.get().look_again())
    }
}

/// Appends to `_schemas` where this broker owns it.
struct SchemasLog {
    cluster: Cluster,
    logs: PartitionLogs,
    clock: Clock,
}

impl SchemasLog {
    async fn topic(&self) -> Result<Arc<TopicInfo>, LogRefusal> {
        if let Some(topic) = self.cluster.image().topic(TOPIC) {
            return Ok(Arc::clone(topic));
        }
        let configs = [("cleanup.policy", "compact"), ("max.message.bytes", "8388608")];
        let configs = configs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let topic = NewTopic {
            name: TOPIC.to_owned(),
            partitions: Some(1),
            replication_factor: None,
            configs: BTreeMap::from(configs),
            internal: false,
            leaders: Vec::new(),
        };
        match self.cluster.create_topic(topic, false, CREATION_PATIENCE).await {
            Ok(topic) => Ok(topic),
            Err(ClusterError::TopicExists(_)) => {
                let topic = self.cluster.image().topic(TOPIC).cloned();
                topic.ok_or_else(|| LogRefusal::Unavailable("_schemas is being created".to_owned()))
            }
            Err(error) => Err(LogRefusal::Unavailable(error.to_string())),
        }
    }

    /// The partition, if this broker owns it in that epoch.
    fn owned(&self, partition: PartitionId) -> Option<(Partition, Watermarks)> {
        let log = self.logs.get(partition).filter(|log| !log.is_followed() && !log.is_sealed())?;
        let watermarks = log.watermarks();
        Some((log, watermarks))
    }
}

#[async_trait]
impl Log for SchemasLog {
    async fn begin(&self) -> Result<Term, LogRefusal> {
        let topic = self.topic().await?;
        let image = self.cluster.image();
        let leader = image.topic(TOPIC).and_then(|topic| topic.partitions.first()?.leader);
        if let Some(leader) = leader.filter(|leader| *leader != self.cluster.broker()) {
            let registry = image.brokers.get(&leader).and_then(registry_of);
            return Err(LogRefusal::NotHere(registry));
        }
        let (_, watermarks) = self.owned(partition(&topic)).ok_or(LogRefusal::NotHere(None))?;
        let token = watermarks.leader_epoch.get().into();
        Ok(Term { token, end: watermarks.log_end.get() })
    }

    async fn append(&self, term: Term, records: Vec<Record>) -> Result<u64, LogRefusal> {
        let topic = self.topic().await?;
        let (log, watermarks) = self.owned(partition(&topic)).ok_or(LogRefusal::NotHere(None))?;
        if u64::from(watermarks.leader_epoch.get()) != term.token
            || watermarks.log_end.get() != term.end
        {
            let why = "somebody else wrote to _schemas meanwhile: try again";
            return Err(LogRefusal::Unavailable(why.to_owned()));
        }
        let now = self.clock.unix_ms();
        let mut batch = BatchBuilder::new(Codec::None);
        for (key, value) in &records {
            batch.push(now, Some(key), value.as_deref(), &[]);
        }
        let appended = log.append(&batch.build(), Acks::All, AppendOrigin::Client);
        let appended = appended.map_err(|error| LogRefusal::Unavailable(error.to_string()))?;
        let last = appended.base_offset().get() + records.len() as u64 - 1;
        match tokio::time::timeout(APPEND_PATIENCE, appended.acknowledged()).await {
            Ok(Ok(_)) => Ok(last),
            Ok(Err(error)) => Err(LogRefusal::Unavailable(error.to_string())),
            Err(_) => {
                Err(LogRefusal::Unavailable("_schemas is not durable within 30 s".to_owned()))
            }
        }
    }
}

/// Where a broker's registry is reached.
fn registry_of(broker: &BrokerInfo) -> Option<String> {
    broker.endpoint(REGISTRY_ENDPOINT).map(Endpoint::address)
}

/// The topic's only partition.
const FIRST: PartitionIndex = match PartitionIndex::new(0) {
    Some(index) => index,
    None => panic!("0 is an index"),
};

fn partition(topic: &TopicInfo) -> PartitionId {
    PartitionId { topic: topic.id, partition: FIRST }
}

/// Reads `_schemas` into the registry, from whoever owns it.
struct Reader {
    cluster: Cluster,
    logs: PartitionLogs,
    reading: Reading,
    registry: Registry,
    /// The topic that the registry knows: one that is created anew is another.
    followed: Option<PartitionId>,
}

impl Reader {
    async fn run(mut self) {
        let mut images = self.cluster.images();
        loop {
            let image = images.borrow_and_update().clone();
            let Some(topic) = image.topic(TOPIC) else {
                if self.followed.take().is_some() {
                    self.registry.reset();
                }
                self.registry.caught_up();
                tokio::select! {
                    _ = images.changed() => {}
                    () = tokio::time::sleep(LONGEST_WAIT) => {}
                }
                continue;
            };
            let id = partition(topic);
            if self.followed.replace(id).is_some_and(|followed| followed != id) {
                self.registry.reset();
            }
            let leader = topic.partitions.first().and_then(|partition| partition.leader);
            let read = match leader.and_then(|leader| image.brokers.get(&leader)) {
                None => Err("nobody leads it".to_owned()),
                Some(leader) if leader.id == self.cluster.broker() => self.read_own(id).await,
                Some(leader) => self.read_from(leader, id).await,
            };
            if let Err(why) = read {
                tracing::debug!(why, "_schemas could not be read");
                tokio::select! {
                    _ = images.changed() => {}
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        }
    }

    fn position(&self) -> Result<Offset, String> {
        Offset::new(self.registry.position()).ok_or_else(|| "no offset".to_owned())
    }

    async fn read_own(&mut self, id: PartitionId) -> Result<(), String> {
        let log = self.logs.get(id).filter(|log| !log.is_followed()).ok_or("it is not open")?;
        let waker = Arc::<Notify>::default();
        log.wake_on_advance(&waker);
        let from = self.position()?;
        let request = ReadRequest {
            from,
            max_bytes: READ_BYTES,
            at_least_one_batch: true,
            isolation: Isolation::ReadUncommitted,
            current_leader_epoch: None,
        };
        let found = log.read(request).await.map_err(|error| error.to_string())?;
        let end = found.watermarks.high_watermark;
        if found.batches.is_empty() {
            self.at_end(from, end);
            // What cannot be told in time is looked for.
            let _ = tokio::time::timeout(LONGEST_WAIT, waker.notified()).await;
        }
        found.batches.into_iter().try_for_each(|batches| self.take(batches, end))
    }

    async fn read_from(&mut self, leader: &BrokerInfo, id: PartitionId) -> Result<(), String> {
        let from = self.position()?;
        let found = self.reading.read(leader, id, from, READ_BYTES as i32).await?;
        if found.records.is_empty() {
            self.at_end(from, found.high_watermark);
        }
        self.take(found.records, found.high_watermark)
    }

    /// There is nothing between here and the end.
    fn at_end(&self, from: Offset, end: Offset) {
        if from > end {
            tracing::warn!(%from, %end, "_schemas ends before what was read of it: it is read anew");
            self.registry.reset();
        } else {
            if from < end {
                self.registry.apply(&[], end.get());
            }
            self.registry.caught_up();
        }
    }

    fn take(&self, joined: Bytes, end: Offset) -> Result<(), String> {
        for batch in batches(joined) {
            // A last batch may be cut off: it comes whole with the next read.
            let Ok((header, batch)) = batch else { break };
            let next = header.base_offset + i64::from(header.last_offset_delta) + 1;
            let next = u64::try_from(next).map_err(|error| error.to_string())?;
            let mut taken: Vec<Record> = Vec::new();
            if !header.attributes.is_control() {
                let found =
                    records(&batch, BATCH_LIMIT_BYTES).map_err(|error| error.to_string())?;
                for record in found {
                    let record = record.map_err(|error| error.to_string())?;
                    let known = self.registry.position();
                    if u64::try_from(record.offset).is_ok_and(|offset| offset >= known)
                        && let Some(key) = record.key
                    {
                        taken.push((key.to_vec(), record.value.map(|value| value.to_vec())));
                    }
                }
            }
            self.registry.apply(&taken, next.max(self.registry.position()));
            if next >= end.get() {
                self.registry.caught_up();
            }
        }
        Ok(())
    }
}
