//! What metadata and bucket hold of a topic's logs: owner records, manifests, and the rests that these refer to.

use super::{Damaged, ManifestFlags, Stopped, damaged, timestamp};
use crate::{Failure, deployment::Deployment};
use cli::{Cell, Report};
use formats::metadata::{
    DurabilityMode, EpochStart, Manifest, Owner, Producer, SliceGroup, Topic, TopicName as Named,
};
use metadata::{
    Entry, MetadataStore, RangeQuery,
    families::{Keys, decode},
};
use model::{PartitionIndex, SessionId, TimestampMs, TopicId, TopicName, WalId};
use partition_log::{Described, LogDescription, RestDescription, Stores, describe};
use runtime::{Clock, Randomness};
use std::io::{self, Write};

const OWNER_COLUMNS: [&str; 12] = [
    "partition",
    "broker",
    "session",
    "session revision",
    "wal",
    "leader epoch",
    "since epoch",
    "mode",
    "clean",
    "from seq",
    "unclean takeovers",
    "state",
];

const UNFOLDED_COLUMNS: [&str; 4] = ["partition", "session", "from seq", "through seq"];

const MANIFEST_COLUMNS: [&str; 11] = [
    "partition",
    "log start",
    "merged through",
    "cleaned through",
    "end offset",
    "runs",
    "producers",
    "rest",
    "from byte",
    "to byte",
    "state",
];

const FOLDED_COLUMNS: [&str; 3] = ["partition", "session", "through seq"];

const EPOCH_COLUMNS: [&str; 4] = ["partition", "epoch", "start offset", "told by"];

const RUN_COLUMNS: [&str; 12] = [
    "partition",
    "base offset",
    "end offset",
    "level",
    "object",
    "from byte",
    "to byte",
    "data bytes",
    "max timestamp",
    "session",
    "from seq",
    "through seq",
];

const PRODUCER_COLUMNS: [&str; 8] = [
    "partition",
    "producer",
    "epoch",
    "last sequence",
    "last offset",
    "transaction start",
    "last timestamp",
    "coordinator epoch",
];

/// Tells what is stored of a topic's logs.
pub(super) async fn dump(flags: ManifestFlags, out: &mut dyn Write) -> Result<Damaged, Stopped> {
    let ManifestFlags { topic, partition, broker, output } = flags;
    let (clock, randomness) = (Clock::system(), Randomness::system());
    let opened = Deployment::open_to_read(&broker.settings()?, &clock, &randomness).await?;
    let Deployment { metadata, metadata_description, keys, objects, .. } = opened;
    let found = find_topic(metadata.as_ref(), &keys, &topic).await?;
    let found = found.ok_or_else(|| {
        Failure(format!("{metadata_description} has no topic {topic}, by name or by id"))
    })?;
    let only = partition.map(|partition| found.partition(partition)).transpose()?;
    let stores = Stores { metadata, keys, objects };
    let logs = describe(&stores, found.id, only).await.map_err(Failure::from_display)?;
    let mut report = Report::new(output, out);
    report.fact("topic", found.name.as_str())?;
    report.fact("id", found.id.to_string())?;
    report.fact("partitions", found.partitions)?;
    tell_owners(&logs, &mut report)?;
    tell_manifests(&logs, &mut report)?;
    tell_rests(&logs, &mut report)?;
    report.finish()?;
    Ok(Damaged(logs.iter().map(damages).sum()))
}

/// A topic, as far as metadata has it.
struct Found {
    id: TopicId,
    /// Empty for one that is gone but for its logs.
    name: String,
    partitions: u32,
}

impl Found {
    /// Checks the number of a partition.
    fn partition(&self, partition: u32) -> Result<PartitionIndex, Failure> {
        let index = PartitionIndex::new(partition).filter(|_| partition < self.partitions);
        index.ok_or_else(|| {
            let Self { name, partitions, .. } = self;
            Failure(format!(
                "topic {name} has no partition {partition}: it has {partitions}, from 0 on"
            ))
        })
    }
}

/// The topic of that name; else of that id.
async fn find_topic(
    metadata: &dyn MetadataStore,
    keys: &Keys,
    named: &str,
) -> Result<Option<Found>, Failure> {
    let by_name = match TopicName::new(named) {
        Ok(name) => read(metadata, keys.topic_name(&name)).await?,
        Err(_) => None,
    };
    let id = match by_name {
        Some(entry) => {
            let value: Named = decode(&entry).map_err(Failure::from_display)?;
            TopicId::from_slice(&value.id)
        }
        None => named.parse().ok(),
    };
    let Some(id) = id else { return Ok(None) };
    let Some(entry) = read(metadata, keys.topic(id)).await? else { return Ok(None) };
    let topic: Topic = decode(&entry).map_err(Failure::from_display)?;
    Ok(Some(Found { id, name: topic.name, partitions: topic.partitions }))
}

async fn read(metadata: &dyn MetadataStore, key: bytes::Bytes) -> Result<Option<Entry>, Failure> {
    let read = metadata.range(RangeQuery::key(key)).await.map_err(Failure::from_display)?;
    Ok(read.entries.into_iter().next())
}

/// How many parts of a log could not be read.
fn damages(log: &LogDescription) -> u64 {
    let damaged = [log.owner.is_err(), log.manifest.is_err(), log.rest.is_err()];
    damaged.into_iter().map(u64::from).sum()
}

fn tell_owners(logs: &[LogDescription], report: &mut Report<'_>) -> io::Result<()> {
    report.lines("owners", OWNER_COLUMNS, logs.iter().filter_map(owner_cells))?;
    let unfolded = stored(logs, |log| &log.owner).flat_map(|(partition, owner)| {
        owner.unfolded.iter().map(move |it| {
            let session = session(&it.session);
            [partition.into(), session, it.from_seq.into(), it.through_seq.into()]
        })
    });
    report.lines("unfolded", UNFOLDED_COLUMNS, unfolded)
}

fn tell_manifests(logs: &[LogDescription], report: &mut Report<'_>) -> io::Result<()> {
    report.lines("manifests", MANIFEST_COLUMNS, logs.iter().filter_map(manifest_cells))?;
    let folded = stored(logs, |log| &log.manifest).flat_map(|(partition, manifest)| {
        let folded = manifest.folded.iter();
        folded.map(move |it| [partition.into(), session(&it.session), it.through_seq.into()])
    });
    report.lines("folded", FOLDED_COLUMNS, folded)
}

fn tell_rests(logs: &[LogDescription], report: &mut Report<'_>) -> io::Result<()> {
    report.lines("epochs", EPOCH_COLUMNS, logs.iter().flat_map(epoch_lines))?;
    let rests = || stored(logs, |log| &log.rest);
    let runs = rests()
        .flat_map(|(partition, rest)| rest.runs.iter().map(move |run| run_cells(partition, run)));
    report.lines("runs", RUN_COLUMNS, runs)?;
    let producers = rests().flat_map(|(partition, rest)| {
        let producers = rest.producers.producers.iter();
        producers.map(move |producer| producer_cells(partition, producer))
    });
    report.lines("producers", PRODUCER_COLUMNS, producers)
}

/// The epochs that the manifest has, then those of its rest.
fn epoch_lines(
    log: &LogDescription,
) -> impl Iterator<Item = [Cell; EPOCH_COLUMNS.len()]> + use<'_> {
    let manifest = log.manifest.as_ref().ok().and_then(Option::as_ref);
    let rest = log.rest.as_ref().ok().and_then(Option::as_ref);
    let by_manifest = manifest.map(|manifest| ("manifest", &manifest.epochs));
    let by_rest = rest.map(|rest| ("rest", &rest.epochs));
    let partition = log.partition.get();
    by_manifest.into_iter().chain(by_rest).flat_map(move |(told_by, epochs)| {
        let line = move |EpochStart { epoch, start_offset }: &EpochStart| {
            [partition.into(), (*epoch).into(), (*start_offset).into(), told_by.into()]
        };
        epochs.iter().map(line)
    })
}

/// What is there of something, and whole, by partition.
fn stored<'a, T: 'a>(
    logs: &'a [LogDescription],
    of: impl Fn(&'a LogDescription) -> &'a Described<T>,
) -> impl Iterator<Item = (u32, &'a T)> {
    logs.iter().filter_map(move |log| Some((log.partition.get(), of(log).as_ref().ok()?.as_ref()?)))
}

fn owner_cells(log: &LogDescription) -> Option<[Cell; OWNER_COLUMNS.len()]> {
    let partition = log.partition.get();
    let owner: &Owner = match &log.owner {
        Ok(owner) => owner.as_ref()?,
        Err(reason) => return Some(damaged_line(partition, reason)),
    };
    let mode = match owner.mode() {
        DurabilityMode::Object => Cell::from("object"),
        DurabilityMode::Wal => Cell::from("wal"),
        DurabilityMode::Unspecified => Cell::Nothing,
    };
    Some([
        partition.into(),
        owner.broker.into(),
        session(&owner.session),
        owner.session_create_revision.into(),
        WalId::from_slice(&owner.wal_id).map(|id| id.to_string()).into(),
        owner.leader_epoch.into(),
        owner.since_epoch.into(),
        mode,
        owner.clean.into(),
        owner.from_seq.into(),
        owner.given_up_takeovers.into(),
        Cell::Nothing,
    ])
}

fn manifest_cells(log: &LogDescription) -> Option<[Cell; MANIFEST_COLUMNS.len()]> {
    let partition = log.partition.get();
    let manifest: &Manifest = match &log.manifest {
        Ok(manifest) => manifest.as_ref()?,
        Err(reason) => return Some(damaged_line(partition, reason)),
    };
    let reference = manifest.rest.as_ref();
    let rest: Option<&RestDescription> = log.rest.as_ref().ok().and_then(Option::as_ref);
    Some([
        partition.into(),
        manifest.log_start_offset.into(),
        manifest.merged_through.into(),
        rest.map(|rest| rest.cleaned_through.get()).into(),
        rest.and_then(|rest| rest.runs.last()).map(|run| run.end_offset).into(),
        rest.map(|rest| rest.runs.len()).into(),
        rest.map(|rest| rest.producers.producers.len()).into(),
        reference.map(|reference| reference.object.clone()).into(),
        reference.map(|reference| reference.offset).into(),
        reference.map(|reference| reference.offset.saturating_add(reference.length)).into(),
        log.rest.as_ref().map_or_else(damaged, |_| Cell::Nothing),
    ])
}

fn run_cells(partition: u32, run: &SliceGroup) -> [Cell; RUN_COLUMNS.len()] {
    let index = run.index.as_ref();
    [
        partition.into(),
        run.base_offset.into(),
        run.end_offset.into(),
        run.level.into(),
        run.object.as_str().into(),
        index.map(|index| index.offset).into(),
        index.map(|index| index.offset.saturating_add(index.length)).into(),
        run.size_bytes.into(),
        timestamp(TimestampMs(run.max_timestamp_ms)),
        session(&run.session),
        run.from_seq.into(),
        run.through_seq.into(),
    ]
}

fn producer_cells(partition: u32, producer: &Producer) -> [Cell; PRODUCER_COLUMNS.len()] {
    let last = producer.batches.last();
    [
        partition.into(),
        producer.id.into(),
        producer.epoch.into(),
        last.map(|batch| batch.last_sequence).into(),
        last.map(|batch| batch.last_offset).into(),
        producer.transaction_start_offset.into(),
        timestamp(TimestampMs(producer.last_timestamp_ms)),
        producer.coordinator_epoch.into(),
    ]
}

/// A session's id, as objects' names have it.
fn session(id: &[u8]) -> Cell {
    SessionId::from_slice(id).map(|id| id.to_string()).into()
}

/// A line of which only the partition is known: its first column, and why in its last.
fn damaged_line<const COLUMNS: usize>(partition: u32, reason: &str) -> [Cell; COLUMNS] {
    let mut cells = std::array::from_fn(|_| Cell::Nothing);
    if let [first, .., last] = cells.as_mut_slice() {
        *first = partition.into();
        *last = damaged(reason);
    }
    cells
}
