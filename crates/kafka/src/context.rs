//! [`Context`]: who asks, from where, and what may be done for them.

use crate::{
    authentication::{Authentication, Denied},
    broker::Broker,
    frame::RequestHead,
    log_limit::LogLimit,
    refused_batches::RefusedBatches,
};
use kafka_protocol::protocol::StrBytes;
use parking_lot::Mutex;
use runtime::Shutdown;
use security::Principal;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::time::Instant;

/// A connection as its requests see it.
#[derive(Debug)]
pub(crate) struct ConnectionContext {
    /// The engines.
    pub(crate) broker: Broker,
    /// Name of the listener it came in by.
    pub(crate) listener: Arc<str>,
    /// The other end.
    pub(crate) peer: SocketAddr,
    /// Whose it is.
    pub(crate) authentication: Authentication,
    /// Of log-ins that failed.
    pub(crate) denials: Arc<LogLimit>,
    /// The connection as one that may produce.
    pub(crate) producer: partition_log::ProducerConnection,
    /// What its producers have yet to send again.
    pub(crate) refused: RefusedBatches,
    /// Until when its requests wait, because it went faster than its quota (KIP-219).
    pub(crate) muted: Mutex<Option<Instant>>,
    /// Asks long polls to end.
    pub(crate) shutdown: Shutdown,
}

/// One request's surroundings.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// Its connection.
    pub(crate) connection: Arc<ConnectionContext>,
    /// Its head.
    pub(crate) head: RequestHead,
    /// What the client calls itself.
    pub(crate) client_id: Option<StrBytes>,
}

impl Context {
    /// The engines.
    pub(crate) fn broker(&self) -> &Broker {
        &self.connection.broker
    }

    /// Counts bytes towards the client's quota of that key, and mutes its connection when it has gone too fast; answers for how long.
    pub(crate) fn throttle(&self, key: &'static str, bytes: usize) -> Duration {
        let broker = self.broker();
        let quotas = broker.cluster.quotas();
        let wait = broker.throttles.count(&quotas, key, self.who(), bytes);
        self.connection.mute(wait);
        wait
    }

    /// How many bytes the client may be given at once; `None` is without limit.
    pub(crate) fn allowance(&self, key: &'static str) -> Option<usize> {
        let broker = self.broker();
        broker.throttles.most(&broker.cluster.quotas(), key, self.who())
    }

    /// User and client id, as quotas name them.
    fn who(&self) -> (&str, &str) {
        let user = self.connection.authentication.principal().map_or("", Principal::name);
        (user, self.client_id.as_ref().map_or("", StrBytes::as_str))
    }

    /// The request's version.
    pub(crate) fn version(&self) -> i16 {
        self.head.version
    }
}

impl ConnectionContext {
    /// Lets the connection's next requests wait so long.
    pub(crate) fn mute(&self, wait: Duration) {
        if wait.is_zero() {
            return;
        }
        metrics::counter!("kafka_throttled_milliseconds_total").increment(wait.as_millis() as u64);
        let until = Instant::now() + wait;
        let mut muted = self.muted.lock();
        *muted = Some(muted.map_or(until, |other| other.max(until)));
    }

    /// Waits until its requests need not wait any more.
    pub(crate) async fn unmuted(&self) {
        let until = self.muted.lock().take();
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Logs that a log-in failed, and counts it; once.
    pub(crate) fn tell_denied(&self, denied: &Denied) {
        if denied.is_told {
            return;
        }
        metrics::counter!("kafka_failed_authentications_total").increment(1);
        if let Some(suppressed) = self.denials.admit() {
            let (peer, listener) = (self.peer, &*self.listener);
            tracing::warn!(%peer, listener, %denied, suppressed, "a log-in failed");
        }
    }
}
