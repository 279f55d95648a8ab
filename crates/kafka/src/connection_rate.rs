//! [`ConnectionRate`]: how fast connections are accepted (`max.connection.creation.rate`, KIP-612).

use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// A bucket with one second's worth of connections. Who comes when it is empty waits in the listener's backlog, as in Kafka.
#[derive(Debug)]
pub(crate) struct ConnectionRate {
    per_second: u32,
    /// When the bucket was or will be full.
    full_at: Mutex<Instant>,
}

impl ConnectionRate {
    /// So many a second.
    pub(crate) fn new(per_second: u32) -> Self {
        Self { per_second: per_second.max(1), full_at: Mutex::new(Instant::now()) }
    }

    /// Takes one from the bucket; answers how long to wait for it.
    fn take(&self, now: Instant) -> Duration {
        let each = Duration::from_secs(1) / self.per_second;
        let mut full_at = self.full_at.lock();
        *full_at = (*full_at).max(now) + each;
        (*full_at - now).saturating_sub(Duration::from_secs(1))
    }

    /// Waits until another connection may come. Answers whether it had to.
    ///
    /// # Cancel safety
    /// A wait that is dropped has taken its place all the same.
    pub(crate) async fn admit(&self) -> bool {
        let wait = self.take(Instant::now());
        if wait.is_zero() {
            return false;
        }
        tokio::time::sleep(wait).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_second_of_connections_comes_at_once_and_the_rest_at_the_rate() {
        let rate = ConnectionRate::new(10);
        let began = Instant::now();
        for _ in 0..10 {
            assert!(!rate.admit().await);
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        for _ in 0..20 {
            assert!(rate.admit().await);
        }
        let took = began.elapsed();
        assert!((1_990..=2_010).contains(&took.as_millis()), "{took:?}");
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!rate.admit().await);
    }
}
