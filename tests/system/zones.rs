//! Brokers and consumers in three zones: consumers read in their own, from shared storage, and no record crosses zones.

use crate::harness::{
    Broker, Deployment, Kind, Member, eventually,
    placement::move_all,
    programs::{Client, create_topic, run},
    records::{produce, until_read, values_of_transactions},
    until,
};
use std::collections::{BTreeMap, BTreeSet};

const PARTITIONS: u32 = 6;

/// Readers of zones are wanted, and topics have one in each.
const ZONED: [&str; 4] = [
    "replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector",
    "default.replication.factor=3",
    "session.lease.ttl=3s",
    "session.lease.margin=1s",
];

fn addresses(brokers: &[Broker]) -> String {
    brokers.iter().map(Broker::address).collect::<Vec<_>>().join(",")
}

/// Bytes of records that a broker sent to consumers, by who served them and how far away the consumer was.
fn bytes_sent(broker: &Broker) -> BTreeMap<(String, String), u64> {
    let metrics = broker.metrics();
    let lines = metrics.lines().filter(|it| it.starts_with("kafka_fetch_record_bytes_total{"));
    let label = |line: &str, name: &str| {
        let after = line.split_once(&format!("{name}=\"")).unwrap().1;
        after.split_once('"').unwrap().0.to_owned()
    };
    let value = |line: &str| line.rsplit_once(' ').unwrap().1.parse().unwrap();
    lines.map(|it| ((label(it, "served_by"), label(it, "zone")), value(it))).collect()
}

/// A member of a group of its own in the zone of broker `number`.
fn member(
    client: Client,
    deployment: &Deployment,
    bootstrap: &str,
    topic: &str,
    number: usize,
) -> Member {
    let name = format!("{client:?}-{number}-{topic}");
    let zone = format!("zone-{number}");
    let arguments = ["--rack", &zone, "--isolation", "read_committed"];
    let place = (bootstrap, topic, name.as_str());
    Member::start_with(client, deployment.directory(), &name, place, &arguments)
}

fn values(records: &[(i32, u64, String)]) -> BTreeSet<String> {
    records.iter().map(|(_, _, value)| value.clone()).collect()
}

#[test]
fn consumers_read_in_their_zone_and_no_record_crosses() {
    const COUNT: u32 = 6;
    let deployment = Deployment::start(Kind::Cluster);
    let brokers = deployment.brokers(3, &ZONED);
    let bootstrap = addresses(&brokers);
    for (round, client) in [Client::Java, Client::Librdkafka].into_iter().enumerate() {
        let topic = format!("topic-{round}");
        create_topic(&bootstrap, &topic, PARTITIONS, &[]);
        let write = |id: &str| {
            let mut command = Client::Librdkafka.transactions();
            command.args(["write", "--bootstrap", &bootstrap, "--topic", &topic, "--id", id]);
            run(command.args(["--count", &COUNT.to_string(), "--partitions", "6"]), b"");
            values_of_transactions(id, COUNT, false)
        };
        let mut written = write("before");
        let members: Vec<_> =
            (1..=3).map(|number| member(client, &deployment, &bootstrap, &topic, number)).collect();
        let all_read = |written: &BTreeSet<String>| {
            for member in &members {
                until("not everything was read", || values(&member.records()).is_superset(written));
            }
        };
        all_read(&written);
        // At the end of the log, too.
        written.extend(write("after"));
        all_read(&written);
        for member in members {
            assert_eq!(values(&member.stop()), written, "aborted records were read");
        }
    }
    for broker in &brokers {
        let sent = bytes_sent(broker);
        let crossed = sent.iter().filter(|((_, zone), bytes)| zone != "same" && **bytes > 0);
        assert_eq!(crossed.count(), 0, "{sent:?}");
        assert!(sent[&("reader".to_owned(), "same".to_owned())] > 0, "{sent:?}");
        assert!(sent[&("owner".to_owned(), "same".to_owned())] > 0, "{sent:?}");
    }
}

#[test]
fn consumers_go_on_while_readers_die_and_owners_change() {
    let deployment = Deployment::start(Kind::Cluster);
    let mut brokers = deployment.brokers(3, &ZONED);
    let bootstrap = addresses(&brokers);
    create_topic(&bootstrap, "moved", PARTITIONS, &[]);
    let mut written = 0..500;
    produce(&bootstrap, "moved", written.clone());
    let members: Vec<_> = [Client::Java, Client::Librdkafka]
        .map(|client| member(client, &deployment, &bootstrap, "moved", 2))
        .into_iter()
        .collect();
    let mut write_and_read = |brokers: &[Broker]| {
        produce(&addresses(brokers), "moved", written.end..written.end + 500);
        written.end += 500;
        for member in &members {
            until_read(&[member], &[], written.clone());
        }
    };
    write_and_read(&brokers);
    // Away from the reader of the zone, to it, and away from it again.
    for owner in [1, 2, 3] {
        move_all(&brokers, "moved", PARTITIONS, |_| owner);
        write_and_read(&brokers);
    }
    brokers[1].kill();
    write_and_read(&brokers);
    brokers[1].restart();
    write_and_read(&brokers);
    // It serves its zone again.
    let before = bytes_sent(&brokers[1]);
    let by_reader = ("reader".to_owned(), "same".to_owned());
    eventually(|| {
        write_and_read(&brokers);
        let sent = bytes_sent(&brokers[1]);
        let more = sent.get(&by_reader) > before.get(&by_reader);
        if more { Ok(()) } else { Err(format!("{sent:?}")) }
    });
    for member in members {
        let records = member.stop();
        let mut offsets: BTreeMap<(i32, u64), String> = BTreeMap::new();
        for (partition, offset, value) in records {
            let known = offsets.insert((partition, offset), value.clone());
            assert!(known.is_none_or(|known| known == value), "an offset has two values");
        }
    }
}
