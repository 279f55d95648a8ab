//! What one client writes, every client reads back byte for byte.

use crate::harness::{
    Deployment, Kind,
    programs::{Client, create_topic, run},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

/// Bytes that compress to about half, the same for the same seed.
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|index| if index / 64 % 2 == 0 { next() } else { b'a' }).collect()
}

fn text(data: &[u8]) -> Value {
    Value::String(BASE64_STANDARD.encode(data))
}

/// Record `number` of a set that goes through every shape: null and empty keys and values, no, repeated, null and empty headers.
fn record(number: u64) -> Value {
    let key = match number % 4 {
        0 => Value::Null,
        1 => text(b""),
        _ => text(format!("key-{number}").as_bytes()),
    };
    let value = match number % 7 {
        0 => Value::Null,
        1 => text(b""),
        _ => text(&bytes(number, (number % 300) as usize + 1)),
    };
    let headers = match number % 5 {
        0 => json!([]),
        1 => json!([["h", text(b"one")], ["h", text(b"two")], ["h", null]]),
        2 => json!([["null", null], ["empty", text(b"")]]),
        _ => json!([["binary", text(&bytes(number, 40))]]),
    };
    json!({ "key": key, "value": value, "headers": headers })
}

fn large(length: usize) -> Value {
    json!({ "key": text(b"large"), "value": text(&bytes(length as u64, length)), "headers": [] })
}

fn write_lines(path: &Path, records: &[Value]) {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    std::fs::write(path, lines.join("\n") + "\n").unwrap();
}

struct Case<'a> {
    address: &'a str,
    topic: String,
    file: PathBuf,
}

impl Case<'_> {
    fn produce(&self, client: Client, compression: &str, linger: &str) {
        let mut command = client.command();
        command
            .args(["produce", "--bootstrap", self.address, "--topic", &self.topic])
            .args(["--compression", compression, "--linger", linger, "--file"])
            .arg(&self.file);
        run(&mut command, b"");
    }

    fn consume(&self, client: Client, count: usize) -> Vec<Value> {
        let mut command = client.command();
        command
            .args(["consume", "--bootstrap", self.address, "--topic", &self.topic])
            .args(["--count", &count.to_string()]);
        let output = run(&mut command, b"");
        output
            .stdout
            .split(|b| *b == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    fn assert_read_back(&self, client: Client, expected: &[Value]) {
        let found = self.consume(client, expected.len());
        assert_eq!(found.len(), expected.len(), "{client:?} on {}", self.topic);
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!(found == expected, "{client:?} on {}: record {index} differs", self.topic);
        }
    }
}

/// Every codec by each of `writers(place)`, `place` being the codec's in `CODECS`; read by every client.
fn every_client_reads_what_clients_wrote(kind: Kind, writers: impl Fn(usize) -> Vec<Client>) {
    let deployment = Deployment::start(kind);
    let mut broker = deployment.broker(&[]);
    let address = broker.address();
    let batched: Vec<Value> = (0..3_000).map(record).collect();
    let single: Vec<Value> = (0..25).map(record).collect();
    let files =
        (deployment.directory().join("batched.json"), deployment.directory().join("single.json"));
    write_lines(&files.0, &batched);
    write_lines(&files.1, &single);
    let expected: Vec<Value> = batched.iter().chain(&single).cloned().collect();
    for (place, codec) in CODECS.into_iter().enumerate() {
        for writer in writers(place) {
            let topic = format!("{writer:?}-{codec}");
            create_topic(&address, &topic, 1, &[]);
            Case { address: &address, topic: topic.clone(), file: files.0.clone() }
                .produce(writer, codec, "50");
            let case = Case { address: &address, topic, file: files.1.clone() };
            case.produce(writer, codec, "0");
            for reader in Client::CORE {
                case.assert_read_back(reader, &expected);
            }
        }
    }
    assert!(broker.stop().is_some_and(|status| status.success()), "{}", broker.log());
}

#[test]
fn records_of_every_shape_survive_the_embedded_deployment() {
    every_client_reads_what_clients_wrote(Kind::Embedded, |place| vec![Client::CORE[place % 3]]);
}

#[test]
fn records_of_every_shape_survive_the_cluster_deployment() {
    every_client_reads_what_clients_wrote(Kind::Cluster, |place| {
        vec![Client::CORE[(place + 1) % 3]]
    });
}

#[test]
#[ignore = "long: every codec by every client, 45 readers"]
fn records_of_every_shape_survive_by_every_client_and_codec() {
    for kind in [Kind::Embedded, Kind::Cluster] {
        every_client_reads_what_clients_wrote(kind, |_| Client::CORE.to_vec());
    }
}

#[test]
fn records_up_to_10_mib_are_read_back() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let records: Vec<Value> = [1, 4_096, 1 << 20, 5 << 20, 10 << 20].map(large).to_vec();
    let file = deployment.directory().join("large.json");
    write_lines(&file, &records);
    for writer in Client::CORE {
        let topic = format!("large-{writer:?}");
        create_topic(&broker.address(), &topic, 1, &["max.message.bytes=12000000"]);
        let case = Case { address: &broker.address(), topic, file: file.clone() };
        case.produce(writer, "zstd", "0");
        for reader in Client::CORE {
            case.assert_read_back(reader, &records);
        }
    }
}

#[test]
fn what_was_written_is_read_back_after_a_restart() {
    for kind in [Kind::Embedded, Kind::Cluster] {
        let deployment = Deployment::start(kind);
        let mut broker = deployment.broker(&[]);
        let records: Vec<Value> = (0..1_000).map(record).collect();
        let file = deployment.directory().join("records.json");
        write_lines(&file, &records);
        let address = broker.address();
        create_topic(&address, "kept", 1, &[]);
        let case = Case { address: &address, topic: "kept".to_owned(), file };
        case.produce(Client::Librdkafka, "lz4", "5");
        assert!(broker.stop().is_some_and(|status| status.success()), "{}", broker.log());
        broker.restart();
        case.assert_read_back(Client::FranzGo, &records);
    }
}
