//! Runs seeds, each in a process of its own, and judges what clients saw.

use crate::{recorder::Recorder, scenario, simulation};
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Tells the child process what to run.
const SCENARIO: &str = "SIMULATION_SCENARIO";
const SEED: &str = "SIMULATION_SEED";
const HISTORY: &str = "SIMULATION_HISTORY";
/// How many seeds of each scenario are run, when set: `just verify-long` asks for thousands.
const SEEDS: &str = "SIMULATION_SEEDS";

/// One run: what a child process does, and whoever looks into a seed by hand.
#[test]
#[ignore = "a child process of the other tests"]
fn one_seed() {
    let Ok(name) = std::env::var(SCENARIO) else { return };
    let seed = std::env::var(SEED).unwrap().parse().unwrap();
    let recorder = Recorder::default();
    end_at_the_first_panic(recorder.clone());
    if let Ok(filter) = std::env::var("SIMULATION_LOG") {
        let filter = tracing_subscriber::EnvFilter::new(filter);
        tracing_subscriber::fmt().with_env_filter(filter).without_time().with_ansi(false).init();
    }
    // A thread of its own: how often entropy was asked for on it does not depend on the test harness.
    let recording = recorder.clone();
    let run = move || simulation::run(scenario::named(&name), seed, recording);
    std::thread::spawn(run).join().unwrap();
    keep(&recorder);
    let report = history::audit(&recorder.history());
    for (_, tally) in report.violations() {
        for finding in &tally.first {
            println!("VIOLATION {finding}");
        }
    }
    assert!(report.is_clean(), "clients saw what Kafka does not permit");
}

/// A panic in any task is a finding, also where the runtime would catch it.
fn end_at_the_first_panic(recorder: Recorder) {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        keep(&recorder);
        std::process::exit(1);
    }));
}

fn keep(recorder: &Recorder) {
    if let Ok(path) = std::env::var(HISTORY) {
        let kept = std::fs::write(&path, recorder.as_json_lines());
        assert!(kept.is_ok(), "{path}: {kept:?}");
    }
}

/// Runs a seed in a process of its own; the history goes to `history`.
fn run(scenario: &str, seed: u64, history: &Path) -> Output {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["seeds::one_seed", "--exact", "--include-ignored", "--nocapture"]);
    child.env(SCENARIO, scenario).env(SEED, seed.to_string()).env(HISTORY, history);
    child.output().unwrap()
}

/// Runs seeds of a scenario; a failing one is told with how to see it again.
fn assert_clean(scenario: &str, seeds: u64) {
    let seeds = std::env::var(SEEDS).map_or(seeds, |text| text.parse().unwrap());
    for seed in 0..seeds {
        let history = history_file(scenario, seed);
        let ran = run(scenario, seed, &history);
        assert!(
            ran.status.success(),
            "{}\n{}\nagain: {SCENARIO}={scenario} {SEED}={seed} {} seeds::one_seed --include-ignored --nocapture\nhistory: {}",
            String::from_utf8_lossy(&ran.stdout),
            String::from_utf8_lossy(&ran.stderr),
            std::env::current_exe().unwrap().display(),
            history.display(),
        );
        let _ = std::fs::remove_file(history);
    }
}

/// Runs seeds of a scenario with something planted, until one shows it.
fn assert_found(scenario: &str, signs: &[&str]) {
    let mut seen = String::new();
    for seed in 0..20 {
        let history = history_file(scenario, seed);
        let ran = run(scenario, seed, &history);
        let _ = std::fs::remove_file(&history);
        let told = [ran.stdout, ran.stderr].concat();
        let told = String::from_utf8_lossy(&told);
        if !ran.status.success() && signs.iter().any(|sign| told.contains(sign)) {
            return;
        }
        seen.push_str(&told);
    }
    panic!("{scenario}: 20 seeds show nothing of it\n{seen}");
}

fn history_file(scenario: &str, seed: u64) -> PathBuf {
    let process = std::process::id();
    std::env::temp_dir().join(format!("simulation-{process}-{scenario}-{seed}.jsonl"))
}

#[test]
fn the_same_seed_twice_gives_the_same_history() {
    let file = |turn: u64| history_file("same", turn);
    for turn in 0..2 {
        let ran = run("everything", 1, &file(turn));
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
    let [first, second] = [0, 1].map(|turn| std::fs::read_to_string(file(turn)).unwrap());
    assert!(first.lines().count() > 100 && first == second, "two runs of one seed differ");
    for turn in 0..2 {
        let _ = std::fs::remove_file(file(turn));
    }
}

#[test]
fn nothing_is_lost_when_nothing_goes_wrong() {
    assert_clean("calm", 1);
}

#[test]
fn brokers_that_die_and_come_back_lose_nothing() {
    assert_clean("takeovers", 6);
}

#[test]
fn owners_that_were_counted_dead_commit_and_serve_nothing() {
    assert_clean("zombies", 6);
}

#[test]
fn stores_that_leave_in_doubt_what_they_did_lose_nothing() {
    assert_clean("doubtful-stores", 7);
}

#[test]
fn everything_at_once_loses_nothing() {
    assert_clean("everything", 15);
}

#[test]
fn everything_at_once_loses_nothing_that_a_wal_has() {
    assert_clean("everything-wal", 15);
}

#[test]
fn a_disk_that_does_not_sync_is_found() {
    let signs = ["lost-write", "OutOfOrderSequenceNumber", "all clients have their answers"];
    assert_found("unsynced-disks", &signs);
}

#[test]
fn commits_without_a_fence_are_found() {
    let signs = ["lost-write", "duplicate", "inconsistent-offset", "OutOfOrderSequenceNumber"];
    assert_found("unfenced-commits", &signs);
}
