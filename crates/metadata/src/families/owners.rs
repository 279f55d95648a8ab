//! `owners/{topic id}/{partition}`: who sequences a partition, in which epoch and mode, and whose commits are its past.

use super::{
    Keys,
    keys::{parse_partition_path, partition_path},
    value::{check_id, value},
};
use bytes::Bytes;
use formats::metadata::{DurabilityMode, Owner};
use model::{LeaderEpoch, PartitionId, TopicId};

value!(Owner, check);

/// A record that is wrong here would be acted on by fencing: nothing is guessed.
fn check(owner: &Owner) -> Result<(), &'static str> {
    check_id(&owner.session, "the session is not 16 bytes")?;
    check_id(&owner.wal_id, "the WAL id is not 16 bytes")?;
    if LeaderEpoch::new(owner.leader_epoch).is_none() {
        return Err("the leader epoch is out of range");
    }
    if owner.since_epoch > owner.leader_epoch {
        return Err("since_epoch is later than the leader epoch");
    }
    match DurabilityMode::try_from(owner.mode) {
        Ok(DurabilityMode::Object | DurabilityMode::Wal) => {}
        _ => return Err("the durability mode is unknown"),
    }
    owner
        .unfolded
        .iter()
        .try_for_each(|entry| check_id(&entry.session, "a session in `unfolded` is not 16 bytes"))
}

impl Keys {
    /// The owner of a partition.
    pub fn owner(&self, partition: PartitionId) -> Bytes {
        self.at(&format!("owners/{}", partition_path(partition)))
    }

    /// Every owner.
    pub fn owners(&self) -> Bytes {
        self.at("owners/")
    }

    /// The owners of one topic.
    pub fn owners_of(&self, topic: TopicId) -> Bytes {
        self.at(&format!("owners/{topic}/"))
    }

    /// Which partition a key of [`Keys::owners`] is about.
    pub fn parse_owner(&self, key: &[u8]) -> Option<PartitionId> {
        parse_partition_path(self.rest("owners/", key)?)
    }
}
