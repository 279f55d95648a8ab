//! [`ActiveSession`]: a session while this broker commits under it.

use crate::{SessionStamp, fold::SessionCommits};
use parking_lot::Mutex;
use runtime::{Shutdown, Tasks};
use std::{
    future::Future,
    sync::atomic::{
        AtomicU64, AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
    },
};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

/// One life of the pipeline.
#[derive(Debug)]
pub(crate) struct ActiveSession {
    pub(crate) stamp: SessionStamp,
    /// Commits and index objects of this session, for folding and garbage.
    pub(crate) commits: Mutex<SessionCommits>,
    /// Held while commits are folded, or taken out as garbage.
    pub(crate) fold_gate: tokio::sync::Mutex<()>,
    /// Told of every commit.
    pub(crate) fold_wanted: Notify,
    pub(crate) uploads_in_flight: AtomicUsize,
    cut_seq: AtomicU64,
    stored_seq: AtomicU64,
    committed_seq: watch::Sender<u64>,
    halted: Mutex<Option<String>>,
    tasks: Tasks,
}

impl ActiveSession {
    /// A session whose tasks are children of `tasks`; its head is at 0.
    pub(crate) fn new(stamp: SessionStamp, tasks: &Tasks) -> Self {
        Self {
            stamp,
            commits: Mutex::default(),
            fold_gate: tokio::sync::Mutex::new(()),
            fold_wanted: Notify::new(),
            uploads_in_flight: AtomicUsize::new(0),
            cut_seq: AtomicU64::new(0),
            stored_seq: AtomicU64::new(0),
            committed_seq: watch::Sender::new(0),
            halted: Mutex::default(),
            tasks: tasks.child(),
        }
    }

    /// Runs a task until it ends or the session does.
    pub(crate) fn spawn<F>(&self, name: &'static str, future: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let ended = self.ended();
        self.tasks.spawn(name, async move {
            tokio::select! {
                biased;
                () = ended.requested() => {}
                () = future => {}
            }
        })
    }

    /// Ends it: its tasks stop where they wait.
    pub(crate) fn end(&self) {
        self.tasks.request_shutdown();
    }

    /// Told when it ends.
    pub(crate) fn ended(&self) -> Shutdown {
        self.tasks.shutdown()
    }

    /// The number of the next flush.
    pub(crate) fn next_seq(&self) -> u64 {
        self.cut_seq.fetch_add(1, Relaxed) + 1
    }

    /// Last commit known to be stored. Whoever sees something of it made durable sees it counted here.
    pub(crate) fn stored_seq(&self) -> u64 {
        self.stored_seq.load(Acquire)
    }

    /// Notes a commit, before anything of it is made durable.
    pub(crate) fn set_stored(&self, seq: u64) {
        self.stored_seq.store(seq, Release);
    }

    /// Last commit that is stored, and applied to every partition in it.
    pub(crate) fn committed_seq(&self) -> u64 {
        *self.committed_seq.borrow()
    }

    /// Notes a commit, after all of it was made durable.
    pub(crate) fn set_committed(&self, seq: u64) {
        self.committed_seq.send_replace(seq);
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_settled(&self) -> bool {
        self.committed_seq() >= self.cut_seq.load(Relaxed)
    }

    /// Waits until everything cut so far is committed; `false` when the session ended first.
    pub(crate) async fn settled(&self) -> bool {
        let cut = self.cut_seq.load(Relaxed);
        let mut committed = self.committed_seq.subscribe();
        let ended = self.ended();
        tokio::select! {
            settled = committed.wait_for(|&seq| seq >= cut) => settled.is_ok(),
            () = ended.requested() => false,
        }
    }

    /// Why it commits nothing more, if something is wrong that no fault explains.
    pub(crate) fn halted(&self) -> Option<String> {
        self.halted.lock().clone()
    }

    /// Stops committing for good.
    pub(crate) fn halt(&self, reason: String) {
        *self.halted.lock() = Some(reason);
    }
}
