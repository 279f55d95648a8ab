//! [`Notices`]: what this broker's session committed lately, for the brokers that serve its partitions to other zones (ADR 20).
//!
//! Notices have positions, counted from 0 in each session. The last few are kept in memory, within a budget in bytes and only while
//! somebody follows: who asks for older ones is told of a gap, and reads metadata. No record data is in them.

mod follower;

use bytes::Bytes;
use follower::Follower;
use model::{BrokerId, Offset, PartitionId, SessionId};
use parking_lot::Mutex;
use runtime::BootTime;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};
use tokio::sync::Notify;

/// Bytes of notices that are kept: what a follower may be behind before it reads metadata.
const KEPT_BYTES: usize = 16 << 20;

/// Bytes of one answer, about.
const ANSWER_BYTES: usize = 4 << 20;

/// What a notice takes in memory beyond its bytes.
const OVERHEAD_BYTES: usize = 256;

/// Something that those who serve the same partitions must know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice {
    /// A segment became part of the log.
    Committed {
        /// The commit.
        seq: u64,
        /// The segment.
        object: String,
        /// Its footer, as it lies in it.
        footer: Bytes,
    },
    /// An index object took the place of commits.
    Folded {
        /// The index object.
        object: String,
        /// Its directory, as it lies in it.
        directory: Bytes,
    },
    /// A log begins later.
    LogStart {
        /// Which.
        partition: PartitionId,
        /// Its first offset.
        offset: Offset,
    },
}

/// What a follower knows, and asks from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NoticesWanted {
    /// The session whose notices it has; `None` at first.
    pub session: Option<SessionId>,
    /// It has all before this position.
    pub position: u64,
    /// Partitions that it can't serve now.
    pub unserved: Vec<PartitionId>,
}

impl NoticesWanted {
    /// The answer that there is nothing new; `None` to who knows nothing yet.
    pub(crate) fn nothing_new(&self) -> Option<NoticesFound> {
        let (notices, next) = (Vec::new(), self.position);
        self.session.map(|session| NoticesFound { session, gap: false, notices, next })
    }
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticesFound {
    /// The session whose notices these are.
    pub session: SessionId,
    /// Earlier ones are missing: the follower has to read metadata, which tells at least of all before `next`.
    pub gap: bool,
    /// From `wanted.position` on.
    pub notices: Vec<Arc<Notice>>,
    /// The position to ask from next.
    pub next: u64,
}

/// Notices of one broker.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    kept: Mutex<Kept>,
    told: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    session: Option<SessionId>,
    notices: VecDeque<Arc<Notice>>,
    /// Position of the first that is kept.
    first: u64,
    bytes: usize,
    followers: HashMap<BrokerId, Follower>,
}

impl Notices {
    /// A session began: notices are its own from here on.
    pub(crate) fn begin(&self, session: SessionId) {
        *self.kept.lock() = Kept { session: Some(session), ..Kept::default() };
        self.told.notify_waiters();
    }

    /// Tells of what `session` did; an earlier session's doings are told by metadata.
    pub(crate) fn tell(&self, session: SessionId, now: BootTime, notice: impl FnOnce() -> Notice) {
        let mut kept = self.kept.lock();
        if kept.session != Some(session) {
            return;
        }
        kept.followers.retain(|_, follower| follower.is_there(now));
        if kept.followers.is_empty() {
            kept.forget_all();
            kept.first += 1;
            return;
        }
        kept.keep(notice());
        drop(kept);
        self.told.notify_waiters();
    }

    /// Answers a follower, if there is something to tell it.
    pub(crate) fn look(
        &self,
        reader: BrokerId,
        wanted: &NoticesWanted,
        now: BootTime,
    ) -> Option<NoticesFound> {
        self.kept.lock().look(reader, wanted, now)
    }

    /// Waits until something is told. Counts from the call on, not from the first poll.
    pub(crate) fn told(&self) -> impl Future<Output = ()> + '_ {
        self.told.notified()
    }

    /// Whether `reader` knows all but the last moments of what was committed, and can serve the partition.
    pub(crate) fn is_current(
        &self,
        reader: BrokerId,
        partition: PartitionId,
        now: BootTime,
    ) -> bool {
        let kept = self.kept.lock();
        kept.followers.get(&reader).is_some_and(|it| it.is_current(now) && it.serves(partition))
    }
}

impl Kept {
    fn next(&self) -> u64 {
        self.first + self.notices.len() as u64
    }

    fn forget_all(&mut self) {
        self.first = self.next();
        self.notices.clear();
        self.bytes = 0;
    }

    fn keep(&mut self, notice: Notice) {
        self.bytes += size(&notice);
        self.notices.push_back(Arc::new(notice));
        while self.bytes > KEPT_BYTES
            && let Some(oldest) = self.notices.pop_front()
        {
            self.bytes -= size(&oldest);
            self.first += 1;
        }
    }

    fn look(
        &mut self,
        reader: BrokerId,
        wanted: &NoticesWanted,
        now: BootTime,
    ) -> Option<NoticesFound> {
        let session = self.session?;
        let next = self.next();
        let known =
            wanted.session == Some(session) && (self.first..=next).contains(&wanted.position);
        let follower = self.followers.entry(reader).or_default();
        let unserved: HashSet<_> = wanted.unserved.iter().copied().collect();
        follower.asked(now, known.then_some(wanted.position), next, unserved);
        if !known {
            return Some(NoticesFound { session, gap: true, notices: Vec::new(), next });
        }
        let skipped = (wanted.position - self.first) as usize;
        let mut room = ANSWER_BYTES;
        let fitting = self.notices.iter().skip(skipped).take_while(|notice| {
            let fits = room > 0;
            room = room.saturating_sub(size(notice));
            fits
        });
        let notices: Vec<_> = fitting.cloned().collect();
        let next = wanted.position + notices.len() as u64;
        (!notices.is_empty()).then_some(NoticesFound { session, gap: false, notices, next })
    }
}

fn size(notice: &Notice) -> usize {
    let bytes = match notice {
        Notice::Committed { footer, .. } => footer.len(),
        Notice::Folded { directory, .. } => directory.len(),
        Notice::LogStart { .. } => 0,
    };
    OVERHEAD_BYTES + bytes
}

#[cfg(test)]
mod tests;
