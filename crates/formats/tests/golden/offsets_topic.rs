//! Records of `__consumer_offsets`: what tools decode.

use super::assert_golden;
use formats::offsets_topic::{GroupKey, GroupValue, MemberValue, OffsetKey, OffsetValue};

#[test]
fn an_offset() {
    let key = OffsetKey { group: "billing", topic: "orders", partition: 7 };
    assert_golden("offsets-topic-offset-key-v1", &key.encode().unwrap());
    let value =
        OffsetValue { offset: 4_711, leader_epoch: 3, metadata: "note", committed_unix_ms: 1_700 };
    assert_golden("offsets-topic-offset-value-v3", &value.encode().unwrap());
}

#[test]
fn a_group() {
    assert_golden("offsets-topic-group-key-v2", &GroupKey("billing").encode().unwrap());
    let member = MemberValue {
        id: "m-1",
        instance: None,
        client_id: "m",
        client_host: "/10.0.0.1",
        rebalance_timeout_ms: 300_000,
        session_timeout_ms: 45_000,
        subscription: &[0, 1],
        assignment: &[2, 3, 4],
    };
    let value = GroupValue {
        protocol_type: "consumer",
        generation: 5,
        protocol: Some("range"),
        leader: Some("m-1"),
        since_unix_ms: 1_700,
        members: vec![member, MemberValue { id: "m-2", instance: Some("i"), ..member }],
    };
    assert_golden("offsets-topic-group-value-v3", &value.encode().unwrap());
    let empty = GroupValue { protocol: None, leader: None, members: Vec::new(), ..value };
    assert_golden("offsets-topic-empty-group-value-v3", &empty.encode().unwrap());
}

#[test]
fn texts_that_the_format_cannot_carry_are_not_written() {
    let long = "x".repeat(32_768);
    assert_eq!(GroupKey(&long).encode(), None);
    assert!(GroupKey(&long[1..]).encode().is_some());
}
