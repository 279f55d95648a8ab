//! The schema tables and the protocol crate agree: what a walk lets pass decodes, and needs no more memory than the walk says.

use kafka::{FrameError, check_request};
use kafka_protocol::messages::*;
use proptest::prelude::*;
use request_schema::{
    Field, Kind, Message, REQUESTS,
    sample::{Content, Sample},
};

/// The elements of the array at that path of field names.
fn element(api_key: i16, path: &[&str]) -> usize {
    let mut fields = request_schema::request(api_key).unwrap().fields;
    let mut bytes = 0;
    for name in path {
        let field: &Field = fields.iter().find(|field| field.name == *name).unwrap();
        let Kind::Array(element) = field.kind else { panic!("{name} is no array") };
        bytes = element.decoded_bytes();
        if let Kind::Struct(inner) = element {
            fields = inner;
        }
    }
    bytes
}

#[test]
fn no_element_is_larger_in_memory_than_the_tables_say() {
    let table = [
        (element(0, &["TopicData"]), size_of::<produce_request::TopicProduceData>()),
        (
            element(0, &["TopicData", "PartitionData"]),
            size_of::<produce_request::PartitionProduceData>(),
        ),
        (element(1, &["Topics"]), size_of::<fetch_request::FetchTopic>()),
        (element(1, &["Topics", "Partitions"]), size_of::<fetch_request::FetchPartition>()),
        (element(1, &["ForgottenTopicsData"]), size_of::<fetch_request::ForgottenTopic>()),
        (
            element(2, &["Topics", "Partitions"]),
            size_of::<list_offsets_request::ListOffsetsPartition>(),
        ),
        (element(3, &["Topics"]), size_of::<metadata_request::MetadataRequestTopic>()),
        (
            element(8, &["Topics", "Partitions"]),
            size_of::<offset_commit_request::OffsetCommitRequestPartition>(),
        ),
        (element(19, &["Topics"]), size_of::<create_topics_request::CreatableTopic>()),
        (
            element(19, &["Topics", "Assignments"]),
            size_of::<create_topics_request::CreatableReplicaAssignment>(),
        ),
        (element(20, &["TopicNames"]), size_of::<TopicName>()),
        (
            element(24, &["Transactions"]),
            size_of::<add_partitions_to_txn_request::AddPartitionsToTxnTransaction>(),
        ),
        (
            element(32, &["Resources"]),
            size_of::<describe_configs_request::DescribeConfigsResource>(),
        ),
        (
            element(44, &["Resources", "Configs"]),
            size_of::<incremental_alter_configs_request::AlterableConfig>(),
        ),
    ];
    for (position, (said, actual)) in table.into_iter().enumerate() {
        assert!(actual <= said, "line {position}: {actual} bytes, and the tables say {said}");
    }
}

/// A served message, one of its versions, and a request with some bytes changed.
fn mutated() -> impl Strategy<Value = (&'static Message, i16, Vec<u8>)> {
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    let message = any::<prop::sample::Index>().prop_map(|index| index.get(REQUESTS));
    (message, any::<prop::sample::Index>(), any::<bool>(), changes).prop_map(
        |(message, version, least, changes)| {
            let versions: Vec<i16> = (message.versions.min..=message.versions.max).collect();
            let version = *version.get(&versions);
            let content = if least { Content::Least } else { Content::Typical };
            let mut bytes = Sample::new(message, version, 1, content).bytes;
            for (position, byte) in changes {
                let position = 8 + position.index(bytes.len() - 8);
                bytes[position] = byte;
            }
            (message, version, bytes)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn what_a_walk_lets_pass_decodes((message, version, bytes) in mutated()) {
        let checked = check_request(bytes.into());
        let undecodable = matches!(checked, Err(FrameError::Undecodable { .. }));
        prop_assert!(!undecodable, "{} version {}: {:?}", message.name, version, checked);
    }
}
