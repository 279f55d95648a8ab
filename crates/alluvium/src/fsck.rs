//! `alluvium fsck`: whether what is stored is whole. Changes nothing.

use crate::{BrokerFlags, Failure, deployment::Deployment, serve::install_cryptography};
use formats::metadata::Cluster;
use metadata::{
    MetadataStore, RangeQuery,
    families::{Keys, decode},
};
use model::{
    ClusterId,
    config::{broker, parse_duration},
};
use notes::Notes;
use partition_log::{
    Stores,
    fsck::{self, Depth, Event, Options, Summary},
};
use runtime::{Clock, Randomness};
use settings::Settings;
use std::{io::Write, path::PathBuf, process::ExitCode, time::Duration};

mod notes;

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
    /// With --deep: notes in this file which segments were read, so that a check that was killed goes on behind them; it is deleted at the
    /// end
    #[arg(long, value_name = "FILE", requires = "deep")]
    progress: Option<PathBuf>,
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
    let FsckFlags { broker, deep, grace, progress } = flags;
    let settings = broker.settings()?;
    let (clock, randomness) = (Clock::system(), Randomness::system());
    let opened = Deployment::open_to_read(&settings, &clock, &randomness).await?;
    let asked = asked_cluster(&settings)?;
    let metadata = opened.metadata.as_ref();
    cluster::confirm_identity(metadata, &opened.keys, &opened.objects, asked.as_ref())
        .await
        .map_err(Failure::from_display)?;
    let cluster = cluster_of(metadata, &opened.keys).await?;
    let (mut notes, verified) = Notes::open(progress, &cluster)?;
    if verified.count() > 0 {
        eprintln!("{} segments were read before, and are not read again", verified.count());
    }
    let depth = if deep { Depth::Batches } else { Depth::Footers };
    let options = Options { depth, grace, now_unix_ms: clock.unix_ms(), verified };
    let Deployment { metadata, keys, objects, .. } = opened;
    let stores = Stores { metadata, keys, objects };
    let began = clock.boot_time();
    let mut told = began;
    let mut printed = Ok(());
    let report = |event| match event {
        Event::Finding(finding) => {
            printed = std::mem::replace(&mut printed, Ok(())).and(writeln!(out, "{finding}"));
        }
        Event::Verified(object) => notes.add(&object),
        Event::Progress(summary) if clock.boot_time().since(told) >= TELL_EVERY => {
            told = clock.boot_time();
            eprintln!("{}", so_far(&summary, depth, told.since(began)));
        }
        Event::Progress(_) => {}
    };
    let checked = fsck::check(&stores, options, report).await;
    let summary = checked.map_err(Failure::from_display)?;
    printed.map_err(Failure::from_display)?;
    notes.finish()?;
    eprintln!("{}", so_far(&summary, depth, clock.boot_time().since(began)));
    eprintln!("{}", verdict(&summary));
    Ok(summary)
}

async fn cluster_of(metadata: &dyn MetadataStore, keys: &Keys) -> Result<String, Failure> {
    let read = metadata.range(RangeQuery::key(keys.cluster())).await;
    let read = read.map_err(Failure::from_display)?;
    let cluster = read.entries.first().map(decode::<Cluster>).transpose();
    Ok(cluster.map_err(Failure::from_display)?.map(|it| it.cluster_id).unwrap_or_default())
}

fn grace(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .ok_or_else(|| "must be a number with a unit: 250ms, 90s, 1h, 7d".to_owned())
}

fn asked_cluster(settings: &Settings) -> Result<Option<ClusterId>, Failure> {
    let asked = settings.text(&broker::CLUSTER_ID).map(|id| ClusterId::new(id.to_owned()));
    asked.transpose().map_err(Failure::from_display)
}

fn so_far(summary: &Summary, depth: Depth, took: Duration) -> String {
    let Summary { objects, bytes, checked, partitions, bytes_read, findings, .. } = summary;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let seconds = took.as_secs_f64().max(0.001);
    let percent = match depth {
        Depth::Batches => (bytes_read + summary.bytes_passed_over) * 100 / (*bytes).max(1),
        Depth::Footers => checked * 100 / (*objects).max(1),
    };
    let speed = match depth {
        Depth::Batches => format!("{:.1} MB/s", megabytes(*bytes_read) / seconds),
        Depth::Footers => format!("{:.0} objects/s", *checked as f64 / seconds),
    };
    format!(
        "{percent}% of {objects} objects ({:.1} MB), {speed}; checked: {checked} segments and indexes, {partitions} partitions, {:.1} MB of batches; findings: {findings}",
        megabytes(*bytes),
        megabytes(*bytes_read),
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
