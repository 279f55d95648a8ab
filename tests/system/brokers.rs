//! Three brokers on etcd and MinIO: what one of them decides the others carry out, and one may die at any time.

use crate::harness::{
    Broker, Deployment, Kind,
    programs::{Client, create_topic, python, run},
};
use std::collections::BTreeSet;

const PARTITIONS: u32 = 6;

fn addresses(brokers: &[Broker]) -> String {
    brokers.iter().map(Broker::address).collect::<Vec<_>>().join(",")
}

/// The committed values of a topic; none of them twice.
fn committed(bootstrap: &str, topic: &str) -> BTreeSet<String> {
    let mut command = python("isolation.py");
    command.args(["--bootstrap", bootstrap, "--topic", topic, "--isolation", "read_committed"]);
    let output = run(command.args(["--partitions", &PARTITIONS.to_string()]), b"").stdout;
    let output = String::from_utf8(output).unwrap();
    let values = output.lines().map(|line| line.split_once(' ').unwrap().1.to_owned());
    let all: Vec<String> = values.collect();
    let set: BTreeSet<String> = all.iter().cloned().collect();
    assert_eq!(set.len(), all.len(), "no record twice");
    set
}

#[test]
fn transactions_span_brokers_and_outlive_each_of_them() {
    const COUNT: u32 = 6;
    let deployment = Deployment::start(Kind::Cluster);
    let mut brokers = deployment.brokers(3, &["session.lease.ttl=3s", "session.lease.margin=1s"]);
    let bootstrap = addresses(&brokers);
    for (round, client) in Client::CORE.into_iter().enumerate() {
        let topic = format!("topic-{round}");
        create_topic(&bootstrap, &topic, PARTITIONS, &[]);
        let mut written = BTreeSet::new();
        // Once on three brokers, once right after one of them died.
        for id in ["all", "two"] {
            let mut command = client.transactions();
            command.args(["write", "--bootstrap", &bootstrap, "--topic", &topic, "--id", id]);
            run(command.args(["--count", &COUNT.to_string(), "--partitions", "3"]), b"");
            let kept = (0..COUNT).filter(|number| number % 2 == 0);
            let records = kept.flat_map(|number| (0..3).map(move |record| (number, record)));
            written.extend(records.map(|(number, record)| format!("{id}-{number}-{record}")));
            if id == "all" {
                brokers[round].kill();
            }
        }
        assert_eq!(committed(&bootstrap, &topic), written);
        brokers[round].restart();
    }
}
