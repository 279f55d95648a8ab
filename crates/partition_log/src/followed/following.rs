//! [`Following`]: one partition of another broker: what is known of it, and what is to be done.

use crate::{
    Claim,
    index::SegmentSlice,
    partition::Shared,
    sequencer::{Followed, Phase},
};
use model::{LeaderEpoch, Offset, SessionId};
use runtime::BootTime;
use std::{sync::Arc, time::Duration};

/// What is told of a partition while it is being read, at most; beyond, it is read once more.
const WAITING_MAX: usize = 4_096;

/// A partition that nobody asked for in so long is closed.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// Consumers at the end of a partition ask for it more often than this.
const AWAITED_WITHIN: Duration = Duration::from_secs(5);

/// A partition that could not be read is tried again after so long.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Told of a partition.
#[derive(Debug)]
pub(super) enum Told {
    /// A slice was committed.
    Slice(SegmentSlice),
    /// The log begins later.
    LogStart(Offset),
}

/// A partition of another broker.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// The owner's session whose notices count.
    pub(super) session: Option<SessionId>,
    epoch: Option<LeaderEpoch>,
    /// What is served.
    pub(super) log: Option<Arc<Shared>>,
    /// While it is being read: what was told since that began.
    waiting: Option<Vec<Told>>,
    /// Something is missing at its end.
    pub(super) stale: bool,
    /// When it last could not be read.
    pub(super) failed_at: Option<BootTime>,
    /// When a consumer last asked for it.
    pub(super) used_at: BootTime,
}

impl Following {
    /// Whether it is to be read, now that its owner record is of `epoch`.
    pub(super) fn is_due(&self, epoch: LeaderEpoch, now: BootTime) -> bool {
        let pauses = self.failed_at.is_some_and(|at| now.since(at) < RETRY_PAUSE);
        let is_behind = self.stale || self.log.is_none() || self.epoch < Some(epoch);
        is_behind && !pauses && self.waiting.is_none()
    }

    /// Whether nobody wants it any more.
    pub(super) fn is_forgotten(&self, now: BootTime) -> bool {
        now.since(self.used_at) >= FORGOTTEN_AFTER
    }

    /// Whether somebody seems to wait for what is new.
    pub(super) fn is_awaited(&self, now: BootTime) -> bool {
        self.log.is_some() && now.since(self.used_at) < AWAITED_WITHIN
    }

    /// Begins to read it; `false` when that is under way, or the claim is damaged or old.
    pub(super) fn begin(&mut self, claim: &Claim) -> bool {
        let epoch = LeaderEpoch::new(claim.owner.leader_epoch);
        if self.waiting.is_some() || epoch.is_none() || epoch < self.epoch {
            return false;
        }
        self.epoch = epoch;
        self.session = SessionId::from_slice(&claim.owner.session);
        self.waiting = Some(Vec::new());
        self.stale = false;
        true
    }

    /// It could not be read.
    pub(super) fn fail(&mut self, now: BootTime) {
        self.waiting = None;
        self.stale = true;
        self.failed_at = Some(now);
    }

    /// It was read: `log` counts, and what was told meanwhile. `false` when something is missing all the same.
    pub(super) fn install(&mut self, log: Arc<Shared>) -> bool {
        self.failed_at = None;
        self.log = Some(log);
        for told in self.waiting.take().unwrap_or_default() {
            self.tell(told);
        }
        !self.stale
    }

    /// Takes in what was told, or keeps it until the partition is read.
    pub(super) fn tell(&mut self, told: Told) {
        match (&mut self.waiting, &self.log) {
            (Some(waiting), _) if waiting.len() < WAITING_MAX => waiting.push(told),
            (None, Some(log)) => self.stale |= !follow(log, told),
            _ => self.stale = true,
        }
    }

    /// It is not served any more.
    pub(super) fn close(&mut self) {
        if let Some(log) = self.log.take() {
            let mut sequencer = log.sequencer.lock();
            sequencer.phase = Phase::Closed;
            sequencer.wake_all();
        }
    }
}

/// Takes in what was told of a log; `false` when something before it is missing.
fn follow(log: &Shared, told: Told) -> bool {
    let mut sequencer = log.sequencer.lock();
    match told {
        Told::Slice(segment) => sequencer.follow(segment) != Followed::Gap,
        Told::LogStart(offset) => {
            sequencer.raise_log_start(offset);
            true
        }
    }
}
