//! Unregistering: a broker that will not return is forgotten, so that it is not shown any more.

use crate::{ClusterError, cluster::Shared};
use metadata::{Compare, Operation, Transaction};
use model::BrokerId;

/// Forgets a broker, if it is dead and owns nothing. One that owns partitions has a disk that may be waited for.
pub(crate) async fn unregister(shared: &Shared, broker: BrokerId) -> Result<(), ClusterError> {
    let refused =
        |reason: &str| Err(ClusterError::InvalidRequest(format!("broker {broker} {reason}")));
    let registered = {
        let view = shared.view.lock();
        if view.sessions.contains_key(&broker) {
            return refused("lives; stop it first");
        }
        if view.owners.values().any(|stored| stored.value.broker == broker.get()) {
            return refused("owns partitions: they are taken over, or wait for its disk");
        }
        view.brokers.get(&broker).map(|stored| stored.modified)
    };
    let registered = registered.ok_or_else(|| ClusterError::UnknownBroker(broker.to_string()))?;
    let keys = &shared.parts.keys;
    let unregister = Transaction {
        compares: vec![
            Compare::ModRevision(keys.broker(broker), registered),
            Compare::Absent(keys.session(broker)),
        ],
        then: vec![
            Operation::Delete(keys.broker(broker)),
            Operation::Delete(keys.registration(broker)),
            Operation::put(keys.registrations_bump(), bytes::Bytes::new()),
        ],
        otherwise: Vec::new(),
    };
    match shared.parts.metadata.transact(unregister).await?.succeeded {
        true => Ok(()),
        false => refused("has just registered"),
    }
}
