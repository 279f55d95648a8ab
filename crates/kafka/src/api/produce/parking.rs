//! Parking: a request that writes to a partition on its way from one broker to another waits a little, instead of being refused.
//!
//! At the broker that gives it away until it is gone, or stays; at the one that gets it until it is open.

use super::topic_ref;
use crate::{
    broker::{Broker, TopicRef, find_partition, find_topic},
    context::Context,
};
use cluster::Image;
use kafka_protocol::messages::ProduceRequest;
use model::PartitionId;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// A connection's later requests wait behind one that is parked.
const PATIENCE: Duration = Duration::from_millis(300);

/// Waits for the request's partitions that are on their way, and answers the cluster as it is then.
pub(super) async fn settled_image(context: &Context, request: &ProduceRequest) -> Arc<Image> {
    let broker = context.broker();
    let image = broker.cluster.image();
    let by_id = context.version() >= 13;
    if !moves(broker, &image, request, by_id) {
        return image;
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Before the look, so that nothing that happens after it is missed.
        let settled = broker.logs.settled();
        let image = broker.cluster.image();
        if !moves(broker, &image, request, by_id) || timeout_at(deadline, settled).await.is_err() {
            return broker.cluster.image();
        }
    }
}

fn moves(broker: &Broker, image: &Image, request: &ProduceRequest, by_id: bool) -> bool {
    request.topic_data.iter().any(|topic| {
        let wanted = topic_ref(by_id, &topic.name, topic.topic_id);
        let mut partitions = topic.partition_data.iter();
        partitions.any(|partition| is_on_its_way(broker, image, wanted, partition.index))
    })
}

fn is_on_its_way(broker: &Broker, image: &Image, topic: TopicRef<'_>, index: i32) -> bool {
    let Ok(topic) = find_topic(image, topic) else { return false };
    let Ok((partition, info)) = find_partition(topic, index) else { return false };
    match broker.logs.get(PartitionId { topic: topic.id, partition }) {
        Some(log) => log.is_sealed(),
        None => info.leader == Some(broker.cluster.broker()),
    }
}
