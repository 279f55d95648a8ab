//! `moves/{topic id}/{partition}`: where a partition's owner is to hand it. Its owner's handover deletes it.

use super::{
    Keys,
    keys::{parse_partition_path, partition_path},
    value::value,
};
use bytes::Bytes;
use formats::metadata::Move;
use model::{BrokerId, PartitionId, TopicId};

value!(Move, |it| match BrokerId::new(it.to) {
    Some(_) => Ok(()),
    None => Err("the broker's number is out of range"),
});

impl Keys {
    /// The move of a partition.
    pub fn moving(&self, partition: PartitionId) -> Bytes {
        self.at(&format!("moves/{}", partition_path(partition)))
    }

    /// Every move.
    pub fn moves(&self) -> Bytes {
        self.at("moves/")
    }

    /// The moves of one topic.
    pub fn moves_of(&self, topic: TopicId) -> Bytes {
        self.at(&format!("moves/{topic}/"))
    }

    /// Which partition a key of [`Keys::moves`] is about.
    pub fn parse_move(&self, key: &[u8]) -> Option<PartitionId> {
        parse_partition_path(self.rest("moves/", key)?)
    }
}
