//! Every expression of every dashboard and alert, asked of a real Prometheus that scrapes a broker under a little load.

use crate::harness::{
    Deployment, Kind, Load, Member, Prometheus, eventually,
    programs::{Client, attempt, create_topic, text},
    prometheus::repository,
};
use serde_json::Value;
use std::{collections::BTreeSet, fs, process::Command};

/// What a panel says that may be empty.
const RARE: &str = "Empty as long as nothing of the kind happened.";

/// A lag notifier that nobody answers, groups judged within seconds, and a limit of the network, so that all there is can be seen.
const SETTINGS: [&str; 6] = [
    "lag.notifier.http.url.open=http://127.0.0.1:9/",
    "lag.evaluator.intervals=3",
    "lag.evaluator.min.distance=200ms",
    "lag.evaluator.offset.refresh=300ms",
    "network.bytes.per.second=1000000000",
    "flush.max.interval.idle=200ms",
];

fn dashboards() -> Vec<Value> {
    let folder = fs::read_dir(repository("helm/alluvium/files/dashboards")).unwrap();
    let read = |path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    folder.map(|entry| read(entry.unwrap().path())).collect()
}

/// Title, whether it may be empty, and expressions of each panel.
fn panels() -> Vec<(String, bool, Vec<String>)> {
    let dashboards = dashboards();
    assert_eq!(dashboards.len(), 6);
    let panels = dashboards.iter().flat_map(|it| it["panels"].as_array().unwrap());
    let of = |panel: &Value| {
        let targets = panel["targets"].as_array().unwrap().iter();
        let expressions = targets.map(|target| {
            let expression = target["expr"].as_str().unwrap().replace("$job", "alluvium");
            let expression = expression.replace("$instance", ".*").replace("$__range", "1m");
            expression.replace("$__rate_interval", "10s").replace("$__range", "1m")
        });
        let rare = panel["description"].as_str().unwrap().contains(RARE);
        (panel["title"].as_str().unwrap().to_owned(), rare, expressions.collect())
    };
    panels.map(of).collect()
}

/// The metrics that the rules of alerts name.
fn alerted() -> BTreeSet<String> {
    let rules = fs::read_to_string(repository("helm/alluvium/files/alerts.yaml")).unwrap();
    let before_labels = rules.split("{job=\"alluvium\"");
    let names = before_labels
        .filter_map(|part| part.rsplit(|it: char| !it.is_ascii_alphanumeric() && it != '_').next());
    names.filter(|name| name.contains('_') || *name == "up").map(str::to_owned).collect()
}

#[test]
fn dashboards_are_what_their_source_says() {
    let mut command = Command::new(repository("tools/dashboards"));
    let output = attempt(command.arg("--check"), b"");
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn every_panel_and_alert_finds_its_metrics_in_a_scrape_of_a_broker() {
    let deployment = Deployment::start(Kind::Cluster);
    let broker = deployment.broker(&SETTINGS);
    let address = broker.address();
    let prometheus = Prometheus::start(&deployment.directory().join("prometheus"), &[&broker]);
    create_topic(&address, "seen", 3, &[]);
    let mut load = Load::new("seen", 3);
    load.start(&address, deployment.directory(), "all", &["--size", "300", "--rate", "500"]);
    let member = Member::start(
        Client::Librdkafka,
        deployment.directory(),
        "reader",
        &address,
        "seen",
        "readers",
    );
    let asked = panels();
    assert!(asked.len() > 50, "{} panels", asked.len());
    eventually(|| {
        let mut empty = Vec::new();
        for (title, rare, expressions) in &asked {
            for expression in expressions {
                let found = prometheus
                    .query(expression)
                    .map_err(|error| format!("{title}: {expression}: {error}"))?;
                if found.is_empty() && !rare {
                    empty.push(format!("{title}: {expression}"));
                }
            }
        }
        for metric in alerted() {
            if prometheus.query(&format!("{metric}{{job=\"alluvium\"}}"))?.is_empty() {
                empty.push(format!("of an alert: {metric}"));
            }
        }
        if empty.is_empty() { Ok(()) } else { Err(format!("no series:\n{}", empty.join("\n"))) }
    });
    let utilization = prometheus.query("max(alluvium_utilization)").unwrap();
    assert!(utilization[0].1 > 0.0 && utilization[0].1 < 2.0, "{utilization:?}");
    let parts = prometheus.query("alluvium_utilization_part").unwrap();
    let names: BTreeSet<&str> = parts.iter().map(|(labels, _)| labels["part"].as_str()).collect();
    assert_eq!(names, ["cpu", "network", "uploads", "wal"].into());
    let most = parts.iter().map(|(_, share)| *share).fold(0.0, f64::max);
    assert!((most - utilization[0].1).abs() < 0.5, "{parts:?}, {utilization:?}");
    let critical = prometheus.query("ALERTS{alertstate=\"firing\",severity=\"critical\"}");
    assert_eq!(critical.unwrap(), Vec::new());
    drop(member);
    load.stop();
}
