//! [`Pace`]: how fast a peer must move bytes that hold memory here.
//!
//! A pace is a share of the whole transfer in each window of time, so a transfer takes a bounded number of windows however long
//! it is, and a slow line that carries little is no offence.

use std::time::Duration;
use tokio::time::Instant;

/// A share of a transfer in each window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pace {
    /// Length of a window.
    pub(crate) window: Duration,
    /// One part of so many must move in each window, and one byte at least.
    pub(crate) parts: usize,
}

/// How a transfer goes.
#[derive(Debug)]
pub(crate) struct Progress {
    total_bytes: usize,
    window_start: Instant,
    moved_bytes: usize,
}

impl Progress {
    /// A transfer of `total_bytes` that begins now.
    pub(crate) fn begin(total_bytes: usize) -> Self {
        Self { total_bytes, window_start: Instant::now(), moved_bytes: 0 }
    }

    /// Notes that bytes were moved.
    pub(crate) fn moved(&mut self, bytes: usize) {
        self.moved_bytes += bytes;
    }

    /// Begins a window anew: it was not the peer who made this one long.
    pub(crate) fn begin_window(&mut self) {
        self.window_start = Instant::now();
        self.moved_bytes = 0;
    }

    /// Whether a window has ended with too little moved. The pace may differ from one call to the next.
    pub(crate) fn is_behind(&mut self, pace: Pace) -> bool {
        let now = Instant::now();
        if now.duration_since(self.window_start) < pace.window {
            return false;
        }
        let behind = self.moved_bytes < (self.total_bytes / pace.parts).max(1);
        self.begin_window();
        behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    const PACE: Pace = Pace { window: Duration::from_secs(10), parts: 8 };

    #[tokio::test(start_paused = true)]
    async fn an_eighth_in_every_window_keeps_pace() {
        let mut progress = Progress::begin(800);
        for _ in 0..8 {
            progress.moved(100);
            advance(PACE.window).await;
            assert!(!progress.is_behind(PACE));
        }
        progress.moved(99);
        advance(PACE.window).await;
        assert!(progress.is_behind(PACE));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_behind_within_a_window() {
        let mut progress = Progress::begin(800);
        advance(Duration::from_millis(9_999)).await;
        assert!(!progress.is_behind(PACE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_transfer_must_move_at_all() {
        let mut progress = Progress::begin(3);
        progress.moved(1);
        advance(PACE.window).await;
        assert!(!progress.is_behind(PACE));
        advance(PACE.window).await;
        assert!(progress.is_behind(PACE));
    }
}
