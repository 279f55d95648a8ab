//! kcat, Kafka's own command line tools, and ours.

use crate::harness::{
    Deployment, Kind,
    programs::{alluvium, create_topic, kafka_tool, run, text},
};
use std::process::Command;

fn lines(count: usize) -> String {
    let lines: Vec<String> = (0..count).map(|number| format!("line {number}")).collect();
    lines.join("\n") + "\n"
}

#[test]
fn kcat_writes_and_reads() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let address = broker.address();
    let input = lines(500);
    run(
        Command::new("kcat").args(["-P", "-b", &address, "-t", "kcat", "-p", "0", "-z", "snappy"]),
        input.as_bytes(),
    );
    let output = run(
        Command::new("kcat").args(["-C", "-b", &address, "-t", "kcat", "-p", "0", "-e", "-q"]),
        b"",
    );
    assert_eq!(text(&output.stdout), input);
    let listed = text(&run(Command::new("kcat").args(["-L", "-b", &address]), b"").stdout);
    assert!(listed.contains("topic \"kcat\" with 4 partitions"), "{listed}");
}

#[test]
fn kafkas_console_producer_and_consumer_work() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let address = broker.address();
    create_topic(&address, "console", 1, &[]);
    let input = lines(200);
    let mut producer = kafka_tool("org.apache.kafka.tools.ConsoleProducer");
    run(producer.args(["--bootstrap-server", &address, "--topic", "console"]), input.as_bytes());
    let mut consumer = kafka_tool("org.apache.kafka.tools.consumer.ConsoleConsumer");
    consumer
        .args(["--bootstrap-server", &address, "--topic", "console", "--partition", "0"])
        .args(["--offset", "earliest", "--max-messages", "200"]);
    assert_eq!(text(&run(&mut consumer, b"").stdout), input);
}

#[test]
fn kafkas_producer_performance_finishes() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let address = broker.address();
    create_topic(&address, "performance", 4, &[]);
    let mut tool = kafka_tool("org.apache.kafka.tools.ProducerPerformance");
    tool.args([
        "--topic",
        "performance",
        "--num-records",
        "50000",
        "--record-size",
        "200",
        "--throughput",
        "-1",
    ])
    .args([
        "--producer-props",
        &format!("bootstrap.servers={address}"),
        "linger.ms=5",
        "compression.type=lz4",
    ]);
    let output = text(&run(&mut tool, b"").stdout);
    assert!(output.contains("50000 records sent"), "{output}");
}

#[test]
fn kafkas_topic_and_config_tools_work() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let address = broker.address();
    let topics = |arguments: &[&str]| {
        let mut tool = kafka_tool("org.apache.kafka.tools.TopicCommand");
        text(&run(tool.args(["--bootstrap-server", &address]).args(arguments), b"").stdout)
    };
    topics(&["--create", "--topic", "tools", "--partitions", "3", "--replication-factor", "1"]);
    topics(&["--alter", "--topic", "tools", "--partitions", "5"]);
    let described = topics(&["--describe", "--topic", "tools"]);
    assert!(described.contains("PartitionCount: 5"), "{described}");
    let mut configs = kafka_tool("kafka.admin.ConfigCommand");
    configs.args([
        "--bootstrap-server",
        &address,
        "--alter",
        "--entity-type",
        "topics",
        "--entity-name",
        "tools",
    ]);
    run(configs.args(["--add-config", "retention.ms=123456"]), b"");
    let mut configs = kafka_tool("kafka.admin.ConfigCommand");
    configs.args([
        "--bootstrap-server",
        &address,
        "--describe",
        "--entity-type",
        "topics",
        "--entity-name",
        "tools",
    ]);
    let shown = text(&run(&mut configs, b"").stdout);
    assert!(shown.contains("retention.ms=123456"), "{shown}");
    let mut offsets = kafka_tool("org.apache.kafka.tools.GetOffsetShell");
    let shown = text(
        &run(
            offsets.args(["--bootstrap-server", &address, "--topic", "tools", "--time", "-1"]),
            b"",
        )
        .stdout,
    );
    assert!(shown.contains("tools:4:0"), "{shown}");
    topics(&["--delete", "--topic", "tools"]);
    assert!(!topics(&["--list"]).contains("tools"));
}

#[test]
fn our_own_commands_carry_a_first_minute() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let server = ["-b", &broker.address()];
    run(
        alluvium().arg("topic").args(server).args(["create", "greetings", "--partitions", "2"]),
        b"",
    );
    let again = run(
        alluvium().arg("topic").args(server).args(["create", "greetings", "--if-not-exists"]),
        b"",
    );
    assert_eq!(text(&again.stdout), "topic greetings exists already\n");
    run(
        alluvium().arg("produce").args(server).args(["greetings", "--key-separator", ":"]),
        b"a:1\nb:2\nc:3\n",
    );
    let read = run(
        alluvium().arg("consume").args(server).args([
            "greetings",
            "--exit",
            "--key-separator",
            ":",
        ]),
        b"",
    );
    let output = text(&read.stdout);
    let mut read: Vec<&str> = output.lines().collect();
    read.sort_unstable();
    assert_eq!(read, ["a:1", "b:2", "c:3"]);
    let described = text(
        &run(alluvium().arg("topic").args(server).args(["describe", "greetings"]), b"").stdout,
    );
    assert!(described.contains("2 partitions"), "{described}");
    run(alluvium().arg("topic").args(server).args(["delete", "greetings"]), b"");
    assert_eq!(text(&run(alluvium().arg("topic").args(server).arg("list"), b"").stdout), "");
}
