//! Members of groups as they are stored: a group's own record, and those of single members under the consumer protocol.

use super::slot::{GroupSlot, SlotState};
use crate::{
    group::{Effects, Group, GroupId, MemberChange},
    journal::Submission,
};
use metadata::{Operation, families::encode, prefix_end};

impl GroupSlot {
    /// Submits what an event changed. More members than a transaction takes go ahead in several; the group's record comes
    /// last, and until it is there, what lies of them counts for nothing new: members of a group that is still classic, or
    /// the absence of members whose shares its target still has.
    pub(super) fn store(&self, state: &mut SlotState, id: &GroupId, effects: &Effects) {
        let group = state.groups.get(id);
        let members: Vec<Operation> = effects
            .members
            .iter()
            .filter_map(|(member, change)| self.member(group, id, member, *change))
            .collect();
        let record = group
            .filter(|_| effects.store)
            .map(|group| Operation::put(self.keys.group(self.index, id), encode(group.record())));
        let erased = effects.erase && !effects.store;
        let erase = erased.then(|| Operation::Delete(self.keys.group(self.index, id)));
        let clear = effects.clear_members.then(|| {
            let start = self.keys.members_of_group(self.index, id);
            let end = prefix_end(&start);
            Operation::DeleteRange(start, end)
        });
        let mut submission = Submission::default();
        if let Some(clear) = clear {
            submission.operations.push(clear);
            if !members.is_empty() {
                // The store does not delete a range and put into it at once.
                self.submit(state, std::mem::take(&mut submission));
            }
        }
        for operation in members.into_iter().chain(record).chain(erase) {
            submission.operations.push(operation);
            if !submission.fits_with_room() {
                let next = submission.operations.pop();
                self.submit(state, std::mem::take(&mut submission));
                submission.operations.extend(next);
            }
        }
        let position = self.submit(state, submission);
        state.changed.insert(id.clone(), position);
    }

    fn member(
        &self,
        group: Option<&Group>,
        id: &GroupId,
        member: &str,
        change: MemberChange,
    ) -> Option<Operation> {
        let key = self.keys.group_member(self.index, id, member);
        Some(match change {
            MemberChange::Put => Operation::put(key, encode(group?.member_record(member)?)),
            MemberChange::Delete => Operation::Delete(key),
        })
    }
}
