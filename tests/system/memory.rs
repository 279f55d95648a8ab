//! Memory under a producer that nothing holds back.

use crate::harness::{
    Deployment, Kind,
    programs::{create_topic, kafka_tool, run},
};

/// What the defaults allow: 128 MiB of log buffers, 32 MiB of read cache, requests in flight, and the broker itself.
const LIMIT_BYTES: u64 = 256 << 20;

#[test]
fn a_producer_at_full_speed_does_not_make_the_broker_grow() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    create_topic(&broker.address(), "bulk", 16, &[]);
    let mut producer = kafka_tool("org.apache.kafka.tools.ProducerPerformance");
    let bootstrap = format!("bootstrap.servers={}", broker.address());
    producer
        .args(["--topic", "bulk", "--num-records", "800000", "--record-size", "1024"])
        .args(["--throughput", "-1", "--producer-props", &bootstrap])
        .args(["linger.ms=5", "batch.size=131072"]);
    run(&mut producer, b"");
    let peak = broker.peak_resident_bytes();
    assert!(peak < LIMIT_BYTES, "the broker grew to {} MiB", peak >> 20);
}
