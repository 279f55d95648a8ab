//! Kafka's admin client sees in Alluvium what it sees in Apache Kafka: topics, configs, offsets, groups, members, transactions.

use crate::harness::{
    Deployment, Kafka, Kind,
    programs::{clients, create_topic_when_ready, java, run, text},
};
use std::thread;

/// What the tour prints.
fn tour(address: &str) -> String {
    create_topic_when_ready(address, "ready", 1);
    let mut command = java();
    command.arg(clients().join("java/AdminTour.java")).args(["--bootstrap", address]);
    text(&run(&mut command, b"").stdout)
}

#[test]
fn the_admin_client_sees_in_alluvium_what_it_sees_in_kafka() {
    let in_kafka = thread::spawn(|| {
        let kafka = Kafka::start().unwrap();
        tour(&kafka.endpoint().replace("http://", ""))
    });
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let in_alluvium = tour(&broker.address());
    let in_kafka = in_kafka.join().unwrap();
    assert!(in_kafka.lines().count() > 50, "{in_kafka}");
    let differences: Vec<_> =
        in_kafka.lines().zip(in_alluvium.lines()).filter(|(one, other)| one != other).collect();
    assert!(in_kafka == in_alluvium, "Kafka, Alluvium: {differences:#?}");
}
