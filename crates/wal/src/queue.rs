//! [`Queue`]: frames on their way from those who append to the writer.
//!
//! One mutex, held for a copy at most, never for the disk. While the writer writes a group, the next one fills.

use crate::{
    Appended, Durability, FrameMeta, WalError, WalObserver, WalPosition,
    group::{Group, GroupFrame, HEADER_BYTES},
    log_buffer::{BUFFER_BYTES, BufferPool, Tail},
};
use formats::wal_frame::padded;
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::sync::Notify;

/// How long frames that nobody waits for may stay in memory only.
const LINGER: Duration = Duration::from_millis(10);
/// How long to wait before a full disk is tried again.
const DISK_FULL_PAUSE: Duration = Duration::from_millis(500);

/// What the queue refuses beyond.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Unreleased bytes.
    pub(crate) max_bytes: u64,
    /// Bytes not yet written.
    pub(crate) max_unwritten_bytes: u64,
}

/// What the writer is to do.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) groups: VecDeque<Group>,
    /// Whether somebody waits.
    pub(crate) sync: bool,
}

/// Where the WAL goes on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Resume {
    /// Position of the next group.
    pub(crate) position: u64,
    /// End of the last frame.
    pub(crate) end: u64,
    /// Everything before this is released.
    pub(crate) released: u64,
}

pub(crate) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    /// The same, for a writer that is a task.
    wake_task: Notify,
    observer: OnceLock<Arc<dyn WalObserver>>,
    limits: Limits,
    directory: String,
    pool: BufferPool,
}

#[derive(Debug)]
struct State {
    tail: Tail,
    /// The group that fills: where it starts, and its frames.
    position: u64,
    frames: Vec<GroupFrame>,
    closed: VecDeque<Group>,
    unwritten_bytes: u64,
    end: u64,
    waited: u64,
    synced: u64,
    released: u64,
    disk_full: bool,
    closing: bool,
    failed: Option<String>,
}

impl Queue {
    pub(crate) fn new(resume: Resume, limits: Limits, directory: String) -> Self {
        let pool = BufferPool::default();
        let state = State {
            tail: Tail::with_capacity(BUFFER_BYTES, &pool),
            position: resume.position,
            frames: Vec::new(),
            closed: VecDeque::new(),
            unwritten_bytes: 0,
            end: resume.end,
            waited: resume.end,
            synced: resume.end,
            released: resume.released,
            disk_full: false,
            closing: false,
            failed: None,
        };
        Self {
            state: Mutex::new(state),
            wake: Condvar::new(),
            wake_task: Notify::new(),
            observer: OnceLock::new(),
            limits,
            directory,
            pool,
        }
    }

    pub(crate) fn append(
        &self,
        meta: FrameMeta,
        parts: &[&[u8]],
        durability: Durability,
    ) -> Result<Appended, WalError> {
        let payload_bytes: usize = parts.iter().map(|part| part.len()).sum();
        let mut state = self.state.lock();
        self.check_room(&state, HEADER_BYTES + payload_bytes)?;
        state.make_room(payload_bytes, &self.pool);
        let was_empty = state.frames.is_empty();
        let appended = state.push(meta, payload_bytes as u32, parts);
        if durability == Durability::Synced {
            state.waited = state.end;
        }
        if was_empty || durability == Durability::Synced || !state.closed.is_empty() {
            self.wake();
        }
        Ok(appended)
    }

    fn check_room(&self, state: &State, frame_bytes: usize) -> Result<(), WalError> {
        state.check_usable()?;
        if state.disk_full {
            // The thread tries again by time; a task does when somebody asks.
            self.wake_task.notify_one();
            return Err(WalError::DiskFull { directory: self.directory.clone() });
        }
        let refuse = |held: u64, limit| Err(WalError::Full { unreleased: held, limit });
        let frame_bytes = frame_bytes as u64;
        let unreleased = state.unreleased();
        if unreleased + frame_bytes > self.limits.max_bytes || u32::try_from(frame_bytes).is_err() {
            return refuse(unreleased, self.limits.max_bytes);
        }
        let unwritten = state.unwritten_bytes;
        if unwritten > 0 && unwritten + frame_bytes > self.limits.max_unwritten_bytes {
            return refuse(unwritten, self.limits.max_unwritten_bytes);
        }
        Ok(())
    }

    fn wake(&self) {
        self.wake.notify_one();
        self.wake_task.notify_one();
    }

    /// Waits until there may be something to do.
    ///
    /// # Cancel safety
    /// Safe: a wake-up stays until it is seen.
    pub(crate) async fn woken(&self) {
        self.wake_task.notified().await;
    }

    pub(crate) fn request_sync(&self) {
        let mut state = self.state.lock();
        state.waited = state.end;
        self.wake();
    }

    /// Waits until there is something to do; `None` when there never will be again. `blocked` says that the writer
    /// holds groups that the disk had no room for.
    pub(crate) fn wait(&self, blocked: bool) -> Option<Work> {
        let mut state = self.state.lock();
        if blocked && !state.closing && state.failed.is_none() {
            self.wake.wait_for(&mut state, DISK_FULL_PAUSE);
        }
        loop {
            let finished = state.closing && (blocked || state.is_written_out());
            if finished || state.failed.is_some() {
                return None;
            }
            if blocked || state.is_due() {
                return Some(state.take());
            }
            if state.frames.is_empty() {
                self.wake.wait(&mut state);
            } else if self.wake.wait_for(&mut state, LINGER).timed_out() {
                return Some(state.take());
            }
        }
    }

    /// What there is to do now, without waiting; `None` once poisoned.
    pub(crate) fn take(&self) -> Option<Work> {
        let mut state = self.state.lock();
        if state.failed.is_some() { None } else { Some(state.take()) }
    }

    /// Notes that `bytes` of groups are written.
    pub(crate) fn wrote(&self, bytes: u64) {
        let mut state = self.state.lock();
        state.unwritten_bytes -= bytes;
        if std::mem::take(&mut state.disk_full) {
            tracing::info!(directory = self.directory, "the WAL's disk has room again");
        }
    }

    /// Tells the observer that everything before `through` is written.
    pub(crate) fn publish_written(&self, through: u64) {
        if let Some(observer) = self.observer.get() {
            observer.written(WalPosition(through));
        }
    }

    /// Notes that everything before `through` is durable and tells the observer.
    pub(crate) fn publish_synced(&self, through: u64) {
        self.state.lock().synced = through;
        if let Some(observer) = self.observer.get() {
            observer.synced(WalPosition(through));
        }
    }

    pub(crate) fn set_disk_full(&self) {
        if !std::mem::replace(&mut self.state.lock().disk_full, true) {
            metrics::counter!("alluvium_wal_disk_full_total").increment(1);
            tracing::error!(
                directory = self.directory,
                "the WAL's disk is full: appends are refused until there is room; free space on it or lower wal.max.bytes"
            );
        }
    }

    /// Poisons the queue: nothing more is taken in, nothing that waits will become durable.
    pub(crate) fn fail(&self, reason: String) {
        {
            let mut state = self.state.lock();
            if state.failed.is_some() {
                return;
            }
            state.failed = Some(reason.clone());
            state.closed.clear();
            self.wake.notify_all();
        }
        if let Some(observer) = self.observer.get() {
            observer.failed(&WalError::Failed(reason));
        }
    }

    pub(crate) fn release(&self, through: WalPosition) -> u64 {
        let mut state = self.state.lock();
        state.released = state.released.max(through.0.min(state.end));
        if state.disk_full {
            self.wake();
        }
        state.released
    }

    /// Takes nothing more in and lets the writer finish.
    pub(crate) fn start_closing(&self) {
        let mut state = self.state.lock();
        state.closing = true;
        state.waited = state.end;
        self.wake.notify_all();
    }

    /// Whether everything that was taken in is durable.
    ///
    /// # Errors
    /// [`WalError::Failed`] once poisoned, [`WalError::DiskFull`] when groups wait for room.
    pub(crate) fn check_durable(&self) -> Result<(), WalError> {
        let state = self.state.lock();
        match &state.failed {
            Some(reason) => Err(WalError::Failed(reason.clone())),
            None if state.is_written_out() => Ok(()),
            None => Err(WalError::DiskFull { directory: self.directory.clone() }),
        }
    }

    pub(crate) fn observe(&self, observer: Arc<dyn WalObserver>) {
        assert!(self.observer.set(observer).is_ok(), "a WAL is observed once");
    }

    pub(crate) fn synced(&self) -> WalPosition {
        WalPosition(self.state.lock().synced)
    }

    pub(crate) fn end(&self) -> WalPosition {
        WalPosition(self.state.lock().end)
    }

    pub(crate) fn unreleased_bytes(&self) -> u64 {
        self.state.lock().unreleased()
    }

    pub(crate) fn unwritten_bytes(&self) -> u64 {
        self.state.lock().unwritten_bytes
    }

    /// Memory that the queue's buffers hold, slices that others still keep included.
    pub(crate) fn buffer_bytes(&self) -> usize {
        self.pool.bytes_in_use()
    }
}

impl State {
    fn check_usable(&self) -> Result<(), WalError> {
        match &self.failed {
            Some(reason) => Err(WalError::Failed(reason.clone())),
            None if self.closing => Err(WalError::Failed("it was closed".to_owned())),
            None => Ok(()),
        }
    }

    fn unreleased(&self) -> u64 {
        self.end.saturating_sub(self.released)
    }

    /// Makes sure that the tail has room for one more frame.
    fn make_room(&mut self, payload_bytes: usize, pool: &BufferPool) {
        let needed = 2 * HEADER_BYTES + payload_bytes;
        if needed <= self.tail.room() {
            return;
        }
        self.close_group();
        self.tail = Tail::with_capacity(BUFFER_BYTES.max(padded(needed)), pool);
    }

    fn push(&mut self, meta: FrameMeta, payload_bytes: u32, parts: &[&[u8]]) -> Appended {
        let before = self.tail.section_bytes();
        if self.frames.is_empty() {
            self.tail.reserve(HEADER_BYTES);
        }
        self.tail.reserve(HEADER_BYTES);
        let payload = self.tail.append(parts);
        self.frames.push(GroupFrame { meta, payload_bytes });
        let section_bytes = self.tail.section_bytes();
        self.unwritten_bytes += (section_bytes - before) as u64;
        self.end = self.position + section_bytes as u64;
        Appended { end: WalPosition(self.end), payload }
    }

    /// Closes the group that fills, if it has frames.
    fn close_group(&mut self) {
        if self.frames.is_empty() {
            return;
        }
        let before = self.tail.section_bytes();
        let section = self.tail.end_section();
        self.unwritten_bytes += (section.len() - before) as u64;
        let group = Group {
            position: self.position,
            frames_end: self.end,
            frames: std::mem::take(&mut self.frames),
            section,
        };
        self.position = group.end();
        self.closed.push_back(group);
    }

    fn is_due(&self) -> bool {
        self.waited > self.synced || !self.closed.is_empty()
    }

    fn is_written_out(&self) -> bool {
        self.frames.is_empty() && self.closed.is_empty() && self.waited <= self.synced
    }

    fn take(&mut self) -> Work {
        self.close_group();
        Work { groups: std::mem::take(&mut self.closed), sync: self.waited > self.synced }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state: MutexGuard<'_, State> = self.state.lock();
        f.debug_struct("Queue")
            .field("end", &state.end)
            .field("synced", &state.synced)
            .field("released", &state.released)
            .field("failed", &state.failed)
            .finish_non_exhaustive()
    }
}
