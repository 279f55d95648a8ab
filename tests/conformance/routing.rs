//! [`Route`]: which broker a client sends a request to: the leader of a partition, a coordinator, the broker that it is about, or any.

use kafka_protocol::{
    messages::{
        AlterConfigsRequest, ApiKey, DeleteRecordsRequest, DescribeConfigsRequest,
        DescribeLogDirsRequest, DescribeProducersRequest, FetchRequest,
        IncrementalAlterConfigsRequest, InitProducerIdRequest, ListOffsetsRequest,
        OffsetForLeaderEpochRequest, ProduceRequest, WriteTxnMarkersRequest,
    },
    protocol::Request,
};
use std::any::Any;

/// What kind of resource a broker's configs belong to.
const BROKER: i8 = 4;

/// Who is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Route {
    /// Whoever.
    Any,
    /// The leader of that partition.
    Leader(String, i32),
    /// The coordinator of groups.
    Groups,
    /// The coordinator of transactions.
    Transactions,
    /// The broker of that number.
    Broker(i32),
}

/// Where a request goes. What it asks of several partitions, they have one leader.
pub fn route<R: Request + 'static>(request: &R) -> Route {
    use ApiKey::{
        AddOffsetsToTxn, AddPartitionsToTxn, ConsumerGroupDescribe, ConsumerGroupHeartbeat,
        DeleteGroups, DescribeGroups, DescribeTransactions, EndTxn, Heartbeat, InitProducerId,
        JoinGroup, LeaveGroup, ListGroups, ListTransactions, OffsetCommit, OffsetDelete,
        OffsetFetch, SyncGroup, TxnOffsetCommit,
    };
    let Ok(key) = ApiKey::try_from(R::KEY) else { return Route::Any };
    match key {
        JoinGroup
        | SyncGroup
        | Heartbeat
        | LeaveGroup
        | DescribeGroups
        | ListGroups
        | DeleteGroups
        | OffsetCommit
        | OffsetFetch
        | OffsetDelete
        | TxnOffsetCommit
        | ConsumerGroupHeartbeat
        | ConsumerGroupDescribe => Route::Groups,
        AddPartitionsToTxn | AddOffsetsToTxn | EndTxn | DescribeTransactions | ListTransactions => {
            Route::Transactions
        }
        InitProducerId => of_producer(request),
        _ => of_broker(request).or_else(|| of_partition(request)).unwrap_or(Route::Any),
    }
}

/// Any broker hands out ids to producers without transactions.
fn of_producer(request: &dyn Any) -> Route {
    let request = request.downcast_ref::<InitProducerIdRequest>();
    let transactional = request.and_then(|it| it.transactional_id.as_ref());
    transactional.map_or(Route::Any, |_| Route::Transactions)
}

/// The broker whose configs the request is about.
fn of_broker(request: &dyn Any) -> Option<Route> {
    let (kind, name) = if let Some(it) = request.downcast_ref::<DescribeConfigsRequest>() {
        it.resources.first().map(|it| (it.resource_type, &it.resource_name))
    } else if let Some(it) = request.downcast_ref::<AlterConfigsRequest>() {
        it.resources.first().map(|it| (it.resource_type, &it.resource_name))
    } else if let Some(it) = request.downcast_ref::<IncrementalAlterConfigsRequest>() {
        it.resources.first().map(|it| (it.resource_type, &it.resource_name))
    } else {
        None
    }?;
    if kind != BROKER {
        return None;
    }
    name.parse().ok().map(Route::Broker)
}

/// The first partition that the request is about.
fn of_partition(request: &dyn Any) -> Option<Route> {
    let (topic, partition) = if let Some(it) = request.downcast_ref::<ProduceRequest>() {
        let topic = it.topic_data.first()?;
        (topic.name.as_str(), topic.partition_data.first().map(|it| it.index))
    } else if let Some(it) = request.downcast_ref::<FetchRequest>() {
        let topic = it.topics.first()?;
        (topic.topic.as_str(), topic.partitions.first().map(|it| it.partition))
    } else if let Some(it) = request.downcast_ref::<ListOffsetsRequest>() {
        let topic = it.topics.first()?;
        (topic.name.as_str(), topic.partitions.first().map(|it| it.partition_index))
    } else if let Some(it) = request.downcast_ref::<OffsetForLeaderEpochRequest>() {
        let topic = it.topics.first()?;
        (topic.topic.as_str(), topic.partitions.first().map(|it| it.partition))
    } else if let Some(it) = request.downcast_ref::<DeleteRecordsRequest>() {
        let topic = it.topics.first()?;
        (topic.name.as_str(), topic.partitions.first().map(|it| it.partition_index))
    } else if let Some(it) = request.downcast_ref::<DescribeProducersRequest>() {
        let topic = it.topics.first()?;
        (topic.name.as_str(), topic.partition_indexes.first().copied())
    } else if let Some(it) = request.downcast_ref::<WriteTxnMarkersRequest>() {
        let topic = it.markers.first()?.topics.first()?;
        (topic.name.as_str(), topic.partition_indexes.first().copied())
    } else if let Some(it) = request.downcast_ref::<DescribeLogDirsRequest>() {
        let topic = it.topics.as_ref()?.first()?;
        (topic.topic.as_str(), topic.partitions.first().copied())
    } else {
        return None;
    };
    Some(Route::Leader(topic.to_owned(), partition.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        exam::Topic,
        requests::{
            batch, describe_configs, fetch, groups, init_producer_id, metadata, produce_to,
            transactions,
        },
    };
    use uuid::Uuid;

    #[test]
    fn requests_go_where_a_client_would_send_them() {
        let topic = Topic { name: "t".to_owned(), id: Uuid::nil() };
        let leader = |partition| Route::Leader("t".to_owned(), partition);
        assert_eq!(route(&produce_to(&topic, 2, Some(batch(&["a"])))), leader(2));
        assert_eq!(route(&fetch(&topic, 0)), leader(0));
        assert_eq!(route(&groups::join("g")), Route::Groups);
        assert_eq!(route(&transactions::init("id")), Route::Transactions);
        assert_eq!(route(&init_producer_id()), Route::Any);
        assert_eq!(route(&describe_configs(BROKER, "2", None)), Route::Broker(2));
        assert_eq!(route(&describe_configs(BROKER, "x", None)), Route::Any);
        assert_eq!(route(&metadata(Vec::new())), Route::Any);
    }
}
