//! Listeners with TLS and SASL: real clients come in by each of them, brokers reach each other by them, and keys change meanwhile.

use crate::harness::{
    Authority, Broker, Deployment, Kind, eventually,
    programs::{alluvium, attempt, create_topic, kafka_tool, python, run, text},
    records::{read_distinct, read_values, values_of_transactions},
};
use std::{fs, process::Command};

/// In this order: for the tests' own tools, for brokers and SCRAM, for certificates, for PLAIN, for SCRAM in the open.
const LISTENERS: &str = "PLAINTEXT://127.0.0.1:{},BROKERS://127.0.0.1:{},CERTIFICATES://127.0.0.1:{},PLAIN://127.0.0.1:{},SASL_PLAINTEXT://127.0.0.1:{}";
const MAP: &str = "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,BROKERS:SASL_SSL,CERTIFICATES:SSL,PLAIN:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT";
const BROKERS: usize = 1;
const CERTIFICATES: usize = 2;
const PLAIN: usize = 3;
const OPEN: usize = 4;

const SCRAM_LOGIN: &str = "org.apache.kafka.common.security.scram.ScramLoginModule required";

struct Secured {
    deployment: Deployment,
    authority: Authority,
    brokers: Vec<Broker>,
}

impl Secured {
    fn start(kind: Kind, count: u32) -> Self {
        let deployment = Deployment::start(kind);
        let authority = Authority::new(&deployment.directory().join("keys"));
        let brokers = deployment.listening(count, LISTENERS, &settings(&authority));
        Self { deployment, authority, brokers }
    }

    fn address(&self, listener: usize) -> String {
        self.brokers[0].address_of(listener)
    }

    /// librdkafka's settings for a listener.
    fn properties(&self, protocol: &str, login: Option<(&str, &str, &str)>) -> Vec<String> {
        let mut properties = vec![format!("security.protocol={protocol}")];
        if protocol.ends_with("SSL") {
            properties.push(format!("ssl.ca.location={}", self.authority.certificate()));
        }
        if let Some((mechanism, user, password)) = login {
            properties.push(format!("sasl.mechanisms={mechanism}"));
            properties.push(format!("sasl.username={user}"));
            properties.push(format!("sasl.password={password}"));
        }
        properties
    }

    fn certificate(&self, name: &str) -> Vec<String> {
        let file = self.authority.issue(name);
        let mut properties = self.properties("SSL", None);
        properties.push(format!("ssl.certificate.location={file}"));
        properties.push(format!("ssl.key.location={file}"));
        properties
    }

    /// Java's settings for the brokers' listener, in a file.
    fn java(&self, mechanism: &str, user: &str, password: &str) -> String {
        let file = self.deployment.directory().join(format!("{user}-{mechanism}.properties"));
        let module = if mechanism == "PLAIN" {
            "org.apache.kafka.common.security.plain.PlainLoginModule required"
        } else {
            SCRAM_LOGIN
        };
        let lines = format!(
            "security.protocol=SASL_SSL\nsasl.mechanism={mechanism}\nssl.truststore.type=PEM\nssl.truststore.location={}\nsasl.jaas.config={module} username=\"{user}\" password=\"{password}\";\n",
            self.authority.certificate()
        );
        fs::write(&file, lines).unwrap();
        file.display().to_string()
    }

    fn users(&self, arguments: &[&str]) -> String {
        let admin = self.java("SCRAM-SHA-512", "admin", "admin-secret");
        let mut tool = kafka_tool("kafka.admin.ConfigCommand");
        tool.args(["--bootstrap-server", &self.address(BROKERS), "--command-config", &admin]);
        text(&run(tool.args(arguments), b"").stdout)
    }
}

fn settings(authority: &Authority) -> Vec<String> {
    let keys = authority.issue("broker");
    let login = format!("{SCRAM_LOGIN} username=\"admin\" password=\"admin-secret\";");
    vec![
        MAP.to_owned(),
        "inter.broker.listener.name=BROKERS".to_owned(),
        format!("ssl.keystore.location={keys}"),
        format!("ssl.truststore.location={}", authority.certificate()),
        "ssl.refresh.interval=200ms".to_owned(),
        "group.initial.rebalance.delay.ms=0".to_owned(),
        "listener.name.certificates.ssl.client.auth=required".to_owned(),
        "listener.name.certificates.ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/".to_owned(),
        "listener.name.plain.sasl.enabled.mechanisms=PLAIN".to_owned(),
        "listener.name.plain.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_alice=\"wonder\";".to_owned(),
        format!("listener.name.brokers.scram-sha-512.sasl.jaas.config={login}"),
    ]
}

fn kcat(address: &str, properties: &[String]) -> Command {
    let mut kcat = Command::new("kcat");
    kcat.args(["-b", address]);
    for property in properties {
        kcat.args(["-X", property]);
    }
    kcat
}

/// Writes a record, and reads it again.
fn round_trip(address: &str, properties: &[String], topic: &str) {
    run(kcat(address, properties).args(["-P", "-t", topic, "-p", "0"]), b"hello\n");
    let mut reading = kcat(address, properties);
    reading.args(["-C", "-t", topic, "-p", "0", "-o", "-1", "-c", "1", "-e", "-q"]);
    assert_eq!(text(&run(&mut reading, b"").stdout), "hello\n");
}

/// Whether librdkafka gets metadata.
fn comes_in(address: &str, properties: &[String]) -> bool {
    attempt(kcat(address, properties).args(["-L", "-m", "4"]), b"").status.success()
}

#[test]
fn librdkafka_comes_in_by_every_listener() {
    let secured = Secured::start(Kind::Embedded, 1);
    create_topic(&secured.address(0), "t", 1, &[]);
    let admin = Some(("SCRAM-SHA-512", "admin", "admin-secret"));
    round_trip(&secured.address(BROKERS), &secured.properties("SASL_SSL", admin), "t");
    round_trip(&secured.address(CERTIFICATES), &secured.certificate("bob"), "t");
    let alice = Some(("PLAIN", "alice", "wonder"));
    round_trip(&secured.address(PLAIN), &secured.properties("SASL_SSL", alice), "t");

    assert!(!comes_in(&secured.address(CERTIFICATES), &secured.properties("SSL", None)));
    let wrong = Some(("PLAIN", "alice", "admin-secret"));
    assert!(!comes_in(&secured.address(PLAIN), &secured.properties("SASL_SSL", wrong)));
    assert!(!comes_in(&secured.address(BROKERS), &secured.properties("SASL_SSL", alice)));
    assert!(!comes_in(&secured.address(BROKERS), &secured.properties("SSL", None)));
    assert!(!comes_in(&secured.address(BROKERS), &secured.properties("PLAINTEXT", None)));
    let log = secured.brokers[0].log();
    assert!(log.contains("a log-in failed"), "{log}");
    for secret in ["admin-secret", "wonder", "PRIVATE KEY"] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[test]
fn our_own_commands_come_in_by_every_listener() {
    let secured = Secured::start(Kind::Embedded, 1);
    create_topic(&secured.address(0), "t", 1, &[]);
    let certificate = secured.deployment.directory().join("bob.properties");
    let (trusted, own) = (secured.authority.certificate(), secured.authority.issue("bob"));
    let lines = format!(
        "security.protocol=SSL\nssl.truststore.location={trusted}\nssl.keystore.location={own}\n"
    );
    fs::write(&certificate, lines).unwrap();
    let list = |listener, file: &str| {
        let mut command = alluvium();
        command.args(["topic", "list", "--bootstrap-server", &secured.address(listener)]);
        attempt(command.args(["--command-config", file]), b"")
    };
    for (listener, file) in [
        (BROKERS, secured.java("SCRAM-SHA-512", "admin", "admin-secret")),
        (PLAIN, secured.java("PLAIN", "alice", "wonder")),
        (CERTIFICATES, certificate.display().to_string()),
    ] {
        let output = list(listener, &file);
        assert!(output.status.success(), "{listener}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "t\n");
    }
    let output = list(PLAIN, &secured.java("PLAIN", "alice", "guessed"));
    let said = text(&output.stderr);
    assert!(!output.status.success() && !said.contains("guessed"), "{said}");
}

#[test]
fn kafka_configs_makes_users_who_then_come_in() {
    let secured = Secured::start(Kind::Embedded, 1);
    create_topic(&secured.address(0), "t", 1, &[]);
    let user = ["--entity-type", "users", "--entity-name", "carol"];
    let passwords = "SCRAM-SHA-256=[iterations=8192,password=one],SCRAM-SHA-512=[password=two]";
    secured.users(&[&["--alter", "--add-config", passwords][..], &user].concat());
    let carol = |mechanism, password| {
        secured.properties("SASL_PLAINTEXT", Some((mechanism, "carol", password)))
    };
    let open = secured.address(OPEN);
    round_trip(&open, &carol("SCRAM-SHA-256", "one"), "t");
    round_trip(&open, &carol("SCRAM-SHA-512", "two"), "t");
    assert!(!comes_in(&open, &carol("SCRAM-SHA-256", "two")));

    // Java, with the new user; kafka-python as well.
    let file = secured.java("SCRAM-SHA-256", "carol", "one");
    let mut tool = kafka_tool("org.apache.kafka.tools.TopicCommand");
    tool.args(["--bootstrap-server", &secured.address(BROKERS), "--command-config", &file]);
    assert!(text(&run(tool.arg("--list"), b"").stdout).contains('t'));
    let mut python = python("secured.py");
    python.args(["--library", "kafka-python", "--bootstrap", &open, "--mechanism"]);
    python.args(["SCRAM-SHA-512", "--user", "carol", "--password", "two"]);
    python.args(["--topic", "t", "--value", "hello"]);
    assert_eq!(text(&run(&mut python, b"").stdout).trim(), "hello");

    secured.users(&[&["--alter", "--delete-config", "SCRAM-SHA-256"][..], &user].concat());
    assert!(!comes_in(&open, &carol("SCRAM-SHA-256", "one")));
    assert!(comes_in(&open, &carol("SCRAM-SHA-512", "two")));
}

#[test]
fn keys_change_while_producers_write() {
    let secured = Secured::start(Kind::Embedded, 1);
    create_topic(&secured.address(0), "t", 1, &[]);
    let admin = Some(("SCRAM-SHA-512", "admin", "admin-secret"));
    let properties = secured.properties("SASL_SSL", admin);
    for round in 0..5 {
        secured.authority.issue("broker");
        run(
            kcat(&secured.address(BROKERS), &properties).args(["-P", "-t", "t", "-p", "0"]),
            format!("{round}\n").as_bytes(),
        );
    }
    eventually(|| {
        let log = secured.brokers[0].log();
        if log.contains("took new keys") { Ok(()) } else { Err("no new keys".to_owned()) }
    });
    // What can't be read changes nothing.
    let file = secured.authority.issue("broker");
    fs::write(file, "rubbish").unwrap();
    eventually(|| {
        let log = secured.brokers[0].log();
        if log.contains("can't be read") { Ok(()) } else { Err("not told".to_owned()) }
    });
    assert!(comes_in(&secured.address(BROKERS), &properties));
    let values = read_values(&secured.address(0), "t", 1, "read_uncommitted");
    assert_eq!(values, ["0", "1", "2", "3", "4"]);
}

#[test]
fn brokers_reach_each_other_over_tls_and_scram() {
    let secured = Secured::start(Kind::Three, 3);
    let all: Vec<String> = secured.brokers.iter().map(Broker::address).collect();
    let all = all.join(",");
    create_topic(&all, "t", 6, &[]);
    for id in ["one", "two", "three"] {
        let mut command = crate::harness::programs::Client::Librdkafka.transactions();
        command.args(["write", "--bootstrap", &all, "--topic", "t", "--id", id]);
        run(command.args(["--count", "6", "--partitions", "6"]), b"");
    }
    let committed = read_distinct(&all, "t", 6, "read_committed");
    let expected =
        ["one", "two", "three"].iter().flat_map(|id| values_of_transactions(id, 6, false));
    assert_eq!(committed, expected.collect());
}

#[test]
fn a_misspelt_security_key_stops_the_start_and_shows_no_secret() {
    let deployment = Deployment::start(Kind::Embedded);
    for setting in [
        "ssl.client.atuh=required",
        "listener.name.plaintext.ssl.keystore.pasword=hidden-secret",
        "listener.name.other.ssl.client.auth=required",
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthoriser",
        "super.users=User:admin",
    ] {
        let mut broker = deployment.launch_broker(&[setting]);
        let (ended, log) = broker.wait_for_exit(std::time::Duration::from_secs(20));
        let key = setting.split('=').next().unwrap();
        assert!(ended && log.contains(key) && !log.contains("hidden-secret"), "{setting}: {log}");
    }
}
