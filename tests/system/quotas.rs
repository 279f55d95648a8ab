//! Quotas that kafka-configs sets, and how fast Kafka's own measuring programs then go.

use crate::harness::{
    Deployment, Kind,
    programs::{create_topic, kafka_tool, run, text},
};

const RATE: f64 = 500_000.0;
const RECORDS: &str = "10000";

#[test]
fn kafkas_measuring_programs_go_as_fast_as_their_quotas() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let address = broker.address();
    create_topic(&address, "t", 1, &[]);
    let configs = |arguments: &[&str]| {
        let mut tool = kafka_tool("kafka.admin.ConfigCommand");
        tool.args(["--bootstrap-server", &address]).args(arguments);
        text(&run(&mut tool, b"").stdout)
    };
    let quotas = "producer_byte_rate=500000,consumer_byte_rate=500000";
    let users = ["--entity-type", "users", "--entity-default"];
    configs(&[&["--alter", "--add-config", quotas][..], &users].concat());
    let shown = configs(&["--describe", "--entity-type", "users"]);
    assert!(shown.contains("producer_byte_rate=500000"), "{shown}");

    let mut producer = kafka_tool("org.apache.kafka.tools.ProducerPerformance");
    producer.args(["--bootstrap-server", &address, "--topic", "t", "--throughput", "-1"]);
    producer.args(["--num-records", RECORDS, "--record-size", "1000"]);
    let measured = text(&run(&mut producer, b"").stdout);
    let summary = measured.lines().rev().find(|line| line.contains("records sent")).unwrap();
    let per_second = summary.split(", ").find_map(|part| part.split_once(" records/sec"));
    let rate = per_second.unwrap().0.parse::<f64>().unwrap() * 1000.0;
    assert!((rate - RATE).abs() < RATE / 10.0, "{rate}: {summary}");

    let mut consumer = kafka_tool("org.apache.kafka.tools.ConsumerPerformance");
    consumer.args(["--bootstrap-server", &address, "--topic", "t", "--num-records", RECORDS]);
    consumer.args(["--timeout", "60000"]);
    let measured = text(&run(&mut consumer, b"").stdout);
    let mut lines = measured.lines().filter(|line| line.contains(", "));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let mut columns = names.split(", ").zip(values.split(", "));
    let column = columns.find(|(name, _)| *name == "fetch.MB.sec").unwrap();
    let rate = column.1.parse::<f64>().unwrap() * f64::from(1 << 20);
    assert!((rate - RATE).abs() < RATE / 10.0, "{rate}: {measured}");

    configs(&[&["--alter", "--delete-config", "producer_byte_rate"][..], &users].concat());
    let shown = configs(&["--describe", "--entity-type", "users"]);
    assert!(
        shown.contains("consumer_byte_rate") && !shown.contains("producer_byte_rate"),
        "{shown}"
    );
}
