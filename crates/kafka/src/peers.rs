//! [`Peers`]: what a broker tells others about transactions, and hears of their commits.
//!
//! A coordinator tells the owner of a partition how a transaction ended (`WriteTxnMarkers`); whoever gets a transaction's first batch, or
//! offsets of it, tells its coordinator that it goes on there (`AddPartitionsToTxn`, KIP-890). Who judges groups asks where the logs end that
//! these read (`ListOffsets`). What gathers while requests to a broker
//! are under way goes out together in the next one. Nothing is retried here: who asks, asks again (DESIGN section 8).

mod additions;
mod following;
mod line;
mod log_ends;
mod markers;
mod reading;
#[cfg(test)]
mod tests;

pub(crate) use additions::Addition;
pub use following::Following;
pub use log_ends::LogEndQuestion;
pub use markers::PartitionMarker;
pub(crate) use markers::bears_its_own_epoch;
pub use reading::{Reading, RecordsRead};

use cluster::{BrokerInfo, Endpoint};
use coordinator::transaction::{Marked, TransactionError};
use kafka_client::{Connection, ConnectionError};
use line::{Letter, Line};
use model::BrokerId;
use parking_lot::Mutex;
use runtime::{Tasks, net::Network};
use security::ClientSecurity;
use std::{collections::HashMap, sync::Arc};

/// The other brokers of the cluster. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Peers {
    tasks: Tasks,
    door: Arc<Door>,
    /// `inter.broker.listener.name`; a broker's first listener when it is not set.
    listener: Option<String>,
    markers: Lines<PartitionMarker>,
    additions: Lines<Addition>,
    log_ends: Lines<LogEndQuestion>,
}

/// The way to other brokers.
#[derive(Debug)]
struct Door {
    network: Arc<dyn Network>,
    security: ClientSecurity,
}

impl Door {
    async fn open(&self, address: &str) -> Result<Connection, ConnectionError> {
        Connection::open_secured(self.network.as_ref(), address, &self.security).await
    }
}

type Lines<L> = Arc<Mutex<HashMap<Arc<str>, Line<L>>>>;

impl Peers {
    /// No connections yet; they are made over `network` by tasks of `tasks`. `listener` names the listener that brokers are reached by,
    /// `security` is what it takes to come in there.
    pub fn new(
        tasks: Tasks,
        network: Arc<dyn Network>,
        listener: Option<String>,
        security: ClientSecurity,
    ) -> Self {
        let door = Arc::new(Door { network, security });
        let (markers, additions, log_ends) = Default::default();
        Self { tasks, door, listener, markers, additions, log_ends }
    }

    /// Writes a marker to a partition that `owner` is said to own, and waits until it is durable there.
    ///
    /// # Cancel safety
    /// Safe: the marker may be written all the same.
    pub async fn mark(&self, owner: &BrokerInfo, marker: PartitionMarker) -> Marked {
        self.send(&self.markers, owner, marker).await
    }

    /// Adds partitions to a transaction that `coordinator` is said to coordinate.
    ///
    /// # Errors
    /// As [`coordinator::Transactions::add_partitions`]; `Unavailable` when it could not be asked.
    pub(crate) async fn add_partitions(
        &self,
        coordinator: &BrokerInfo,
        addition: Addition,
    ) -> Result<(), TransactionError> {
        self.send(&self.additions, coordinator, addition).await
    }

    /// Where the log of a partition ends for consumers that `owner` is said to own.
    ///
    /// # Errors
    /// Why it does not say so.
    pub async fn log_end(
        &self,
        owner: &BrokerInfo,
        question: LogEndQuestion,
    ) -> Result<u64, String> {
        self.send(&self.log_ends, owner, question).await
    }

    /// A connection to a broker, this one or another, on which this broker has logged in.
    ///
    /// # Errors
    /// A sentence: it has no listener for brokers, or can't be reached there.
    pub async fn connect(&self, broker: &BrokerInfo) -> Result<Connection, String> {
        let no_listener = || format!("broker {} has no listener for brokers", broker.id);
        let address = self.address(broker).ok_or_else(no_listener)?;
        following::connect(self, &address).await
    }

    /// A way for `reader`, this broker, to hear what owners committed.
    pub fn following(&self, reader: BrokerId) -> Following {
        Following::new(self.clone(), reader)
    }

    /// A way to read partitions that other brokers own.
    pub fn reading(&self) -> Reading {
        Reading::new(self.clone())
    }

    async fn send<L: Letter>(&self, lines: &Lines<L>, broker: &BrokerInfo, letter: L) -> L::Answer {
        let Some(address) = self.address(broker) else {
            return L::unanswered(format!("broker {} has no listener for brokers", broker.id));
        };
        let line = self.line(lines, address.into());
        line.send(letter).await
    }

    /// Where brokers reach `broker`.
    fn address(&self, broker: &BrokerInfo) -> Option<String> {
        let endpoint = match &self.listener {
            Some(name) => broker.endpoint(name),
            None => broker.endpoints.first(),
        };
        endpoint.map(Endpoint::address)
    }

    fn line<L: Letter>(&self, lines: &Lines<L>, address: Arc<str>) -> Line<L> {
        let mut lines = lines.lock();
        if let Some(line) = lines.get(&address).filter(|line| !line.is_closed()) {
            return line.clone();
        }
        lines.retain(|_, line| !line.is_closed());
        let line = Line::open(&address, &self.door, &self.tasks);
        lines.insert(address, line.clone());
        line
    }
}
