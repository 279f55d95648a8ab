//! Three brokers on etcd and MinIO: what one of them decides the others carry out, and one may die at any time.

use crate::harness::{
    Broker, Deployment, Kind,
    programs::{Client, create_topic, run},
    records::{read_distinct, values_of_transactions},
};
use std::collections::BTreeSet;

const PARTITIONS: u32 = 6;

fn addresses(brokers: &[Broker]) -> String {
    brokers.iter().map(Broker::address).collect::<Vec<_>>().join(",")
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
            written.extend(values_of_transactions(id, COUNT, false));
            if id == "all" {
                brokers[round].kill();
            }
        }
        let committed = read_distinct(&bootstrap, &topic, PARTITIONS, "read_committed");
        assert_eq!(committed, written);
        brokers[round].restart();
    }
}
