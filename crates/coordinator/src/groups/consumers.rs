//! Members under the consumer protocol (KIP-848), as requests see them.

use super::{
    Groups,
    slot::{GroupSlot, SlotState},
};
use crate::{
    GroupError,
    group::{
        ConsumerAnswer, ConsumerHeartbeat, ConsumerLeave, Effects, Group, GroupId, View,
        consumer::ConsumerGroupDescription,
    },
    journal::Position,
};

/// A decision, and what must be stored before it is told.
type Decided = (ConsumerAnswer, Position);

impl Groups {
    /// A member joins, lives, or reports, on return; the future ends when what it is told is stored.
    ///
    /// # Errors
    /// Those of a [heartbeat](Group::consumer_heartbeat), and `Slot`, `Journal`, `TimedOut`.
    pub fn consumer_heartbeat(
        &self,
        slot: u32,
        group: &str,
        mut beat: ConsumerHeartbeat,
    ) -> Result<impl Future<Output = Result<ConsumerAnswer, GroupError>> + Send + use<>, GroupError>
    {
        let slot = self.slot(slot)?;
        if beat.member.is_empty() {
            beat.member = self.unique_id();
        }
        let catalog = self.catalog();
        let (answer, position) =
            slot.consumer_heartbeat(group, &beat, &self.view(catalog.as_ref()))?;
        Ok(self.stored(&slot, position, answer))
    }

    /// A member leaves, on return; the future ends when that is stored.
    ///
    /// # Errors
    /// Those of [leaving](Group::consumer_leave), and `Slot`, `Journal`, `TimedOut`.
    pub fn consumer_leave(
        &self,
        slot: u32,
        group: &str,
        leave: &ConsumerLeave,
    ) -> Result<impl Future<Output = Result<ConsumerAnswer, GroupError>> + Send + use<>, GroupError>
    {
        let slot = self.slot(slot)?;
        let catalog = self.catalog();
        let (answer, position) = slot.consumer_leave(group, leave, &self.view(catalog.as_ref()))?;
        Ok(self.stored(&slot, position, answer))
    }

    /// A group of the consumer protocol in full.
    ///
    /// # Errors
    /// `GroupIdNotFound`, `Slot`.
    pub fn describe_consumers(
        &self,
        slot: u32,
        group: &str,
    ) -> Result<ConsumerGroupDescription, GroupError> {
        let catalog = self.catalog();
        let slot = self.shared.slots.get(slot)?;
        slot.describe_consumers(group, &self.view(catalog.as_ref()))
    }
}

impl GroupSlot {
    fn consumer_heartbeat(
        &self,
        id: &str,
        beat: &ConsumerHeartbeat,
        view: &View<'_>,
    ) -> Result<Decided, GroupError> {
        let mut state = self.open_state()?;
        let state = &mut *state;
        if !state.groups.contains_key(id) {
            if beat.epoch != 0 {
                return Err(GroupError::GroupIdNotFound);
            }
            let id: GroupId = id.into();
            state.groups.insert(id.clone(), Group::new(id, view.now));
        }
        let group = state.groups.get_mut(id).ok_or(GroupError::GroupIdNotFound)?;
        let id = group.id().clone();
        let decided = group.consumer_heartbeat(beat, view);
        self.concluded(state, &id, decided)
    }

    fn consumer_leave(
        &self,
        id: &str,
        leave: &ConsumerLeave,
        view: &View<'_>,
    ) -> Result<Decided, GroupError> {
        let mut state = self.open_state()?;
        let state = &mut *state;
        let group = state.groups.get_mut(id).ok_or(GroupError::GroupIdNotFound)?;
        let id = group.id().clone();
        let decided = group.consumer_leave(leave, view);
        self.concluded(state, &id, decided)
    }

    /// Carries out what was decided, also beside a refusal; what is told rests on all that is not stored yet.
    fn concluded(
        &self,
        state: &mut SlotState,
        id: &GroupId,
        (answer, effects): (Result<ConsumerAnswer, GroupError>, Effects),
    ) -> Result<Decided, GroupError> {
        self.carry_out(state, id, effects);
        Ok((answer?, state.changed.get(id).copied().unwrap_or_default()))
    }
}
