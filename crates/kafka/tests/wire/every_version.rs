//! Every API in every version that is advertised answers what its schema allows, and the answer decodes.

use crate::broker::Served;
use bytes::{Buf, Bytes};
use kafka_protocol::{
    messages::*,
    protocol::{Decodable, HeaderVersion, Request},
};
use request_schema::sample::{Content, Sample};

/// Decodes an answer whole; answers its correlation id.
fn decode<R: Request>(version: i16, mut answer: Bytes) -> i32 {
    let header_version = <R::Response as HeaderVersion>::header_version(version);
    let header = ResponseHeader::decode(&mut answer, header_version).unwrap();
    R::Response::decode(&mut answer, version)
        .unwrap_or_else(|error| panic!("{} version {version}: {error}", R::KEY));
    assert!(!answer.has_remaining(), "{} version {version}: too many bytes", R::KEY);
    header.correlation_id
}

fn decoder(api_key: i16) -> fn(i16, Bytes) -> i32 {
    match ApiKey::try_from(api_key).unwrap() {
        ApiKey::Produce => decode::<ProduceRequest>,
        ApiKey::Fetch => decode::<FetchRequest>,
        ApiKey::ListOffsets => decode::<ListOffsetsRequest>,
        ApiKey::Metadata => decode::<MetadataRequest>,
        ApiKey::OffsetCommit => decode::<OffsetCommitRequest>,
        ApiKey::OffsetFetch => decode::<OffsetFetchRequest>,
        ApiKey::OffsetDelete => decode::<OffsetDeleteRequest>,
        ApiKey::JoinGroup => decode::<JoinGroupRequest>,
        ApiKey::SyncGroup => decode::<SyncGroupRequest>,
        ApiKey::Heartbeat => decode::<HeartbeatRequest>,
        ApiKey::LeaveGroup => decode::<LeaveGroupRequest>,
        ApiKey::ListGroups => decode::<ListGroupsRequest>,
        ApiKey::DescribeGroups => decode::<DescribeGroupsRequest>,
        ApiKey::DeleteGroups => decode::<DeleteGroupsRequest>,
        ApiKey::FindCoordinator => decode::<FindCoordinatorRequest>,
        ApiKey::ApiVersions => decode::<ApiVersionsRequest>,
        ApiKey::CreateTopics => decode::<CreateTopicsRequest>,
        ApiKey::DeleteTopics => decode::<DeleteTopicsRequest>,
        ApiKey::DeleteRecords => decode::<DeleteRecordsRequest>,
        ApiKey::InitProducerId => decode::<InitProducerIdRequest>,
        ApiKey::OffsetForLeaderEpoch => decode::<OffsetForLeaderEpochRequest>,
        ApiKey::DescribeAcls => decode::<DescribeAclsRequest>,
        ApiKey::CreateAcls => decode::<CreateAclsRequest>,
        ApiKey::DeleteAcls => decode::<DeleteAclsRequest>,
        ApiKey::DescribeClientQuotas => decode::<DescribeClientQuotasRequest>,
        ApiKey::AlterClientQuotas => decode::<AlterClientQuotasRequest>,
        ApiKey::DescribeConfigs => decode::<DescribeConfigsRequest>,
        ApiKey::AlterConfigs => decode::<AlterConfigsRequest>,
        ApiKey::DescribeLogDirs => decode::<DescribeLogDirsRequest>,
        ApiKey::CreatePartitions => decode::<CreatePartitionsRequest>,
        ApiKey::IncrementalAlterConfigs => decode::<IncrementalAlterConfigsRequest>,
        ApiKey::ElectLeaders => decode::<ElectLeadersRequest>,
        ApiKey::UnregisterBroker => decode::<UnregisterBrokerRequest>,
        ApiKey::AlterPartitionReassignments => decode::<AlterPartitionReassignmentsRequest>,
        ApiKey::ListPartitionReassignments => decode::<ListPartitionReassignmentsRequest>,
        ApiKey::DescribeCluster => decode::<DescribeClusterRequest>,
        ApiKey::AddPartitionsToTxn => decode::<AddPartitionsToTxnRequest>,
        ApiKey::AddOffsetsToTxn => decode::<AddOffsetsToTxnRequest>,
        ApiKey::EndTxn => decode::<EndTxnRequest>,
        ApiKey::WriteTxnMarkers => decode::<WriteTxnMarkersRequest>,
        ApiKey::TxnOffsetCommit => decode::<TxnOffsetCommitRequest>,
        ApiKey::DescribeTransactions => decode::<DescribeTransactionsRequest>,
        ApiKey::ListTransactions => decode::<ListTransactionsRequest>,
        ApiKey::ConsumerGroupHeartbeat => decode::<ConsumerGroupHeartbeatRequest>,
        ApiKey::ConsumerGroupDescribe => decode::<ConsumerGroupDescribeRequest>,
        ApiKey::DescribeProducers => decode::<DescribeProducersRequest>,
        ApiKey::SaslHandshake => decode::<SaslHandshakeRequest>,
        ApiKey::SaslAuthenticate => decode::<SaslAuthenticateRequest>,
        ApiKey::DescribeUserScramCredentials => decode::<DescribeUserScramCredentialsRequest>,
        ApiKey::AlterUserScramCredentials => decode::<AlterUserScramCredentialsRequest>,
        ApiKey::DescribeTopicPartitions => decode::<DescribeTopicPartitionsRequest>,
        other => panic!("{other:?} is advertised and has no line here"),
    }
}

/// Keys and versions that `ApiVersions` names, those apart that are named and refused.
async fn advertised(served: &Served) -> Vec<(i16, i16)> {
    let mut client = served.connect().await;
    let response = client.call(0, ApiVersionsRequest::default()).await;
    let mut pairs = Vec::new();
    for api in response.api_keys {
        let lowest = request_schema::request(api.api_key).unwrap().versions.min;
        let versions = api.min_version.max(lowest)..=api.max_version;
        pairs.extend(versions.map(|version| (api.api_key, version)));
    }
    pairs
}

#[tokio::test(start_paused = true)]
async fn every_advertised_version_answers_the_least_and_a_typical_request() {
    for topic_exists in [true, false] {
        let served = Served::start().await;
        if topic_exists {
            served.create_topic("sample", 2).await;
        }
        for (api_key, version) in advertised(&served).await {
            for content in [Content::Least, Content::Typical] {
                let schema = request_schema::request(api_key).unwrap();
                let mut client = served.connect().await;
                let sample = Sample::new(schema, version, 77, content);
                client.send_frame(&sample.bytes).await;
                let answer = client.receive_frame().await;
                let answer = answer.unwrap_or_else(|error| {
                    panic!("{} version {version}, {content:?}: {error}", schema.name)
                });
                assert_eq!(decoder(api_key)(version, answer), 77);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_advertised_version_has_a_schema() {
    let served = Served::start().await;
    for (api_key, version) in advertised(&served).await {
        let schema = request_schema::request(api_key).unwrap();
        assert!(schema.versions.contains(version), "{} version {version}", schema.name);
    }
}

/// The lengths that no bytes bear out, at every place where a request has one.
#[tokio::test(start_paused = true)]
async fn every_hostile_length_is_refused_in_every_version() {
    let served = Served::start().await;
    for (api_key, version) in advertised(&served).await {
        let schema = request_schema::request(api_key).unwrap();
        let sample = Sample::new(schema, version, 1, Content::Typical);
        for length in sample.lengths.iter().filter(|length| length.field != "tag") {
            for value in [i32::MAX, i32::MIN, -2] {
                let refused = kafka::check_request(sample.with_length(length, value).into());
                let refused = matches!(refused, Err(kafka::FrameError::Malformed { .. }));
                assert!(refused, "{} version {version}: {length:?} = {value}", schema.name);
            }
        }
    }
}
