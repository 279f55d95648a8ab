//! Loading a slot from the journal, and keeping its deadlines from then on.

use super::{
    Groups,
    offsets_topic::subjects,
    slot::{GroupSlot, SlotState},
    staging::Staging,
    unfolded::Unfolded,
};
use crate::{
    Journal, JournalError, SlotClaim,
    group::{Group, GroupId, MemberRecords, Now, offsets::Chunk},
    slot_log::Unwritten,
};
use formats::metadata::{
    Group as GroupRecord, GroupCommit, GroupCommits, GroupOffsets, StagedOffsets,
};
use metadata::{MetadataError, RangeQuery, families::decode};
use model::{ProducerId, TopicId};
use runtime::Backoff;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until};

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// With nothing to wait for, a slot is looked at this often all the same.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// Loads a slot, serves it, and keeps its deadlines until it is closed.
pub(super) async fn load_and_keep(groups: Groups, claim: SlotClaim, journal: Journal) {
    let Some(slot) = load(&groups, claim, &journal).await else { return };
    let slot = Arc::new(slot);
    if !groups.shared.slots.loaded(claim, Arc::clone(&slot)) {
        return;
    }
    let shutdown = groups.shared.parts.tasks.shutdown();
    loop {
        let catalog = groups.catalog();
        let view = groups.view(catalog.as_ref());
        let now = view.now;
        let Some(next) = slot.tick(&view) else { return };
        let wait = next.saturating_sub(now.time).min(LONGEST_WAIT);
        tokio::select! {
            () = sleep_until(Instant::now() + wait) => {}
            () = slot.changed.notified() => {}
            () = shutdown.requested() => return,
        }
    }
}

/// Loads a slot until it succeeds; `None` when it is not this session's any more.
async fn load(groups: &Groups, claim: SlotClaim, journal: &Journal) -> Option<GroupSlot> {
    let randomness = groups.shared.parts.randomness.clone();
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, randomness);
    // The slot may have been closed and opened again: what was decided before is read, too.
    journal.settled(journal.position()).await.ok()?;
    while groups.shared.slots.is_claimed(claim) && journal.admits() != Err(JournalError::Ended) {
        match read(groups, claim, journal).await {
            Ok(slot) => return Some(slot),
            Err(error) => {
                let slot = claim.partition.partition;
                tracing::warn!(%slot, %error, "groups could not be loaded; trying again");
            }
        }
        tokio::time::sleep(backoff.next_pause()).await;
    }
    None
}

/// Reads a slot as of one revision. No earlier owner can write it any more.
async fn read(
    groups: &Groups,
    claim: SlotClaim,
    journal: &Journal,
) -> Result<GroupSlot, MetadataError> {
    let parts = &groups.shared.parts;
    let (keys, store) = (&parts.keys, parts.metadata.as_ref());
    let index = claim.partition.partition.get();
    let records = store.range(RangeQuery::prefix(keys.groups_of(index))).await?;
    let at = |query: RangeQuery| query.at(records.revision);
    let members = store.range(at(RangeQuery::prefix(keys.members_of_slot(index)))).await?;
    let offsets = store.range(at(RangeQuery::prefix(keys.offsets_of_slot(index)))).await?;
    let commits = store.range(at(RangeQuery::prefix(keys.commits_of_slot(index)))).await?;
    let staged = store.range(at(RangeQuery::prefix(keys.staged_offsets_of_slot(index)))).await?;
    let mut loaded = Loaded {
        now: groups.now(),
        groups: HashMap::new(),
        unfolded: Unfolded::of_slot(index),
        staging: Staging::default(),
    };
    let mut members_of: HashMap<String, MemberRecords> = HashMap::new();
    for entry in &members.entries {
        let Some((group, member)) = keys.parse_group_member(&entry.key) else { continue };
        members_of.entry(group).or_default().push((member.into(), decode(entry)?));
    }
    let session_timeout = groups.shared.options.groups.consumer.session_timeout;
    for entry in &records.entries {
        let Some(id) = keys.parse_group(&entry.key) else { continue };
        let members = members_of.remove(&id).unwrap_or_default();
        loaded.take_records(id.into(), decode(entry)?, members, session_timeout);
    }
    for entry in &offsets.entries {
        let Some((id, topic, _)) = keys.parse_group_offsets(&entry.key) else { continue };
        let stored: GroupOffsets = decode(entry)?;
        loaded.group(&id.into()).offsets_mut().load(topic, stored.offsets);
    }
    for entry in &commits.entries {
        for commit in decode::<GroupCommits>(entry)?.commits {
            loaded.apply(commit);
        }
    }
    for entry in &staged.entries {
        let Some((producer, id)) = keys.parse_staged_offsets(&entry.key) else { continue };
        loaded.take_staged(producer, &id.into(), decode(entry)?);
    }
    loaded.groups.retain(|_, group| group.has_record() || !group.is_forgettable());
    let Loaded { groups: loaded, unfolded, staging, .. } = loaded;
    // Whoever owned the slot before may not have told everything.
    let mut unwritten = Unwritten::new(Arc::clone(&groups.shared.unwritten));
    unwritten.add_all(loaded.values().flat_map(subjects));
    let state = SlotState { groups: loaded, unfolded, staging, unwritten, ..SlotState::default() };
    Ok(GroupSlot::new(claim, keys, journal.clone(), state))
}

/// A slot as far as it was read.
struct Loaded {
    now: Now,
    groups: HashMap<GroupId, Group>,
    unfolded: Unfolded,
    staging: Staging,
}

impl Loaded {
    fn take_records(
        &mut self,
        id: GroupId,
        record: GroupRecord,
        members: MemberRecords,
        session_timeout: Duration,
    ) {
        let group = Group::from_records(id.clone(), record, members, session_timeout, self.now);
        self.groups.insert(id, group);
    }

    fn take_staged(&mut self, producer: ProducerId, id: &GroupId, stored: StagedOffsets) {
        for (topic, partition) in self.staging.load(producer, id, stored) {
            self.group(id).offsets_mut().hold(topic, partition);
        }
    }

    fn group(&mut self, id: &GroupId) -> &mut Group {
        let now = self.now;
        self.groups.entry(id.clone()).or_insert_with(|| Group::new(id.clone(), now))
    }

    fn apply(&mut self, commit: GroupCommit) {
        let id: GroupId = commit.group.into();
        if commit.forget {
            let chunks = self.group(&id).offsets().chunks();
            *self.group(&id).offsets_mut() = crate::group::Offsets::default();
            self.unfolded.add(&id, chunks, self.now.time);
        }
        for topic in commit.topics {
            let Some(topic_id) = TopicId::from_slice(&topic.topic) else { continue };
            let changed =
                topic.offsets.iter().map(|it| it.partition).chain(topic.deleted.iter().copied());
            let chunks: Vec<Chunk> = changed.map(|it| Chunk::of(topic_id, it)).collect();
            let offsets = self.group(&id).offsets_mut();
            offsets.load(topic_id, topic.offsets);
            for partition in topic.deleted {
                offsets.remove(topic_id, partition);
            }
            self.unfolded.add(&id, chunks, self.now.time);
        }
    }
}
