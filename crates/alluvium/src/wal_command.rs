//! `alluvium wal salvage`: what is intact in a WAL directory that a broker refuses, or in quarantine. And `alluvium wal dump`: all of it, as
//! it lies there. Neither changes anything in it.

use crate::{Failure, dump};
use clap::Subcommand;
use model::{LeaderEpoch, Offset, PartitionId};
use runtime::disk::LocalDisk;
use rustix::fs::{FlockOperation, flock};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Write},
    ops::RangeInclusive,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::ExitCode,
};
use wal::SalvagedFrame;

/// The file that a running broker holds locked.
const LOCK_FILE: &str = "LOCK";

/// Work on a WAL directory whose broker is stopped.
#[derive(Debug, Subcommand)]
pub(crate) enum WalCommand {
    /// Say what is intact in a WAL directory, skipping damage; optionally write it out
    Salvage {
        /// The WAL's directory; nothing in it is changed
        #[arg(long)]
        wal_dir: PathBuf,
        /// A new file for the record batches, as Kafka's log segments hold them, partition after partition
        #[arg(long)]
        output: Option<PathBuf>,
    },
    /// Say what is in a WAL directory: each frame, and where the stream ends or is damaged
    Dump {
        /// The WAL's directory; nothing in it is changed
        #[arg(long)]
        wal_dir: PathBuf,
        /// How to tell it
        #[arg(long, value_enum, default_value_t)]
        output: cli::OutputFormat,
    },
}

impl WalCommand {
    /// Runs it; what was found goes to `out`, what could not be read to standard error.
    ///
    /// # Errors
    /// One line that names the directory or the file.
    pub(crate) fn run(self, out: &mut dyn Write) -> Result<ExitCode, Failure> {
        match self {
            Self::Salvage { wal_dir, output } => salvage(&wal_dir, output.as_deref(), out),
            Self::Dump { wal_dir, output } => {
                let _lock = lock_out_brokers(&wal_dir)?;
                dump::finish(dump::dump_wal(&wal_dir, output, out))
            }
        }
    }
}

fn salvage(
    wal_dir: &Path,
    output: Option<&Path>,
    out: &mut dyn Write,
) -> Result<ExitCode, Failure> {
    let _lock = lock_out_brokers(wal_dir)?;
    let in_directory = |error| Failure(format!("--wal-dir {}: {error}", wal_dir.display()));
    let disk = LocalDisk::open(wal_dir).map_err(in_directory)?;
    let mut found = Found::default();
    for frame in wal::salvage(&disk).map_err(in_directory)? {
        match frame {
            Ok(frame) => found.add(&frame),
            Err(error) => found.unreadable.push(error.to_string()),
        }
    }
    if let Some(path) = output {
        let in_output = |error| Failure(format!("--output {}: {error}", path.display()));
        let file = File::create_new(path).map_err(in_output)?;
        let frames = wal::salvage(&disk).map_err(in_directory)?;
        found.write(frames.filter_map(Result::ok), &file).map_err(in_output)?;
    }
    found.print(output, out).map_err(Failure::from_display)?;
    for problem in &found.unreadable {
        eprintln!("alluvium: a WAL file could not be read: {problem}");
    }
    Ok(if found.unreadable.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Refuses a directory that a broker uses, and keeps one from starting in it; writes nothing.
fn lock_out_brokers(directory: &Path) -> Result<Option<File>, Failure> {
    let shown = directory.display();
    if !directory.is_dir() {
        return Err(Failure(format!("--wal-dir {shown}: there is no such directory")));
    }
    let file = match File::open(directory.join(LOCK_FILE)) {
        Ok(file) => file,
        // A copy of the files need not have one.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure(format!("--wal-dir {shown}: {LOCK_FILE}: {error}"))),
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(Some(file)),
        Err(_) => Err(Failure(format!(
            "--wal-dir {shown}: a running broker has it; stop the broker, or take a copy of the directory"
        ))),
    }
}

/// What was found, by partition.
#[derive(Debug, Default)]
struct Found {
    partitions: BTreeMap<PartitionId, Summary>,
    unreadable: Vec<String>,
}

/// What was found of one partition.
#[derive(Debug, PartialEq, Eq)]
struct Summary {
    batches: u64,
    bytes: u64,
    quarantined_batches: u64,
    epochs: RangeInclusive<LeaderEpoch>,
    /// From the lowest base offset to the highest; there may be gaps.
    base_offsets: RangeInclusive<Offset>,
}

impl Found {
    fn add(&mut self, frame: &SalvagedFrame) {
        let (epoch, offset) = (frame.meta.leader_epoch, frame.meta.base_offset);
        let summary = self.partitions.entry(frame.meta.partition).or_insert_with(|| Summary {
            batches: 0,
            bytes: 0,
            quarantined_batches: 0,
            epochs: epoch..=epoch,
            base_offsets: offset..=offset,
        });
        summary.batches += 1;
        summary.bytes += frame.payload.len() as u64;
        summary.quarantined_batches += u64::from(frame.quarantined);
        summary.epochs = widened(&summary.epochs, epoch);
        summary.base_offsets = widened(&summary.base_offsets, offset);
    }

    /// Writes each partition's batches into its own stretch of `file`, in the order of the WAL.
    fn write(&self, frames: impl Iterator<Item = SalvagedFrame>, file: &File) -> io::Result<()> {
        let mut positions = self.positions();
        for frame in frames {
            let Some(at) = positions.get_mut(&frame.meta.partition) else { continue };
            file.write_all_at(&frame.payload, *at)?;
            *at += frame.payload.len() as u64;
        }
        file.sync_all()
    }

    /// Where each partition's stretch of the output starts.
    fn positions(&self) -> BTreeMap<PartitionId, u64> {
        let mut next = 0;
        let starts = self.partitions.iter().map(|(partition, summary)| {
            let start = next;
            next += summary.bytes;
            (*partition, start)
        });
        starts.collect()
    }

    fn print(&self, output: Option<&Path>, out: &mut dyn Write) -> io::Result<()> {
        let positions = self.positions();
        for (partition, summary) in &self.partitions {
            let Summary { batches, bytes, quarantined_batches, epochs, base_offsets } = summary;
            write!(
                out,
                "topic {} partition {}: {batches} batches, {bytes} bytes, base offsets {} to {}, epochs {} to {}, {quarantined_batches} in quarantine",
                partition.topic,
                partition.partition,
                base_offsets.start(),
                base_offsets.end(),
                epochs.start(),
                epochs.end(),
            )?;
            match (output, positions.get(partition)) {
                (Some(path), Some(start)) => {
                    writeln!(out, "; {} from byte {start}", path.display())?;
                }
                _ => writeln!(out)?,
            }
        }
        if self.partitions.is_empty() {
            writeln!(out, "no intact batch was found")?;
        }
        out.flush()
    }
}

fn widened<T: Ord + Copy>(range: &RangeInclusive<T>, with: T) -> RangeInclusive<T> {
    *range.start().min(&with)..=*range.end().max(&with)
}

#[cfg(test)]
mod tests;
