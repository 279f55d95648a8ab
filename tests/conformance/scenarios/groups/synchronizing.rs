//! `SyncGroup`: the leader's assignment, and each member's share of it.

use crate::{
    member::{Member, alone, group, ready, settled, two, two_joined, until},
    requests::{
        groups::{assignment, join, sync},
        text,
    },
    scenario::{Scenario, alike},
};

pub const SCENARIOS: &[Scenario] = &[
    alike("the leader synchronizes in every version", |it| {
        let group = group(it);
        for version in 0..=5 {
            let mut member = Member::new(it, &format!("{group}-{version}"));
            ready(it, &format!("{group}-{version}"));
            member.join(it);
            let request = member
                .sync_request()
                .with_protocol_type(Some(text("consumer")))
                .with_protocol_name(Some(text("range")));
            it.ask(version, request.with_assignments(vec![assignment(&member.id, "all")]));
        }
    }),
    alike("a sync without a group id", |it| {
        it.ask(3, sync("", 1, &text("somebody")));
    }),
    alike("a sync of a group or member that does not exist", |it| {
        let group = group(it);
        it.ask(3, sync(&group, 1, &text("somebody")));
        it.ask(3, sync(&group, -1, &text("")));
        let member = Member::new(it, &group);
        let (group, member) = settled(it, group, member);
        it.ask(3, sync(&group, member.generation, &text("somebody")));
        it.ask(3, sync(&group, member.generation, &text("")));
    }),
    alike("a sync of another generation", |it| {
        let (group, member) = alone(it);
        for generation in [member.generation - 1, member.generation + 1, -1] {
            it.ask(3, sync(&group, generation, &member.id));
        }
    }),
    alike("a sync of another kind or protocol", |it| {
        let (_, member) = alone(it);
        let of = |kind: Option<&str>, name: Option<&str>| {
            let request = member.sync_request().with_protocol_type(kind.map(text));
            request.with_protocol_name(name.map(text))
        };
        it.ask(5, of(Some("consumer"), Some("range")));
        it.ask(5, of(Some("connect"), Some("range")));
        it.ask(5, of(Some("consumer"), Some("sticky")));
        it.ask(5, of(None, Some("range")));
        it.ask(5, of(Some("consumer"), None));
        it.ask(5, of(None, None));
        it.ask(5, of(Some(""), Some("")));
    }),
    alike("a follower synchronizes before the leader", |it| {
        let (_, mut leader, mut follower) = two_joined(it);
        follower.send_sync(it, &[]);
        let ids = (leader.id.clone(), follower.id.clone());
        leader.send_sync(it, &[(&ids.0, "one"), (&ids.1, "two")]);
        let answers = [leader.synced(it), follower.synced(it)];
        for answer in &answers {
            it.write_down(answer);
        }
    }),
    alike("a follower synchronizes after the leader, twice", |it| {
        let (_, mut leader, mut follower) = two_joined(it);
        let ids = (leader.id.clone(), follower.id.clone());
        leader.send_sync(it, &[(&ids.0, "one"), (&ids.1, "two")]);
        leader.synced(it);
        for _ in 0..2 {
            follower.send_sync(it, &[]);
            let answer = follower.synced(it);
            it.write_down(&answer);
        }
    }),
    alike("the leader of a stable group brings another assignment", |it| {
        let (_, mut member) = alone(it);
        let id = member.id.clone();
        member.send_sync(it, &[(&id, "another")]);
        let answer = member.synced(it);
        it.write_down(&answer);
    }),
    alike("a follower brings an assignment", |it| {
        let (_, mut leader, mut follower) = two_joined(it);
        let ids = (leader.id.clone(), follower.id.clone());
        follower.send_sync(it, &[(&ids.0, "mine"), (&ids.1, "mine")]);
        leader.send_sync(it, &[(&ids.0, "one"), (&ids.1, "two")]);
        let answers = [leader.synced(it), follower.synced(it)];
        for answer in &answers {
            it.write_down(answer);
        }
    }),
    alike("the leader forgets a member, and names one that does not exist", |it| {
        let (_, mut leader, mut follower) = two_joined(it);
        let id = leader.id.clone();
        let nobody = text("nobody");
        leader.send_sync(it, &[(&id, "one"), (&nobody, "two")]);
        follower.send_sync(it, &[]);
        let answers = [leader.synced(it), follower.synced(it)];
        for answer in &answers {
            it.write_down(answer);
        }
    }),
    alike("the leader names a member twice", |it| {
        let group = group(it);
        let mut member = Member::new(it, &group);
        member.join(it);
        let id = member.id.clone();
        member.send_sync(it, &[(&id, "first"), (&id, "second")]);
        let answer = member.synced(it);
        it.write_down(&answer);
    }),
    alike("a sync while members join", |it| {
        let (group, mut leader, mut follower) = two(it);
        let mut third = Member::new(it, &group);
        third.send_join(it);
        until(it, &group, "PreparingRebalance");
        for member in [&mut leader, &mut follower] {
            member.send_sync(it, &[]);
            let answer = member.synced(it);
            it.write_down(&answer);
        }
    }),
    alike("a rebalance sends away who waits for its share", |it| {
        let (group, mut leader, mut follower) = two_joined(it);
        follower.send_sync(it, &[]);
        let mut third = Member::new(it, &group);
        third.send_join(it);
        until(it, &group, "PreparingRebalance");
        let answer = follower.synced(it);
        it.write_down(&answer);
        let code = leader.heartbeat(it);
        it.note(format!("leader: {code}"));
    }),
    alike("a sync with an id that has not joined", |it| {
        let group = group(it);
        let id = it.quietly(7, join(&group)).member_id;
        it.ask(3, sync(&group, 0, &id));
    }),
];
