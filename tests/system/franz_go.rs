//! franz-go's own integration tests: what passes on Apache Kafka passes on Alluvium, in the same run. Share groups apart.
//!
//! For `just verify-long`. The version is that of `tests/clients/go/go.mod`, whose program the other tests run.

use crate::harness::{Deployment, Kafka, Kind, programs::clients};
use std::{collections::BTreeSet, path::Path, process::Command};

const MODULE: &str = "github.com/twmb/franz-go";

/// What one run printed.
struct Run(String);

impl Run {
    fn against(address: &str, suite: &Path) -> Self {
        let mut suite = Command::new(suite);
        suite.args(["-test.v", "-test.timeout", "600s", "-test.skip", "Share"]);
        suite.envs([("KGO_SEEDS", address), ("KGO_LOG_LEVEL", "none"), ("KGO_TEST_RF", "1")]);
        suite.envs([("KGO_TEST_RECORDS", "20000"), ("KGO_TEST_MAX_TOPIC_PARTS", "4")]);
        let output = suite.output().unwrap();
        Self(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The tests that passed, and the parts of tests.
    fn passed(&self) -> BTreeSet<&str> {
        let lines = self.0.lines().filter_map(|line| line.trim_start().strip_prefix("--- PASS: "));
        lines.filter_map(|line| line.split_whitespace().next()).collect()
    }

    /// What was printed of a test that did not pass.
    fn about(&self, test: &str) -> String {
        let ended = [format!("--- FAIL: {test} "), format!("--- SKIP: {test} ")];
        let is_end = |line: &&str| ended.iter().any(|end| line.contains(end));
        let is_other = |line: &&str| line.starts_with("=== RUN") || line.contains("--- ");
        let mut lines = self.0.lines().skip_while(|line| !is_end(line));
        let first = lines.next().unwrap_or("it did not end").trim();
        let rest: Vec<_> = lines.take_while(|line| !is_other(line)).take(20).collect();
        format!("{test}: {first}\n{}", rest.join("\n"))
    }
}

#[test]
#[ignore = "takes minutes: just verify-long"]
fn what_passes_on_kafka_passes_on_every_deployment() {
    let suite = services::programs::go_tests(&clients().join("go"), MODULE, "pkg/kgo").unwrap();
    let on_kafka = {
        let kafka = Kafka::start().unwrap();
        Run::against(&kafka.endpoint().replace("http://", ""), &suite)
    };
    let wanted = on_kafka.passed();
    assert!(wanted.len() > 100, "Kafka passes {} tests alone", wanted.len());
    let mut failures = Vec::new();
    for kind in [Kind::Embedded, Kind::Cluster, Kind::Three] {
        let deployment = Deployment::start(kind);
        let brokers = deployment.serve(&[]);
        let run = Run::against(&brokers.address(), &suite);
        let passed = run.passed();
        println!("{kind:?}: {} of {} pass", passed.intersection(&wanted).count(), wanted.len());
        failures
            .extend(wanted.difference(&passed).map(|it| format!("{kind:?}: {}", run.about(it))));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
