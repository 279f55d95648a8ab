//! [`PartitionMarkers`]: the way of transactions' ends to the partitions: a local call, or a request to the broker that owns one.

use async_trait::async_trait;
use cluster::{Cluster, ClusterParts};
use coordinator::transaction::{Marked, Marker, Markers, ProducerIds};
use formats::record_batch::EndTransactionMarker;
use kafka::{PartitionMarker, Peers};
use metadata::{MetadataStore, RangeQuery, families::Keys};
use model::{PartitionId, ProducerId, TopicId};
use partition_log::{AppendError, EndTransaction, PartitionLogs};
use std::sync::Arc;

/// Markers to partitions, wherever they are.
#[derive(Debug)]
pub(crate) struct PartitionMarkers {
    cluster: Cluster,
    logs: PartitionLogs,
    peers: Peers,
    metadata: Arc<dyn MetadataStore>,
    keys: Keys,
}

impl PartitionMarkers {
    pub(crate) fn new(
        cluster: Cluster,
        logs: PartitionLogs,
        peers: Peers,
        parts: &ClusterParts,
    ) -> Self {
        let (metadata, keys) = (Arc::clone(&parts.metadata), parts.keys.clone());
        Self { cluster, logs, peers, metadata, keys }
    }

    /// A topic that is not in sight may be too new for this broker's view: only the store can say that it is gone.
    async fn missing(&self, topic: TopicId) -> Marked {
        match self.metadata.range(RangeQuery::key(self.keys.topic(topic))).await {
            Ok(found) if found.entries.is_empty() => Marked::Gone,
            Ok(_) => Marked::Failed("the topic is not in sight yet".to_owned()),
            Err(error) => Marked::Failed(error.to_string()),
        }
    }
}

#[async_trait]
impl Markers for PartitionMarkers {
    async fn write(&self, partition: PartitionId, marker: Marker) -> Marked {
        let image = self.cluster.image();
        let topic = image.topic_by_id(partition.topic);
        let index = partition.partition.get() as usize;
        let Some(info) = topic.and_then(|topic| topic.partitions.get(index)) else {
            return self.missing(partition.topic).await;
        };
        let elsewhere = info.leader.filter(|leader| *leader != self.cluster.broker());
        if let (Some(owner), Some(topic)) = (elsewhere, topic) {
            let Some(owner) = image.brokers.get(&owner) else {
                return Marked::Failed("the partition's owner is not alive".to_owned());
            };
            let (topic, partition) = (topic.name.clone(), partition.partition);
            return self.peers.mark(owner, PartitionMarker { topic, partition, marker }).await;
        }
        let Some(log) = self.logs.get(partition) else {
            return Marked::Failed("the partition is not open here".to_owned());
        };
        let end = EndTransaction {
            producer: marker.producer,
            epoch: marker.epoch,
            marker: EndTransactionMarker {
                result: marker.result,
                coordinator_epoch: marker.coordinator_epoch.to_wire(),
            },
            leader_epoch: Some(info.leader_epoch),
            epoch_is_its_own: marker.epoch_is_its_own,
        };
        let written = match log.end_transaction(end) {
            Ok(appended) => appended.acknowledged().await.map(drop),
            Err(error) => Err(error),
        };
        written.map_or_else(|error| refused(&error), |()| Marked::Written)
    }
}

fn refused(error: &AppendError) -> Marked {
    match error {
        AppendError::CoordinatorFenced { .. } | AppendError::InvalidProducerEpoch { .. } => {
            Marked::Fenced(error.to_string())
        }
        other => Marked::Failed(other.to_string()),
    }
}

/// The cluster's producer ids.
#[derive(Debug)]
pub(crate) struct ClusterProducerIds(pub(crate) Cluster);

#[async_trait]
impl ProducerIds for ClusterProducerIds {
    async fn next(&self) -> Result<ProducerId, String> {
        self.0.next_producer_id().await.map_err(|error| error.to_string())
    }
}
