//! What every application does, through the clients that other tests do not run: topics, compressed records with keys and headers,
//! a group whose members come and go, transactions.

use crate::harness::{
    Deployment, Kind, Member, eventually,
    programs::{Client, create_topic, run, text},
    records::{read_distinct, until_read, values_of_transactions},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    path::Path,
};

const PARTITIONS: usize = 3;
const KEYS: u32 = 10;

/// A record with the number as its value, under one of a few keys.
fn record(number: u32) -> Value {
    let text = |text: String| Value::String(BASE64_STANDARD.encode(text));
    let headers = if number.is_multiple_of(3) {
        json!([])
    } else {
        json!([["trace", text(format!("trace {number}"))]])
    };
    json!({
        "key": text(format!("key {}", number % KEYS)),
        "value": text(number.to_string()),
        "headers": headers,
    })
}

/// One client and the brokers that it talks to.
struct Exam<'a> {
    client: Client,
    /// Begins the names of what it makes.
    name: String,
    address: &'a str,
    directory: &'a Path,
}

impl Exam<'_> {
    /// What the client's program prints for an action.
    fn act(&self, client: Client, action: &str, topic: &str, more: &[&str]) -> String {
        let mut command = client.command();
        command.args([action, "--bootstrap", self.address, "--topic", topic]).args(more);
        text(&run(&mut command, b"").stdout)
    }

    /// Writes the numbered records; to the partitions of their keys unless `more` names one.
    fn write(&self, topic: &str, numbers: Range<u32>, more: &[&str]) {
        let file = self.directory.join("records.json");
        let lines: Vec<String> = numbers.map(|number| record(number).to_string()).collect();
        fs::write(&file, lines.join("\n") + "\n").unwrap();
        let file = file.display().to_string();
        self.act(self.client, "produce", topic, &[&["--file", &file], more].concat());
    }

    fn makes_a_topic(&self) {
        let partitions = PARTITIONS.to_string();
        let seen = self.act(self.client, "create", &self.shared(), &["--partitions", &partitions]);
        assert_eq!(seen.trim(), partitions);
    }

    fn deletes_a_topic(&self) {
        let listed = self.act(self.client, "delete", &self.shared(), &[]).to_lowercase();
        assert_eq!(listed.trim(), "false");
    }

    /// What it writes with each codec is read by it and by librdkafka.
    fn writes_and_reads(&self, codecs: &[&str]) {
        let expected: Vec<Value> = (0..300).map(record).collect();
        for codec in codecs {
            let topic = format!("{}-{codec}", self.name);
            create_topic(self.address, &topic, 1, &[]);
            self.write(&topic, 0..300, &["--partition", "0", "--compression", codec]);
            for reader in [self.client, Client::Librdkafka] {
                let read = self.act(reader, "consume", &topic, &["--count", "300"]);
                let read: Vec<Value> =
                    read.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
                assert!(read == expected, "{reader:?} reads other records than {codec} was given");
            }
        }
    }

    /// The topic of the group.
    fn shared(&self) -> String {
        format!("{}-shared", self.name)
    }

    fn member(&self, name: &str) -> Member {
        let (name, group) = (format!("{}-{name}", self.name), format!("{}-readers", self.name));
        Member::start(self.client, self.directory, &name, self.address, &self.shared(), &group)
    }

    /// A second member takes its share, takes over when the first leaves, and a third goes on where it was.
    fn shares_a_topic_in_a_group(&self) {
        let topic = self.shared();
        let first = self.member("first");
        self.write(&topic, 0..300, &[]);
        until_read(&[&first], &[], 0..300);
        let second = self.member("second");
        // It shares once it has read anything: until then, more is written.
        let mut written = 300;
        eventually(|| {
            self.write(&topic, written..written + 50, &[]);
            written += 50;
            if second.records().is_empty() { Err("it has no share".to_owned()) } else { Ok(()) }
        });
        until_read(&[&first, &second], &[], 0..written);
        let mut read = first.stop();
        self.write(&topic, written..written + 300, &[]);
        until_read(&[&second], &[], written..written + 300);
        written += 300;
        read.extend(second.stop());
        assert_keys_kept_together(&read, written);
        self.write(&topic, written..written + 100, &[]);
        let third = self.member("third");
        until_read(&[&third], &[], written..written + 100);
        assert_eq!(third.stop().len(), 100, "it reads what was not committed, and no more");
    }

    /// Three records in each transaction; every second one is aborted.
    fn commits_and_aborts(&self) {
        let (topic, id) = (format!("{}-transactions", self.name), format!("{}-id", self.name));
        create_topic(self.address, &topic, 2, &[]);
        let more = ["--id", &id, "--count", "6", "--partitions", "2"];
        self.act(self.client, "write", &topic, &more);
        let values = |isolation| read_distinct(self.address, &topic, 2, isolation);
        assert_eq!(values("read_committed"), values_of_transactions(&id, 6, false));
        assert_eq!(values("read_uncommitted"), values_of_transactions(&id, 6, true));
    }
}

/// All partitions are used, and each key's records lie in one of them, in the order of writing.
fn assert_keys_kept_together(read: &[(i32, u64, String)], count: u32) {
    let read: BTreeSet<(i32, u64, u32)> = read
        .iter()
        .map(|(partition, offset, value)| (*partition, *offset, value.parse().unwrap()))
        .collect();
    assert_eq!(read.len(), count as usize);
    let partitions: BTreeSet<i32> = read.iter().map(|(partition, ..)| *partition).collect();
    assert_eq!(partitions.len(), PARTITIONS);
    let mut keys = BTreeMap::<u32, (i32, u32)>::new();
    for (partition, _, number) in read {
        let last = keys.insert(number % KEYS, (partition, number));
        assert!(last.is_none_or(|last| last.0 == partition && last.1 < number), "{number}");
    }
}

const NO_DELAY: [&str; 1] = ["group.initial.rebalance.delay.ms=0"];

fn does_everything(kind: Kind, client: Client) {
    let deployment = Deployment::start(kind);
    let brokers = deployment.serve(&NO_DELAY);
    does_everything_at(&brokers.address(), deployment.directory(), client);
}

fn does_everything_at(address: &str, directory: &Path, client: Client) {
    let name = format!("{client:?}").to_lowercase();
    let exam = Exam { client, name, address, directory };
    exam.makes_a_topic();
    exam.writes_and_reads(codecs(client));
    exam.shares_a_topic_in_a_group();
    exam.commits_and_aborts();
    exam.deletes_a_topic();
}

/// What kafkajs has beside these are packages that compile against Node's headers; rdkafka's crate builds librdkafka without zstd.
fn codecs(client: Client) -> &'static [&'static str] {
    match client {
        Client::Kafkajs => &["none", "gzip", "snappy"],
        Client::Rdkafka => &["none", "gzip", "snappy", "lz4"],
        _ => &["none", "gzip", "snappy", "lz4", "zstd"],
    }
}

#[test]
fn sarama_does_everything() {
    does_everything(Kind::Embedded, Client::Sarama);
}

#[test]
#[ignore = "kafka-python 3.0.12 sometimes waits for ever on a lock of its own (NetworkSelector.wakeup), the more the busier the machine"]
fn kafka_python_does_everything() {
    does_everything(Kind::Embedded, Client::KafkaPython);
}

#[test]
fn aiokafka_does_everything() {
    does_everything(Kind::Embedded, Client::Aiokafka);
}

#[test]
fn kafkajs_does_everything() {
    does_everything(Kind::Embedded, Client::Kafkajs);
}

#[test]
fn rdkafka_does_everything() {
    does_everything(Kind::Embedded, Client::Rdkafka);
}

#[test]
#[ignore = "long: etcd and MinIO, where each acknowledgement waits for an upload"]
fn five_clients_do_everything_on_etcd_and_minio() {
    for client in FIVE {
        does_everything(Kind::Cluster, client);
    }
}

const FIVE: [Client; 5] =
    [Client::Sarama, Client::KafkaPython, Client::Aiokafka, Client::Kafkajs, Client::Rdkafka];

#[test]
#[ignore = "long: three brokers on etcd and MinIO"]
fn five_clients_do_everything_on_three_brokers() {
    let deployment = Deployment::start(Kind::Three);
    let brokers = deployment.serve(&NO_DELAY);
    for client in FIVE {
        does_everything_at(&brokers.address(), deployment.directory(), client);
    }
}

#[test]
#[ignore = "long: three brokers on etcd and MinIO, of which one restarts every 20 seconds"]
fn five_clients_do_everything_while_brokers_restart() {
    let deployment = Deployment::start(Kind::Three);
    let rolling = deployment.serve(&NO_DELAY).rolling();
    for client in FIVE {
        does_everything_at(rolling.address(), deployment.directory(), client);
    }
}
