//! Transactions over the wire, by the rules of both versions.

use crate::{
    broker::Served,
    client::Client,
    producing::{name, outcome, produce},
};
use bytes::Bytes;
use formats::{compression::Codec, record_batch::BatchBuilder};
use kafka_protocol::{ResponseError, messages::*, protocol::StrBytes};
use std::time::Duration;

const ID: &str = "pay";

/// A client of a broker whose transaction slots are open, and a topic `t` of two partitions.
async fn setting() -> (Served, Client) {
    let served = Served::start().await;
    served.create_topic("t", 2).await;
    let mut client = served.connect().await;
    for key_type in [0, 1] {
        until_found(&mut client, key_type).await;
    }
    until_loaded(&mut client).await;
    (served, client)
}

async fn until_found(client: &mut Client, key_type: i8) {
    for _ in 0..100 {
        let keys = vec![StrBytes::from_static_str(ID)];
        let request = FindCoordinatorRequest::default().with_key_type(key_type);
        let found = client.call(4, request.with_coordinator_keys(keys)).await;
        if found.coordinators[0].error_code == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no coordinator");
}

async fn until_loaded(client: &mut Client) {
    for _ in 0..100 {
        let transactions = client.call(1, ListTransactionsRequest::default()).await.error_code;
        let groups = client.call(4, ListGroupsRequest::default()).await.error_code;
        if (transactions, groups) == (0, 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the slots are never loaded");
}

fn id() -> TransactionalId {
    TransactionalId(StrBytes::from_static_str(ID))
}

/// A producer and its epoch.
type Who = (i64, i16);

async fn init(client: &mut Client) -> Who {
    for _ in 0..1_000 {
        let request = InitProducerIdRequest::default().with_transactional_id(Some(id()));
        let given = client.call(4, request.with_transaction_timeout_ms(60_000)).await;
        if given.error_code != ResponseError::ConcurrentTransactions.code() {
            assert_eq!(given.error_code, 0);
            return (given.producer_id.0, given.producer_epoch);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the transaction before is never complete");
}

fn add(who: Who, topic: &str, partitions: Vec<i32>) -> AddPartitionsToTxnRequest {
    let topic = add_partitions_to_txn_request::AddPartitionsToTxnTopic::default()
        .with_name(name(topic))
        .with_partitions(partitions);
    AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(id())
        .with_v3_and_below_producer_id(who.0.into())
        .with_v3_and_below_producer_epoch(who.1)
        .with_v3_and_below_topics(vec![topic])
}

/// The codes of the partitions, in their order.
async fn added(client: &mut Client, version: i16, request: AddPartitionsToTxnRequest) -> Vec<i16> {
    let response = client.call(version, request).await;
    let topics = response.results_by_topic_v3_and_below.into_iter();
    topics.flat_map(|it| it.results_by_partition).map(|it| it.partition_error_code).collect()
}

fn batch((producer, epoch): Who, sequence: i32) -> Bytes {
    let mut builder = BatchBuilder::new(Codec::None).producer(producer, epoch, sequence);
    builder = builder.transactional();
    builder.push(1_700_000_000_000, None, Some(b"x"), &[]);
    builder.build()
}

/// Writes one record to partition 0; answers the error code.
async fn write(client: &mut Client, version: i16, who: Who, sequence: i32) -> i16 {
    let request = produce("t", -1, batch(who, sequence)).with_transactional_id(Some(id()));
    outcome(&client.call(version, request).await).0
}

fn end(who: Who, committed: bool) -> EndTxnRequest {
    EndTxnRequest::default()
        .with_transactional_id(id())
        .with_producer_id(who.0.into())
        .with_producer_epoch(who.1)
        .with_committed(committed)
}

/// High watermark and last stable offset of partition 0, and the first offsets of aborted transactions.
async fn positions(client: &mut Client) -> (i64, i64, Vec<i64>) {
    let partition = fetch_request::FetchPartition::default().with_partition_max_bytes(1 << 20);
    let topic =
        fetch_request::FetchTopic::default().with_topic(name("t")).with_partitions(vec![partition]);
    let request = FetchRequest::default()
        .with_max_bytes(1 << 20)
        .with_isolation_level(1)
        .with_topics(vec![topic]);
    let response = client.call(11, request).await;
    let data = &response.responses[0].partitions[0];
    let aborted = data.aborted_transactions.iter().flatten().map(|it| it.first_offset).collect();
    (data.high_watermark, data.last_stable_offset, aborted)
}

async fn state(client: &mut Client) -> String {
    let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![id()]);
    client.call(0, request).await.transaction_states[0].transaction_state.to_string()
}

async fn until_complete(client: &mut Client) {
    for _ in 0..1_000 {
        if state(client).await.starts_with("Complete") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never complete");
}

#[tokio::test(start_paused = true)]
async fn by_version_1_partitions_are_added_first_and_epochs_stay() {
    let (_served, mut client) = setting().await;
    let who = init(&mut client).await;
    assert_eq!(write(&mut client, 9, who, 0).await, ResponseError::InvalidTxnState.code());
    assert_eq!(write(&mut client, 11, who, 0).await, ResponseError::TransactionAbortable.code());
    assert_eq!(added(&mut client, 3, add(who, "t", vec![0, 1])).await, [0, 0]);
    assert_eq!(write(&mut client, 9, who, 0).await, 0);
    assert_eq!(positions(&mut client).await, (1, 0, vec![]));
    assert_eq!(client.call(4, end(who, true)).await.error_code, 0);
    until_complete(&mut client).await;
    assert_eq!(positions(&mut client).await, (2, 2, vec![]));
    // The next one, aborted.
    assert_eq!(added(&mut client, 3, add(who, "t", vec![0])).await, [0]);
    assert_eq!(write(&mut client, 9, who, 1).await, 0);
    assert_eq!(client.call(4, end(who, false)).await.error_code, 0);
    until_complete(&mut client).await;
    assert_eq!(positions(&mut client).await, (4, 4, vec![2]));
    assert_eq!(client.call(4, end(who, false)).await.error_code, 0, "a repeated request");
    let commit = client.call(4, end(who, true)).await.error_code;
    assert_eq!(commit, ResponseError::InvalidTxnState.code());
}

#[tokio::test(start_paused = true)]
async fn by_version_2_a_first_batch_adds_its_partition_and_each_end_raises_the_epoch() {
    let (_served, mut client) = setting().await;
    let mut who = init(&mut client).await;
    for (round, committed) in [(0, true), (1, false), (2, true)] {
        let records = 2 * i64::from(round);
        assert_eq!(write(&mut client, 12, who, 0).await, 0);
        assert_eq!(positions(&mut client).await.1, records);
        let ended = client.call(5, end(who, committed)).await;
        assert_eq!((ended.error_code, ended.producer_epoch), (0, who.1 + 1));
        until_complete(&mut client).await;
        assert_eq!(
            write(&mut client, 12, who, 1).await,
            ResponseError::InvalidProducerEpoch.code()
        );
        who = (ended.producer_id.0, ended.producer_epoch);
    }
    assert_eq!(positions(&mut client).await, (6, 6, vec![2]));
}

#[tokio::test(start_paused = true)]
async fn a_first_batch_that_comes_before_the_last_transaction_is_complete_waits_for_it() {
    let (_served, mut client) = setting().await;
    let mut who = init(&mut client).await;
    for _ in 0..20 {
        assert_eq!(write(&mut client, 12, who, 0).await, 0);
        let ended = client.call(5, end(who, true)).await;
        who = (ended.producer_id.0, ended.producer_epoch);
    }
    assert_eq!(write(&mut client, 12, who, 0).await, 0);
}

#[tokio::test(start_paused = true)]
async fn partitions_that_do_not_exist_keep_the_others_out() {
    let (_served, mut client) = setting().await;
    let who = init(&mut client).await;
    let (unknown, not_attempted) = (
        ResponseError::UnknownTopicOrPartition.code(),
        ResponseError::OperationNotAttempted.code(),
    );
    assert_eq!(added(&mut client, 3, add(who, "t", vec![0, 9])).await, [not_attempted, unknown]);
    assert_eq!(state(&mut client).await, "Empty");
}

#[tokio::test(start_paused = true)]
async fn a_zombie_is_told_so_in_the_words_of_its_version() {
    let (_served, mut client) = setting().await;
    let zombie = init(&mut client).await;
    assert_eq!(added(&mut client, 3, add(zombie, "t", vec![0])).await, [0]);
    assert_eq!(write(&mut client, 9, zombie, 0).await, 0);
    let successor = init(&mut client).await;
    assert!(successor.1 > zombie.1);
    assert_eq!(positions(&mut client).await, (2, 2, vec![0]), "what it left open is aborted");
    let (old, new) =
        (ResponseError::InvalidProducerEpoch.code(), ResponseError::ProducerFenced.code());
    assert_eq!(client.call(1, end(zombie, true)).await.error_code, old);
    assert_eq!(client.call(2, end(zombie, true)).await.error_code, new);
    assert_eq!(added(&mut client, 1, add(zombie, "t", vec![0])).await, [old]);
    assert_eq!(added(&mut client, 3, add(zombie, "t", vec![0])).await, [new]);
    assert_eq!(write(&mut client, 9, zombie, 1).await, old);
    let stranger = (successor.0 + 1_000_000, 0);
    let unknown = ResponseError::InvalidProducerIdMapping.code();
    assert_eq!(client.call(3, end(stranger, true)).await.error_code, unknown);
}

#[tokio::test(start_paused = true)]
async fn timeouts_out_of_bounds_and_unknown_ids_are_refused() {
    let (_served, mut client) = setting().await;
    for timeout_ms in [0, 900_001] {
        let request = InitProducerIdRequest::default().with_transactional_id(Some(id()));
        let refused = client.call(4, request.with_transaction_timeout_ms(timeout_ms)).await;
        assert_eq!(refused.error_code, ResponseError::InvalidTransactionTimeout.code());
    }
    let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![id()]);
    let unknown = client.call(0, request).await.transaction_states[0].error_code;
    assert_eq!(unknown, ResponseError::TransactionalIdNotFound.code());
}

#[tokio::test(start_paused = true)]
async fn transactions_are_listed_by_state_producer_age_and_pattern() {
    let (_served, mut client) = setting().await;
    let who = init(&mut client).await;
    assert_eq!(added(&mut client, 3, add(who, "t", vec![0])).await, [0]);
    let all = ListTransactionsRequest::default().with_duration_filter(-1);
    let table = [
        (all.clone(), 1),
        (all.clone().with_state_filters(vec!["Ongoing".into()]), 1),
        (all.clone().with_state_filters(vec!["Empty".into()]), 0),
        (all.clone().with_producer_id_filters(vec![who.0.into()]), 1),
        (all.clone().with_producer_id_filters(vec![(who.0 + 1).into()]), 0),
        (all.clone().with_duration_filter(3_600_000), 0),
        (all.clone().with_transactional_id_pattern(Some("p.y".into())), 1),
        (all.clone().with_transactional_id_pattern(Some("pa".into())), 0),
    ];
    for (request, count) in table {
        assert_eq!(
            client.call(2, request.clone()).await.transaction_states.len(),
            count,
            "{request:?}"
        );
    }
    let odd = all.clone().with_state_filters(vec!["Odd".into()]);
    assert_eq!(client.call(2, odd).await.unknown_state_filters.len(), 1);
    let bad = all.with_transactional_id_pattern(Some("(".into()));
    let refused = ResponseError::InvalidRegularExpression.code();
    assert_eq!(client.call(2, bad).await.error_code, refused);
}

fn offsets(who: Who, offset: i64) -> TxnOffsetCommitRequest {
    use txn_offset_commit_request::{TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic};
    let partition = TxnOffsetCommitRequestPartition::default().with_committed_offset(offset);
    let topic = TxnOffsetCommitRequestTopic::default()
        .with_name(name("t"))
        .with_partitions(vec![partition]);
    TxnOffsetCommitRequest::default()
        .with_transactional_id(id())
        .with_group_id(GroupId("g".into()))
        .with_producer_id(who.0.into())
        .with_producer_epoch(who.1)
        .with_topics(vec![topic])
}

async fn staged(client: &mut Client, version: i16, request: TxnOffsetCommitRequest) -> i16 {
    client.call(version, request).await.topics[0].partitions[0].error_code
}

/// Error code and offset of partition 0, for a reader that wants none that may change.
async fn committed(client: &mut Client) -> (i16, i64) {
    use offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
    let topic =
        OffsetFetchRequestTopics::default().with_name(name("t")).with_partition_indexes(vec![0]);
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(GroupId("g".into()))
        .with_topics(Some(vec![topic]));
    let request = OffsetFetchRequest::default().with_groups(vec![group]).with_require_stable(true);
    let response = client.call(8, request).await;
    let partition = &response.groups[0].topics[0].partitions[0];
    (partition.error_code, partition.committed_offset)
}

#[tokio::test(start_paused = true)]
async fn offsets_count_when_their_transaction_is_committed() {
    let (_served, mut client) = setting().await;
    let who = init(&mut client).await;
    let early = staged(&mut client, 3, offsets(who, 5)).await;
    assert_eq!(early, ResponseError::InvalidTxnState.code(), "the group is not in the transaction");
    let join = AddOffsetsToTxnRequest::default()
        .with_transactional_id(id())
        .with_producer_id(who.0.into())
        .with_producer_epoch(who.1)
        .with_group_id(GroupId("g".into()));
    assert_eq!(client.call(3, join).await.error_code, 0);
    assert_eq!(staged(&mut client, 3, offsets(who, 5)).await, 0);
    assert_eq!(committed(&mut client).await.0, ResponseError::UnstableOffsetCommit.code());
    assert_eq!(client.call(3, end(who, true)).await.error_code, 0);
    until_complete(&mut client).await;
    assert_eq!(committed(&mut client).await, (0, 5));
    // By version 2 the request brings the group in; an abort leaves the offset as it was.
    assert_eq!(staged(&mut client, 5, offsets(who, 9)).await, 0);
    let ended = client.call(5, end(who, false)).await;
    assert_eq!((ended.error_code, ended.producer_epoch), (0, who.1 + 1));
    until_complete(&mut client).await;
    assert_eq!(committed(&mut client).await, (0, 5));
    let zombie = staged(&mut client, 5, offsets(who, 9)).await;
    assert_eq!(zombie, ResponseError::InvalidProducerEpoch.code());
}
