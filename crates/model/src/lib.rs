//! The nouns of the log: ids, offsets, epochs, limits and the config-key tables. No I/O, no clock.
//!
//! Values are checked when they are made and trusted afterwards. Kafka's `-1` ("none") exists only at the edge: in
//! here absence is an `Option`. Ranges are half open.

pub mod config;
mod ids;
mod names;
mod offsets;

pub use ids::{
    BrokerId, ClusterId, PartitionId, PartitionIndex, ProducerEpoch, ProducerId, SessionId,
    TopicId, WalId,
};
pub use names::{InvalidTopicName, TopicName};
pub use offsets::{LeaderEpoch, Offset, TimestampMs};
