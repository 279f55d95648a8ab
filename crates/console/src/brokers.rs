//! [`Brokers`]: asks a broker by its number, over connections that are kept for a while.

use crate::{Cluster, refused::Refused};
use kafka_client::Connection;
use kafka_protocol::protocol::Request;
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::time::Instant;

/// Connections to one broker that wait for the next call.
const IDLE_PER_BROKER: usize = 2;
/// They are closed when they have waited for so long.
const IDLE: Duration = Duration::from_secs(30);

type Idle = HashMap<u32, Vec<(Connection, Instant)>>;

/// The way to every broker of the cluster.
#[derive(Debug)]
pub(crate) struct Brokers {
    pub(crate) cluster: Arc<dyn Cluster>,
    idle: Mutex<Idle>,
}

impl Brokers {
    pub(crate) fn new(cluster: Arc<dyn Cluster>) -> Self {
        Self { cluster, idle: Mutex::default() }
    }

    /// Sends a request to a broker and reads its answer.
    ///
    /// # Cancel safety
    /// Safe: a connection in the middle of a call is dropped with it.
    pub(crate) async fn call<R>(
        &self,
        broker: u32,
        request: &R,
        version: i16,
    ) -> Result<R::Response, Refused>
    where
        R: Request<Response: Send> + Send + Sync,
    {
        if let Some(mut connection) = self.take(broker)
            // A broker closes connections as it likes: another one tells whether it is there.
            && let Ok(answer) = connection.call(request, version).await
        {
            self.keep(broker, connection);
            return Ok(answer);
        }
        let connected = self.cluster.connect(broker).await;
        let mut connection = connected.map_err(Refused::unavailable)?;
        let answer = connection.call(request, version).await?;
        self.keep(broker, connection);
        Ok(answer)
    }

    /// Sends a request that any broker can answer.
    pub(crate) async fn call_any<R>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, Refused>
    where
        R: Request<Response: Send> + Send + Sync,
    {
        self.call(self.cluster.picture().this_broker, request, version).await
    }

    /// Sends a request that changes something to a broker, this one when none is named; on a connection of its own and once only: whether
    /// it was carried out when there is no answer, nobody knows.
    pub(crate) async fn write<R>(
        &self,
        broker: Option<u32>,
        request: &R,
        version: i16,
    ) -> Result<R::Response, Refused>
    where
        R: Request<Response: Send> + Send + Sync,
    {
        let broker = broker.unwrap_or_else(|| self.cluster.picture().this_broker);
        let connected = self.cluster.connect(broker).await;
        let mut connection = connected.map_err(Refused::unavailable)?;
        let answer = connection.call(request, version).await?;
        self.keep(broker, connection);
        Ok(answer)
    }

    fn take(&self, broker: u32) -> Option<Connection> {
        let mut idle = self.idle.lock();
        for waiting in idle.values_mut() {
            waiting.retain(|(_, since)| since.elapsed() < IDLE);
        }
        idle.retain(|_, waiting| !waiting.is_empty());
        idle.get_mut(&broker)?.pop().map(|(connection, _)| connection)
    }

    fn keep(&self, broker: u32, connection: Connection) {
        let mut idle = self.idle.lock();
        let waiting = idle.entry(broker).or_default();
        if waiting.len() < IDLE_PER_BROKER {
            waiting.push((connection, Instant::now()));
        }
    }
}
