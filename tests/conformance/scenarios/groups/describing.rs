//! `DescribeGroups` and `ListGroups`.

use crate::{
    exam::Exam,
    member::{Member, alone, group, ready, two, two_joined, until},
    requests::groups::{commit, describe, join, leave, list},
    scenario::{Scenario, alike, deviating},
};
use kafka_protocol::messages::{DescribeGroupsRequest, ListGroupsRequest};

/// Describes, with members in the order of what they say of themselves.
fn described(it: &mut Exam, version: i16, request: DescribeGroupsRequest) {
    let mut answer = it.quietly(version, request);
    answer.groups.sort_by(|one, other| one.group_id.cmp(&other.group_id));
    for group in &mut answer.groups {
        group.members.sort_by(|one, other| one.member_assignment.cmp(&other.member_assignment));
    }
    it.write_down(&answer);
}

/// Lists the scenario's groups: what others left is not of interest.
fn listed(it: &mut Exam, version: i16, request: ListGroupsRequest) {
    let mut answer = it.quietly(version, request);
    let name = it.name.clone();
    answer.groups.retain(|group| group.group_id.starts_with(&*name));
    answer.groups.sort_by(|one, other| one.group_id.cmp(&other.group_id));
    it.write_down(&answer);
}

/// An empty group with offsets, one that never had members, and one with a member.
fn three(it: &mut Exam) -> Member {
    let topic = it.topic(1);
    let name = it.name.clone();
    let names = ["committed", "empty", "stable"].map(|kind| format!("{name}-{kind}"));
    for group in &names {
        ready(it, group);
    }
    assert_eq!(it.quietly(7, commit(&names[0], &topic, 1)).topics[0].partitions[0].error_code, 0);
    let mut left = Member::new(it, &names[1]);
    left.join(it);
    it.quietly(1, leave(&names[1], &left.id));
    let member = Member::new(it, &names[2]);
    crate::member::settled(it, names[2].clone(), member).1
}

pub const SCENARIOS: &[Scenario] = &[
    alike("a group that does not exist is described in every version", |it| {
        let group = group(it);
        for version in 0..=6 {
            described(it, version, describe(&[&group]));
        }
    }),
    alike("a stable group is described in every version", |it| {
        let (group, _leader, _follower) = two(it);
        for version in 0..=6 {
            described(it, version, describe(&[&group]));
        }
    }),
    alike("groups are described with what may be done to them", |it| {
        let (group, _member) = alone(it);
        let unknown = format!("{group}-unknown");
        ready(it, &unknown);
        for version in [3, 5, 6] {
            let request = describe(&[&group, &unknown]);
            described(it, version, request.with_include_authorized_operations(true));
        }
    }),
    alike("several groups are described, and none", |it| {
        let (group, _member) = alone(it);
        described(it, 5, describe(&[&group, ""]));
        described(it, 5, describe(&[]));
    }),
    deviating(
        "a group is described twice in one request",
        "once: a short request is not to ask for a long answer many times over",
        |it| {
            let (group, _member) = alone(it);
            described(it, 5, describe(&[&group, &group]));
        },
    ),
    alike("a group is described while members join", |it| {
        let (group, _leader, _follower) = two(it);
        let mut third = Member::new(it, &group);
        third.send_join(it);
        until(it, &group, "PreparingRebalance");
        let mut answer = it.quietly(5, describe(&[&group]));
        let members = answer.groups[0].members.drain(..);
        let known = members.map(|it| (it.member_metadata.len(), it.member_assignment.len()));
        let mut known: Vec<_> = known.collect();
        known.sort_unstable();
        it.note(format!("{known:?}"));
        it.write_down(&answer);
    }),
    alike("a group is described while the leader's assignment is awaited", |it| {
        let (group, _leader, _follower) = two_joined(it);
        described(it, 5, describe(&[&group]));
    }),
    alike("a group is described after the last member left", |it| {
        let (group, member) = alone(it);
        it.ask(1, leave(&group, &member.id));
        described(it, 5, describe(&[&group]));
        described(it, 6, describe(&[&group]));
    }),
    alike("a group of offsets only is described", |it| {
        let topic = it.topic(1);
        let group = group(it);
        it.ask(7, commit(&group, &topic, 1));
        described(it, 5, describe(&[&group]));
        described(it, 6, describe(&[&group]));
    }),
    alike("a group where somebody only asked for an id is described", |it| {
        let group = group(it);
        it.ask(7, join(&group));
        described(it, 5, describe(&[&group]));
        listed(it, 5, list(&[], &[]));
    }),
    alike("groups are listed in every version", |it| {
        let _member = three(it);
        for version in 0..=5 {
            listed(it, version, list(&[], &[]));
        }
    }),
    alike("groups are listed by their states", |it| {
        let _member = three(it);
        for states in
            [&["Empty"][..], &["Stable", "Dead"], &["stable"], &["EMPTY"], &["Odd"], &[""]]
        {
            listed(it, 4, list(states, &[]));
        }
    }),
    alike("groups are listed by their types", |it| {
        let _member = three(it);
        for types in [&["classic"][..], &["consumer"], &["Classic", "share"], &["odd"], &[""]] {
            listed(it, 5, list(&[], types));
        }
        listed(it, 5, list(&["Stable"], &["classic"]));
        listed(it, 5, list(&["Stable"], &["consumer"]));
    }),
    alike("groups in a rebalance are listed", |it| {
        let (group, _leader, _follower) = two_joined(it);
        listed(it, 4, list(&["CompletingRebalance"], &[]));
        let mut third = Member::new(it, &group);
        third.send_join(it);
        until(it, &group, "PreparingRebalance");
        listed(it, 4, list(&["PreparingRebalance"], &[]));
    }),
];
