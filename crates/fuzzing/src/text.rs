//! Text that people and clients write: listeners, config values, names, settings files, addresses, URLs.

use crate::Decoder;
use kafka::{AdvertisedListener, ListenerSpec};
use model::config::TopicSettings;
use settings::{FileFormat, Settings};
use std::collections::BTreeMap;

/// `listeners`, and on the next line the protocol map.
pub(crate) const LISTENERS: Decoder =
    Decoder { name: "listeners", run: listeners, seeds: listener_seeds };

/// Lines of `key=value`, as a topic's configs.
pub(crate) const CONFIG_VALUES: Decoder =
    Decoder { name: "config_values", run: config_values, seeds: config_seeds };

/// Names of topics and objects.
pub(crate) const NAMES: Decoder = Decoder { name: "names", run: names, seeds: name_seeds };

/// A settings file: TOML, and Kafka's format.
pub(crate) const SETTINGS_FILE: Decoder =
    Decoder { name: "settings_file", run: settings_file, seeds: file_seeds };

/// The brokers that a command is told to ask.
pub(crate) const BOOTSTRAP_SERVERS: Decoder =
    Decoder { name: "bootstrap_servers", run: bootstrap_servers, seeds: address_seeds };

/// An object store's URL, and on the next line its endpoint.
pub(crate) const STORE_URL: Decoder =
    Decoder { name: "store_url", run: store_url, seeds: url_seeds };

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

fn settings_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for format in [FileFormat::Toml, FileFormat::Properties] {
        match Settings::parse(text, format) {
            Ok(settings) => drop(settings.wal_directory()),
            Err(error) => assert!(!error.0.is_empty(), "a refusal has a reason"),
        }
    }
}

fn bootstrap_servers(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for address in cli::addresses(text) {
        assert!(address.contains(':'), "{address:?} has a port");
    }
}

fn store_url(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (url, endpoint) = text.split_once('\n').map_or((text, None), |(url, at)| (url, Some(at)));
    if let Some(name) = storage::fuzzing::name_through_key(url, endpoint, "data/1") {
        assert_eq!(name, "data/1", "{text:?}");
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

fn file_seeds() -> Vec<Vec<u8>> {
    let seeds = [
        "\"num.partitions\" = 3\nlisteners = [\"A://h:1\", \"B://h:2\"]\n[log]\nretention.ms = 5\n",
        "wal.max.bytes = 100000000\ndurability.mode = \"wal\"\nauto.create.topics.enable = false\n",
        "# c\n! c\nlisteners=PLAINTEXT://:9092,\\\n  B://:9093\ncontroller.quorum.voters=1@a:1\nbroker.id: 2\n",
    ];
    seeds.map(|text| text.as_bytes().to_vec()).into()
}

fn address_seeds() -> Vec<Vec<u8>> {
    ["a, b:1,,127.0.0.1", "[::1],[::1]:2,::1"].map(|text| text.as_bytes().to_vec()).into()
}

fn url_seeds() -> Vec<Vec<u8>> {
    let seeds = [
        "s3://bucket/a/prefix/",
        "s3://bucket.with.dots\nhttps://minio:9000/",
        "s3://b/p\nhttp://[::1]:9000",
        "file:///var/lib/objects",
        "memory://",
    ];
    seeds.map(|text| text.as_bytes().to_vec()).into()
}
