//! [`MemoryWal`]: the port without a disk, for tests and simulation.
//!
//! It loses nothing but what a crash of a real disk would lose: [`MemoryWal::crash`] keeps what was synced and
//! drops the rest. Syncs happen on a task ([`MemoryWal::spawn_writer`]) or by hand ([`MemoryWal::sync_now`]).

use crate::{
    Appended, Durability, FrameMeta, RecoveredFrame, Recovery, Wal, WalError, WalIdentity,
    WalObserver, WalPosition,
    log_buffer::{BufferPool, Tail},
};
use bytes::Bytes;
use parking_lot::Mutex;
use runtime::Tasks;
use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};
use tokio::sync::Notify;

/// Positions that a frame takes beyond its payload, so that an empty payload has a position too.
const FRAME_OVERHEAD_BYTES: u64 = 64;

/// A WAL in memory. Cheap to clone; clones are the same WAL.
#[derive(Clone, Debug)]
pub struct MemoryWal(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    observer: OnceLock<Arc<dyn WalObserver>>,
    sync_wanted: Notify,
    max_bytes: u64,
    /// Of the payloads that were handed out; what is kept stands for the disk.
    pool: BufferPool,
}

#[derive(Debug)]
struct State {
    identity: WalIdentity,
    frames: VecDeque<Kept>,
    end: WalPosition,
    waited: WalPosition,
    synced: WalPosition,
    released: WalPosition,
    failed: Option<String>,
}

/// A frame as a disk would keep it.
#[derive(Clone, Debug)]
struct Kept {
    meta: FrameMeta,
    payload: Bytes,
    end: WalPosition,
}

impl MemoryWal {
    /// An empty WAL that refuses to hold more than `max_bytes` of unreleased frames. Nothing becomes synced until
    /// [`MemoryWal::sync_now`], unless a writer is spawned.
    pub fn new(identity: WalIdentity, max_bytes: u64) -> Self {
        Self::with_frames(identity, max_bytes, VecDeque::new(), WalPosition::default())
    }

    fn with_frames(
        identity: WalIdentity,
        max_bytes: u64,
        frames: VecDeque<Kept>,
        end: WalPosition,
    ) -> Self {
        let released = frames.front().map_or(end, start_of);
        let state =
            State { identity, frames, end, waited: end, synced: end, released, failed: None };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            observer: OnceLock::new(),
            sync_wanted: Notify::new(),
            max_bytes,
            pool: BufferPool::default(),
        }))
    }

    /// Syncs on a task of `tasks` whenever somebody waits.
    pub fn spawn_writer(&self, tasks: &Tasks) {
        let wal = self.clone();
        let shutdown = tasks.shutdown();
        tasks.spawn("memory-wal", async move {
            loop {
                tokio::select! {
                    () = wal.0.sync_wanted.notified() => wal.sync_if_waited(),
                    () = shutdown.requested() => return,
                }
            }
        });
    }

    /// Makes everything appended so far durable and tells the observer, on the caller's thread.
    pub fn sync_now(&self) {
        let through = {
            let mut state = self.0.state.lock();
            if state.failed.is_some() {
                return;
            }
            state.synced = state.end;
            state.synced
        };
        if let Some(observer) = self.0.observer.get() {
            observer.synced(through);
        }
    }

    fn sync_if_waited(&self) {
        let wanted = {
            let state = self.0.state.lock();
            state.waited > state.synced
        };
        if wanted {
            self.sync_now();
        }
    }

    /// Poisons the WAL, as a failed sync would, and tells the observer.
    pub fn fail(&self, reason: &str) {
        let first = self.0.state.lock().failed.replace(reason.to_owned()).is_none();
        if let (true, Some(observer)) = (first, self.0.observer.get()) {
            observer.failed(&WalError::Failed(reason.to_owned()));
        }
    }

    /// Ends this WAL as a power cut would, and opens what is left of it: the frames that were synced and not
    /// released.
    pub fn crash(&self) -> (Self, Recovery) {
        self.fail("the simulated machine lost its power");
        let state = self.0.state.lock();
        let frames: VecDeque<_> =
            state.frames.iter().filter(|frame| frame.end <= state.synced).cloned().collect();
        let recovered = |kept: &Kept| RecoveredFrame::new(kept.meta, &kept.payload, kept.end);
        let recovery = Recovery { frames: frames.iter().map(recovered).collect(), torn_bytes: 0 };
        let wal = Self::with_frames(state.identity.clone(), self.0.max_bytes, frames, state.synced);
        (wal, recovery)
    }
}

fn start_of(frame: &Kept) -> WalPosition {
    WalPosition(frame.end.0 - frame.payload.len() as u64 - FRAME_OVERHEAD_BYTES)
}

impl State {
    fn check_usable(&self) -> Result<(), WalError> {
        match &self.failed {
            Some(reason) => Err(WalError::Failed(reason.clone())),
            None => Ok(()),
        }
    }

    fn unreleased(&self) -> u64 {
        self.end.0.saturating_sub(self.released.0)
    }
}

impl Wal for MemoryWal {
    fn append(
        &self,
        meta: FrameMeta,
        parts: &[&[u8]],
        durability: Durability,
    ) -> Result<Appended, WalError> {
        let payload_bytes = parts.iter().map(|part| part.len()).sum();
        let payload = Tail::with_capacity(payload_bytes, &self.0.pool).append(parts);
        let mut state = self.0.state.lock();
        state.check_usable()?;
        let frame_bytes = payload.len() as u64 + FRAME_OVERHEAD_BYTES;
        let unreleased = state.unreleased();
        if unreleased + frame_bytes > self.0.max_bytes {
            return Err(WalError::Full { unreleased, limit: self.0.max_bytes });
        }
        let end = WalPosition(state.end.0 + frame_bytes);
        state.end = end;
        let kept = Bytes::copy_from_slice(&payload);
        state.frames.push_back(Kept { meta, payload: kept, end });
        if durability == Durability::Synced {
            state.waited = end;
            self.0.sync_wanted.notify_one();
        }
        Ok(Appended { end, payload })
    }

    fn request_sync(&self) {
        let mut state = self.0.state.lock();
        state.waited = state.end;
        self.0.sync_wanted.notify_one();
    }

    fn synced(&self) -> WalPosition {
        self.0.state.lock().synced
    }

    fn end(&self) -> WalPosition {
        self.0.state.lock().end
    }

    fn release(&self, through: WalPosition) {
        let mut state = self.0.state.lock();
        let through = through.min(state.end);
        state.released = state.released.max(through);
        while state.frames.front().is_some_and(|frame| frame.end <= through) {
            state.frames.pop_front();
        }
    }

    fn unreleased_bytes(&self) -> u64 {
        self.0.state.lock().unreleased()
    }

    fn buffer_bytes(&self) -> u64 {
        self.0.pool.bytes_in_use() as u64
    }

    fn unwritten_bytes(&self) -> u64 {
        0
    }

    fn read(&self, end: WalPosition, payload_bytes: usize) -> Result<Bytes, WalError> {
        let state = self.0.state.lock();
        let frame = state.frames.iter().find(|frame| frame.end == end);
        match frame {
            Some(frame) if frame.payload.len() == payload_bytes => Ok(frame.payload.clone()),
            _ => Err(WalError::NotHeld(end)),
        }
    }

    fn identity(&self) -> WalIdentity {
        self.0.state.lock().identity.clone()
    }

    fn raise_generation(&self) -> Result<WalIdentity, WalError> {
        let mut state = self.0.state.lock();
        state.identity.generation += 1;
        Ok(state.identity.clone())
    }

    fn observe(&self, observer: Arc<dyn WalObserver>) {
        assert!(self.0.observer.set(observer).is_ok(), "a WAL is observed once");
    }

    fn close(&self) -> Result<(), WalError> {
        self.0.state.lock().check_usable()?;
        self.sync_now();
        self.0.state.lock().failed = Some("it was closed".to_owned());
        Ok(())
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryWal").field("state", &self.state).finish_non_exhaustive()
    }
}
