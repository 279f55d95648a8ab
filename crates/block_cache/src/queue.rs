//! [`Queue`]: blocks on their way to the disk, within a budget in bytes.

use crate::BlockKey;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use tokio::sync::Notify;

/// Blocks that wait hold so many bytes at most; mostly they are in the reader's memory as well, and cost nothing.
const LIMIT_BYTES: usize = 32 << 20;

/// Where blocks wait.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(BlockKey, Bytes)>,
    bytes: usize,
    closed: bool,
}

impl Queue {
    /// Adds a block; `false` when there is no room for it.
    pub(crate) fn push(&self, key: BlockKey, bytes: Bytes) -> bool {
        let mut state = self.state.lock();
        if state.closed || state.bytes + bytes.len() > LIMIT_BYTES {
            return false;
        }
        state.bytes += bytes.len();
        state.waiting.push_back((key, bytes));
        drop(state);
        self.changed.notify_one();
        true
    }

    /// Lets nothing more in. What waits can still be taken.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_one();
    }

    /// Waits for blocks and takes the first ones, of `limit` at most by `size_of`, but at least one. `None` once it is closed and empty.
    ///
    /// # Cancel safety
    /// Safe. For one taker.
    pub(crate) async fn take(
        &self,
        limit: usize,
        size_of: impl Fn(&BlockKey, &Bytes) -> usize,
    ) -> Option<Vec<(BlockKey, Bytes)>> {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state.lock();
                let taken = state.take(limit, &size_of);
                if !taken.is_empty() {
                    return Some(taken);
                }
                if state.closed {
                    return None;
                }
            }
            changed.await;
        }
    }
}

impl State {
    fn take(
        &mut self,
        limit: usize,
        size_of: impl Fn(&BlockKey, &Bytes) -> usize,
    ) -> Vec<(BlockKey, Bytes)> {
        let (mut taken, mut size) = (Vec::new(), 0);
        while let Some((key, bytes)) = self.waiting.pop_front() {
            size += size_of(&key, &bytes);
            if size > limit && !taken.is_empty() {
                self.waiting.push_front((key, bytes));
                break;
            }
            self.bytes -= bytes.len();
            taken.push((key, bytes));
        }
        taken
    }
}
