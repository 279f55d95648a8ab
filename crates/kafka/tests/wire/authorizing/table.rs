//! What is asked of the cluster, and of transactions.

use super::{
    CLUSTER_DENIED, TRANSACTION_DENIED, ask,
    line::{Line, Need, line},
    text,
};
use crate::producing::name;
use futures::FutureExt;
use kafka_protocol::{messages::*, protocol::StrBytes};
use security::acl::{
    CLUSTER,
    Operation::{
        Alter, AlterConfigs, ClusterAction, Create, Describe, DescribeConfigs, IdempotentWrite,
        Read, Write,
    },
    ResourceType::{Cluster, Group, Topic, TransactionalId as Transaction},
};

const DESCRIBE: &[&[Need]] = &[&[(Cluster, CLUSTER, Describe)]];
const ALTER: &[&[Need]] = &[&[(Cluster, CLUSTER, Alter)]];
const ACTION: &[&[Need]] = &[&[(Cluster, CLUSTER, ClusterAction)]];
const WRITE_X: &[&[Need]] = &[&[(Transaction, "x", Write)]];
const DESCRIBE_X: &[&[Need]] = &[&[(Transaction, "x", Describe)]];

pub fn lines() -> Vec<Line> {
    of_cluster()
        .into_iter()
        .chain(of_quotas())
        .chain(of_configs())
        .chain(of_transactions())
        .chain(of_coordinators())
        .collect()
}

fn of_cluster() -> Vec<Line> {
    vec![
        line!(DescribeAcls, "all", DESCRIBE, |them| {
            let request = DescribeAclsRequest::default()
                .with_resource_type_filter(1)
                .with_pattern_type_filter(1)
                .with_operation(1)
                .with_permission_type(1);
            ask(&mut them.alice, 3, request).await.error_code
        }),
        line!(CreateAcls, "one", ALTER, |them| {
            let creation = create_acls_request::AclCreation::default()
                .with_resource_type(2)
                .with_resource_name("elsewhere".into())
                .with_resource_pattern_type(3)
                .with_principal("User:other".into())
                .with_host("*".into())
                .with_operation(3)
                .with_permission_type(3);
            let request = CreateAclsRequest::default().with_creations(vec![creation]);
            ask(&mut them.alice, 3, request).await.results[0].error_code
        }),
        line!(DeleteAcls, "none that there is", ALTER, |them| {
            let filter = delete_acls_request::DeleteAclsFilter::default()
                .with_resource_type_filter(1)
                .with_pattern_type_filter(1)
                .with_principal_filter(Some("User:nobody".into()))
                .with_operation(1)
                .with_permission_type(1);
            let request = DeleteAclsRequest::default().with_filters(vec![filter]);
            ask(&mut them.alice, 3, request).await.filter_results[0].error_code
        }),
        line!(DescribeLogDirs, "all", DESCRIBE, |them| {
            ask(&mut them.alice, 4, DescribeLogDirsRequest::default().with_topics(None))
                .await
                .error_code
        }),
        line!(ElectLeaders, "of a partition", ALTER, |them| {
            let topic = elect_leaders_request::TopicPartitions::default()
                .with_topic(name("t"))
                .with_partitions(vec![0]);
            let request = ElectLeadersRequest::default().with_topic_partitions(Some(vec![topic]));
            let answer = ask(&mut them.alice, 2, request).await;
            let code = answer.replica_election_results[0].partition_result[0].error_code;
            assert_eq!(answer.error_code == CLUSTER_DENIED, code == CLUSTER_DENIED);
            code
        }),
        line!(AlterPartitionReassignments, "none", ALTER, |them| {
            ask(&mut them.alice, 0, AlterPartitionReassignmentsRequest::default()).await.error_code
        }),
        line!(ListPartitionReassignments, "all", DESCRIBE, |them| {
            let request = ListPartitionReassignmentsRequest::default().with_topics(None);
            ask(&mut them.alice, 0, request).await.error_code
        }),
        line!(DescribeUserScramCredentials, "all", DESCRIBE, |them| {
            let request = DescribeUserScramCredentialsRequest::default().with_users(None);
            ask(&mut them.alice, 0, request).await.error_code
        }),
        line!(AlterUserScramCredentials, "removes one", ALTER, |them| {
            let deletion = alter_user_scram_credentials_request::ScramCredentialDeletion::default()
                .with_name("nobody".into())
                .with_mechanism(1);
            let request =
                AlterUserScramCredentialsRequest::default().with_deletions(vec![deletion]);
            ask(&mut them.alice, 0, request).await.results[0].error_code
        }),
        line!(UnregisterBroker, "one that there is not", ALTER, |them| {
            let request = UnregisterBrokerRequest::default().with_broker_id(9.into());
            ask(&mut them.alice, 0, request).await.error_code
        }),
        line!(DescribeCluster, "its operations", DESCRIBE, |them| {
            let request =
                DescribeClusterRequest::default().with_include_cluster_authorized_operations(true);
            let answer = ask(&mut them.alice, 1, request.with_endpoint_type(1)).await;
            if answer.cluster_authorized_operations == 0 { CLUSTER_DENIED } else { 0 }
        }),
    ]
}

fn of_configs() -> Vec<Line> {
    const TOPIC: (i8, StrBytes) = (2, StrBytes::from_static_str("t"));
    const BROKER: (i8, StrBytes) = (4, StrBytes::from_static_str("1"));
    fn describe((kind, name): (i8, StrBytes)) -> DescribeConfigsRequest {
        let resource = describe_configs_request::DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(name)
            .with_configuration_keys(None);
        DescribeConfigsRequest::default().with_resources(vec![resource])
    }
    fn alter((kind, name): (i8, StrBytes)) -> AlterConfigsRequest {
        let resource = alter_configs_request::AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(name);
        AlterConfigsRequest::default().with_resources(vec![resource]).with_validate_only(true)
    }
    fn change((kind, name): (i8, StrBytes)) -> IncrementalAlterConfigsRequest {
        let resource = incremental_alter_configs_request::AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(name);
        let request = IncrementalAlterConfigsRequest::default().with_validate_only(true);
        request.with_resources(vec![resource])
    }
    vec![
        line!(DescribeConfigs, "of a topic", &[&[(Topic, "t", DescribeConfigs)]], |them| {
            ask(&mut them.alice, 4, describe(TOPIC)).await.results[0].error_code
        }),
        line!(DescribeConfigs, "of a broker", &[&[(Cluster, CLUSTER, DescribeConfigs)]], |them| {
            ask(&mut them.alice, 4, describe(BROKER)).await.results[0].error_code
        }),
        line!(AlterConfigs, "of a topic", &[&[(Topic, "t", AlterConfigs)]], |them| {
            ask(&mut them.alice, 2, alter(TOPIC)).await.responses[0].error_code
        }),
        line!(AlterConfigs, "of a broker", &[&[(Cluster, CLUSTER, AlterConfigs)]], |them| {
            ask(&mut them.alice, 2, alter(BROKER)).await.responses[0].error_code
        }),
        line!(IncrementalAlterConfigs, "of a topic", &[&[(Topic, "t", AlterConfigs)]], |them| {
            ask(&mut them.alice, 1, change(TOPIC)).await.responses[0].error_code
        }),
        line!(
            IncrementalAlterConfigs,
            "of a broker",
            &[&[(Cluster, CLUSTER, AlterConfigs)]],
            |them| ask(&mut them.alice, 1, change(BROKER)).await.responses[0].error_code
        ),
    ]
}

fn of_quotas() -> Vec<Line> {
    vec![
        line!(DescribeClientQuotas, "all", &[&[(Cluster, CLUSTER, DescribeConfigs)]], |them| {
            ask(&mut them.alice, 1, DescribeClientQuotasRequest::default()).await.error_code
        }),
        line!(AlterClientQuotas, "none", &[&[(Cluster, CLUSTER, AlterConfigs)]], |them| {
            let entity = alter_client_quotas_request::EntityData::default()
                .with_entity_type("user".into())
                .with_entity_name(None);
            let entry = alter_client_quotas_request::EntryData::default();
            let entry = entry.with_entity(vec![entity]);
            let request = AlterClientQuotasRequest::default().with_entries(vec![entry]);
            ask(&mut them.alice, 1, request).await.entries[0].error_code
        }),
    ]
}

fn of_transactions() -> Vec<Line> {
    vec![
        line!(
            InitProducerId,
            "without transactions",
            &[&[(Cluster, CLUSTER, IdempotentWrite)], &[(Topic, "anything", Write)]],
            |them| {
                let request = InitProducerIdRequest::default().with_transactional_id(None);
                ask(&mut them.alice, 5, request).await.error_code
            }
        ),
        line!(InitProducerId, "with transactions", WRITE_X, |them| {
            let request = InitProducerIdRequest::default().with_transaction_timeout_ms(60_000);
            let request = request.with_transactional_id(Some(text("x")));
            ask(&mut them.alice, 5, request).await.error_code
        }),
        line!(
            AddPartitionsToTxn,
            "a client's",
            &[&[(Transaction, "x", Write), (Topic, "t", Write)]],
            |them| {
                let topic = add_partitions_to_txn_request::AddPartitionsToTxnTopic::default()
                    .with_name(name("t"))
                    .with_partitions(vec![0]);
                let request = AddPartitionsToTxnRequest::default()
                    .with_v3_and_below_transactional_id(text("x"))
                    .with_v3_and_below_topics(vec![topic]);
                let answer = ask(&mut them.alice, 3, request).await;
                let topic = &answer.results_by_topic_v3_and_below[0];
                topic.results_by_partition[0].partition_error_code
            }
        ),
        line!(AddPartitionsToTxn, "a broker's", ACTION, |them| {
            let transaction =
                add_partitions_to_txn_request::AddPartitionsToTxnTransaction::default()
                    .with_transactional_id(text("x"));
            let request = AddPartitionsToTxnRequest::default();
            ask(&mut them.alice, 5, request.with_transactions(vec![transaction])).await.error_code
        }),
        line!(
            AddOffsetsToTxn,
            "of a group",
            &[&[(Transaction, "x", Write), (Group, "g", Read)]],
            |them| {
                let request = AddOffsetsToTxnRequest::default()
                    .with_transactional_id(text("x"))
                    .with_group_id(text("g"));
                ask(&mut them.alice, 4, request).await.error_code
            }
        ),
        line!(
            TxnOffsetCommit,
            "of a group",
            &[&[(Transaction, "x", Write), (Group, "g", Read), (Topic, "t", Read)]],
            |them| {
                let partition =
                    txn_offset_commit_request::TxnOffsetCommitRequestPartition::default();
                let topic = txn_offset_commit_request::TxnOffsetCommitRequestTopic::default()
                    .with_name(name("t"))
                    .with_partitions(vec![partition]);
                let request = TxnOffsetCommitRequest::default()
                    .with_transactional_id(text("x"))
                    .with_group_id(text("g"))
                    .with_topics(vec![topic]);
                ask(&mut them.alice, 4, request).await.topics[0].partitions[0].error_code
            }
        ),
        line!(EndTxn, "of an id", WRITE_X, |them| {
            let request = EndTxnRequest::default().with_transactional_id(text("x"));
            ask(&mut them.alice, 4, request).await.error_code
        }),
    ]
}

fn of_coordinators() -> Vec<Line> {
    vec![
        line!(
            WriteTxnMarkers,
            "of a topic that there is not",
            &[&[(Cluster, CLUSTER, ClusterAction)], &[(Cluster, CLUSTER, Alter)]],
            |them| {
                let topic = write_txn_markers_request::WritableTxnMarkerTopic::default()
                    .with_name(name("nowhere"))
                    .with_partition_indexes(vec![0]);
                let marker = write_txn_markers_request::WritableTxnMarker::default()
                    .with_topics(vec![topic]);
                let request = WriteTxnMarkersRequest::default().with_markers(vec![marker]);
                let answer = ask(&mut them.alice, 1, request).await;
                answer.markers[0].topics[0].partitions[0].error_code
            }
        ),
        line!(DescribeTransactions, "one", DESCRIBE_X, |them| {
            let request = DescribeTransactionsRequest::default();
            let request = request.with_transactional_ids(vec![text("x")]);
            ask(&mut them.alice, 0, request).await.transaction_states[0].error_code
        }),
        line!(ListTransactions, "those that it may see", DESCRIBE_X, |them| {
            let answer = ask(&mut them.alice, 1, ListTransactionsRequest::default()).await;
            if answer.transaction_states.is_empty() { TRANSACTION_DENIED } else { 0 }
        }),
        line!(FindCoordinator, "of a transactional id", DESCRIBE_X, |them| {
            let request = FindCoordinatorRequest::default().with_key_type(1);
            let request = request.with_coordinator_keys(vec!["x".into()]);
            ask(&mut them.alice, 6, request).await.coordinators[0].error_code
        }),
        line!(
            CreateTopics,
            "one",
            &[&[(Topic, "new", Create)], &[(Cluster, CLUSTER, Create)]],
            |them| {
                let topic = create_topics_request::CreatableTopic::default()
                    .with_name(name("new"))
                    .with_num_partitions(1)
                    .with_replication_factor(1);
                let request = CreateTopicsRequest::default().with_validate_only(true);
                let request = request.with_topics(vec![topic]).with_timeout_ms(1000);
                ask(&mut them.alice, 7, request).await.topics[0].error_code
            }
        ),
    ]
}
