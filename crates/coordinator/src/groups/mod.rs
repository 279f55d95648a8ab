//! [`Groups`]: the groups that this broker coordinates, as requests see them.
//!
//! Each slot has its groups under one lock; events are decided there by [`Group`](crate::group::Group) and what must be
//! stored goes to the journal in the order of the decisions. A method decides before it returns, so requests of a
//! connection act in their order; the future that it returns waits until what it tells is stored.

mod consumers;
mod deadlines;
mod expiry;
mod load;
mod members;
mod offsets;
mod offsets_topic;
mod slot;
mod staging;
#[cfg(test)]
mod tests;
mod unfolded;
mod waiting;

pub use offsets::{Deleted, Fetched, FetchedOffset, OffsetCommit, Wanted};
pub use slot::NewJoin;
pub use staging::StagingQuestion;

use crate::{
    CoordinatorOptions, CoordinatorParts, GroupError, Journal, SlotClaim,
    group::{
        GroupDescription, GroupListing, Joined, Leaver, MemberRef, Now, Sync, Synced, TopicCatalog,
        View,
    },
    journal::Position,
    slot_log::write_for_ever,
    slot_table::SlotTable,
};
use model::PartitionId;
use slot::GroupSlot;
use std::sync::Arc;
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};
use waiting::Answer;

/// What each member that wanted to leave is told.
pub type Left = Vec<Result<(), GroupError>>;

/// The groups of this broker. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Groups {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: CoordinatorOptions,
    parts: CoordinatorParts,
    started: Instant,
    slots: SlotTable<GroupSlot>,
    /// Told when a slot's log lacks something.
    unwritten: Arc<Notify>,
}

impl Groups {
    /// No groups; must be called inside a runtime.
    pub(crate) fn new(options: CoordinatorOptions, parts: CoordinatorParts) -> Self {
        let started = Instant::now();
        let (slots, unwritten) = (SlotTable::default(), Arc::default());
        let shared = Arc::new(Shared { options, parts, started, slots, unwritten });
        let groups = Self { shared };
        let tasks = &groups.shared.parts.tasks;
        tasks.spawn("offset_expiry", expiry::expire_for_ever(groups.clone(), tasks.shutdown()));
        let (shared, slots) = (&groups.shared, groups.clone());
        let (parts, unwritten) = (shared.parts.clone(), Arc::clone(&shared.unwritten));
        let slots = move || slots.shared.slots.all().0;
        tasks.spawn("offsets_topic", write_for_ever(parts, slots, unwritten, tasks.shutdown()));
        groups
    }

    /// Loads a slot in the background and serves it from then on.
    pub(crate) fn open(&self, claim: SlotClaim, journal: Journal) {
        if let Some(earlier) = self.shared.slots.release(claim.partition) {
            earlier.close();
        }
        self.shared.slots.claim(claim);
        let tasks = &self.shared.parts.tasks;
        tasks.spawn("group_slot", load::load_and_keep(self.clone(), claim, journal));
    }

    /// Whether the partition is a slot here.
    pub(crate) fn has(&self, partition: PartitionId) -> bool {
        self.shared.slots.has(partition)
    }

    /// Drops a slot.
    pub(crate) fn close(&self, partition: PartitionId) {
        if let Some(slot) = self.shared.slots.release(partition) {
            slot.close();
        }
    }

    /// Drops all slots.
    pub(crate) fn close_all(&self) {
        for slot in self.shared.slots.release_all() {
            slot.close();
        }
    }

    fn now(&self) -> Now {
        Now { time: self.shared.started.elapsed(), unix_ms: self.shared.parts.clock.unix_ms() }
    }

    /// The topics there are now.
    fn catalog(&self) -> Arc<dyn TopicCatalog> {
        self.shared.parts.topics.catalog()
    }

    /// What an event sees now.
    fn view<'a>(&'a self, catalog: &'a dyn TopicCatalog) -> View<'a> {
        View { catalog, limits: &self.shared.options.groups, now: self.now() }
    }

    /// Milliseconds since 1970, by the clock that retention is judged by.
    pub fn unix_ms(&self) -> i64 {
        self.shared.parts.clock.unix_ms()
    }

    /// The slot's groups, for a change: the journal has room for it.
    fn slot(&self, index: u32) -> Result<Arc<GroupSlot>, GroupError> {
        let slot = self.shared.slots.get(index)?;
        slot.journal().admits()?;
        Ok(slot)
    }

    /// Waits until what was decided is stored.
    fn stored<T: Send + 'static>(
        &self,
        slot: &GroupSlot,
        position: Position,
        decided: T,
    ) -> impl Future<Output = Result<T, GroupError>> + Send + use<T> {
        let (journal, patience) = (slot.journal().clone(), self.shared.options.store_patience);
        async move {
            match timeout(patience, journal.settled(position)).await {
                Ok(settled) => settled?,
                Err(_) => return Err(GroupError::TimedOut),
            }
            Ok(decided)
        }
    }

    /// Waits for a decision, and until it is stored.
    fn answered<T: Send + 'static>(
        &self,
        slot: Arc<GroupSlot>,
        answer: Answer<T>,
    ) -> impl Future<Output = Result<T, GroupError>> + Send + use<T> {
        let groups = self.clone();
        async move {
            let (result, position) = answer.received().await?;
            match position {
                Some(position) => groups.stored(&slot, position, result).await?,
                None => result,
            }
        }
    }

    /// Joins a group, on return; the future ends when its next generation is there.
    ///
    /// # Errors
    /// Those of a join, and `Slot`, `Journal`, `TimedOut`.
    pub fn join(
        &self,
        slot: u32,
        group: &str,
        join: NewJoin,
    ) -> Result<impl Future<Output = Result<Joined, GroupError>> + Send + use<>, GroupError> {
        let limits = &self.shared.options.groups;
        let timeouts = limits.min_session_timeout..=limits.max_session_timeout;
        if !timeouts.contains(&join.session_timeout) {
            return Err(GroupError::InvalidSessionTimeout);
        }
        let slot = self.slot(slot)?;
        let catalog = self.catalog();
        let answer = slot.join(group, join, self.unique_id(), &self.view(catalog.as_ref()))?;
        Ok(self.answered(slot, answer))
    }

    /// Names a new member as no other is named.
    fn unique_id(&self) -> Arc<str> {
        let unique = uuid::Builder::from_random_bytes(self.shared.parts.randomness.bytes16());
        unique.into_uuid().to_string().into()
    }

    /// Synchronizes, on return; the future ends when the member's assignment is there.
    ///
    /// # Errors
    /// Those of a synchronization, and `Slot`, `Journal`, `TimedOut`.
    pub fn sync(
        &self,
        slot: u32,
        group: &str,
        sync: Sync,
    ) -> Result<impl Future<Output = Result<Synced, GroupError>> + Send + use<>, GroupError> {
        let slot = self.slot(slot)?;
        let catalog = self.catalog();
        let answer = slot.sync(group, sync, &self.view(catalog.as_ref()))?;
        Ok(self.answered(slot, answer))
    }

    /// A member lives.
    ///
    /// # Errors
    /// Those of a heartbeat, and `Slot`.
    pub fn heartbeat(&self, slot: u32, group: &str, from: MemberRef<'_>) -> Result<(), GroupError> {
        let catalog = self.catalog();
        self.shared.slots.get(slot)?.heartbeat(group, from, &self.view(catalog.as_ref()))
    }

    /// Members leave, on return; an answer for each when that is stored.
    ///
    /// # Errors
    /// `UnknownMemberId` when there is no such group, `Slot`, `Journal`, `TimedOut`.
    pub fn leave(
        &self,
        slot: u32,
        group: &str,
        leavers: &[Leaver],
    ) -> Result<impl Future<Output = Result<Left, GroupError>> + Send + use<>, GroupError> {
        let slot = self.slot(slot)?;
        let catalog = self.catalog();
        let (results, position) = slot.leave(group, leavers, &self.view(catalog.as_ref()))?;
        Ok(self.stored(&slot, position, results))
    }

    /// A classic group in full.
    ///
    /// # Errors
    /// `GroupIdNotFound`, `Slot`.
    pub fn describe(&self, slot: u32, group: &str) -> Result<GroupDescription, GroupError> {
        self.shared.slots.get(slot)?.describe(group)
    }

    /// Every group of this broker's slots.
    ///
    /// # Errors
    /// `Slot`: some are being loaded.
    pub fn list(&self) -> Result<Vec<GroupListing>, GroupError> {
        let (slots, loading) = self.shared.slots.all();
        if loading {
            return Err(crate::SlotError::Loading.into());
        }
        Ok(slots.iter().flat_map(|slot| slot.list()).collect())
    }

    /// Deletes a group without members, and its offsets.
    ///
    /// # Errors
    /// `GroupIdNotFound`, `NonEmptyGroup`, `Slot`, `Journal`, `TimedOut`.
    pub fn delete(
        &self,
        slot: u32,
        group: &str,
    ) -> Result<impl Future<Output = Result<(), GroupError>> + Send + use<>, GroupError> {
        let slot = self.slot(slot)?;
        let position = slot.delete(group)?;
        Ok(self.stored(&slot, position, ()))
    }
}
