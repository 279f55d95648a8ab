//! Debian's Prometheus, which scrapes brokers once a second as compose.yaml's does, and judges the rules of alerts without patience.

use super::{Broker, http::http_get};
use serde_json::Value;
use services::{Purpose, free_port};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A running Prometheus.
pub struct Prometheus {
    _server: services::Prometheus,
    port: u16,
}

/// The labels of a series, and its value.
pub type Sample = (BTreeMap<String, String>, f64);

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

impl Prometheus {
    /// Starts one in `directory` that scrapes brokers.
    pub fn start(directory: &Path, brokers: &[&Broker]) -> Self {
        fs::create_dir_all(directory).unwrap();
        let rules = fs::read_to_string(repository("helm/alluvium/files/alerts.yaml")).unwrap();
        let at_once = rules.lines().filter(|line| !line.trim_start().starts_with("for: "));
        fs::write(directory.join("alerts.yaml"), at_once.collect::<Vec<_>>().join("\n")).unwrap();
        let targets = brokers.iter().map(|it| format!("127.0.0.1:{}", it.http_port()));
        let targets = targets.collect::<Vec<_>>().join(",");
        let config = fs::read_to_string(repository("compose/prometheus.yml")).unwrap();
        let config = config
            .replace("15s", "1s")
            .replace("60s", "1s")
            .replace("broker-1:9640, broker-2:9640, broker-3:9640", &targets)
            .replace("/etc/prometheus/", &format!("{}/", directory.display()));
        assert_eq!(config.matches(&targets).count(), 2, "{config}");
        fs::write(directory.join("prometheus.yml"), config).unwrap();
        let port = free_port().unwrap();
        let server = services::Prometheus::start_in(Purpose::Test, directory, port).unwrap();
        Self { _server: server, port }
    }

    /// What an expression comes to now.
    pub fn query(&self, expression: &str) -> Result<Vec<Sample>, String> {
        let path = format!("/api/v1/query?query={}", escaped(expression));
        let body = super::http::http_request(self.port, "GET", &path, "")?;
        let answer: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        let result = answer["data"]["result"].as_array().ok_or("no vector")?;
        result.iter().map(|it| sample(it).ok_or_else(|| format!("no sample: {it}"))).collect()
    }

    /// Names of the alerts that fire.
    pub fn firing(&self) -> BTreeSet<String> {
        let body = http_get(self.port, "/api/v1/alerts").unwrap_or_default();
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        let alerts = answer["data"]["alerts"].as_array().cloned().unwrap_or_default();
        let firing = alerts.iter().filter(|it| it["state"] == "firing");
        firing.filter_map(|it| it["labels"]["alertname"].as_str().map(str::to_owned)).collect()
    }
}

fn sample(series: &Value) -> Option<Sample> {
    let labels = series["metric"].as_object()?.iter();
    let labels = labels.filter_map(|(name, it)| Some((name.clone(), it.as_str()?.to_owned())));
    Some((labels.collect(), series["value"][1].as_str()?.parse().ok()?))
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}
