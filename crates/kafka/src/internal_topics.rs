//! The internal topics, whose partitions are coordinator slots: made when a client first asks for a coordinator.

use crate::{broker::Broker, error::Refusal};
use cluster::{ClusterError, Image, NewTopic};
use coordinator::{GroupError, SlotError, SlotKind, slot_of};
use kafka_protocol::ResponseError;
use model::{
    BrokerId, PartitionId, PartitionIndex,
    config::{ConfigKey, broker as keys},
};
use std::collections::BTreeMap;

/// The topic that a client made the broker create by asking for it, as it is to be created.
pub(crate) fn auto_created(broker: &Broker, name: &str) -> NewTopic {
    let mut topic = NewTopic {
        name: name.to_owned(),
        partitions: None,
        replication_factor: None,
        configs: BTreeMap::new(),
        internal: false,
        leaders: Vec::new(),
    };
    let Some(kind) = SlotKind::of_topic(name) else { return topic };
    let number = |key: &ConfigKey| key.number_in(&broker.options.static_configs);
    let (partitions, factor) = match kind {
        SlotKind::Groups => (
            number(&keys::OFFSETS_TOPIC_NUM_PARTITIONS),
            number(&keys::OFFSETS_TOPIC_REPLICATION_FACTOR),
        ),
        SlotKind::Transactions => (
            number(&keys::TRANSACTION_STATE_LOG_NUM_PARTITIONS),
            number(&keys::TRANSACTION_STATE_LOG_REPLICATION_FACTOR),
        ),
    };
    topic.partitions = partitions.and_then(|it| u32::try_from(it).ok());
    topic.replication_factor = factor.and_then(|it| u16::try_from(it).ok());
    topic.configs = [("cleanup.policy", "compact"), ("compression.type", "producer")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    topic.internal = true;
    topic
}

impl Broker {
    /// The slot of a group or transactional id, if there are any slots yet.
    pub(crate) fn slot(&self, kind: SlotKind, id: &str) -> Result<u32, GroupError> {
        let slot = slot_partition(&self.cluster.image(), kind, id);
        Ok(slot.ok_or(SlotError::NotCoordinator)?.partition.get())
    }

    /// Makes the slots of `kind` if there are none; what became of them is seen in the image.
    pub(crate) async fn make_slots(&self, kind: SlotKind) -> Result<(), Refusal> {
        let topic = auto_created(self, kind.topic());
        let patience = self.options.auto_create_patience;
        match self.cluster.create_topic(topic, false, patience).await {
            Ok(_) | Err(ClusterError::TopicExists(_)) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, topic = kind.topic(), "an internal topic could not be created");
                Err(Refusal::new(ResponseError::CoordinatorNotAvailable, error.to_string()))
            }
        }
    }
}

/// The partition of an internal topic that an id belongs to; `None` while there are no slots.
pub(crate) fn slot_partition(image: &Image, kind: SlotKind, id: &str) -> Option<PartitionId> {
    let topic = image.topic(kind.topic())?;
    let slot = slot_of(id, u32::try_from(topic.partitions.len()).ok()?);
    Some(PartitionId { topic: topic.id, partition: PartitionIndex::new(slot)? })
}

/// The live broker that coordinates an id.
pub fn coordinator_of(image: &Image, kind: SlotKind, id: &str) -> Option<BrokerId> {
    let slot = slot_partition(image, kind, id)?.partition.get();
    image.topic(kind.topic())?.partitions.get(slot as usize)?.leader
}
