//! The lease rule: until when this broker may acknowledge (DESIGN section 3).
//!
//! Time is boot time, and counts from *before* a keep-alive is sent: the server's clock for the lease can only have started later.

use model::SessionId;
use parking_lot::Mutex;
use runtime::{BootTime, Clock};
use std::time::Duration;

/// The lease of the session that this broker has, if any. Shared by all that acknowledge.
#[derive(Debug)]
pub(crate) struct LeaseRule {
    clock: Clock,
    margin: Duration,
    held: Mutex<Option<Held>>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    session: SessionId,
    time_to_live: Duration,
    until: BootTime,
}

impl LeaseRule {
    /// No lease yet.
    pub fn new(clock: Clock, margin: Duration) -> Self {
        Self { clock, margin, held: Mutex::new(None) }
    }

    /// A session began; its lease was asked for at `sent`.
    pub fn begin(&self, session: SessionId, time_to_live: Duration, sent: BootTime) {
        let until = self.end_of(sent, time_to_live);
        *self.held.lock() = Some(Held { session, time_to_live, until });
    }

    /// A keep-alive sent at `sent` succeeded and the session key was read back with it.
    pub fn extend(&self, session: SessionId, sent: BootTime) {
        if let Some(held) = self.held.lock().as_mut().filter(|held| held.session == session) {
            held.until = held.until.max(self.end_of(sent, held.time_to_live));
        }
    }

    /// The session is over: nothing is acknowledged under it any more.
    pub fn end(&self, session: SessionId) {
        let mut held = self.held.lock();
        if held.is_some_and(|held| held.session == session) {
            *held = None;
        }
    }

    /// Whether `session` may acknowledge now.
    pub fn holds(&self, session: SessionId) -> bool {
        let held = *self.held.lock();
        held.is_some_and(|held| held.session == session && self.clock.boot_time() < held.until)
    }

    fn end_of(&self, sent: BootTime, time_to_live: Duration) -> BootTime {
        sent.plus(time_to_live.saturating_sub(self.margin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(10);

    fn session(byte: u8) -> SessionId {
        SessionId::from_bytes([byte; 16])
    }

    #[tokio::test(start_paused = true)]
    async fn the_lease_ends_a_margin_before_its_time_to_live_after_the_send() {
        let clock = Clock::simulated(0);
        let rule = LeaseRule::new(clock.clone(), Duration::from_secs(2));
        assert!(!rule.holds(session(1)));
        rule.begin(session(1), TTL, clock.boot_time());
        tokio::time::advance(Duration::from_millis(7_999)).await;
        assert!(rule.holds(session(1)));
        assert!(!rule.holds(session(2)));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!rule.holds(session(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_answer_counts_from_when_it_was_asked_for() {
        let clock = Clock::simulated(0);
        let rule = LeaseRule::new(clock.clone(), Duration::from_secs(2));
        let sent = clock.boot_time();
        rule.begin(session(1), TTL, sent);
        tokio::time::advance(Duration::from_secs(9)).await;
        rule.extend(session(1), sent.plus(Duration::from_secs(1)));
        assert!(!rule.holds(session(1)), "1 s + 10 s - 2 s has passed");
        rule.extend(session(1), sent.plus(Duration::from_secs(4)));
        assert!(rule.holds(session(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_ended_session_holds_nothing_and_a_late_extension_does_not_revive_it() {
        let clock = Clock::simulated(0);
        let rule = LeaseRule::new(clock.clone(), Duration::from_secs(2));
        rule.begin(session(1), TTL, clock.boot_time());
        rule.end(session(1));
        rule.extend(session(1), clock.boot_time());
        assert!(!rule.holds(session(1)));
    }
}
