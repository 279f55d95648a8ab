//! The same scenarios against Apache Kafka and Alluvium, in one run: decoded answers are alike, modulo ids and times.
//!
//! A difference is a bug of ours, or a deviation that its scenario gives the reason of; a deviation that is gone fails too.
//! `CONFORMANCE=words` runs only the scenarios whose name has those words, and shows what was answered.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails says where")]

mod brokers;
mod caller;
#[path = "../../crates/kafka/tests/wire/client.rs"]
#[expect(dead_code, reason = "the tests of the wire use all of it")]
mod client;
mod exam;
#[path = "../system/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the system tests use all of it")]
mod harness;
mod member;
mod producer;
mod requests;
mod routing;
mod scenario;
mod scenarios;
mod transcript;

use brokers::Brokers;
use exam::Exam;
use harness::{Deployment, Kafka, Kind, kafka::MORE_SETTINGS, placement::move_all};
use scenario::Scenario;
use services::{Purpose, free_port};
use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::LazyLock,
    thread,
};

/// What all brokers are told: records are old, and nobody waits for what is a matter of time.
const SHARED: [&str; 7] = [
    "log.retention.ms=-1",
    "log.roll.ms=315360000000",
    "group.initial.rebalance.delay.ms=0",
    "group.min.session.timeout.ms=1000",
    "group.max.size=3",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms=200",
    "offset.metadata.max.bytes=100",
];
/// What several brokers are told: what leads stays, and no upload waits for another.
const OF_MANY: [&str; 2] = ["auto.leader.rebalance.enable=false", "flush.requests.per.second=1000"];
/// Of `__consumer_offsets` and of `__transaction_state`.
const SLOTS: u32 = 50;

/// What Kafka answers, asked once for all tests.
static KAFKA: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| ask_kafka(&wanted()));

/// What brokers answer in a scenario. A panic is a part of it: one hung up, or its answer can't be decoded.
fn examine(brokers: &Brokers, scenario: &Scenario) -> Vec<String> {
    let mut exam = Exam::begin(brokers, scenario.name);
    let ended = catch_unwind(AssertUnwindSafe(|| (scenario.run)(&mut exam)));
    if let Err(panic) = ended {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        exam.note(format!("ended by: {}", text.unwrap_or_default()));
    }
    exam.into_lines()
}

fn examine_all(brokers: &Brokers, scenarios: &[&Scenario]) -> Vec<Vec<String>> {
    Exam::begin(brokers, "ready").until_ready();
    scenarios.iter().map(|scenario| examine(brokers, scenario)).collect()
}

fn ask_kafka(scenarios: &[&Scenario]) -> Vec<Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port().unwrap();
    fs::write(directory.path().join(MORE_SETTINGS), SHARED.join("\n")).unwrap();
    let _kafka = Kafka::start_in(Purpose::Test, directory.path(), port).unwrap();
    examine_all(&Brokers::single(([127, 0, 0, 1], port).into()), scenarios)
}

fn ask_alluvium(scenarios: &[&Scenario]) -> Vec<Vec<String>> {
    let deployment = Deployment::start(Kind::Embedded);
    let mut settings = vec!["broker.id=1"];
    settings.extend(SHARED);
    let broker = deployment.broker(&settings);
    examine_all(&Brokers::single(broker.address().parse().unwrap()), scenarios)
}

/// On etcd and `MinIO`.
fn ask_three(scenarios: &[&Scenario]) -> Vec<Vec<String>> {
    let deployment = Deployment::start(Kind::Cluster);
    let servers = deployment.brokers(3, &[&SHARED[..], &OF_MANY].concat());
    let brokers = Brokers::new(servers.iter().map(|server| server.address().parse().unwrap()));
    Exam::begin(&brokers, "ready").until_ready();
    let coordinators = [
        ("__consumer_offsets", brokers.of_groups()),
        ("__transaction_state", brokers.of_transactions()),
    ];
    for (topic, coordinator) in coordinators {
        move_all(&servers, topic, SLOTS, |_| coordinator);
    }
    examine_all(&brokers, scenarios)
}

/// What is wrong with a scenario's answers.
fn verdict(scenario: &Scenario, kafka: &[String], alluvium: &[String]) -> Option<String> {
    let name = scenario.name;
    match (kafka == alluvium, scenario.deviation) {
        (true, None) | (false, Some(_)) => None,
        (true, Some(reason)) => Some(format!("{name}: alike, and said to deviate: {reason}")),
        (false, None) => Some(format!(
            "{name} (- Kafka, + Alluvium):\n{}",
            transcript::difference(kafka, alluvium)
        )),
    }
}

/// The scenarios, or those that `CONFORMANCE` asks for.
fn wanted() -> Vec<&'static Scenario> {
    let words = std::env::var("CONFORMANCE").ok();
    let is_wanted =
        |scenario: &&Scenario| words.as_ref().is_none_or(|words| scenario.name.contains(words));
    scenarios::all().into_iter().filter(is_wanted).collect()
}

/// Asks Kafka and Alluvium side by side; `comparable` takes out of both what may differ.
fn compare(ask: fn(&[&Scenario]) -> Vec<Vec<String>>, comparable: fn(&[String]) -> Vec<String>) {
    let scenarios = wanted();
    let (kafka, alluvium) = thread::scope(|scope| {
        let kafka = scope.spawn(|| &*KAFKA);
        let alluvium = ask(&scenarios);
        (kafka.join().unwrap(), alluvium)
    });
    if std::env::var("CONFORMANCE").is_ok() {
        println!("{alluvium:#?}");
    }
    let wrong: Vec<String> = scenarios
        .iter()
        .zip(kafka.iter().zip(&alluvium))
        .filter_map(|(scenario, (kafka, alluvium))| {
            verdict(scenario, &comparable(kafka), &comparable(alluvium))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), scenarios.len(), wrong.join("\n\n"));
}

#[test]
fn alluvium_answers_as_kafka_does() {
    compare(ask_alluvium, <[String]>::to_vec);
}

#[test]
#[ignore = "long: two minutes on etcd and MinIO"]
fn three_brokers_answer_as_kafka_does() {
    compare(ask_three, transcript::of_any_broker);
}

#[test]
fn scenarios_have_names_of_their_own() {
    let mut names: Vec<_> = scenarios::all().iter().map(|scenario| scenario.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}
