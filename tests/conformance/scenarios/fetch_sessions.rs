//! Fetch sessions (KIP-227): what a broker that keeps none and one that keeps them have in common.

use crate::{
    requests::{batch, fetch, fetch_of, fetch_partition},
    scenario::{Scenario, alike, deviating},
};

const NO_SESSIONS: &str =
    "Alluvium keeps no fetch sessions yet: it answers in full, and session id 0";

pub const SCENARIOS: &[Scenario] = &[
    alike("a fetch without a session", |it| {
        let topic = it.topic(1);
        it.append(&topic, batch(&["a"]));
        it.fetch(12, fetch(&topic, 0).with_session_epoch(-1));
    }),
    deviating("a fetch that begins a session", NO_SESSIONS, |it| {
        let topic = it.topic(1);
        it.fetch(12, fetch(&topic, 0).with_session_epoch(0));
    }),
    alike("a fetch in a session that nobody knows", |it| {
        let topic = it.topic(1);
        it.fetch(12, fetch(&topic, 0).with_session_id(4_711).with_session_epoch(1));
    }),
    alike("a fetch that ends a session that nobody knows", |it| {
        let topic = it.topic(1);
        it.fetch(12, fetch(&topic, 0).with_session_id(4_711).with_session_epoch(-1));
    }),
    alike("a fetch that ends a session and begins another", |it| {
        let topic = it.topic(1);
        it.append(&topic, batch(&["a"]));
        let answer = it.quietly(12, fetch(&topic, 0).with_session_epoch(0));
        let request = fetch(&topic, 0).with_session_id(answer.session_id);
        it.fetch(12, request.with_session_epoch(-1));
    }),
    deviating("a session goes on with what has changed", NO_SESSIONS, |it| {
        let topic = it.topic(2);
        let partitions = vec![fetch_partition(0, 0), fetch_partition(1, 0)];
        let session = it.fetch(12, fetch_of(&topic, partitions).with_session_epoch(0)).session_id;
        it.append(&topic, batch(&["a"]));
        let next = fetch_of(&topic, Vec::new()).with_topics(Vec::new());
        it.fetch(12, next.with_session_id(session).with_session_epoch(1));
    }),
    alike("an empty fetch", |it| {
        let topic = it.topic(1);
        it.fetch(12, fetch_of(&topic, Vec::new()).with_topics(Vec::new()));
    }),
];
