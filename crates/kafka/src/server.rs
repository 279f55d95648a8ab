//! [`Server`]: accepts connections on bound listeners until it is told to stop.

use crate::{
    broker::Broker,
    budget::ByteBudget,
    connection::{self, ConnectionLimits},
    context::{ConnectionContext, Principal},
    listener::{Bound, Listeners},
};
use parking_lot::Mutex;
use runtime::{Backoff, Randomness, Shutdown, Tasks, net::BoxedStream};
use std::{collections::HashMap, net::IpAddr, net::SocketAddr, sync::Arc, time::Duration};

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
    /// `connections.max.idle.ms`.
    pub connections_max_idle: Duration,
    /// How long answers may take to go out once the server stops.
    pub stop_patience: Duration,
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
            connections_max_idle: Duration::from_mins(10),
            stop_patience: Duration::from_secs(30),
        }
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    tasks: Tasks,
    addresses: Vec<(String, SocketAddr)>,
}

/// What accept loops share.
#[derive(Debug)]
struct Shared {
    broker: Broker,
    limits: ConnectionLimits,
    connections: ConnectionCount,
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
        let shared = Arc::new(Shared {
            broker,
            limits: ConnectionLimits::new(options),
            connections: ConnectionCount::new(
                options.max_connections,
                options.max_connections_per_ip,
            ),
            tasks: tasks.clone(),
            randomness,
        });
        for bound in listeners.bound {
            tasks.spawn("kafka accept", accept(bound, Arc::clone(&shared), tasks.shutdown()));
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
async fn accept(mut bound: Bound, shared: Arc<Shared>, shutdown: Shutdown) {
    let listener: Arc<str> = Arc::from(bound.name.as_str());
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
                shared.begin(stream, peer, &listener, &shutdown);
            }
            Err(error) => {
                tracing::warn!(listener = &*listener, %error, "accept failed");
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
    fn begin(
        &self,
        stream: BoxedStream,
        peer: SocketAddr,
        listener: &Arc<str>,
        shutdown: &Shutdown,
    ) {
        let Some(counted) = self.connections.enter(peer.ip()) else {
            tracing::warn!(%peer, "max.connections or max.connections.per.ip reached, connection closed");
            metrics::counter!("kafka_connections_refused_total").increment(1);
            return;
        };
        let context = Arc::new(ConnectionContext {
            broker: self.broker.clone(),
            listener: Arc::clone(listener),
            peer,
            principal: Principal::anonymous(),
            shutdown: shutdown.clone(),
        });
        let limits = self.limits.clone();
        self.tasks.spawn("kafka connection", async move {
            connection::serve(stream, context, limits).await;
            drop(counted);
        });
    }
}

/// Open connections, in all and by address.
#[derive(Clone, Debug)]
struct ConnectionCount {
    open: Arc<Mutex<OpenConnections>>,
    max: usize,
    max_per_ip: usize,
}

#[derive(Debug, Default)]
struct OpenConnections {
    total: usize,
    by_ip: HashMap<IpAddr, usize>,
}

/// A counted connection; dropping it counts down.
#[derive(Debug)]
struct Counted {
    open: Arc<Mutex<OpenConnections>>,
    ip: IpAddr,
}

impl ConnectionCount {
    fn new(max: usize, max_per_ip: usize) -> Self {
        Self { open: Arc::default(), max, max_per_ip }
    }

    fn enter(&self, ip: IpAddr) -> Option<Counted> {
        let mut open = self.open.lock();
        let of_ip = open.by_ip.get(&ip).copied().unwrap_or(0);
        if open.total >= self.max || of_ip >= self.max_per_ip {
            return None;
        }
        open.total += 1;
        open.by_ip.insert(ip, of_ip + 1);
        metrics::gauge!("kafka_connections").set(open.total as f64);
        Some(Counted { open: Arc::clone(&self.open), ip })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.open.lock();
        open.total -= 1;
        if let Some(of_ip) = open.by_ip.get_mut(&self.ip) {
            *of_ip -= 1;
            if *of_ip == 0 {
                open.by_ip.remove(&self.ip);
            }
        }
        metrics::gauge!("kafka_connections").set(open.total as f64);
    }
}

impl ConnectionLimits {
    fn new(options: &ServerOptions) -> Self {
        Self {
            request_max_bytes: options.request_max_bytes,
            connection_request_max_bytes: options.connection_request_max_bytes,
            max_in_flight: options.connection_max_in_flight.max(1),
            max_idle: options.connections_max_idle,
            stop_patience: options.stop_patience,
            all_requests: ByteBudget::new(options.queued_request_max_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_limited_in_all_and_by_address() {
        let count = ConnectionCount::new(3, 2);
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let first = count.enter(a).unwrap();
        let _second = count.enter(a).unwrap();
        assert!(count.enter(a).is_none());
        let _third = count.enter(b).unwrap();
        assert!(count.enter(b).is_none());
        drop(first);
        assert!(count.enter(a).is_some());
    }
}
