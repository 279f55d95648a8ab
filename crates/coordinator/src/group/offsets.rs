//! [`Offsets`]: what a group committed, by topic and partition.

use formats::metadata as records;
use metadata::families::PARTITIONS_PER_CHUNK;
use model::{LeaderEpoch, Offset, TopicId};
use std::collections::{BTreeMap, BTreeSet};

/// A committed offset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommittedOffset {
    /// The next one to read.
    pub offset: Offset,
    /// Of the last record read, if the client knew it (KIP-320).
    pub leader_epoch: Option<LeaderEpoch>,
    /// The client's note.
    pub metadata: Box<str>,
    /// When, in milliseconds since 1970.
    pub committed_unix_ms: i64,
    /// When it may go, if the client said so (`OffsetCommit` 2 to 4).
    pub expires_unix_ms: Option<i64>,
}

/// The partitions whose offsets are stored in one value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Chunk {
    /// The topic.
    pub topic: TopicId,
    /// Which of its chunks.
    pub number: u32,
}

impl Chunk {
    /// The one that a partition lies in.
    pub fn of(topic: TopicId, partition: u32) -> Self {
        Self { topic, number: partition / PARTITIONS_PER_CHUNK }
    }
}

/// A group's offsets.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Offsets {
    topics: BTreeMap<TopicId, BTreeMap<u32, CommittedOffset>>,
    /// Partitions with offsets of transactions that are not decided, and how many such transactions: what is committed
    /// may change in a moment (KIP-447).
    unstable: BTreeMap<(TopicId, u32), usize>,
}

impl Offsets {
    /// Whether there is none, committed or on its way.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.unstable.is_empty()
    }

    /// What was committed for a partition.
    pub fn get(&self, topic: TopicId, partition: u32) -> Option<&CommittedOffset> {
        self.topics.get(&topic)?.get(&partition)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (TopicId, u32, &CommittedOffset)> {
        self.topics.iter().flat_map(|(topic, partitions)| {
            partitions.iter().map(|(partition, offset)| (*topic, *partition, offset))
        })
    }

    /// The topics that have some.
    pub fn topics(&self) -> impl Iterator<Item = (TopicId, &BTreeMap<u32, CommittedOffset>)> {
        self.topics.iter().map(|(topic, partitions)| (*topic, partitions))
    }

    /// Commits one.
    pub fn set(&mut self, topic: TopicId, partition: u32, offset: CommittedOffset) {
        self.topics.entry(topic).or_default().insert(partition, offset);
    }

    /// Deletes one; whether it was there.
    pub fn remove(&mut self, topic: TopicId, partition: u32) -> bool {
        let Some(partitions) = self.topics.get_mut(&topic) else { return false };
        let removed = partitions.remove(&partition).is_some();
        if partitions.is_empty() {
            self.topics.remove(&topic);
        }
        removed
    }

    /// Whether a transaction that is not decided holds an offset of the partition.
    pub fn is_unstable(&self, topic: TopicId, partition: u32) -> bool {
        self.unstable.contains_key(&(topic, partition))
    }

    /// A transaction that is not decided holds an offset of the partition.
    pub fn hold(&mut self, topic: TopicId, partition: u32) {
        *self.unstable.entry((topic, partition)).or_default() += 1;
    }

    /// Such a transaction was decided.
    pub fn let_go(&mut self, topic: TopicId, partition: u32) {
        if let Some(transactions) = self.unstable.get_mut(&(topic, partition)) {
            *transactions = transactions.saturating_sub(1);
            if *transactions == 0 {
                self.unstable.remove(&(topic, partition));
            }
        }
    }

    /// The chunks that have some.
    pub fn chunks(&self) -> BTreeSet<Chunk> {
        self.iter().map(|(topic, partition, _)| Chunk::of(topic, partition)).collect()
    }

    /// What is stored of a chunk; `None` when nothing is in it.
    pub fn chunk_record(&self, chunk: Chunk) -> Option<records::GroupOffsets> {
        let first = chunk.number.saturating_mul(PARTITIONS_PER_CHUNK);
        let end = first.saturating_add(PARTITIONS_PER_CHUNK);
        let partitions = self.topics.get(&chunk.topic)?.range(first..end);
        let offsets: Vec<_> = partitions.map(|(partition, it)| it.record(*partition)).collect();
        (!offsets.is_empty()).then_some(records::GroupOffsets { format: 1, offsets })
    }

    /// Takes in what was stored. What can't be an offset is passed over.
    pub fn load(&mut self, topic: TopicId, stored: Vec<records::CommittedOffset>) {
        for record in stored {
            let partition = record.partition;
            if let Some(offset) = CommittedOffset::from_record(record) {
                self.set(topic, partition, offset);
            }
        }
    }
}

impl CommittedOffset {
    /// Makes it later than what came before, also within one millisecond.
    pub fn be_after(&mut self, earlier_unix_ms: Option<i64>) {
        let least = earlier_unix_ms.map_or(i64::MIN, |earlier| earlier.saturating_add(1));
        self.committed_unix_ms = self.committed_unix_ms.max(least);
    }

    /// As it is stored.
    pub fn record(&self, partition: u32) -> records::CommittedOffset {
        records::CommittedOffset {
            partition,
            offset: self.offset.get(),
            leader_epoch: self.leader_epoch.map(LeaderEpoch::get),
            metadata: self.metadata.to_string(),
            committed_unix_ms: self.committed_unix_ms,
            expires_unix_ms: self.expires_unix_ms,
        }
    }

    /// Reads it back; `None` for what can't be an offset.
    pub fn from_record(record: records::CommittedOffset) -> Option<Self> {
        Some(Self {
            offset: Offset::new(record.offset)?,
            leader_epoch: record.leader_epoch.and_then(LeaderEpoch::new),
            metadata: record.metadata.into(),
            committed_unix_ms: record.committed_unix_ms,
            expires_unix_ms: record.expires_unix_ms,
        })
    }
}
