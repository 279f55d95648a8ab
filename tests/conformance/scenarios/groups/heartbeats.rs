//! `Heartbeat`: in each phase of a group.

use crate::{
    member::{Member, alone, group, two, two_joined, until},
    requests::{
        groups::{heartbeat, join, leave},
        text,
    },
    scenario::{Scenario, alike},
};

pub const SCENARIOS: &[Scenario] = &[
    alike("a heartbeat in every version", |it| {
        let (group, member) = alone(it);
        for version in 0..=4 {
            it.ask(version, heartbeat(&group, member.generation, &member.id));
        }
    }),
    alike("a heartbeat without a group id", |it| {
        it.ask(3, heartbeat("", 1, &text("somebody")));
    }),
    alike("a heartbeat to a group that does not exist", |it| {
        let group = group(it);
        it.ask(3, heartbeat(&group, 1, &text("somebody")));
        it.ask(3, heartbeat(&group, -1, &text("")));
    }),
    alike("a heartbeat of who is no member", |it| {
        let (group, member) = alone(it);
        for id in ["somebody", ""] {
            it.ask(3, heartbeat(&group, member.generation, &text(id)));
        }
    }),
    alike("a heartbeat of another generation", |it| {
        let (group, member) = alone(it);
        for generation in [member.generation - 1, member.generation + 1, -1] {
            it.ask(3, heartbeat(&group, generation, &member.id));
        }
    }),
    alike("a heartbeat to a group that is empty", |it| {
        let (group, member) = alone(it);
        it.ask(1, leave(&group, &member.id));
        it.ask(3, heartbeat(&group, member.generation, &member.id));
    }),
    alike("a heartbeat with an id that has not joined", |it| {
        let group = group(it);
        let id = it.quietly(7, join(&group)).member_id;
        it.ask(3, heartbeat(&group, 0, &id));
        it.ask(3, heartbeat(&group, -1, &id));
    }),
    alike("heartbeats while members join", |it| {
        let (group, mut leader, mut follower) = two(it);
        let mut third = Member::new(it, &group);
        third.send_join(it);
        until(it, &group, "PreparingRebalance");
        let codes = [leader.heartbeat(it), follower.heartbeat(it)];
        it.note(format!("{codes:?}"));
        it.ask(3, heartbeat(&group, leader.generation + 1, &leader.id));
        it.ask(3, heartbeat(&group, leader.generation, &third.id));
    }),
    alike("heartbeats while the leader's assignment is awaited", |it| {
        let (group, mut leader, mut follower) = two_joined(it);
        let codes = [leader.heartbeat(it), follower.heartbeat(it)];
        it.note(format!("{codes:?}"));
        it.ask(3, heartbeat(&group, leader.generation - 1, &leader.id));
    }),
    alike("heartbeats of a stable group", |it| {
        let (_, mut leader, mut follower) = two(it);
        let codes = [leader.heartbeat(it), follower.heartbeat(it)];
        it.note(format!("{codes:?}"));
    }),
];
