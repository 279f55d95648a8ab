//! `FindCoordinator`: who coordinates an id.

use crate::{
    requests::groups::{find, find_all},
    scenario::{Scenario, alike, deviating},
};

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;
const SHARE: i8 = 2;

pub const SCENARIOS: &[Scenario] = &[
    alike("the coordinator of a group in every version", |it| {
        for version in 0..=3 {
            it.ask(version, find(GROUP, "group"));
        }
        for version in 4..=6 {
            it.ask(version, find_all(GROUP, &["group"]));
        }
    }),
    alike("the coordinator of a transactional id in every version", |it| {
        for version in 1..=3 {
            it.ask(version, find(TRANSACTION, "id"));
        }
        for version in 4..=6 {
            it.ask(version, find_all(TRANSACTION, &["id"]));
        }
    }),
    alike("the coordinators of several groups", |it| {
        it.ask(4, find_all(GROUP, &["a", "b", "a"]));
    }),
    alike("the coordinators of no group", |it| {
        it.ask(4, find_all(GROUP, &[]));
    }),
    alike("the coordinator of an empty group id", |it| {
        for version in 0..=3 {
            it.ask(version, find(GROUP, ""));
        }
        it.ask(4, find_all(GROUP, &["", "a"]));
    }),
    alike("the coordinator of an empty transactional id", |it| {
        it.ask(3, find(TRANSACTION, ""));
        it.ask(4, find_all(TRANSACTION, &["", "a"]));
    }),
    alike("coordinators of kinds that nobody knows", |it| {
        for kind in [3, -1, i8::MAX] {
            it.ask(3, find(kind, "group"));
            it.ask(4, find_all(kind, &["group"]));
        }
    }),
    alike("the coordinator of a share group before version 6", |it| {
        it.ask(3, find(SHARE, "group"));
        it.ask(5, find_all(SHARE, &["group"]));
    }),
    deviating(
        "the coordinator of a share group",
        "share groups (KIP-932) are not served: INVALID_REQUEST; Kafka looks at the key and makes their topic",
        |it| {
            it.ask(6, find_all(SHARE, &["group"]));
            it.ask(6, find_all(SHARE, &["group:AAAAAAAAAAAAAAAAAAAAAQ:0"]));
        },
    ),
];
