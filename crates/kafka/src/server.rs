//! [`Server`]: accepts connections on bound listeners until it is told to stop.

use crate::{
    broker::Broker,
    budget::ByteBudget,
    connection::{self, ConnectionLimits},
    connection_count::{ConnectionCount, Counted},
    connection_rate::ConnectionRate,
    context::ConnectionContext,
    listener::{Bound, Listeners},
    log_limit::LogLimit,
    refused_batches::RefusedBatches,
    secured::ListenerSecurity,
};
use parking_lot::Mutex;
use runtime::{Backoff, Randomness, Shutdown, Tasks, net::BoxedStream};
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

/// Bytes that decoded requests may take beyond their own, all connections together: twice what one may.
const DECODED_BYTES: u64 = 64 << 20;

/// Limits of the server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// `socket.request.max.bytes`: longest request, in bytes.
    pub request_max_bytes: usize,
    /// `queued.max.request.bytes`: bytes of requests in memory, all connections together.
    pub queued_request_max_bytes: u64,
    /// The same for one connection.
    pub connection_request_max_bytes: u64,
    /// Requests of one connection that may wait for their answers.
    pub connection_max_in_flight: usize,
    /// `max.connections`.
    pub max_connections: usize,
    /// `max.connections.per.ip`.
    pub max_connections_per_ip: usize,
    /// `max.connections.per.ip.overrides`.
    pub max_connections_per_ip_overrides: BTreeMap<IpAddr, usize>,
    /// `max.connection.creation.rate`, a second; `None` is without limit.
    pub max_connection_creation_rate: Option<u32>,
    /// `connections.max.idle.ms`.
    pub connections_max_idle: Duration,
    /// How long answers may take to go out once the server stops.
    pub stop_patience: Duration,
    /// How listeners are secured, by name; one without an entry not at all.
    pub security: BTreeMap<String, ListenerSecurity>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            request_max_bytes: 100 << 20,
            queued_request_max_bytes: 128 << 20,
            connection_request_max_bytes: 128 << 20,
            connection_max_in_flight: 256,
            max_connections: 100_000,
            max_connections_per_ip: usize::MAX,
            max_connections_per_ip_overrides: BTreeMap::new(),
            max_connection_creation_rate: None,
            connections_max_idle: Duration::from_mins(10),
            stop_patience: Duration::from_secs(30),
            security: BTreeMap::new(),
        }
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    tasks: Tasks,
    addresses: Vec<(String, SocketAddr)>,
}

/// A listener at work.
#[derive(Debug)]
struct Listening {
    name: Arc<str>,
    security: ListenerSecurity,
}

/// What accept loops share.
#[derive(Debug)]
struct Shared {
    broker: Broker,
    limits: ConnectionLimits,
    connections: ConnectionCount,
    rate: Option<ConnectionRate>,
    refusals: LogLimit,
    denials: Arc<LogLimit>,
    handshakes: LogLimit,
    tasks: Tasks,
    randomness: Randomness,
}

impl Server {
    /// Serves `listeners` with tasks under `parent`, until that shuts down or [`Server::shut_down`] is called.
    pub fn start(
        listeners: Listeners,
        options: &ServerOptions,
        broker: Broker,
        randomness: Randomness,
        parent: &Tasks,
    ) -> Self {
        let tasks = parent.child();
        let addresses = listeners.addresses();
        metrics::gauge!("kafka_connections_max").set(options.max_connections as f64);
        metrics::gauge!("kafka_connections").increment(0);
        let shared = Arc::new(Shared {
            limits: ConnectionLimits::new(options, &broker),
            broker,
            connections: ConnectionCount::new(
                options.max_connections,
                options.max_connections_per_ip,
                options.max_connections_per_ip_overrides.clone(),
            ),
            rate: options.max_connection_creation_rate.map(ConnectionRate::new),
            refusals: LogLimit::default(),
            denials: Arc::default(),
            handshakes: LogLimit::default(),
            tasks: tasks.clone(),
            randomness,
        });
        for bound in listeners.bound {
            let security = options.security.get(&bound.name).cloned().unwrap_or_default();
            if !security.fits(bound.protocol) {
                let protocol = bound.protocol.name();
                tracing::error!(
                    listener = bound.name,
                    protocol,
                    "not served: its security is not set up"
                );
                continue;
            }
            let listener = Arc::new(Listening { name: Arc::from(bound.name.as_str()), security });
            let accepting = accept(bound, listener, Arc::clone(&shared), tasks.shutdown());
            tasks.spawn("kafka accept", accepting);
        }
        Self { tasks, addresses }
    }

    /// Listener names and addresses.
    pub fn addresses(&self) -> &[(String, SocketAddr)] {
        &self.addresses
    }

    /// Stops accepting connections and reading requests. Answers in flight still go out; long polls end.
    pub fn stop_accepting(&self) {
        self.tasks.request_shutdown();
    }

    /// Stops accepting, and waits until the answers in flight went out and every connection is closed.
    pub async fn shut_down(&self) {
        self.tasks.shut_down().await;
    }
}

/// Accepts until shutdown. Errors (out of descriptors, aborted connections) pass: it pauses and goes on.
async fn accept(
    mut bound: Bound,
    listener: Arc<Listening>,
    shared: Arc<Shared>,
    shutdown: Shutdown,
) {
    let mut backoff =
        Backoff::new(Duration::from_millis(5), Duration::from_secs(1), shared.randomness.clone());
    loop {
        let accepted = tokio::select! {
            () = shutdown.requested() => return,
            accepted = bound.socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                backoff.reset();
                tokio::select! {
                    () = shutdown.requested() => return,
                    () = shared.begin(stream, peer, &listener, &shutdown) => {}
                }
            }
            Err(error) => {
                tracing::warn!(listener = &*listener.name, %error, "accept failed");
                metrics::counter!("kafka_accept_errors_total").increment(1);
                tokio::select! {
                    () = shutdown.requested() => return,
                    () = tokio::time::sleep(backoff.next_pause()) => {}
                }
            }
        }
    }
}

impl Shared {
    /// Serves a connection. Too many from one address are closed; while there are too many in all, the listener waits until one
    /// ends, and others wait in its backlog. Both as in Kafka.
    async fn begin(
        self: &Arc<Self>,
        stream: BoxedStream,
        peer: SocketAddr,
        listener: &Arc<Listening>,
        shutdown: &Shutdown,
    ) {
        let Some(counted) = self.count(peer).await else { return };
        if let Some(rate) = &self.rate
            && rate.admit().await
        {
            metrics::counter!("kafka_connections_delayed_total").increment(1);
            if let Some(suppressed) = self.refusals.admit() {
                tracing::warn!(%peer, suppressed, "max.connection.creation.rate reached, connections wait");
            }
        }
        let (shared, listener) = (Arc::clone(self), Arc::clone(listener));
        let shutdown = shutdown.clone();
        self.tasks.spawn("kafka connection", async move {
            shared.serve(stream, peer, &listener, shutdown).await;
            drop(counted);
        });
    }

    async fn serve(
        &self,
        stream: BoxedStream,
        peer: SocketAddr,
        listener: &Listening,
        shutdown: Shutdown,
    ) {
        let welcomed = tokio::select! {
            () = shutdown.requested() => return,
            welcomed = listener.security.welcome(stream) => welcomed,
        };
        let (stream, authentication, deadline) = match welcomed {
            Ok(welcomed) => welcomed,
            Err(error) => return self.tell_refused(peer, listener, &error),
        };
        let context = Arc::new(ConnectionContext {
            broker: self.broker.clone(),
            listener: Arc::clone(&listener.name),
            peer,
            authentication,
            denials: Arc::clone(&self.denials),
            producer: self.broker.logs.producer_connection(),
            refused: RefusedBatches::default(),
            muted: Mutex::default(),
            shutdown,
        });
        connection::serve(stream, context, self.limits.clone(), deadline).await;
    }

    fn tell_refused(&self, peer: SocketAddr, listener: &Listening, error: &std::io::Error) {
        metrics::counter!("kafka_failed_authentications_total").increment(1);
        if let Some(suppressed) = self.handshakes.admit() {
            tracing::warn!(%peer, listener = &*listener.name, %error, suppressed, "a TLS handshake failed");
        }
    }

    /// Counts a connection, when there is room; `None` when its address has too many.
    async fn count(&self, peer: SocketAddr) -> Option<Counted> {
        let Some(counted) = self.connections.enter(peer.ip()) else {
            metrics::counter!("kafka_connections_refused_total").increment(1);
            if let Some(suppressed) = self.refusals.admit() {
                tracing::warn!(%peer, suppressed, "max.connections.per.ip reached, connection closed");
            }
            return None;
        };
        if counted.must_wait() {
            metrics::counter!("kafka_connections_delayed_total").increment(1);
            if let Some(suppressed) = self.refusals.admit() {
                tracing::warn!(%peer, suppressed, "max.connections reached, waiting for one to end");
            }
        }
        Some(counted.with_slot().await)
    }
}

impl ConnectionLimits {
    fn new(options: &ServerOptions, broker: &Broker) -> Self {
        Self {
            request_max_bytes: options.request_max_bytes,
            connection_request_max_bytes: options.connection_request_max_bytes,
            max_in_flight: options.connection_max_in_flight.max(1),
            max_idle: options.connections_max_idle,
            stop_patience: options.stop_patience,
            all_requests: ByteBudget::new(options.queued_request_max_bytes),
            decoded: ByteBudget::new(DECODED_BYTES),
            fetch_answers: broker.fetch_budget.clone(),
            invalid_requests: Arc::default(),
        }
    }
}
