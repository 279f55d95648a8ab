//! The config-key tables: every key of a broker and of a topic, with type, default, limits and meaning.

mod topic_settings;

pub use topic_settings::{
    CleanupPolicy, CompressionType, DurabilityMode, TimestampType, TopicSettings,
};
