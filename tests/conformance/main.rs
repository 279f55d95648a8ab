//! The same scenarios against Apache Kafka and Alluvium, in one run: decoded answers are alike, modulo ids and times.
//!
//! A difference is a bug of ours, or a deviation that its scenario gives the reason of; a deviation that is gone fails too.
//! `CONFORMANCE=words` runs only the scenarios whose name has those words, and shows what was answered.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails says where")]

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
mod scenario;
mod scenarios;
mod transcript;

use exam::Exam;
use harness::{Deployment, Kafka, Kind, kafka::MORE_SETTINGS};
use scenario::Scenario;
use services::{Purpose, free_port};
use std::{
    fs,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

/// What both brokers are told: records are old, and nobody waits for what is a matter of time.
const SHARED: [&str; 7] = [
    "log.retention.ms=-1",
    "log.roll.ms=315360000000",
    "group.initial.rebalance.delay.ms=0",
    "group.min.session.timeout.ms=1000",
    "group.max.size=3",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms=200",
    "offset.metadata.max.bytes=100",
];

/// What a broker answers in a scenario. A panic is a part of it: the broker hung up, or its answer can't be decoded.
fn examine(address: SocketAddr, scenario: &Scenario) -> Vec<String> {
    let mut exam = Exam::begin(address, scenario.name);
    let ended = catch_unwind(AssertUnwindSafe(|| (scenario.run)(&mut exam)));
    if let Err(panic) = ended {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        exam.note(format!("ended by: {}", text.unwrap_or_default()));
    }
    exam.into_lines()
}

fn examine_all(address: SocketAddr, scenarios: &[&Scenario]) -> Vec<Vec<String>> {
    Exam::begin(address, "ready").until_ready();
    scenarios.iter().map(|scenario| examine(address, scenario)).collect()
}

fn ask_kafka(scenarios: &[&Scenario]) -> Vec<Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    let port = free_port().unwrap();
    fs::write(directory.path().join(MORE_SETTINGS), SHARED.join("\n")).unwrap();
    let _kafka = Kafka::start_in(Purpose::Test, directory.path(), port).unwrap();
    examine_all(([127, 0, 0, 1], port).into(), scenarios)
}

fn ask_alluvium(scenarios: &[&Scenario]) -> Vec<Vec<String>> {
    let deployment = Deployment::start(Kind::Embedded);
    let mut settings = vec!["broker.id=1"];
    settings.extend(SHARED);
    let broker = deployment.broker(&settings);
    examine_all(broker.address().parse().unwrap(), scenarios)
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

#[test]
fn alluvium_answers_as_kafka_does() {
    let wanted = std::env::var("CONFORMANCE").ok();
    let scenarios: Vec<&Scenario> = scenarios::all()
        .into_iter()
        .filter(|scenario| wanted.as_ref().is_none_or(|words| scenario.name.contains(words)))
        .collect();
    let (kafka, alluvium) = thread::scope(|scope| {
        let kafka = scope.spawn(|| ask_kafka(&scenarios));
        let alluvium = ask_alluvium(&scenarios);
        (kafka.join().unwrap(), alluvium)
    });
    if wanted.is_some() {
        println!("{alluvium:#?}");
    }
    let wrong: Vec<String> = scenarios
        .iter()
        .zip(kafka.iter().zip(&alluvium))
        .filter_map(|(scenario, (kafka, alluvium))| verdict(scenario, kafka, alluvium))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), scenarios.len(), wrong.join("\n\n"));
}

#[test]
fn scenarios_have_names_of_their_own() {
    let mut names: Vec<_> = scenarios::all().iter().map(|scenario| scenario.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}
