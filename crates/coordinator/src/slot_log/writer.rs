//! The task that tells slots' logs what changed, for one kind of slots.
//!
//! Records are derived, and never read back: no answer waits for them, a crash may lose some, and the next owner writes
//! everything again. Changes are written once a second at most, each subject once, within a budget. What grew too long is
//! written anew from its end, and what lies before is deleted, until compaction does that. ADR 13 says why.

use super::{Batch, SlotLogError, ToldSlot};
use crate::{CoordinatorParts, SlotClaim};
use model::Offset;
use runtime::Shutdown;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::Notify;

/// Changes gather for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// Bytes that all slots write after one pause.
const ROUND_BYTES: usize = 4 << 20;

/// Bytes of one batch.
const BATCH_BYTES: usize = 256 << 10;

/// A log this long, and four times as long as what there is to tell, is written anew.
const LONG_BYTES: u64 = 8 << 20;

/// A log shorter than this keeps what lies before.
const SHORT_BYTES: u64 = 1 << 20;

/// How far a slot's log is.
#[derive(Debug)]
struct Progress {
    claim: SlotClaim,
    /// Where everything that is being written again begins.
    rewritten_from: Option<Offset>,
    /// Bytes of everything, when it was written last.
    rewritten_bytes: u64,
    /// What lies before this is to be deleted.
    delete_before: Option<Offset>,
}

/// Writes for as long as the broker runs. Without changes, of which `changed` is told, it does nothing.
pub(crate) async fn write_for_ever<S: ToldSlot>(
    parts: CoordinatorParts,
    slots: impl Fn() -> Vec<Arc<S>> + Send,
    changed: Arc<Notify>,
    shutdown: Shutdown,
) {
    let mut progress: HashMap<u32, Progress> = HashMap::new();
    let mut round = 0;
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            () = changed.notified() => {}
        }
        tokio::select! {
            () = shutdown.requested() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        let mut slots = slots();
        // Another one is first each time: the budget may not suffice for all.
        round += 1;
        let first = round % slots.len().max(1);
        slots.rotate_left(first);
        progress.retain(|index, _| slots.iter().any(|slot| slot.claim().index() == *index));
        let mut budget = ROUND_BYTES;
        let mut unfinished = false;
        for slot in slots {
            let claim = slot.claim();
            let known = progress.entry(claim.index()).or_insert_with(|| Progress::new(claim));
            if known.claim != claim {
                *known = Progress::new(claim);
            }
            unfinished |= known.write(&parts, slot.as_ref(), &mut budget).await;
        }
        if unfinished {
            changed.notify_one();
        }
    }
}

impl Progress {
    fn new(claim: SlotClaim) -> Self {
        Self { claim, rewritten_from: None, rewritten_bytes: 0, delete_before: None }
    }

    /// Writes what is there, while the budget lasts; whether something is left.
    async fn write<S: ToldSlot>(
        &mut self,
        parts: &CoordinatorParts,
        slot: &S,
        budget: &mut usize,
    ) -> bool {
        loop {
            if *budget == 0 {
                return true;
            }
            let limit = BATCH_BYTES.min(*budget);
            let Some(taken) = slot.take_unwritten(parts.topics.as_ref(), limit) else {
                return false;
            };
            if taken.subjects.is_empty() {
                break;
            }
            // Nothing is told that could be lost; with the session this slot is over.
            if slot.journal().settled(taken.position).await.is_err() {
                return false;
            }
            *budget = budget.saturating_sub(taken.bytes);
            if !self.append(parts, slot, taken) {
                return true;
            }
        }
        let is_rewriting = self.rewritten_from.is_some() || self.delete_before.is_some();
        let long = LONG_BYTES.max(4 * self.rewritten_bytes);
        if !is_rewriting && parts.slot_logs.size_bytes(self.claim) > long {
            slot.write_everything();
        }
        self.delete(parts).await
    }
    /// Appends; `false` when it is to be tried again.
    fn append<S: ToldSlot>(
        &mut self,
        parts: &CoordinatorParts,
        slot: &S,
        taken: Batch<S::Subject>,
    ) -> bool {
        let logs = &parts.slot_logs;
        if !taken.records.is_empty() {
            match logs.append(self.claim, &taken.records) {
                Ok(first) if taken.was_rewriting => {
                    self.begin_rewriting(first);
                    self.rewritten_bytes += taken.bytes as u64;
                }
                Ok(_) => {}
                Err(SlotLogError::NotNow(_)) => {
                    slot.put_back(taken);
                    return false;
                }
                Err(error @ SlotLogError::Refused(_)) => {
                    tracing::warn!(topic = self.claim.kind.topic(), slot = self.claim.index(), %error, "records are left out of their topic");
                }
            }
            metrics::counter!("alluvium_internal_topic_records_total", "topic" => self.claim.kind.topic())
                .increment(taken.records.len() as u64);
        }
        if !taken.is_rewriting
            && let Some(first) = self.rewritten_from.take()
            && logs.size_bytes(self.claim) > SHORT_BYTES.max(2 * self.rewritten_bytes)
        {
            self.delete_before = Some(first);
        }
        true
    }

    fn begin_rewriting(&mut self, first: Offset) {
        if self.rewritten_from.is_none() {
            self.rewritten_from = Some(first);
            self.rewritten_bytes = 0;
        }
    }

    /// Deletes what was written again; whether it is to be tried once more.
    async fn delete(&mut self, parts: &CoordinatorParts) -> bool {
        let Some(offset) = self.delete_before else { return false };
        match parts.slot_logs.delete_before(self.claim, offset).await {
            Err(SlotLogError::NotNow(_)) => return true,
            Err(error @ SlotLogError::Refused(_)) => {
                tracing::warn!(%error, "the beginning of a log stays");
            }
            Ok(()) => {}
        }
        self.delete_before = None;
        false
    }
}
