//! Who may commit and read offsets of a group of the consumer protocol.

use super::{ConsumerGroup, ConsumerMember, GroupError};
use crate::group::{Committer, MemberRef};
use model::TopicId;

impl ConsumerGroup {
    /// Checks whether it may commit.
    ///
    /// # Errors
    /// `UnknownMemberId`, `StaleMemberEpoch`, `IllegalGeneration` (a classic member), `UnsupportedVersion`.
    pub fn check_commit(&self, by: Committer<'_>) -> Result<(), GroupError> {
        let MemberRef { member, instance, generation } = by.from;
        if generation < 0 && self.is_empty() {
            return Ok(());
        }
        if by.transactional && generation < 0 && member.is_empty() && instance.is_none() {
            return Ok(());
        }
        let member = self.members.get(member).ok_or(GroupError::UnknownMemberId)?;
        if !by.transactional && member.classic.is_none() && !by.knows_member_epochs {
            return Err(GroupError::UnsupportedVersion);
        }
        // A transaction's producer knows that refusal by its older name.
        check_epoch(member, generation).map_err(|error| match error {
            GroupError::StaleMemberEpoch if by.transactional => GroupError::IllegalGeneration,
            error => error,
        })
    }

    /// Checks whether a member may read what is committed; a reader that names none may.
    ///
    /// # Errors
    /// `UnknownMemberId`, `StaleMemberEpoch`, `IllegalGeneration` (a classic member).
    pub fn check_fetch(&self, member: Option<&str>, epoch: i32) -> Result<(), GroupError> {
        if member.is_none() && epoch < 0 {
            return Ok(());
        }
        let member = self.members.get(member.unwrap_or_default());
        check_epoch(member.ok_or(GroupError::UnknownMemberId)?, epoch)
    }

    /// Whether a member reads the topic.
    pub fn is_subscribed_to(&self, name: &str, id: TopicId) -> bool {
        self.subscriptions.names(name) || (!self.is_empty() && self.topics.contains_key(&id))
    }
}

fn check_epoch(member: &ConsumerMember, epoch: i32) -> Result<(), GroupError> {
    if !member.away && i64::from(epoch) == i64::from(member.epoch) {
        return Ok(());
    }
    match member.classic {
        Some(_) => Err(GroupError::IllegalGeneration),
        None => Err(GroupError::StaleMemberEpoch),
    }
}
