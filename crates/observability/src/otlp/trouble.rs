//! [`Trouble`]: what is told of a collector that does not take what it is sent: a counter of all that is lost, and one line.

use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// Nothing was lost for so long: the trouble is over. A collector that takes one batch in three is no reason for a line each time.
const CALM: Duration = Duration::from_secs(60);

/// The trouble with one signal.
#[derive(Debug)]
pub(crate) struct Trouble {
    signal: &'static str,
    endpoint: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When something was lost last, while that was told and is not over.
    last: Option<Instant>,
    lost: u64,
}

/// What to tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum News {
    Nothing,
    Begins,
    Over { lost: u64 },
}

impl Trouble {
    /// None yet, with `signal` (`traces`, `metrics`, `logs`).
    pub(crate) fn new(signal: &'static str, endpoint: &str) -> Self {
        Self { signal, endpoint: endpoint.to_owned(), state: Mutex::default() }
    }

    /// `items` were lost, because of `reason`.
    pub(crate) fn lost(&self, items: usize, reason: &str) {
        metrics::counter!("alluvium_otlp_dropped_total", "signal" => self.signal)
            .increment(items as u64);
        let news = self.state.lock().lost(items as u64, Instant::now());
        if news == News::Begins {
            let Self { signal, endpoint, .. } = self;
            tracing::warn!(
                signal,
                endpoint,
                reason,
                "telemetry is lost: the collector at otlp.endpoint does not take it. See whether it runs, is reached and keeps up; alluvium_otlp_dropped_total counts what is lost. Nothing else waits for it"
            );
        }
    }

    /// `items` were delivered.
    pub(crate) fn delivered(&self, items: usize) {
        metrics::counter!("alluvium_otlp_sent_total", "signal" => self.signal)
            .increment(items as u64);
        let news = self.state.lock().delivered(Instant::now());
        if let News::Over { lost } = news {
            let Self { signal, endpoint, .. } = self;
            tracing::info!(signal, endpoint, lost, "the collector takes telemetry again");
        }
    }
}

impl State {
    fn lost(&mut self, items: u64, now: Instant) -> News {
        self.lost += items;
        if self.last.replace(now).is_some() { News::Nothing } else { News::Begins }
    }

    fn delivered(&mut self, now: Instant) -> News {
        match self.last {
            Some(last) if now.duration_since(last) >= CALM => {
                self.last = None;
                News::Over { lost: std::mem::take(&mut self.lost) }
            }
            _ => News::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_told_once_however_much_is_lost_and_its_end_once_it_lasts() {
        let mut state = State::default();
        let start = Instant::now();
        assert_eq!(state.delivered(start), News::Nothing);
        assert_eq!(state.lost(5, start), News::Begins);
        // A batch in between is no end.
        let soon = start + CALM / 2;
        assert_eq!(state.delivered(soon), News::Nothing);
        assert_eq!(state.lost(3, soon), News::Nothing);
        assert_eq!(state.delivered(start + CALM), News::Nothing);
        assert_eq!(state.delivered(soon + CALM), News::Over { lost: 8 });
        assert_eq!(state.lost(1, soon + 2 * CALM), News::Begins);
    }
}
