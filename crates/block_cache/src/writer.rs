//! [`Writer`]: brings what waits to the disk, one buffer at a time, so that foyer has no reason to drop anything.
//!
//! foyer takes what it gets into one buffer while another one is being written, and drops what does not fit without a word. So a buffer's worth
//! is handed to it, and waited for.

use crate::{BlockKey, cache::Foyer, counters::Counters, queue::Queue, regions::PAGE_BYTES};
use bytes::Bytes;
use foyer::Code;
use runtime::Shutdown;
use std::{num::NonZeroU64, sync::Arc, time::Duration};
use tokio::time::Instant;

/// One write, and the largest entry. Two buffers of this size become resident once something is written.
pub(crate) const BUFFER_BYTES: usize = 4 << 20;

/// foyer's head of an entry, and the length of its value.
const HEAD_BYTES: usize = 36 + 8;

/// A disk that took nothing is left alone for so long.
const PAUSE: Duration = Duration::from_secs(10);

/// What an entry takes on disk, and of a buffer.
pub(crate) fn bytes_on_disk(key: &BlockKey, bytes: &Bytes) -> usize {
    (HEAD_BYTES + key.estimated_size() + bytes.len()).next_multiple_of(PAGE_BYTES)
}

fn bytes_of(blocks: &[(BlockKey, Bytes)]) -> u64 {
    blocks.iter().map(|(_, bytes)| bytes.len() as u64).sum()
}

/// The one that writes.
pub(crate) struct Writer {
    foyer: Foyer,
    queue: Arc<Queue>,
    counters: Counters,
    directory: String,
    bytes_per_second: Option<NonZeroU64>,
    refusals: Refusals,
}

impl Writer {
    pub(crate) fn new(
        foyer: Foyer,
        queue: Arc<Queue>,
        counters: Counters,
        directory: String,
        bytes_per_second: Option<NonZeroU64>,
    ) -> Self {
        let refusals = Refusals::default();
        Self { foyer, queue, counters, directory, bytes_per_second, refusals }
    }

    /// Writes until the queue is closed and empty, or to the middle of something at shutdown.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        tokio::select! {
            () = shutdown.requested() => {}
            () = self.write_all() => {}
        }
    }

    async fn write_all(&mut self) {
        while let Some(blocks) = self.queue.take(BUFFER_BYTES, bytes_on_disk).await {
            if self.refusals.pauses(Instant::now()) {
                self.counters.dropped_failed.increment(blocks.len() as u64);
            } else {
                let (began, bytes) = (Instant::now(), bytes_of(&blocks));
                self.write(blocks).await;
                tokio::time::sleep_until(began + self.time_of(bytes)).await;
            }
        }
    }

    /// How long so many bytes are to take at least.
    fn time_of(&self, bytes: u64) -> Duration {
        let rate = self.bytes_per_second.map(NonZeroU64::get);
        rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(bytes as f64 / rate as f64))
    }

    async fn write(&mut self, blocks: Vec<(BlockKey, Bytes)>) {
        let storage = self.foyer.storage();
        let mut begun = Vec::new();
        for (key, bytes) in blocks {
            if !storage.may_contains(&key) {
                begun.push((key.clone(), bytes.len() as u64));
                drop(self.foyer.storage_writer(key).insert(bytes));
            }
        }
        if begun.is_empty() {
            return;
        }
        storage.wait().await;
        let written = begun.iter().filter(|(key, _)| storage.may_contains(key));
        let (mut blocks, mut bytes) = (0, 0);
        for (_, length) in written {
            blocks += 1;
            bytes += length;
        }
        self.counters.inserted_bytes.increment(bytes);
        self.counters.dropped_failed.increment((begun.len() - blocks) as u64);
        self.note(blocks > 0);
    }

    fn note(&mut self, took_something: bool) {
        let directory = &self.directory;
        match self.refusals.note(took_something, Instant::now()) {
            None => {}
            Some(Turn::Began) => tracing::warn!(
                directory,
                "the read cache's disk takes no writes: look at its room and at the kernel's messages, or set cache.max.bytes=0. Reading goes on, from the object store"
            ),
            Some(Turn::Ended) => {
                tracing::info!(directory, "the read cache's disk takes writes again");
            }
        }
    }
}

/// Whether the disk takes anything.
#[derive(Debug, Default)]
struct Refusals {
    refused_once: bool,
    /// When it last refused, the second time in a row or later.
    last: Option<Instant>,
}

/// What is to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    Began,
    Ended,
}

impl Refusals {
    /// Whether it is left alone for now.
    fn pauses(&self, now: Instant) -> bool {
        self.last.is_some_and(|last| now.duration_since(last) < PAUSE)
    }

    /// Notes whether a write left anything behind. Once may be chance: blocks can be forgotten while they are written.
    fn note(&mut self, took_something: bool, now: Instant) -> Option<Turn> {
        if took_something {
            self.refused_once = false;
            return self.last.take().map(|_| Turn::Ended);
        }
        if !self.refused_once {
            self.refused_once = true;
            return None;
        }
        let earlier = self.last.replace(now);
        earlier.is_none().then_some(Turn::Began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_refuses_is_told_of_once_and_tried_again_later() {
        let (mut disk, begin) = (Refusals::default(), Instant::now());
        let after = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(disk.note(false, begin), None);
        assert_eq!(disk.note(true, begin), None);
        assert_eq!(disk.note(false, begin), None);
        assert!(!disk.pauses(begin), "once is no more than once");
        assert_eq!(disk.note(false, begin), Some(Turn::Began));
        assert!(disk.pauses(after(9)) && !disk.pauses(after(10)));
        assert_eq!(disk.note(false, after(10)), None);
        assert!(disk.pauses(after(19)));
        assert_eq!(disk.note(true, after(20)), Some(Turn::Ended));
        assert!(!disk.pauses(after(20)));
    }
}
