use super::{line::Letter, *};
use coordinator::transaction::{Marker, ProducerInEpoch, TransactionResult};
use kafka_protocol::{
    ResponseError,
    messages::{
        AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, ProducerId as WireProducerId,
        WriteTxnMarkersResponse,
        add_partitions_to_txn_response::{
            AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult,
            AddPartitionsToTxnTopicResult,
        },
        write_txn_markers_response::{
            WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
        },
    },
    protocol::{Decodable, Encodable},
};
use model::{LeaderEpoch, PartitionIndex, ProducerEpoch, ProducerId, TopicName};

fn marker(producer: i64, topic: &str, partition: u32) -> PartitionMarker {
    PartitionMarker {
        topic: TopicName::new(topic).unwrap(),
        partition: PartitionIndex::new(partition).unwrap(),
        marker: Marker {
            producer: ProducerId::from_wire(producer).unwrap(),
            epoch: ProducerEpoch::from_wire(3).unwrap(),
            result: TransactionResult::Commit,
            coordinator_epoch: LeaderEpoch::from_wire(1).unwrap(),
            epoch_is_its_own: producer == 7,
        },
    }
}

/// What a broker makes of the request: through the bytes of the wire.
fn received(markers: &[&PartitionMarker]) -> kafka_protocol::messages::WriteTxnMarkersRequest {
    let mut bytes = bytes::BytesMut::new();
    PartitionMarker::request(markers).encode(&mut bytes, PartitionMarker::VERSION).unwrap();
    kafka_protocol::messages::WriteTxnMarkersRequest::decode(&mut bytes.freeze(), 1).unwrap()
}

#[test]
fn partitions_of_a_transaction_share_a_marker() {
    let all = [marker(7, "a", 0), marker(8, "a", 0), marker(7, "b", 1), marker(7, "a", 2)];
    let received = received(&all.iter().collect::<Vec<_>>());
    let ends: Vec<_> = received
        .markers
        .iter()
        .map(|end| (end.producer_id.0, end.topics.len(), bears_its_own_epoch(end)))
        .collect();
    assert_eq!(ends, [(7, 2, true), (8, 1, false)]);
    assert_eq!(received.markers[0].topics[0].partition_indexes, [0, 2]);
    assert!(received.markers[0].transaction_result);
}

#[test]
fn each_marker_gets_the_answer_of_its_partition() {
    let all = [marker(7, "a", 0), marker(7, "a", 1), marker(7, "a", 2), marker(8, "a", 0)];
    let partition = |index, code| {
        WritableTxnMarkerPartitionResult::default()
            .with_partition_index(index)
            .with_error_code(code)
    };
    let codes = vec![
        partition(2, ResponseError::NotLeaderOrFollower.code()),
        partition(1, ResponseError::InvalidProducerEpoch.code()),
        partition(0, 0),
    ];
    let topic = WritableTxnMarkerTopicResult::default()
        .with_name(kafka_protocol::messages::TopicName("a".into()))
        .with_partitions(codes);
    let end = WritableTxnMarkerResult::default()
        .with_producer_id(WireProducerId(7))
        .with_topics(vec![topic]);
    let response = WriteTxnMarkersResponse::default().with_markers(vec![end]);
    let marked = PartitionMarker::answers(&all.iter().collect::<Vec<_>>(), &response);
    assert_eq!(marked[0], Marked::Written);
    assert!(matches!(marked[1], Marked::Fenced(_)));
    assert!(matches!(marked[2], Marked::Failed(_)));
    assert!(matches!(marked[3], Marked::Failed(_)), "an answer that is missing is no answer");
}

fn addition(id: &str, epoch: i16, topic: &str, partition: u32) -> Addition {
    Addition {
        id: id.to_owned(),
        producer: ProducerInEpoch {
            producer: ProducerId::from_wire(7).unwrap(),
            epoch: ProducerEpoch::from_wire(epoch).unwrap(),
        },
        partitions: vec![(TopicName::new(topic).unwrap(), PartitionIndex::new(partition).unwrap())],
    }
}

#[test]
fn additions_of_a_transaction_share_its_answer() {
    let all = [addition("a", 1, "t", 0), addition("b", 1, "t", 1), addition("a", 1, "t", 2)];
    let all: Vec<_> = all.iter().collect();
    let mut bytes = bytes::BytesMut::new();
    Addition::request(&all).encode(&mut bytes, Addition::VERSION).unwrap();
    let received =
        AddPartitionsToTxnRequest::decode(&mut bytes.freeze(), Addition::VERSION).unwrap();
    let ids: Vec<_> = received.transactions.iter().map(|it| it.transactional_id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(received.transactions[0].topics[0].partitions, [0, 2]);

    let result = |id: &'static str, codes: &[(i32, i16)]| {
        let partitions = codes.iter().map(|(partition, code)| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*partition)
                .with_partition_error_code(*code)
        });
        let topic = AddPartitionsToTxnTopicResult::default()
            .with_name(kafka_protocol::messages::TopicName("t".into()))
            .with_results_by_partition(partitions.collect());
        AddPartitionsToTxnResult::default()
            .with_transactional_id(kafka_protocol::messages::TransactionalId(id.into()))
            .with_topic_results(vec![topic])
    };
    let concurrent = ResponseError::ConcurrentTransactions.code();
    let results = vec![result("b", &[(1, concurrent)]), result("a", &[(0, 0), (2, 0)])];
    let response = AddPartitionsToTxnResponse::default().with_results_by_transaction(results);
    let answers = Addition::answers(&all, &response);
    assert_eq!(answers, [Ok(()), Err(TransactionError::ConcurrentTransactions), Ok(())]);
    let nothing = Addition::answers(&all, &AddPartitionsToTxnResponse::default());
    assert_eq!(nothing, [Err(TransactionError::Unavailable); 3]);
}
