//! Kafka Streams, exactly once: a word count answers 1, 2, 3 … for each word, without a gap or a repetition, whoever is killed
//! on the way.

use crate::harness::{
    Broker, Deployment, Kind, Running, eventually,
    group_tool::described,
    programs::{alluvium, clients, create_topic, java, kafka_tool, read_values, run, text},
};
use std::{collections::BTreeMap, path::Path, process::Command};

const PARTITIONS: u32 = 2;
const LINES_IN_A_ROUND: u32 = 2_500;
const WORDS_IN_A_LINE: usize = 4;

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

/// Writes the lines of a round, spread over the partitions of the source.
fn write_lines(address: &str, round: u32) {
    let numbers = round * LINES_IN_A_ROUND..(round + 1) * LINES_IN_A_ROUND;
    let lines: Vec<String> = numbers.map(|number| format!("{number}:{}", line(number))).collect();
    let mut kcat = Command::new("kcat");
    kcat.args(["-P", "-b", address, "-t", "lines", "-K", ":", "-X", "message.timeout.ms=60000"]);
    run(&mut kcat, (lines.join("\n") + "\n").as_bytes());
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

/// Waits until so many words are answered.
fn until_answered(address: &str, application: &Running, count: usize) {
    eventually(|| {
        let answered = answers(address).len();
        if answered >= count {
            return Ok(());
        }
        let errors = application.errors();
        let last: Vec<&str> = errors.lines().rev().take(20).collect();
        Err(format!("{answered} of {count} words are answered\n{}", last.join("\n")))
    });
}

/// Each word's counts as they were committed are 1, 2, 3 … to the number of its occurrences.
fn assert_exact(address: &str, rounds: u32) {
    let mut expected = BTreeMap::<String, u32>::new();
    for number in 0..rounds * LINES_IN_A_ROUND {
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

/// Rounds of lines; in the middle of each but the last `strike` hits the application or its broker.
fn counts_exactly(
    kind: Kind,
    rounds: u32,
    mut strike: impl FnMut(&mut Broker, Running, &Path) -> Running,
) {
    let deployment = Deployment::start(kind);
    let mut broker = deployment.broker(&SETTINGS);
    let address = broker.address();
    for topic in ["lines", "counts"] {
        create_topic(&address, topic, PARTITIONS, &[]);
    }
    let directory = deployment.directory();
    let mut application = start_word_count(&address, directory);
    let words_in_a_round = LINES_IN_A_ROUND as usize * WORDS_IN_A_LINE;
    let mut struck_half_way = false;
    for round in 0..rounds {
        write_lines(&address, round);
        let before = round as usize * words_in_a_round;
        until_answered(&address, &application, before + 1);
        if round + 1 < rounds {
            application = strike(&mut broker, application, directory);
            let answered = answers(&address).len();
            println!("round {round}: {answered} words were answered soon after the kill");
            struck_half_way |= answered < before + words_in_a_round;
        }
    }
    until_answered(&address, &application, rounds as usize * words_in_a_round);
    assert_exact(&address, rounds);
    assert!(struck_half_way, "each round was over when it was to be struck: give it more lines");
    application.stop();
    reset(&address);
}

/// Kafka's tool takes what the application kept: its topics are gone, and it would begin anew.
fn reset(address: &str) {
    let mut resetter = kafka_tool("org.apache.kafka.tools.StreamsResetter");
    resetter.args(["--bootstrap-server", address, "--application-id", "word-count"]);
    run(resetter.args(["--input-topics", "lines", "--force"]), b"");
    let topics = text(&run(alluvium().args(["topic", "-b", address, "list"]), b"").stdout);
    assert!(!topics.contains("word-count"), "{topics}");
    let offsets = described(address, "word-count");
    assert!(offsets.values().all(|(offset, _)| offset == "0"), "{offsets:?}");
}

#[test]
fn a_word_count_is_exact_although_it_is_killed_half_way() {
    counts_exactly(Kind::Embedded, 2, |broker, application, directory| {
        application.kill();
        start_word_count(&broker.address(), directory)
    });
}

fn kill_broker(broker: &mut Broker, application: Running, _: &Path) -> Running {
    broker.kill();
    broker.restart();
    application
}

#[test]
fn a_word_count_is_exact_although_its_broker_is_killed_half_way() {
    counts_exactly(Kind::Embedded, 2, kill_broker);
}

#[test]
#[ignore = "long: etcd and MinIO, ten kills"]
fn a_word_count_on_etcd_and_minio_is_exact_although_its_broker_is_killed_again_and_again() {
    counts_exactly(Kind::Cluster, 11, kill_broker);
}
