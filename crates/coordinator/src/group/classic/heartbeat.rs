//! Heartbeats: a member says that it lives, and learns whether it must join again.

use super::{ClassicGroup, GroupError, Now, Phase};

/// Who speaks, in which generation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemberRef<'a> {
    /// Its id.
    pub member: &'a str,
    /// Its instance, when static.
    pub instance: Option<&'a str>,
    /// The generation it is in, as on the wire.
    pub generation: i32,
}

impl ClassicGroup {
    /// A member lives.
    ///
    /// # Errors
    /// `FencedInstanceId`, `UnknownMemberId`, `IllegalGeneration`; `RebalanceInProgress` when it must join again (its
    /// session goes on).
    pub fn heartbeat(&mut self, from: MemberRef<'_>, now: Now) -> Result<(), GroupError> {
        self.check_member(from.member, from.instance)?;
        self.check_generation(from.generation)?;
        if let Some(member) = self.members.get_mut(from.member) {
            member.refresh(now.time);
        }
        match self.phase {
            Phase::Empty => Err(GroupError::UnknownMemberId),
            Phase::Preparing { .. } => Err(GroupError::RebalanceInProgress),
            Phase::Completing { .. } | Phase::Stable { .. } => Ok(()),
        }
    }
}
