//! `alluvium doctor`: checks what a broker stands on, and says how to mend what is wrong. Changes nothing but a probe object and a
//! probe file that it removes.

use crate::{Failure, deployment::Deployment, serve::install_cryptography};
use metadata::{MetadataStore, RangeQuery};
use runtime::{
    Clock, Randomness,
    disk::{BLOCK_BYTES, Disk, LocalDisk},
};
use settings::Settings;
use std::{io, process::ExitCode, time::Duration};

/// What a check found.
#[derive(Debug)]
enum Finding {
    Good(String),
    Doubtful(String),
    Bad(String),
}

/// A year-2020 clock or one far ahead: records and leases would carry nonsense.
const PLAUSIBLE_UNIX_MS: std::ops::Range<i64> = 1_577_836_800_000..4_102_444_800_000;
const PROBE_FILE: &str = "doctor.probe";
const SLOW_SYNC: Duration = Duration::from_millis(20);
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Runs every check and prints a line each. Fails when one is bad.
///
/// # Errors
/// Settings that make no sense.
pub(crate) async fn doctor(settings: Settings) -> Result<ExitCode, Failure> {
    install_cryptography();
    let (clock, randomness) = (Clock::system(), Randomness::system());
    let mut findings =
        vec![("clock", check_clock(&clock)), ("WAL disk", check_disk(&settings, &clock))];
    match Deployment::open(&settings, &clock, &randomness).await {
        Ok(stores) => {
            findings.push(("metadata", check_metadata(stores.metadata.as_ref()).await));
            match stores.objects.probe().await {
                Ok(report) => findings
                    .extend(report.checks.iter().map(|check| ("objects", objects_finding(check)))),
                Err(error) => findings.push(("objects", Finding::Bad(error.to_string()))),
            }
        }
        Err(failure) => findings.push(("stores", Finding::Bad(failure.0))),
    }
    let mut code = ExitCode::SUCCESS;
    for (subject, finding) in findings {
        let (mark, words) = match finding {
            Finding::Good(words) => ("ok  ", words),
            Finding::Doubtful(words) => ("warn", words),
            Finding::Bad(words) => {
                code = ExitCode::FAILURE;
                ("FAIL", words)
            }
        };
        println!("{mark}  {subject}: {words}");
    }
    Ok(code)
}

fn check_clock(clock: &Clock) -> Finding {
    let now = clock.unix_ms();
    if PLAUSIBLE_UNIX_MS.contains(&now) {
        Finding::Good(format!("{now} ms since 1970"))
    } else {
        Finding::Bad(format!("{now} ms since 1970 can't be right; set the clock (NTP)"))
    }
}

/// Times 50 writes of one block, each synced, as the WAL does them.
fn check_disk(settings: &Settings, clock: &Clock) -> Finding {
    let directory = settings.wal_directory();
    let existed = directory.exists();
    let timed = LocalDisk::open(&directory).and_then(|disk| time_syncs(&disk, clock));
    if !existed {
        // Only removed when empty: whatever else is in it stays.
        let _ = std::fs::remove_dir(&directory);
    }
    match timed {
        Ok(median) if median > SLOW_SYNC => Finding::Doubtful(format!(
            "{} syncs in {median:?} (median of 50): acks=1 and durability.mode=wal wait that long; put --wal-dir on an NVMe disk",
            directory.display()
        )),
        Ok(median) => {
            Finding::Good(format!("{} syncs in {median:?} (median of 50)", directory.display()))
        }
        Err(error) => Finding::Bad(format!(
            "{}: {error}; give --wal-dir a directory that this user can write",
            directory.display()
        )),
    }
}

fn time_syncs(disk: &LocalDisk, clock: &Clock) -> io::Result<Duration> {
    let file = disk.create(PROBE_FILE, 64 * BLOCK_BYTES as u64)?;
    let buffer = vec![0_u8; 2 * BLOCK_BYTES];
    let aligned = buffer.as_ptr().align_offset(BLOCK_BYTES);
    let block = buffer.get(aligned..aligned + BLOCK_BYTES).unwrap_or_default();
    let mut took = Vec::new();
    for number in 0..50 {
        let start = clock.boot_time();
        file.write_at(number * BLOCK_BYTES as u64, block)?;
        file.sync()?;
        took.push(clock.boot_time().since(start));
    }
    disk.remove(PROBE_FILE)?;
    took.sort();
    Ok(took.get(took.len() / 2).copied().unwrap_or_default())
}

async fn check_metadata(store: &dyn MetadataStore) -> Finding {
    let read = store.range(RangeQuery::key("doctor"));
    match tokio::time::timeout(ANSWER_PATIENCE, read).await {
        Ok(Ok(range)) => {
            Finding::Good(format!("{} answers, revision {}", store.describe(), range.revision))
        }
        Ok(Err(error)) => Finding::Bad(format!("{}: {error}", store.describe())),
        Err(_) => Finding::Bad(format!(
            "{} does not answer within {ANSWER_PATIENCE:?}; is it running? (--metadata)",
            store.describe()
        )),
    }
}

fn objects_finding(check: &storage::Check) -> Finding {
    let words = format!("{}: {}", check.name, check.finding);
    let words = if check.remedy.is_empty() { words } else { format!("{words}; {}", check.remedy) };
    match check.verdict {
        storage::Verdict::Ok => Finding::Good(words),
        storage::Verdict::Warn => Finding::Doubtful(words),
        storage::Verdict::Fail => Finding::Bad(words),
    }
}
