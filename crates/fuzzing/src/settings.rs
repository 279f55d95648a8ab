//! Text that people and clients write: listeners, config values, names.

use crate::Decoder;
use kafka::{AdvertisedListener, ListenerSpec};
use model::config::TopicSettings;
use std::collections::BTreeMap;

/// `listeners`, and on the next line the protocol map.
pub(crate) const LISTENERS: Decoder =
    Decoder { name: "listeners", run: listeners, seeds: listener_seeds };

/// Lines of `key=value`, as a topic's configs.
pub(crate) const CONFIG_VALUES: Decoder =
    Decoder { name: "config_values", run: config_values, seeds: config_seeds };

/// Names of topics and objects.
pub(crate) const NAMES: Decoder = Decoder { name: "names", run: names, seeds: name_seeds };

fn listeners(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (listeners, map) = text.split_once('\n').unwrap_or((text, ""));
    let _ = ListenerSpec::parse_list(listeners, map);
    let _ = AdvertisedListener::parse_list(listeners);
}

fn config_values(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let configs: BTreeMap<String, String> = pairs.collect();
    let _ = TopicSettings::resolve(&configs, &BTreeMap::new());
    let _ = TopicSettings::resolve(&BTreeMap::new(), &configs);
}

fn names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(name) = model::TopicName::new(text) {
        assert_eq!(name.as_str(), text);
    }
    if let Ok(name) = storage::ObjectName::new(text) {
        assert_eq!(name.as_str(), text);
    }
}

fn listener_seeds() -> Vec<Vec<u8>> {
    let seeds = [
        "PLAINTEXT://localhost:9092",
        "A://[::1]:1,B://:2\nA:PLAINTEXT,B:PLAINTEXT",
        "X://h:0\nX:SSL",
    ];
    seeds.map(|text| text.as_bytes().to_vec()).into()
}

fn config_seeds() -> Vec<Vec<u8>> {
    let seeds = [
        "retention.ms=1000\nretention.bytes=-1\ncleanup.policy=compact,delete",
        "max.message.bytes=1048588\ncompression.type=zstd\nmessage.timestamp.type=LogAppendTime",
        "durability.mode=object\nunclean.leader.election.enable=true\nmin.insync.replicas=1",
    ];
    seeds.map(|text| text.as_bytes().to_vec()).into()
}

fn name_seeds() -> Vec<Vec<u8>> {
    ["a.topic_name-1", "7f/0123/segment-1", ".."].map(|text| text.as_bytes().to_vec()).into()
}
