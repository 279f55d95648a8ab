//! What the alerts of the chart are made of is shown by a broker, from its start, and each alert has a page that says what to do.

use crate::harness::{Deployment, Kind, eventually};
use std::{collections::BTreeSet, fs, path::Path};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// The names before the labels of an expression.
fn metrics_of(expression: &str) -> impl Iterator<Item = &str> {
    let before_labels = expression
        .split('{')
        .filter_map(|part| part.rsplit(|it: char| !it.is_ascii_alphanumeric() && it != '_').next());
    before_labels.filter(|name| name.contains('_'))
}

#[test]
fn every_metric_of_an_alert_is_there_before_anything_went_wrong() {
    let rules = read("helm/alluvium/templates/monitoring.yaml");
    let expressions = rules.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    let wanted: BTreeSet<&str> = expressions.flat_map(metrics_of).collect();
    assert!(wanted.len() >= 8, "{wanted:?}");
    let deployment = Deployment::start(Kind::Cluster);
    let notifier = "lag.notifier.http.url.open=http://127.0.0.1:9/";
    let broker = deployment.broker(&[notifier, "lag.evaluator.offset.refresh=300ms"]);
    eventually(|| {
        let scraped = broker.metrics();
        let names: BTreeSet<&str> =
            scraped.lines().filter_map(|line| line.split(['{', ' ']).next()).collect();
        let missing: Vec<_> = wanted.difference(&names).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?} are not shown")) }
    });
}

#[test]
fn every_alert_has_a_page() {
    let (rules, pages) =
        (read("helm/alluvium/templates/monitoring.yaml"), read("docs/operations/alerts.md"));
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let alerts: BTreeSet<&str> = alerts.collect();
    let described: BTreeSet<&str> =
        pages.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(alerts, described);
}
