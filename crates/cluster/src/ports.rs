//! What the cluster needs from the log engine, declared here and joined by the wiring.

use async_trait::async_trait;
use metadata::Revision;
use model::{BrokerId, PartitionId, SessionId};
use std::{collections::BTreeMap, sync::Arc};

/// A registered session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionStamp {
    /// Names it in keys.
    pub id: SessionId,
    /// Create revision of `sessions/{broker}`.
    pub create_revision: Revision,
    /// The broker.
    pub broker: BrokerId,
}

/// A partition whose owner record, by a transaction known to have succeeded, names this session.
#[derive(Clone, Debug)]
pub struct ClaimedPartition {
    /// Which.
    pub partition: PartitionId,
    /// The record as written.
    pub owner: formats::metadata::Owner,
    /// Its mod revision.
    pub owner_revision: Revision,
    /// The topic's name.
    pub topic: model::TopicName,
    /// The topic's settings in force.
    pub settings: Arc<model::config::TopicSettings>,
}

/// The engine behind the partitions this broker owns.
#[async_trait]
pub trait Ownership: Send + Sync + std::fmt::Debug {
    /// A session began; claims follow.
    fn session_began(&self, session: SessionStamp);
    /// The session ended or its lease is in doubt: acknowledge nothing until the next begins.
    fn session_lost(&self, session: SessionId);
    /// Opens partitions; the answer names those that could not be opened (they are tried again).
    async fn open(&self, claims: Vec<ClaimedPartition>) -> Vec<(PartitionId, String)>;
    /// Takes nothing more into these partitions, which are about to be handed over, and waits until all they hold is committed and what
    /// else rests on their ownership is settled. Answers the session's last commit that may hold any of it.
    ///
    /// # Errors
    /// A sentence: some may be sealed then.
    async fn seal(&self, partitions: &[PartitionId]) -> Result<u64, String>;
    /// Sealed partitions stay: everything goes on.
    fn unseal(&self, partitions: &[PartitionId]);
    /// Closes partitions at once: topic deleted, or ownership lost.
    fn close(&self, partitions: &[PartitionId]);
    /// Bytes of records that each of its partitions took in and gave to readers since it was opened.
    fn carried_bytes(&self) -> BTreeMap<PartitionId, u64>;
    /// Settings of a topic changed.
    fn settings_changed(&self, topic: model::TopicId, settings: Arc<model::config::TopicSettings>);
}
