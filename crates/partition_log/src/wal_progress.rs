//! [`WalLedger`]: the frames that are not yet synced, and those whose space the WAL still has to keep.
//!
//! Taking a frame in and noting it is one step under one lock, so the ledger's order is the WAL's. A frame's space is
//! released once everything before it is, and it is committed, covered by an earlier commit, or given up. Frames that were
//! recovered hold their space too, whether claimed or not.
//!
//! Frames of a lost ownership are *quarantined*: never uploaded, kept for `alluvium wal salvage` until the WAL is full;
//! then they are given up, and counted.

use crate::traces::WalSpans;
use model::{LeaderEpoch, Offset, PartitionId};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};
use tokio::sync::Notify;
use wal::{
    Appended, Durability, FrameMeta, RecoveredFrame, Wal, WalError, WalObserver, WalPosition,
};

/// Frames that leave memory in one go.
const FRAMES_AT_ONCE: usize = 64;

/// Frames in WAL order.
#[derive(Debug)]
pub(crate) struct WalLedger {
    wal: Arc<dyn Wal>,
    progress: Arc<Progress>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct Progress {
    moved: Notify,
    failure: Mutex<Option<String>>,
    spans: WalSpans,
}

#[derive(Debug, Default)]
struct State {
    unsynced: VecDeque<Frame>,
    unreleased: VecDeque<Frame>,
    /// Frames whose batches are in memory.
    in_memory: VecDeque<Frame>,
    committed: HashMap<PartitionId, Offset>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    end: WalPosition,
    partition: PartitionId,
    epoch: LeaderEpoch,
    end_offset: Offset,
    quarantined: bool,
}

impl WalLedger {
    /// A ledger over `wal`, whose observer it becomes. `recovered` are its frames with the offset after each.
    pub(crate) fn new(wal: Arc<dyn Wal>, recovered: &[(Offset, RecoveredFrame)]) -> Self {
        let frame = |(end_offset, frame): &(Offset, RecoveredFrame)| Frame {
            end: frame.end,
            partition: frame.meta.partition,
            epoch: frame.meta.leader_epoch,
            end_offset: *end_offset,
            quarantined: false,
        };
        let state = State { unreleased: recovered.iter().map(frame).collect(), ..State::default() };
        let progress = Arc::<Progress>::default();
        wal.observe(Arc::clone(&progress) as Arc<dyn WalObserver>);
        Self { wal, progress, state: Mutex::new(state) }
    }

    /// Takes one batch in. `end_offset` is the offset after its last record.
    ///
    /// # Errors
    /// As [`Wal::append`]; a full WAL first gives up what is quarantined.
    pub(crate) fn append(
        &self,
        meta: FrameMeta,
        end_offset: Offset,
        parts: &[&[u8]],
        durability: Durability,
    ) -> Result<Appended, WalError> {
        let mut state = self.state.lock();
        let appended = match self.wal.append(meta, parts, durability) {
            Err(WalError::Full { .. }) if self.give_up_quarantine(&mut state) => {
                self.wal.append(meta, parts, durability)?
            }
            other => other?,
        };
        let frame = Frame {
            end: appended.end,
            partition: meta.partition,
            epoch: meta.leader_epoch,
            end_offset,
            quarantined: false,
        };
        state.unsynced.push_back(frame);
        state.unreleased.push_back(frame);
        state.in_memory.push_back(frame);
        if self.wal.synced() >= appended.end {
            self.progress.moved.notify_one();
        }
        Ok(appended)
    }

    /// Where a traced batch's way into the WAL is kept, if one more is.
    pub(crate) fn spans(&self) -> Option<&WalSpans> {
        Some(&self.progress.spans).filter(|spans| spans.admits())
    }

    /// Takes out the oldest frames whose batches are in memory, as far as they are synced: by partition and the offset after
    /// each. Leaves the newest `keep_bytes`. Asks for a sync when it waits for one.
    pub(crate) fn take_oldest_in_memory(&self, keep_bytes: u64) -> Vec<(PartitionId, Offset)> {
        let mut state = self.state.lock();
        let newest = state.in_memory.back().map_or(0, |frame| frame.end.0);
        let through = self.wal.synced().min(WalPosition(newest.saturating_sub(keep_bytes)));
        let ready = state.in_memory.partition_point(|frame| frame.end <= through);
        if ready == 0 {
            self.wal.request_sync();
        }
        let taken = state.in_memory.drain(..ready.min(FRAMES_AT_ONCE));
        taken.map(|frame| (frame.partition, frame.end_offset)).collect()
    }

    /// Waits until the WAL's synced position moved, or it failed.
    pub(crate) async fn progressed(&self) {
        self.progress.moved.notified().await;
    }

    /// Has [`WalLedger::progressed`] return once, though nothing moved.
    pub(crate) fn look_again(&self) {
        self.progress.moved.notify_one();
    }

    /// Why nothing more becomes synced.
    pub(crate) fn failure(&self) -> Option<String> {
        self.progress.failure.lock().clone()
    }

    /// What became synced since the last call: by partition, the offset before which everything is.
    pub(crate) fn take_synced(&self) -> BTreeMap<PartitionId, Offset> {
        let through = self.wal.synced();
        let mut state = self.state.lock();
        let covered = state.unsynced.partition_point(|frame| frame.end <= through);
        let mut ends = BTreeMap::new();
        for frame in state.unsynced.drain(..covered) {
            ends.insert(frame.partition, frame.end_offset);
        }
        ends
    }

    /// Notes that everything of `partition` before `end` is committed.
    pub(crate) fn committed(&self, ends: impl IntoIterator<Item = (PartitionId, Offset)>) {
        let mut state = self.state.lock();
        for (partition, end) in ends {
            let known = state.committed.entry(partition).or_default();
            *known = end.max(*known);
        }
        self.release(&mut state);
    }

    /// Frames of `partition` need not be kept any more: it was deleted or lost.
    pub(crate) fn abandon(&self, partition: PartitionId) {
        let mut state = self.state.lock();
        state.unsynced.retain(|frame| frame.partition != partition);
        state.unreleased.retain(|frame| frame.partition != partition);
        state.in_memory.retain(|frame| frame.partition != partition);
        state.committed.remove(&partition);
        self.release(&mut state);
    }

    /// Frames of `partition` from before `since` belong to an ownership that was lost.
    pub(crate) fn quarantine(&self, partition: PartitionId, since: LeaderEpoch) {
        let mut state = self.state.lock();
        for frame in &mut state.unreleased {
            frame.quarantined |= frame.partition == partition && frame.epoch < since;
        }
    }

    fn give_up_quarantine(&self, state: &mut State) -> bool {
        let before = state.unreleased.len();
        state.unreleased.retain(|frame| !frame.quarantined);
        let given_up = before - state.unreleased.len();
        if given_up > 0 {
            tracing::warn!(frames = given_up, "the WAL is full: quarantined frames are given up");
            metrics::counter!("alluvium_wal_quarantined_frames_given_up_total")
                .increment(given_up as u64);
            self.release(state);
        }
        given_up > 0
    }

    /// Releases up to the first frame that is still needed; everything when there is none.
    fn release(&self, state: &mut State) {
        let State { unreleased, committed, .. } = state;
        let mut through = None;
        while let Some(frame) = unreleased.front() {
            if committed.get(&frame.partition).is_none_or(|&end| end < frame.end_offset)
                || frame.quarantined
            {
                break;
            }
            through = Some(frame.end);
            unreleased.pop_front();
        }
        if let Some(through) = through {
            self.wal.release(through);
        }
    }
}

impl WalObserver for Progress {
    fn synced(&self, through: WalPosition) {
        self.moved.notify_one();
        self.spans.synced(through);
    }

    fn written(&self, through: WalPosition) {
        self.spans.written(through);
    }

    fn failed(&self, error: &WalError) {
        metrics::counter!("alluvium_wal_failures_total").increment(1);
        tracing::error!(%error, "the WAL has failed: nothing more is acknowledged from it; see to its disk and start this broker anew");
        *self.failure.lock() = Some(error.to_string());
        self.moved.notify_one();
        self.spans.end_all();
    }
}

#[cfg(test)]
mod tests;
