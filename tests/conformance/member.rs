//! [`Member`]: a consumer in a scenario's group, on a connection of its own.

use crate::{
    caller::Caller,
    exam::Exam,
    requests::{
        groups::{assignment, describe, heartbeat, join, protocol, subscription, sync},
        text,
    },
};
use bytes::Bytes;
use kafka_protocol::{
    messages::{
        JoinGroupRequest, JoinGroupResponse, OffsetFetchRequest, SyncGroupRequest,
        SyncGroupResponse, join_group_request::JoinGroupRequestProtocol,
    },
    protocol::StrBytes,
};
use std::{thread::sleep, time::Duration};

const JOIN: i16 = 7;
const SYNC: i16 = 3;
/// The codes of a coordinator that is not ready.
const NOT_READY: [i16; 3] = [14, 15, 16];

/// A member, or who wants to be one.
pub struct Member {
    caller: Caller,
    group: String,
    pub id: StrBytes,
    pub instance: Option<StrBytes>,
    pub generation: i32,
    protocols: Vec<JoinGroupRequestProtocol>,
    session_ms: i32,
    rebalance_ms: i32,
}

impl Member {
    /// Somebody who knows the protocol "range", and will subscribe to `t`.
    pub fn new(it: &mut Exam, group: &str) -> Self {
        Self {
            caller: it.caller(),
            group: group.to_owned(),
            id: StrBytes::default(),
            instance: None,
            generation: -1,
            protocols: vec![protocol("range", &subscription(&["t"]))],
            session_ms: 30_000,
            rebalance_ms: 30_000,
        }
    }

    /// With other time-outs than half a minute: of its session, and to join again.
    pub fn timing_out(mut self, session_ms: i32, rebalance_ms: i32) -> Self {
        (self.session_ms, self.rebalance_ms) = (session_ms, rebalance_ms);
        self
    }

    /// As an instance of that name (KIP-345).
    pub fn instance(mut self, instance: &str) -> Self {
        self.instance = Some(text(instance));
        self
    }

    /// Says this of itself.
    pub fn knowing(mut self, protocols: &[(&str, Bytes)]) -> Self {
        self.protocols =
            protocols.iter().map(|(name, metadata)| protocol(name, metadata)).collect();
        self
    }

    /// What it says to join.
    pub fn join_request(&self) -> JoinGroupRequest {
        join(&self.group)
            .with_member_id(self.id.clone())
            .with_group_instance_id(self.instance.clone())
            .with_protocols(self.protocols.clone())
            .with_session_timeout_ms(self.session_ms)
            .with_rebalance_timeout_ms(self.rebalance_ms)
    }

    /// Asks to join, after it asked for an id if it needs one; the answer may wait for others.
    pub fn send_join(&mut self, it: &mut Exam) {
        if self.id.is_empty() && self.instance.is_none() {
            self.id = it.quietly(JOIN, self.join_request()).member_id;
        }
        let request = self.join_request();
        it.send_on(&mut self.caller, JOIN, &request);
    }

    /// Waits for the answer.
    pub fn joined(&mut self, it: &mut Exam) -> JoinGroupResponse {
        let mut answer = it.receive_on::<JoinGroupRequest>(&mut self.caller);
        answer.members.sort_by(|one, other| one.metadata.cmp(&other.metadata));
        self.id = answer.member_id.clone();
        self.generation = answer.generation_id;
        answer
    }

    /// Joins a group where nobody else is waited for.
    pub fn join(&mut self, it: &mut Exam) {
        self.send_join(it);
        let answer = self.joined(it);
        assert_eq!(answer.error_code, 0, "{answer:?}");
    }

    /// What it says to get its share.
    pub fn sync_request(&self) -> SyncGroupRequest {
        sync(&self.group, self.generation, &self.id).with_group_instance_id(self.instance.clone())
    }

    /// Asks for its share, as the leader with everybody's; the answer may wait for the leader.
    pub fn send_sync(&mut self, it: &mut Exam, shares: &[(&StrBytes, &'static str)]) {
        let shares = shares.iter().map(|(member, share)| assignment(member, share)).collect();
        let request = self.sync_request().with_assignments(shares);
        it.send_on(&mut self.caller, SYNC, &request);
    }

    /// Waits for the answer.
    pub fn synced(&mut self, it: &mut Exam) -> SyncGroupResponse {
        it.receive_on::<SyncGroupRequest>(&mut self.caller)
    }

    /// The code of a heartbeat.
    pub fn heartbeat(&mut self, it: &mut Exam) -> i16 {
        let beat = heartbeat(&self.group, self.generation, &self.id);
        it.quietly(3, beat.with_group_instance_id(self.instance.clone())).error_code
    }
}

/// The scenario's group: its coordinator is ready, and knows nothing of it.
pub fn group(it: &mut Exam) -> String {
    let group = it.name.clone();
    ready(it, &group);
    group
}

/// Waits until a group's coordinator is ready.
pub fn ready(it: &mut Exam, group: &str) {
    let request = || OffsetFetchRequest::default().with_group_id(text(group).into());
    while NOT_READY.contains(&it.quietly(7, request().with_topics(None)).error_code) {
        sleep(Duration::from_millis(20));
    }
}

/// A group of one member that has its share; and the member.
pub fn alone(it: &mut Exam) -> (String, Member) {
    let group = group(it);
    let member = Member::new(it, &group);
    settled(it, group, member)
}

/// The same of a static member.
pub fn alone_as(it: &mut Exam, instance: &str) -> (String, Member) {
    let group = group(it);
    let member = Member::new(it, &group).instance(instance);
    settled(it, group, member)
}

/// The member joins, and assigns itself its share.
pub fn settled(it: &mut Exam, group: String, mut member: Member) -> (String, Member) {
    member.join(it);
    let id = member.id.clone();
    member.send_sync(it, &[(&id, "all")]);
    assert_eq!(member.synced(it).error_code, 0);
    (group, member)
}

/// A group of two that wait for the leader's assignment; the leader is the first.
pub fn two_joined(it: &mut Exam) -> (String, Member, Member) {
    let (group, mut leader) = alone(it);
    let mut follower = Member::new(it, &group);
    both_join(it, &group, &mut leader, &mut follower);
    (group, leader, follower)
}

/// Somebody joins, and the leader, who is in it, joins again.
pub fn both_join(it: &mut Exam, group: &str, leader: &mut Member, follower: &mut Member) {
    follower.send_join(it);
    until(it, group, "PreparingRebalance");
    leader.send_join(it);
    leader.joined(it);
    follower.joined(it);
}

/// A group of two that have their shares.
pub fn two(it: &mut Exam) -> (String, Member, Member) {
    let (group, mut leader, mut follower) = two_joined(it);
    both_sync(it, &mut leader, &mut follower);
    (group, leader, follower)
}

/// The leader brings the assignment, and both get their shares.
pub fn both_sync(it: &mut Exam, leader: &mut Member, follower: &mut Member) {
    let (first, second) = (leader.id.clone(), follower.id.clone());
    leader.send_sync(it, &[(&first, "one"), (&second, "two")]);
    leader.synced(it);
    follower.send_sync(it, &[]);
    follower.synced(it);
}

/// Waits until the group is in that state.
pub fn until(it: &mut Exam, group: &str, state: &str) {
    for _ in 0..500 {
        if &*it.quietly(5, describe(&[group])).groups[0].group_state == state {
            return;
        }
        sleep(Duration::from_millis(20));
    }
    panic!("{group} is not {state} after ten seconds");
}
