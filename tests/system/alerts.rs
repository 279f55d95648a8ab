//! The rules of alerts: promtool accepts them and their tests, no alert is without a test and a section that says what to do.

use crate::harness::{
    programs::{attempt, text},
    prometheus::repository,
};
use services::promtool;
use std::{collections::BTreeSet, fs, path::Path, process::Command};

const RULES: &str = "helm/alluvium/files/alerts.yaml";
const TESTS: &str = "tests/alerts/rules_test.yaml";

fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap()
}

/// What follows `prefix` in the lines that begin with it.
fn after<'a>(text: &'a str, prefix: &'a str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.trim_start().strip_prefix(prefix)).collect()
}

#[test]
fn every_alert_has_a_section_and_links_to_it() {
    let (rules, pages) = (read(RULES), read("docs/operations/alerts.md"));
    let alerts = after(&rules, "- alert: ");
    let described = after(&pages, "## ");
    assert_eq!(alerts.iter().collect::<BTreeSet<_>>(), described.iter().collect::<BTreeSet<_>>());
    let links = alerts.iter().map(|it| format!("docs/operations/alerts.md#{}", it.to_lowercase()));
    assert_eq!(after(&rules, "runbook_url: "), links.collect::<Vec<_>>());
}

/// The names that the macros of crate `metrics` are given below `folder`, but in tests.
fn metrics_of_sources(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() && entry.file_name().is_some_and(|it| it != "tests") {
            metrics_of_sources(&entry, names);
        } else if entry.extension().is_some_and(|it| it == "rs") {
            let source = fs::read_to_string(&entry).unwrap();
            let source = source.split("#[cfg(test)]").next().unwrap();
            for kind in ["counter!(", "gauge!(", "histogram!("] {
                let named = source.split(kind).skip(1);
                let name = |rest: &str| {
                    Some(rest.trim_start().strip_prefix('"')?.split('"').next()?.to_owned())
                };
                names.extend(named.filter_map(name));
            }
        }
    }
}

#[test]
fn every_metric_is_described() {
    let mut names = BTreeSet::new();
    metrics_of_sources(&repository("crates"), &mut names);
    assert!(names.len() > 70, "{names:?}");
    let page = read("docs/operations/metrics.md");
    let described: BTreeSet<&str> = page.split('`').collect();
    let missing: Vec<_> = names.iter().filter(|it| !described.contains(it.as_str())).collect();
    assert!(missing.is_empty(), "not in docs/operations/metrics.md: {missing:?}");
}

#[test]
fn every_alert_fires_in_a_test_of_promtool_and_all_of_these_pass() {
    let (rules, tests) = (read(RULES), read(TESTS));
    for alert in after(&rules, "- alert: ") {
        assert!(tests.contains(&format!("alertname=\"{alert}\"")), "{alert} has no test");
    }
    for arguments in [["check", "rules", RULES].as_slice(), &["test", "rules", TESTS]] {
        let mut command = Command::new(promtool().unwrap());
        let output = attempt(command.args(arguments).current_dir(repository(".")), b"");
        let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(output.status.success() && told.contains("SUCCESS"), "{arguments:?}: {told}");
    }
}
