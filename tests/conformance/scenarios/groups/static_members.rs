//! Static members (KIP-345): instances that come back.

use crate::{
    exam::Exam,
    member::{Member, alone_as, both_sync, group, two_joined, until},
    requests::{
        groups::{
            commit, describe, heartbeat, join, leave_all, leaver, protocol, subscription, sync,
        },
        text,
    },
    scenario::{Scenario, alike},
};

/// A group that waits for nobody, with a leader and a static follower, both with their shares.
fn with_follower(it: &mut Exam) -> (String, Member, Member) {
    let (group, mut leader) = alone_as(it, "leader");
    let mut follower = Member::new(it, &group).instance("follower");
    follower.send_join(it);
    until(it, &group, "PreparingRebalance");
    leader.send_join(it);
    leader.joined(it);
    follower.joined(it);
    both_sync(it, &mut leader, &mut follower);
    (group, leader, follower)
}

pub const SCENARIOS: &[Scenario] = &[
    alike("an instance joins without asking for an id", |it| {
        let group = group(it);
        it.ask(5, join(&group).with_group_instance_id(Some(text("instance"))));
    }),
    alike("an instance without a name", |it| {
        let group = group(it);
        it.ask(5, join(&group).with_group_instance_id(Some(text(""))));
    }),
    alike("an instance with a name that is too long", |it| {
        let group = group(it);
        let name = "x".repeat(250);
        it.ask(5, join(&group).with_group_instance_id(Some(text(&name))));
    }),
    alike("an instance with letters that a topic could not have", |it| {
        let group = group(it);
        it.ask(5, join(&group).with_group_instance_id(Some(text("a b/c"))));
    }),
    alike("a leader's instance comes back, in every version", |it| {
        let (group, _member) = alone_as(it, "instance");
        for version in 5..=9 {
            it.ask(version, join(&group).with_group_instance_id(Some(text("instance"))));
        }
        it.ask(5, describe(&[&group]));
    }),
    alike("a follower's instance comes back, and nothing happens", |it| {
        let (group, mut leader, follower) = with_follower(it);
        let again = it.ask(7, join(&group).with_group_instance_id(follower.instance.clone()));
        let request = sync(&group, again.generation_id, &again.member_id);
        it.ask(3, request.with_group_instance_id(follower.instance.clone()));
        let code = leader.heartbeat(it);
        it.note(format!("leader: {code}"));
    }),
    alike("an instance that is replaced is fenced", |it| {
        let (group, member) = alone_as(it, "instance");
        let topic = it.topic(1);
        it.quietly(7, join(&group).with_group_instance_id(member.instance.clone()));
        let instance = member.instance.clone();
        let beat = heartbeat(&group, member.generation, &member.id);
        it.ask(3, beat.with_group_instance_id(instance.clone()));
        it.ask(3, member.sync_request());
        it.ask(7, member.join_request());
        let stale = commit(&group, &topic, 1)
            .with_member_id(member.id.clone())
            .with_generation_id_or_member_epoch(member.generation);
        it.ask(7, stale.with_group_instance_id(instance));
        it.ask(3, leave_all(&group, vec![leaver(&member.id, Some("instance"))]));
        it.ask(3, heartbeat(&group, member.generation, &member.id));
    }),
    alike("an instance comes back with something new", |it| {
        let (group, mut leader, follower) = with_follower(it);
        let mut again = Member::new(it, &group)
            .instance(follower.instance.as_ref().unwrap())
            .knowing(&[("range", subscription(&["new"]))]);
        again.send_join(it);
        while leader.heartbeat(it) == 0 {}
        leader.send_join(it);
        let answers = [leader.joined(it), again.joined(it)];
        for answer in &answers {
            it.write_down(answer);
        }
    }),
    alike("an instance comes back with a protocol that nobody else knows", |it| {
        let (group, _leader, follower) = with_follower(it);
        let request = join(&group).with_group_instance_id(follower.instance.clone());
        it.ask(7, request.with_protocols(vec![protocol("strange", &subscription(&["t"]))]));
    }),
    alike("an instance that nobody knows, with a member id", |it| {
        let (group, member) = alone_as(it, "instance");
        for id in [member.id.clone(), text("somebody")] {
            let request = join(&group).with_member_id(id);
            it.ask(7, request.with_group_instance_id(Some(text("unknown"))));
        }
    }),
    alike("an instance's member id used without the instance", |it| {
        let (group, member) = alone_as(it, "instance");
        it.ask(3, heartbeat(&group, member.generation, &member.id));
        it.ask(3, sync(&group, member.generation, &member.id));
        it.ask(3, leave_all(&group, vec![leaver(&member.id, None)]));
    }),
    alike("the instance of another member", |it| {
        let (group, leader, follower) = with_follower(it);
        let beat = heartbeat(&group, leader.generation, &leader.id);
        it.ask(3, beat.with_group_instance_id(follower.instance.clone()));
        let beat = heartbeat(&group, leader.generation, &leader.id);
        it.ask(3, beat.with_group_instance_id(Some(text("unknown"))));
    }),
    alike("an operator removes instances by their names", |it| {
        let (group, _leader, _follower) = with_follower(it);
        let leavers = ["follower", "unknown", "leader", "leader"];
        let leavers = leavers.map(|instance| leaver("", Some(instance)));
        it.ask(5, leave_all(&group, leavers.into()));
        it.ask(5, describe(&[&group]));
    }),
    alike("an instance is removed by its name and another member's id", |it| {
        let (group, leader, follower) = with_follower(it);
        it.ask(3, leave_all(&group, vec![leaver(&leader.id, Some("follower"))]));
        it.ask(3, leave_all(&group, vec![leaver(&follower.id, Some("follower"))]));
    }),
    alike("an instance comes back while the leader's assignment is awaited", |it| {
        let (group, leader) = alone_as(it, "instance");
        let mut leader = leader;
        leader.send_join(it);
        leader.joined(it);
        let request = join(&group).with_group_instance_id(leader.instance.clone());
        it.ask(7, request.clone());
        it.ask(9, request);
    }),
    alike("instances are described", |it| {
        let (group, leader, _follower) = with_follower(it);
        for version in 4..=6 {
            let mut answer = it.quietly(version, describe(&[&group]));
            answer.groups[0].members.sort_by(|a, b| a.group_instance_id.cmp(&b.group_instance_id));
            it.write_down(&answer);
        }
        drop(leader);
    }),
    alike("an instance among members without", |it| {
        let (group, mut leader, mut follower) = two_joined(it);
        let mut instance = Member::new(it, &group).instance("instance");
        instance.send_join(it);
        until(it, &group, "PreparingRebalance");
        leader.send_join(it);
        follower.send_join(it);
        for member in [&mut leader, &mut follower, &mut instance] {
            let answer = member.joined(it);
            it.note(format!("error {}, {} members", answer.error_code, answer.members.len()));
            let named = answer.members.iter().filter(|it| it.group_instance_id.is_some());
            it.note(format!("{} instances", named.count()));
        }
    }),
];
