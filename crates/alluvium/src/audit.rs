//! `alluvium audit`: judges recorded histories of clients by what Kafka guarantees (crate `history`).

use crate::Failure;
use history::{History, Report};
use std::{
    fmt,
    fs::File,
    io::{self, BufReader, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Exit status when a history shows what Kafka does not permit.
const VIOLATIONS: u8 = 1;

/// Exit status when a file could not be judged.
const UNREADABLE: u8 = 2;

/// What to judge.
#[derive(Debug, clap::Args)]
pub(crate) struct AuditFlags {
    /// Recorded histories, JSON lines; each is judged by itself
    #[arg(required = true, value_name = "FILE")]
    histories: Vec<PathBuf>,
}

/// Judges each file, and prints a line for each violation to `out`, the first of each kind; what is permitted and the verdicts go to
/// standard error. Exit status 0: no violation, 1: violations, 2: a file could not be judged.
pub(crate) fn audit(flags: &AuditFlags, out: &mut dyn Write) -> ExitCode {
    let mut status = 0;
    for path in &flags.histories {
        let judged = judge(path, out).unwrap_or_else(|failure| {
            crate::report(&failure);
            UNREADABLE
        });
        status = status.max(judged);
    }
    ExitCode::from(status)
}

fn judge(path: &Path, out: &mut dyn Write) -> Result<u8, Failure> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| failure(&name, &error))?;
    let read = history::read(BufReader::new(file));
    let history = read.map_err(|error| failure(&name, &error))?;
    let report = history::audit(&history);
    tell_violations(&name, &report, out).map_err(Failure::from_display)?;
    for (anomaly, permission, tally) in report.permitted() {
        eprintln!("{name}: permitted: {} {} ({})", tally.count, anomaly.name(), permission.name());
    }
    eprintln!("{name}: {}", verdict(&history, &report));
    Ok(if report.is_clean() { 0 } else { VIOLATIONS })
}

fn failure(name: &str, error: &dyn fmt::Display) -> Failure {
    Failure(format!("{name}: {error}"))
}

fn tell_violations(name: &str, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for (anomaly, tally) in report.violations() {
        for finding in &tally.first {
            writeln!(out, "{name}: {finding}")?;
        }
        let more = tally.count.saturating_sub(tally.first.len() as u64);
        if more > 0 {
            writeln!(out, "{name}: {}: {more} more", anomaly.name())?;
        }
    }
    Ok(())
}

fn verdict(history: &History, report: &Report) -> String {
    let found = match report.violations().map(|(_, tally)| tally.count).sum() {
        0 => "clean".to_owned(),
        1 => "1 violation".to_owned(),
        count => format!("{count} violations"),
    };
    format!("{found} in {} operations", history.operation_count())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: [&str; 3] = [
        r#"{"history":1,"idempotence":true,"read_to_end":true}"#,
        r#"{"process":0,"id":1,"time":100,"type":"invoke","op":"send","records":{"orders-0":[[null,17]]}}"#,
        r#"{"process":0,"id":1,"time":250,"type":"ok","op":"send","records":{"orders-0":[[5,17]]}}"#,
    ];
    const POLLED: [&str; 2] = [
        r#"{"process":1,"id":2,"time":260,"type":"invoke","op":"poll"}"#,
        r#"{"process":1,"id":2,"time":300,"type":"ok","op":"poll","records":{"orders-0":[[5,17]]}}"#,
    ];

    /// Writes each history into a file and judges all of them.
    fn audited(histories: &[&[&str]]) -> (ExitCode, String) {
        let directory = tempfile::tempdir().unwrap();
        let file = |(number, lines): (usize, &&[&str])| {
            let path = directory.path().join(format!("{number}.jsonl"));
            std::fs::write(&path, lines.join("\n")).unwrap();
            path
        };
        let histories = histories.iter().enumerate().map(file).collect();
        let mut out = Vec::new();
        let status = audit(&AuditFlags { histories }, &mut out);
        let told = String::from_utf8(out).unwrap();
        (status, told.replace(&format!("{}/", directory.path().display()), ""))
    }

    #[test]
    fn a_history_without_violations_is_clean() {
        let (status, told) = audited(&[&[SENT.as_slice(), &POLLED].concat()]);
        assert_eq!((status, told.as_str()), (ExitCode::SUCCESS, ""));
    }

    #[test]
    fn violations_are_told_with_file_and_evidence() {
        let (status, told) = audited(&[&[SENT.as_slice(), &POLLED].concat(), &SENT]);
        assert_eq!(status, ExitCode::from(VIOLATIONS));
        assert_eq!(told, "1.jsonl: unseen in orders-0, offsets [5], values [17], operations [1]\n");
    }

    #[test]
    fn the_other_files_are_judged_though_one_is_no_history() {
        let (status, told) = audited(&[&["{}"], &SENT]);
        assert_eq!(status, ExitCode::from(UNREADABLE));
        assert!(told.starts_with("1.jsonl: unseen"), "{told}");
    }

    #[test]
    fn of_many_violations_of_a_kind_the_first_are_told_and_the_rest_counted() {
        let mut lines = vec![SENT[0].to_owned()];
        for id in 0..100 {
            for (phase, offset) in [("invoke", "null".to_owned()), ("ok", id.to_string())] {
                lines.push(format!(
                    r#"{{"process":0,"id":{id},"time":{id},"type":"{phase}","op":"send","records":{{"a":[[{offset},{id}]]}}}}"#
                ));
            }
        }
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let (_, told) = audited(&[&lines]);
        assert_eq!(told.lines().last(), Some("0.jsonl: unseen: 68 more"));
    }
}
