//! [`LogLimit`]: keeps what clients provoke from filling the log.

use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// Between two lines of one kind.
const PERIOD: Duration = Duration::from_secs(10);

/// Lets one line through every ten seconds, and counts the others.
#[derive(Debug, Default)]
pub(crate) struct LogLimit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    suppressed: u64,
}

impl LogLimit {
    /// Whether a line may be written now: if so, how many were not since the last one.
    pub(crate) fn admit(&self) -> Option<u64> {
        let mut state = self.0.lock();
        let now = Instant::now();
        if state.last.is_some_and(|last| now.duration_since(last) < PERIOD) {
            state.suppressed += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_line_passes_in_a_period_and_tells_of_the_others() {
        let limit = LogLimit::default();
        assert_eq!(limit.admit(), Some(0));
        assert_eq!((limit.admit(), limit.admit()), (None, None));
        tokio::time::advance(PERIOD).await;
        assert_eq!((limit.admit(), limit.admit()), (Some(2), None));
    }
}
