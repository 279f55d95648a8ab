//! The config-key tables: every key of a broker and of a topic, with type, default, limits and meaning.
//!
//! [`topic_keys`] and [`broker_keys`] are the truth that DescribeConfigs, validation and the docs page derive from. A
//! topic key takes its value from the topic's own override, else from its broker synonyms ([`ConfigLayers`]).

mod broker_keys;
mod compaction_settings;
mod deployment_keys;
mod invalid;
mod key;
mod lag_keys;
mod layers;
mod oauthbearer_keys;
mod schema_rules;
mod security_keys;
mod topic_keys;
mod topic_settings;
mod value;

pub use broker_keys::{broker_key, broker_keys};
pub use compaction_settings::CompactionSettings;
pub use deployment_keys::{process_key, process_keys};
pub use invalid::InvalidConfig;
pub use key::{ConfigKey, ConfigType, Dynamic, Importance, Scope, Synonym, Validator};
pub use layers::{ConfigLayers, ConfigSource, SourcedValue};
pub use schema_rules::{SchemaRules, SubjectNaming};
pub use security_keys::{listener_key, listener_of};
pub use topic_keys::{topic_key, topic_keys, validate_topic_configs};
pub use topic_settings::{
    CleanupPolicy, CompressionType, DurabilityMode, TimestampType, TopicSettings, wal_is_ephemeral,
};
pub use value::{parse_boolean, parse_duration, parse_list};

/// The broker's keys as constants, for code that reads one of them.
pub mod broker {
    pub use super::broker_keys::*;
}

/// The keys by which listeners are secured, as constants.
pub mod security {
    pub use super::{oauthbearer_keys::*, security_keys::*};
}

/// The topic's keys as constants.
pub mod topic {
    pub use super::topic_keys::*;
}

/// The keys of the lag evaluator as constants.
pub mod lag {
    pub use super::lag_keys::*;
}

/// The keys of a process as constants.
pub mod deployment {
    pub use super::deployment_keys::*;
}
