//! [`ConfigLayers`]: where a value comes from when several places may set it.

use super::{ConfigKey, Scope, broker_key};
use std::collections::BTreeMap;

/// The places that set values, the strongest first: the topic's override, this broker's dynamic value, the dynamic default of
/// all brokers, flags and file; below them lies the built-in default.
#[derive(Clone, Copy, Debug)]
pub struct ConfigLayers<'a> {
    /// The topic's overrides; `None` when a broker is asked for.
    pub topic: Option<&'a BTreeMap<String, String>>,
    /// `configs/brokers/{broker}`.
    pub broker: &'a BTreeMap<String, String>,
    /// `configs/brokers/default`.
    pub default_broker: &'a BTreeMap<String, String>,
    /// Flags, environment, file.
    pub fixed: &'a BTreeMap<String, String>,
}

/// Which place a value came from, as DescribeConfigs names them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ConfigSource {
    /// The topic's override.
    Topic,
    /// Dynamic, for one broker.
    Broker,
    /// Dynamic, for all brokers.
    DefaultBroker,
    /// Flags, environment or file.
    Static,
    /// Built in.
    Default,
}

/// A value with its source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourcedValue {
    /// The key it was set under: the asked key, or a broker synonym.
    pub name: &'static str,
    /// The value under that name; `None` is Kafka's null.
    pub value: Option<String>,
    /// Where.
    pub source: ConfigSource,
    /// The value as the asked key understands it (hours in milliseconds).
    pub effective: Option<String>,
}

impl ConfigLayers<'_> {
    /// Every place that gives `key` a value, the one in force first; the built-in default is always last.
    pub fn sources(&self, key: &ConfigKey) -> Vec<SourcedValue> {
        let mut found = Vec::new();
        if let (Scope::Topic(_), Some(value)) =
            (key.scope, self.topic.and_then(|overrides| overrides.get(key.name)))
        {
            found.push(sourced(key.name, value, value.clone(), ConfigSource::Topic));
        }
        match key.scope {
            Scope::Topic(synonyms) => {
                for synonym in synonyms {
                    for (values, source) in self.broker_layers() {
                        if let Some(value) = values.get(synonym.name) {
                            found.push(sourced(
                                synonym.name,
                                value,
                                synonym.convert(value),
                                source,
                            ));
                        }
                    }
                }
            }
            Scope::Broker => {
                for (values, source) in self.broker_layers() {
                    if let Some(value) = values.get(key.name) {
                        found.push(sourced(key.name, value, value.clone(), source));
                    }
                }
            }
        }
        found.push(default_of(key));
        found
    }

    /// The value of `key` in force, and its source.
    pub fn effective(&self, key: &ConfigKey) -> (Option<String>, ConfigSource) {
        let first = self.sources(key).into_iter().next();
        first.map_or((None, ConfigSource::Default), |found| (found.effective, found.source))
    }

    /// The broker's values merged, the strongest layer winning: what [`super::TopicSettings::resolve`] takes.
    pub fn merged_broker_values(&self) -> BTreeMap<String, String> {
        let mut merged = self.fixed.clone();
        merged.extend(self.default_broker.clone());
        merged.extend(self.broker.clone());
        merged
    }

    fn broker_layers(&self) -> [(&BTreeMap<String, String>, ConfigSource); 3] {
        [
            (self.broker, ConfigSource::Broker),
            (self.default_broker, ConfigSource::DefaultBroker),
            (self.fixed, ConfigSource::Static),
        ]
    }
}

/// The built-in default: a topic key's is that of its weakest synonym, and in its units.
fn default_of(key: &ConfigKey) -> SourcedValue {
    let weakest = match key.scope {
        Scope::Topic(synonyms) => synonyms.last().and_then(|it| broker_key(it.name).ok()),
        Scope::Broker => None,
    };
    let place = weakest.unwrap_or(key);
    SourcedValue {
        name: place.name,
        value: place.default.map(str::to_owned),
        source: ConfigSource::Default,
        effective: key.default.map(str::to_owned),
    }
}

fn sourced(
    name: &'static str,
    value: &str,
    effective: String,
    source: ConfigSource,
) -> SourcedValue {
    SourcedValue { name, value: Some(value.to_owned()), source, effective: Some(effective) }
}

#[cfg(test)]
mod tests {
    use super::super::topic;
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn the_topics_override_wins_and_the_default_comes_last() {
        let (topic, broker, fixed) = (
            map(&[("retention.ms", "5")]),
            map(&[("log.retention.ms", "6")]),
            map(&[("log.retention.hours", "2")]),
        );
        let none = BTreeMap::new();
        let layers = ConfigLayers {
            topic: Some(&topic),
            broker: &broker,
            default_broker: &none,
            fixed: &fixed,
        };
        let found = layers.sources(&topic::RETENTION_MS);
        let seen: Vec<_> =
            found.iter().map(|s| (s.name, s.effective.as_deref(), s.source)).collect();
        assert_eq!(
            seen,
            [
                ("retention.ms", Some("5"), ConfigSource::Topic),
                ("log.retention.ms", Some("6"), ConfigSource::Broker),
                ("log.retention.hours", Some("7200000"), ConfigSource::Static),
                ("log.retention.hours", Some("604800000"), ConfigSource::Default),
            ]
        );
    }
}
