//! Every API in every version that is served: the request decodes, the answer encodes and decodes.

use crate::{
    broker::Served,
    client::Client,
    fetching::fetch,
    producing::{batch, name, produce, produce_one},
};
use kafka_protocol::{
    messages::*,
    protocol::{Request, StrBytes},
};
use std::ops::RangeInclusive;

async fn each<R: Request>(
    client: &mut Client,
    versions: RangeInclusive<i16>,
    request: impl Fn(i16) -> R,
) -> Vec<R::Response> {
    let mut responses = Vec::new();
    for version in versions {
        responses.push(client.call(version, request(version)).await);
    }
    responses
}

async fn broker_with_a_topic() -> (Served, Client, uuid::Uuid) {
    let served = Served::start().await;
    let id = served.create_topic("t", 2).await.as_uuid();
    let mut client = served.connect().await;
    produce_one(&mut client, "t", "a").await;
    (served, client, id)
}

#[tokio::test(start_paused = true)]
async fn the_record_apis_answer_in_every_version() {
    let (_served, mut client, id) = broker_with_a_topic().await;
    let produced = each(&mut client, 3..=13, |version| {
        let mut request = produce("t", -1, batch(&["b"]));
        if version >= 13 {
            request.topic_data[0].name = TopicName::default();
            request.topic_data[0].topic_id = id;
        }
        request
    });
    for response in produced.await {
        assert_eq!(response.responses[0].partition_responses[0].error_code, 0);
    }
    for (topic, code) in [("t", 0), ("missing", 3)] {
        let fetched = each(&mut client, 4..=12, |_| fetch(topic, 0, 0)).await;
        for response in fetched {
            assert_eq!(response.responses[0].partitions[0].error_code, code);
        }
    }
    let by_id = each(&mut client, 13..=18, |_| {
        let mut request = fetch("", 0, 0);
        request.topics[0].topic_id = id;
        request
    });
    for response in by_id.await {
        assert_eq!(response.responses[0].partitions[0].error_code, 0);
        assert!(!response.responses[0].partitions[0].records.as_ref().unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_position_apis_answer_in_every_version() {
    use list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
    use offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
    let (_served, mut client, _) = broker_with_a_topic().await;
    for (timestamp, first_version, offset) in
        [(-1, 1, 1), (-2, 1, 0), (-3, 7, 0), (-4, 8, 0), (-5, 9, -1), (1, 1, 0)]
    {
        let listed = each(&mut client, 1..=10, |_| {
            let partition = ListOffsetsPartition::default().with_timestamp(timestamp);
            ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![
                ListOffsetsTopic::default().with_name(name("t")).with_partitions(vec![partition]),
            ])
        });
        for (version, response) in (1..).zip(listed.await) {
            let partition = &response.topics[0].partitions[0];
            let expected = if version < first_version { (35, -1) } else { (0, offset) };
            assert_eq!(
                (partition.error_code, partition.offset),
                expected,
                "{timestamp} v{version}"
            );
        }
    }
    let ends = each(&mut client, 2..=4, |_| {
        let partition = OffsetForLeaderPartition::default().with_leader_epoch(1);
        OffsetForLeaderEpochRequest::default().with_topics(vec![
            OffsetForLeaderTopic::default().with_topic(name("t")).with_partitions(vec![partition]),
        ])
    });
    for response in ends.await {
        let end = &response.topics[0].partitions[0];
        assert_eq!((end.error_code, end.end_offset), (0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn the_cluster_apis_answer_in_every_version() {
    use metadata_request::MetadataRequestTopic;
    let (_served, mut client, _) = broker_with_a_topic().await;
    let software = |version| {
        let request = ApiVersionsRequest::default();
        if version < 3 {
            return request;
        }
        let request = request.with_client_software_name(StrBytes::from_static_str("test"));
        request.with_client_software_version(StrBytes::from_static_str("1.0"))
    };
    for response in each(&mut client, 0..=4, software).await {
        assert_eq!(response.error_code, 0);
        assert!(response.api_keys.is_sorted_by_key(|api| api.api_key));
        assert!(response.api_keys.iter().any(|api| api.api_key == 75));
    }
    let all = each(&mut client, 0..=13, |version| {
        let none = if version == 0 { Some(Vec::new()) } else { None };
        MetadataRequest::default().with_topics(none)
    });
    for response in all.await {
        assert_eq!((response.brokers.len(), response.topics.len()), (1, 1));
        assert_eq!(i32::from(response.topics[0].partitions[1].leader_id), 1);
    }
    let created = each(&mut client, 4..=13, |version| {
        let topic = name(&format!("auto-{version}"));
        MetadataRequest::default()
            .with_topics(Some(vec![MetadataRequestTopic::default().with_name(Some(topic))]))
    });
    for response in created.await {
        assert_eq!((response.topics[0].error_code, response.topics[0].partitions.len()), (0, 4));
    }
    each(&mut client, 0..=2, |_| DescribeClusterRequest::default()).await;
    each(&mut client, 0..=0, |_| DescribeTopicPartitionsRequest::default()).await;
    each(&mut client, 1..=4, |_| DescribeLogDirsRequest::default().with_topics(None)).await;
    each(&mut client, 0..=0, |_| ListPartitionReassignmentsRequest::default()).await;
    each(&mut client, 0..=1, |_| AlterPartitionReassignmentsRequest::default()).await;
    each(&mut client, 0..=2, |_| ElectLeadersRequest::default()).await;
    each(&mut client, 0..=0, |_| UnregisterBrokerRequest::default()).await;
    each(&mut client, 0..=3, |_| FindCoordinatorRequest::default()).await;
    each(&mut client, 4..=6, |_| {
        FindCoordinatorRequest::default().with_coordinator_keys(vec!["group".into()])
    })
    .await;
    let producers =
        each(&mut client, 0..=5, |_| InitProducerIdRequest::default().with_transactional_id(None));
    for response in producers.await {
        assert_eq!((response.error_code, response.producer_epoch), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn the_topic_apis_answer_in_every_version() {
    use create_partitions_request::CreatePartitionsTopic;
    use create_topics_request::CreatableTopic;
    use delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
    use delete_topics_request::DeleteTopicState;
    let (_served, mut client, _) = broker_with_a_topic().await;
    let created = each(&mut client, 2..=7, |version| {
        CreateTopicsRequest::default().with_topics(vec![
            CreatableTopic::default()
                .with_name(name(&format!("topic-{version}")))
                .with_num_partitions(1)
                .with_replication_factor(3),
        ])
    });
    for response in created.await {
        assert_eq!(response.topics[0].error_code, 0, "{response:?}");
    }
    let raised = each(&mut client, 0..=3, |version| {
        CreatePartitionsRequest::default().with_timeout_ms(60_000).with_topics(vec![
            CreatePartitionsTopic::default()
                .with_name(name("t"))
                .with_count(3 + i32::from(version))
                .with_assignments(None),
        ])
    });
    for response in raised.await {
        assert_eq!(response.results[0].error_code, 0, "{response:?}");
    }
    let deleted = each(&mut client, 0..=2, |_| {
        let partition = DeleteRecordsPartition::default().with_offset(-1);
        DeleteRecordsRequest::default().with_timeout_ms(60_000).with_topics(vec![
            DeleteRecordsTopic::default().with_name(name("t")).with_partitions(vec![partition]),
        ])
    });
    for response in deleted.await {
        let partition = &response.topics[0].partitions[0];
        assert_eq!((partition.error_code, partition.low_watermark), (0, 1));
    }
    let removed = each(&mut client, 1..=6, |version| {
        let topic = name(&format!("topic-{}", version + 1));
        let request = DeleteTopicsRequest::default().with_timeout_ms(60_000);
        if version < 6 {
            return request.with_topic_names(vec![topic]);
        }
        request.with_topics(vec![DeleteTopicState::default().with_name(Some(topic))])
    });
    for response in removed.await {
        assert_eq!(response.responses[0].error_code, 0, "{response:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_config_apis_answer_in_every_version() {
    use alter_configs_request as alter;
    use describe_configs_request::DescribeConfigsResource;
    use incremental_alter_configs_request as incremental;
    let (_served, mut client, _) = broker_with_a_topic().await;
    let altered = each(&mut client, 0..=2, |_| {
        let config = alter::AlterableConfig::default()
            .with_name("retention.ms".into())
            .with_value(Some("1000".into()));
        AlterConfigsRequest::default().with_resources(vec![
            alter::AlterConfigsResource::default()
                .with_resource_type(2)
                .with_resource_name("t".into())
                .with_configs(vec![config]),
        ])
    });
    for response in altered.await {
        assert_eq!(response.responses[0].error_code, 0, "{response:?}");
    }
    let changed = each(&mut client, 0..=1, |_| {
        let config = incremental::AlterableConfig::default()
            .with_name("no.such.key".into())
            .with_value(Some("1".into()));
        IncrementalAlterConfigsRequest::default().with_resources(vec![
            incremental::AlterConfigsResource::default()
                .with_resource_type(2)
                .with_resource_name("t".into())
                .with_configs(vec![config]),
        ])
    });
    for response in changed.await {
        assert_eq!(response.responses[0].error_code, 40, "{response:?}");
    }
    for (resource_type, resource) in [(2, "t"), (4, "1"), (4, "")] {
        let described = each(&mut client, 1..=4, |version| {
            DescribeConfigsRequest::default()
                .with_include_synonyms(true)
                .with_include_documentation(version >= 3)
                .with_resources(vec![
                    DescribeConfigsResource::default()
                        .with_resource_type(resource_type)
                        .with_resource_name(resource.into())
                        .with_configuration_keys(None),
                ])
        });
        for response in described.await {
            assert_eq!(response.results[0].error_code, 0, "{response:?}");
        }
    }
}
