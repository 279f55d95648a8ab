//! Requests to a transaction's coordinator, and about transactions.

use super::{
    CREATED, fetch, fetch_of, fetch_partition, groups::group_id, name, produce, produce_to, text,
};
use crate::exam::Topic;
use bytes::Bytes;
use formats::{compression::Codec, record_batch::BatchBuilder};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, DescribeProducersRequest,
    DescribeTransactionsRequest, EndTxnRequest, FetchRequest, InitProducerIdRequest,
    ListTransactionsRequest, ProduceRequest, TransactionalId, TxnOffsetCommitRequest,
    WriteTxnMarkersRequest,
    add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction},
    describe_producers_request::TopicRequest,
    txn_offset_commit_request::{TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic},
    write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic},
};

/// Who writes transactions: a transactional id, and what it was given.
#[derive(Clone, Debug)]
pub struct Producer {
    pub transactional_id: String,
    pub id: i64,
    pub epoch: i16,
}

pub fn transactional_id(id: &str) -> TransactionalId {
    TransactionalId(text(id))
}

/// A new instance of a transactional producer.
pub fn init(id: &str) -> InitProducerIdRequest {
    super::init_producer_id().with_transactional_id(Some(transactional_id(id)))
}

impl Producer {
    /// Asks for an epoch anew, naming the one it has (KIP-360).
    pub fn init(&self) -> InitProducerIdRequest {
        init(&self.transactional_id)
            .with_producer_id(self.id.into())
            .with_producer_epoch(self.epoch)
    }

    /// The same producer under another epoch.
    pub fn at_epoch(&self, epoch: i16) -> Self {
        Self { epoch, ..self.clone() }
    }

    /// Up to version 3.
    pub fn add(&self, topics: &[(&str, &[i32])]) -> AddPartitionsToTxnRequest {
        AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(transactional_id(&self.transactional_id))
            .with_v3_and_below_producer_id(self.id.into())
            .with_v3_and_below_producer_epoch(self.epoch)
            .with_v3_and_below_topics(added(topics))
    }

    /// One of several, from version 4.
    pub fn adding(&self, topics: &[(&str, &[i32])]) -> AddPartitionsToTxnTransaction {
        AddPartitionsToTxnTransaction::default()
            .with_transactional_id(transactional_id(&self.transactional_id))
            .with_producer_id(self.id.into())
            .with_producer_epoch(self.epoch)
            .with_topics(added(topics))
    }

    pub fn add_offsets(&self, group: &str) -> AddOffsetsToTxnRequest {
        AddOffsetsToTxnRequest::default()
            .with_transactional_id(transactional_id(&self.transactional_id))
            .with_producer_id(self.id.into())
            .with_producer_epoch(self.epoch)
            .with_group_id(group_id(group))
    }

    /// An offset for the topic's first partition, by nobody in particular.
    pub fn commit_offset(&self, group: &str, topic: &Topic, offset: i64) -> TxnOffsetCommitRequest {
        let partition = TxnOffsetCommitRequestPartition::default()
            .with_committed_offset(offset)
            .with_committed_leader_epoch(-1)
            .with_committed_metadata(Some(text("note")));
        let topic = TxnOffsetCommitRequestTopic::default()
            .with_name(name(&topic.name))
            .with_partitions(vec![partition]);
        TxnOffsetCommitRequest::default()
            .with_transactional_id(transactional_id(&self.transactional_id))
            .with_group_id(group_id(group))
            .with_producer_id(self.id.into())
            .with_producer_epoch(self.epoch)
            .with_generation_id(-1)
            .with_topics(vec![topic])
    }

    pub fn end(&self, committed: bool) -> EndTxnRequest {
        EndTxnRequest::default()
            .with_transactional_id(transactional_id(&self.transactional_id))
            .with_producer_id(self.id.into())
            .with_producer_epoch(self.epoch)
            .with_committed(committed)
    }

    /// A batch of one record, part of a transaction.
    pub fn batch(&self, sequence: i32, value: &str) -> Bytes {
        let builder = BatchBuilder::new(Codec::None).producer(self.id, self.epoch, sequence);
        let mut builder = builder.transactional();
        builder.push(CREATED, Some(b"key"), Some(value.as_bytes()), &[]);
        builder.build()
    }

    /// A record to a partition, as a part of the transaction.
    pub fn write_to(&self, topic: &Topic, partition: i32, sequence: i32) -> ProduceRequest {
        let batch = self.batch(sequence, &format!("v{sequence}"));
        produce_to(topic, partition, Some(batch))
            .with_transactional_id(Some(transactional_id(&self.transactional_id)))
    }

    /// The same to the first partition.
    pub fn write(&self, topic: &Topic, sequence: i32) -> ProduceRequest {
        self.write_to(topic, 0, sequence)
    }

    /// A record with the producer's sequence, outside of any transaction.
    pub fn write_plainly(&self, topic: &Topic, sequence: i32) -> ProduceRequest {
        let builder = BatchBuilder::new(Codec::None).producer(self.id, self.epoch, sequence);
        produce(topic, super::filled(builder, &["plain"]).build())
    }

    /// A marker for the topic's partitions, of an operator who ends what hangs.
    pub fn marker(&self, topic: &Topic, partitions: &[i32], committed: bool) -> WritableTxnMarker {
        let topic = WritableTxnMarkerTopic::default()
            .with_name(name(&topic.name))
            .with_partition_indexes(partitions.to_vec());
        WritableTxnMarker::default()
            .with_producer_id(self.id.into())
            .with_producer_epoch(self.epoch)
            .with_transaction_result(committed)
            .with_topics(vec![topic])
    }
}

fn added(topics: &[(&str, &[i32])]) -> Vec<AddPartitionsToTxnTopic> {
    let topic = |(topic, partitions): &(&str, &[i32])| {
        AddPartitionsToTxnTopic::default()
            .with_name(name(topic))
            .with_partitions(partitions.to_vec())
    };
    topics.iter().map(topic).collect()
}

/// From version 4.
pub fn add_all(transactions: Vec<AddPartitionsToTxnTransaction>) -> AddPartitionsToTxnRequest {
    AddPartitionsToTxnRequest::default().with_transactions(transactions)
}

pub fn markers(markers: Vec<WritableTxnMarker>) -> WriteTxnMarkersRequest {
    WriteTxnMarkersRequest::default().with_markers(markers)
}

pub fn describe(ids: &[&str]) -> DescribeTransactionsRequest {
    let ids = ids.iter().map(|id| transactional_id(id)).collect();
    DescribeTransactionsRequest::default().with_transactional_ids(ids)
}

/// Of that producer only: what other scenarios left is not of interest.
pub fn list(producers: &[i64], states: &[&str]) -> ListTransactionsRequest {
    ListTransactionsRequest::default()
        .with_producer_id_filters(producers.iter().map(|&id| id.into()).collect())
        .with_state_filters(states.iter().map(|state| text(state)).collect())
        .with_duration_filter(-1)
        .with_transactional_id_pattern(None)
}

pub fn producers(topic: &str, partitions: &[i32]) -> DescribeProducersRequest {
    let topic =
        TopicRequest::default().with_name(name(topic)).with_partition_indexes(partitions.to_vec());
    DescribeProducersRequest::default().with_topics(vec![topic])
}

/// Only what is committed.
pub fn read_committed(topic: &Topic, offset: i64) -> FetchRequest {
    fetch(topic, offset).with_isolation_level(1)
}

/// The same of several partitions from their beginnings.
pub fn read_committed_all(topic: &Topic, partitions: i32) -> FetchRequest {
    let partitions = (0..partitions).map(|index| fetch_partition(index, 0)).collect();
    fetch_of(topic, partitions).with_isolation_level(1)
}
