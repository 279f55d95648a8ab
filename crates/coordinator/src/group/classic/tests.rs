//! The classic group by its events, without clock, store or wire.

use super::*;
use crate::group::{CommittedOffset, Offsets, offsets::Chunk};
use bytes::Bytes;
use model::{Offset, TopicId};

const SESSION: Duration = Duration::from_secs(45);
const REBALANCE: Duration = Duration::from_mins(5);

/// A group with a clock, and names for its waiting requests.
struct Scene {
    group: ClassicGroup,
    limits: GroupLimits,
    now: Now,
    last_ticket: u64,
}

impl Scene {
    fn new() -> Self {
        let now = Now { time: Time::from_secs(1000), unix_ms: 1_700_000_000_000 };
        let limits =
            GroupLimits { initial_rebalance_delay: Duration::ZERO, ..GroupLimits::default() };
        Self { group: ClassicGroup::new("g".into(), now), limits, now, last_ticket: 0 }
    }

    fn ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    /// Lets time pass, and the group do what is due at each of its deadlines.
    fn pass(&mut self, duration: Duration) -> Effects {
        let end = self.now.time + duration;
        let mut effects = Effects::default();
        while let Some(next) = self.group.next_deadline().filter(|next| *next <= end) {
            self.now.unix_ms += next.saturating_sub(self.now.time).as_millis() as i64;
            self.now.time = self.now.time.max(next);
            effects.and(self.group.tick(&self.limits, self.now));
        }
        self.now.unix_ms += end.saturating_sub(self.now.time).as_millis() as i64;
        self.now.time = end;
        effects
    }

    fn join(&mut self, join: Join) -> (Ticket, Effects) {
        let ticket = self.ticket();
        let effects = self.group.join(Join { ticket, ..join }, &self.limits, self.now);
        (ticket, effects)
    }

    /// Joins as a new dynamic member that needs no id first.
    fn enter(&mut self, client: &str) -> (Ticket, Effects) {
        self.join(join("", client))
    }

    fn sync(&mut self, member: &str, generation: i32, shares: &[(&str, &'static str)]) -> Effects {
        let ticket = self.ticket();
        let sync = Sync {
            member: member.into(),
            instance: None,
            generation,
            protocol_type: None,
            protocol_name: None,
            assignments: shares
                .iter()
                .map(|(id, share)| ((*id).into(), Bytes::from_static(share.as_bytes())))
                .collect(),
        };
        self.group.sync(ticket, sync, &self.limits, self.now)
    }

    fn heartbeat(&mut self, member: &str, generation: i32) -> Result<(), GroupError> {
        self.group.heartbeat(MemberRef { member, instance: None, generation }, self.now)
    }

    /// A stable group of these clients, whose member ids are `{client}-u`.
    fn stable(clients: &[&str]) -> Self {
        let mut scene = Self::new();
        scene.limits.initial_rebalance_delay = Duration::from_secs(3);
        for client in clients {
            scene.enter(client);
        }
        scene.pass(Duration::from_secs(10));
        let leader = scene.group.leader.clone().unwrap();
        for client in clients {
            scene.sync(&format!("{client}-u"), 1, &[(&leader, "share")]);
        }
        assert_eq!(scene.group.state(), GroupState::Stable);
        scene
    }
}

fn join(member: &str, client: &str) -> Join {
    Join {
        ticket: Ticket(0),
        member: member.into(),
        instance: None,
        client_id: client.into(),
        client_host: "/127.0.0.1".into(),
        session_timeout: SESSION,
        rebalance_timeout: REBALANCE,
        protocol_type: CONSUMER.into(),
        protocols: vec![protocol("range", "t")],
        requires_known_id: false,
        skips_assignment: true,
        unique: "u".into(),
    }
}

fn static_join(instance: &str, unique: &str) -> Join {
    Join { instance: Some(instance.into()), unique: unique.into(), ..join("", "client") }
}

/// A protocol whose metadata is a subscription to one topic.
fn protocol(name: &str, topic: &str) -> Protocol {
    let length = topic.len() as u8;
    let metadata = [&[0, 0, 0, 0, 0, 1, 0, length][..], topic.as_bytes()].concat();
    Protocol { name: name.into(), metadata: metadata.into() }
}

fn refusal<T: Clone>(answers: &[(Ticket, Result<T, GroupError>)]) -> GroupError {
    let [(_, Err(error))] = answers else { panic!("{} answers", answers.len()) };
    error.clone()
}

#[test]
fn two_members_make_a_generation_and_get_their_shares() {
    let mut scene = Scene::new();
    scene.limits.initial_rebalance_delay = Duration::from_secs(3);
    assert_eq!(scene.enter("a").1, Effects::default());
    assert_eq!(scene.enter("b").1, Effects::default());
    assert_eq!(scene.group.state(), GroupState::PreparingRebalance);
    let joined = scene.pass(Duration::from_secs(6)).joined;
    let joined: Vec<Joined> = joined.into_iter().map(|(_, joined)| joined.unwrap()).collect();
    assert_eq!(joined.len(), 2);
    assert!(joined.iter().all(|it| it.generation == 1 && &*it.leader == "a-u"));
    assert_eq!((joined[0].members.len(), joined[1].members.len()), (2, 0));
    assert_eq!(scene.group.state(), GroupState::CompletingRebalance);
    assert_eq!(scene.sync("b-u", 1, &[]), Effects::default(), "waits for the leader");
    let synced = scene.sync("a-u", 1, &[("a-u", "x"), ("b-u", "y")]);
    assert!(synced.store);
    let shares: Vec<_> =
        synced.synced.iter().map(|(_, it)| it.clone().unwrap().assignment).collect();
    assert_eq!(shares, ["x", "y"]);
    assert_eq!(scene.group.state(), GroupState::Stable);
}

#[test]
fn the_first_rebalance_waits_for_those_that_start_together_and_no_longer_than_the_rebalance_timeout()
 {
    let mut scene = Scene::new();
    scene.limits.initial_rebalance_delay = Duration::from_secs(3);
    scene.join(Join { rebalance_timeout: Duration::from_secs(7), ..join("", "a") });
    for client in ["b", "c", "d", "e", "f"] {
        assert_eq!(scene.pass(Duration::from_millis(1200)).joined, [], "{client}");
        scene.join(Join { rebalance_timeout: Duration::from_secs(7), ..join("", client) });
    }
    assert_eq!(scene.pass(Duration::from_secs(2)).joined.len(), 6);
}

#[test]
fn an_empty_protocol_list_or_type_is_inconsistent_group_protocol() {
    for bad in [
        Join { protocols: Vec::new(), ..join("", "a") },
        Join { protocol_type: "".into(), ..join("", "a") },
    ] {
        let (_, effects) = Scene::new().join(bad);
        assert_eq!(refusal(&effects.joined), GroupError::InconsistentProtocol);
    }
}

#[test]
fn a_member_of_another_kind_or_without_a_common_protocol_is_inconsistent_group_protocol() {
    let mut scene = Scene::stable(&["a"]);
    for bad in [
        Join { protocol_type: "connect".into(), ..join("", "b") },
        Join { protocols: vec![protocol("sticky", "t")], ..join("", "b") },
    ] {
        let (_, effects) = scene.join(bad);
        assert_eq!(refusal(&effects.joined), GroupError::InconsistentProtocol);
    }
}

#[test]
fn any_protocol_type_can_have_a_group() {
    let mut scene = Scene::new();
    let connect = Join { protocol_type: "connect".into(), ..join("", "worker") };
    let (_, effects) = scene.join(connect);
    let joined = effects.joined[0].1.clone().unwrap();
    assert_eq!(&*joined.protocol_type, "connect");
}

#[test]
fn a_new_member_gets_member_id_required_and_joins_with_that_id() {
    let mut scene = Scene::new();
    let first = Join { requires_known_id: true, ..join("", "a") };
    let (_, effects) = scene.join(first.clone());
    assert_eq!(refusal(&effects.joined), GroupError::MemberIdRequired("a-u".into()));
    let (_, effects) = scene.join(Join { member: "a-u".into(), ..first });
    assert_eq!(effects.joined[0].1.clone().unwrap().member, "a-u".into());
}

#[test]
fn an_id_that_is_not_used_in_time_is_an_unknown_member_id() {
    let mut scene = Scene::new();
    scene.join(Join { requires_known_id: true, ..join("", "a") });
    scene.pass(SESSION);
    assert!(scene.group.is_unused());
    let (_, effects) = scene.join(join("a-u", "a"));
    assert_eq!(refusal(&effects.joined), GroupError::UnknownMemberId);
}

#[test]
fn a_pending_id_holds_a_rebalance_up_until_it_joins_or_leaves() {
    let mut scene = Scene::stable(&["a"]);
    scene.join(Join { requires_known_id: true, ..join("", "b") });
    scene.join(Join { protocols: vec![protocol("range", "other")], ..join("a-u", "a") });
    assert_eq!(scene.group.state(), GroupState::PreparingRebalance);
    let leaver = Leaver { member: "b-u".into(), instance: None };
    let (results, effects) = scene.group.leave(&[leaver], &scene.limits, scene.now);
    assert_eq!(results, [Ok(())]);
    assert_eq!(effects.joined.len(), 1);
}

#[test]
fn a_member_that_nobody_knows_is_an_unknown_member_id_everywhere() {
    let mut scene = Scene::stable(&["a"]);
    let (_, joined) = scene.join(join("ghost", "a"));
    assert_eq!(refusal(&joined.joined), GroupError::UnknownMemberId);
    assert_eq!(refusal(&scene.sync("ghost", 1, &[]).synced), GroupError::UnknownMemberId);
    assert_eq!(scene.heartbeat("ghost", 1), Err(GroupError::UnknownMemberId));
    let leaver = Leaver { member: "ghost".into(), instance: None };
    let (left, _) = scene.group.leave(&[leaver], &scene.limits, scene.now);
    assert_eq!(left, [Err(GroupError::UnknownMemberId)]);
    assert_eq!(scene.commit("ghost", 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_stale_generation_is_an_illegal_generation_everywhere() {
    let mut scene = Scene::stable(&["a"]);
    for generation in [0, 2, -1] {
        let synced = scene.sync("a-u", generation, &[]).synced;
        assert_eq!(refusal(&synced), GroupError::IllegalGeneration);
        assert_eq!(scene.heartbeat("a-u", generation), Err(GroupError::IllegalGeneration));
        assert_eq!(scene.commit("a-u", generation), Err(GroupError::IllegalGeneration));
    }
}

#[test]
fn while_a_rebalance_is_prepared_heartbeat_and_sync_answer_rebalance_in_progress() {
    let mut scene = Scene::stable(&["a"]);
    scene.enter("b");
    assert_eq!(scene.heartbeat("a-u", 1), Err(GroupError::RebalanceInProgress));
    let synced = scene.sync("a-u", 1, &[]).synced;
    assert_eq!(refusal(&synced), GroupError::RebalanceInProgress);
    assert_eq!(scene.commit("a-u", 1), Ok(()), "what was read until now can be committed");
}

#[test]
fn a_sync_that_waits_learns_of_a_new_rebalance() {
    let mut scene = Scene::stable(&["a", "b"]);
    scene.join(Join { protocols: vec![protocol("range", "x")], ..join("a-u", "a") });
    scene.join(join("b-u", "b"));
    assert_eq!(scene.group.state(), GroupState::CompletingRebalance);
    assert_eq!(scene.sync("b-u", 2, &[]), Effects::default());
    assert_eq!(scene.commit("b-u", 2), Err(GroupError::RebalanceInProgress));
    let (_, effects) = scene.enter("c");
    assert_eq!(refusal(&effects.synced), GroupError::RebalanceInProgress);
}

#[test]
fn sync_checks_protocol_type_and_name_when_they_are_given() {
    let mut scene = Scene::stable(&["a"]);
    let sync = |kind: Option<&str>, name: Option<&str>| Sync {
        member: "a-u".into(),
        instance: None,
        generation: 1,
        protocol_type: kind.map(Into::into),
        protocol_name: name.map(Into::into),
        assignments: std::collections::BTreeMap::new(),
    };
    for (kind, name, fits) in [
        (Some("consumer"), Some("range"), true),
        (None, None, true),
        (Some("connect"), Some("range"), false),
        (Some("consumer"), Some("sticky"), false),
    ] {
        let ticket = scene.ticket();
        let effects = scene.group.sync(ticket, sync(kind, name), &scene.limits, scene.now);
        match &effects.synced[0].1 {
            Ok(_) => assert!(fits),
            Err(error) => assert_eq!((error, fits), (&GroupError::InconsistentProtocol, false)),
        }
    }
}

#[test]
fn a_full_group_answers_group_max_size_reached_and_keeps_its_members() {
    let mut scene = Scene::stable(&["a", "b"]);
    scene.limits.max_size = 2;
    assert_eq!(refusal(&scene.enter("c").1.joined), GroupError::GroupMaxSizeReached);
    let (_, effects) = scene.join(join("b-u", "b"));
    assert_eq!(effects.joined[0].1.clone().unwrap().generation, 1);
}

#[test]
fn subscriptions_beyond_what_can_be_stored_are_refused() {
    let mut scene = Scene::stable(&["a"]);
    scene.limits.max_bytes = 10_000;
    let large = Protocol { name: "range".into(), metadata: vec![0; 10_000].into() };
    let (_, effects) = scene.join(Join { protocols: vec![large], ..join("", "b") });
    assert_eq!(refusal(&effects.joined), GroupError::GroupMaxSizeReached);
}

#[test]
fn assignments_beyond_what_can_be_stored_are_refused_and_the_group_goes_on() {
    let mut scene = Scene::new();
    scene.limits.max_bytes = 100;
    scene.enter("a");
    let ticket = scene.ticket();
    let sync = Sync {
        member: "a-u".into(),
        instance: None,
        generation: 1,
        protocol_type: None,
        protocol_name: None,
        assignments: [("a-u".into(), Bytes::from(vec![0; 1000]))].into(),
    };
    let effects = scene.group.sync(ticket, sync, &scene.limits, scene.now);
    assert_eq!(refusal(&effects.synced), GroupError::TooLarge);
    assert_eq!(scene.group.state(), GroupState::PreparingRebalance);
}

#[test]
fn a_follower_that_joins_again_unchanged_gets_the_generation_there_is() {
    let mut scene = Scene::stable(&["a", "b"]);
    let (_, effects) = scene.join(join("b-u", "b"));
    let joined = effects.joined[0].1.clone().unwrap();
    assert_eq!((joined.generation, joined.members.len()), (1, 0));
    assert_eq!(scene.group.state(), GroupState::Stable);
}

#[test]
fn a_leader_that_joins_again_wants_a_rebalance() {
    let mut scene = Scene::stable(&["a", "b"]);
    let (_, effects) = scene.join(join("a-u", "a"));
    assert_eq!(effects.joined, []);
    assert_eq!(scene.group.state(), GroupState::PreparingRebalance);
}

#[test]
fn a_member_that_falls_silent_is_removed_and_the_others_rebalance() {
    let mut scene = Scene::stable(&["a", "b"]);
    scene.pass(SESSION / 2);
    scene.heartbeat("a-u", 1).unwrap();
    scene.pass(SESSION / 2);
    assert_eq!(scene.heartbeat("b-u", 1), Err(GroupError::UnknownMemberId));
    assert_eq!(scene.heartbeat("a-u", 1), Err(GroupError::RebalanceInProgress));
    let (_, effects) = scene.join(join("a-u", "a"));
    assert_eq!(effects.joined[0].1.clone().unwrap().generation, 2);
}

#[test]
fn the_last_member_that_falls_silent_leaves_an_empty_group() {
    let mut scene = Scene::stable(&["a"]);
    let effects = scene.pass(SESSION);
    assert!(effects.store);
    assert_eq!((scene.group.state(), scene.group.record().members.len()), (GroupState::Empty, 0));
    assert_eq!(scene.group.next_deadline(), None);
}

#[test]
fn who_does_not_join_again_within_the_rebalance_timeout_is_out() {
    let mut scene = Scene::stable(&["a", "b"]);
    scene.join(Join { session_timeout: REBALANCE * 2, ..join("a-u", "a") });
    for _ in 0..9 {
        scene.pass(REBALANCE / 10);
        assert_eq!(scene.heartbeat("b-u", 1), Err(GroupError::RebalanceInProgress), "it lives");
    }
    let effects = scene.pass(REBALANCE / 10);
    assert_eq!(effects.joined.len(), 1);
    assert_eq!(scene.heartbeat("b-u", 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn who_does_not_synchronize_within_the_rebalance_timeout_is_out() {
    let mut scene = Scene::stable(&["a", "b"]);
    scene.join(join("a-u", "a"));
    scene.join(join("b-u", "b"));
    scene.sync("a-u", 2, &[("a-u", "x"), ("b-u", "y")]);
    for _ in 0..9 {
        scene.pass(Duration::from_secs(29));
        for member in ["a-u", "b-u"] {
            scene.heartbeat(member, 2).unwrap();
        }
    }
    scene.pass(Duration::from_secs(40));
    assert_eq!(scene.heartbeat("a-u", 2), Err(GroupError::RebalanceInProgress));
    assert_eq!(scene.heartbeat("b-u", 2), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_leader_that_never_brings_an_assignment_is_out_and_another_leads() {
    let mut scene = Scene::stable(&["a", "b"]);
    scene.join(join("a-u", "a"));
    scene.join(join("b-u", "b"));
    scene.sync("b-u", 2, &[]);
    for _ in 0..20 {
        scene.pass(REBALANCE / 20);
        let _ = scene.heartbeat("a-u", 2);
    }
    assert_eq!(scene.group.state(), GroupState::PreparingRebalance);
    let (_, effects) = scene.join(join("b-u", "b"));
    assert_eq!(&*effects.joined[0].1.clone().unwrap().leader, "b-u");
}

#[test]
fn a_new_member_whose_client_is_gone_does_not_wait_for_ever() {
    let mut scene = Scene::new();
    scene.limits.initial_rebalance_delay = Duration::from_mins(20);
    scene.join(Join { rebalance_timeout: Duration::from_mins(20), ..join("", "a") });
    let effects = scene.pass(Duration::from_mins(5));
    assert_eq!(refusal(&effects.joined), GroupError::UnknownMemberId);
}

#[test]
fn a_leaving_member_makes_the_others_rebalance() {
    let mut scene = Scene::stable(&["a", "b"]);
    let leaver = Leaver { member: "a-u".into(), instance: None };
    let (left, effects) = scene.group.leave(&[leaver], &scene.limits, scene.now);
    assert_eq!((left, effects.joined), (vec![Ok(())], vec![]));
    let (_, effects) = scene.join(join("b-u", "b"));
    let joined = effects.joined[0].1.clone().unwrap();
    assert_eq!((joined.generation, &*joined.leader, joined.members.len()), (2, "b-u", 1));
}

#[test]
fn the_protocol_that_most_members_like_best_is_chosen_of_those_that_all_know() {
    let mut scene = Scene::new();
    scene.limits.initial_rebalance_delay = Duration::from_secs(3);
    let with = |client: &str, names: &[&str]| Join {
        protocols: names.iter().map(|name| protocol(name, "t")).collect(),
        ..join("", client)
    };
    scene.join(with("a", &["only-a", "sticky", "range"]));
    scene.join(with("b", &["range", "sticky"]));
    scene.join(with("c", &["sticky", "range", "only-c"]));
    let joined = scene.pass(Duration::from_secs(10)).joined;
    assert_eq!(&*joined[0].1.clone().unwrap().protocol_name, "sticky");
}

#[test]
fn a_static_member_comes_back_under_a_new_id_without_a_rebalance() {
    let mut scene = Scene::new();
    scene.join(static_join("one", "u1"));
    scene.sync("one-u1", 1, &[("one-u1", "share")]);
    let (_, effects) = scene.join(static_join("one", "u2"));
    assert!(effects.store, "the new id outlives a restart of the coordinator");
    let joined = effects.joined[0].1.clone().unwrap();
    assert_eq!((joined.generation, &*joined.member, &*joined.leader), (1, "one-u2", "one-u2"));
    assert!(joined.skip_assignment && joined.members.len() == 1);
    let synced = scene.sync("one-u2", 1, &[]).synced;
    assert_eq!(synced[0].1.clone().unwrap().assignment, "share");
}

#[test]
fn an_older_client_that_comes_back_as_static_leader_is_not_made_to_assign() {
    let mut scene = Scene::new();
    scene.join(static_join("one", "u1"));
    scene.sync("one-u1", 1, &[("one-u1", "share")]);
    let (_, effects) = scene.join(Join { skips_assignment: false, ..static_join("one", "u2") });
    let joined = effects.joined[0].1.clone().unwrap();
    assert_eq!(
        (&*joined.leader, joined.members.len(), joined.skip_assignment),
        ("one-u1", 0, false)
    );
}

#[test]
fn the_old_id_of_a_static_member_is_a_fenced_instance_id() {
    let mut scene = Scene::new();
    scene.join(static_join("one", "u1"));
    scene.sync("one-u1", 1, &[("one-u1", "share")]);
    scene.join(static_join("one", "u2"));
    let old = MemberRef { member: "one-u1", instance: Some("one"), generation: 1 };
    assert_eq!(scene.group.heartbeat(old, scene.now), Err(GroupError::FencedInstanceId));
    let by = Committer { from: old, transactional: false, knows_member_epochs: true };
    assert_eq!(scene.group.check_commit(by, scene.now), Err(GroupError::FencedInstanceId));
    let leaver = Leaver { member: "one-u1".into(), instance: Some("one".into()) };
    let (left, _) = scene.group.leave(&[leaver], &scene.limits, scene.now);
    assert_eq!(left, [Err(GroupError::FencedInstanceId)]);
    let stale = Join { member: "one-u1".into(), ..static_join("one", "u3") };
    assert_eq!(refusal(&scene.join(stale).1.joined), GroupError::FencedInstanceId);
}

#[test]
fn requests_of_a_static_member_that_wait_learn_that_it_was_replaced() {
    let mut scene = Scene::stable(&["a"]);
    scene.join(static_join("one", "u1"));
    let (_, effects) = scene.join(static_join("one", "u2"));
    assert_eq!(effects.joined[0].1, Err(GroupError::FencedInstanceId));
}

#[test]
fn an_operator_removes_a_static_member_by_its_instance() {
    let mut scene = Scene::new();
    scene.join(static_join("one", "u1"));
    scene.sync("one-u1", 1, &[("one-u1", "share")]);
    let leaver = |instance: &str| Leaver { member: "".into(), instance: Some(instance.into()) };
    let (left, effects) =
        scene.group.leave(&[leaver("one"), leaver("two")], &scene.limits, scene.now);
    assert_eq!(left, [Ok(()), Err(GroupError::UnknownMemberId)]);
    assert!(effects.store && scene.group.is_empty());
}

#[test]
fn static_members_that_are_away_stay_until_their_session_ends() {
    let mut scene = Scene::new();
    scene.limits.initial_rebalance_delay = Duration::from_secs(3);
    for (instance, session) in [("one", 60), ("two", 600)] {
        let session_timeout = Duration::from_secs(session);
        let rebalance_timeout = Duration::from_secs(30);
        scene.join(Join { session_timeout, rebalance_timeout, ..static_join(instance, "u") });
    }
    scene.pass(Duration::from_secs(10));
    scene.sync("one-u", 1, &[]);
    scene.sync("two-u", 1, &[]);
    scene.join(Join { rebalance_timeout: Duration::from_secs(30), ..join("", "c") });
    let joined = scene.pass(Duration::from_secs(30)).joined;
    assert_eq!(joined.len(), 1);
    assert_eq!(joined[0].1.clone().unwrap().members.len(), 3, "it leads, and assigns to them too");
}

#[test]
fn commits_of_no_member_are_for_empty_groups() {
    let mut scene = Scene::new();
    assert_eq!(scene.commit("", -1), Ok(()));
    let mut scene = Scene::stable(&["a"]);
    assert_eq!(scene.commit("", -1), Err(GroupError::UnknownMemberId));
    scene.pass(SESSION);
    assert_eq!(scene.commit("", -1), Ok(()));
    assert_eq!(scene.commit("a-u", 1), Err(GroupError::UnknownMemberId), "a zombie's commit");
}

#[test]
fn a_commit_of_a_generation_for_a_group_that_never_had_one_is_of_no_member() {
    assert_eq!(Scene::new().commit("a-u", 1), Err(GroupError::UnknownMemberId));
}

#[test]
fn a_commit_keeps_a_member_alive() {
    let mut scene = Scene::stable(&["a"]);
    for _ in 0..4 {
        scene.pass(SESSION / 2);
        scene.commit("a-u", 1).unwrap();
    }
    assert_eq!(scene.heartbeat("a-u", 1), Ok(()));
}

#[test]
fn a_group_with_members_is_a_non_empty_group() {
    let mut scene = Scene::stable(&["a"]);
    assert_eq!(scene.group.check_delete(), Err(GroupError::NonEmptyGroup));
    assert_eq!(scene.group.check_offset_delete(), Ok(()), "of topics that it does not read");
    assert!(scene.group.is_subscribed_to("t") && !scene.group.is_subscribed_to("other"));
    scene.pass(SESSION);
    assert_eq!(scene.group.check_delete(), Ok(()));
    let mut connect = Scene::new();
    connect.join(Join { protocol_type: "connect".into(), ..join("", "worker") });
    assert_eq!(connect.group.check_offset_delete(), Err(GroupError::NonEmptyGroup));
}

#[test]
fn offsets_lie_in_chunks_of_neighbouring_partitions() {
    let topic = TopicId::from_bytes([1; 16]);
    let mut offsets = Offsets::default();
    for partition in [0, 63, 64, 200] {
        let offset = CommittedOffset {
            offset: Offset::new(u64::from(partition)).unwrap(),
            leader_epoch: None,
            metadata: "".into(),
            committed_unix_ms: 5,
            expires_unix_ms: None,
        };
        offsets.set(topic, partition, offset);
    }
    let chunks: Vec<u32> = offsets.chunks().iter().map(|chunk| chunk.number).collect();
    assert_eq!(chunks, [0, 1, 3]);
    let mut loaded = Offsets::default();
    for chunk in offsets.chunks() {
        loaded.load(topic, offsets.chunk_record(chunk).unwrap().offsets);
    }
    assert_eq!(loaded, offsets);
    assert!(offsets.remove(topic, 200) && !offsets.remove(topic, 200));
    assert_eq!(offsets.chunk_record(Chunk { topic, number: 3 }), None);
}

#[test]
fn a_group_that_is_loaded_goes_on_where_it_was_stored() {
    let mut scene = Scene::stable(&["a", "b"]);
    let stored = scene.group.record();
    scene.group = ClassicGroup::from_record("g".into(), stored.clone(), scene.now);
    assert_eq!(scene.group.record(), stored);
    assert_eq!(scene.heartbeat("b-u", 1), Ok(()));
    let synced = scene.sync("a-u", 1, &[]).synced;
    assert_eq!(synced[0].1.clone().unwrap().assignment, "share");
    scene.pass(SESSION);
    assert!(scene.group.is_empty(), "sessions began anew, and ended");
}

impl Scene {
    fn commit(&mut self, member: &str, generation: i32) -> Result<(), GroupError> {
        let from = MemberRef { member, instance: None, generation };
        self.group.check_commit(
            Committer { from, transactional: false, knows_member_epochs: true },
            self.now,
        )
    }
}

#[test]
fn members_without_any_rebalance_timeout_stop_nobody() {
    let mut scene = Scene::new();
    for unique in ["u1", "u2"] {
        let join = static_join(unique, unique);
        scene.join(Join { rebalance_timeout: Duration::ZERO, ..join });
    }
    let deadlines = scene.pass(SESSION * 3);
    assert!(scene.group.is_empty(), "{deadlines:?}");
}
