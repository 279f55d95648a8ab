//! `configs/{resource type}/{resource name}`: dynamic settings; topics by id, brokers by number.

use super::{
    Keys,
    keys::{digits, parse_digits, parse_id},
    value::value,
};
use bytes::Bytes;
use formats::metadata::Configs;
use model::{BrokerId, TopicId};

value!(Configs);

/// What dynamic settings belong to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ConfigResource {
    /// A topic.
    Topic(TopicId),
    /// One broker.
    Broker(BrokerId),
    /// Every broker that does not say otherwise.
    ClusterDefault,
}

impl Keys {
    /// The settings of a resource.
    pub fn configs(&self, resource: ConfigResource) -> Bytes {
        self.at(&match resource {
            ConfigResource::Topic(topic) => format!("configs/topics/{topic}"),
            ConfigResource::Broker(broker) => {
                format!("configs/brokers/{}", digits(u64::from(broker.get())))
            }
            ConfigResource::ClusterDefault => "configs/brokers/default".to_owned(),
        })
    }

    /// The settings of every resource.
    pub fn all_configs(&self) -> Bytes {
        self.at("configs/")
    }

    /// Whose settings a key of [`Keys::all_configs`] holds.
    pub fn parse_configs(&self, key: &[u8]) -> Option<ConfigResource> {
        match self.rest("configs/", key)?.split_once('/')? {
            ("topics", topic) => Some(ConfigResource::Topic(parse_id(topic)?)),
            ("brokers", "default") => Some(ConfigResource::ClusterDefault),
            ("brokers", id) => Some(ConfigResource::Broker(BrokerId::new(parse_digits(id)?)?)),
            _ => None,
        }
    }
}
