//! `JoinGroup`: who gets in, and what a member is told.

use crate::{
    exam::Exam,
    member::{Member, alone, both_join, group, ready, two, two_joined, until},
    requests::{
        groups::{join, protocol, subscription},
        text,
    },
    scenario::{Scenario, alike, deviating},
};
use kafka_protocol::messages::JoinGroupResponse;

/// Writes an answer down.
fn show(it: &mut Exam, answer: &JoinGroupResponse) {
    it.write_down(answer);
}

/// The code of a join.
fn refused(it: &mut Exam, version: i16, request: kafka_protocol::messages::JoinGroupRequest) {
    let answer = it.quietly(version, request);
    it.note(format!("error {}", answer.error_code));
}

pub const SCENARIOS: &[Scenario] = &[
    alike("a member joins in every version", |it| {
        for version in 0..=9 {
            let group = format!("{}-{version}", it.name);
            ready(it, &group);
            let mut request = join(&group);
            if version >= 4 {
                request.member_id = it.ask(version, request.clone()).member_id;
            }
            it.ask(version, request);
        }
    }),
    alike("a join without a group id", |it| {
        for version in [0, 4, 9] {
            it.ask(version, join(""));
        }
    }),
    alike("session time-outs at and beyond their bounds", |it| {
        let group = group(it);
        for session in [999, 0, -1, 1_800_001, i32::MAX, 1_000, 1_800_000] {
            it.ask(4, join(&group).with_session_timeout_ms(session));
        }
    }),
    alike("a join with a member id that nobody gave", |it| {
        let group = group(it);
        for version in [0, 4, 9] {
            it.ask(version, join(&group).with_member_id(text("somebody")));
        }
    }),
    alike("a join with a member id that nobody gave to a group with members", |it| {
        let (group, _member) = alone(it);
        it.ask(7, join(&group).with_member_id(text("somebody")));
    }),
    alike("a join without a protocol type", |it| {
        let group = group(it);
        it.ask(3, join(&group).with_protocol_type(text("")));
        it.ask(7, join(&group).with_protocol_type(text("")));
    }),
    alike("a join without protocols", |it| {
        let group = group(it);
        it.ask(3, join(&group).with_protocols(Vec::new()));
        it.ask(7, join(&group).with_protocols(Vec::new()));
    }),
    alike("a join with a protocol that has no name", |it| {
        let group = group(it);
        it.ask(3, join(&group).with_protocols(vec![protocol("", &subscription(&["t"]))]));
    }),
    alike("a join with metadata that is no subscription", |it| {
        let group = group(it);
        it.ask(3, join(&group).with_protocols(vec![protocol("range", &b"\xff"[..].into())]));
    }),
    alike("a join with a rebalance time-out below zero", |it| {
        let group = group(it);
        it.ask(3, join(&group).with_rebalance_timeout_ms(-1));
    }),
    alike("a member of another kind", |it| {
        let (group, _member) = alone(it);
        it.ask(3, join(&group).with_protocol_type(text("connect")));
    }),
    alike("a member without a protocol in common", |it| {
        let (group, _member) = alone(it);
        let strange = vec![protocol("strange", &subscription(&["t"]))];
        it.ask(3, join(&group).with_protocols(strange.clone()));
        it.ask(7, join(&group).with_protocols(strange));
    }),
    alike("a member of another kind after the last one left", |it| {
        let (group, member) = alone(it);
        let leave = crate::requests::groups::leave(&group, &member.id);
        it.ask(1, leave);
        it.ask(3, join(&group).with_protocol_type(text("connect")));
    }),
    alike("a group of workers of Connect", |it| {
        let group = group(it);
        let protocols = ["sessioned", "compatible", "default"]
            .map(|name| protocol(name, &b"\x00\x01"[..].into()));
        let request = join(&group).with_protocol_type(text("connect"));
        it.ask(3, request.with_protocols(protocols.into()));
    }),
    alike("the protocol that most members like best is taken", |it| {
        let group = group(it);
        let metadata = subscription(&["t"]);
        let likes = |names: [&'static str; 2]| names.map(|name| (name, metadata.clone()));
        let mut members = [["range", "sticky"], ["sticky", "range"], ["sticky", "other"]]
            .map(|names| Member::new(it, &group).knowing(&likes(names)));
        let [first, second, third] = &mut members;
        first.join(it);
        second.send_join(it);
        until(it, &group, "PreparingRebalance");
        third.send_join(it);
        first.send_join(it);
        for member in [first, second, third] {
            let name = member.joined(it).protocol_name;
            it.note(format!("{name:?}"));
        }
    }),
    alike("two members join, and the leader learns of both", |it| {
        let group = group(it);
        let mut leader = Member::new(it, &group).knowing(&[("range", subscription(&["a"]))]);
        let mut follower = Member::new(it, &group).knowing(&[("range", subscription(&["b"]))]);
        leader.join(it);
        follower.send_join(it);
        until(it, &group, "PreparingRebalance");
        leader.send_join(it);
        for member in [&mut leader, &mut follower] {
            let answer = member.joined(it);
            show(it, &answer);
        }
    }),
    alike("the leader of a stable group joins again, and a generation begins", |it| {
        let (_, mut member) = alone(it);
        member.send_join(it);
        let answer = member.joined(it);
        show(it, &answer);
    }),
    alike("a follower of a stable group joins again, and nothing happens", |it| {
        let (_, mut leader, mut follower) = two(it);
        follower.send_join(it);
        let answer = follower.joined(it);
        show(it, &answer);
        let code = leader.heartbeat(it);
        it.note(format!("leader: {code}"));
    }),
    alike("a follower of a stable group joins again with something new", |it| {
        let (_, mut leader, follower) = two(it);
        let mut follower = follower.knowing(&[("range", subscription(&["new"]))]);
        follower.send_join(it);
        while leader.heartbeat(it) == 0 {}
        leader.send_join(it);
        for member in [&mut leader, &mut follower] {
            let answer = member.joined(it);
            show(it, &answer);
        }
    }),
    alike("members join again before the leader has assigned", |it| {
        let (_, mut leader, mut follower) = two_joined(it);
        for member in [&mut leader, &mut follower] {
            member.send_join(it);
            let mut answer = member.joined(it);
            answer.members.sort_by_key(|it| it.member_id != answer.leader);
            show(it, &answer);
        }
    }),
    alike("a member joins while the leader's assignment is awaited", |it| {
        let (group, mut leader, mut follower) = two_joined(it);
        let mut third = Member::new(it, &group);
        third.send_join(it);
        until(it, &group, "PreparingRebalance");
        for member in [&mut leader, &mut follower] {
            let code = member.heartbeat(it);
            it.note(format!("heartbeat: {code}"));
            member.send_join(it);
        }
        for member in [&mut leader, &mut follower, &mut third] {
            let answer = member.joined(it);
            it.note(format!("{} of {}", answer.generation_id, answer.members.len()));
        }
    }),
    alike("who does not join again in time is out", |it| {
        let group = group(it);
        let mut slow = Member::new(it, &group).timing_out(30_000, 1_000);
        slow.join(it);
        let mut other = Member::new(it, &group).timing_out(30_000, 1_000);
        other.send_join(it);
        let answer = other.joined(it);
        show(it, &answer);
        let code = slow.heartbeat(it);
        it.note(format!("the slow one: {code}"));
    }),
    alike("who is silent for longer than its session is out", |it| {
        let group = group(it);
        let mut silent = Member::new(it, &group).timing_out(1_000, 30_000);
        silent.join(it);
        let id = silent.id.clone();
        silent.send_sync(it, &[(&id, "all")]);
        silent.synced(it);
        until(it, &group, "Empty");
        let code = silent.heartbeat(it);
        it.note(format!("{code}"));
    }),
    alike("a full group lets nobody in but its members", |it| {
        let (group, mut leader, mut follower) = two(it);
        let mut third = Member::new(it, &group);
        third.send_join(it);
        until(it, &group, "PreparingRebalance");
        leader.send_join(it);
        follower.send_join(it);
        for member in [&mut leader, &mut follower, &mut third] {
            member.joined(it);
        }
        refused(it, 3, join(&group));
        refused(it, 7, join(&group));
        let id = leader.id.clone();
        leader.send_sync(it, &[(&id, "all")]);
        leader.synced(it);
        refused(it, 3, join(&group));
        refused(it, 3, join(&group).with_group_instance_id(None).with_member_id(text("x")));
        follower.send_join(it);
        let code = follower.joined(it).error_code;
        it.note(format!("a member: {code}"));
    }),
    alike("an id that was given belongs to its group", |it| {
        let group = group(it);
        let id = it.ask(7, join(&group)).member_id;
        let other = format!("{group}-other");
        ready(it, &other);
        it.ask(7, join(&other).with_member_id(id.clone()));
        it.ask(3, join(&group).with_member_id(id));
    }),
    deviating(
        "an id that was given is used with an instance",
        "UNKNOWN_MEMBER_ID: the instance has no member; Kafka fails with UNKNOWN_SERVER_ERROR",
        |it| {
            let group = group(it);
            let id = it.ask(7, join(&group)).member_id;
            let request = join(&group).with_member_id(id);
            it.ask(7, request.with_group_instance_id(Some(text("instance"))));
        },
    ),
    alike("a member joins after the group was empty, and generations go on", |it| {
        let (group, mut member) = alone(it);
        it.ask(1, crate::requests::groups::leave(&group, &member.id));
        member.send_join(it);
        let answer = member.joined(it);
        show(it, &answer);
        let mut other = Member::new(it, &group);
        other.send_join(it);
        let answer = other.joined(it);
        show(it, &answer);
    }),
    alike("a member brings another protocol when it is alone", |it| {
        let (_, member) = alone(it);
        let mut member = member.knowing(&[("sticky", subscription(&["t"]))]);
        member.send_join(it);
        let answer = member.joined(it);
        show(it, &answer);
    }),
    alike("followers are not told of the others", |it| {
        let (group, mut leader) = alone(it);
        let mut follower = Member::new(it, &group);
        both_join(it, &group, &mut leader, &mut follower);
        follower.send_join(it);
        let answer = follower.joined(it);
        show(it, &answer);
    }),
];
