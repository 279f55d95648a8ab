//! On which brokers a client wants partitions.
//!
//! The first broker of a partition is to lead it; of the others only the number is kept, as any broker reads what any other wrote. It must
//! be a choice that Kafka would take.

use crate::error::Refusal;
use cluster::Image;
use kafka_protocol::{ResponseError, messages};
use model::BrokerId;
use std::collections::BTreeSet;

/// Checks the brokers of each partition: they exist, each is named once, and all partitions have as many.
///
/// # Errors
/// `INVALID_REPLICA_ASSIGNMENT`.
pub(super) fn check<'a>(
    image: &Image,
    partitions: impl Iterator<Item = &'a [messages::BrokerId]>,
) -> Result<(), Refusal> {
    let mut replicas = None;
    for brokers in partitions {
        if brokers.is_empty() {
            return Err(refused("a partition is assigned to no broker"));
        }
        if *replicas.get_or_insert(brokers.len()) != brokers.len() {
            return Err(refused("partitions are assigned to different numbers of brokers"));
        }
        let known = |id: &messages::BrokerId| {
            BrokerId::from_wire(id.0).is_some_and(|id| image.brokers.contains_key(&id))
        };
        if !brokers.iter().all(known) {
            return Err(refused("a partition is assigned to a broker that does not exist"));
        }
        if brokers.iter().collect::<BTreeSet<_>>().len() < brokers.len() {
            return Err(refused("a partition is assigned to one broker twice"));
        }
    }
    Ok(())
}

/// The brokers that are to lead, of brokers that were checked.
pub(super) fn leaders<'a>(
    partitions: impl Iterator<Item = &'a [messages::BrokerId]>,
) -> Vec<BrokerId> {
    let first = |brokers: &[messages::BrokerId]| BrokerId::from_wire(brokers.first()?.0);
    partitions.filter_map(first).collect()
}

/// The refusal of an assignment.
pub(super) fn refused(reason: &str) -> Refusal {
    Refusal::new(ResponseError::InvalidReplicaAssignment, reason)
}
