//! Who may commit offsets for a group, and which offsets a group may lose.

use super::{CONSUMER, ClassicGroup, Committer, GroupError, MemberRef, Now, Phase, embedded};
use std::collections::BTreeSet;

impl ClassicGroup {
    /// Checks whether it may commit; a member that does is alive.
    ///
    /// # Errors
    /// `FencedInstanceId`, `UnknownMemberId`, `IllegalGeneration`, `RebalanceInProgress`.
    pub fn check_commit(&mut self, by: Committer<'_>, now: Now) -> Result<(), GroupError> {
        let MemberRef { member, instance, generation } = by.from;
        let names_nobody = member.is_empty() && instance.is_none() && generation < 0;
        if generation < 0 && self.is_empty() {
            return Ok(());
        }
        if names_nobody {
            return if by.transactional || self.is_empty() {
                Ok(())
            } else {
                Err(GroupError::UnknownMemberId)
            };
        }
        self.check_member(member, instance)?;
        self.check_generation(generation)?;
        if matches!(self.phase, Phase::Completing { .. }) && !by.transactional {
            // It joined, and does not know yet what it is to read.
            return Err(GroupError::RebalanceInProgress);
        }
        if let Some(member) = self.members.get_mut(member) {
            member.refresh(now.time);
        }
        Ok(())
    }

    /// Checks whether the group's offsets can be deleted, those of topics that it does not read at least.
    ///
    /// # Errors
    /// `NonEmptyGroup`: it has members, and what they read can't be told.
    pub fn check_offset_delete(&self) -> Result<(), GroupError> {
        let readable = self.protocol_type.as_deref() == Some(CONSUMER);
        if self.is_empty() || readable { Ok(()) } else { Err(GroupError::NonEmptyGroup) }
    }

    /// Checks whether it can be deleted.
    ///
    /// # Errors
    /// `NonEmptyGroup`.
    pub fn check_delete(&self) -> Result<(), GroupError> {
        if self.is_empty() { Ok(()) } else { Err(GroupError::NonEmptyGroup) }
    }

    /// Whether a member may be reading the topic. As long as what a member reads is not known, it may be any.
    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        if self.is_empty() {
            return false;
        }
        self.subscribed_topics().is_none_or(|topics| topics.contains(topic))
    }

    /// The topics that its members read; `None` when they don't say so in a way that is understood.
    pub fn subscribed_topics(&self) -> Option<BTreeSet<String>> {
        if self.protocol_type.as_deref() != Some(CONSUMER) {
            return None;
        }
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            for protocol in &member.protocols {
                topics.extend(embedded::topics(&protocol.metadata)?);
            }
        }
        Some(topics)
    }

    /// From when on the retention of its offsets counts: since it has no members, or from each commit on when it never had
    /// any. `None`: they are in use.
    pub fn retention_start_unix_ms(&self, committed_unix_ms: i64) -> Option<i64> {
        if !self.is_empty() {
            return None;
        }
        let since = if self.has_record() { self.since_unix_ms } else { i64::MIN };
        Some(since.max(committed_unix_ms))
    }
}
