//! `LeaveGroup`: alone and in company.

use crate::{
    member::{Member, alone, group, two, two_joined, until},
    requests::{
        groups::{describe, heartbeat, join, leave, leave_all, leaver},
        text,
    },
    scenario::{Scenario, alike},
};

pub const SCENARIOS: &[Scenario] = &[
    alike("a member leaves in every version", |it| {
        for version in 0..=5 {
            let group = format!("{}-{version}", it.name);
            crate::member::ready(it, &group);
            let mut member = Member::new(it, &group);
            member.join(it);
            if version < 3 {
                it.ask(version, leave(&group, &member.id));
            } else {
                it.ask(version, leave_all(&group, vec![leaver(&member.id, None)]));
            }
            it.ask(5, describe(&[&group]));
        }
    }),
    alike("a leave without a group id", |it| {
        it.ask(1, leave("", &text("somebody")));
        it.ask(4, leave_all("", vec![leaver("somebody", None)]));
    }),
    alike("a leave of a group that does not exist", |it| {
        let group = group(it);
        it.ask(1, leave(&group, &text("somebody")));
        it.ask(4, leave_all(&group, vec![leaver("somebody", None)]));
        it.ask(4, leave_all(&group, Vec::new()));
    }),
    alike("a leave of who is no member", |it| {
        let (group, _member) = alone(it);
        it.ask(1, leave(&group, &text("somebody")));
        let leavers = [leaver("somebody", None), leaver("", None), leaver("", Some("unknown"))];
        it.ask(4, leave_all(&group, leavers.into()));
    }),
    alike("a leave of nobody", |it| {
        let (group, mut member) = alone(it);
        it.ask(4, leave_all(&group, Vec::new()));
        let code = member.heartbeat(it);
        it.note(format!("{code}"));
    }),
    alike("members leave in one request", |it| {
        let (group, leader, follower) = two(it);
        let leavers = [&follower.id, &leader.id, &follower.id].map(|id| leaver(id, None));
        it.ask(4, leave_all(&group, leavers.into()));
        it.ask(5, describe(&[&group]));
    }),
    alike("a member leaves with an instance that it is not", |it| {
        let (group, member) = alone(it);
        it.ask(4, leave_all(&group, vec![leaver(&member.id, Some("unknown"))]));
        it.ask(4, leave_all(&group, vec![leaver(&member.id, None)]));
    }),
    alike("a member leaves twice", |it| {
        let (group, member) = alone(it);
        it.ask(1, leave(&group, &member.id));
        it.ask(1, leave(&group, &member.id));
    }),
    alike("who was given an id leaves before it joins", |it| {
        let group = group(it);
        let id = it.quietly(7, join(&group)).member_id;
        it.ask(4, leave_all(&group, vec![leaver(&id, None)]));
        it.ask(7, join(&group).with_member_id(id));
    }),
    alike("the leader of a stable group leaves, and another leads", |it| {
        let (group, leader, mut follower) = two(it);
        it.ask(1, leave(&group, &leader.id));
        until(it, &group, "PreparingRebalance");
        it.ask(3, heartbeat(&group, follower.generation, &follower.id));
        follower.send_join(it);
        let answer = follower.joined(it);
        it.write_down(&answer);
    }),
    alike("a follower leaves while its share is awaited", |it| {
        let (group, mut leader, follower) = two_joined(it);
        it.ask(1, leave(&group, &follower.id));
        until(it, &group, "PreparingRebalance");
        leader.send_join(it);
        let answer = leader.joined(it);
        it.write_down(&answer);
    }),
    alike("the one who is waited for leaves, and the others need not wait", |it| {
        let (group, leader) = alone(it);
        let mut other = Member::new(it, &group);
        other.send_join(it);
        until(it, &group, "PreparingRebalance");
        it.ask(1, leave(&group, &leader.id));
        let answer = other.joined(it);
        it.write_down(&answer);
    }),
];
