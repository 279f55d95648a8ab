//! `MirrorMaker` 2, both ways at once between Apache Kafka and Alluvium: records, and where groups stand in them.

use crate::harness::{
    Deployment, Kafka, Kind, Member, Running, eventually,
    group_tool::described,
    programs::{Client, create_topic, create_topic_when_ready, kafka_tool},
    records::produce,
};
use std::{collections::BTreeSet, fs, ops::Range, path::Path};

const PARTITIONS: u32 = 2;

/// One way of the mirror.
struct Way<'a> {
    /// Where records are written, and the name of that cluster.
    source: (&'a str, &'a str),
    target: &'a str,
    topic: &'a str,
}

impl Way<'_> {
    /// The topic's name in the target.
    fn mirrored(&self) -> String {
        format!("{}.{}", self.source.1, self.topic)
    }

    fn write(&self, numbers: Range<u32>) {
        produce(self.source.0, self.topic, numbers);
    }

    /// A member of the group of this topic's readers reads `numbers` in a cluster, and nothing else, and commits.
    fn read(&self, address: &str, topic: &str, directory: &Path, numbers: Range<u32>) {
        let expected: BTreeSet<String> = numbers.map(|number| number.to_string()).collect();
        let member =
            Member::start(Client::Librdkafka, directory, topic, address, topic, self.topic);
        eventually(|| {
            let count = member.records().len();
            if count >= expected.len() { Ok(()) } else { Err(format!("{topic}: {count} records")) }
        });
        let read = member.stop().into_iter().map(|(_, _, value)| value).collect::<Vec<_>>();
        assert_eq!(read.len(), expected.len(), "{topic}: each record once");
        assert_eq!(BTreeSet::from_iter(read), expected, "{topic}");
    }

    /// Waits until the group stands in the target where it stands in the source.
    fn until_translated(&self) {
        let wanted = described(self.source.0, self.topic);
        assert_eq!(wanted.len(), PARTITIONS as usize, "{wanted:?}");
        eventually(|| {
            let found = described(self.target, self.topic);
            if found == wanted {
                Ok(())
            } else {
                Err(format!("{}: {found:?}, not {wanted:?}", self.topic))
            }
        });
    }
}

fn start_mirror(directory: &Path, kafka: &str, ours: &str) -> Running {
    let properties = directory.join("mirror.properties");
    let settings = [
        "clusters=kafka,alluvium".to_owned(),
        format!("kafka.bootstrap.servers={kafka}"),
        format!("alluvium.bootstrap.servers={ours}"),
        "kafka->alluvium.enabled=true".to_owned(),
        "kafka->alluvium.topics=orders".to_owned(),
        "alluvium->kafka.enabled=true".to_owned(),
        "alluvium->kafka.topics=invoices".to_owned(),
        "groups=orders|invoices".to_owned(),
        "replication.factor=1".to_owned(),
        "checkpoints.topic.replication.factor=1".to_owned(),
        "heartbeats.topic.replication.factor=1".to_owned(),
        "offset-syncs.topic.replication.factor=1".to_owned(),
        "config.storage.replication.factor=1".to_owned(),
        "offset.storage.replication.factor=1".to_owned(),
        "status.storage.replication.factor=1".to_owned(),
        "offset.storage.partitions=2".to_owned(),
        "status.storage.partitions=2".to_owned(),
        "plugin.discovery=service_load".to_owned(),
        // Offsets of every record are translated, at once: what is made for people is made for a test.
        "offset.lag.max=0".to_owned(),
        "offset.flush.interval.ms=500".to_owned(),
        "refresh.groups.interval.seconds=1".to_owned(),
        "refresh.topics.interval.seconds=1".to_owned(),
        "emit.checkpoints.interval.seconds=1".to_owned(),
        "sync.group.offsets.enabled=true".to_owned(),
        "sync.group.offsets.interval.seconds=1".to_owned(),
    ];
    fs::write(&properties, settings.join("\n")).unwrap();
    let mut command = kafka_tool("org.apache.kafka.connect.mirror.MirrorMaker");
    Running::start(command.arg(properties), directory, "mirror")
}

/// Records and groups go both ways.
fn mirrors(kind: Kind) {
    let deployment = Deployment::start(kind);
    let directory = deployment.directory();
    let server = Kafka::start().unwrap();
    let kafka = server.endpoint().replace("http://", "");
    let brokers = deployment.serve(&["group.initial.rebalance.delay.ms=0"]);
    let ours = brokers.address();
    let ways = [
        Way { source: (&kafka, "kafka"), target: &ours, topic: "orders" },
        Way { source: (&ours, "alluvium"), target: &kafka, topic: "invoices" },
    ];
    create_topic_when_ready(&kafka, "orders", PARTITIONS);
    create_topic(&ours, "invoices", PARTITIONS, &[]);
    let _mirror = start_mirror(directory, &kafka, &ours);
    for way in &ways {
        way.write(0..500);
        way.read(way.source.0, way.topic, directory, 0..500);
    }
    for way in &ways {
        way.until_translated();
        way.write(500..700);
    }
    for way in &ways {
        way.read(way.target, &way.mirrored(), directory, 500..700);
    }
}

#[test]
fn mirror_maker_carries_records_and_groups_both_ways_between_kafka_and_alluvium() {
    mirrors(Kind::Embedded);
}

#[test]
#[ignore = "long: the same on etcd and MinIO"]
fn mirror_maker_carries_records_and_groups_both_ways_between_kafka_and_etcd_and_minio() {
    mirrors(Kind::Cluster);
}

#[test]
#[ignore = "long: the same on three brokers"]
fn mirror_maker_carries_records_and_groups_both_ways_between_kafka_and_three_brokers() {
    mirrors(Kind::Three);
}
