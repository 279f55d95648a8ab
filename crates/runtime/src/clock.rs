//! Clock: wall-clock time for records, boot time for leases. Sleeping is tokio's, which a test can pause.

use parking_lot::Mutex;
use std::{fmt, sync::Arc, time::Duration};

/// Time since the machine started, suspension included (`CLOCK_BOOTTIME`). Leases are judged by it: a monotonic
/// clock stands still while a laptop sleeps or a VM is suspended, the lease at the server does not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct BootTime(pub Duration);

impl BootTime {
    /// The time `duration` later.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// A clock: the machine's, or one that a test or a simulation moves. Cheap to clone; clones tell the same time.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    /// Whoever drives it says how much time has passed: for what several runtimes share, each with a clock of its own.
    Driven {
        origin_unix_ms: i64,
        passed: Arc<Mutex<Duration>>,
    },
    /// Boot time follows tokio's (pausable) clock; the wall clock is that plus an origin.
    Simulated {
        origin_unix_ms: i64,
        start: tokio::time::Instant,
        skew: Arc<Mutex<i64>>,
    },
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that follows tokio's time, which a test may pause, and starts at `origin_unix_ms` (milliseconds since
    /// 1970). Must be made inside a tokio runtime.
    pub fn simulated(origin_unix_ms: i64) -> Self {
        Self(Source::Simulated {
            origin_unix_ms,
            start: tokio::time::Instant::now(),
            skew: Arc::new(Mutex::new(0)),
        })
    }

    /// A clock that stands still but for [`Clock::advance`], and starts at `origin_unix_ms` (milliseconds since 1970).
    pub fn driven(origin_unix_ms: i64) -> Self {
        Self(Source::Driven { origin_unix_ms, passed: Arc::default() })
    }

    /// Lets time pass on a driven clock; nothing on any other.
    pub fn advance(&self, duration: Duration) {
        if let Source::Driven { passed, .. } = &self.0 {
            *passed.lock() += duration;
        }
    }

    /// Moves a simulated wall clock by `milliseconds` (boot time stays); nothing on the machine's own.
    pub fn skew(&self, milliseconds: i64) {
        if let Source::Simulated { skew, .. } = &self.0 {
            *skew.lock() += milliseconds;
        }
    }

    /// Time since boot.
    pub fn boot_time(&self) -> BootTime {
        match &self.0 {
            Source::System => {
                let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
                BootTime(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
            }
            Source::Driven { passed, .. } => BootTime(*passed.lock()),
            Source::Simulated { start, .. } => BootTime(start.elapsed()),
        }
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub fn unix_ms(&self) -> i64 {
        match &self.0 {
            Source::System => {
                let time = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
                time.tv_sec * 1_000 + time.tv_nsec / 1_000_000
            }
            Source::Driven { origin_unix_ms, passed } => {
                origin_unix_ms + passed.lock().as_millis() as i64
            }
            Source::Simulated { origin_unix_ms, start, skew } => {
                origin_unix_ms + start.elapsed().as_millis() as i64 + *skew.lock()
            }
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Clock::System",
            Source::Driven { .. } => "Clock::Driven",
            Source::Simulated { .. } => "Clock::Simulated",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_simulated_clock_follows_paused_time() {
        let clock = Clock::simulated(1_000);
        tokio::time::sleep(Duration::from_millis(250)).await;
        assert_eq!(clock.boot_time(), BootTime(Duration::from_millis(250)));
        assert_eq!(clock.unix_ms(), 1_250);
    }

    #[tokio::test(start_paused = true)]
    async fn skew_moves_the_wall_clock_of_every_clone_and_no_boot_time() {
        let clock = Clock::simulated(1_000);
        clock.clone().skew(-400);
        assert_eq!(clock.unix_ms(), 600);
        assert_eq!(clock.boot_time(), BootTime::default());
    }

    #[test]
    fn a_driven_clock_moves_only_as_it_is_told() {
        let clock = Clock::driven(1_000);
        clock.clone().advance(Duration::from_millis(250));
        assert_eq!(
            (clock.boot_time(), clock.unix_ms()),
            (BootTime(Duration::from_millis(250)), 1_250)
        );
    }

    #[test]
    fn the_machines_boot_time_does_not_go_back() {
        let clock = Clock::system();
        let earlier = clock.boot_time();
        assert!(clock.boot_time() >= earlier);
    }

    #[test]
    fn time_since_a_later_time_is_zero() {
        let later = BootTime(Duration::from_secs(2));
        assert_eq!(BootTime::default().since(later), Duration::ZERO);
        assert_eq!(later.since(BootTime::default().plus(Duration::from_secs(1))).as_secs(), 1);
    }
}
