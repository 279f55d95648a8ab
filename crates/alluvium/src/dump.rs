//! `alluvium segment|wal|manifest dump`: what is stored, as it lies there. Changes nothing.
//!
//! What was read so far is told when something is damaged further on; damage is a line among the others, and exit status 1.

use crate::{BrokerFlags, Failure, serve::install_cryptography};
use clap::Subcommand;
use cli::{Cell, OutputFormat, Report};
use model::TimestampMs;
use source::{Source, Table};
use std::{
    fmt::Display,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

mod index;
mod manifest;
mod segment;
mod slices;
mod source;
mod wal;

pub(crate) use wal::dump as dump_wal;

/// Look into segments and index objects.
#[derive(Debug, Subcommand)]
pub(crate) enum SegmentCommand {
    /// Say what a segment or an index object holds
    Dump(Box<SegmentFlags>),
}

/// Which object, and how much of it.
#[derive(Debug, clap::Args)]
pub(crate) struct SegmentFlags {
    /// A file, or the name of an object in the bucket: data/…, gathered/…, partition/… or index/…
    object: PathBuf,
    #[command(flatten)]
    broker: BrokerFlags,
    /// Read a segment's data and say of each batch whether it is intact; of an index object as --slices
    #[arg(long)]
    batches: bool,
    /// Of an index object: the slices that its runs list, and the segments they lie in
    #[arg(long)]
    slices: bool,
    /// How to tell it
    #[arg(long, value_enum, default_value_t)]
    output: OutputFormat,
}

/// Look into what metadata says of partitions' logs.
#[derive(Debug, Subcommand)]
pub(crate) enum ManifestCommand {
    /// Say what metadata and bucket hold of a topic's logs: owners, manifests, and what these refer to
    Dump(Box<ManifestFlags>),
}

/// Which logs.
#[derive(Debug, clap::Args)]
pub(crate) struct ManifestFlags {
    /// The topic's name, or its id as segments have it
    topic: String,
    /// One partition alone
    partition: Option<u32>,
    #[command(flatten)]
    broker: BrokerFlags,
    /// How to tell it
    #[arg(long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl SegmentCommand {
    /// Runs it, printing to `out`.
    ///
    /// # Errors
    /// One line that names the object.
    pub(crate) async fn run(self, out: &mut dyn Write) -> Result<ExitCode, Failure> {
        install_cryptography();
        let Self::Dump(flags) = self;
        finish(dump_object(*flags, out).await)
    }
}

impl ManifestCommand {
    /// Runs it, printing to `out`.
    ///
    /// # Errors
    /// One line that names the store or the topic.
    pub(crate) async fn run(self, out: &mut dyn Write) -> Result<ExitCode, Failure> {
        install_cryptography();
        let Self::Dump(flags) = self;
        finish(manifest::dump(*flags, out).await)
    }
}

async fn dump_object(flags: SegmentFlags, out: &mut dyn Write) -> Result<Damaged, Stopped> {
    let SegmentFlags { object, broker, batches, slices, output } = flags;
    let source = Source::open(&object, broker).await?;
    let contents = source.contents().await?;
    let mut report = Report::new(output, out);
    report.fact("object", source.name.as_str())?;
    let damaged = match &contents.table {
        Table::Segment(footer) => {
            segment::dump(&source, &contents, footer, batches, &mut report).await?
        }
        Table::Index(directory) => {
            let wants_slices = slices || batches;
            index::dump(&source, &contents, directory, wants_slices, &mut report).await?
        }
    };
    report.finish()?;
    Ok(damaged)
}

/// How many places are damaged; each was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Damaged(pub(crate) u64);

/// Why a dump ended early.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// There is nothing to tell, or no way to read it.
    Failed(Failure),
    /// The output's reader is gone, or its disk is full.
    Output(io::Error),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// The exit status of a dump.
pub(crate) fn finish(dumped: Result<Damaged, Stopped>) -> Result<ExitCode, Failure> {
    match dumped {
        Ok(Damaged(0)) => Ok(ExitCode::SUCCESS),
        Ok(Damaged(_)) => Ok(ExitCode::FAILURE),
        Err(Stopped::Failed(failure)) => Err(failure),
        Err(Stopped::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(ExitCode::SUCCESS)
        }
        Err(Stopped::Output(error)) => Err(Failure(format!("standard output: {error}"))),
    }
}

/// A timestamp; that of no records is none.
fn timestamp(TimestampMs(millis): TimestampMs) -> Cell {
    if millis == -1 { Cell::Nothing } else { millis.into() }
}

/// How a line tells that it is damaged.
fn damaged(reason: impl Display) -> Cell {
    format!("damaged: {reason}").into()
}

#[cfg(test)]
mod tests;
