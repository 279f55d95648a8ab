//! Access rules made with kafka-acls, on brokers that log in at each other: denied, then allowed, then removed.

use crate::harness::{
    Broker, Deployment, Kind, eventually,
    programs::{attempt, kafka_tool, run, text},
};
use std::{
    fs,
    process::{Command, Output},
};

const LISTENER: &str = "SASL_PLAINTEXT://127.0.0.1:{}";
const SETTINGS: [&str; 7] = [
    "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users=User:broker",
    "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512",
    "sasl.plain.allow.plaintext=true",
    "group.initial.rebalance.delay.ms=0",
    "listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"wonder\" user_bob=\"builder\";",
    "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"broker\" password=\"broker-secret\";",
];

struct Guarded {
    deployment: Deployment,
    brokers: Vec<Broker>,
}

impl Guarded {
    fn start() -> Self {
        let deployment = Deployment::start(Kind::Three);
        let brokers = deployment.listening(3, LISTENER, &SETTINGS);
        Self { deployment, brokers }
    }

    fn all(&self) -> String {
        let addresses: Vec<String> = self.brokers.iter().map(Broker::address).collect();
        addresses.join(",")
    }

    /// Java's settings for a user, in a file.
    fn java(&self, user: &str) -> String {
        let (mechanism, module, password) = match user {
            "alice" => ("PLAIN", "plain.PlainLoginModule", "wonder"),
            "bob" => ("PLAIN", "plain.PlainLoginModule", "builder"),
            _ => ("SCRAM-SHA-512", "scram.ScramLoginModule", "broker-secret"),
        };
        let file = self.deployment.directory().join(format!("{user}.properties"));
        let lines = format!(
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism={mechanism}\nsasl.jaas.config=org.apache.kafka.common.security.{module} required username=\"{user}\" password=\"{password}\";\n"
        );
        fs::write(&file, lines).unwrap();
        file.display().to_string()
    }

    fn tool(&self, class: &str, user: &str, arguments: &[&str]) -> Command {
        let mut tool = kafka_tool(class);
        tool.args(["--bootstrap-server", &self.all(), "--command-config", &self.java(user)]);
        tool.args(arguments);
        tool
    }

    /// kafka-acls, as the super user.
    fn acls(&self, arguments: &[&str]) -> String {
        text(
            &run(&mut self.tool("org.apache.kafka.tools.AclCommand", "broker", arguments), b"")
                .stdout,
        )
    }

    fn kcat(&self, broker: usize, user: &str, password: &str, arguments: &[&str]) -> Output {
        let mut kcat = Command::new("kcat");
        kcat.args(["-b", &self.brokers[broker].address()]);
        for property in [
            "security.protocol=SASL_PLAINTEXT",
            "sasl.mechanisms=PLAIN",
            &format!("sasl.username={user}"),
            &format!("sasl.password={password}"),
            "message.timeout.ms=5000",
        ] {
            kcat.args(["-X", property]);
        }
        attempt(kcat.args(arguments), b"hello\n")
    }

    fn alice_writes(&self, broker: usize) -> Output {
        self.kcat(broker, "alice", "wonder", &["-P", "-t", "orders-eu", "-p", "0"])
    }

    fn alice_reads(&self, broker: usize) -> Output {
        let arguments = ["-C", "-t", "orders-eu", "-p", "0", "-o", "beginning", "-c", "1", "-e"];
        self.kcat(broker, "alice", "wonder", &arguments)
    }

    /// Waits until every broker goes by a rule.
    fn everywhere(&self, holds: impl Fn(&Self, usize) -> Result<(), String>) {
        for broker in 0..self.brokers.len() {
            eventually(|| holds(self, broker));
        }
    }
}

fn succeeds(output: &Output) -> Result<(), String> {
    if output.status.success() { Ok(()) } else { Err(text(&output.stderr)) }
}

fn is_refused(output: &Output, words: &str) -> Result<(), String> {
    let told = text(&output.stderr) + &text(&output.stdout);
    if told.to_lowercase().contains(words) { Ok(()) } else { Err(told) }
}

#[test]
fn kafka_acls_allows_and_denies_on_every_broker() {
    let guarded = Guarded::start();
    let topics = "org.apache.kafka.tools.TopicCommand";
    let create = ["--create", "--topic", "orders-eu", "--partitions", "3"];
    let refused = attempt(&mut guarded.tool(topics, "alice", &create), b"");
    is_refused(&refused, "authorization failed").unwrap();
    run(&mut guarded.tool(topics, "broker", &create), b"");

    // Nothing is allowed, and nothing shown.
    guarded.everywhere(|it, broker| is_refused(&it.alice_writes(broker), "authorization failed"));
    let listed = run(&mut guarded.tool(topics, "alice", &["--list"]), b"");
    assert_eq!(text(&listed.stdout).trim(), "");

    // Kafka's own sets of rules for producers and consumers, by prefix.
    let to_alice =
        ["--add", "--allow-principal", "User:alice", "--resource-pattern-type", "prefixed"];
    let producer = ["--producer", "--topic", "orders-", "--transactional-id", "pay"];
    guarded.acls(&[&to_alice[..], &producer].concat());
    guarded.everywhere(|it, broker| succeeds(&it.alice_writes(broker)));
    is_refused(&guarded.alice_reads(0), "authorization failed").unwrap();
    guarded.acls(
        &[&to_alice[..], &["--consumer", "--topic", "orders-", "--group", "readers"]].concat(),
    );
    guarded.everywhere(|it, broker| succeeds(&it.alice_reads(broker)));
    let bob = guarded.kcat(0, "bob", "builder", &["-C", "-t", "orders-eu", "-p", "0", "-e"]);
    is_refused(&bob, "authorization failed").unwrap();

    // Java, with a transaction, whose markers brokers write at each other, and a group.
    let alice = guarded.java("alice");
    let mut perf = kafka_tool("org.apache.kafka.tools.ProducerPerformance");
    perf.args(["--topic", "orders-eu", "--num-records", "30", "--record-size", "10"]);
    perf.args(["--throughput", "-1", "--transactional-id", "pay-1", "--command-config", &alice]);
    perf.args(["--bootstrap-server", &guarded.all()]);
    run(&mut perf, b"");
    let read = |group: &str| {
        let mut consumer = kafka_tool("org.apache.kafka.tools.consumer.ConsoleConsumer");
        consumer.args([
            "--bootstrap-server",
            &guarded.all(),
            "--topic",
            "orders-eu",
            "--group",
            group,
        ]);
        consumer.args(["--command-config", &alice, "--from-beginning", "--max-messages", "33"]);
        consumer.args(["--isolation-level", "read_committed", "--timeout-ms", "30000"]);
        attempt(&mut consumer, b"")
    };
    let output = read("readers-1");
    assert_eq!(text(&output.stdout).lines().count(), 33, "{}", text(&output.stderr));
    // Why is in its log, which it keeps to itself.
    is_refused(&read("others"), "processed a total of 0 messages").unwrap();

    // One rule that denies goes before all that allow; what goes leaves the others.
    let deny = ["--deny-principal", "User:alice", "--operation", "Read", "--topic", "orders-eu"];
    guarded.acls(&[&["--add"][..], &deny].concat());
    guarded.everywhere(|it, broker| is_refused(&it.alice_reads(broker), "authorization failed"));
    succeeds(&guarded.alice_writes(0)).unwrap();
    let listed = guarded.acls(&["--list", "--topic", "orders-eu"]);
    assert!(listed.contains("DENY") && listed.contains("operation=READ"), "{listed}");
    guarded.acls(&[&["--remove", "--force"][..], &deny].concat());
    guarded.everywhere(|it, broker| succeeds(&it.alice_reads(broker)));

    // Without any rule it is as at first, after a restart too.
    let prefixed = ["--resource-pattern-type", "prefixed", "--topic", "orders-"];
    guarded.acls(&[&["--remove", "--force"][..], &prefixed].concat());
    guarded.everywhere(|it, broker| is_refused(&it.alice_writes(broker), "authorization failed"));
    let listed = guarded.acls(&["--list"]);
    assert!(!listed.contains("orders-") && listed.contains("readers"), "{listed}");

    let logs: Vec<String> = guarded.brokers.iter().map(Broker::log).collect();
    assert!(logs.iter().any(|log| log.contains("audit") && log.contains("User:alice")));
    for secret in ["wonder", "broker-secret", "builder"] {
        assert!(!logs.iter().any(|log| log.contains(secret)), "{secret}");
    }
}

#[test]
fn kafka_configs_needs_the_right_to_change_configs() {
    let guarded = Guarded::start();
    run(
        &mut guarded.tool(
            "org.apache.kafka.tools.TopicCommand",
            "broker",
            &["--create", "--topic", "t", "--partitions", "1"],
        ),
        b"",
    );
    let topic = ["--entity-type", "topics", "--entity-name", "t"];
    let change = [&["--alter", "--add-config", "retention.ms=1000"][..], &topic].concat();
    let alice = |arguments: &[&str]| {
        attempt(&mut guarded.tool("kafka.admin.ConfigCommand", "alice", arguments), b"")
    };
    is_refused(&alice(&change), "authorization").unwrap();
    let rule = ["--add", "--allow-principal", "User:alice", "--topic", "t"];
    // kafka-configs looks whether there is such a topic first.
    let operations = ["--operation", "AlterConfigs", "--operation", "Describe"];
    guarded.acls(&[&rule[..], &operations].concat());
    eventually(|| succeeds(&alice(&change)));
    eventually(|| {
        let shown = text(&alice(&[&["--describe"][..], &topic].concat()).stdout);
        if shown.contains("retention.ms=1000") { Ok(()) } else { Err(shown) }
    });
    let users = ["--describe", "--entity-type", "brokers", "--entity-name", "1"];
    is_refused(&alice(&users), "authorization").unwrap();
}
