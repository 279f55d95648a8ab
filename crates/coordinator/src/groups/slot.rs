//! [`GroupSlot`]: the groups of one slot. Decisions are made under its lock; what they need stored is submitted there too.

use super::{
    Left,
    deadlines::Deadlines,
    offsets_topic::{Subject, subjects},
    staging::Staging,
    unfolded::Unfolded,
    waiting::{Answer, Waiting},
};
use crate::{
    GroupError, Journal, SlotClaim, SlotError,
    group::{
        Effects, Group, GroupDescription, GroupId, GroupListing, InstanceId, Join, Joined, Leaver,
        MemberId, MemberRef, Protocol, Sync, Synced, Ticket, Time, View,
        consumer::ConsumerGroupDescription,
    },
    journal::{Append, Position, Submission},
    slot_log::Unwritten,
};
use bytes::Bytes;
use formats::metadata::{GroupCommit, GroupCommits};
use metadata::{
    Operation,
    families::{Keys, encode},
    prefix_end,
};
use model::{TopicId, TopicName};
use parking_lot::{Mutex, MutexGuard};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::Notify;

/// A request to join, as it comes from the wire; see [`Join`].
#[derive(Clone, PartialEq, Debug)]
#[expect(missing_docs, reason = "the fields of `Join` of the same names")]
pub struct NewJoin {
    pub member: MemberId,
    pub instance: Option<InstanceId>,
    pub client_id: Arc<str>,
    pub client_host: Arc<str>,
    pub session_timeout: Duration,
    pub rebalance_timeout: Duration,
    pub protocol_type: Arc<str>,
    pub protocols: Vec<Protocol>,
    pub requires_known_id: bool,
    pub skips_assignment: bool,
}

/// A slot that is served.
#[derive(Debug)]
pub(crate) struct GroupSlot {
    pub(super) claim: SlotClaim,
    pub(super) index: u32,
    pub(super) keys: Keys,
    /// Where commits are appended.
    pub(super) family: Bytes,
    journal: Journal,
    state: Mutex<SlotState>,
    /// Told when a deadline came nearer, and when the slot is closed.
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
pub(super) struct SlotState {
    pub(super) groups: HashMap<GroupId, Group>,
    pub(super) unfolded: Unfolded,
    /// What the slot's log lacks.
    pub(super) unwritten: Unwritten<Subject>,
    /// Names of the topics that it was told of: a topic that is gone has none any more.
    pub(super) told_names: HashMap<TopicId, TopicName>,
    /// What transactions are to commit.
    pub(super) staging: Staging,
    /// The last submission: what is read may be lost until it is stored.
    pub(super) last: Position,
    /// The last one with members of each group.
    pub(super) changed: HashMap<GroupId, Position>,
    pub(super) waiting: Waiting,
    pub(super) deadlines: Deadlines,
    pub(super) closed: bool,
}

impl GroupSlot {
    /// A slot with what was loaded.
    pub(super) fn new(
        claim: SlotClaim,
        keys: &Keys,
        journal: Journal,
        mut state: SlotState,
    ) -> Self {
        let index = claim.partition.partition.get();
        for group in state.groups.values() {
            state.deadlines.at(group.id(), group.next_deadline());
        }
        Self {
            claim,
            index,
            keys: keys.clone(),
            family: keys.group_commits(index, claim.epoch),
            journal,
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    /// Its journal.
    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Drops everything; what waits is answered that this is not the coordinator.
    pub(crate) fn close(&self) {
        *self.state.lock() = SlotState { closed: true, ..SlotState::default() };
        self.changed.notify_one();
    }

    /// Its state, unless it was closed.
    pub(super) fn open_state(&self) -> Result<MutexGuard<'_, SlotState>, GroupError> {
        let state = self.state.lock();
        if state.closed { Err(SlotError::NotCoordinator.into()) } else { Ok(state) }
    }

    pub(super) fn join(
        &self,
        id: &str,
        new: NewJoin,
        unique: Arc<str>,
        view: &View<'_>,
    ) -> Result<Answer<Joined>, GroupError> {
        let mut state = self.open_state()?;
        let state = &mut *state;
        if !state.groups.contains_key(id) && !new.member.is_empty() {
            return Err(GroupError::UnknownMemberId);
        }
        let id: GroupId = id.into();
        let group =
            state.groups.entry(id.clone()).or_insert_with(|| Group::new(id.clone(), view.now));
        let (ticket, answer) = state.waiting.join();
        let effects = group.join(with_ticket(new, ticket, unique), view);
        self.carry_out(state, &id, effects);
        Ok(answer)
    }

    pub(super) fn sync(
        &self,
        id: &str,
        sync: Sync,
        view: &View<'_>,
    ) -> Result<Answer<Synced>, GroupError> {
        let mut state = self.open_state()?;
        let state = &mut *state;
        let group = state.groups.get_mut(id).ok_or(GroupError::UnknownMemberId)?;
        let (ticket, answer) = state.waiting.sync();
        let effects = group.sync(ticket, sync, view);
        let id = group.id().clone();
        self.carry_out(state, &id, effects);
        Ok(answer)
    }

    pub(super) fn heartbeat(
        &self,
        id: &str,
        from: MemberRef<'_>,
        view: &View<'_>,
    ) -> Result<(), GroupError> {
        let mut state = self.open_state()?;
        let state = &mut *state;
        let group = state.groups.get_mut(id).ok_or(GroupError::UnknownMemberId)?;
        let heard = group.heartbeat(from, view);
        if heard == Err(GroupError::RebalanceInProgress) {
            // It may be given a time to join again.
            let (id, deadline) = (group.id().clone(), group.next_deadline());
            if state.deadlines.at(&id, deadline) {
                self.changed.notify_one();
            }
        }
        heard
    }

    pub(super) fn leave(
        &self,
        id: &str,
        leavers: &[Leaver],
        view: &View<'_>,
    ) -> Result<(Left, Position), GroupError> {
        let mut state = self.open_state()?;
        let state = &mut *state;
        let group = state.groups.get_mut(id).ok_or(GroupError::UnknownMemberId)?;
        let (results, effects) = group.leave(leavers, view);
        let id = group.id().clone();
        self.carry_out(state, &id, effects);
        Ok((results, state.last))
    }

    pub(super) fn describe(&self, id: &str) -> Result<GroupDescription, GroupError> {
        let state = self.open_state()?;
        state.groups.get(id).ok_or(GroupError::GroupIdNotFound)?.describe()
    }

    pub(super) fn describe_consumers(
        &self,
        id: &str,
        view: &View<'_>,
    ) -> Result<ConsumerGroupDescription, GroupError> {
        let state = self.open_state()?;
        state.groups.get(id).ok_or(GroupError::GroupIdNotFound)?.describe_consumers(view)
    }

    pub(super) fn list(&self) -> Vec<GroupListing> {
        let Ok(state) = self.open_state() else { return Vec::new() };
        state.groups.values().map(Group::listing).collect()
    }

    pub(super) fn delete(&self, id: &str) -> Result<Position, GroupError> {
        let mut state = self.open_state()?;
        let group = state.groups.get(id).ok_or(GroupError::GroupIdNotFound)?;
        group.check_delete()?;
        let id = group.id().clone();
        self.drop_staged(&mut state, &id, &|_, _| true);
        Ok(self.forget(&mut state, &id))
    }

    /// Deletes a group with everything that is stored of it.
    pub(super) fn forget(&self, state: &mut SlotState, id: &GroupId) -> Position {
        if let Some(group) = state.groups.remove(id) {
            state.unwritten.add(Subject::Group(id.clone()));
            for subject in subjects(&group) {
                state.unwritten.add(subject);
            }
        }
        state.changed.remove(id);
        let offsets = self.keys.offsets_of_group(self.index, id);
        let end = prefix_end(&offsets);
        let members = self.keys.members_of_group(self.index, id);
        let members_end = prefix_end(&members);
        let forget = GroupCommit { group: id.to_string(), forget: true, ..GroupCommit::default() };
        self.submit(
            state,
            Submission {
                operations: vec![
                    Operation::Delete(self.keys.group(self.index, id)),
                    Operation::DeleteRange(offsets, end),
                    Operation::DeleteRange(members, members_end),
                ],
                // Commits that are appended already must not bring it back.
                appends: vec![self.append(forget)],
                trims: Vec::new(),
            },
        )
    }

    pub(super) fn append(&self, commit: GroupCommit) -> Append {
        let piece = encode(GroupCommits { format: 1, commits: vec![commit] });
        Append { family: self.family.clone(), piece }
    }

    pub(super) fn submit(&self, state: &mut SlotState, submission: Submission) -> Position {
        state.last = self.journal.submit(submission);
        state.last
    }

    /// Submits what an event needs stored, then hands out its answers, which wait for that.
    pub(super) fn carry_out(&self, state: &mut SlotState, id: &GroupId, effects: Effects) {
        if effects.stores() {
            self.store(state, id, &effects);
            state.unwritten.add(Subject::Group(id.clone()));
        }
        // What is told rests on what was decided before, too.
        let stored = state.changed.get(id).copied();
        state.waiting.answer_joins(effects.joined, stored);
        state.waiting.answer_syncs(effects.synced, stored);
        let Some(group) = state.groups.get(id) else { return };
        if group.is_forgettable() && !group.has_record() {
            state.groups.remove(id);
            state.changed.remove(id);
            return;
        }
        let deadline = effects.deadline.or_else(|| group.next_deadline());
        if state.deadlines.at(id, deadline) {
            self.changed.notify_one();
        }
    }

    /// Does what is due; answers when to come again. `None` when the slot is closed.
    pub(super) fn tick(&self, view: &View<'_>) -> Option<Time> {
        let now = view.now;
        let mut state = self.open_state().ok()?;
        let state = &mut *state;
        // Each once: what is due again at once must not keep the lock.
        let due: Vec<GroupId> = std::iter::from_fn(|| state.deadlines.take_due(now.time)).collect();
        for id in due {
            let Some(group) = state.groups.get_mut(&id) else { continue };
            let effects = group.tick(view);
            self.carry_out(state, &id, effects);
        }
        if state.unfolded.is_due(now.time) {
            self.fold(state);
        }
        let next = [state.deadlines.first(), state.unfolded.deadline()];
        Some(next.into_iter().flatten().min().unwrap_or(Time::MAX))
    }
}

fn with_ticket(new: NewJoin, ticket: Ticket, unique: Arc<str>) -> Join {
    Join {
        ticket,
        member: new.member,
        instance: new.instance,
        client_id: new.client_id,
        client_host: new.client_host,
        session_timeout: new.session_timeout,
        rebalance_timeout: new.rebalance_timeout,
        protocol_type: new.protocol_type,
        protocols: new.protocols,
        requires_known_id: new.requires_known_id,
        skips_assignment: new.skips_assignment,
        unique,
    }
}
