//! `alluvium fsck`: whether what is stored is whole. Changes nothing.

use crate::{BrokerFlags, Failure, deployment::Deployment, serve::install_cryptography};
use model::{
    ClusterId,
    config::{broker, parse_duration},
};
use partition_log::{
    Stores,
    fsck::{self, Depth, Event, Options, Summary},
};
use runtime::{Clock, Randomness};
use settings::Settings;
use std::{io::Write, process::ExitCode, time::Duration};

/// So often, at most, progress is told.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Exit status when something is not as it must be.
const FINDINGS: u8 = 1;

/// Exit status when it could not be checked.
const UNCHECKED: u8 = 2;

/// What to check, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct FsckFlags {
    #[command(flatten)]
    broker: BrokerFlags,
    /// Read all data and compare every batch with its checksum; without it, what objects say of themselves
    #[arg(long)]
    deep: bool,
    /// Objects that nothing refers to are orphans from this age on
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = grace)]
    grace: Duration,
}

/// Checks, and prints a line for each finding to `out`; progress goes to standard error. Exit status 0: clean, 1: findings, 2: it could
/// not be checked.
pub(crate) async fn fsck(flags: FsckFlags, out: &mut (dyn Write + Send)) -> ExitCode {
    match check(flags, out).await {
        Ok(Summary { findings: 0, .. }) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(FINDINGS),
        Err(failure) => {
            crate::report(&failure);
            ExitCode::from(UNCHECKED)
        }
    }
}

async fn check(flags: FsckFlags, out: &mut (dyn Write + Send)) -> Result<Summary, Failure> {
    install_cryptography();
    let FsckFlags { broker, deep, grace } = flags;
    let settings = broker.settings()?;
    let (clock, randomness) = (Clock::system(), Randomness::system());
    let opened = Deployment::open_to_read(&settings, &clock, &randomness).await?;
    let asked = asked_cluster(&settings)?;
    let metadata = opened.metadata.as_ref();
    cluster::confirm_identity(metadata, &opened.keys, &opened.objects, asked.as_ref())
        .await
        .map_err(Failure::from_display)?;
    let options = Options {
        depth: if deep { Depth::Batches } else { Depth::Footers },
        grace,
        now_unix_ms: clock.unix_ms(),
    };
    let Deployment { metadata, keys, objects, .. } = opened;
    let stores = Stores { metadata, keys, objects };
    let mut told = clock.boot_time();
    let mut printed = Ok(());
    let report = |event| match event {
        Event::Finding(finding) => {
            printed = std::mem::replace(&mut printed, Ok(())).and(writeln!(out, "{finding}"));
        }
        Event::Progress(summary) if clock.boot_time().since(told) >= TELL_EVERY => {
            told = clock.boot_time();
            eprintln!("{}", so_far(&summary));
        }
        Event::Progress(_) => {}
    };
    let checked = fsck::check(&stores, options, report).await;
    let summary = checked.map_err(Failure::from_display)?;
    printed.map_err(Failure::from_display)?;
    eprintln!("{}", so_far(&summary));
    eprintln!("{}", verdict(&summary));
    Ok(summary)
}

fn grace(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .ok_or_else(|| "must be a number with a unit: 250ms, 90s, 1h, 7d".to_owned())
}

fn asked_cluster(settings: &Settings) -> Result<Option<ClusterId>, Failure> {
    let asked = settings.text(&broker::CLUSTER_ID).map(|id| ClusterId::new(id.to_owned()));
    asked.transpose().map_err(Failure::from_display)
}

fn so_far(summary: &Summary) -> String {
    format!(
        "{} objects ({} bytes); checked: {} segments and indexes, {} partitions, {} bytes of batches; findings: {}",
        summary.objects,
        summary.bytes,
        summary.checked,
        summary.partitions,
        summary.bytes_read,
        summary.findings
    )
}

fn verdict(summary: &Summary) -> String {
    let found = match summary.findings {
        0 => "clean".to_owned(),
        1 => "1 finding".to_owned(),
        count => format!("{count} findings"),
    };
    format!(
        "{found}; {} objects on their way out, {} not referred to and young",
        summary.on_their_way_out, summary.in_grace
    )
}
