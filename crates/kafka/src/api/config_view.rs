//! Configs as they are shown: the key tables of `model` over the layers that this broker sees.

use crate::broker::Broker;
use cluster::{Image, TopicInfo};
use model::{
    BrokerId,
    config::{ConfigKey, ConfigLayers, ConfigSource, broker_keys, topic_keys},
};
use std::{collections::BTreeMap, sync::Arc};

/// A key with its value in force.
pub(super) struct Shown {
    /// The key.
    pub(super) key: &'static ConfigKey,
    /// The value; `None` is null, or hidden.
    pub(super) value: Option<String>,
    /// Where it comes from.
    pub(super) source: ConfigSource,
    /// Every place that gives it a value, the one in force first.
    pub(super) synonyms: Vec<Synonym>,
}

/// A place that gives a key a value.
pub(super) struct Synonym {
    /// The name it was set under.
    pub(super) name: &'static str,
    /// The value; `None` is null, or hidden.
    pub(super) value: Option<String>,
    /// Where.
    pub(super) source: ConfigSource,
}

/// A source as `DescribeConfigs` numbers them (KIP-226).
pub(super) fn wire_source(source: ConfigSource) -> i8 {
    match source {
        ConfigSource::Topic => 1,
        ConfigSource::Broker => 2,
        ConfigSource::DefaultBroker => 3,
        ConfigSource::Static => 4,
        ConfigSource::Default => 5,
    }
}

/// A topic's configs.
pub(super) fn of_topic(broker: &Broker, image: &Image, topic: &TopicInfo) -> Vec<Shown> {
    let layers = Layers::of(broker, image, broker.cluster.broker());
    show(topic_keys(), layers.borrow(Some(&topic.configs)))
}

/// A broker's configs; for `None` what is set for all brokers.
pub(super) fn of_broker(broker: &Broker, image: &Image, id: Option<BrokerId>) -> Vec<Shown> {
    if let Some(id) = id {
        return show(broker_keys(), Layers::of(broker, image, id).borrow(None));
    }
    let all = show(broker_keys(), Layers::of_all(image).borrow(None));
    all.into_iter().filter(|shown| shown.source == ConfigSource::DefaultBroker).collect()
}

/// The broker's values in force, the strongest layer winning.
pub(super) fn broker_values(broker: &Broker, image: &Image) -> BTreeMap<String, String> {
    Layers::of(broker, image, broker.cluster.broker()).borrow(None).merged_broker_values()
}

/// The layers below a topic's overrides.
#[derive(Default)]
struct Layers<'a> {
    broker: Arc<BTreeMap<String, String>>,
    default_broker: Arc<BTreeMap<String, String>>,
    fixed: Option<&'a BTreeMap<String, String>>,
    none: BTreeMap<String, String>,
}

impl<'a> Layers<'a> {
    fn of(broker: &'a Broker, image: &Image, id: BrokerId) -> Self {
        Self {
            broker: image.broker_configs.get(&id).cloned().unwrap_or_default(),
            default_broker: Arc::clone(&image.default_broker_configs),
            // Another broker's file is not known here.
            fixed: (id == broker.cluster.broker()).then_some(&broker.options.static_configs),
            none: BTreeMap::new(),
        }
    }

    fn of_all(image: &Image) -> Self {
        Self { default_broker: Arc::clone(&image.default_broker_configs), ..Self::default() }
    }

    fn borrow<'b>(&'b self, topic: Option<&'b BTreeMap<String, String>>) -> ConfigLayers<'b> {
        ConfigLayers {
            topic,
            broker: &self.broker,
            default_broker: &self.default_broker,
            fixed: self.fixed.unwrap_or(&self.none),
        }
    }
}

fn show(
    keys: impl IntoIterator<Item = &'static ConfigKey>,
    layers: ConfigLayers<'_>,
) -> Vec<Shown> {
    keys.into_iter().map(|key| show_one(key, layers)).collect()
}

fn show_one(key: &'static ConfigKey, layers: ConfigLayers<'_>) -> Shown {
    let visible = |value: Option<String>| value.filter(|_| !key.sensitive);
    let (value, source) = layers.effective(key);
    let synonyms = layers.sources(key).into_iter().map(|found| Synonym {
        name: found.name,
        value: visible(found.value),
        source: found.source,
    });
    Shown { key, value: visible(value), source, synonyms: synonyms.collect() }
}
