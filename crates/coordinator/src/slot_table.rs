//! [`SlotTable`]: which slots of one kind this broker owns, and what lies in them once they are loaded.

use crate::{SlotClaim, SlotError};
use model::{LeaderEpoch, PartitionId};
use parking_lot::Mutex;
use std::{collections::BTreeMap, sync::Arc};

/// Slots of one kind by index. `S` is the state of a loaded one.
#[derive(Debug)]
pub(crate) struct SlotTable<S> {
    slots: Mutex<BTreeMap<u32, Slot<S>>>,
}

#[derive(Debug)]
struct Slot<S> {
    partition: PartitionId,
    epoch: LeaderEpoch,
    /// `None` while it is loaded.
    state: Option<Arc<S>>,
}

impl<S> Default for SlotTable<S> {
    fn default() -> Self {
        Self { slots: Mutex::default() }
    }
}

impl<S> SlotTable<S> {
    /// Takes a slot in, to be loaded. What an earlier epoch left is dropped.
    pub(crate) fn claim(&self, claim: SlotClaim) {
        let index = claim.partition.partition.get();
        let slot = Slot { partition: claim.partition, epoch: claim.epoch, state: None };
        self.slots.lock().insert(index, slot);
    }

    /// Serves a loaded slot; `false` when the claim is not the current one any more.
    pub(crate) fn loaded(&self, claim: SlotClaim, state: Arc<S>) -> bool {
        let mut slots = self.slots.lock();
        let slot = slots.get_mut(&claim.partition.partition.get());
        match slot.filter(|slot| slot.partition == claim.partition && slot.epoch == claim.epoch) {
            Some(slot) if slot.state.is_none() => {
                slot.state = Some(state);
                true
            }
            _ => false,
        }
    }

    /// Whether the claim is the current one.
    pub(crate) fn is_claimed(&self, claim: SlotClaim) -> bool {
        let slots = self.slots.lock();
        let slot = slots.get(&claim.partition.partition.get());
        slot.is_some_and(|slot| slot.partition == claim.partition && slot.epoch == claim.epoch)
    }

    /// Whether the slot is there, loaded or not.
    pub(crate) fn has(&self, partition: PartitionId) -> bool {
        let slots = self.slots.lock();
        slots.get(&partition.partition.get()).is_some_and(|slot| slot.partition == partition)
    }

    /// Drops a slot; answers what was in it.
    pub(crate) fn release(&self, partition: PartitionId) -> Option<Arc<S>> {
        let mut slots = self.slots.lock();
        let index = partition.partition.get();
        slots.get(&index).filter(|slot| slot.partition == partition)?;
        slots.remove(&index)?.state
    }

    /// Drops every slot; answers what was in them.
    pub(crate) fn release_all(&self) -> Vec<Arc<S>> {
        let slots = std::mem::take(&mut *self.slots.lock());
        slots.into_values().filter_map(|slot| slot.state).collect()
    }

    /// A slot that is served.
    ///
    /// # Errors
    /// `NotCoordinator`, `Loading`.
    pub(crate) fn get(&self, index: u32) -> Result<Arc<S>, SlotError> {
        let slots = self.slots.lock();
        let slot = slots.get(&index).ok_or(SlotError::NotCoordinator)?;
        slot.state.clone().ok_or(SlotError::Loading)
    }

    /// Every slot that is served, and whether others are being loaded.
    pub(crate) fn all(&self) -> (Vec<Arc<S>>, bool) {
        let slots = self.slots.lock();
        let served: Vec<_> = slots.values().filter_map(|slot| slot.state.clone()).collect();
        let loading = served.len() < slots.len();
        (served, loading)
    }
}
