//! The schema registry: Confluent's clients for Python and Node.js and franz-go's, with their Avro, Protobuf and JSON serializers; a
//! restart, a killed owner.

use crate::harness::{
    Broker, Deployment, Kind,
    http::http_get,
    programs::{alluvium, attempt, clients, node, python_with, run, text},
    until,
};
use services::programs::go_program;
use std::{collections::BTreeSet, process::Command};

/// The registry's port is a free one: tests run side by side.
const REGISTRY: &str = "schema.registry.address=127.0.0.1:0";

/// Where the registry is, as the broker said when it last started.
fn registry(broker: &Broker) -> String {
    let log = broker.log();
    let line = log.lines().rfind(|line| line.starts_with("schemas ")).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

fn port(broker: &Broker) -> u16 {
    registry(broker).rsplit_once(':').unwrap().1.parse().unwrap()
}

fn client(command: &str, broker: &Broker, prefix: &str) {
    let (registry, bootstrap) = (registry(broker), broker.address());
    let mut program = python_with("requirements-schemas.txt", "schemas.py");
    program.args([command, "--registry", &registry, "--bootstrap", &bootstrap, "--prefix", prefix]);
    run(&mut program, b"");
}

#[test]
fn confluents_python_client_registers_evolves_and_is_refused() {
    let deployment = Deployment::start(Kind::Embedded);
    let mut broker = deployment.broker(&[REGISTRY]);
    client("round-trip", &broker, "t");
    client("decode", &broker, "t");
    broker.kill();
    broker.restart();
    client("check", &broker, "t");
    client("round-trip", &broker, "again");
    client("decode", &broker, "again");
}

#[test]
fn clients_of_other_languages_register_evolve_and_are_refused() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[REGISTRY]);
    let (registry, bootstrap) = (registry(&broker), broker.address());
    for (prefix, mut program) in [
        ("node", node("javascript-schemas", "schemas.js")),
        ("go", Command::new(go_program(&clients().join("go-schemas")).unwrap())),
    ] {
        let arguments = ["--registry", &registry, "--bootstrap", &bootstrap, "--prefix", prefix];
        let told = run(program.args(arguments), b"");
        assert_eq!(text(&told.stdout).trim(), "ok");
    }
    client("decode", &broker, "t");
}

#[test]
fn any_broker_answers_and_one_orders_writes_though_owners_die() {
    let deployment = Deployment::start(Kind::Cluster);
    let settings = [REGISTRY, "session.lease.ttl=3s", "session.lease.margin=1s"];
    let mut brokers = deployment.brokers(3, &settings);
    for (number, broker) in brokers.iter().enumerate() {
        client("round-trip", broker, &format!("from-{number}"));
    }
    let everywhere = |brokers: &[Broker], path: &str| -> BTreeSet<Option<String>> {
        brokers.iter().map(|broker| http_get(port(broker), path)).collect()
    };
    let same = |brokers: &[Broker]| {
        until("brokers answer differently", || {
            let answers = everywhere(brokers, "/schemas?deleted=true");
            answers.len() == 1 && !answers.contains(&None)
        });
    };
    same(&brokers);
    for victim in 0..brokers.len() {
        brokers[victim].kill();
        let other = (victim + 1) % brokers.len();
        until("nobody took over", || {
            let mut program = python_with("requirements-schemas.txt", "schemas.py");
            let (registry, bootstrap) = (registry(&brokers[other]), brokers[other].address());
            let prefix = format!("without-{victim}");
            program.args(["register", "--registry", &registry, "--bootstrap", &bootstrap]);
            attempt(program.args(["--prefix", &prefix]), b"").status.success()
        });
        brokers[victim].restart();
    }
    same(&brokers);
    for broker in &brokers {
        client("check", broker, "from-0");
        client("decode", broker, "from-0");
    }
}

#[test]
fn users_do_with_schemas_what_the_rules_of_topics_say() {
    let deployment = Deployment::start(Kind::Three);
    let settings = [
        REGISTRY,
        "schema.registry.authentication=basic",
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users=User:broker",
        "sasl.enabled.mechanisms=SCRAM-SHA-512",
        "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"broker\" password=\"broker-secret\";",
    ];
    let brokers = deployment.listening(3, "SASL_PLAINTEXT://127.0.0.1:{}", &settings);
    let registries: Vec<_> = brokers.iter().map(registry).collect();
    let mut program = python_with("requirements-schemas.txt", "schemas_access.py");
    program.args(["--registries", &registries.join(","), "--bootstrap", &brokers[0].address()]);
    run(program.args(["--user", "broker", "--password", "broker-secret"]), b"");
    let logs: String = brokers.iter().map(Broker::log).collect();
    assert!(logs.contains("denied at the schema registry"), "{logs}");
    assert!(!logs.contains("ann-secret") && !logs.contains("bob-secret"), "a password is in a log");
}

#[test]
fn records_without_a_registered_schema_are_refused_where_the_topic_says_so() {
    let deployment = Deployment::start(Kind::Three);
    let brokers = deployment.brokers(2, &[REGISTRY]);
    // It has no registry for clients, and knows schemas all the same.
    let no_registry: [&str; 0] = [];
    let mut third = deployment.launch_listening(3, "PLAINTEXT://127.0.0.1:{}", &no_registry);
    third.wait_until_ready();
    let registries: Vec<_> = brokers.iter().map(registry).collect();
    let mut program = python_with("requirements-schemas.txt", "schemas_validated.py");
    program.args(["--registries", &registries.join(",")]);
    let told = run(program.args(["--bootstrap", &brokers[0].address()]), b"");
    assert_eq!(text(&told.stdout).trim(), "ok");
}

#[test]
fn a_busy_port_is_refused_with_the_flag_and_the_way_out() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let mut command = alluvium();
    command.args(["serve", "--listeners", "PLAINTEXT://127.0.0.1:0", "--http-address", "off"]);
    command.args(["--schema-registry-address", &address, "--data-dir"]).arg(directory.path());
    let output = attempt(&mut command, b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("--schema-registry-address off") && said.contains(&address), "{said}");
}
