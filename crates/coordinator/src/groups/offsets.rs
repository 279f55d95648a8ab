//! Offsets of groups: commit, fetch, delete, and the fold of what commits appended.

use super::{
    Groups,
    offsets_topic::Subject,
    slot::{GroupSlot, SlotState},
};
use crate::{
    GroupError,
    group::{CommittedOffset, Committer, Group, GroupId, Now, offsets::Chunk},
    journal::{Position, Submission, Trim},
};
use bytes::Bytes;
use formats::metadata::{CommittedOffset as Record, GroupCommit, TopicOffsets};
use metadata::{Operation, families::encode};
use model::TopicId;
use std::collections::BTreeSet;

/// Bytes of notes and offsets appended in one submission; a large commit takes several.
const PIECE_BYTES: usize = 256 << 10;

/// About what an offset takes beside its note.
const OFFSET_BYTES: usize = 48;

/// About what an offset takes in a commit.
pub(super) fn bytes_of(offset: &CommittedOffset) -> usize {
    offset.metadata.len() + OFFSET_BYTES
}

/// Offsets to commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffsetCommit {
    /// The topic.
    pub topic: TopicId,
    /// Its partitions and their offsets.
    pub partitions: Vec<(u32, CommittedOffset)>,
}

/// What is known of a partition's offset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FetchedOffset {
    /// Nothing was committed.
    None,
    /// This was.
    Committed(CommittedOffset),
    /// A transaction that is not decided holds another one, and the reader wants none that may change (KIP-447).
    Unstable,
}

/// Which of a group's offsets are wanted, and by whom.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Of these partitions, or all there are.
    pub topics: Option<&'a [(TopicId, Vec<u32>)]>,
    /// The member that asks, if it says so (KIP-848).
    pub member: Option<&'a str>,
    /// Its epoch; negative without a member.
    pub member_epoch: i32,
    /// Whether it takes none that a transaction may be about to change.
    pub require_stable: bool,
}

/// Topics with their partitions' offsets.
pub type Fetched = Vec<(TopicId, Vec<(u32, FetchedOffset)>)>;

/// For each topic, whether its offsets were deleted.
pub type Deleted = Vec<Result<(), GroupError>>;

impl Groups {
    /// Commits offsets, on return; the future ends when they are stored.
    ///
    /// # Errors
    /// Those of [`Group::check_commit`], and `Slot`, `Journal`, `TimedOut`.
    pub fn commit(
        &self,
        slot: u32,
        group: &str,
        by: Committer<'_>,
        commits: Vec<OffsetCommit>,
    ) -> Result<impl Future<Output = Result<(), GroupError>> + Send + use<>, GroupError> {
        let slot = self.slot(slot)?;
        let position = slot.commit(group, by, commits, self.now())?;
        Ok(self.stored(&slot, position, ()))
    }

    /// A group's offsets: of the partitions asked for, or (`None`) all there are. A group that does not exist has none.
    /// What is answered is stored.
    ///
    /// # Errors
    /// Those of [`Group::check_fetch`], and `Slot`, `Journal`, `TimedOut`.
    pub fn fetch(
        &self,
        slot: u32,
        group: &str,
        wanted: Wanted<'_>,
    ) -> Result<impl Future<Output = Result<Fetched, GroupError>> + Send + use<>, GroupError> {
        let slot = self.shared.slots.get(slot)?;
        let (fetched, position) = slot.fetch(group, wanted)?;
        Ok(self.stored(&slot, position, fetched))
    }

    /// Deletes offsets, by topic and partitions; an answer for each topic. Those that members read are left alone.
    ///
    /// # Errors
    /// `GroupIdNotFound`, `NonEmptyGroup`, `Slot`, `Journal`, `TimedOut`.
    pub fn delete_offsets(
        &self,
        slot: u32,
        group: &str,
        topics: &[(TopicId, Vec<u32>)],
    ) -> Result<impl Future<Output = Result<Deleted, GroupError>> + Send + use<>, GroupError> {
        let slot = self.slot(slot)?;
        let name = |topic| self.shared.parts.topics.name(topic);
        let (results, position) = slot.delete_offsets(group, topics, &name, self.now())?;
        Ok(self.stored(&slot, position, results))
    }
}

impl GroupSlot {
    fn commit(
        &self,
        id: &str,
        by: Committer<'_>,
        commits: Vec<OffsetCommit>,
        now: Now,
    ) -> Result<Position, GroupError> {
        let mut state = self.open_state()?;
        let state = &mut *state;
        if !state.groups.contains_key(id) {
            if by.from.generation >= 0 {
                // Older versions know no other error that makes a consumer join again.
                return Err(if by.knows_member_epochs {
                    GroupError::GroupIdNotFound
                } else {
                    GroupError::IllegalGeneration
                });
            }
            let id: GroupId = id.into();
            state.groups.insert(id.clone(), Group::new(id, now));
        }
        let Some(group) = state.groups.get_mut(id) else { return Err(GroupError::GroupIdNotFound) };
        group.check_commit(by, now)?;
        let id = group.id().clone();
        let mut pieces = Pieces::new(&id);
        let mut chunks = Vec::new();
        for OffsetCommit { topic, partitions } in commits {
            for (partition, mut offset) in partitions {
                if group.offsets().is_unstable(topic, partition) {
                    offset.be_after(state.staging.newest_unix_ms(&id, topic, partition));
                }
                chunks.push(Chunk::of(topic, partition));
                state.unwritten.add(Subject::Offset(id.clone(), topic, partition));
                pieces.set(topic, offset.record(partition));
                group.offsets_mut().set(topic, partition, offset);
            }
        }
        self.append_changes(state, &id, pieces, chunks, now);
        Ok(state.last)
    }

    fn fetch(&self, id: &str, wanted: Wanted<'_>) -> Result<(Fetched, Position), GroupError> {
        let Wanted { topics, member, member_epoch, require_stable } = wanted;
        let state = self.open_state()?;
        let group = state.groups.get(id);
        if let Some(group) = group {
            group.check_fetch(member, member_epoch)?;
        }
        let one = |topic: TopicId, partition: u32| {
            let Some(offsets) = group.map(Group::offsets) else { return FetchedOffset::None };
            if require_stable && offsets.is_unstable(topic, partition) {
                return FetchedOffset::Unstable;
            }
            offsets
                .get(topic, partition)
                .cloned()
                .map_or(FetchedOffset::None, FetchedOffset::Committed)
        };
        let of_topic = |topic: TopicId, partitions: &mut dyn Iterator<Item = u32>| {
            (topic, partitions.map(|partition| (partition, one(topic, partition))).collect())
        };
        let fetched = match (topics, group) {
            (Some(topics), _) => topics
                .iter()
                .map(|(topic, partitions)| of_topic(*topic, &mut partitions.iter().copied()))
                .collect(),
            (None, Some(group)) => group
                .offsets()
                .topics()
                .map(|(topic, offsets)| of_topic(topic, &mut offsets.keys().copied()))
                .collect(),
            (None, None) => Vec::new(),
        };
        Ok((fetched, state.last))
    }

    fn delete_offsets(
        &self,
        id: &str,
        topics: &[(TopicId, Vec<u32>)],
        name: &dyn Fn(TopicId) -> Option<model::TopicName>,
        now: Now,
    ) -> Result<(Deleted, Position), GroupError> {
        let mut state = self.open_state()?;
        let state = &mut *state;
        let group = state.groups.get_mut(id).ok_or(GroupError::GroupIdNotFound)?;
        group.check_offset_delete()?;
        let mut results = Vec::with_capacity(topics.len());
        let mut gone = BTreeSet::new();
        for (topic, partitions) in topics {
            let subscribed =
                name(*topic).is_some_and(|name| group.is_subscribed_to(name.as_str(), *topic));
            results.push(if subscribed { Err(GroupError::SubscribedToTopic) } else { Ok(()) });
            if !subscribed {
                gone.extend(partitions.iter().map(|partition| (*topic, *partition)));
            }
        }
        let id = group.id().clone();
        let is_gone = |topic, partition| gone.contains(&(topic, partition));
        self.drop_staged(state, &id, &is_gone);
        let gone: Vec<_> = gone.iter().copied().collect();
        self.remove_offsets(state, &id, &gone, now);
        Ok((results, state.last))
    }

    /// Removes offsets that are there.
    pub(super) fn remove_offsets(
        &self,
        state: &mut SlotState,
        id: &GroupId,
        gone: &[(TopicId, u32)],
        now: Now,
    ) {
        let Some(group) = state.groups.get_mut(id) else { return };
        let mut pieces = Pieces::new(id);
        let mut chunks = Vec::new();
        for (topic, partition) in gone {
            if group.offsets_mut().remove(*topic, *partition) {
                chunks.push(Chunk::of(*topic, *partition));
                state.unwritten.add(Subject::Offset(id.clone(), *topic, *partition));
                pieces.delete(*topic, *partition);
            }
        }
        self.append_changes(state, id, pieces, chunks, now);
    }

    pub(super) fn append_changes(
        &self,
        state: &mut SlotState,
        id: &GroupId,
        pieces: Pieces,
        chunks: Vec<Chunk>,
        now: Now,
    ) {
        if chunks.is_empty() {
            return;
        }
        for commit in pieces.done {
            let appends = vec![self.append(commit)];
            self.submit(state, Submission { appends, ..Submission::default() });
        }
        if state.groups.get(id).is_some_and(|it| it.is_forgettable() && !it.has_record()) {
            state.groups.remove(id);
        }
        let before = state.unfolded.deadline();
        state.unfolded.add(id, chunks, now.time);
        if state.unfolded.is_due(now.time) {
            self.fold(state);
        } else if before.is_none() {
            self.changed.notify_one();
        }
    }

    /// Puts the chunks that changed, and deletes what was appended about them.
    pub(super) fn fold(&self, state: &mut SlotState) {
        let mut submission = Submission::default();
        for (id, chunk) in state.unfolded.take() {
            let key = self.keys.group_offsets(self.index, &id, chunk.topic, chunk.number);
            let record =
                state.groups.get(&id).and_then(|group| group.offsets().chunk_record(chunk));
            let operation = match record {
                Some(record) => Operation::put(key, encode(record)),
                None => Operation::Delete(key),
            };
            submission.operations.push(operation);
            if !submission.fits_with_room() {
                let last = submission.operations.pop();
                self.submit(state, std::mem::take(&mut submission));
                submission.operations.extend(last);
            }
        }
        let start = self.keys.commits_of_slot(self.index);
        submission.trims.push(Trim { start, family: self.family.clone() });
        metrics::counter!("alluvium_group_folds_total").increment(1);
        self.submit(state, submission);
    }
}

/// Changes of one group's offsets, in pieces that each fit into a transaction.
pub(super) struct Pieces {
    group: String,
    done: Vec<GroupCommit>,
    bytes: usize,
}

impl Pieces {
    pub(super) fn new(group: &str) -> Self {
        Self { group: group.to_owned(), done: Vec::new(), bytes: PIECE_BYTES }
    }

    /// Takes out what is complete.
    pub(super) fn take(&mut self) -> impl Iterator<Item = GroupCommit> + use<> {
        std::mem::take(&mut self.done).into_iter()
    }

    pub(super) fn set(&mut self, topic: TopicId, record: Record) {
        let bytes = record.metadata.len();
        if let Some(offsets) = self.topic(topic, bytes) {
            offsets.offsets.push(record);
        }
    }

    fn delete(&mut self, topic: TopicId, partition: u32) {
        if let Some(offsets) = self.topic(topic, 0) {
            offsets.deleted.push(partition);
        }
    }

    /// Where the topic's next change goes.
    fn topic(&mut self, topic: TopicId, bytes: usize) -> Option<&mut TopicOffsets> {
        self.bytes += bytes + OFFSET_BYTES;
        if self.bytes > PIECE_BYTES {
            self.bytes = bytes + OFFSET_BYTES;
            let commit = GroupCommit { group: self.group.clone(), ..GroupCommit::default() };
            self.done.push(commit);
        }
        let topics = &mut self.done.last_mut()?.topics;
        let same = topics.last().is_some_and(|last| last.topic.as_ref() == topic.as_bytes());
        if !same {
            let id = Bytes::copy_from_slice(topic.as_bytes());
            topics.push(TopicOffsets { topic: id, ..TopicOffsets::default() });
        }
        topics.last_mut()
    }
}
