//! Metadata values, format 1.

use crate::{assert_golden, golden};
use bytes::Bytes;
use formats::metadata::{
    AccessRule, Broker, ClassicProtocols, ClientQuota, Cluster, Commit, CommitHead,
    CommittedOffset, Configs, ConsumerGroup, ConsumerGroupMember, Controller, DeletedTopic,
    DurabilityMode, Endpoint, EpochStart, Features, Folded, Garbage, Group, GroupCommit,
    GroupCommits, GroupMember, GroupOffsets, GroupProtocol, Index, JournalHead, LastSnapshot, Load,
    Manifest, ManifestRest, MemberPartitions, MemberState, Move, Owner, PartitionLoad, Producer,
    ProducerBatch, ProducerIds, ProducerSnapshot, QuotaEntity, Recovery, Reference, Registration,
    ScramCredential, Session, SliceGroup, SnapshotHead, SnapshotPart, StagedOffsets,
    SubscribedTopic, TargetAssignment, TargetPartitions, Topic, TopicName, TopicOffsets,
    TransactionState, TransactionTopic, TransactionalProducer, Unfolded,
};
use prost::Message;
use std::{fmt::Debug, fs, path::Path};

const ID: Bytes = Bytes::from_static(b"0123456789abcdef");

fn check<M: Message + Default + PartialEq + Debug>(name: &str, value: &M) {
    let name = format!("metadata-{name}");
    assert_golden(&name, &value.encode_to_vec());
    assert_eq!(&M::decode(golden(&name).as_slice()).unwrap(), value, "{name}");
}

#[test]
fn values_of_brokers_and_sessions_have_their_bytes() {
    check(
        "session",
        &Session {
            format: 1,
            id: ID,
            broker: 3,
            started_unix_ms: 1_700_000_000_000,
            software_version: "0.1.0".into(),
        },
    );
    let endpoint = Endpoint {
        listener: "EXTERNAL".into(),
        host: "broker-3".into(),
        port: 9092,
        protocol: "PLAINTEXT".into(),
    };
    check(
        "broker",
        &Broker {
            format: 1,
            broker: 3,
            endpoints: vec![endpoint],
            rack: Some("a".into()),
            draining: true,
            wal_id: ID,
            wal_generation: 12,
            wal_generation_is_a_floor: false,
        },
    );
    check("controller", &Controller { format: 1, broker: 3, session: ID });
    check("registration", &Registration { format: 1, lowest_level: 1, highest_level: 2 });
}

#[test]
fn values_of_the_cluster_have_their_bytes() {
    check(
        "cluster",
        &Cluster {
            format: 1,
            cluster_id: "golden".into(),
            generation: 2,
            created_unix_ms: 1_700_000_000_000,
        },
    );
    check("features", &Features { format: 1, level: 1 });
    check("producer-ids", &ProducerIds { format: 1, next: 5_000 });
    let values = [("retention.ms", "1000"), ("cleanup.policy", "delete")];
    let values = values.map(|(key, value)| (key.into(), value.into())).into();
    check("configs", &Configs { format: 1, values });
    let objects = vec!["a".into(), "b".into()];
    check(
        "recovery",
        &Recovery { format: 1, cluster_id: "golden".into(), generation: 3, snapshot: "a".into() },
    );
    check("last-snapshot", &LastSnapshot { format: 1, revision: 77, object: "a".into() });
    let part = SnapshotPart { object: "a".into(), size: 60, checksum: 7, entries: 2 };
    check(
        "snapshot-head",
        &SnapshotHead {
            format: 1,
            cluster_id: "golden".into(),
            generation: 2,
            revision: 77,
            written_unix_ms: 1_700_000_000_000,
            parts: vec![part],
        },
    );
    check("garbage", &Garbage { format: 1, objects, not_before_unix_ms: 1_700_000_000_000 });
}

#[test]
fn values_of_topics_have_their_bytes() {
    check(
        "topic",
        &Topic {
            format: 1,
            id: ID,
            name: "orders".into(),
            partitions: 4,
            replication_factor: 3,
            internal: false,
            created_unix_ms: 1_700_000_000_000,
        },
    );
    check("topic-name", &TopicName { format: 1, id: ID });
    check(
        "deleted-topic",
        &DeletedTopic {
            format: 1,
            name: "orders".into(),
            partitions: 4,
            deleted_unix_ms: 1_700_000_000_000,
        },
    );
    check(
        "owner",
        &Owner {
            format: 1,
            broker: 3,
            session: ID,
            session_create_revision: 44,
            wal_id: ID,
            leader_epoch: 9,
            since_epoch: 7,
            mode: DurabilityMode::Object.into(),
            clean: true,
            from_seq: 5,
            unfolded: vec![Unfolded { session: ID, from_seq: 1, through_seq: 4 }],
            given_up_takeovers: 1,
        },
    );
    check("move", &Move { format: 1, to: 4, requested: true, since_unix_ms: 1_700_000_000_000 });
    let busiest = PartitionLoad { topic: ID, partition: 5, bytes_per_second: 30_000_000 };
    check("load", &Load { format: 1, bytes_per_second: 40_000_000, busiest: vec![busiest] });
}

#[test]
fn values_of_transactions_have_their_bytes() {
    check(
        "transactional-producer",
        &TransactionalProducer {
            format: 1,
            producer_id: 4_000,
            producer_epoch: 7,
            last_producer_epoch: Some(6),
            previous_producer_id: Some(3_000),
            next_producer_id: Some(5_000),
            timeout_ms: 60_000,
            state: TransactionState::PrepareCommit.into(),
            topics: vec![TransactionTopic { topic: ID, partitions: vec![0, 3] }],
            started_unix_ms: Some(1_700_000_000_000),
            updated_unix_ms: 1_700_000_000_500,
            epoch_is_its_own: true,
        },
    );
    let offset = CommittedOffset {
        partition: 3,
        offset: 42,
        leader_epoch: Some(2),
        metadata: "note".into(),
        committed_unix_ms: 1_700_000_000_000,
        expires_unix_ms: None,
    };
    let topic = TopicOffsets { topic: ID, offsets: vec![offset], deleted: Vec::new() };
    check("staged-offsets", &StagedOffsets { format: 1, topics: vec![topic] });
}

#[test]
fn values_of_commits_have_their_bytes() {
    check(
        "commit",
        &Commit {
            format: 1,
            object: "ab/session/0004".into(),
            size: 8_000_000,
            wal_synced: 9_000_000,
            footer: Bytes::from_static(b"footer"),
            footer_offset: 7_999_000,
            footer_length: 900,
        },
    );
    check("commit-head", &CommitHead { format: 1, seq: 4, swept: false });
    check("commit-head-swept", &CommitHead { format: 1, seq: 4, swept: true });
    check(
        "index",
        &Index {
            format: 1,
            object: "ab/session/index-1-64".into(),
            size: 70_000,
            from_seq: 1,
            through_seq: 64,
            directory_offset: 60_000,
            directory_length: 9_968,
            wal_synced: 9_000_000,
            freed_segments: 3,
            freed_bytes: 1_000_000,
        },
    );
}

#[test]
fn values_of_manifests_have_their_bytes() {
    let reference = Reference { object: "manifests/x".into(), offset: 10, length: 300 };
    let epochs = vec![EpochStart { epoch: 2, start_offset: 100 }];
    check(
        "manifest",
        &Manifest {
            format: 1,
            log_start_offset: 50,
            rest: Some(reference.clone()),
            folded: vec![Folded { session: ID, through_seq: 64 }],
            epochs: epochs.clone(),
            merged_through: 0,
        },
    );
    check("manifest-merged", &Manifest { format: 1, merged_through: 5_000, ..Manifest::default() });
    let batch = ProducerBatch {
        first_sequence: 10,
        last_sequence: 12,
        base_offset: 90,
        last_offset: 92,
        timestamp_ms: 1_700_000_000_000,
    };
    let producer = Producer {
        id: 6,
        epoch: 1,
        batches: vec![batch],
        transaction_start_offset: Some(90),
        last_timestamp_ms: 1_700_000_000_000,
        coordinator_epoch: Some(0),
    };
    let snapshot = ProducerSnapshot { format: 1, producers: vec![producer] };
    check("producer-snapshot", &snapshot);
    let group = SliceGroup {
        object: "ab/session/index-1-64".into(),
        level: 1,
        index: Some(reference),
        base_offset: 0,
        end_offset: 100,
        size_bytes: 12_345,
        max_timestamp_ms: 1_700_000_000_000,
        session: ID,
        from_seq: 1,
        through_seq: 64,
    };
    check(
        "manifest-rest",
        &ManifestRest {
            format: 1,
            groups: vec![group],
            epochs,
            producer_state: snapshot.encode_to_vec().into(),
            cleaned_through: 0,
        },
    );
    check(
        "manifest-rest-cleaned",
        &ManifestRest { format: 1, cleaned_through: 4_000, ..ManifestRest::default() },
    );
}

#[test]
fn values_of_groups_have_their_bytes() {
    check("journal-head", &JournalHead { format: 1, session: ID, seq: 77 });
    let protocol = GroupProtocol { name: "range".into(), metadata: Bytes::from_static(b"meta") };
    let member = GroupMember {
        id: "app-1".into(),
        instance_id: Some("one".into()),
        client_id: "app".into(),
        client_host: "/127.0.0.1".into(),
        session_timeout_ms: 45_000,
        rebalance_timeout_ms: 300_000,
        protocols: vec![protocol],
        assignment: Bytes::from_static(b"share"),
    };
    check(
        "group",
        &Group {
            format: 1,
            protocol_type: "consumer".into(),
            generation: 5,
            protocol_name: Some("range".into()),
            leader: Some("app-1".into()),
            state_since_unix_ms: 1_700_000_000_000,
            members: vec![member],
            consumer: None,
        },
    );
    let offset = CommittedOffset {
        partition: 3,
        offset: 1_000_000,
        leader_epoch: Some(2),
        metadata: "note".into(),
        committed_unix_ms: 1_700_000_000_000,
        expires_unix_ms: Some(1_700_000_600_000),
    };
    check("group-offsets", &GroupOffsets { format: 1, offsets: vec![offset.clone()] });
    let topics = vec![TopicOffsets { topic: ID, offsets: vec![offset], deleted: vec![1, 2] }];
    let commit = GroupCommit { group: "app".into(), topics, forget: true };
    check("group-commits", &GroupCommits { format: 1, commits: vec![commit] });
}

#[test]
fn values_of_groups_of_the_consumer_protocol_have_their_bytes() {
    let share = TargetPartitions { topic: 0, partitions: vec![0, 1, 300] };
    let target = TargetAssignment { member: "one".into(), topics: vec![share] };
    let consumer = ConsumerGroup {
        assignment_epoch: 8,
        topics: vec![SubscribedTopic { topic: ID, partitions: 301 }],
        targets: vec![target],
        target_topics: vec![ID],
    };
    check(
        "group-of-consumers",
        &Group {
            format: 1,
            protocol_type: "consumer".into(),
            generation: 9,
            state_since_unix_ms: 1_700_000_000_000,
            consumer: Some(consumer),
            ..Group::default()
        },
    );
    let partitions =
        |partitions: &[u32]| vec![MemberPartitions { topic: ID, partitions: partitions.to_vec() }];
    let protocol = GroupProtocol { name: "range".into(), metadata: Bytes::from_static(b"meta") };
    check(
        "consumer-group-member",
        &ConsumerGroupMember {
            format: 1,
            instance_id: Some("instance".into()),
            rack: Some("az1".into()),
            client_id: "app".into(),
            client_host: "/127.0.0.1".into(),
            rebalance_timeout_ms: 300_000,
            topics: vec!["orders".into()],
            regex: Some("audit-.*".into()),
            assignor: Some("uniform".into()),
            classic: Some(ClassicProtocols {
                session_timeout_ms: 45_000,
                protocols: vec![protocol],
            }),
            epoch: 8,
            previous_epoch: 7,
            away: true,
            state: MemberState::Waiting.into(),
            assigned: partitions(&[0, 1]),
            revoking: partitions(&[300]),
        },
    );
}

#[test]
fn a_credential_of_scram_keeps_its_bytes() {
    check(
        "scram-credential",
        &ScramCredential {
            format: 1,
            salt: ID,
            stored_key: Bytes::from_static(&[1; 32]),
            server_key: Bytes::from_static(&[2; 32]),
            iterations: 8_192,
        },
    );
}

#[test]
fn an_access_rule_keeps_its_bytes() {
    check(
        "access-rule",
        &AccessRule {
            format: 1,
            resource_type: 2,
            pattern_type: 4,
            name: "orders-".to_owned(),
            principal: "User:alice".to_owned(),
            host: "10.0.0.1".to_owned(),
            operation: 3,
            permission: 3,
        },
    );
}

#[test]
fn a_quota_keeps_its_bytes() {
    check(
        "client-quota",
        &ClientQuota {
            format: 1,
            user: Some(QuotaEntity { name: Some("alice".to_owned()) }),
            client_id: Some(QuotaEntity { name: None }),
            key: "producer_byte_rate".to_owned(),
            value: 1_048_576.0,
        },
    );
}

#[test]
fn every_message_with_a_format_has_a_golden_file() {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    for schema in fs::read_dir(schemas).unwrap() {
        let path = schema.unwrap().path();
        let family = path.file_stem().unwrap().to_str().unwrap().replace('_', "-");
        let schema = fs::read_to_string(path).unwrap();
        let messages = schema.split("\nmessage ").skip(1);
        for message in messages.filter(|message| message.contains("uint32 format = 1;")) {
            let name = message.split(' ').next().unwrap();
            let file = format!("{family}{}", kebab_case(name));
            assert!(!golden(&file).is_empty(), "{name}");
        }
    }
}

/// `-a-name` of `AName`.
fn kebab_case(name: &str) -> String {
    name.chars().fold(String::new(), |mut kebab, letter| {
        if letter.is_ascii_uppercase() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
        kebab
    })
}
