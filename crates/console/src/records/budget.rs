//! [`Budget`]: how much one search may read, and how long it may take.

use std::time::Duration;
use tokio::time::Instant;

const BYTES: usize = 64 << 20;
const TIME: Duration = Duration::from_secs(8);
/// Bytes of shown keys, values and headers in one answer.
pub(super) const ANSWER_BYTES: usize = 8 << 20;

/// What is left.
#[derive(Debug)]
pub(super) struct Budget {
    bytes: usize,
    until: Instant,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { bytes: BYTES, until: Instant::now() + TIME }
    }

    pub(super) fn spend(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Why to stop, if it is time to.
    pub(super) fn is_spent(&self) -> Option<String> {
        if self.bytes == 0 {
            return Some(format!("stopped after {} MiB", BYTES >> 20));
        }
        let late = Instant::now() >= self.until;
        late.then(|| format!("stopped after {} s", TIME.as_secs()))
    }
}
