//! Kafka Streams, exactly once: a word count answers 1, 2, 3 … for each word, without a gap or a repetition, whoever is killed
//! on the way.

use crate::harness::{
    Brokers, Deployment, Kind, Running, eventually,
    group_tool::described,
    programs::{alluvium, clients, create_topic, java, kafka_tool, run, text},
    records::{CLEANED_SOON, count_records, read_values, write_lines},
    until,
};
use std::{collections::BTreeMap, fs, path::Path, thread, time::Duration};

const PARTITIONS: u32 = 2;
const LINES_IN_A_PORTION: u32 = 250;
const WORDS_IN_A_LINE: u32 = 4;

/// What the application may do to its transactions in time.
const SETTINGS: [&str; 4] = [
    "group.initial.rebalance.delay.ms=0",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms=500",
    "session.lease.ttl=3s",
    "session.lease.margin=1s",
];

fn line(number: u32) -> String {
    format!("the w{} of n{number}", number % 7)
}

/// Writes the lines of a portion, spread over the partitions of the source.
fn write_portion(address: &str, portion: u32) {
    let numbers = portion * LINES_IN_A_PORTION..(portion + 1) * LINES_IN_A_PORTION;
    let lines: Vec<String> = numbers.map(|number| format!("{number}:{}", line(number))).collect();
    write_lines(address, "lines", &lines);
}

fn start_word_count(address: &str, directory: &Path) -> Running {
    let mut command = java();
    command
        .arg(clients().join("java/WordCount.java"))
        .args(["--bootstrap", address, "--application", "word-count"])
        .args(["--source", "lines", "--sink", "counts", "--directory"])
        .arg(directory.join("streams"));
    Running::start(&mut command, directory, "word-count")
}

/// The committed answers so far.
fn answers(address: &str) -> Vec<String> {
    read_values(address, "counts", PARTITIONS, "read_committed")
}

/// Waits until all words of so many portions are answered.
fn until_answered(address: &str, application: &Running, portions: u32) {
    let words = (portions * LINES_IN_A_PORTION * WORDS_IN_A_LINE) as usize;
    eventually(|| {
        let answered = answers(address).len();
        if answered >= words {
            return Ok(());
        }
        let errors = application.errors();
        let last: Vec<&str> = errors.lines().rev().take(20).collect();
        Err(format!("{answered} of {words} words are answered\n{}", last.join("\n")))
    });
}

/// Each word's counts as they were committed are 1, 2, 3 … to the number of its occurrences.
fn assert_exact(address: &str, portions: u32) {
    let mut expected = BTreeMap::<String, u32>::new();
    for number in 0..portions * LINES_IN_A_PORTION {
        for word in line(number).split(' ') {
            *expected.entry(word.to_owned()).or_default() += 1;
        }
    }
    let mut counts = BTreeMap::<String, Vec<u32>>::new();
    for answer in answers(address) {
        let (word, count) = answer.split_once(' ').unwrap();
        counts.entry(word.to_owned()).or_default().push(count.parse().unwrap());
    }
    let words = |counts: &BTreeMap<String, Vec<u32>>| counts.keys().cloned().collect::<Vec<_>>();
    assert_eq!(words(&counts), expected.keys().cloned().collect::<Vec<_>>());
    for (word, counts) in counts {
        let wanted: Vec<u32> = (1..=expected[&word]).collect();
        assert_eq!(counts, wanted, "{word} was counted another number of times, or not in order");
    }
}

/// A deployment with the topics of the word count.
fn start_brokers(kind: Kind, more: &[&str]) -> (Deployment, Brokers) {
    let deployment = Deployment::start(kind);
    let brokers = deployment.serve(&[&SETTINGS, more].concat());
    for topic in ["lines", "counts"] {
        create_topic(&brokers.address(), topic, PARTITIONS, &[]);
    }
    (deployment, brokers)
}

/// While lines come in, `strike` hits the application or its broker; and again, once everything is answered.
fn counts_exactly(
    kind: Kind,
    strikes: u32,
    mut strike: impl FnMut(&mut Brokers, Running, &Path) -> Running,
) {
    let (deployment, mut brokers) = start_brokers(kind, &[]);
    let address = brokers.address();
    let directory = deployment.directory();
    let mut application = start_word_count(&address, directory);
    write_portion(&address, 0);
    let mut portions = 1;
    until_answered(&address, &application, portions);
    for _ in 0..strikes {
        let struck = portions + 6;
        (portions..struck).for_each(|portion| write_portion(&address, portion));
        application = strike(&mut brokers, application, directory);
        portions = struck + 2;
        (struck..portions).for_each(|portion| write_portion(&address, portion));
        until_answered(&address, &application, portions);
    }
    assert_exact(&address, portions);
    application.stop();
    reset(&address);
}

/// The topic that keeps the application's state.
fn changelog(address: &str) -> Option<String> {
    let topics = text(&run(alluvium().args(["topic", "-b", address, "list"]), b"").stdout);
    let named = |line: &str| line.split_whitespace().next().map(ToOwned::to_owned);
    topics.lines().filter_map(named).find(|topic| topic.starts_with("word-count"))
}

/// Kafka's tool takes what the application kept: its topics are gone, and it would begin anew.
fn reset(address: &str) {
    let mut resetter = kafka_tool("org.apache.kafka.tools.StreamsResetter");
    resetter.args(["--bootstrap-server", address, "--application-id", "word-count"]);
    run(resetter.args(["--input-topics", "lines", "--force"]), b"");
    assert_eq!(changelog(address), None);
    let offsets = described(address, "word-count");
    assert!(offsets.values().all(|(offset, _)| offset == "0"), "{offsets:?}");
}

#[test]
fn a_word_count_is_exact_although_it_is_killed_half_way() {
    counts_exactly(Kind::Embedded, 1, |broker, application, directory| {
        application.kill();
        start_word_count(&broker.address(), directory)
    });
}

fn kill_broker(brokers: &mut Brokers, application: Running, _: &Path) -> Running {
    brokers.kill();
    brokers.restart();
    application
}

#[test]
fn a_word_count_is_exact_although_its_broker_is_killed_half_way() {
    counts_exactly(Kind::Embedded, 3, kill_broker);
}

/// What was written last is not cleaned before more is written after it: a portion comes in with each look at the changelog.
#[test]
fn a_word_count_is_exact_although_its_state_comes_from_a_compacted_changelog() {
    let (deployment, brokers) = start_brokers(Kind::Embedded, &CLEANED_SOON);
    let address = brokers.address();
    let directory = deployment.directory();
    let mut application = start_word_count(&address, directory);
    let mut portions = 0;
    until("the changelog was not compacted", || {
        write_portion(&address, portions);
        portions += 1;
        until_answered(&address, &application, portions);
        let changelog = changelog(&address).unwrap();
        count_records(&address, &changelog) * 2 < answers(&address).len()
    });
    application.kill();
    fs::remove_dir_all(directory.join("streams")).unwrap();
    application = start_word_count(&address, directory);
    write_portion(&address, portions);
    until_answered(&address, &application, portions + 1);
    assert_exact(&address, portions + 1);
    application.stop();
    reset(&address);
}

#[test]
#[ignore = "long: etcd and MinIO, twenty kills"]
fn a_word_count_on_etcd_and_minio_is_exact_although_its_broker_is_killed_again_and_again() {
    counts_exactly(Kind::Cluster, 20, kill_broker);
}

#[test]
#[ignore = "long: three brokers on etcd and MinIO, six kills"]
fn a_word_count_on_three_brokers_is_exact_although_one_after_the_other_is_killed() {
    counts_exactly(Kind::Three, 6, kill_broker);
}

#[test]
#[ignore = "long: three brokers on etcd and MinIO, of which one restarts every 20 seconds"]
fn a_word_count_is_exact_while_brokers_restart() {
    let (deployment, brokers) = start_brokers(Kind::Three, &[]);
    let rolling = brokers.rolling();
    let address = rolling.address();
    let application = start_word_count(address, deployment.directory());
    let portions = 20;
    for portion in 0..portions {
        write_portion(address, portion);
        thread::sleep(Duration::from_secs(4));
    }
    until_answered(address, &application, portions);
    assert_exact(address, portions);
    application.stop();
    rolling.rest();
    reset(address);
}
