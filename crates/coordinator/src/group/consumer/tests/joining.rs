//! Joining, leaving, fencing, static members, expressions.

use super::*;

#[test]
fn the_first_member_gets_everything_at_once() {
    let mut scene = Scene::new(&[("t", 3)]);
    let answer = scene.beat(first("a", &["t"])).unwrap();
    assert_eq!((answer.epoch, answer.interval), (1, Duration::from_secs(5)));
    assert_eq!(answer.assignment, Some(share(&[("t", 0), ("t", 1), ("t", 2)])));
    assert_eq!(scene.state(), GroupState::Stable);
    let again = scene.beat(next("a", 1)).unwrap();
    assert_eq!((again.epoch, again.assignment), (1, None), "nothing is new");
}

#[test]
fn a_full_heartbeat_is_answered_in_full() {
    let mut scene = Scene::new(&[("t", 1)]);
    let all = share(&[("t", 0)]);
    scene.beat(first("a", &["t"])).unwrap();
    let full = ConsumerHeartbeat { epoch: 1, owned: Some(all.clone()), ..first("a", &["t"]) };
    assert_eq!(scene.beat(full).unwrap().assignment, Some(all));
}

#[test]
fn only_who_joins_makes_a_group_or_a_member() {
    let mut scene = Scene::new(&[("t", 1)]);
    assert_eq!(scene.beat(next("a", 1)), Err(GroupError::GroupIdNotFound));
    scene.beat(first("a", &["t"])).unwrap();
    assert_eq!(scene.beat(next("b", 1)), Err(GroupError::UnknownMemberId));
    assert_eq!(scene.leave("b"), Err(GroupError::UnknownMemberId));
}

#[test]
fn an_epoch_that_is_not_the_members_is_fenced() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.beat(first("a", &["t"])).unwrap();
    assert_eq!(scene.beat(next("a", 2)), Err(GroupError::FencedMemberEpoch));
    scene.change_topic("t", 3);
    assert_eq!(scene.beat(next("a", 1)).unwrap().epoch, 2);
    // Its answer was lost: it still is in the epoch before, and holds nothing that it should not.
    let late = scene.report("a", 1, &share(&[("t", 0)])).unwrap();
    assert_eq!(late.epoch, 2);
    assert_eq!(scene.beat(next("a", 1)), Err(GroupError::FencedMemberEpoch));
    let wrong = share(&[("u", 0)]);
    assert_eq!(scene.report("a", 1, &wrong), Err(GroupError::FencedMemberEpoch));
}

#[test]
fn a_member_may_always_join_again_under_its_id() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.beat(first("a", &["t"])).unwrap();
    scene.change_topic("t", 3);
    scene.beat(next("a", 1)).unwrap();
    let again = scene.beat(first("a", &["t"])).unwrap();
    assert_eq!((again.epoch, again.assignment.unwrap().len()), (2, 3));
}

#[test]
fn a_silent_member_is_out_after_its_session() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.beat(first("a", &["t"])).unwrap();
    scene.beat(first("b", &["t"])).unwrap();
    scene.pass(Duration::from_secs(44));
    scene.beat(next("a", 1)).unwrap();
    scene.pass(Duration::from_secs(1));
    assert_eq!(scene.describe().members.len(), 1);
    assert_eq!(scene.beat(next("b", 2)), Err(GroupError::UnknownMemberId));
    assert_eq!(scene.state(), GroupState::Assigning, "its share is given away with the next event");
    scene.pass(SESSION);
    assert_eq!(scene.state(), GroupState::Empty);
}

#[test]
fn a_group_is_full_at_its_limit_for_newcomers_only() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.limits.consumer.max_size = 1;
    scene.beat(first("a", &["t"])).unwrap();
    assert_eq!(scene.beat(first("b", &["t"])), Err(GroupError::GroupMaxSizeReached));
    assert!(scene.beat(next("a", 1)).is_ok());
}

#[test]
fn an_assignor_that_the_broker_does_not_offer_is_refused() {
    let mut scene = Scene::new(&[("t", 2)]);
    scene.limits.consumer.assignors = vec![Assignor::Range];
    let wants = ConsumerHeartbeat { assignor: Some(Assignor::Uniform), ..first("a", &["t"]) };
    assert_eq!(scene.beat(wants), Err(GroupError::UnsupportedAssignor));
    assert!(scene.group.is_empty(), "and it is not in");
}

#[test]
fn the_assignor_that_most_members_want_assigns() {
    let mut scene = Scene::new(&[("t", 2)]);
    for member in ["a", "b"] {
        let wants = ConsumerHeartbeat { assignor: Some(Assignor::Range), ..first(member, &["t"]) };
        scene.beat(wants).unwrap();
    }
    scene.beat(first("c", &["t"])).unwrap();
    assert_eq!(scene.describe().assignor, "range");
}

fn of_instance(beat: ConsumerHeartbeat) -> ConsumerHeartbeat {
    ConsumerHeartbeat { instance: Some("i".into()), ..beat }
}

fn goes_for_a_while(scene: &mut Scene, member: &str) -> Result<ConsumerAnswer, GroupError> {
    let leave =
        ConsumerLeave { member: member.into(), instance: Some("i".into()), for_a_while: true };
    scene.event(|group, view| group.consumer_leave(&leave, view))
}

#[test]
fn a_static_member_that_comes_back_has_what_it_had_and_nobody_else_notices() {
    let mut scene = Scene::new(&[("t", 4)]);
    scene.beat(of_instance(first("a", &["t"]))).unwrap();
    scene.beat(first("b", &["t"])).unwrap();
    let kept = share(&[("t", 0), ("t", 1)]);
    scene.beat(of_instance(next("a", 1))).unwrap();
    let given_up = ConsumerHeartbeat { owned: Some(kept.clone()), ..of_instance(next("a", 1)) };
    assert_eq!(scene.beat(given_up).unwrap().epoch, 2);
    assert_eq!(goes_for_a_while(&mut scene, "a").unwrap().epoch, -2);
    let epoch = scene.describe().epoch;
    let back = scene.beat(of_instance(first("c", &["t"]))).unwrap();
    assert_eq!((back.epoch, back.assignment), (2, Some(kept)));
    assert_eq!(scene.describe().epoch, epoch, "no rebalance");
    assert_eq!(scene.beat(of_instance(next("a", 2))), Err(GroupError::FencedInstanceId));
}

#[test]
fn an_instance_that_was_not_released_is_not_taken_over() {
    let mut scene = Scene::new(&[("t", 4)]);
    scene.beat(of_instance(first("a", &["t"]))).unwrap();
    let other = scene.beat(of_instance(first("b", &["t"])));
    assert_eq!(other, Err(GroupError::UnreleasedInstanceId));
    assert_eq!(scene.beat(of_instance(next("b", 1))), Err(GroupError::FencedInstanceId));
    assert_eq!(goes_for_a_while(&mut scene, "b"), Err(GroupError::FencedInstanceId));
}

#[test]
fn a_static_member_that_stays_away_is_out_after_its_session() {
    let mut scene = Scene::new(&[("t", 4)]);
    scene.beat(of_instance(first("a", &["t"]))).unwrap();
    goes_for_a_while(&mut scene, "a").unwrap();
    assert_eq!(scene.describe().members[0].epoch, -2);
    assert_eq!(scene.beat(of_instance(next("a", 1))), Err(GroupError::FencedMemberEpoch));
    scene.pass(SESSION);
    assert_eq!(scene.state(), GroupState::Empty);
}

#[test]
fn an_operator_removes_a_static_member_by_its_instance() {
    let mut scene = Scene::new(&[("t", 4)]);
    scene.beat(of_instance(first("a", &["t"]))).unwrap();
    let leavers = [
        Leaver { member: MemberId::default(), instance: Some("i".into()) },
        Leaver { member: "b".into(), instance: None },
    ];
    let results = scene.event(|group, view| group.leave(&leavers, view));
    assert_eq!(results, [Ok(()), Err(GroupError::UnknownMemberId)]);
    assert!(scene.group.is_empty());
}

fn by_expression(member: &str, regex: &str) -> ConsumerHeartbeat {
    ConsumerHeartbeat { names: None, regex: Some(regex.into()), ..first(member, &[]) }
}

#[test]
fn an_expression_reads_topics_that_come_and_not_those_that_go() {
    let mut scene = Scene::new(&[("a-orders", 1), ("b-orders", 1), ("c-other", 1)]);
    let answer = scene.beat(by_expression("m", ".*-orders")).unwrap();
    assert_eq!(answer.assignment, Some(share(&[("a", 0), ("b", 0)])));
    scene.change_topic("d-orders", 2);
    scene.delete_topic("a-orders");
    scene.now.time += Duration::from_secs(10);
    let answer = scene.report("m", 1, &share(&[("b", 0)])).unwrap();
    assert_eq!(answer.assignment, Some(share(&[("b", 0), ("d", 0), ("d", 1)])));
}

#[test]
fn what_is_no_expression_is_refused_and_changes_nothing() {
    let mut scene = Scene::new(&[("t", 1)]);
    let wrong = scene.beat(by_expression("m", "("));
    assert!(matches!(wrong, Err(GroupError::InvalidRegularExpression(_))));
    assert!(scene.group.is_empty());
    scene.beat(first("m", &["t"])).unwrap();
    let wrong = scene.beat(ConsumerHeartbeat { regex: Some("[".into()), ..next("m", 1) });
    assert!(matches!(wrong, Err(GroupError::InvalidRegularExpression(_))));
    assert_eq!(scene.describe().epoch, 1);
}

#[test]
fn a_topic_that_is_read_keeps_its_offsets() {
    let mut scene = Scene::new(&[("t", 1), ("u", 1)]);
    scene.beat(by_expression("m", "t")).unwrap();
    scene.beat(first("n", &["v"])).unwrap();
    let read = |name: &str| scene.group.is_subscribed_to(name, topic(name));
    assert!(read("t") && read("v") && !read("u"));
    assert_eq!(scene.group.check_delete(), Err(GroupError::NonEmptyGroup));
    assert_eq!(scene.group.check_offset_delete(), Ok(()));
}

#[test]
fn commits_and_reads_need_the_members_epoch() {
    let mut scene = Scene::new(&[("t", 1)]);
    scene.beat(first("m", &["t"])).unwrap();
    let now = scene.now;
    let mut commit = |member: &str, generation: i32, knows_member_epochs: bool| {
        let from = MemberRef { member, instance: None, generation };
        let by = crate::group::Committer { from, transactional: false, knows_member_epochs };
        scene.group.check_commit(by, now)
    };
    assert_eq!(commit("m", 1, true), Ok(()));
    assert_eq!(commit("m", 1, false), Err(GroupError::UnsupportedVersion));
    assert_eq!(commit("m", 2, true), Err(GroupError::StaleMemberEpoch));
    assert_eq!(commit("n", 1, true), Err(GroupError::UnknownMemberId));
    assert_eq!(commit("", -1, true), Err(GroupError::UnknownMemberId));
    let from = MemberRef { member: "m", instance: None, generation: 2 };
    let by = crate::group::Committer { from, transactional: true, knows_member_epochs: false };
    assert_eq!(scene.group.check_commit(by, now), Err(GroupError::IllegalGeneration));
    assert_eq!(scene.group.check_fetch(None, -1), Ok(()));
    assert_eq!(scene.group.check_fetch(Some("m"), 1), Ok(()));
    assert_eq!(scene.group.check_fetch(Some("m"), 0), Err(GroupError::StaleMemberEpoch));
    assert_eq!(scene.group.check_fetch(Some("n"), 1), Err(GroupError::UnknownMemberId));
}
