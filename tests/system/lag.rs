//! Groups judged by how far they are behind, over Burrow's HTTP API and its metrics: a group of a real client, while a producer writes.

use crate::harness::{
    Broker, Deployment, Kafka, Kind, Member, eventually,
    group_tool::groups,
    http::{http_get, http_request},
    programs::{Client, create_topic, create_topic_when_ready},
    records::produce,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// A verdict takes seconds.
const SOON: [&str; 3] = [
    "lag.evaluator.intervals=3",
    "lag.evaluator.min.distance=200ms",
    "lag.evaluator.offset.refresh=300ms",
];
const PARTITIONS: u64 = 3;

/// Writes numbers until it is dropped.
pub struct Writer {
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub fn start(address: String, topic: &'static str) -> Self {
        let stopped = Arc::<AtomicBool>::default();
        let asked = Arc::clone(&stopped);
        let thread = thread::spawn(move || {
            for first in (0..).step_by(50) {
                if asked.load(Ordering::Acquire) {
                    return;
                }
                produce(&address, topic, first..first + 50);
            }
        });
        Self { stopped, thread: Some(thread) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || matches!(ended, Some(Ok(()))));
    }
}

/// The brokers of a deployment.
pub struct Judges(Vec<Broker>);

impl Judges {
    pub fn start(deployment: &Deployment, kind: Kind, settings: &[&str]) -> Self {
        Self(match kind {
            Kind::Three => deployment.brokers(3, settings),
            _ => vec![deployment.broker(settings)],
        })
    }

    pub fn address(&self) -> String {
        self.0.iter().map(Broker::address).collect::<Vec<_>>().join(",")
    }

    /// What every broker answers, which is the same.
    fn ask(&self, path: &str, about: impl Fn(&Value) -> Value) -> Value {
        let ask = |broker: &Broker| -> Value {
            let body = http_request(broker.http_port(), "GET", path, "");
            let body = body.unwrap_or_else(|refused| refused[5..].to_owned());
            about(&serde_json::from_str(&body).unwrap_or_else(|_| panic!("{path}: {body}")))
        };
        let answers: Vec<Value> = self.0.iter().map(ask).collect();
        for other in &answers {
            assert_eq!(*other, answers[0], "{path}: brokers differ");
        }
        answers[0].clone()
    }

    /// The samples of `/metrics/detail` of all brokers; each is shown by one of them.
    pub fn samples(&self) -> BTreeMap<String, i64> {
        let mut samples = BTreeMap::new();
        for broker in &self.0 {
            let text = http_get(broker.http_port(), "/metrics/detail").unwrap();
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let before =
                    samples.insert(series.to_owned(), value.parse::<f64>().unwrap() as i64);
                let of_all = series.starts_with("kafka_broker");
                assert!(of_all || before.is_none(), "two brokers show {series}");
            }
        }
        samples
    }

    /// Waits until the group has a status, and partitions have theirs.
    fn until_judged(&self, group: &str, status: &str, of_partitions: &str) {
        self.until_judged_in("local", group, status, of_partitions);
    }

    fn until_judged_in(&self, cluster: &str, group: &str, status: &str, of_partitions: &str) {
        eventually(|| {
            let path = format!("/v3/kafka/{cluster}/consumer/{group}/lag");
            let body = http_get(self.0[0].http_port(), &path).ok_or("no such group yet")?;
            let answer: Value = serde_json::from_str(&body).unwrap();
            let judged = &answer["status"];
            let partitions = judged["partitions"].as_array().unwrap();
            let such = partitions.iter().filter(|it| it["status"] == of_partitions).count();
            let full = judged["complete"].as_f64() == Some(1.0);
            let done = judged["status"] == status && such as u64 == PARTITIONS && full;
            if done { Ok(()) } else { Err(format!("not {status} of {of_partitions}: {body}")) }
        });
    }
}

fn status(answer: &Value) -> Value {
    answer["status"]["status"].clone()
}

#[test]
fn a_group_is_judged_by_what_it_commits_when_embedded() {
    a_group_is_judged(Kind::Embedded);
}

#[test]
fn any_of_three_brokers_tells_how_a_group_does() {
    a_group_is_judged(Kind::Three);
}

fn a_group_is_judged(kind: Kind) {
    let deployment = Deployment::start(kind);
    let brokers = Judges::start(&deployment, kind, &SOON);
    let address = brokers.address();
    create_topic(&address, "lagging", PARTITIONS as u32, &[]);
    let unknown = brokers.ask("/v3/kafka/local/consumer/readers/status", status);
    assert_eq!(unknown, "NOTFOUND");
    let writer = Writer::start(address.clone(), "lagging");
    let start = |name| {
        let directory = deployment.directory();
        Member::start(Client::Librdkafka, directory, name, &address, "lagging", "readers")
    };
    let member = start("first");
    brokers.until_judged("readers", "OK", "OK");
    assert_eq!(metric(&brokers, "burrow_kafka_consumer_status"), 1);
    let detail = brokers.ask("/v3/kafka/local/consumer/readers", |it| {
        let partitions = it["topics"]["lagging"].as_array().unwrap();
        partitions.iter().map(|it| it["client_id"].clone()).collect()
    });
    assert_eq!(detail, serde_json::json!(["rdkafka", "rdkafka", "rdkafka"]));

    member.stop();
    brokers.until_judged("readers", "ERR", "STOP");
    assert_eq!(brokers.ask("/v3/kafka/local/consumer/readers/status", status), "ERR");
    assert_eq!(metric(&brokers, "burrow_kafka_consumer_status"), 3);
    assert!(metric(&brokers, "burrow_kafka_consumer_lag_total") > 0);

    rewind(&address, "readers");
    brokers.until_judged("readers", "ERR", "REWIND");

    let member = start("second");
    brokers.until_judged("readers", "OK", "OK");
    drop(writer);
    member.stop();
    names_that_mean_harm_do_none(&brokers, &address);
    the_rest_of_the_interface(&brokers);
}

/// Whoever is told of groups: it refuses the first notice, and hangs at the second.
struct Receiver {
    port: u16,
    notices: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let notices = Arc::<Mutex<Vec<(String, Value)>>>::default();
        let received = Arc::clone(&notices);
        // It ends with the process.
        thread::spawn(move || {
            let mut hanging = Vec::new();
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let notice = read_request(&mut stream);
                received.lock().unwrap().push(notice);
                let answer = match number {
                    0 => "503 Service Unavailable",
                    1 => {
                        hanging.push(stream);
                        continue;
                    }
                    _ => "204 No Content",
                };
                let head =
                    format!("HTTP/1.1 {answer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
                stream.write_all(head.as_bytes()).unwrap();
            }
        });
        Self { port, notices }
    }

    /// Path, state and incident of what came so far.
    fn told(&self) -> Vec<(String, String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let notices = self.notices.lock().unwrap();
        let told =
            notices.iter().map(|(path, it)| (path.clone(), text(&it["state"]), text(&it["id"])));
        told.collect()
    }
}

/// Path and body.
fn read_request(stream: &mut TcpStream) -> (String, Value) {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (first.split(' ').nth(1).unwrap().to_owned(), serde_json::from_slice(&body).unwrap())
}

#[test]
fn somebody_is_told_once_of_a_group_that_stops_and_when_it_goes_on() {
    let receiver = Receiver::start();
    let url = format!(
        "lag.notifier.http.url.open=http://127.0.0.1:{}/x/{{{{ group|urlencode }}}}",
        receiver.port
    );
    let notifier = [
        url.as_str(),
        "lag.notifier.interval=300ms",
        "lag.notifier.timeout=500ms",
        "lag.notifier.send.once=true",
        "lag.notifier.threshold=ERR",
        "lag.notifier.group.allowlist=^re",
    ];
    let deployment = Deployment::start(Kind::Embedded);
    let brokers = Judges::start(&deployment, Kind::Embedded, &[&SOON[..], &notifier].concat());
    let address = brokers.address();
    create_topic(&address, "lagging", PARTITIONS as u32, &[]);
    produce(&address, "lagging", 0..100);
    // Nothing reads: one commit of long ago, and lag.
    rewind(&address, "rea/ders");
    rewind(&address, "others");
    let told = eventually(|| {
        let told = receiver.told();
        if told.len() >= 3 { Ok(told) } else { Err(format!("{told:?}")) }
    });
    thread::sleep(Duration::from_secs(2));
    assert_eq!(receiver.told(), told, "what got through is told once");
    let incident = &told[0].2;
    let opened = ("/x/rea%2Fders".to_owned(), "open".to_owned(), incident.clone());
    assert_eq!(told, [opened.clone(), opened.clone(), opened], "until it got through");
    groups(
        &address,
        &[
            "--group",
            "rea/ders",
            "--reset-offsets",
            "--to-latest",
            "--topic",
            "lagging",
            "--execute",
        ],
    );
    let told = eventually(|| {
        let told = receiver.told();
        if told.len() >= 4 { Ok(told) } else { Err(format!("{told:?}")) }
    });
    assert_eq!((told[3].1.as_str(), &told[3].2), ("close", incident));
    let counts = brokers.0[0].metrics();
    assert!(counts.contains("lag_notices_failed_total{kind=\"open\"} 2"), "{counts}");
}

#[test]
fn a_group_of_apache_kafka_is_judged_from_outside() {
    let kafka = Kafka::start().unwrap();
    let address = kafka.endpoint().replace("http://", "");
    create_topic_when_ready(&address, "lagging", PARTITIONS as u32);
    let deployment = Deployment::start(Kind::Embedded);
    let other = format!("lag.evaluator.clusters=apache={address}");
    let settings = [&SOON[..], &[other.as_str(), "lag.evaluator.topic.refresh=2s"]].concat();
    let brokers = Judges::start(&deployment, Kind::Embedded, &settings);
    let clusters = brokers.ask("/v3/kafka", |it| it["clusters"].clone());
    assert_eq!(clusters, serde_json::json!(["apache", "local"]));
    let writer = Writer::start(address.clone(), "lagging");
    let directory = deployment.directory();
    let member =
        Member::start(Client::Librdkafka, directory, "member", &address, "lagging", "readers");
    brokers.until_judged_in("apache", "readers", "OK", "OK");
    let owners = brokers.ask("/v3/kafka/apache/consumer/readers/lag", |it| {
        it["status"]["partitions"][0]["client_id"].clone()
    });
    assert_eq!(owners, "rdkafka");
    member.stop();
    brokers.until_judged_in("apache", "readers", "ERR", "STOP");
    drop(writer);
    let deletion = ["--delete", "--group", "readers"];
    groups(&address, &deletion);
    eventually(|| {
        let known = brokers.ask("/v3/kafka/apache/consumer", |it| it["consumers"].clone());
        if known == serde_json::json!([]) { Ok(()) } else { Err(known.to_string()) }
    });
}

fn metric(brokers: &Judges, name: &str) -> i64 {
    let series = format!("{name}{{cluster=\"local\",consumer_group=\"readers\"}}");
    brokers.samples().get(&series).copied().unwrap_or_else(|| panic!("no {series}"))
}

fn rewind(address: &str, group: &str) {
    let arguments = ["--reset-offsets", "--to-offset", "0", "--topic", "lagging", "--execute"];
    groups(address, &[&["--group", group][..], &arguments].concat());
}

fn names_that_mean_harm_do_none(brokers: &Judges, address: &str) {
    let name = "x\"} 1\\<script>/\u{e9}";
    rewind(address, name);
    let path = "/v3/kafka/local/consumer/x%22%7D%201%5C%3Cscript%3E%2F%C3%A9/status";
    let group = eventually(|| {
        let answer = brokers.ask(path, |it| it["status"]["group"].clone());
        let known =
            brokers.ask("/v3/kafka/local/topic/lagging/consumers", |it| it["consumers"].clone());
        let expected = serde_json::json!(["readers", name]);
        if known == expected { Ok(answer) } else { Err(known.to_string()) }
    });
    assert_eq!(group, name);
    let series = "burrow_kafka_consumer_status{cluster=\"local\",consumer_group=\"x\\\"} 1\\\\<script>/\u{e9}\"}";
    assert!(brokers.samples().contains_key(series));
}

fn the_rest_of_the_interface(brokers: &Judges) {
    let ends = brokers.ask("/v3/kafka/local/topic/lagging", |it| it["offsets"].clone());
    let samples = brokers.samples();
    let exporter = (0..PARTITIONS).map(|partition| {
        let labels = format!("{{topic=\"lagging\",partition=\"{partition}\"}}");
        samples[&format!("kafka_topic_partition_current_offset{labels}")]
    });
    let exporter: Vec<i64> = exporter.collect();
    assert_eq!(ends, serde_json::json!(exporter));
    assert_eq!(samples["kafka_topic_partitions{topic=\"lagging\"}"], PARTITIONS as i64);
    let topics = brokers.ask("/v3/kafka/local/topic", |it| it["topics"].clone());
    assert!(topics.as_array().unwrap().contains(&"lagging".into()), "{topics}");
    let clusters = brokers.ask("/v3/kafka", |it| it["clusters"].clone());
    assert_eq!(clusters, serde_json::json!(["local"]));
    let class = brokers.ask("/v3/kafka/local", |it| it["module"]["class-name"].clone());
    assert_eq!(class, "kafka");
    for missing in ["/v3/kafka/x", "/v3/kafka/x/topic", "/v3/kafka/local/topic/x", "/v3/nothing"] {
        let error = brokers.ask(missing, |it| it["error"].clone());
        assert_eq!(error, true, "{missing}");
    }
    let http = brokers.0[0].http_port();
    assert_eq!(http_get(http, "/burrow/admin").as_deref(), Some("GOOD"));
    let deletion = http_request(http, "DELETE", "/v3/kafka/local/consumer/readers", "");
    let refusal = deletion.expect_err("nobody has to show who they are here");
    assert!(refusal.starts_with("403") && refusal.contains("\"error\":true"), "{refusal}");
    let small = brokers.0[0].metrics();
    assert!(small.contains("lag_groups{") && !small.contains("readers"), "{small}");
}
