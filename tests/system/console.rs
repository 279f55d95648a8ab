//! The console on a live broker: what its API answers and refuses, with records as hostile as they come.

use crate::harness::{
    Broker, Deployment, Kind, Member, eventually,
    programs::{Client, alluvium, attempt, create_topic, run, text},
    records::produce,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};

pub(crate) const TOPIC: &str = "orders.v1";
pub(crate) const ATTACK: &str = r#"<img src=x onerror="window.attacked=1">"#;
/// The same in an address.
pub(crate) const ATTACK_CODED: &str = "%3Cimg%20src%3Dx%20onerror%3D%22window.attacked%3D1%22%3E";
const LARGE: usize = 1_000_000;
/// Where the large record lies in partition 0.
pub(crate) const LARGE_OFFSET: usize = 3;
pub(crate) const TOKEN: &str = "0123456789abcdef0123";

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", text(&self.body)))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value)
    }
}

fn ask(port: u16, method: &str, path: &str, headers: &str) -> Answer {
    send(port, method, path, headers, "")
}

pub(crate) fn send(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n{body}").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let body = answer.split_off(end + 4);
    let head = text(&answer);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    // Answers here have a length: nothing is chunked.
    Answer { status, head, body }
}

/// A GET as a browser on this machine sends it.
fn get(broker: &Broker, path: &str) -> Answer {
    ask(broker.http_port(), "GET", path, "Host: localhost\r\n")
}

pub(crate) fn json_of(broker: &Broker, path: &str) -> Value {
    let answer = get(broker, path);
    assert_eq!(answer.status, 200, "{path}: {}", text(&answer.body));
    answer.json()
}

/// A record for the clients' programs.
fn record(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[(&str, &[u8])]) -> String {
    let base64 = |bytes: Option<&[u8]>| json!(bytes.map(|it| BASE64_STANDARD.encode(it)));
    let headers: Vec<Value> =
        headers.iter().map(|(key, value)| json!([key, base64(Some(value))])).collect();
    json!({ "key": base64(key), "value": base64(value), "headers": headers }).to_string()
}

/// Everything that is hard to show, in partition 0.
pub(crate) fn write_hostile(address: &str, directory: &Path) {
    let script = r#"{"id": 9007199254740993, "html": "<script>window.attacked=1</script>"}"#;
    let binary: Vec<u8> = (0..=255).collect();
    let with_schema = [&[0, 0, 0, 0, 7][..], br#"{"total":12}"#].concat();
    let records = [
        record(Some(b"k0"), Some(b"plain"), &[]),
        record(Some(ATTACK.as_bytes()), Some(script.as_bytes()), &[(ATTACK, b"<b>bold</b>")]),
        record(Some(&[0xff, 0xfe]), Some(&binary), &[]),
        record(Some(b"large"), Some(&vec![b'x'; LARGE]), &[]),
        record(Some(b"deleted"), None, &[]),
        record(None, Some(&with_schema), &[]),
        record(Some("\u{202e}drawkcab\u{0}".as_bytes()), Some("größer\nals".as_bytes()), &[]),
    ];
    let file = directory.join("hostile.json");
    fs::write(&file, records.join("\n") + "\n").unwrap();
    let mut command = Client::Librdkafka.command();
    command.args(["produce", "--bootstrap", address, "--topic", TOPIC, "--partition", "0"]);
    run(command.arg("--file").arg(file), b"");
}

/// A group that has read everything, and one more record that it has not.
pub(crate) fn leave_a_group(deployment: &Deployment, address: &str) {
    create_topic(address, "counted", 2, &[]);
    produce(address, "counted", 0..20);
    let directory = deployment.directory();
    let member = Member::start(Client::Librdkafka, directory, "member", address, "counted", ATTACK);
    eventually(|| match member.records().len() {
        20 => Ok(()),
        read => Err(format!("{read} records, {}", member.errors())),
    });
    member.stop();
    produce(address, "counted", 20..25);
}

#[test]
fn the_api_tells_what_there_is_and_nothing_more() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let address = broker.address();
    create_topic(&address, TOPIC, 3, &["retention.ms=3600000"]);
    write_hostile(&address, deployment.directory());
    produce(&address, TOPIC, 0..50);

    let overview = json_of(&broker, "/console/api/overview");
    assert_eq!(overview["partitions"], 3, "{overview}");
    assert_eq!(overview["brokers"][0]["partitions"], 3, "{overview}");
    assert_eq!(overview["health"][0]["level"], "good", "{overview}");
    let topics = json_of(&broker, "/console/api/topics?contains=ORDERS");
    assert_eq!(topics["topics"][0]["name"], TOPIC, "{topics}");
    let topic = json_of(&broker, &format!("/console/api/topic?name={TOPIC}"));
    assert_eq!(topic["partitions"][0]["leader"], 1, "{topic}");
    let offsets = topic["partitions"].as_array().unwrap().iter();
    let offsets = offsets.map(|it| it["offsets"].as_str().unwrap().parse::<u64>().unwrap());
    assert_eq!(offsets.sum::<u64>(), 57, "{topic}");
    let configs = json_of(&broker, &format!("/console/api/configs?topic={TOPIC}"));
    let configs = configs["configs"].as_array().unwrap();
    let retention = configs.iter().find(|it| it["name"] == "retention.ms").unwrap();
    assert_eq!((&retention["value"], &retention["source"]), (&json!("3600000"), &json!("topic")));

    records_are_told(&broker);
    leave_a_group(&deployment, &address);
    let groups = json_of(&broker, "/console/api/groups");
    assert_eq!(groups["groups"][0]["id"], ATTACK, "{groups}");
    let group = json_of(&broker, &format!("/console/api/group?id={ATTACK_CODED}"));
    assert_eq!((&group["lag"], &group["state"]), (&json!("5"), &json!("Empty")), "{group}");
    let access = json_of(&broker, "/console/api/access");
    assert_eq!((&access["authorizer"], &access["users"]), (&json!(false), &json!([])));

    for (path, status) in [
        ("/console/api/topic?name=absent", 404),
        ("/console/api/group?id=absent", 404),
        ("/console/api/records?topic=absent", 404),
        (&format!("/console/api/records?topic={TOPIC}&partition=3"), 404),
        (&format!("/console/api/records?topic={TOPIC}&from=nowhere"), 400),
        (&format!("/console/api/record?topic={TOPIC}&partition=0&offset=1000"), 404),
        ("/console/api/absent", 404),
    ] {
        let answer = get(&broker, path);
        assert_eq!(answer.status, status, "{path}: {}", text(&answer.body));
    }
}

fn records_are_told(broker: &Broker) {
    let search =
        |more: &str| json_of(broker, &format!("/console/api/records?topic={TOPIC}&{more}"));
    let all = search("from=beginning&limit=500");
    assert_eq!(all["records"].as_array().unwrap().len(), 57);
    assert_eq!(all["at_end"], true);
    let first = search("from=beginning&partition=0&limit=7");
    let records = first["records"].as_array().unwrap();
    assert_eq!(records[1]["key"]["text"], ATTACK);
    assert_eq!(records[1]["headers"][0]["key"]["text"], ATTACK);
    assert_eq!(records[2]["key"]["base64"], "//4=");
    let large = &records[LARGE_OFFSET]["value"];
    assert_eq!((&large["bytes"], &large["cut"]), (&json!(LARGE), &json!(true)));
    assert_eq!(large["text"].as_str().unwrap().len(), 1_024);
    assert_eq!(records[4]["value"], Value::Null);
    let schema = &records[5]["value"];
    assert_eq!((&schema["schema"], &schema["json"]), (&json!(7), &json!(r#"{"total":12}"#)));
    assert_eq!(records[6]["value"]["text"], "größer\nals");
    // The next page begins where this one ends.
    assert_eq!(first["next"]["0"], "7");
    let newest = search("from=end&partition=0&limit=3");
    let offsets: Vec<u64> = newest["records"].as_array().unwrap().iter().map(offset).collect();
    assert!(offsets.windows(2).all(|pair| pair[0] == pair[1] + 1), "{offsets:?}");
    let end: u64 = newest["next"]["0"].as_str().unwrap().parse().unwrap();
    assert_eq!(offsets[0] + 1, end);
    for from in ["end", "beginning"] {
        let found = search(&format!("from={from}&contains=onerror"));
        let found = found["records"].as_array().unwrap();
        assert_eq!((found.len(), &found[0]["offset"]), (1, &json!("1")), "{from}");
    }
    let later = search("from=positions:0=5&limit=2");
    assert_eq!(later["records"].as_array().unwrap().iter().map(offset).collect::<Vec<_>>(), [5, 6]);
    let early = search("from=time:0&partition=0&limit=1");
    assert_eq!(offset(&early["records"][0]), 0);
    let late = search("from=time:9999999999999");
    assert_eq!(late["records"], json!([]));

    let place = format!("topic={TOPIC}&partition=0&offset={LARGE_OFFSET}");
    let one = json_of(broker, &format!("/console/api/record?{place}"));
    assert_eq!(one["value"]["text"].as_str().unwrap().len(), 256 << 10);
    let whole = get(broker, &format!("/console/api/bytes?{place}&part=value"));
    assert_eq!((whole.status, whole.body.len()), (200, LARGE));
    assert_eq!(whole.header("content-type"), Some("application/octet-stream"));
    assert!(whole.header("content-disposition").unwrap().starts_with("attachment"));
}

fn offset(record: &Value) -> u64 {
    record["offset"].as_str().unwrap().parse().unwrap()
}

#[test]
fn it_is_not_for_other_sites_and_not_without_its_token() {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    let port = broker.http_port();
    let overview = "/console/api/overview";
    let status = |path: &str, headers: &str| ask(port, "GET", path, headers).status;
    for path in ["/", overview, "/console/main.js"] {
        let answer = get(&broker, path);
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        // A name that was made to lead here.
        assert_eq!(status(path, "Host: evil.example\r\n"), 421, "{path}");
    }
    assert_eq!(get(&broker, overview).header("cache-control"), Some("no-store"));
    assert_eq!(status(overview, "Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site\r\n"), 403);
    assert_eq!(ask(port, "POST", overview, "Host: localhost\r\nContent-Length: 0\r\n").status, 405);
    drop(broker);

    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[&format!("console.token={TOKEN}")]);
    let port = broker.http_port();
    let status = |path: &str, headers: &str| ask(port, "GET", path, headers).status;
    assert_eq!(status("/", "Host: console.example\r\n"), 200, "the page holds no data");
    let refused = ask(port, "GET", overview, "Host: localhost\r\n");
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")));
    let wrong = "Host: localhost\r\nAuthorization: Bearer 0123456789abcdef0124\r\n";
    assert_eq!(status(overview, wrong), 401);
    assert_eq!(status("/console/api/schemas/subjects", wrong), 401);
    let right = format!("Host: console.example\r\nAuthorization: Bearer {TOKEN}\r\n");
    assert_eq!(status(overview, &right), 200);
    assert!(!broker.log().contains(TOKEN), "the log has the token");
}

#[test]
fn a_console_that_anybody_could_read_stops_the_start() {
    let deployment = Deployment::start(Kind::Embedded);
    let mut serve = alluvium();
    serve.args(["serve", "--http-address", "0.0.0.0:0", "--listeners", "PLAINTEXT://127.0.0.1:0"]);
    serve.args(["--set", "console.enable=true", "--data-dir"]).arg(deployment.local());
    let refused = attempt(&mut serve, b"");
    let said = text(&refused.stderr);
    assert!(!refused.status.success() && said.contains("ALLUVIUM_CONSOLE_TOKEN"), "{said}");
}

#[test]
fn any_broker_s_console_asks_whoever_knows() {
    let deployment = Deployment::start(Kind::Three);
    let brokers = deployment.brokers(3, &["console.enable=true"]);
    let address = brokers[0].address();
    create_topic(&address, TOPIC, 6, &[]);
    produce(&address, TOPIC, 0..60);
    let directory = deployment.directory();
    let member = Member::start(Client::Librdkafka, directory, "member", &address, TOPIC, "readers");
    eventually(|| match member.records().len() {
        60 => Ok(()),
        read => Err(format!("{read} records")),
    });
    member.stop();
    for broker in &brokers {
        let found = json_of(
            broker,
            &format!("/console/api/records?topic={TOPIC}&from=beginning&limit=500"),
        );
        assert_eq!(found["records"].as_array().unwrap().len(), 60, "{found}");
        let groups = json_of(broker, "/console/api/groups");
        assert_eq!(
            (&groups["groups"][0]["id"], &groups["problems"]),
            (&json!("readers"), &json!([]))
        );
        let group = json_of(broker, "/console/api/group?id=readers");
        assert_eq!(
            (&group["lag"], group["partitions"].as_array().unwrap().len()),
            (&json!("0"), 6)
        );
        let overview = json_of(broker, "/console/api/overview");
        assert_eq!(overview["brokers"].as_array().unwrap().len(), 3, "{overview}");
        for id in 1..=3 {
            let configs = json_of(broker, &format!("/console/api/configs?broker={id}"));
            assert!(!configs["configs"].as_array().unwrap().is_empty());
        }
    }
}
